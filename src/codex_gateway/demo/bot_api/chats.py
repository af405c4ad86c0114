"""What people do in a chat: the people's side of the stand-in."""

from __future__ import annotations

from collections.abc import Sequence

from codex_gateway.demo.bot_api.chat_state import ChatState
from codex_gateway.demo.bot_api.entities import Entity, check_entities, found_in, trim, utf16_length
from codex_gateway.demo.bot_api.messages import Content, Message, Press
from codex_gateway.demo.bot_api.wire import JsonObject
from codex_gateway.demo.bot_api.world import BotAccount, Person, StoredFile


class Chat(ChatState):
    """One chat. Everything a person does is queued at once as an update for the bots that may see it."""

    def say(
        self,
        person: Person,
        text: str,
        *,
        reply_to: Message | None = None,
        topic: int | None = None,
        entities: Sequence[Entity] | None = None,
    ) -> Message:
        """Send a text. Commands and mentions are marked as Telegram does, other entities are given."""
        content = _typed(text, entities, limit=4096)
        return self._arrive(self._new_message(person, content, reply_to=reply_to, topic=topic))

    def edit(self, message: Message, text: str, *, entities: Sequence[Entity] | None = None) -> None:
        """Change the text (or caption) of a person's own message."""
        if message.is_from_bot:
            raise ValueError("people edit their own messages only")
        content = _typed(text, entities, limit=1024 if message.is_media else 4096)
        self.change(message, content)
        self._tell("edited_message", message)

    def send_document(
        self,
        person: Person,
        data: bytes,
        *,
        name: str = "notes.txt",
        mime_type: str = "text/plain",
        caption: str = "",
        reply_to: Message | None = None,
        topic: int | None = None,
    ) -> Message:
        """Send a file."""
        content = _typed(caption, None, limit=1024)
        message = self._new_message(person, content, reply_to=reply_to, topic=topic)
        message.document = self._store(data, folder="documents", name=name, mime_type=mime_type)
        return self._arrive(message)

    def send_photo(
        self,
        person: Person,
        data: bytes,
        *,
        caption: str = "",
        size: tuple[int, int] = (1280, 720),
        reply_to: Message | None = None,
        topic: int | None = None,
    ) -> Message:
        """Send a photo of a size in pixels. The bot gets a thumbnail (of other bytes) and the photo."""
        content = _typed(caption, None, limit=1024)
        message = self._new_message(person, content, reply_to=reply_to, topic=topic)
        thumbnail = self._store(b"thumbnail", folder="photos", size=(90, 51))
        message.photo = (thumbnail, self._store(data, folder="photos", size=size))
        return self._arrive(message)

    def press(self, person: Person, message: Message, button: str, *, stale: bool = False) -> Press:
        """Press a button, named by its text or its data; the answer is read from what is returned.

        Raises LookupError if the message does not show the button now. `stale` presses it all the same,
        as a phone does that has not yet seen the last edit: `button` is then the data.
        """
        data = button
        if not stale:
            data = self._shown_data(message, button)
        sender = message.sender
        if not isinstance(sender, BotAccount):
            raise LookupError("a person's message has no buttons")
        press = Press(str(self._world.random.randrange(10**17, 10**18)), person, message, data)
        sender.presses[press.id] = press
        query: JsonObject = {
            "id": press.id,
            "from": person.to_json(),
            "message": self._accessible(message),
            "chat_instance": str(self.id),
            "data": data,
        }
        sender.updates.put("callback_query", query)
        self._world.changed()
        return press

    def remove_topic(self, topic: int) -> None:
        """Delete a topic with everything in it; bots are told nothing of it."""
        del self.topics[topic]
        for message in self.timeline:
            if message.topic == topic:
                message.deleted = True
        self._world.changed()

    def remove(self, message: Message) -> None:
        """Delete a message, as its person may, or an administrator; bots are told nothing of it."""
        message.deleted = True
        self._world.changed()

    def block(self, bot: BotAccount | None = None) -> None:
        """Block the bot of a private chat, or remove a bot from a group."""
        self._set_membership(bot, present=False)

    def unblock(self, bot: BotAccount | None = None) -> None:
        """Undo `block`."""
        self._set_membership(bot, present=True)

    def stop_draft(self, draft_id: int) -> None:
        """Press the Stop button of a draft. Raises LookupError if none is shown."""
        draft = next((draft for draft in self.drafts if draft.id == draft_id and draft.can_stop), None)
        if draft is None:
            raise LookupError(f"no draft {draft_id} with a Stop button is shown")
        if not draft.keep_on_stop:
            del self._drafts[draft_id]
        body: JsonObject = {"chat": self.to_json(), "draft_id": draft_id}
        if draft.topic is not None:
            body["message_thread_id"] = draft.topic
        for bot in self.bots:
            bot.updates.put("stopped_message_generation", body)
        self._world.changed()

    def _arrive(self, message: Message) -> Message:
        self._tell("message", message)
        return message

    def _store(
        self,
        data: bytes,
        *,
        folder: str,
        name: str | None = None,
        mime_type: str | None = None,
        size: tuple[int, int] | None = None,
    ) -> StoredFile:
        owner, *others = self.bots
        stored = self._world.store_file(owner, data, folder=folder, name=name, mime_type=mime_type, size=size)
        for bot in others:  # one id for all bots of a group keeps the update the same for each
            bot.files[stored.file_id] = stored
        return stored

    def _shown_data(self, message: Message, button: str) -> str:
        for shown in message.buttons:
            if button in (shown.text, shown.data) and not message.deleted:
                if shown.data is None:
                    raise LookupError(f"the button {button!r} does not call the bot")
                return shown.data
        shown_texts = [shown.text for shown in message.buttons]
        raise LookupError(f"no button {button!r} on message {message.id}; there are {shown_texts}")

    def _accessible(self, message: Message) -> JsonObject:
        if message.deleted:
            return {"chat": self.to_json(), "message_id": message.id, "date": 0}
        return message.to_json()

    def _set_membership(self, bot: BotAccount | None, *, present: bool) -> None:
        account = bot or self.bots[0]
        if present:
            self._blocked.discard(account.name)
        else:
            self._blocked.add(account.name)
        user = account.to_json()
        inside: JsonObject = {"user": user, "status": "member"}
        outside: JsonObject = {"user": user, "status": "kicked", "until_date": 0}
        actor = self.person or (self._world.persons[0] if self._world.persons else None)
        if actor is None:
            raise LookupError("there is no person yet who could do this")
        change: JsonObject = {
            "chat": self.to_json(),
            "from": actor.to_json(),
            "date": self._world.now(),
            "old_chat_member": outside if present else inside,
            "new_chat_member": inside if present else outside,
        }
        account.updates.put("my_chat_member", change)
        self._world.changed()


def _typed(text: str, entities: Sequence[Entity] | None, *, limit: int) -> Content:
    """What arrives when a person types the text."""
    kept, marked = trim(text, found_in(text) if entities is None else entities)
    check_entities(kept, marked, path="entities")
    if utf16_length(kept) > limit:
        raise ValueError(f"a person's client would split a text of more than {limit} UTF-16 code units")
    if not kept and limit == 4096:
        raise ValueError("a person cannot send an empty text")
    return Content(kept, marked)
