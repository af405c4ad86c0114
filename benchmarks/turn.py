"""What the gateway adds to a short turn, over bare `codex exec resume` of the same prompt.

The two take turns in one run: once the bare command, from its start to its exit; once a message to the bot, from the
moment the update is there to the request that brings its answer. The model answers at once, so that what is left is
Codex's own time and ours. Less than nothing can be had: the answer leaves when the session file holds it, while Codex
takes some time more to exit.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from codex_gateway.demo.bot_api import Person
from support.codex_lab import REAL, SCRIPTED, Cli
from support.house import House, house
from support.real_codex import find_codex

ROUNDS = 20
PROMPT = "@say a short answer"


def main() -> None:
    real = find_codex(REAL.version) is not None
    with tempfile.TemporaryDirectory(prefix="bench-", dir=Path.home()) as folder:
        asyncio.run(_measure(REAL if real else SCRIPTED, Path(folder)))


async def _measure(cli: Cli, folder: Path) -> None:
    async with house(folder, cli, bots=("alpha", "beta")) as it:
        # A person for each round: the gateway keeps to one message a second in a chat, which is not what is measured.
        it.guests = [it.server.person(f"Guest {number}") for number in range(ROUNDS + 2)]
        it.write_config()
        await it.start()
        bare: list[float] = []
        first: list[float] = []
        answered: list[float] = []
        for round_number in range(ROUNDS + 2):
            command = await _bare(it)
            acknowledged, answer = await _through_the_gateway(it, it.guests[round_number])
            if round_number >= 2:  # the first rounds warm both up
                bare.append(command)
                first.append(acknowledged)
                answered.append(answer)
    shares = [ours - theirs for ours, theirs in zip(answered, bare, strict=True)]
    print(f"\nA short turn, {cli} Codex, {ROUNDS} rounds, milliseconds (median, least, most)")
    _row("codex exec resume, start to exit", bare)
    _row("update to its status message", first)
    _row("update to its answer's last request", answered)
    _row("the gateway's own share, pair by pair", shares)
    print(f"{'ratio of the medians, gateway to bare':42}{statistics.median(answered) / statistics.median(bare):10.2f}")


async def _bare(it: House) -> float:
    session = it.bot("beta")
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        it.codex,
        "exec",
        "resume",
        "--json",
        "--skip-git-repo-check",
        "--dangerously-bypass-approvals-and-sandbox",
        session.resume_id,
        "-",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=session.workdir,
        env={**it.environment, "CODEX_HOME": str(it.home)},
    )
    await process.communicate(PROMPT.encode())
    took = time.perf_counter() - began
    assert process.returncode == 0
    return took


async def _through_the_gateway(it: House, guest: Person) -> tuple[float, float]:
    """Seconds from the update to its status message's request, and to its answer's."""
    chat = it.server.private_chat(guest, it.bot().account)
    began = time.monotonic()
    chat.say(guest, PROMPT)
    await it.see(lambda: len(chat.messages) == 2 and chat.messages[0].edits)
    status, answer = chat.messages
    return status.versions[0].at - began, answer.versions[0].at - began


def _row(name: str, seconds: Sequence[float]) -> None:
    figures = (statistics.median(seconds), min(seconds), max(seconds))
    print(f"{name:42}" + "".join(f"{figure * 1000:10.1f}" for figure in figures))
