"""The queue as people see it: over HTTP, with buttons."""

from __future__ import annotations

from pathlib import Path

from support.codex_lab import SCRIPTED
from support.house import house


async def test_the_queue_is_rearranged_by_its_buttons(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        chat = it.bot().chat
        long = it.say("@sh sleep 600\n@say never")
        await it.sees_process("sleep\x00600")
        two, three, four = it.say("@say two"), it.say("@say three"), it.say("@say four")
        await it.see(lambda: any("3 ahead" in message.text for message in chat.messages))
        asked = it.say("/queue")
        await it.see(lambda: chat.messages[-1].reply_to is asked)
        listed = chat.messages[-1]
        assert [button.text for button in listed.buttons] == [
            "✖ 1. Take out",
            "✖ 2. Take out",
            "⬆ 2. Move up",
            "✖ 3. Take out",
            "⬆ 3. Move up",
        ]
        pressed = chat.press(it.owner, listed, "⬆ 3. Move up")
        await it.see(lambda: listed.text.index("four") < listed.text.index("three"))
        await it.see(lambda: pressed.answer is not None)
        await it.see(lambda: "2 ahead" in it.status_of(four).text and "3 ahead" in it.status_of(three).text)

        drop_two = next(button.data for button in listed.buttons if button.text == "✖ 1. Take out")
        chat.press(it.owner, listed, "✖ 1. Take out")
        assert "Taken out of the queue" in await it.verdict(two)
        await it.see(lambda: "1 ahead" in it.status_of(four).text and "2 ahead" in it.status_of(three).text)
        assert drop_two is not None
        chat.press(it.owner, listed, drop_two, stale=True)
        await it.see(lambda: any("does not wait here any more" in message.text for message in chat.messages))

        it.say("/stop")
        assert (await it.verdict(long)).startswith("⏹")
        for asked, answer in ((four, "four"), (three, "three")):
            await it.verdict(asked)
            assert [message.text for message in it.answers_to(asked)] == [answer]
        assert it.answers_to(four)[0].id < it.answers_to(three)[0].id


async def test_stop_and_clear_leave_nothing_to_run(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        chat = it.bot().chat
        first = it.say("@sh sleep 600\n@say never")
        await it.sees_process("sleep\x00600")
        held = it.say("@sh sleep 601\n@say nor this")
        last = it.say("@say nor that")
        await it.see(lambda: any("2 ahead" in message.text for message in chat.messages))
        stop = it.say("/stop")
        await it.verdict(first)
        await it.sees_process("sleep\x00601")
        [offer] = it.answers_to(stop)
        chat.press(it.owner, offer, "🧹 Clear the queue too")
        await it.see(lambda: offer.text == "Taken out of the queue: 1 prompt.")
        assert offer.buttons == []
        assert "Taken out of the queue" in await it.verdict(last)
        it.say("/stop")
        assert (await it.verdict(held)).startswith("⏹")
        assert it.query("SELECT count(*) FROM runs WHERE state = 'queued'") == [(0,)]


async def test_buttons_of_the_queue_pressed_twice_by_a_stranger_or_too_late_do_nothing_more(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        await it.start()
        chat = it.bot().chat
        long = it.say("@sh sleep 600\n@say never")
        await it.sees_process("sleep\x00600")
        two, three, four = it.say("@sh sleep 601\n@say two"), it.say("@say three"), it.say("@say four")
        await it.see(lambda: any("3 ahead" in message.text for message in chat.messages))
        asked = it.say("/queue")
        await it.see(lambda: chat.messages[-1].reply_to is asked)
        listed = chat.messages[-1]
        at_first = {button.text: button.data or "" for button in listed.buttons}

        async def pressed(data: str, words: str) -> None:
            said = len(chat.messages)
            chat.press(it.owner, listed, data, stale=True)
            await it.see(lambda: len(chat.messages) > said)
            assert words in chat.messages[-1].text

        mallory = it.server.person("Mallory")
        for data in at_first.values():
            chat.press(mallory, listed, data, stale=True)
        up_four = at_first["⬆ 3. Move up"]
        for _ in range(2):
            chat.press(it.owner, listed, up_four, stale=True)
        await it.see(lambda: listed.text.index("four") < listed.text.index("601") < listed.text.index("three"))
        await pressed(up_four, "next one already")
        await it.see(
            lambda: [it.status_of(each).text.split()[3] for each in (four, two, three)] == ["1", "2", "3"],
        )
        assert it.query("SELECT state FROM runs ORDER BY id") == [("running",)] + [("queued",)] * 3

        chat.press(it.owner, listed, at_first["✖ 2. Take out"], stale=True)  # three's, whatever place it has now
        assert "Taken out of the queue" in await it.verdict(three)
        await pressed(at_first["✖ 2. Take out"], "does not wait here any more")
        stop = it.say("/stop")
        await it.verdict(long)
        [offer] = it.answers_to(stop)
        assert [button.text for button in offer.buttons] == ["🧹 Clear the queue too"]
        assert (await it.verdict(four)).startswith("✅")
        await it.sees_process("sleep\x00601")
        for name in ("✖ 1. Take out", "⬆ 2. Move up"):  # two's, which has begun, and three's, which is gone
            await pressed(at_first[name], "does not wait here any more")
        await pressed(offer.buttons[0].data or "", "Nothing of that waits any more")
        it.say("/stop")
        assert (await it.verdict(two)).startswith("⏹ Stopped by you")
