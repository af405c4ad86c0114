"""What the files of a message ask for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from codex_gateway.core.attachment import Attachment, AttachmentKind
from codex_gateway.core.request import Ask, Cancel, Misspoken, MisspokenReason, Shape, Wish
from telegram.test_inbound import ANOTHER, GROUP, OURS, wish

SMALL, LARGE = {"file_id": "s", "width": 90, "height": 51}, {"file_id": "l", "width": 1280, "height": 720}
PHOTO = Attachment(AttachmentKind.IMAGE, "l")
PDF = {"document": {"file_id": "d", "file_name": "a.pdf", "mime_type": "application/pdf", "file_size": 10}}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"photo": [LARGE, SMALL]}, PHOTO),
        (PDF, Attachment(AttachmentKind.DOCUMENT, "d", "a.pdf")),
        ({"document": {"file_id": "d"}}, Attachment(AttachmentKind.DOCUMENT, "d")),
        (
            {"document": {"file_id": "d", "file_name": "a.PNG", "mime_type": "image/png"}},
            Attachment(AttachmentKind.IMAGE, "d", "a.PNG"),
        ),
        (
            {"document": {"file_id": "d", "file_name": "a.svg", "mime_type": "image/svg+xml"}},
            Attachment(AttachmentKind.DOCUMENT, "d", "a.svg"),
        ),
        ({"voice": {"file_id": "v"}}, Attachment(AttachmentKind.VOICE, "v", "voice.ogg")),
        ({"video_note": {"file_id": "v"}}, Attachment(AttachmentKind.VOICE, "v", "voice.mp4")),
        ({"audio": {"file_id": "v", "file_name": "a.flac"}}, Attachment(AttachmentKind.AUDIO, "v", "a.flac")),
        ({"video": {"file_id": "v"}}, Attachment(AttachmentKind.DOCUMENT, "v", "video.mp4")),
        (
            {"animation": {"file_id": "x"}, "document": {"file_id": "x"}},
            Attachment(AttachmentKind.DOCUMENT, "x", "animation.mp4"),
        ),
    ],
    ids=str,
)
def test_a_file_is_a_prompt_and_its_caption_the_words(fields: dict[str, Any], expected: Attachment) -> None:
    assert wish(**fields) == Ask("", (expected,))
    assert wish(**fields, caption=" what is this? ") == Ask("what is this?", (expected,))
    assert wish(**fields, caption="/new look") == Ask("look", (expected,))
    assert wish(**fields, caption="/new") == Ask("", (expected,))
    assert wish(**fields, caption="/stop") == Cancel()


def test_in_a_group_a_file_must_be_said_to_us() -> None:
    assert wish(chat=GROUP, **PDF) is None
    assert wish(chat=GROUP, **PDF, caption="look") is None
    file = Attachment(AttachmentKind.DOCUMENT, "d", "a.pdf")
    assert wish(chat=GROUP, **PDF, caption="@alpha_bot look") == Ask("look", (file,))
    assert wish(chat=GROUP, **PDF, caption="@alpha_bot") == Ask("", (file,))
    assert wish(chat=GROUP, **PDF, reply_to_message={"from": OURS, "message_id": 3}) == Ask("", (file,))
    assert wish(chat=GROUP, **PDF, reply_to_message={"from": ANOTHER, "message_id": 3}) is None


def test_a_file_that_cannot_be_downloaded_is_said_to_be_too_large() -> None:
    huge = {"file_id": "d", "file_name": "a.iso", "file_size": 20_000_001}
    assert wish(document=huge, caption="look") == Misspoken(MisspokenReason.FILE_TOO_LARGE, "a.iso")
    assert wish(document=huge, chat=GROUP) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"photo": []},
        {"photo": {}},
        {"photo": [{"file_id": ""}]},
        {"photo": [{}]},
        {"document": []},
        {"document": {}},
        {"document": {"file_id": 7}},
        {"document": {"file_id": "d", "file_size": "x"}},
        {"voice": 1},
    ],
    ids=str,
)
def test_a_file_of_a_wrong_shape_is_nothing_that_could_be_fetched(fields: dict[str, Any]) -> None:
    found: Wish | None = wish(**fields)
    assert found is None or isinstance(found, Misspoken)


ORIGIN = {"forward_origin": {"type": "user"}}


def test_the_form_of_a_message_tells_whether_more_may_follow() -> None:
    assert wish("x" * 3999) == Ask("x" * 3999)
    assert wish("x" * 4000) == Ask("x" * 4000, shape=Shape.CUT)
    assert wish("😀" * 2000) == Ask("😀" * 2000, shape=Shape.CUT)
    file = Attachment(AttachmentKind.DOCUMENT, "d", "a.pdf")
    assert wish(**PDF, media_group_id="7") == Ask("", (file,), shape=Shape.ALBUM, album="7")


def test_what_was_forwarded_is_never_a_command_and_in_a_group_said_to_nobody() -> None:
    assert wish("/stop", **ORIGIN) == Ask("/stop", shape=Shape.FORWARDED)
    assert wish("/stop", forward_date=1) == Ask("/stop", shape=Shape.FORWARDED)
    file = Attachment(AttachmentKind.DOCUMENT, "d", "a.pdf")
    assert wish(**PDF, caption="/get x", **ORIGIN) == Ask("/get x", (file,), shape=Shape.FORWARDED)
    assert wish(sticker={}, **ORIGIN) is None
    for addressed in ("/stop", "@alpha_bot fix it"):
        loose = Ask(addressed, shape=Shape.FORWARDED, is_addressed=False)
        assert wish(addressed, chat=GROUP, **ORIGIN) == loose
    assert wish(chat=GROUP, document={"file_id": "d", "file_size": 20_000_001}, **ORIGIN) is None


def test_in_a_group_a_file_of_an_album_may_be_said_to_us_by_another_one() -> None:
    file = Attachment(AttachmentKind.DOCUMENT, "d", "a.pdf")
    album = {**PDF, "chat": GROUP, "media_group_id": "7"}
    loose = Ask("", (file,), shape=Shape.ALBUM, album="7", is_addressed=False)
    assert wish(**album) == loose
    assert wish(**album, caption="look") == replace(loose, prompt="look")
    assert wish(**album, caption="@alpha_bot look") == replace(loose, prompt="look", is_addressed=True)
    assert wish(**album, caption="/other@another_bot") is None
    assert wish(**PDF, chat=GROUP) is None
