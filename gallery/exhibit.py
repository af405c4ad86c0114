"""What hangs in the gallery: replies with the message they answer, in chapters."""

from __future__ import annotations

from dataclasses import dataclass

from codex_gateway.core.manner import Form, Language
from codex_gateway.core.reply import Reply


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One thing to look at. `name` is unique within its chapter, and good for a file."""

    name: str
    title: str
    #: What a person has written; empty when the bot speaks by itself.
    asked: str
    replies: tuple[Reply, ...]
    #: Drawn a second time with everything unfolded that folds.
    is_shown_unfolded: bool = False


@dataclass(frozen=True, slots=True)
class Chapter:
    """Exhibits that belong together, in one language and form."""

    name: str
    title: str
    exhibits: tuple[Exhibit, ...]
    language: Language = Language.ENGLISH
    form: Form = Form.TEXT
