"""The language that is spoken while a message is being written.

Sentences stand in the code in English, in `_("…")` or `plural("…", "…", n)`; catalogues hold the other languages, in
gettext's form. A sentence with something in it is a template: `_("Run {run}").format(run=7)`.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources

from codex_gateway.core.manner import Language

_ENGLISH = gettext.NullTranslations()
_spoken: ContextVar[gettext.NullTranslations] = ContextVar("spoken", default=_ENGLISH)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Write in this language for as long as the block takes."""
    token = _spoken.set(_catalogue(language))
    try:
        yield
    finally:
        _spoken.reset(token)


def _(sentence: str) -> str:
    """The sentence in the language that is spoken; English if the catalogue lacks it."""
    # gettext keeps a catalogue's head under the empty sentence
    return _spoken.get().gettext(sentence) if sentence else ""


def mark(sentence: str) -> str:
    """The sentence as it is: its translation belongs in the catalogues, and `_` speaks it where it is used."""
    return sentence


def plural(one: str, many: str, number: int) -> str:
    """The form for so many things, with `{n}` filled in."""
    return _spoken.get().ngettext(one, many, number).format(n=number)


@cache
def _catalogue(language: Language) -> gettext.NullTranslations:
    if language is Language.ENGLISH:
        return _ENGLISH
    # Only who speaks another language pays for the import and the reading.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    source = resources.files("codex_gateway.telegram") / "catalogues" / f"{language}.po"
    compiled = io.BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language.value))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
