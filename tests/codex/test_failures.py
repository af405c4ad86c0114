"""Why a turn failed, by what Codex says."""

from __future__ import annotations

import pytest

from codex_gateway.codex.reading.failures import failed_process, failed_turn
from codex_gateway.codex.reading.rollout import TurnError
from codex_gateway.core.outcome import FailureKind

K = FailureKind


@pytest.mark.parametrize(
    ("message", "info", "kind"),
    [
        ("You've hit your usage limit. Try again at 3 PM.", "usage_limit_exceeded", K.QUOTA),
        ("You've hit your usage limit. Upgrade to Pro.", None, K.QUOTA),
        ("Quota exceeded. Check your plan and billing details.", None, K.QUOTA),
        ("exceeded retry limit, last status: 429 Too Many Requests", "response_too_many_failed_attempts",
         K.RATE_LIMITED),
        ("Rate limit reached for gpt-5.5", "rate_limit_exceeded", K.RATE_LIMITED),
        ("Codex ran out of room in the model's context window.", "context_window_exceeded", K.CONTEXT_FULL),
        ("Your input exceeds the context window of this model.", None, K.CONTEXT_FULL),
        ("unexpected status 401 Unauthorized: , url: http://127.0.0.1/v1/responses", "other", K.UNAUTHORIZED),
        ("Your access token could not be refreshed. Please log in again.", None, K.UNAUTHORIZED),
        ("unexpected status 404 Not Found: The model does not exist.", "other", K.REFUSED),
        ("We're currently experiencing high demand.", "internal_server_error", K.MODEL_ERROR),
        ("Selected model is at capacity. Please try a different model.", None, K.MODEL_ERROR),
        ("stream disconnected before completion: stream closed before response.completed", "other", K.NETWORK),
        ("error sending request for url (http://127.0.0.1:1/v1/responses)", "http_connection_failed", K.NETWORK),
        ("Connection failed: error sending request", "http_connection_failed", K.NETWORK),
        ("Something else.", "http_connection_failed", K.NETWORK),
        ("unexpected status 403 Forbidden: , url: http://127.0.0.1/v1", "http_connection_failed", K.FORBIDDEN),
        ("unexpected status 402 Payment Required: deactivated_workspace", "http_connection_failed", K.QUOTA),
        ("unexpected status 413 Payload Too Large: , url: http://127.0.0.1/v1", None, K.REFUSED),
        ("unexpected status 503 Service Unavailable: connection refused", None, K.MODEL_ERROR),
        ("Your workspace is out of credits. Ask your workspace owner to refill.", None, K.QUOTA),
        ("To use Codex with your ChatGPT plan, upgrade to Plus: https://x.", None, K.QUOTA),
        ("Missing environment variable: `MY_KEY`.", "other", K.MISSING_VARIABLE),
        ("stream disconnected before completion: failed to lookup address information", None, K.NETWORK),
        ("Something else.", "response_too_many_failed_attempts", K.MODEL_ERROR),
        ("Something else.", None, K.OTHER),
        ('{"error": {"message": 7}}', None, K.OTHER),
        ("", None, K.OTHER),
    ],
)  # fmt: skip
def test_a_failed_turn_has_a_kind(message: str, info: str | None, kind: FailureKind) -> None:
    failed = failed_turn(TurnError(message, info))
    assert failed.kind is kind
    assert failed.message == (message or "Codex failed and did not say why.")


@pytest.mark.parametrize(
    ("body", "message", "kind"),
    [
        ('{"error": {"type": "invalid_request_error", "message": "The model does not exist."}}',
         "The model does not exist.", K.REFUSED),
        ('{"error": {"message": "Unknown parameter."}}', "Unknown parameter.", K.REFUSED),
        ('{"error": {"code": "context_length_exceeded", "message": "Too long."}}', "Too long.", K.CONTEXT_FULL),
        ('{"detail": "\'gpt-9\' is not supported with this account."}', "'gpt-9' is not supported with this account.",
         K.REFUSED),
    ],
)  # fmt: skip
def test_the_body_of_an_answer_is_unwrapped_once_it_has_told_its_kind(
    body: str, message: str, kind: FailureKind
) -> None:
    failed = failed_turn(TurnError(body, "other"))
    assert (failed.message, failed.kind) == (message, kind)


BUSY = "Error: thread/resume: thread/resume failed: thread 01a already has an active writer (code -32600)"
UNKNOWN = "Error: thread/resume: thread/resume failed: no rollout found for thread id 01a (code -32600)"
CONFIG = "Error loading config.toml: TOML parse error at line 1, column 5"


@pytest.mark.parametrize(
    ("status", "stderr", "kind"),
    [
        (1, BUSY, K.SESSION_BUSY),
        (1, UNKNOWN, K.UNKNOWN_SESSION),
        (1, "Not inside a trusted directory and --skip-git-repo-check was not specified.", K.GIT_CHECK),
        (1, CONFIG, K.CODEX_CONFIG),
        (1, "Error: Model provider `nowhere` not found\n\nStack backtrace:\n   0: <unknown>", K.CODEX_CONFIG),
        (1, 'Error finding codex home: CODEX_HOME points to "/nowhere", but that path does not exist', K.CODEX_CONFIG),
        (2, "error: unexpected argument '-o' found\n\nUsage: codex exec [OPTIONS]", K.USAGE),
        (2, "error: unexpected argument '--full-auto' found\n\nUsage: codex exec", K.USAGE),
        (2, "something", K.USAGE),
        (1, "No prompt provided via stdin.", K.OTHER),
        (101, "thread 'main' panicked at cli/src/main.rs", K.OTHER),
        (-9, "", K.KILLED),
        (-2, "", K.KILLED),
        (-64, "", K.KILLED),
        (None, BUSY, K.SESSION_BUSY),
        (None, "", K.LOST),
        (1, "", K.OTHER),
    ],
)
def test_a_process_that_failed_has_a_kind(status: int | None, stderr: str, kind: FailureKind) -> None:
    failed = failed_process(status, stderr=stderr, last_error=None)
    assert failed.kind is kind
    assert failed.message


def test_the_message_is_what_codex_said_without_what_it_always_says() -> None:
    stderr = f"Reading additional input from stdin...\n\x1b[31m{BUSY}\x1b[0m\n"
    assert failed_process(1, stderr=stderr, last_error=None).message == BUSY
    failed = failed_process(1, stderr=stderr, last_error="Reconnecting... 2/5")
    assert failed.message == f"Reconnecting... 2/5\n{BUSY}"


@pytest.mark.parametrize(
    ("status", "had_oom_kill", "words"),
    [
        (-9, True, "The system killed Codex because memory was full (SIGKILL)."),
        (-9, None, "Codex was ended from outside (SIGKILL), perhaps because memory was full."),
        (-9, False, "Codex was ended from outside (SIGKILL)."),
        (-15, True, "Codex was ended from outside (SIGTERM)."),
        (None, True, "The system killed Codex because memory was full (SIGKILL)."),
    ],
)
def test_a_kill_for_want_of_memory_is_told_as_one(status: int | None, had_oom_kill: bool | None, words: str) -> None:
    failed = failed_process(status, stderr="", last_error=None, had_oom_kill=had_oom_kill)
    kind = K.OUT_OF_MEMORY if "memory was full (" in words else K.KILLED
    assert (failed.kind, failed.message) == (kind, words)


def test_a_very_long_message_is_cut_in_the_middle() -> None:
    message = failed_turn(TurnError("begin " + "x" * 100_000 + " end")).message
    assert len(message) < 1_100
    assert message.startswith("begin")
    assert message.endswith("end")
