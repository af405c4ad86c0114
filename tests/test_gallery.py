"""The gallery shows everything that can be said, and its page shows what was said and nothing else."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_gateway.core import reply as say
from codex_gateway.core.diagnosis import Cause
from codex_gateway.core.manner import CHOICES, Language
from codex_gateway.core.outcome import FailureKind, StopReason
from codex_gateway.core.progress import Doing
from codex_gateway.core.request import MisspokenReason
from codex_gateway.core.run import RunState
from codex_gateway.core.saved import DirectoryFault
from codex_gateway.telegram.markup import render_parts
from codex_gateway.telegram.markup.tables import WIDEST_TABLE
from gallery.__main__ import PICTURES
from gallery.exhibit import Chapter
from gallery.exhibits import chapters
from gallery.exhibits.commands import UNUSUAL
from gallery.page import page
from gallery.played import played
from gallery.rich import drawn as drawn_rich
from gallery.staging import Room, put_on
from gallery.text import marked_up

DOCS = Path(__file__).parent.parent / "docs"
XHTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(scope="module")
def all_chapters() -> tuple[Chapter, ...]:
    return chapters()


@pytest.fixture(scope="module")
def rooms(all_chapters: tuple[Chapter, ...]) -> tuple[Room, ...]:
    return asyncio.run(put_on(all_chapters))


@pytest.fixture(scope="module")
def conversation() -> Room:
    return asyncio.run(played())


@pytest.fixture(scope="module")
def drawn(rooms: tuple[Room, ...]) -> str:
    return page(rooms)


@pytest.fixture(params=list(Language))
def replies(request: pytest.FixtureRequest, all_chapters: tuple[Chapter, ...]) -> list[say.Reply]:
    """Everything that hangs there in one language."""
    language = request.param
    answers = [] if language is Language.ENGLISH else list(all_chapters[0].exhibits)
    exhibits = [e for chapter in all_chapters if chapter.language is language for e in chapter.exhibits]
    return [reply for exhibit in (*answers, *exhibits) for reply in exhibit.replies]


def test_every_kind_of_reply_hangs_there(replies: list[say.Reply]) -> None:
    assert set(get_args(say.Reply)) - {type(reply) for reply in replies} == set()


def test_every_failure_hangs_there(replies: list[say.Reply]) -> None:
    assert {reply.failure_kind for reply in settled(replies)} == {None, *FailureKind}


def test_every_reason_to_stop_hangs_there(replies: list[say.Reply]) -> None:
    assert {reply.stop_reason for reply in settled(replies)} == {None, *StopReason}
    assert {reply.state for reply in settled(replies)} == {state for state in RunState if state.is_final}


def test_every_diagnosis_hangs_there_of_a_run_at_work_and_of_one_that_was_stopped(replies: list[say.Reply]) -> None:
    at_work = [reply.diagnosis for reply in replies if isinstance(reply, say.RunningCard)]
    stopped = [reply.diagnosis for reply in settled(replies)]
    assert {diagnosis.cause for diagnosis in at_work if diagnosis} == set(Cause)
    assert {diagnosis.cause for diagnosis in stopped if diagnosis} == set(Cause)


def test_every_state_of_a_turn_hangs_there(replies: list[say.Reply]) -> None:
    cards = [reply for reply in replies if isinstance(reply, say.RunningCard)]
    assert {card.progress.doing for card in cards} == set(Doing)
    assert {card.is_stopping for card in cards} == {True, False}


def test_everything_misspoken_hangs_there(replies: list[say.Reply]) -> None:
    misspoken = [reply.misspoken for reply in replies if isinstance(reply, say.NotUnderstood)]
    assert {said.reason for said in misspoken} == set(MisspokenReason)
    assert any(said.about == UNUSUAL for said in misspoken)


def test_every_refusal_of_a_file_or_a_diff_hangs_there(replies: list[say.Reply]) -> None:
    assert {reply.reason for reply in replies if isinstance(reply, say.FileRefused)} == set(say.FileRefusal)
    assert {reply.reason for reply in replies if isinstance(reply, say.DiffRefused)} == set(say.DiffRefusal)


def test_every_reason_not_to_bind_a_chat_hangs_there(replies: list[say.Reply]) -> None:
    assert {reply.why for reply in replies if isinstance(reply, say.NotBound)} == set(say.BindFault)
    assert {reply.why for reply in replies if isinstance(reply, say.NoWorkdir)} == set(DirectoryFault)


def test_everything_that_can_be_chosen_hangs_there(replies: list[say.Reply]) -> None:
    reported = {reply.choice for reply in replies if isinstance(reply, say.ChoiceReport)}
    assert {repr(choice) for choice in reported} == {repr(choice) for choices in CHOICES.values() for choice in choices}


def test_there_are_twenty_answers_of_agents(all_chapters: tuple[Chapter, ...]) -> None:
    answers = [reply for e in all_chapters[0].exhibits for reply in e.replies if isinstance(reply, say.Answer)]
    assert len(answers) >= 20
    assert len({answer.markdown for answer in answers}) == len(answers)


def test_no_two_exhibits_have_the_same_name(all_chapters: tuple[Chapter, ...]) -> None:
    names = [f"{chapter.name}.{exhibit.name}" for chapter in all_chapters for exhibit in chapter.exhibits]
    assert len(names) == len(set(names))


def test_each_exhibit_brings_a_message(rooms: tuple[Room, ...]) -> None:
    silent = [
        f"{room.chapter.name}.{hanging.exhibit.name}"
        for room in rooms
        for hanging in room.hangings
        if not hanging.drafts and not any(message.is_from_bot for message in hanging.messages)
    ]
    assert silent == []


def test_the_page_is_well_formed_and_shows_every_text_as_it_arrived(rooms: tuple[Room, ...], drawn: str) -> None:
    root = ElementTree.fromstring(drawn)
    for room in rooms:
        for hanging in room.hangings:
            article = root.find(f".//{XHTML}article[@id='{room.chapter.name}.{hanging.exhibit.name}']")
            assert article is not None
            shown = [visible(bubble) for bubble in article.iter(f"{XHTML}span") if bubble.get("class") == "text"]
            arrived = [unspaced(message.text) for message in hanging.messages if message.rich is None]
            arrived += [unspaced(draft.text) for draft in hanging.drafts]
            assert shown[: len(arrived)] == arrived
            assert set(shown[len(arrived) :]) <= set(arrived)


def test_the_pictures_of_the_documentation_are_there_and_show_neighbours(all_chapters: tuple[Chapter, ...]) -> None:
    names = [f"{chapter.name}.{exhibit.name}" for chapter in all_chapters for exhibit in chapter.exhibits]
    shown = (DOCS / "explanation/gallery.md").read_text("utf-8")
    for name, exhibits in PICTURES.items():
        first = names.index(exhibits[0])
        assert names[first : first + len(exhibits)] == list(exhibits)
        assert (DOCS / "gallery" / f"{name}.png").stat().st_size < 300_000
        assert f"../gallery/{name}.png" in shown
    assert {path.stem for path in (DOCS / "gallery").iterdir()} == set(PICTURES)


def test_every_button_is_drawn(rooms: tuple[Room, ...], drawn: str) -> None:
    root = ElementTree.fromstring(drawn)
    rows = [row for row in root.iter(f"{XHTML}div") if row.get("class") == "row"]
    labels = {label for row in rows for label in row.itertext()}
    assert labels == {b.text for room in rooms for h in room.hangings for m in h.messages for b in m.buttons}


def test_the_page_loads_nothing_from_elsewhere(drawn: str) -> None:
    root = ElementTree.fromstring(drawn)
    assert [e.tag for e in root.iter() if "src" in e.attrib or e.tag in {f"{XHTML}link", f"{XHTML}img"}] == []
    assert "url(" not in drawn.partition("</style>")[0]


def test_a_conversation_with_the_service_itself_hangs_there(conversation: Room) -> None:
    [hanging] = conversation.hangings
    root = ElementTree.fromstring(page([conversation]))
    bubbles = [element for element in root.iter(f"{XHTML}span") if element.get("class") == "text"]
    assert [visible(bubble) for bubble in bubbles] == [unspaced(message.text) for message in hanging.messages]
    assert any(message.text.startswith("✅") for message in hanging.messages)


#: What people and models put into Markdown, and what would be HTML if it were not escaped.
PIECES = st.sampled_from(
    (
        *("<b>", "</span>", "&amp;", '"', "'", "<script>", "]]>", "\n", "\n\n", "```py\n", "\n```\n", "`a<b`", "**x**"),
        *(
            "> q\n",
            "- i\n",
            '[l](https://e.org/?a=1&b="2")',
            "汉字",
            "👩🏽‍💻",
            "/cmd",
            "@name",
            "#tag",
            "a.md",
            "https://e.org/<x>",
        ),
    )
)


#: Of rich messages, some of them not as they should be.
TAGS = st.sampled_from(
    (
        *("<p>", "</p>", "<b>", "</b>", "<table bordered>", '<td align="right">', "</td>", "</table>", "<br>", "<br/>"),
        *('<input type="checkbox" checked>', "<img src=x onerror=alert(1)>", "<a href='&quot;>'>", "</a>", "<li"),
    )
)


@given(st.lists(PIECES, max_size=12).map("".join))
@settings(max_examples=300, deadline=None)
def test_any_answer_is_escaped_and_loses_nothing(markdown: str) -> None:
    for part in render_parts(markdown, 4096):
        element = ElementTree.fromstring(f"<span>{marked_up(part.text, part.entities)}</span>")
        assert unspaced("".join(texts(element))) == unspaced(part.text)
        assert {child.tag for child in element.iter()} <= {"span", "b", "i", "u", "s", "code", "a", "label", "input"}


@given(st.lists(st.one_of(PIECES, TAGS), max_size=14).map("".join))
@settings(max_examples=300, deadline=None)
def test_a_rich_message_of_any_html_is_drawn_with_known_tags_alone(html: str) -> None:
    element = ElementTree.fromstring(f"<div>{drawn_rich(html)}</div>")
    assert {child.tag for child in element.iter()} <= {"div", "table", "tr", "td", "p", "a", "li", "br", "input", "b"}
    assert {name for child in element.iter() for name in child.attrib} <= {"href", "align", "type", "checked"}


def settled(replies: list[say.Reply]) -> list[say.SettledCard]:
    return [reply for reply in replies if isinstance(reply, say.SettledCard)]


def visible(element: ElementTree.Element) -> str:
    return unspaced("".join(texts(element)))


def texts(element: ElementTree.Element) -> Iterator[str]:
    """What a person reads of the message: all but the name of a code block's language."""
    if element.get("class") != "language":
        yield element.text or ""
        for child in element:
            yield from texts(child)
            yield child.tail or ""


def unspaced(text: str) -> str:
    """Blocks stand on lines of their own, so that line ends around them are not written."""
    return re.sub(r"\s+", "", text)


def test_the_widest_table_fits_into_a_block_of_code_as_the_page_draws_it() -> None:
    css = (DOCS.parent / "gallery" / "phone.css").read_text("utf-8")
    found = re.search(r"\.bubble { max-width: (\d+)px; padding: \d+px (\d+)px", css)
    block = re.search(r"\.pre { .*?padding: \d+px (\d+)px \d+px (\d+)px; border-left: (\d+)px", css)
    font = re.search(r"^code { font: (\d+)px", css, re.MULTILINE)
    assert found and block and font
    room = int(found[1]) - 2 * int(found[2]) - sum(int(part) for part in block.groups())
    assert WIDEST_TABLE <= room / (0.602 * int(font[1])) < WIDEST_TABLE + 1, "DejaVu Sans Mono, as wide as most"


def test_no_name_of_a_file_becomes_a_link_in_what_we_say(rooms: tuple[Room, ...]) -> None:
    linked = re.compile(r'<span class="found">([^<]*\.(?:py|md|rs|sh))</span>')
    found = [
        (room.chapter.name, hanging.exhibit.name, match[1])
        for room in rooms
        for hanging in room.hangings
        for message in hanging.messages
        if message.is_from_bot
        for match in linked.finditer(marked_up(message.text, message.entities))
    ]
    assert not found


def test_no_sentence_ends_twice_and_a_session_to_be_forked_is_not_told_as_none(rooms: tuple[Room, ...]) -> None:
    for room in rooms:
        if room.chapter.name == "sessions":
            said = [m.text for h in room.hangings for m in h.messages if m.is_from_bot]
            assert not [text for text in said if ".." in text.replace("../", "")]
            assert not [text for text in said if "No session yet" in text and "forks it" in text]
