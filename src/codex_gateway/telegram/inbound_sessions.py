"""What people say about sessions: the commands and buttons that choose one, as wishes; pure."""

from __future__ import annotations

import re

from codex_gateway.core.request import AskSessions, Bind, ForkSession, NewSession, Unbind, Wish

#: A directory behind other words begins as paths do; one that does not is written as `./name`.
_DIRECTORY = re.compile(r"(?:^|\s)((?:/(?!\s)|(?:~|\.{1,2})(?:/|$)).*)$", re.DOTALL)
_PICK = re.compile(r"pick:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.ASCII)
_LIST = re.compile(r"list:(0|[1-9][0-9]{0,5})", re.ASCII)


def session_command(name: str, rest: str) -> Wish | None:
    """The wish of a command about sessions; None if it is another one."""
    match name:
        case "sessions":
            return AskSessions()
        case "bind":
            return _bind(rest)
        case "unbind":
            return Unbind()
        case "newsession":
            return NewSession(rest or None)
        case "fork":
            return ForkSession()
        case _:
            return None


def session_button(data: str | None) -> Wish | None:
    """The wish of a button under a list of sessions; None if it is another one."""
    if pick := _PICK.fullmatch(data or ""):
        return Bind(pick[1])
    if page := _LIST.fullmatch(data or ""):
        return AskSessions(int(page[1]), in_place=True)
    return None


def _bind(rest: str) -> Bind:
    directory = _DIRECTORY.search(rest)
    words = rest if directory is None else rest[: directory.start()]
    return Bind(words.strip() or None, None if directory is None else directory[1].strip())
