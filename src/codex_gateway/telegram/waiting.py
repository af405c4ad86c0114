"""A run that waits for its session: who has it open, and what a person can do about it."""

from __future__ import annotations

from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import RunId
from codex_gateway.core.progress import Progress
from codex_gateway.core.reply import EndingHolder, SessionForked
from codex_gateway.telegram.message import Keyboard, Message
from codex_gateway.telegram.page import Page
from codex_gateway.telegram.units import one_line

_COMMAND_LIMIT = 60


def waiting(page: Page, progress: Progress) -> Page:
    """Who has the session open, and how the wait ends."""
    holder = progress.holder
    if holder is None:
        page.say("⏸ The session is open in another program.")
    elif holder.is_ours:
        _named(page.say("⏸ The session is still open in "), holder)
        page.say(", which an earlier run of mine has left behind.")
    else:
        _named(page.say("⏸ The session is open in "), holder).say(".")
    if holder is not None and "app-server" in holder.command.split():
        # Codex 0.169 starts one for its terminals, unless it is told not to; idle sessions leave it after 30 minutes.
        page.line(
            "That is Codex’s background server: it keeps a session for up to half an hour after its terminal was "
        )
        page.say("closed. ").code("codex app-server daemon stop").say(" ends it; ").code("codex --no-daemon")
        page.say(" works without it.")
    return page.line("Your prompt starts by itself when it is closed.")


def waiting_buttons(run_id: RunId, progress: Progress) -> Keyboard:
    """What can be done but wait."""
    holder = progress.holder
    rows: list[tuple[tuple[str, str], ...]] = [(("⏹ Stop", f"stop:{run_id}"),)]
    if progress.can_fork:
        rows[0] += (("🔀 Fork", f"fork:{run_id}"),)
    if holder is not None and holder.is_ours:
        rows.append(((f"🧹 End process {holder.pid}", f"holder:{run_id}"),))
    return tuple(rows)


def ending_holder(reply: EndingHolder) -> Message:
    """What is about to happen to the process."""
    return _named(Page().say("Ending "), reply.holder).say(". Your prompt starts then.").done()


def forked(reply: SessionForked) -> Message:
    """Where this chat goes on, and where the old session stays."""
    page = Page().say("🔀 This chat goes on in a new session, ").code(reply.thread_id)
    page.say(", which begins where ").code(reply.forked_from).say(" stood.")
    page.line("What is done in the old one from now on is not part of it. To open that in a terminal: ")
    return page.code(f"codex resume {reply.forked_from}").done()


def _named(page: Page, holder: Holder) -> Page:
    """`codex resume` (pid 4242, pts/3)"""
    where = f", {holder.terminal}" if holder.terminal else ""
    return page.code(one_line(holder.command, _COMMAND_LIMIT)).say(f" (pid {holder.pid}{where})")
