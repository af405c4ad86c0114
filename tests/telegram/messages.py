"""The sentences that stand in the code beside those of a catalogue; `make messages` prints where they differ."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

SOURCE = Path(__file__).parents[2] / "src" / "codex_gateway"
CATALOGUES = sorted((SOURCE / "telegram" / "catalogues").glob("*.po"))

#: How many sentences each of the functions takes.
_TAKES = {"_": 1, "mark": 1, "plural": 2}


@dataclass(frozen=True, slots=True)
class Use:
    """One sentence (two forms of it for `plural`) at one place; None when it is not plainly written there."""

    place: str
    forms: tuple[str, ...] | None


def uses(source: str, *, name: str) -> Iterator[Use]:
    """Every sentence in a module's source. What `_` takes from a table is marked in that table."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in _TAKES:
            continue
        function = node.func.id
        written = [argument for argument in node.args[: _TAKES[function]] if isinstance(argument, ast.Constant)]
        forms = tuple(argument.value for argument in written if isinstance(argument.value, str))
        is_of_a_table = function == "_" and isinstance(node.args[0], ast.Name | ast.Attribute | ast.Subscript)
        if len(forms) == _TAKES[function]:
            yield Use(f"{name}:{node.lineno}", forms)
        elif not is_of_a_table:
            yield Use(f"{name}:{node.lineno}", None)


def all_uses() -> list[Use]:
    files = sorted(SOURCE.rglob("*.py"))
    # tongue.py defines the functions, and passes on what it is given
    return [use for file in files if file.name != "tongue.py" for use in uses(file.read_text("utf-8"), name=file.name)]


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def differences(catalogue: Catalog, used: list[Use]) -> list[str]:
    """What is wrong with the catalogue, a line each."""
    places = {use.forms: use.place for use in used if use.forms is not None}
    translated = {(m.id,) if isinstance(m.id, str) else tuple(m.id): m for m in catalogue if m.id}
    wrong = [f"missing: {forms[0]!r} ({place})" for forms, place in places.items() if forms not in translated]
    wrong += [f"superfluous: {forms[0]!r}" for forms in translated if forms not in places]
    for forms, message in translated.items():
        strings = [message.string] if isinstance(message.string, str) else list(message.string)
        if message.fuzzy or not all(strings):
            wrong.append(f"not translated: {forms[0]!r}")
        elif any(blanks(string) != blanks(forms[-1]) for string in strings):
            wrong.append(f"other blanks: {forms[-1]!r} → {strings}")
    return wrong


def blanks(template: str) -> set[str]:
    """The names of what is filled in."""
    return {name for _text, name, _spec, _conversion in Formatter().parse(template) if name is not None}


def main() -> int:
    used = all_uses()
    wrong = [f"{use.place}: write the sentence plainly, and fill it in afterwards" for use in used if not use.forms]
    for path in CATALOGUES:
        wrong += [f"{path.name}: {line}" for line in differences(read(path), used)]
    print("\n".join(wrong) or f"{len(used)} sentences, nothing is missing")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
