"""Where a configuration comes from: which file, and what TOML it holds."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from codex_gateway.config import parse
from codex_gateway.config.faults import ConfigError, Fault

FILE_VARIABLE = "CODEX_GATEWAY_CONFIG"
_PLACE = re.compile(r"(?P<what>.*) \(at (?P<where>.*)\)", re.DOTALL)


def find(path: Path | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """The config file to read, absolute, or None when there is none.

    A file that was asked for by `path` or `$CODEX_GATEWAY_CONFIG` is the one, whether it exists or not.
    """
    around = parse.Surroundings(folder=cwd, environ=environ)
    if path is not None:
        return _asked_for(str(path), "--config", around)
    if named := environ.get(FILE_VARIABLE, "").strip():
        return _asked_for(named, FILE_VARIABLE, around)
    candidates = [cwd / "config.toml"]
    with suppress(ValueError):  # no home directory, so no file in it
        candidates.append(parse.home(environ) / ".config" / "codex-gateway" / "config.toml")
    return next((candidate for candidate in candidates if os.path.lexists(candidate)), None)


def read_toml(path: Path) -> dict[str, object]:
    """The document in the file. Raises ConfigError with one fault, as nothing in it can be relied on then."""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        reason = "there is no such file"
    except OSError as problem:
        reason = f"cannot be read: {problem.strerror}"
    except UnicodeDecodeError as problem:
        before = problem.object[: problem.start]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        reason = f"line {line}, column {column}: this is not UTF-8 text"
    except tomllib.TOMLDecodeError as problem:
        match = _PLACE.fullmatch(str(problem))
        reason = f"{match['where']}: {match['what']}" if match else str(problem)
    except RecursionError:
        reason = "is nested too deeply"
    except ValueError:  # a number of thousands of digits
        reason = "holds a number that is too long"
    raise ConfigError([Fault(str(path), reason)])


def _asked_for(path: str, origin: str, around: parse.Surroundings) -> Path:
    try:
        return parse.path(path, around)
    except ValueError as problem:
        raise ConfigError([Fault(origin, str(problem))]) from None
