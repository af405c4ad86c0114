"""The buttons under a verdict: what can be done once a run has ended."""

from __future__ import annotations

from codex_gateway.core.ids import ThreadId
from codex_gateway.core.reply import SettledCard
from codex_gateway.telegram.message import Button, Copied, Keyboard
from codex_gateway.telegram.tongue import _


def verdict_buttons(card: SettledCard) -> Keyboard:
    """Ask again, see what changed, see what was done; and go on in a terminal. Short: a phone shows three in a row."""
    retry: Button = (_("🔁 Retry"), f"retry:{card.run_id}")
    if card.elapsed_s is None:  # nothing of it ever ran
        return ((retry,),)
    diff: tuple[Button, ...] = ((_("📝 Diff"), f"diff:{card.run_id}"),) if card.file_count else ()
    log: Button = (_("📜 Log"), f"log:{card.run_id}")
    if card.thread_id is None:
        return ((retry, *diff, log),)
    return (retry, *diff, log), ((_("📋 Copy resume command"), Copied(resume_command(card.thread_id))),)


def resume_command(thread_id: ThreadId) -> str:
    """What opens the conversation in a terminal: 50 characters, thread ids being UUIDs (Codex 0.80 to 0.169)."""
    return f"codex resume {thread_id}"
