"""Which directories people may have Codex work in: the bot's own, what lies in it, and what its owner allows beside.

The sandbox lets Codex write the directory that it works in. So a directory that anybody who may write to the bot could
name would be one that anybody could have written, such as ~/.ssh: what is allowed is the owner's to say.
"""

from __future__ import annotations

import os
from pathlib import Path

from codex_gateway.core.saved import DirectoryFault

#: No path of Linux is longer, in bytes.
_LONGEST = 4096


def find_workdir(words: str, *, base: Path, allowed: tuple[Path, ...], home: Path) -> Path | DirectoryFault:
    """The directory that `words` name, absolute and without links; relative ones begin at `base`, `~` is `home`.

    Looks at the disk: not for the loop.
    """
    stripped = words.strip()
    if not stripped or "\0" in stripped or len(stripped.encode(errors="replace")) > _LONGEST:
        return DirectoryFault.NOT_THERE
    named = home / stripped[2:] if stripped == "~" or stripped.startswith("~/") else base / stripped
    try:
        # Without links: what lies in an allowed folder may lead out of it.
        found = Path(os.path.realpath(named))
        if not any(found.is_relative_to(os.path.realpath(root)) for root in (base, *allowed)):
            return DirectoryFault.NOT_ALLOWED  # said before whether it exists: that is nobody's business
        if not found.exists():
            return DirectoryFault.NOT_THERE
        if not found.is_dir():
            return DirectoryFault.NOT_A_DIRECTORY
        return found if os.access(found, os.R_OK | os.X_OK) else DirectoryFault.NOT_ALLOWED
    except (OSError, ValueError):
        return DirectoryFault.NOT_THERE
