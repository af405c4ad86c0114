"""`codex-gateway runs`, on a database that holds runs of every kind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from codex_gateway.core.diagnosis import Cause, Diagnosis
from codex_gateway.core.ids import BotName
from codex_gateway.store.database import Database, Transaction
from codex_gateway.store.diagnoses import as_text
from codex_gateway.store.sessions import Sessions

THREAD = "01a1f920-e197-7680-af9c-1ed048038c95"


@pytest.fixture
async def config(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(
        '[[bots]]\nname = "alpha"\ntoken = "123456:AAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"\n'
        'allowed_user_ids = [7]\ncodex_workdir = "."\n'
    )
    return tmp_path / "config.toml"


async def fill(folder: Path) -> None:
    async with Database.open(folder / "data" / "app.db") as database:
        await Sessions(database).bind_bot(BotName("alpha"), codex_home=Path("/h"), thread_id=THREAD, now=1)

        async def work(tx: Transaction) -> None:
            for values in (
                "('first\n中文 prompt', 'succeeded', 10, 11, 13.5, NULL, NULL, NULL, 'the answer', 1000, 500, 50, 5)",
                "('second', 'failed', 20, 21, 22, 'quota', 'usage limit', NULL, NULL, NULL, NULL, NULL, NULL)",
                "('third', 'stopped', 30, NULL, 31, NULL, NULL, 'user', NULL, NULL, NULL, NULL, NULL)",
                "('fourth', 'queued', 40, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
            ):
                await tx.run(
                    "INSERT INTO runs (session_id, bot, chat_id, topic_id, user_id, prompt_message_id, workdir, prompt,"
                    " state, queued_at, started_at, ended_at, failure_kind, error, stop_reason, answer, tokens_input,"
                    " tokens_cached, tokens_output, tokens_reasoning) SELECT 1, 'alpha', 7, 0, 7, 1, '/w', v.* FROM"
                    f" (VALUES {values}) v"
                )

            await tx.run(
                "UPDATE runs SET context_used = 98192, context_size = 258400, windows ="
                """ '[{"used_percent": 91.5, "window_s": 18000.0, "resets_at": 100.0},"""
                """ {"used_percent": 40.0, "window_s": 604800.0, "resets_at": null}]' WHERE id = 1"""
            )
            await tx.run("UPDATE runs SET resets_at = 200.0 WHERE id = 2")
            await tx.run(
                "UPDATE runs SET diagnosis = ? WHERE id = 3",
                (as_text(Diagnosis(Cause.COMMAND, 12.34, command="make all", is_at_work=True)),),
            )

        await database.write(work)


def runs(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    python_path = os.environ.get("PYTHONPATH", "")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": python_path,
        "HOME": str(config.parent),
        "TZ": "UTC",
        "COLUMNS": "90",
    }
    command = [sys.executable, "-m", "codex_gateway", "--config", str(config), "runs", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)


async def test_the_latest_come_first_each_with_what_became_of_it(config: Path) -> None:
    await fill(config.parent)
    shown = runs(config)
    assert shown.returncode == 0, shown.stderr
    head, *rows = shown.stdout.splitlines()
    assert head.split() == ["RUN", "BOT", "SESSION", "STATE", "QUEUED", "TOOK", "TOKENS", "CONTEXT", "LIMITS", "PROMPT"]
    assert [row.split()[0] for row in rows] == ["4", "3", "2", "1"]
    assert "stopped (user)" in rows[1] and "failed (quota)" in rows[2] and "usage limit" in rows[2]
    assert "2.5s" in rows[3] and "1050" in rows[3] and "first 中文 prompt" in rows[3]
    assert "62% left  5h:92% 7d:40%  first" in rows[3]


async def test_json_tells_everything_a_line_a_run(config: Path) -> None:
    await fill(config.parent)
    lines = [json.loads(line) for line in runs(config, "--json", "--limit", "4").stdout.splitlines()]
    first = lines[-1]
    assert first["prompt"] == "first\n中文 prompt" and first["session"] == THREAD and first["seconds"] == 2.5
    assert first["usage"] == {
        "input_tokens": 1000,
        "cached_input_tokens": 500,
        "output_tokens": 50,
        "reasoning_output_tokens": 5,
    }
    assert first["context"] == {"used": 98192, "size": 258400} and first["resets_at"] is None
    assert first["rate_limits"] == [
        {"used_percent": 91.5, "seconds": 18000.0, "resets_at": "1970-01-01T00:01:40.000+00:00"},
        {"used_percent": 40.0, "seconds": 604800.0, "resets_at": None},
    ]
    assert (first["diagnosis"], first["retryable"], lines[-2]["retryable"]) == (None, None, False)
    assert lines[-3]["diagnosis"] == {
        "cause": "command",
        "seconds": 12.3,
        "command": "make all",
        "attempt": None,
        "attempts": None,
        "pid": None,
        "is_at_work": True,
    }
    assert lines[-2]["resets_at"] == "1970-01-01T00:03:20.000+00:00"
    assert (lines[-2]["context"], lines[-2]["rate_limits"]) == (None, [])
    assert first["queued_at"] == "1970-01-01T00:00:10.000+00:00"
    assert len(runs(config, "--json", "--limit", "2").stdout.splitlines()) == 2
    assert runs(config, "--json", "--bot", "nobody").stdout == ""


async def test_before_the_first_start_it_says_so(config: Path) -> None:
    shown = runs(config)
    assert shown.returncode == 74 and "has not been started" in shown.stderr and "Traceback" not in shown.stderr


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
async def test_a_limit_that_is_no_count_is_refused(config: Path, limit: str) -> None:
    shown = runs(config, "--limit", limit)
    assert shown.returncode == 2 and "Traceback" not in shown.stderr
