"""A turn outlives the service that began it, be it killed or replaced by a new version, with a terminal or without."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.codex_lab import MODERN, SCRIPTED, Cli
from support.house import LIMIT_S, House, Service, house
from support.torture import STUBBORN, Asked, ask, processes_with, until

PTY = pytest.mark.parametrize("pty", [False, True], ids=["pipes", "pty"])


@PTY
@pytest.mark.parametrize("cli", MODERN)
async def test_progress_goes_on_in_the_same_status_message(tmp_path: Path, cli: Cli, pty: bool) -> None:
    async with house(tmp_path, cli) as it:
        bot = it.bot()
        it.write_config(codex_cli_use_pty=pty)
        before = len(it.turns(bot.resume_id))
        service = await it.start()
        release = bot.workdir / "release"
        waits = f"@sh until test -e {release}; do sleep 0.1; done"
        asked = ask(it, bot, f"@comment first\n{waits}\n@sh echo second\n@say third")
        await it.see(lambda: asked.statuses and "until test" in asked.statuses[0].text)
        await it.nothing_in_flight()
        [status] = asked.statuses

        await service.kill()
        service = await _goes_on(it, asked)

        assert await service.end() == 0  # as a new version is deployed, here with another configuration
        it.write_config(codex_cli_use_pty=not pty, stream_flush_interval=0.1, message_chunk_limit=1000)
        await _goes_on(it, asked)

        release.touch()
        await it.see(lambda: asked.has_verdict)
        await it.nothing_in_flight()
        assert asked.statuses == [status] and status.text.startswith("✅ Done") and "steps" in status.text
        assert asked.answers == ["third"]
        assert [message.text for message in bot.chat.messages].count("first") == 1
        assert len(it.turns(bot.resume_id)) == before + 1


async def _goes_on(it: House, asked: Asked) -> Service:
    """Start the service: the turn's Codex is alive, and what it is at is painted anew, maybe before the first poll."""
    [status] = asked.statuses
    painted = len(status.edits)
    service = await it.start()
    await it.see(lambda: len(status.edits) > painted)
    assert status.text.startswith("⚙️ Working") and "until test" in status.text, status.text
    assert processes_with(it, "--json")
    return service


@PTY
async def test_a_stop_reaches_a_turn_that_an_earlier_service_began(tmp_path: Path, pty: bool) -> None:
    async with house(tmp_path, SCRIPTED) as it:
        it.write_config(codex_cli_use_pty=pty)
        service = await it.start()
        asked = ask(it, it.bot(), STUBBORN)
        await until(lambda: len(processes_with(it, "sleep\x001000")) >= 2, limit_s=LIMIT_S)
        await service.kill()
        it.say("/stop")  # while nobody is there
        await it.start()
        await it.see(lambda: asked.has_verdict)
        assert asked.statuses[-1].text.startswith("⏹ Stopped by you after")
        assert it.codex_pids() == []


@PTY
async def test_a_kill_in_the_midst_of_a_stop_leaves_nothing_running(tmp_path: Path, pty: bool) -> None:
    """Codex is gone by then, what it had started is not: the next start ends that too."""
    async with house(tmp_path, SCRIPTED) as it:
        it.write_config(codex_cli_use_pty=pty)
        service = await it.start()
        asked = ask(it, it.bot(), STUBBORN)
        await until(lambda: len(processes_with(it, "sleep\x001000")) >= 2, limit_s=LIMIT_S)
        it.say("/stop")
        await until(lambda: not processes_with(it, "--json"), limit_s=LIMIT_S)
        await service.kill()
        assert processes_with(it, "sleep\x001000")
        await it.start()
        await it.see(lambda: asked.has_verdict)
        assert asked.statuses[-1].text.startswith("⏹ Stopped by you after")
        assert it.codex_pids() == []
