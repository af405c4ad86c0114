"""Very long answers and rich ones over HTTP, and what comes where the server refuses them."""

from __future__ import annotations

from pathlib import Path

from codex_gateway.demo.bot_api import Fault, Message
from codex_gateway.demo.script import markdown
from support.codex_lab import SCRIPTED
from support.house import house


async def test_past_the_limit_an_answer_is_a_message_and_a_file_and_lastresult_says_it_again(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.write_config(answer_max_messages=4)
        await it.start()
        asked = it.say("@answer 30000")
        await it.verdict(asked)
        await it.see(lambda: len(it.bot().chat.messages) >= 3)
        status = it.status_of(asked)
        first, file = [message for message in it.bot().chat.messages if message is not status]
        assert first.reply_to is asked and 1000 < len(first.text) <= 3500
        assert [button.data for message in (first, file) for button in message.buttons] == [], (
            "buttons stay on the verdict"
        )
        _is_whole(file, "run-1-answer-30000.md")
        again = it.say("/lastresult")
        await it.see(lambda: len(it.bot().chat.messages) >= 5)
        assert it.answers_to(again)[0].text == first.text
        _is_whole(it.bot().chat.messages[-1], "run-1-answer-30000.md")


def _is_whole(file: Message, name: str) -> None:
    assert file.document is not None and file.document.name == name
    assert file.document.data.decode() == markdown(30_000)
    assert file.text.startswith("📄 The whole answer, 30 kB.")


async def test_a_chat_that_asks_for_rich_answers_gets_them_and_text_where_they_are_refused(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        it.say("/format rich")
        await it.see(lambda: len(it.bot().chat.messages) >= 1)
        asked = it.say("@say # Title\\n\\na `List<String>`")
        await it.verdict(asked)
        await it.see(lambda: it.answers_to(asked))
        [rich] = it.answers_to(asked)
        assert rich.rich is not None
        assert rich.rich["html"] == "<h1>Title</h1><p>a <code>List&lt;String&gt;</code></p>"
        refusal = Fault.refusal(status=400, description="Bad Request: RICH_MESSAGE_INVALID", method="sendRichMessage")
        it.server.inject(refusal, times=None)
        again = it.say("/lastresult")
        await it.see(lambda: it.answers_to(again))
        [text] = it.answers_to(again)
        assert (text.rich, text.text) == (None, "Title\n\na List<String>")
        it.say("/format text")
        await it.see(lambda: len(it.bot().chat.messages) >= 5)
        last = it.say("@say **plain**")
        await it.verdict(last)
        await it.see(lambda: it.answers_to(last))
        assert [message.text for message in it.answers_to(last)] == ["plain"]
