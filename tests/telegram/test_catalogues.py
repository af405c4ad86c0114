from __future__ import annotations

import ast
import io
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from codex_gateway.core.manner import Language
from codex_gateway.telegram.tongue import _, speaking
from codex_gateway.telegram.verdicts import FAILURES, STOPS
from codex_gateway.telegram.wording import _CONTENT, COMMANDS
from telegram.messages import CATALOGUES, SOURCE, Use, all_uses, differences, read, uses

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


def written_past(source: str, *, name: str) -> list[str]:
    """The words that a module puts into a message, or onto a button, without `_`; what is set as code is data."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _WRITING:
            candidates = node.args[:1]
        elif isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.elts[1], ast.JoinedStr):
            candidates = node.elts[:1]
        else:
            continue
        for candidate in candidates:
            parts = candidate.values if isinstance(candidate, ast.JoinedStr) else [candidate]
            words = " ".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
            if re.search(r"[A-Za-z]{2}", words):
                found.append(f"{name}:{node.lineno}: {words}")
    return found


_WRITING = {"say", "line", "bold", "weave", "quote"}


def test_no_word_is_written_into_a_message_past_the_catalogues() -> None:
    files = sorted((SOURCE / "telegram").glob("*.py"))
    assert [line for file in files for line in written_past(file.read_text("utf-8"), name=file.name)] == []


@pytest.mark.parametrize("source", ["page.say('Stopped')", "page.line(f'Run {run}')", "(('Stop', f'stop:{run}'),)"])
def test_a_word_that_is_is_found(source: str) -> None:
    assert len(written_past(source, name="a.py")) == 1


@pytest.mark.parametrize("language", [language for language in Language if language is not Language.ENGLISH])
def test_every_sentence_of_a_table_is_translated(language: Language) -> None:
    explanations = [*FAILURES.values(), *STOPS.values()]
    said = {text for each in explanations for text in each if text}
    said |= {command.purpose for command in COMMANDS} | set(_CONTENT.values())
    assert len(said) > 80
    with speaking(language):
        assert [text for text in said if _(text) == text] == []
