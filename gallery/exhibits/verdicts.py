"""Verdicts: runs that ended well, were stopped, or failed, for every reason that there is."""

from __future__ import annotations

from codex_gateway.core import event as ev
from codex_gateway.core.diagnosis import Cause, Diagnosis
from codex_gateway.core.ids import ThreadId
from codex_gateway.core.outcome import FailureKind, StopReason
from codex_gateway.core.progress import Step
from codex_gateway.core.reply import SettledCard
from codex_gateway.core.run import RunState
from gallery.exhibit import Chapter, Exhibit
from gallery.exhibits.silence import of
from gallery.exhibits.status import ASKED, RUN

_TOKENS = ev.Tokens(input=61_200, cached=48_000, output=3_900)
_CONTEXT = ev.Context(49_000, 128_000)
_THREAD = ThreadId("019a7c1e-5b7e-7bd3-9d41-3f0d4d2a6c11")
_RENEWED = 1_763_680_800.0
_STEPS = (
    Step("1", "rg -n 'sleep\\(' tests", is_done=True, exit_code=0),
    Step("2", "python -m pytest -q tests/test_retry.py", is_done=True, exit_code=1),
    Step("3", "npm test -- --runInBand --verbose"),
)

#: What Codex (or the system) says with each kind, as seen.
_ERRORS: dict[FailureKind, str] = {
    FailureKind.MODEL_ERROR: "exceeded retry limit, last status: 503 Service Unavailable, request id: req_7f3a91",
    FailureKind.REFUSED: "unexpected status 400 Bad Request: The model `gpt-5-codexx` does not exist.",
    FailureKind.RATE_LIMITED: "exceeded retry limit, last status: 429 Too Many Requests",
    FailureKind.QUOTA: "You've hit your usage limit. Upgrade to Pro or try again at 7:20 PM.",
    FailureKind.CONTEXT_FULL: "Codex ran out of room in the model's context window. Start a new thread.",
    FailureKind.NETWORK: "stream disconnected before completion: error sending request for url",
    FailureKind.UNAUTHORIZED: "unexpected status 401 Unauthorized: Your access token could not be refreshed.",
    FailureKind.FORBIDDEN: "unexpected status 403 Forbidden: Country, region, or territory not supported",
    FailureKind.UNKNOWN_SESSION: "no rollout found for thread id 019a7c1e-5b7e-7bd3-9d41-3f0d4d2a6c11",
    FailureKind.GIT_CHECK: "Not inside a trusted directory and --skip-git-repo-check was not specified.",
    FailureKind.USAGE: "error: unexpected argument '--modle' found\n\n  tip: a similar argument exists: '--model'",
    FailureKind.TOO_OLD: "error: unexpected argument '--skip-git-repo-check' found",
    FailureKind.CODEX_CONFIG: "Error loading config.toml: TOML parse error at line 3, column 9\n  |\n"
    "3 | model = gpt-5\n  |         ^\nstring values must be quoted, expected literal string",
    FailureKind.MISSING_VARIABLE: "Missing environment variable: `AZURE_OPENAI_API_KEY`.",
    FailureKind.NOT_INSTALLED: "codex: command not found",
    FailureKind.NOT_EXECUTABLE: "/opt/codex/codex: Permission denied",
    FailureKind.NO_WORKDIR: "/home/ada/projects/website: No such file or directory",
    FailureKind.CANNOT_START: "[Errno 8] Exec format error: '/opt/codex/codex'",
    FailureKind.KILLED: "ended by SIGKILL",
    FailureKind.ATTACHMENT: "whisper.sh ended with 127: ffmpeg: command not found",
    FailureKind.OTHER: "thread 'main' panicked at core/src/codex.rs:2210:14:\n"
    "called `Option::unwrap()` on a `None` value\nnote: run with `RUST_BACKTRACE=1` to display a backtrace",
}
_NEVER_RAN = {
    FailureKind.ATTACHMENT,
    FailureKind.NOT_STARTED,
    FailureKind.NOT_INSTALLED,
    FailureKind.NO_WORKDIR,
    FailureKind.NOT_EXECUTABLE,
}


def done(*, windows: tuple[ev.Window, ...] = (), misread: ev.Misread | None = None) -> SettledCard:
    return SettledCard(
        *(RUN, RunState.SUCCEEDED, 184, 7, 2, _TOKENS, None, None, None),
        context=_CONTEXT,
        windows=windows,
        misread=misread,
        thread_id=_THREAD,
    )


def stopped(
    reason: StopReason,
    *,
    elapsed_s: float | None = 431,
    diagnosis: Diagnosis | None = None,
    steps: tuple[Step, ...] = _STEPS,
    ended: tuple[str, ...] = (),
) -> SettledCard:
    step_count, file_count, tokens = (0, 0, None) if elapsed_s is None else (3, 1, _TOKENS)
    return SettledCard(
        *(
            RUN,
            RunState.STOPPED,
            elapsed_s,
            step_count,
            file_count,
            tokens,
            reason,
            None,
            None,
            diagnosis,
            steps,
            ended,
        ),
        thread_id=None if elapsed_s is None else _THREAD,
    )


def failed_with(kind: FailureKind, *, error: str | None = None, resets_at: float | None = None) -> SettledCard:
    ran = kind not in _NEVER_RAN
    return SettledCard(
        *(RUN, RunState.FAILED, 12 if ran else None, 2 if ran else 0, 0, None, None, kind, error or _ERRORS.get(kind)),
        resets_at=resets_at,
        thread_id=_THREAD if ran else None,
    )


def ended() -> Chapter:
    """Runs that ended well, and those that were stopped."""
    scarce = (ev.Window(91.0, 18_000.0, _RENEWED), ev.Window(61.0, 604_800.0, None))
    server = ("node server.js --port 3000", "sleep 600", "python -m http.server", "tail -f /dev/null")
    exhibits = [
        _settled("done", "Done", done()),
        _settled("done-scarce", "Done, and the allowance is scarce", done(windows=scarce)),
        _settled("done-misread", "Done by a Codex that is too new", done(misread=ev.Misread(34, "0.211.0"))),
        _settled("stopped-queued", "Stopped while it waited", stopped(StopReason.USER, elapsed_s=None, steps=())),
        _settled("stopped-processes", "Stopped with what it left", stopped(StopReason.USER, ended=server), folds=True),
    ]
    exhibits += [
        _settled(f"stopped-{reason.value}", f"Stopped: {reason.value}", stopped(reason)) for reason in StopReason
    ]
    exhibits += [
        _settled(f"silent-{cause.value}", f"Silent: {cause.value}", stopped(StopReason.SILENCE, diagnosis=of(cause)))
        for cause in Cause
    ]
    return Chapter("verdicts", "Verdicts", tuple(exhibits))


def failed() -> Chapter:
    """Runs that failed, for each kind of failure."""
    exhibits = [_settled(kind.value, f"Failed: {kind.value}", failed_with(kind)) for kind in FailureKind]
    long = "\n".join(
        f"  at step{n} (/srv/app/node_modules/a-long-package-name/dist/index.js:{n}:17)" for n in range(40)
    )
    exhibits += [
        _settled("quota-until", "It is known when", failed_with(FailureKind.QUOTA, resets_at=_RENEWED)),
        _settled("rate-until", "It is known when", failed_with(FailureKind.RATE_LIMITED, resets_at=_RENEWED)),
        _settled("long-error", "An error of many lines", failed_with(FailureKind.OTHER, error=long), folds=True),
    ]
    return Chapter("failures", "Failures", tuple(exhibits))


def _settled(name: str, title: str, card: SettledCard, *, folds: bool = False) -> Exhibit:
    return Exhibit(name, title, ASKED, (card,), is_shown_unfolded=folds)
