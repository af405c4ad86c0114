"""How a person wants to be spoken to in one chat."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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


@dataclass(frozen=True, slots=True)
class Manner:
    """The choices of one chat."""

    language: Language = Language.ENGLISH
    detail: Detail = Detail.NORMAL
    form: Form = Form.TEXT
