"""Sessions: the list of them, what binding a chat to one is answered with, and why it was not done."""

from __future__ import annotations

from pathlib import Path

from codex_gateway.core import reply as say
from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import ThreadId
from codex_gateway.core.saved import DirectoryFault, SavedPage, SavedSession, SessionFormat
from gallery.exhibit import Chapter, Exhibit

_NOW = 1_763_636_400.0
_HOME, _SITE = Path("/home/ada/.codex"), Path("/home/ada/projects/website")
_TITLES = (
    "The test of the retry is flaky. Find out why and fix it.",
    "把 README 翻译成中文，并检查所有链接是否有效",
    "Review the pull request about streaming uploads, be thorough, and write down what would break in production",
    None,
    "npm run build fails with ERR_OSSL_EVP_UNSUPPORTED",
    "Write release notes",
)


def _saved(number: int) -> SavedSession:
    return SavedSession(
        ThreadId(f"019a7c{number:02x}-5b7e-7bd3-9d41-3f0d4d2a6c11"),
        _NOW - 60.0 * 7**number,
        _TITLES[number % len(_TITLES)],
        Path("/home/ada/projects", ("website", "a-monorepo-of-a-long-name/packages/gateway")[number % 2]),
        "0.169.0" if number < 3 else "0.140.0",
        SessionFormat.PAGINATED if number < 3 else SessionFormat.LEGACY,
    )


_SAVED = tuple(_saved(number) for number in range(6))
_ONE = _SAVED[0]


def chapter() -> Chapter:
    report = say.SessionReport(
        *("alpha", _ONE.thread_id, _SITE, _HOME, 41),
        saved=_ONE,
        codex_version="0.169.0",
        is_held=True,
        holder=Holder(4242, "codex resume", "pts/3"),
    )
    fork = say.SessionReport("alpha", None, _SITE, _HOME, 0, is_own=True, fork_of=_ONE.thread_id)
    shown = (
        (
            "list",
            "The sessions there are",
            "/sessions",
            say.SessionList(SavedPage(_SAVED, 6, 23, 6), _ONE.thread_id, _NOW),
        ),
        ("list-empty", "There are none", "/sessions", say.SessionList(SavedPage((), 0, 0, 6), None, _NOW)),
        ("report", "All about one", "/session", report),
        ("report-fork", "One that is to be forked", "/session", fork),
        ("bound", "Bound", "/bind 019a7c00", say.Bound(_ONE, _SITE)),
        ("bound-elsewhere", "It was begun elsewhere", "/bind 019a7c01", say.Bound(_SAVED[1], _SITE, Path("/srv/app"))),
        ("workdir", "Another directory", "/bind ../app", say.WorkdirChanged(Path("/home/ada/projects/app"))),
        ("new", "A new session", "/newsession", say.SessionToBegin(_SITE)),
        ("fork", "A fork", "/fork", say.SessionToBegin(_SITE, _ONE.thread_id)),
        ("unbound", "The bot’s own again", "/unbind", say.Unbound(_ONE.thread_id, _SITE)),
        ("unbound-none", "Which has none", "/unbind", say.Unbound(None, _SITE)),
        ("ambiguous", "Several fit", "/bind review", say.Ambiguous("review", _SAVED[:3], _NOW)),
    )
    refused = [
        Exhibit(f"not-{why.value}", f"Not bound: {why.value}", "/bind web", (say.NotBound(why, _about(why)),))
        for why in say.BindFault
    ]
    nowhere = [
        Exhibit(
            f"dir-{why.value}", f"No directory: {why.value}", "/newsession app", (say.NoWorkdir("app", why, _SITE),)
        )
        for why in DirectoryFault
    ]
    exhibits = [Exhibit(name, title, asked, (reply,)) for name, title, asked, reply in shown]
    return Chapter("sessions", "Sessions", (*exhibits, *refused, *nowhere))


def _about(why: say.BindFault) -> str:
    """What was named, or for a Codex that cannot fork, what it calls itself."""
    match why:
        case say.BindFault.NOTHING_NAMED | say.BindFault.NOTHING_TO_FORK | say.BindFault.NOT_BOUND:
            return ""
        case say.BindFault.CANNOT_FORK:
            return "0.98.0"
        case _:
            return "web"
