"""A bench for the real and the scripted Codex CLI: a home, a repository, processes, and what they leave behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from codex_gateway.demo.codex import install_shim
from codex_gateway.demo.model import ScriptedModel, write_codex_home
from support.real_codex import CURRENT, LEGACY, codex_environment, require_codex

#: More than any case takes on a slow machine; a wait that reaches it is a failure.
LIMIT_S = 120.0
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cli:
    """One of the programs under test."""

    version: str
    real: bool

    @property
    def modern(self) -> bool:
        """Paginated session files and a writer lock."""
        return self.version == CURRENT

    def __str__(self) -> str:
        return f"{'real' if self.real else 'scripted'}-{self.version}"


SCRIPTED, SCRIPTED_LEGACY = Cli(CURRENT, real=False), Cli(LEGACY, real=False)
REAL, REAL_LEGACY = Cli(CURRENT, real=True), Cli(LEGACY, real=True)


def each(*clis: Cli) -> list[Any]:
    """Parameters for a test that runs against these; real ones carry the marker."""
    return [pytest.param(cli, id=str(cli), marks=[pytest.mark.real_codex] if cli.real else []) for cli in clis]


MODERN = each(SCRIPTED, REAL)
ALL = each(SCRIPTED, REAL, SCRIPTED_LEGACY, REAL_LEGACY)


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that has ended; ``status`` is negative for a signal."""

    status: int
    out: str
    err: str

    @property
    def events(self) -> list[Json]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def thread_id(self) -> str:
        return str(self.events[0]["thread_id"])


@dataclass(slots=True)
class Started:
    """A process under way; its output goes to files, as it does for a service that may die."""

    process: asyncio.subprocess.Process
    out: Path
    err: Path

    @property
    def events(self) -> list[Json]:
        lines = self.out.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    async def ended(self) -> Ended:
        async with asyncio.timeout(LIMIT_S):
            status = await self.process.wait()
        return Ended(status, self.out.read_text(encoding="utf-8"), self.err.read_text(encoding="utf-8"))


@dataclass(slots=True)
class Lab:
    cli: Cli
    home: Path
    repo: Path
    command: Path
    environment: dict[str, str]
    _started: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def run(self, *words: str, stdin: str | None = None, cwd: Path | None = None) -> Ended:
        """Runs to the end; without ``stdin`` it is /dev/null."""
        return await (await self.start(*words, stdin=stdin, cwd=cwd)).ended()

    async def start(self, *words: str, stdin: str | None = None, cwd: Path | None = None) -> Started:
        number = len(self._started)
        out, err = (self.home.parent / f"{name}{number}" for name in ("out", "err"))
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = await asyncio.create_subprocess_exec(
                self.command,
                *words,
                stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
                stdout=out_file,
                stderr=err_file,
                cwd=cwd or self.repo,
                env=self.environment,
                start_new_session=True,
            )
        self._started.append(process)
        if process.stdin is not None and stdin is not None:
            process.stdin.write(stdin.encode())
            process.stdin.close()
        return Started(process, out, err)

    async def turn(self, prompt: str, *, thread_id: str | None = None) -> Ended:
        """One turn with ``--json`` and no sandbox, in a new session or an old one."""
        return await (await self.start_turn(prompt, thread_id=thread_id)).ended()

    async def start_turn(self, prompt: str, *, thread_id: str | None = None) -> Started:
        words = ["exec", "--sandbox", "danger-full-access"]
        words += ["--json", "-"] if thread_id is None else ["resume", "--json", thread_id, "-"]
        return await self.start(*words, stdin=prompt)

    def session_files(self) -> list[Path]:
        return sorted((self.home / "sessions").glob("*/*/*/rollout-*.jsonl"))

    def records(self) -> list[Json]:
        """The whole lines of the only session file."""
        (path,) = self.session_files()
        lines = path.read_bytes().split(b"\n")
        return [json.loads(line) for line in lines[:-1]]

    def kinds(self) -> list[str]:
        return [kind(record) for record in self.records()]

    def kill_all(self) -> None:
        for process in self._started:
            if process.returncode is None:
                process.kill()


@asynccontextmanager
async def open_lab(cli: Cli, folder: Path, *, auto_compact_tokens: int | None = None) -> AsyncIterator[Lab]:
    """Skips (in CI: fails) the test if ``cli`` is a real one that is not installed."""
    folder = folder / "lab"
    repo = folder / "repo"
    (repo / ".git").mkdir(parents=True)
    (repo / ".git" / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    command = require_codex(cli.version) if cli.real else install_shim(folder / "bin" / "codex")
    async with ScriptedModel.start() as model:
        home = write_codex_home(folder / "home", model.url, auto_compact_tokens=auto_compact_tokens)
        environment = codex_environment(home)
        if not (cli.real or cli.modern):
            environment["CODEX_SCRIPTED_FORMAT"] = "legacy"
        lab = Lab(cli, home, repo, command, environment)
        try:
            yield lab
        finally:
            lab.kill_all()


def kind(record: Json) -> str:
    """What a line of a session file is, in a word."""
    payload = record["payload"]
    match record["type"], payload.get("type"):
        case "event_msg", "item_completed":
            return f"item/{payload['item']['type']}"
        case "response_item", "message":
            return f"message/{payload['role']}"
        case "event_msg" | "response_item", name:
            return str(name)
        case name, _:
            return str(name)


def seen(events: list[Json]) -> list[str]:
    """What ``--json`` told, one line an event, without what differs from run to run."""
    return [_told(event) for event in events]


def _told(event: Json) -> str:
    match event:
        case {"type": "item.started" | "item.completed" as when, "item": {"type": name} as item}:
            return f"{when.removeprefix('item.')} {name}{_details(item)}"
        case {"type": "error", "message": message} | {"type": "turn.failed", "error": {"message": message}}:
            return f"{event['type']}: {_without_port(message)}"
        case {"type": name}:
            return str(name)
        case _:
            raise AssertionError(f"no event: {event}")


def _details(item: Json) -> str:
    match item["type"]:
        case "command_execution":
            return f" {item['command']} [{item['status']} {item['exit_code']}] {item['aggregated_output']!r}"
        case "file_change":
            changes = [f"{change['kind']} {Path(change['path']).name}" for change in item["changes"]]
            return f" {changes} [{item['status']}]"
        case "error":
            return f": {item['message'][:8]}"
        case _:
            return f": {item['text']}"


def _without_port(message: str) -> str:
    before, url, _ = message.partition(", url: ")
    return before + (url + "…)" if url and message.endswith(")") else url + "…" if url else "")


async def until(condition: Callable[[], bool]) -> None:
    """Waits for the outside world; the limit is a failure, not a measurement."""
    ends_at = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < ends_at, "waited in vain"
        await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Zombies count as dead."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def environment_of(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_text(encoding="utf-8").split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def kill_if_alive(pids: Iterator[int] | list[int]) -> None:
    for pid in pids:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)
