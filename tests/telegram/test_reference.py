"""The reference of the chat names every command and every button that the code has, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from codex_gateway.core.manner import CHOICES
from codex_gateway.telegram import choices
from codex_gateway.telegram.wording import COMMANDS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "codex_gateway" / "telegram"
PAGE = (ROOT / "docs" / "reference" / "chat.md").read_text("utf-8")


def table(title: str) -> list[list[str]]:
    """The rows of the first table below a heading, as their cells."""
    lines = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0].splitlines()
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def labels() -> set[str]:
    """The text of every button in the code: `(_("…"), …)`, a label with what it does behind it."""
    found = set()
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Tuple) and len(node.elts) == 2:
                label, does = node.elts
                is_button = isinstance(does, ast.JoinedStr) or (isinstance(does, ast.Call) and _calls(does, "Copied"))
                if is_button and (words := _sentence(label)) is not None:
                    found.add(words)
    return found


def _sentence(node: ast.AST) -> str | None:
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and _calls(part, "_") and isinstance(part.args[0], ast.Constant):
            return str(part.args[0].value)
    return None


def _calls(call: ast.Call, name: str) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == name


def test_every_command_has_a_row_with_its_purpose_and_no_other_has() -> None:
    rows = {row[0].strip("`").split()[0]: row for row in table("Commands")}
    assert set(rows) == {f"/{command.name}" for command in COMMANDS}
    for command in COMMANDS:
        shown = f"/{command.name} {command.argument or ''}".strip().replace("|", "\\|")
        name, purpose, _more = rows[f"/{command.name}"]
        assert name == f"`{shown}`"
        assert purpose == command.purpose


def test_every_button_has_a_row() -> None:
    found = labels()
    assert len(found) >= 13, found
    named = " ".join(row[0] for row in table("Buttons"))
    for label in found:
        shown = label.replace("{place}", "2").partition("{")[0].strip()
        assert shown in named, label


def test_every_choice_has_a_row_and_its_button() -> None:
    explained = {word for row in table("How a chat is spoken to") for word in re.findall(r"`(\w+)`", row[0])}
    assert explained == {choice.value for options in CHOICES.values() for choice in options}
    [row] = [row[0] for row in table("Buttons") if "final" in row[0]]
    for options in CHOICES.values():
        for choice in options:
            assert choices._name(choice) in row
