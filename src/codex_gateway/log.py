"""The log: dotted facts with fields, secrets taken out."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from typing import TextIO

_REDACTED = "***"


class Log:
    """Writes facts such as `run.claimed run=12 session=…` through the standard logging."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, fact: str, **fields: object) -> None:
        self._write(logging.DEBUG, fact, fields)

    def info(self, fact: str, **fields: object) -> None:
        self._write(logging.INFO, fact, fields)

    def warning(self, fact: str, **fields: object) -> None:
        self._write(logging.WARNING, fact, fields)

    def error(self, fact: str, **fields: object) -> None:
        self._write(logging.ERROR, fact, fields)

    def exception(self, fact: str, **fields: object) -> None:
        """An error with the traceback of the exception being handled."""
        self._write(logging.ERROR, fact, fields, with_traceback=True)

    def _write(self, level: int, fact: str, fields: dict[str, object], *, with_traceback: bool = False) -> None:
        if self._logger.isEnabledFor(level):
            text = " ".join((fact, *(f"{name}={_quoted(value)}" for name, value in fields.items())))
            self._logger.log(level, "%s", text, exc_info=with_traceback)


def _quoted(value: object) -> str:
    text = str(value)
    return repr(text) if not text or any(char.isspace() or char in "\"'=" for char in text) else text


class Redactor:
    """Replaces each secret value by `***`, longest first, so that none hides a part of another."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted({secret for secret in secrets if len(secret) >= 8}, key=len, reverse=True)

    def clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _REDACTED)
        return text


class _CleanFormatter(logging.Formatter):
    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s")
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.clean(super().format(record))


def configure(redactor: Redactor, *, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send the log of this process to `stream` (standard error), cleaned of secrets."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_CleanFormatter(redactor))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("aiogram", "aiosqlite", "aiohttp", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
