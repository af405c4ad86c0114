"""Which of the agent's messages are said on the way, and which one is the answer; pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from codex_gateway.core import event as ev


@dataclass(slots=True)
class Narration:
    """Collects commentary until it is taken.

    A message of unknown phase is held back: it was commentary if something else follows, and the answer if nothing
    does. `said_to_bytes` is the offset up to which an earlier life of ours had passed commentary on already.
    """

    said_to_bytes: int = 0
    _ready: list[str] = field(default_factory=list)
    _ready_to_bytes: int = 0
    _held: tuple[str, int] | None = None
    #: The final answer, if the agent has marked one.
    answer: str | None = None

    def hear(self, event: ev.Event, offset_bytes: int) -> None:
        """Take note of the next event."""
        match event:
            case ev.Message(text=text, phase=ev.Phase.FINAL_ANSWER):
                self._release()
                self.answer = text
            case ev.Message(text=text, phase=ev.Phase.UNKNOWN):
                self._release()
                self._held = (text, offset_bytes)
            case ev.Message(text=text):
                self._release()
                self._add(text, offset_bytes)
            case ev.CommandStarted() | ev.FileChanged() | ev.Reasoning():
                self._release()
            case _:
                pass

    def interrupt(self) -> None:
        """Something else was said in between: what was held back was not the answer."""
        self._release()

    @property
    def pending(self) -> str:
        """What was said and not taken yet, be it commentary or what may turn out to be the answer."""
        held = [] if self._held is None or self._held[1] <= self.said_to_bytes else [self._held[0].strip()]
        return "\n\n".join([*self._ready, *held])

    @property
    def is_ready(self) -> bool:
        return bool(self._ready)

    def take(self) -> tuple[str, int]:
        """What was said since the last time, and the offset up to which this tells it."""
        text = "\n\n".join(self._ready)
        self._ready.clear()
        return text, self._ready_to_bytes

    def put_back(self, text: str) -> None:
        """It could not be passed on: say it with what comes next."""
        self._ready.insert(0, text)

    @property
    def last_words(self) -> str | None:
        """The answer as far as it was given: the marked one, else the last message."""
        return self.answer if self.answer is not None else (self._held[0] if self._held else None)

    def _release(self) -> None:
        if self._held is not None:
            text, offset_bytes = self._held
            self._held = None
            self._add(text, offset_bytes)

    def _add(self, text: str, offset_bytes: int) -> None:
        if offset_bytes > self.said_to_bytes and text.strip():
            self._ready.append(text.strip())
            self._ready_to_bytes = offset_bytes
