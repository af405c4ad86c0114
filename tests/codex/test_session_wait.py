"""A session that somebody else has open: who that is, the wait for it, and the end of a leftover of ours."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from codex.turns import WITH_LOCK, Bench, Ear, until
from codex_gateway.codex.child import proc
from codex_gateway.codex.child.environment import TAG
from codex_gateway.codex.session import holder
from codex_gateway.core import event as ev
from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import AttemptId, ThreadId
from codex_gateway.core.outcome import Answered, Detached, Failed, FailureKind

#: Holds the lock named by its argument, with a child of its own, until it is told to end.
_HOLD = """
import fcntl, os, subprocess, sys, time
lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(lock, fcntl.LOCK_EX)
child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(1000)
"""


def lock_of(bench: Bench, thread_id: ThreadId) -> Path:
    path = bench.options.home / "thread-writer-locks" / f"{thread_id}.lock"
    path.parent.mkdir(exist_ok=True)
    return path


@contextmanager
def held(path: Path) -> Iterator[None]:
    """By this process, as an idle terminal would."""
    with path.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def holding(path: Path, *words: str, tag: str | None = None) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another process that holds the lock, with the pid of its child; both are gone afterwards."""
    environ = {"PATH": os.environ["PATH"], **({TAG: tag} if tag else {})}
    argv = [sys.executable, "-c", _HOLD, str(path), *words]
    with subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        identity = proc.identify(child)
        try:
            yield process, child
        finally:
            process.kill()
            if identity is not None and proc.is_alive(identity):
                os.kill(child, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    identity = proc.identify(pid)
    return identity is not None and proc.is_alive(identity)


@pytest.mark.parametrize("bench", WITH_LOCK, indirect=True)
async def test_a_turn_waits_for_a_second_writer_and_goes_on_by_itself(bench: Bench) -> None:
    thread_id = await bench.new_session()
    first, second = Ear(), Ear()
    agent, turn = bench.agent(lock_patience_s=0.0), bench.turn("me too", thread_id)
    attempt = bench.attempt(agent, turn)  # what the other one writes comes behind its starting point
    prompt = "@comment theirs\n@sh sleep 1000\n@say never"
    working = asyncio.create_task(bench.ask(prompt, thread_id, ear=first))
    await until(lambda: first.has(ev.CommandStarted))
    waiting = asyncio.create_task(agent.perform(turn, attempt, second))
    await until(lambda: second.has(ev.SessionHeld))
    told = second.all(ev.SessionHeld)[0].holder
    assert told is not None and told.pid == first.all(ev.ProcessStarted)[0].pid
    assert not second.has(ev.ProcessStarted)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert await waiting == Answered("echo: me too")
    assert second.said == ["echo: me too"]
    free = second.all(ev.SessionFree)
    assert len(free) == 1 and "sleep 1000" in bench.session_text(thread_id)[: free[0].offset_bytes]


async def test_the_holder_is_named_by_its_program_and_never_by_its_arguments(scripted: Bench) -> None:
    thread_id = await scripted.new_session()
    path = lock_of(scripted, thread_id)
    attempts = scripted.folder / "attempts"
    with holding(path, "exec", "resume", "--api-key=hunter2", "a secret") as (process, _):
        found = holder.find_holder(scripted.options.home, thread_id, attempts_dir=attempts)
        assert found == Holder(process.pid, f"{Path(sys.executable).name} exec resume", proc.terminal_of(process.pid))
    assert holder.find_holder(scripted.options.home, thread_id, attempts_dir=attempts) is None


async def test_a_holder_under_a_terminal_is_named_with_it(scripted: Bench) -> None:
    thread_id = await scripted.new_session()
    master, slave = os.openpty()
    try:
        name = os.ttyname(slave).removeprefix("/dev/")
        script = f"import fcntl,sys,termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n{_HOLD}"
        argv = [sys.executable, "-c", script, str(lock_of(scripted, thread_id))]
        with subprocess.Popen(argv, stdin=slave, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
            assert process.stdout is not None
            child = int(process.stdout.readline())
            found = holder.find_holder(scripted.options.home, thread_id, attempts_dir=scripted.folder)
            process.kill()
            os.kill(child, signal.SIGKILL)
        assert found is not None and found.terminal == name and found.pid == process.pid
    finally:
        os.close(master)
        os.close(slave)


def test_a_lock_on_a_file_of_the_same_number_on_another_disk_is_not_sure(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with held(path):
        real = path.stat()
        there = list(real)
        there[2] += 1  # st_dev
        elsewhere = os.stat_result(there)
        assert list(holder._owners(real)) == [(os.getpid(), True)]
        assert list(holder._owners(elsewhere)) == [(os.getpid(), False)]
        assert proc.has_open(os.getpid(), real) and not proc.has_open(os.getpid(), elsewhere)


async def test_a_wait_that_is_stopped_has_started_nothing(scripted: Bench) -> None:
    thread_id = await scripted.new_session()
    ear = Ear()
    before = scripted.session_text(thread_id)
    with held(lock_of(scripted, thread_id)):
        waiting = asyncio.create_task(scripted.ask("never", thread_id, ear=ear, lock_patience_s=0.0))
        await until(lambda: ear.has(ev.SessionHeld))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert not ear.has(ev.ProcessStarted)
    assert scripted.session_text(thread_id) == before


async def test_a_wait_that_is_let_go_of_was_not_begun(scripted: Bench) -> None:
    thread_id = await scripted.new_session()
    ear = Ear()
    agent, turn = scripted.agent(lock_patience_s=0.0), scripted.turn("later", thread_id)
    attempt = scripted.attempt(agent, turn)
    with held(lock_of(scripted, thread_id)):
        waiting = asyncio.create_task(agent.perform(turn, attempt, ear))
        await until(lambda: ear.has(ev.SessionHeld))
        agent.release()
        assert await waiting == Detached()
    outcome = await scripted.agent().reattach(attempt, Ear())
    assert isinstance(outcome, Failed) and outcome.kind is FailureKind.NOT_STARTED


def refusing(bench: Bench, times: int) -> Path:
    """A Codex that finds somebody else in the session so many times, though no lock shows it."""
    counter = bench.folder / "refusals"
    program = bench.folder / "refusing"
    program.write_text(
        "#!/bin/sh\n"
        '[ "$2" = fork ] && exit 2\n'  # no such subcommand
        f'echo x >> "{counter}"\n'
        f'if [ "$(wc -l < "{counter}")" -le {times} ]; then\n'
        '  echo "Error: thread/resume failed: thread already has an active writer (code -32600)" >&2; exit 1\n'
        "fi\n"
        f'exec "{bench.options.cli_cmd}" "$@"\n'
    )
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("use_pty", [False, True])
async def test_codex_that_sees_a_writer_whom_we_do_not_see_is_tried_again(
    scripted: Bench, monkeypatch: pytest.MonkeyPatch, use_pty: bool
) -> None:
    monkeypatch.setattr("codex_gateway.codex.exec_agent._REFUSED_PAUSES_S", (0.01,) * 5)
    thread_id = await scripted.new_session()
    agent = scripted.agent(cli_cmd=str(refusing(scripted, 3)), use_pty=use_pty)
    turn = scripted.turn("once", thread_id)
    attempt = scripted.attempt(agent, turn)
    left: list[bool] = []

    class Looking(Ear):
        async def __call__(self, event: ev.Event, offset_bytes: int) -> None:
            left.append(attempt.directory.exists() and isinstance(event, ev.SessionHeld))
            await super().__call__(event, offset_bytes)

    ear = Looking()
    outcome = await agent.perform(turn, attempt, ear)
    assert not any(left), "what a refused process wrote is gone before the next one writes"
    assert outcome == Answered("echo: once")
    assert ear.said == ["echo: once"]
    assert ear.all(ev.Concluded) == [ev.Concluded(outcome)]
    assert {held.holder for held in ear.all(ev.SessionHeld)} == {None}
    assert scripted.session_text(thread_id).count('"echo: once"') > 0


def hesitating(bench: Bench) -> Path:
    """A Codex that at its first start waits for the file `go` before it looks at the session."""
    program = bench.folder / "hesitating"
    program.write_text(
        "#!/bin/sh\n"
        f'if [ "$2" != fork ] && mkdir "{bench.folder}/came" 2>/dev/null; then\n'
        f'  until [ -e "{bench.folder}/go" ]; do sleep 0.01; done\n'
        "fi\n"
        f'exec "{bench.options.cli_cmd}" "$@"\n'
    )
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("use_pty", [False, True], ids=["files", "pty"])
@pytest.mark.parametrize("bench", WITH_LOCK, indirect=True)
async def test_who_takes_the_session_while_our_process_starts_is_waited_for(bench: Bench, use_pty: bool) -> None:
    """It was free when we looked, and taken when Codex did: the turn waits again, and has not failed."""
    thread_id = await bench.new_session()
    before = bench.session_text(thread_id)
    ear = Ear()
    agent = bench.agent(cli_cmd=str(hesitating(bench)), use_pty=use_pty, lock_patience_s=0.0)
    turn = bench.turn("at last", thread_id)
    asking = asyncio.create_task(agent.perform(turn, bench.attempt(agent, turn), ear))
    await until(lambda: (bench.folder / "came").exists() and ear.has(ev.ProcessStarted))
    assert not ear.has(ev.SessionHeld)
    with held(lock_of(bench, thread_id)):
        (bench.folder / "go").touch()
        await until(lambda: ear.has(ev.SessionHeld) or asking.done())
        assert not asking.done() and not ear.has(ev.Concluded)
        told = ear.all(ev.SessionHeld)[-1].holder
        assert told is not None and told.pid == os.getpid()
        assert bench.session_text(thread_id) == before
    outcome = await asking
    assert outcome == Answered("echo: at last") and ear.said == ["echo: at last"]
    assert ear.all(ev.Concluded) == [ev.Concluded(outcome)]
    assert len(ear.all(ev.ProcessStarted)) == 2
    assert bench.session_text(thread_id).removeprefix(before).count('"task_started"') == 1


async def test_a_writer_that_nobody_ever_sees_is_told_in_the_end(
    scripted: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codex_gateway.codex.exec_agent._REFUSED_PAUSES_S", (0.01,) * 3)
    thread_id = await scripted.new_session()
    outcome = await scripted.ask("never", thread_id, cli_cmd=str(refusing(scripted, 1000)))
    assert isinstance(outcome, Failed) and outcome.kind is FailureKind.SESSION_BUSY
    assert (scripted.folder / "refusals").read_text().count("x") == 4


async def test_a_refusal_that_nobody_saw_is_no_turn_after_a_restart(scripted: Bench) -> None:
    thread_id = await scripted.new_session()
    agent, turn = scripted.agent(), scripted.turn("later", thread_id)
    attempt = scripted.attempt(agent, turn)
    attempt.directory.mkdir(parents=True)
    (attempt.directory / "prompt").write_text("later")
    (attempt.directory / "stdout").touch()
    (attempt.directory / "stderr").write_text("Error: thread already has an active writer (code -32600)\n")
    ear = Ear()
    outcome = await agent.reattach(attempt, ear)
    assert isinstance(outcome, Failed) and outcome.kind is FailureKind.NOT_STARTED
    assert not ear.has(ev.Concluded)


def descendants(pid: int) -> list[proc.ProcessId]:
    return proc.descendants(proc.ProcessId(pid, 0))


def _command_line(process: proc.ProcessId) -> bytes:
    return "\0".join(proc.words_of(process.pid)).encode()


@pytest.mark.parametrize("bench", WITH_LOCK, indirect=True)
async def test_a_leftover_of_ours_is_ended_with_what_it_has_started(bench: Bench) -> None:
    """It is what a gateway leaves that was killed and whose books are gone."""
    thread_id = await bench.new_session()
    agent, turn = bench.agent(), bench.turn("@sh sleep 1000\n@say never", thread_id)
    attempt = bench.attempt(agent, turn)
    attempt = replace(attempt, directory=attempt.directory.parent / "77")
    left = Ear()
    leaving = asyncio.create_task(agent.perform(turn, attempt, left))
    await until(lambda: left.has(ev.CommandStarted))
    pid = left.all(ev.ProcessStarted)[0].pid
    await until(lambda: b"sleep\0" in b"".join(_command_line(child) for child in descendants(pid)))
    agent.release()
    assert await leaving == Detached()
    children = descendants(pid)

    ear = Ear()
    another, after = bench.agent(lock_patience_s=0.0), bench.turn("after", thread_id)
    waiting = asyncio.create_task(another.perform(after, bench.attempt(another, after), ear))
    await until(lambda: ear.has(ev.SessionHeld))
    told = ear.all(ev.SessionHeld)[0].holder
    assert told is not None and (told.pid, told.attempt) == (pid, AttemptId(77))
    another.oust(thread_id, told)
    assert await waiting == Answered("echo: after")
    assert not any(proc.is_alive(child) for child in children)


async def test_nobody_elses_process_is_ever_ended(scripted: Bench) -> None:
    thread_id = await scripted.new_session()
    path, attempts = lock_of(scripted, thread_id), scripted.folder / "attempts"
    attempts.mkdir(exist_ok=True)
    elsewhere = scripted.folder / "another-gateway" / "attempts" / "77"
    for tag in (None, str(elsewhere), str(attempts / "not-a-number")):
        with holding(path, tag=tag) as (process, child):
            found = holder.find_holder(scripted.options.home, thread_id, attempts_dir=attempts)
            assert found is not None and found.pid == process.pid and not found.is_ours
            for asked in (found, replace(found, attempt=AttemptId(77))):
                await holder.end_holder(scripted.options.home, thread_id, asked, attempts_dir=attempts)
            assert is_alive(process.pid) and is_alive(child)


async def test_a_leftover_that_no_longer_holds_the_session_is_spared(scripted: Bench) -> None:
    thread_id = await scripted.new_session()
    path, attempts = lock_of(scripted, thread_id), scripted.folder / "attempts"
    attempts.mkdir(exist_ok=True)
    with holding(path.with_name("other.lock"), tag=str(attempts / "77")) as (process, child):
        asked = Holder(process.pid, "python", None, AttemptId(77))
        with held(path):
            await holder.end_holder(scripted.options.home, thread_id, asked, attempts_dir=attempts)
        assert is_alive(process.pid) and is_alive(child)


async def test_a_leftover_of_ours_that_holds_it_is_ended_with_its_children(scripted: Bench) -> None:
    thread_id = await scripted.new_session()
    path, attempts = lock_of(scripted, thread_id), scripted.folder / "attempts"
    attempts.mkdir(exist_ok=True)
    with holding(path, tag=str(attempts / "77")) as (process, child):
        found = holder.find_holder(scripted.options.home, thread_id, attempts_dir=attempts)
        assert found is not None and found.attempt == AttemptId(77)
        await holder.end_holder(scripted.options.home, thread_id, found, attempts_dir=attempts)
        assert not is_alive(process.pid) and not is_alive(child)
