"""The whole house: the service as a process, the Bot API stand-in over HTTP, and a Codex, real or scripted."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

import codex_gateway
from codex_gateway.codex.session.locate import is_open_for_writing
from codex_gateway.core.ids import ThreadId
from codex_gateway.demo.bot_api import BotAccount, BotApiServer, Chat, Message, Person, RateLimits
from codex_gateway.demo.codex import install_shim
from codex_gateway.demo.model import ScriptedModel, write_codex_home
from support.codex_lab import Cli
from support.real_codex import codex_environment, require_codex

#: Only what is dead makes one wait so long, however busy the machine is; a test has more, so that this is told first.
LIMIT_S = 120.0
#: The service as it is, which keeps to Telegram's pace; and with the time between two messages made short.
PACED, QUICK = ("-m", "codex_gateway"), (str(Path(__file__).with_name("quick_gateway.py")),)


@dataclass(slots=True)
class Bot:
    """One bot of the house: its account, its chat with the owner, its work directory and session."""

    account: BotAccount
    chat: Chat
    workdir: Path
    resume_id: str
    #: What its table in the config holds beside that.
    options: dict[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.account.name


@dataclass(slots=True)
class Service:
    """A gateway process."""

    process: asyncio.subprocess.Process
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    async def kill(self) -> None:
        """As a power cut would."""
        self.process.kill()
        await self.process.wait()

    async def end(self) -> int:
        """As systemd would; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(LIMIT_S):
            return await self.process.wait()


@dataclass(slots=True)
class House:
    """What a test needs to be the people, the owner and the world outside."""

    folder: Path
    server: BotApiServer
    owner: Person
    bots: dict[str, Bot]
    codex: Path
    home: Path
    environment: dict[str, str]
    model: ScriptedModel
    mark: str
    #: More people whom the bots heed.
    guests: list[Person] = field(default_factory=list)
    settings: dict[str, object] = field(default_factory=dict)
    #: What Python is to start as the service.
    program: tuple[str, ...] = QUICK
    services: list[Service] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    def bot(self, name: str = "alpha") -> Bot:
        return self.bots[name]

    def write_config(self, **changes: object) -> None:
        """The owner's config file, with what a test wants otherwise in `[base]`."""
        self.settings |= changes
        base = {
            "codex_cli_cmd": str(self.codex),
            "codex_home": str(self.home),
            "telegram_api_base_url": self.server.url,
            "db_path": "data/app.db",
            "lock_path": "data/app.lock",
            "stream_flush_interval": 0.2,
            "answer_max_messages": 0,  # long answers are to be seen whole
            **self.settings,
        }
        bots = [
            {
                "name": name,
                "token": bot.account.token,
                "allowed_user_ids": [self.owner.id, *(person.id for person in self.guests)],
                "resume_id": bot.resume_id,
                "codex_workdir": str(bot.workdir),
                **bot.options,
            }
            for name, bot in self.bots.items()
        ]
        self.config.write_text(tomli_w.dumps({"base": base, "bots": bots}), encoding="utf-8")
        self.config.chmod(0o600)

    async def start(self) -> Service:
        """Start the service and wait until it polls."""
        return await self.serving(await self.launch())

    async def serving(self, service: Service) -> Service:
        """Wait until a service that was launched polls."""
        seen = len(self.server.calls("getUpdates"))
        polls = asyncio.ensure_future(
            self.server.wait_for(lambda: len(self.server.calls("getUpdates")) > seen, timeout_s=LIMIT_S)
        )
        ends = asyncio.ensure_future(service.process.wait())
        await asyncio.wait([polls, ends], return_when=asyncio.FIRST_COMPLETED)
        for waiting in (polls, ends):
            waiting.cancel()
        await asyncio.gather(polls, ends, return_exceptions=True)
        assert service.process.returncode is None, service.log.read_text("utf-8")
        return service

    async def launch(self, *words: str) -> Service:
        """Start the service, whatever becomes of it."""
        log = self.folder / f"service-{len(self.services)}.log"
        with log.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self.program,
                "--config",
                str(self.config),
                "run",
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env=self.environment,
                cwd=self.folder,
            )
        service = Service(process, log)
        self.services.append(service)
        return service

    async def command(self, *words: str) -> tuple[int, str, str]:
        """Run another command of the program; returns exit code, output, errors."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "codex_gateway",
            "--config",
            str(self.config),
            *words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment,
            cwd=self.folder,
        )
        async with asyncio.timeout(LIMIT_S):
            out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()

    def say(self, text: str, bot: str = "alpha") -> Message:
        """The owner writes to a bot."""
        return self.bots[bot].chat.say(self.owner, text)

    async def see(self, condition: Callable[[], Any]) -> Any:
        """Wait until the chats look as they should; a failure shows the service's log too."""
        try:
            return await self.server.wait_for(condition, timeout_s=LIMIT_S)
        except TimeoutError as error:
            logs = "\n".join(service.log.read_text("utf-8")[-4000:] for service in self.services)
            raise TimeoutError(f"{error}\n{self.transcript()}\n{logs}") from None

    def answers_to(self, asked: Message, bot: str = "alpha") -> list[Message]:
        """The messages that reply to a prompt, but for its status message."""
        replies = [message for message in self.bots[bot].chat.messages if message.reply_to is asked]
        return [message for message in replies if not is_status(message)]

    def status_of(self, asked: Message, bot: str = "alpha") -> Message:
        """The status message of a prompt."""
        [status] = [
            message for message in self.bots[bot].chat.messages if message.reply_to is asked and is_status(message)
        ]
        return status

    async def verdict(self, asked: Message, bot: str = "alpha") -> str:
        """Wait for the end of a prompt's run; returns what its status message says then."""

        def ended() -> bool:
            replies = [m for m in self.bots[bot].chat.messages if m.reply_to is asked and is_status(m)]
            return bool(replies) and replies[0].text.startswith(("✅", "❌", "⏹"))

        await self.see(ended)
        return self.status_of(asked, bot).text

    async def nothing_in_flight(self) -> None:
        """Wait until the service has taken note of everything it sent: a kill before that may repeat a message."""
        async with asyncio.timeout(LIMIT_S):
            while self.query("SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')") != [(0,)]:
                await asyncio.sleep(0.01)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Look into the service's database."""
        with closing(sqlite3.connect(f"file:{self.folder}/data/app.db?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(sql).fetchall()

    async def sees_process(self, words: str) -> None:
        """Wait until a program with these words in its command line (separated by NUL) runs in the house."""
        async with asyncio.timeout(LIMIT_S):
            while not any(words.encode() in _command_line(pid) for pid in marked(self.mark)):
                await asyncio.sleep(0.02)

    def transcript(self) -> str:
        return "\n".join(
            f"{name}: {type(message.sender).__name__}: {message.text!r}"
            for name, bot in self.bots.items()
            for message in bot.chat.timeline
        )

    def codex_pids(self) -> list[int]:
        """The processes of this house but the services: Codex, and what its tools started."""
        return [pid for pid in marked(self.mark) if pid not in {service.pid for service in self.services}]

    def commands(self) -> list[bytes]:
        """What runs in this house besides the services, each as its words with NUL behind each."""
        return [_command_line(pid) for pid in self.codex_pids()]

    def session_file(self, resume_id: str) -> Path:
        [path] = self.home.glob(f"sessions/*/*/*/*{resume_id}.jsonl")
        return path

    def turns(self, resume_id: str) -> list[dict[str, Any]]:
        """The turn starts in a session file."""
        lines = self.session_file(resume_id).read_text("utf-8").splitlines()
        records = [json.loads(line) for line in lines]
        return [record for record in records if record["payload"].get("type") == "task_started"]

    async def at_terminal(self, prompt: str, bot: str = "alpha") -> int:
        """A person goes on with a bot's session by hand, once nobody else has it open; returns Codex's exit code."""
        async with asyncio.timeout(LIMIT_S):
            while is_open_for_writing(self.home, ThreadId(self.bots[bot].resume_id)):
                await asyncio.sleep(0.01)
        process = await asyncio.create_subprocess_exec(
            self.codex,
            "exec",
            "--sandbox",
            "danger-full-access",
            "resume",
            "--skip-git-repo-check",
            self.bots[bot].resume_id,
            "-",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=self.bots[bot].workdir,
            env=self.environment | {"CODEX_HOME": str(self.home)},
        )
        async with asyncio.timeout(LIMIT_S):
            await process.communicate(prompt.encode())
        return process.returncode or 0

    async def turn_ended(self, answer: str, bot: str = "alpha") -> None:
        """Wait until the latest turn in a bot's session file has ended with this answer."""
        file = self.session_file(self.bots[bot].resume_id)
        async with asyncio.timeout(LIMIT_S):
            while answer not in file.read_text("utf-8").rpartition("task_complete")[2]:
                await asyncio.sleep(0.05)

    async def new_session(self, workdir: Path, prompt: str = "@say ready") -> str:
        """Make a session as a person at the terminal would; returns its resume ID."""
        process = await asyncio.create_subprocess_exec(
            self.codex,
            "exec",
            "--skip-git-repo-check",
            "--json",
            "-",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=workdir,
            env=self.environment,
        )
        async with asyncio.timeout(LIMIT_S):
            out, err = await process.communicate(prompt.encode())
        assert process.returncode == 0, err.decode()
        return str(json.loads(out.splitlines()[0])["thread_id"])


def is_status(message: Message) -> bool:
    """Whether a message is the status message of a run, in any of its states."""
    return message.text.startswith(("⏳", "⏸", "⚙️", "✅", "❌", "⏹"))


@asynccontextmanager
async def house(
    folder: Path, cli: Cli, *, bots: Sequence[str] = ("alpha",), rate_limits: RateLimits | None = None
) -> AsyncIterator[House]:
    """A furnished house with a session for each bot; nothing of it is left when the block ends, or the test fails."""
    folder = folder / "house"
    codex = require_codex(cli.version) if cli.real else install_shim(folder / "bin" / "codex")
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(ScriptedModel.start())
        server = await stack.enter_async_context(BotApiServer.start(bots=list(bots), rate_limits=rate_limits))
        home = write_codex_home(folder / "codex-home", model.url)
        # Whatever is started in this house carries the mark, and so do its children.
        mark = uuid.uuid4().hex
        # A PYTHONPATH may be relative, and the service runs elsewhere: it must be the code that these tests import.
        source = str(Path(codex_gateway.__file__).parents[1])
        environment = codex_environment(home) | {"CODEX_TEST_HOUSE": mark, "PYTHONPATH": source}
        del environment["CODEX_HOME"]
        if not (cli.real or cli.modern):
            environment["CODEX_SCRIPTED_FORMAT"] = "legacy"
        owner = server.person("Ada")
        it = House(folder, server, owner, {}, codex, home, environment, model, mark)
        if rate_limits is not None:
            it.program = PACED
        for name in bots:
            workdir = folder / "work" / name
            workdir.mkdir(parents=True)
            account = server.bot(name)
            environment["CODEX_HOME"] = str(home)
            resume_id = await it.new_session(workdir)
            del environment["CODEX_HOME"]
            it.bots[name] = Bot(account, server.private_chat(owner, account), workdir, resume_id)
        it.write_config()
        try:
            yield it
            for service in it.services:
                if service.process.returncode is None:
                    assert await service.end() == 0, service.log.read_text("utf-8")
            await gone(mark)
            assert server.violations == [], server.violations
            assert server.unsupported == [], server.unsupported
            assert not list((folder / "data" / "attempts").glob("*")), "output files were left behind"
        finally:
            for pid in marked(mark):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for service in it.services:
                await service.process.wait()
    shutil.rmtree(folder, ignore_errors=True)


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


async def gone(mark: str) -> None:
    """Nothing that was started in a house is alive; what is about to go gets a moment."""
    try:
        async with asyncio.timeout(30):
            while list(marked(mark)):
                await asyncio.sleep(0.02)
    except TimeoutError:
        left = [Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ") for pid in marked(mark)]
        raise AssertionError(f"processes were left behind: {left}") from None


def marked(mark: str) -> Iterator[int]:
    """The processes that carry the mark in their environment; zombies carry none."""
    needle = f"CODEX_TEST_HOUSE={mark}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if needle in (entry / "environ").read_bytes().split(b"\0"):
                    yield int(entry.name)
            except OSError:
                continue
