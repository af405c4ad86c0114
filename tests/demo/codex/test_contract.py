"""The scripted Codex CLI keeps the contract of the real one: the same cases run against both, in both session formats.

``WRITES`` says which lines of a session file stand for a fact, ``TURNS`` which facts and which ``--json`` events a
prompt makes. The scripted CLI differs on purpose, and only, in these:

- stack backtraces, log lines and warnings on stderr: noise of the real build; the sentence that counts is kept.
- similar-name tips of usage errors: the first line and exit code 2 are the contract.
- pauses between retries: tests would only wait for them.
- the ``metadata`` of response items: numbers the history for Codex's own index; nobody outside reads it.
- the contents of instructions, world_state and turn_context: shorter; sizes are kept where they matter.
- sqlite files in CODEX_HOME: indexes only; a resume works without them.
- the sandbox: commands and patches run without one, whatever ``--sandbox`` says.
- terminal interface, app-server, fork, review: not claimed, exit code 2.
- 0.140's command line: only its session files, events and signals are claimed.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from codex_gateway.demo.script import Refusal
from support.codex_lab import (
    ALL,
    MODERN,
    REAL,
    REAL_LEGACY,
    SCRIPTED,
    SCRIPTED_LEGACY,
    Cli,
    Ended,
    Json,
    Lab,
    Started,
    each,
    environment_of,
    is_alive,
    kill_if_alive,
    kind,
    open_lab,
    seen,
    until,
)

#: The lines for each fact: paginated as 0.169 writes it, legacy as 0.140 does. Without token_usage_record, whose place
#: among its neighbours is a race in the real one; its number is checked instead.
WRITES: dict[str, tuple[str, str]] = {
    "new": (
        "session_meta task_started message/developer message/user world_state turn_context thread_settings_applied",
        "session_meta task_started message/developer message/user turn_context",
    ),
    "resumed": ("thread_settings_applied task_started turn_context", "task_started turn_context"),
    "resumed-full": ("thread_settings_applied task_started", "task_started"),
    "prompt": ("message/user item/UserMessage", "message/user user_message"),
    "prompt-failed": ("message/user item/UserMessage", ""),
    "reasoning": ("item/Reasoning reasoning", "agent_reasoning reasoning"),
    "message": ("item/AgentMessage message/assistant", "agent_message message/assistant"),
    "call": ("function_call", "function_call"),
    "ran": ("item/CommandExecution", ""),
    "output": ("function_call_output", "function_call_output"),
    "patch": (
        "custom_tool_call item/FileChange custom_tool_call_output",
        "custom_tool_call patch_apply_end custom_tool_call_output",
    ),
    "count": ("token_count", "token_count"),
    "count-modern": ("token_count", ""),
    "compacted-mid-turn": (
        "token_count message/assistant token_count compacted world_state turn_context thread_settings_applied"
        " token_count item/ContextCompaction",
        "token_count message/assistant token_count compacted turn_context token_count context_compacted",
    ),
    "compacted-before": (
        "token_count message/assistant token_count compacted world_state turn_context thread_settings_applied"
        " token_count item/ContextCompaction",
        "token_count message/assistant token_count compacted token_count context_compacted"
        " message/developer message/user turn_context",
    ),
    "aborted": ("message/user turn_aborted", "message/user turn_aborted"),
    "complete": ("task_complete", "task_complete"),
}


def lines(facts: str, *, modern: bool) -> list[str]:
    return [line for fact in facts.split() for line in WRITES[fact][0 if modern else 1].split()]


def without_usage_records(kinds: list[str]) -> list[str]:
    return [kind for kind in kinds if kind != "token_usage_record"]


@pytest.fixture
async def lab(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Lab]:
    async with open_lab(request.param, tmp_path) as opened:
        yield opened


# --- what a turn shows and writes ---


def command(shown: str, output: str = "", status: int = 0) -> list[str]:
    verdict = "completed" if status == 0 else "failed"
    return [
        f"started command_execution /bin/bash -lc {shown} [in_progress None] ''",
        f"completed command_execution /bin/bash -lc {shown} [{verdict} {status}] {output!r}",
    ]


def message(text: str) -> str:
    return f"completed agent_message: {text}"


BUSY = "We’re currently experiencing high demand, which may cause temporary errors."
BROKEN = "stream disconnected before completion: stream closed before response.completed"
FULL = (
    "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying."
)
BAD = Refusal(400, "scripted_error").body
NO_ROOM_BODY = Refusal(400, "context_length_exceeded").body
FORBIDDEN = "unexpected status 403 Forbidden: The scripted model answers 403., url: …"


@dataclass(frozen=True, slots=True)
class Case:
    prompt: str
    events: list[str]
    facts: str
    answer: str | None = None
    #: ``task_complete.error`` of 0.169; 0.140 keeps no trace of it.
    info: object = None
    replies: int = 1


def failing(prompt: str, text: str, info: object, *, facts: str = "complete", retried: bool = True) -> Case:
    again = [f"error: Reconnecting... 1/1 ({text})"] if retried else []
    return Case(prompt, [*again, f"error: {text}", f"turn.failed: {text}"], facts, info=info, replies=0)


TURNS = {
    "an echo": Case("Hello there", [message("echo: Hello there")], "message count complete", "echo: Hello there"),
    "a prompt that looks like an option": Case(
        "-x --y", [message("echo: -x --y")], "message count complete", "echo: -x --y"
    ),
    "reasoning, comment, answer": Case(
        "@reason **Think**\\n\\nhard\n@comment I will look.\n@say It is\\nso.",
        ["completed reasoning: **Think**\n\nhard", message("I will look."), message("It is\nso.")],
        "reasoning message message count complete",
        "It is\nso.",
    ),
    "no answer at all": Case("@say", [], "count complete"),
    "a comment and no answer": Case("@comment hm", [message("hm")], "message count complete", "hm"),
    "a command that fails": Case(
        "@sh echo err >&2; exit 3\n@say done",
        [*command("'echo err >&2; exit 3'", "err\n", 3), message("done")],
        "call ran output count message count complete",
        "done",
        replies=2,
    ),
    "a command with quotes": Case(
        "@sh echo 'a b' \"c\" $((1+1))\n@sh echo 'a' `echo b` \\\\ ! ^é\n@say done",
        [
            *command("\"echo 'a b' \\\"c\\\" \"'$((1+1))'", "a b c 2\n"),
            *command("\"echo 'a' \"'`echo b` '\"\\\\\\\\ \"'! ''^é'", "a b \\ ! ^é\n"),
            message("done"),
        ],
        "call ran output count call ran output count message count complete",
        "done",
        replies=3,
    ),
    "two commands one after the other": Case(
        "@comment first\n@sh echo 1\n@comment second\n@sh pwd | grep -c /\n@say ok",
        [
            message("first"),
            *command("'echo 1'", "1\n"),
            message("second"),
            *command("'pwd | grep -c /'", "1\n"),
            message("ok"),
        ],
        "message call ran output count message call ran output count message count complete",
        "ok",
        replies=3,
    ),
    "a command that leaves a child behind": Case(
        "@sh sleep 1000 & echo x\n@say ok",
        [*command("'sleep 1000 & echo x'", "x\n"), message("ok")],
        "call ran output count message count complete",
        "ok",
        replies=2,
    ),
    "a patch": Case(
        "@patch made.txt one\\ntwo\n@say ok",
        [
            "started file_change ['add made.txt'] [in_progress]",
            "completed file_change ['add made.txt'] [completed]",
            message("ok"),
        ],
        "patch count message count complete",
        "ok",
        replies=2,
    ),
    "a compaction in the middle": Case(
        "@compact\n@sh echo 1\n@say after",
        [*command("'echo 1'", "1\n"), message("after")],
        "call ran output count compacted-mid-turn message count complete",
        "after",
        replies=3,
    ),
    "a compaction that fails": Case(
        "@compact fail\n@sh echo 1\n@say after",
        [*command("'echo 1'", "1\n"), f"error: Reconnecting... 1/1 ({BUSY})", f"error: {BUSY}", f"turn.failed: {BUSY}"],
        "call ran output count complete",
        info="internal_server_error",
    ),
    "a model out of order": failing("@status 500", BUSY, "internal_server_error"),
    "a model out of order once": Case("@status 500 1\n@say ok", [message("ok")], "message count complete", "ok"),
    "a model out of order twice": Case(
        "@status 500 2\n@say ok",
        [f"error: Reconnecting... 1/1 ({BUSY})", message("ok")],
        "message count complete",
        "ok",
    ),
    "a forbidden model": failing("@status 403", FORBIDDEN, {"http_connection_failed": {"http_status_code": 403}}),
    "too many requests": failing(
        "@status 429",
        "exceeded retry limit, last status: 429 Too Many Requests",
        {"response_too_many_failed_attempts": {"http_status_code": 429}},
        retried=False,
    ),
    "a bad request": failing("@status 400", BAD, "other", retried=False),
    "the usage limit": failing(
        "@status usage-limit",
        "You’ve hit your usage limit. Try again later.",
        "usage_limit_exceeded",
        facts="count complete",
        retried=False,
    ),
    "the quota": failing(
        "@status quota", "Quota exceeded. Check your plan and billing details.", "usage_limit_exceeded", retried=False
    ),
    "a full context window": failing(
        "@status context-window", FULL, "context_window_exceeded", facts="count-modern complete", retried=False
    ),
    "a stream that breaks off": Case(
        "@comment part\n@cut\n@say never",
        [
            message("part"),
            f"error: Reconnecting... 1/1 ({BROKEN})",
            message("part"),
            f"error: {BROKEN}",
            f"turn.failed: {BROKEN}",
        ],
        "message count message count complete",
        info="other",
        replies=0,
    ),
    "a stream that breaks off once": Case(
        "@comment part\n@cut 1\n@say whole",
        [message("part"), f"error: Reconnecting... 1/1 ({BROKEN})", message("part"), message("whole")],
        "message count message message count complete",
        "whole",
    ),
}

#: How 0.140 words a case otherwise.
LEGACY_WORDS = {
    "You’ve": "You've",
    "We’re": "We're",
    "Quota exceeded. Check your plan and billing details.": "exceeded retry limit, last status: 429 Too Many Requests",
    FULL: NO_ROOM_BODY,
}


def legacy_words(text: str) -> str:
    for modern, legacy in LEGACY_WORDS.items():
        text = text.replace(modern, legacy)
    return text


@pytest.mark.parametrize("lab", ALL, indirect=True)
@pytest.mark.parametrize("case", [pytest.param(case, id=name.replace(" ", "-")) for name, case in TURNS.items()])
async def test_a_turn_shows_and_writes_the_same(lab: Lab, case: Case) -> None:
    modern = lab.cli.modern
    ended = await lab.turn(case.prompt)
    succeeded = not any(event.startswith("turn.failed") for event in case.events)
    told = ["thread.started", "turn.started", *case.events, *(["turn.completed"] if succeeded else [])]
    if not modern:
        told = [legacy_words(event) for event in told]
        if "compacted-mid-turn" in case.facts:
            told.insert(-2, "completed error: Heads up")
    assert seen(ended.events) == told
    assert ended.status == (0 if succeeded else 1)
    kinds = lab.kinds()
    assert without_usage_records(kinds) == lines(f"new prompt {case.facts}", modern=modern)
    assert kinds.count("token_usage_record") == (case.replies if modern else 0)
    complete = lab.records()[-1]["payload"]
    assert complete["last_agent_message"] == case.answer
    error = complete.get("error")
    assert (error["codex_error_info"] if error else None) == (case.info if modern else None)


@pytest.mark.parametrize("lab", ALL, indirect=True)
async def test_parallel_commands_run_side_by_side(lab: Lab) -> None:
    ended = await lab.turn("@par until [ -e two ]; do sleep 0.01; done; echo one || touch two; echo two\n@say ok")
    one, two = (
        command("'until [ -e two ]; do sleep 0.01; done; echo one'", "one\n"),
        command("'touch two; echo two'", "two\n"),
    )
    told = seen(ended.events)
    assert sorted(told[2:-2]) == sorted([*one, *two])
    # whether both have ended when the first one's output is written is a matter of milliseconds
    assert without_usage_records(lab.kinds()) in [
        lines(f"new prompt call call {ends} count message count complete", modern=lab.cli.modern)
        for ends in ("ran ran output output", "ran output ran output")
    ]


@pytest.mark.parametrize("lab", ALL, indirect=True)
async def test_a_command_may_take_longer_than_the_model_waits(lab: Lab) -> None:
    started = await lab.start_turn("@long echo early; until [ -e go ]; do sleep 0.01; done; echo late\n@say ok")
    await until(lambda: lab.session_files() != [] and lab.kinds().count("function_call") == 2)
    outputs = [record["payload"]["output"] for record in lab.records() if kind(record) == "function_call_output"]
    assert "Process running with session ID" in outputs[0]
    (lab.repo / "go").touch()
    ended = await started.ended()
    shown = command("'echo early; until [ -e go ]; do sleep 0.01; done; echo late'", "early\nlate\n")
    told = [*(shown if lab.cli.modern else shown[:1]), message("ok")]
    events = seen(ended.events)
    if not lab.cli.modern:  # 0.140 forgets to tell the end of a command that was left running, but for now and then
        events = [event for event in events if not event.startswith("completed command_execution")]
    assert events == ["thread.started", "turn.started", *told, "turn.completed"]
    assert ended.events[-1]["usage"]["input_tokens"] == 3 * 980
    facts = "new prompt call output count call ran output count message count complete"
    assert without_usage_records(lab.kinds()) == lines(facts, modern=lab.cli.modern)


@pytest.mark.parametrize("lab", ALL, indirect=True)
async def test_a_full_window_is_compacted_before_the_next_prompt(lab: Lab) -> None:
    first = await lab.turn("@compact\n@say full")
    before = len(without_usage_records(lab.kinds()))
    second = await lab.turn("next", thread_id=first.thread_id)
    assert second.events[-1]["usage"]["input_tokens"] == 249_980 + 280 + 980
    written = without_usage_records(lab.kinds())[before:]
    assert written == lines("resumed-full compacted-before prompt message count complete", modern=lab.cli.modern)


@pytest.mark.parametrize("lab", ALL, indirect=True)
async def test_a_compaction_that_fails_leaves_the_session_stuck(lab: Lab) -> None:
    first = await lab.turn("@compact fail\n@say full")
    before = len(without_usage_records(lab.kinds()))
    second = await lab.turn("next", thread_id=first.thread_id)
    assert (first.status, second.status) == (0, 1)
    written = without_usage_records(lab.kinds())[before:]
    assert written == lines("resumed-full prompt-failed complete", modern=lab.cli.modern)


# --- sessions ---


@pytest.mark.parametrize("lab", ALL, indirect=True)
async def test_a_resume_appends_exactly_one_turn_to_the_same_file(lab: Lab) -> None:
    first = await lab.turn("one")
    before = lab.session_files()[0].read_bytes()
    second = await lab.turn("two", thread_id=first.thread_id)
    assert second.thread_id == first.thread_id
    assert lab.session_files()[0].read_bytes().startswith(before)
    written = without_usage_records(lab.kinds())
    del written[: len(lines("new prompt message count complete", modern=lab.cli.modern))]
    assert written == lines("resumed prompt message count complete", modern=lab.cli.modern)
    assert [event["usage"]["input_tokens"] for event in (first.events[-1], second.events[-1])] == [980, 1960]


@pytest.mark.parametrize("lab", ALL, indirect=True)
async def test_a_session_file_is_named_after_its_time_and_id(lab: Lab) -> None:
    ended = await lab.turn("hi")
    (path,) = lab.session_files()
    assert path.name.endswith(f"-{ended.thread_id}.jsonl")
    day = "/".join(path.parts[-4:-1])
    assert path.name.startswith(f"rollout-{day.replace('/', '-')}T")
    records = lab.records()
    assert records[0]["payload"]["id"] == ended.thread_id
    assert records[0]["payload"].get("history_mode") == ("paginated" if lab.cli.modern else None)
    ordinals = [record.get("ordinal") for record in records]
    assert ordinals == (list(range(len(records))) if lab.cli.modern else [None] * len(records))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(SCRIPTED_LEGACY, SCRIPTED, id="scripted"),
        pytest.param(REAL_LEGACY, REAL, id="real", marks=pytest.mark.real_codex),
        pytest.param(REAL_LEGACY, SCRIPTED, id="scripted-after-real", marks=pytest.mark.real_codex),
        pytest.param(SCRIPTED_LEGACY, REAL, id="real-after-scripted", marks=pytest.mark.real_codex),
    ],
)
async def test_a_legacy_session_stays_legacy_when_a_newer_version_resumes_it(
    old: Cli, new: Cli, tmp_path: Path
) -> None:
    async with open_lab(old, tmp_path / "old") as old_lab, open_lab(new, tmp_path / "new") as new_lab:
        first = await old_lab.turn("one")
        before = len(old_lab.kinds())
        old_lab.session_files()[0].parents[3].rename(new_lab.home / "sessions")
        prompt = "@reason r\n@comment c\n@sh echo 1\n@patch made.txt x\n@compact\n@sh echo 2\n@say two"
        second = await new_lab.turn(prompt, thread_id=first.thread_id)
        third = await new_lab.turn("three", thread_id=first.thread_id)
        assert [second.thread_id, third.thread_id] == [first.thread_id] * 2
        written = " ".join(without_usage_records(new_lab.kinds()[before:]))
    assert written == (
        "thread_settings_applied thread_settings_applied task_started"
        " message/developer message/user message/developer world_state turn_context message/user user_message"
        " agent_reasoning reasoning agent_message message/assistant function_call function_call_output token_count"
        " custom_tool_call patch_apply_end custom_tool_call_output token_count"
        " function_call function_call_output token_count"
        " token_count message/assistant token_count compacted world_state turn_context thread_settings_applied"
        " token_count context_compacted agent_message message/assistant token_count task_complete"
        " thread_settings_applied task_started turn_context message/user user_message"
        " agent_message message/assistant token_count task_complete"
    )


@pytest.mark.parametrize("cli", ALL)
async def test_an_allowance_is_written_beside_each_count_and_told_when_it_is_used_up(cli: Cli, tmp_path: Path) -> None:
    async with open_lab(cli, tmp_path) as lab:
        first = await lab.turn("@limits 91 40\n@say one")
        failed = await lab.turn("@limits 100\n@status usage-limit", thread_id=first.thread_id)
        await lab.turn("three", thread_id=first.thread_id)
        told = [record["payload"]["rate_limits"] for record in lab.records() if kind(record) == "token_count"]
    windows = [[limits[name] and _window(limits[name]) for name in ("primary", "secondary")] for limits in told]
    assert windows == [[(91.0, 300), (40.0, 10_080)], [(100.0, 300), None], [None, None]]
    ends_at = time.strftime("%I:%M %p", time.localtime(told[1]["primary"]["resets_at"])).lstrip("0")
    assert f"Try again at {ends_at}." in failed.out or f" {ends_at}." in failed.out  # with its day after midnight


def _window(told: Json) -> tuple[float, int]:
    assert told.keys() == {"used_percent", "window_minutes", "resets_at"} and isinstance(told["resets_at"], int)
    return told["used_percent"], told["window_minutes"]


@pytest.mark.real_codex
async def test_the_real_one_resumes_a_session_of_the_scripted_one(tmp_path: Path) -> None:
    prompt = "@reason r\n@comment c\n@sh echo 1\n@patch made.txt x\n@say one"
    async with open_lab(SCRIPTED, tmp_path / "old") as scripted, open_lab(REAL, tmp_path / "new") as real:
        first = await scripted.turn(prompt)
        scripted.session_files()[0].parents[3].rename(real.home / "sessions")
        second = await real.turn("two", thread_id=first.thread_id)
        assert second.status == 0, second.err
        assert second.thread_id == first.thread_id
        assert second.events[-1]["usage"]["input_tokens"] == 3 * 980 + 980
        assert [record["ordinal"] for record in real.records()] == list(range(len(real.records())))


@pytest.mark.real_codex
@pytest.mark.parametrize(
    "version", [(SCRIPTED, REAL), (SCRIPTED_LEGACY, REAL_LEGACY)], ids=lambda pair: pair[0].version
)
async def test_every_field_that_the_scripted_one_writes_exists_in_the_real_one(
    version: tuple[Cli, Cli], tmp_path: Path
) -> None:
    prompt = "@reason r\n@comment c\n@sh echo 1\n@patch made.txt x\n@compact\n@sh exit 3\n@say one"
    shapes: list[set[str]] = []
    for number, cli in enumerate(version):
        async with open_lab(cli, tmp_path / str(number)) as lab:
            first = await lab.turn(prompt)
            failed = await lab.turn("@status 500", thread_id=first.thread_id)
            events = [*first.events, *failed.events]
            shapes.append(set().union(*(_paths(record) for record in [*lab.records(), *events])))
    scripted, real = shapes
    assert scripted - real == set()


def _paths(value: object, at: str = "") -> set[str]:
    """Every place in a record, named from the record's type down; the files of a patch are all one place."""
    match value:
        case dict():
            name = at + (f"<{value['type']}>" if isinstance(value.get("type"), str) else "")
            inner = {key if "/" not in key else "FILE": item for key, item in value.items()}
            return set().union({name}, *(_paths(item, f"{name}.{key}") for key, item in inner.items()))
        case list():
            return set().union({at}, *(_paths(item, f"{at}[]") for item in value))
        case _:
            return {f"{at}={'null' if value is None else type(value).__name__}"}


@pytest.mark.parametrize("lab", MODERN, indirect=True)
async def test_a_second_writer_is_refused(lab: Lab) -> None:
    first = await lab.start_turn("@comment busy\n@hang")
    await until(lambda: len(first.events) >= 3)
    thread_id = first.events[0]["thread_id"]
    before = lab.kinds()
    second = await lab.turn("me too", thread_id=thread_id)
    assert (second.status, second.out) == (1, "")
    assert f"thread {thread_id} already has an active writer (code -32600)" in second.err
    assert lab.kinds() == before
    first.process.send_signal(signal.SIGINT)
    assert (await first.ended()).status == 1
    assert (await lab.turn("now", thread_id=thread_id)).status == 0


@pytest.mark.parametrize("lab", each(SCRIPTED_LEGACY, REAL_LEGACY), indirect=True)
async def test_two_writers_of_a_legacy_session_mix_their_turns(lab: Lab) -> None:
    first = await lab.start_turn("@comment busy\n@hang")
    await until(lambda: len(first.events) >= 3)
    second = await lab.turn("me too", thread_id=first.events[0]["thread_id"])
    assert second.status == 0
    assert lab.kinds().count("task_started") == 2
    first.process.send_signal(signal.SIGINT)
    await first.ended()


@pytest.mark.parametrize("lab", MODERN, indirect=True)
async def test_the_writer_lock_is_held_during_a_turn_and_gone_after_it(lab: Lab) -> None:
    started = await lab.start_turn("@comment busy\n@hang")
    await until(lambda: len(started.events) >= 3)
    lock = lab.home / "thread-writer-locks" / f"{started.events[0]['thread_id']}.lock"
    assert _is_locked(lock)
    started.process.send_signal(signal.SIGINT)
    await started.ended()
    assert not lock.exists()


@pytest.mark.parametrize("lab", MODERN, indirect=True)
async def test_a_killed_turn_leaves_a_lock_file_that_nobody_holds(lab: Lab) -> None:
    started = await lab.start_turn("@comment busy\n@hang")
    await until(lambda: len(started.events) >= 3)
    thread_id = started.events[0]["thread_id"]
    started.process.kill()
    await started.ended()
    assert not _is_locked(lab.home / "thread-writer-locks" / f"{thread_id}.lock")
    assert (await lab.turn("again", thread_id=thread_id)).status == 0


def _is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


@pytest.mark.parametrize("lab", MODERN, indirect=True)
async def test_a_line_torn_by_a_crash_does_not_hinder_a_resume(lab: Lab) -> None:
    first = await lab.turn("one")
    with lab.session_files()[0].open("ab") as file:
        file.write(b'{"timestamp":"2026-11-20T13:24:04.158Z","ordinal":14,"type":"event_m\n')
    second = await lab.turn("two", thread_id=first.thread_id)
    assert second.status == 0
    assert second.events[-1]["usage"]["input_tokens"] == 1960


# --- signals ---

#: Tells its own pid and that of a child in the background, and waits.
TOOL = "@comment starting\n@sh sleep 1000 & echo $! >child; echo $$ >shell; wait\n@say never"


async def running_tool(lab: Lab) -> tuple[Started, list[int]]:
    """A turn whose command is running, and the pids of its shell and of the shell's child."""
    started = await lab.start_turn(TOOL)
    files = [lab.repo / "shell", lab.repo / "child"]
    await until(lambda: all(file.exists() and file.read_text(encoding="utf-8").strip() for file in files))
    await until(lambda: len(started.events) >= 4)
    return started, [int(file.read_text(encoding="utf-8")) for file in files]


@pytest.mark.parametrize("lab", ALL, indirect=True)
async def test_sigint_in_a_command_aborts_the_turn_and_kills_what_it_started(lab: Lab) -> None:
    started, pids = await running_tool(lab)
    try:
        started.process.send_signal(signal.SIGINT)
        ended = await started.ended()
        assert ended.status == 1
        await until(lambda: not any(map(is_alive, pids)))
    finally:
        kill_if_alive(pids)
    assert [event.split(" ")[0] for event in seen(ended.events)] == [
        "thread.started",
        "turn.started",
        "completed",
        "started",
    ]
    written = without_usage_records(lab.kinds())
    # The end of the command follows the end of the turn.
    assert written == lines("new prompt message call output count aborted ran", modern=lab.cli.modern)
    again = await lab.turn("again", thread_id=ended.thread_id)
    assert again.events[-1]["usage"]["input_tokens"] == 1960


@pytest.mark.parametrize("lab", ALL, indirect=True)
async def test_sigint_while_the_model_is_silent_aborts_the_turn(lab: Lab) -> None:
    started = await lab.start_turn("@comment thinking\n@hang")
    await until(lambda: len(started.events) >= 3)
    started.process.send_signal(signal.SIGINT)
    ended = await started.ended()
    assert ended.status == 1
    assert without_usage_records(lab.kinds()) == lines("new prompt message count aborted", modern=lab.cli.modern)
    payload = next(record["payload"] for record in lab.records() if record["payload"].get("type") == "turn_aborted")
    assert payload["reason"] == "interrupted"


@pytest.mark.parametrize("lab", MODERN, indirect=True)
async def test_a_command_that_ends_takes_its_children_with_it_unless_they_have_a_session(lab: Lab) -> None:
    prompt = (
        "@sh sleep 1000 & echo $! >child; setsid sh -c 'echo $$ >own; exec sleep 1000' & until [ -s own ]; do :; done"
    )
    assert (await lab.turn(prompt)).status == 0
    child, own = (int((lab.repo / name).read_text(encoding="utf-8")) for name in ("child", "own"))
    try:
        await until(lambda: not is_alive(child))
        assert is_alive(own)
    finally:
        kill_if_alive([child, own])


@pytest.mark.parametrize("lab", MODERN, indirect=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
async def test_other_signals_kill_at_once_and_leave_orphans(lab: Lab, number: signal.Signals) -> None:
    started, (shell, child) = await running_tool(lab)
    try:
        before = lab.session_files()[0].read_bytes()
        assert environment_of(child)["CODEX_THREAD_ID"] == started.events[0]["thread_id"]
        started.process.send_signal(number)
        ended = await started.ended()
        assert ended.status == -number
        await until(lambda: not is_alive(shell))
        assert is_alive(child)
        assert lab.session_files()[0].read_bytes() == before
        assert (await lab.turn("again", thread_id=ended.thread_id)).status == 0
    finally:
        kill_if_alive([shell, child])


@pytest.mark.parametrize("lab", MODERN, indirect=True)
async def test_a_turn_dies_when_its_reader_is_gone(lab: Lab) -> None:
    process = await asyncio.create_subprocess_exec(
        lab.command,
        *("exec", "--json", "--sandbox", "danger-full-access", "-"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=lab.repo,
        env=lab.environment,
    )
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    process.stdin.write(b"@sh until [ -e go ]; do sleep 0.01; done\n@say never")
    process.stdin.close()
    async with asyncio.timeout(30):
        await process.stdout.readline()
        transport = process._transport.get_pipe_transport(1)  # type: ignore[attr-defined]
        transport.close()
        (lab.repo / "go").touch()
        err = (await process.stderr.read()).decode()
        assert await process.wait() == 101
    assert "failed printing to stdout" in err
    assert not any("task_complete" in path.read_text(encoding="utf-8") for path in lab.session_files())


@pytest.mark.parametrize("lab", MODERN, indirect=True)
async def test_a_turn_survives_the_death_of_its_parent(lab: Lab, tmp_path: Path) -> None:
    prompt = tmp_path / "prompt"
    prompt.write_text("@comment one\n@sh until [ -e go ]; do sleep 0.01; done\n@say survived", encoding="utf-8")
    words = f"setsid '{lab.command}' exec --json -s danger-full-access - <'{prompt}' >out 2>err & echo $!"
    parent = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", words), cwd=lab.repo, env=lab.environment, stdout=asyncio.subprocess.DEVNULL
    )
    assert await parent.wait() == 0
    (lab.repo / "go").touch()
    out = lab.repo / "out"
    await until(lambda: out.exists() and '"turn.completed"' in out.read_text(encoding="utf-8"))
    await until(lambda: lab.kinds()[-1] == "task_complete")
    # It must be gone before its folder is.
    await until(lambda: not list((lab.home / "thread-writer-locks").glob("0*.lock")))


# --- the command line ---

UNKNOWN = "01a1f996-b106-7ab2-9b4d-000000000000"


@dataclass(frozen=True, slots=True)
class Line:
    """A command line and what comes of it; ID stands for a session that exists."""

    words: str
    status: int
    stdin: str | None = None
    #: What stderr contains.
    err: str = ""
    #: The answer, where there is one.
    answer: str | None = None
    #: Whether the turn belongs to the session ID.
    same: bool | None = None


def unexpected(word: str) -> str:
    return f"error: unexpected argument '{word}' found"


NO_PROMPT = "No prompt provided via stdin."

LINES = {
    "a prompt as an argument": Line("exec --json hi", 0, answer="echo: hi", same=False),
    "a prompt and stdin": Line(
        "exec --json hi", 0, stdin="more", answer="echo: hi\n\n<stdin>\nmore\n</stdin>", same=False
    ),
    "a prompt on stdin": Line("exec --json -", 0, stdin="hi", answer="echo: hi", same=False),
    "no prompt but stdin": Line("exec --json", 0, stdin="hi", answer="echo: hi", same=False),
    "an empty stdin": Line("exec --json -", 1, stdin="", err=NO_PROMPT),
    "a blank stdin": Line("exec --json -", 1, stdin=" \n", err=NO_PROMPT),
    "an empty stdin for a resume": Line("exec resume --json ID -", 1, stdin="", err=NO_PROMPT),
    "a resume without anything": Line("exec resume", 1, err=NO_PROMPT),
    "a resume with a prompt": Line("exec resume --json ID hi", 0, answer="echo: hi", same=True),
    "a resume that leaves stdin alone": Line("exec resume --json ID hi", 0, stdin="more", answer="echo: hi", same=True),
    "a resume with stdin": Line("exec resume --json ID -", 0, stdin="-x", answer="echo: -x", same=True),
    "a resume of an ID without dashes": Line("exec resume --json IDHEX hi", 0, answer="echo: hi", same=True),
    "a resume of the last one": Line("exec resume --json --last hi", 0, answer="echo: hi", same=True),
    "options before resume": Line(
        "exec -s read-only -C . --color never resume --json ID hi", 0, answer="echo: hi", same=True
    ),
    "options between": Line(
        "exec --json resume --skip-git-repo-check -m gpt-5.5 -c a=1 ID hi", 0, answer="echo: hi", same=True
    ),
    "no sandbox, after resume": Line(
        "exec resume --json --dangerously-bypass-approvals-and-sandbox ID hi", 0, answer="echo: hi", same=True
    ),
    "an unknown id": Line(f"exec resume --json {UNKNOWN} hi", 1, err=f"no rollout found for thread id {UNKNOWN}"),
    "a name that is no id starts a new session": Line(
        "exec resume --json my-name hi", 0, answer="echo: hi", same=False
    ),
    "a dash in front": Line("exec --json -x", 2, err=unexpected("-x")),
    "a dash behind two": Line("exec --json -- -x", 0, answer="echo: -x", same=False),
    "an unknown option": Line("exec --nope hi", 2, err=unexpected("--nope")),
    "an unknown option on top": Line("--nope exec hi", 2, err=unexpected("--nope")),
    "full-auto is gone": Line("exec --full-auto hi", 2, err=unexpected("--full-auto")),
    "sandbox after resume": Line("exec resume -s read-only ID hi", 2, err=unexpected("-s")),
    "cd after resume": Line("exec resume -C . ID hi", 2, err=unexpected("-C")),
    "cd with an equals sign after resume": Line("exec resume --cd=. ID hi", 2, err=unexpected("--cd")),
    "add-dir after resume": Line("exec resume --add-dir . ID hi", 2, err=unexpected("--add-dir")),
    "profile after resume": Line("exec resume -p x ID hi", 2, err=unexpected("-p")),
    "color after resume": Line("exec resume --color never ID hi", 2, err=unexpected("--color")),
    "approvals after exec": Line("exec -a never hi", 2, err=unexpected("-a")),
    "search after exec": Line("exec --search hi", 2, err=unexpected("--search")),
    "approvals before exec": Line("-a never exec --json hi", 0, answer="echo: hi", same=False),
    "search before exec": Line("--search exec --json hi", 0, answer="echo: hi", same=False),
    "json before exec": Line("--json exec hi", 2, err=unexpected("--json")),
    "one word too many": Line("exec one two", 2, err=unexpected("two")),
    "one word too many for a resume": Line("exec resume ID one two", 2, err=unexpected("two")),
    "a sandbox that does not exist": Line(
        "exec -s bad hi", 2, err="error: invalid value 'bad' for '--sandbox <SANDBOX_MODE>'"
    ),
    "an option without its value": Line("exec -m", 2, err="error: a value is required for '--model <MODEL>'"),
    "an override without a value": Line("exec -c x hi", 1, err="Invalid override (missing '='): x"),
    "images swallow the prompt": Line("exec --json -i a.png hi", 1, err=NO_PROMPT),
    "a folder that does not exist": Line("exec -C /does/not/exist hi", 1, err="No such file or directory"),
}


@pytest.mark.parametrize("lab", MODERN, indirect=True)
@pytest.mark.parametrize("line", [pytest.param(line, id=name.replace(" ", "-")) for name, line in LINES.items()])
async def test_a_command_line_means_the_same(lab: Lab, line: Line) -> None:
    thread_id = (await lab.turn("first")).thread_id if "ID" in line.words or "--last" in line.words else ""
    known = {"ID": thread_id, "IDHEX": thread_id.replace("-", "")}
    words = [known.get(word, word) for word in line.words.split(" ")]
    ended = await lab.run(*words, stdin=line.stdin)
    assert ended.status == line.status, ended.err
    assert line.err in ended.err
    if line.answer is None:
        assert ended.out == ""
    else:
        assert answer_of(ended) == line.answer
        assert (ended.thread_id == thread_id) is line.same


def answer_of(ended: Ended) -> str:
    messages = [event["item"]["text"] for event in ended.events if event.get("item", {}).get("type") == "agent_message"]
    return str(messages[-1])


@pytest.mark.parametrize("lab", MODERN, indirect=True)
async def test_versions_are_told(lab: Lab) -> None:
    assert (await lab.run("--version")).out == "codex-cli 0.169.0\n"
    assert (await lab.run("-V")).out == "codex-cli 0.169.0\n"
    assert (await lab.run("exec", "--version")).out == "codex-cli-exec 0.169.0\n"


@pytest.mark.parametrize("lab", MODERN, indirect=True)
async def test_outside_a_repository_it_wants_to_be_told_so(lab: Lab, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    refused = await lab.run("exec", "--json", "hi", cwd=outside)
    assert (refused.status, refused.out) == (1, "")
    assert "Not inside a trusted directory and --skip-git-repo-check was not specified." in refused.err
    assert lab.session_files() == []
    assert (await lab.run("exec", "--json", "--skip-git-repo-check", "hi", cwd=outside)).status == 0
    inside = lab.repo / "deep" / "down"
    inside.mkdir(parents=True)
    assert (await lab.run("exec", "--json", "hi", cwd=inside)).status == 0


@pytest.mark.parametrize("lab", MODERN, indirect=True)
async def test_an_empty_git_folder_is_no_repository(lab: Lab) -> None:
    (lab.repo / ".git" / "HEAD").unlink()
    assert (await lab.run("exec", "hi")).status == 1


@pytest.mark.parametrize("lab", MODERN, indirect=True)
async def test_a_resume_runs_where_the_process_is_and_not_where_the_session_began(lab: Lab) -> None:
    first = await lab.turn("one")
    other = lab.repo / "other"
    other.mkdir()
    words = ("exec", "-s", "danger-full-access", "resume", "--json", first.thread_id, "-")
    await lab.run(*words, stdin="@sh touch here\n@say ok", cwd=other)
    assert (other / "here").exists()
    by_option = ("exec", "-s", "danger-full-access", "-C", str(other), "resume", "--json", first.thread_id, "-")
    await lab.run(*by_option, stdin="@sh touch there\n@say ok")
    assert (other / "there").exists()


@pytest.mark.parametrize("lab", MODERN, indirect=True)
async def test_a_home_that_does_not_exist_is_an_error(lab: Lab, tmp_path: Path) -> None:
    lab.environment["CODEX_HOME"] = str(tmp_path / "nowhere")
    ended = await lab.run("exec", "hi")
    assert ended.status == 1
    assert "CODEX_HOME points to" in ended.err


@pytest.mark.parametrize("lab", MODERN, indirect=True)
@pytest.mark.parametrize(
    ("prompt", "text"),
    [("@say one\\ntwo", "one\ntwo"), ("@say", ""), ("@say one\n@status 500", ""), ("@comment one\n@cut", "")],
)
async def test_the_last_message_goes_to_a_file_when_the_turn_succeeds(lab: Lab, prompt: str, text: str) -> None:
    path = lab.repo / "last"
    await lab.run("exec", "--json", "-o", str(path), "-", stdin=prompt)
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("lab", MODERN, indirect=True)
async def test_without_json_the_answer_is_on_stdout_and_the_rest_on_stderr(lab: Lab) -> None:
    ended = await lab.run(
        "exec",
        "-s",
        "danger-full-access",
        "-",
        stdin="@comment looking\n@sh echo 1\n@patch made.txt x\n@say The\\nanswer",
    )
    assert ended.out == "The\nanswer\n"
    for part in (
        "OpenAI Codex v0.169.0\n--------\n",
        "\nuser\n",
        "codex\nlooking\n",
        "exec\n/bin/bash -lc 'echo 1' in",
        "succeeded in",
    ):
        assert part in ended.err
    for part in ("apply patch\npatch: completed\n", "codex\nThe\nanswer\n", "tokens used\n1,530\n"):
        assert part in ended.err
    (path,) = lab.session_files()
    meta: Json = json.loads(path.read_text(encoding="utf-8").splitlines()[0])
    assert f"session id: {meta['payload']['id']}\n" in ended.err


@pytest.mark.parametrize("lab", MODERN, indirect=True)
async def test_without_json_a_failure_is_told_on_stderr(lab: Lab) -> None:
    ended = await lab.run("exec", "-", stdin="@status 403")
    assert (ended.status, ended.out) == (1, "")
    assert "ERROR: Reconnecting... 1/1\n" in ended.err
    assert "ERROR: unexpected status 403 Forbidden: The scripted model answers 403." in ended.err


@pytest.mark.parametrize("lab", MODERN, indirect=True)
async def test_an_archived_session_cannot_be_resumed(lab: Lab) -> None:
    first = await lab.turn("one")
    (path,) = lab.session_files()
    archive = lab.home / "archived_sessions"
    archive.mkdir()
    path.rename(archive / path.name)
    assert (await lab.turn("two", thread_id=first.thread_id)).status == 1
