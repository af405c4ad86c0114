"""Every key there is, with its kind, its default and its unit: the tables of `config.toml` as pydantic models."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainValidator, ValidationInfo
from pydantic.fields import FieldInfo

from codex_gateway.config import hearing, parse
from codex_gateway.config.model import ApprovalsMode, DraftMode, InputMode, ReasoningMode
from codex_gateway.config.secret import Secret
from codex_gateway.core.ids import BotName, ThreadId, UserId
from codex_gateway.core.manner import LanguageChoice


def _around(info: ValidationInfo) -> parse.Surroundings:
    assert isinstance(info.context, parse.Surroundings)
    return info.context


@dataclass(frozen=True, slots=True)
class Unit:
    """What the number or text of a key is, for the reference."""

    name: str


Boolean = Annotated[bool, PlainValidator(parse.boolean)]
Seconds = Annotated[float, PlainValidator(parse.seconds), Unit("seconds")]
SecondsOrOff = Annotated[float, PlainValidator(parse.seconds), Unit("seconds, 0 = off")]
ChunkLimit = Annotated[int, PlainValidator(parse.chunk_limit), Unit("UTF-16 code units, 16 to 4096")]
MessageCount = Annotated[int, PlainValidator(parse.message_count), Unit("messages, 0 = no limit")]
Approvals = Annotated[ApprovalsMode, PlainValidator(parse.approvals_mode), Unit("1, 2 or 3")]
Input = Annotated[InputMode, PlainValidator(parse.word(InputMode)), Unit("stdin or arg")]
Drafts = Annotated[DraftMode, PlainValidator(parse.word(DraftMode)), Unit("auto or off")]
Reasoning = Annotated[ReasoningMode, PlainValidator(parse.word(ReasoningMode)), Unit("hidden or summary")]
Language = Annotated[LanguageChoice, PlainValidator(parse.word(LanguageChoice)), Unit("auto, en or zh")]
Command = Annotated[str, PlainValidator(lambda value, info: parse.command(value, _around(info)))]
Argument = Annotated[str, PlainValidator(parse.argument)]
Arguments = Annotated[tuple[Argument, ...], BeforeValidator(parse.argument_list)]
Transcriber = Annotated[
    tuple[Argument, ...],
    BeforeValidator(hearing.command_list),
    AfterValidator(lambda words, info: hearing.runnable(words, _around(info))),
]
FolderInside = Annotated[str, PlainValidator(parse.folder_inside), Unit("path inside of codex_workdir")]
EnvPattern = Annotated[str, PlainValidator(parse.variable_pattern)]
EnvPatterns = Annotated[tuple[EnvPattern, ...], BeforeValidator(parse.name_list)]
File = Annotated[Path, PlainValidator(lambda value, info: parse.file(value, _around(info))), Unit("path")]
Folder = Annotated[Path, PlainValidator(lambda value, info: parse.folder(value, _around(info))), Unit("path")]
Folders = Annotated[tuple[Folder, ...], BeforeValidator(parse.folder_list)]
CodexHome = Annotated[
    Path | None,
    PlainValidator(lambda value, info: parse.optional_folder(value, _around(info))),
    Unit("path, empty = $CODEX_HOME, else ~/.codex"),
]
AllowedUser = Annotated[UserId, PlainValidator(parse.user_id)]
UserIds = Annotated[tuple[AllowedUser, ...], BeforeValidator(parse.id_list), AfterValidator(parse.someone)]
AllowedChat = Annotated[int, PlainValidator(parse.chat_id)]
ChatIds = Annotated[tuple[AllowedChat, ...], BeforeValidator(parse.id_list)]
Name = Annotated[BotName, PlainValidator(parse.name)]
Token = Annotated[Secret, PlainValidator(parse.token)]
ResumeId = Annotated[ThreadId | None, PlainValidator(parse.resume_id), Unit("UUID, empty = a new session")]
ServerUrl = Annotated[str | None, PlainValidator(parse.base_url), Unit("URL, empty = https://api.telegram.org")]
ProxyUrl = Annotated[Secret | None, PlainValidator(parse.proxy), Unit("URL, empty = none")]


class Table(BaseModel):
    """A table that refuses keys it does not know. Validation needs `Surroundings` as its context."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        validate_default=True,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
    )


class Overridable(Table):
    """What `[base]` sets for all bots and a bot may set for itself."""

    codex_cli_cmd: Command = "codex"
    codex_cli_args: Arguments = ()
    codex_cli_input_mode: Input = InputMode.STDIN
    codex_cli_approvals_mode: Approvals = ApprovalsMode.FULL_ACCESS
    codex_cli_skip_git_check: Boolean = True
    codex_cli_use_pty: Boolean = False
    codex_home: CodexHome = None
    child_env_allow: EnvPatterns = ()
    allowed_workdirs: Folders = ()
    stream_flush_interval: Seconds = 1.5
    stream_drafts: Drafts = DraftMode.AUTO
    stream_include_stderr: Boolean = False
    progress_tick_interval: SecondsOrOff = 15
    run_timeout_seconds: SecondsOrOff = 900
    context_compaction_idle_timeout_seconds: SecondsOrOff = 60
    no_output_idle_timeout_seconds: SecondsOrOff = 900
    final_result_idle_timeout_seconds: SecondsOrOff = 30
    codex_jsonl_stream_events: Boolean = True
    codex_jsonl_reasoning_throttle_seconds: Seconds = 10
    codex_jsonl_reasoning_mode: Reasoning = ReasoningMode.HIDDEN
    codex_mirror_outside_turns: Boolean = True
    message_chunk_limit: ChunkLimit = 3500
    inbox_dir: FolderInside = "codex-inbox"
    transcribe_cmd: Transcriber = ()
    paste_window_seconds: SecondsOrOff = 1
    language: Language = LanguageChoice.AUTO
    answer_max_messages: MessageCount = 4


class BaseTable(Overridable):
    """`[base]`."""

    db_path: File = Path("data/app.db")
    lock_path: File = Path("data/app.lock")
    jsonl_sync_interval_seconds: SecondsOrOff = 3
    telegram_api_base_url: ServerUrl = None
    telegram_proxy: ProxyUrl = None


class BotTable(Overridable):
    """One of `[[bots]]`."""

    name: Name
    token: Token
    allowed_user_ids: UserIds
    resume_id: ResumeId = None
    codex_workdir: Folder
    allowed_chat_ids: ChatIds = ()


#: Bot API: "text of the message to be sent, 1-4096 characters after entities parsing".
CHUNK_LIMIT_MAX = 4096

#: The single bot's keys whose variable is not the key in upper case.
_VARIABLES = {
    "token": "TELEGRAM_BOT_TOKEN",
    "allowed_user_ids": "TELEGRAM_ALLOWED_USER_IDS",
    "allowed_chat_ids": "TELEGRAM_ALLOWED_CHAT_IDS",
    "resume_id": "CODEX_CLI_RESUME_ID",
    "codex_workdir": "CODEX_WORKDIR",
    "language": "TELEGRAM_LANGUAGE",  # LANGUAGE itself is the system's, and set on many
}


def variable(key: str) -> str:
    """The variable that sets `key` for the single bot."""
    return _VARIABLES.get(key, key.upper())


@dataclass(frozen=True, slots=True)
class Key:
    """What the reference says of one key."""

    name: str
    #: "base" or "bots".
    table: str
    #: Whether `[[bots]]` takes it: always so in the table "bots", and for many keys of "base".
    per_bot: bool
    #: As it would stand in TOML; None where a value is required.
    default: str | None
    #: What the number or text is: "seconds", "path", ...; empty where the value speaks for itself.
    unit: str
    is_secret: bool
    #: The variable of the single bot; None for the name, which is fixed there.
    variable: str | None


def known_keys() -> tuple[Key, ...]:
    """Every key of every table, in the order of the reference."""
    base, bots = BaseTable.model_fields, BotTable.model_fields
    return (
        *(_key(name, "base", field, per_bot=name in bots) for name, field in base.items()),
        *(_key(name, "bots", field, per_bot=True) for name, field in bots.items() if name not in base),
    )


def _key(name: str, table: str, field: FieldInfo, *, per_bot: bool) -> Key:
    return Key(
        name=name,
        table=table,
        per_bot=per_bot,
        default=None if field.is_required() else _toml(field.default),
        unit=next((item.name for item in field.metadata if isinstance(item, Unit)), ""),
        is_secret=field.annotation in (Secret, Secret | None),
        variable=None if name == "name" else variable(name),
    )


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case Enum():
            return _toml(value.value)
        case tuple():
            return "[]"
        case None:
            return '""'
        case str() | Path():
            return f'"{value}"'
        case _:
            return str(value)
