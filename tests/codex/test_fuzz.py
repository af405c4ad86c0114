"""The part of the fuzzer (`fuzz_million.py`) that runs with every test; `make fuzz` runs all of it."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.fuzz_million import KEPT, Fuzz
from codex_gateway.codex.reading import follow
from codex_gateway.codex.reading.follow import Tail

LINES = 25_000


@pytest.mark.parametrize("seed", [1, 2])
def test_no_damaged_line_ends_a_turn_or_breaks_the_reader(seed: int) -> None:
    fuzz = Fuzz(seed)
    fuzz.run(LINES)
    assert min(fuzz.ends, fuzz.endless.ends) > LINES / 1000, "too few turns came to an end to prove anything"
    assert 100 < fuzz.endless.remembered <= KEPT


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["append", "replace"]), st.binary(max_size=60))
        | st.tuples(st.just("truncate"), st.integers(0, 100))
        | st.tuples(st.just("read"), st.none()),
        max_size=20,
    )
)
def test_whatever_becomes_of_a_file_what_is_written_then_is_read(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Any]]
) -> None:
    path = tmp_path_factory.mktemp("tail") / "file"
    path.touch()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("CHUNK", 16), ("LONGEST_LINE", 30), ("HEAD", 8), ("TAIL", 4)):
            patch.setattr(follow, f"{name}_BYTES", value)
        tail = Tail(path)
        for step, given_ in steps:
            match step:
                case "append":
                    with path.open("ab") as file:
                        file.write(given_)
                case "truncate":
                    os.truncate(path, min(given_, path.stat().st_size))
                case "replace":
                    path.with_name("new").write_bytes(given_)
                    path.with_name("new").replace(path)
                case _:
                    drained(tail)
        drained(tail)
        assert tail.offset <= path.stat().st_size
        with path.open("ab") as file:
            file.write(b"\nmarker\n")
        assert drained(tail)[-1] == b"marker"
        tail.close()


def drained(tail: Tail) -> list[bytes]:
    found, more = list[bytes](), True
    while more:
        lines, more = tail.read()
        found += [line.content for line in lines]
    return found


@given(
    content=st.lists(st.sampled_from([b"\n", b"a", b"bb", b"{}", b"\r\n", b"c" * 40])).map(b"".join),
    chunk=st.integers(1, 50),
)
def test_any_content_comes_in_lines_whatever_the_pieces(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, chunk: int
) -> None:
    longest, head, rest = 30, 8, 4
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("CHUNK", chunk), ("LONGEST_LINE", longest), ("HEAD", head), ("TAIL", rest)):
            patch.setattr(follow, f"{name}_BYTES", value)
        path = tmp_path_factory.mktemp("tail") / "file"
        path.write_bytes(content)
        tail, offset = Tail(path), 0
        more = True
        while more:
            lines, more = tail.read()
            for line in lines:
                whole = content[offset : line.end - 1]
                assert content[line.end - 1 : line.end] == b"\n"
                assert b"\n" not in whole
                if line.tail:
                    assert len(whole) > longest
                    assert (line.content, line.tail) == (whole[:head], whole[-rest:])
                else:
                    assert line.content == whole
                offset = line.end
        assert b"\n" not in content[offset:]
        tail.close()
