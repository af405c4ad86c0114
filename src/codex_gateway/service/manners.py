"""How each chat is spoken to: what was chosen in it, over what the owner has set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import assert_never

from codex_gateway.core.ids import BotName, ChatRef
from codex_gateway.core.manner import Choice, Chosen, Detail, Form, Language, LanguageChoice, Manner, Setting
from codex_gateway.log import Log
from codex_gateway.store.manners import ChatManners

_log = Log(__name__)


class Manners:
    """A topic follows its chat in what was not chosen in it. `languages` is what the owner has set for each bot."""

    def __init__(
        self,
        store: ChatManners,
        kept: Mapping[ChatRef, Chosen],
        *,
        languages: Mapping[BotName, LanguageChoice],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._kept = dict(kept)
        self._languages = languages
        self._clock = clock

    def of(self, chat: ChatRef) -> Manner:
        """How to speak there now."""
        chosen = self._known(chat)
        language = self._language(chosen, chat).language or chosen.heard or Language.ENGLISH
        return Manner(language, chosen.detail or Detail.NORMAL, chosen.form or Form.TEXT)

    def choice(self, chat: ChatRef, setting: Setting) -> Choice:
        """What holds there, whether somebody has chosen it or not."""
        match setting:
            case Setting.VERBOSE:
                return self.of(chat).detail
            case Setting.FORMAT:
                return self.of(chat).form
            case Setting.LANGUAGE:
                return self._language(self._known(chat), chat)
            case _:
                assert_never(setting)

    async def choose(self, chat: ChatRef, choice: Choice) -> None:
        """From now on, do it so there."""
        kept = self._kept.get(chat, Chosen())
        match choice:
            case Detail():
                await self._keep(chat, replace(kept, detail=choice))
            case Form():
                await self._keep(chat, replace(kept, form=choice))
            case LanguageChoice():
                await self._keep(chat, replace(kept, language=choice))
            case _:
                assert_never(choice)
        _log.info("manner.chosen", bot=chat.bot, chat=chat.chat_id, topic=chat.topic_id, choice=choice.value)

    async def hear(self, chat: ChatRef, language_code: str | None) -> None:
        """Somebody writes there whose language has this IETF tag; None: nobody knows."""
        if language_code is None:
            return
        heard = Language.of(language_code) or Language.ENGLISH
        kept = self._kept.get(chat, Chosen())
        if kept.heard is not heard:
            await self._keep(chat, replace(kept, heard=heard))

    async def _keep(self, chat: ChatRef, chosen: Chosen) -> None:
        await self._store.keep(chat, chosen, now=self._clock())
        self._kept[chat] = chosen

    def _known(self, chat: ChatRef) -> Chosen:
        own, around = self._kept.get(chat, Chosen()), self._kept.get(replace(chat, topic_id=0), Chosen())
        return Chosen(
            language=own.language or around.language,
            detail=own.detail or around.detail,
            form=own.form or around.form,
            heard=own.heard or around.heard,
        )

    def _language(self, chosen: Chosen, chat: ChatRef) -> LanguageChoice:
        return chosen.language or self._languages.get(chat.bot, LanguageChoice.AUTO)
