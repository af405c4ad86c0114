"""The commands and buttons by which a chat says how it wants to be spoken to; pure."""

from __future__ import annotations

from codex_gateway.core.manner import CHOICES, Choice, Language, LanguageChoice, Setting
from codex_gateway.core.request import AskChoice, Choose


def choice_command(name: str, rest: str) -> AskChoice | Choose | None:
    """`/verbose final`, or `/verbose` alone; None: it is no command of this kind."""
    setting = _setting(name)
    if setting is None:
        return None
    choice = _choice(setting, rest.lower())
    return AskChoice(setting, unknown=rest) if choice is None else Choose(choice)


def choice_button(data: str) -> Choose | None:
    """`verbose:final`; None: it is no button of this kind."""
    name, _, word = data.partition(":")
    setting = _setting(name)
    choice = None if setting is None else next((each for each in CHOICES[setting] if each.value == word), None)
    return None if choice is None else Choose(choice)


def _setting(name: str) -> Setting | None:
    return next((setting for setting in Setting if setting.value == name), None)


def _choice(setting: Setting, word: str) -> Choice | None:
    choice = next((each for each in CHOICES[setting] if each.value == word), None)
    if choice is None and setting is Setting.LANGUAGE and (language := Language.of(word)) is not None:
        return LanguageChoice(language.value)  # zh-CN
    return choice
