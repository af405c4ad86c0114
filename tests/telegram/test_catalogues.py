from __future__ import annotations

import io
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from telegram.messages import CATALOGUES, Use, all_uses, differences, read, uses

USED = [Use("a.py:1", ("Run {run}",)), Use("a.py:2", ("{n} step", "{n} steps"))]


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_a_catalogue_has_every_sentence_and_no_other(path: Path) -> None:
    assert differences(read(path), all_uses()) == []


def test_every_sentence_is_plainly_written_in_the_code() -> None:
    assert [use.place for use in all_uses() if use.forms is None] == []
    assert len(all_uses()) > 200


@pytest.mark.parametrize(
    "source",
    ["_(f'Run {run}')", "_('Run ' + run)", "_('Run {}'.format(run))", "plural(one, 'steps', 2)", "mark(text)"],
)
def test_a_sentence_that_is_not_is_found(source: str) -> None:
    assert [use.forms for use in uses(source, name="a.py")] == [None]


@pytest.mark.parametrize(
    ("catalogue", "wrong"),
    [
        ("", ["missing: 'Run {run}' (a.py:1)"]),
        ('msgid "Run {run}"\nmsgstr ""\n', ["not translated: 'Run {run}'"]),
        ('#, fuzzy\nmsgid "Run {run}"\nmsgstr "任务 {run}"\n', ["not translated: 'Run {run}'"]),
        ('msgid "Run {run}"\nmsgstr "任务 {ran}"\n', ["other blanks: 'Run {run}' → ['任务 {ran}']"]),
        ('msgid "Run {run}"\nmsgstr "任务 {run}"\n\nmsgid "Old"\nmsgstr "旧"\n', ["superfluous: 'Old'"]),
        ('msgid "Run {run}"\nmsgstr "任务 {run}"\n', []),
    ],
)
def test_what_is_wrong_with_a_catalogue_is_found(catalogue: str, wrong: list[str]) -> None:
    steps = 'msgid "{n} step"\nmsgid_plural "{n} steps"\nmsgstr[0] "{n} 步"\n\n'
    head = 'msgid ""\nmsgstr ""\n"Language: zh\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n\n'
    assert differences(read_po(io.BytesIO((head + steps + catalogue).encode())), USED) == wrong
