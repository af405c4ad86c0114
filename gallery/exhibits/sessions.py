"""Several sessions in one bot: the list to choose from, and what choosing is answered with."""

from __future__ import annotations

from pathlib import Path

from codex_gateway.core import reply as say
from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import BotName, ThreadId
from codex_gateway.core.request import Misspoken, MisspokenReason
from codex_gateway.core.saved import DirectoryFault, SavedPage, SavedSession, SessionFormat
from gallery.exhibit import Chapter, Exhibit

_NOW = 1_763_636_400.0
_TITLES = (
    "Make the retries of the uploader deterministic",
    "把登录页面的错误信息翻译成中文",
    "Why does the nightly build fail since Monday? Look at the last three runs and at the commits between them.",
    "Review this branch",
    None,
    "Write a migration for the orders table",
)
_AGES = (20, 780, 7_900, 90_000, 400_000, 4_000_000)
_SESSIONS = tuple(
    SavedSession(
        ThreadId(f"019a7c1e-5b7e-7bd3-9d41-3f0d4d2a6c{number:02}"),
        _NOW - age,
        title,
        Path("/home/ada/projects/shop/services/checkout-and-payment" if number == 2 else "/home/ada/projects/shop"),
        "0.169.0",
        SessionFormat.PAGINATED,
    )
    for number, (title, age) in enumerate(zip(_TITLES, _AGES, strict=True))
)
_SHOP = Path("/home/ada/projects/shop")
_FIRST = _SESSIONS[0]


def chapter() -> Chapter:
    missing = [
        _answered(f"workdir-{why.value}", f"A directory: {why.value}", "/newsession ~/x", _no_workdir(why))
        for why in DirectoryFault
    ]
    not_bound = [
        _answered(f"not-bound-{why.value}", f"Not bound: {why.value}", "/bind", _not_bound(why))
        for why in say.BindFault
    ]
    listed = say.SessionList(SavedPage(_SESSIONS, 6, 132, 6), _SESSIONS[1].thread_id, _NOW)
    exhibits = (
        _answered("list", "The list", "/sessions", listed),
        _answered("list-empty", "There are none", "/sessions", say.SessionList(SavedPage((), 0, 0, 6), None, _NOW)),
        _answered("ambiguous", "Several fit", "/bind shop", say.Ambiguous("shop", _SESSIONS[:2], _NOW)),
        _answered("bound", "Bound", "/bind uploader", say.Bound(_FIRST, _SHOP)),
        _answered("bound-elsewhere", "Begun elsewhere", "/bind uploader", say.Bound(_FIRST, _SHOP, Path("/srv/x"))),
        _answered("workdir", "Another directory", "/bind ./api", say.WorkdirChanged(_SHOP / "api")),
        _answered("new", "A new session", "/newsession ./api", say.SessionToBegin(_SHOP / "api")),
        _answered("fork", "A fork", "/fork", say.SessionToBegin(_SHOP, _FIRST.thread_id)),
        _answered("unbound", "Back to the bot’s own", "/unbind", say.Unbound(_FIRST.thread_id, _SHOP)),
        _answered("session-own", "What this topic is bound to", "/session", _report()),
        *not_bound,
        *missing,
        _answered("button", "A button of long ago", "", say.NotUnderstood(_unknown_button())),
    )
    return Chapter("sessions", "Several sessions", exhibits)


def _unknown_button() -> Misspoken:
    return Misspoken(MisspokenReason.UNKNOWN_BUTTON, "")


def _no_workdir(why: DirectoryFault) -> say.NoWorkdir:
    return say.NoWorkdir("~/x", why, _SHOP)


def _not_bound(why: say.BindFault) -> say.NotBound:
    about = {say.BindFault.NO_SUCH_SESSION: "uplaoder", say.BindFault.CANNOT_FORK: "0.140.0"}
    return say.NotBound(why, about.get(why, _FIRST.thread_id if why is say.BindFault.ARCHIVED else ""))


def _report() -> say.SessionReport:
    return say.SessionReport(
        bot=BotName("alpha"),
        thread_id=_FIRST.thread_id,
        workdir=_SHOP,
        codex_home=Path("/home/ada/.codex"),
        runs=12,
        is_own=True,
        saved=_FIRST,
        codex_version="0.169.0",
        is_held=True,
        holder=Holder(4242, "codex resume", "pts/3"),
    )


def _answered(name: str, title: str, asked: str, reply: say.Reply) -> Exhibit:
    return Exhibit(name, title, asked, (reply,))
