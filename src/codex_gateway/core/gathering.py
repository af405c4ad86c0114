"""Which messages belong to one prompt; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from codex_gateway.core.attachment import AttachmentKind
from codex_gateway.core.quoting import with_quote
from codex_gateway.core.request import Ask, Shape


def is_unfinished(asks: Sequence[Ask]) -> bool:
    """Whether more may follow: a text that was cut, an album, a file or somebody else's words without one's own."""
    last = asks[-1]
    if last.shape in (Shape.CUT, Shape.ALBUM):
        return True
    is_spoken = any(file.kind is AttachmentKind.VOICE for file in last.attachments)
    return not own_words(asks) and (last.shape is Shape.FORWARDED or (bool(last.attachments) and not is_spoken))


def belongs(asks: Sequence[Ask], ask: Ask) -> bool:
    """Whether `ask` goes on with what these, which are unfinished, have begun."""
    last = asks[-1]
    if not (ask.is_addressed and any(each.is_addressed for each in asks)):  # said to nobody: goes with its like only
        return ask.shape is last.shape and ask.album == last.album
    match last.shape:
        case Shape.CUT:
            return ask.shape in (Shape.WHOLE, Shape.CUT) and not ask.attachments
        case Shape.ALBUM if ask.shape is Shape.ALBUM:
            return ask.album == last.album
        case _ if own_words(asks):
            return False
        case Shape.FORWARDED:
            return ask.shape is Shape.FORWARDED or bool(ask.prompt)
        case _:
            return ask.shape is not Shape.FORWARDED


def own_words(asks: Sequence[Ask]) -> str:
    """What the person has written, as one text: where Telegram cut it, a line ends."""
    return "\n".join(ask.prompt for ask in asks if ask.prompt and ask.shape is not Shape.FORWARDED)


def is_wish(asks: Sequence[Ask]) -> bool:
    """Whether they ask for anything: somebody else's words alone do not, nor what is said to nobody."""
    own = [ask for ask in asks if ask.shape is not Shape.FORWARDED]
    return any(ask.is_addressed for ask in own) and (len(own) == len(asks) or bool(own_words(asks)))


def may_be_late(ask: Ask) -> bool:
    """Whether it can belong to a prompt that is there already."""
    return ask.shape is Shape.FORWARDED or (ask.shape is Shape.ALBUM and not ask.prompt)


def gathered(asks: Sequence[Ask]) -> Ask:
    """One prompt of all of them: the person's words, behind them what was forwarded, as a quote."""
    words = own_words(asks)
    for ask in asks:
        if ask.shape is Shape.FORWARDED and ask.prompt:
            words = f"{words}\n\n{with_quote(ask.prompt, '')}".strip()
    files = tuple(file for ask in asks for file in ask.attachments)
    quoted = next((ask.quoted for ask in asks if ask.quoted and ask.shape is not Shape.FORWARDED), "")
    return replace(asks[0], prompt=words, attachments=files, quoted=quoted, shape=Shape.WHOLE, album="")
