"""Why a turn failed, told from what Codex left behind; pure."""

from __future__ import annotations

import re
import signal

from codex_gateway.codex.reading.json_events import plain
from codex_gateway.codex.reading.rollout import TurnError
from codex_gateway.core.outcome import Failed, FailureKind

#: Longer explanations are cut in the middle.
_LONGEST = 1_000

_BY_STATUS = {
    400: FailureKind.REFUSED,
    401: FailureKind.UNAUTHORIZED,
    402: FailureKind.QUOTA,
    403: FailureKind.FORBIDDEN,
    404: FailureKind.REFUSED,
    413: FailureKind.REFUSED,
    422: FailureKind.REFUSED,
    429: FailureKind.RATE_LIMITED,
}
#: Codex's words for a kind of error (`codex_error_info`, 0.145 to 0.169) that say enough by themselves.
_INFO = {
    "usage_limit_exceeded": FailureKind.QUOTA,
    "context_window_exceeded": FailureKind.CONTEXT_FULL,
    "rate_limit_exceeded": FailureKind.RATE_LIMITED,
    "unauthorized": FailureKind.UNAUTHORIZED,
    "internal_server_error": FailureKind.MODEL_ERROR,
    "server_overloaded": FailureKind.MODEL_ERROR,
}
#: What is said where the word does not tell, the surest signs first.
_SIGNS: tuple[tuple[FailureKind, str], ...] = (
    (FailureKind.SESSION_BUSY, r"already has an active writer"),
    (FailureKind.GIT_CHECK, r"not inside a trusted directory|skip-git-repo-check was not specified"),
    (
        FailureKind.UNKNOWN_SESSION,
        r"no (rollout|session|conversation|thread)s? found|(session|thread) .*(not found|archived)",
    ),
    (FailureKind.MISSING_VARIABLE, r"missing environment variable"),
    (
        FailureKind.CODEX_CONFIG,
        r"error loading config|invalid configuration|error finding codex home|^error: model provider .* not found|"
        r"config profile .* not found",
    ),
    (FailureKind.USAGE, r"^error: (unexpected argument|unrecognized subcommand|invalid value)|^usage: "),
    (FailureKind.CONTEXT_FULL, r"context[ _]?(window|length)|ran out of room"),
    (
        FailureKind.QUOTA,
        r"usage[ _]limit|quota|insufficient.?(funds|credit)|billing|out of credits|to use codex with your chatgpt plan",
    ),
    (
        FailureKind.UNAUTHORIZED,
        r"unauthori[sz]ed|api key|not logged in|log ?in again|sign in again|refresh token|token_expired",
    ),
    (FailureKind.RATE_LIMITED, r"rate[ _]limit|too many requests"),
    (FailureKind.MODEL_ERROR, r"high demand|overloaded|capacity|internal server error|response\.failed"),
    (
        FailureKind.REFUSED,
        r"invalid_request_error|model[_ ]not[_ ]found|model .*(not exist|not supported|not available)",
    ),
    (
        FailureKind.NETWORK,
        r"stream (disconnected|closed)|error sending request|connection (refused|reset|failed|closed)|dns|timed? ?out|"
        r"network|reconnecting|idle timeout|lookup address",
    ),
)
#: Told by words whatever the status is: a 429 may mean an allowance, a 400 a full window.
_SURE = frozenset({FailureKind.CONTEXT_FULL, FailureKind.QUOTA})
_COMPILED = tuple((kind, re.compile(signs, re.IGNORECASE | re.MULTILINE)) for kind, signs in _SIGNS)
_STATUS = re.compile(r"\bstatus:? ([45]\d\d)\b")
_NOT_OURS = re.compile(
    r"^(Reading (additional input|prompt) from stdin\.\.\.|Warning: no last agent message.*)\s*$", re.M
)
#: 0.140 and 0.169 print one behind errors that they did not expect.
_BACKTRACE = re.compile(r"\n\s*Stack backtrace:.*", re.S)
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def failed_turn(error: TurnError) -> Failed:
    """A turn that Codex itself has called a failure."""
    message = plain(error.message)
    kind = _INFO.get(error.info or "") or _kind_of(error.message)
    if kind is FailureKind.OTHER and message != error.message:
        kind = FailureKind.REFUSED  # Codex shows the body of an answer only when it is a 400
    if kind is FailureKind.OTHER and error.info in ("http_connection_failed", "response_stream_disconnected"):
        kind = FailureKind.NETWORK
    if kind is FailureKind.OTHER and error.info == "response_too_many_failed_attempts":
        kind = FailureKind.MODEL_ERROR
    return Failed(kind, _trimmed(message) or "Codex failed and did not say why.")


def failed_process(
    status: int | None, *, stderr: str, last_error: str | None, had_oom_kill: bool | None = None
) -> Failed:
    """A process that went away without telling how the turn ended.

    `status` is its exit code, negative for a signal, None when nobody can know it any more. `last_error` is the last
    error that it told on standard output. `had_oom_kill`: whether the kernel has killed for want of memory meanwhile,
    None if it does not tell.
    """
    words = _trimmed("\n".join(part for part in (last_error or "", _of_interest(stderr)) if part))
    if had_oom_kill and status in (None, -signal.SIGKILL):
        return Failed(FailureKind.OUT_OF_MEMORY, _killed(signal.SIGKILL, words, True))
    if status is not None and status < 0:
        return Failed(FailureKind.KILLED, _killed(-status, words, had_oom_kill))
    kind = _kind_of(words)
    if status == 2 and kind is FailureKind.OTHER:
        kind = FailureKind.USAGE
    if status is None and not words:
        return Failed(FailureKind.LOST, "Codex is gone, and nothing tells how the turn ended.")
    code = "" if status is None else f" with exit code {status}"
    return Failed(kind, words or f"Codex ended{code} and did not say why.")


def _kind_of(message: str) -> FailureKind:
    by_words = next((kind for kind, signs in _COMPILED if signs.search(message)), FailureKind.OTHER)
    if by_words in _SURE or (status := _STATUS.search(message)) is None:
        return by_words
    return _BY_STATUS.get(int(status[1]), FailureKind.MODEL_ERROR)


def _killed(number: int, words: str, had_oom_kill: bool | None) -> str:
    if number == signal.SIGKILL and had_oom_kill:
        return "The system killed Codex because memory was full (SIGKILL)." + (f"\n{words}" if words else "")
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    hint = ", perhaps because memory was full" if number == signal.SIGKILL and had_oom_kill is None else ""
    return f"Codex was ended from outside ({name}){hint}." + (f"\n{words}" if words else "")


def _of_interest(stderr: str) -> str:
    """What standard error says, without colours and what Codex says every time; its end, if it is long."""
    text = _BACKTRACE.sub("", _NOT_OURS.sub("", _COLOURS.sub("", stderr))).strip()
    return text[-_LONGEST:]


def _trimmed(text: str) -> str:
    text = text.strip()
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half].rstrip()} … {text[-half:].lstrip()}"
