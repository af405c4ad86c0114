"""What becomes of a run that has ended: the row that is written, and the verdict that is shown."""

from __future__ import annotations

from dataclasses import replace

from codex_gateway.core.outcome import Answered, Failed, Stopped, StopReason
from codex_gateway.core.reply import SettledCard
from codex_gateway.core.run import RunState
from codex_gateway.service.conduct import Conduct
from codex_gateway.store.runs import Settlement


def settlement(conduct: Conduct, outcome: Answered | Failed | Stopped) -> Settlement:
    """The end of a run as its row keeps it."""
    progress = conduct.progress
    base = Settlement(
        state=RunState.SUCCEEDED,
        tokens=progress.tokens,
        steps=progress.step_count,
        files=len(progress.files),
        has_worked=conduct.working_since is not None,
        context=progress.context,
        windows=progress.windows,
    )
    match outcome:
        case Answered(text=text):
            return replace(base, answer=text)
        case Failed(kind=kind, message=message, resets_at=resets_at):
            return replace(base, state=RunState.FAILED, failure_kind=kind, error=message, resets_at=resets_at)
        case Stopped(reason=reason):
            # An answer that was given before the turn got stuck is an answer.
            answer = conduct.narration.last_words if reason is StopReason.STUCK_AFTER_ANSWER else None
            diagnosis = conduct.run.diagnosis or conduct.diagnosis
            return replace(base, state=RunState.STOPPED, stop_reason=reason, answer=answer, diagnosis=diagnosis)


def verdict(conduct: Conduct, settlement: Settlement, elapsed_s: float | None) -> SettledCard:
    """The end of a run as its status message tells it."""
    progress = conduct.progress
    was_stopped = settlement.state is RunState.STOPPED
    return SettledCard(
        run_id=conduct.run.id,
        state=settlement.state,
        elapsed_s=elapsed_s,
        step_count=progress.step_count,
        file_count=len(progress.files),
        tokens=progress.tokens,
        stop_reason=settlement.stop_reason,
        failure_kind=settlement.failure_kind,
        error=settlement.error,
        diagnosis=settlement.diagnosis,
        steps=progress.steps if was_stopped else (),
        ended=progress.ended if was_stopped else (),
        context=settlement.context,
        windows=settlement.windows,
        resets_at=settlement.resets_at,
        misread=progress.misread,
        thread_id=conduct.thread_id or conduct.run.session.thread_id,
    )
