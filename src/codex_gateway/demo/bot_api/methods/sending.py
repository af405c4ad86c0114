"""Methods that put something into a chat: messages, files, drafts, actions, topics."""

from __future__ import annotations

from codex_gateway.demo.bot_api.chat_state import ChatKind
from codex_gateway.demo.bot_api.entities import utf16_length
from codex_gateway.demo.bot_api.errors import ApiRefusal, RuleBroken, bad_request
from codex_gateway.demo.bot_api.messages import ChatAction, Content, Draft
from codex_gateway.demo.bot_api.methods.call import Call
from codex_gateway.demo.bot_api.wire import Fields, JsonObject, JsonValue
from codex_gateway.demo.bot_api.world import StoredFile

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
RICH_LIMIT = 32_768
UPLOAD_LIMIT_BYTES = 50 * 1024 * 1024

_ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)


def send_message(call: Call) -> JsonValue:
    text, entities = call.formatted("text", "entities")
    if not text:
        raise bad_request("message text is empty")
    if utf16_length(text) > TEXT_LIMIT:
        raise bad_request("message is too long")
    return _posted(call, Content(text, entities, call.keyboard()))


def send_rich_message(call: Call) -> JsonValue:
    return _posted(call, Content("", (), call.keyboard(), checked_rich(call)))


def checked_rich(call: Call) -> JsonObject:
    """The rich message; raises unless it has exactly one kind of source, of a right length."""
    rich = call.fields.object("rich_message") or {}
    sources = sorted(rich.keys() & {"blocks", "html", "markdown"})
    if len(sources) != 1:
        raise RuleBroken("rich_message", f"exactly one of blocks, html, markdown must be used, not {sources}")
    source = Fields(rich).text("markdown") or Fields(rich).text("html")
    if "blocks" not in rich and not source.strip():
        raise bad_request("rich message must be non-empty")
    if len(source) > RICH_LIMIT:
        raise bad_request("message is too long")
    return rich


def send_document(call: Call) -> JsonValue:
    content = _caption(call)
    return _posted(call, content, document=_file(call, "document", folder="documents"))


def send_photo(call: Call) -> JsonValue:
    content = _caption(call)
    return _posted(call, content, photo=(_file(call, "photo", folder="photos"),))


def send_message_draft(call: Call) -> JsonValue:
    chat = call.chat()
    if chat.kind is not ChatKind.PRIVATE:
        raise bad_request("drafts can be shown in private chats only")
    text, entities = call.formatted("text", "entities")
    if utf16_length(text) > TEXT_LIMIT:
        raise bad_request("message is too long")
    draft_id = call.fields.integer("draft_id")
    if not draft_id:
        raise RuleBroken("draft_id", "must be non-zero")
    draft = Draft(
        id=draft_id,
        at=call.world.monotonic(),
        text=text,
        entities=entities,
        topic=call.topic(chat),
        can_stop=call.fields.flag("can_stop"),
        keep_on_stop=call.fields.flag("keep_on_stop"),
    )
    chat.show_draft(draft)
    return True


def send_chat_action(call: Call) -> JsonValue:
    chat = call.chat()
    action = call.fields.text("action")
    if action not in _ACTIONS:
        description = "Bad Request: wrong parameter action in request"
        raise RuleBroken("action", f"{action!r} is not an action", description=description)
    chat.actions.append(ChatAction(call.world.monotonic(), action, call.topic(chat)))
    return True


def create_forum_topic(call: Call) -> JsonValue:
    chat = call.chat()
    allowed = chat.is_forum or (chat.kind is ChatKind.PRIVATE and call.bot.profile.has_topics)
    if not allowed:
        raise bad_request("the chat is not a forum")
    name = call.fields.text("name").strip()
    if not 1 <= len(name) <= 128:
        raise RuleBroken("name", "not 1-128 characters long", description="Bad Request: TOPIC_TITLE_EMPTY")
    topic = chat.add_topic(name, author=call.bot)
    return {"message_thread_id": topic, "name": name, "icon_color": 7322096}


def _posted(
    call: Call,
    content: Content,
    *,
    document: StoredFile | None = None,
    photo: tuple[StoredFile, ...] = (),
) -> JsonValue:
    chat = call.chat()
    topic = call.topic(chat)
    reply_to = call.reply_target(chat)
    if topic is None and reply_to is not None and reply_to.chat is chat:
        topic = reply_to.topic  # a reply lands in the topic of what it replies to
    message = chat.post(call.bot, content, reply_to=reply_to, topic=topic)
    message.document = document
    message.photo = photo
    return message.to_json()


def _caption(call: Call) -> Content:
    text, entities = call.formatted("caption", "caption_entities")
    if utf16_length(text) > CAPTION_LIMIT:
        raise bad_request("message caption is too long")
    return Content(text, entities, call.keyboard())


def _file(call: Call, name: str, *, folder: str) -> StoredFile:
    """The file uploaded under the name, or behind attach://, or known by its file_id."""
    given = call.fields.text(name)
    upload = call.uploads.get(given.removeprefix("attach://") if given.startswith("attach://") else name)
    if upload is None:
        if given.startswith("attach://"):
            raise RuleBroken(name, f"no file came as {given}", description="Bad Request: file not found")
        if given.startswith(("http://", "https://")):
            raise bad_request("failed to get HTTP URL content")
        if given not in call.bot.files:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return call.bot.files[given]
    if not upload.data:
        raise bad_request("file must be non-empty")
    if len(upload.data) > UPLOAD_LIMIT_BYTES:
        raise ApiRefusal(413, "Request Entity Too Large")
    size = (1280, 720) if folder == "photos" else None
    return call.world.store_file(
        call.bot, upload.data, folder=folder, name=upload.name, mime_type=upload.mime_type, size=size
    )
