"""What is made of a whole session file, turn by turn, for people to read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from codex_gateway.codex.reading import rollout as ro
from codex_gateway.codex.reading.turn_reader import TurnReader
from codex_gateway.core import event as ev

SAMPLES = Path(__file__).parent / "samples"


def session_samples() -> list[Path]:
    return sorted((*SAMPLES.glob("rollouts/*.jsonl"), *SAMPLES.glob("versions/*.jsonl")))


def golden_of(sample: Path) -> Path:
    return SAMPLES / "told" / f"{sample.stem}.txt"


def telling(sample: Path) -> str:
    return "\n\n".join("\n".join(turn) for turn in _turns(sample.read_bytes().splitlines())) + "\n"


def _turns(lines: list[bytes]) -> Iterator[list[str]]:
    """Each turn is read by a reader of its own, as in life."""
    reader, told = TurnReader(), list[str]()
    for line in lines:
        record = ro.read_line(line)
        if reader.has_begun and _begins_another(record, reader):
            yield [*told, _end(reader)]
            reader, told = TurnReader(), []
        told += [_shown(event) for event in reader.read(record)]
    yield [*told, _end(reader)]


def _begins_another(record: ro.Record, reader: TurnReader) -> bool:
    match record:
        case ro.TurnBegan(turn_id):
            return turn_id != reader.turn_id
        case ro.Prompted():
            return not reader.is_marked
        case _:
            return False


def _shown(event: ev.Event) -> str:
    match event:
        case ev.TurnStarted(turn_id):
            return "turn " + ("without a name" if turn_id is None else turn_id)
        case ev.Message(text, phase):
            return f"  {phase}: {text!r}"
        case ev.Reasoning(summary):
            return f"  thinks: {summary!r}"
        case ev.CommandStarted(_, command):
            return f"  runs: {command!r}"
        case ev.CommandFinished(_, command, exit_code):
            return f"  ran: {command!r}, exit code {exit_code}"
        case ev.FileChanged(paths):
            return f"  wrote: {', '.join(paths)}"
        case ev.Usage(total, last, window):
            one = f"{last.input} in ({last.cached} cached), {last.output} out"
            return f"  tokens: {one}; thread {total.total}; window {window}"
        case _:
            return f"  {event}"


def _end(reader: TurnReader) -> str:
    match reader.end:
        case ro.TurnEnded(_, answer, None, names_errors):
            return f"end: {answer!r}" + ("" if names_errors else ", and no word on whether it went well")
        case ro.TurnEnded(_, _, error):
            return f"end: failed, {error}"
        case ro.TurnAborted(_, reason):
            return f"end: {reason}"
        case None:
            return "no end"
