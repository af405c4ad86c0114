"""Where the kernel tells how often it has killed for want of memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex_gateway.codex.child import memory
from codex_gateway.codex.child.memory import OomKills, oom_kills


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that tells nothing yet."""
    monkeypatch.setattr(memory, "_ROOT", tmp_path)
    return tmp_path


def write(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def test_our_own_group_is_told_apart_from_the_machine(kernel: Path) -> None:
    write(kernel / "proc/vmstat", "pgfault 12\noom_kill 7\n")
    write(kernel / "proc/self/cgroup", "0::/system.slice/gateway.service\n")
    write(kernel / "sys/fs/cgroup/system.slice/gateway.service/memory.events", "oom 3\noom_kill 2\noom_group_kill 0\n")
    assert oom_kills() == OomKills(2, 7)


def test_older_kernels_tell_it_elsewhere(kernel: Path) -> None:
    write(kernel / "proc/self/cgroup", "8:pids:/\n4:cpu,memory:/job/1\n0::/\n")
    write(kernel / "sys/fs/cgroup/memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n")
    assert oom_kills() == OomKills(4, None)
    write(kernel / "sys/fs/cgroup/memory/job/1/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n")
    assert oom_kills() == OomKills(1, None)


@pytest.mark.parametrize(
    ("earlier", "later", "verdict"),
    [
        (OomKills(0, 5), OomKills(1, 6), True),
        (OomKills(None, 5), OomKills(None, 6), True),
        (OomKills(0, 5), OomKills(0, 6), None),  # in another group: a child's, or a stranger's
        (OomKills(0, 5), OomKills(0, 5), False),
        (OomKills(0, None), OomKills(0, None), False),
        (OomKills(None, None), OomKills(None, None), None),
    ],
)
def test_a_count_that_has_grown_proves_a_kill(earlier: OomKills, later: OomKills, verdict: bool | None) -> None:
    assert later.since(earlier) is verdict


def test_a_kernel_that_tells_nothing_is_no_error(kernel: Path) -> None:
    assert oom_kills() == OomKills(None, None)


def test_this_machine_is_read_without_an_error() -> None:
    kills = oom_kills()
    assert kills.since(kills) is not True
