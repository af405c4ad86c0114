"""Checks requests and updates against the published Bot API schema (bot_api_schema.json names its source).

A method's checker is compiled on its first use; the file is read on the first check.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path
from typing import TypeAlias

from codex_gateway.demo.bot_api.errors import RuleBroken
from codex_gateway.demo.bot_api.wire import JsonObject, JsonValue, parse_json

#: Raises RuleBroken when the value at the path is not of the type.
Check: TypeAlias = Callable[[JsonValue, str], None]
#: Reads a parameter that came as text (url-encoded, multipart).
Read: TypeAlias = Callable[[str, str], JsonValue]

_INT = re.compile(r"-?[0-9]{1,19}")
_LIST = re.compile(r", | and | or ")
_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})
_SCALARS = ("String", "Integer", "Boolean", "Float")


def known_method(method: str) -> str | None:
    """Return the method's published spelling (the server ignores case), or None."""
    return _method_names().get(method.lower())


def check_parameters(
    method: str, given: Mapping[str, JsonValue], *, files: Collection[str] = ()
) -> dict[str, JsonValue]:
    """Return the parameters of a known method, decoded; raise RuleBroken at the first fault.

    A string is accepted for any type, as the real server does, because forms carry nothing else: it holds
    a number, a word for a boolean, or JSON. An uploaded file counts as a parameter of its own name.
    """
    readers, required = _method(method)
    decoded: dict[str, JsonValue] = {}
    for name, value in given.items():
        parameter = readers.get(name)
        if parameter is None:
            raise RuleBroken(name, f"{method} has no such parameter")
        read, check = parameter
        if isinstance(value, str):
            value = read(value, name)
        check(value, name)
        decoded[name] = value
    for name in required:
        if name not in decoded and name not in files:
            raise RuleBroken(name, f"required by {method}", description=_missing(name))
    return decoded


def check_type(type_name: str, value: JsonValue) -> None:
    """Raise RuleBroken unless the value is an object of the published type, such as "Update"."""
    _check(type_name)(value, type_name)


def update_types() -> tuple[str, ...]:
    """Return the names that `allowed_updates` may hold."""
    fields = _object(_types(), "Update")["fields"]
    assert isinstance(fields, dict)
    return tuple(name for name in fields if name != "update_id")


def _missing(name: str) -> str:
    """The real server's words where it has its own."""
    match name:
        case "chat_id":
            return "Bad Request: chat_id is empty"
        case "text":
            return "Bad Request: message text is empty"
        case _:
            return f'Bad Request: parameter "{name}" is required'


@cache
def _document() -> JsonObject:
    document = parse_json(Path(__file__).with_name("bot_api_schema.json").read_bytes())
    assert isinstance(document, dict)
    return document


def _object(parent: JsonObject, key: str) -> JsonObject:
    value = parent[key]
    assert isinstance(value, dict)
    return value


def _types() -> JsonObject:
    return _object(_document(), "types")


@cache
def _method_names() -> dict[str, str]:
    return {name.lower(): name for name in _object(_document(), "methods")}


@cache
def _method(method: str) -> tuple[dict[str, tuple[Read, Check]], tuple[str, ...]]:
    fields = _object(_object(_document(), "methods"), method)
    parameters: dict[str, tuple[Read, Check]] = {}
    required = []
    for name in fields:
        field = _object(fields, name)
        parameters[name] = (_reader(_words(field["type"])), _field_check(field))
        if field.get("required"):
            required.append(name)
    return parameters, tuple(required)


def _words(value: JsonValue) -> str:
    assert isinstance(value, str)
    return value


def _reader(type_name: str) -> Read:
    def read_text(text: str, _path: str) -> JsonValue:
        return text

    def read_integer(text: str, path: str) -> JsonValue:
        if not _INT.fullmatch(text):
            raise RuleBroken(path, f"{text!r} is not an Integer")
        return int(text)

    def read_chat(text: str, _path: str) -> JsonValue:
        return int(text) if _INT.fullmatch(text) else text

    def read_float(text: str, path: str) -> JsonValue:
        try:
            return float(text)
        except ValueError:
            raise RuleBroken(path, f"{text!r} is not a Float") from None

    def read_boolean(text: str, path: str) -> JsonValue:
        word = text.lower()
        if word not in _TRUE and word not in _FALSE:
            raise RuleBroken(path, f"{text!r} is not a Boolean")
        return word in _TRUE

    def read_object(text: str, path: str) -> JsonValue:
        try:
            return parse_json(text)
        except (ValueError, RecursionError):
            raise RuleBroken(path, "not JSON", description=f"Bad Request: can't parse {path}") from None

    match type_name:
        case "String" | "InputFile" | "InputFile or String":
            return read_text
        case "Integer":
            return read_integer
        case "Integer or String":
            return read_chat
        case "Float":
            return read_float
        case "Boolean" | "True":
            return read_boolean
        case _:
            return read_object


def _field_check(field: JsonObject) -> Check:
    words = field.get("words")
    if not isinstance(words, list):
        return _check(_words(field["type"]))

    def check_word(value: JsonValue, path: str) -> None:
        if value not in words:
            raise RuleBroken(path, f"{value!r} is not one of {', '.join(map(str, words))}")

    return check_word


@cache
def _check(type_name: str) -> Check:
    if type_name.startswith("Array of "):
        return _array(type_name.removeprefix("Array of "))
    members = _LIST.split(type_name)
    if len(members) > 1:
        return _union(type_name, members)
    match type_name:
        case "String" | "InputFile":
            return _scalar(type_name, str)
        case "Integer":
            return _scalar(type_name, int)
        case "Float":
            return _scalar(type_name, (int, float))
        case "Boolean":
            return _scalar(type_name, bool)
        case "True":
            return _true
    described = _object(_types(), type_name)
    match described.get("one_of"):
        case list() as one_of:
            return _union(type_name, [_words(member) for member in one_of])
        case _:
            return _fields(type_name, _object(described, "fields"))


def _scalar(type_name: str, kinds: type | tuple[type, ...]) -> Check:
    def check(value: JsonValue, path: str) -> None:
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            raise RuleBroken(path, f"{_shown(value)} is not a {type_name}")

    return check


def _true(value: JsonValue, path: str) -> None:
    if value is not True:
        raise RuleBroken(path, f"{_shown(value)} is not True")


def _array(type_name: str) -> Check:
    # The item's checker is looked up on use: types may hold themselves.
    def check(value: JsonValue, path: str) -> None:
        if not isinstance(value, list):
            raise RuleBroken(path, f"{_shown(value)} is not an Array of {type_name}")
        item_check = _check(type_name)
        for index, item in enumerate(value):
            item_check(item, f"{path}[{index}]")

    return check


def _fields(type_name: str, fields: JsonObject) -> Check:
    compiled: dict[str, Check] = {}
    required = [name for name in fields if _object(fields, name).get("required")]

    def check(value: JsonValue, path: str) -> None:
        if not isinstance(value, dict):
            raise RuleBroken(path, f"{_shown(value)} is not a {type_name}")
        for name, inner in value.items():
            field_check = compiled.get(name)
            if field_check is None:
                if name not in fields:
                    raise RuleBroken(f"{path}.{name}", f"{type_name} has no such field")
                field_check = compiled[name] = _field_check(_object(fields, name))
            field_check(inner, f"{path}.{name}")
        for name in required:
            if name not in value:
                raise RuleBroken(f"{path}.{name}", f"required by {type_name}")

    return check


def _union(type_name: str, members: list[str]) -> Check:
    def check(value: JsonValue, path: str) -> None:
        faults: list[RuleBroken] = []
        for member in members:
            try:
                _check(member)(value, path)
            except RuleBroken as fault:
                faults.append(fault)
            else:
                return
        if not isinstance(value, dict):
            raise RuleBroken(path, f"{_shown(value)} is not a {type_name}")
        raise faults[_nearest(value, members)]

    return check


def _nearest(value: JsonObject, members: list[str]) -> int:
    """Index of the member whose fault helps most: its constant words fit, and most of its fields."""

    def likeness(index: int) -> tuple[int, int, int]:
        member = members[index]
        if member in _SCALARS or member.startswith("Array of "):
            return (-1, 0, 0)
        fields = _object(_types(), member).get("fields")
        if not isinstance(fields, dict):
            return (-1, 0, 0)
        fitting = 0
        for name in fields:
            words = _object(fields, name).get("words")
            if isinstance(words, list) and value.get(name) in words:
                fitting += 1
        shared = len(fields.keys() & value.keys())
        return (fitting, shared, -len(fields))

    return max(range(len(members)), key=likeness)


def _shown(value: JsonValue) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
