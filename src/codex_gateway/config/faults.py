"""What is wrong with a configuration, each fault with the place where the owner finds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codex_gateway.core.errors import GatewayError


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to put right. `path` is a key (`bots[1].token`), a variable, or a file with its line."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class ConfigError(GatewayError):
    """The configuration cannot be used; `faults` are all that were found, and none of them holds a secret."""

    exit_code = 2

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__("\n".join((f"The configuration has {count}:", *map(str, self.faults))))
