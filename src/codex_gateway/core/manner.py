"""How a person wants to be spoken to in one chat."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Language(StrEnum):
    """The languages that we speak, by their ISO 639-1 codes."""

    ENGLISH = "en"
    CHINESE = "zh"

    @classmethod
    def of(cls, code: str | None) -> Language | None:
        """The language of an IETF tag such as "zh-hans", as Telegram names a person's; None for one we don't speak."""
        primary = (code or "").replace("_", "-").split("-")[0].lower()
        return next((language for language in cls if language.value == primary), None)


class Detail(StrEnum):
    """How much of a run is told."""

    #: The verdict and the answer.
    FINAL = "final"
    #: Also the steps in the status message, and what Codex says on the way.
    NORMAL = "normal"
    #: Also the reasoning, and more of the steps.
    VERBOSE = "verbose"


class Form(StrEnum):
    """What answers are made of."""

    #: Text with formatting, which every client shows.
    TEXT = "text"
    #: Rich messages (Bot API 10.1), which some clients still show blank.
    RICH = "rich"


class LanguageChoice(StrEnum):
    """Which language to speak."""

    #: That of whoever writes, as Telegram tells it.
    AUTO = "auto"
    ENGLISH = Language.ENGLISH.value
    CHINESE = Language.CHINESE.value

    @property
    def language(self) -> Language | None:
        """The language that was chosen; None for AUTO."""
        return None if self is LanguageChoice.AUTO else Language(self.value)


class Setting(StrEnum):
    """What may be chosen in a chat, by the name of its command."""

    VERBOSE = "verbose"
    FORMAT = "format"
    LANGUAGE = "language"


Choice: TypeAlias = Detail | Form | LanguageChoice

#: What there is to choose from.
CHOICES: dict[Setting, tuple[Choice, ...]] = {
    Setting.VERBOSE: tuple(Detail),
    Setting.FORMAT: tuple(Form),
    Setting.LANGUAGE: tuple(LanguageChoice),
}


@dataclass(frozen=True, slots=True)
class Manner:
    """The choices of one chat."""

    language: Language = Language.ENGLISH
    detail: Detail = Detail.NORMAL
    form: Form = Form.TEXT


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is known of one chat: what was chosen in it, and the language of who wrote last. None: nothing yet."""

    language: LanguageChoice | None = None
    detail: Detail | None = None
    form: Form | None = None
    heard: Language | None = None
