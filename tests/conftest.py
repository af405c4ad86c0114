"""What holds for every test."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Undo an ignored SIGINT, which a shell gives to what it starts in the background and every child inherits."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
