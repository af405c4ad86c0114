"""Reads a `.env` file: lines of `NAME=value`, and nothing of a shell beyond quotes.

- Blank lines, and lines whose first sign is `#`, are skipped. `export ` before a name is allowed, as are
  spaces around the name and the `=`. A name given twice has its last value.
- A bare value ends with its line, or before a `#` that follows a space; spaces around it do not belong to it.
- In 'single quotes' everything is taken as it stands. In "double quotes" `\\n`, `\\r`, `\\t`, `\\"`, `\\\\` and
  `\\$` are escapes and any other backslash is itself. A quoted value ends on its line; a comment may follow.
- Nothing is executed and no variable is expanded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from codex_gateway.config.faults import Fault

_LINE = re.compile(r"(?:export\s+)?(?P<name>[^=]*?)\s*=(?P<value>.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SINGLE = re.compile(r"'(?P<text>[^']*)'(?P<rest>.*)", re.DOTALL)
_DOUBLE = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"(?P<rest>.*)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}
_COMMENT = re.compile(r"\s+#.*", re.DOTALL)


@dataclass(slots=True)
class DotEnv:
    """What a `.env` file says: variables, and the lines that could not be read."""

    variables: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def parse(text: str, *, name: str = ".env") -> DotEnv:
    """Reads the text of a file called `name`. Faults carry line numbers and never show what the line holds."""
    result = DotEnv()
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        try:
            key, value = _assignment(stripped)
        except ValueError as problem:
            result.faults.append(Fault(f"{name}:{number}", str(problem)))
        else:
            result.variables[key] = value
    return result


def read(path: Path) -> DotEnv:
    """Reads the file; one that is not there is empty."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return DotEnv()
    except OSError as problem:
        return DotEnv(faults=[Fault(str(path), f"cannot be read: {problem.strerror}")])
    except UnicodeDecodeError as problem:
        line = problem.object.count(b"\n", 0, problem.start) + 1
        return DotEnv(faults=[Fault(f"{path}:{line}", "is not UTF-8 text")])
    return parse(text, name=str(path))


def _assignment(line: str) -> tuple[str, str]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError("expected NAME=value; there is no =")
    if not _NAME.fullmatch(match["name"]):
        raise ValueError("the name before = may hold only letters, digits and _, and must not begin with a digit")
    value = _value(match["value"])
    if "\0" in value:
        raise ValueError("the value holds a NUL byte")
    return match["name"], value


def _value(raw: str) -> str:
    text = raw.strip()
    if text[:1] not in ("'", '"'):
        return _COMMENT.sub("", raw, count=1).strip()
    quoted = (_SINGLE if text[0] == "'" else _DOUBLE).fullmatch(text)
    if quoted is None:
        raise ValueError(f"the quote {text[0]} is not closed on this line")
    if _COMMENT.sub("", quoted["rest"], count=1).strip():
        raise ValueError(f"there is text after the closing {text[0]}")
    if text.startswith("'"):
        return quoted["text"]
    return _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[0]), quoted["text"])
