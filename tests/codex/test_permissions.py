"""How Codex is started, on each real CLI: approvals modes in its own sandbox, images, arguments, prompt, output."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from codex.turns import Bench, Ear
from codex_gateway.codex.options import ApprovalsMode, CodexOptions, InputMode
from codex_gateway.core import event as ev
from codex_gateway.core.outcome import Answered
from codex_gateway.core.run import Turn
from codex_gateway.demo.model import ScriptedModel
from support.real_codex import codex_versions, real_codex

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
#: Mode 2 may write temporary folders too, and pytest's own lies in one.
NO_TEMPORARY = (
    "-c", "sandbox_workspace_write.exclude_slash_tmp=true",
    "-c", "sandbox_workspace_write.exclude_tmpdir_env_var=true",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Real:
    bench: Bench
    model: ScriptedModel


@pytest.fixture(params=[pytest.param(version, marks=pytest.mark.real_codex) for version in codex_versions()])
async def real(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Real]:
    workdir = tmp_path / "work"
    workdir.mkdir()
    async with real_codex(tmp_path, version=str(request.param)) as codex:
        options = CodexOptions(home=codex.home, environ=codex.environment, cli_cmd=str(codex.binary))
        yield Real(Bench(options, tmp_path, workdir), codex.model)


@pytest.mark.parametrize("is_first", [True, False], ids=["new", "resumed"])
@pytest.mark.parametrize(
    ("mode", "inside", "outside"),
    [
        (ApprovalsMode.READ_ONLY, False, False),
        (ApprovalsMode.WORKSPACE_WRITE, True, False),
        (ApprovalsMode.FULL_ACCESS, True, True),
    ],
)
async def test_a_mode_lets_codex_write_just_what_it_says(
    real: Real, tmp_path: Path, mode: ApprovalsMode, inside: bool, outside: bool, is_first: bool
) -> None:
    bench, elsewhere = real.bench, tmp_path / "elsewhere"
    elsewhere.mkdir()
    thread_id = None if is_first else await bench.new_session()
    ear = Ear()
    outcome = await bench.ask(
        f"@sh echo up$((40+2)); echo x > shell; echo x > {elsewhere}/shell\n"
        f"@patch patch x\n@patch {elsewhere}/patch x\n@say end",
        thread_id,
        ear=ear,
        approvals_mode=mode,
        cli_args=NO_TEMPORARY,
    )
    assert outcome == Answered("end")
    if "up42" not in bench.session_text(ear.all(ev.SessionIdentified)[0].thread_id):
        assert mode is not ApprovalsMode.FULL_ACCESS
        pytest.skip("Codex cannot sandbox commands on this machine, for want of Landlock or user namespaces")
    assert {path.name for path in bench.workdir.iterdir()} == ({"shell", "patch"} if inside else set())
    assert {path.name for path in elsewhere.iterdir()} == ({"shell", "patch"} if outside else set())


@pytest.mark.parametrize("is_first", [True, False], ids=["new", "resumed"])
async def test_images_reach_the_model_and_the_prompt_with_them(real: Real, tmp_path: Path, is_first: bool) -> None:
    bench = real.bench
    images = (tmp_path / "a.png", tmp_path / "b c.png")
    for image in images:
        image.write_bytes(PNG)
    thread_id = None if is_first else await bench.new_session()
    agent = bench.agent()
    turn = Turn(thread_id, "@say seen", bench.workdir, images=images)
    assert await agent.perform(turn, bench.attempt(agent, turn), Ear()) == Answered("seen")
    position = real.model.requests[-1].position
    assert (position.images, position.prompt) == (2, "@say seen")


async def test_extra_arguments_hold_for_new_sessions_and_old_ones(real: Real) -> None:
    bench = real.bench
    thread_id = await bench.new_session()
    for each in (None, thread_id):
        await bench.ask("hello", each, cli_args=("-m", "gpt-5.4", "-c", "model_reasoning_effort=low", "--search"))
        body = real.model.requests[-1].body
        assert body["model"] == "gpt-5.4"
        assert isinstance(body["reasoning"], dict) and body["reasoning"]["effort"] == "low"


@pytest.mark.parametrize("use_pty", [False, True], ids=["files", "pty"])
@pytest.mark.parametrize("input_mode", InputMode)
async def test_any_prompt_arrives_by_either_way_and_its_answer_by_either_output(
    real: Real, tmp_path: Path, input_mode: InputMode, use_pty: bool
) -> None:
    bench, image = real.bench, tmp_path / "a.png"
    image.write_bytes(PNG)
    prompt = "-n is a dash\n--json too, 中文 \N{PILE OF POO}"
    thread_id = await bench.new_session()
    for each in (None, thread_id):
        agent = bench.agent(input_mode=input_mode, use_pty=use_pty, cli_args=("-c", "model_reasoning_effort=low"))
        turn, ear = Turn(each, prompt, bench.workdir, images=(image,)), Ear()
        assert await agent.perform(turn, bench.attempt(agent, turn), ear) == Answered(f"echo: {prompt}")
        assert ear.said == [f"echo: {prompt}"]
        position = real.model.requests[-1].position
        assert (position.images, position.prompt) == (1, prompt)
