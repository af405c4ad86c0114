"""The updates that were received, until something has been done about each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from codex_gateway.core.ids import BotName, InboxId
from codex_gateway.core.inbox import RawUpdate
from codex_gateway.store.database import Database, Row, Transaction


class Fate(StrEnum):
    """What became of an update."""

    #: Its effect was written in the same transaction.
    HANDLED = "handled"
    #: Nobody's, or nothing to us.
    IGNORED = "ignored"
    #: Handling it raised; kept for a person to look at.
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Received:
    """One update that waits to be handled."""

    id: InboxId
    bot: BotName
    body: str


class Inbox:
    """The table `inbox`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def receive(self, bot: BotName, updates: Sequence[RawUpdate], *, now: float) -> list[Received]:
        """Keep these updates; returns, in order, those that nothing has been done about yet.

        One that was kept before and could not be handled, because the disk was full say, is among them again.
        """

        async def work(tx: Transaction) -> list[Received]:
            to_do = []
            for update in updates:
                row = await tx.first(
                    "INSERT INTO inbox (bot, update_id, body, received_at) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET body = inbox.body RETURNING id, bot, body, state",
                    (bot, update.update_id, update.body, now),
                )
                if row is not None and row["state"] == "received":
                    to_do.append(_received(row))
            return to_do

        return await self._database.write(work)

    async def waiting(self, bot: BotName) -> list[Received]:
        """Every update of a bot that nothing has been done about, in order of arrival."""
        rows = await self._database.read(
            lambda tx: tx.all(
                "SELECT id, bot, body FROM inbox WHERE state = 'received' AND bot = ? ORDER BY id", (bot,)
            )
        )
        return [_received(row) for row in rows]

    async def close(self, inbox_id: InboxId, fate: Fate, *, note: str | None, now: float) -> None:
        """Settle an update that has no other effect."""
        await self._database.write(lambda tx: close(tx, inbox_id, fate, note=note, now=now))


async def close(tx: Transaction, inbox_id: InboxId, fate: Fate, *, note: str | None = None, now: float) -> None:
    """Settle an update, as a part of the transaction that holds its effect."""
    await tx.run(
        "UPDATE inbox SET state = ?, handled_at = ?, note = ? WHERE id = ? AND state = 'received'",
        (fate.value, now, note, inbox_id),
    )


def _received(row: Row) -> Received:
    return Received(id=InboxId(row["id"]), bot=BotName(row["bot"]), body=row["body"])
