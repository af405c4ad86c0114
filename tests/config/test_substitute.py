from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_gateway.config.substitute import EnvText, substitute

ENVIRON = {"A": "one", "B_2": "two", "EMPTY": "", "REF": "${ENV:A}", "SLASH": r"\1\g<0>"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${ENV:A}", "one"),
        ("$<ENV:A>", "one"),
        ("x${ENV:A}y$<ENV:B_2>z", "xoneytwoz"),
        ("${ENV:A}${ENV:A}", "oneone"),
        ("${ENV:EMPTY}", ""),
        ("${ENV:EMPTY:-other}", "other"),
        ("${ENV:NONE:-other}", "other"),
        ("${ENV:NONE:-}", ""),
        ("$<ENV:NONE:-a}b>", "a}b"),
        ("${ENV:NONE:-a>b:-c}", "a>b:-c"),
        ("${ENV:A:-other}", "one"),
        ("${ENV:REF}", "${ENV:A}"),
        ("${ENV:NONE:-$<ENV:A>}", "$<ENV:A>"),
        ("${ENV:SLASH}", r"\1\g<0>"),
        ("$${ENV:A}", "$one"),
    ],
)
def test_references_become_what_the_variables_hold(text: str, result: str) -> None:
    assert substitute(text, ENVIRON) == result


@pytest.mark.parametrize("text", ["", "plain", "$", "${A}", "$ENV:A", "{ENV:A}", "$(ENV:A)", "${env:A}", "${ENV}"])
def test_other_text_stays_as_it_is_and_is_no_text_of_the_environment(text: str) -> None:
    result = substitute(text, ENVIRON)
    assert result == text
    assert not isinstance(result, EnvText)


@pytest.mark.parametrize(
    "text",
    ["${ENV:}", "${ENV:1}", "${ENV:A", "${ENV:A>", "$<ENV:A}", "${ENV:A B}", "${ENV:A-x}", "${ENV: A}", "$<ENV:"],
)
def test_a_reference_that_is_written_wrong_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="begins no valid reference"):
        substitute(text, ENVIRON)


def test_all_that_is_not_set_is_named_at_once_and_nothing_else() -> None:
    with pytest.raises(ValueError) as caught:
        substitute("${ENV:A} ${ENV:X} $<ENV:Y> ${ENV:X}", ENVIRON)
    assert str(caught.value) == "${ENV:X} is not set; $<ENV:Y> is not set"


def test_the_result_knows_its_references() -> None:
    result = substitute("${ENV:A} ${ENV:NONE:-hunter2} ${ENV:A}", ENVIRON)
    assert isinstance(result, EnvText)
    assert result.origin == "${ENV:A}, ${ENV:NONE}"


@given(st.text())
def test_what_a_variable_holds_comes_out_untouched(value: str) -> None:
    assert substitute("<${ENV:V}>", {"V": value}) == f"<{value}>"


@given(st.text(st.sampled_from("${ENV:A}<>-x")))
def test_no_text_breaks_it(text: str) -> None:
    try:
        result = substitute(text, {"A": "1"})
    except ValueError:
        assert "ENV:" in text
    else:
        assert result == text or "ENV:" in text
