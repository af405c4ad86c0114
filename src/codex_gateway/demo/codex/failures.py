"""What Codex says when its model fails: the words, the kind of failure it records, and whether it tries again.

Observed on 0.169 and, where it differs, 0.140, with one retry of a request and one of a stream.
"""

from __future__ import annotations

from codex_gateway.demo.script import Refusal


class Failed(Exception):
    """A reply that did not come: what Codex says about it, and its ``codex_error_info``."""

    def __init__(self, message: str, info: object, *, retried: bool = True) -> None:
        super().__init__(message)
        self.message = message
        self.info = info
        self.retried = retried
        #: Codex writes a token_count before the end of the turn, with the rate limits or the full window in it.
        self.counted = False


def broken_off() -> Failed:
    return Failed("stream disconnected before completion: stream closed before response.completed", "other")


def refused(refusal: Refusal, *, modern: bool, again: str = "later") -> Failed:
    """How Codex tells of an HTTP error; `again` is when it may be tried again."""
    apostrophe = "\N{RIGHT SINGLE QUOTATION MARK}" if modern else "'"
    match refusal.status, refusal.kind:
        case _, "usage_limit_reached":
            words = f"You{apostrophe}ve hit your usage limit. Try again {again}."
            failed = Failed(words, "usage_limit_exceeded", retried=False)
            failed.counted = True
            return failed
        case _, "insufficient_quota" if modern:
            return Failed("Quota exceeded. Check your plan and billing details.", "usage_limit_exceeded", retried=False)
        case _, "context_length_exceeded" if modern:
            failed = Failed(_NO_ROOM, "context_window_exceeded", retried=False)
            failed.counted = True
            return failed
        case 400, _:
            return Failed(refusal.body, "other", retried=False)
        case 429, _:
            info = {"response_too_many_failed_attempts": {"http_status_code": 429}}
            return Failed("exceeded retry limit, last status: 429 Too Many Requests", info, retried=False)
        case 500, _:
            words = f"We{apostrophe}re currently experiencing high demand, which may cause temporary errors."
            return Failed(words, "internal_server_error")
        case status, _:
            reason = f"{status} {_REASONS.get(status, '')}".strip()
            words = f"unexpected status {reason}: The scripted model answers {status}., url: {_URL}"
            return Failed(words, {"http_connection_failed": {"http_status_code": status}})


_NO_ROOM = (
    "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying."
)
_URL = "http://127.0.0.1/v1/responses"
_REASONS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
