"""Replies that quote, and messages that are changed, over HTTP with the service as a process of its own."""

from __future__ import annotations

from pathlib import Path

from support.codex_lab import SCRIPTED
from support.house import House, house


def prompts(it: House) -> list[str]:
    return [str(prompt) for (prompt,) in it.query("SELECT prompt FROM runs ORDER BY id")]


async def test_a_reply_quotes_what_it_replies_to_but_no_status_message(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        chat = it.bot().chat
        first = it.say("@say one\n\ntwo")
        await it.verdict(first)
        [answer] = it.answers_to(first)
        reply = chat.say(it.owner, "what is two?", reply_to=answer)
        await it.verdict(reply)
        to_status = chat.say(it.owner, "and that?", reply_to=it.status_of(first))
        await it.verdict(to_status)
        to_own = chat.say(it.owner, "again", reply_to=first)
        await it.verdict(to_own)
        long = chat.say(it.owner, "x" * 3000)
        await it.verdict(long)
        to_long = chat.say(it.owner, "short", reply_to=long)
        await it.verdict(to_long)
        assert prompts(it) == [
            "@say one\n\ntwo",
            "> one\n\nwhat is two?",
            "and that?",
            "> @say one\n>\n> two\n\nagain",
            "x" * 3000,
            "> " + "x" * 999 + "…\n\nshort",
        ]


async def test_an_edit_changes_a_prompt_that_waits_and_no_other(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        chat = it.bot().chat

        async def said(text: str) -> None:
            await it.see(lambda: chat.messages[-1].text == text)

        at_work = it.say("@hang")
        await it.see(lambda: it.query("SELECT 1 FROM attempts WHERE pid IS NOT NULL"))
        waits = it.say("@say frist")
        await it.see(lambda: len(it.query("SELECT id FROM runs")) == 2)
        await it.nothing_in_flight()
        chat.edit(waits, "@say first")
        await said("✏️ The prompt that waits is changed.")
        chat.edit(at_work, "@say never mind")
        await said("That prompt is being worked at already: send the changed one as a new message.")
        it.say("/stop")
        await it.verdict(waits)
        assert [answer.text for answer in it.answers_to(waits)][-1] == "first"
        chat.edit(waits, "@say second")
        await said("That prompt has been run already: send the changed one as a new message.")
        assert prompts(it) == ["@hang", "@say first"]
        # a command that is changed, and a message that never was a prompt, bring nothing about, and that is said
        command = it.say("/whoami")
        await it.see(lambda: any(message.reply_to is command for message in chat.messages))
        chat.edit(command, "/stop")
        chat.edit(command, "@say from a command")
        told = "An edited message starts nothing: send it as a new one."
        await it.see(lambda: [message.text for message in chat.messages].count(told) == 2)
