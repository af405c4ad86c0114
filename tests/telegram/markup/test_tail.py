"""The end of a text that is still being written."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_gateway.telegram.markup import render, render_tail

_ANSWERS = sorted((Path(__file__).with_name("corpus") / "answers").glob("*.md"))


@pytest.mark.parametrize("path", _ANSWERS, ids=lambda path: path.stem)
def test_at_every_length_the_end_is_valid_and_the_last_words_are_in_it(entity_rules: ModuleType, path: Path) -> None:
    text = path.read_text("utf-8")
    for end in range(1, len(text), 37):
        shown = render_tail(text[:end], 120)
        assert entity_rules.faults(shown) == []
        last_line = text[:end].split("\n")[-1]
        if last_line[-3:].isalnum() and not last_line.lstrip().startswith("`"):
            assert last_line[-3:] in shown.text


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.sampled_from("a*_`~\n #-|>[](\u4e2d\U0001f389"), max_size=300), limit=st.integers(3, 80))
def test_whatever_the_text_its_end_is_valid(entity_rules: ModuleType, text: str, limit: int) -> None:
    assert entity_rules.faults(render_tail(text, limit)) == []


def test_a_short_text_is_shown_whole() -> None:
    assert render_tail("**a** b", 10) == render("**a** b")


def test_the_end_begins_at_a_line_and_code_that_is_open_there_stays_code() -> None:
    code = "```py\n" + "".join(f"x = {n}\n" for n in range(50))
    shown = render_tail("Look:\n" + code, 60)
    assert shown.text.startswith("…\nx = 4") and shown.text.endswith("x = 49")
    assert [(entity.type, entity.language) for entity in shown.entities] == [("pre", "py")]
    closed = render_tail(code + "```\n" + "word **bold** " * 10, 60)
    assert {entity.type for entity in closed.entities} == {"bold"}
