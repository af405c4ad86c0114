"""Finding a session's file, and who has it open."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from codex_gateway.codex.session import holder, locate
from codex_gateway.core.ids import ThreadId

#: Made on 2026-11-20, 13:21:04 UTC, says its first part.
ID = ThreadId("01a1f920-e197-7680-af9c-1ed048038c95")
#: A random one, of version 4: it does not tell its day.
RANDOM = ThreadId("7d444840-9dc0-41d1-b245-5ffdce74fad2")


def session(home: Path, day: str, thread_id: ThreadId = ID) -> Path:
    path = home / "sessions" / day / f"rollout-{day.replace('/', '-')}T13-21-04-{thread_id}.jsonl"
    path.parent.mkdir(parents=True)
    path.touch()
    return path


@pytest.mark.parametrize("day", ["2026/11/19", "2026/11/20", "2026/11/21", "2025/01/01"])
def test_a_session_is_found_wherever_it_lies(tmp_path: Path, day: str) -> None:
    session(tmp_path, "2026/10/10", RANDOM)
    path = session(tmp_path, day)
    assert locate.find_session(tmp_path, ID) == path
    assert locate.find_session(tmp_path, ThreadId(ID.upper())) == path
    near = day.startswith("2026")
    assert locate.find_by_date(tmp_path, ID) == (path if near else None)


def test_an_id_that_tells_no_day_is_found_too(tmp_path: Path) -> None:
    session(tmp_path, "2026/11/20")
    path = session(tmp_path, "2024/02/29", RANDOM)
    assert locate.find_session(tmp_path, RANDOM) == path


@pytest.mark.parametrize("name", ["", "my session", "--last", "..", "*", f"{ID}0", f"../{ID}", ID[:-1]])
def test_what_is_no_id_is_never_found(tmp_path: Path, name: str) -> None:
    session(tmp_path, "2026/11/20")
    assert not locate.is_thread_id(name)
    assert locate.find_session(tmp_path, ThreadId(name)) is None


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    assert locate.find_session(tmp_path, ID) is None
    (tmp_path / "sessions").write_text("a file")
    assert locate.find_session(tmp_path, ID) is None
    assert locate.find_session(tmp_path, ThreadId("ffffffff-ffff-7fff-bfff-ffffffffffff")) is None


def test_an_archived_session_is_known_as_such(tmp_path: Path) -> None:
    archive = tmp_path / "archived_sessions"
    archive.mkdir()
    assert not locate.is_archived(tmp_path, ID)
    (archive / f"rollout-2026-11-20T13-21-04-{ID}.jsonl").touch()
    assert locate.is_archived(tmp_path, ID)
    assert locate.find_session(tmp_path, ID) is None


def test_a_lock_file_that_nobody_holds_means_nothing(tmp_path: Path) -> None:
    assert not locate.is_open_for_writing(tmp_path, ID)
    lock = tmp_path / "thread-writer-locks" / f"{ID}.lock"
    lock.parent.mkdir()
    lock.touch()
    assert not locate.is_open_for_writing(tmp_path, ID)
    assert not holder.is_held(tmp_path, ID)
    assert holder.find_holder(tmp_path, ID, attempts_dir=tmp_path) is None
    with lock.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert locate.is_open_for_writing(tmp_path, ID)
        assert holder.is_held(tmp_path, ID)
        found = holder.find_holder(tmp_path, ID, attempts_dir=tmp_path)
        assert found is not None and found.pid == os.getpid() and not found.is_ours
    assert not locate.is_open_for_writing(tmp_path, ID)
