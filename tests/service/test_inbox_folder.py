"""Files that people send are saved under safe names, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_gateway.service.inbox_folder import safe_name, save


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("Bericht über Käse.pdf", "Bericht_über_Käse.pdf"),
        ("报告.txt", "报告.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\x.txt", "x.txt"),
        (".bashrc", "bashrc"),
        ("--version", "version"),
        ("a\0b\n.txt", "ab.txt"),
        ("gpj.\N{RIGHT-TO-LEFT OVERRIDE}exe", "gpj.exe"),
        ("a,b;c$(x)`y`.txt", "a_b_c_x_y_.txt"),
        ("report (1) [final].pdf", "report_1_final_.pdf"),
        ("", "file"),
        ("...", "file"),
        ("😀.png", "png"),
        ("\ud800.txt", "txt"),
    ],
)
def test_a_name_is_made_safe(name: str, safe: str) -> None:
    assert safe_name(name, default="file") == safe


@given(st.text(alphabet=st.characters(), max_size=300))
def test_any_name_becomes_one_that_can_be_written(name: str) -> None:
    safe = safe_name(name, default="file")
    assert 0 < len(safe.encode()) <= 100
    assert safe.isprintable() and not set(safe) & set("/\\\0, \n\"'`$") and safe[0] not in ".-"


def test_a_file_is_saved_over_nothing_and_the_folder_kept_out_of_git(tmp_path: Path) -> None:
    paths = [save(tmp_path, "from/chat", "a.txt", data, part=".1-0.part") for data in (b"one", b"two", b"")]
    assert paths == ["from/chat/a.txt", "from/chat/a-2.txt", "from/chat/a-3.txt"]
    assert [(tmp_path / path).read_bytes() for path in paths] == [b"one", b"two", b""]
    assert (tmp_path / "from/chat/.gitignore").read_text().endswith("\n*\n")
    assert not (tmp_path / "from/.gitignore").exists()
    assert {path.name for path in (tmp_path / "from/chat").iterdir()} == {"a.txt", "a-2.txt", "a-3.txt", ".gitignore"}


def test_what_a_crash_left_half_written_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / ".1-0.part").write_text("ha")
    assert save(tmp_path, "in", "a.txt", b"half", part=".1-0.part") == "in/a.txt"
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["a.txt"]


def test_a_folder_that_is_a_link_and_a_name_that_is_one_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    work = tmp_path / "work"
    work.mkdir()
    (work / "in").symlink_to(outside)
    with pytest.raises(OSError):
        save(work, "in", "a.txt", b"x", part=".part")
    assert list(outside.iterdir()) == []
    (work / "in").unlink()
    (work / "in").mkdir()
    for name in ("a.txt", ".part"):
        (work / "in" / name).symlink_to(outside / "made")
    assert save(work, "in", "a.txt", b"x", part=".part") == "in/a-2.txt"
    assert list(outside.iterdir()) == []
