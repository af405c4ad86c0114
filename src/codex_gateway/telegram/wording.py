"""What a person reads for each reply, in English."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import assert_never

from codex_gateway.core import reply as say
from codex_gateway.core.manner import Form
from codex_gateway.core.request import Misspoken, MisspokenReason
from codex_gateway.telegram.answers import answer, file_name
from codex_gateway.telegram.cards import allowance, draw, is_scarce, now, room, settled, stop_button, working
from codex_gateway.telegram.diagnoses import still_running
from codex_gateway.telegram.markup import render_parts, split
from codex_gateway.telegram.message import MESSAGE_LIMIT, Keyboard, Message
from codex_gateway.telegram.outside import outside, silently
from codex_gateway.telegram.page import Page
from codex_gateway.telegram.units import count, duration, one_line
from codex_gateway.telegram.waiting import ending_holder, forked, waiting, waiting_buttons

#: Runs listed one by one in /queue.
_LISTED = 20

_PROMPT_LIMIT = 60


@dataclass(frozen=True, slots=True)
class Command:
    """One command as the menu and /help show it."""

    name: str
    purpose: str
    #: What may follow it.
    argument: str = ""


COMMANDS = (
    Command("new", "Give Codex a prompt", "TEXT"),
    Command("stop", "Stop what runs here"),
    Command("retry", "Ask the last prompt once more"),
    Command("status", "What is going on, and how it went before"),
    Command("lastresult", "Say the last answer again"),
    Command("queue", "What waits"),
    Command("session", "Which session and directory this chat is bound to"),
    Command("whoami", "Your id and this chat's, for the configuration"),
    Command("help", "This list"),
)

#: Content that cannot be taken, by its field in the Bot API.
_CONTENT = {
    "photo": "a photo",
    "voice": "a voice message",
    "audio": "an audio file",
    "video": "a video",
    "video_note": "a video message",
    "live_photo": "a live photo",
    "animation": "an animation",
    "sticker": "a sticker",
    "document": "a file",
    "contact": "a contact",
    "poll": "a poll",
    "checklist": "a checklist",
    "dice": "a dice",
    "game": "a game",
    "story": "a story",
    "venue": "a place",
    "location": "a location",
    "rich_message": "a rich message",
}


def word(reply: say.Reply, *, limit: int, most_messages: int = 0, form: Form = Form.TEXT) -> list[Message]:
    """The messages that say `reply`, in order; `answer` tells what `limit`, `most_messages` and `form` mean."""
    limit = min(limit, MESSAGE_LIMIT)
    match reply:
        case say.QueuedCard() | say.RunningCard() | say.SettledCard():
            return [draw(reply)]
        case say.Answer(markdown=markdown):
            file = file_name(reply.prompt, reply.run_id)
            shown = answer(markdown, limit=limit, most_messages=most_messages, form=form, file=file)
            return shown or [_sentence("Codex finished without saying anything.")]
        case say.Commentary(markdown=markdown):
            return _markdown(markdown, limit)
        case say.LastResult(markdown=None):
            return [_sentence("There is no answer yet.")]
        case say.LastResult(markdown=markdown):
            file = file_name(reply.prompt, reply.run_id)
            shown = answer(markdown or "", limit=limit, most_messages=most_messages, form=form, file=file)
            return shown or [_sentence("The last run finished without saying anything.")]
        case say.StillRunning():
            return [still_running(reply.run_id, reply.diagnosis)]
        case say.NothingRuns():
            return [_sentence("Nothing is running here.")]
        case say.Stopping():
            return [_stopping(reply)]
        case say.NothingToRetry():
            return [_sentence("There is no prompt to retry yet.")]
        case say.StillAtIt():
            return [_sentence("That prompt is at work or waiting already.")]
        case say.NotWaiting():
            return [_sentence("That prompt is not waiting for its session any more.")]
        case say.EndingHolder():
            return [ending_holder(reply)]
        case say.SessionForked():
            return [forked(reply)]
        case say.StatusReport():
            return _whole(_status(reply))
        case say.QueueReport():
            return _whole(_queue(reply))
        case say.SessionReport():
            return _whole(_session(reply))
        case say.WhoReport():
            return [_who(reply)]
        case say.Help():
            return [_help()]
        case say.NotUnderstood(misspoken=misspoken):
            return [_sentence(_not_understood(misspoken))]
        case say.OutsideWords(markdown=markdown):
            return silently(answer(markdown, limit=limit, most_messages=most_messages))
        case say.OutsidePrompt() | say.OutsideEnd():
            return silently([outside(reply)])
        case _:
            assert_never(reply)


def _sentence(text: str) -> Message:
    return Page().say(text).done()


def _markdown(markdown: str, limit: int) -> list[Message]:
    return [Message(part) for part in render_parts(markdown, limit)]


def _whole(message: Message) -> list[Message]:
    """A report as one message or, should it ever be too long, several; the buttons are under the last."""
    parts = split(message.formatted, MESSAGE_LIMIT)
    return [Message(part) for part in parts[:-1]] + [Message(parts[-1], message.keyboard)]


def _stopping(reply: say.Stopping) -> Message:
    page = Page().say("Taken out of the queue." if reply.was_queued else "Stopping…")
    if reply.waiting:
        waits = "waits" if reply.waiting == 1 else "wait"
        page.say(f" {count(reply.waiting, 'prompt')} still {waits} in the queue.")
    return page.done()


def _status(reply: say.StatusReport) -> Message:
    page = Page().bold(reply.bot)
    if reply.thread_id:
        page.say(" · session ").code(reply.thread_id)
    else:
        page.say(" · no session yet: the first prompt begins one")
    buttons: Keyboard = ()
    if reply.running:
        buttons = _running(page.line(), reply.running, reply)
    else:
        page.line("💤 Nothing is running")
    page.line(f"⏳ {reply.waiting} waiting" if reply.waiting else "Nothing waits")
    if reply.last:
        settled(page.line(f"Last, run {reply.last.run_id}: "), reply.last)
    for window in reply.windows:
        page.line(f"{'⚠️' if is_scarce(window) else '📊'} {allowance(window, with_time=True)}")
    for trouble in reply.troubles:
        page.line(f"⚠️ {trouble}")
    return page.done(buttons)


def _running(page: Page, run: say.RunLine, reply: say.StatusReport) -> Keyboard:
    """What the run is at; returns what can be done about it."""
    progress = reply.progress
    if progress is not None and progress.is_waiting:
        waiting(page.say(f"Run {run.run_id}: "), progress).quote(one_line(run.prompt, _PROMPT_LIMIT * 2))
        return waiting_buttons(run.run_id, progress)
    facts = [working(run.elapsed_s, progress), *room(progress.context if progress else None)]
    page.say(f"⚙️ Run {run.run_id} · {' · '.join(facts)}")
    page.quote(one_line(run.prompt, _PROMPT_LIMIT * 2))
    if progress is not None:
        now(page.line(), progress, reply.diagnosis)
    return stop_button(run.run_id)


def _queue(reply: say.QueueReport) -> Message:
    if not reply.running and not reply.waiting:
        return _sentence("Nothing runs and nothing waits.")
    page = Page()
    if reply.running:
        is_waiting = reply.running.is_waiting
        page.say(f"{'⏸' if is_waiting else '⚙️'} Run {reply.running.run_id} · ")
        page.say("waits for its session" if is_waiting else duration(reply.running.elapsed_s))
        page.say(f" · {_prompt(reply.running)}")
    for place, line in enumerate(reply.waiting[:_LISTED], start=1):
        page.line(f"{place}. Run {line.run_id} · waits {duration(line.elapsed_s)} · {_prompt(line)}")
    if (more := len(reply.waiting) - _LISTED) > 0:
        page.line(f"… and {more} more")
    if not reply.waiting:
        page.line("Nothing waits behind it.")
    return page.done()


def _prompt(line: say.RunLine) -> str:
    return one_line(line.prompt, _PROMPT_LIMIT)


def _session(reply: say.SessionReport) -> Message:
    page = Page().bold(reply.bot)
    if reply.thread_id:
        page.line("Session ").code(reply.thread_id)
    else:
        page.line("No session yet: the first prompt begins one.")
    page.line("Work directory ").code(str(reply.workdir))
    page.line("Codex home ").code(str(reply.codex_home))
    page.line(f"Runs so far: {reply.runs}")
    if reply.thread_id:
        page.line("In a terminal: ").code(f"codex resume {reply.thread_id}")
    return page.done()


def _who(reply: say.WhoReport) -> Message:
    page = Page().say("You are user ").code(str(reply.user_id))
    page.say(", this chat is ").code(str(reply.chat.chat_id))
    if reply.chat.topic_id:
        page.say(", topic ").code(str(reply.chat.topic_id))
    return page.say(", and I am the bot ").bold(reply.chat.bot).say(".").done()


def _help() -> Message:
    page = Page().say("Write what Codex is to do. Or:")
    for command in COMMANDS:
        argument = f" {command.argument}" if command.argument else ""
        page.line(f"/{command.name}{argument} – {command.purpose}")
    page.line("In a group I heed commands, mentions of me and replies to me.")
    return page.done()


def _not_understood(misspoken: Misspoken) -> str:
    about = one_line(misspoken.about, 40)
    match misspoken.reason:
        case MisspokenReason.UNKNOWN_COMMAND:
            near = difflib.get_close_matches(about.lstrip("/"), [command.name for command in COMMANDS], n=1)
            guess = f"Did you mean /{near[0]}? " if near else ""
            return f"{about} is no command here. {guess}/help lists them."
        case MisspokenReason.EMPTY_PROMPT if about:
            return f"Write the prompt behind {about}, such as: {about} Why does the last test fail?"
        case MisspokenReason.EMPTY_PROMPT:
            return "What shall Codex do? Write it in the same message."
        case MisspokenReason.UNSUPPORTED_CONTENT:
            return f"I cannot take {_CONTENT.get(about, 'this kind of message')}: please write it as text."
        case _:
            assert_never(misspoken.reason)
