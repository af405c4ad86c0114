"""Turns what the doors bring into runs, stops and answers, each in one transaction with its update."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import assert_never

from codex_gateway.core import request as rq
from codex_gateway.core.ids import BotName, ChatRef, RunId
from codex_gateway.core.inbox import RawUpdate
from codex_gateway.core.outcome import StopReason
from codex_gateway.core.policy import BotPolicy
from codex_gateway.core.ports import Chat, Parcel
from codex_gateway.core.reply import (
    EndingHolder,
    Help,
    NothingRuns,
    NothingToRetry,
    NotUnderstood,
    NotWaiting,
    Reply,
    StillAtIt,
    WhoReport,
)
from codex_gateway.core.request import Request
from codex_gateway.core.run import Run, RunState
from codex_gateway.log import Log
from codex_gateway.service.delivery import Delivery
from codex_gateway.service.errands import Errands
from codex_gateway.service.executor import Executor
from codex_gateway.service.queries import Queries
from codex_gateway.service.scheduler import Scheduler
from codex_gateway.store.inbox import Fate, Inbox, Received
from codex_gateway.store.ledger import Ledger
from codex_gateway.store.requests import NewRun, Requests

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
        policies: Mapping[BotName, BotPolicy],
        interpret: Callable[[BotName, str], Request | None],
        chat: Chat,
        executor: Executor,
        scheduler: Scheduler,
        delivery: Delivery,
        errands: Errands,
        clock: Callable[[], float],
    ) -> None:
        self._inbox = inbox
        self._requests = requests
        self._ledger = ledger
        self._queries = queries
        self._policies = policies
        self._interpret = interpret
        self._chat = chat
        self._executor = executor
        self._scheduler = scheduler
        self._delivery = delivery
        self._errands = errands
        self._clock = clock
        #: A bot's updates are acted on one after another, replayed ones too, or one could be acted on twice.
        self._turns: defaultdict[BotName, asyncio.Lock] = defaultdict(asyncio.Lock)

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
        if self._errands.has(received.id):
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
            _log.warning("stranger.ignored", bot=received.bot, user=request.user_id, chat=request.chat.chat_id)
            await self._inbox.close(received.id, Fate.IGNORED, note="not allowed", now=self._clock())
        else:
            await self._fulfil(received, request, policy)
            self._delivery.wake(request.chat.bot, request.chat.chat_id)

    async def _fulfil(self, received: Received, request: Request, policy: BotPolicy) -> None:
        chat = request.chat
        match request.wish:
            case rq.Ask(prompt=prompt):
                await self._queue(received, request, policy, prompt=prompt)
            case rq.Retry(run_id=run_id):
                await self._retry(received, request, policy, run_id)
            case rq.Cancel(run_id=run_id):
                await self._cancel(received, request, run_id)
            case rq.KeepWaiting(run_id=run_id):
                await self._keep_waiting(received, request, run_id)
            case rq.Fork(run_id=run_id):
                await self._fork(received, request, run_id)
            case rq.EndHolder(run_id=run_id):
                await self._end_holder(received, request, run_id)
            case rq.AskStatus():
                await self._answer(received, request, await self._queries.status(chat))
            case rq.AskLastResult():
                await self._answer(received, request, await self._queries.last_result(chat))
            case rq.AskQueue():
                await self._answer(received, request, await self._queries.queue(chat))
            case rq.AskSession():
                await self._answer(received, request, await self._queries.session(chat, policy))
            case rq.AskWho():
                await self._answer(received, request, WhoReport(chat, request.user_id))
            case rq.AskHelp():
                await self._answer(received, request, Help())
            case rq.Misspoken() as misspoken:
                await self._answer(received, request, NotUnderstood(misspoken))
            case rq.SendFile() | rq.Diff():
                self._errands.take(received, request, policy)
            case rq.ShowLog(run_id=run_id):
                await self._answer(received, request, await self._queries.log(chat, policy, run_id))
            case _:
                assert_never(request.wish)

    async def _queue(
        self, received: Received, request: Request, policy: BotPolicy, *, prompt: str, retry_of: RunId | None = None
    ) -> None:
        new = NewRun(
            inbox_id=received.id,
            chat=request.chat,
            user_id=request.user_id,
            prompt_message_id=request.message_id,
            prompt=prompt,
            workdir=policy.workdir,
            retry_of=retry_of,
        )
        run_id = await self._requests.queue(new, compose=self._compose(request.chat), now=self._clock())
        _log.info("run.queued", run=run_id, bot=request.chat.bot, chat=request.chat.chat_id)
        self._scheduler.wake()

    async def _retry(self, received: Received, request: Request, policy: BotPolicy, run_id: RunId | None) -> None:
        if run_id is None:
            before = await self._ledger.last_of_chat(request.chat)
        else:
            before = await self._ledger.run(run_id)
        if before is None or (before.chat.bot, before.chat.chat_id) != (request.chat.bot, request.chat.chat_id):
            await self._answer(received, request, NothingToRetry())
            return
        at_it = before if not before.state.is_final else await self._ledger.retry_under_way(before.id)
        if at_it is not None:
            await self._answer(received, request, StillAtIt(at_it.id))
            return
        await self._queue(received, request, policy, prompt=before.prompt, retry_of=before.id)

    async def _cancel(self, received: Received, request: Request, run_id: RunId | None) -> None:
        to_stop = await self._requests.cancel(
            received.id,
            request.chat,
            run_id=run_id,
            compose=self._compose(request.chat),
            reply_to=request.message_id,
            now=self._clock(),
        )
        if to_stop is not None:
            assert to_stop.state is RunState.RUNNING
            self._executor.stop(to_stop.id, StopReason.USER)

    async def _keep_waiting(self, received: Received, request: Request, run_id: RunId) -> None:
        run = await self._ledger.run(run_id)
        is_ours = run is not None and (run.chat.bot, run.chat.chat_id) == (request.chat.bot, request.chat.chat_id)
        if is_ours and self._executor.keep_waiting(run_id):
            await self._inbox.close(received.id, Fate.HANDLED, note=None, now=self._clock())  # the card shows it
        else:
            await self._answer(received, request, NothingRuns())

    async def _fork(self, received: Received, request: Request, run_id: RunId) -> None:
        run = await self._waiting(request, run_id)
        if run is None or not self._can_fork(run_id):
            await self._answer(received, request, NotWaiting(run_id))
            return
        with self._scheduler.pausing(run.session.id):
            await self._executor.withdraw(run_id)
            await self._requests.fork(
                received.id,
                request.chat,
                run_id=run_id,
                compose=self._compose(request.chat),
                reply_to=request.message_id,
                now=self._clock(),
            )

    async def _end_holder(self, received: Received, request: Request, run_id: RunId) -> None:
        holder = None
        if await self._waiting(request, run_id) is not None:
            holder = self._executor.oust(run_id)
        reply = NotWaiting(run_id) if holder is None else EndingHolder(run_id, holder)
        await self._answer(received, request, reply)

    async def _waiting(self, request: Request, run_id: RunId) -> Run | None:
        """The run named, if it is one of that chat's and waits for its session."""
        run = await self._ledger.run(run_id)
        if run is None or (run.chat.bot, run.chat.chat_id) != (request.chat.bot, request.chat.chat_id):
            return None
        progress = self._executor.progress_of(run_id)
        return run if progress is not None and progress.is_waiting else None

    def _can_fork(self, run_id: RunId) -> bool:
        progress = self._executor.progress_of(run_id)
        return progress is not None and progress.can_fork

    async def _answer(self, received: Received, request: Request, reply: Reply) -> None:
        await self._requests.answer(
            received.id,
            request.chat,
            parcels=self._chat.compose(request.chat, reply),
            reply_to=request.message_id,
            now=self._clock(),
        )

    def _compose(self, chat: ChatRef) -> Callable[[Reply], list[Parcel]]:
        return lambda reply: self._chat.compose(chat, reply)
