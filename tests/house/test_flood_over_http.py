"""The service as a process against a server that enforces Telegram's limits: a short flood in four chats."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from codex_gateway.demo.bot_api import Chat, Fault, Message, RateLimits
from codex_gateway.telegram.allowance import Rates
from support.codex_lab import SCRIPTED
from support.house import house

PENALTY_S = 12
CHATTY = "\n".join(f"@comment Look number {n}.\n@sh sleep {pause}" for n, pause in enumerate((0.4, 0.4, 0.4, 4)))
BOTS = ("alpha", "beta")


async def test_a_flood_arrives_whole_and_in_order_and_nothing_is_sent_into_a_penalty(tmp_path: Path) -> None:
    async with house(tmp_path, SCRIPTED, bots=BOTS, rate_limits=RateLimits()) as it:
        groups = {name: it.server.group("Team", bots=[it.bot(name).account]) for name in BOTS}
        for name, group in groups.items():
            it.bot(name).options["allowed_chat_ids"] = [group.id]
        it.write_config(progress_tick_interval=0.5, answer_max_messages=2)
        parked = it.bot("beta").chat
        penalty = it.server.inject(
            Fault.flood(
                retry_after_s=PENALTY_S,
                bot="beta",
                chat_id=parked.id,
                when=lambda request: request.method in {"sendMessageDraft", "editMessageText"},
            )
        )
        service = await it.start()
        asked: list[tuple[Chat, Message]] = []
        for name in BOTS:
            for chat in (it.bot(name).chat, groups[name]):
                prefix = "" if chat.id > 0 else "/new "
                for length in (6_000, 12_000)[: 2 if chat.id > 0 else 1]:  # the longer one comes as a document
                    asked.append((chat, chat.say(it.owner, f"{prefix}{CHATTY}\n@answer {length}")))
        await it.see(lambda: penalty.struck)
        await it.see(lambda: it.query("SELECT count(*) FROM parked_chats") == [(1,)])
        await service.kill()  # the penalty is honoured over it
        before = len(it.server.requests)
        await it.start()
        for chat, prompt in asked:
            # A group that has used up its minute waits for the next one.
            await it.server.wait_for(lambda chat=chat, prompt=prompt: _verdict(chat, prompt), timeout_s=180)
        await it.nothing_in_flight()

        [struck] = penalty.struck
        assert it.server.flood_violations == []
        assert [request for request in it.server.requests[:before] if request.status == 429] == [struck]
        # What was sent in the last moments before a kill is not known after it: so much may be refused and sent again.
        for chat in {chat for chat, _ in asked}:
            burst = (Rates().private if chat.id > 0 else Rates().group).burst
            sent = [r for r in it.server.requests[before:] if str(r.params.get("chat_id")) == str(chat.id)]
            assert sum(request.status == 429 for request in sent) <= burst
        to_parked = [
            r for r in it.server.requests if r.bot == "beta" and str(r.params.get("chat_id")) == str(parked.id)
        ]
        assert not [r for r in to_parked if struck.at < r.at < struck.at + PENALTY_S]
        assert [r for r in to_parked if r.at > struck.at + PENALTY_S]
        for chat in {chat for chat, _ in asked}:
            said = [message.text for message in chat.messages if message.text.startswith("Look number")]
            numbers = [line for text in said for line in text.split("\n\n")]
            prompts = sum(place is chat for place, _ in asked)
            # What was on its way when the service was killed may come twice.
            assert [number for number, _ in groupby(numbers)] == [f"Look number {n}." for n in range(4)] * prompts
            assert len(numbers) <= 4 * prompts + 1
            assert sum(message.document is not None for message in chat.messages) == prompts - 1
            assert sum(message.text.startswith("✅ Done") for message in chat.messages) == prompts
        assert it.server.calls("sendDocument") and it.server.calls("editMessageText")


def _verdict(chat: Chat, prompt: Message) -> bool:
    return any(m.reply_to is prompt and m.text.startswith("✅ Done") for m in chat.messages)
