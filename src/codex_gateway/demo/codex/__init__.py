"""The scripted Codex CLI: a stand-in for ``codex exec`` 0.169 that needs no account, no network and 40 ms.

It claims ``codex exec`` and ``codex exec resume`` only, and ``tests/demo/codex/test_contract.py`` holds it against the
real one. Standard library only, and as little of that as possible at import (no pathlib, argparse, subprocess): a turn
is a process, and tests run hundreds of them.
"""

from codex_gateway.demo.codex.shim import install_shim

__all__ = ["install_shim"]
