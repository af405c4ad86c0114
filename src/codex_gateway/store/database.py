"""One SQLite file, its schema, and whole transactions one after another."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import TypeAlias, TypeVar

import aiosqlite

from codex_gateway.core.errors import StoreError

T = TypeVar("T")
Value: TypeAlias = str | int | float | None
Row: TypeAlias = sqlite3.Row

#: How long to wait for somebody else's transaction on the file, a backup tool's say, in seconds.
BUSY_TIMEOUT_S = 10.0


class Transaction:
    """What may be done inside a transaction. Each call is one round trip to SQLite's thread."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def all(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """Every row that `sql` yields, for a SELECT or a statement with RETURNING."""
        return list(await self._connection.execute_fetchall(sql, values))

    async def first(self, sql: str, values: Sequence[Value] = ()) -> Row | None:
        """The first row, if there is one."""
        return next(iter(await self.all(sql, values)), None)

    async def run(self, sql: str, values: Sequence[Value] = ()) -> None:
        """Execute a statement that yields nothing."""
        await self._connection.execute_fetchall(sql, values)

    async def insert(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Insert one row and return its id."""
        row = await self._connection.execute_insert(sql, values)
        if row is None:  # pragma: no cover - SQLite always knows the last row id
            raise StoreError("SQLite reported no row id for an insert.")
        return int(row[0])


class Database:
    """The open file. `write` is the only way in: whole transactions, one at a time, never cut in the middle."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator[Database]:
        """Open or create the file, 0600, and bring its schema up to date.

        Raises StoreError when it cannot be opened, is damaged, or was written by a newer version.
        """
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            connection = await aiosqlite.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_S)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"The database {path} cannot be opened: {error}.") from error
        try:
            connection.row_factory = sqlite3.Row
            try:
                await _prepare(connection, path)
            except sqlite3.Error as error:
                raise StoreError(
                    f"The database {path} cannot be used: {error}. "
                    "Restore it from a backup, or move it away to begin anew."
                ) from error
            database = cls(connection)
            try:
                yield database
            finally:
                await database._turn.acquire()  # whatever has begun is finished, and nothing begins any more
        finally:
            await connection.close()

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `work` in one transaction and commit it; on any exception, roll back and raise it.

        A caller that is cancelled is so only once the transaction has ended: a commit is never left in doubt.
        """
        task = asyncio.ensure_future(self._transact(work))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            while not task.done():
                try:
                    await asyncio.wait([task])
                except asyncio.CancelledError:
                    continue
            raise

    async def _transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        async with self._turn:
            await self._connection.execute_fetchall("BEGIN IMMEDIATE")
            try:
                result = await work(Transaction(self._connection))
                await self._connection.execute_fetchall("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    await self._connection.execute_fetchall("ROLLBACK")
                raise
            return result

    async def read(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run queries that belong together on one state of the file."""
        async with self._turn:
            return await work(Transaction(self._connection))


async def _prepare(connection: aiosqlite.Connection, path: Path) -> None:
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",  # a commit that we have answered for survives a power cut
        "foreign_keys = ON",
        "trusted_schema = OFF",
    ):
        await connection.execute_fetchall(f"PRAGMA {pragma}")
    rows = list(await connection.execute_fetchall("PRAGMA user_version"))
    version = int(rows[0][0])
    steps = migrations()
    if version > len(steps):
        raise StoreError(
            f"The database {path} has schema version {version}; this version of the gateway knows up to {len(steps)}. "
            "Install the newer gateway again, or restore the backup made before the upgrade."
        )
    for number, script in enumerate(steps[version:], start=version + 1):
        await connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")


def migrations() -> list[str]:
    """The scripts that make the schema, in order; the number of each is its place, from 1."""
    folder = resources.files("codex_gateway.store").joinpath("schema")
    scripts = sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name)
    return [script.read_text("utf-8") for script in scripts]
