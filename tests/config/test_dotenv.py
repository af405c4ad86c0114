from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_gateway.config import dotenv


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("  A = b  ", "b"),
        ("export A=b", "b"),
        ("export\tA=b", "b"),
        ("A=", ""),
        ("A=   ", ""),
        ("A=b # a comment", "b"),
        ("A= # a comment", ""),
        ("A=b#c", "b#c"),
        ("A=#c", "#c"),
        ("A=b c  d", "b c  d"),
        ("A=b=c", "b=c"),
        ("A=it's", "it's"),
        ("A=$HOME", "$HOME"),
        ("A=$(rm -rf /)", "$(rm -rf /)"),
        ("A=`id`", "`id`"),
        ("A=b\\n", "b\\n"),
        ("A='b # c'", "b # c"),
        ("A='b' # c", "b"),
        ("A='  b  '", "  b  "),
        ("A='a\\nb'", "a\\nb"),
        ("A='say \"x\"'", 'say "x"'),
        ("A=''", ""),
        ('A=""', ""),
        ('A="b # c"', "b # c"),
        ('A="b" # c "d"', "b"),
        ('A="a\\nb\\tc\\rd"', "a\nb\tc\rd"),
        ('A="\\"q\\" \\\\ \\$x"', '"q" \\ $x'),
        ('A="\\d\\\'"', "\\d\\'"),
        ('A="\\\\n"', "\\n"),
        ("A=值", "值"),
        ("A=b\r", "b"),
    ],
)
def test_a_line_has_the_value_that_is_documented(line: str, value: str) -> None:
    read = dotenv.parse(line)
    assert (read.variables, read.faults) == ({"A": value}, [])


@pytest.mark.parametrize("line", ["", "   ", "# A=b", "   # A=b", "\t", "\r"])
def test_blank_lines_and_comments_say_nothing(line: str) -> None:
    read = dotenv.parse(line)
    assert (read.variables, read.faults) == ({}, [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("hunter2", "there is no ="),
        ("export hunter2", "there is no ="),
        ("=hunter2", "the name before ="),
        ("1A=hunter2", "the name before ="),
        ("A-B=hunter2", "the name before ="),
        ("A B=hunter2", "the name before ="),
        ("Ä=hunter2", "the name before ="),
        ("A='hunter2", "the quote ' is not closed"),
        ('A="hunter2', 'the quote " is not closed'),
        ('A="hunter2\\"', 'the quote " is not closed'),
        ("A='hunter2' x", "text after the closing '"),
        ("A='hunter2'#x", "text after the closing '"),
        ('A="hunter2""b"', 'text after the closing "'),
        ("A=hunter2\0", "NUL"),
    ],
)
def test_a_bad_line_is_a_fault_with_its_number_that_does_not_show_it(line: str, reason: str) -> None:
    read = dotenv.parse(f"# first\nGOOD=1\n{line}\nLAST=2")
    (fault,) = read.faults
    assert fault.path == ".env:3"
    assert reason in fault.reason
    assert "hunter2" not in str(fault)
    assert read.variables == {"GOOD": "1", "LAST": "2"}


def test_the_last_of_two_lines_with_one_name_counts() -> None:
    assert dotenv.parse("A=1\nA=2").variables == {"A": "2"}


def test_only_a_newline_ends_a_line() -> None:
    assert dotenv.parse("A=b\u2028c\x0bd\r\nB=1").variables == {"A": "b\u2028c\x0bd", "B": "1"}


def test_a_file_that_is_not_there_is_empty(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for missing in (tmp_path / ".env", tmp_path / "file" / ".env"):
        read = dotenv.read(missing)
        assert (read.variables, read.faults) == ({}, [])


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfA=1\n")
    assert dotenv.read(tmp_path / ".env").variables == {"A": "1"}


def test_a_file_that_is_not_utf_8_is_a_fault_with_its_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=1\nB=\xff\n")
    (fault,) = dotenv.read(tmp_path / ".env").faults
    assert str(fault) == f"{tmp_path / '.env'}:2: is not UTF-8 text"


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    (fault,) = dotenv.read(tmp_path / ".env").faults
    assert str(fault) == f"{tmp_path / '.env'}: cannot be read: Is a directory"


@given(st.text(st.characters(exclude_characters="\0\n", exclude_categories=["Cs"])))
def test_any_text_in_double_quotes_comes_back(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    read = dotenv.parse(f'A="{quoted}"')
    assert (read.variables, read.faults) == ({"A": text}, [])


@given(st.text(st.sampled_from("A=#'\"\\ \n\0ex\t")))
def test_no_text_breaks_the_reader(text: str) -> None:
    read = dotenv.parse(text)
    lines = sum(1 for line in text.split("\n") if line.strip() and not line.strip().startswith("#"))
    assert len(read.variables) + len(read.faults) <= lines
    assert bool(read.variables or read.faults) == bool(lines)
