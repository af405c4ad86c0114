"""Real processes: started, found again, stopped whatever they think of it."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import time
from pathlib import Path

import pytest

from codex.turns import plain_environment, until
from codex_gateway.codex.child import proc
from codex_gateway.codex.child.environment import TAG, THREAD_TAG
from codex_gateway.codex.child.process import Files, Process, stop_left_behind


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "attempts" / "1")


def start(files: Files, script: str, *, prompt: str = "", reads_prompt: bool = True, **environ: str) -> Process:
    return Process.start(
        ("/bin/bash", "-c", script),
        files=files,
        prompt=prompt,
        reads_prompt=reads_prompt,
        workdir=files.directory.parent.parent,
        environ=plain_environment({TAG: files.tag, **environ}),
    )


def ticks_now() -> int:
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


async def gone(process: Process) -> int | None:
    assert await process.wait(at_most_s=20)
    process.close()
    return process.status


async def test_a_process_reads_its_prompt_and_writes_into_files(files: Files, tmp_path: Path) -> None:
    process = start(files, "cat; pwd; echo oops >&2; exit 3", prompt="中文\n")
    assert await gone(process) == 3
    assert files.stdout.read_text("utf-8") == f"中文\n{tmp_path}\n"
    assert files.stderr.read_text("utf-8") == "oops\n"


async def test_without_a_prompt_there_is_nothing_to_read(files: Files) -> None:
    assert await gone(start(files, "cat", prompt="kept", reads_prompt=False)) == 0
    assert files.stdout.read_bytes() == b""
    assert files.prompt.read_bytes() == b"kept"


async def test_nobody_else_may_read_what_it_reads_and_writes(files: Files) -> None:
    files.directory.mkdir(mode=0o755, parents=True)
    await gone(start(files, "true"))
    assert stat.S_IMODE(files.directory.stat().st_mode) == 0o700
    for path in (files.prompt, files.stdout, files.stderr):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_process_has_a_session_of_its_own_and_none_of_our_files(files: Files) -> None:
    with (files.directory.parent.parent / "open").open("wb") as held:
        os.set_inheritable(held.fileno(), True)
        process = start(files, "ls /proc/$$/fd | tr '\\n' ' '; ps -o sid= -p $$")
        assert await gone(process) == 0
    *descriptors, session = files.stdout.read_text().split()
    assert session == str(process.identity.pid)
    assert str(held) not in descriptors
    assert len(descriptors) <= 4


async def test_a_program_that_is_no_program_is_an_error(files: Files) -> None:
    with pytest.raises(OSError, match="nowhere"):
        Process.start(
            ("/nowhere",), files=files, prompt="", reads_prompt=True, workdir=Path("/"), environ=plain_environment({})
        )


@pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 101", 101), ("kill -9 $$", -9)])
async def test_its_end_is_told_at_once_with_its_status(files: Files, script: str, status: int) -> None:
    process = start(files, script)
    told = asyncio.Event()
    process.on_exit(told.set)
    async with asyncio.timeout(60):
        await told.wait()
    assert process.has_exited
    assert process.status == status
    process.close()
    assert proc.identify(process.identity.pid) is None, "it was reaped"


async def test_a_process_is_known_by_more_than_its_pid(files: Files) -> None:
    process = start(files, "sleep 1000")
    identity = process.identity
    assert proc.is_alive(identity)
    stranger = proc.ProcessId(identity.pid, identity.start_ticks + 1)
    assert not proc.is_alive(stranger)
    assert Process.find(stranger) is None
    found = Process.find(identity)
    assert found is not None
    await found.stop()
    assert found.status == -signal.SIGINT
    found.close()
    assert not proc.is_alive(identity)
    assert Process.find(identity) is None
    process.close()


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("sleep 1000", -signal.SIGINT),
        ('trap "echo asked; exit 7" INT; echo up; while :; do sleep 0.01; done', 7),
        ('trap "" INT; echo up; while :; do sleep 0.01; done', -signal.SIGTERM),
        ('trap "" INT TERM; echo up; while :; do sleep 0.01; done', -signal.SIGKILL),
    ],
)
async def test_it_is_stopped_as_gently_as_it_lets_itself(
    files: Files, script: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = ((signal.SIGINT, 0.3), (signal.SIGTERM, 0.3), (signal.SIGKILL, 20.0))
    monkeypatch.setattr("codex_gateway.codex.child.process._PATIENCE_S", patience)
    process = start(files, script)
    if "up" in script:
        await until(lambda: files.stdout.read_bytes() == b"up\n")
    await process.stop()
    assert process.status == status
    process.close()


async def test_everything_that_carries_the_mark_is_ended(files: Files) -> None:
    script = (
        'trap "" INT TERM; (setsid sleep 1000 &) ; (setsid bash -c \'trap "" TERM; sleep 1000; sleep 1000\' &); wait'
    )
    process = start(files, script + "; echo up")
    await until(lambda: files.stdout.read_bytes() == b"up\n" and len(proc.tagged(files.tag)) >= 3)
    await process.wait(at_most_s=20)
    assert proc.tagged(files.tag)
    await stop_left_behind(files.tag, thread_id=None, since_ticks=0)
    assert proc.tagged(files.tag) == []
    process.close()


async def test_what_lost_our_mark_is_known_by_its_thread(files: Files) -> None:
    """Codex sets CODEX_THREAD_ID for its tools, whatever the user lets through of the rest."""
    thread = "01a1f920-e197-7680-af9c-1ed048038c95"
    marked = f"env -u {TAG} {THREAD_TAG}={thread}"
    older = start(Files(files.directory.with_name("older")), f"exec {marked} sleep 1000")
    await until(lambda: bool(proc.left_behind("none", thread_id=thread, since_ticks=0)))
    await until(lambda: ticks_now() > older.identity.start_ticks)
    process = start(files, f"{marked} setsid sleep 1000 & {marked} {TAG}=another setsid sleep 1000 & echo $!; wait")
    await until(lambda: len(proc.left_behind("none", thread_id=thread, since_ticks=0)) == 2)
    await until(lambda: bool(proc.tagged("another")))
    await stop_left_behind(files.tag, thread_id=thread, since_ticks=process.identity.start_ticks)
    assert proc.is_alive(older.identity), "an earlier turn's server of the same thread is none of ours"
    another = proc.tagged("another")
    assert another, "what carries another attempt's mark is none of ours"
    for identity in (*another, older.identity):
        os.kill(identity.pid, signal.SIGKILL)
    assert await gone(older) == -signal.SIGKILL
    assert await gone(process) is not None


async def test_the_process_that_writes_into_a_file_is_told_from_others(files: Files) -> None:
    process = start(files, "sleep 1000 >/dev/null & echo up; wait")
    await until(lambda: files.stdout.read_bytes() == b"up\n" and len(proc.tagged(files.tag)) == 2)

    def writers() -> list[proc.ProcessId]:
        return [one for one in proc.tagged(files.tag) if proc.writes_to(one, files.stdout)]

    await until(lambda: len(writers()) == 1)  # the other one does so too, for as long as it is still the shell's twin
    assert writers() == [process.identity]
    await process.stop()
    await stop_left_behind(files.tag, thread_id=None, since_ticks=0)
    process.close()


async def test_many_processes_can_be_watched_at_once(tmp_path: Path) -> None:
    started = [start(Files(tmp_path / "attempts" / str(number)), f"exit {number}") for number in range(20)]
    assert await asyncio.gather(*(gone(process) for process in started)) == list(range(20))


async def test_a_process_that_was_let_go_of_is_no_zombie_for_ever(files: Files, tmp_path: Path) -> None:
    """Only a parent can wait for it, and we are the parent for as long as we live."""
    process = start(files, "sleep 1000")
    identity = process.identity
    process.close()
    assert proc.is_alive(identity)
    os.kill(identity.pid, signal.SIGKILL)
    await until(lambda: not proc.is_alive(identity))
    assert proc.identify(identity.pid) == identity, "a zombie"
    assert await gone(start(Files(tmp_path / "attempts" / "2"), "true")) == 0
    assert proc.identify(identity.pid) is None, "reaped"


def test_strange_pids_are_nobody() -> None:
    assert proc.identify(2**22 + 1) is None
    assert Process.find(proc.ProcessId(2**22 + 1, 0)) is None
    assert Process.find(proc.ProcessId(os.getpid(), 0)) is None
