"""Whether the installed Codex can fork a session without a person: `codex exec fork`, seen in 0.169, not in 0.140."""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

#: It takes 30 ms; a program that takes longer than this, in seconds, is not asked again.
_LIMIT_S = 5.0
#: How the help begins where there is such a subcommand. An older Codex takes `fork` for a prompt and shows another one.
_SIGN = b"Fork a previous session"


def can_fork(program: Path, *, search_path: str | None) -> bool:
    """Ask the program, once for each version of the file. Waits for it: not for the loop."""
    try:
        status = program.stat()
    except OSError:
        return False
    return _asked(program, search_path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)
def _asked(program: Path, search_path: str | None, _mtime_ns: int, _size: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="codex-gateway-") as home:  # nobody's settings take part
        environ = {"PATH": search_path or os.defpath, "HOME": home}
        try:
            asked = subprocess.run(
                (program, "exec", "fork", "--help"),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=home,
                env=environ,
                timeout=_LIMIT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
    return asked.returncode == 0 and asked.stdout.lstrip().startswith(_SIGN)
