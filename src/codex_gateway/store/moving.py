"""A group that has become a supergroup has another id from then on: what was kept under the old one goes along."""

from __future__ import annotations

from codex_gateway.core.ids import BotName
from codex_gateway.store.database import Database, Transaction

#: One row a topic each; what was chosen under the new id already stays.
_OF_CHATS = ("bindings", "mirrors", "chat_manners")


async def move(database: Database, bot: BotName, *, old_id: int, new_id: int) -> None:
    """Bindings, manners, runs, and whatever is unsent; may be repeated for what came under the old id since.

    The ids of messages begin anew in the new chat, so nothing is a reply or an edit any more, and the status messages
    of runs that wait or work are sent again.
    """
    await database.write(lambda tx: _move(tx, bot, old_id, new_id))


async def _move(tx: Transaction, bot: BotName, old_id: int, new_id: int) -> None:
    here = (bot, old_id)
    for table in _OF_CHATS:
        moved = f"UPDATE OR IGNORE {table} SET chat_id = ? WHERE bot = ? AND chat_id = ?"  # noqa: S608 - a name of ours
        await tx.run(moved, (new_id, *here))
        await tx.run(f"DELETE FROM {table} WHERE bot = ? AND chat_id = ?", here)  # noqa: S608
    await tx.run(
        "UPDATE outbox SET state = 'pending', message_id = NULL, settled_at = NULL"
        " WHERE bot = ? AND chat_id = ? AND kind = 'status' AND state = 'sent'"
        " AND run_id IN (SELECT id FROM runs WHERE ended_at IS NULL)",
        here,
    )
    await tx.run(
        "UPDATE outbox SET chat_id = ?, reply_to = NULL, edits = NULL"
        " WHERE bot = ? AND chat_id = ? AND state IN ('pending', 'sending')",
        (new_id, *here),
    )
    await tx.run("UPDATE runs SET chat_id = ? WHERE bot = ? AND chat_id = ?", (new_id, *here))
