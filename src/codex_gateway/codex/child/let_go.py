"""Children that were let go of while they ran: waited for later, since one that nobody waits for stays a zombie.

They are children of this whole process, so the list of them belongs to it too.
"""

from __future__ import annotations

import contextlib
import os

_pidfds: list[int] = []


def let_go(pidfd: int) -> None:
    """Take over the descriptor of a process that may still run; nobody else's child needs to be waited for."""
    if not _is_ours_and_runs(pidfd):
        os.close(pidfd)
    else:
        _pidfds.append(pidfd)


def reap() -> None:
    """Wait for those that have ended meanwhile. To be called now and then: each start of a process is often enough."""
    for pidfd in tuple(_pidfds):
        if not _is_ours_and_runs(pidfd):
            _pidfds.remove(pidfd)
            os.close(pidfd)


def _is_ours_and_runs(pidfd: int) -> bool:
    with contextlib.suppress(ChildProcessError):  # not our child, or waited for by somebody else
        return os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG) is None
    return False
