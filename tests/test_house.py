"""Who may import whom: the walls of the house."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "codex_gateway"
ROOT = "codex_gateway"
KNOWN = sys.stdlib_module_names

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


def test_a_room_imports_only_what_it_may() -> None:
    ours = [(path, name, name.split(".")) for path in modules() for name in imports(path)]
    ours = [(path, name, parts) for path, name, parts in ours if parts[0] == ROOT and len(parts) > 1]
    wrong = [
        f"{path.relative_to(SOURCE)} must not import {name}"
        for path, name, parts in ours
        if parts[1] != "__version__" and parts[1] not in MAY_IMPORT[room_of(path)]
    ]
    assert wrong == []
    assert len(ours) > 200


@pytest.mark.parametrize("part", MAY_IMPORT_IN_CODEX)
def test_a_part_of_the_codex_room_imports_only_what_it_may(part: str) -> None:
    paths = sorted((SOURCE / "codex" / part).rglob("*.py"))
    assert paths
    for path in paths:
        for name in imports(path):
            parts = name.split(".")
            if parts[:2] == [ROOT, "codex"]:
                assert len(parts) > 2 and parts[2] in MAY_IMPORT_IN_CODEX[part], f"{path} must not import {name}"


def test_core_needs_nothing_but_the_standard_library() -> None:
    paths = [path for path in modules() if room_of(path) == "core"]
    named = [(path, name, name.split(".")[0]) for path in paths for name in imports(path)]
    assert [f"{path.name} must not import {name}" for path, name, top in named if top not in {ROOT, *KNOWN}] == []
    assert len(named) > 20


def test_a_module_says_in_its_first_line_what_it_is() -> None:
    docstrings = {path: ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "" for path in modules()}
    firsts = {str(path.relative_to(SOURCE)): text.partition("\n")[0] for path, text in docstrings.items()}
    assert {name: first for name, first in firsts.items() if not first.endswith((".", ":", "?"))} == {}
    assert len(firsts) > 100


def test_the_environment_is_read_in_config_alone() -> None:
    for path in modules():
        if room_of(path) not in {"config", "demo"}:
            assert "os.environ" not in path.read_text("utf-8"), path
