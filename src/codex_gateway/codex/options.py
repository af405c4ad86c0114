"""How a bot runs Codex, as this room needs to know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from pathlib import Path


class InputMode(StrEnum):
    """How a prompt reaches Codex."""

    #: A file on its standard input: no limit of length.
    STDIN = "stdin"
    #: The last argument of its command line; Linux takes up to 128 KiB there.
    ARG = "arg"


class ApprovalsMode(IntEnum):
    """What Codex may do; `codex exec` never asks."""

    READ_ONLY = 1
    WORKSPACE_WRITE = 2
    #: No sandbox and no questions.
    FULL_ACCESS = 3


@dataclass(frozen=True, slots=True)
class CodexOptions:
    """Everything an `ExecAgent` is told. Times are in seconds."""

    #: Codex's own folder, its CODEX_HOME.
    home: Path
    #: The environment of the gateway; what of it Codex gets to see is decided here.
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: Names of variables that Codex gets to see beyond the usual ones; `*` stands for anything.
    env_allow: tuple[str, ...] = ()
    #: Texts that it must not see in any variable.
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    #: A name to be looked up on PATH, or a path.
    cli_cmd: str = "codex"
    #: Options of `codex` or `codex exec`, such as ("-m", "gpt-5.5") or ("--search",).
    cli_args: tuple[str, ...] = ()
    input_mode: InputMode = InputMode.STDIN
    approvals_mode: ApprovalsMode = ApprovalsMode.FULL_ACCESS
    skip_git_check: bool = True
    #: Give Codex a terminal for its output.
    use_pty: bool = False
    #: Whether lines on standard error are passed on as notices.
    stream_stderr: bool = False
    #: How long a process may take to go away once its outcome is certain; 0 = as long as it likes.
    exit_timeout_s: float = 30.0
    #: How often the files are looked at even when nothing has told of a change; 0 = only then.
    sync_interval_s: float = 3.0
    #: How long a session may be held by somebody else before the wait for it is told of.
    lock_patience_s: float = 0.5
