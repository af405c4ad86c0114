"""One message ready to go, as the text that is kept in a row until it is sent."""

from __future__ import annotations

from pathlib import Path

import msgspec

from codex_gateway.core.errors import ChatRefused
from codex_gateway.core.ports import Parcel
from codex_gateway.telegram.markup import Entity, Formatted
from codex_gateway.telegram.message import Document, Keyboard, Message

#: Rows outlive us: a change of the form below gets a new number, and the old one must still be read.
_VERSION = 1


class _Document(msgspec.Struct, omit_defaults=True):
    name: str
    text: str | None = None
    path: str | None = None


class _Form(msgspec.Struct, omit_defaults=True):
    v: int
    text: str
    #: type, offset, length, language, url
    entities: list[tuple[str, int, int, str | None, str | None]] = []
    buttons: Keyboard = ()
    silent: bool = False
    document: _Document | None = None
    rich: str | None = None
    instead: tuple[_Form, ...] = ()


def pack(message: Message) -> Parcel:
    """Put a message into its parcel, with what may be sent instead of it."""
    return Parcel(msgspec.json.encode(_form(message)).decode())


def _form(message: Message) -> _Form:
    formatted, document = message.formatted, message.document
    entities = [(e.type, e.offset, e.length, e.language, e.url) for e in formatted.entities]
    file = None
    if document is not None:
        file = _Document(document.name, document.text, None if document.path is None else str(document.path))
    instead = tuple(_form(other) for other in message.instead)
    return _Form(_VERSION, formatted.text, entities, message.keyboard, message.is_silent, file, message.rich, instead)


def unpack(parcel: Parcel) -> Message:
    """Take a message out; raises ChatRefused for a parcel of a form that we do not know."""
    try:
        form = msgspec.json.decode(parcel, type=_Form)
    except (msgspec.MsgspecError, ValueError):
        raise ChatRefused("the message was kept in a form that this version does not know") from None
    if form.v != _VERSION:
        raise ChatRefused(f"the message was kept in form {form.v}, which this version does not know")
    return _message(form)


def _message(form: _Form) -> Message:
    entities = tuple(
        Entity(kind, offset, length, language, url) for kind, offset, length, language, url in form.entities
    )
    instead = tuple(_message(other) for other in form.instead)
    return Message(
        Formatted(form.text, entities), form.buttons, form.silent, _document(form.document), form.rich, instead
    )


def _document(file: _Document | None) -> Document | None:
    return None if file is None else Document(file.name, file.text, None if file.path is None else Path(file.path))
