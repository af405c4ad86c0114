"""The log of a run: its steps with their ends and times, what was said and thought; as text, or as a file if long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codex_gateway.core import event as ev
from codex_gateway.core.reply import Moment, RunLog
from codex_gateway.telegram.markup import utf16_len
from codex_gateway.telegram.markup.clean import clean
from codex_gateway.telegram.message import Document, Message
from codex_gateway.telegram.page import Page
from codex_gateway.telegram.thoughts import thought
from codex_gateway.telegram.tongue import _, plural
from codex_gateway.telegram.units import clipped, duration, one_line

#: Characters of a line in the text; a file has them all.
_LINE_LIMIT = 160
_ERROR_LIMIT = 900
#: The signs of commands and other tools.
_STEPS = "✓✗⏹▸"
#: Telegram takes a hundred formatted parts of a message.
_MOST_CODE = 90


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the log: how long after the start, in seconds, a sign, and what it is about."""

    after_s: float | None
    sign: str
    text: str
    #: How it ended and how long it took.
    end: str = ""


def no_such_run() -> Message:
    """A button of another chat, or of a gateway whose database is gone."""
    return Page().say(_("I know no such run in this chat any more.")).done()


def run_log(log: RunLog, *, limit: int) -> Message:
    """The log in one message of at most `limit` UTF-16 units: folded in its text, or as a file below its heading."""
    lines = list(_lines(log))
    steps = sum(line.sign in _STEPS for line in lines)
    facts = [_("📜 Run {run}").format(run=log.run_id)]
    if steps:
        facts.append(plural("{n} step", "{n} steps", steps))
    head = " · ".join(facts)
    if not lines:
        page = Page().say(head).line(_("Its session tells nothing of what it did."))
        return (page.quote(clipped(log.error, _ERROR_LIMIT), folds=True) if log.error else page).done()
    folded = None if log.left_out else _folded(head, lines, log.error, limit, steps=steps)
    if folded is not None and utf16_len(folded.formatted.text) <= limit:
        return folded
    return Message(Page().say(head).done().formatted, document=Document(f"run-{log.run_id}.txt", _whole(log, lines)))


def _folded(head: str, lines: Sequence[_Line], error: str | None, limit: int, *, steps: int) -> Message | None:
    """All of it in one message; None as soon as that is surely too long, since a turn of hours has thousands."""
    page, room = Page().say(head), limit
    with page.quoted(folds=True):
        for line in lines:
            room -= len(one_line(line.text, _LINE_LIMIT))
            if room < 0:
                return None
            _short(page.line(), line, is_code=line.sign in _STEPS and steps <= _MOST_CODE)
    return (page.quote(clipped(error, _ERROR_LIMIT), folds=True) if error else page).done()


def _lines(log: RunLog) -> Iterator[_Line]:
    """Each step once, where it began; what never ended says so."""
    begun_at = next((moment.at for moment in log.moments if moment.at is not None), log.started_at)
    ends = {moment.event.call_id: moment for moment in log.moments if isinstance(moment.event, ev.CommandFinished)}
    begun: set[str] = set()
    for moment in log.moments:
        after_s = None if moment.at is None or begun_at is None else max(0.0, moment.at - begun_at)
        match moment.event:
            case ev.Message(text=text):
                yield _Line(after_s, "💬", text)
            case ev.Reasoning(summary=summary) if summary.strip():
                yield _Line(after_s, "💭", thought(summary))
            case ev.CommandStarted(call_id=call_id, command=command):
                begun.add(call_id)
                end = ends.get(call_id)
                yield _step(after_s, command, moment, end, is_over=log.state.is_final)
            case ev.CommandFinished(call_id=call_id, command=command) if call_id not in begun:
                begun.add(call_id)
                yield _step(after_s, command, moment, moment, is_over=True)
            case ev.FileChanged(paths=paths):
                yield _Line(after_s, "✎", ", ".join(paths))
            case ev.Compacted():
                yield _Line(after_s, "🗜", _("The conversation was compacted."))
            case ev.Notice(text=text):
                yield _Line(after_s, "⚠️", text)
            case _:
                pass


def _step(after_s: float | None, command: str, begun: Moment, ended: Moment | None, *, is_over: bool) -> _Line:
    if ended is None or not isinstance(ended.event, ev.CommandFinished):
        return _Line(after_s, "⏹" if is_over else "▸", command, _("cut short") if is_over else "")
    code = ended.event.exit_code
    ends = [_("exit {code}").format(code=code)] if code else []
    if ended is not begun and ended.at is not None and begun.at is not None and ended.at - begun.at >= 1:
        ends.append(duration(ended.at - begun.at))
    return _Line(after_s, "✗" if code else "✓", command, ", ".join(ends))


def _short(page: Page, line: _Line, *, is_code: bool) -> None:
    page.say(f"{_when(line)}{line.sign} ")
    text = one_line(line.text, _LINE_LIMIT)
    (page.code if is_code else page.say)(text)
    page.say(f" ({line.end})" if line.end else "")


def _whole(log: RunLog, lines: Sequence[_Line]) -> str:
    """Everything, nothing cut; further lines of a command or a message are indented below its first."""
    parts = [_("Run {run}").format(run=log.run_id)]
    if log.left_out:
        parts.append(_("(The first {n} events are left out.)").format(n=log.left_out))
    for line in lines:
        end = f" ({line.end})" if line.end else ""
        first, *more = line.text.strip().splitlines() or [""]
        parts.append(f"{_when(line)}{line.sign} {first}{end}")
        parts += [f"    {further}".rstrip() for further in more]
    if log.error:
        parts += ["", log.error.strip()]
    return clean("\n".join(parts)) + "\n"


def _when(line: _Line) -> str:
    return "" if line.after_s is None else f"{duration(line.after_s)} "
