"""Writes the gallery: `python -m gallery [--docs]`, from the repository's root."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

from gallery.camera import find_chromium, photograph
from gallery.exhibits import chapters
from gallery.page import page
from gallery.played import played
from gallery.staging import Room, put_on

_BUILD = Path("build/gallery")
_DOCS = Path("docs/gallery")
#: What the documentation shows: the name of each picture, and the neighbouring exhibits on it.
PICTURES: dict[str, tuple[str, ...]] = {
    "status": ("status.queued-behind", "status.starting"),
    "at-work": ("status.reasoning", "status.command"),
    "waiting": ("status.waiting-terminal", "status.waiting-leftover"),
    "silence": ("silence.command", "silence.input", "silence.compacting"),
    "question": ("silence.asks-at-work", "silence.asks-idle"),
    "verdicts": ("verdicts.done", "verdicts.done-scarce"),
    "stopped": ("verdicts.stopped-processes",),
    "failures": ("failures.model_error", "failures.refused", "failures.rate_limited"),
    "answer-code": ("answers.01-python-module",),
    "answer-tables": ("answers.02-wide-table", "answers.03-narrow-table"),
    "answer-diff": ("answers.04-diff",),
    "answer-error": ("answers.05-traceback",),
    "answer-chinese": ("answers.06-chinese",),
    "answer-rich": ("answers-rich.08-nested-lists",),
    "queue": ("commands.queue",),
    "sessions": ("sessions.list",),
    "draft": ("status.draft",),
    "commands-chinese": ("commands-zh.status-idle", "commands-zh.status-running"),
}
_DARK = frozenset({"silence", "answer-diff"})


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m gallery", description="What people see, as a page and pictures.")
    parser.add_argument("--docs", action="store_true", help="renew the pictures in docs/gallery too")
    arguments = parser.parse_args()
    rooms = asyncio.run(_rooms())
    _BUILD.mkdir(parents=True, exist_ok=True)
    index = _BUILD / "index.html"
    index.write_text(page(rooms), encoding="utf-8")
    print(f"{index}: {sum(len(room.hangings) for room in rooms)} exhibits in {len(rooms)} chapters")
    chromium = find_chromium()
    if chromium is None:
        print("No Chromium on the search path, so no pictures: apt install chromium", file=sys.stderr)
        return 1 if arguments.docs else 0
    _chapters(chromium, index, rooms)
    if arguments.docs:
        _documentation(chromium, index)
    return 0


async def _rooms() -> tuple[Room, ...]:
    return (*await put_on(chapters()), await played())


def _chapters(chromium: Path, index: Path, rooms: tuple[Room, ...]) -> None:
    """A picture of each exhibit, in both colour schemes."""
    names = [f"{room.chapter.name}.{hanging.exhibit.name}" for room in rooms for hanging in room.hangings]
    for scheme in ("light", "dark"):
        folder = _BUILD / scheme
        folder.mkdir(exist_ok=True)
        shots = asyncio.run(photograph(chromium, index, [(name,) for name in names], is_dark=scheme == "dark"))
        for name, png in shots.items():
            (folder / f"{name}.png").write_bytes(png)
        print(f"{folder}: {len(shots)} pictures")


def _documentation(chromium: Path, index: Path) -> None:
    _DOCS.mkdir(parents=True, exist_ok=True)
    for is_dark in (False, True):
        wanted = {name: ids for name, ids in PICTURES.items() if (name in _DARK) is is_dark}
        shots = asyncio.run(photograph(chromium, index, list(wanted.values()), is_dark=is_dark))
        for name, ids in wanted.items():
            path = _DOCS / f"{name}.png"
            path.write_bytes(shots[ids[0]])
            _shrink(path)
            print(f"{path}: {path.stat().st_size // 1024} KB")


def _shrink(path: Path) -> None:
    """To a palette, where pngquant is installed: a third of the size, and no difference to the eye."""
    if shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--skip-if-larger", "--ext", ".png", "64", path], check=False)


if __name__ == "__main__":
    sys.exit(main())
