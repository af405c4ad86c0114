"""All chapters, in the order of a visit."""

from __future__ import annotations

from dataclasses import replace

from codex_gateway.core.manner import Form, Language
from gallery.exhibit import Chapter
from gallery.exhibits import answers, commands, files, outside, sessions, silence, status, verdicts


def chapters() -> tuple[Chapter, ...]:
    """Everything in English, and what we ourselves say in Chinese once more, answers as rich messages."""
    ours = (
        *(status.chapter(), silence.chapter(), verdicts.ended(), verdicts.failed()),
        *(commands.chapter(), sessions.chapter(), files.chapter(), outside.chapter()),
    )
    chinese = tuple(
        replace(chapter, name=f"{chapter.name}-zh", title=f"{chapter.title}, in Chinese", language=Language.CHINESE)
        for chapter in ours
    )
    plain = answers.chapter()
    rich = replace(plain, name="answers-rich", title="Answers as rich messages", form=Form.RICH)
    return (plain, *ours, *chinese, rich)
