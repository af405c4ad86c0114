"""The command line: finds the command, imports it alone, and turns its expected failures into sentences."""

from __future__ import annotations

import argparse
import difflib
import importlib
import io
import os
import select
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol, cast

from codex_gateway import __version__
from codex_gateway.core.errors import GatewayError

PROGRAM = "codex-gateway"
#: What a shell reports for a program that SIGINT, or SIGPIPE, ended.
EXIT_INTERRUPTED, EXIT_BROKEN_PIPE = 128 + 2, 128 + 13


class Command(Protocol):
    """What a module of this folder offers. It is imported only when its command is called."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int:
        """Does it and gives the exit code. `args.config` is the path that --config named, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One command in the table: its module and its line in the help."""

    module: str
    summary: str


COMMANDS = {
    "run": Entry("codex_gateway.cli.run", "run the gateway until it is told to stop"),
    "check-config": Entry("codex_gateway.cli.check_config", "read the configuration and say all that is wrong with it"),
    "runs": Entry("codex_gateway.cli.runs", "list the runs of the past and of now"),
    "demo": Entry("codex_gateway.cli.demo", "try the whole service with no account"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and gives the process's exit code. Wrong usage exits with 2, as argparse does."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a narrow locale must not break a message
    try:
        try:
            command, args = _parse(list(sys.argv[1:] if argv is None else argv))
            return command.run(args)
        finally:
            print(end="", flush=True)  # here, where a broken pipe can still be told from a fault
    except GatewayError as problem:
        print(f"{PROGRAM}: {problem}", file=sys.stderr)
        return problem.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        if not _has_lost_its_reader():
            raise
        return EXIT_BROKEN_PIPE


def _parse(argv: list[str]) -> tuple[Command, argparse.Namespace]:
    """Splits at the command's name, so that --config may stand on either side of it."""
    split = _command_index(argv)
    options = _parser().parse_args(argv[:split])
    if split == len(argv):
        _no_command()
    name = argv[split]
    entry = COMMANDS.get(name) or _unknown(name)
    command = cast(Command, importlib.import_module(entry.module))
    parser = argparse.ArgumentParser(f"{PROGRAM} {name}", description=_sentence(entry.summary), allow_abbrev=False)
    _add_config(parser, default=options.config)
    command.add_arguments(parser)
    return command, parser.parse_args(argv[split + 1 :])


def _command_index(argv: Sequence[str]) -> int:
    index = 0
    while index < len(argv) and argv[index].startswith("-"):
        index += 2 if argv[index] == "--config" else 1
    return min(index, len(argv))


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    parser = argparse.ArgumentParser(
        PROGRAM,
        usage=f"{PROGRAM} [--config PATH] COMMAND ...",
        description="A Telegram gateway to your Codex CLI sessions.",
        epilog="\n".join(
            [
                "commands:",
                *(f"  {name:{width}}  {entry.summary}" for name, entry in COMMANDS.items()),
                "",
                f"{PROGRAM} COMMAND --help tells more of one.",
            ]
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    _add_config(parser, default=None)
    return parser


def _add_config(parser: argparse.ArgumentParser, *, default: Path | None) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        metavar="PATH",
        default=default,
        help="the config file (else $CODEX_GATEWAY_CONFIG, ./config.toml, ~/.config/codex-gateway/config.toml; "
        "without one, a single bot from .env and the environment)",
    )


def _no_command() -> NoReturn:
    _parser().print_help()
    raise SystemExit(2)


def _unknown(name: str) -> NoReturn:
    meant = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean {meant[0]}?" if meant else f"there are {', '.join(COMMANDS)}"
    _parser().error(f"there is no command {name!r}; {hint}")


def _sentence(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."


def _has_lost_its_reader() -> bool:
    """Whether it was our standard output that broke; if so, what is left in it goes nowhere, in silence.

    The kernel is asked: a flush would succeed once the failed one has thrown away what it could not write.
    """
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):  # no file, or closed
        return False
    poll = select.poll()
    poll.register(descriptor, 0)
    if not any(state & select.POLLERR for _, state in poll.poll(0)):
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
    return True
