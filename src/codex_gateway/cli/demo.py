"""`codex-gateway demo`: the whole service with no account, as a chat on a terminal or as a transcript."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from codex_gateway.cli import EXIT_BROKEN_PIPE
from codex_gateway.core.errors import GatewayError


class DemoError(GatewayError):
    """The demo did not go as it should."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--script", action="store_true", help="play a short conversation and print it, as happens with no terminal"
    )
    parser.add_argument(
        "--codex",
        metavar="PATH",
        help="a real Codex; it talks to a scripted model on this machine and needs no account",
    )
    parser.add_argument(
        "--codex-home",
        type=Path,
        metavar="DIR",
        help="with --codex: your own account and settings, such as ~/.codex; turns are real then, and cost real tokens",
    )
    parser.add_argument(
        "--workdir", type=Path, metavar="DIR", help="with --codex-home: where Codex works (a small sample project)"
    )
    parser.add_argument(
        "--approvals",
        type=int,
        choices=(1, 2, 3),
        default=1,
        metavar="N",
        help="with --codex: what it may do; 1 read only, 2 write in the work directory, 3 anything (1)",
    )


def run(args: argparse.Namespace) -> int:
    """Shows it. Raises DemoError, with what the service logged on standard error, if something does not come."""
    from codex_gateway.demo import leaving, transcript
    from codex_gateway.demo.stage import Cast, StageBroken
    from codex_gateway.demo.terminal import chat

    is_chat = not args.script and sys.stdin.isatty() and sys.stdout.isatty()
    _refuse_what_does_not_fit(args, is_chat=is_chat)
    cast = Cast(
        program=None if args.codex is None else _program(args.codex),
        codex_home=None if args.codex_home is None else _folder(args.codex_home),
        workdir=None if args.workdir is None else _folder(args.workdir),
        approvals=args.approvals,
    )
    try:
        leaving.run(chat.talk(cast) if is_chat else transcript.perform(cast, sys.stdout))
    except leaving.Signalled as end:
        return 0 if is_chat and end.is_interrupt else 128 + end.number
    except transcript.ReaderGone:
        return EXIT_BROKEN_PIPE
    except StageBroken as broken:
        if broken.log:
            print(f"\nThe last lines of the service's log:\n{broken.log}\n", file=sys.stderr)
        raise DemoError(str(broken)) from broken
    return 0


def _refuse_what_does_not_fit(args: argparse.Namespace, *, is_chat: bool) -> None:
    if args.config is not None:
        raise DemoError("The demo writes a configuration of its own; leave --config out.")
    if args.codex_home is not None and args.codex is None:
        raise DemoError("--codex-home needs --codex: the scripted Codex has no account.")
    if args.workdir is not None and args.codex_home is None:
        raise DemoError("--workdir needs --codex-home: the scripted model knows the sample project only.")
    if args.codex_home is not None and not is_chat:
        raise DemoError(
            "The conversation that is played fits the scripted model only. With --codex-home the demo is a chat: "
            "start it on a terminal, without --script."
        )


def _program(name: str) -> Path:
    """A name on PATH or a path. The service gets it absolute, as its own folder is another."""
    found = shutil.which(Path(name).expanduser())
    if found is None:
        raise DemoError(f"There is no program {name!r}; --codex takes the path of a Codex, or its name on PATH.")
    return Path(found).absolute()


def _folder(path: Path) -> Path:
    folder = path.expanduser().absolute()
    if not folder.is_dir():
        raise DemoError(f"There is no directory {path}.")
    return folder
