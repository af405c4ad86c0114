"""What a demo may leave behind: nothing, which is looked for in the system itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Ground:
    """The folder in which a demo makes its own; TMPDIR of the demo."""

    folder: Path

    def folders(self) -> list[Path]:
        return list(self.folder.glob("codex-gateway-demo-*"))

    def processes(self, word: str = "") -> list[int]:
        """Processes of a demo on this ground whose command line holds `word`."""
        return [pid for pid, command in self._marked() if word in command]

    def _marked(self) -> Iterator[tuple[int, str]]:
        for place in Path("/proc").glob("[0-9]*"):
            try:
                if f"CODEX_DEMO_STAGE={self.folder}/".encode() in (place / "environ").read_bytes():
                    yield int(place.name), (place / "cmdline").read_text("utf-8", "replace").replace("\0", " ")
            except OSError:
                continue

    def assert_clean(self) -> None:
        assert not self.folders()
        assert not self.processes()


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    """TMPDIR of this process as well, for demos that are run inside of it. What a failed test left behind is killed."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    ground = Ground(tmp_path)
    yield ground
    for pid in ground.processes():
        os.kill(pid, signal.SIGKILL)
