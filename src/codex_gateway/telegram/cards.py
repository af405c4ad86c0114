"""Status messages: what a run is at, at a glance on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from codex_gateway.core.diagnosis import Diagnosis
from codex_gateway.core.event import Context, Tokens, Window
from codex_gateway.core.ids import RunId
from codex_gateway.core.outcome import FailureKind, StopReason
from codex_gateway.core.progress import LAST_STEPS, Doing, Progress, Step
from codex_gateway.core.reply import Card, QueuedCard, RunningCard, SettledCard
from codex_gateway.core.run import RunState
from codex_gateway.telegram.diagnoses import say_now, say_then, untold
from codex_gateway.telegram.message import Keyboard, Message
from codex_gateway.telegram.page import Page
from codex_gateway.telegram.thoughts import say_thought
from codex_gateway.telegram.tongue import _, plural
from codex_gateway.telegram.units import clipped, duration, moment, one_line, rough, span, squeezed
from codex_gateway.telegram.verdict_buttons import verdict_buttons
from codex_gateway.telegram.verdicts import STOPS, Explanation, failure, misread
from codex_gateway.telegram.waiting import waiting, waiting_buttons

#: From here on an allowance is marked as scarce.
_SCARCE_PERCENT = 80
#: Characters, each up to two UTF-16 units: together with the sentences they stay well within one message.
_CURRENT_STEP_LIMIT = 200
#: A line of the log, two at most on a phone: folded, it shows three lines in all.
_STEP_LIMIT = 44
#: A process that was left behind.
_COMMAND_LIMIT = 80
_REMARK_LIMIT = 240
_ERROR_LIMIT = 900
#: Processes named one by one in a verdict.
_NAMED = 3


def draw(card: Card) -> Message:
    """The one message that shows the card."""
    match card:
        case QueuedCard():
            waits = _("⏳ Queued · {n} ahead").format(n=card.ahead) if card.ahead else _("⏳ Starting…")
            return Page().say(waits).done(stop_button(card.run_id))
        case RunningCard(progress=progress) if progress.is_waiting:
            return waiting(Page(), progress).done(waiting_buttons(card.run_id, progress))
        case RunningCard():
            return _running(card).done(() if card.is_stopping else stop_button(card.run_id))
        case SettledCard():
            return settled(Page(), card).done(verdict_buttons(card))
        case _:
            assert_never(card)


def stop_button(run_id: RunId) -> Keyboard:
    """The button that stops a run, wherever it stands by then."""
    return (((_("⏹ Stop"), f"stop:{run_id}"),),)


def working(elapsed_s: float, progress: Progress | None) -> str:
    """1:05 · 7 steps · 2 files · 12.3k tokens."""
    steps = progress.step_count if progress else 0
    files = len(progress.files) if progress else 0
    cost = _cost(progress.tokens) if progress else []
    return " · ".join([duration(elapsed_s), *_counts(steps, files), *cost])


def settled(page: Page, card: SettledCard) -> Page:
    """The verdict: one line, and what to do about it where it is not good."""
    match card.state:
        case RunState.SUCCEEDED:
            facts = [_("✅ Done"), *_elapsed(card), *_done_so_far(card), *room(card.context)]
            facts += [("⚠️ " if is_scarce(window) else "") + allowance(window) for window in card.windows]
            return _misread(page.say(" · ".join(facts)), card)
        case RunState.STOPPED:
            return _stopped(page, card)
        case RunState.FAILED | RunState.QUEUED | RunState.RUNNING:
            return _misread(_failed(page, card), card)
        case _:
            assert_never(card.state)


def room(context: Context | None) -> list[str]:
    """62% context left."""
    return [] if context is None else [_("{percent}% context left").format(percent=context.left_percent)]


def allowance(window: Window, *, with_time: bool = False) -> str:
    """5 h limit 91% used, and when the next one begins."""
    percent = f"{window.used_percent:.0f}"
    if window.window_s is None:
        used = _("limit {percent}% used").format(percent=percent)
    else:
        used = _("{span} limit {percent}% used").format(span=span(window.window_s), percent=percent)
    if not with_time or window.resets_at is None:
        return used
    return used + _(", renewed {moment}").format(moment=moment(window.resets_at))


def is_scarce(window: Window) -> bool:
    """Whether so much of the allowance is used that a person should know without asking."""
    return window.used_percent >= _SCARCE_PERCENT


def _running(card: RunningCard) -> Page:
    progress = card.progress
    state = _("⚙️ Stopping…") if card.is_stopping else _("⚙️ Working")
    page = Page().say(f"{state} · {duration(card.elapsed_s)}")
    now(page.line(), progress, card.diagnosis)
    if done := _done_till_now(progress):
        page.line(" · ".join(done))
    with page.quoted(folds=True):
        _log(page, [step for step in progress.steps if step.is_done])
    if notice := untold(progress, card.diagnosis):
        page.line(f"⚠️ {one_line(notice, _REMARK_LIMIT)}")
    return page


def _done_till_now(progress: Progress) -> list[str]:
    """What the log below is the end of."""
    compacted = [_("compacted")] if progress.compactions else []
    return [*_counts(progress.step_count, len(progress.files)), *_cost(progress.tokens), *compacted]


def now(page: Page, progress: Progress, diagnosis: Diagnosis | None) -> None:
    """What the run is at, and for how long once it has been silent for a while."""
    if diagnosis is not None and diagnosis.command is None:
        say_now(page, diagnosis)
        if progress.reasoning:
            page.line()
            say_thought(page, progress.reasoning or "")
        return
    _doing(page, progress)
    if diagnosis is not None:
        say_now(page, diagnosis)


def _doing(page: Page, progress: Progress) -> None:
    match progress.doing:
        case Doing.WAITING_FOR_SESSION:
            waiting(page, progress)
        case Doing.STARTING:
            page.say(_("Starting Codex…"))
        case Doing.THINKING:
            say_thought(page, progress.reasoning or "")
        case Doing.RUNNING_COMMAND:
            under_way = [step for step in progress.steps if not step.is_done]
            current = under_way[0].text if under_way else "…"
            page.say("▸ ").code(one_line(current, _CURRENT_STEP_LIMIT))
            if len(under_way) > 1:
                page.say(_(" and {n} more").format(n=len(under_way) - 1))
        case Doing.ANSWERED:
            page.say(_("Finishing…"))
        case _:
            assert_never(progress.doing)


def _log(page: Page, steps: Sequence[Step]) -> None:
    """The latest steps, the newest first: a quote that is folded shows no more than its first three lines."""
    for step in reversed(steps[-LAST_STEPS:]):
        if not step.is_done:
            page.line("⏹ ").code(squeezed(step.text, _STEP_LIMIT))
            continue
        page.line("✗ " if step.exit_code else "✓ ").code(squeezed(step.text, _STEP_LIMIT))
        if step.exit_code:
            page.say(_(" (exit {code})").format(code=step.exit_code))


def _stopped(page: Page, card: SettledCard) -> Page:
    reason = card.stop_reason or StopReason.USER
    if card.elapsed_s is None:
        page.say(_("⏹ Taken out of the queue.") if reason is StopReason.USER else _("⏹ Not run"))
    else:
        by_whom = _("⏹ Stopped by you after {time}") if reason is StopReason.USER else _("⏹ Stopped after {time}")
        page.say(by_whom.format(time=duration(card.elapsed_s)))
    _explained(page, STOPS[reason].spoken(), card)
    if card.steps:
        with page.quoted(folds=True):
            _log(page, card.steps)
    return page


def _ended(page: Page, commands: Sequence[str]) -> None:
    page.say(
        plural(
            "Ended with it: a process that it had left behind",
            "Ended with it: {n} processes that it had left behind",
            len(commands),
        )
    ).say(" (")
    for index, command in enumerate(commands[:_NAMED]):
        page.say(", " if index else "").code(one_line(command, _COMMAND_LIMIT))
    page.say(", …)" if len(commands) > _NAMED else ")")


def _failed(page: Page, card: SettledCard) -> Page:
    if card.elapsed_s is None:
        failed = _("❌ Failed before it began")
    else:
        failed = _("❌ Failed after {time}").format(time=duration(card.elapsed_s))
    page.say(failed)
    return _explained(page, failure(card.failure_kind or FailureKind.OTHER, resets_at=card.resets_at), card)


def _explained(page: Page, explained: Explanation, card: SettledCard) -> Page:
    """Why it ended and what to do about it; then what it had done, above what tells of it."""
    diagnosis = card.diagnosis if card.state is RunState.STOPPED else None
    if explained.cause:
        page.prose(_(": {cause}").format(cause=explained.cause))
    if diagnosis is not None:
        say_then(page.say(" " if explained.cause else _(". ")), diagnosis)
    if explained.advice:
        page.line().prose(explained.advice)
    if card.ended:
        _ended(page.line(), card.ended)
    if card.elapsed_s is not None and (done := _done_so_far(card)):
        is_alone = not explained.cause and diagnosis is None and not card.ended
        page.say(" · ") if is_alone else page.line()
        page.say(" · ".join(done))
    if card.error and card.error.strip():
        page.quote(clipped(card.error, _ERROR_LIMIT), folds=True)
    return page


def _misread(page: Page, card: SettledCard) -> Page:
    if card.misread is not None:
        page.line(f"⚠️ {misread(card.misread)}")
    return page


def _elapsed(card: SettledCard) -> list[str]:
    return [] if card.elapsed_s is None else [duration(card.elapsed_s)]


def _done_so_far(card: SettledCard) -> list[str]:
    return [*_counts(card.step_count, card.file_count), *_cost(card.tokens)]


def _counts(steps: int, files: int) -> list[str]:
    told = [plural("{n} step", "{n} steps", steps)] if steps else []
    return [*told, plural("{n} file", "{n} files", files)] if files else told


def _cost(tokens: Tokens | None) -> list[str]:
    return [_("{n} tokens").format(n=rough(tokens.total))] if tokens and tokens.total else []
