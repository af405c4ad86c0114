"""Files that come with a prompt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class AttachmentKind(StrEnum):
    """What is done with a file."""

    #: Shown to the model, and saved.
    IMAGE = "image"
    #: Saved in the work directory and named in the prompt.
    DOCUMENT = "document"
    #: Spoken words: what is understood of them is the prompt.
    VOICE = "voice"
    #: Words or music: as VOICE where words can be understood, else as DOCUMENT.
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file, which the chat keeps for us under `file_id`; `name` is as its sender called it, if at all."""

    kind: AttachmentKind
    file_id: str
    name: str = ""
    #: Where it was saved, relative to the work directory; None until then.
    saved: str | None = None


#: Stand in for the words of a prompt that has none.
ONLY_FILES = "Look at the attached files."
ONLY_FILE = "Look at the attached file."
ONLY_VOICE = "(a voice message)"


def unsaid(attachments: tuple[Attachment, ...]) -> str:
    """The prompt of files that came without words."""
    if any(item.kind is AttachmentKind.VOICE for item in attachments):
        return ONLY_VOICE
    return ONLY_FILE if len(attachments) == 1 else ONLY_FILES


def sorted_out(attachments: tuple[Attachment, ...], *, can_listen: bool) -> tuple[Attachment, ...] | None:
    """The files with AUDIO made what it is to be; None when there are spoken words and nobody who can listen."""
    if not can_listen and any(item.kind is AttachmentKind.VOICE for item in attachments):
        return None
    audio = AttachmentKind.VOICE if can_listen else AttachmentKind.DOCUMENT
    return tuple(replace(item, kind=audio) if item.kind is AttachmentKind.AUDIO else item for item in attachments)
