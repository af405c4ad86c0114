"""`codex-gateway demo` with no terminal, as a program: what it prints, how it exits, what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from codex_gateway.cli import main
from support.codex_lab import until
from support.real_codex import require_codex

LIMIT_S = 110.0


@contextmanager
def demo(ground, *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "codex_gateway", "demo", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(ground.folder)},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def ended(ground, *words: str) -> tuple[int, str, str]:
    with demo(ground, *words) as process:
        out, err = process.communicate(timeout=LIMIT_S)
    return process.returncode, out, err


def assert_it_is_the_conversation(out: str) -> None:
    told = iter(out.splitlines())
    for expected in (
        "you  What is in this project, and what is missing?",
        "bot  ",
        " ↻   ⚙️ Working",
        " ↻   ✅ Done",
        "bot  I know the files now",
        "you  Which Python does it need?",
        "bot  ⏳ Queued · 1 ahead  [⏹ Stop]",
        " ↻   ✅ Done",
        "bot  ↳ What is in this project, and what is missing?",
        "     It is a to-do list for the command line:",
        "     ┌",
        "     │ file         | lines | does",
        "     ┌ python",
        "     │ def done(tasks: list[str], number: int) -> list[str]:",
        "bot  Python 3.11 or newer:",
        "you  Wait until NEWS.md appears, then sum it up.",
        " ↻   ⏹ Stopped by you after 0:",
        "bot  It is not there yet",
        "you  /stop",
        "bot  Stopping…",
        "you  /status",
        "bot  demo · session ",
        "you  /lastresult",
        "bot  Python 3.11 or newer:",
    ):
        assert any(line.startswith(expected) for line in told), f"{expected!r} is missing, or not in its place:\n{out}"


def test_without_a_terminal_the_whole_conversation_is_printed_and_nothing_else(ground) -> None:
    status, out, err = ended(ground)
    assert (status, err) == (0, "")
    assert_it_is_the_conversation(out)
    assert "\x1b" not in out
    assert str(ground.folder) not in out, "nothing in it differs from run to run"
    ground.assert_clean()


@pytest.mark.real_codex
def test_a_real_codex_plays_the_same_conversation(ground) -> None:
    status, out, err = ended(ground, "--script", "--codex", str(require_codex()))
    assert (status, err) == (0, "")
    assert_it_is_the_conversation(out)
    ground.assert_clean()


def test_a_codex_that_fails_is_told_in_a_sentence_with_the_log_of_the_service(ground) -> None:
    status, out, err = ended(ground, "--script", "--codex", "/bin/false")
    assert status == 1
    assert out.startswith("you  What is in this project, and what is missing?\n")
    assert "❌ Failed" in out
    assert "codex.started" in err
    assert "“What is in this project, and what is missing?” should end with ✅; it is: ❌" in err.splitlines()[-1]
    ground.assert_clean()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_in_the_middle_of_a_turn_leaves_nothing(ground, number: signal.Signals, status: int) -> None:
    with demo(ground, "--script") as process:
        await until(lambda: ground.processes("bin/codex") or ground.processes("codex_gateway.demo.codex"))
        process.send_signal(number)
        process.communicate(timeout=LIMIT_S)
    assert process.returncode == status
    ground.assert_clean()


async def test_a_reader_who_goes_away_ends_it_in_silence(ground) -> None:
    with demo(ground, "--script") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        process.wait(timeout=LIMIT_S)
    assert process.returncode == 141
    ground.assert_clean()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--codex", "/nowhere/codex"], "There is no program '/nowhere/codex'; --codex takes the path of a Codex"),
        (["--codex-home", "/tmp"], "--codex-home needs --codex"),
        (["--workdir", "/tmp"], "--workdir needs --codex-home"),
        (["--codex", "sh", "--codex-home", "/tmp"], "start it on a terminal"),
        (["--config", "config.toml"], "leave --config out"),
    ],
)
def test_what_cannot_be_shown_is_said_before_anything_starts(
    words: list[str], sentence: str, ground, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", *words]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("codex-gateway: ")
    assert sentence in err
    assert not ground.folders()


def test_a_directory_that_does_not_exist_is_named(ground, capsys: pytest.CaptureFixture[str]) -> None:
    gone = Path(ground.folder, "gone")
    assert main(["demo", "--script", "--codex", "sh", "--codex-home", str(gone)]) == 1
    assert "codex-gateway: " in capsys.readouterr().err


async def test_a_demo_that_is_killed_leaves_nothing(ground) -> None:
    with demo(ground) as process:
        await until(lambda: ground.processes("sleep"))  # a turn with a command is at work
        process.kill()
        process.wait(timeout=LIMIT_S)
        await until(lambda: not ground.processes() and not ground.folders())
