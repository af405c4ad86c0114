"""What importing aiogram costs us."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import codex_gateway

SOURCE = Path(codex_gateway.__file__).parent


def test_of_aiograms_models_only_ours_are_built() -> None:
    script = (
        "from codex_gateway.telegram import api\n"
        "from aiogram import types\n"
        "models = [getattr(types, name) for name in types.__all__]\n"
        "print(sum(getattr(model, '__pydantic_complete__', False) is True for model in models), len(models))"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    built, known = map(int, told.stdout.split())
    assert known > 300
    assert built < known / 4


def test_aiogram_is_imported_in_one_place() -> None:
    """Anywhere else an import might come first, and all its models would be built."""
    importers = [
        path
        for path in SOURCE.rglob("*.py")
        if "import aiogram" in (text := path.read_text("utf-8")) or "from aiogram" in text
    ]
    assert [path.name for path in importers] == ["lean.py"]
