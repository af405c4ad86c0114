"""Session files to be measured with: real lines, and as many of them, or as long ones, as it takes."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from codex_gateway.core.ids import ThreadId

MB = 1 << 20
THREAD = ThreadId("01a1f920-e197-7680-af9c-1ed048038c95")
#: Of version 4: it does not tell the day on which it was made.
OLD_THREAD = ThreadId("7d444840-9dc0-41d1-b245-5ffdce74fad2")
PROMPT = "look around"
_SAMPLES = Path(__file__).parents[1] / "tests/codex/samples"
_TURN = "01a1f920-e80f-7ba2-bfef-c4814492368f"
_HEAD = '{"timestamp":"2026-11-20T13:21:00.000Z","ordinal":1,"type":'


def path_of(home: Path, thread_id: ThreadId = THREAD, *, day: str = "2026/11/20") -> Path:
    path = home / "sessions" / day / f"rollout-{day.replace('/', '-')}T13-21-00-{thread_id}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write_history(path: Path, megabytes: int) -> None:
    """A session of so many MB: every sample, and a tool output of 1 MB for each 4 MB, over and over."""
    samples = [sample.read_bytes() for sample in _samples()]
    small = b"".join(samples) * (3 * MB // sum(map(len, samples)))
    block = small + b"".join(_step("c", MB))
    with path.open("wb") as file:
        while file.tell() < megabytes * MB:
            file.write(block)


def write_turn(path: Path, megabytes: int, *, output_bytes: int) -> None:
    """One turn that is still under way: the steps of a real one, or such as print so much each."""
    steps = _real_steps() if output_bytes == 0 else (b"".join(_step(f"c{n}", output_bytes)) for n in itertools.count())
    with path.open("wb") as file:
        file.write(b"".join(beginning()))
        while file.tell() < megabytes * MB:
            file.write(next(steps))


def write_others(home: Path, *, days: int, a_day: int) -> None:
    """So many other sessions, all empty, of so many days before."""
    last = datetime(2026, 11, 19, tzinfo=UTC)
    for number in range(days):
        day = (last - timedelta(days=number)).strftime("%Y/%m/%d")
        for one in range(a_day):
            path_of(home, ThreadId(f"01a1f920-{number:04x}-7680-af9c-{one:012x}"), day=day).touch()


def beginning() -> Iterator[bytes]:
    """The first lines of a turn that was asked for by `PROMPT`."""
    yield _line("event_msg", type="task_started", turn_id=_TURN)
    prompt = {"type": "UserMessage", "id": "u", "content": [{"type": "text", "text": PROMPT}]}
    yield _line("event_msg", type="item_completed", turn_id=_TURN, item=prompt)


def said(text: str) -> bytes:
    """The line of a message within the turn."""
    content = [{"type": "Text", "text": text}]
    item = {"type": "AgentMessage", "id": "m", "phase": "commentary", "content": content}
    return _line("event_msg", type="item_completed", turn_id=_TURN, item=item)


def _step(call_id: str, output_bytes: int) -> Iterator[bytes]:
    """A command from its call to its result; half of the bytes are what it printed, told twice as Codex does."""
    output = "A line of output, as commands print them: 42 files.\n" * max(1, output_bytes // 52)
    named = {"call_id": call_id, "internal_chat_message_metadata_passthrough": {"turn_id": _TURN}}
    yield _line("response_item", type="function_call", name="exec_command", arguments='{"cmd":"make"}', **named)
    command = {"type": "CommandExecution", "id": call_id, "command": ["bash", "-lc", "make"], "status": "completed"}
    command |= {"aggregated_output": output, "exit_code": 0}
    yield _line("event_msg", type="item_completed", turn_id=_TURN, item=command)
    yield _line("response_item", type="function_call_output", output=f"Process exited with code 0\n{output}", **named)


def _real_steps() -> Iterator[bytes]:
    """What stands between the beginning and the end of a real turn, again and again, each call with its own name."""
    lines = (_SAMPLES / "versions/0.169.0.jsonl").read_bytes().splitlines(keepends=True)
    [begin, *_] = [number for number, line in enumerate(lines) if b'"task_started"' in line]
    [end, *_] = [number for number, line in enumerate(lines) if b'"task_complete"' in line]
    turn = b"".join(line for line in lines[begin + 1 : end] if b'"UserMessage"' not in line)
    turn_id = json.loads(lines[begin])["payload"]["turn_id"]
    turn = turn.replace(turn_id.encode(), _TURN.encode())
    for number in itertools.count():
        yield re.sub(rb"call_[0-9a-f]+", rb"\g<0>_%d" % number, turn)


def _samples() -> list[Path]:
    return sorted((*_SAMPLES.glob("rollouts/*.jsonl"), *_SAMPLES.glob("versions/*.jsonl")))


def _line(kind: str, **payload: object) -> bytes:
    return f'{_HEAD}"{kind}","payload":{json.dumps(payload, separators=(",", ":"))}}}\n'.encode()
