"""Many session files seen growing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from codex.session_lines import SessionLines
from codex_gateway.codex import observer as observer_module
from codex_gateway.codex.observer import FileView, SessionObserver
from codex_gateway.codex.reading import follow
from codex_gateway.core.ids import SessionId, ThreadId
from codex_gateway.core.run import Session
from codex_gateway.core.sighting import Asked, TurnOver


@dataclass
class Files:
    """A Codex home with session files."""

    home: Path
    lines: SessionLines = field(default_factory=SessionLines)

    def session(self, number: int = 1) -> Session:
        return Session(SessionId(number), self.home, ThreadId(f"01a1f920-e197-7680-af9c-{number:012x}"))

    def path(self, number: int = 1) -> Path:
        name = f"rollout-2026-11-20T13-24-04-{self.session(number).thread_id}.jsonl"
        return self.home / "sessions" / "2026" / "11" / "20" / name

    def append(self, content: bytes, number: int = 1) -> None:
        self.path(number).parent.mkdir(parents=True, exist_ok=True)
        with self.path(number).open("ab") as file:
            file.write(content)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@asynccontextmanager
async def watching(*, sync_interval_s: float = 0.0) -> AsyncIterator[SessionObserver]:
    observer = SessionObserver(sync_interval_s=sync_interval_s)
    with observer.watching():
        yield observer


async def opened(observer: SessionObserver, session: Session, *, from_bytes: int | None = None) -> FileView:
    view = await observer.open(session, from_bytes=from_bytes)
    assert view is not None
    return view


async def texts(observer: SessionObserver, view: FileView, count: int) -> list[str]:
    """Wait until so many prompts were seen."""
    found: list[str] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            told, more = view.read()
            found += [sighting.fact.text for sighting in told if isinstance(sighting.fact, Asked)]
            if not more and len(found) < count:
                await observer.wait(at_most_s=600.0)
    return found


async def test_a_view_begins_at_the_end_and_sees_what_comes(files: Files) -> None:
    files.append(files.lines.turn("a", "history", "1"))
    async with watching() as observer:
        view = await opened(observer, files.session())
        assert view.begins_at == files.path().stat().st_size
        assert view.read() == ([], False)
        for content in (files.lines.turn("b", "one", "1"), files.lines.turn("c", "two", "2")):
            files.append(content)
        assert await texts(observer, view, 2) == ["one", "two"]
        view.close()


async def test_a_line_that_is_being_written_at_the_end_is_seen_whole(files: Files) -> None:
    whole = files.lines.began("b")
    files.append(files.lines.turn("a", "history", "1") + whole[:40])
    async with watching() as observer:
        view = await opened(observer, files.session())
        files.append(whole[40:] + files.lines.asked("b", "one"))
        assert await texts(observer, view, 1) == ["one"]
        view.close()


async def test_a_view_goes_on_where_it_is_told_to(files: Files) -> None:
    first = files.lines.turn("a", "one", "1")
    files.append(first + files.lines.turn("b", "two", "2"))
    async with watching() as observer:
        view = await opened(observer, files.session(), from_bytes=len(first))
        assert view.begins_at == len(first)
        assert await texts(observer, view, 1) == ["two"]
        view.close()


@pytest.mark.parametrize("offset", [7, 10**9], ids=["in the middle of a line", "beyond the end"])
async def test_an_offset_of_another_file_is_not_taken(files: Files, offset: int) -> None:
    files.append(files.lines.turn("a", "one", "1"))
    async with watching() as observer:
        view = await opened(observer, files.session(), from_bytes=offset)
        assert view.begins_at == files.path().stat().st_size
        view.close()


async def test_there_is_no_view_of_a_session_without_a_file(files: Files) -> None:
    async with watching() as observer:
        assert await observer.open(files.session(), from_bytes=None) is None
        assert await observer.open(Session(SessionId(1), files.home, None), from_bytes=None) is None


@pytest.mark.parametrize("how", ["cut", "replaced"])
async def test_a_file_that_is_cut_or_replaced_is_lost_and_can_be_opened_again(files: Files, how: str) -> None:
    files.append(files.lines.turn("a", "one", "1") * 3)
    async with watching(sync_interval_s=0.01) as observer:
        view = await opened(observer, files.session())
        assert view.read() == ([], False)
        other = files.lines.turn("b", "other history", "2") * (1 if how == "cut" else 9)
        if how == "cut":
            files.path().write_bytes(other)
        else:
            beside = files.path().with_suffix(".new")
            beside.write_bytes(other)
            beside.replace(files.path())
        async with asyncio.timeout(60):
            while not view.is_lost:
                assert view.read() == ([], False)
                await observer.wait(at_most_s=600.0)
        view.close()
        view = await opened(observer, files.session())
        files.append(files.lines.turn("c", "after", "3"))
        assert await texts(observer, view, 1) == ["after"]
        view.close()


async def test_a_file_that_is_replaced_is_seen_by_notifications_alone_by_everybody_who_views_it(files: Files) -> None:
    files.append(files.lines.turn("a", "one", "1"))
    async with watching() as observer:
        views = [await opened(observer, files.session()) for _ in range(2)]
        assert all(view.read() == ([], False) for view in views)
        beside = files.path().with_suffix(".new")
        beside.write_bytes(files.lines.turn("b", "other history", "2") * 9)
        beside.replace(files.path())
        fresh = []
        async with asyncio.timeout(60):
            for view in views:
                while not view.is_lost:
                    assert view.read() == ([], False)
                    if not view.is_lost:
                        await observer.wait(at_most_s=600.0)
                view.close()
                fresh.append(await opened(observer, files.session()))
        files.append(files.lines.turn("c", "after", "3"))
        for view in fresh:
            assert await texts(observer, view, 1) == ["after"]
            view.close()


async def test_the_end_of_the_last_whole_line_is_not_looked_for_all_the_way_back(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.append(b"x" * 1000)
    monkeypatch.setattr(observer_module, "_BITE_BYTES", 10)
    monkeypatch.setattr(observer_module, "_LOOK_BACK_BYTES", 100)
    async with watching() as observer:
        view = await opened(observer, files.session())
        assert view.begins_at == 1000
        files.append(b"the rest of it\n" + files.lines.turn("b", "one", "1"))
        assert await texts(observer, view, 1) == ["one"]
        view.close()


async def test_only_the_files_that_have_grown_are_read(files: Files) -> None:
    for number in range(1, 101):
        files.append(files.lines.turn("a", "history", "1"), number)
    async with watching() as observer:
        views = [await opened(observer, files.session(number)) for number in range(1, 101)]
        assert all(view.read() == ([], False) for view in views)
        files.append(files.lines.turn("b", "one", "1"), 42)
        await observer.wait(at_most_s=600.0)
        assert [number for number, view in enumerate(views, start=1) if view.may_have_grown] == [42]
        for view in views:
            view.close()


async def test_two_views_of_one_session_both_see_it(files: Files) -> None:
    files.append(files.lines.turn("a", "history", "1"))
    async with watching() as observer:
        one, other = [await opened(observer, files.session()) for _ in range(2)]
        files.append(files.lines.turn("b", "first", "1"))
        assert await texts(observer, one, 1) == await texts(observer, other, 1) == ["first"]
        one.close()
        files.append(files.lines.turn("c", "second", "2"))
        assert await texts(observer, other, 1) == ["second"]
        other.close()


async def test_without_inotify_the_files_are_polled(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_HAS_INOTIFY", False)
    files.append(files.lines.turn("a", "history", "1"))
    async with watching() as observer:
        view = await opened(observer, files.session())
        assert view.read() == ([], False)
        files.append(files.lines.turn("b", "one", "1"))
        assert await texts(observer, view, 1) == ["one"]
        view.close()


async def test_a_file_of_a_gigabyte_is_never_read_from_its_start(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    files.append(b"")
    os.truncate(files.path(), 2**30)
    files.append(b"\n")
    read_bytes = 0
    pread = os.pread

    def counted(file: int, count: int, offset: int) -> bytes:
        nonlocal read_bytes
        content = pread(file, count, offset)
        read_bytes += len(content)
        return content

    monkeypatch.setattr(os, "pread", counted)
    async with watching() as observer:
        view = await opened(observer, files.session())
        files.append(files.lines.turn("b", "one", "1"))
        assert await texts(observer, view, 1) == ["one"]
        view.close()
        again = await opened(observer, files.session(), from_bytes=view.begins_at)
        assert [type(it.fact) for it in again.read()[0]][-1] is TurnOver
        again.close()
    assert read_bytes < 100_000
