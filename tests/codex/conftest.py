"""Codex in four shapes, each with a home of its own; whatever they start must be gone when the test ends."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from codex.turns import SCRIPTED_LEGACY, WITH_LOCK, WITHOUT_LOCK, Bench, is_real, processes_of
from codex_gateway.codex.options import CodexOptions
from codex_gateway.demo.codex import install_shim
from support.real_codex import codex_environment, real_codex


@pytest.fixture(autouse=True)
def nothing_left_running(tmp_path: Path) -> Iterator[None]:
    yield
    deadline = time.monotonic() + 30.0  # what a test has killed may have had a child that is just about to end
    while (left := processes_of(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.01)
    for process in left:
        os.kill(process.pid, signal.SIGKILL)
    assert not left, "a process outlived its test"


@pytest.fixture(params=[*WITH_LOCK, *WITHOUT_LOCK])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """Every shape in turn: the scripted ones and the real ones have to behave alike."""
    async with open_bench(str(request.param), tmp_path) as bench:
        yield bench


@asynccontextmanager
async def open_bench(shape: str, folder: Path) -> AsyncIterator[Bench]:
    workdir = folder / "work"
    workdir.mkdir()
    if is_real(shape):
        async with real_codex(folder, version=shape) as real:
            yield Bench(
                CodexOptions(home=real.home, environ=real.environment, cli_cmd=str(real.binary)), folder, workdir
            )
    else:
        yield scripted_bench(folder, workdir, is_legacy=shape == SCRIPTED_LEGACY)


@pytest.fixture
def scripted(tmp_path: Path) -> Bench:
    """The scripted one alone, where it is our own behaviour that counts."""
    workdir = tmp_path / "work"
    workdir.mkdir()
    return scripted_bench(tmp_path, workdir, is_legacy=False)


def scripted_bench(folder: Path, workdir: Path, *, is_legacy: bool) -> Bench:
    home = folder / "codex-home"
    home.mkdir()
    environ = codex_environment(home) | ({"CODEX_SCRIPTED_FORMAT": "legacy"} if is_legacy else {})
    options = CodexOptions(home=home, environ=environ, cli_cmd=str(install_shim(folder / "bin" / "codex")))
    return Bench(options, folder, workdir)
