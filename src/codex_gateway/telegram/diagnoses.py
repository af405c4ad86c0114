"""What a silent run is at, in words: on its status message, when it takes long, and once it was stopped."""

from __future__ import annotations

import re
from typing import assert_never

from codex_gateway.core.diagnosis import Cause, Diagnosis
from codex_gateway.core.ids import RunId
from codex_gateway.core.progress import Progress
from codex_gateway.telegram.message import Keyboard, Message
from codex_gateway.telegram.page import Code, Page
from codex_gateway.telegram.tongue import _
from codex_gateway.telegram.units import duration, one_line

_COMMAND_LIMIT = 200
#: How Codex (0.98 to 0.169) begins to tell of a reconnect.
_RECONNECTING = re.compile(r"\A\W*re-?connecting[\s.…]*(?:\d+/\d+)?", re.IGNORECASE)


def say_now(page: Page, diagnosis: Diagnosis) -> Page:
    """What it is at, behind "▸ `command`" where it is about a command."""
    time = duration(diagnosis.since_s)
    match diagnosis.cause:
        case Cause.STARTING:
            return page.say(_("Starting Codex for {time}").format(time=time))
        case Cause.MODEL:
            return page.say(_("Waiting for the model for {time}").format(time=time))
        case Cause.COMMAND:
            return page.say(f" · {time}")
        case Cause.INPUT:
            return page.say(_(" · {time} · waits for input").format(time=time))
        case Cause.COMPACTING:
            return page.say(_("Probably compacting the conversation for {time}").format(time=time))
        case Cause.RECONNECTING:
            return page.say(_("Reconnecting{tries} for {time}").format(tries=_tries(diagnosis), time=time))
        case Cause.BUSY:
            return page.say(_("Codex itself has been busy for {time}").format(time=time))
        case Cause.ENDING:
            return page.say(_("Finishing for {time}").format(time=time))
        case Cause.HALTED if diagnosis.command:
            return page.weave(_(" · {time} · halted: {remedy} lets it go on"), time=time, remedy=_remedy(diagnosis))
        case Cause.HALTED:
            return page.weave(_("Codex is halted by a signal: {remedy} lets it go on"), remedy=_remedy(diagnosis))
        case Cause.GONE:
            return page.say(_("The process of Codex is gone"))
        case Cause.UNKNOWN:
            return page.say(_("Nothing heard for {time}").format(time=time))
        case _:
            assert_never(diagnosis.cause)


def untold(progress: Progress, diagnosis: Diagnosis | None) -> str:
    """What Codex warned of, without what the diagnosis says already."""
    notice = progress.notice or ""
    if diagnosis is None or diagnosis.cause is not Cause.RECONNECTING or progress.noticed_reconnect is None:
        return notice
    return _RECONNECTING.sub("", notice).strip(" ():")


def say_then(page: Page, diagnosis: Diagnosis) -> Page:
    """What it was at when it was stopped: one sentence."""
    time, who = duration(diagnosis.since_s), _who(diagnosis)
    match diagnosis.cause:
        case Cause.STARTING:
            return page.say(_("It had not taken the prompt up for {time}.").format(time=time))
        case Cause.MODEL:
            return page.say(_("It had been waiting for the model for {time}.").format(time=time))
        case Cause.COMMAND:
            return page.weave(_("{command} had been running for {time}."), command=who, time=time)
        case Cause.INPUT:
            return page.weave(_("{command} had been waiting for input for {time}."), command=who, time=time)
        case Cause.COMPACTING:
            return page.say(_("It had probably been compacting the conversation for {time}.").format(time=time))
        case Cause.RECONNECTING:
            again = _("It was trying to reach the model's service again{tries}.")
            return page.say(again.format(tries=_tries(diagnosis)))
        case Cause.BUSY:
            busy = _("It had been busy by itself for {time}, with no connection to the model's service.")
            return page.say(busy.format(time=time))
        case Cause.ENDING:
            return page.say(_("It had been about to end for {time}.").format(time=time))
        case Cause.HALTED:
            halted = _("{command} (process {pid}) was halted by a signal from outside.")
            return page.weave(halted, command=who, pid=str(diagnosis.pid))
        case Cause.GONE:
            return page.say(_("Its process was gone."))
        case Cause.UNKNOWN:
            return page.say(_("Nothing tells what it was at for the last {time}.").format(time=time))
        case _:
            assert_never(diagnosis.cause)


def still_running(run_id: RunId, diagnosis: Diagnosis) -> Message:
    """The question whether to go on waiting for a command."""
    page, time, who = Page(), duration(diagnosis.since_s), _who(diagnosis)
    match diagnosis.cause:
        case Cause.INPUT:
            asking = _("⏱ {command} has been running for {time} and waits for input, which nobody can give it.")
            page.weave(asking, command=who, time=time)
        case Cause.HALTED:
            halted = _("⏱ {command} was halted by a signal. On its machine, {remedy} lets it go on.")
            page.weave(halted, command=who, remedy=_remedy(diagnosis))
        case _:
            page.weave(_("⏱ {command} has been running for {time}."), command=who, time=time).say(_work(diagnosis))
    return page.done(_wait_or_stop(run_id))


def _wait_or_stop(run_id: RunId) -> Keyboard:
    return (((_("⏳ Go on waiting"), f"wait:{run_id}"), (_("⏹ Stop"), f"stop:{run_id}")),)


def _work(diagnosis: Diagnosis) -> str:
    match diagnosis.is_at_work:
        case True:
            return _(" It is using the processor.")
        case False:
            return _(" It is not using the processor.")
        case None:
            return ""


def _who(diagnosis: Diagnosis) -> str:
    return Code(one_line(diagnosis.command, _COMMAND_LIMIT)) if diagnosis.command else "Codex"


def _remedy(diagnosis: Diagnosis) -> str:
    return Code(f"kill -CONT {diagnosis.pid}")


def _tries(diagnosis: Diagnosis) -> str:
    return "" if diagnosis.attempt is None else f" {diagnosis.attempt}/{diagnosis.attempts}"
