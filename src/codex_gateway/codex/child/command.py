"""The command line of one turn; pure but for looking up where the program lies.

Its form was tried on Codex 0.80, 0.140 and 0.169: options that stand between `exec` and `resume` hold for both, an
image list is ended by the option behind it, and `--` lets a prompt begin with a dash.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from codex_gateway.codex.options import ApprovalsMode, CodexOptions, InputMode
from codex_gateway.core.run import Turn

#: Options of `codex` itself, which `codex exec` refuses, and whether each takes a value.
_TOP_LEVEL = {"-a": True, "--ask-for-approval": True, "--search": False, "--no-alt-screen": False}
#: Linux's limit for one argument is 131072 bytes with the closing NUL.
_LONGEST_ARGUMENT = 131_071
_BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Command:
    """What to start; with `reads_prompt` the prompt is its standard input, else it must have none."""

    argv: tuple[str, ...]
    reads_prompt: bool


class PromptTooLong(ValueError):
    """The prompt does not fit into an argument."""


def command_for(turn: Turn, options: CodexOptions, *, program: str, last_message_file: Path) -> Command:
    """The command that performs `turn`; raises `PromptTooLong` in arg mode."""
    prompt = as_taken(turn.prompt, options.input_mode)
    top, rest = _divided(options.cli_args)
    argv = [program, *top, "exec", *rest, *_permissions(options)]
    images = [word for image in turn.images for word in ("-i", str(image))]
    if turn.thread_id is None and turn.fork_of is None:
        argv += images  # `-i` takes as many words as it finds here: an option has to follow
    argv += ["--json", "-o", str(last_message_file)]
    if options.skip_git_check:
        argv.append("--skip-git-repo-check")
    if turn.thread_id is not None:
        argv += ["resume", *images, turn.thread_id]
    elif turn.fork_of is not None:
        argv += ["fork", *images, turn.fork_of]
    argv.append("--")
    match options.input_mode:
        case InputMode.STDIN:
            # `-` says "the prompt is on standard input", even behind `--`.
            return Command((*argv, "-"), reads_prompt=True)
        case InputMode.ARG:
            if len(prompt.encode()) > _LONGEST_ARGUMENT:
                raise PromptTooLong('The prompt is too long for a command line; use codex_cli_input_mode = "stdin".')
            # A prompt of "-" alone would be read as "from standard input", which is empty.
            return Command((*argv, " -" if prompt == "-" else prompt), reads_prompt=False)


def as_taken(prompt: str, input_mode: InputMode) -> str:
    """The prompt as Codex will write it down: by these words its turn is known.

    Lone surrogates are no text, an argument holds no NUL, and of standard input Codex takes a byte order mark away
    (0.98, 0.169).
    """
    text = prompt.encode("utf-8", "replace").decode()
    match input_mode:
        case InputMode.STDIN:
            return text.removeprefix(_BYTE_ORDER_MARK)
        case InputMode.ARG:
            return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def resolve_program(cli_cmd: str, *, search_path: str | None) -> Path | None:
    """The file to execute for `cli_cmd`, or None when there is none.

    npm installs a Node launcher; the native program beside it starts faster and gets our signals itself.
    """
    found = shutil.which(cli_cmd, path=search_path)
    if found is None:
        return None
    launcher = Path(found).resolve()
    return _native_program(launcher) or Path(found).absolute()


def _native_program(launcher: Path) -> Path | None:
    if launcher.name != "codex.js" or launcher.parent.name != "bin":
        return None
    package = launcher.parent.parent
    places = [*package.parent.glob("codex-linux-*"), *package.glob("node_modules/@openai/codex-linux-*"), package]
    # Since about 0.99 in a package of its own, before that inside of @openai/codex; the folder names the machine.
    found = [
        program
        for place in places
        for inside in ("bin/codex", "codex/codex")
        for program in place.glob(f"vendor/{_machine()}-unknown-linux-*/{inside}")
        if shutil.which(program)
    ]
    return found[0] if found else None


def _machine() -> str:
    return {"arm64": "aarch64", "amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())


def _permissions(options: CodexOptions) -> list[str]:
    match options.approvals_mode:
        case ApprovalsMode.READ_ONLY:
            return ["-s", "read-only"]
        case ApprovalsMode.WORKSPACE_WRITE:
            return ["-s", "workspace-write"]
        case ApprovalsMode.FULL_ACCESS:
            return ["--dangerously-bypass-approvals-and-sandbox"]


def _divided(cli_args: Sequence[str]) -> tuple[list[str], list[str]]:
    """The options of `codex`, and those of `codex exec`."""
    top: list[str] = []
    rest: list[str] = []
    words = iter(cli_args)
    for word in words:
        name, has_value, _ = word.partition("=")
        if name not in _TOP_LEVEL:
            rest.append(word)
            continue
        top.append(word)
        if _TOP_LEVEL[name] and not has_value:
            top += [value for value in (next(words, None),) if value is not None]
    return top, rest
