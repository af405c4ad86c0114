"""Methods about the bot itself: who it is, its commands, its webhook, its chats, its files."""

from __future__ import annotations

import re

from codex_gateway.demo.bot_api.chat_state import ChatKind
from codex_gateway.demo.bot_api.errors import ApiRefusal, RuleBroken, bad_request
from codex_gateway.demo.bot_api.methods.call import Call
from codex_gateway.demo.bot_api.schema_check import update_types
from codex_gateway.demo.bot_api.wire import Fields, JsonObject, JsonValue, write_json

DOWNLOAD_LIMIT_BYTES = 20 * 1024 * 1024

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")


def get_me(call: Call) -> JsonValue:
    profile = call.bot.profile
    me: JsonObject = {
        **call.bot.to_json(),
        "can_join_groups": True,
        "can_read_all_group_messages": profile.reads_all_group_messages,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": profile.has_topics,
    }
    return me


def get_chat(call: Call) -> JsonValue:
    chat = call.chat()
    gifts = {
        "unlimited_gifts": False,
        "limited_gifts": False,
        "unique_gifts": False,
        "premium_subscription": False,
        "gifts_from_channels": False,
    }
    full: JsonObject = {
        **chat.to_json(),
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": {**gifts},
    }
    if chat.kind is not ChatKind.PRIVATE:
        full["permissions"] = {"can_send_messages": True}
    return full


def set_my_commands(call: Call) -> JsonValue:
    commands = call.fields.objects("commands")
    if len(commands) > 100:
        raise RuleBroken("commands", "more than 100", description="Bad Request: BOT_COMMANDS_TOO_MUCH")
    for index, command in enumerate(commands):
        _check_command(Fields(command), path=f"commands[{index}]")
    call.bot.commands[_audience(call)] = list(commands)
    return True


def _check_command(command: Fields, *, path: str) -> None:
    if not _COMMAND.fullmatch(command.text("command")):
        reason = "not 1-32 lower-case letters, digits and underscores"
        raise RuleBroken(f"{path}.command", reason, description="Bad Request: BOT_COMMAND_INVALID")
    length = len(command.text("description").strip())
    if length == 0:
        said = "Bad Request: command description must be non-empty"
        raise RuleBroken(f"{path}.description", "empty", description=said)
    if length > 256:
        said = "Bad Request: command description length must not exceed 256"
        raise RuleBroken(f"{path}.description", "longer than 256 characters", description=said)


def get_my_commands(call: Call) -> JsonValue:
    return list(call.bot.commands.get(_audience(call), []))


def delete_my_commands(call: Call) -> JsonValue:
    call.bot.commands.pop(_audience(call), None)
    return True


def _audience(call: Call) -> tuple[str, str]:
    scope = call.fields.object("scope") or {"type": "default"}
    return write_json(dict(sorted(scope.items()))), call.fields.text("language_code")


def set_webhook(call: Call) -> JsonValue:
    """The address is kept and stops getUpdates; updates are not sent to it."""
    url = call.fields.text("url")
    if not url:
        return delete_webhook(call)
    if not url.startswith("https://"):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    remember_kinds(call)
    call.bot.webhook_url = url
    call.bot.end_poll(ApiRefusal(409, "Conflict: terminated by setWebhook request"))
    _drop_if_asked(call)
    return True


def delete_webhook(call: Call) -> JsonValue:
    call.bot.webhook_url = ""
    _drop_if_asked(call)
    return True


def get_webhook_info(call: Call) -> JsonValue:
    updates = call.bot.updates
    info: JsonObject = {
        "url": call.bot.webhook_url,
        "has_custom_certificate": False,
        "pending_update_count": len(updates.waiting),
    }
    if updates.allowed is not None:
        info["allowed_updates"] = [*sorted(updates.allowed)]
    return info


def remember_kinds(call: Call) -> None:
    """Keep allowed_updates for the updates to come; left out, the last setting stays."""
    kinds = call.fields.words("allowed_updates")
    if kinds is None:
        return
    for index, kind in enumerate(kinds):
        if kind not in update_types():
            raise RuleBroken(f"allowed_updates[{index}]", f"{kind!r} is not a type of update")
    call.bot.updates.allow(kinds)


def _drop_if_asked(call: Call) -> None:
    if call.fields.flag("drop_pending_updates"):
        call.bot.updates.clear()


def get_file(call: Call) -> JsonValue:
    stored = call.bot.files.get(call.fields.text("file_id"))
    if stored is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if len(stored.data) > DOWNLOAD_LIMIT_BYTES:
        raise bad_request("file is too big")
    return {**stored.to_json(), "file_path": stored.path}


def close(_call: Call) -> JsonValue:
    """A server of one's own would shut the bot down here; there is nothing to shut down."""
    return True
