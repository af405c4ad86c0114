"""What a silent run is at, in words: on its status message, when it takes long, and once it was stopped."""

from __future__ import annotations

from typing import assert_never

from codex_gateway.core.diagnosis import Cause, Diagnosis
from codex_gateway.core.ids import RunId
from codex_gateway.telegram.message import Keyboard, Message
from codex_gateway.telegram.page import Page
from codex_gateway.telegram.units import duration, one_line

_COMMAND_LIMIT = 200


def say_now(page: Page, diagnosis: Diagnosis) -> Page:
    """What it is at, behind "▸ `command`" where it is about a command."""
    how_long = duration(diagnosis.since_s)
    match diagnosis.cause:
        case Cause.STARTING:
            return page.say(f"Starting Codex for {how_long}")
        case Cause.MODEL:
            return page.say(f"Waiting for the model for {how_long}")
        case Cause.COMMAND:
            return page.say(f" · {how_long}")
        case Cause.INPUT:
            return page.say(f" · {how_long} · waits for input")
        case Cause.COMPACTING:
            return page.say(f"Probably compacting the conversation for {how_long}")
        case Cause.RECONNECTING:
            return page.say(f"Reconnecting{_tries(diagnosis)} for {how_long}")
        case Cause.BUSY:
            return page.say(f"Codex itself has been busy for {how_long}")
        case Cause.ENDING:
            return page.say(f"Finishing for {how_long}")
        case Cause.HALTED if diagnosis.command:
            return page.say(f" · {how_long} · halted: ").code(f"kill -CONT {diagnosis.pid}").say(" lets it go on")
        case Cause.HALTED:
            return page.say("Codex is halted by a signal: ").code(f"kill -CONT {diagnosis.pid}").say(" lets it go on")
        case Cause.GONE:
            return page.say("The process of Codex is gone")
        case Cause.UNKNOWN:
            return page.say(f"Nothing heard for {how_long}")
        case _:
            assert_never(diagnosis.cause)


def say_then(page: Page, diagnosis: Diagnosis) -> Page:
    """What it was at when it was stopped: one sentence."""
    how_long = duration(diagnosis.since_s)
    match diagnosis.cause:
        case Cause.STARTING:
            return page.say(f"It had not taken the prompt up for {how_long}.")
        case Cause.MODEL:
            return page.say(f"It had been waiting for the model for {how_long}.")
        case Cause.COMMAND:
            return _command(page, diagnosis).say(f" had been running for {how_long}.")
        case Cause.INPUT:
            return _command(page, diagnosis).say(f" had been waiting for input for {how_long}.")
        case Cause.COMPACTING:
            return page.say(f"It had probably been compacting the conversation for {how_long}.")
        case Cause.RECONNECTING:
            return page.say(f"It was trying to reach the model's service again{_tries(diagnosis)}.")
        case Cause.BUSY:
            return page.say(f"It had been busy by itself for {how_long}, with no connection to the model's service.")
        case Cause.ENDING:
            return page.say(f"It had been about to end for {how_long}.")
        case Cause.HALTED:
            return _command(page, diagnosis).say(f" (process {diagnosis.pid}) was halted by a signal from outside.")
        case Cause.GONE:
            return page.say("Its process was gone.")
        case Cause.UNKNOWN:
            return page.say(f"Nothing tells what it was at for the last {how_long}.")
        case _:
            assert_never(diagnosis.cause)


def still_running(run_id: RunId, diagnosis: Diagnosis) -> Message:
    """The question whether to go on waiting for a command."""
    page = _command(Page().say("⏱ "), diagnosis)
    how_long = duration(diagnosis.since_s)
    match diagnosis.cause:
        case Cause.INPUT:
            page.say(f" has been running for {how_long} and waits for input, which nobody can give it.")
        case Cause.HALTED:
            page.say(" was halted by a signal. On its machine, ").code(f"kill -CONT {diagnosis.pid}")
            page.say(" lets it go on.")
        case _:
            page.say(f" has been running for {how_long}.{_work(diagnosis)}")
    return page.done(_wait_or_stop(run_id))


def _wait_or_stop(run_id: RunId) -> Keyboard:
    return ((("⏳ Go on waiting", f"wait:{run_id}"), ("⏹ Stop", f"stop:{run_id}")),)


def _work(diagnosis: Diagnosis) -> str:
    match diagnosis.is_at_work:
        case True:
            return " It is using the processor."
        case False:
            return " It is not using the processor."
        case None:
            return ""


def _command(page: Page, diagnosis: Diagnosis) -> Page:
    return page.code(one_line(diagnosis.command, _COMMAND_LIMIT)) if diagnosis.command else page.say("Codex")


def _tries(diagnosis: Diagnosis) -> str:
    return "" if diagnosis.attempt is None else f" {diagnosis.attempt}/{diagnosis.attempts}"
