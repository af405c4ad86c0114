"""`codex-gateway check-config`: is the configuration good, and what does it come to?"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from codex_gateway.config import ApprovalsMode, Base, Bot, GatewayConfig, InputMode, load

_APPROVALS = {
    ApprovalsMode.READ_ONLY: "1: read-only sandbox",
    ApprovalsMode.WORKSPACE_WRITE: "2: sandbox that can write the work directory",
    ApprovalsMode.FULL_ACCESS: "3: no sandbox and no questions; Codex may do all that this user may",
}


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """There are none of its own."""


def run(args: argparse.Namespace) -> int:
    """Prints a summary with no secret in it. What is wrong comes as the ConfigError of `load`, which exits with 2."""
    for line in summary(load(args.config)):
        print(line)
    return 0


def summary(config: GatewayConfig) -> Iterator[str]:
    """What the owner would want to see at a glance, line by line."""
    bots = "1 bot" if len(config.bots) == 1 else f"{len(config.bots)} bots"
    yield f"The configuration is good: {bots}, from {config.path or 'the environment'}."
    for bot in config.bots:
        yield ""
        yield bot.name
        yield from _rows(_bot_facts(bot))
    yield ""
    yield "all bots"
    yield from _rows(_base_facts(config.base))
    if config.warnings:
        yield ""
        yield from (f"warning: {warning}" for warning in config.warnings)


def _bot_facts(bot: Bot) -> dict[str, str]:
    codex, limits, display = bot.codex, bot.limits, bot.display
    extra = f", extra arguments: {len(codex.cli_args)}" if codex.cli_args else ""  # they may hold a secret
    return {
        "session": codex.resume_id or "none given: the one that is kept, else the first prompt starts one",
        "work directory": str(codex.workdir),
        "approvals mode": _APPROVALS[codex.approvals_mode],
        "users": _ids(bot.allowed_user_ids),
        "groups": _ids(bot.allowed_chat_ids) or "none",
        "codex": f"{codex.cli_cmd}{extra}; its folder is {codex.home}",
        "prompts": f"{'on standard input' if codex.input_mode is InputMode.STDIN else 'as an argument'}, "
        f"{'in a terminal (PTY)' if codex.use_pty else 'no terminal'}",
        "limits": f"run {_span(limits.run_timeout_s)}, silence {_span(limits.silence_s)}, "
        f"after compaction {_span(limits.after_compaction_s)}, after the answer {_span(limits.after_answer_s)}",
        "display": f"chunks of {display.message_chunk_limit}, {_long_answers(display.answer_max_messages)}, "
        f"reasoning {display.reasoning_mode}, language {display.language}",
        "files": f"saved in {bot.files.inbox_dir}; voice messages are "
        + (f"heard by {bot.files.transcribe_cmd[0]}" if bot.files.transcribe_cmd else "not understood"),
    }


def _long_answers(at_most: int) -> str:
    return f"at most {at_most} of them, else a file" if at_most else "as many as it takes"


def _base_facts(base: Base) -> dict[str, str]:
    return {
        "database": str(base.db_path),
        "lock": str(base.lock_path),
        "Telegram": (base.telegram_api_base_url or "https://api.telegram.org")
        + (" through a proxy" if base.telegram_proxy else ""),
    }


def _rows(facts: dict[str, str]) -> Iterator[str]:
    yield from (f"  {name:<15} {text}" for name, text in facts.items())


def _ids(ids: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(ids)))


def _span(seconds: float) -> str:
    return f"{seconds:g} s" if seconds else "unlimited"
