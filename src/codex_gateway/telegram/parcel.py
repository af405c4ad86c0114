"""One message ready to go, as the text that is kept in a row until it is sent."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from codex_gateway.core.errors import ChatRefused
from codex_gateway.core.ports import Parcel
from codex_gateway.telegram.markup import Entity, Formatted

#: Rows of buttons, each a label and the data that comes back when it is pressed (at most 64 bytes).
Keyboard: TypeAlias = tuple[tuple[tuple[str, str], ...], ...]

#: Rows outlive us: a change of the form below gets a new number, and the old one must still be read.
_VERSION = 1


class _Form(msgspec.Struct, omit_defaults=True):
    v: int
    text: str
    #: type, offset, length, language, url
    entities: list[tuple[str, int, int, str | None, str | None]] = []
    buttons: Keyboard = ()
    silent: bool = False


def pack(formatted: Formatted, keyboard: Keyboard = (), *, is_silent: bool = False) -> Parcel:
    """Put a message into its parcel. A silent one arrives without a sound."""
    entities = [(e.type, e.offset, e.length, e.language, e.url) for e in formatted.entities]
    form = _Form(_VERSION, formatted.text, entities, keyboard, is_silent)
    return Parcel(msgspec.json.encode(form).decode())


def unpack(parcel: Parcel) -> tuple[Formatted, Keyboard, bool]:
    """Take a message out, and whether it is silent; raises ChatRefused for a parcel of a form that we do not know."""
    try:
        form = msgspec.json.decode(parcel, type=_Form)
    except (msgspec.MsgspecError, ValueError):
        raise ChatRefused("the message was kept in a form that this version does not know") from None
    if form.v != _VERSION:
        raise ChatRefused(f"the message was kept in form {form.v}, which this version does not know")
    entities = tuple(
        Entity(kind, offset, length, language, url) for kind, offset, length, language, url in form.entities
    )
    return Formatted(form.text, entities), form.buttons, form.silent
