"""Command lines in the one form that every version takes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codex_gateway.codex.child.command import PromptTooLong, command_for, resolve_program
from codex_gateway.codex.options import ApprovalsMode, CodexOptions, InputMode
from codex_gateway.core.ids import ThreadId
from codex_gateway.core.run import Turn

ID = ThreadId("01a1f920-e197-7680-af9c-1ed048038c95")
OPTIONS = CodexOptions(home=Path("/h"))


def line(
    turn: Turn,
    *,
    cli_args: tuple[str, ...] = (),
    input_mode: InputMode = InputMode.STDIN,
    approvals_mode: ApprovalsMode = ApprovalsMode.FULL_ACCESS,
    skip_git_check: bool = True,
) -> str:
    options = CodexOptions(
        home=Path("/h"),
        cli_args=cli_args,
        input_mode=input_mode,
        approvals_mode=approvals_mode,
        skip_git_check=skip_git_check,
    )
    return " ".join(command_for(turn, options, program="codex", last_message_file=Path("/a/last")).argv)


def test_a_fork_is_asked_for_where_a_resume_would_be() -> None:
    fork = Turn(None, "hi", Path("/w"), (Path("a.png"),), fork_of=ID)
    assert line(fork, cli_args=("-m", "gpt-5.5", "--search")) == (
        "codex --search exec -m gpt-5.5 --dangerously-bypass-approvals-and-sandbox --json -o /a/last"
        f" --skip-git-repo-check fork -i a.png {ID} -- -"
    )


def turn(prompt: str = "hi", thread_id: ThreadId | None = ID, images: tuple[Path, ...] = ()) -> Turn:
    return Turn(thread_id, prompt, Path("/w"), images)


FULL = "--dangerously-bypass-approvals-and-sandbox"
REST = "--json -o /a/last --skip-git-repo-check"


def test_a_session_is_resumed_with_the_prompt_on_standard_input() -> None:
    assert line(turn()) == f"codex exec {FULL} {REST} resume {ID} -- -"


def test_a_new_session_has_no_resume() -> None:
    assert line(turn(thread_id=None)) == f"codex exec {FULL} {REST} -- -"


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (ApprovalsMode.READ_ONLY, "-s read-only"),
        (ApprovalsMode.WORKSPACE_WRITE, "-s workspace-write"),
        (ApprovalsMode.FULL_ACCESS, FULL),
    ],
)
def test_what_codex_may_do_stands_before_resume(mode: ApprovalsMode, words: str) -> None:
    assert line(turn(), approvals_mode=mode).startswith(f"codex exec {words} --json")


def test_the_git_check_can_stay() -> None:
    assert "--skip-git-repo-check" not in line(turn(), skip_git_check=False)


def test_options_stand_where_codex_takes_them() -> None:
    args = ("-m", "gpt-5.5", "--search", "-a", "never", "-c", "x=1", "--ask-for-approval=never", "-p", "work")
    assert line(turn(), cli_args=args) == (
        f"codex --search -a never --ask-for-approval=never exec -m gpt-5.5 -c x=1 -p work {FULL} {REST}"
        f" resume {ID} -- -"
    )
    assert line(turn(), cli_args=("-a",)).startswith("codex -a exec")


def test_a_list_of_images_never_swallows_the_prompt() -> None:
    images = (Path("/a.png"), Path("/b.png"))
    assert line(turn(images=images)).endswith(f"resume -i /a.png -i /b.png {ID} -- -")
    assert line(turn(thread_id=None, images=images)) == f"codex exec {FULL} -i /a.png -i /b.png {REST} -- -"


@pytest.mark.parametrize(
    ("prompt", "word"),
    [("-n", "-n"), ("--", "--"), ("-", " -"), ("a\0b", "a\N{REPLACEMENT CHARACTER}b"), ("lone \ud800", "lone ?")],
)
def test_a_prompt_as_an_argument_is_a_word_like_any_other(prompt: str, word: str) -> None:
    for session in (ID, None):
        asked = turn(prompt, session)
        options = CodexOptions(home=Path("/h"), input_mode=InputMode.ARG)
        command = command_for(asked, options, program="codex", last_message_file=Path("/a/last"))
        assert command.argv[-2:] == ("--", word)
        assert not command.reads_prompt


def test_a_prompt_that_fits_no_argument_is_refused() -> None:
    assert line(turn("x" * 131_071), input_mode=InputMode.ARG)
    with pytest.raises(PromptTooLong, match="stdin"):
        line(turn("é" * 65_536), input_mode=InputMode.ARG)


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


TRIPLE = f"{os.uname().machine}-unknown-linux-musl"


@pytest.mark.parametrize(
    "native",
    [
        f"@openai/codex-linux-x64/vendor/{TRIPLE}/bin/codex",
        f"@openai/codex/node_modules/@openai/codex-linux-x64/vendor/{TRIPLE}/bin/codex",
        f"@openai/codex/vendor/{TRIPLE}/codex/codex",
    ],
)
def test_the_native_program_is_found_behind_the_launcher(tmp_path: Path, native: str) -> None:
    modules = tmp_path / "node_modules"
    launcher = program(modules / "@openai/codex/bin/codex.js")
    (modules / ".bin").mkdir()
    (modules / ".bin/codex").symlink_to(launcher)
    assert resolve_program("codex", search_path=str(modules / ".bin")) == modules / ".bin/codex"
    found = program(modules / native)
    program(modules / "@openai/codex/vendor/riscv64-unknown-linux-musl/codex/codex")
    assert resolve_program("codex", search_path=str(modules / ".bin")) == found
    assert resolve_program(str(launcher), search_path="") == found


def test_any_other_program_is_taken_as_it_is(tmp_path: Path) -> None:
    wrapper = program(tmp_path / "my-codex")
    assert resolve_program(str(wrapper), search_path=None) == wrapper
    assert resolve_program("my-codex", search_path=str(tmp_path)) == wrapper
    assert resolve_program("other", search_path=str(tmp_path)) is None
    wrapper.chmod(0o644)
    assert resolve_program("my-codex", search_path=str(tmp_path)) is None
