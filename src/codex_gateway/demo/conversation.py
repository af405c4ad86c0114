"""The conversation that the demo plays when nobody is there to talk: what is said, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from codex_gateway.demo.bot_api import Message
from codex_gateway.demo.sample import LOOK_AROUND, WAIT_FOR_NEWS, WHICH_PYTHON
from codex_gateway.demo.stage import Stage, is_at_work

T = TypeVar("T")

#: For one step, on a slow machine.
_LIMIT_S = 30.0


async def play(stage: Stage, on_change: Callable[[], None]) -> None:
    """Talk to the bot from the first prompt to the last answer. `on_change` is called whenever something has settled.

    Raises StageBroken as soon as something does not come as it should.
    """
    scene = _Scene(stage)
    look = stage.say(LOOK_AROUND)
    await scene.until(lambda: scene.speaks_or_is_done(look), "What Codex says on its way")
    which = stage.say(WHICH_PYTHON)
    await scene.verdict(look, "✅")
    on_change()
    if not (await scene.verdict(which, "✅")).versions[0].content.text.startswith("⏳ Queued"):
        raise stage.broken("The second prompt was not queued behind the first.")
    answer = (await scene.until(lambda: scene.replies(which)[1:], "The second answer"))[-1]
    on_change()

    wait = stage.say(WAIT_FOR_NEWS)
    await scene.until(lambda: scene.speaks_or_is_done(wait), "What Codex says while it waits")
    await scene.reply("/stop")
    await scene.verdict(wait, "⏹")
    on_change()

    await scene.reply("/status")
    on_change()
    if (await scene.reply("/lastresult")).text != answer.text:
        raise stage.broken("/lastresult did not say the last answer.")
    on_change()


@dataclass(frozen=True, slots=True)
class _Scene:
    stage: Stage

    async def until(self, condition: Callable[[], T], what: str) -> T:
        return await self.stage.until(condition, what, limit_s=_LIMIT_S)

    def replies(self, asked: Message) -> list[Message]:
        """What the bot answered to it: to a prompt first the status message, then the answer."""
        return [message for message in self.stage.chat.messages if message.reply_to is asked]

    def speaks_or_is_done(self, asked: Message) -> bool:
        """Whether the bot has said more to a prompt than its status, or will say no more."""
        replies = self.replies(asked)
        return bool(replies) and (self.stage.chat.messages[-1] is not replies[0] or not is_at_work(replies[0]))

    async def verdict(self, asked: Message, mark: str) -> Message:
        """The status message of a prompt once it is over, which must begin with the mark."""
        shown = await self.until(
            lambda: [message for message in self.replies(asked)[:1] if not is_at_work(message)],
            f"The end of “{asked.text}”",
        )
        if not shown[0].text.startswith(mark):
            raise self.stage.broken(f"“{asked.text}” should end with {mark}; it is: {' '.join(shown[0].text.split())}")
        return shown[0]

    async def reply(self, command: str) -> Message:
        asked = self.stage.say(command)
        return (await self.until(lambda: self.replies(asked), f"A reply to {command}"))[0]
