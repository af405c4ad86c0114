"""What the person has seen of the chat and what is new: settled messages once, those at work again and again."""

from __future__ import annotations

from dataclasses import dataclass, field

from codex_gateway.demo.bot_api import Button, Chat, Message, Press
from codex_gateway.demo.stage import is_at_work
from codex_gateway.demo.terminal.bubbles import bubble, edit
from codex_gateway.demo.terminal.lines import Line, Style, wrapped
from codex_gateway.demo.terminal.width import harmless


@dataclass(slots=True)
class View:
    """One person's window on the chat. Buttons have numbers, so that they can be pressed."""

    chat: Chat
    _versions_seen: dict[int, int] = field(default_factory=dict)
    _numbers: dict[tuple[int, str], int] = field(default_factory=dict)
    _presses: list[Press] = field(default_factory=list)

    def settled(self, *, columns: int) -> list[Line]:
        """What has become final since the last call, to be shown once."""
        lines: list[Line] = []
        for message in self.chat.timeline:
            seen = self._versions_seen.get(message.id, 0)
            if seen == len(message.versions) or is_at_work(message) or message.deleted:
                continue
            if seen and message.is_from_bot:
                lines += edit(message, message.content, columns=columns, style=Style.PLAIN, label=self._label)
            else:
                lines += bubble(message, message.content, columns=columns, label=self._label)
            lines.append(())
            self._versions_seen[message.id] = len(message.versions)
        return lines + self._answers_to_presses(columns)

    def living(self, *, columns: int) -> list[Line]:
        """The status messages of what runs and waits, as they are now."""
        lines: list[Line] = []
        for message in self.chat.messages:
            if is_at_work(message):
                lines += [*bubble(message, message.content, columns=columns, label=self._label), ()]
        return lines

    def button(self, number: int) -> tuple[Message, str]:
        """The message and the text of the button with that number. Raises LookupError if it is not shown any more."""
        for message in self.chat.messages:
            for button in message.buttons:
                if self._numbers.get(_key(message, button)) == number:
                    return message, button.text
        raise LookupError(f"there is no button #{number}")

    def pressed(self, press: Press) -> None:
        """Show what the bot answers to it, once it does."""
        self._presses.append(press)

    def _label(self, message: Message, button: Button) -> str:
        number = self._numbers.setdefault(_key(message, button), len(self._numbers) + 1)
        return f"[{harmless(button.text)} #{number}]"

    def _answers_to_presses(self, columns: int) -> list[Line]:
        answered = [press for press in self._presses if press.answer is not None]
        self._presses = [press for press in self._presses if press.answer is None]
        texts = [press.answer.text for press in answered if press.answer is not None and press.answer.text]
        return [pieces for text in texts for pieces in (*note(text, columns=columns), ())]


def note(text: str, *, columns: int) -> list[Line]:
    """Lines that are nobody's message, each wrapped by itself."""
    return [pieces for row in text.split("\n") for pieces in wrapped([(c, Style.DIM) for c in harmless(row)], columns)]


def _key(message: Message, button: Button) -> tuple[int, str]:
    return message.id, button.data or button.text
