"""The files that wait to be sent: bytes of our own, each for one row of the outbox."""

from __future__ import annotations

import asyncio
from pathlib import Path

from codex_gateway.core.ids import OutboxId
from codex_gateway.store.database import Database, Transaction


async def note(tx: Transaction, outbox_id: OutboxId, path: Path) -> None:
    """The row sends this file, as a part of the transaction that makes the row."""
    await tx.run("INSERT INTO kept_files (outbox_id, path) VALUES (?, ?)", (outbox_id, str(path)))


async def remove(database: Database, outbox_id: OutboxId) -> None:
    """The row is settled: nobody needs its file any more."""
    row = await database.read(lambda tx: tx.first("SELECT path FROM kept_files WHERE outbox_id = ?", (outbox_id,)))
    if row is None:
        return
    await asyncio.to_thread(Path(row["path"]).unlink, missing_ok=True)
    await database.write(lambda tx: tx.run("DELETE FROM kept_files WHERE outbox_id = ?", (outbox_id,)))


async def sweep(database: Database, folder: Path) -> None:
    """Remove what a life of ours that was cut short has left in the folder: no unsent row names it."""
    await database.write(
        lambda tx: tx.run(
            "DELETE FROM kept_files WHERE outbox_id NOT IN"
            " (SELECT id FROM outbox WHERE state IN ('pending', 'sending'))"
        )
    )
    needed = await database.read(lambda tx: tx.all("SELECT path FROM kept_files"))
    await asyncio.to_thread(_remove_all_but, {Path(row["path"]).name for row in needed}, folder)


def _remove_all_but(names: set[str], folder: Path) -> None:
    if folder.is_dir():
        for file in folder.iterdir():
            if file.name not in names:
                file.unlink()
