"""Every way in which a turn can fail that we can bring about, on the real CLI: its kind and its words."""

from __future__ import annotations

import os
import re
import signal
import stat
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from codex.turns import Bench, Ear
from codex_gateway.codex.options import ApprovalsMode, CodexOptions
from codex_gateway.core import event as ev
from codex_gateway.core.outcome import Failed, FailureKind, Outcome
from codex_gateway.core.run import Turn
from support.real_codex import CURRENT, LEGACY, real_codex

K = FailureKind
#: Nothing listens on the port that is meant for discarding.
NOBODY = "http://127.0.0.1:9/v1"


def failed(outcome: Outcome) -> Failed:
    assert isinstance(outcome, Failed), outcome
    return outcome


@pytest.mark.parametrize(
    ("prompt", "kind", "words"),
    [
        ("@status 400", K.REFUSED, "The scripted model answers 400."),
        ("@status 401", K.UNAUTHORIZED, "401 Unauthorized"),
        ("@status 403", K.FORBIDDEN, "403 Forbidden"),
        ("@status 404", K.REFUSED, "404 Not Found"),
        ("@status 429", K.RATE_LIMITED, "429 Too Many Requests"),
        ("@status 500", K.MODEL_ERROR, "high demand"),
        ("@status 503", K.MODEL_ERROR, "503 Service Unavailable"),
        ("@status usage-limit", K.QUOTA, "hit your usage limit"),
        ("@cut", K.NETWORK, "stream disconnected"),
    ],
)
async def test_what_the_service_does_is_told_apart(bench: Bench, prompt: str, kind: FailureKind, words: str) -> None:
    thread_id = await bench.new_session()
    outcome = failed(await bench.ask(prompt, thread_id))
    assert outcome.kind is kind
    assert words in outcome.message and "{" not in outcome.message
    assert outcome.resets_at is None


async def test_a_full_window_and_a_quota_are_told_apart_where_codex_does(bench: Bench) -> None:
    full = failed(await bench.ask("@status context-window"))
    # 0.140 hands on the body of the answer, whose code says it; the scripted old one does as well.
    assert full.kind is K.CONTEXT_FULL and "{" not in full.message
    quota = failed(await bench.ask("@status quota"))
    assert quota.kind in {K.QUOTA, K.RATE_LIMITED}  # 0.140 says no more than "429 Too Many Requests"


@dataclass(frozen=True, slots=True)
class Real:
    """A real CLI whose configuration a test may spoil."""

    bench: Bench
    config: Path

    async def ask(self, prompt: str = "hello") -> Failed:
        return failed(await self.bench.ask(prompt))


@pytest.fixture(params=[pytest.param(version, marks=pytest.mark.real_codex) for version in (CURRENT, LEGACY)])
async def real(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Real]:
    workdir = tmp_path / "work"
    workdir.mkdir()
    async with real_codex(tmp_path, version=str(request.param)) as codex:
        options = CodexOptions(home=codex.home, environ=codex.environment, cli_cmd=str(codex.binary))
        yield Real(Bench(options, tmp_path, workdir), codex.home / "config.toml")


def at(url: str) -> Callable[[str], str]:
    return lambda text: re.sub(r'base_url = ".*"', f'base_url = "{url}"', text)


def provider(line: str) -> Callable[[str], str]:
    return lambda text: text.replace("requires_openai_auth = false", line)


@pytest.mark.parametrize(
    ("spoil", "kind", "words"),
    [
        (at(NOBODY), K.NETWORK, "error sending request"),
        (at("http://no-such-host.invalid/v1"), K.NETWORK, "error sending request"),
        (lambda text: text.replace("http://127", "https://127"), K.NETWORK, "error sending request"),
        (lambda text: text + "\n[x", K.CODEX_CONFIG, "unclosed table"),
        (lambda text: text.replace("startup = false", 'startup = "yes"'), K.CODEX_CONFIG, "expected a boolean"),
        (
            lambda text: text.replace('provider = "scripted"', 'provider = "x"'),
            K.CODEX_CONFIG,
            "provider `x` not found",
        ),
        (provider('requires_openai_auth = false\nenv_key = "NO_SUCH_KEY"'), K.MISSING_VARIABLE, "`NO_SUCH_KEY`"),
    ],
    ids=["refused", "name", "tls", "torn config", "wrong value", "no provider", "no variable"],
)
async def test_what_surrounds_codex_is_told_apart(
    real: Real, spoil: Callable[[str], str], kind: FailureKind, words: str
) -> None:
    before = real.config.read_text("utf-8")
    real.config.write_text(spoil(before), "utf-8")
    assert real.config.read_text("utf-8") != before
    outcome = await real.ask()
    assert outcome.kind is kind
    assert words in outcome.message and "backtrace" not in outcome.message


async def test_without_a_login_the_service_refuses_and_the_person_is_told_to_log_in(real: Real) -> None:
    """Codex itself starts without one: `requires_openai_auth` with no auth.json sends no authorization."""
    real.config.write_text(provider("requires_openai_auth = true")(real.config.read_text("utf-8")), "utf-8")
    assert not (real.config.parent / "auth.json").exists()
    assert (await real.ask("@status 401")).kind is K.UNAUTHORIZED


async def test_a_home_that_is_gone_is_a_matter_of_codexs_configuration(real: Real, tmp_path: Path) -> None:
    outcome = failed(await real.bench.ask("hello", home=tmp_path / "gone"))
    assert outcome.kind is K.CODEX_CONFIG and str(tmp_path / "gone") in outcome.message


async def test_an_argument_that_codex_does_not_know_is_a_matter_of_ours(real: Real) -> None:
    outcome = failed(await real.bench.ask("hello", cli_args=("--no-such-option",)))
    assert outcome.kind is K.USAGE and "--no-such-option" in outcome.message


async def test_outside_of_a_repository_codex_refuses_unless_it_is_told_not_to(real: Real) -> None:
    # in mode 3 it does not look
    outcome = failed(await real.bench.ask("hello", skip_git_check=False, approvals_mode=ApprovalsMode.READ_ONLY))
    assert outcome.kind is K.GIT_CHECK


def program(path: Path, text: str, mode: int = 0o755) -> Path:
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


async def test_a_codex_that_is_not_there_is_told_with_where_it_was_looked_for(scripted: Bench, tmp_path: Path) -> None:
    empty = {**scripted.options.environ, "PATH": str(tmp_path)}
    outcome = failed(await scripted.ask("hello", cli_cmd="codex", environ=empty))
    assert (outcome.kind, outcome.message) == (
        K.NOT_INSTALLED,
        f"There is no codex on the gateway's PATH ({tmp_path}).",
    )
    outcome = failed(await scripted.ask("hello", cli_cmd="/nowhere/codex"))
    assert (outcome.kind, outcome.message) == (K.NOT_INSTALLED, "There is no /nowhere/codex.")


async def test_a_codex_that_may_not_be_executed_is_told_as_such(scripted: Bench, tmp_path: Path) -> None:
    plain = program(tmp_path / "codex", "#!/bin/sh\n", mode=stat.S_IRUSR)
    outcome = failed(await scripted.ask("hello", cli_cmd=str(plain)))
    assert (outcome.kind, str(plain) in outcome.message) == (K.NOT_EXECUTABLE, True)
    on_path = {**scripted.options.environ, "PATH": str(tmp_path)}
    outcome = failed(await scripted.ask("hello", cli_cmd="codex", environ=on_path))
    assert outcome.kind is K.NOT_EXECUTABLE
    outcome = failed(await scripted.ask("hello", cli_cmd=str(tmp_path)))
    assert (outcome.kind, outcome.message) == (K.NOT_EXECUTABLE, f"{tmp_path} is a folder.")


async def test_what_is_no_program_at_all_is_told_in_the_systems_words(scripted: Bench, tmp_path: Path) -> None:
    outcome = failed(await scripted.ask("hello", cli_cmd=str(program(tmp_path / "codex", "no shebang, no ELF"))))
    assert outcome.kind is K.CANNOT_START and "Exec format error" in outcome.message


async def test_a_work_directory_that_is_gone_is_told_as_such(scripted: Bench, tmp_path: Path) -> None:
    agent, ear = scripted.agent(), Ear()
    turn = Turn(None, "hello", tmp_path / "gone")
    outcome = failed(await agent.perform(turn, scripted.attempt(agent, turn), ear))
    assert outcome.kind is K.NO_WORKDIR and str(tmp_path / "gone") in outcome.message


OLD = """#!/bin/sh
[ "$1" = --version ] && echo "codex-cli {version}" && exit
echo "error: unexpected argument '-o' found

Usage: codex exec [OPTIONS] [PROMPT] [COMMAND]" >&2
exit 2
"""


@pytest.mark.parametrize(
    ("version", "kind"),
    [("0.42.0", K.TOO_OLD), ("0.79.9", K.TOO_OLD), ("0.80.0", K.USAGE), ("1.2.3", K.USAGE), ("unknown", K.USAGE)],
)
async def test_a_codex_that_is_too_old_says_so(
    scripted: Bench, tmp_path: Path, version: str, kind: FailureKind
) -> None:
    """0.42 answers just this; 0.58 understands us and needs no word about its age."""
    old = program(tmp_path / "codex", OLD.format(version=version))
    outcome = failed(await scripted.ask("hello", cli_cmd=str(old)))
    assert outcome.kind is kind and "unexpected argument '-o'" in outcome.message
    assert outcome.message.startswith("This is Codex 0.42.0; the gateway needs 0.80 or newer.") == (version == "0.42.0")


async def test_a_version_that_never_comes_is_not_waited_for(
    scripted: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codex_gateway.codex.version._LIMIT_S", 0.1)
    stuck = program(tmp_path / "codex", OLD.format(version="0").replace("&& echo", "&& exec sleep 600 && echo"))
    assert failed(await scripted.ask("hello", cli_cmd=str(stuck))).kind is K.USAGE


@pytest.mark.parametrize(
    ("number", "before", "after", "kind"),
    [
        ("KILL", "oom_kill 3", "oom_kill 3", K.KILLED),
        ("KILL", "oom_kill 3", "oom_kill 4", K.OUT_OF_MEMORY),
        ("KILL", "", "oom_kill 4", K.KILLED),
        ("KILL", "oom_kill 3", "", K.KILLED),
        ("TERM", "oom_kill 3", "oom_kill 4", K.KILLED),
    ],
)
async def test_a_kill_for_want_of_memory_is_told_by_the_counter(
    scripted: Bench,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: str,
    before: str,
    after: str,
    kind: FailureKind,
) -> None:
    counter = tmp_path / "proc" / "vmstat"
    counter.parent.mkdir()
    monkeypatch.setattr("codex_gateway.codex.child.memory._ROOT", tmp_path)
    counter.write_text(f"pgfault 7\n{before}\nthp 9\n")
    mortal = f"#!/bin/sh\nprintf 'pgfault 8\\n{after}\\n' > {counter}\nkill -{number} $$\n"
    outcome = failed(await scripted.ask("hello", cli_cmd=str(program(tmp_path / "codex", mortal))))
    assert outcome.kind is kind
    assert f"SIG{number}" in outcome.message


@pytest.fixture
def tight(tmp_path: Path) -> Iterator[Path]:
    """A control group with room for little; skips where none may be made."""
    for root, limit in (
        (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
        (Path("/sys/fs/cgroup"), "memory.max"),
    ):
        group = root / f"codex-gateway-test-{os.getpid()}"
        try:
            group.mkdir()
            (group / limit).write_text(str(60 << 20))
        except OSError:
            with suppress(OSError):
                group.rmdir()
            continue
        yield group
        group.rmdir()
        return
    pytest.skip("no control group with a memory limit may be made here: that takes root and a writable /sys/fs/cgroup")


async def test_a_process_that_the_system_kills_for_want_of_memory_is_known_as_such(
    scripted: Bench, tmp_path: Path, tight: Path
) -> None:
    hungry = f"#!/bin/sh\necho $$ > {tight}/cgroup.procs\nexec {sys.executable} -c 'x = b\"1\" * (500 << 20)'\n"
    outcome = failed(await scripted.ask("hello", cli_cmd=str(program(tmp_path / "codex", hungry))))
    # Moved out of our own control group, its kill can only be guessed where that group keeps a count of its own.
    assert "memory was full" in outcome.message


async def test_a_process_that_somebody_kills_is_known_as_such(bench: Bench) -> None:
    """While others on this machine may well run out of memory."""

    async def kill(event: ev.Event, offset_bytes: int) -> None:
        await ear(event, offset_bytes)
        if isinstance(event, ev.CommandStarted):
            os.kill(ear.all(ev.ProcessStarted)[0].pid, signal.SIGKILL)

    agent, ear, turn = bench.agent(), Ear(), bench.turn("@sh sleep 600")
    outcome = failed(await agent.perform(turn, bench.attempt(agent, turn), kill))
    assert outcome.kind is K.KILLED and outcome.is_retryable
