"""Makes runs of prompts, new ones and such as are asked once more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from codex_gateway.core.attachment import Attachment, sorted_out, unsaid
from codex_gateway.core.ids import InboxId, RunId, SessionId
from codex_gateway.core.outcome import FailureKind
from codex_gateway.core.quoting import with_quote
from codex_gateway.core.reply import NothingToRetry, NotUnderstood, StillAtIt
from codex_gateway.core.request import Ask, Misspoken, MisspokenReason
from codex_gateway.core.run import Run
from codex_gateway.log import Log
from codex_gateway.service.binding import Binding
from codex_gateway.service.errand import Counter, Errand
from codex_gateway.service.scheduler import Scheduler
from codex_gateway.store.ledger import Ledger
from codex_gateway.store.requests import NewRun, Requests

_log = Log(__name__)


class Prompts:
    """The wishes Ask and Retry."""

    def __init__(
        self,
        requests: Requests,
        ledger: Ledger,
        counter: Counter,
        *,
        scheduler: Scheduler,
        binding: Binding,
        clock: Callable[[], float],
    ) -> None:
        self._requests = requests
        self._ledger = ledger
        self._counter = counter
        self._scheduler = scheduler
        self._binding = binding
        self._clock = clock

    async def take(
        self,
        errand: Errand,
        ask: Ask,
        *,
        also: tuple[tuple[InboxId, int], ...] = (),
        asked_at: int | None = None,
        album: str = "",
    ) -> None:
        """Queue a prompt with its files, unless nobody can make anything of them.

        `also` are the updates and messages of its other parts; `asked_at` is when the last of them was said, and
        `album` the one that its files are of: by these, what arrives late finds it.
        """
        files = sorted_out(ask.attachments, can_listen=bool(errand.policy.transcribe_cmd))
        errand = replace(errand, also=tuple(inbox_id for inbox_id, _ in also))
        if files is None:
            misspoken = Misspoken(MisspokenReason.VOICE_NOT_CONFIGURED, "")
            await self._counter.answer(errand, NotUnderstood(misspoken))
        else:
            prompt = with_quote(ask.quoted, ask.prompt or unsaid(files))
            await self.ask(errand, prompt, attachments=files, also=also, asked_at=asked_at, album=album)

    async def amend(self, errand: Errand, ask: Ask) -> None:
        """Change the prompt of a message that was changed, as long as its run waits."""
        if not ask.prompt:
            await self._counter.close(errand)
            return
        await self._requests.amend(
            errand.inbox_id,
            errand.chat,
            message_id=errand.request.message_id,
            prompt=with_quote(ask.quoted, ask.prompt),
            compose=self._counter.compose(errand),
            now=self._clock(),
        )

    async def ask(
        self,
        errand: Errand,
        prompt: str,
        *,
        retry_of: RunId | None = None,
        attachments: tuple[Attachment, ...] = (),
        also: tuple[tuple[InboxId, int], ...] = (),
        asked_at: int | None = None,
        album: str = "",
    ) -> None:
        """Queue a prompt in the session of its chat."""
        placed = await self._binding.placed(errand)
        if placed is not None:
            await self._queue(
                placed, prompt, retry_of=retry_of, attachments=attachments, also=also, asked_at=asked_at, album=album
            )

    async def _queue(
        self,
        placed: Errand,
        prompt: str,
        *,
        retry_of: RunId | None = None,
        session_id: SessionId | None = None,
        attachments: tuple[Attachment, ...] = (),
        also: tuple[tuple[InboxId, int], ...] = (),
        asked_at: int | None = None,
        album: str = "",
    ) -> None:
        request = placed.request
        new = NewRun(
            inbox_id=placed.inbox_id,
            chat=request.chat,
            user_id=request.user_id,
            prompt_message_id=request.message_id,
            prompt=prompt,
            workdir=placed.policy.workdir,
            retry_of=retry_of,
            attachments=attachments,
            also=also,
            asked_at=asked_at,
            album=album,
            session_id=session_id,
        )
        run_id = await self._requests.queue(new, compose=self._counter.compose(placed), now=self._clock())
        _log.info("run.queued", run=run_id, bot=request.chat.bot, chat=request.chat.chat_id)
        self._scheduler.wake()

    async def retry(self, errand: Errand, run_id: RunId | None) -> None:
        """Queue the prompt of a run, or the chat's last one, once more, unless it is under way.

        Of a run that is named, in its own session and directory; else, as if it were typed again, in the chat's.
        """
        if run_id is None:
            before = await self._ledger.last_of_chat(errand.chat)
        else:
            before = await self._counter.run_of(errand, run_id)
        if before is None:
            await self._counter.answer(errand, NothingToRetry())
            return
        at_it = before if not before.state.is_final else await self._ledger.retry_under_way(before.id)
        if at_it is not None:
            await self._counter.answer(errand, StillAtIt(at_it.id))
            return
        if run_id is None or _needs_another_session(before, errand):
            await self.ask(errand, before.prompt, retry_of=before.id)
        elif (placed := await self._binding.placed_as(errand, before)) is not None:
            await self._queue(placed, before.prompt, retry_of=before.id, session_id=before.session.id)


def _needs_another_session(run: Run, errand: Errand) -> bool:
    """Whether its own session can do nothing for a run: it is not there, not there any more, or full."""
    is_elsewhere = run.session.codex_home != errand.policy.codex_home
    return is_elsewhere or run.failure_kind in (FailureKind.UNKNOWN_SESSION, FailureKind.CONTEXT_FULL)
