"""Where long messages are cut, and what each part keeps."""

from types import ModuleType

import pytest

from codex_gateway.telegram.markup import Entity, Formatted, render, render_parts, split, utf16_len


def _texts(markdown: str, limit: int) -> list[str]:
    return [part.text for part in render_parts(markdown, limit)]


def test_what_fits_is_one_part() -> None:
    assert split(Formatted("a" * 4096)) == [Formatted("a" * 4096)]
    assert len(split(Formatted("a" * 4097))) == 2


def test_the_limit_counts_utf16_code_units() -> None:
    assert [utf16_len(part.text) for part in split(Formatted("😀" * 20), 17)] == [16, 16, 8]


def test_a_blank_message_has_no_parts() -> None:
    assert split(Formatted(" \n")) == []
    assert render_parts("\n\n") == []


def test_a_part_in_which_nothing_could_be_seen_is_left_out() -> None:
    assert [part.text.strip("\u200b") for part in split(Formatted("a" + "\u200b" * 60 + "b"), 16)] == ["a", "b"]


@pytest.mark.parametrize(
    ("markdown", "parts"),
    [
        ("first paragraph\n\nsecond one\n\nthird", ["first paragraph\n\nsecond one", "third"]),
        ("one line is here\nanother line is here", ["one line is here", "another line is here"]),
        ("several words without any line end", ["several words without any line", "end"]),
        ("several words without any lines at all", ["several words without any", "lines at all"]),
        ("Donaudampfschifffahrtsgesellschaft", ["Donaudampfschifffahrtsgesellsc", "haft"]),
        (
            "这是第一个比较长的句子，有逗号。这是第二个句子，它也真的比较长。",
            ["这是第一个比较长的句子，有逗号。", "这是第二个句子，它也真的比较长。"],
        ),
    ],
)
def test_a_cut_falls_at_paragraphs_then_lines_then_words_or_sentences(markdown: str, parts: list[str]) -> None:
    assert _texts(markdown, 30) == parts


@pytest.mark.parametrize(
    "sign", ["👩‍👩‍👧‍👦", "🇩🇪", "👍🏽", "e\u0301\u0302", "🏴\U000e0067\U000e0062\U000e007f", "⚠️"], ids=ascii
)
def test_a_hard_cut_divides_no_character_a_reader_sees(sign: str) -> None:
    parts = split(Formatted("x" + sign * 12), 17)
    assert len(parts) > 1
    assert "".join(part.text for part in parts) == "x" + sign * 12
    assert all(part.text.removeprefix("x").replace(sign, "") == "" for part in parts)


def test_a_code_block_that_fits_one_part_is_not_divided(entity_rules: ModuleType) -> None:
    parts = render_parts("Some words before the block.\n\n```py\nline_one()\nline_two()\n```\n\nand after", 40)
    assert [entity_rules.draw(part) for part in parts] == [
        "Some words before the block.",
        "{pre py|line_one()\nline_two()}\n\nand after",
    ]


def test_a_code_block_too_long_for_one_part_goes_on_in_the_next(entity_rules: ModuleType) -> None:
    code = "\n".join(f"    step({number})" for number in range(8))
    parts = render_parts(f"Look:\n\n```py\n{code}\n```\n\nDone.", 50)
    assert [entity_rules.draw(part) for part in parts] == [
        "Look:\n\n{pre py|    step(0)\n    step(1)\n    step(2)}",
        "{pre py|    step(3)\n    step(4)\n    step(5)\n    step(6)}",
        "{pre py|    step(7)}\n\nDone.",
    ]


def test_empty_lines_in_a_divided_code_block_are_kept() -> None:
    code = "\n".join(["a = 1", "", "", "b = 2", "", "c = 3"] * 6)
    assert "\n".join(_texts(f"```\n{code}\n```", 32)) == code


def test_formatting_goes_on_in_the_next_part(entity_rules: ModuleType) -> None:
    parts = render_parts("**bold words that go on and on** [and a link too](https://a.bc)", 24)
    assert [entity_rules.draw(part) for part in parts] == [
        "{bold|bold words that go on}",
        "{bold|and on} {text_link https://a.bc|and a link too}",
    ]


def test_a_quotation_goes_on_in_the_next_part(entity_rules: ModuleType) -> None:
    message = Formatted("first line\nsecond line", (Entity("expandable_blockquote", 0, 22),))
    assert [entity_rules.draw(part) for part in split(message, 16)] == [
        "{expandable_blockquote|first line}",
        "{expandable_blockquote|second line}",
    ]


def test_no_part_carries_more_than_100_entities(entity_rules: ModuleType) -> None:
    message = render("\n".join(f"**{number}** `{number}` text" for number in range(130)))
    assert len(message.entities) == 260
    parts = split(message)
    assert [len(part.entities) for part in parts] == [100, 100, 60]
    assert "\n".join(part.text for part in parts) == message.text
    assert all(entity_rules.faults(part, 4096) == [] for part in parts)


def test_more_than_100_entities_in_one_line_are_divided_too(entity_rules: ModuleType) -> None:
    parts = render_parts("**" + "`a`-" * 250 + "**")
    assert [len(part.entities) for part in parts] == [100, 100, 100, 100, 100]
    assert "".join(part.text for part in parts) == "a-" * 250


def test_entities_that_reach_out_of_the_text_are_cut_to_it() -> None:
    message = Formatted("abc", (Entity("bold", 1, 50), Entity("code", 7, 2), Entity("italic", -1, 2)))
    assert split(message) == [Formatted("abc", (Entity("italic", 0, 1), Entity("bold", 1, 2)))]


def test_a_long_answer_with_code_arrives_whole_and_in_order(entity_rules: ModuleType) -> None:
    steps = [
        f"## Step {n}\n\nDo **this** and `that{n}`.\n\n```py\nx_{n} = {n}\n\nprint(x_{n})\n```" for n in range(400)
    ]
    message = render("\n\n".join(steps))
    assert utf16_len(message.text) > 20_000
    parts = split(message, 3500)
    assert len(parts) <= 17, "1,600 entities need 16 parts"
    assert all(entity_rules.faults(part, 3500) == [] for part in parts)
    assert "\n\n".join(part.text for part in parts) == message.text
