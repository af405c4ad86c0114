"""Makes the bots: what each sets for itself laid over `[base]`, and what must differ between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from codex_gateway.config.faults import Fault
from codex_gateway.config.model import Base, Bot, CodexOptions, Display, Files
from codex_gateway.config.reading import Reading
from codex_gateway.config.schema import CHUNK_LIMIT_MAX, BaseTable, BotTable, Overridable
from codex_gateway.core.watchdog import Limits


def base_of(table: BaseTable) -> Base:
    return Base(
        db_path=table.db_path,
        lock_path=table.lock_path,
        codex_jsonl_sync_interval_s=table.jsonl_sync_interval_seconds,
        telegram_api_base_url=table.telegram_api_base_url,
        telegram_proxy=table.telegram_proxy,
    )


def bot_of(table: BotTable, base: BaseTable, *, home: Path) -> Bot:
    """The bot with its effective settings; `home` is Codex's folder where no key names one."""
    own = table.model_fields_set & Overridable.model_fields.keys()
    settings = base.model_copy(update={key: getattr(table, key) for key in own})
    return Bot(
        name=table.name,
        token=table.token,
        allowed_user_ids=frozenset(table.allowed_user_ids),
        allowed_chat_ids=frozenset(table.allowed_chat_ids),
        codex=CodexOptions(
            cli_cmd=settings.codex_cli_cmd,
            cli_args=settings.codex_cli_args,
            input_mode=settings.codex_cli_input_mode,
            approvals_mode=settings.codex_cli_approvals_mode,
            skip_git_check=settings.codex_cli_skip_git_check,
            use_pty=settings.codex_cli_use_pty,
            home=settings.codex_home or home,
            workdir=table.codex_workdir,
            resume_id=table.resume_id,
            stream_include_stderr=settings.stream_include_stderr,
            child_env_allow=settings.child_env_allow,
            allowed_workdirs=settings.allowed_workdirs,
        ),
        limits=Limits(
            run_timeout_s=settings.run_timeout_seconds,
            silence_s=settings.no_output_idle_timeout_seconds,
            after_compaction_s=settings.context_compaction_idle_timeout_seconds,
            after_answer_s=settings.final_result_idle_timeout_seconds,
        ),
        display=Display(
            stream_flush_interval_s=settings.stream_flush_interval,
            stream_drafts=settings.stream_drafts,
            progress_tick_interval_s=settings.progress_tick_interval,
            message_chunk_limit=min(settings.message_chunk_limit, CHUNK_LIMIT_MAX),
            answer_max_messages=settings.answer_max_messages,
            jsonl_stream_events=settings.codex_jsonl_stream_events,
            reasoning_mode=settings.codex_jsonl_reasoning_mode,
            reasoning_throttle_s=settings.codex_jsonl_reasoning_throttle_seconds,
            mirrors_outside_turns=settings.codex_mirror_outside_turns,
            language=settings.language,
        ),
        files=Files(
            inbox_dir=settings.inbox_dir,
            transcribe_cmd=settings.transcribe_cmd,
            paste_window_s=settings.paste_window_seconds,
        ),
    )


def refuse_twins(bots: Sequence[object], reading: Reading) -> None:
    """Adds a fault for each bot that has the name or the token of one before it, though other keys be wrong."""
    names: dict[str, str] = {}
    tokens: dict[str, tuple[str, str]] = {}
    for index, bot in enumerate(bots):
        table = f"bots[{index}]"
        path, name = f"{table}.name", _text(bot, "name")
        if name and not reading.has_fault(path):
            first = names.setdefault(name, path)
            if first != path:
                reading.fault(path, f"is the same as {first}; each bot needs a name of its own")
        path, token = f"{table}.token", _text(bot, "token")
        if token and not reading.has_fault(path):
            first, other = tokens.setdefault(token.partition(":")[0], (path, token))
            if first != path:
                sameness = "is the same as" if token == other else "belongs to the same bot as"
                reading.fault(path, f"{sameness} {first}; each bot needs a token of its own")


def warnings(base: BaseTable, tables: Sequence[BotTable], bots: Sequence[Bot], reading: Reading) -> Iterator[Fault]:
    """What works but may not be meant."""
    yield from _capped(base, reading.place("base", "message_chunk_limit"))
    for index, table in enumerate(tables):
        if "message_chunk_limit" in table.model_fields_set:
            yield from _capped(table, reading.place(f"bots[{index}]", "message_chunk_limit"))
    yield from _shared_sessions(bots)


def _capped(table: Overridable, path: str) -> Iterable[Fault]:
    if table.message_chunk_limit > CHUNK_LIMIT_MAX:
        yield Fault(path, f"{table.message_chunk_limit} is more than Telegram allows; {CHUNK_LIMIT_MAX} is used")


def _shared_sessions(bots: Sequence[Bot]) -> Iterable[Fault]:
    users: dict[str, list[str]] = defaultdict(list)
    for index, bot in enumerate(bots):
        if bot.codex.resume_id:
            users[bot.codex.resume_id].append(f"bots[{index}]")
    for first, *others in users.values():
        for other in others:
            yield Fault(f"{other}.resume_id", f"is the session of {first} too: their prompts share one queue")


def _text(table: object, key: str) -> str:
    value = table.get(key) if isinstance(table, dict) else None
    return value.strip() if isinstance(value, str) else ""
