"""The fold over the calls of a turn's tools that tells its steps: each begins once and ends once; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from codex_gateway.codex.reading import rollout as ro
from codex_gateway.codex.reading import tools
from codex_gateway.codex.reading.kept import forget_oldest
from codex_gateway.core import event as ev

#: How many calls are remembered. Records that belong together stand close to each other: few calls are open at once.
_CALLS_KEPT = 1_000


@dataclass(slots=True)
class _OpenCall:
    call: tools.Call
    #: The worst end of the commands that a script has run so far.
    exit_code: int | None = None


@dataclass(slots=True)
class Steps:
    """Give it the records of one turn, in order; in both formats a step is told by two or three of them."""

    _open: dict[str, _OpenCall] = field(default_factory=dict)
    #: Calls that have ended, and patches that were told: the latest ones, as keys.
    _done: dict[str, None] = field(default_factory=dict)
    _written: dict[str, None] = field(default_factory=dict)
    #: What runs in the background, by Codex's number for it.
    _background: dict[int, str] = field(default_factory=dict)

    def called(self, record: ro.Called) -> Iterator[ev.Event]:
        if record.call_id in self._open or record.call_id in self._done:
            return
        self._open[record.call_id] = _OpenCall(record.call)
        forget_oldest(self._open, beyond=_CALLS_KEPT)
        if command := self._shown(record.call):
            yield ev.CommandStarted(record.call_id, command)

    def executed(self, record: ro.Executed) -> Iterator[ev.Event]:
        script = next((open_call for open_call in self._open.values() if record.command in open_call.call.runs), None)
        if record.call_id not in self._open and script is not None:
            # One of the commands that the script was shown as: the step ends when the script does.
            script.exit_code = record.exit_code or script.exit_code or record.exit_code
        else:
            yield from self._finish(record.call_id, record.command, record.exit_code)

    def returned(self, record: ro.Returned) -> Iterator[ev.Event]:
        result = record.result
        known = self._open.get(record.call_id)
        if result.background is not None and known is not None and known.call.background is None:
            self._background[result.background] = known.call.command
            forget_oldest(self._background, beyond=_CALLS_KEPT)
        if result.paths and record.call_id not in self._written:
            yield ev.FileChanged(result.paths)
        if known is not None:
            worst = known.exit_code if known.call.runs and known.exit_code is not None else result.exit_code
            exit_code = result.exit_code if result.exit_code else worst
            yield from self._finish(record.call_id, self._shown(known.call), exit_code)

    def wrote(self, record: ro.Wrote) -> Iterator[ev.Event]:
        self._written[record.call_id] = None
        forget_oldest(self._written, beyond=_CALLS_KEPT)
        yield ev.FileChanged(record.paths)

    def _finish(self, call_id: str, command: str, exit_code: int | None) -> Iterator[ev.Event]:
        known = self._open.pop(call_id, None)
        if call_id in self._done:
            return
        self._done[call_id] = None
        forget_oldest(self._done, beyond=_CALLS_KEPT)
        shown = self._shown(known.call) if known is not None else command
        if shown:
            yield ev.CommandFinished(call_id, shown, exit_code)

    def _shown(self, call: tools.Call) -> str:
        if call.background is None:
            return call.command
        waited_for = self._background.get(call.background, f"background command {call.background}")
        return f"{waited_for} ← {call.command}" if call.command else f"waiting: {waited_for}"
