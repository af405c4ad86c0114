"""Turns what the doors bring into runs, stops and answers, each in one transaction with its update."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import assert_never

from codex_gateway.core import request as rq
from codex_gateway.core.ids import BotName
from codex_gateway.core.inbox import RawUpdate
from codex_gateway.core.policy import BotPolicy
from codex_gateway.core.ports import Chat, Shelf
from codex_gateway.core.reply import ChoiceReport, Help, NotUnderstood, WhoReport
from codex_gateway.core.request import Request
from codex_gateway.log import Log
from codex_gateway.service.binding import Binding
from codex_gateway.service.delivery import Delivery
from codex_gateway.service.errand import Counter, Errand
from codex_gateway.service.errands import Errands
from codex_gateway.service.executor import Executor
from codex_gateway.service.gathering import Gathering
from codex_gateway.service.latecomers import Latecomers
from codex_gateway.service.lineup import Lineup
from codex_gateway.service.manners import Manners
from codex_gateway.service.prompts import Prompts
from codex_gateway.service.queries import Queries
from codex_gateway.service.scheduler import Scheduler
from codex_gateway.service.steering import Steering
from codex_gateway.store.bindings import Bindings
from codex_gateway.store.inbox import Fate, Inbox, Received
from codex_gateway.store.ledger import Ledger
from codex_gateway.store.queue import Queue
from codex_gateway.store.requests import Requests

_log = Log(__name__)


class Intake:
    """The one way into the hall. `interpret` is the door's: it makes a request of an update's body, or nothing."""

    def __init__(
        self,
        *,
        inbox: Inbox,
        requests: Requests,
        ledger: Ledger,
        queries: Queries,
        queue: Queue,
        bindings: Bindings,
        shelves: Mapping[BotName, Shelf],
        policies: Mapping[BotName, BotPolicy],
        interpret: Callable[[BotName, str], Request | None],
        chat: Chat,
        executor: Executor,
        scheduler: Scheduler,
        delivery: Delivery,
        errands: Errands,
        manners: Manners,
        clock: Callable[[], float],
    ) -> None:
        self._inbox = inbox
        self._queries = queries
        self._policies = policies
        self._interpret = interpret
        self._delivery = delivery
        self._errands = errands
        self._manners = manners
        self._clock = clock
        self._counter = Counter(inbox, requests, ledger, chat=chat, clock=clock)
        self._binding = Binding(bindings, self._counter, shelves=shelves, queries=queries, clock=clock)
        self._prompts = Prompts(
            requests, ledger, self._counter, scheduler=scheduler, binding=self._binding, clock=clock
        )
        self._steering = Steering(requests, self._counter, executor=executor, scheduler=scheduler, clock=clock)
        self._lineup = Lineup(queue, self._counter, queries=queries, scheduler=scheduler, clock=clock)
        #: A bot's updates are acted on one after another, replayed ones too, or one could be acted on twice.
        self._turns: defaultdict[BotName, asyncio.Lock] = defaultdict(asyncio.Lock)
        latecomers = Latecomers(requests, self._prompts, clock=clock)
        self._gathering = Gathering(
            self._prompts, latecomers, self._counter, inbox, delivery, turns=self._turns, clock=clock
        )

    async def run(self) -> None:
        """See to prompts that come in parts. Cancel it to end; what is unfinished comes again."""
        await self._gathering.run()

    async def receive(self, bot: BotName, updates: Sequence[RawUpdate]) -> None:
        """Keep updates, then act on those that nothing has been done about.

        Once this returns, the door may confirm them; when it raises, the door must bring them again.
        """
        async with self._turns[bot]:
            for received in await self._inbox.receive(bot, updates, now=self._clock()):
                await self._act_on(received)

    async def replay(self, bot: BotName) -> None:
        """Act on what a bot had received before we died."""
        async with self._turns[bot]:
            for received in await self._inbox.waiting(bot):
                await self._act_on(received)

    async def _act_on(self, received: Received) -> None:
        if self._errands.has(received.id) or self._gathering.has(received.id):
            return
        try:
            await self._admit(received)
        except sqlite3.Error:  # not the update's fault: it stays in the inbox, and the door brings it again
            raise
        except Exception as error:  # noqa: BLE001 - one update must not keep the others from being acted on
            _log.exception("update.dead", bot=received.bot, inbox=received.id)
            await self._inbox.close(received.id, Fate.DEAD, note=repr(error), now=self._clock())

    async def _admit(self, received: Received) -> None:
        policy = self._policies.get(received.bot)
        request = None if policy is None else self._interpret(received.bot, received.body)
        if policy is None or request is None:
            await self._inbox.close(received.id, Fate.IGNORED, note=None, now=self._clock())
        elif not policy.heeds(request.user_id, request.chat, is_private=request.is_private):
            if not (isinstance(request.wish, rq.Ask) and not request.wish.is_addressed):  # else it was said to nobody
                _log.warning("stranger.ignored", bot=received.bot, user=request.user_id, chat=request.chat.chat_id)
            await self._inbox.close(received.id, Fate.IGNORED, note="not allowed", now=self._clock())
        else:
            await self._manners.hear(request.chat, request.language)
            await self._fulfil(Errand(received.id, request, policy))
            self._delivery.wake(request.chat.bot, request.chat.chat_id)

    async def _fulfil(self, errand: Errand) -> None:
        """The one dispatch: each wish is carried out by the module of its concern."""
        counter, queries, chat = self._counter, self._queries, errand.chat
        if not isinstance(errand.request.wish, rq.Ask):
            await self._gathering.close_up(errand)
        match errand.request.wish:
            case rq.Ask() as ask:
                await self._gathering.take(errand, ask)
            case rq.Retry(run_id=run_id):
                await self._prompts.retry(errand, run_id)
            case rq.Cancel(run_id=run_id):
                await self._steering.cancel(errand, run_id)
            case rq.KeepWaiting(run_id=run_id):
                await self._steering.keep_waiting(errand, run_id)
            case rq.Fork(run_id=run_id):
                await self._steering.fork(errand, run_id)
            case rq.EndHolder(run_id=run_id):
                await self._steering.end_holder(errand, run_id)
            case rq.AskStatus():
                await counter.answer(errand, await queries.status(chat))
            case rq.AskLastResult():
                await counter.answer(errand, await queries.last_result(chat))
            case rq.AskQueue():
                await counter.answer(errand, await queries.queue(chat))
            case rq.AskSession():
                await self._binding.tell(errand)
            case rq.AskWho():
                await counter.answer(errand, WhoReport(chat, errand.request.user_id))
            case rq.AskHelp():
                await counter.answer(errand, Help())
            case rq.Misspoken() as misspoken:
                await counter.answer(errand, NotUnderstood(misspoken))
            case rq.Diff(run_id=run_id) if run_id is not None:
                run = await counter.run_of(errand, run_id)
                if run is None or await self._binding.is_open(errand, run):
                    self._errands.take(errand)
            case rq.SendFile() | rq.Diff():
                if (placed := await self._binding.placed(errand)) is not None:
                    self._errands.take(placed)
            case rq.Amend(ask=ask):
                await self._prompts.amend(errand, ask)
            case rq.ShowLog():
                self._errands.take(errand)
            case rq.Drop(run_id=run_id):
                await self._lineup.drop(errand, run_id)
            case rq.MoveUp(run_id=run_id):
                await self._lineup.move_up(errand, run_id)
            case rq.ClearQueue(last=last):
                await self._lineup.clear(errand, last)
            case rq.AskSessions(skip=skip, in_place=in_place):
                await self._binding.list(errand, skip=skip, in_place=in_place)
            case rq.Bind(session=session, workdir=workdir):
                await self._binding.bind(errand, session=session, workdir=workdir)
            case rq.Unbind():
                await self._binding.unbind(errand)
            case rq.NewSession(workdir=workdir):
                await self._binding.new(errand, workdir=workdir)
            case rq.ForkSession():
                await self._binding.fork(errand)
            case rq.AskChoice(setting=setting, unknown=unknown):
                await counter.answer(errand, ChoiceReport(self._manners.choice(chat, setting), unknown=unknown))
            case rq.Choose(choice=choice):
                await self._manners.choose(chat, choice)
                await counter.answer(errand, ChoiceReport(choice, is_new=True))
            case _:
                assert_never(errand.request.wish)
