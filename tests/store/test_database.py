"""Whole transactions, on a real file."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from pathlib import Path

import pytest

from codex_gateway.core.errors import StoreError
from codex_gateway.core.event import Tokens
from codex_gateway.store.database import Database, Transaction, migrations
from codex_gateway.store.ledger import Ledger


async def rows(database: Database) -> int:
    [row] = await database.read(lambda tx: tx.all("SELECT count(*) AS n FROM parked_chats"))
    return int(row["n"])


async def put(tx: Transaction, number: int) -> None:
    await tx.run("INSERT INTO parked_chats VALUES ('alpha', ?, 1.0)", (number,))


async def test_a_transaction_that_raises_leaves_nothing(tmp_path: Path) -> None:
    async def work(tx: Transaction) -> None:
        await put(tx, 1)
        raise RuntimeError("no")

    async with Database.open(tmp_path / "app.db") as database:
        with pytest.raises(RuntimeError):
            await database.write(work)
        assert await rows(database) == 0
        await database.write(lambda tx: put(tx, 2))
        assert await rows(database) == 1


async def test_a_cancelled_caller_leaves_a_whole_transaction(tmp_path: Path) -> None:
    inside = asyncio.Event()
    go_on = asyncio.Event()

    async def work(tx: Transaction) -> None:
        await put(tx, 1)
        inside.set()
        await go_on.wait()
        await put(tx, 2)

    async with Database.open(tmp_path / "app.db") as database:
        writing = asyncio.create_task(database.write(work))
        await inside.wait()
        for _ in range(3):
            writing.cancel()
            await asyncio.sleep(0)
        assert not writing.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert await rows(database) == 2


async def test_transactions_of_many_tasks_do_not_mix(tmp_path: Path) -> None:
    async def work(tx: Transaction) -> None:
        row = await tx.first("SELECT coalesce(max(chat_id), 0) AS top FROM parked_chats")
        assert row is not None
        await asyncio.sleep(0)
        await put(tx, row["top"] + 1)

    async with Database.open(tmp_path / "app.db") as database:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(50):
                tasks.create_task(database.write(work))
        assert await rows(database) == 50


async def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "app.db"
    async with Database.open(path) as database:
        await database.write(lambda tx: put(tx, 1))
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


async def test_commits_survive_a_power_cut_and_references_hold(tmp_path: Path) -> None:
    async with Database.open(tmp_path / "app.db") as database:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
            row = await database.read(lambda tx, pragma=pragma: tx.first(f"PRAGMA {pragma}"))
            assert row is not None and row[0] == value


async def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    async with Database.open(path) as database:
        await database.write(lambda tx: put(tx, 1))
    async with Database.open(path) as database:
        assert await rows(database) == 1
        row = await database.read(lambda tx: tx.first("PRAGMA user_version"))
        assert row is not None and row[0] == len(migrations())


async def test_a_database_of_an_older_version_is_brought_up_to_date_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    connection = sqlite3.connect(path)
    connection.executescript(migrations()[0])
    connection.execute("PRAGMA user_version = 1")
    connection.execute("INSERT INTO sessions (id, codex_home, created_at) VALUES (1, '/h', 1)")
    connection.execute(
        "INSERT INTO runs (id, session_id, bot, chat_id, topic_id, user_id, prompt_message_id, prompt, workdir,"
        " queued_at, state, started_at, ended_at, tokens_input, tokens_cached, tokens_output, tokens_reasoning)"
        " VALUES (1, 1, 'a', 1, 0, 1, 1, 'p', '/', 1, 'succeeded', 1, 2, 10, 5, 2, 1)"
    )
    connection.commit()
    connection.close()
    async with Database.open(path) as database:
        [run] = await Ledger(database).latest(limit=9)
        assert run.tokens == Tokens(10, 5, 2, 1)
        assert (run.context, run.windows, run.resets_at) == (None, (), None)


async def test_a_newer_schema_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(StoreError, match=r"schema version 999.*Install the newer gateway again"):
        async with Database.open(path):
            pass


@pytest.mark.parametrize("make", ["text", "folder"])
async def test_what_is_no_database_is_refused_in_a_sentence(tmp_path: Path, make: str) -> None:
    path = tmp_path / "app.db"
    if make == "text":
        path.write_text("this is not a database, it only looks like a file" * 50)
    else:
        path.mkdir()
    with pytest.raises(StoreError, match=str(path)):
        async with Database.open(path):
            pass


def broken_rules() -> list[tuple[str, str]]:
    run = (
        "INSERT INTO runs (session_id, bot, chat_id, topic_id, user_id, prompt_message_id, prompt, workdir, queued_at,"
        " state, started_at, ended_at, failure_kind, stop_reason) VALUES (1, 'a', 1, 0, 1, 1, {})"
    )
    return [
        ("two runs of a session at once", run.format("'p', '/', 1, 'running', 1, NULL, NULL, NULL")),
        ("an empty prompt", run.format("'', '/', 1, 'queued', NULL, NULL, NULL, NULL")),
        ("an end without a time", run.format("'p', '/', 1, 'succeeded', 1, NULL, NULL, NULL")),
        ("a failure without a kind", run.format("'p', '/', 1, 'failed', 1, 2, NULL, NULL")),
        ("a stop without a reason", run.format("'p', '/', 1, 'stopped', 1, 2, NULL, NULL")),
        ("an unknown state", run.format("'p', '/', 1, 'paused', 1, NULL, NULL, NULL")),
        (
            "a run of no session",
            run.replace("(1, 'a'", "(77, 'a'").format("'p', '/', 1, 'queued', 1, NULL, NULL, NULL"),
        ),
        ("one update twice", "INSERT INTO inbox (bot, update_id, body, received_at) VALUES ('a', 1, '', 1)"),
        (
            "a second status message",
            "INSERT INTO outbox (bot, chat_id, topic_id, run_id, kind, parcel, created_at)"
            " VALUES ('a', 1, 0, 1, 'status', '', 1)",
        ),
        (
            "sent, as no message",
            "INSERT INTO outbox (bot, chat_id, topic_id, kind, parcel, created_at, state, settled_at)"
            " VALUES ('a', 1, 0, 'reply', '', 1, 'sent', 1)",
        ),
        (
            "a second open attempt",
            "INSERT INTO attempts (run_id, directory, offset_bytes, started_at) VALUES (1, '', 0, 1)",
        ),
    ]


@pytest.mark.parametrize(("name", "sql"), broken_rules(), ids=[name for name, _ in broken_rules()])
async def test_the_schema_refuses(tmp_path: Path, name: str, sql: str) -> None:
    async with Database.open(tmp_path / "app.db") as database:

        async def arrange(tx: Transaction) -> None:
            await tx.run("INSERT INTO sessions (id, codex_home, created_at) VALUES (1, '/h', 1)")
            await tx.run("INSERT INTO inbox (bot, update_id, body, received_at) VALUES ('a', 1, '', 1)")
            await tx.run(
                "INSERT INTO runs (id, session_id, bot, chat_id, topic_id, user_id, prompt_message_id, prompt, workdir,"
                " queued_at, state, started_at) VALUES (1, 1, 'a', 1, 0, 1, 1, 'p', '/', 1, 'running', 1)"
            )
            await tx.run("INSERT INTO attempts (run_id, directory, offset_bytes, started_at) VALUES (1, '', 0, 1)")
            await tx.run(
                "INSERT INTO outbox (bot, chat_id, topic_id, run_id, kind, parcel, created_at)"
                " VALUES ('a', 1, 0, 1, 'status', '', 1)"
            )

        await database.write(arrange)
        with pytest.raises(sqlite3.IntegrityError):
            await database.write(lambda tx: tx.run(sql))
