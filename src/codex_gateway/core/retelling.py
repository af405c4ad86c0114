"""What a person is told of a turn that was asked for elsewhere: a fold over what is seen of it; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from codex_gateway.core.event import Message
from codex_gateway.core.ids import BotName
from codex_gateway.core.narration import Narration
from codex_gateway.core.outcome import Answered, Failed
from codex_gateway.core.reply import OutsideEnd, OutsidePrompt, OutsideWords, Reply
from codex_gateway.core.sighting import Asked, BrokenOff, Ending, Interrupted, Sighting, TurnOver


@dataclass(slots=True)
class Retelling:
    """One turn. `bot` is the one that it was asked for through, None for a terminal.

    `told_to_bytes` is the offset up to which an earlier life of ours has told the session.
    """

    bot: BotName | None
    shows_commentary: bool
    told_to_bytes: int
    #: Begun anew in each life: what it held back was not told, though something behind it may have been.
    _narration: Narration = field(default_factory=Narration)
    _was_asked: bool = False

    def hear(self, sighting: Sighting) -> list[Reply]:
        """What is to be said once this was seen."""
        replies: list[Reply] = []
        match sighting.fact:
            case Asked(text=text):
                self._was_asked = True
                self._narration.interrupt()
                replies += self._commentary()
                replies.append(OutsidePrompt(self.bot, text))
            case Message(text=text) if sighting.turn.turn_id is None:
                replies.append(OutsideWords(text))  # there will be no end to tell which message was the answer
            case Message() as message:
                self._narration.hear(message, sighting.offset_bytes)
                replies += self._commentary()
            case TurnOver(ending=ending):
                replies += self._commentary()
                replies += self._end(ending)
            case _:
                assert_never(sighting.fact)
        return replies if sighting.offset_bytes > self.told_to_bytes else []

    def _commentary(self) -> list[Reply]:
        text, _ = self._narration.take()
        return [OutsideWords(text)] if text and self.shows_commentary else []

    def _end(self, ending: Ending) -> list[Reply]:
        said = self._narration.last_words
        match ending:
            case Answered(text=text):
                answer = text or said or ""
                if answer.strip():
                    return [OutsideWords(answer)]
                return [OutsideEnd(None)] if self._was_asked else []  # a compaction by hand, say, is a turn as well
            case Failed() | Interrupted() | BrokenOff():
                return [*([OutsideWords(said)] if said else []), OutsideEnd(ending)]
            case _:
                assert_never(ending)
