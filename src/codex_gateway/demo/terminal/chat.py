"""The demo on a terminal: a person types, the bot answers, and what Codex is at is seen in place."""

from __future__ import annotations

import asyncio
import functools
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from codex_gateway.demo import sample
from codex_gateway.demo.stage import Cast, Stage
from codex_gateway.demo.terminal import tty
from codex_gateway.demo.terminal.keys import Input, Key, Keyboard
from codex_gateway.demo.terminal.pen import Pen
from codex_gateway.demo.terminal.screen import Screen, room_for_writing
from codex_gateway.demo.terminal.view import View, note

#: How long nothing need happen before the chat is looked at all the same, in seconds.
_LOOK_S = 60.0
#: The last column stays free: terminals differ in what they do after a character there, and in how wide emoji are.
_SPARE = 2
_BUTTON = re.compile(r"#([0-9]{1,6})")


async def talk(cast: Cast) -> None:
    """Talk until the person leaves, with everything tidied up at the end.

    Raises StageBroken if the service ends by itself. Cancelling leaves as Ctrl-C does.
    """
    async with Stage.open(cast) as stage:
        with tty.keys_one_by_one(sys.stdin.fileno()):
            await _Room(stage, _welcome(cast)).stay()


class _Room:
    """The chat while it lasts."""

    def __init__(self, stage: Stage, welcome: str) -> None:
        self._stage = stage
        self._view = View(stage.chat)
        self._pen = Pen()
        self._keyboard = Keyboard()
        self._screen = Screen()
        #: To be shown at the next drawing, each wrapped to the width of then.
        self._notes = [welcome]
        self._is_left = False
        self._changed = asyncio.Event()

    async def stay(self) -> None:
        """Until the person leaves or the service ends, which raises StageBroken."""
        watching = asyncio.create_task(self._watch(), name="watch the chat")
        service = asyncio.create_task(self._stage.until_ended(), name="watch the service")
        service.add_done_callback(lambda _: self._changed.set())
        try:
            with self._listening():
                self._draw()
                while not self._is_left and not service.done():
                    await self._changed.wait()
                    self._changed.clear()
                    self._draw()
            if service.done():
                await service
        finally:
            with suppress(OSError):  # the terminal may be gone
                tty.write(self._screen.finish(note("Leaving…", columns=_columns()), columns=tty.size().columns))
            watching.cancel()
            service.cancel()
            await asyncio.gather(watching, service, return_exceptions=True)

    async def _watch(self) -> None:
        """Wake the drawing at every change."""
        while True:
            # Not true at the first look, which is now, but at the second, which is after the next change.
            looks = iter((False, True))
            with suppress(TimeoutError):
                await self._stage.server.wait_for(functools.partial(next, looks), timeout_s=_LOOK_S)
            self._changed.set()

    @contextmanager
    def _listening(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        loop.add_reader(sys.stdin.fileno(), self._read)
        loop.add_signal_handler(signal.SIGWINCH, self._changed.set)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGWINCH)
            loop.remove_reader(sys.stdin.fileno())

    def _read(self) -> None:
        try:
            data = os.read(sys.stdin.fileno(), 1 << 16)
        except OSError:  # as after a hang-up
            data = b""
        self._is_left = self._is_left or not data
        for typed in self._keyboard.read(data):
            self._take(typed)
        self._changed.set()

    def _take(self, typed: Input) -> None:
        if typed is Key.INTERRUPT or (typed is Key.END_OF_INPUT and not self._pen.text):
            self._is_left = True
        elif (message := self._pen.take(typed)) is not None:
            self._send(message.strip())

    def _send(self, text: str) -> None:
        if text == "/quit":
            self._is_left = True
        elif button := _BUTTON.fullmatch(text):
            self._press(int(button[1]))
        elif text:
            try:
                self._stage.say(text)
            except ValueError as refusal:
                self._notes.append(f"Not sent: {refusal}.")

    def _press(self, number: int) -> None:
        try:
            self._view.pressed(self._stage.press(*self._view.button(number)))
        except LookupError:
            self._notes.append(f"There is no button #{number} now.")

    def _draw(self) -> None:
        size, columns = tty.size(), _columns()
        settled = [pieces for text in self._notes for pieces in (*note(text, columns=columns), ())]
        settled += self._view.settled(columns=columns)
        self._notes.clear()
        live = self._view.living(columns=columns)
        writing = self._pen.shown(room_for_writing(columns))
        try:
            tty.write(self._screen.draw(settled, live, writing, columns=size.columns, rows=size.lines))
        except OSError:
            self._is_left = True


def _columns() -> int:
    return tty.size().columns - _SPARE


def _welcome(cast: Cast) -> str:
    if cast.codex_home is not None:
        return (
            f"A real gateway and a real Codex; Telegram alone is a stand-in. With YOUR OWN account and settings "
            f"({cast.codex_home}): every prompt is a real turn and costs real tokens. "
            f"It works in {cast.workdir or 'a small sample project'}; {_APPROVALS[cast.approvals]}.\n{_USE}"
        )
    codex = "a scripted Codex" if cast.program is None else f"{cast.program} with a scripted model"
    prompts = (sample.LOOK_AROUND, sample.WHICH_PYTHON, f"{sample.WAIT_FOR_NEWS} (then /stop)")
    return "\n".join(
        (
            f"A real gateway between a stand-in for Telegram and {codex}. Nothing leaves this machine.",
            _USE,
            "These prompts have an answer, anything else is echoed:",
            *(f"  {prompt}" for prompt in prompts),
        )
    )


_USE = "Write, and the bot answers; /help lists its commands, #1 presses button 1, Ctrl-C leaves."
_APPROVALS = {
    1: "it may only read",
    2: "it may write there",
    3: "it may do ANYTHING that you may, with no sandbox and no questions",
}
