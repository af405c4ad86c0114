"""One gateway on its data, told by the kernel."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from codex_gateway.core.errors import LockHeld, StoreError
from codex_gateway.store import lock

HOLDER = """
import sys, time
from pathlib import Path
from codex_gateway.store import lock
with lock.hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_holder_is_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "app.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None and holder.stdin is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LockHeld, match=f"process {holder.pid} holds") as refused, lock.hold(path):
            pass
        assert refused.value.exit_code == 75 and refused.value.pid == holder.pid
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with lock.hold(path):  # the kernel freed it
            assert path.read_text() == f"{os.getpid()}\n"


def test_it_can_be_held_again_and_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "app.lock"
    for _ in range(2):
        with lock.hold(path):
            pass
    assert path.read_text() == ""


def test_a_lock_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / "app.lock").symlink_to(tmp_path / "target")
    with pytest.raises(StoreError, match="cannot be opened"), lock.hold(tmp_path / "app.lock"):
        pass
    assert (tmp_path / "target").read_text() == "precious"
