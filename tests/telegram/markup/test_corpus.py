"""Nasty samples come through whole and valid; answers as an agent writes them look as drawn beside them.

After a wanted change of looks, write the drawings anew: run pytest with REDRAW=1 and read the difference.
"""

import json
import logging
import os
from pathlib import Path
from types import ModuleType

import pytest

from codex_gateway.demo.bot_api.entities import Entity as Received
from codex_gateway.demo.bot_api.entities import check_entities, trim
from codex_gateway.telegram.markup import plain, render, split

_CORPUS = Path(__file__).with_name("corpus")
_SAMPLES: dict[str, str] = {
    sample["name"]: sample["markdown"] * sample.get("repeat", 1)
    for sample in json.loads((_CORPUS / "nasty.json").read_text("utf-8"))
}
_ANSWERS = sorted((_CORPUS / "answers").glob("*.md"))


@pytest.mark.parametrize("markdown", _SAMPLES.values(), ids=_SAMPLES.keys())
def test_a_nasty_sample_comes_through_whole_and_valid(
    entity_rules: ModuleType, markdown: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        message = render(markdown)
    assert not caplog.records, "the parser failed on it"
    assert entity_rules.faults(message) == []
    source = plain(markdown).text
    assert bool(message.text) == bool(source.strip("\u200b"))
    assert not entity_rules.lost(source, message)
    for limit in (16, 100, 3500):
        parts = split(message, limit)
        assert [fault for part in parts for fault in entity_rules.faults(part, limit)] == []
        for part in parts:
            received = [Received(e.type, e.offset, e.length, e.url, e.language) for e in part.entities]
            check_entities(part.text, received, path="entities")  # as the stand-in for Telegram judges it
            kept, entities = trim(part.text, received)
            assert kept == part.text.rstrip(), "the server cuts nothing off but blanks at the end"
            assert len(entities) == len(received)
        assert "".join("".join(part.text for part in parts).split()) == "".join(message.text.split())


@pytest.mark.parametrize("path", _ANSWERS, ids=lambda path: path.stem)
def test_an_answer_looks_as_drawn(entity_rules: ModuleType, path: Path) -> None:
    markdown = path.read_text("utf-8")
    message = render(markdown)
    drawn = entity_rules.draw(message) + "\n"
    drawing = path.with_suffix(".drawn.txt")
    if os.environ.get("REDRAW"):
        drawing.write_text(drawn, "utf-8")
    assert drawn == drawing.read_text("utf-8")
    assert entity_rules.faults(message, 4096) == []


def test_the_corpus_is_large_and_nobody_lost_it() -> None:
    assert len(_SAMPLES) >= 200
    assert len(_ANSWERS) >= 20
