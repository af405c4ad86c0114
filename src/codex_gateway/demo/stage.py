"""The whole service on a stage of its own: a real gateway process, and around it all that it would meet outside."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import tomli_w

from codex_gateway.demo import leftovers, sample, warden
from codex_gateway.demo.bot_api import BotApiServer, Chat, Message, Person, Press
from codex_gateway.demo.codex import install_shim
from codex_gateway.demo.model import ScriptedModel, write_codex_home
from codex_gateway.demo.script import read_repertoire

T = TypeVar("T")

#: How long the turns may take to stop, the service to end, and what was killed to be gone, in seconds.
STOP_LIMIT_S, END_LIMIT_S, GONE_LIMIT_S = 6.0, 10.0, 2.0
#: Lines of the service's log that go with a failure.
_TAIL_LINES = 15


class StageBroken(Exception):
    """Something did not come as it should: a sentence for a person. `log` is the end of the service's log."""

    def __init__(self, sentence: str, *, log: str = "") -> None:
        super().__init__(sentence)
        self.log = log


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays Codex."""

    #: A real Codex; None is the scripted one.
    program: Path | None = None
    #: An account of one's own; None is a folder for the demo alone, with the scripted model in place of a real one.
    codex_home: Path | None = None
    #: Where Codex works; None is a copy of the sample project.
    workdir: Path | None = None
    #: As `codex_cli_approvals_mode`.
    approvals: int = 1


class Stage:
    """A running gateway, and the chat of one person with its bot. Made by `open`."""

    def __init__(self, server: BotApiServer, you: Person, folder: Path, process: asyncio.subprocess.Process) -> None:
        self.server = server
        self.you = you
        self.chat: Chat = server.private_chat(you, server.bots[0])
        self.folder = folder
        self._process = process
        self._ended = asyncio.create_task(process.wait(), name="the service")

    @staticmethod
    @asynccontextmanager
    async def open(cast: Cast) -> AsyncIterator[Stage]:
        """Start everything; on leaving, in whatever way, being killed too, no process and no folder of it is left.

        Cancelling while it ends makes it hurry: what is left is killed then.
        """
        folder = Path(tempfile.mkdtemp(prefix="codex-gateway-demo-"))
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(warden.watching(folder))
            stack.callback(leftovers.remove, folder)
            stack.callback(leftovers.kill, folder, limit_s=GONE_LIMIT_S)
            server = await stack.enter_async_context(BotApiServer.start(bots=["demo"]))
            you = server.person("You")
            workdir = cast.workdir or sample.write_project(folder / "project")
            program, home = await _codex(cast, folder, stack)
            config = _write_config(folder, server, you, _codex_keys(cast, program, home), workdir=workdir)
            process = await _start(config, _environment(cast, folder), log=folder / "service.log")
            stage = Stage(server, you, folder, process)
            try:
                yield stage
            finally:
                await stage._end()

    def say(self, text: str) -> Message:
        """Send a message to the bot. Raises ValueError for one that Telegram would not take."""
        return self.chat.say(self.you, text)

    def press(self, message: Message, button: str) -> Press:
        """Press a button, named by its text or its data. Raises LookupError if it is not there any more."""
        return self.chat.press(self.you, message, button)

    async def until(self, condition: Callable[[], T], what: str, *, limit_s: float) -> T:
        """The condition's first true value; raises StageBroken if it takes longer, or if the service ends."""
        waiting = asyncio.ensure_future(self.server.wait_for(condition, timeout_s=limit_s))
        try:
            await asyncio.wait({waiting, self._ended}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
        except TimeoutError:
            raise self.broken(f"{what} did not come within {limit_s:g} s.") from None
        finally:
            waiting.cancel()
        raise self.broken(f"The service ended by itself, with exit code {self._ended.result()}.")

    async def until_ended(self) -> None:
        """Wait for the service to end by itself, which it should not; then raise StageBroken."""
        status = await asyncio.shield(self._ended)
        raise self.broken(f"The service ended by itself, with exit code {status}.")

    def broken(self, sentence: str) -> StageBroken:
        """The sentence with the end of the service's log."""
        with suppress(OSError):
            lines = (self.folder / "service.log").read_text("utf-8", "replace").splitlines()
            return StageBroken(sentence, log="\n".join(lines[-_TAIL_LINES:]))
        return StageBroken(sentence)

    async def _end(self) -> None:
        """Stop the turns, which would outlive the service, and end the service; each cancelling skips a wait."""
        try:
            with suppress(TimeoutError, StageBroken):
                async with asyncio.timeout(STOP_LIMIT_S):
                    await self._stop_turns()
        finally:
            try:
                if self._process.returncode is None:
                    self._process.terminate()
                with suppress(TimeoutError):
                    async with asyncio.timeout(END_LIMIT_S):
                        await asyncio.shield(self._ended)
            finally:
                if self._process.returncode is None:
                    self._process.kill()
                    await self._ended

    async def _stop_turns(self) -> None:
        if self._is_all_over():
            return
        self._stop_what_shows_it()
        asked = self.say("/stop")
        # Its answer is behind that of everything asked before, so that all that runs or waits shows its button by now.
        await self.until(lambda: any(reply.reply_to is asked for reply in self.chat.messages), "stop", limit_s=60)
        self._stop_what_shows_it()
        await self.until(lambda: not any(map(is_at_work, self.chat.messages)), "the last verdict", limit_s=60)

    def _is_all_over(self) -> bool:
        """Whether the bot has answered everything and nothing of it is at work."""
        answered = {message.reply_to for message in self.chat.messages}
        asked = [message for message in self.chat.timeline if not message.is_from_bot]
        presses = self.server.bots[0].presses.values()
        return (
            not any(map(is_at_work, self.chat.messages))
            and all(message in answered for message in asked)
            and all(press.answer is not None for press in presses)
        )

    def _stop_what_shows_it(self) -> None:
        for message in reversed(self.chat.messages):  # what waits before what runs, lest it be begun
            for button in message.buttons:
                if _stops(button.data):
                    self.press(message, button.text)


def is_at_work(message: Message) -> bool:
    """Whether it is the status message of a prompt that runs or waits: such a one can be stopped."""
    return not message.deleted and any(_stops(button.data) for button in message.buttons)


def _stops(data: str | None) -> bool:
    return data is not None and data.startswith("stop:")


async def _codex(cast: Cast, folder: Path, stack: AsyncExitStack) -> tuple[Path, Path]:
    """The program to call and its CODEX_HOME."""
    home = folder / "codex-home"
    (folder / "tmp").mkdir()
    (folder / "repertoire.txt").write_text(sample.REPERTOIRE, encoding="utf-8")
    match cast:
        case Cast(program=None):
            home.mkdir()
            return install_shim(folder / "bin" / "codex"), home
        case Cast(program=Path() as program, codex_home=None):
            known = read_repertoire(sample.REPERTOIRE)
            model = await stack.enter_async_context(ScriptedModel.start(repertoire=known))
            return program, write_codex_home(home, model.url)
        case Cast(program=Path() as program, codex_home=Path() as own):
            return program, own
    raise AssertionError("an account of one's own needs a real Codex")


def _codex_keys(cast: Cast, program: Path, home: Path) -> dict[str, object]:
    return {
        "codex_cli_cmd": str(program),
        "codex_cli_approvals_mode": cast.approvals,
        "codex_home": str(home),
    }


def _write_config(
    folder: Path, server: BotApiServer, you: Person, codex: Mapping[str, object], *, workdir: Path
) -> Path:
    path = folder / "config.toml"
    base = {"telegram_api_base_url": server.url, "stream_flush_interval": 0.5, "progress_tick_interval": 2, **codex}
    bots = [
        {
            "name": bot.name,
            "token": bot.token,
            "allowed_user_ids": [you.id],
            "codex_workdir": str(workdir),
        }
        for bot in server.bots
    ]
    path.write_text(tomli_w.dumps({"base": base, "bots": bots}), encoding="utf-8")
    path.chmod(0o600)
    return path


def _environment(cast: Cast, folder: Path) -> dict[str, str]:
    """The service's environment; Codex gets its own from it."""
    # With our own search path, in our own order, it is this very code that is started.
    ours = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), leftovers.MARK: str(folder)}
    if cast.codex_home is not None:
        return {**os.environ, **ours}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CODEX_", "OPENAI_"))}
    return {
        **inherited,
        **ours,
        "CODEX_SCRIPTED_REPERTOIRE": str(folder / "repertoire.txt"),
        # Nobody's shell profile takes part, and CODEX_HOME does not lie under TMPDIR, which Codex would complain about.
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        **{name: _joined(os.environ.get(name), "127.0.0.1") for name in ("NO_PROXY", "no_proxy")},
    }


def _joined(listed: str | None, name: str) -> str:
    return f"{listed},{name}" if listed else name


async def _start(config: Path, environment: Mapping[str, str], *, log: Path) -> asyncio.subprocess.Process:
    with log.open("wb") as file:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "codex_gateway", "run", "--config", str(config)),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd=config.parent,  # `-m` searches it first; nothing of Python lies in it
            env=dict(environment),
            start_new_session=True,  # Ctrl-C is ours, to end things in order
        )
