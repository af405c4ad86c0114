"""Turns raw tables into checked ones and gathers every fault on the way."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import ValidationError

from codex_gateway.config.faults import ConfigError, Fault
from codex_gateway.config.parse import Surroundings, came, masked
from codex_gateway.config.schema import BaseTable, BotTable, Table, variable
from codex_gateway.config.substitute import substitute

_T = TypeVar("_T", bound=Table)

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_MISSING = {
    "token": "is missing; @BotFather gives each bot its token",
    "allowed_user_ids": "is missing: nobody could use this bot; list the Telegram user ids of those who may",
    "codex_workdir": "is missing; name the directory in which Codex works",
}


@dataclass(slots=True)
class Reading:
    """One pass over a configuration: its surroundings, and the faults found so far."""

    around: Surroundings
    #: Whether the keys are variables of the environment, and faults are to name those.
    from_environment: bool = False
    faults: list[Fault] = field(default_factory=list)

    def fault(self, path: str, reason: str) -> None:
        self.faults.append(Fault(path, reason))

    def has_fault(self, path: str) -> bool:
        return any(fault.path == path for fault in self.faults)

    def place(self, table: str, *keys: str | int) -> str:
        """How a fault names a key: `bots[0].allowed_user_ids[2]`, or the variable it comes from."""
        if self.from_environment:
            return variable(str(keys[0]))
        return table + "".join(f"[{key}]" if isinstance(key, int) else f".{_quoted(key)}" for key in keys)

    def expanded(self, value: object, table: str, *keys: str | int) -> object:
        """`value` with every reference to the environment replaced, as far as they could be."""
        match value:
            case str():
                try:
                    return value if self.from_environment else substitute(value, self.around.environ)
                except ValueError as problem:
                    self.fault(self.place(table, *keys), str(problem))
                    return value
            case list():
                return [self.expanded(item, table, *keys, index) for index, item in enumerate(value)]
            case dict():
                return {key: self.expanded(item, table, *keys, key) for key, item in value.items()}
            case _:
                return value

    def checked(self, kind: type[_T], values: object, table: str) -> _T | None:
        """The table made of `values`, or None, when what is wrong with it was added to the faults."""
        if not isinstance(values, dict):
            self.fault(table, f"expected a table, got {came(values)}")
            return None
        try:
            return kind.model_validate(values, context=self.around)
        except ValidationError as problem:
            known = {fault.path for fault in self.faults}  # a reference that is not set is no wrong value as well
            self.faults += [fault for fault in self._translated(problem, kind, table) if fault.path not in known]
            return None

    def stop_if_faulty(self) -> None:
        """Raises ConfigError with all faults so far, in the order of the file."""
        if self.faults:
            shown = (Fault(masked(fault.path), masked(fault.reason)) for fault in self.faults)
            raise ConfigError(sorted(dict.fromkeys(shown), key=_position))

    def _translated(self, problem: ValidationError, kind: type[Table], table: str) -> Iterable[Fault]:
        for error in problem.errors(include_url=False, include_input=False):
            path, key = self.place(table, *error["loc"]), str(error["loc"][0])
            match error["type"]:
                case "missing":
                    yield Fault(path, "is not set" if self.from_environment else _MISSING.get(key, "is missing"))
                case "extra_forbidden":
                    yield Fault(path, _unknown(key, kind))
                case "value_error":
                    yield Fault(path, str(error["ctx"]["error"]))
                case _:
                    yield Fault(path, error["msg"])


def nearest(word: str, known: Sequence[str], *, cutoff: float = 0.6) -> str | None:
    """The one of `known` that was perhaps meant."""
    return next(iter(difflib.get_close_matches(word.lower(), known, n=1, cutoff=cutoff)), None)


def _unknown(key: str, kind: type[Table]) -> str:
    if kind is BaseTable and key in BotTable.model_fields:
        return "belongs to a bot: set it in [[bots]]"
    if kind is BotTable and key in BaseTable.model_fields:
        return "holds for all bots: set it in [base]"
    meant = nearest(key, list(kind.model_fields))
    return f"unknown key; did you mean {meant}?" if meant else "unknown key"


def _quoted(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else json.dumps(key)


def _position(fault: Fault) -> tuple[int, int]:
    if match := re.match(r"bots\[([0-9]+)\]", fault.path):
        return 2, int(match[1])
    return (1 if fault.path.startswith("base.") else 0), 0
