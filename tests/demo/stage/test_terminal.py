"""What the terminal shows and what its keys do, as pure functions; golden texts are what a person would see."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import pytest

from codex_gateway.demo.bot_api import BotApiServer, Content, Entity, Message, Version
from codex_gateway.demo.bot_api import utf16_length as units
from codex_gateway.demo.stage import is_at_work
from codex_gateway.demo.terminal.bubbles import bubble, history
from codex_gateway.demo.terminal.formatting import formatted
from codex_gateway.demo.terminal.keys import Key, Keyboard, Typed
from codex_gateway.demo.terminal.lines import Line, line, shortened, width, wrapped, written
from codex_gateway.demo.terminal.pen import Pen
from codex_gateway.demo.terminal.screen import Screen
from codex_gateway.demo.terminal.view import View, note

STOP = {"inline_keyboard": [[{"text": "⏹ Stop", "callback_data": "stop:1"}]]}
RETRY = {"inline_keyboard": [[{"text": "🔁 Retry", "callback_data": "retry:1"}]]}


def plain(lines: Sequence[Line]) -> list[str]:
    return [written(pieces, colour=False) for pieces in lines]


def over(text: str, part: str, kind: str, **more: str) -> Entity:
    start = text.index(part)
    return Entity(kind, units(text[:start]), units(part), **more)


# Formatting


def test_bold_and_code_are_colours_on_a_terminal_and_nothing_but_text_elsewhere() -> None:
    text = "🙂 bold and code"
    lines = formatted(text, [over(text, "bold", "bold"), over(text, "code", "code")], width=40)
    assert plain(lines) == [text]
    assert written(lines[0], colour=True) == "🙂 \x1b[1mbold\x1b[0m and \x1b[36mcode\x1b[0m"


def test_entities_that_nest_add_up() -> None:
    lines = formatted("ab", [Entity("bold", 0, 2), Entity("italic", 1, 1)], width=40)
    assert written(lines[0], colour=True) == "\x1b[1ma\x1b[0m\x1b[1;3mb\x1b[0m"


def test_a_code_block_stands_in_a_frame_and_is_not_wrapped_at_words() -> None:
    text = "Look:\nif a  and  b:\n    go()\nDone."
    lines = formatted(text, [over(text, "if a  and  b:\n    go()", "pre", language="python")], width=12)
    assert plain(lines) == ["Look:", "┌ python", "│ if a  and", "│  b:", "│     go()", "└", "Done."]


def test_two_code_blocks_have_two_frames() -> None:
    lines = formatted("a\nb", [Entity("pre", 0, 1), Entity("pre", 2, 1)], width=12)
    assert plain(lines) == ["┌", "│ a", "└", "┌", "│ b", "└"]


def test_a_quote_has_a_bar() -> None:
    text = "Last:\none two three\nend"
    lines = formatted(text, [over(text, "one two three", "expandable_blockquote")], width=9)
    assert plain(lines) == ["Last:", "▏ one two", "▏ three", "end"]


def test_a_link_shows_where_it_leads() -> None:
    lines = formatted("see here.", [Entity("text_link", 4, 4, url="https://a.example/")], width=60)
    assert plain(lines) == ["see here (https://a.example/)."]


def test_what_a_terminal_would_obey_is_not_passed_on() -> None:
    lines = formatted("a\x1b[2Jb\x07\x9bc\u202ed\te", [], width=40)
    assert plain(lines) == ["a�[2Jb��cd    e"]


# Lines


@pytest.mark.parametrize(
    ("text", "limit", "lines"),
    [
        ("", 10, [""]),
        ("one two three", 7, ["one two", "three"]),
        ("one two three", 8, ["one two", "three"]),
        ("unbreakable", 4, ["unbr", "eaka", "ble"]),
        ("中文字中文字", 5, ["中文", "字中", "文字"]),
        ("see 中文字", 6, ["see 中", "文字"]),
        ("  indented text", 10, ["  indented", "text"]),
        ("e\u0301e\u0301e\u0301", 2, ["e\u0301e\u0301", "e\u0301"]),
    ],
)
def test_text_is_wrapped_by_columns(text: str, limit: int, lines: list[str]) -> None:
    wrapped_lines = list(wrapped([(char, line("x")[0].style) for char in text], limit))
    assert plain(wrapped_lines) == lines
    assert all(width(pieces) <= limit for pieces in wrapped_lines)


def test_a_line_that_is_too_long_ends_in_an_ellipsis() -> None:
    assert plain([shortened(line("ab 中文字"), 7), shortened(line("short"), 7)]) == ["ab 中…", "short"]


# Messages


@pytest.fixture
def chat():
    server = BotApiServer(bots=["demo"])
    return server.private_chat(server.person("You"), server.bots[0])


def asked(chat, text: str) -> Message:
    return chat.say(chat.person, text)


def answered(chat, text: str, *, reply_to: Message | None = None, markup=None, entities=()) -> Message:
    return chat.post(chat.bots[0], Content(text, tuple(entities), markup), reply_to=reply_to, topic=None)


def test_each_message_says_who_speaks(chat) -> None:
    first = asked(chat, "Hello")
    said = answered(chat, "Hello you,\nwhat is it?", reply_to=first)
    assert plain(bubble(first, first.content, columns=30)) == ["you  Hello"]
    assert plain(bubble(said, said.content, columns=30)) == ["bot  Hello you,", "     what is it?"]


def test_a_reply_to_an_earlier_message_says_to_which(chat) -> None:
    first, _ = asked(chat, "The first question of all"), asked(chat, "the second")
    said = answered(chat, "Yes.", reply_to=first)
    assert plain(bubble(said, said.content, columns=20)) == ["bot  ↳ The first qu…", "     Yes."]


def test_buttons_stand_at_the_end_of_the_first_line_or_below(chat) -> None:
    said = answered(chat, "Working\nmore", markup=STOP)
    assert plain(bubble(said, said.content, columns=40)) == ["bot  Working  [⏹ Stop]", "     more"]
    assert plain(bubble(said, said.content, columns=16)) == ["bot  Working", "     more", "     [⏹ Stop]"]


def test_the_history_of_a_message_leaves_out_where_only_the_clock_went_on(chat) -> None:
    said = answered(chat, "⏳ Queued", markup=STOP)
    for text in ("⚙️ 0:01\n▸ ls", "⚙️ 0:02\n▸ ls", "⚙️ 0:03\n▸ wc"):
        chat.change(said, Content(text, (), STOP))
    quoted = "⏹ Stopped after 0:04\nlog"
    chat.change(said, Content(quoted, (over(quoted, "log", "blockquote"),), RETRY))
    assert plain(history(said, columns=60)) == [
        "bot  ⏳ Queued  [⏹ Stop]",
        " ↻   ⚙️ 0:02 · ▸ ls",
        " ↻   ⚙️ 0:03 · ▸ wc",
        " ↻   ⏹ Stopped after 0:04  [🔁 Retry]",
    ]


def test_the_view_shows_a_message_at_work_in_place_and_once_it_is_settled_for_good(chat) -> None:
    view = View(chat)
    asked(chat, "Go")
    status = answered(chat, "Working", markup=STOP)
    assert plain(view.settled(columns=40)) == ["you  Go", ""]
    assert plain(view.living(columns=40)) == ["bot  Working  [⏹ Stop #1]", ""]
    assert is_at_work(status)
    assert view.button(1) == (status, "⏹ Stop")
    chat.change(status, Content("Stopped", (), RETRY))
    assert plain(view.settled(columns=40)) == ["bot  Stopped  [🔁 Retry #2]", ""]
    assert view.living(columns=40) == view.settled(columns=40) == []
    with pytest.raises(LookupError):
        view.button(1)
    chat.change(status, Content("Stopped, really"))
    assert plain(view.settled(columns=40)) == [" ↻   Stopped, really", ""]


# Keys


def read(*pieces: bytes) -> list[object]:
    keyboard = Keyboard()
    return [typed for piece in pieces for typed in keyboard.read(piece)]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([b"abc\r"], [Typed("abc"), Key.ENTER]),
        ([b"\xe4\xb8", b"\xad"], [Typed("中")]),
        ([b"\xff"], [Typed("�")]),
        ([b"\x1b[D\x1b[C\x1bOA\x1b[3~"], [Key.LEFT, Key.RIGHT, Key.UP, Key.DELETE]),
        ([b"\x1b", b"[", b"A"], [Key.UP]),
        ([b"\x1b\r"], [Key.NEW_LINE]),
        ([b"\x1b[200~one\rtwo\x1b", b"[201~", b"x"], [Typed("one"), Key.NEW_LINE, Typed("two"), Typed("x")]),
        ([b"\x03\x04\x17\x00"], [Key.INTERRUPT, Key.END_OF_INPUT, Key.ERASE_WORD]),
        ([b"\x1b[1;5Dx\x1b[?1;2cy"], [Key.LEFT, Typed("x"), Typed("y")]),
    ],
)
def test_bytes_are_understood_in_whatever_pieces_they_come(pieces: list[bytes], expected: list[object]) -> None:
    assert read(*pieces) == expected


def written_with(*typed: object) -> Pen:
    pen = Pen()
    for each in typed:
        pen.take(each)
    return pen


def test_the_writing_line_can_be_edited() -> None:
    pen = written_with(Typed("hello brave world"), Key.ERASE_WORD, Key.BACKSPACE, Key.HOME, Key.DELETE, Typed("J"))
    assert pen.text == "Jello brave"
    assert written_with(Typed("abc"), Key.LEFT, Key.ERASE_BEFORE).text == "c"
    assert written_with(Typed("abc"), Key.LEFT, Key.ERASE_AFTER).text == "ab"
    assert written_with(Key.BACKSPACE, Key.LEFT, Key.DELETE, Key.RIGHT).text == ""


def test_enter_sends_and_what_was_sent_can_be_called_back() -> None:
    pen = written_with(Typed("first"), Key.ENTER, Typed("second"), Key.NEW_LINE, Typed("row"))
    assert pen.take(Key.ENTER) == "second\nrow"
    assert pen.text == ""
    pen.take(Key.UP)
    pen.take(Key.UP)
    pen.take(Key.UP)
    assert pen.text == "first"
    pen.take(Key.DOWN)
    pen.take(Key.DOWN)
    assert pen.text == ""


@pytest.mark.parametrize(
    ("text", "back", "room", "shown"),
    [
        ("short", 0, 10, ("short", 5)),
        ("a long line of text", 0, 8, ("of text", 7)),
        ("a long line of text", 19, 8, ("a long ", 0)),
        ("中文字中文字", 0, 8, ("中文字", 6)),
        ("one\ntwo\tx", 0, 20, ("one⏎two x", 9)),
    ],
)
def test_a_long_writing_line_shows_the_part_around_the_cursor(
    text: str, back: int, room: int, shown: tuple[str, int]
) -> None:
    pen = Pen(text, len(text) - back)
    assert pen.shown(room) == shown


# The screen


class Terminal:
    """As much of a terminal as the screen needs: what a person would see after the control sequences."""

    def __init__(self) -> None:
        self.rows: list[str] = [""]
        self.row = self.column = 0

    def take(self, text: str) -> None:
        for part in re.findall(r"\x1b\[[0-?]*[A-Za-z]|[^\x1b]", text):
            match part[-1] if part[0] == "\x1b" else part:
                case "\r":
                    self.column = 0
                case "\n":
                    self.row += 1
                    self.rows += [""] * (self.row + 1 - len(self.rows))
                case "A" if part[0] == "\x1b":
                    self.row -= int(part[2:-1])
                    assert self.row >= 0, "drawn over what is settled"
                case "C" if part[0] == "\x1b":
                    self.column += int(part[2:-1])
                case "J" if part[0] == "\x1b":
                    del self.rows[self.row + 1 :]
                    self.rows[self.row] = self.rows[self.row][: self.column]
                case _ if part[0] == "\x1b":
                    pass
                case char:
                    padded = self.rows[self.row].ljust(self.column)
                    self.rows[self.row] = padded[: self.column] + char + padded[self.column + 1 :]
                    self.column += 2 if unicodedata.east_asian_width(char) in "WF" else 1


def test_what_lives_is_drawn_over_and_what_is_settled_stays() -> None:
    terminal, screen = Terminal(), Screen()

    def draw(settled: str, live: str, text: str) -> list[str]:
        lines = [note(part, columns=40) if part else [] for part in (settled, live)]
        terminal.take(screen.draw(*lines, (text, len(text)), columns=40, rows=10))
        return terminal.rows

    assert draw("hello", "", "") == ["hello", "› "]
    assert draw("", "working 0:01\nls", "ty") == ["hello", "working 0:01", "ls", "› ty"]
    assert draw("", "working 0:02", "typ") == ["hello", "working 0:02", "› typ"]
    assert draw("done", "", "typed") == ["hello", "done", "› typed"]
    terminal.take(screen.finish(note("bye", columns=40), columns=40))
    assert terminal.rows == ["hello", "done", "bye", ""]
    assert terminal.column == 0


def test_more_than_the_screen_holds_is_cut_at_the_top_of_what_lives() -> None:
    terminal, screen = Terminal(), Screen()
    for _ in range(2):
        terminal.take(screen.draw([], note("1\n2\n3\n4\n5", columns=20), ("", 0), columns=20, rows=5))
        assert terminal.rows == ["3", "4", "5", "› "]


def test_a_terminal_that_got_narrower_has_wrapped_what_lives() -> None:
    screen = Screen()
    screen.draw([], note("x" * 30, columns=40), ("y" * 25, 25), columns=40, rows=10)
    # 30 columns take two rows of 20 now, and the cursor, in column 27 of its line, stands in the second row of it.
    assert screen.draw([], [], ("", 0), columns=20, rows=10).startswith("\x1b[?2026h\x1b[?25l\r\x1b[3A\x1b[J")


def test_a_version_that_was_never_edited_is_told_once(chat) -> None:
    said = answered(chat, "Hello")
    assert said.versions == [Version(said.at, said.content)]
    assert plain(history(said, columns=40)) == ["bot  Hello"]
