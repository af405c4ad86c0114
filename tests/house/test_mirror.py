"""What a person does in the terminal is seen in the chat, once and in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.codex_lab import ALL, Cli
from support.house import House, house


def texts(it: House, bot: str = "alpha") -> list[str]:
    """What the bot has said, without the status messages of its runs."""
    said = [message.text for message in it.bot(bot).chat.messages]
    return [text for text in said if not text.startswith(("⏳", "⚙️", "✅", "❌", "⏹"))]


def typed(prompt: str) -> str:
    return f"🖥 In the terminal:\n{prompt}"


@pytest.mark.parametrize("cli", ALL)
async def test_turns_by_hand_are_seen_in_the_chat_and_runs_are_not_repeated(tmp_path: Path, cli: Cli) -> None:
    async with house(tmp_path, cli) as it:
        await it.start()
        await it.verdict(it.say("@comment on my way\n@sh true\n@say ours"))
        by_hand = "@comment looking\n@sh true\n@say by **hand**"
        assert await it.at_terminal(by_hand) == 0
        await it.see(lambda: "by hand" in texts(it))
        await it.verdict(it.say("@say ours again"))
        assert await it.at_terminal("@say more") == 0
        await it.see(lambda: "more" in texts(it))
        expected = ["on my way", "ours", typed(by_hand), "looking", "by hand", "ours again", typed("@say more"), "more"]
        assert texts(it) == expected
