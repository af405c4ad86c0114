"""A run that waits for its session: who has it open, and what a person can do about it."""

from __future__ import annotations

from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import RunId
from codex_gateway.core.progress import Progress
from codex_gateway.core.reply import EndingHolder, SessionForked
from codex_gateway.telegram.message import Keyboard, Message
from codex_gateway.telegram.page import Code, Page
from codex_gateway.telegram.tongue import _
from codex_gateway.telegram.units import one_line

_COMMAND_LIMIT = 60


def waiting(page: Page, progress: Progress) -> Page:
    """Who has the session open, and how the wait ends."""
    holder = progress.holder
    if holder is None:
        page.say(_("⏸ The session is open in another program."))
    elif holder.is_ours:
        still = _("⏸ The session is still open in {command} {process}, which an earlier run of mine has left behind.")
        page.weave(still, **_named(holder))
    else:
        page.weave(_("⏸ The session is open in {command} {process}."), **_named(holder))
    if holder is not None and "app-server" in holder.command.split():
        # Codex 0.169 starts one for its terminals, unless it is told not to; idle sessions leave it after 30 minutes.
        page.line().weave(
            _(
                "That is Codex’s background server: it keeps a session for up to half an hour after its terminal was "
                "closed. {stop} ends it; {without} works without it."
            ),
            stop=Code("codex app-server daemon stop"),
            without=Code("codex --no-daemon"),
        )
    return page.line(_("Your prompt starts by itself when it is closed."))


def waiting_buttons(run_id: RunId, progress: Progress) -> Keyboard:
    """What can be done but wait."""
    holder = progress.holder
    rows: list[tuple[tuple[str, str], ...]] = [((_("⏹ Stop"), f"stop:{run_id}"),)]
    if progress.can_fork:
        rows[0] += ((_("🔀 Fork"), f"fork:{run_id}"),)
    if holder is not None and holder.is_ours:
        rows.append(((_("🧹 End process {pid}").format(pid=holder.pid), f"holder:{run_id}"),))
    return tuple(rows)


def ending_holder(reply: EndingHolder) -> Message:
    """What is about to happen to the process."""
    ending = _("Ending {command} {process}. Your prompt starts then.")
    return Page().weave(ending, **_named(reply.holder)).done()


def forked(reply: SessionForked) -> Message:
    """Where this chat goes on, and where the old session stays."""
    page = Page().weave(
        _("🔀 This chat goes on in a new session, {new}, which begins where {old} stood."),
        new=Code(reply.thread_id),
        old=Code(reply.forked_from),
    )
    page.line(_("What is done in the old one from now on is not part of it. To open that in a terminal: "))
    return page.code(f"codex resume {reply.forked_from}").done()


def _named(holder: Holder) -> dict[str, str]:
    """`codex resume` (pid 4242, pts/3)"""
    where = f", {holder.terminal}" if holder.terminal else ""
    command = Code(one_line(holder.command, _COMMAND_LIMIT))
    return {"command": command, "process": f"(pid {holder.pid}{where})"}
