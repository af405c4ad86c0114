"""A message that the chat does not take in its form is said in another one, in the same place, once."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

from codex_gateway.core.errors import ChatUnreachable, FormRefused
from codex_gateway.core.ids import ChatRef, MessageRef
from codex_gateway.core.ports import Parcel
from support.hall import KeptChat, hall, until


@dataclass
class PlainChat(KeptChat):
    """Takes no answer that has a star in it, but the same text in two messages; `cuts` fail in mid-air first."""

    cuts: int = 0
    tries: int = 0

    async def send(self, chat: ChatRef, parcel: Parcel, *, reply_to: int | None) -> MessageRef:
        text = str(json.loads(parcel))
        if text.startswith("answer: ") and "*" in text:
            self.tries += 1
            if self.tries <= self.cuts:
                raise ChatUnreachable("reset", uncertain=False)
            plain = text.replace("*", "").removeprefix("answer: ")
            halves = (f"answer: {plain[:6]}", f"answer: {plain[6:]}")
            raise FormRefused("no stars", instead=tuple(Parcel(json.dumps(half)) for half in halves))
        return await super().send(chat, parcel, reply_to=reply_to)


async def test_the_other_form_goes_out_in_the_place_of_the_first_before_what_waits_behind_it(tmp_path: Path) -> None:
    chat = PlainChat(chunk=14, cuts=1)
    async with hall(tmp_path, chat=chat) as it:
        asked = await it.say("*one* two three four")
        await it.settled(1)
        assert chat.answers() == ["echo: ", "one tw", "o three four"], "in order, nothing twice, nothing lost"
        assert [sent.reply_to for sent in chat.sent if sent.text.startswith("answer")] == [asked, None, None]
        rows = await it.query("SELECT kind, state, error, replaces FROM outbox ORDER BY id")
        assert rows[1:] == [
            ("answer", "refused", "no stars", None),
            ("answer", "sent", None, None),
            ("verdict", "sent", None, None),
            ("answer", "sent", None, 2),
            ("answer", "sent", None, 2),
        ]


async def test_a_restart_between_the_parts_of_the_other_form_sends_none_of_them_twice(tmp_path: Path) -> None:
    chat = PlainChat()
    async with hall(tmp_path, chat=chat) as it:
        chat.faults = []
        sending = asyncio.Event()
        usual = chat._fail

        async def fail(chat_id: int) -> None:
            if chat.answers():
                sending.set()
                await asyncio.Event().wait()
            await usual(chat_id)

        chat._fail = fail  # type: ignore[method-assign]
        await it.say("*one* two")
        await until(sending.is_set)
        chat._fail = usual  # type: ignore[method-assign]
    async with hall(tmp_path, chat=chat) as it:
        await it.settled(1)
        assert chat.answers() == ["echo: ", "one two"]
        assert chat.tries == 1


class NarrowChat(KeptChat):
    """Takes no answer of more than three characters, but its halves."""

    async def send(self, chat: ChatRef, parcel: Parcel, *, reply_to: int | None) -> MessageRef:
        text = str(json.loads(parcel))
        if (said := text.removeprefix("answer: ")) != text and len(said) > 3:
            middle = (len(said) + 1) // 2
            halves = (f"answer: {said[:middle]}", f"answer: {said[middle:]}")
            raise FormRefused("too long", instead=tuple(Parcel(json.dumps(half)) for half in halves))
        return await super().send(chat, parcel, reply_to=reply_to)


async def test_a_form_that_is_refused_in_its_turn_keeps_its_place_too(tmp_path: Path) -> None:
    chat = NarrowChat(chunk=14)
    async with hall(tmp_path, chat=chat) as it:
        await it.say("abcdefghijklmnopqrstuvwxyz")
        await it.settled(1)
        assert "".join(chat.answers()) == "echo: abcdefghijklmnopqrstuvwxyz"
        assert max(len(part) for part in chat.answers()) <= 3
