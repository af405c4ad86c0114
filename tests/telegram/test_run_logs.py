from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_gateway.core import event as ev
from codex_gateway.core.ids import RunId
from codex_gateway.core.reply import Moment, NoSuchRun, RunLog
from codex_gateway.core.run import RunState
from codex_gateway.telegram.markup import utf16_len
from codex_gateway.telegram.page import Page
from codex_gateway.telegram.parcel import pack, unpack
from codex_gateway.telegram.wording import word
from telegram.reading import shown


def log(*moments: tuple[float | None, ev.Event], left_out: int = 0, **facts: object) -> RunLog:
    told = tuple(Moment(at, event) for at, event in moments)
    state = facts.get("state", RunState.SUCCEEDED)
    error = facts.get("error")
    assert isinstance(state, RunState) and (error is None or isinstance(error, str))
    return RunLog(RunId(3), state, 1000.0, told, left_out, error)


EVERYTHING = log(
    (1000.0, ev.TurnStarted("t")),
    (1002.0, ev.Message("I look\naround.", ev.Phase.COMMENTARY)),
    (1004.0, ev.Reasoning("**Looking** at tests")),
    (1005.0, ev.CommandStarted("1", "ls -la")),
    (1005.2, ev.CommandFinished("1", "ls -la", 0)),
    (1006.0, ev.CommandStarted("2", "pytest -q")),
    (1071.0, ev.CommandFinished("2", "pytest -q", 1)),
    (1072.0, ev.FileChanged(("src/app.py", "b.py"))),
    (1073.0, ev.Compacted()),
    (1074.0, ev.CommandStarted("3", "sleep 100")),
    state=RunState.STOPPED,
    error="it broke",
)


def test_a_short_log_is_one_message_with_the_ends_and_times_of_the_steps() -> None:
    [message] = word(EVERYTHING, limit=3500)
    assert message.document is None
    assert shown(message) == (
        "📜 Run 3 · 3 steps\n"
        ">|0:02 💬 I look around.\n"
        "0:04 💭 Looking: at tests\n"
        "0:05 ✓ `ls -la`\n"
        "0:06 ✗ `pytest -q` (exit 1, 1:05)\n"
        "1:12 ✎ `src/app.py`, `b.py`\n"
        "1:13 🗜 The conversation was compacted.\n"
        "1:14 ⏹ `sleep 100` (cut short)>|\n"
        ">|it broke>|"
    )


def test_what_is_drawn_of_a_log_that_is_too_long_for_a_message_is_no_more_than_would_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[str] = []
    line = Page.line
    monkeypatch.setattr(Page, "line", lambda page, text="": (drawn.append(text), line(page, text))[1])
    [message] = word(log(*((1000.0, ev.Notice("n" * 100)) for _ in range(4000))), limit=3500)
    assert message.document is not None
    assert sum(map(len, drawn)) <= 3500


def test_a_long_log_is_a_file_with_everything_in_it() -> None:
    commands = [f"echo {number}\n" + "x" * 300 for number in range(40)]
    events = [(1000.0 + n, ev.CommandFinished(str(n), command, 0)) for n, command in enumerate(commands)]
    [message] = word(log(*events, left_out=7), limit=3500)
    assert message.formatted.text == "📜 Run 3 · 40 steps"
    assert message.document is not None and message.document.name == "run-3.txt"
    text = message.document.text or ""
    assert all(f"✓ echo {number}\n    {'x' * 300}\n" in text for number in range(40))
    assert "(The first 7 events are left out.)" in text


def test_a_log_that_tells_nothing_says_so() -> None:
    [message] = word(log(), limit=3500)
    assert shown(message) == "📜 Run 3\nIts session tells nothing of what it did."
    [message] = word(log(error="no such model"), limit=3500)
    assert shown(message) == "📜 Run 3\nIts session tells nothing of what it did.\n>|no such model>|"
    [message] = word(NoSuchRun(RunId(3)), limit=3500)
    assert shown(message) == "I know no such run in this chat any more."


texts = st.text(max_size=80) | st.just("𝕏" * 700) | st.just("\ud800\x1b\n")
events = st.one_of(
    st.builds(ev.Message, text=texts, phase=st.sampled_from(ev.Phase)),
    st.builds(ev.CommandStarted, call_id=st.sampled_from("abc"), command=texts),
    st.builds(ev.CommandFinished, call_id=st.sampled_from("abc"), command=texts, exit_code=st.none() | st.integers()),
    st.builds(ev.FileChanged, paths=st.lists(texts, max_size=3).map(tuple)),
)


@given(st.lists(st.tuples(st.none() | st.floats(-1e9, 1e12), events), max_size=8), st.none() | texts)
def test_whatever_a_log_holds_it_can_be_sent(moments: list[tuple[float | None, ev.Event]], error: str | None) -> None:
    for left_out in (0, 1):
        [message] = word(log(*moments, error=error, left_out=left_out), limit=3500)
        assert 0 < utf16_len(message.formatted.text) <= 4096
        assert unpack(pack(message)) == message
