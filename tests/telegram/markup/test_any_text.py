"""Whatever the text: nothing visible is lost, every part is valid, and nothing raises."""

import logging
import unicodedata
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from codex_gateway.demo.bot_api.entities import Entity as Received
from codex_gateway.demo.bot_api.entities import check_entities
from codex_gateway.telegram.markup import Formatted, plain, render, render_parts, rendering, split, utf16_len

_WRITTEN = Path(__file__).with_name("corpus").joinpath("pieces.txt").read_text("utf-8").split()
_PIECES = st.sampled_from([*_WRITTEN, "|a|b|\n|-|-|\n", "[ ]", "e\u0301", "👩\u200d💻", "⚠\ufe0f", "\u200b", "\u3000"])
_GLUE = st.sampled_from(["", "", "", " ", " ", "\n", "\n\n", "\n    ", "\n  ", "\t", "  \n", "\\\n"])
#: Text that is dense with what Markdown might take for markup.
_MARKUP = st.lists(st.tuples(_PIECES, _GLUE), max_size=40).map(lambda pairs: "".join(a + b for a, b in pairs))
_ANY = st.one_of(_MARKUP, st.text(max_size=200), st.text(st.characters(), max_size=60))
_LIMITS = st.integers(min_value=16, max_value=120)

_MANY = settings(max_examples=200, deadline=None)


def _without_space(text: str) -> str:
    return "".join(sign for sign in text if not sign.isspace())


@_MANY
@given(markdown=_ANY)
@example("\ud83d")
@example("**\u200b**")
@example("`\u3000`")
@example("a\x00b\x1b[31mc")
@example("| a |\n|-|\n| `x | y` | z |")
def test_any_text_becomes_a_valid_message(entity_rules: ModuleType, markdown: str) -> None:
    assert entity_rules.faults(render(markdown)) == []


@_MANY
@given(markdown=_MARKUP)
def test_no_letter_digit_or_emoji_is_ever_lost(entity_rules: ModuleType, markdown: str) -> None:
    assert not entity_rules.lost(markdown, render(markdown))


@_MANY
@given(markdown=_ANY, limit=_LIMITS)
@example("```py\n" + "\n" * 40 + "x\n```", 16)
@example("👩‍💻" * 20, 16)
@example("e" + "\u0301" * 60, 16)
def test_every_part_is_valid_by_itself(entity_rules: ModuleType, markdown: str, limit: int) -> None:
    for part in render_parts(markdown, limit):
        assert entity_rules.faults(part, limit) == []
        received = [Received(e.type, e.offset, e.length, e.url, e.language) for e in part.entities]
        check_entities(part.text, received, path="entities")  # as the stand-in for Telegram judges it


@_MANY
@given(markdown=_ANY, limit=_LIMITS)
def test_the_parts_together_are_the_text_but_for_blank_space(markdown: str, limit: int) -> None:
    whole = render(markdown)
    visible = {sign for sign in whole.text if unicodedata.category(sign) != "Cf"}
    joined = "".join(part.text for part in split(whole, limit))
    assert [s for s in _without_space(joined) if s in visible] == [
        s for s in _without_space(whole.text) if s in visible
    ]


@_MANY
@given(markdown=_ANY, limit=_LIMITS)
def test_splitting_keeps_every_character_formatted_as_it_was(markdown: str, limit: int) -> None:
    whole = render(markdown)
    assert _formatted_signs(whole) == [sign for part in split(whole, limit) for sign in _formatted_signs(part)]


def _formatted_signs(message: Formatted) -> list[tuple[int, frozenset[tuple[str, str | None, str | None]]]]:
    """Each visible UTF-16 unit with what holds it; spaces may lose their formatting at a cut."""
    encoded = message.text.encode("utf-16-le")
    units = [int.from_bytes(encoded[at : at + 2], "little") for at in range(0, len(encoded), 2)]
    holders: list[set[tuple[str, str | None, str | None]]] = [set() for _ in units]
    for entity in message.entities:
        for place in range(entity.offset, entity.offset + entity.length):
            holders[place].add((entity.type, entity.language, entity.url))
    return [
        (unit, frozenset(held))
        for unit, held in zip(units, holders, strict=True)
        if 0xD800 <= unit <= 0xDFFF or unicodedata.category(chr(unit))[0] in "LNPS"
    ]


@_MANY
@given(
    lines=st.lists(st.text(st.sampled_from("ab {}()=_*#\u4e2d👩🏽"), max_size=30), min_size=1, max_size=20),
    limit=st.integers(min_value=40, max_value=120),
)
def test_a_divided_code_block_loses_only_the_line_ends_at_its_cuts(lines: list[str], limit: int) -> None:
    code = "\n".join(["first", *lines, "last"])
    parts = render_parts(f"```py\n{code}\n```", limit)
    assert all(entity.type == "pre" and entity.language == "py" for part in parts for entity in part.entities)
    assert all(utf16_len(line) <= limit for line in code.split("\n")), "the strategy makes lines that fit a part"
    if len(parts) > 1 and any(not line.strip() for line in lines):
        assert "".join("".join(p.text for p in parts).split()) == "".join(code.split())
    else:
        assert "\n".join(part.text for part in parts) == code


@_MANY
@given(text=_ANY)
def test_plain_text_is_valid_and_untouched(entity_rules: ModuleType, text: str) -> None:
    message = plain(text)
    assert entity_rules.faults(message) == []
    assert message.entities == ()


@pytest.mark.parametrize("limit", [16, 100, 4096])
def test_a_parser_failure_shows_the_text_as_it_is_and_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, limit: int
) -> None:
    def broken() -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(rendering, "parser", broken)
    with caplog.at_level(logging.ERROR):
        parts = render_parts("**not** formatted", limit)
    assert " ".join(part.text for part in parts) == "**not** formatted"
    assert all(part.entities == () for part in parts)
    assert "markup.failed" in caplog.text and "too deep" in caplog.text


def test_a_limit_that_could_not_hold_a_character_is_refused() -> None:
    with pytest.raises(ValueError, match="limit is 15"):
        split(Formatted("x"), 15)
