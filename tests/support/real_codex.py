"""The real Codex CLI for tests: where ``install_codex.sh`` put it, and homes in which it talks to a scripted model."""

from __future__ import annotations

import os
import platform
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from codex_gateway.demo.model import ScriptedModel, write_codex_home

#: Paginated session files, writer lock.
CURRENT = "0.169.0"
#: Legacy session files, no writer lock; its failed turns leave their errors in the session file.
NAMING_ERRORS = "0.145.0"
#: Legacy session files, no writer lock.
LEGACY = "0.140.0"
#: The same, and no record marks where a turn begins or ends.
UNMARKED = "0.98.0"

_CACHE = Path(__file__).resolve().parents[2] / ".cache" / "codex"
#: The native program; the Node launcher around it would be a second process that a signal does not pass.
_MACHINE = {"arm64": "aarch64", "amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
_LAYOUTS = (
    f"node_modules/@openai/codex-*/vendor/{_MACHINE}-unknown-linux-*/bin/codex",
    # Up to about 0.98 one package brings the programs of all machines.
    f"node_modules/@openai/codex/vendor/{_MACHINE}-unknown-linux-*/codex/codex",
)


def codex_versions() -> tuple[str, ...]:
    """The versions that tests run against, installed or not."""
    return (CURRENT, NAMING_ERRORS, LEGACY, UNMARKED)


def find_codex(version: str) -> Path | None:
    """The native binary of an installed version."""
    found = (path for layout in _LAYOUTS for path in sorted((_CACHE / version).glob(layout)))
    return next((path for path in found if os.access(path, os.X_OK)), None)


def require_codex(version: str = CURRENT) -> Path:
    """The native binary; skips the calling test when it is missing, which in CI is a failure."""
    if (path := find_codex(version)) is not None:
        return path
    reason = f"the real Codex CLI {version} is not installed in .cache/codex: run tests/install_codex.sh (it needs npm)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass(frozen=True, slots=True)
class RealCodex:
    """A real CLI with a home of its own, talking to a scripted model."""

    binary: Path
    version: str
    home: Path
    model: ScriptedModel

    @property
    def environment(self) -> dict[str, str]:
        """For the child process (``codex_environment``)."""
        return codex_environment(self.home)


@asynccontextmanager
async def real_codex(
    folder: Path, *, version: str = CURRENT, auto_compact_tokens: int | None = None
) -> AsyncIterator[RealCodex]:
    """A real CLI with its home in ``folder``/codex-home; skips (in CI: fails) the test when the version is missing."""
    binary = require_codex(version)
    async with ScriptedModel.start() as model:
        home = write_codex_home(folder / "codex-home", model.url, auto_compact_tokens=auto_compact_tokens)
        yield RealCodex(binary, version, home, model)


def codex_environment(home: Path) -> dict[str, str]:
    """The environment in which tests start a Codex CLI, real or scripted.

    Nobody's shell profile takes part (HOME), and the home does not lie under TMPDIR, where Codex warns on stderr that
    it puts no helper programs into it.
    """
    temporary = home.parent / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CODEX_", "OPENAI_"))}
    return {**inherited, "CODEX_HOME": str(home), "HOME": str(home.parent), "TMPDIR": str(temporary)}
