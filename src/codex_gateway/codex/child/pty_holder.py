"""A program of its own that gives a command a terminal for its output, and outlives whoever started it.

`pty_holder.py COMMAND …`: the command reads our standard input; its output and errors go through the terminal to our
standard output. Signals are passed on, and we end as it ends. Should we be killed, the terminal goes, and the command
with it.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import tty
from collections.abc import Sequence

from ptyprocess import PtyProcess  # type: ignore[import-untyped]

#: Rows and columns; wide, so that nothing is wrapped.
_SIZE = (50, 400)
#: How often we look whether the command still runs while it says nothing, in seconds.
_GLANCE_S = 0.5
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def main(argv: Sequence[str]) -> int:
    """Run `argv` to its end; returns its exit code, or dies of the signal that it died of."""
    source = os.dup(0)
    child = PtyProcess.spawn(
        list(argv),
        echo=False,
        dimensions=_SIZE,
        pass_fds=(source,),
        preexec_fn=lambda: _read_from(source),
    )
    for number in _PASSED_ON:
        signal.signal(number, lambda received, _frame: _pass_on(child.pid, received))
    tty.setraw(child.fd)
    _copy(child)
    child.wait()
    if child.signalstatus is not None:
        if child.signalstatus in _PASSED_ON:
            signal.signal(child.signalstatus, signal.SIG_DFL)
        os.kill(os.getpid(), child.signalstatus)
    return int(child.exitstatus or 0)


def _read_from(source: int) -> None:
    os.dup2(source, 0)
    os.close(source)


def _pass_on(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it is gone, and so are we, soon
        os.kill(pid, number)


def _copy(child: PtyProcess) -> None:
    """Until the command is gone and what it wrote is copied; something that it left behind may hold the terminal on."""
    is_alive = True
    while True:
        ready, _, _ = select.select([child.fd], [], [], _GLANCE_S if is_alive else 0)
        if not ready:
            if not is_alive:
                return
            is_alive = child.isalive()
            continue
        try:
            output = os.read(child.fd, 64 * 1024)
        except OSError:  # EIO is how Linux says that nobody is left on the other side
            return
        if not output:
            return
        while output:
            output = output[os.write(1, output) :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
