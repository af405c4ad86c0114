"""What holds for every test."""

from __future__ import annotations

import signal

# Whole, and before anything of ours: tests of the stand-in speak to it with any of aiogram's models.
import aiogram  # noqa: F401


def pytest_configure() -> None:
    """Undo an ignored SIGINT, which a shell gives to what it starts in the background and every child inherits."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
