"""A program: the gateway, unchanged, as if Telegram took twenty messages a second in a chat instead of one.

Started like `codex_gateway`. What a test waits for is mostly its turn to send, which is of no interest but where the
pace itself is looked at: there the house keeps Telegram's own (`rate_limits`, `program`).
"""

from __future__ import annotations

import sys

from codex_gateway.__main__ import main
from codex_gateway.telegram import budget
from codex_gateway.telegram.allowance import Rate, Rates

#: Bursts and reserves as they are, with the time made short.
QUICK = Rates(
    private=Rate(burst=3, refill_s=0.05, reserve=2, in_turn=True),
    group=Rate(burst=20, refill_s=3.0, reserve=6),
    bot=Rate(burst=30, refill_s=0.05, reserve=6),
)

if __name__ == "__main__":
    budget.Rates = lambda: QUICK
    sys.exit(main())
