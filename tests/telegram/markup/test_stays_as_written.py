"""Code in prose, paths, names and formulas are not markup, whatever stars and underscores they have."""

from pathlib import Path

import pytest

from codex_gateway.telegram.markup import render

_LITERALS = Path(__file__).with_name("corpus").joinpath("literals.txt").read_text("utf-8").split()


_SURROUNDINGS = ["see {} there", "{0}, {0} and {0}", "see ({}) there", "{}", "first\n{}\nlast"]
#: Where two of them, or one on a line of its own, are markup by any reading.
_MARKUP = {("`unclosed", "{0}, {0} and {0}"), ("```", "{0}, {0} and {0}"), ("```", "first\n{}\nlast"), ("*", "{}")}


@pytest.mark.parametrize(
    ("literal", "words"),
    [(literal, words) for literal in _LITERALS for words in _SURROUNDINGS if (literal, words) not in _MARKUP],
)
def test_it_stays_exactly_as_written(literal: str, words: str) -> None:
    markdown = words.format(literal)
    assert render(markdown).text == markdown


@pytest.mark.parametrize(
    "markdown",
    [
        "private static Map<String, List<int>> x;",
        "if (a < b && c > d) { return a * b * c; }",
        "SELECT * FROM a WHERE b = '*' AND c_d_e > 1",
        "int *p, *q; char **argv; void f(char *a)",
        "cp src/*.py lib/*.py && rm -rf build/*",
        "2 * 3 * 4 = 24, 2 ** 3 = 8",
        "see *.py and *.js files in src/*.ts and lib/*.tsx",
        '__all__ and __name__ == "__main__" in __init__',
        "docker run \\\n--rm x \\\ny",
        "cost: $5 or $6, not 7$",
        "def f(*args, x=a*b, **kwargs): ...",
        "const char* a, const char* b",
        ">>> f(1) * 2\n>>> __name__\n>= 3",
        "Steps:\n-",
        "a\n=\nb",
        "use <T extends Comparable<T>> or <T>",
        "[INFO]: disk\n[WARN]: disk full",
        "$$\na_1 * b_1\n- c_2 * d_2\n$$",
        "\\[\n\\frac{a_1}{b_1}\n+ c\n\\]",
        "a_i * b_i, c_j * d_j",
        "the sum $\\bar{x}_i + y_{j}$, and $$\\hat{a}_k * b_{l}$$",
        "as \\(\\bar{x}_i + y_{j}\\) shows",
        "۱*۲*۳ and x*y*z",
        "x = y  # not a heading",
    ],
)
def test_a_line_of_code_in_prose_stays_exactly_as_written(markdown: str) -> None:
    message = render(markdown)
    assert message.text == markdown
    assert message.entities == ()
