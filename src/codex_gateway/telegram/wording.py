"""What a person reads for each reply."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import assert_never

from codex_gateway.core import reply as say
from codex_gateway.core.manner import Form, Language
from codex_gateway.core.request import Misspoken, MisspokenReason
from codex_gateway.telegram import queues, sessions
from codex_gateway.telegram.answers import answer, file_name
from codex_gateway.telegram.cards import allowance, draw, is_scarce, now, room, settled, stop_button, working
from codex_gateway.telegram.choices import chosen
from codex_gateway.telegram.diagnoses import still_running
from codex_gateway.telegram.files import changed, file_trouble, file_words, heard
from codex_gateway.telegram.live import live
from codex_gateway.telegram.markup import render_parts, split
from codex_gateway.telegram.message import MESSAGE_LIMIT, Keyboard, Message
from codex_gateway.telegram.outside import outside, silently
from codex_gateway.telegram.page import Bold, Code, Page
from codex_gateway.telegram.run_logs import no_such_run, run_log
from codex_gateway.telegram.tongue import _, mark, plural, speaking
from codex_gateway.telegram.units import duration, one_line
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
    Command("new", mark("Give Codex a prompt"), mark("TEXT")),
    Command("stop", mark("Stop what runs here")),
    Command("retry", mark("Ask the last prompt once more")),
    Command("status", mark("What is going on, and how it went before")),
    Command("lastresult", mark("Say the last answer again")),
    Command("queue", mark("What waits")),
    Command("get", mark("Send a file of the work directory"), mark("PATH")),
    Command("diff", mark("What differs from the last commit")),
    Command("session", mark("Which session and directory this chat is bound to")),
    Command("sessions", mark("Which sessions there are, to choose from")),
    Command("bind", mark("Let this chat speak to a session, by id or title"), mark("SESSION [DIR]")),
    Command("newsession", mark("Let the next prompt begin a session"), mark("[DIR]")),
    Command("fork", mark("Let the next prompt go on in a fork of the session")),
    Command("unbind", mark("Go back to the bot’s own session")),
    Command("whoami", mark("Your id and this chat's, for the configuration")),
    Command("verbose", mark("How much you are told of a run"), "[final|normal|verbose]"),
    Command("format", mark("What answers are made of"), "[text|rich]"),
    Command("language", mark("Which language I speak"), "[auto|en|zh]"),
    Command("help", mark("This list")),
)

#: Content that cannot be taken, by its field in the Bot API.
_CONTENT = {
    "photo": mark("a photo"),
    "voice": mark("a voice message"),
    "audio": mark("an audio file"),
    "video": mark("a video"),
    "video_note": mark("a video message"),
    "live_photo": mark("a live photo"),
    "animation": mark("an animation"),
    "sticker": mark("a sticker"),
    "document": mark("a file"),
    "contact": mark("a contact"),
    "poll": mark("a poll"),
    "checklist": mark("a checklist"),
    "dice": mark("a dice"),
    "game": mark("a game"),
    "story": mark("a story"),
    "venue": mark("a place"),
    "location": mark("a location"),
    "rich_message": mark("a rich message"),
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
            return shown or [_sentence(_("Codex finished without saying anything."))]
        case say.Commentary(markdown=markdown):
            return _markdown(markdown, limit)
        case say.LastResult(markdown=None):
            return [_sentence(_("There is no answer yet."))]
        case say.LastResult(markdown=markdown):
            file = file_name(reply.prompt, reply.run_id)
            shown = answer(markdown or "", limit=limit, most_messages=most_messages, form=form, file=file)
            return shown or [_sentence(_("The last run finished without saying anything."))]
        case say.StillRunning():
            return [still_running(reply.run_id, reply.diagnosis)]
        case say.NothingRuns():
            return [_sentence(_("Nothing is running here."))]
        case say.Stopping():
            return [_stopping(reply)]
        case say.NothingToRetry():
            return [_sentence(_("There is no prompt to retry yet."))]
        case say.StillAtIt():
            return [_sentence(_("That prompt is at work or waiting already."))]
        case say.NotWaiting():
            return [_sentence(_("That prompt is not waiting for its session any more."))]
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
            return [_not_understood(misspoken).done()]
        case say.OutsideWords(markdown=markdown):
            return silently(answer(markdown, limit=limit, most_messages=most_messages))
        case say.OutsidePrompt() | say.OutsideEnd():
            return silently([outside(reply)])
        case say.PromptChanged() | say.TooLateToChange() | say.PromptInParts() | say.ForwardedAlone():
            return [changed(reply)]
        case say.Heard(words=words):
            return [heard(words)]
        case say.ChoiceReport():
            return [chosen(reply)]
        case say.SentFile() | say.FileRefused() | say.DiffReport() | say.DiffRefused():
            return file_words(reply, limit=limit)
        case say.LiveCard():
            return [live(reply)]
        case say.NoSuchRun():
            return [no_such_run()]
        case say.RunLog():
            return [run_log(reply, limit=limit)]
        case say.NotQueued():
            return [_sentence(_("That prompt does not wait here any more."))]
        case say.NextAlready():
            return [_sentence(_("That prompt is the next one already."))]
        case say.QueueCleared(count=cleared):
            return [_sentence(queues.cleared(cleared))]
        case (
            say.SessionList()
            | say.Bound()
            | say.WorkdirChanged()
            | say.SessionToBegin()
            | say.Unbound()
            | say.NotBound()
            | say.Ambiguous()
            | say.NoWorkdir()
        ):
            return [sessions.told(reply)]
        case _:
            assert_never(reply)


def menu(language: Language) -> list[tuple[str, str]]:
    """The commands as the menu beside the input field shows them: names, and what they do."""
    with speaking(language):
        return [(command.name, _(command.purpose)) for command in COMMANDS]


def _sentence(text: str) -> Message:
    return Page().say(text).done()


def _markdown(markdown: str, limit: int) -> list[Message]:
    return [Message(part) for part in render_parts(markdown, limit)]


def _whole(message: Message) -> list[Message]:
    """A report as one message or, should it ever be too long, several; the buttons are under the last."""
    parts = split(message.formatted, MESSAGE_LIMIT)
    return [Message(part) for part in parts[:-1]] + [Message(parts[-1], message.keyboard)]


def _stopping(reply: say.Stopping) -> Message:
    page = Page().say(_("Taken out of the queue.") if reply.was_queued else _("Stopping…"))
    if reply.waiting:
        page.say(
            plural(" {n} prompt still waits in the queue.", " {n} prompts still wait in the queue.", reply.waiting)
        )
    return page.done(queues.clear_button(reply))


def _status(reply: say.StatusReport) -> Message:
    page = Page().bold(reply.bot)
    if reply.thread_id:
        page.say(_(" · session ")).code(reply.thread_id)
    else:
        page.say(_(" · no session yet: the first prompt begins one"))
    buttons: Keyboard = ()
    if reply.running:
        buttons = _running(page.line(), reply.running, reply)
    elif not reply.elsewhere:
        page.line(_("💤 Nothing is running"))
    _elsewhere(page, reply.elsewhere)
    page.line(_("⏳ {n} waiting").format(n=reply.waiting) if reply.waiting else _("Nothing waits"))
    if reply.last:
        settled(page.line(_("Last, run {run}: ").format(run=reply.last.run_id)), reply.last)
    for window in reply.windows:
        page.line(f"{'⚠️' if is_scarce(window) else '📊'} {allowance(window, with_time=True)}")
    for trouble in reply.troubles:
        page.line(f"⚠️ {trouble}")
    return page.done(buttons)


def _running(page: Page, run: say.RunLine, reply: say.StatusReport) -> Keyboard:
    """What the run is at; returns what can be done about it."""
    progress = reply.progress
    if progress is not None and progress.is_waiting:
        waiting(page.say(_("Run {run}: ").format(run=run.run_id)), progress).quote(
            one_line(run.prompt, _PROMPT_LIMIT * 2)
        )
        return waiting_buttons(run.run_id, progress)
    facts = [working(run.elapsed_s, progress), *room(progress.context if progress else None)]
    page.say(" · ".join([_("⚙️ Run {run}").format(run=run.run_id), *facts]))
    page.quote(one_line(run.prompt, _PROMPT_LIMIT * 2))
    if progress is not None:
        now(page.line(), progress, reply.diagnosis)
    return stop_button(run.run_id)


def _queue(reply: say.QueueReport) -> Message:
    if not reply.running and not reply.waiting and not reply.elsewhere:
        return _sentence(_("Nothing runs and nothing waits."))
    page = Page()
    if reply.running:
        if reply.running.is_waiting:
            page.say(_("⏸ Run {run} · waits for its session").format(run=reply.running.run_id))
        else:
            page.say(_("⚙️ Run {run}").format(run=reply.running.run_id))
            page.say(f" · {duration(reply.running.elapsed_s)}")
        page.say(f" · {_prompt(reply.running)}")
    _elsewhere(page, reply.elsewhere)
    for place, line in enumerate(reply.waiting[:_LISTED], start=1):
        waits = _("Run {run} · waits {time}").format(run=line.run_id, time=duration(line.elapsed_s))
        page.line(f"{place}. {waits} · {_prompt(line)}")
    if (more := len(reply.waiting) - _LISTED) > 0:
        page.line(_("… and {n} more").format(n=more))
    if not reply.waiting:
        page.line(_("Nothing waits behind it."))
    return page.done(queues.buttons(reply.waiting[:_LISTED]))


def _elsewhere(page: Page, runs: tuple[say.RunLine, ...]) -> None:
    """What the chat has at work in sessions that it has left."""
    for line in runs:
        told = _("⚙️ Run {run} · {time} · in the session this chat spoke to before · {prompt}")
        page.line(told.format(run=line.run_id, time=duration(line.elapsed_s), prompt=_prompt(line)))


def _prompt(line: say.RunLine) -> str:
    return one_line(line.prompt, _PROMPT_LIMIT)


def _session(reply: say.SessionReport) -> Message:
    page = Page().bold(reply.bot)
    if reply.thread_id:
        page.line(_("Session ")).code(reply.thread_id)
    elif reply.fork_of is None:
        page.line(_("No session yet: the first prompt begins one."))
    page.line(_("Work directory ")).code(str(reply.workdir))
    page.line(_("Codex home ")).code(str(reply.codex_home))
    page.line(_("Runs so far: {n}").format(n=reply.runs))
    if reply.thread_id:
        page.line(_("In a terminal: ")).code(f"codex resume {reply.thread_id}")
    return sessions.details(page, reply).done()


def _who(reply: say.WhoReport) -> Message:
    told: dict[str, str] = {
        "user": Code(reply.user_id),
        "chat": Code(reply.chat.chat_id),
        "topic": Code(reply.chat.topic_id),
        "bot": Bold(reply.chat.bot),
    }
    if reply.chat.topic_id:
        sentence = _("You are user {user}, this chat is {chat}, topic {topic}, and I am the bot {bot}.")
    else:
        sentence = _("You are user {user}, this chat is {chat}, and I am the bot {bot}.")
    return Page().weave(sentence, **told).done()


def _help() -> Message:
    page = Page().say(_("Write what Codex is to do. Or:"))
    for command in COMMANDS:
        argument = f" {_(command.argument)}" if command.argument else ""
        page.line(f"/{command.name}{argument} – {_(command.purpose)}")
    page.line(_("In a group I heed commands, mentions of me and replies to me."))
    return page.done()


def _not_understood(misspoken: Misspoken) -> Page:
    page, about = Page(), one_line(misspoken.about, 40)
    match misspoken.reason:
        case MisspokenReason.UNKNOWN_COMMAND:
            near = difflib.get_close_matches(about.lstrip("/"), [command.name for command in COMMANDS], n=1)
            if near:
                guess = _("{command} is no command here. Did you mean /{near}? /help lists them.")
                return page.weave(guess, command=Code(about), near=near[0])
            return page.weave(_("{command} is no command here. /help lists them."), command=Code(about))
        case MisspokenReason.EMPTY_PROMPT if about:
            example = _("Write the prompt behind {command}, such as: `{command} Why does the last test fail?`")
            return page.prose(example.format(command=about))
        case MisspokenReason.EMPTY_PROMPT:
            return page.say(_("What shall Codex do? Write it in the same message."))
        case MisspokenReason.UNSUPPORTED_CONTENT:
            content = _(_CONTENT[about]) if about in _CONTENT else _("this kind of message")
            return page.say(_("I cannot take {content}: please write it as text.").format(content=content))
        case MisspokenReason.UNKNOWN_BUTTON:
            return page.say(_("That button is of no use any more. The commands still are: /help lists them."))
        case MisspokenReason.EDITED:
            return page.say(_("An edited message starts nothing: send it as a new one."))
        case MisspokenReason.FILE_TOO_LARGE | MisspokenReason.VOICE_NOT_CONFIGURED:
            return file_trouble(misspoken)
        case _:
            assert_never(misspoken.reason)
