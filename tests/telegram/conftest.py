from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

from codex_gateway.demo.bot_api import BotApiServer
from telegram.stage import Stage

# A busy machine is no fault of the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture
async def server() -> AsyncIterator[BotApiServer]:
    """A Bot API server with two bots; no test may break the Bot API."""
    async with BotApiServer.start(bots=["alpha", "beta"], seed=1) as server:
        yield server
    assert not server.violations
    assert not server.unsupported


@pytest.fixture
async def stage(server: BotApiServer) -> AsyncIterator[Stage]:
    """What a test drives; all that it opened is closed at the end."""
    stage = Stage(server)
    yield stage
    await stage.close()
