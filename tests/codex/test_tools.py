"""Tool calls as a person would read them."""

from __future__ import annotations

import json

import pytest

from codex_gateway.codex.reading import tools
from codex_gateway.codex.reading.tools import Call, Result


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("exec_command", {"cmd": "ls -la", "workdir": "/"}, "ls -la"),
        ("shell_command", {"command": "ls"}, "ls"),
        ("shell", {"command": ["bash", "-lc", "ls | wc"]}, "ls | wc"),
        ("shell", {"command": ["/bin/zsh", "-c", "ls"]}, "ls"),
        ("shell", {"command": ["git", "commit", "-m", "it's done"]}, "git commit -m 'it'\\''s done'"),
        ("exec_command", {"cmd": "apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: a.txt\n+x"}, "apply_patch a.txt"),
        ("apply_patch", {"input": "*** Update File: a\n*** Move to: b\n"}, "apply_patch a b"),
        ("view_image", {"path": "/tmp/a.png"}, "view_image /tmp/a.png"),
        ("update_plan", {"plan": []}, ""),
        ("mcp__files__read", {"path": "a b", "n": 3}, "files.read path='a b' n=3"),
        ("web_fetch", {}, "web_fetch"),
    ],
)
def test_a_call_is_readable(name: str, arguments: object, expected: str) -> None:
    assert tools.function_call(name, json.dumps(arguments)).command == expected


def test_a_tool_of_a_namespace_is_named_with_it() -> None:
    assert tools.function_call("read", '{"a": 1}', namespace="mcp__files__").command == "files.read a=1"


def test_arguments_that_are_no_json_are_shown_as_they_are() -> None:
    assert tools.function_call("exec_command", "{broken").command == "exec_command {broken"
    assert tools.function_call("exec_command", '{"cmd": 7}').command == ""


def test_a_very_long_command_is_shown_by_its_beginning() -> None:
    shown = tools.function_call("exec_command", json.dumps({"cmd": "x" * 1_000_000})).command
    assert len(shown) == 2_000
    assert shown.endswith("…")


@pytest.mark.parametrize(
    ("script", "runs"),
    [
        ('await tools.exec_command({cmd: "echo \\"hi\\""})', ('echo "hi"',)),
        ("tools.exec_command({ cmd : 'it\\'s' })", ("it's",)),
        ("tools.exec_command({cmd: `a\nb`})", ("a\nb",)),
        ('tools.exec_command({cmd: "a"}); tools.exec_command({cmd: "b"})', ("a", "b")),
        ('tools.apply_patch("*** Begin Patch\\n*** Add File: a.txt\\n+x")', ("apply_patch a.txt",)),
        ("text(1 + 1)", ("script",)),
        ('cmd: "unclosed', ("script",)),
        ("", ("script",)),
    ],
)
def test_a_script_is_shown_by_what_it_runs(script: str, runs: tuple[str, ...]) -> None:
    assert tools.custom_call("exec", script) == Call("\n".join(runs), runs=runs)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("Chunk ID: 1\nWall time: 0.1 seconds\nProcess exited with code 3\nOutput:\nx", Result(3)),
        ("Exit code: -1\nWall time: 0.2 seconds\nOutput:\nhi\n", Result(-1)),
        ("Wall time: 1 seconds\nProcess running with session ID 42\nOutput:\n", Result(None, background=42)),
        ('{"output":"Success. Updated the following files:\\nA a b.txt\\nD c\\n","metadata":{"exit_code":0}}',
         Result(0, paths=("a b.txt", "c"))),
        ("Exit code: 0\nOutput:\nSuccess. Updated the following files:\nM a\n\nA b\n", Result(0, paths=("a",))),
        ('{"output":', Result(None)),
        ([{"type": "input_text", "text": "Script failed\n"}, {"type": "input_text", "text": "why"}], Result(1)),
        ([{"type": "input_text", "text": "Script completed\n"}, {"type": "input_image"}, 7], Result(0)),
        ({"content": "Exit code: 5", "success": False}, Result(5)),
        ("aborted by user after 1.7s", Result(None)),
        ("x" * 600 + "\nExit code: 7", Result(None)),
        (None, Result(None)),
    ],
)  # fmt: skip
def test_an_output_tells_how_it_went(output: object, expected: Result) -> None:
    assert tools.result(output) == expected
