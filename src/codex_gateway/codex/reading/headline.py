"""What the beginning of a session's file tells of it: title, directory, version, format."""

from __future__ import annotations

from pathlib import Path

import msgspec

from codex_gateway.codex.reading.rollout import read_line
from codex_gateway.codex.reading.rollout.records import Prompted
from codex_gateway.core.ids import ThreadId
from codex_gateway.core.saved import SavedSession, SessionFormat

#: Before the first prompt stand Codex's own instructions and those of the project, some 50 KB with many skills.
_HEAD_BYTES = 512 * 1024
_TITLE_LENGTH = 200


class _Meta(msgspec.Struct):
    cwd: object = None
    cli_version: object = None
    history_mode: object = None


class _Line(msgspec.Struct):
    type: str = ""
    payload: msgspec.Raw = msgspec.Raw()


_LINE = msgspec.json.Decoder(_Line)
_META = msgspec.json.Decoder(_Meta)


def read_head(path: Path, thread_id: ThreadId) -> SavedSession:
    """The session in `path`, as far as its beginning tells; never raises. `changed_at` is the caller's to know."""
    try:
        with path.open("rb") as file:
            lines = file.read(_HEAD_BYTES).split(b"\n")
    except OSError:
        lines = []
    meta = _meta_of(lines[0]) if lines else _Meta()
    return SavedSession(
        thread_id=thread_id,
        changed_at=0.0,
        title=_title_of(lines),
        workdir=Path(meta.cwd) if isinstance(meta.cwd, str) and meta.cwd.startswith("/") else None,
        version=meta.cli_version if isinstance(meta.cli_version, str) else None,
        format=SessionFormat.PAGINATED if meta.history_mode == "paginated" else SessionFormat.LEGACY,
    )


def _meta_of(line: bytes) -> _Meta:
    try:
        decoded = _LINE.decode(line)
        return _META.decode(decoded.payload) if decoded.type == "session_meta" else _Meta()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _Meta()


def _title_of(lines: list[bytes]) -> str | None:
    for line in lines:
        record = read_line(line) if line else None
        if isinstance(record, Prompted) and (words := " ".join(record.text.split())):
            return words[:_TITLE_LENGTH]
    return None
