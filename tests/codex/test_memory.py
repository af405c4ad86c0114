"""Where the kernel tells how often it has killed for want of memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex_gateway.codex import memory
from codex_gateway.codex.memory import oom_kills


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that tells nothing yet."""
    monkeypatch.setattr(memory, "_ROOT", tmp_path)
    return tmp_path


def write(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def test_our_own_group_is_asked_first(kernel: Path) -> None:
    write(kernel / "proc/vmstat", "pgfault 12\noom_kill 7\n")
    write(kernel / "proc/self/cgroup", "0::/system.slice/gateway.service\n")
    write(kernel / "sys/fs/cgroup/system.slice/gateway.service/memory.events", "oom 3\noom_kill 2\noom_group_kill 0\n")
    assert oom_kills() == 2


def test_older_kernels_tell_it_elsewhere(kernel: Path) -> None:
    write(kernel / "proc/self/cgroup", "8:pids:/\n4:cpu,memory:/job/1\n0::/\n")
    write(kernel / "sys/fs/cgroup/memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n")
    assert oom_kills() == 4
    write(kernel / "sys/fs/cgroup/memory/job/1/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n")
    assert oom_kills() == 1


def test_the_whole_machine_is_asked_where_the_group_says_nothing(kernel: Path) -> None:
    write(kernel / "proc/self/cgroup", "0::/\n")
    write(kernel / "proc/vmstat", "pgfault 12\noom_kill 7\n")
    assert oom_kills() == 7


def test_a_kernel_that_tells_nothing_is_no_error(kernel: Path) -> None:
    assert oom_kills() is None


def test_this_machine_is_read_without_an_error() -> None:
    count = oom_kills()
    assert count is None or count >= 0
