"""Why there is no use in starting a turn at all."""

from __future__ import annotations

from pathlib import Path

from codex_gateway.codex.session import locate
from codex_gateway.core.outcome import Failed, FailureKind
from codex_gateway.core.run import Attempt, Turn


def refusal_of(turn: Turn, attempt: Attempt, *, home: Path) -> Failed | None:
    """What Codex would not, or not clearly, say itself; None when it may be started."""
    if not turn.workdir.is_dir():
        return Failed(FailureKind.NO_WORKDIR, f"The work directory {turn.workdir} does not exist.")
    thread_id = turn.thread_id or turn.fork_of
    if thread_id is None:
        return None
    if not locate.is_thread_id(thread_id):
        return Failed(FailureKind.UNKNOWN_SESSION, f"{thread_id} is not the id of a session.")
    file = attempt.session_file if turn.thread_id else locate.find_session(home, thread_id)
    if file is not None:
        return None
    if locate.is_archived(home, thread_id):
        return Failed(FailureKind.UNKNOWN_SESSION, f"Session {thread_id} is archived.")
    return Failed(FailureKind.UNKNOWN_SESSION, f"There is no session {thread_id} in {home / 'sessions'}.")
