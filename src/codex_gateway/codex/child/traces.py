"""What an attempt's files tell of whether its process ever began."""

from __future__ import annotations

from codex_gateway.codex.child.process import Files

#: Enough of an output to hold its first line, and what a terminal may show before it.
_HEAD_BYTES = 64 * 1024


def has_named_itself(files: Files) -> bool:
    """Whether Codex got as far as telling its session, which is the first thing that it says."""
    try:
        with files.stdout.open("rb") as output:
            return b'"thread.started"' in output.read(_HEAD_BYTES)
    except OSError:
        return False


def prompt_of(files: Files) -> str | None:
    """The prompt that a process was, or was about to be, given; None when there was none yet."""
    try:
        return files.prompt.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
