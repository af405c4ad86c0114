"""What following a session file costs: attaching to 1 GB of it, from a line to its event, catching up, and silence.

A turn is watched as in life: files, notifications, decoding, fold and all; the mirror's reader stands beside it. What
writes is a process of its own, whose clock is ours. Each measurement has a process to itself.
"""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import session_files
from benchmarks.gauge import PeakMemory, Reading, in_a_fresh_process
from benchmarks.session_files import MB, OLD_THREAD, PROMPT, THREAD
from codex_gateway.codex.child.process import Files, Process
from codex_gateway.codex.exec_agent import ExecAgent
from codex_gateway.codex.observer import SessionObserver
from codex_gateway.codex.options import CodexOptions
from codex_gateway.codex.reading.spent import spent_before
from codex_gateway.codex.reading.turn_reader import TurnReader
from codex_gateway.codex.session import locate
from codex_gateway.codex.session.neighbour import turns_under_way
from codex_gateway.codex.turn_watch import TurnWatch
from codex_gateway.core import event as ev
from codex_gateway.core.ids import SessionId, ThreadId
from codex_gateway.core.ports import Emit
from codex_gateway.core.run import Session, Turn

#: Days with sessions, and sessions on each.
_DAYS, _A_DAY = 1_000, 10
#: Bytes in a line, how many lines are written, and the pause before each in seconds.
_LATENCIES = ((200, 400, 0.005), (10_000, 400, 0.005), (MB, 40, 0.05), (50 * MB, 5, 0.5))
#: What a command of the turn prints, in bytes, and MB in all; 0 for the lines of a real turn.
_CATCHING_UP = (("a real, short turn", 0, 100), ("10 KB", 10_000, 200), ("1 MB", MB, 200), ("50 MB", 50 * MB, 500))

#: Appends what it was given, the time of the writing put in; then says that the turn went well. How long each write
#: took goes to standard error, in milliseconds.
_WRITER = """
import os, sys, time
path, beginning, line, size, count, pause_s = sys.argv[1:]
fd = os.open(path, os.O_WRONLY | os.O_APPEND)
os.write(fd, beginning.encode())
head, tail = line.encode().split(b"TIME")
padding = b" " + b"x" * max(0, int(size) - len(head) - len(tail) - 17)
for _ in range(int(count)):
    time.sleep(float(pause_s))
    now_ns = time.monotonic_ns()
    os.writev(fd, [head + str(now_ns).encode(), padding, tail])
    print((time.monotonic_ns() - now_ns) / 1e6, file=sys.stderr)
print('{"type":"turn.completed"}', flush=True)
"""


def main() -> None:
    cores = os.cpu_count()
    print(f"\nLoad before the measurements: {os.getloadavg()[0]:.1f} of {cores} processors; an idle machine is meant")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        _print_attaching(Path(folder))
        _print_latencies(Path(folder))
    _print_catching_up()


# Attaching.


@dataclass(frozen=True, slots=True)
class _Attached:
    turn_ms: float
    mirror_ms: float
    again_ms: float
    read_kb: float
    grown_mb: float


def _print_attaching(home: Path) -> None:
    session = session_files.path_of(home)
    session_files.write_history(session, 1024)
    session_files.write_others(home, days=_DAYS, a_day=_A_DAY)
    session_files.path_of(home, OLD_THREAD, day="2024/01/01").touch()
    size_mb = session.stat().st_size / MB
    attached = in_a_fresh_process(_attach, home)
    print(f"\nAttaching to a session file of {size_mb:,.0f} MB, one of {_DAYS * _A_DAY:,} sessions of {_DAYS:,} days")
    _row("a turn: found, size, others at work, tokens so far", f"{attached.turn_ms:.1f} ms")
    _row("the mirror, for the first time", f"{attached.mirror_ms:.1f} ms")
    _row("the mirror, after a restart", f"{attached.again_ms:.1f} ms")
    _row("read of the file by all three", f"{attached.read_kb:,.0f} KB")
    _row("memory, growth at its most", f"{attached.grown_mb:.1f} MB")
    _row("found by an id that tells its day", f"{_finding_ms(home, THREAD):.2f} ms")
    _row("found by an id of an old kind, the last one looked at", f"{_finding_ms(home, OLD_THREAD):.1f} ms")


def _attach(home: Path) -> _Attached:
    return asyncio.run(_attach_here(home))


async def _attach_here(home: Path) -> _Attached:
    agent = ExecAgent(CodexOptions(home=home))
    observer = SessionObserver(sync_interval_s=3.0)
    session = Session(SessionId(1), home, THREAD)
    await asyncio.to_thread(os.getpid)  # a thread is there in life
    memory, read_before = PeakMemory(), Reading.of(os.getpid()).read_bytes

    began = time.perf_counter()
    point = agent.starting_point(Turn(THREAD, PROMPT, home))
    assert point.session_file is not None
    await asyncio.to_thread(turns_under_way, point.session_file, before_bytes=point.offset_bytes)
    spent_before(point.session_file, point.offset_bytes)
    turn_ms = _since_ms(began)

    mirror_ms = []
    with observer.watching():
        for from_bytes in (None, point.offset_bytes):
            began = time.perf_counter()
            view = await observer.open(session, from_bytes=from_bytes)
            assert view is not None and view.begins_at == point.offset_bytes
            assert view.read() == ([], False)
            mirror_ms.append(_since_ms(began))
            view.close()
    read_kb = (Reading.of(os.getpid()).read_bytes - read_before) / 1024
    return _Attached(turn_ms, *mirror_ms, read_kb, memory.grown_mb)


def _finding_ms(home: Path, thread_id: ThreadId) -> float:
    times = []
    for _ in range(9):
        began = time.perf_counter()
        assert locate.find_session(home, thread_id) is not None
        times.append(_since_ms(began))
    return statistics.median(times)


# From a line to its event.


def _print_latencies(home: Path) -> None:
    size_mb = session_files.path_of(home).stat().st_size / MB
    print(f"\nFrom before a line is written to its event, behind {size_mb:,.0f} MB, milliseconds")
    _columns("lines of", "median", "95 %", "most", "the write", "memory, MB")
    for size, count, pause_s in _LATENCIES:
        latencies, writes, grown_mb = in_a_fresh_process(_latencies, home, size, count, pause_s)
        assert len(latencies) == len(writes) == count
        ordered = sorted(latencies)
        median, late = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
        figures = (median, late, ordered[-1], statistics.median(writes))
        _columns(_bytes(size), *(f"{figure:.2f}" for figure in figures), f"{grown_mb:.1f}")


def _latencies(home: Path, size: int, count: int, pause_s: float) -> tuple[list[float], list[float], float]:
    session = session_files.path_of(home)
    end = session.stat().st_size
    latencies_ms: list[float] = []
    writes_ms: list[float] = []

    async def emit(event: ev.Event, _offset_bytes: int) -> None:
        if isinstance(event, ev.Notice):
            writes_ms.append(float(event.text))
        elif isinstance(event, ev.Message):
            latencies_ms.append((time.monotonic_ns() - int(event.text.split()[0])) / 1e6)

    lines = (b"".join(session_files.beginning()).decode(), session_files.said("TIME").decode())
    words = (sys.executable, "-c", _WRITER, str(session), *lines, str(size), str(count), str(pause_s))
    memory = PeakMemory()
    try:
        asyncio.run(_watch(home, words, session, end, emit))
    finally:
        os.truncate(session, end)
    return latencies_ms, writes_ms, memory.grown_mb


# Catching up.


@dataclass(frozen=True, slots=True)
class _CaughtUp:
    events: int
    seconds: float
    cpu_s: float
    grown_mb: float
    #: How much of the processor was used at once, at most, before anything else had its turn.
    held_ms: float


def _print_catching_up() -> None:
    print("\nCatching up with a turn, by what each of its commands printed")
    print(f"  {'':24}{'throughput':>14}{'processor':>14}{'over cat':>10}{'loop held':>12}{'memory':>10}{'events':>10}")
    for name, output_bytes, megabytes in _CATCHING_UP:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            session = session_files.path_of(Path(folder))
            session_files.write_turn(session, megabytes, output_bytes=output_bytes)
            cat_s = _cpu_of(["cat", str(session)])
            for reader, catch_up in (("", _turn_caught_up), ("  in the mirror", _mirror_caught_up)):
                _print_caught_up(reader or name, in_a_fresh_process(catch_up, Path(folder)), session, cat_s=cat_s)


def _print_caught_up(name: str, caught_up: _CaughtUp, session: Path, *, cat_s: float) -> None:
    size_mb = session.stat().st_size / MB
    print(
        f"  {name:24}{size_mb / caught_up.seconds:>9,.0f} MB/s{caught_up.cpu_s * 1000 / size_mb:>8.2f} ms/MB"
        f"{caught_up.cpu_s / cat_s:>8.1f} x{caught_up.held_ms:>9.1f} ms{caught_up.grown_mb:>7.1f} MB"
        f"{caught_up.events:>10,}"
    )


def _turn_caught_up(home: Path) -> _CaughtUp:
    events = 0

    async def emit(_event: ev.Event, _offset_bytes: int) -> None:
        nonlocal events
        events += 1

    async def catch_up() -> int:
        words = ("/bin/echo", '{"type":"turn.completed"}')
        await _watch(home, words, session_files.path_of(home), 0, emit)
        return events

    return asyncio.run(_measured(catch_up))


def _mirror_caught_up(home: Path) -> _CaughtUp:
    async def catch_up() -> int:
        observer, seen = SessionObserver(sync_interval_s=3.0), 0
        with observer.watching():
            view = await observer.open(Session(SessionId(1), home, THREAD), from_bytes=0)
            assert view is not None
            more = True
            while more:
                told, more = view.read()
                seen += len(told)
                await asyncio.sleep(0)
            view.close()
        return seen

    return asyncio.run(_measured(catch_up))


async def _measured(catch_up: Callable[[], Awaitable[int]]) -> _CaughtUp:
    held_s = 0.0

    async def breathe() -> None:
        nonlocal held_s
        before = time.process_time()
        while True:
            await asyncio.sleep(0)
            held_s, before = max(held_s, time.process_time() - before), time.process_time()

    memory = PeakMemory()
    breathing = asyncio.create_task(breathe())
    began, used = time.perf_counter(), time.process_time()
    events = await catch_up()
    caught_up = _CaughtUp(
        events, time.perf_counter() - began, time.process_time() - used, memory.grown_mb, held_s * 1e3
    )
    breathing.cancel()
    return caught_up


async def _watch(folder: Path, words: tuple[str, ...], session: Path, offset: int, emit: Emit) -> None:
    """Watch a process as the one of a turn."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="attempt-") as directory, _started(words, directory) as process:
        watch = TurnWatch(
            options=CodexOptions(home=folder, stream_stderr=True),
            files=Files(Path(directory)),
            process=process,
            asked_for=THREAD,
            session_file=session,
            offset_bytes=offset,
            emit=emit,
            is_released=lambda: False,
            reader=TurnReader(prompt=PROMPT),
        )
        await watch.run()


@contextmanager
def _started(words: tuple[str, ...], directory: str) -> Iterator[Process]:
    process = Process.start(
        words,
        files=Files(Path(directory)),
        prompt="",
        reads_prompt=False,
        workdir=Path(directory),
        environ={"PATH": os.environ["PATH"]},
    )
    try:
        yield process
    finally:
        process.close()


def _cpu_of(words: list[str]) -> float:
    """Seconds; the second time of two, when the file is in memory."""
    for _ in range(2):
        before = _children_s()
        subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
    return _children_s() - before


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _since_ms(began: float) -> float:
    return (time.perf_counter() - began) * 1000


def _bytes(count: int) -> str:
    return f"{count // MB} MB" if count >= MB else f"{count / 1000:g} KB"


def _row(name: str, value: str) -> None:
    print(f"  {name:56}{value:>12}")


def _columns(name: str, *values: str) -> None:
    print(f"  {name:24}" + "".join(f"{value:>12}" for value in values))
