"""A program: the gateway, unchanged, that speaks a language which shows what was not said in it.

Each letter of each sentence of the catalogues is a wide one, so that a letter of the usual width is data, or English
that nobody can translate. Started like `codex_gateway`.
"""

from __future__ import annotations

import gettext
import re
import sys

# A program has its own folder on the path.
from quick_gateway import QUICK

from codex_gateway.__main__ import main
from codex_gateway.core.manner import Language
from codex_gateway.telegram import budget, tongue

_OFFSET = ord("Ａ") - ord("A")


def widened(sentence: str) -> str:
    """The sentence in wide letters, but for the blanks that are filled in."""
    return re.sub(r"\{[^}]*\}|[A-Za-z]", lambda m: m[0] if m[0][0] == "{" else chr(ord(m[0]) + _OFFSET), sentence)


class Wide(gettext.NullTranslations):
    """A catalogue of every sentence there is."""

    def gettext(self, message: str) -> str:
        return widened(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return widened(msgid1 if n == 1 else msgid2)


_WIDE = Wide()


def speak_wide(_language: Language) -> gettext.NullTranslations:
    """The catalogue of any language."""
    return _WIDE


if __name__ == "__main__":
    budget.Rates = lambda: QUICK  # type: ignore[assignment, misc]
    tongue._catalogue = speak_wide  # type: ignore[assignment]
    sys.exit(main())
