"""`codex-gateway run`: the service itself, in the foreground."""

from __future__ import annotations

import argparse
import asyncio

from codex_gateway.config import load
from codex_gateway.log import Log, Redactor, configure

_log = Log(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--log-level",
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
        default="INFO",
        help="what to write to standard error (INFO)",
    )


def run(args: argparse.Namespace) -> int:
    """Serves until SIGTERM or SIGINT. Codex goes on with what it is at; the next start delivers it."""
    config = load(args.config)
    configure(Redactor(config.secrets()), level=args.log_level)
    for warning in config.warnings:
        _log.warning("config.warning", about=warning)
    from codex_gateway.app import serve  # here, so that a faulty configuration is told at once

    asyncio.run(serve(config))
    return 0
