"""The methods that the stand-in really has, by their published names (getUpdates waits: it is apart)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from codex_gateway.demo.bot_api.methods import account, changing, sending
from codex_gateway.demo.bot_api.methods.call import Call
from codex_gateway.demo.bot_api.wire import JsonValue

#: Each does its work at once and returns the result, or raises ApiRefusal and has done nothing.
METHODS: Mapping[str, Callable[[Call], JsonValue]] = {
    "getMe": account.get_me,
    "getChat": account.get_chat,
    "getFile": account.get_file,
    "setMyCommands": account.set_my_commands,
    "getMyCommands": account.get_my_commands,
    "deleteMyCommands": account.delete_my_commands,
    "setWebhook": account.set_webhook,
    "deleteWebhook": account.delete_webhook,
    "getWebhookInfo": account.get_webhook_info,
    "close": account.close,
    "logOut": account.close,
    "sendMessage": sending.send_message,
    "sendRichMessage": sending.send_rich_message,
    "sendMessageDraft": sending.send_message_draft,
    "sendDocument": sending.send_document,
    "sendPhoto": sending.send_photo,
    "sendChatAction": sending.send_chat_action,
    "createForumTopic": sending.create_forum_topic,
    "editMessageText": changing.edit_message_text,
    "editMessageReplyMarkup": changing.edit_message_reply_markup,
    "deleteMessage": changing.delete_message,
    "setMessageReaction": changing.set_message_reaction,
    "answerCallbackQuery": changing.answer_callback_query,
}
