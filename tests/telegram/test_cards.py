from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_gateway.core.diagnosis import Cause, Diagnosis
from codex_gateway.core.event import Context, Misread, Reconnect, Tokens, Usage, Window
from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import AttemptId, RunId, ThreadId
from codex_gateway.core.outcome import RETRYABLE, Failed, FailureKind, StopReason
from codex_gateway.core.progress import Doing, Progress, Step
from codex_gateway.core.reply import Card, QueuedCard, RunningCard, SettledCard
from codex_gateway.core.run import RunState
from codex_gateway.telegram.cards import draw
from codex_gateway.telegram.markup import utf16_len
from codex_gateway.telegram.message import Copied
from codex_gateway.telegram.units import moment, span
from codex_gateway.telegram.verdicts import FAILURES, STOPS, failure
from telegram.reading import shown


def settled(state: RunState, **facts: Any) -> SettledCard:
    values: dict[str, Any] = {
        "run_id": RunId(3),
        "state": state,
        "elapsed_s": 65.0,
        "step_count": 7,
        "file_count": 2,
        "tokens": Tokens(input=12_000, cached=9_000, output=345),
        "stop_reason": None,
        "failure_kind": None,
        "error": None,
    }
    return SettledCard(**{**values, **facts})


def running(progress: Progress, elapsed_s: float = 65.9) -> RunningCard:
    return RunningCard(RunId(3), elapsed_s, progress)


def waiting(holder: Holder | None, *, can_fork: bool = False) -> Progress:
    return Progress(doing=Doing.WAITING_FOR_SESSION, holder=holder, can_fork=can_fork)


THREAD = ThreadId("01a1f920-e197-7680-af9c-1ed048038c95")

LISTING = Step("1", "ls -la", is_done=True, exit_code=0)
TESTS = Step("2", "pytest -q\n  tests", is_done=True, exit_code=1)
UNTOLD = Step("3", "edit src/app.py", is_done=True)
SLEEP = Step("4", "sleep 100")
OTHER = Step("5", "sleep 200")

RESET = 1_795_201_200.0
FIVE_HOURS = Window(40.0, 18_000.0, RESET)
SEVEN_DAYS = Window(79.9, 604_800.0, RESET + 200_000)

GOLDEN: dict[str, tuple[Card, str]] = {
    "queued": (QueuedCard(RunId(3), 2), "⏳ Queued · 2 ahead\n[⏹ Stop → stop:3]"),
    "next": (QueuedCard(RunId(3), 0), "⏳ Starting…\n[⏹ Stop → stop:3]"),
    "starting": (running(Progress(), 0.4), "⚙️ Working · 0:00\nStarting Codex…\n[⏹ Stop → stop:3]"),
    "waiting for a terminal": (
        running(waiting(Holder(4242, "codex resume", "pts/3"), can_fork=True)),
        "⏸ The session is open in `codex resume` (pid 4242, pts/3).\n"
        "Your prompt starts by itself when it is closed.\n"
        "[⏹ Stop → stop:3][🔀 Fork → fork:3]",
    ),
    "waiting for nobody knows whom": (
        running(waiting(None)),
        "⏸ The session is open in another program.\nYour prompt starts by itself when it is closed.\n[⏹ Stop → stop:3]",
    ),
    "waiting for a leftover": (
        running(waiting(Holder(4242, "codex exec resume", None, AttemptId(7)), can_fork=True)),
        "⏸ The session is still open in `codex exec resume` (pid 4242), which an earlier run of mine has left behind.\n"
        "Your prompt starts by itself when it is closed.\n"
        "[⏹ Stop → stop:3][🔀 Fork → fork:3]\n[🧹 End process 4242 → holder:3]",
    ),
    "waiting for a server": (
        running(waiting(Holder(4242, "codex app-server"))),
        "⏸ The session is open in `codex app-server` (pid 4242).\n"
        "That is Codex’s background server: it keeps a session for up to half an hour after its terminal was closed. "
        "`codex app-server daemon stop` ends it; `codex --no-daemon` works without it.\n"
        "Your prompt starts by itself when it is closed.\n"
        "[⏹ Stop → stop:3]",
    ),
    "thinking": (running(Progress(doing=Doing.THINKING)), "⚙️ Working · 1:05\nThinking…\n[⏹ Stop → stop:3]"),
    "thinking aloud": (
        running(Progress(doing=Doing.THINKING, reasoning="**Looking**\nat the tests")),
        "⚙️ Working · 1:05\n💭 **Looking** at the tests\n[⏹ Stop → stop:3]",
    ),
    "at work": (
        running(
            Progress(
                doing=Doing.RUNNING_COMMAND,
                steps=(LISTING, TESTS, UNTOLD, SLEEP),
                step_count=7,
                files=frozenset({"a", "b"}),
                notice="Reconnecting… 2/5",
            )
        ),
        "⚙️ Working · 1:05\n"
        "▸ `sleep 100`\n"
        "7 steps · 2 files\n"
        ">|✓ `edit src/app.py`\n"
        "✗ `pytest -q tests` (exit 1)\n"
        "✓ `ls -la`>|\n"
        "⚠️ Reconnecting… 2/5\n"
        "[⏹ Stop → stop:3]",
    ),
    "two at once, an hour in, compacted": (
        running(
            Progress(
                doing=Doing.RUNNING_COMMAND, steps=(SLEEP, OTHER), step_count=1, files=frozenset("a"), compactions=1
            ),
            3723,
        ),
        "⚙️ Working · 1:02:03\n▸ `sleep 100` and 1 more\n1 step · 1 file · compacted\n[⏹ Stop → stop:3]",
    ),
    "finishing": (
        running(Progress(doing=Doing.ANSWERED, steps=(LISTING,), step_count=1)),
        "⚙️ Working · 1:05\nFinishing…\n1 step\n>|✓ `ls -la`>|\n[⏹ Stop → stop:3]",
    ),
    "silent": (
        replace(running(Progress(doing=Doing.THINKING)), diagnosis=Diagnosis(Cause.MODEL, 40.4)),
        "⚙️ Working · 1:05\nWaiting for the model for 0:40\n[⏹ Stop → stop:3]",
    ),
    "silent after a thought": (
        replace(
            running(Progress(doing=Doing.THINKING, reasoning="Hm")),
            diagnosis=Diagnosis(Cause.RECONNECTING, 40.4, attempt=3, attempts=5),
        ),
        "⚙️ Working · 1:05\nReconnecting 3/5 for 0:40\n💭 Hm\n[⏹ Stop → stop:3]",
    ),
    "a reconnect is told once, with its reason": (
        replace(
            running(
                Progress(
                    doing=Doing.THINKING,
                    notice="Reconnecting... 3/5 (stream disconnected)",
                    noticed_reconnect=Reconnect(3, 5),
                )
            ),
            diagnosis=Diagnosis(Cause.RECONNECTING, 40.4, attempt=3, attempts=5),
        ),
        "⚙️ Working · 1:05\nReconnecting 3/5 for 0:40\n⚠️ stream disconnected\n[⏹ Stop → stop:3]",
    ),
    "a command that takes long": (
        replace(
            running(Progress(doing=Doing.RUNNING_COMMAND, steps=(SLEEP, OTHER), step_count=2)),
            diagnosis=Diagnosis(Cause.COMMAND, 750.0, command="sleep 100"),
        ),
        "⚙️ Working · 1:05\n▸ `sleep 100` and 1 more · 12:30\n2 steps\n[⏹ Stop → stop:3]",
    ),
    "a command that waits for input": (
        replace(
            running(Progress(doing=Doing.RUNNING_COMMAND, steps=(SLEEP,), step_count=1)),
            diagnosis=Diagnosis(Cause.INPUT, 30.0, command="sleep 100"),
        ),
        "⚙️ Working · 1:05\n▸ `sleep 100` · 0:30 · waits for input\n1 step\n[⏹ Stop → stop:3]",
    ),
    "being stopped": (
        replace(running(Progress(doing=Doing.RUNNING_COMMAND, steps=(SLEEP,), step_count=1)), is_stopping=True),
        "⚙️ Stopping… · 1:05\n▸ `sleep 100`\n1 step",
    ),
    "done": (
        settled(RunState.SUCCEEDED),
        "✅ Done · 1:05 · 7 steps · 2 files · 12.3k tokens\n[🔁 Retry → retry:3][📝 Diff → diff:3][📜 Log → log:3]",
    ),
    "done, with room left": (
        settled(RunState.SUCCEEDED, context=Context(98_192, 258_400), windows=(FIVE_HOURS, SEVEN_DAYS)),
        "✅ Done · 1:05 · 7 steps · 2 files · 12.3k tokens · 62% context left"
        " · 5 h limit 40% used · 7 d limit 80% used\n[🔁 Retry → retry:3][📝 Diff → diff:3][📜 Log → log:3]",
    ),
    "done, little is left": (
        settled(
            RunState.SUCCEEDED,
            context=Context(300_000, 258_400),
            windows=(replace(FIVE_HOURS, used_percent=91.4), SEVEN_DAYS),
        ),
        "✅ Done · 1:05 · 7 steps · 2 files · 12.3k tokens · 0% context left"
        " · ⚠️ 5 h limit 91% used · 7 d limit 80% used\n[🔁 Retry → retry:3][📝 Diff → diff:3][📜 Log → log:3]",
    ),
    "used up, until when is known": (
        settled(
            RunState.FAILED, failure_kind=FailureKind.QUOTA, resets_at=RESET, elapsed_s=3.0, step_count=0, file_count=0
        ),
        "❌ Failed after 0:03: the account's allowance is used up.\n"
        f"It is renewed {moment(RESET)}. Retry then, or log Codex in to another account.\n"
        "12.3k tokens\n"
        "[🔁 Retry → retry:3][📜 Log → log:3]",
    ),
    "too fast, until when is known": (
        settled(RunState.FAILED, failure_kind=FailureKind.RATE_LIMITED, resets_at=RESET, step_count=0, file_count=0),
        "❌ Failed after 1:05: too many requests to the model for the moment.\n"
        f"That is over {moment(RESET)}: Retry then.\n"
        "12.3k tokens\n"
        "[🔁 Retry → retry:3][📜 Log → log:3]",
    ),
    "done, nothing known": (
        settled(RunState.SUCCEEDED, step_count=0, file_count=0, tokens=None, elapsed_s=0.2),
        "✅ Done · 0:00\n[🔁 Retry → retry:3][📜 Log → log:3]",
    ),
    "done, though not understood": (
        settled(RunState.SUCCEEDED, step_count=0, file_count=0, misread=Misread(12, "0.999.0")),
        "✅ Done · 1:05 · 12.3k tokens\n"
        "⚠️ Codex 0.999.0 keeps its sessions in a way that this gateway does not understand: "
        "what it did on the way could not be shown. Look for an update of the gateway.\n"
        "[🔁 Retry → retry:3][📜 Log → log:3]",
    ),
    "stopped by the person": (
        settled(RunState.STOPPED, stop_reason=StopReason.USER, elapsed_s=12.0),
        "⏹ Stopped by you after 0:12 · 7 steps · 2 files · 12.3k tokens\n"
        "[🔁 Retry → retry:3][📝 Diff → diff:3][📜 Log → log:3]",
    ),
    "stopped while it waited": (
        settled(RunState.STOPPED, stop_reason=StopReason.USER, elapsed_s=None),
        "⏹ Taken out of the queue.\n[🔁 Retry → retry:3]",
    ),
    "time limit": (
        settled(RunState.STOPPED, stop_reason=StopReason.RUN_TIMEOUT, elapsed_s=900.0),
        "⏹ Stopped after 15:00: the time limit of a run was reached.\n"
        "The session is intact: write on, or Retry. `run_timeout_seconds` sets the limit.\n"
        "7 steps · 2 files · 12.3k tokens\n"
        "[🔁 Retry → retry:3][📝 Diff → diff:3][📜 Log → log:3]",
    ),
    "silence": (
        settled(
            RunState.STOPPED, stop_reason=StopReason.SILENCE, elapsed_s=905.0, diagnosis=Diagnosis(Cause.MODEL, 900.0)
        ),
        "⏹ Stopped after 15:05: nothing was heard of Codex for too long. "
        "It had been waiting for the model for 15:00.\n"
        "The session is intact: write on, or Retry. `no_output_idle_timeout_seconds` sets the limit.\n"
        "7 steps · 2 files · 12.3k tokens\n"
        "[🔁 Retry → retry:3][📝 Diff → diff:3][📜 Log → log:3]",
    ),
    "stopped by the person in a long command": (
        settled(
            RunState.STOPPED,
            stop_reason=StopReason.USER,
            diagnosis=Diagnosis(Cause.COMMAND, 60.0, command="sleep 100"),
            steps=(LISTING, TESTS, SLEEP),
            ended=("sleep 1000", "sleep 1001"),
        ),
        "⏹ Stopped by you after 1:05. `sleep 100` had been running for 1:00.\n"
        "Ended with it: 2 processes that it had left behind (`sleep 1000`, `sleep 1001`)\n"
        "7 steps · 2 files · 12.3k tokens\n"
        ">|⏹ `sleep 100`\n"
        "✗ `pytest -q tests` (exit 1)\n"
        "✓ `ls -la`>|\n"
        "[🔁 Retry → retry:3][📝 Diff → diff:3][📜 Log → log:3]",
    ),
    "shut down while it waited": (
        settled(RunState.STOPPED, stop_reason=StopReason.SHUTDOWN, elapsed_s=None),
        "⏹ Not run: the gateway was shut down.\nThe session is intact: write on, or Retry.\n[🔁 Retry → retry:3]",
    ),
    "failed": (
        settled(
            RunState.FAILED,
            failure_kind=FailureKind.UNAUTHORIZED,
            elapsed_s=3.0,
            step_count=0,
            file_count=0,
            error="unexpected status 401 Unauthorized:\nMissing bearer",
        ),
        "❌ Failed after 0:03: Codex is not logged in, or its login has expired.\n"
        "Run `codex login` on the machine that it runs on, then Retry.\n"
        "12.3k tokens\n"
        ">|unexpected status 401 Unauthorized:\nMissing bearer>|\n"
        "[🔁 Retry → retry:3][📜 Log → log:3]",
    ),
    "failed before it began": (
        settled(
            RunState.FAILED,
            failure_kind=FailureKind.NOT_STARTED,
            elapsed_s=None,
            step_count=0,
            file_count=0,
            tokens=None,
        ),
        "❌ Failed before it began: the gateway went down before Codex had begun.\n"
        "The prompt has not been run: Retry.\n"
        "[🔁 Retry → retry:3]",
    ),
}


@pytest.mark.parametrize(("card", "text"), GOLDEN.values(), ids=GOLDEN.keys())
def test_a_card_reads(card: Card, text: str) -> None:
    assert shown(draw(card)) == text


@pytest.mark.parametrize("kind", FailureKind)
def test_every_failure_says_why_and_what_to_do(kind: FailureKind) -> None:
    explained = FAILURES[kind]
    assert explained.cause.endswith(".") and explained.advice.endswith(".")
    assert explained.cause in draw(settled(RunState.FAILED, failure_kind=kind)).formatted.text


#: Whether the same prompt may well succeed if it is asked once more, with nothing changed by anybody.
MAY_PASS = {
    FailureKind.MODEL_ERROR: True,
    FailureKind.ATTACHMENT: True,
    FailureKind.REFUSED: False,
    FailureKind.RATE_LIMITED: True,
    FailureKind.QUOTA: False,
    FailureKind.CONTEXT_FULL: False,
    FailureKind.NETWORK: True,
    FailureKind.UNAUTHORIZED: False,
    FailureKind.FORBIDDEN: False,
    FailureKind.WRONG_SESSION: False,
    FailureKind.UNKNOWN_SESSION: False,
    FailureKind.SESSION_BUSY: True,
    FailureKind.GIT_CHECK: False,
    FailureKind.USAGE: False,
    FailureKind.TOO_OLD: False,
    FailureKind.CODEX_CONFIG: False,
    FailureKind.MISSING_VARIABLE: False,
    FailureKind.NOT_INSTALLED: False,
    FailureKind.NOT_EXECUTABLE: False,
    FailureKind.NO_WORKDIR: False,
    FailureKind.CANNOT_START: False,
    FailureKind.KILLED: True,
    FailureKind.OUT_OF_MEMORY: True,
    FailureKind.LOST: True,
    FailureKind.NOT_STARTED: True,
    FailureKind.NOT_UNDERSTOOD: False,
    FailureKind.OTHER: False,
}


def test_no_two_failures_are_told_alike_and_each_is_retryable_or_not() -> None:
    assert {kind: Failed(kind, "").is_retryable for kind in FailureKind} == MAY_PASS
    assert len({explained.cause for explained in FAILURES.values()}) == len(FailureKind)


@pytest.mark.parametrize("kind", FailureKind)
def test_what_may_pass_by_itself_offers_a_retry_and_anything_else_says_what_has_to_change_first(
    kind: FailureKind,
) -> None:
    advice = failure(kind).advice
    assert shown(draw(settled(RunState.FAILED, failure_kind=kind))).endswith(
        "[🔁 Retry → retry:3][📝 Diff → diff:3][📜 Log → log:3]"
    )
    if kind in RETRYABLE:
        assert "Retry" in advice
    elif kind is not FailureKind.OTHER:
        assert not advice.startswith(("Retry", "Write on")) and len(advice) > 25


@pytest.mark.parametrize(("seconds", "text"), [(18_000, "5 h"), (604_800, "7 d"), (3_600, "1 h"), (5_400, "90 min")])
def test_a_window_is_named_by_its_length(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize("reason", StopReason)
def test_every_stop_says_why(reason: StopReason) -> None:
    text = draw(settled(RunState.STOPPED, stop_reason=reason)).formatted.text
    assert STOPS[reason].cause in text
    assert reason is StopReason.USER or STOPS[reason].cause


def test_a_long_command_is_cut_and_a_long_error_too() -> None:
    card = running(Progress(doing=Doing.RUNNING_COMMAND, steps=(Step("1", "echo " + "x" * 5000),), step_count=1))
    assert "xxx…" in shown(draw(card))
    assert "yyy…" in shown(draw(settled(RunState.FAILED, failure_kind=FailureKind.OTHER, error="y" * 50_000)))


texts = st.text() | st.text(alphabet="😀👩‍👩‍👧x \n\ud800\x1b`", max_size=6000) | st.just("𝕏" * 6000) | st.just("")
steps = st.builds(Step, call_id=st.text(), text=texts, is_done=st.booleans(), exit_code=st.none() | st.integers())
progresses = st.builds(
    Progress,
    doing=st.sampled_from(Doing),
    steps=st.lists(steps, max_size=30).map(tuple),
    step_count=st.integers(0, 10**9),
    files=st.frozensets(st.text(), max_size=3),
    notice=st.none() | texts,
    reasoning=st.none() | texts,
    compactions=st.integers(0, 3),
)
windows = st.builds(
    Window,
    used_percent=st.floats(0, 1e11),
    window_s=st.none() | st.floats(0, 1e13),
    resets_at=st.none() | st.floats(0, 1e11),
)
cards = st.one_of(
    st.builds(QueuedCard, run_id=st.just(RunId(2**60)), ahead=st.integers(0)),
    st.builds(RunningCard, run_id=st.just(RunId(2**60)), elapsed_s=st.floats(-5, 1e9), progress=progresses),
    st.builds(
        SettledCard,
        run_id=st.just(RunId(2**60)),
        state=st.sampled_from(RunState),
        elapsed_s=st.none() | st.floats(-5, 1e9),
        step_count=st.integers(0, 10**9),
        file_count=st.integers(0, 10**9),
        tokens=st.none() | st.builds(Tokens, input=st.integers(-5, 10**12), output=st.integers(0, 10**12)),
        stop_reason=st.none() | st.sampled_from(StopReason),
        failure_kind=st.none() | st.sampled_from(FailureKind),
        error=st.none() | texts,
        context=st.none() | st.builds(Context, used=st.integers(0, 10**12), size=st.integers(1, 10**12)),
        windows=st.lists(windows, max_size=2).map(tuple),
        resets_at=st.none() | st.floats(0, 1e11),
        thread_id=st.none() | st.just(THREAD),
    ),
)


@given(cards)
def test_whatever_a_card_holds_it_fits_one_message(card: Card) -> None:
    message = draw(card)
    length = utf16_len(message.formatted.text)
    assert 0 < length <= 4096
    for entity in message.formatted.entities:
        assert entity.length > 0 and 0 <= entity.offset <= length - entity.length
    message.formatted.text.encode()
    for row in message.keyboard:
        for _, data in row:
            if isinstance(data, Copied):
                assert 1 <= len(data.copied) <= 256
            else:
                assert len(data.encode()) <= 64


def test_a_verdict_offers_the_command_that_goes_on_in_a_terminal() -> None:
    buttons = shown(draw(settled(RunState.SUCCEEDED, file_count=0, thread_id=THREAD))).splitlines()[1:]
    assert buttons == [
        "[🔁 Retry → retry:3][📜 Log → log:3]",
        f"[📋 Copy resume command → copies codex resume {THREAD}]",
    ]
    never_ran = settled(RunState.STOPPED, stop_reason=StopReason.USER, elapsed_s=None, thread_id=THREAD)
    assert shown(draw(never_ran)).splitlines()[1:] == ["[🔁 Retry → retry:3]"]


def test_a_run_at_work_says_what_it_has_cost_so_far() -> None:
    usage = Usage(Tokens(input=50_000), last=Tokens(input=12_000, output=345), thread_before=Tokens(input=37_000))
    text = draw(running(Progress(doing=Doing.THINKING, step_count=7, usage=usage, thread_before=usage.thread_before)))
    assert text.formatted.text == "⚙️ Working · 1:05\nThinking…\n7 steps · 13.0k tokens"
