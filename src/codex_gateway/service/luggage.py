"""Gets the files that came with a prompt, and makes them part of the turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from codex_gateway.core.attachment import ONLY_VOICE, Attachment, AttachmentKind
from codex_gateway.core.errors import ChatBusy, ChatRefused, ChatUnreachable
from codex_gateway.core.ids import BotName
from codex_gateway.core.outcome import Failed, FailureKind
from codex_gateway.core.policy import BotPolicy
from codex_gateway.core.ports import Chat, Downloads
from codex_gateway.core.reply import Heard
from codex_gateway.core.retry import Backoff
from codex_gateway.core.run import Run, Turn
from codex_gateway.log import Log
from codex_gateway.service.delivery import Delivery
from codex_gateway.service.inbox_folder import safe_name, save
from codex_gateway.service.transcript import NotHeard, transcribe
from codex_gateway.store.attachments import Attachments

_log = Log(__name__)

#: How long one file may take to be had, tries included, in seconds.
LIMIT_S = 180.0
_TRIES = 4

#: What models take as an image, by how its bytes begin. Another one would spoil the whole session: it is sent to the
#: model again with each turn.
_IMAGES = ((b"\x89PNG\r\n\x1a\n", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"GIF87a", ".gif"), (b"GIF89a", ".gif"))


@dataclass(frozen=True, slots=True)
class _Piece:
    """A file in the work directory."""

    path: str
    is_image: bool


class _NotHad(Exception):
    """A file cannot be had; the text says why."""


class Luggage:
    """Everything is kept as it is got, so that after a crash only what is missing is fetched."""

    def __init__(
        self,
        attachments: Attachments,
        downloads: Downloads,
        *,
        policies: Mapping[BotName, BotPolicy],
        chat: Chat,
        delivery: Delivery,
        environ: Mapping[str, str],
        clock: Callable[[], float],
    ) -> None:
        self._attachments = attachments
        self._downloads = downloads
        self._policies = policies
        self._chat = chat
        self._delivery = delivery
        self._environ = environ
        self._clock = clock

    async def of(self, run: Run) -> list[tuple[int, Attachment]]:
        """The files of a run, each behind its place."""
        return await self._attachments.of(run.id)

    async def packed(self, run: Run, turn: Turn, items: list[tuple[int, Attachment]]) -> Turn | Failed:
        """The turn with these files in it; Failed when one of them cannot be had. May be cancelled at any time."""
        prompt, pieces = turn.prompt, []
        try:
            for place, item in items:
                if item.kind is AttachmentKind.VOICE:
                    prompt = await self._hear(run, place, item, prompt)
                else:
                    pieces.append(await self._saved(run, place, item))
        except _NotHad as error:
            return Failed(FailureKind.ATTACHMENT, str(error))
        images = tuple(Path(piece.path) for piece in pieces if piece.is_image)
        return replace(turn, prompt=_with_files(prompt, pieces), images=images)

    async def _saved(self, run: Run, place: int, item: Attachment) -> _Piece:
        if item.saved is not None:
            there = run.workdir / item.saved
            beginning = await asyncio.to_thread(_beginning, there)
            if beginning is not None:
                return _Piece(item.saved, _is_image(item, beginning))
        data = await self._got(run.chat.bot, item)
        name = safe_name(item.name, default=_default_name(item, data))
        folder = self._policies[run.chat.bot].inbox_dir
        try:
            path = await asyncio.to_thread(save, run.workdir, folder, name, data, part=f".{run.id}-{place}.part")
        except OSError as error:
            raise _NotHad(f"{name} could not be saved in {folder}: {error.strerror or error}") from None
        await self._attachments.saved(run.id, place, path)
        _log.info("attachment.saved", run=run.id, bytes=len(data))
        return _Piece(path, _is_image(item, data))

    async def _hear(self, run: Run, place: int, item: Attachment, prompt: str) -> str:
        policy = self._policies[run.chat.bot]
        data = await self._got(run.chat.bot, item)
        try:
            words = await transcribe(data, policy.transcribe_cmd, name=item.name or "voice.ogg", environ=self._environ)
        except NotHeard as error:
            raise _NotHad(str(error)) from None
        bare = prompt.removesuffix(ONLY_VOICE)
        prompt = f"{bare}{words}" if bare != prompt else f"{prompt}\n\n{words}"
        parcels = self._chat.compose(run.chat, Heard(run.id, words))
        await self._attachments.heard(run, place, prompt=prompt, parcels=parcels, now=self._clock())
        self._delivery.wake(run.chat.bot, run.chat.chat_id)
        return prompt

    async def _got(self, bot: BotName, item: Attachment) -> bytes:
        backoff = Backoff(first_s=0.5, cap_s=10.0)
        name = item.name or "the file"
        try:
            async with asyncio.timeout(LIMIT_S):
                for _ in range(_TRIES):
                    try:
                        return await self._downloads.fetch(bot, item.file_id)
                    except ChatBusy as busy:
                        last: Exception = busy
                        await asyncio.sleep(busy.retry_after_s)
                    except ChatUnreachable as error:
                        last = error
                        await asyncio.sleep(backoff.next_s())
                raise _NotHad(f"{name}: {last}")
        except ChatRefused as refused:
            raise _NotHad(f"{name}: {refused}") from None
        except TimeoutError:
            raise _NotHad(f"{name}: it took more than {LIMIT_S:.0f} s") from None


def _beginning(path: Path) -> bytes | None:
    """How a file of ours begins; None when it is gone, or has become a link."""
    try:
        with path.open("rb") as file:
            return None if path.is_symlink() else file.read(16)
    except OSError:
        return None


def _is_image(item: Attachment, data: bytes) -> bool:
    return item.kind is AttachmentKind.IMAGE and _image_ending(data) is not None


def _image_ending(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ".webp"
    return next((ending for magic, ending in _IMAGES if data.startswith(magic)), None)


def _default_name(item: Attachment, data: bytes) -> str:
    if item.kind is AttachmentKind.IMAGE:
        return f"photo{_image_ending(data) or ''}"
    ending = PurePosixPath(item.name).suffix.lower()
    return f"file{ending}" if ending[1:].isalnum() and ending.isascii() and len(ending) < 8 else "file"


def _with_files(prompt: str, pieces: list[_Piece]) -> str:
    if not pieces:
        return prompt
    lines = [f"- {piece.path}" + (" (image, attached)" if piece.is_image else "") for piece in pieces]
    title = (
        "Attached file, saved in the work directory:"
        if len(pieces) == 1
        else "Attached files, saved in the work directory:"
    )
    return "\n".join([prompt, "", title, *lines])
