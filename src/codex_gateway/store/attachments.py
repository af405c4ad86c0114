"""The files that came with prompts, until and after they are had."""

from __future__ import annotations

from collections.abc import Sequence

from codex_gateway.core.attachment import Attachment, AttachmentKind
from codex_gateway.core.ids import RunId
from codex_gateway.core.ports import Parcel
from codex_gateway.core.run import Run
from codex_gateway.store import outbox
from codex_gateway.store.database import Database, Transaction


class Attachments:
    """The table `attachments`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, run_id: RunId) -> list[tuple[int, Attachment]]:
        """The files of a run, each behind its place."""
        rows = await self._database.read(
            lambda tx: tx.all("SELECT * FROM attachments WHERE run_id = ? ORDER BY place", (run_id,))
        )
        return [
            (row["place"], Attachment(AttachmentKind(row["kind"]), row["file_id"], row["name"], row["saved"]))
            for row in rows
        ]

    async def saved(self, run_id: RunId, place: int, path: str) -> None:
        """A file lies at this path of the work directory."""
        await self._database.write(
            lambda tx: tx.run("UPDATE attachments SET saved = ? WHERE run_id = ? AND place = ?", (path, run_id, place))
        )

    async def heard(self, run: Run, place: int, *, prompt: str, parcels: Sequence[Parcel], now: float) -> None:
        """A voice message was understood: its words are in the prompt, and the person is told which."""

        async def work(tx: Transaction) -> None:
            await tx.run("DELETE FROM attachments WHERE run_id = ? AND place = ?", (run.id, place))
            await tx.run("UPDATE runs SET prompt = ? WHERE id = ?", (prompt, run.id))
            await outbox.add(
                tx,
                run.chat,
                kind=outbox.Kind.REPLY,
                parcels=parcels,
                now=now,
                run_id=run.id,
                reply_to=run.prompt_message_id,
            )

        await self._database.write(work)


async def add(tx: Transaction, run_id: RunId, attachments: Sequence[Attachment], *, retry_of: RunId | None) -> None:
    """Note the files of a new run, as a part of the transaction that makes it; a retry has those of its original."""
    for place, item in enumerate(attachments):
        await tx.run(
            "INSERT INTO attachments (run_id, place, kind, file_id, name) VALUES (?, ?, ?, ?, ?)",
            (run_id, place, item.kind.value, item.file_id, item.name),
        )
    if retry_of is not None:
        await tx.run(
            "INSERT INTO attachments (run_id, place, kind, file_id, name, saved)"
            # in another directory there may be another file of that name
            " SELECT n.id, a.place, a.kind, a.file_id, a.name, CASE WHEN n.workdir = o.workdir THEN a.saved END"
            " FROM attachments a JOIN runs o ON o.id = a.run_id JOIN runs n ON n.id = ? WHERE a.run_id = ?",
            (run_id, retry_of),
        )


async def add_behind(tx: Transaction, run_id: RunId, attachments: Sequence[Attachment]) -> None:
    """Note more files of a run that waits, behind those it has."""
    row = await tx.first("SELECT coalesce(max(place), -1) + 1 AS next FROM attachments WHERE run_id = ?", (run_id,))
    for place, item in enumerate(attachments, start=0 if row is None else int(row["next"])):
        await tx.run(
            "INSERT INTO attachments (run_id, place, kind, file_id, name) VALUES (?, ?, ?, ?, ?)",
            (run_id, place, item.kind.value, item.file_id, item.name),
        )
