"""Names of files that Telegram would make links of are code, and the text stays as it is."""

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_gateway.telegram.markup import render
from codex_gateway.telegram.markup.entities import Span, formatted
from codex_gateway.telegram.markup.names import names_as_code
from codex_gateway.telegram.page import Page


@pytest.mark.parametrize(
    ("markdown", "drawn"),
    [
        ("Look at README.md.", "Look at {code|README.md}."),
        ("main.py, x.sh and a.rs:", "{code|main.py}, {code|x.sh} and {code|a.rs}:"),
        ("(src/app/__main__.py:12)", "({code|src/app/__main__.py:12})"),
        ("**NEWS.md is new**", "{code|NEWS.md} {bold|is new}"),
        ("请看README.md。", "请看{code|README.md}。"),
        ("~/.codex/notes.md and ../x.py", "{code|~/.codex/notes.md} and {code|../x.py}"),
        ("It filled /tmp; /status tells", "It filled {code|/tmp}; /status tells"),
        ("`a.py` and [b.py](https://c.de/b.py)", "{code|a.py} and {text_link https://c.de/b.py|b.py}"),
    ],
)
def test_a_name_in_prose_becomes_code(entity_rules: ModuleType, markdown: str, drawn: str) -> None:
    assert entity_rules.draw(render(markdown)) == drawn


@pytest.mark.parametrize(
    "prose",
    [
        "https://example.org/README.md",
        "docs.rs has it",
        "example.org/a/README.md",
        "www.example.md",
        "mail ada@example.md",
        "a.pyx, package.json, 3.14 and e.g. this",
        "and/or, /status, /tmp/x.log",
        "user@host:x.py",
    ],
)
def test_addresses_and_other_words_stay_as_they_are(prose: str) -> None:
    assert render(prose).entities == ()


words = st.text(alphabet="a.py /md*`>\n~_:🙂", max_size=60)


@given(words)
def test_no_text_is_changed_and_every_entity_stands_where_it_may(entity_rules: ModuleType, text: str) -> None:
    message = formatted(text, [])
    assert formatted(text, names_as_code(text, [])).text == message.text
    assert entity_rules.faults(render(text)) == []
    quoted = Page().bold(text).quote(text, folds=True).done().formatted
    assert entity_rules.faults(quoted) == []


def test_other_formatting_goes_on_behind_a_name() -> None:
    spans = names_as_code("see a.py now", [Span("bold", 0, 12), Span("blockquote", 0, 12)])
    assert spans == [
        Span("bold", 0, 4),
        Span("bold", 8, 12),
        Span("blockquote", 0, 12),
        Span("code", 4, 8),
    ]


def test_a_megabyte_of_names_or_of_none_takes_no_time_that_grows_faster_than_it() -> None:
    text = "a/" * 50_000 + " " + "a.py " * 2_000
    assert len(names_as_code(text, [])) == 2_000
