"""Whether there is a program to start, and if not, why."""

from __future__ import annotations

import os
from pathlib import Path

from codex_gateway.codex.child.command import resolve_program
from codex_gateway.core.outcome import Failed, FailureKind


class CannotStart(Exception):
    """There is no use in trying."""

    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(message)
        self.failed = Failed(kind, message)


def startable(cli_cmd: str, *, search_path: str | None) -> Path:
    """The file to execute for `cli_cmd`; raises CannotStart."""
    program = resolve_program(cli_cmd, search_path=search_path)
    if program is not None:
        return program
    path = search_path or os.defpath
    places = [Path(cli_cmd)] if "/" in cli_cmd else [Path(folder, cli_cmd) for folder in path.split(os.pathsep)]
    there = next((place for place in places if _is_there(place)), None)
    if there is not None:
        what = "is a folder" if there.is_dir() else "is not executable for the user of the gateway"
        raise CannotStart(FailureKind.NOT_EXECUTABLE, f"{there} {what}.")
    where = "" if "/" in cli_cmd else f" on the gateway's PATH ({path})"
    raise CannotStart(FailureKind.NOT_INSTALLED, f"There is no {cli_cmd}{where}.")


def _is_there(place: Path) -> bool:
    try:
        return place.exists()
    except OSError:  # its folder may not be looked into
        return False
