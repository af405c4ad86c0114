"""What a bot's owner has decided, as far as the hall must know it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

from codex_gateway.core.ids import BotName, ChatRef, ThreadId, UserId
from codex_gateway.core.manner import Detail
from codex_gateway.core.watchdog import Limits


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the person is told of progress, in seconds; a tick of 0 is off.

    A turn that was silent for a tick is looked at, and so is a command that runs, at every tick.
    """

    flush_interval_s: float = 1.5
    tick_interval_s: float = 15.0
    #: The least time between two pieces of reasoning.
    reasoning_throttle_s: float = 10.0


@dataclass(frozen=True, slots=True)
class BotPolicy:
    """One bot: whom it heeds, which session it is bound to, what its runs may take.

    `resume_id` None leaves the binding to what was kept, or to the first prompt.
    """

    bot: BotName
    allowed_user_ids: frozenset[UserId]
    allowed_chat_ids: frozenset[int]
    workdir: Path
    codex_home: Path
    resume_id: ThreadId | None = None
    limits: Limits = field(default_factory=Limits)
    pace: Pace = field(default_factory=Pace)
    #: Whether what Codex says on the way is passed on.
    shows_commentary: bool = True
    #: Whether what a run is at is shown in drafts, where the chat has them.
    shows_drafts: bool = False
    #: Whether the summary of what the model thinks is shown.
    shows_reasoning: bool = False
    #: Whether turns of its session that were not asked for through it are passed on.
    mirrors_outside_turns: bool = True
    #: The folder of the work directory, relative to it, in which files from the chat are saved.
    inbox_dir: str = "codex-inbox"
    #: The command that prints the words of a sound file, which stands in it for {file}; empty = there is none.
    transcribe_cmd: tuple[str, ...] = ()
    #: How long the rest of a prompt that looks unfinished is waited for; 0 = not at all.
    paste_window_s: float = 1.0

    def heeds(self, user_id: UserId, chat: ChatRef, *, is_private: bool) -> bool:
        """Whether this person may speak to the bot in this place: a group must be listed, and so must the person."""
        return user_id in self.allowed_user_ids and (is_private or chat.chat_id in self.allowed_chat_ids)

    def reaches(self, chat_id: int) -> bool:
        """Whether the bot may begin to speak there; a chat of two has the id of its person."""
        return chat_id in self.allowed_user_ids or chat_id in self.allowed_chat_ids

    def tells_commentary(self, detail: Detail) -> bool:
        """Whether a chat that wants so much detail hears what Codex says on the way."""
        return _tells(detail, normally=self.shows_commentary)

    def tells_reasoning(self, detail: Detail) -> bool:
        """Whether such a chat sees the summary of what the model thinks."""
        return _tells(detail, normally=self.shows_reasoning)


def _tells(detail: Detail, *, normally: bool) -> bool:
    match detail:
        case Detail.FINAL:
            return False
        case Detail.NORMAL:
            return normally
        case Detail.VERBOSE:
            return True
        case _:
            assert_never(detail)
