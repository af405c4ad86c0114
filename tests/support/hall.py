"""A hall on a real SQLite file, with an agent that plays what a test writes and a chat that keeps what it is sent."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from codex_gateway.core import request as rq
from codex_gateway.core.diagnosis import Evidence
from codex_gateway.core.errors import ChatBusy, ChatRefused
from codex_gateway.core.event import Event
from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import BotName, ChatRef, MessageRef, ThreadId, UserId
from codex_gateway.core.inbox import RawUpdate
from codex_gateway.core.outcome import Answered, Detached, Outcome
from codex_gateway.core.policy import BotPolicy, Pace
from codex_gateway.core.ports import Chat, Emit, Parcel, Shelf
from codex_gateway.core.reply import Answer, Card, Commentary, LastResult, LiveCard, Moment, Reply
from codex_gateway.core.request import Request
from codex_gateway.core.run import Attempt, StartingPoint, Turn
from codex_gateway.core.saved import DirectoryFault, SavedPage, SavedSession
from codex_gateway.core.watchdog import Limits
from codex_gateway.service.board import Board
from codex_gateway.service.delivery import Delivery
from codex_gateway.service.errands import Errands, Grounds
from codex_gateway.service.executor import Executor
from codex_gateway.service.intake import Intake
from codex_gateway.service.luggage import Luggage
from codex_gateway.service.manners import Manners
from codex_gateway.service.places import Places
from codex_gateway.service.queries import Queries
from codex_gateway.service.scheduler import Scheduler
from codex_gateway.store.attachments import Attachments
from codex_gateway.store.bindings import Bindings
from codex_gateway.store.database import Database
from codex_gateway.store.inbox import Inbox
from codex_gateway.store.ledger import Ledger
from codex_gateway.store.manners import ChatManners
from codex_gateway.store.outbox import Outbox
from codex_gateway.store.queue import Queue
from codex_gateway.store.requests import Requests
from codex_gateway.store.runs import Runs
from codex_gateway.store.sessions import Sessions

BOT = BotName("alpha")
OTHER_BOT = BotName("beta")
PERSON = UserId(7)
CHAT = ChatRef(BOT, 7)
OTHER_CHAT = ChatRef(OTHER_BOT, 7)
THREAD = ThreadId("01a1f920-e197-7680-af9c-1ed048038c95")
OTHER_THREAD = ThreadId("01a1f920-e197-7680-af9c-1ed048038c96")


async def until(condition: Callable[[], bool], *, timeout_s: float = 60.0) -> None:
    """Wait for something that other tasks bring about."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.002)


Play = Callable[[Turn, Emit], Awaitable[Outcome]]


async def echo(turn: Turn, emit: Emit) -> Outcome:
    """Answers at once."""
    return Answered(f"echo: {turn.prompt}")


@dataclass
class PlayedAgent:
    """An agent that plays `plays[prompt]`, else `echo`, and remembers what it was asked."""

    plays: dict[str, Play] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)
    reattached: list[Attempt] = field(default_factory=list)
    on_reattach: Play = echo
    cancelled: list[str] = field(default_factory=list)
    #: What the machine shows of every turn.
    shows: Evidence | None = None
    ousted: list[tuple[ThreadId, Holder]] = field(default_factory=list)
    #: What the session tells of every turn.
    remembers: list[Moment] = field(default_factory=list)
    recalled: list[Attempt] = field(default_factory=list)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def starting_point(self, turn: Turn) -> StartingPoint:
        return StartingPoint(session_file=None, offset_bytes=0)

    async def perform(self, turn: Turn, attempt: Attempt, emit: Emit) -> Outcome:
        self.turns.append(turn)
        return await self._play(self.plays.get(turn.prompt, echo), turn, emit)

    async def reattach(self, attempt: Attempt, emit: Emit) -> Outcome:
        self.reattached.append(attempt)
        return await self._play(self.on_reattach, Turn(attempt.thread_id, "", Path("/")), emit)

    async def evidence(self, attempt: Attempt) -> Evidence | None:
        return self.shows

    async def recall(self, attempt: Attempt, *, at_most: int) -> tuple[list[Moment], int]:
        self.recalled.append(attempt)
        return self.remembers[-at_most:], max(0, len(self.remembers) - at_most)

    def oust(self, thread_id: ThreadId, holder: Holder) -> None:
        self.ousted.append((thread_id, holder))

    def release(self) -> None:
        self._released.set()

    async def _play(self, play: Play, turn: Turn, emit: Emit) -> Outcome:
        playing = asyncio.ensure_future(play(turn, emit))
        letting_go = asyncio.ensure_future(self._released.wait())
        try:
            await asyncio.wait([playing, letting_go], return_when=asyncio.FIRST_COMPLETED)
            return playing.result() if playing.done() else Detached()
        except asyncio.CancelledError:
            self.cancelled.append(turn.prompt)
            raise
        finally:
            playing.cancel()
            letting_go.cancel()
            await asyncio.gather(playing, letting_go, return_exceptions=True)


@dataclass
class Sent:
    """One message in the chat, and what it said over time."""

    chat: ChatRef
    id: int
    says: list[str]
    reply_to: int | None

    @property
    def text(self) -> str:
        return self.says[-1]


@dataclass
class KeptChat:
    """A chat that keeps everything; `faults` are raised by the next sends, one each."""

    sent: list[Sent] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    chunk: int = 4000
    has_drafts: bool = True
    drafts: list[LiveCard] = field(default_factory=list)
    parked: dict[int, float] = field(default_factory=dict)

    def compose(self, chat: ChatRef, reply: Reply) -> list[Parcel]:
        match reply:
            case Answer(markdown=text) | Commentary(markdown=text):
                name = type(reply).__name__.lower()
                parts = [text[at : at + self.chunk] for at in range(0, len(text), self.chunk)] or [""]
                return [Parcel(json.dumps(f"{name}: {part}")) for part in parts]
            case LastResult(markdown=text):
                return [Parcel(json.dumps(f"last: {text}"))]
            case _:
                return [Parcel(json.dumps(str(reply)))]

    async def worded(self, chat: ChatRef, reply: Reply) -> list[Parcel]:
        return self.compose(chat, reply)

    async def send(self, chat: ChatRef, parcel: Parcel, *, reply_to: int | None) -> MessageRef:
        await self._fail(chat.chat_id)
        message = Sent(chat, len(self.sent) + 1000, [json.loads(parcel)], reply_to)
        self.sent.append(message)
        return MessageRef(chat, message.id)

    async def edit(self, message: MessageRef, parcel: Parcel) -> None:
        await self._fail(message.chat.chat_id)
        if not any(sent.id == message.message_id for sent in self.sent):
            raise ChatRefused("message to edit not found")
        self.find(message.message_id).says.append(json.loads(parcel))

    def park(self, chat: ChatRef, until: float) -> None:
        self.parked[chat.chat_id] = until

    async def repaint(self, message: MessageRef, draw: Callable[[], Card | None]) -> None:
        card = draw()
        if card is not None:
            self.find(message.message_id).says.append(str(card))

    async def show_draft(self, chat: ChatRef, draw: Callable[[], LiveCard | None]) -> bool:
        await self._fail(chat.chat_id)
        card = draw()
        if card is not None:
            self.drafts.append(card)
        return self.has_drafts

    async def _fail(self, chat_id: int) -> None:
        await asyncio.sleep(0)
        if (rest_s := self.parked.get(chat_id, 0.0) - time.time()) > 0:
            raise ChatBusy(rest_s)
        if self.faults:
            raise self.faults.pop(0)

    def find(self, message_id: int) -> Sent:
        return next(message for message in self.sent if message.id == message_id)

    def texts(self, chat: ChatRef = CHAT) -> list[str]:
        return [message.text for message in self.sent if message.chat == chat]

    def answers(self, chat: ChatRef = CHAT) -> list[str]:
        return [text.removeprefix("answer: ") for text in self.texts(chat) if text.startswith("answer: ")]


@dataclass
class PlayedShelf:
    """A shelf with `saved` on it; whoever names a directory of `workdirs` may work there."""

    saved: list[SavedSession] = field(default_factory=list)
    workdirs: set[Path] = field(default_factory=set)
    forks: bool = True

    async def page(self, *, skip: int, limit: int) -> SavedPage:
        return SavedPage(tuple(self.saved[skip : skip + limit]), skip, len(self.saved), limit)

    async def matching(self, words: str, *, limit: int) -> tuple[SavedSession, ...]:
        return tuple(each for each in self.saved if words in (each.title or ""))[:limit]

    async def find(self, thread_id: ThreadId) -> SavedSession | None:
        return next((each for each in self.saved if each.thread_id == thread_id), None)

    async def holder(self, thread_id: ThreadId) -> tuple[bool, Holder | None]:
        return False, None

    async def workdir(self, words: str) -> Path | DirectoryFault:
        return Path(words) if Path(words) in self.workdirs else DirectoryFault.NOT_ALLOWED

    async def can_fork(self) -> bool:
        return self.forks

    async def version(self) -> str | None:
        return "0.0.0"


@dataclass
class KeptDownloads:
    """Files that people have sent, by their id; a fault is raised instead."""

    files: dict[str, bytes | Exception] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    #: Set: a download goes on.
    gate: asyncio.Event | None = None

    async def fetch(self, bot: BotName, file_id: str) -> bytes:
        self.fetched.append(file_id)
        if self.gate is not None:
            await self.gate.wait()
        found = self.files[file_id]
        if isinstance(found, Exception):
            raise found
        return found


def policy(
    bot: BotName = BOT,
    *,
    resume_id: ThreadId | None = THREAD,
    limits: Limits | None = None,
    shows_reasoning: bool = False,
    tick_s: float = 0.0,
) -> BotPolicy:
    """A bot whose messages go out at once."""
    return BotPolicy(
        bot=bot,
        allowed_user_ids=frozenset({PERSON}),
        allowed_chat_ids=frozenset({-100}),
        workdir=Path("/work/dir"),
        codex_home=Path("/codex/home"),
        resume_id=resume_id,
        limits=limits or Limits(),
        pace=Pace(flush_interval_s=0.0, tick_interval_s=tick_s, reasoning_throttle_s=0.0),
        shows_reasoning=shows_reasoning,
    )


@dataclass
class Hall:
    """The hall at work. `say` is what a door does: bring an update, and return when it is safe."""

    database: Database
    agent: PlayedAgent
    chat: KeptChat
    intake: Intake
    ledger: Ledger
    runs: Runs
    outbox: Outbox
    executor: Executor
    scheduler: Scheduler
    delivery: Delivery
    wishes: dict[str, Request] = field(default_factory=dict)
    last_update_id: int = 0

    async def say(
        self,
        wish: rq.Wish | str,
        *,
        chat: ChatRef = CHAT,
        user: UserId = PERSON,
        private: bool = True,
        update_id: int | None = None,
        sent_at: int | None = None,
    ) -> int:
        """Bring one wish, text being a prompt; returns the message id it had."""
        self.last_update_id += 1
        number = self.last_update_id if update_id is None else update_id
        request = Request(chat, user, number, private, rq.Ask(wish) if isinstance(wish, str) else wish)
        self.wishes[str(number)] = replace(request, sent_at=sent_at)
        await self.intake.receive(chat.bot, [RawUpdate(number, str(number))])
        return number

    async def press(self, wish: rq.Wish, *, on: int, chat: ChatRef = CHAT) -> None:
        """Press a button on one of the hall's own messages."""
        self.last_update_id += 1
        number = self.last_update_id
        self.wishes[str(number)] = Request(chat, PERSON, on, True, wish)
        await self.intake.receive(chat.bot, [RawUpdate(number, str(number))])

    async def query(self, sql: str) -> list[tuple[object, ...]]:
        rows = await self.database.read(lambda tx: tx.all(sql))
        return [tuple(row) for row in rows]

    async def settled(self, count: int) -> None:
        """Wait until so many runs have ended and everything about them was sent."""
        async with asyncio.timeout(60):
            while True:
                [(done,)] = await self.query("SELECT count(*) FROM runs WHERE ended_at IS NOT NULL")
                [(unsent,)] = await self.query("SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')")
                if done == count and unsent == 0 and not self.executor.live:
                    return
                await asyncio.sleep(0.002)

    async def states(self) -> list[str]:
        return [str(row[0]) for row in await self.query("SELECT state FROM runs ORDER BY id")]


@asynccontextmanager
async def hall(
    folder: Path,
    *,
    agent: PlayedAgent | None = None,
    chat: Chat | None = None,
    policies: list[BotPolicy] | None = None,
    shelf: Shelf | None = None,
    downloads: KeptDownloads | None = None,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[Hall]:
    """A running hall on `folder`'s database; leaving it is an end in good order, after which it may be opened again."""
    agent, chat = agent or PlayedAgent(), chat or KeptChat()
    by_bot = {each.bot: each for each in policies or [policy(), policy(OTHER_BOT, resume_id=OTHER_THREAD)]}
    wishes: dict[str, Request] = {}
    async with Database.open(folder / "app.db") as database:
        for each in by_bot.values():
            await Sessions(database).bind_bot(
                each.bot, codex_home=each.codex_home, thread_id=each.resume_id, now=clock()
            )
        runs, outbox, ledger = Runs(database), Outbox(database), Ledger(database)
        manners = Manners(ChatManners(database), await ChatManners(database).all(), languages={}, clock=clock)
        queue = Queue(database)
        places = Places(queue, chat, outbox, clock=clock)
        board = Board(chat, outbox, clock=clock, places=places)
        delivery = Delivery(outbox, chat, board, clock=clock)
        luggage = Luggage(
            Attachments(database),
            downloads or KeptDownloads(),
            policies=by_bot,
            chat=chat,
            delivery=delivery,
            environ={"PATH": os.defpath},
            clock=clock,
        )
        executor = Executor(
            runs,
            outbox,
            agents=dict.fromkeys(by_bot, agent),
            policies=by_bot,
            chat=chat,
            board=board,
            delivery=delivery,
            luggage=luggage,
            attempts_dir=folder / "attempts",
            clock=clock,
            manner_of=manners.of,
        )
        scheduler = Scheduler(runs, executor, clock=clock, on_change=places.wake)
        errands = Errands(
            inbox=Inbox(database),
            requests=Requests(database),
            ledger=ledger,
            queries=Queries(ledger, executor, clock=clock),
            chat=chat,
            delivery=delivery,
            grounds=Grounds(folder / "outbox", {"PATH": os.defpath}),
            clock=clock,
        )
        intake = Intake(
            inbox=Inbox(database),
            requests=Requests(database),
            ledger=ledger,
            queries=Queries(ledger, executor, clock=clock),
            queue=queue,
            bindings=Bindings(database),
            shelves=dict.fromkeys(by_bot, shelf or PlayedShelf()),
            policies=by_bot,
            interpret=lambda _, body: wishes.get(body),
            chat=chat,
            executor=executor,
            scheduler=scheduler,
            delivery=delivery,
            manners=manners,
            errands=errands,
            clock=clock,
        )
        sending = asyncio.create_task(delivery.run())
        working = asyncio.create_task(scheduler.run())
        running_errands = asyncio.create_task(errands.run())
        gathering = asyncio.create_task(intake.run())
        placing = asyncio.create_task(places.run())
        try:
            kept = chat if isinstance(chat, KeptChat) else KeptChat()  # of another one the test knows more
            yield Hall(database, agent, kept, intake, ledger, runs, outbox, executor, scheduler, delivery, wishes)
        finally:
            scheduler.close()
            agent.release()
            await asyncio.wait_for(working, 60)
            for task in (sending, gathering, running_errands, placing):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


def playing(*events: Event, answer: str = "done", gate: asyncio.Event | None = None) -> Play:
    """A play: these events at rising offsets, then the gate, then the answer."""

    async def play(turn: Turn, emit: Emit) -> Outcome:
        for number, event in enumerate(events, start=1):
            await emit(event, number * 100)
        if gate is not None:
            await gate.wait()
        return Answered(answer)

    return play
