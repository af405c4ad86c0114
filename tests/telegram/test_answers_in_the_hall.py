"""Rich answers and files on their whole way: the hall's rows, the real chat, the server's refusals in between."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from codex_gateway.core.manner import Form, Manner
from codex_gateway.core.outcome import Answered, Outcome
from codex_gateway.core.ports import Emit
from codex_gateway.core.run import Turn
from codex_gateway.demo.bot_api import BotApiServer, Fault
from codex_gateway.telegram.allowance import Rate, Rates
from codex_gateway.telegram.budget import Budget
from codex_gateway.telegram.chat import Outlet, TelegramChat
from support.hall import Hall, KeptChat, PlayedAgent, hall
from telegram.stage import Stage

FREELY = Rate(burst=10_000, refill_s=0.001, reserve=0)
ANSWER = "\n\n".join(f"Paragraph {n} says **this**." + " word" * 150 for n in range(12))
BAD = "Bad Request: RICH_MESSAGE_INVALID"


async def answering(turn: Turn, emit: Emit) -> Outcome:
    return Answered(ANSWER if turn.prompt == "go" else "short")


def chat_of(stage: Stage, *, form: Form, most_messages: int) -> KeptChat:
    outlet = Outlet(stage.api(), 1000, Budget(Rates(private=FREELY, bot=FREELY)), most_messages)
    chat = TelegramChat({stage.chat_of().bot: outlet}, manner_of=lambda _: Manner(form=form))
    return cast("KeptChat", chat)  # the hall only takes what a chat can do


def agent() -> PlayedAgent:
    return PlayedAgent(plays=dict.fromkeys(("go", "next"), answering))


async def asked_and_answered(it: Hall, stage: Stage) -> list[str]:
    """What the chat shows after two prompts, without the status messages; files by their names."""
    await it.say("go", chat=stage.chat_of())
    await it.say("next", chat=stage.chat_of())
    await it.settled(2)
    shown = []
    for message in stage.private_chat().messages:
        if message.document is not None:
            shown.append(f"file {message.document.name}")
        elif message.rich is not None:
            shown.append(f"rich {message.rich['html']}")
        elif not message.text.startswith(("✅", "⏳", "⚙")):
            shown.append(message.text)
    return shown


async def test_a_rich_answer_is_refused_and_comes_as_text_before_the_next_one_though_the_chat_floods_in_between(
    tmp_path: Path, stage: Stage, server: BotApiServer
) -> None:
    server.inject(Fault.refusal(status=400, description=BAD, method="sendRichMessage"), times=1)
    fifth = iter(range(1000))
    flood = Fault.flood(
        retry_after_s=1,
        method="sendMessage",
        when=lambda request: "Paragraph" in str(request.params.get("text")) and next(fifth) == 4,
    )
    server.inject(flood, times=1)
    async with hall(tmp_path, agent=agent(), chat=chat_of(stage, form=Form.RICH, most_messages=0)) as it:
        shown = await asked_and_answered(it, stage)
        assert shown[-1] == "rich <p>short</p>"
        assert len(shown) > 8
        assert " ".join(shown[:-1]).split() == ANSWER.replace("*", "").split(), "nothing lost, nothing twice"
        assert len(server.calls("sendRichMessage")) == 2, "the one that was refused is not tried again"
        assert 429 in [request.status for request in server.calls("sendMessage")]
        rows = await it.query("SELECT state, count(*) FROM outbox GROUP BY state ORDER BY state")
        assert rows[0] == ("refused", 1)


@pytest.mark.parametrize("refused", [False, True])
async def test_the_file_keeps_its_place_and_so_do_the_messages_that_stand_in_for_it(
    tmp_path: Path, stage: Stage, server: BotApiServer, refused: bool
) -> None:
    if refused:
        reason = "Bad Request: not enough rights to send documents to the chat"
        server.inject(Fault.refusal(status=400, description=reason, method="sendDocument"), times=None)
    async with hall(tmp_path, agent=agent(), chat=chat_of(stage, form=Form.TEXT, most_messages=4)) as it:
        shown = await asked_and_answered(it, stage)
        assert shown[-1] == "short"
        if refused:
            assert " ".join(shown[:-1]).split() == ANSWER.replace("*", "").split()
        else:
            assert len(shown) == 3 and shown[0].startswith("Paragraph 0") and shown[1] == "file run-1-go.md"
