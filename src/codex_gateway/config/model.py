"""The configuration as the rest of the program sees it: resolved, checked, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from pathlib import Path

from codex_gateway.config.faults import Fault
from codex_gateway.config.secret import Secret
from codex_gateway.core.ids import BotName, ThreadId, UserId
from codex_gateway.core.manner import LanguageChoice
from codex_gateway.core.watchdog import Limits


class InputMode(StrEnum):
    """How a prompt reaches Codex."""

    #: Written to its standard input, which has no limit of length and takes a prompt that begins with `-`.
    STDIN = "stdin"
    #: The last argument of its command line.
    ARG = "arg"


class ApprovalsMode(IntEnum):
    """What Codex may do without asking; `codex exec` never asks."""

    #: Commands run in a sandbox that can only read.
    READ_ONLY = 1
    #: Commands run in a sandbox that can write the work directory.
    WORKSPACE_WRITE = 2
    #: No sandbox and no questions.
    FULL_ACCESS = 3


class ReasoningMode(StrEnum):
    """What a person sees of the model's reasoning."""

    #: That it thinks, not what.
    HIDDEN = "hidden"
    #: The summary that Codex gives of it.
    SUMMARY = "summary"


class DraftMode(StrEnum):
    """Whether what Codex is at is shown in live drafts."""

    #: In chats of two, where the server knows drafts.
    AUTO = "auto"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class CodexOptions:
    """How a bot runs Codex. `resume_id` None: the first prompt starts a session."""

    #: A name to be looked up on PATH, or an absolute path.
    cli_cmd: str
    cli_args: tuple[str, ...]
    input_mode: InputMode
    approvals_mode: ApprovalsMode
    skip_git_check: bool
    use_pty: bool
    #: Codex's own folder, its CODEX_HOME. It need not exist.
    home: Path
    #: Existed when the configuration was read.
    workdir: Path
    resume_id: ThreadId | None
    stream_include_stderr: bool
    #: Names of variables, perhaps with `*`, that Codex gets to see beyond the usual ones.
    child_env_allow: tuple[str, ...] = ()
    #: Where a chat may have Codex work beside `workdir`, in what lies in there too. They existed.
    allowed_workdirs: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Display:
    """What a person is shown while Codex works. Intervals are in seconds."""

    #: 0 = at once.
    stream_flush_interval_s: float
    stream_drafts: DraftMode
    #: 0 = no ticks.
    progress_tick_interval_s: float
    #: UTF-16 code units a message, 16 to 4096.
    message_chunk_limit: int
    #: An answer of more messages comes as its first one and a document; 0 = never.
    answer_max_messages: int
    jsonl_stream_events: bool
    reasoning_mode: ReasoningMode
    #: 0 = every piece of reasoning is shown.
    reasoning_throttle_s: float
    #: Whether turns of its session that were not asked for through it are passed on.
    mirrors_outside_turns: bool
    language: LanguageChoice


@dataclass(frozen=True, slots=True)
class Files:
    """What comes in through the chat besides one message of text."""

    #: Relative to the work directory.
    inbox_dir: str
    #: Empty = voice messages are not understood.
    transcribe_cmd: tuple[str, ...]
    #: Seconds; 0 = nothing is waited for.
    paste_window_s: float


@dataclass(frozen=True, slots=True)
class Bot:
    """One bot with all settings that hold for it, its own ones and those of `[base]`."""

    name: BotName
    token: Secret
    #: Never empty.
    allowed_user_ids: frozenset[UserId]
    allowed_chat_ids: frozenset[int]
    codex: CodexOptions
    #: 0 = off, each of them.
    limits: Limits
    display: Display
    files: Files


@dataclass(frozen=True, slots=True)
class Base:
    """What the bots have in common. The files need not exist, nor their folders."""

    db_path: Path
    lock_path: Path
    #: Seconds; 0 = the session files are not polled.
    codex_jsonl_sync_interval_s: float
    #: None = api.telegram.org. Without a slash at the end.
    telegram_api_base_url: str | None
    #: A URL of scheme http, socks4 or socks5; it may carry a password.
    telegram_proxy: Secret | None


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """All of it. `path` is the config file, or None when a single bot was read from the environment."""

    base: Base
    #: At least one; names and tokens are all different.
    bots: tuple[Bot, ...]
    path: Path | None
    #: What works but deserves a look.
    warnings: tuple[Fault, ...] = ()
    #: The environment, with what `.env` adds to it: for whoever starts programs. Full of secrets.
    environ: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def harmless_environ(self) -> dict[str, str]:
        """The environment for helpers such as git: without the gateway's own variables, nor any that holds a secret."""
        secrets = self.secrets()
        return {
            name: value
            for name, value in self.environ.items()
            if not name.startswith(("TELEGRAM_", "CODEX_GATEWAY_", "CODEX_CLI_"))
            and not any(secret in value for secret in secrets)
        }

    def secrets(self) -> frozenset[str]:
        """Every secret text that is in use, for whoever takes secrets out of what leaves the program."""
        proxy = [self.base.telegram_proxy.reveal()] if self.base.telegram_proxy else []
        return frozenset([*(bot.token.reveal() for bot in self.bots), *proxy])
