"""Tables grow for years: what is asked at every step of the queue looks at no run that has ended."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from codex_gateway.core.ids import RunId
from codex_gateway.core.request import Amend, Ask, AskQueue, Cancel, ClearQueue, MoveUp, Retry
from codex_gateway.store.database import Row, Transaction, Value
from support.hall import hall, until

#: Ways through everything that a session or a chat has ever asked for.
_LONG = ("runs_by_session", "runs_by_chat", "SCAN prompt_parts", "SCAN r")
#: The first row along an index ends the search; rows of an index are counted without a look at their runs; and what is
#: asked once, at the start.
_QUICK = (
    *("r.ended_at IS NOT NULL ORDER BY r.id DESC LIMIT 1", "FROM runs WHERE session_id = ?"),
    "WHERE r.state = 'running' ORDER BY r.id",
)


async def test_the_queue_is_moved_without_a_look_at_what_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Sequence[Value]] = {}
    read = Transaction.all

    async def noted(self: Transaction, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        asked[sql] = values
        return await read(self, sql, values)

    async with hall(tmp_path) as it:
        it.scheduler.close()  # nobody works at what waits
        monkeypatch.setattr(Transaction, "all", noted)
        for prompt in ("one", "two", "three"):
            await it.say(prompt)
        await it.say(Amend(Ask("changed")))
        await it.press(MoveUp(RunId(3)), on=1)
        await it.say(AskQueue())
        await it.say(Retry(RunId(3)))
        await it.say(Cancel())
        await it.press(ClearQueue(RunId(2)), on=1)
        await until(lambda: any("AS ahead" in sql for sql in asked))
        monkeypatch.undo()
        slow = []
        for sql, values in asked.items():
            if "runs" in sql and sql.startswith("SELECT") and not sql.endswith(_QUICK):
                plan = await it.database.read(partial(_plan, sql=sql, values=values))
                slow += [
                    (sql, step) for step in plan if "runs_queued" not in step and any(name in step for name in _LONG)
                ]
        assert len(asked) > 10 and slow == []


async def _plan(tx: Transaction, *, sql: str, values: Sequence[Value]) -> list[str]:
    return [str(row["detail"]) for row in await tx.all(f"EXPLAIN QUERY PLAN {sql}", values)]
