"""The scripted model over real HTTP: what a Responses client sees of a script."""

from __future__ import annotations

import asyncio
import json
import tomllib
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from codex_gateway.demo.model import ScriptedModel, write_codex_home
from codex_gateway.demo.model.turn import COMPACTION_PROMPT, position

Json = dict[str, Any]

CLASSIC = [{"type": "function", "name": "exec_command"}, {"type": "custom", "name": "apply_patch"}]


def user(text: str) -> Json:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def done(call_id: str, output: str = "ok") -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


async def ask(model: ScriptedModel, *conversation: Json, tools: list[Json] | None = None) -> list[Json]:
    """The events of one request."""
    body = {"model": "gpt-5.5", "input": list(conversation), "tools": tools or CLASSIC, "stream": True}
    async with aiohttp.ClientSession() as session, session.post(f"{model.url}/responses", json=body) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        return events(await response.text())


def events(text: str) -> list[Json]:
    return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]


def items(told: list[Json]) -> list[Json]:
    return [event["item"] for event in told if event["type"] == "response.output_item.done"]


async def test_a_reply_is_created_streamed_and_completed() -> None:
    async with ScriptedModel.start() as model:
        told = await ask(model, user("@reason hm\n@comment c\n@tokens 500\n@say fin"))
    assert [told[0]["type"], told[-1]["type"]] == ["response.created", "response.completed"]
    assert told[-1]["response"]["usage"]["total_tokens"] == 500
    assert [item.get("phase", item["type"]) for item in items(told)] == ["reasoning", "commentary", "final_answer"]
    deltas = [event["delta"] for event in told if event["type"] == "response.output_text.delta"]
    assert deltas == ["c", "fin"]


async def test_the_conversation_tells_which_reply_is_due_and_nothing_is_remembered() -> None:
    prompt = user("@sh one\n@par two || three\n@say fin")
    async with ScriptedModel.start() as model:
        (first,) = items(await ask(model, prompt))
    async with ScriptedModel.start() as restarted:
        second = items(await ask(restarted, prompt, first, done(first["call_id"])))
        outputs = [done(call["call_id"]) for call in second]
        (last,) = items(await ask(restarted, prompt, first, done(first["call_id"]), *second, *outputs))
    assert json.loads(first["arguments"])["cmd"] == "one"
    assert [json.loads(call["arguments"])["cmd"] for call in second] == ["two", "three"]
    assert last["content"][0]["text"] == "fin"


@pytest.mark.parametrize(
    ("tools", "shell", "patch"),
    [
        (CLASSIC, ("exec_command", "cmd"), "custom_tool_call"),
        ([{"type": "function", "name": "shell_command"}], ("shell_command", "command"), "function_call"),
        ([{"type": "function", "name": "shell"}], ("shell", "command"), "function_call"),
        ([{"type": "function", "name": "apply_patch"}], ("shell", "command"), "function_call"),
    ],
)
async def test_calls_use_the_tools_that_the_request_offers(
    tools: list[Json], shell: tuple[str, str], patch: str
) -> None:
    async with ScriptedModel.start() as model:
        (call,) = items(await ask(model, user("@sh ls"), tools=tools))
        (patched,) = items(await ask(model, user("@patch a.txt x"), tools=tools))
    name, argument = shell
    assert call["name"] == name
    assert "ls" in json.loads(call["arguments"])[argument]
    assert patched["type"] == patch
    assert "*** Add File: a.txt\n+x\n" in (patched.get("input") or str(json.loads(patched["arguments"]))).replace(
        "\\n", "\n"
    )


async def test_a_command_in_the_background_is_asked_for_until_it_has_ended() -> None:
    prompt = user("@long sleep 9\n@say fin")
    async with ScriptedModel.start() as model:
        (call,) = items(await ask(model, prompt))
        so_far = [prompt, call, done(call["call_id"], "Process running with session ID 77\nOutput:\n")]
        (poll,) = items(await ask(model, *so_far))
        so_far += [poll, done(poll["call_id"], "Process running with session ID 77\nOutput:\n")]
        (again,) = items(await ask(model, *so_far))
        so_far += [again, done(again["call_id"], "Process exited with code 0\nOutput:\n")]
        (last,) = items(await ask(model, *so_far))
    assert [poll["name"], again["name"]] == ["write_stdin", "write_stdin"]
    assert json.loads(poll["arguments"])["session_id"] == 77
    assert last["content"][0]["text"] == "fin"


async def test_a_compaction_keeps_the_place_in_the_script() -> None:
    prompt = user("@compact\n@sh one\n@sh two\n@say fin")
    async with ScriptedModel.start() as model:
        (first,) = items(await ask(model, prompt))
        (summary,) = items(await ask(model, prompt, first, done(first["call_id"]), user(f"{COMPACTION_PROMPT}. …")))
        handed_on = "Another language model started to solve this problem …\n" + summary["content"][0]["text"]
        (second,) = items(await ask(model, prompt, user(handed_on)))
    assert json.loads(second["arguments"])["cmd"] == "two"


async def test_an_error_comes_as_often_as_the_script_says() -> None:
    body = {"input": [user("@status 503 2\n@say ok")], "prompt_cache_key": "thread"}
    async with ScriptedModel.start() as model, aiohttp.ClientSession() as session:
        statuses = []
        for _ in range(3):
            async with session.post(f"{model.url}/responses", json=body) as response:
                statuses.append(response.status)
    assert statuses == [503, 503, 200]


async def test_a_cut_stream_has_no_end() -> None:
    async with ScriptedModel.start() as model:
        told = await ask(model, user("@comment part\n@cut\n@say never"))
    assert [item["content"][0]["text"] for item in items(told)] == ["part"]
    assert told[-1]["type"] != "response.completed"


async def test_a_silent_stream_ends_when_the_server_stops() -> None:
    async with aiohttp.ClientSession() as session:
        async with ScriptedModel.start() as model:
            response = await session.post(f"{model.url}/responses", json={"input": [user("@comment a\n@hang")]})
            while b"output_item.done" not in await response.content.readline():
                pass
        async with asyncio.timeout(10):
            rest = await response.content.read()
    assert b"response.completed" not in rest


async def test_requests_are_kept_with_what_was_understood() -> None:
    async with ScriptedModel.start() as model:
        await ask(model, user("<environment_context>\n</environment_context>"), user("one"))
        await ask(model, user("one"), user("<turn_aborted>\n</turn_aborted>"), user("two"))
        assert model.prompts() == ["one", "two"]
        assert [request.position.prompts for request in model.requests] == [1, 2]


async def test_images_are_counted_and_their_frames_are_no_prompt() -> None:
    parts = [
        {"type": "input_text", "text": '<image name=[Image #1] path="a.png">'},
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
        {"type": "input_text", "text": "</image>"},
        {"type": "input_text", "text": "what is it?"},
    ]
    at = position([{"type": "message", "role": "user", "content": parts}])
    assert (at.prompt, at.images) == ("what is it?", 1)


@pytest.mark.parametrize("conversation", [[], [None, 3, "x", {}], [{"type": "message", "role": "user"}]])
def test_a_conversation_without_a_prompt_is_no_error(conversation: list[object]) -> None:
    assert position(conversation).prompt == ""


async def test_a_list_of_models_is_served() -> None:
    async with (
        ScriptedModel.start() as model,
        aiohttp.ClientSession() as session,
        session.get(f"{model.url}/models") as response,
    ):
        assert response.status == 200


def test_a_home_keeps_codex_on_loopback(tmp_path: Path) -> None:
    home = write_codex_home(tmp_path / "new" / "home", "http://127.0.0.1:9/v1", auto_compact_tokens=8000)
    config = tomllib.loads((home / "config.toml").read_text(encoding="utf-8"))
    assert config["model_provider"] in config["model_providers"]
    assert config["model_providers"]["scripted"]["base_url"] == "http://127.0.0.1:9/v1"
    assert config["model_auto_compact_token_limit"] == 8000
    assert not config["analytics"]["enabled"] and not config["check_for_update_on_startup"]
