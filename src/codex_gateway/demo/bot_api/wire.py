"""The JSON values that the stand-in reads and writes, with typed access to an object's fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = dict[str, JsonValue]


def parse_json(text: str | bytes) -> JsonValue:
    """Decode JSON. Raises ValueError."""
    value: JsonValue = json.loads(text)
    return value


def write_json(value: JsonValue) -> str:
    """Encode JSON compactly and in ASCII, as the real server does."""
    return json.dumps(value, separators=(",", ":"))


class Fields:
    """An object's fields after the schema check: a value of another type counts as absent."""

    __slots__ = ("raw",)

    def __init__(self, raw: Mapping[str, JsonValue]) -> None:
        self.raw = raw

    def __contains__(self, name: str) -> bool:
        return name in self.raw

    def text(self, name: str, default: str = "") -> str:
        value = self.raw.get(name)
        return value if isinstance(value, str) else default

    def integer(self, name: str) -> int | None:
        value = self.raw.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def flag(self, name: str) -> bool:
        return self.raw.get(name) is True

    def object(self, name: str) -> JsonObject | None:
        value = self.raw.get(name)
        return value if isinstance(value, dict) else None

    def objects(self, name: str) -> list[JsonObject]:
        value = self.raw.get(name)
        return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

    def words(self, name: str) -> list[str] | None:
        value = self.raw.get(name)
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else None
