"""Adds what arrives late to the prompt it belongs to, as long as that waits."""

from __future__ import annotations

from dataclasses import dataclass

from codex_gateway.core.attachment import ONLY_FILE, ONLY_FILES, Attachment
from codex_gateway.core.ids import ChatRef, InboxId, UserId
from codex_gateway.core.run import Run, RunState
from codex_gateway.store import amending, attachments, inbox, runs
from codex_gateway.store.database import Transaction


@dataclass(frozen=True, slots=True)
class LateParts:
    """Messages of one person that may belong to the prompt before them.

    That is the person's last one in the same place: of the same `album` if they have one, else one said at `sent_at`,
    a Unix time of the chat's clock, or at most `within_s` before.
    """

    parts: tuple[tuple[InboxId, int], ...]
    chat: ChatRef
    user_id: UserId
    album: str
    sent_at: int | None
    within_s: int
    #: What they add to the prompt.
    words: str
    attachments: tuple[Attachment, ...]


async def join(tx: Transaction, late: LateParts, *, now: float) -> Run | None:
    """The run that they belong to, as it was before; if it waits, they are a part of it now and their updates done."""
    chat = late.chat
    found = await runs.select(
        tx,
        "r.bot = ? AND r.chat_id = ? AND r.topic_id = ? AND r.user_id = ? AND r.retry_of IS NULL"
        " AND (r.album = ? OR ? = '' AND ? - r.asked_at BETWEEN 0 AND ?) ORDER BY r.id DESC LIMIT 1",
        (chat.bot, chat.chat_id, chat.topic_id, late.user_id, late.album, late.album, late.sent_at, late.within_s),
    )
    if not found:
        return None
    [run] = found
    if run.state is not RunState.QUEUED:
        return run
    prompt = ONLY_FILES if late.attachments and run.prompt == ONLY_FILE else run.prompt
    if late.words:
        prompt = f"{prompt}\n\n{late.words}"
    await tx.run("UPDATE runs SET prompt = ? WHERE id = ?", (prompt, run.id))
    await attachments.add_behind(tx, run.id, late.attachments)
    messages = [run.prompt_message_id, *(message_id for _, message_id in late.parts)]
    await amending.note_parts(tx, run.id, chat, messages)
    for inbox_id, _ in late.parts:
        await inbox.close(tx, inbox_id, inbox.Fate.HANDLED, now=now)
    return run
