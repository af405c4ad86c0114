"""What is told of a session that goes on elsewhere: in a terminal, or through another bot."""

from __future__ import annotations

from codex_gateway.core.ids import BotName
from codex_gateway.core.outcome import Failed, FailureKind
from codex_gateway.core.reply import OutsideEnd, OutsidePrompt, OutsideWords, Reply
from codex_gateway.core.sighting import BrokenOff, Interrupted
from gallery.exhibit import Chapter, Exhibit

_PROMPT = """\
Look at the failing job of last night.
The log is in /tmp/nightly.log, the job itself in ci/nightly.yml.
If it is the mirror again, don't fix it; tell me since when,
and who else uses it."""
_ANSWER = "It is the mirror again: `mirror.example.org` has answered **503** since 02:14. Three more jobs use it."


def chapter() -> Chapter:
    prompt = OutsidePrompt(None, _PROMPT)
    exhibits = (
        _told("terminal", "Asked in a terminal", prompt, OutsideWords(_ANSWER), folds=True),
        _told(
            "bot", "Asked through another bot", OutsidePrompt(BotName("beta"), "Is it deployed?"), OutsideWords("Yes.")
        ),
        _told("empty", "A prompt without text", OutsidePrompt(None, ""), OutsideEnd(None)),
        _told("failed", "It failed there", OutsideEnd(Failed(FailureKind.NETWORK, "error sending request for url"))),
        _told("stopped", "It was stopped there", OutsideEnd(Interrupted())),
        _told("broken-off", "It broke off there", OutsideEnd(BrokenOff())),
    )
    return Chapter("outside", "What goes on elsewhere", exhibits)


def _told(name: str, title: str, *replies: Reply, folds: bool = False) -> Exhibit:
    return Exhibit(name, title, "", replies, is_shown_unfolded=folds)
