"""Who may import whom: the walls of the house."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "codex_gateway"
ROOT = "codex_gateway"

#: What each room may import of the house; `core` and `log` are open to every room but core itself.
MAY_IMPORT = {
    "core": {"core"},
    "log": set(),
    "config": {"core", "log", "config"},
    "store": {"core", "log", "store"},
    "codex": {"core", "log", "codex"},
    "telegram": {"core", "log", "telegram"},
    "service": {"core", "log", "store", "service"},
    "demo": {"demo"},
    "app": {"core", "log", "config", "store", "codex", "telegram", "service"},
    "cli": {"core", "log", "config", "store", "codex", "telegram", "service", "demo", "app", "cli"},
    "__main__": {"core", "cli"},
    "__init__": set(),
}

#: The same within the room of Codex, for the parts that have a folder of their own; the rest stands above them.
MAY_IMPORT_IN_CODEX = {
    "child": {"child", "options"},
    "reading": {"reading"},
    "session": {"session", "child", "reading", "version"},
}


def modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path: Path) -> list[str]:
    """Every module that `path` names in an import, those under TYPE_CHECKING and inside functions included."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            found += [f"{node.module}.{alias.name}" for alias in node.names] if node.module == ROOT else [node.module]
    return [name for name in found if name]


def test_every_room_has_a_rule() -> None:
    assert {room_of(path) for path in modules()} <= set(MAY_IMPORT)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_room_imports_only_what_it_may(path: Path) -> None:
    allowed = MAY_IMPORT[room_of(path)]
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == ROOT and len(parts) > 1 and parts[1] != "__version__":
            assert parts[1] in allowed, f"{path.relative_to(SOURCE)} must not import {name}"


@pytest.mark.parametrize("part", MAY_IMPORT_IN_CODEX)
def test_a_part_of_the_codex_room_imports_only_what_it_may(part: str) -> None:
    paths = sorted((SOURCE / "codex" / part).rglob("*.py"))
    assert paths
    for path in paths:
        for name in imports(path):
            parts = name.split(".")
            if parts[:2] == [ROOT, "codex"]:
                assert len(parts) > 2 and parts[2] in MAY_IMPORT_IN_CODEX[part], f"{path} must not import {name}"


@pytest.mark.parametrize("path", sorted((SOURCE / "core").glob("*.py")), ids=lambda path: path.name)
def test_core_needs_nothing_but_the_standard_library(path: Path) -> None:
    for name in imports(path):
        top = name.split(".")[0]
        assert top == ROOT or top in sys.stdlib_module_names, f"core must not import {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_says_in_its_first_line_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert docstring, f"{path.relative_to(SOURCE)} has no docstring"
    first = docstring.splitlines()[0]
    assert first.endswith((".", ":", "?")), f"{path.relative_to(SOURCE)}: {first!r} is no sentence"


def test_the_environment_is_read_in_config_alone() -> None:
    for path in modules():
        if room_of(path) not in {"config", "demo"}:
            assert "os.environ" not in path.read_text("utf-8"), path
