"""The rules for inline keyboards that the schema cannot say (InlineKeyboardButton, Bot API 10.3)."""

from __future__ import annotations

from codex_gateway.demo.bot_api.entities import utf16_length
from codex_gateway.demo.bot_api.errors import RuleBroken
from codex_gateway.demo.bot_api.wire import Fields, JsonObject

#: Fields that may stand beside the one that says what the button does.
_LOOKS = frozenset({"text", "icon_custom_emoji_id", "style"})
_CANNOT_PARSE = "Bad Request: can't parse inline keyboard button: "


def checked_keyboard(markup: JsonObject | None) -> JsonObject | None:
    """Return the inline keyboard, None if there is none; raise RuleBroken for a button against the rules."""
    rows = None if markup is None else markup.get("inline_keyboard")
    if not isinstance(rows, list) or not any(rows):
        return None
    for row_index, row in enumerate(rows):
        for index, button in enumerate(row if isinstance(row, list) else []):
            if isinstance(button, dict):
                _check_button(button, path=f"reply_markup.inline_keyboard[{row_index}][{index}]")
    return markup


def _check_button(button: JsonObject, *, path: str) -> None:
    fields = Fields(button)
    if not fields.text("text").strip():
        said = _CANNOT_PARSE + 'Field "text" must be non-empty'
        raise RuleBroken(f"{path}.text", "empty", description=said)
    deeds = sorted(button.keys() - _LOOKS)
    if len(deeds) != 1:
        said = _CANNOT_PARSE + "Text buttons are unallowed in the inline keyboard"
        reason = f"exactly one field must say what the button does, not {deeds}"
        raise RuleBroken(path, reason, description=said)
    if "callback_data" in button and not 1 <= len(fields.text("callback_data").encode()) <= 64:
        raise RuleBroken(f"{path}.callback_data", "not 1-64 bytes long", description="Bad Request: BUTTON_DATA_INVALID")
    copied = fields.object("copy_text")
    if copied is not None and not 1 <= utf16_length(Fields(copied).text("text")) <= 256:
        raise RuleBroken(
            f"{path}.copy_text.text", "not 1-256 characters long", description="Bad Request: BUTTON_COPY_TEXT_INVALID"
        )
