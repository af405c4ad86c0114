"""What /proc shows of a turn at work: its process, its connections, its tools, and who waits for input. Linux only."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from codex_gateway.codex.child import proc
from codex_gateway.codex.child.environment import THREAD_TAG
from codex_gateway.codex.child.proc import ProcessId, Stat
from codex_gateway.core.diagnosis import Evidence, Life, ToolProcess

_PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
#: Codex sets it for its tools (0.169).
_CALL_TAG = b"CODEX_TOOL_CALL_ID="
_TOOL_TAG = f"{THREAD_TAG}=".encode()
#: `st` of an established connection in /proc/net/tcp.
_ESTABLISHED = "01"
#: The number of read(2), by machine.
_READ = {"x86_64": 0, "aarch64": 63, "riscv64": 63}.get(platform.machine())
#: Where the kernel waits for a terminal's, or a pipe's, next byte.
_WAITS_FOR_BYTES = frozenset({"n_tty_read", "wait_woken", "pipe_read", "anon_pipe_read"})


def gather(process: ProcessId, *, tag: str, thread_id: str | None, outputs: Sequence[Path]) -> Evidence:
    """Look once at the process of an attempt and all that it has started. Takes milliseconds: not for the loop.

    Never raises: what cannot be read, or is gone meanwhile, does not show. `outputs` are the files that it writes.
    """
    now = time.monotonic()
    stat = proc.look(process.pid)
    if stat is None or stat.start_ticks != process.start_ticks or stat.state in "ZX":
        return Evidence(now, process.pid, Life.GONE, quiet_s=_quiet_s(outputs))
    family = proc.family(tag, thread_id=thread_id, since_ticks=process.start_ticks)
    tools = [(one, environ) for one, environ in family if _is_tool(environ)]
    agent = {process.pid, *(one.pid for one, environ in family if not _is_tool(environ))}
    stats = {pid: seen for pid in agent if (seen := proc.look(pid)) is not None}
    held = [pid for pid, seen in stats.items() if seen.state in "Tt"]
    pipes = {target for pid in agent for target in _descriptors(pid).values() if target.startswith("pipe:")}
    looks = (_tool(one, environ, pipes=pipes) for one, environ in tools)
    return Evidence(
        taken_at=now,
        pid=held[0] if held else process.pid,
        life=Life.HALTED if held else Life.ALIVE,
        cpu_s=sum(seen.cpu_ticks for seen in stats.values()) / _TICKS_PER_S,
        connections=sum(_connections(pid) for pid in agent),
        tools=tuple(sorted((tool for tool in looks if tool is not None), key=lambda tool: -tool.age_s)),
        quiet_s=_quiet_s(outputs),
    )


def _is_tool(environ: frozenset[bytes]) -> bool:
    """Codex marks the commands that it runs; itself, a launcher or a terminal's holder bear our own tag alone."""
    return any(one.startswith(_TOOL_TAG) for one in environ)


def _tool(process: ProcessId, environ: frozenset[bytes], *, pipes: set[str]) -> ToolProcess | None:
    stat = proc.look(process.pid)
    if stat is None or stat.start_ticks != process.start_ticks:
        return None
    call_id = next(
        (one.removeprefix(_CALL_TAG).decode("utf-8", "replace") for one in environ if one.startswith(_CALL_TAG)), None
    )
    return ToolProcess(
        pid=process.pid,
        command=_as_typed(proc.command_line(process.pid)),
        age_s=max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - stat.start_ticks / _TICKS_PER_S),
        cpu_s=_cpu_s(stat),
        call_id=call_id,
        is_halted=stat.state in "Tt",
        awaits_input=_awaits_input(process.pid, pipes=pipes),
    )


def _cpu_s(stat: Stat) -> float:
    return (stat.cpu_ticks + stat.children_cpu_ticks) / _TICKS_PER_S


def _as_typed(words: Sequence[str]) -> str:
    """The command without the shell around it: `bash -lc "make all"` is what Codex makes of `make all`."""
    if len(words) >= 3 and words[0].endswith("sh") and words[1] in ("-c", "-lc"):
        return words[2]
    return " ".join(words)


def _awaits_input(pid: int, *, pipes: set[str]) -> bool:
    """Whether it is blocked reading a terminal, or one of the agent's own `pipes` as its standard input.

    Passwords are asked for on /dev/tty, whatever the standard input is. A pipe from another command of the same
    pipeline is no such input. What waits with poll or select does not show: that is how servers rest, too.
    """
    call = _text(pid, "syscall").split()
    if len(call) > 1:
        descriptor = int(call[1], 16)
        source = _link(pid, descriptor)
        return call[0] == str(_READ) and (_is_terminal(source) or (descriptor == 0 and source in pipes))
    source = _link(pid, 0)
    if not (_is_terminal(source) or source in pipes):
        return False
    # Who is no child of ours may hide that: then where it waits has to do, which a socket may be as well.
    has_socket = any(target.startswith("socket:") for target in _descriptors(pid).values())
    return _text(pid, "wchan") in _WAITS_FOR_BYTES and not has_socket


def _is_terminal(target: str) -> bool:
    return target.startswith(("/dev/pts/", "/dev/tty")) and target != "/dev/pts/ptmx"  # that one is the other end


def _connections(pid: int) -> int:
    sockets = {target for target in _descriptors(pid).values() if target.startswith("socket:[")}
    if not sockets:
        return 0
    open_ones = {inode for table in ("net/tcp", "net/tcp6") for inode in _established(_text(pid, table))}
    return len({f"socket:[{inode}]" for inode in open_ones} & sockets)


def _established(table: str) -> Iterable[str]:
    """The inodes in a /proc/net/tcp; its columns are those of Linux 2.6 to 6.x."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _ESTABLISHED:
            yield fields[9]


def _descriptors(pid: int) -> dict[int, str]:
    try:
        numbers = [int(entry.name) for entry in (_PROC / str(pid) / "fd").iterdir()]
    except OSError:
        return {}
    return {number: target for number in numbers if (target := _link(pid, number))}


def _link(pid: int, descriptor: int) -> str:
    try:
        return str((_PROC / str(pid) / "fd" / str(descriptor)).readlink())
    except OSError:
        return ""


def _text(pid: int, name: str) -> str:
    try:
        return (_PROC / str(pid) / name).read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _quiet_s(outputs: Sequence[Path]) -> float | None:
    written = [at for path in outputs if (at := _written_at(path)) is not None]
    return max(0.0, time.time() - max(written)) if written else None


def _written_at(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None
