"""The languages that people are spoken to in."""

from __future__ import annotations

import pytest

from codex_gateway.core.manner import Language
from codex_gateway.telegram.tongue import _, plural, speaking


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("en", Language.ENGLISH),
        ("en-GB", Language.ENGLISH),
        ("zh-hans", Language.CHINESE),
        ("zh_TW", Language.CHINESE),
        ("ZH", Language.CHINESE),
        ("de", None),
        ("", None),
        (None, None),
    ],
)
def test_a_persons_language_is_known_by_its_tag(code: str | None, language: Language | None) -> None:
    assert Language.of(code) is language


def test_a_language_is_spoken_for_one_message() -> None:
    with speaking(Language.CHINESE):
        assert _("Nothing is running here.") == "这里没有正在运行的任务。"
        with speaking(Language.ENGLISH):
            assert _("Nothing is running here.") == "Nothing is running here."
        assert _("A sentence that no catalogue has.") == "A sentence that no catalogue has."
    assert _("Nothing is running here.") == "Nothing is running here."


def test_a_number_goes_into_its_form() -> None:
    assert [plural("{n} step", "{n} steps", number) for number in (1, 2)] == ["1 step", "2 steps"]
