from __future__ import annotations

from codex_gateway.core.ids import RunId
from codex_gateway.core.manner import Detail
from codex_gateway.core.outcome import StopReason
from codex_gateway.core.progress import LAST_STEPS, Progress, Step
from codex_gateway.core.reply import NothingRuns, RunningCard, SettledCard
from codex_gateway.core.run import RunState
from codex_gateway.telegram.cards import draw
from codex_gateway.telegram.detail import told
from codex_gateway.telegram.markup import utf16_len

STEPS = tuple(Step(str(n), f"step-{n}.", is_done=n != 19) for n in range(20))


def running(steps: tuple[Step, ...]) -> RunningCard:
    return RunningCard(RunId(3), 65.0, Progress(steps=steps, step_count=len(steps)))


def seen(card: RunningCard | SettledCard, detail: Detail) -> list[int]:
    shown = told(card, detail)
    assert isinstance(shown, RunningCard | SettledCard)
    text = draw(shown).formatted.text
    return [n for n in range(20) if f"step-{n}." in text]


def test_a_run_at_work_shows_as_many_steps_as_the_chat_wants() -> None:
    card = running(STEPS[:19])
    assert seen(card, Detail.FINAL) == []
    assert seen(card, Detail.NORMAL) == list(range(11, 19))
    assert seen(card, Detail.VERBOSE) == list(range(19))


def test_what_runs_now_is_shown_at_any_detail() -> None:
    for detail in Detail:
        shown = told(running(STEPS), detail)
        assert isinstance(shown, RunningCard) and shown.progress.current_step is STEPS[19]


def test_a_stopped_run_shows_its_last_steps_where_the_chat_wants_steps() -> None:
    stopped = SettledCard(RunId(2), RunState.STOPPED, 12.0, 20, 0, None, StopReason.USER, None, None, steps=STEPS)
    assert seen(stopped, Detail.FINAL) == []
    assert seen(stopped, Detail.NORMAL) == list(range(12, 20))
    assert seen(stopped, Detail.VERBOSE) == list(range(20))


def test_the_longest_log_fits_into_one_message() -> None:
    steps = tuple(Step(str(n), "🦀" * 300, is_done=True, exit_code=-1) for n in range(LAST_STEPS))
    card = RunningCard(
        RunId(3), 9e5, Progress(steps=steps, reasoning="🦀" * 9000, notice="🦀" * 9000), is_stopping=True
    )
    shown = told(card, Detail.VERBOSE)
    assert isinstance(shown, RunningCard)
    assert utf16_len(draw(shown).formatted.text) <= 4096


def test_nothing_else_is_changed() -> None:
    assert told(NothingRuns(), Detail.FINAL) == NothingRuns()
