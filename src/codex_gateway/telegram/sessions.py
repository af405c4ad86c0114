"""What a person reads of sessions: the list to choose from, what a chat is bound to, and why it is not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

from codex_gateway.core import reply as say
from codex_gateway.core.ids import ThreadId
from codex_gateway.core.saved import DirectoryFault, SavedSession, SessionFormat
from codex_gateway.telegram.message import Keyboard, Message
from codex_gateway.telegram.page import Code, Page
from codex_gateway.telegram.tongue import _
from codex_gateway.telegram.units import one_line, span

_TITLE_LIMIT = 80
_PATH_LIMIT = 46
_NAMED_LIMIT = 120
#: Buttons beside each other that a thumb can still tell apart.
_IN_A_ROW = 3

SessionReply = (
    say.SessionList
    | say.Bound
    | say.WorkdirChanged
    | say.SessionToBegin
    | say.Unbound
    | say.NotBound
    | say.Ambiguous
    | say.NoWorkdir
)


def told(reply: SessionReply) -> Message:
    """The one message that says `reply`."""
    match reply:
        case say.SessionList():
            return _list(reply)
        case say.Bound():
            return _bound(reply)
        case say.WorkdirChanged(workdir=workdir):
            return Page().say(_("From now on Codex works here in ")).code(str(workdir)).say(_(".")).done()
        case say.SessionToBegin():
            return _to_begin(reply)
        case say.Unbound():
            return _unbound(reply)
        case say.NotBound():
            return _not_bound(reply)
        case say.Ambiguous():
            return _ambiguous(reply)
        case say.NoWorkdir():
            return _no_workdir(reply)
        case _:
            assert_never(reply)


def details(page: Page, reply: say.SessionReport) -> Page:
    """What /session tells beside the ids: whose binding it is, the title, the Codex versions, who has it open."""
    if reply.thread_id is None and reply.fork_of is not None:
        page.line(_("The first prompt forks it from ")).code(reply.fork_of)
    if reply.saved is not None:
        _saved(page, reply.saved)
    if reply.codex_version is not None:
        page.line(_("Installed: Codex {version}").format(version=reply.codex_version))
    if reply.holder is not None:
        command, pid = one_line(reply.holder.command, _TITLE_LIMIT), reply.holder.pid
        page.line(_("Open in ")).code(command).say(_(" (pid {pid})").format(pid=pid))
    elif reply.is_held:
        page.line(_("Open in another program"))
    elif reply.thread_id is not None:
        page.line(_("Nobody has it open"))
    own = _("This chat has chosen it itself; /unbind goes back to the bot’s own.")
    return page.line(own if reply.is_own else _("It is the bot’s own; /sessions lists others."))


def _saved(page: Page, saved: SavedSession) -> None:
    if saved.title is not None:
        page.line(_("Title: ")).bold(one_line(saved.title, _TITLE_LIMIT))
    if saved.is_archived:
        page.line().prose(_("⚠️ It is archived: Codex does not go on with it until `codex unarchive`."))
        return
    form = _("paginated") if saved.format is SessionFormat.PAGINATED else _("legacy")
    if saved.version is None:
        page.line(_("Format: {form}").format(form=form))
    else:
        page.line(_("Format: {form}, begun by Codex {version}").format(form=form, version=saved.version))


def _list(reply: say.SessionList) -> Message:
    page, shown = Page(), reply.page
    if not shown.sessions:
        return page.say(_("There is no session yet: the first prompt begins one.")).done()
    first, last = shown.skipped + 1, shown.skipped + len(shown.sessions)
    page.say(
        _("Sessions {first}–{last} of {total}, the latest first. A button binds this chat to one.").format(
            first=first, last=last, total=shown.total
        )
    )
    _lines(page, shown.sessions, reply.bound, first, reply.now)
    turning: list[tuple[str, str]] = []
    if shown.skipped:
        turning.append((_("◀ Newer"), f"list:{max(0, shown.skipped - shown.limit)}"))
    if last < shown.total:
        turning.append((_("Older ▶"), f"list:{last}"))
    return page.done((*_picks(shown.sessions, first), *((tuple(turning),) if turning else ())))


def _ambiguous(reply: say.Ambiguous) -> Message:
    page = Page().say(_("Several sessions are called that. Which one?"))
    _lines(page, reply.sessions, None, 1, reply.now)
    return page.done(_picks(reply.sessions, 1))


def _lines(page: Page, sessions: Sequence[SavedSession], bound: ThreadId | None, first: int, now: float) -> None:
    for number, session in enumerate(sessions, start=first):
        page.line(f"{number}. ").bold(_title(session))
        if session.thread_id == bound:
            page.say(_(" ← this chat"))
        page.line(_age(now - session.changed_at))
        if session.workdir is not None:
            page.say(" · ").code(_path(session.workdir))


def _picks(sessions: Sequence[SavedSession], first: int) -> Keyboard:
    buttons = [(str(number), f"pick:{session.thread_id}") for number, session in enumerate(sessions, start=first)]
    return tuple(tuple(buttons[at : at + _IN_A_ROW]) for at in range(0, len(buttons), _IN_A_ROW))


def _bound(reply: say.Bound) -> Message:
    page = Page().say(_("🔗 This chat goes on with ")).bold(_title(reply.session))
    page.line(_("Session ")).code(reply.session.thread_id)
    page.line(_("Work directory ")).code(str(reply.workdir))
    if reply.elsewhere is not None:
        page.line(_("It was begun in ")).code(str(reply.elsewhere))
        page.prose(_(", where this bot may not work: `allowed_workdirs` in its configuration says where it may."))
    return page.line(_("What waits already stays in the session it was asked for.")).done()


def _to_begin(reply: say.SessionToBegin) -> Message:
    page = Page()
    if reply.fork_of is None:
        page.say(_("🆕 The next prompt here begins a new session."))
    else:
        page.say(_("🔀 The next prompt here goes on in a new session, which begins where ")).code(reply.fork_of)
        page.say(_(" stands then."))
    return page.line(_("Work directory ")).code(str(reply.workdir)).done()


def _unbound(reply: say.Unbound) -> Message:
    page = Page().say(_("This chat speaks to the bot’s own session again."))
    if reply.thread_id is not None:
        page.line(_("Session ")).code(reply.thread_id)
    return page.line(_("Work directory ")).code(str(reply.workdir)).done()


def _not_bound(reply: say.NotBound) -> Message:
    about = one_line(reply.about, _NAMED_LIMIT)
    named = about if reply.why is say.BindFault.CANNOT_FORK else Code(about)
    return Page().weave(_why_not(reply.why, about), about=named, command=Code(f"codex unarchive {about}")).done()


def _why_not(why: say.BindFault, about: str) -> str:
    """The sentence, with blanks for what it is about and for the command that helps."""
    match why:
        case say.BindFault.NOTHING_NAMED:
            return _(
                "Say which session, by its id or a part of its title, and where, if need be: "
                "`/bind login ~/projects/shop`. /sessions lists them."
            )
        case say.BindFault.NO_SUCH_SESSION:
            return _("No session has that id or title: {about}. /sessions lists them.")
        case say.BindFault.ARCHIVED:
            return _("That session is archived. On its machine, {command} brings it back.")
        case say.BindFault.NOTHING_TO_FORK:
            return _("There is nothing to fork yet: the first prompt here begins a session.")
        case say.BindFault.CANNOT_FORK if about:
            return _("The Codex installed here ({about}) has no `codex exec fork`. /newsession begins a new session.")
        case say.BindFault.CANNOT_FORK:
            return _("The Codex installed here has no `codex exec fork`. /newsession begins a new session.")
        case say.BindFault.NOT_BOUND:
            return _("This chat speaks to the bot’s own session already.")
        case _:
            assert_never(why)


def _no_workdir(reply: say.NoWorkdir) -> Message:
    page = Page().say("📁 ").code(one_line(reply.words, _NAMED_LIMIT)).say(": ")
    match reply.why:
        case DirectoryFault.NOT_THERE:
            page.say(_("there is no such directory. Relative ones begin at ")).code(str(reply.base)).say(_("."))
        case DirectoryFault.NOT_A_DIRECTORY:
            page.say(_("that is no directory."))
        case DirectoryFault.NOT_ALLOWED:
            page.say(_("this bot may not work there. It may in ")).code(str(reply.base))
            page.prose(_(" and in what its configuration lists under `allowed_workdirs`."))
        case _:
            assert_never(reply.why)
    return page.line(_("Nothing was changed.")).done()


def _title(session: SavedSession) -> str:
    return one_line(session.title, _TITLE_LIMIT) if session.title else session.thread_id


def _age(seconds: float) -> str:
    for unit_s in (86_400, 3_600, 60):
        if seconds >= unit_s:
            return _("{time} ago").format(time=span(seconds // unit_s * unit_s))
    return _("just now")


def _path(path: Path) -> str:
    shown = str(path)
    return shown if len(shown) <= _PATH_LIMIT else f"…{shown[1 - _PATH_LIMIT :]}"
