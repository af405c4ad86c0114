"""What only the scripted Codex CLI has: its shim, its environment switches, and how little it needs to start."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from codex_gateway.demo.codex import install_shim
from codex_gateway.demo.codex.quoting import quoted
from codex_gateway.demo.codex.session import as_uuid, uuid7
from codex_gateway.demo.script import markdown
from support.codex_lab import SCRIPTED, Lab, open_lab, until


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with open_lab(SCRIPTED, tmp_path) as opened:
        yield opened


def test_the_shim_works_from_any_folder_and_with_an_empty_environment(tmp_path: Path) -> None:
    shim = install_shim(tmp_path / "a folder's name" / "codex")
    ended = subprocess.run([shim, "--version"], env={}, cwd="/", capture_output=True, text=True, check=True, timeout=30)
    assert (ended.stdout, ended.stderr) == ("codex-cli 0.169.0\n", "")


def test_it_runs_as_a_module() -> None:
    words = [sys.executable, "-m", "codex_gateway.demo.codex", "--version"]
    ended = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30)
    assert ended.stdout == "codex-cli 0.169.0\n"


def test_it_imports_nothing_heavy() -> None:
    code = "import sys, codex_gateway.demo.codex.__main__; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    heavy = {"asyncio", "aiohttp", "argparse", "subprocess", "ctypes", "tomllib", "pydantic", "logging"}
    assert heavy & set(loaded.stdout.split()) == set()


async def test_a_torn_line_is_seen_in_two_halves(lab: Lab) -> None:
    lab.environment["CODEX_SCRIPTED_TORN_MS"] = "40"
    started = await lab.start_turn("@say ok")
    torn = False
    while started.process.returncode is None:
        for path in lab.session_files():
            text = path.read_text(encoding="utf-8")
            torn = torn or not text.endswith("\n")
        await asyncio.sleep(0.005)
    assert torn
    assert (await started.ended()).status == 0
    assert lab.kinds()[-1] == "task_complete"


async def test_a_long_answer_arrives_whole(lab: Lab) -> None:
    ended = await lab.turn("@answer 30000")
    assert ended.events[2]["item"]["text"] == markdown(30_000)
    assert lab.records()[-1]["payload"]["last_agent_message"] == markdown(30_000)


async def test_a_long_prompt_is_read_whole(lab: Lab) -> None:
    prompt = "x" * 300_000
    ended = await lab.turn(prompt)
    assert ended.events[2]["item"]["text"] == f"echo: {prompt}"


async def test_a_repertoire_in_the_environment_gives_scripts_to_plain_prompts(lab: Lab, tmp_path: Path) -> None:
    repertoire = tmp_path / "repertoire"
    repertoire.write_text("> How are you?\n@say Fine.\n", encoding="utf-8")
    lab.environment["CODEX_SCRIPTED_REPERTOIRE"] = str(repertoire)
    assert (await lab.turn("how are you")).events[2]["item"]["text"] == "Fine."


async def test_images_are_written_down(lab: Lab) -> None:
    first = await lab.turn("one")
    await lab.run("exec", "resume", "--json", "-i", "a.png", first.thread_id, "-", stdin="see")
    items = [record["payload"]["item"] for record in lab.records() if "item" in record["payload"]]
    item = [item for item in items if item["type"] == "UserMessage"][-1]
    assert item["content"] == [
        {"type": "local_image", "path": "a.png"},
        {"type": "text", "text": "see", "text_elements": []},
    ]


async def test_turns_in_different_sessions_run_side_by_side(lab: Lab) -> None:
    first = await lab.start_turn("@sh until [ -e two ]; do sleep 0.01; done\n@say one")
    second = await lab.start_turn("@sh touch two\n@say two")
    assert [(await first.ended()).status, (await second.ended()).status] == [0, 0]
    assert len(lab.session_files()) == 2


async def test_a_command_of_another_codex_is_refused(lab: Lab) -> None:
    assert (await lab.run("app-server")).status == 2
    assert (await lab.run()).status == 2


async def test_a_pipe_that_fills_holds_the_turn_until_it_is_read(lab: Lab) -> None:
    process = await asyncio.create_subprocess_exec(
        lab.command,
        *("exec", "--json", "-"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=lab.repo,
        env=lab.environment,
        limit=1 << 16,
    )
    async with asyncio.timeout(30):
        out, _ = await process.communicate(b"@answer 500000\n@say done")
    assert process.returncode == 0
    assert json.loads(out.splitlines()[-1])["type"] == "turn.completed"


async def test_a_session_of_yesterday_is_found(lab: Lab) -> None:
    first = await lab.turn("one")
    (path,) = lab.session_files()
    older = lab.home / "sessions" / "2020" / "01" / "02"
    older.mkdir(parents=True)
    path.rename(older / path.name)
    second = await lab.turn("two", thread_id=first.thread_id)
    assert second.thread_id == first.thread_id
    await until(lambda: lab.session_files() == [older / path.name])


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("ls", "ls"),
        ("", "''"),
        ("a b", "'a b'"),
        ("it's", '"it\'s"'),
        ('say "hi"', "'say \"hi\"'"),
        ("echo 'a' $B", "\"echo 'a' \"'$B'"),
        ("a^b", "a'^b'"),
        ("é", "'é'"),
    ],
)
def test_a_command_is_quoted_as_codex_shows_it(word: str, shown: str) -> None:
    assert quoted(word) == shown


def test_ids_begin_with_the_time_and_are_uuids() -> None:
    first, second = uuid7(), uuid7()
    assert first != second
    assert first[:8] == second[:8] or first < second
    assert (first[14], as_uuid(first.replace("-", "").upper())) == ("7", first)
    assert first[19] in "89ab"


@pytest.mark.parametrize("text", ["", "my-name", "01a1f996-b106-7ab2-9b4d-00000000000", "g" * 32])
def test_a_name_is_no_id(text: str) -> None:
    assert as_uuid(text) is None
