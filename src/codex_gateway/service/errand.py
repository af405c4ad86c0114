"""One admitted request on its way through the hall, and the counter at which it is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from codex_gateway.core.ids import ChatRef, InboxId, RunId
from codex_gateway.core.policy import BotPolicy
from codex_gateway.core.ports import Chat, Parcel
from codex_gateway.core.reply import Reply
from codex_gateway.core.request import Request
from codex_gateway.core.run import Run
from codex_gateway.store.inbox import Fate, Inbox
from codex_gateway.store.ledger import Ledger
from codex_gateway.store.outbox import Compose
from codex_gateway.store.requests import Requests


@dataclass(frozen=True, slots=True)
class Errand:
    """A request, the row of the inbox that brought it, and the policy it was admitted under."""

    inbox_id: InboxId
    request: Request
    policy: BotPolicy
    #: The rows of the other parts of a prompt that came in several: they are done when it is.
    also: tuple[InboxId, ...] = ()

    @property
    def chat(self) -> ChatRef:
        return self.request.chat


class Counter:
    """Ends errands: with an answer, or silently where the person sees the effect elsewhere."""

    def __init__(
        self, inbox: Inbox, requests: Requests, ledger: Ledger, *, chat: Chat, clock: Callable[[], float]
    ) -> None:
        self._inbox = inbox
        self._requests = requests
        self._ledger = ledger
        self._chat = chat
        self._clock = clock

    async def answer(self, errand: Errand, reply: Reply, *, in_place: bool = False) -> None:
        """Say `reply` where the request came from; `in_place`: in the message whose button was pressed."""
        await self._requests.answer(
            errand.inbox_id,
            errand.chat,
            parcels=await self._chat.worded(errand.chat, reply),
            reply_to=errand.request.message_id,
            now=self._clock(),
            edits=errand.request.message_id if in_place else None,
            also=errand.also,
        )

    async def show(self, errand: Errand, reply: Reply) -> None:
        """Say of an errand that has ended what became of it, in the message whose button was pressed."""
        parcels = self._chat.compose(errand.chat, reply)
        message_id = errand.request.message_id
        await self._requests.show(errand.chat, parcels=parcels, edits=message_id, now=self._clock())

    async def close(self, errand: Errand) -> None:
        """Done, and nothing is to be said."""
        await self._inbox.close(errand.inbox_id, Fate.HANDLED, note=None, now=self._clock())

    def compose(self, errand: Errand) -> Compose:
        """Puts replies into messages of the chat that the request came from."""

        def compose(reply: Reply) -> list[Parcel]:
            return self._chat.compose(errand.chat, reply)

        return compose

    async def run_of(self, errand: Errand, run_id: RunId) -> Run | None:
        """The run named, if it belongs to the chat that the request came from."""
        run = await self._ledger.run(run_id)
        if run is None or (run.chat.bot, run.chat.chat_id) != (errand.chat.bot, errand.chat.chat_id):
            return None
        return run
