"""Finds the prompt that messages belong to which came behind it: forwarded ones, the last files of an album."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from codex_gateway.core.attachment import Attachment, AttachmentKind, sorted_out
from codex_gateway.core.gathering import gathered
from codex_gateway.core.request import Ask, Shape
from codex_gateway.core.run import Run, RunState
from codex_gateway.log import Log
from codex_gateway.service.errand import Errand
from codex_gateway.service.prompts import Prompts
from codex_gateway.store.joining import LateParts
from codex_gateway.store.requests import Requests

_log = Log(__name__)

#: How long after a comment the messages that are forwarded with it are said, at most, in seconds of the chat's clock.
#: Apps send both with one tap; whoever writes a prompt first and looks for something to forward then takes longer.
_WITHIN_S = 5

#: Stand before what comes too late to be a part of the prompt that it belongs to.
FORWARDED_LATE = "I have forwarded what follows. It belongs to my prompt before this one."
ALBUM_LATE = "More files of the album that came with my prompt before this one."


class Latecomers:
    """Nothing that belongs to a prompt is lost: it joins it while that waits, or is a prompt of its own behind it."""

    def __init__(self, requests: Requests, prompts: Prompts, *, clock: Callable[[], float]) -> None:
        self._requests = requests
        self._prompts = prompts
        self._clock = clock

    async def joined(self, errand: Errand, ask: Ask) -> bool:
        """Whether this message belongs to a prompt that waits, and is a part of it from now on."""
        run = await self._join([(errand, ask)])
        return run is not None and run.state is RunState.QUEUED

    async def settled(self, parts: Sequence[tuple[Errand, Ask]]) -> bool:
        """Whether these messages belonged to a prompt, and have reached its session, together."""
        run = await self._join(parts)
        if run is None or run.state is RunState.STOPPED:
            return False  # the person has taken the wish back
        if run.state is RunState.QUEUED:
            return True
        [(first, ask), *others] = parts
        whole = gathered([each for _, each in parts])
        about = FORWARDED_LATE if ask.shape is Shape.FORWARDED else ALBUM_LATE
        late = replace(
            whole, prompt=f"{about}\n\n{whole.prompt}".rstrip(), attachments=_usable(first, whole.attachments)
        )
        also = tuple((errand.inbox_id, errand.request.message_id) for errand, _ in others)
        await self._prompts.take(first, late, also=also, asked_at=said_at(parts), album=ask.album)
        return True

    async def _join(self, parts: Sequence[tuple[Errand, Ask]]) -> Run | None:
        errand, ask = parts[0]
        whole = gathered([each for _, each in parts])
        late = LateParts(
            tuple((each.inbox_id, each.request.message_id) for each, _ in parts),
            errand.chat,
            errand.request.user_id,
            album=ask.album,
            sent_at=errand.request.sent_at,
            within_s=_WITHIN_S,
            words=whole.prompt,
            attachments=_usable(errand, whole.attachments),
        )
        run = await self._requests.join(late, now=self._clock())
        if run is not None and run.state is RunState.QUEUED:
            _log.info("run.joined", run=run.id, parts=len(parts))
        return run


def said_at(parts: Sequence[tuple[Errand, Ask]]) -> int | None:
    """When the last of these was said, by the chat's clock."""
    return max((errand.request.sent_at for errand, _ in parts if errand.request.sent_at is not None), default=None)


def _usable(errand: Errand, files: tuple[Attachment, ...]) -> tuple[Attachment, ...]:
    """The files as they are taken; spoken words that nobody can listen to are saved, since the prompt needs no more."""
    usable = sorted_out(files, can_listen=bool(errand.policy.transcribe_cmd))
    if usable is not None:
        return usable
    spoken = (AttachmentKind.VOICE, AttachmentKind.AUDIO)
    return tuple(replace(file, kind=AttachmentKind.DOCUMENT) if file.kind in spoken else file for file in files)
