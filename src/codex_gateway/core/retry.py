"""How long to wait before trying again; pure."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Waits that double from `first_s` to `cap_s`.

    Each is shortened at random by up to a quarter, so that many who wait do not march in step.
    """

    first_s: float = 0.5
    cap_s: float = 60.0
    failures: int = 0

    def next_s(self) -> float:
        """The wait after one more failure, in seconds."""
        wait = min(self.cap_s, self.first_s * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return wait * (1 - random.random() / 4)

    def reset(self) -> None:
        """It worked."""
        self.failures = 0
