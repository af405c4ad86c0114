"""A turn in a session whose file is very large, or shared with others: what of the file is read before it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex.turns import Bench, Ear
from codex_gateway.codex.exec_agent import ExecAgent
from codex_gateway.codex.session.neighbour import turns_under_way
from codex_gateway.core import event as ev
from codex_gateway.core.ids import ThreadId
from codex_gateway.core.outcome import Answered

THREAD = ThreadId("01a1f920-e197-7680-af9c-1ed048038c95")
GIGABYTE = 1 << 30
HEAD = '{"timestamp":"2026-11-20T13:21:00.000Z","type":"event_msg","payload":'
ITEM = '{"type":"AgentMessage","id":"m","phase":"final_answer","content":[{"type":"Text","text":"here"}]}'
PROMPT = '{"type":"UserMessage","id":"u","content":[{"type":"text","text":"hello"}]}'
#: Stands in for Codex, which would read its own file.
WRITER = f"""\
#!/bin/sh
cat >/dev/null
echo '{HEAD}{{"type":"task_started","turn_id":"t"}}}}' >>"$CODEX_TEST_SESSION"
echo '{HEAD}{{"type":"item_completed","turn_id":"t","item":{PROMPT}}}}}' >>"$CODEX_TEST_SESSION"
echo '{HEAD}{{"type":"item_completed","turn_id":"t","item":{ITEM}}}}}' >>"$CODEX_TEST_SESSION"
echo '{{"type":"thread.started","thread_id":"{THREAD}"}}'
echo '{{"type":"turn.started"}}'
echo '{{"type":"turn.completed"}}'
"""


@pytest.fixture
def session(scripted: Bench) -> Path:
    path = scripted.options.home / "sessions/2026/11/20" / f"rollout-2026-11-20T13-21-00-{THREAD}.jsonl"
    path.parent.mkdir(parents=True)
    return path


def read_by_us() -> int:
    """Bytes that this process has read by system calls so far."""
    return int(Path("/proc/self/io").read_text().split()[1])


async def test_a_session_of_a_gigabyte_is_attached_to_without_reading_it(scripted: Bench, session: Path) -> None:
    with session.open("wb") as file:
        file.truncate(GIGABYTE - 1)
        file.seek(GIGABYTE - 1)
        file.write(b"\n")
    writer = scripted.folder / "writer"
    writer.write_text(WRITER)
    writer.chmod(0o755)
    environ = {**scripted.options.environ, "CODEX_TEST_SESSION": str(session)}
    before, ear = read_by_us(), Ear()
    assert await scripted.ask("hello", THREAD, ear=ear, cli_cmd=str(writer), environ=environ) == Answered("here")
    assert ear.said == ["here"]
    assert read_by_us() - before < 4 << 20, "a few hundred KB of it, and what /proc tells"


async def test_a_file_that_is_replaced_within_a_turn_is_read_on_as_it_grows(scripted: Bench, session: Path) -> None:
    """By notifications alone; and what Codex says next is heard while it is still at work."""
    session.touch()
    heard = scripted.folder / "heard"
    lines = WRITER.splitlines(keepends=True)
    lines.insert(-5, 'cp "$CODEX_TEST_SESSION" other && mv other "$CODEX_TEST_SESSION" && sleep 0.1\n')
    lines.insert(-3, f'until [ -e "{heard}" ]; do sleep 0.01; done\n')
    writer = scripted.folder / "writer"
    writer.write_text("".join(lines))
    writer.chmod(0o755)
    ear = Ear()

    class Telling(Ear):
        async def __call__(self, event: ev.Event, offset_bytes: int) -> None:
            await ear(event, offset_bytes)
            if isinstance(event, ev.Message):
                heard.touch()

    environ = {**scripted.options.environ, "CODEX_TEST_SESSION": str(session)}
    changes = {"cli_cmd": str(writer), "environ": environ, "sync_interval_s": 0.0}
    assert await scripted.ask("hello", THREAD, ear=Telling(), **changes) == Answered("here")
    assert ear.said == ["here"]


def mark(kind: str, turn_id: str) -> bytes:
    return f'{HEAD}{{"type":"{kind}","turn_id":"{turn_id}"}}}}\n'.encode()


@pytest.fixture
def shared(session: Path) -> Iterator[int]:
    """The session's file, held open by somebody who writes there."""
    descriptor = os.open(session, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize(
    ("written", "under_way"),
    [
        (b"", set()),
        (mark("task_started", "a") + mark("task_complete", "a"), set()),
        (mark("task_started", "a") + mark("turn_aborted", "a"), set()),
        (mark("task_started", "a") + mark("task_complete", "a") + mark("task_started", "b"), {"b"}),
        (mark("task_started", "a") + mark("task_started", "b") + mark("task_complete", "a"), {"b"}),
        (f'{HEAD}{{"type":"user_message","message":"hi"}}}}\n'.encode(), {""}),
    ],
    ids=["empty", "ended", "aborted", "open", "one of two", "without marks"],
)
def test_a_turn_of_somebody_else_is_under_way(session: Path, shared: int, written: bytes, under_way: set[str]) -> None:
    os.write(shared, written)
    assert turns_under_way(session, before_bytes=len(written)) == under_way


def test_a_turn_that_nobody_has_open_any_more_was_killed(session: Path) -> None:
    session.write_bytes(mark("task_started", "a"))
    with session.open("rb"):
        assert turns_under_way(session, before_bytes=session.stat().st_size) == set()


def test_words_that_a_command_has_printed_are_no_mark(session: Path, shared: int) -> None:
    printed = mark("task_started", "a").decode().replace('"', '\\"').replace("\n", "\\n")
    os.write(shared, mark("task_complete", "b") + f'{HEAD}{{"type":"exec_output","chunk":"{printed}"}}}}\n'.encode())
    assert turns_under_way(session, before_bytes=session.stat().st_size) == set()


def test_what_comes_behind_the_offset_is_not_asked_for(session: Path, shared: int) -> None:
    os.write(shared, mark("task_complete", "a"))
    offset = session.stat().st_size
    os.write(shared, mark("task_started", "b"))
    assert turns_under_way(session, before_bytes=offset) == set()


def test_a_session_that_is_gone_is_no_error(session: Path) -> None:
    assert turns_under_way(session, before_bytes=100) == set()


def test_the_starting_point_is_the_end_of_the_file(scripted: Bench, session: Path) -> None:
    session.write_bytes(b"x\n")
    point = ExecAgent(scripted.options).starting_point(scripted.turn("hello", THREAD))
    assert (point.session_file, point.offset_bytes) == (session, 2)
