"""Passes on what goes on in bound sessions outside of their bots, in order, each thing once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from codex_gateway.core.ids import BotName, ChatRef
from codex_gateway.core.policy import BotPolicy
from codex_gateway.core.ports import Chat, Observer, SessionView
from codex_gateway.core.reply import Reply
from codex_gateway.core.retelling import Retelling
from codex_gateway.core.retry import Backoff
from codex_gateway.core.sighting import Asked, Sighting, TurnMark, TurnOver
from codex_gateway.log import Log
from codex_gateway.service.delivery import Delivery
from codex_gateway.store.mirrors import Bound, Cursor, Mirrors

_log = Log(__name__)
#: How soon to look again whether a turn turned out to be ours, in seconds.
_DOUBT_S = 0.25


@dataclass(slots=True)
class _Following:
    """A binding's session, and what was seen there."""

    bound: Bound
    view: SessionView
    told_bytes: int
    #: Seen, and not told yet.
    ahead: deque[Sighting] = field(default_factory=deque)
    #: The turns under way; None for one that was asked for through this very bot, whose people see it as a run.
    turns: dict[TurnMark, Retelling | None] = field(default_factory=dict)


class Mirror:
    """Follows every binding's session; what is told and how far, is one transaction."""

    def __init__(
        self,
        mirrors: Mirrors,
        observer: Observer,
        *,
        policies: Mapping[BotName, BotPolicy],
        chat: Chat,
        delivery: Delivery,
        clock: Callable[[], float],
        refresh_s: float = 3.0,
    ) -> None:
        """The bindings are looked at every `refresh_s` seconds."""
        self._mirrors = mirrors
        self._observer = observer
        self._policies = policies
        self._mirroring = frozenset(bot for bot, policy in policies.items() if policy.mirrors_outside_turns)
        self._chat = chat
        self._delivery = delivery
        self._clock = clock
        self._refresh_s = refresh_s
        #: Whether the bots that mirror nothing have lost their places, so that they begin at the end should they later.
        self._has_forgotten = False
        self._following: dict[Bound, _Following] = {}
        #: Bindings that could not be followed: when to try again, on the loop's clock.
        self._later: dict[Bound, tuple[float, Backoff]] = {}

    async def run(self) -> None:
        """Follow for ever, beginning with what went on while we were away. Cancel it to end."""
        with self._observer.watching():
            try:
                refresh_at = 0.0
                loop = asyncio.get_running_loop()
                while True:
                    if loop.time() >= refresh_at:
                        await self._try_to_refresh()
                        refresh_at = loop.time() + self._refresh_s
                    # A list: whoever fails is taken out.
                    is_in_doubt = [await self._try_to_go_on(following) for following in [*self._following.values()]]
                    await self._observer.wait(at_most_s=_DOUBT_S if any(is_in_doubt) else self._refresh_s)
            finally:
                for following in self._following.values():
                    following.view.close()
                self._following.clear()

    async def _try_to_refresh(self) -> None:
        try:
            if not self._has_forgotten:
                await self._mirrors.forget(set(self._policies) - set(self._mirroring))
                self._has_forgotten = True
            bindings = await self._mirrors.bound()
        except Exception:  # noqa: BLE001 - the database may be out of order for a moment
            _log.exception("mirror.broken")
            return
        wanted = {bound: cursor for bound, cursor in bindings.items() if bound.chat.bot in self._mirroring}
        for bound in [bound for bound in self._following if bound not in wanted]:
            self._following.pop(bound).view.close()
        self._later = {bound: later for bound, later in self._later.items() if bound in wanted}
        for bound, cursor in wanted.items():
            if bound not in self._following and self._is_due(bound):
                await self._try_to_follow(bound, cursor)

    def _is_due(self, bound: Bound) -> bool:
        return bound not in self._later or asyncio.get_running_loop().time() >= self._later[bound][0]

    def _try_later(self, bound: Bound) -> None:
        _, backoff = self._later.get(bound, (0.0, Backoff(first_s=self._refresh_s, cap_s=60.0)))
        self._later[bound] = (asyncio.get_running_loop().time() + backoff.next_s(), backoff)

    async def _try_to_follow(self, bound: Bound, cursor: Cursor | None) -> None:
        try:
            is_followed = await self._follow(bound, cursor)
        except Exception:  # noqa: BLE001 - one session's fault must not end the others
            _log.exception("mirror.broken", bot=bound.chat.bot, session=bound.session.thread_id)
            is_followed = False
        if not is_followed:
            self._try_later(bound)

    async def _follow(self, bound: Bound, cursor: Cursor | None) -> bool:
        """Begin where an earlier life left off, else at the end: what was before is history."""
        view = await self._observer.open(bound.session, from_bytes=None if cursor is None else cursor.offset_bytes)
        if view is None:
            return False
        try:
            if cursor is None or view.begins_at != cursor.offset_bytes:
                cursor = Cursor(view.begins_at, view.begins_at)
                await self._mirrors.begin(bound, cursor.offset_bytes)
        except BaseException:
            view.close()
            raise
        self._following[bound] = _Following(bound, view, cursor.told_bytes)
        _log.debug("mirror.follows", bot=bound.chat.bot, session=bound.session.thread_id, offset=cursor.offset_bytes)
        return True

    async def _try_to_go_on(self, following: _Following) -> bool:
        """Tell what is new. True: it is not known yet whether the next turn is ours."""
        bound = following.bound
        try:
            is_in_doubt = await self._go_on(following)
            if following.view.is_lost:
                _log.warning("mirror.begins_anew", bot=bound.chat.bot, session=bound.session.thread_id)
                self._leave(following)
                await self._try_to_follow(bound, None)
            return is_in_doubt
        except Exception:  # noqa: BLE001 - one session's fault must not end the others; nothing is lost: it is read again
            _log.exception("mirror.broken", bot=bound.chat.bot, session=bound.session.thread_id)
            self._leave(following)
            self._try_later(bound)
            return False

    def _leave(self, following: _Following) -> None:
        self._following.pop(following.bound, None)
        following.view.close()

    async def _go_on(self, following: _Following) -> bool:
        more = True
        while more or following.ahead:
            while following.ahead:
                if not await self._tell(following, following.ahead[0]):
                    return True
                following.ahead.popleft()
            seen, more = following.view.read()
            following.ahead.extend(seen)
            if more:
                await asyncio.sleep(0)
        self._later.pop(following.bound, None)
        return False

    async def _tell(self, following: _Following, sighting: Sighting) -> bool:
        """Tell one fact, if it is another's. False: nobody can know yet."""
        if sighting.turn not in following.turns and not await self._meet(following, sighting):
            return False
        retelling = following.turns[sighting.turn]
        is_over = isinstance(sighting.fact, TurnOver)
        replies = [] if retelling is None else retelling.hear(sighting)
        if replies or is_over:
            await self._move_on(following, sighting, replies)
        if is_over:
            del following.turns[sighting.turn]
        return True

    async def _meet(self, following: _Following, sighting: Sighting) -> bool:
        """A turn is seen for the first time. False: nobody can know yet whose it is."""
        bound, turn = following.bound, sighting.turn
        prompt = sighting.fact.text if isinstance(sighting.fact, Asked) else None
        origin = await self._mirrors.origin(bound.session.id, turn, prompt=prompt)
        if origin is None:
            return False
        if turn.turn_id is None:  # such turns have no end but the next one's beginning
            following.turns = {mark: it for mark, it in following.turns.items() if mark.turn_id is not None}
        policy = self._policies[bound.chat.bot]
        following.turns[turn] = (
            None
            if origin.bot == bound.chat.bot
            else Retelling(origin.bot, policy.shows_commentary, told_to_bytes=following.told_bytes)
        )
        return True

    async def _move_on(self, following: _Following, sighting: Sighting, replies: list[Reply]) -> None:
        bound = following.bound
        told_bytes = max(following.told_bytes, sighting.offset_bytes)
        chat = await self._chat_of(bound) if replies else bound.chat
        parcels = [parcel for reply in replies for parcel in await self._chat.worded(chat, reply)]
        cursor = Cursor(min(sighting.resume_bytes, told_bytes), told_bytes)
        is_kept = await self._mirrors.tell(bound, cursor, chat=chat, parcels=parcels, now=self._clock())
        following.told_bytes = told_bytes
        if parcels and is_kept:
            _log.info("mirror.told", bot=chat.bot, chat=chat.chat_id, session=bound.session.thread_id)
            self._delivery.wake(chat.bot, chat.chat_id)

    async def _chat_of(self, bound: Bound) -> ChatRef:
        """Where the session was spoken to last, among the places that are still allowed; else a person."""
        policy = self._policies[bound.chat.bot]
        allowed = (chat for chat in await self._mirrors.chats(bound) if policy.reaches(chat.chat_id))
        return next(allowed, None) or ChatRef(bound.chat.bot, min(policy.allowed_user_ids))
