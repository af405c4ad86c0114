"""What a person sees of a turn."""

from __future__ import annotations

import pytest

from codex_gateway.core import event as ev
from codex_gateway.core.progress import LAST_STEPS, Doing, Progress, advance


def after(*events: ev.Event) -> Progress:
    progress = Progress()
    for event in events:
        progress = advance(progress, event)
    return progress


def test_parallel_commands_are_told_apart() -> None:
    progress = after(
        ev.TurnStarted(), ev.CommandStarted("a", "make"), ev.CommandStarted("b", "ls"), ev.CommandFinished("b", "ls", 0)
    )
    assert progress.doing is Doing.RUNNING_COMMAND
    assert progress.current_step is not None and progress.current_step.text == "make"
    assert progress.step_count == 2


def test_a_command_whose_start_was_missed_counts_once() -> None:
    progress = after(ev.CommandFinished("a", "make", 2), ev.CommandStarted("a", "make"))
    assert progress.step_count == 1
    assert progress.steps[0].is_done and progress.steps[0].exit_code == 2
    assert progress.doing is Doing.THINKING


def test_only_the_latest_steps_are_kept_and_those_that_run() -> None:
    events: list[ev.Event] = [ev.CommandStarted("long", "make all")]
    for number in range(LAST_STEPS * 2):
        events += [ev.CommandStarted(str(number), "ls"), ev.CommandFinished(str(number), "ls", 0)]
    progress = after(*events)
    assert progress.step_count == LAST_STEPS * 2 + 1
    assert progress.steps[0].text == "make all" and len(progress.steps) <= LAST_STEPS + 1


def test_a_notice_is_gone_with_the_next_sign_of_progress() -> None:
    assert after(ev.Notice("Reconnecting... 2/5")).notice == "Reconnecting... 2/5"
    assert after(ev.Notice("Reconnecting... 2/5"), ev.Reasoning("hm")).notice is None


def test_tokens_of_the_turn_are_the_difference_over_the_thread() -> None:
    first = ev.Usage(ev.Tokens(input=1000), last=ev.Tokens(input=100))
    second = ev.Usage(ev.Tokens(input=1300), last=ev.Tokens(input=300))
    assert after(first, second).tokens == ev.Tokens(input=400)
    assert after().tokens is None


def test_a_count_that_is_repeated_costs_nothing_where_the_thread_is_known() -> None:
    """Such as the one that Codex writes when a stream broke off: its `last` is of the turn before."""
    known = ev.Tokens(input=1000)
    repeated = ev.Usage(ev.Tokens(input=1000), last=ev.Tokens(input=1000), thread_before=known)
    then = ev.Usage(ev.Tokens(input=1300), last=ev.Tokens(input=300), thread_before=known)
    assert after(repeated).tokens == ev.Tokens()
    assert after(repeated, then).tokens == ev.Tokens(input=300)


def test_a_thread_that_was_wound_back_costs_what_its_last_request_did() -> None:
    wound_back = ev.Usage(ev.Tokens(input=300), last=ev.Tokens(input=300), thread_before=ev.Tokens(input=1000))
    assert after(wound_back).tokens == ev.Tokens(input=300)


def test_the_context_is_filled_by_the_latest_request_or_by_what_a_compaction_left() -> None:
    full = ev.Usage(ev.Tokens(input=250_000), last=ev.Tokens(input=249_980, output=20), context_window=258_400)
    assert after(full).context == ev.Context(250_000, 258_400)
    compacted = ev.Usage(ev.Tokens(input=250_000), last=ev.Tokens(), context_window=258_400, context_used=6_876)
    assert after(full, compacted).context == ev.Context(6_876, 258_400)
    assert after(ev.Usage(ev.Tokens(input=1), last=ev.Tokens(input=1))).context is None


@pytest.mark.parametrize(("used", "left"), [(0, 100), (1_000, 99), (98_192, 62), (258_400, 0), (300_000, 0)])
def test_what_is_left_of_the_context_is_never_rounded_up(used: int, left: int) -> None:
    assert ev.Context(used, 258_400).left_percent == left


def test_an_allowance_stays_known_when_a_later_count_is_silent_about_it() -> None:
    told = ev.Usage(ev.Tokens(input=1), last=ev.Tokens(input=1), windows=(ev.Window(91.0),))
    silent = ev.Usage(ev.Tokens(input=2), last=ev.Tokens(input=1))
    assert after(told, silent).windows == (ev.Window(91.0),)


def test_what_nobody_sees_changes_nothing() -> None:
    progress = after(ev.TurnStarted())
    assert advance(progress, ev.OutputSeen()) is progress
