"""The long poll of one bot: it receives updates for ever, and confirms each batch once it is kept."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeAlias

from codex_gateway.core.errors import ChatBusy, ChatError, ChatRefused
from codex_gateway.core.ids import BotName
from codex_gateway.core.inbox import RawUpdate
from codex_gateway.core.manner import Language
from codex_gateway.core.retry import Backoff
from codex_gateway.log import Log
from codex_gateway.telegram.api import BotApi, Me, PollConflict, TokenRefused
from codex_gateway.telegram.inbound import pressed_query_id
from codex_gateway.telegram.wording import menu

#: Keeps a batch of a bot's updates for good. It may be given updates that it has kept already.
Receive: TypeAlias = Callable[[BotName, Sequence[RawUpdate]], Awaitable[None]]

#: How long a press of a button may take to be answered, in seconds; past it the answer is of no use.
_PRESS_LIMIT_S = 10.0

#: Presses that may wait to be answered; beyond it they are left alone.
_PRESSES_KEPT = 32

_log = Log(__name__)


class PollState(StrEnum):
    """How a bot's poll is doing."""

    STARTING = "starting"
    POLLING = "polling"
    #: The token is not accepted.
    PARKED = "parked"
    #: Somebody else receives this bot's updates.
    CONFLICT = "conflict"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Health:
    """A poll's state. Times are Unix seconds; `sentence` says what is wrong and what to do, if anything is."""

    state: PollState
    since: float
    last_answer_at: float | None = None
    sentence: str | None = None


@dataclass(frozen=True, slots=True)
class PollPace:
    """The waits of a poll, in seconds."""

    #: How long the server holds a poll that has nothing to say.
    wait_s: int = 50
    #: When a poll without an answer is given up; the connection may be dead.
    limit_s: float = 90.0
    parked_s: float = 300.0
    conflict_first_s: float = 5.0
    conflict_cap_s: float = 300.0
    retry_first_s: float = 0.5
    retry_cap_s: float = 60.0


class Poller:
    """Polls for one bot. Its faults stay its own: `run` ends by being cancelled and raises nothing else."""

    def __init__(
        self,
        api: BotApi,
        receive: Receive,
        *,
        pace: PollPace | None = None,
        clock: Callable[[], float] = time.time,
        language: Language | None = None,
    ) -> None:
        self._api = api
        self._receive = receive
        self._pace = pace or PollPace()
        self._clock = clock
        self._language = language
        self._me: Me | None = None
        self._met = asyncio.Event()
        self._offset: int | None = None
        self._presses: asyncio.Queue[str] = asyncio.Queue(_PRESSES_KEPT)
        self._retry = Backoff(self._pace.retry_first_s, self._pace.retry_cap_s)
        self._conflict = Backoff(self._pace.conflict_first_s, self._pace.conflict_cap_s)
        self._health = Health(PollState.STARTING, since=clock())

    @property
    def health(self) -> Health:
        return self._health

    @property
    def me(self) -> Me | None:
        """Who the bot is; None until Telegram has said so."""
        return self._me

    async def meet(self) -> Me:
        """Wait until it is known who the bot is: for ever, if Telegram never says so."""
        await self._met.wait()
        assert self._me is not None
        return self._me

    async def run(self) -> None:
        """Poll until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._answer_presses(), name=f"presses of {self._api.name}")
            self._me = await self._introduce()
            self._met.set()
            group.create_task(self._set_menu(), name=f"menu of {self._api.name}")
            while True:
                await self._step(self._poll)

    async def _introduce(self) -> Me:
        """Learn who we are, however long it takes."""
        met: list[Me] = []

        async def ask() -> None:
            met.append(await self._api.get_me())

        while not met:
            await self._step(ask)
        _log.info("bot.met", bot=self._api.name, username=met[0].username)
        return met[0]

    async def _step(self, step: Callable[[], Awaitable[None]]) -> None:
        """Do one thing; when it fails, note why and wait as long as that fault deserves."""
        try:
            await step()
        except ChatError as error:
            wait_s = self._failed(error)
        except Exception:  # noqa: BLE001 - a batch that could not be kept, or a bug of ours, must not end the poll
            _log.exception("updates.not_kept", bot=self._api.name)
            self._note(PollState.POLLING, "Updates could not be kept; they will come again. The log says why.")
            wait_s = self._retry.next_s()
        else:
            return
        await asyncio.sleep(wait_s)

    async def _poll(self) -> None:
        answer = await self._api.get_updates(offset=self._offset, wait_s=self._pace.wait_s, limit_s=self._pace.limit_s)
        self._health = replace(self._health, last_answer_at=self._clock())
        batch, next_offset = _read(answer, bot=self._api.name)
        if batch:
            await self._receive(self._api.name, batch)
        if next_offset is not None:
            self._offset = next_offset  # confirms them with the next poll
        elif answer:
            raise _NothingToConfirm
        self._note(PollState.POLLING, None)
        self._retry.reset()
        self._conflict.reset()
        self._remember_presses(batch)

    def _failed(self, error: ChatError) -> float:
        """Note a fault and return how long to wait, in seconds."""
        match error:
            case TokenRefused():
                self._note(
                    PollState.PARKED,
                    f"Telegram does not accept the token of bot {self._api.name}: get the right one from @BotFather "
                    "(/mybots, API Token), put it into the configuration and restart the gateway.",
                )
                return self._pace.parked_s
            case PollConflict(is_webhook=True):
                self._note(
                    PollState.CONFLICT,
                    f"A webhook is set for bot {self._api.name}, so it cannot be polled: remove it with the Bot API's "
                    "deleteWebhook, or give this gateway a bot of its own.",
                )
                return self._conflict.next_s()
            case PollConflict():
                self._note(
                    PollState.CONFLICT,
                    f"Another program polls for bot {self._api.name}: stop that one, or give this gateway a bot "
                    "of its own.",
                )
                return self._conflict.next_s()
            case ChatBusy(retry_after_s=retry_after_s):
                self._note(PollState.UNREACHABLE, f"Telegram asks bot {self._api.name} to wait {retry_after_s:.0f} s.")
                return retry_after_s
            case _:
                self._note(PollState.UNREACHABLE, f"Bot {self._api.name} does not reach Telegram: {error}.")
                return self._retry.next_s()

    def _note(self, state: PollState, sentence: str | None) -> None:
        """Keep what is so; the log hears of it when it changes."""
        before = self._health
        if (state, sentence) == (before.state, before.sentence):
            return
        since = before.since if state is before.state else self._clock()
        self._health = replace(before, state=state, since=since, sentence=sentence)
        if sentence is not None:
            _log.warning(f"bot.{state}", bot=self._api.name, why=sentence)
        elif state is not before.state or before.sentence is not None:
            _log.info(f"bot.{state}", bot=self._api.name)

    async def _set_menu(self) -> None:
        """Offer the commands, as soon as it can be done; a bot works without its menu."""
        # English is for everybody whose language has no menu. One that an earlier configuration set is overwritten.
        await self._offer(self._language or Language.ENGLISH, language_code=None)
        for language in Language:
            if language is not Language.ENGLISH:
                await self._offer(self._language or language, language_code=language.value)

    async def _offer(self, language: Language, *, language_code: str | None) -> None:
        backoff = Backoff(self._pace.retry_first_s, self._pace.parked_s)
        while True:
            try:
                await self._api.set_commands(menu(language), language_code=language_code)
                return
            except ChatRefused as error:
                _log.warning("menu.refused", bot=self._api.name, why=error)
                return
            except ChatBusy as error:
                await asyncio.sleep(error.retry_after_s)
            except ChatError:
                await asyncio.sleep(backoff.next_s())

    def _remember_presses(self, batch: Sequence[RawUpdate]) -> None:
        for update in batch:
            if (query_id := pressed_query_id(update.body)) is not None and not self._presses.full():
                self._presses.put_nowait(query_id)

    async def _answer_presses(self) -> None:
        """End the spinner of each button pressed; the reply itself comes from elsewhere.

        A penalty of these answers is theirs alone; presses that come while it runs are not answered.
        """
        free_at = -math.inf
        while True:
            query_id = await self._presses.get()
            if time.monotonic() < free_at:
                continue
            try:
                await self._api.answer_callback(query_id, limit_s=_PRESS_LIMIT_S)
            except ChatBusy as error:
                free_at = time.monotonic() + error.retry_after_s
                _log.warning("presses.parked", bot=self._api.name, seconds=round(error.retry_after_s))
            except ChatError as error:
                _log.debug("press.not_answered", bot=self._api.name, why=error)


class _NothingToConfirm(ChatError):
    """A batch without a single update id: it will come again, and must not do so at full speed."""

    def __init__(self) -> None:
        super().__init__("it sends updates without ids")


def _read(answer: Sequence[Any], *, bot: BotName) -> tuple[list[RawUpdate], int | None]:
    """The updates of an answer, and the offset that confirms them; what could not be kept is logged and left out."""
    batch: list[RawUpdate] = []
    next_offset: int | None = None
    for item in answer:
        update_id = _id_of(item)
        if update_id is None:
            _log.warning("update.without_id", bot=bot, kind=type(item).__name__)
            continue
        next_offset = max(update_id + 1, next_offset or 0)
        try:
            # escaped to ASCII: half a surrogate pair would otherwise be text that no file can take
            batch.append(RawUpdate(update_id, json.dumps(item, separators=(",", ":"))))
        except (ValueError, RecursionError):
            _log.warning("update.unreadable", bot=bot, update=update_id)
    return batch, next_offset


def _id_of(item: object) -> int | None:
    match item:
        case {"update_id": bool()}:
            return None
        case {"update_id": int(update_id)} if 0 <= update_id < 2**62:
            return update_id
        case _:
            return None
