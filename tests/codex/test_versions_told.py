"""What is made of session files of Codex 0.80 to 0.169, whole and line for line, against golden files.

`record_samples.py` makes both anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from codex.tellings import golden_of, session_samples, telling
from codex_gateway.codex.reading import rollout as ro


@pytest.mark.parametrize("sample", session_samples(), ids=lambda sample: sample.stem)
def test_a_session_is_told_as_ever(sample: Path) -> None:
    assert telling(sample) == golden_of(sample).read_text("utf-8")


@pytest.mark.parametrize("sample", session_samples(), ids=lambda sample: sample.stem)
def test_no_line_of_a_real_session_is_garbage(sample: Path) -> None:
    assert ro.Garbage() not in [ro.read_line(line) for line in sample.read_bytes().splitlines()]


@pytest.mark.parametrize("sample", session_samples(), ids=lambda sample: sample.stem)
def test_what_stands_around_the_lines_changes_nothing(sample: Path, tmp_path: Path) -> None:
    """A mark of the byte order at its start, carriage returns, and garbage of a crash between the lines."""
    lines = sample.read_bytes().splitlines()
    dressed = tmp_path / "dressed.jsonl"
    dressed.write_bytes(b"\xef\xbb\xbf" + b"".join(line + b"\r\n" + line[: len(line) // 2] + b"\n\n" for line in lines))
    assert telling(dressed) == telling(sample)
