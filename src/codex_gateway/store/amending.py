"""Changes the prompt of a run that waits, as its message was changed."""

from __future__ import annotations

from codex_gateway.core.ids import ChatRef, InboxId, RunId
from codex_gateway.core.reply import NotUnderstood, PromptChanged, PromptInParts, TooLateToChange
from codex_gateway.core.request import Misspoken, MisspokenReason
from codex_gateway.core.run import RunState
from codex_gateway.store import inbox, outbox, runs
from codex_gateway.store.database import Transaction
from codex_gateway.store.outbox import Compose


async def amend(
    tx: Transaction, inbox_id: InboxId, chat: ChatRef, *, message_id: int, prompt: str, compose: Compose, now: float
) -> None:
    """Give the run of a message this prompt while it waits, and say so; one that has begun stays as it is.

    Nothing is said of a message that says the same as before: Telegram tells of changes that nobody can see, too.
    """
    await inbox.close(tx, inbox_id, inbox.Fate.HANDLED, now=now)
    found = await runs.select(
        tx,
        "r.bot = ?1 AND r.chat_id = ?2 AND r.retry_of IS NULL AND (r.prompt_message_id = ?3 OR r.id IN"
        " (SELECT run_id FROM prompt_parts WHERE bot = ?1 AND chat_id = ?2 AND message_id = ?3))"
        " ORDER BY r.id DESC LIMIT 1",
        (chat.bot, chat.chat_id, message_id),
    )
    if not found:
        parcels = compose(NotUnderstood(Misspoken(MisspokenReason.EDITED, "")))
        await outbox.add(tx, chat, kind=outbox.Kind.REPLY, parcels=parcels, now=now, reply_to=message_id)
        return
    if found[0].prompt == prompt:
        return
    [run] = found
    if await _is_in_parts(tx, run.id):
        parcels = compose(PromptInParts(run.id))
    elif run.state is RunState.QUEUED:
        await tx.run("UPDATE runs SET prompt = ? WHERE id = ?", (prompt, run.id))
        parcels = compose(PromptChanged(run.id))
    else:
        parcels = compose(TooLateToChange(run.id, is_over=run.state.is_final))
    await outbox.add(tx, chat, kind=outbox.Kind.REPLY, parcels=parcels, now=now, run_id=run.id, reply_to=message_id)


async def note_parts(tx: Transaction, run_id: RunId, chat: ChatRef, message_ids: list[int]) -> None:
    """The messages of a run's prompt, as a part of the transaction that makes it; one alone is in the run's own row."""
    for message_id in message_ids if len(message_ids) > 1 else ():
        await tx.run(
            "INSERT OR IGNORE INTO prompt_parts (run_id, bot, chat_id, message_id) VALUES (?, ?, ?, ?)",
            (run_id, chat.bot, chat.chat_id, message_id),
        )


async def _is_in_parts(tx: Transaction, run_id: RunId) -> bool:
    return await tx.first("SELECT 1 FROM prompt_parts WHERE run_id = ?", (run_id,)) is not None
