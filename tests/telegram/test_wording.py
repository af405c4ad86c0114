from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from codex_gateway.core import reply as say
from codex_gateway.core.diagnosis import Cause, Diagnosis
from codex_gateway.core.event import Tokens, Usage, Window
from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import BotName, ChatRef, RunId, ThreadId, UserId
from codex_gateway.core.outcome import FailureKind, StopReason
from codex_gateway.core.progress import Doing, Progress
from codex_gateway.core.request import Misspoken, MisspokenReason
from codex_gateway.core.run import RunState
from codex_gateway.telegram.markup import utf16_len
from codex_gateway.telegram.units import moment
from codex_gateway.telegram.verdicts import FAILURES, STOPS
from codex_gateway.telegram.wording import COMMANDS, word
from telegram.reading import shown

REFERENCE = Path(__file__).parent.parent.parent / "docs" / "reference" / "chat.md"
RUNNING = say.RunLine(RunId(3), RunState.RUNNING, "Fix the\nfailing test", 65.0)
HELD = say.RunLine(RunId(3), RunState.RUNNING, "Fix the\nfailing test", 65.0, is_waiting=True)
HELD_PROGRESS = Progress(doing=Doing.WAITING_FOR_SESSION, holder=Holder(4242, "codex resume", "pts/3"), can_fork=True)
WAITING = say.RunLine(RunId(4), RunState.QUEUED, "Then " + "write a changelog " * 10, 5.0)
CLIPPED = "Then write a changelog write a changelog write a changelog…"
STOPPED = say.SettledCard(RunId(2), RunState.STOPPED, 12.0, 0, 0, None, StopReason.USER, None, None)
RESET = 1_795_201_200.0
CHAT = ChatRef(BotName("alpha"), -100, 7)


def misspoken(reason: MisspokenReason, about: str) -> say.NotUnderstood:
    return say.NotUnderstood(Misspoken(reason, about))


GOLDEN: dict[str, tuple[say.Reply, list[str]]] = {
    "answer": (say.Answer(RunId(3), "It is **done**."), ["It is **done**."]),
    "empty answer": (say.Answer(RunId(3), " \n"), ["Codex finished without saying anything."]),
    "commentary": (say.Commentary(RunId(3), "I look at `app.py`."), ["I look at `app.py`."]),
    "empty commentary": (say.Commentary(RunId(3), ""), []),
    "last result": (say.LastResult(RunId(3), "Done."), ["Done."]),
    "no last result": (say.LastResult(None, None), ["There is no answer yet."]),
    "empty last result": (say.LastResult(RunId(3), ""), ["The last run finished without saying anything."]),
    "a long command": (
        say.StillRunning(RunId(3), Diagnosis(Cause.COMMAND, 900.0, command="make all", is_at_work=False)),
        [
            "⏱ `make all` has been running for 15:00. It is not using the processor.\n"
            "[⏳ Go on waiting → wait:3][⏹ Stop → stop:3]"
        ],
    ),
    "a command that waits for input": (
        say.StillRunning(RunId(3), Diagnosis(Cause.INPUT, 300.0, command="rm -i a")),
        [
            "⏱ `rm -i a` has been running for 5:00 and waits for input, which nobody can give it.\n"
            "[⏳ Go on waiting → wait:3][⏹ Stop → stop:3]"
        ],
    ),
    "Codex is halted": (
        say.StillRunning(RunId(3), Diagnosis(Cause.HALTED, 300.0, pid=77)),
        [
            "⏱ Codex was halted by a signal. On its machine, `kill -CONT 77` lets it go on.\n"
            "[⏳ Go on waiting → wait:3][⏹ Stop → stop:3]"
        ],
    ),
    "nothing runs": (say.NothingRuns(), ["Nothing is running here."]),
    "stopping": (say.Stopping(RunId(3), was_queued=False, waiting=0), ["Stopping…"]),
    "stopping, more wait": (
        say.Stopping(RunId(3), was_queued=False, waiting=2),
        ["Stopping… 2 prompts still wait in the queue."],
    ),
    "dropped, one waits": (
        say.Stopping(RunId(3), was_queued=True, waiting=1),
        ["Taken out of the queue. 1 prompt still waits in the queue."],
    ),
    "nothing to retry": (say.NothingToRetry(), ["There is no prompt to retry yet."]),
    "still at it": (say.StillAtIt(RunId(3)), ["That prompt is at work or waiting already."]),
    "status": (
        say.StatusReport(
            "alpha", ThreadId("0199-ab"), RUNNING, Progress(step_count=7), 2, STOPPED, ("Telegram asks to wait.",)
        ),
        [
            "**alpha** · session `0199-ab`\n"
            "⚙️ Run 3 · 1:05 · 7 steps\n"
            "|Fix the failing test|\n"
            "Starting Codex…\n"
            "⏳ 2 waiting\n"
            "Last, run 2: ⏹ Stopped by you after 0:12\n"
            "⚠️ Telegram asks to wait.\n"
            "[⏹ Stop → stop:3]"
        ],
    ),
    "status with an allowance": (
        say.StatusReport(
            "alpha",
            ThreadId("0199-ab"),
            RUNNING,
            Progress(step_count=7, usage=Usage(Tokens(), Tokens(input=98_192), 258_400)),
            0,
            None,
            windows=(Window(91.4, 18_000.0, RESET), Window(40.0)),
        ),
        [
            "**alpha** · session `0199-ab`\n"
            "⚙️ Run 3 · 1:05 · 7 steps · 62% context left\n"
            "|Fix the failing test|\nStarting Codex…\n"
            "Nothing waits\n"
            f"⚠️ 5 h limit 91% used, renewed {moment(RESET)}\n"
            "📊 limit 40% used\n"
            "[⏹ Stop → stop:3]"
        ],
    ),
    "idle status": (
        say.StatusReport("alpha", None, None, None, 0, None),
        ["**alpha** · no session yet: the first prompt begins one\n💤 Nothing is running\nNothing waits"],
    ),
    "queue": (
        say.QueueReport(RUNNING, (WAITING, WAITING)),
        [
            "⚙️ Run 3 · 1:05 · Fix the failing test\n"
            "1. Run 4 · waits 0:05 · Then write a changelog write a changelog write a changelog…\n"
            "2. Run 4 · waits 0:05 · Then write a changelog write a changelog write a changelog…"
        ],
    ),
    "queue of one": (
        say.QueueReport(RUNNING, ()),
        ["⚙️ Run 3 · 1:05 · Fix the failing test\nNothing waits behind it."],
    ),
    "a queue of one's own": (
        say.QueueReport(None, (replace(WAITING, is_own=True), WAITING, replace(WAITING, run_id=RunId(6), is_own=True))),
        [
            f"1. Run 4 · waits 0:05 · {CLIPPED}\n2. Run 4 · waits 0:05 · {CLIPPED}\n3. Run 6 · waits 0:05 · {CLIPPED}\n"
            "[✖ 1. Take out → drop:4]\n[✖ 3. Take out → drop:6][⬆ 3. Move up → up:6]"
        ],
    ),
    "stopping, and more of this chat wait": (
        say.Stopping(RunId(3), was_queued=False, waiting=2, last_waiting=RunId(5)),
        ["Stopping… 2 prompts still wait in the queue.\n[🧹 Clear the queue too → clear:5]"],
    ),
    "a queue with what was left in another session": (
        say.QueueReport(None, (WAITING,), elsewhere=(RUNNING,)),
        [
            "⚙️ Run 3 · 1:05 · in the session this chat spoke to before · Fix the failing test\n"
            f"1. Run 4 · waits 0:05 · {CLIPPED}"
        ],
    ),
    "status with what was left in another session": (
        say.StatusReport("alpha", None, None, None, 0, None, elsewhere=(RUNNING,)),
        [
            "**alpha** · no session yet: the first prompt begins one\n"
            "⚙️ Run 3 · 1:05 · in the session this chat spoke to before · Fix the failing test\n"
            "Nothing waits"
        ],
    ),
    "queue that was empty already": (say.QueueCleared(0), ["Nothing of that waits any more."]),
    "queue cleared": (say.QueueCleared(2), ["Taken out of the queue: 2 prompts."]),
    "not queued": (say.NotQueued(), ["That prompt does not wait here any more."]),
    "the next one already": (say.NextAlready(), ["That prompt is the next one already."]),
    "empty queue": (say.QueueReport(None, ()), ["Nothing runs and nothing waits."]),
    "session": (
        say.SessionReport("alpha", ThreadId("0199-ab"), Path("/home/me/app"), Path("/home/me/.codex"), 12),
        [
            "**alpha**\n"
            "Session `0199-ab`\n"
            "Work directory `/home/me/app`\n"
            "Codex home `/home/me/.codex`\n"
            "Runs so far: 12\n"
            "In a terminal: `codex resume 0199-ab`\n"
            "Nobody has it open\nIt is the bot’s own; /sessions lists others."
        ],
    ),
    "no session": (
        say.SessionReport("alpha", None, Path("/a"), Path("/b"), 0),
        [
            "**alpha**\nNo session yet: the first prompt begins one.\n"
            "Work directory `/a`\nCodex home `/b`\nRuns so far: 0\n"
            "It is the bot’s own; /sessions lists others."
        ],
    ),
    "who": (
        say.WhoReport(CHAT, UserId(5)),
        ["You are user `5`, this chat is `-100`, topic `7`, and I am the bot **alpha**."],
    ),
    "typo": (
        misspoken(MisspokenReason.UNKNOWN_COMMAND, "/stpo"),
        ["`/stpo` is no command here. Did you mean /stop? /help lists them."],
    ),
    "no such command": (
        misspoken(MisspokenReason.UNKNOWN_COMMAND, "/weather"),
        ["`/weather` is no command here. /help lists them."],
    ),
    "new without a prompt": (
        misspoken(MisspokenReason.EMPTY_PROMPT, "/new"),
        ["Write the prompt behind /new, such as: `/new Why does the last test fail?`"],
    ),
    "mention without a prompt": (
        misspoken(MisspokenReason.EMPTY_PROMPT, ""),
        ["What shall Codex do? Write it in the same message."],
    ),
    "a command that was edited": (
        misspoken(MisspokenReason.EDITED, ""),
        ["An edited message starts nothing: send it as a new one."],
    ),
    "photo": (
        misspoken(MisspokenReason.UNSUPPORTED_CONTENT, "photo"),
        ["I cannot take a photo: please write it as text."],
    ),
    "something new": (
        misspoken(MisspokenReason.UNSUPPORTED_CONTENT, "hologram"),
        ["I cannot take this kind of message: please write it as text."],
    ),
}


@pytest.mark.parametrize(("reply", "texts"), GOLDEN.values(), ids=GOLDEN.keys())
def test_a_reply_reads(reply: say.Reply, texts: list[str]) -> None:
    assert [shown(message) for message in word(reply, limit=3500)] == texts


def test_a_long_answer_comes_whole_in_parts_within_the_limit() -> None:
    words = [f"word{number}" for number in range(3000)]
    parts = word(say.Answer(RunId(3), " ".join(words)), limit=500)
    assert all(utf16_len(part.formatted.text) <= 500 for part in parts)
    assert " ".join(part.formatted.text for part in parts).split() == words


def test_no_limit_takes_a_part_beyond_what_telegram_allows() -> None:
    parts = word(say.Answer(RunId(3), "x" * 10_000), limit=100_000)
    assert [utf16_len(part.formatted.text) for part in parts] == [4096, 4096, 1808]


def test_a_long_queue_is_summed_up() -> None:
    [message] = word(say.QueueReport(RUNNING, (WAITING,) * 500), limit=3500)
    assert message.formatted.text.endswith("… and 480 more")


def test_a_report_beyond_one_message_is_split_and_keeps_its_button() -> None:
    report = say.StatusReport("alpha", None, RUNNING, None, 0, None, ("trouble " * 50,) * 30)
    messages = word(report, limit=100)
    assert len(messages) > 1
    assert all(utf16_len(message.formatted.text) <= 4096 for message in messages)
    assert [bool(message.keyboard) for message in messages] == [False] * (len(messages) - 1) + [True]


def test_help_lists_every_command() -> None:
    [message] = word(say.Help(), limit=3500)
    for command in COMMANDS:
        assert f"/{command.name}" in message.formatted.text and command.purpose in message.formatted.text


def test_the_menu_is_one_that_telegram_takes() -> None:
    for command in COMMANDS:
        assert re.fullmatch(r"[a-z0-9_]{1,32}", command.name)
        assert 1 <= len(command.purpose) <= 256


def test_the_reference_lists_exactly_these_commands() -> None:
    table = REFERENCE.read_text("utf-8").replace("\\|", "/")  # a bar in a cell is written so
    listed = re.findall(r"^\| `/(\w+)(?: ([^`]+))?` \| ([^|]+) \|", table, re.MULTILINE)
    assert listed == [(command.name, command.argument.replace("|", "/"), command.purpose) for command in COMMANDS]


@pytest.mark.parametrize("word_in_row", [*FAILURES, *STOPS])
def test_the_reference_explains_every_end_of_a_run_in_our_words(word_in_row: FailureKind | StopReason) -> None:
    explained = FAILURES[word_in_row] if isinstance(word_in_row, FailureKind) else STOPS[word_in_row]
    cause = explained.cause or "(stopped by the person)"
    assert f"| `{word_in_row}` | {cause} | {explained.advice or '–'} |" in REFERENCE.read_text("utf-8")
