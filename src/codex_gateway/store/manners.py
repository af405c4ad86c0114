"""How each chat wants to be spoken to."""

from __future__ import annotations

from codex_gateway.core.ids import BotName, ChatRef
from codex_gateway.core.manner import Chosen, Detail, Form, Language, LanguageChoice
from codex_gateway.store.database import Database, Row


class ChatManners:
    """The table `chat_manners`; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> dict[ChatRef, Chosen]:
        """What was kept of every chat."""
        rows = await self._database.read(lambda tx: tx.all("SELECT * FROM chat_manners"))
        return {ChatRef(BotName(row["bot"]), row["chat_id"], row["topic_id"]): _chosen(row) for row in rows}

    async def keep(self, chat: ChatRef, chosen: Chosen, *, now: float) -> None:
        """Keep this of a chat, in place of what was kept before."""
        await self._database.write(
            lambda tx: tx.run(
                "INSERT INTO chat_manners (bot, chat_id, topic_id, language, detail, form, heard, changed_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET language = excluded.language,"
                " detail = excluded.detail, form = excluded.form, heard = excluded.heard,"
                " changed_at = excluded.changed_at",
                (*(chat.bot, chat.chat_id, chat.topic_id), *_words(chosen), now),
            )
        )


def _words(chosen: Chosen) -> list[str | None]:
    told = (chosen.language, chosen.detail, chosen.form, chosen.heard)
    return [None if word is None else word.value for word in told]


def _chosen(row: Row) -> Chosen:
    return Chosen(
        language=None if row["language"] is None else LanguageChoice(row["language"]),
        detail=None if row["detail"] is None else Detail(row["detail"]),
        form=None if row["form"] is None else Form(row["form"]),
        heard=None if row["heard"] is None else Language(row["heard"]),
    )
