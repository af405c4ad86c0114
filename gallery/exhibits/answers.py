"""Twenty answers of the kind that coding agents give, from the files in `gallery/answers`."""

from __future__ import annotations

from pathlib import Path

from codex_gateway.core.ids import RunId
from codex_gateway.core.reply import Answer, Commentary
from gallery.exhibit import Chapter, Exhibit

_FOLDER = Path(__file__).parent.parent / "answers"

#: What an agent says on the way to an answer.
_ON_THE_WAY = """\
I’ve found the flaky test: `test_retry_waits` compares wall-clock times. Let me see who else does that:

- `tests/test_retry.py`
- `tests/test_poller.py`"""


def chapter() -> Chapter:
    """Each file is the prompt on its first line and the answer below it."""
    exhibits = [_exhibit(path) for path in sorted(_FOLDER.glob("*.md"))]
    asked = "Why is CI red every third time?"
    report = (_FOLDER / "19-long-report.md").read_text("utf-8").partition("\n")[2]
    longest = Answer(RunId(22), "\n\n".join([report] * 5), asked)
    exhibits.append(Exhibit("very-long", "Too long for a chat", asked, (longest,)))
    exhibits.append(Exhibit("commentary", "Said on the way", asked, (Commentary(RunId(21), _ON_THE_WAY),)))
    return Chapter("answers", "Answers", tuple(exhibits))


def _exhibit(path: Path) -> Exhibit:
    asked, _, answer = path.read_text("utf-8").partition("\n")
    number, _, name = path.stem.partition("-")
    return Exhibit(
        path.stem, name.replace("-", " ").capitalize(), asked, (Answer(RunId(int(number)), answer.strip(), asked),)
    )
