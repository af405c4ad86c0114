"""The rules for entities, and the trimming of text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_gateway.demo.bot_api.entities import (
    Entity,
    check_entities,
    found_in,
    trim,
    utf16_length,
    utf16_slice,
)
from codex_gateway.demo.bot_api.errors import RuleBroken


def broken(text: str, *entities: Entity) -> RuleBroken:
    with pytest.raises(RuleBroken) as caught:
        check_entities(text, entities, path="entities")
    return caught.value


def accepted(text: str, *entities: Entity) -> None:
    check_entities(text, entities, path="entities")


@pytest.mark.parametrize(
    ("entity", "said"),
    [
        (Entity("bold", -1, 2), "receive an entity with incorrect offset -1"),
        (Entity("bold", 0, 0), "receive an entity with incorrect length 0"),
        (Entity("bold", 0, -3), "receive an entity with incorrect length -3"),
        (Entity("bold", 5, 1), "entity begins after the end of the text at UTF-16 offset 5"),
        (
            Entity("bold", 0, 6),
            "entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 6",
        ),
        (Entity("text_link", 0, 1), "can't parse MessageEntity: Can't find field \"url\""),
    ],
)
def test_an_entity_out_of_bounds_is_refused_in_the_servers_words(entity: Entity, said: str) -> None:
    assert broken("hello", entity).description == f"Bad Request: {said}"


def test_bounds_count_utf16_code_units() -> None:
    accepted("😀😀", Entity("bold", 0, 4))
    assert "ends after" in broken("😀😀", Entity("bold", 0, 5)).description


@pytest.mark.parametrize("entity", [Entity("bold", 1, 1), Entity("bold", 0, 1), Entity("bold", 0, 3)])
def test_an_entity_does_not_split_a_surrogate_pair(entity: Entity) -> None:
    assert "splits the surrogate pair" in broken("😀😀", entity).reason


def test_entities_do_not_overlap_without_nesting() -> None:
    assert "overlaps" in broken("0123456789", Entity("bold", 0, 5), Entity("italic", 3, 5)).reason


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("pre", "bold"),
        ("bold", "pre"),
        ("code", "bold"),
        ("bold", "code"),
        ("pre", "code"),
        ("code", "blockquote"),
        ("blockquote", "expandable_blockquote"),
        ("expandable_blockquote", "blockquote"),
        ("text_link", "mention"),
    ],
)
@pytest.mark.parametrize("inner_length", [4, 10])
def test_what_may_not_nest_is_refused(outer: str, inner: str, inner_length: int) -> None:
    url = "https://example.org/"
    outside = Entity(outer, 0, 10, url=url)
    inside = Entity(inner, 0, inner_length, url=url)
    assert "inside the" in broken("0123456789", outside, inside).reason


def test_what_may_nest_is_accepted_in_any_order() -> None:
    link = Entity("text_link", 2, 4, url="https://example.org/")
    accepted("0123456789", link, Entity("italic", 3, 1), Entity("blockquote", 0, 10), Entity("bold", 0, 10))
    accepted("0123456789", Entity("code", 2, 4), Entity("expandable_blockquote", 0, 10))


def test_neighbours_do_not_nest() -> None:
    accepted("0123456789", Entity("pre", 0, 5), Entity("code", 5, 5))


def test_a_fault_names_the_entity_as_given() -> None:
    fault = broken("0123456789", Entity("bold", 6, 1), Entity("pre", 0, 5), Entity("bold", 1, 2))
    assert fault.path == "entities[2]"


@given(st.text(alphabet="a😀 \n", max_size=30), st.integers(0, 30), st.integers(1, 30))
def test_trimming_keeps_what_an_entity_covers(text: str, start: int, length: int) -> None:
    covered = text[start : start + length]
    if not covered:
        return
    entity = Entity("bold", utf16_length(text[:start]), utf16_length(covered))
    kept, entities = trim(text, [entity])
    check_entities(kept, entities, path="entities")
    assert kept == kept.rstrip()
    assert kept in text
    shown = "".join(utf16_slice(kept, entity) for entity in entities)
    assert shown == covered or shown == covered.rstrip(" \n") or covered.isspace()


def test_blanks_are_cut_at_both_ends_and_entities_move() -> None:
    assert trim(" \n hello \n", [Entity("bold", 3, 5)]) == ("hello", (Entity("bold", 0, 5),))


def test_blanks_inside_a_first_entity_stay() -> None:
    assert trim("  x", [Entity("pre", 0, 3)]) == ("  x", (Entity("pre", 0, 3),))


def test_an_entity_of_blanks_at_the_end_vanishes() -> None:
    assert trim("x  ", [Entity("bold", 1, 2)]) == ("x", ())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/stop", [("bot_command", "/stop")]),
        ("/stop@alpha_bot now", [("bot_command", "/stop@alpha_bot")]),
        ("😀 /new_1 x", [("bot_command", "/new_1")]),
        ("@alpha_bot look", [("mention", "@alpha_bot")]),
        ("a path /usr/bin", []),
        ("me@example.org and a/b", []),
        ("/стоп", []),
    ],
)
def test_commands_and_mentions_are_marked_as_telegram_does(text: str, found: list[tuple[str, str]]) -> None:
    assert [(entity.type, utf16_slice(text, entity)) for entity in found_in(text)] == found
