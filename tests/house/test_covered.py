"""Which test shows over HTTP what each command, button and kind of message does: rightly used, and wrongly.

What strangers, other chats and stale buttons get is tested for all of them at once, in `test_access`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from codex_gateway.core.manner import Setting
from codex_gateway.telegram.inbound import _BUTTON_WISHES, _PLAIN_COMMANDS, _UNSUPPORTED
from codex_gateway.telegram.wording import COMMANDS
from house.test_access import BUTTONS, OF_THE_CHAT

HERE = Path(__file__).parent
TELEGRAM = Path(__file__).parents[2] / "src" / "codex_gateway" / "telegram"


@dataclass(frozen=True, slots=True)
class Row:
    """Test files, each with the words by which a test in it uses the thing."""

    right: tuple[str, str]
    wrong: tuple[str, str]


#: Each command with words that it has no use for, and in capital letters.
ANY_WORDS = ("test_access", "for command in COMMANDS")
#: Each button with a run of another chat, one that has ended, and one that never was.
ANY_RUN = ("test_access", "_BUTTON_WISHES")

COMMAND_ROWS = {
    "new": Row(("test_main_job", "/new @say"), ("test_access", '"/new  "')),
    "stop": Row(("test_stopping", "/stop"), ("test_main_job", '"/stop"')),
    "retry": Row(("test_main_job", '"/retry"'), ("test_manners", '"/retry"')),
    "status": Row(("test_second_writer", '"/status"'), ANY_WORDS),
    "lastresult": Row(("test_long_answers", "/lastresult"), ("test_manners", '"/lastresult"')),
    "queue": Row(("test_queue", "/queue"), ANY_WORDS),
    "session": Row(("test_sessions", '"/session"'), ANY_WORDS),
    "sessions": Row(("test_sessions", '"/sessions"'), ("test_session_commands", '"/sessions"')),
    "bind": Row(("test_session_commands", "/bind login ./shop"), ("test_session_commands", "/bind {wrong}")),
    "newsession": Row(("test_session_commands", "/newsession shop"), ("test_session_commands", "/newsession {words}")),
    "fork": Row(("test_session_commands", '"/fork"'), ("test_session_commands", "There is nothing to fork yet")),
    "unbind": Row(("test_session_commands", '"/unbind"'), ("test_sessions", '("/unbind"')),
    "whoami": Row(("test_main_job", '"/whoami"'), ANY_WORDS),
    "verbose": Row(("test_manners", '"/verbose"'), ("test_manners", "{command} klingon")),
    "format": Row(("test_manners", '"/format"'), ("test_manners", "{command} klingon")),
    "language": Row(("test_manners", '"/language"'), ("test_manners", "{command} klingon")),
    "help": Row(("test_main_job", '"/help"'), ("test_main_job", "/retyr")),
    "start": Row(("test_manners", '"/start"'), ANY_WORDS),
    "get": Row(("test_files_out", "/get "), ("test_files_out", "../")),
    "diff": Row(("test_files_out", "/diff"), ("test_files_out", "/diff")),
}

BUTTON_ROWS = {
    "stop": Row(("test_silence", "⏹ Stop"), ANY_RUN),
    "retry": Row(("test_verdict_buttons", "🔁 Retry"), ANY_RUN),
    "wait": Row(("test_silence", "⏳ Go on waiting"), ANY_RUN),
    "fork": Row(("test_second_writer", "fork:1"), ANY_RUN),
    "holder": Row(("test_second_writer", "🧹 End"), ANY_RUN),
    "diff": Row(("test_files_out", "diff:"), ANY_RUN),
    "log": Row(("test_verdict_buttons", "📜 Log"), ("test_verdict_buttons", "log:1;2")),
    "drop": Row(("test_queue", "✖ 1. Take out"), ("test_queue", "does not wait here any more")),
    "up": Row(("test_queue", "⬆ 3. Move up"), ("test_queue", "next one already")),
    "clear": Row(("test_queue", "🧹 Clear the queue too"), ANY_RUN),
    "pick": Row(("test_sessions", "pick:"), ("test_session_commands", "it was there when the list was made")),
    "list": Row(("test_sessions", "Older ▶"), ("test_sessions", "list:600")),
    "verbose": Row(("test_manners", "✓ normal"), ("test_manners", ":nonsense")),
    "format": Row(("test_manners", "✓ text"), ("test_manners", ":nonsense")),
    "language": Row(("test_manners", "✓ automatic"), ("test_manners", ":nonsense")),
}

#: What is said without a command. What cannot be taken is one kind: its sentences are told apart in `telegram`.
MESSAGE_ROWS = {
    "text": Row(("test_main_job", "@say"), ("test_replies_and_edits", "edit")),
    "photo": Row(("test_files_in", "send_photo"), ("test_files_in", "what_cannot_be_taken")),
    "document": Row(("test_files_in", "send_document"), ("test_files_in", "what_cannot_be_taken")),
    "voice": Row(("test_files_in", "a_voice_message_is_a_prompt"), ("test_files_in", "what_cannot_be_taken")),
    "album": Row(("test_pasting", "album"), ("test_pasting", "crash")),
    "forwarded": Row(("test_pasting", "forward"), ("test_pasting", "forward")),
    "reply": Row(("test_replies_and_edits", "reply_to"), ("test_replies_and_edits", "no_status_message")),
    "edited": Row(("test_replies_and_edits", ".edit("), ("test_replies_and_edits", "no_other")),
    "stopped draft": Row(("test_drafts", "stop_draft"), ("test_drafts", "comes_too_late")),
    "unsupported": Row(("test_access", "kinds = sorted("), ("test_access", "of_bot(alone) == []")),
}


def prefixes_made() -> set[str]:
    """What the data of every button begins with that the code puts under a message."""
    made = set()
    for file in TELEGRAM.rglob("*.py"):
        made |= set(re.findall(r'\), f"([a-z]+):\{|, f"(?=[a-z]+:\{)([a-z]+):\{', file.read_text("utf-8")))
    return {prefix for pair in made for prefix in pair if prefix} | {setting.value for setting in Setting}


def test_every_command_has_its_row() -> None:
    assert set(COMMAND_ROWS) == {command.name for command in COMMANDS} | set(_PLAIN_COMMANDS)


def test_every_button_has_its_row_and_is_in_the_tables_of_wrong_hands() -> None:
    understood = {*_BUTTON_WISHES, "pick", "list", *(setting.value for setting in Setting)}
    assert set(BUTTON_ROWS) == understood == set(BUTTONS) | set(OF_THE_CHAT)
    assert prefixes_made() == understood, "a button that is made is understood, and the other way round"


def test_every_kind_of_content_is_taken_or_refused() -> None:
    assert {"photo", "voice", "document", "sticker"} <= set(_UNSUPPORTED)


@pytest.mark.parametrize(
    ("what", "row"),
    [
        (f"{kind} {name}", row)
        for kind, rows in (("command", COMMAND_ROWS), ("button", BUTTON_ROWS), ("message", MESSAGE_ROWS))
        for name, row in rows.items()
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_row_names_tests_that_are_there(what: str, row: Row) -> None:
    for file, words in (row.right, row.wrong):
        assert words in (HERE / f"{file}.py").read_text("utf-8"), (what, file, words)
