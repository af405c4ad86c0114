"""Runs the benchmarks named, or all: `python -m benchmarks [NAME]...`, from the repository's root."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

#: Each is a module here with a `main()` that prints its table.
BENCHMARKS = ("turn", "markup", "hostile", "follow", "silence")


def main() -> int:
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    # The stage on which the tests play serves here too: the service as a process, the Bot API stand-in, a real Codex.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
    for name in names:
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
