"""Answers questions from the same rows that everything else lives by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from codex_gateway.core.event import Reasoning, Window
from codex_gateway.core.ids import ChatRef, RunId
from codex_gateway.core.policy import BotPolicy
from codex_gateway.core.reply import (
    LastResult,
    NoSuchRun,
    QueueReport,
    RunLine,
    RunLog,
    SessionReport,
    SettledCard,
    StatusReport,
)
from codex_gateway.core.run import Run
from codex_gateway.service.executor import Executor
from codex_gateway.store.ledger import Ledger
from codex_gateway.store.sessions import Binding

#: Events of a run that its log tells; a turn of hours has some thousands.
_LOGGED = 4000


class Queries:
    """What a person may ask about a chat's session."""

    def __init__(self, ledger: Ledger, executor: Executor, *, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._executor = executor
        self._clock = clock

    async def status(self, chat: ChatRef) -> StatusReport:
        seen = await self._ledger.overview(chat)
        progress = None if seen.running is None else self._executor.progress_of(seen.running.id)
        told = progress.windows if progress is not None else ()
        return StatusReport(
            bot=chat.bot,
            thread_id=None if seen.session is None else seen.session.thread_id,
            running=None if seen.running is None else self._line(seen.running),
            progress=progress,
            diagnosis=None if seen.running is None else self._executor.diagnosis_of(seen.running.id),
            waiting=len(seen.waiting),
            last=None if seen.last is None else _verdict(seen.last),
            windows=self._current(told or await self._ledger.last_windows(chat)),
            elsewhere=tuple(map(self._line, seen.elsewhere)),
        )

    async def queue(self, chat: ChatRef) -> QueueReport:
        seen = await self._ledger.overview(chat)
        return QueueReport(
            running=None if seen.running is None else self._line(seen.running),
            waiting=tuple(replace(self._line(run), is_own=_is_of(run, chat)) for run in seen.waiting),
            elsewhere=tuple(map(self._line, seen.elsewhere)),
        )

    async def session(self, chat: ChatRef, policy: BotPolicy, bound: Binding | None) -> SessionReport:
        """What our own rows tell of the session that a chat is bound to."""
        seen = await self._ledger.overview(chat)
        return SessionReport(
            bot=chat.bot,
            thread_id=None if seen.session is None else seen.session.thread_id,
            workdir=(bound and bound.workdir) or policy.workdir,
            codex_home=policy.codex_home,
            runs=seen.run_count,
            is_own=bound is not None and bound.is_own,
            fork_of=None if seen.session is None else seen.session.forked_from,
        )

    async def log(self, chat: ChatRef, policy: BotPolicy, run_id: RunId) -> RunLog | NoSuchRun:
        """What a run of this chat did, as far as its session still tells; reasoning only where that is shown."""
        run = await self._ledger.run(run_id)
        if run is None or (run.chat.bot, run.chat.chat_id) != (chat.bot, chat.chat_id):
            return NoSuchRun(run_id)
        attempt = await self._ledger.last_attempt(run_id)
        moments, left_out = ([], 0) if attempt is None else await self._executor.recall(run, attempt, at_most=_LOGGED)
        shown = (it for it in moments if policy.shows_reasoning or not isinstance(it.event, Reasoning))
        return RunLog(run_id, run.state, run.started_at, tuple(shown), left_out, run.error)

    async def last_result(self, chat: ChatRef) -> LastResult:
        run = await self._ledger.last_answered(chat)
        return LastResult(None, None) if run is None else LastResult(run.id, run.answer, run.prompt)

    def _current(self, windows: tuple[Window, ...]) -> tuple[Window, ...]:
        """Without those that have begun anew since: nothing is known of what is used of them."""
        now = self._clock()
        return tuple(window for window in windows if window.resets_at is None or window.resets_at > now)

    def _line(self, run: Run) -> RunLine:
        since = run.queued_at if run.started_at is None else run.started_at
        progress = self._executor.progress_of(run.id)
        is_waiting = progress is not None and progress.is_waiting
        elapsed_s = max(0.0, self._clock() - since)
        return RunLine(run.id, run.state, run.prompt, elapsed_s=elapsed_s, is_waiting=is_waiting)


def _is_of(run: Run, chat: ChatRef) -> bool:
    return (run.chat.bot, run.chat.chat_id) == (chat.bot, chat.chat_id)


def _verdict(run: Run) -> SettledCard:
    has_run = run.started_at is not None and run.ended_at is not None
    return SettledCard(
        run_id=run.id,
        state=run.state,
        elapsed_s=(run.ended_at or 0.0) - (run.started_at or 0.0) if has_run else None,
        step_count=run.steps,
        file_count=run.files,
        tokens=run.tokens,
        stop_reason=run.stop_reason,
        failure_kind=run.failure_kind,
        error=run.error,
        diagnosis=run.diagnosis,
        context=run.context,
        windows=run.windows,
        resets_at=run.resets_at,
    )
