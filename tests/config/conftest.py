from __future__ import annotations

from pathlib import Path

import pytest

from config.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "work").mkdir()
    (tmp_path / "home").mkdir()
    return Place(tmp_path)
