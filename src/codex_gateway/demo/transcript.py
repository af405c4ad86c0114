"""The demo with no terminal: a conversation is played, and each message written once nothing more will become of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TextIO

from codex_gateway.demo.bot_api import Chat
from codex_gateway.demo.conversation import play
from codex_gateway.demo.stage import Cast, Stage, StageBroken, is_at_work
from codex_gateway.demo.terminal.bubbles import history
from codex_gateway.demo.terminal.lines import Line, written

#: A session's id differs from run to run in all but its beginning, which is the date.
_UUID = re.compile(r"\b([0-9a-f]{4})[0-9a-f]{4}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
#: What a README and a terminal show without wrapping.
_COLUMNS = 78


class ReaderGone(Exception):
    """Nobody reads the transcript any more, as after `| head`."""


async def perform(cast: Cast, out: TextIO) -> None:
    """Play the conversation and write its transcript to `out`, in colour on a terminal.

    Raises StageBroken as soon as something does not come as it should, after writing what came until then; ReaderGone
    when there is nobody to write for.
    """

    def write(text: str) -> None:
        try:
            print(text, file=out, flush=True)
        except BrokenPipeError as error:
            raise ReaderGone from error

    async with Stage.open(cast) as stage:
        transcript = Transcript(stage.chat, write, columns=_COLUMNS, colour=out.isatty())
        try:
            await play(stage, transcript.catch_up)
        except StageBroken:
            transcript.catch_up(whole=True)
            raise


@dataclass(slots=True)
class Transcript:
    """Writes in the order of the chat; a message that is at work holds up what comes after it."""

    chat: Chat
    write: Callable[[str], None]
    columns: int
    colour: bool
    _told: int = 0

    def catch_up(self, *, whole: bool = False) -> None:
        """Write what is settled by now; with `whole` also what is not."""
        for message in self.chat.timeline[self._told :]:
            if is_at_work(message) and not whole:
                return
            self._told += 1
            if not message.deleted:
                for pieces in (*history(message, columns=self.columns), ()):
                    self.write(written(_with_short_ids(pieces), colour=self.colour))


def _with_short_ids(pieces: Line) -> Line:
    return tuple(replace(piece, text=_UUID.sub(r"\1…", piece.text)) for piece in pieces)
