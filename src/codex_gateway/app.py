"""The composition root: builds every object, runs them side by side, and ends them in order."""

from __future__ import annotations

import asyncio
import gc
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from codex_gateway.codex.exec_agent import ExecAgent
from codex_gateway.codex.observer import SessionObserver
from codex_gateway.codex.options import ApprovalsMode, CodexOptions, InputMode
from codex_gateway.codex.session.shelf import CodexShelf
from codex_gateway.config import Bot, DraftMode, GatewayConfig, ReasoningMode
from codex_gateway.core.ids import BotName
from codex_gateway.core.inbox import RawUpdate
from codex_gateway.core.outcome import StopReason
from codex_gateway.core.policy import BotPolicy, Pace
from codex_gateway.log import Log
from codex_gateway.service.board import Board
from codex_gateway.service.delivery import Delivery
from codex_gateway.service.errands import Errands, Grounds
from codex_gateway.service.executor import Executor
from codex_gateway.service.intake import Intake
from codex_gateway.service.luggage import Luggage
from codex_gateway.service.manners import Manners
from codex_gateway.service.mirror import Mirror
from codex_gateway.service.places import Places
from codex_gateway.service.queries import Queries
from codex_gateway.service.scheduler import Scheduler
from codex_gateway.store import kept_files, lock
from codex_gateway.store.attachments import Attachments
from codex_gateway.store.bindings import Bindings
from codex_gateway.store.database import Database
from codex_gateway.store.inbox import Inbox
from codex_gateway.store.ledger import Ledger
from codex_gateway.store.manners import ChatManners
from codex_gateway.store.mirrors import Mirrors
from codex_gateway.store.outbox import Outbox
from codex_gateway.store.queue import Queue
from codex_gateway.store.requests import Requests
from codex_gateway.store.runs import Runs
from codex_gateway.store.sessions import Sessions
from codex_gateway.telegram.door import TelegramDoor
from codex_gateway.telegram.inbound import interpret
from codex_gateway.telegram.settings import BotSettings

_log = Log(__name__)

#: How long an orderly end may take for each of its parts, in seconds; together less than ten.
LET_GO_S = 4.0
DRAIN_S = 2.0
#: How long Codex may take to go away after its answer where no limit is set, in seconds.
EXIT_S = 30.0


def _policy(bot: Bot) -> BotPolicy:
    display = bot.display
    return BotPolicy(
        bot=bot.name,
        allowed_user_ids=bot.allowed_user_ids,
        allowed_chat_ids=bot.allowed_chat_ids,
        workdir=bot.codex.workdir,
        codex_home=bot.codex.home,
        resume_id=bot.codex.resume_id,
        limits=bot.limits,
        pace=Pace(
            flush_interval_s=display.stream_flush_interval_s,
            tick_interval_s=display.progress_tick_interval_s,
            reasoning_throttle_s=display.reasoning_throttle_s,
        ),
        shows_commentary=display.jsonl_stream_events,
        shows_drafts=display.stream_drafts is DraftMode.AUTO,
        shows_reasoning=display.reasoning_mode is ReasoningMode.SUMMARY,
        mirrors_outside_turns=display.mirrors_outside_turns,
        inbox_dir=bot.files.inbox_dir,
        transcribe_cmd=bot.files.transcribe_cmd,
        paste_window_s=bot.files.paste_window_s,
    )


def _agent(bot: Bot, config: GatewayConfig) -> ExecAgent:
    codex = bot.codex
    return ExecAgent(
        CodexOptions(
            home=codex.home,
            environ=config.environ,
            env_allow=codex.child_env_allow,
            secrets=config.secrets(),
            cli_cmd=codex.cli_cmd,
            cli_args=codex.cli_args,
            input_mode=InputMode(codex.input_mode.value),
            approvals_mode=ApprovalsMode(codex.approvals_mode.value),
            skip_git_check=codex.skip_git_check,
            use_pty=codex.use_pty,
            stream_stderr=codex.stream_include_stderr,
            exit_timeout_s=bot.limits.after_answer_s or EXIT_S,
            sync_interval_s=config.base.codex_jsonl_sync_interval_s,
        )
    )


def _shelf(bot: Bot, config: GatewayConfig) -> CodexShelf:
    codex = bot.codex
    return CodexShelf(
        home=codex.home,
        workdir=codex.workdir,
        allowed_workdirs=codex.allowed_workdirs,
        cli_cmd=codex.cli_cmd,
        environ=config.environ,
        attempts_dir=config.base.db_path.parent / "attempts",
    )


def _guarded(config: GatewayConfig) -> tuple[Path, ...]:
    """What /get never gives, wherever a work directory has it: our secrets, our database, Codex's login."""
    base = config.base
    own = [base.db_path, base.db_path.with_name(f"{base.db_path.name}-wal"), *(bot.codex.home for bot in config.bots)]
    return (*own, *([config.path] if config.path else []))


def _settings(bot: Bot, config: GatewayConfig) -> BotSettings:
    proxy = config.base.telegram_proxy
    return BotSettings(
        name=bot.name,
        token=bot.token.reveal(),
        api_base_url=config.base.telegram_api_base_url,
        proxy=None if proxy is None else proxy.reveal(),
        chunk_limit=bot.display.message_chunk_limit,
        language=bot.display.language.language,
        most_messages=bot.display.answer_max_messages,
    )


@dataclass(frozen=True, slots=True)
class Gateway:
    """The furnished house: everything that has to run, and to be ended."""

    door: TelegramDoor
    intake: Intake
    scheduler: Scheduler
    executor: Executor
    delivery: Delivery
    mirror: Mirror
    errands: Errands
    places: Places
    agents: Mapping[BotName, ExecAgent]


@asynccontextmanager
async def furnish(config: GatewayConfig, *, clock: Callable[[], float] = time.time) -> AsyncIterator[Gateway]:
    """Build the gateway on its lock and its database; nothing runs yet.

    Raises LockHeld, StoreError, or another GatewayError whose text says what to do.
    """
    policies = {bot.name: _policy(bot) for bot in config.bots}
    agents = {bot.name: _agent(bot, config) for bot in config.bots}
    async with AsyncExitStack() as stack:
        stack.enter_context(lock.hold(config.base.lock_path))
        database = await stack.enter_async_context(Database.open(config.base.db_path))
        sessions = Sessions(database)
        for policy in policies.values():
            await sessions.bind_bot(policy.bot, codex_home=policy.codex_home, thread_id=policy.resume_id, now=clock())

        kept = ChatManners(database)
        languages = {bot.name: bot.display.language for bot in config.bots}
        manners = Manners(kept, await kept.all(), languages=languages, clock=clock)

        async def receive(bot: BotName, updates: Sequence[RawUpdate]) -> None:
            await intake.receive(bot, updates)

        door = TelegramDoor([_settings(bot, config) for bot in config.bots], receive, manner_of=manners.of)
        stack.push_async_callback(door.close)
        runs, outbox, ledger = Runs(database), Outbox(database), Ledger(database)
        queue = Queue(database)
        places = Places(queue, door.chat, outbox, clock=clock)
        board = Board(door.chat, outbox, clock=clock, places=places)
        delivery = Delivery(outbox, door.chat, board, clock=clock)
        luggage = Luggage(
            Attachments(database),
            door,
            policies=policies,
            chat=door.chat,
            delivery=delivery,
            environ=config.harmless_environ(),
            clock=clock,
        )
        executor = Executor(
            runs,
            outbox,
            agents=agents,
            policies=policies,
            chat=door.chat,
            board=board,
            delivery=delivery,
            luggage=luggage,
            attempts_dir=config.base.db_path.parent / "attempts",
            clock=clock,
            manner_of=manners.of,
        )
        scheduler = Scheduler(runs, executor, clock=clock, on_change=places.wake)
        inbox, requests = Inbox(database), Requests(database)
        queries = Queries(ledger, executor, clock=clock)
        kept_dir = config.base.db_path.parent / "outbox"
        await kept_files.sweep(database, kept_dir)
        errands = Errands(
            inbox=inbox,
            requests=requests,
            ledger=ledger,
            queries=queries,
            chat=door.chat,
            delivery=delivery,
            grounds=Grounds(kept_dir, config.harmless_environ(), guarded=_guarded(config)),
            clock=clock,
        )
        intake = Intake(
            inbox=inbox,
            requests=requests,
            ledger=ledger,
            queries=queries,
            queue=queue,
            bindings=Bindings(database),
            shelves={bot.name: _shelf(bot, config) for bot in config.bots},
            policies=policies,
            interpret=lambda bot, body: interpret(door.identity(bot), body),
            chat=door.chat,
            executor=executor,
            scheduler=scheduler,
            delivery=delivery,
            manners=manners,
            errands=errands,
            clock=clock,
        )
        mirror = Mirror(
            Mirrors(database),
            SessionObserver(sync_interval_s=config.base.codex_jsonl_sync_interval_s),
            policies=policies,
            chat=door.chat,
            delivery=delivery,
            clock=clock,
        )
        yield Gateway(door, intake, scheduler, executor, delivery, mirror, errands, places, agents)


async def run(gateway: Gateway, ending: Ending) -> None:
    """Take up what was left, serve until the end is asked for, and end in order within ten seconds."""
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(gateway.delivery.run(), name="delivery")
        working = tasks.create_task(gateway.scheduler.run(), name="scheduler")
        listening = tasks.create_task(_listen(gateway), name="door")
        mirroring = tasks.create_task(gateway.mirror.run(), name="mirror")
        gathering = tasks.create_task(gateway.intake.run(), name="intake")
        running_errands = tasks.create_task(gateway.errands.run(), name="errands")
        placing = tasks.create_task(gateway.places.run(), name="places")
        _log.info("gateway.ready")
        await ending.asked.wait()
        _log.info("gateway.ending", turns=len(gateway.executor.live))
        listening.cancel()
        mirroring.cancel()
        running_errands.cancel()
        gathering.cancel()
        placing.cancel()
        await _end_turns(gateway, working, ending)
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await gateway.delivery.drain()
        sending.cancel()
    _log.info("gateway.ended")


async def _listen(gateway: Gateway) -> None:
    """Poll for all bots, and act on what each received in an earlier life once it knows who it is."""

    async def replay(bot: BotName) -> None:
        await gateway.door.identified(bot)
        await gateway.intake.replay(bot)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(gateway.door.run(), name="polls")
        for bot in gateway.agents:
            tasks.create_task(replay(bot), name=f"replay of {bot}")


async def _end_turns(gateway: Gateway, working: asyncio.Task[None], ending: Ending) -> None:
    """Let the turns go on without us, or stop them if that was asked for."""
    gateway.scheduler.close()
    if ending.with_turns:
        await gateway.executor.stop_all(StopReason.SHUTDOWN)
    else:
        for agent in gateway.agents.values():
            agent.release()
    _, unfinished = await asyncio.wait([working], timeout=LET_GO_S)
    if unfinished:
        _log.warning("turns.cut", runs=gateway.executor.live)
        working.cancel()


class Ending:
    """The end of the service. Turns at work go on without it, for the next start to take up, or end `with_turns`."""

    def __init__(self, *, with_turns: bool = False) -> None:
        self.asked = asyncio.Event()
        self.with_turns = with_turns

    def ask(self) -> None:
        self.asked.set()

    def listen(self) -> None:
        """End on SIGTERM and SIGINT."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.ask)


async def serve(config: GatewayConfig) -> None:
    """The service, from its lock to its end by a signal. Raises GatewayError for an expected failure."""
    gc.freeze()  # the libraries' thousands of objects live for ever: walking them would only cost pauses
    ending = Ending()
    ending.listen()
    async with furnish(config) as gateway:
        await run(gateway, ending)
