"""What the log says, and what it must not."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from codex_gateway.log import Log, Redactor, configure

TOKEN = "123456:AAsecretsecretsecretsecret"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    out = io.StringIO()
    configure(Redactor([TOKEN]), stream=out)
    yield out
    root.handlers[:], root.level = handlers, level


def test_facts_have_fields(stream: io.StringIO) -> None:
    Log("test").info("run.claimed", run=12, why="two words", empty="")
    assert "run.claimed run=12 why='two words' empty=''" in stream.getvalue()


def test_a_secret_is_taken_out_of_fields_and_tracebacks(stream: io.StringIO) -> None:
    try:
        raise OSError(f"cannot reach https://example/bot{TOKEN}/getMe")
    except OSError:
        Log("test").exception("poll.failed", url=f"/bot{TOKEN}/")
    assert "Traceback" in stream.getvalue()
    assert TOKEN not in stream.getvalue() and "/bot***/" in stream.getvalue()


def test_a_secret_within_another_does_not_leave_a_part_of_it() -> None:
    assert Redactor(["longsecret", "longsecret-and-more"]).clean("longsecret-and-more") == "***"
