"""What a person reads and presses about how a chat is spoken to."""

from __future__ import annotations

from typing import assert_never

from codex_gateway.core.manner import CHOICES, Choice, Detail, Form, LanguageChoice, Setting
from codex_gateway.core.reply import ChoiceReport
from codex_gateway.telegram.message import Keyboard, Message
from codex_gateway.telegram.page import Page
from codex_gateway.telegram.tongue import _
from codex_gateway.telegram.units import one_line

_WORD_LIMIT = 40


def chosen(report: ChoiceReport) -> Message:
    """What holds in the chat; unless it was chosen just now, with a button for each choice."""
    page = Page()
    if report.unknown:
        page.say(_("{word} is none of the choices.").format(word=one_line(report.unknown, _WORD_LIMIT))).line()
    if report.is_new:
        page.say("✓ ")
    setting = _setting(report.choice)
    page.say(_title(setting)).bold(_name(report.choice))
    if meaning := _meaning(report.choice):
        page.say(_(" – {meaning}").format(meaning=meaning))
    page.say(_("."))
    return page.done(() if report.is_new else _buttons(setting, report.choice))


def _buttons(setting: Setting, current: Choice) -> Keyboard:
    marks = {choice: "✓ " if choice is current else "" for choice in CHOICES[setting]}
    return (tuple((mark + _name(choice), f"{setting}:{choice}") for choice, mark in marks.items()),)


def _setting(choice: Choice) -> Setting:
    match choice:
        case Detail():
            return Setting.VERBOSE
        case Form():
            return Setting.FORMAT
        case LanguageChoice():
            return Setting.LANGUAGE
        case _:
            assert_never(choice)


def _title(setting: Setting) -> str:
    match setting:
        case Setting.VERBOSE:
            return _("How much is told here of a run: ")
        case Setting.FORMAT:
            return _("The form of answers here: ")
        case Setting.LANGUAGE:
            return _("The language here: ")
        case _:
            assert_never(setting)


def _name(choice: Choice) -> str:
    match choice:
        case Detail.FINAL:
            return _("final")
        case Detail.NORMAL:
            return _("normal")
        case Detail.VERBOSE:
            return _("verbose")
        case Form.TEXT:
            return _("text")
        case Form.RICH:
            return _("rich")
        case LanguageChoice.AUTO:
            return _("automatic")
        case LanguageChoice.ENGLISH:
            return "English"
        case LanguageChoice.CHINESE:
            return "中文"
        case _:
            assert_never(choice)


def _meaning(choice: Choice) -> str:
    match choice:
        case Detail.FINAL:
            return _("the verdict and the answer")
        case Detail.NORMAL:
            return _("the steps, what Codex says on the way (unless the configuration keeps it back), and the answer")
        case Detail.VERBOSE:
            return _("the answer, every step, what Codex says on the way, and a summary of what the model thinks")
        case Form.TEXT:
            return _("text with formatting, which every app shows")
        case Form.RICH:
            return _("rich messages with real tables, which some apps still show blank")
        case LanguageChoice.AUTO:
            return _("that of whoever writes, as Telegram tells it; else English")
        case LanguageChoice.ENGLISH | LanguageChoice.CHINESE:
            return ""
        case _:
            assert_never(choice)
