"""`codex-gateway runs`: what was asked and what became of it, newest first."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from codex_gateway.config import load
from codex_gateway.core.diagnosis import Diagnosis
from codex_gateway.core.errors import StoreError
from codex_gateway.core.event import Window
from codex_gateway.core.ids import BotName
from codex_gateway.core.outcome import RETRYABLE
from codex_gateway.core.run import Run
from codex_gateway.store.database import Database
from codex_gateway.store.ledger import Ledger


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object a line, with everything that is known")
    parser.add_argument("--bot", metavar="NAME", help="the runs of one bot")
    parser.add_argument("--limit", type=_positive, default=20, metavar="N", help="how many (20)")


def run(args: argparse.Namespace) -> int:
    """Lists runs from the database, whether or not the service is up."""
    config = load(args.config)
    runs = asyncio.run(_latest(config.base.db_path, limit=args.limit, bot=args.bot))
    if args.json:
        for each in runs:
            print(json.dumps(as_json(each), ensure_ascii=False))
    elif not runs:
        print("There is no run yet.")
    else:
        for line in table(runs, width=shutil.get_terminal_size((100, 24)).columns):
            print(line)
    return 0


async def _latest(path: Path, *, limit: int, bot: str | None) -> list[Run]:
    if not path.exists():
        raise StoreError(f"There is no database at {path} yet: the service has not been started on this configuration.")
    async with Database.open(path) as database:
        return await Ledger(database).latest(limit=limit, bot=None if bot is None else BotName(bot))


def as_json(run: Run) -> dict[str, object]:
    """One run for a program to read. Times are ISO 8601 in UTC, durations seconds."""
    tokens = run.tokens
    return {
        "id": run.id,
        "bot": run.chat.bot,
        "chat_id": run.chat.chat_id,
        "topic_id": run.chat.topic_id,
        "user_id": run.user_id,
        "session": run.session.thread_id,
        "workdir": str(run.workdir),
        "prompt": run.prompt,
        "state": run.state,
        "queued_at": _iso(run.queued_at),
        "started_at": _iso(run.started_at),
        "ended_at": _iso(run.ended_at),
        "seconds": _seconds(run),
        "retry_of": run.retry_of,
        "stop_reason": run.stop_reason,
        "failure_kind": run.failure_kind,
        "retryable": None if run.failure_kind is None else run.failure_kind in RETRYABLE,
        "error": run.error,
        "answer": run.answer,
        "steps": run.steps,
        "files": run.files,
        "diagnosis": None if run.diagnosis is None else _diagnosis(run.diagnosis),
        "resets_at": _iso(run.resets_at),
        "context": None if run.context is None else {"used": run.context.used, "size": run.context.size},
        "rate_limits": [
            {"used_percent": window.used_percent, "seconds": window.window_s, "resets_at": _iso(window.resets_at)}
            for window in run.windows
        ],
        "usage": None
        if tokens is None
        else {
            "input_tokens": tokens.input,
            "cached_input_tokens": tokens.cached,
            "output_tokens": tokens.output,
            "reasoning_output_tokens": tokens.reasoning,
        },
    }


def _diagnosis(diagnosis: Diagnosis) -> dict[str, object]:
    return {
        "cause": diagnosis.cause,
        "seconds": round(diagnosis.since_s, 3),
        "command": diagnosis.command,
        "attempt": diagnosis.attempt,
        "attempts": diagnosis.attempts,
        "pid": diagnosis.pid,
        "is_at_work": diagnosis.is_at_work,
    }


def table(runs: Sequence[Run], *, width: int) -> list[str]:
    """The same for a person, in lines of at most `width` columns where that is possible."""
    head = ("RUN", "BOT", "SESSION", "STATE", "QUEUED", "TOOK", "TOKENS", "CONTEXT", "LIMITS", "PROMPT")
    rows = [head, *(_cells(run) for run in runs)]
    widths = [max(_columns(row[index]) for row in rows) for index in range(len(head) - 1)]
    room = max(20, width - sum(widths) - 2 * len(widths))
    return [
        "  ".join(
            (*(_padded(cell, size) for cell, size in zip(row, widths, strict=False)), _shortened(row[-1], room))
        ).rstrip()
        for row in rows
    ]


def _cells(run: Run) -> tuple[str, ...]:
    why = run.failure_kind or run.stop_reason
    state = f"{run.state} ({why})" if why and run.state.is_final and run.state != "succeeded" else str(run.state)
    seconds = _seconds(run)
    return (
        str(run.id),
        run.chat.bot,
        (run.session.thread_id or "new")[-12:],
        state,
        datetime.fromtimestamp(run.queued_at).astimezone().strftime("%m-%d %H:%M:%S"),
        "-" if seconds is None else f"{seconds:.1f}s",
        "-" if run.tokens is None else str(run.tokens.total),
        "-" if run.context is None else f"{run.context.left_percent}% left",
        " ".join(_limit(window) for window in run.windows) or "-",
        " ".join(run.prompt.split()) + (f" | {' '.join(run.error.split())}" if run.error else ""),
    )


def _limit(window: Window) -> str:
    """5h:91%: how much of an allowance was used."""
    hours = 0 if window.window_s is None else round(window.window_s / 3600)
    length = f"{hours // 24}d:" if hours and hours % 24 == 0 else f"{hours}h:" if hours else ""
    return f"{length}{window.used_percent:.0f}%"


def _seconds(run: Run) -> float | None:
    if run.started_at is None or run.ended_at is None:
        return None
    return round(run.ended_at - run.started_at, 3)


def _iso(time: float | None) -> str | None:
    return None if time is None else datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")


def _columns(text: str) -> int:
    """How many columns of a terminal it takes: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _padded(text: str, columns: int) -> str:
    return text + " " * (columns - _columns(text))


def _shortened(text: str, columns: int) -> str:
    if _columns(text) <= columns:
        return text
    kept = ""
    for char in text:
        if _columns(kept + char) > columns - 1:
            break
        kept += char
    return f"{kept}…"


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("a number from 1 on")
    return number
