"""The program: `codex-gateway`, or `python -m codex_gateway`."""

from __future__ import annotations

import sys

from codex_gateway.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
