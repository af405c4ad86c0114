"""What a bot asks and says about itself."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram import Bot
from aiogram.types import BotCommand, BotCommandScopeChat

from codex_gateway.demo.bot_api import BotAccount, BotApiServer, Chat


async def test_get_me_tells_who_the_bot_is(bot: Bot, alpha: BotAccount) -> None:
    me = await bot.get_me()
    assert (me.id, me.username, me.is_bot) == (alpha.id, "alpha_bot", True)
    assert me.can_read_all_group_messages is False


async def test_bots_have_tokens_of_their_own(server: BotApiServer) -> None:
    tokens = {account.token for account in server.bots}
    assert len(tokens) == 2
    with pytest.raises(LookupError, match="no bot 'gamma'"):
        server.bot("gamma")


async def test_commands_are_kept_by_scope(bot: Bot, alpha: BotAccount, chat: Chat) -> None:
    commands = [BotCommand(command="stop", description="Stop it"), BotCommand(command="new_1", description="x")]
    await bot.set_my_commands(commands)
    await bot.set_my_commands(commands[:1], scope=BotCommandScopeChat(chat_id=chat.id))
    kept = await bot.get_my_commands()
    assert [(command.command, command.description) for command in kept] == [("stop", "Stop it"), ("new_1", "x")]
    assert len(await bot.get_my_commands(scope=BotCommandScopeChat(chat_id=chat.id))) == 1
    assert await bot.get_my_commands(language_code="de") == []
    assert alpha.menu == {"stop": "Stop it", "new_1": "x"}
    await bot.delete_my_commands()
    assert alpha.menu == {}


@pytest.mark.parametrize(
    ("command", "description", "path", "words"),
    [
        ("", "x", "commands[0].command", "BOT_COMMAND_INVALID"),
        ("Stop", "x", "commands[0].command", "BOT_COMMAND_INVALID"),
        ("stop-it", "x", "commands[0].command", "BOT_COMMAND_INVALID"),
        ("/stop", "x", "commands[0].command", "BOT_COMMAND_INVALID"),
        ("s" * 33, "x", "commands[0].command", "BOT_COMMAND_INVALID"),
        ("stop", "", "commands[0].description", "command description must be non-empty"),
        ("stop", "x" * 257, "commands[0].description", "command description length must not exceed 256"),
    ],
)
async def test_a_wrong_command_is_refused_and_a_violation(
    server: BotApiServer, raw: Any, command: str, description: str, path: str, words: str
) -> None:
    commands = [{"command": command, "description": description}]
    status, body = await raw.form("setMyCommands", commands=commands)
    assert (status, body["description"]) == (400, f"Bad Request: {words}")
    assert [violation.path for violation in server.violations] == [path]


async def test_the_longest_command_is_accepted(raw: Any) -> None:
    commands = [{"command": "s" * 32, "description": "x" * 256}] * 100
    assert (await raw.form("setMyCommands", commands=commands))[0] == 200
    assert (await raw.form("setMyCommands", commands=[*commands, commands[0]]))[0] == 400


async def test_get_chat_tells_about_a_chat(server: BotApiServer, bot: Bot, chat: Chat) -> None:
    private = await bot.get_chat(chat.id)
    assert (private.type, private.first_name, private.username) == ("private", "Ada", "ada_l")
    forum = server.group("Forum", bots=[server.bot("alpha")], is_forum=True)
    public = await bot.get_chat(forum.id)
    assert (public.type, public.title, public.is_forum) == ("supergroup", "Forum", True)


async def test_close_and_log_out_are_answered(bot: Bot) -> None:
    assert await bot.close() is True
    assert await bot.log_out() is True
