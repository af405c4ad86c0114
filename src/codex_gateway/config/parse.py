"""One function a kind of value: what stands in the file or a variable becomes a typed value, or a ValueError.

The messages say what was expected and what came. They never show a secret, nor text that came by `${ENV:…}`.
"""

from __future__ import annotations

import math
import os
import pwd
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from codex_gateway.config.model import ApprovalsMode
from codex_gateway.config.secret import Secret
from codex_gateway.config.substitute import EnvText
from codex_gateway.core.ids import BotName, ThreadId, UserId

_E = TypeVar("_E", bound=Enum)

_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_WHOLE = re.compile(r"-?[0-9]{1,30}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_VARIABLE_PATTERN = re.compile(r"[A-Za-z0-9_*]+")
#: Telegram's own tokens are `12345678:` and 35 signs; a server of one's own may hand out others.
_TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")
#: Bot API: a chat or user id "has at most 52 significant bits".
_ID_LIMIT = 2**52
_TOKEN_SHAPED = re.compile(r"[0-9]{5,}:[A-Za-z0-9_-]{20,}")
#: In a URL, `user:password` before the host; a path made of a URL has one slash.
_PASSWORD = re.compile(r"(?<=:/)(/?)[^\s/@]*:[^\s/@]*(?=@)")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What values are relative to."""

    #: Relative paths begin here.
    folder: Path
    environ: Mapping[str, str]


def masked(text: str) -> str:
    """Takes out what looks like a secret: it may have been put where it does not belong."""
    return _PASSWORD.sub(r"\1***", _TOKEN_SHAPED.sub("***", text))


def came(value: object) -> str:
    """What stands where something else was expected, for a message."""
    match value:
        case EnvText() if value.origin:
            return f"other text from {value.origin}" if value.strip() else f"nothing: {value.origin} is empty"
        case bool():
            return "true" if value else "false"
        case float():
            return f"the number {value!r}" if math.isfinite(value) else str(value)
        case int():
            return f"the number {value}" if abs(value) < 10**30 else "a huge number"
        case str():
            shown = masked(value)
            shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "…"
            return f"the text {shown!r}" if value.strip() else "empty text"
        case list() | tuple():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or time"


def _expected(what: str, value: object) -> ValueError:
    return ValueError(f"expected {what}, got {came(value)}")


def _is_empty(value: object) -> bool:
    """Whether an optional key was left out, or given as empty text."""
    return value is None or (isinstance(value, str) and not value.strip())


def text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or _CONTROL.search(value.strip()):
        raise _expected("text on one line", value)
    return str(value)


def boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, EnvText) and (known := _BOOLEANS.get(value.strip().lower())) is not None:
        return known
    raise _expected("true or false", value)


def whole_number(value: object, *, expected: str = "a whole number") -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, EnvText) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    raise _expected(expected, value)


def seconds(value: object) -> float:
    """A length of time; 0 is allowed, infinity is not."""
    number: object = value
    if isinstance(value, EnvText) and _NUMBER.fullmatch(value.strip()):
        number = float(value)
    if isinstance(number, int | float) and not isinstance(number, bool) and 0 <= number <= 1e9:
        return float(number)
    raise _expected("a number of seconds, 0 or more", value)


def chunk_limit(value: object) -> int:
    expected = "a whole number from 16 to 4096"
    number = whole_number(value, expected=expected)
    if number < 16:
        raise _expected(expected, value)
    return number


def message_count(value: object) -> int:
    expected = "a whole number of messages, 0 or more"
    number = whole_number(value, expected=expected)
    if not 0 <= number <= 1000:
        raise _expected(expected if number < 0 else "at most 1000 messages", value)
    return number


def approvals_mode(value: object) -> ApprovalsMode:
    expected = "1 (read-only sandbox), 2 (sandbox that can write the work directory) or 3 (no sandbox, no questions)"
    number = whole_number(value, expected=expected)
    if number not in set(ApprovalsMode):
        raise _expected(expected, value)
    return ApprovalsMode(number)


def word(kind: type[_E]) -> Callable[[object], _E]:
    """The parser for an enumeration whose values are words."""
    words = {str(member.value): member for member in kind}

    def parse(value: object) -> _E:
        if isinstance(value, kind):
            return value
        if isinstance(value, str) and (member := words.get(value.strip())) is not None:
            return member
        raise _expected(" or ".join(f'"{known}"' for known in words), value)

    return parse


def user_id(value: object) -> UserId:
    expected = "a Telegram user id, a whole number above 0"
    number = whole_number(value, expected=expected)
    if not 0 < number < _ID_LIMIT:
        raise _expected(expected, value)
    return UserId(number)


def chat_id(value: object) -> int:
    expected = "a Telegram chat id, a whole number (below 0 for a group)"
    number = whole_number(value, expected=expected)
    if not 0 < abs(number) < _ID_LIMIT:
        raise _expected(expected, value)
    return number


def id_list(value: object) -> object:
    """A list as it stands; text from the environment is split at commas and spaces."""
    if isinstance(value, EnvText):
        return [EnvText(part, value.origin) for part in re.split(r"[\s,;]+", value.strip(" \t\r\n,;[]")) if part]
    if isinstance(value, list | tuple):
        return value
    raise _expected("a list of whole numbers, such as [123456789]", value)


def someone(ids: tuple[UserId, ...]) -> tuple[UserId, ...]:
    """Refuses an empty allow-list: such a bot would be deaf, and one without a list would heed the whole world."""
    if not ids:
        raise ValueError("is empty: nobody could use this bot; list the Telegram user ids of those who may")
    return ids


def argument_list(value: object) -> object:
    """A list as it stands; text from the environment is split as a shell would split it."""
    if isinstance(value, EnvText):
        try:
            return [EnvText(part, value.origin) for part in shlex.split(value)]
        except ValueError as problem:
            raise ValueError(f"cannot be split into arguments: {str(problem).lower()}") from None
    if isinstance(value, list | tuple):
        return value
    raise _expected('a list of texts, such as ["-c", "model=gpt-5.5"]', value)


def name_list(value: object) -> object:
    """A list as it stands; text from the environment is split at commas and spaces."""
    if isinstance(value, EnvText):
        return [EnvText(part, value.origin) for part in re.split(r"[\s,;]+", value.strip(" \t\r\n,;")) if part]
    if isinstance(value, list | tuple):
        return value
    raise _expected('a list of names, such as ["AWS_PROFILE", "DOTNET_*"]', value)


def folder_list(value: object) -> object:
    """A list as it stands; text from the environment is split at colons, as PATH is."""
    if isinstance(value, EnvText):
        return [EnvText(part, value.origin) for part in value.split(":") if part.strip()]
    if isinstance(value, list | tuple):
        return value
    raise _expected('a list of paths, such as ["~/projects"]', value)


def variable_pattern(value: object) -> str:
    if not isinstance(value, str) or not _VARIABLE_PATTERN.fullmatch(value.strip()):
        raise _expected("the name of a variable, in which * stands for anything", value)
    return str(value).strip()


def argument(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise _expected("text", value)
    return str(value)


def name(value: object) -> BotName:
    stripped = text(value).strip()
    if len(stripped) > 64:
        raise ValueError("expected a short name, 64 letters at most")
    return BotName(stripped)


def token(value: object) -> Secret:
    """A bot token. What came is never shown, whatever it is."""
    if isinstance(value, EnvText) and value.origin and not value.strip():
        raise ValueError(f"{value.origin} is empty; expected the token that @BotFather gave the bot")
    if not isinstance(value, str) or not _TOKEN.fullmatch(value.strip()):
        raise ValueError(
            "this is no bot token; expected digits, a colon, then letters and digits, as @BotFather gives them"
        )
    return Secret(value.strip())


def resume_id(value: object) -> ThreadId | None:
    if _is_empty(value):
        return None
    if not isinstance(value, str) or not _UUID.fullmatch(value.strip()):
        raise ValueError(
            f"{_expected('the UUID of a session', value)}; for a name that is no UUID Codex silently starts a NEW "
            "session, so leave this empty if that is what you want"
        )
    return ThreadId(value.strip().lower())


def base_url(value: object) -> str | None:
    if _is_empty(value):
        return None
    expected = "a URL such as http://127.0.0.1:8081"
    url = _url(value) if isinstance(value, str) else None
    if url is None or url.scheme not in ("http", "https") or url.query or url.fragment:
        raise ValueError(f"expected {expected}")  # what came may hold a password
    if url.username is not None:
        raise ValueError(f"expected {expected}, without a user name or password")
    return url.geturl().rstrip("/")


def proxy(value: object) -> Secret | None:
    """A proxy's URL. It may hold a password, so what came is never shown."""
    if _is_empty(value):
        return None
    url = _url(value) if isinstance(value, str) else None
    if url is None or url.scheme not in ("http", "socks4", "socks5") or url.port is None:
        raise ValueError("expected a URL with a port, such as socks5://127.0.0.1:1080 (http, socks4 or socks5)")
    return Secret(url.geturl())


def _url(value: str) -> SplitResult | None:
    if _CONTROL.search(value.strip()) or " " in value.strip():
        return None
    try:
        url = urlsplit(value.strip())
        return url if url.hostname and (url.port is None or url.port) else None
    except ValueError:  # a port out of range, or half an IPv6 address
        return None


def path(value: object, around: Surroundings) -> Path:
    """An absolute path; relative ones begin at the folder of the config file. `~` is the home directory."""
    if isinstance(value, Path):
        value = str(value)
    if not isinstance(value, str) or not value.strip() or _CONTROL.search(value.strip()):
        raise _expected("a path", value)
    stripped = value.strip()
    if stripped == "~" or stripped.startswith("~/"):
        return home(around.environ) / stripped[2:]
    try:
        found = Path(stripped).expanduser() if stripped.startswith("~") else Path(stripped)
    except RuntimeError:
        raise ValueError(f"{_shown(Path(stripped), value)} begins with a user this system does not know") from None
    return around.folder / found


def home(environ: Mapping[str, str]) -> Path:
    """The home directory, by $HOME or else by the user database."""
    if environ.get("HOME"):
        return Path(environ["HOME"])
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        raise ValueError("~ is not known: HOME is not set, and this user has no entry in the user database") from None


def _shown(found: Path, value: object) -> str:
    """A path for a message; one that came by a reference may be a secret that went astray."""
    return f"the path from {value.origin}" if isinstance(value, EnvText) and value.origin else str(found)


def file(value: object, around: Surroundings) -> Path:
    """A path where a file is, or can be made."""
    found = path(value, around)
    if os.path.isdir(found):  # noqa: PTH112 - pathlib's raises where a folder may not be looked into
        raise ValueError(f"{_shown(found, value)} is a directory; expected a file's path")
    return found


def folder(value: object, around: Surroundings) -> Path:
    """A directory that exists and can be entered."""
    found = path(value, around)
    shown = _shown(found, value)
    try:
        if not found.exists():
            raise ValueError(f"{shown} does not exist")
        if not found.is_dir():
            raise ValueError(f"{shown} is not a directory")
    except OSError as problem:
        raise ValueError(f"{shown} cannot be used: {problem.strerror}") from None
    if not os.access(found, os.R_OK | os.X_OK):
        raise ValueError(f"{shown} may not be entered by this user")
    return found


def folder_inside(value: object) -> str:
    """A folder below another one: a relative path that stays in there, without a comma, at which Codex splits lists."""
    shown = text(value).strip()
    parts = shown.split("/")
    if (
        not shown
        or any(part in ("", ".", "..", ".git", "~") for part in parts)
        or _CONTROL.search(shown)
        or "," in shown
    ):
        raise _expected("a path inside of the work directory, such as codex-inbox", value)
    return shown


def optional_folder(value: object, around: Surroundings) -> Path | None:
    if _is_empty(value):
        return None
    return path(value, around)


def command(value: object, around: Surroundings) -> str:
    """A program: a name for PATH, or a path when it has a slash or a tilde."""
    program = text(value).strip()
    return str(path(program, around)) if "/" in program or program.startswith("~") else program
