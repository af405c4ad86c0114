"""Prompts that can be told apart, and the accounts that must balance when all of them have ended."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pytest

from codex_gateway.demo.bot_api import Chat, Message, Person
from support.codex_lab import Cli
from support.house import Bot, House, is_status, marked

#: What a status message shows for each state that a run ends in.
VERDICTS = {"succeeded": "✅", "failed": "❌", "stopped": "⏹"}

#: A turn that ignores signals, and leaves something behind in a session of its own.
STUBBORN = """@sh bash -c 'trap "" INT TERM; sleep 1000 & setsid sleep 1000 & wait'"""


def number_from_environment(name: str, default: int) -> int:
    """A number that makes a test longer or shorter."""
    return int(os.environ.get(name) or default)


def chance() -> random.Random:
    """A source of chance; its seed is printed, and makes the same choices again when given as TORTURE_SEED."""
    number = number_from_environment("TORTURE_SEED", random.SystemRandom().randrange(1_000_000))
    print(f"TORTURE_SEED={number}")
    return random.Random(number)


def plumbed(cases: Iterable[tuple[Cli, bool]]) -> pytest.MarkDecorator:
    """Run a test with each of these as `cli`, with a terminal or without as `pty`."""
    return pytest.mark.parametrize(
        ("cli", "pty"),
        [
            pytest.param(
                cli, pty, id=f"{cli}-{'pty' if pty else 'pipes'}", marks=[pytest.mark.real_codex] if cli.real else []
            )
            for cli, pty in cases
        ],
    )


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One prompt, in the chat of one person with a bot."""

    bot: Bot
    chat: Chat
    person: Person
    message: Message

    @property
    def statuses(self) -> list[Message]:
        """The status message of its run; more than one if a sending was repeated."""
        return [reply for reply in self._replies if is_status(reply)]

    @property
    def others(self) -> list[Message]:
        """What else replies to it: the first message of its answer, or what a command says."""
        return [reply for reply in self._replies if not is_status(reply)]

    @property
    def answers(self) -> list[str]:
        return [reply.text for reply in self.others]

    @property
    def has_verdict(self) -> bool:
        return any(status.text.startswith(tuple(VERDICTS.values())) for status in self.statuses)

    @property
    def _replies(self) -> list[Message]:
        return [message for message in self.chat.messages if message.reply_to is self.message]


def people(it: House, count: int) -> list[Person]:
    """So many people whom the bots heed, the owner among them: each has a chat, and an allowance, of their own."""
    it.guests += [it.server.person(f"Guest {number}") for number in range(len(it.guests) + 1, count)]
    return [it.owner, *it.guests]


def ask(it: House, bot: Bot, prompt: str, person: Person | None = None) -> Asked:
    """A person, the owner unless told otherwise, writes to a bot."""
    person = person or it.owner
    chat = it.server.private_chat(person, bot.account)
    return Asked(bot, chat, person, chat.say(person, prompt))


def press_stop(asked: Asked) -> None:
    """Press the Stop button of its status message, unless it is gone by now."""
    for status in asked.statuses:
        for button in status.buttons:
            if button.data is not None and button.data.startswith("stop:"):
                asked.chat.press(asked.person, status, button.data)


async def until(condition: Callable[[], object], *, limit_s: float) -> None:
    """Wait for what no chat tells."""
    async with asyncio.timeout(limit_s):
        while not condition():
            await asyncio.sleep(0.005)


def processes_with(it: House, words: str) -> list[int]:
    """The processes of the house that have these words, separated by NUL, in their command line."""
    return [pid for pid, line in _command_lines(it) if words.encode() in line]


def told_as_settled(it: House, asked: list[Asked]) -> Counter[str]:
    """Every run has ended, and its status message says how; returns how many ended in each state."""
    rows = it.query(
        "SELECT r.bot, r.chat_id, r.prompt_message_id, r.state, r.stop_reason, s.message_id, s.is_repeated, s.state"
        " FROM runs r JOIN outbox s ON s.run_id = r.id AND s.kind = 'status'"
    )
    by_prompt = {(bot, chat_id, message_id): rest for bot, chat_id, message_id, *rest in rows}
    assert len(by_prompt) == len(rows) == len(asked), "one run for each prompt"
    for one in asked:
        state, reason, status_id, is_repeated, fate = by_prompt[one.bot.name, one.chat.id, one.message.id]
        assert fate == "sent", (one.message.text, fate)
        told = {status.id: status.text for status in one.statuses}
        assert told.get(status_id, "").startswith(VERDICTS[state]), (one.message.text, state, told)
        assert len(told) == 1 or is_repeated, (one.message.text, told)
        assert (reason is not None) == (state == "stopped"), (one.message.text, state, reason)
    assert it.query("SELECT count(*) FROM attempts WHERE ended_at IS NULL") == [(0,)]
    return Counter(state for state, *_ in by_prompt.values())


def _command_lines(it: House) -> Iterator[tuple[int, bytes]]:
    from pathlib import Path

    for pid in marked(it.mark):
        try:
            yield pid, Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
