from __future__ import annotations

import json
from pathlib import Path

import pytest

from codex_gateway.core.errors import ChatRefused
from codex_gateway.core.ports import Parcel
from codex_gateway.telegram.markup import Entity, Formatted, render
from codex_gateway.telegram.message import Copied, Document, Keyboard, Message
from codex_gateway.telegram.parcel import pack, unpack

BUTTONS: Keyboard = (
    (("⏹ Stop", "stop:1"), ("🔁 Retry", "retry:1")),
    (("Diff", "diff:1"), ("Copy", Copied("codex resume x"))),
)


@pytest.mark.parametrize("keyboard", [(), BUTTONS])
@pytest.mark.parametrize(
    "formatted",
    [
        Formatted("hi"),
        Formatted("👋 `x`\n" * 100, (Entity("pre", 0, 4, "python"), Entity("text_link", 5, 2, None, "https://a.b/c"))),
        render("# Title\n\n- *a*\n- **b**\n\n```py\nx = 1\n```\n\n[c](https://a.b)"),
    ],
    ids=["plain", "formatted", "rendered"],
)
def test_a_parcel_gives_back_what_was_put_in(formatted: Formatted, keyboard: Keyboard) -> None:
    for document in (None, Document("a.md", text="# A"), Document("b.bin", path=Path("/tmp/b"))):
        for is_silent in (False, True):
            message = Message(formatted, keyboard, is_silent, document)
            assert unpack(pack(message)) == message


def test_a_parcel_keeps_what_may_be_sent_instead() -> None:
    other = Message(Formatted("1 < 2", (Entity("code", 0, 5),)), BUTTONS, is_silent=True)
    document = Message(Formatted("all of it"), document=Document("a.md", text="# A"), instead=(other, other))
    rich = Message(Formatted(""), rich="<p>1 &lt; 2</p>", instead=(other, document))
    assert unpack(pack(rich)) == rich


def test_a_parcel_of_the_first_form_can_still_be_read() -> None:
    kept = '{"v":1,"text":"hi","entities":[["pre",0,2,"py",null]],"buttons":[[["Stop","stop:1"]]]}'
    assert unpack(Parcel(kept)) == Message(Formatted("hi", (Entity("pre", 0, 2, "py"),)), ((("Stop", "stop:1"),),))


def test_a_plain_text_is_kept_in_few_words() -> None:
    assert json.loads(pack(Message(Formatted("hi")))) == {"v": 1, "text": "hi"}


@pytest.mark.parametrize("kept", ["", "x", "[]", "{}", '{"v":2,"text":"hi"}', '{"v":1}', '{"v":1,"text":7}', "\ud800"])
def test_a_parcel_that_cannot_be_read_is_refused_for_good(kept: str) -> None:
    with pytest.raises(ChatRefused, match="form"):
        unpack(Parcel(kept))
