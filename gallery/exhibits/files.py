"""Files and diffs of the work directory, and the log of a run."""

from __future__ import annotations

from pathlib import Path

from codex_gateway.core import event as ev
from codex_gateway.core import reply as say
from codex_gateway.core.ids import RunId
from codex_gateway.core.run import RunState
from gallery.exhibit import Chapter, Exhibit

#: Files that exist, to send.
_ANSWERS = Path(__file__).parent.parent / "answers"
_BEGUN = 1_763_636_400.0
_DIFF = """\
diff --git a/src/retry.py b/src/retry.py
--- a/src/retry.py
+++ b/src/retry.py
@@ -12,3 +12,3 @@ class Backoff:
-    def wait(self) -> None:
-        time.sleep(self.delay())
+    async def wait(self) -> None:
+        await self._clock.sleep(self.delay())
"""
_SHORT = say.DiffReport(1, 2, 2, _DIFF, untracked=("notes/todo.md",), secret=(".env.production",))
_LONG = say.DiffReport(14, 1_204, 318, kept=_ANSWERS / "04-diff.md")


def chapter() -> Chapter:
    refused = [
        _answered(f"get-{reason.value}", f"Refused: {reason.value}", "/get notes", _refused(reason))
        for reason in say.FileRefusal
    ]
    no_diff = [
        _answered(f"diff-{reason.value}", f"No diff: {reason.value}", "/diff", _no_diff(reason))
        for reason in say.DiffRefusal
    ]
    exhibits = (
        _answered(
            "get", "A file", "/get docs/review.md", say.SentFile("docs/review.md", _ANSWERS / "19-long-report.md")
        ),
        *refused,
        _answered("diff", "A diff", "/diff", _SHORT),
        _answered("diff-long", "A long one", "/diff", _LONG),
        _answered("diff-none", "Nothing has changed", "/diff", say.DiffReport(0, 0, 0)),
        *no_diff,
        _answered("log", "The log of a run", "", _log(), folds=True),
        _answered("log-empty", "Of one that did nothing", "", say.RunLog(RunId(7), RunState.FAILED, None, ())),
        _answered("log-none", "Of one that is unknown", "", say.NoSuchRun(RunId(7))),
    )
    return Chapter("files", "Files, diffs, logs", exhibits)


def _refused(reason: say.FileRefusal) -> say.FileRefused:
    entries = ("notes/todo.md", "notes/drafts/") if reason is say.FileRefusal.DIRECTORY else ()
    return say.FileRefused("" if reason is say.FileRefusal.UNNAMED else "notes", reason, entries)


def _no_diff(reason: say.DiffRefusal) -> say.DiffRefused:
    words = {say.DiffRefusal.FAILED: "fatal: bad object HEAD", say.DiffRefusal.NOT_TRUSTED: "/srv/our project"}
    return say.DiffRefused(reason, words.get(reason, ""))


def _log() -> say.RunLog:
    events: tuple[ev.Event, ...] = (
        ev.Reasoning("**Looking for the test**"),
        ev.CommandStarted("1", "rg -n 'sleep\\(' tests"),
        ev.CommandFinished("1", "rg -n 'sleep\\(' tests", 0),
        ev.Message("Two tests sleep. I’ll run them twenty times.", ev.Phase.COMMENTARY),
        ev.CommandStarted("2", "python -m pytest -q tests/test_retry.py --count 20"),
        ev.CommandFinished("2", "python -m pytest -q tests/test_retry.py --count 20", 1),
        ev.FileChanged(("src/retry.py", "tests/test_retry.py")),
        ev.CommandStarted("3", "python -m pytest -q tests/test_retry.py --count 200"),
        ev.Compacted(),
    )
    moments = tuple(say.Moment(_BEGUN + 11.0 * number, event) for number, event in enumerate(events))
    return say.RunLog(RunId(42), RunState.STOPPED, _BEGUN, moments)


def _answered(name: str, title: str, asked: str, reply: say.Reply, *, folds: bool = False) -> Exhibit:
    return Exhibit(name, title, asked, (reply,), is_shown_unfolded=folds)
