"""The files of one message, as its fields name them; pure."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from codex_gateway.core.attachment import Attachment, AttachmentKind
from codex_gateway.core.request import Misspoken, MisspokenReason

#: Telegram's limit for what a bot may download (Bot API 10.3).
LARGEST_BYTES = 20_000_000

#: What models take as an image, by its media type.
_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})

_FileId = Annotated[str, Meta(min_length=1, max_length=1000)]
T = TypeVar("T")


class _File(Struct):
    file_id: _FileId
    file_name: str | None = None
    mime_type: str | None = None
    file_size: int | None = None


class _PhotoSize(Struct):
    file_id: _FileId
    width: int = 0
    height: int = 0
    file_size: int | None = None


#: The fields that hold one file, and what it is then. The first that is present counts: a GIF has two.
_FIELDS: dict[str, tuple[AttachmentKind, str]] = {
    "voice": (AttachmentKind.VOICE, "voice.ogg"),
    "video_note": (AttachmentKind.VOICE, "voice.mp4"),
    "audio": (AttachmentKind.AUDIO, "audio.mp3"),
    "video": (AttachmentKind.DOCUMENT, "video.mp4"),
    "animation": (AttachmentKind.DOCUMENT, "animation.mp4"),
    "document": (AttachmentKind.DOCUMENT, ""),
}


def attached(fields: dict[str, Raw]) -> Attachment | Misspoken | None:
    """The file of a message with these fields; None without one. Raises msgspec's errors."""
    if _is_there(fields, "photo"):
        sizes = [size for size in _decode(fields["photo"], list[_PhotoSize]) if (size.file_size or 0) <= LARGEST_BYTES]
        if not sizes:
            return None
        largest = max(sizes, key=lambda size: size.width * size.height)
        return Attachment(AttachmentKind.IMAGE, largest.file_id)
    field = next((field for field in _FIELDS if _is_there(fields, field)), None)
    if field is None:
        return None
    file = _decode(fields[field], _File)
    kind, default = _FIELDS[field]
    name = file.file_name or default
    if (file.file_size or 0) > LARGEST_BYTES:
        return Misspoken(MisspokenReason.FILE_TOO_LARGE, name)
    if kind is AttachmentKind.DOCUMENT and file.mime_type in _IMAGES:
        kind = AttachmentKind.IMAGE
    return Attachment(kind, file.file_id, name.replace("\0", ""))


def _is_there(fields: dict[str, Raw], field: str) -> bool:
    return field in fields and bytes(fields[field]) != b"null"


def _decode(text: Raw, shape: type[T]) -> T:
    return msgspec.json.decode(text, type=shape)
