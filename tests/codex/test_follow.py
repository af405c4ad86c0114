"""Files that grow while they are read."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex.turns import until
from codex_gateway.codex.reading import follow
from codex_gateway.codex.reading.follow import Line, Tail, Watcher


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


@pytest.fixture
def tail(path: Path) -> Iterator[Tail]:
    tail = Tail(path)
    yield tail
    tail.close()


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def drained(tail: Tail) -> list[bytes]:
    """The lines that are whole by now."""
    return [line.content for line in lines_of(tail)]


def lines_of(tail: Tail) -> list[Line]:
    found, more = list[Line](), True
    while more:
        lines, more = tail.read()
        found += lines
    return found


def test_lines_are_read_as_they_come(tail: Tail, path: Path) -> None:
    assert drained(tail) == [], "it need not exist yet"
    append(path, b"one\ntwo\n")
    assert drained(tail) == [b"one", b"two"]
    assert drained(tail) == []
    append(path, b"three\n")
    assert drained(tail) == [b"three"]


def test_a_torn_line_waits_for_its_end(tail: Tail, path: Path) -> None:
    for piece in (b"o", b"n", b"e\ntw", b"o"):
        append(path, piece)
    assert drained(tail) == [b"one"]
    assert tail.rest == b"two"
    append(path, b"\n\n")
    assert drained(tail) == [b"two", b""]
    assert tail.rest == b""


def test_nothing_before_the_offset_is_read(path: Path) -> None:
    append(path, b"old\nold\n")
    tail = Tail(path, 8)
    append(path, b"new\n\xe4\xb8\xad\n")
    lines, _ = tail.read()
    tail.close()
    assert [(line.content, line.end) for line in lines] == [(b"new", 12), ("中".encode(), 16)]


def test_an_offset_past_the_end_is_the_end(path: Path) -> None:
    append(path, b"short\n")
    tail = Tail(path, 1_000)
    assert drained(tail) == []
    append(path, b"new\n")
    assert drained(tail) == [b"new"]
    tail.close()


def test_a_line_of_some_megabytes_comes_whole(tail: Tail, path: Path) -> None:
    big = b"x" * (follow.LONGEST_LINE_BYTES - 1)
    append(path, b"before\n" + big + b"\nafter\n")
    assert drained(tail) == [b"before", big, b"after"]


def test_one_read_takes_no_more_than_a_chunk(tail: Tail, path: Path) -> None:
    append(path, b"x\n" * 1_000_000)
    lines, more = tail.read()
    assert more
    assert len(lines) == follow.CHUNK_BYTES // 2


def test_of_a_line_beyond_all_measure_its_beginning_and_its_end_are_kept(tail: Tail, path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"begin" + b"x" * 50_000_000 + b"end\nnext\n")
    first, second = lines_of(tail)
    assert first.content == b"begin" + b"x" * (follow.HEAD_BYTES - 5)
    assert first.tail == b"x" * (follow.TAIL_BYTES - 3) + b"end"
    assert first.end == 50_000_009
    assert (second.content, second.tail) == (b"next", b"")


def test_a_long_line_takes_no_more_memory_than_a_short_one(tail: Tail, path: Path) -> None:
    with path.open("ab") as file:
        for _ in range(50):
            file.write(b"x" * 1_000_000)
    tracemalloc.start()
    try:
        lines_of(tail)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * follow.LONGEST_LINE_BYTES + 4 * follow.CHUNK_BYTES


def test_a_truncated_file_goes_on_from_its_end(tail: Tail, path: Path) -> None:
    append(path, b"one\ntwo\ntor")
    assert drained(tail) == [b"one", b"two"]
    os.truncate(path, 4)
    assert drained(tail) == []
    append(path, b"three\n")
    assert drained(tail) == [b"three"]


def test_a_replaced_file_is_read_on_at_the_same_offset(tail: Tail, path: Path) -> None:
    append(path, b"one\n")
    assert drained(tail) == [b"one"]
    other = path.with_suffix(".new")
    other.write_bytes(b"one\ntwo\n")
    other.replace(path)
    assert drained(tail) == [b"two"]


def test_a_file_that_was_moved_away_is_read_on(tail: Tail, path: Path) -> None:
    append(path, b"one\n")
    assert drained(tail) == [b"one"]
    moved = path.rename(path.with_suffix(".moved"))
    append(moved, b"two\n")
    assert drained(tail) == [b"two"]


async def test_a_watcher_tells_of_growth_by_another_process(path: Path) -> None:
    path.touch()
    tail = Tail(path)
    found: list[bytes] = []
    with Watcher(sync_interval_s=0) as watcher:
        watcher.watch(path)

        async def follow_it() -> None:
            while len(found) < 100:
                found.extend(drained(tail))
                if len(found) < 100:
                    await watcher.wait()

        async with asyncio.timeout(30):
            writer = await asyncio.to_thread(
                subprocess.Popen, ["/bin/sh", "-c", f"for n in $(seq 100); do echo $n >> '{path}'; done"]
            )
            await follow_it()
            await asyncio.to_thread(writer.wait)
    tail.close()
    assert found == [str(number).encode() for number in range(1, 101)]


async def test_what_happened_between_two_waits_is_not_missed(path: Path) -> None:
    path.touch()
    with Watcher(sync_interval_s=0) as watcher:
        watcher.watch(path)
        append(path, b"x")
        await asyncio.sleep(0)
        async with asyncio.timeout(60):
            await watcher.wait()
        watcher.wake()
        async with asyncio.timeout(60):
            await watcher.wait()


async def test_a_quiet_watcher_returns_when_it_is_time_to_look(path: Path) -> None:
    for interval_s, at_most_s in ((0.01, None), (0.0, 0.01), (100.0, 0.01)):
        with Watcher(sync_interval_s=interval_s) as watcher:
            async with asyncio.timeout(60):
                await watcher.wait(at_most_s=at_most_s)


async def test_without_notifications_it_polls(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError(24, "no more inotify instances")

    monkeypatch.setattr(follow, "Inotify", refuse)
    path.touch()
    tail = Tail(path)
    found: list[bytes] = []
    with Watcher(sync_interval_s=0) as watcher:
        watcher.watch(path)

        async def look() -> None:
            while not found:
                await watcher.wait()
                found.extend(drained(tail))

        task = asyncio.create_task(look())
        append(path, b"one\n")
        await until(lambda: bool(found))
        await task
    tail.close()
    assert found == [b"one"]


async def test_a_watcher_tells_which_files_have_grown(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    append(one, b"")
    append(other, b"")
    with Watcher(sync_interval_s=0.0) as watcher:
        watcher.watch(one)
        watcher.watch(other)
        assert watcher.take_grown() == set()
        append(other, b"x")
        await watcher.wait(at_most_s=60.0)
        assert watcher.take_grown() == {other}
        await watcher.wait(at_most_s=0.01)
        assert watcher.take_grown() is None, "nobody told: it is the time to look at all of them"


async def test_it_is_told_that_another_file_stands_in_the_place_and_that_one_is_watched_from_then_on(
    tmp_path: Path,
) -> None:
    path = tmp_path / "file"
    append(path, b"old")
    with Watcher(sync_interval_s=0.0) as watcher, path.open("rb"):  # as whoever follows it has it open
        watcher.watch(path)
        append(tmp_path / "new", b"new")
        (tmp_path / "new").replace(path)
        await watcher.wait(at_most_s=60.0)
        assert watcher.take_grown() == {path}
        watcher.watch(path)
        append(path, b"x")
        await watcher.wait(at_most_s=60.0)
        assert watcher.take_grown() == {path}


async def test_a_file_in_the_place_of_another_can_be_watched_in_its_stead(tmp_path: Path) -> None:
    path = tmp_path / "file"
    append(path, b"old")
    with Watcher(sync_interval_s=0.0) as watcher:
        watcher.watch(path)
        append(tmp_path / "new", b"new")
        (tmp_path / "new").replace(path)
        watcher.unwatch(path)
        watcher.watch(path)
        await watcher.wait(at_most_s=0.05)  # what is told of the end of the old one
        watcher.take_grown()
        append(path, b"x")
        await watcher.wait(at_most_s=10.0)
        assert watcher.take_grown() == {path}
