"""What following a session file costs: attaching to 1 GB of it, from a line to its event, and catching up.

The lines are real ones. A turn is watched as in life: files, notifications, decoding, fold and all. A process of its
own appends, and its clock is ours. Beside the catching up stand `cat` of the same file, and a loop that only decodes
every line's envelope.
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
from collections.abc import Callable
from pathlib import Path

import msgspec

from codex_gateway.codex.exec_agent import ExecAgent
from codex_gateway.codex.neighbour import turns_under_way
from codex_gateway.codex.options import CodexOptions
from codex_gateway.codex.process import Files, Process
from codex_gateway.codex.turn_watch import TurnWatch
from codex_gateway.core import event as ev
from codex_gateway.core.ids import ThreadId
from codex_gateway.core.ports import Emit
from codex_gateway.core.run import Turn

_SAMPLES = Path(__file__).parents[1] / "tests/codex/samples"
_THREAD = ThreadId("01a1f920-e197-7680-af9c-1ed048038c95")
_MB = 1 << 20
_LINES = 300
_PAUSE_S = 0.005

#: Appends lines that carry the time of their writing, then says that the turn went well.
_WRITER = """
import os, sys, time
path, lines, pause_s = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
fd = os.open(path, os.O_WRONLY | os.O_APPEND)
head = '{"timestamp":"2026-11-20T13:21:00.000Z","ordinal":1,"type":"event_msg","payload":'
os.write(fd, (head + '{"type":"task_started","turn_id":"t"}}\\n').encode())
for _ in range(lines):
    time.sleep(pause_s)
    item = '{"type":"AgentMessage","id":"m","phase":"commentary","content":[{"type":"Text","text":"%d"}]}'
    line = head + '{"type":"item_completed","turn_id":"t","item":' + item + '}}\\n'
    os.write(fd, (line % time.monotonic_ns()).encode())
print('{"type":"turn.completed"}', flush=True)
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        asyncio.run(_attach_and_follow(Path(folder)))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        asyncio.run(_catch_up(Path(folder)))


async def _attach_and_follow(folder: Path) -> None:
    session = _session_in(folder, 1024)
    size = session.stat().st_size
    agent = ExecAgent(CodexOptions(home=folder))
    before, read_before = _resident_kb(), _read_bytes()
    began = time.perf_counter()
    point = agent.starting_point(Turn(_THREAD, "", folder))
    turns_under_way(session, before_bytes=point.offset_bytes)
    attached_ms = (time.perf_counter() - began) * 1000
    assert (point.session_file, point.offset_bytes) == (session, size)
    latencies_ms: list[float] = []

    async def emit(event: ev.Event, _offset_bytes: int) -> None:
        if isinstance(event, ev.Message):
            latencies_ms.append((time.monotonic_ns() - int(event.text)) / 1e6)

    words = (sys.executable, "-c", _WRITER, str(session), str(_LINES), str(_PAUSE_S))
    await _watch(folder, words, session, size, emit)
    assert len(latencies_ms) == _LINES
    print(f"\nFollowing a session file of {size / _MB:,.0f} MB, as a turn does")
    _row("attached", f"{attached_ms:.1f} ms")
    _row(
        "read of the file before the turn",
        f"{(_read_bytes() - read_before - session.stat().st_size + size) / 1024:.0f} KB",
    )
    _row("resident memory, growth", f"{(_resident_kb() - before) / 1024:.1f} MB")
    ordered = sorted(latencies_ms)
    median, late = statistics.median(ordered), ordered[int(len(ordered) * 0.95)]
    _row("a line written to its event", f"median {median:.2f} ms, 95 % {late:.2f} ms, most {ordered[-1]:.2f} ms")


async def _catch_up(folder: Path) -> None:
    session = _session_in(folder, 200)
    megabytes = session.stat().st_size / _MB
    events = 0

    async def emit(_event: ev.Event, _offset_bytes: int) -> None:
        nonlocal events
        events += 1

    before = _resident_kb()
    began, used = time.perf_counter(), time.process_time()
    await _watch(folder, ("/bin/echo", '{"type":"turn.completed"}'), session, 0, emit)
    took, cpu = time.perf_counter() - began, time.process_time() - used
    grown_kb = _resident_kb() - before
    cat = _cpu_of(lambda: subprocess.run(["cat", session], stdout=subprocess.DEVNULL, check=True))
    envelopes = _cpu_of(lambda: _envelopes(session))
    print(f"\nCatching up with {megabytes:,.0f} MB of real lines ({events:,} events)")
    _row("throughput", f"{megabytes / took:.0f} MB/s")
    _row("processor", f"{cpu * 1000 / megabytes:.2f} ms per MB")
    _row("over cat", f"{cpu / cat:.1f} x")
    _row("over decoding every envelope", f"{cpu / envelopes:.2f} x")
    _row("resident memory, growth", f"{grown_kb / 1024:.1f} MB")


async def _watch(folder: Path, words: tuple[str, ...], session: Path, offset: int, emit: Emit) -> None:
    files = Files(folder / "attempt")
    process = Process.start(
        words, files=files, prompt="", reads_prompt=False, workdir=folder, environ={"PATH": os.environ["PATH"]}
    )
    watch = TurnWatch(
        options=CodexOptions(home=folder),
        files=files,
        process=process,
        asked_for=_THREAD,
        session_file=session,
        offset_bytes=offset,
        emit=emit,
        is_released=lambda: False,
    )
    try:
        await watch.run()
    finally:
        process.close()


def _session_in(home: Path, megabytes: int) -> Path:
    """A session of so many MB: the samples, and a tool output of 1 MB for every 4 MB, over and over."""
    samples = [path.read_bytes() for path in sorted(_SAMPLES.glob("*/*.jsonl")) if path.parent.name != "exec-json"]
    small = b"".join(samples) * (3 * _MB // sum(map(len, samples)))
    output = b'{"timestamp":"2026-11-20T13:21:00.000Z","type":"response_item","payload":{"type":"function_call_output",'
    big = (
        output
        + b'"call_id":"c","output":"Process exited with code 0\\n'
        + b"A line of output.\\n" * (_MB // 19)
        + b'"}}\n'
    )
    path = home / "sessions" / "2026" / "11" / "20" / f"rollout-2026-11-20T13-21-00-{_THREAD}.jsonl"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        while file.tell() < megabytes * _MB:
            file.write(small + big)
    return path


class _Envelope(msgspec.Struct):
    type: str
    payload: msgspec.Raw


def _envelopes(path: Path) -> None:
    decoder = msgspec.json.Decoder(_Envelope)
    with path.open("rb") as file:
        for line in file:
            decoder.decode(line)


def _cpu_of(work: Callable[[], object]) -> float:
    """Seconds, the children's included."""
    before = time.process_time() + _children_s()
    work()
    return time.process_time() + _children_s() - before


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _resident_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


def _read_bytes() -> int:
    """What this process has read by system calls."""
    return int(Path("/proc/self/io").read_text().split()[1])


def _row(name: str, value: str) -> None:
    print(f"  {name:36}{value}")
