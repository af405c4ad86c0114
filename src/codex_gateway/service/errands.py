"""Answers that take time to make, each made beside the intake, which meanwhile goes on."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codex_gateway.core import request as rq
from codex_gateway.core.ids import InboxId, RunId
from codex_gateway.core.ports import Chat
from codex_gateway.core.reply import DiffRefusal, DiffRefused, DiffReport, FileRefusal, FileRefused, Reply, SentFile
from codex_gateway.core.request import Request
from codex_gateway.core.retry import Backoff
from codex_gateway.log import Log
from codex_gateway.service.delivery import Delivery
from codex_gateway.service.errand import Errand
from codex_gateway.service.git_diff import LARGEST_BYTES, NoDiff, working_diff
from codex_gateway.service.inside import Refused, identities, opened
from codex_gateway.service.queries import Queries
from codex_gateway.store.inbox import Fate, Inbox
from codex_gateway.store.ledger import Ledger
from codex_gateway.store.requests import Requests

_log = Log(__name__)

#: What is made at a time.
_AT_ONCE = 4
#: How long after a fault of the database an errand is begun again, in seconds: at first, and at most.
_AGAIN_S, _LONGEST_S = 1.0, 60.0
#: A diff up to so many bytes may be text in the chat.
_SHORT_BYTES = 12_000


@dataclass(frozen=True, slots=True)
class Grounds:
    """Where errands find and put things."""

    #: Holds the bytes of files that wait to be sent; ours alone.
    kept_dir: Path
    #: For the programs that are started.
    environ: Mapping[str, str]
    #: Files and folders that are sent under no name: the configuration, the database.
    guarded: tuple[Path, ...] = ()


class Errands:
    """An errand's update stays open until its answer is kept, so that a restart begins it anew."""

    def __init__(
        self,
        *,
        inbox: Inbox,
        requests: Requests,
        ledger: Ledger,
        queries: Queries,
        chat: Chat,
        delivery: Delivery,
        grounds: Grounds,
        clock: Callable[[], float],
    ) -> None:
        self._inbox = inbox
        self._requests = requests
        self._ledger = ledger
        self._queries = queries
        self._chat = chat
        self._delivery = delivery
        self._grounds = grounds
        self._clock = clock
        self._under_way: set[InboxId] = set()
        self._waiting: asyncio.Queue[Errand] = asyncio.Queue()

    def has(self, inbox_id: InboxId) -> bool:
        """Whether this update is being worked at."""
        return inbox_id in self._under_way

    def take(self, errand: Errand) -> None:
        """Begin an errand, as soon as there is somebody free."""
        self._under_way.add(errand.inbox_id)
        self._waiting.put_nowait(errand)

    async def run(self) -> None:
        """Work for ever. Cancel it to end; what is unfinished stays open."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(_AT_ONCE):
                tasks.create_task(self._work(), name=f"errands {number}")

    async def _work(self) -> None:
        while True:
            errand = await self._waiting.get()
            backoff = Backoff(first_s=_AGAIN_S, cap_s=_LONGEST_S)
            try:
                while not await self._is_over(errand):  # noqa: ASYNC110 - nothing tells when it is well again
                    await asyncio.sleep(backoff.next_s())
            finally:
                self._under_way.discard(errand.inbox_id)

    async def _is_over(self, errand: Errand) -> bool:
        """Try it. False: nothing of it could be kept, which is not the errand's fault."""
        try:
            try:
                await self._do(errand)
            except sqlite3.Error:
                raise
            except Exception as error:  # noqa: BLE001 - one errand's fault must not end the others
                _log.exception("errand.dead", bot=errand.chat.bot, inbox=errand.inbox_id)
                await self._inbox.close(errand.inbox_id, Fate.DEAD, note=repr(error), now=self._clock())
        except sqlite3.Error:
            _log.exception("errand.not_kept", bot=errand.chat.bot, inbox=errand.inbox_id)
            return False
        return True

    async def _do(self, errand: Errand) -> None:
        request, policy = errand.request, errand.policy
        kept = self._grounds.kept_dir / str(errand.inbox_id)
        match request.wish:
            case rq.SendFile(path=path):
                reply: Reply = await asyncio.to_thread(self._fetch, policy.workdir, path, kept)
            case rq.ShowLog(run_id=run_id):
                reply = await self._queries.log(request.chat, policy, run_id)
            case rq.Diff(run_id=run_id):
                reply = await self._diff(request, policy.workdir, run_id, kept)
            case _:
                raise TypeError(f"{request.wish!r} is no errand")
        is_kept = isinstance(reply, SentFile | DiffReport) and reply.kept is not None
        await self._requests.answer(
            errand.inbox_id,
            request.chat,
            parcels=self._chat.compose(request.chat, reply),
            reply_to=request.message_id,
            now=self._clock(),
            kept=kept if is_kept else None,
        )
        self._delivery.wake(request.chat.bot, request.chat.chat_id)

    def _fetch(self, workdir: Path, path: str, kept: Path) -> Reply:
        """Keep the bytes of the very file that was checked: what its name leads to may be another one later."""
        path = path.strip().strip("`'\"")
        if not path:
            return FileRefused("", FileRefusal.UNNAMED)
        try:
            guarded = identities(list(self._grounds.guarded))
            with opened(workdir, path, guarded=guarded) as descriptor:
                size = os.fstat(descriptor).st_size
                if size > LARGEST_BYTES:
                    raise Refused(FileRefusal.TOO_LARGE)
                with os.fdopen(os.dup(descriptor), "rb") as source:
                    data = source.read(LARGEST_BYTES + 1)  # it may have grown
        except Refused as refused:
            return FileRefused(path, refused.reason, refused.entries)
        except OSError:
            return FileRefused(path, FileRefusal.UNREADABLE)
        if not data:
            return FileRefused(path, FileRefusal.EMPTY)
        if len(data) > LARGEST_BYTES:
            return FileRefused(path, FileRefusal.TOO_LARGE)
        _keep(kept, data)
        return SentFile(path, kept)

    async def _diff(self, request: Request, workdir: Path, run_id: RunId | None, kept: Path) -> Reply:
        if run_id is not None:
            run = await self._ledger.run(run_id)
            if run is None or run.chat != request.chat:
                return DiffRefused(DiffRefusal.UNKNOWN_RUN)
            workdir = run.workdir
        try:
            found = await working_diff(workdir, environ=self._grounds.environ)
        except NoDiff as none:
            return DiffRefused(none.reason, none.words)
        report = DiffReport(found.files, found.added, found.removed, untracked=found.untracked, secret=found.secret)
        if len(found.diff) > _SHORT_BYTES:
            await asyncio.to_thread(_keep, kept, found.diff)
            return _with(report, kept=kept)
        return _with(report, text=found.diff.decode("utf-8", "replace").rstrip("\n"))


def _with(report: DiffReport, *, text: str | None = None, kept: Path | None = None) -> DiffReport:
    return DiffReport(report.files, report.added, report.removed, text, kept, report.untracked, report.secret)


def _keep(path: Path, data: bytes) -> None:
    """Write a file of ours, readable for nobody else, in place of what an earlier try left there."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())  # the row that names it must not outlive its bytes
