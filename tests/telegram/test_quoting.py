"""What a reply quotes."""

from __future__ import annotations

from typing import Any

import pytest

from codex_gateway.core.quoting import with_quote
from codex_gateway.core.request import Amend, Ask, Misspoken, MisspokenReason, Request
from telegram.test_inbound import ADA, GROUP, OURS, message, read, wish

ANSWER = {"message_id": 3, "from": OURS, "text": "The answer."}


def quoted(**fields: Any) -> str:
    found = wish("why?", **fields)
    assert isinstance(found, Ask) and found.prompt == "why?"
    return found.quoted


def test_the_selected_words_else_all_of_them() -> None:
    assert quoted() == ""
    assert quoted(reply_to_message=ANSWER) == "The answer."
    assert quoted(reply_to_message=ANSWER, quote={"text": " answer ", "position": 4}) == "answer"
    assert quoted(reply_to_message={"message_id": 3, "from": ADA, "caption": "a photo"}) == "a photo"
    assert quoted(reply_to_message={"message_id": 3, "from": ADA}) == ""


@pytest.mark.parametrize("mark", ["⏳", "⏸", "⚙️", "✅", "❌", "⏹"])
def test_status_messages_of_ours_are_not_quoted(mark: str) -> None:
    assert quoted(reply_to_message={**ANSWER, "text": f"{mark} Working"}) == ""
    assert quoted(reply_to_message={**ANSWER, "text": f"{mark} Working", "from": ADA}) == f"{mark} Working"
    assert quoted(reply_to_message={**ANSWER, "text": f"{mark} Done"}, quote={"text": "Done"}) == "Done"


def test_the_message_that_opened_a_topic_is_not_quoted() -> None:
    opened = {"message_id": 5, "from": OURS, "text": "Topic"}
    place = {"chat": GROUP, "message_thread_id": 5, "is_topic_message": True}
    found = wish("@alpha_bot why?", reply_to_message=opened, **place)
    assert found == Ask("why?")
    service = {"message_id": 5, "from": OURS, "forum_topic_created": {"name": "x"}}
    assert wish("@alpha_bot why?", reply_to_message=service, chat=GROUP) == Ask("why?")


def test_a_quote_is_marked_line_by_line() -> None:
    assert with_quote("a\n\nb", "why?") == "> a\n>\n> b\n\nwhy?"
    assert with_quote("", "why?") == "why?"


def test_an_edit_is_no_command() -> None:
    def edited(text: str) -> Request | None:
        return read({"update_id": 1, "edited_message": message(text)["message"]})

    found = edited("fix it")
    assert found and found.wish == Amend(Ask("fix it")) and found.message_id == 7
    for text in ("/stop", "/new", "/stpo"):
        again = edited(text)
        assert again and again.wish == Misspoken(MisspokenReason.EDITED, "")
    moved = message(location={"latitude": 1.0, "longitude": 2.0})["message"]
    assert read({"update_id": 1, "edited_message": moved}) is None  # a live location moves by itself
    assert read({"update_id": 1, "edited_message": {"message_id": "x"}}) is None
