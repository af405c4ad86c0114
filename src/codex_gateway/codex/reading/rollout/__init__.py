"""One line of a session file, read: the records that tell of a turn, in both formats, Codex 0.80 to 0.169.

`legacy` sessions say things as `event_msg/agent_message`, `agent_reasoning` and the like; `paginated` ones, new from
about 0.150, as `event_msg/item_completed`. The common `response_item` records repeat the messages of both, so they are
read for tool calls alone. Any bytes are fine: a line that makes no sense is `Garbage`, one of no interest is `Noise`.
"""

from __future__ import annotations

from codex_gateway.codex.reading.rollout.envelope import last_record, read_line
from codex_gateway.codex.reading.rollout.records import (
    Called,
    Counted,
    Executed,
    Garbage,
    HistoryCompacted,
    Limited,
    Noise,
    Prompted,
    Record,
    Replied,
    Returned,
    Said,
    Thought,
    ThreadForked,
    TurnAborted,
    TurnBegan,
    TurnEnded,
    TurnError,
    Wrote,
)

__all__ = [
    "Called",
    "Counted",
    "Executed",
    "Garbage",
    "HistoryCompacted",
    "Limited",
    "Noise",
    "Prompted",
    "Record",
    "Replied",
    "Returned",
    "Said",
    "Thought",
    "ThreadForked",
    "TurnAborted",
    "TurnBegan",
    "TurnEnded",
    "TurnError",
    "Wrote",
    "last_record",
    "read_line",
]
