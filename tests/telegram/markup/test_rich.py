"""Rich messages: valid HTML of the tags that Telegram knows, within its limits, and nothing of the text lost."""

from __future__ import annotations

import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex_gateway.telegram.markup import plain, rich_parts

_CORPUS = Path(__file__).with_name("corpus")
_SAMPLES: dict[str, str] = {
    sample["name"]: sample["markdown"] * sample.get("repeat", 1)
    for sample in json.loads((_CORPUS / "nasty.json").read_text("utf-8"))
}
_PIECES = st.sampled_from([*_CORPUS.joinpath("pieces.txt").read_text("utf-8").split(), "|a|b|\n|-|-|\n", "<details>"])
_GLUE = st.sampled_from(["", " ", "\n", "\n\n", "\n    ", "\n  "])
_MARKUP = st.lists(st.tuples(_PIECES, _GLUE), max_size=40).map(lambda pairs: "".join(a + b for a, b in pairs))

#: Bot API 10.3, "Rich HTML style", as far as we use it.
_INLINE = {"b", "i", "s", "a", "code", "tg-math"}
_BLOCKS = {
    "p",
    "pre",
    "ul",
    "ol",
    "blockquote",
    "table",
    "details",
    "tg-math-block",
    "hr",
    *(f"h{n}" for n in range(1, 7)),
}
_WITHIN = {"li": {"ul", "ol"}, "tr": {"table"}, "th": {"tr"}, "td": {"tr"}, "summary": {"details"}}
_LONE = {"br", "hr", "input"}
_HOLDS_BLOCKS = {"li", "blockquote", "details"}


class Judge(HTMLParser):
    """Finds what Telegram would not take, and what a reader sees."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        around = self.open[-1] if self.open else None
        if tag in _WITHIN:
            if around not in _WITHIN[tag]:
                self.faults.append(f"{tag} in {around}")
        elif tag in _BLOCKS:
            if around is not None and around not in _HOLDS_BLOCKS:
                self.faults.append(f"{tag} in {around}")
        elif tag not in _INLINE | _LONE:
            self.faults.append(f"unknown tag {tag}")
        self.text += " " if tag in _BLOCKS | {"br"} | _WITHIN.keys() else ""
        self.text += "".join(value or "" for name, value in attrs if name in ("href", "value", "class"))
        self.text += f"<{tag}>" if tag in ("details", "summary") else ""  # as written, they were tags already
        if tag not in _LONE:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")
        self.text += f"</{tag}>" if tag in ("details", "summary") else ""

    def handle_data(self, data: str) -> None:
        self.text += data


def judged(html: str) -> Judge:
    judge = Judge()
    judge.feed(html)
    judge.close()
    judge.faults += [f"{tag} stays open" for tag in judge.open]
    if len(html) > 32_768:
        judge.faults.append(f"{len(html)} characters")
    return judge


def html_of(markdown: str) -> str:
    parts = rich_parts(markdown)
    assert parts is not None
    [part] = parts
    return part.html


@pytest.mark.parametrize("markdown", _SAMPLES.values(), ids=_SAMPLES.keys())
def test_a_nasty_sample_is_valid_and_whole_or_left_to_text(entity_rules: ModuleType, markdown: str) -> None:
    parts = rich_parts(markdown)
    if parts is None:
        return
    judges = [judged(part.html) for part in parts]
    assert [fault for judge in judges for fault in judge.faults] == []
    shown = plain(" ".join(judge.text for judge in judges))
    assert not entity_rules.lost(plain(markdown).text, shown)


@settings(max_examples=200, deadline=None)
@given(markdown=_MARKUP)
def test_whatever_the_markdown_the_html_is_valid_and_no_letter_is_lost(entity_rules: ModuleType, markdown: str) -> None:
    for part in rich_parts(markdown) or []:
        judge = judged(part.html)
        assert judge.faults == []
        assert not entity_rules.lost(markdown, plain(judge.text))


_EXAMPLES = {
    "code in prose": ("a `List<String>` and <div>", "<p>a <code>List&lt;String&gt;</code> and &lt;div&gt;</p>"),
    "a character reference": ("&amp; and &lt;b&gt;", "<p>&amp;amp; and &amp;lt;b&amp;gt;</p>"),
    "snake case, products": ("snake_case_name 2*3*4", "<p>snake_case_name 2*3*4</p>"),
    "an address": ("see https://a.b/c_d.", '<p>see <a href="https://a.b/c_d">https://a.b/c_d</a>.</p>'),
    "a link": ('[x](https://a.b/?q="1"&r)', '<p><a href="https://a.b/?q=%221%22&amp;r">x</a></p>'),
    "a link to a file": ("[a.py](src/a.py:3)", "<p><code>src/a.py:3</code></p>"),
    "bold code": ("**run `x`**", "<p><b>run <code>x</code></b></p>"),
    "a fence": ("```py\nx < 1\n```", '<pre><code class="language-py">x &lt; 1</code></pre>'),
    "a heading": ("## A *b*", "<h2>A <i>b</i></h2>"),
    "tasks": (
        "- [ ] a\n- [x] b",
        '<ul><li><input type="checkbox">a</li><li><input type="checkbox" checked>b</li></ul>',
    ),
    "numbers": ("3. a\n3. b", '<ol><li value="3">a</li><li value="4">b</li></ol>'),
    "a table": (
        "| a | b |\n|---|--:|\n| `x` | 1 |",
        '<table bordered striped><tr><th>a</th><th align="right">b</th></tr>'
        '<tr><td><code>x</code></td><td align="right">1</td></tr></table>',
    ),
    "a line break in a cell": (
        "| a |\n|---|\n| b<br>c `<br>` |",
        "<table bordered striped><tr><th>a</th></tr><tr><td>b<br>c <code>&lt;br&gt;</code></td></tr></table>",
    ),
    "formulas": (
        "$\\bar x$ and \\(a_b\\)\n\n$$\na < b\n$$",
        "<p><tg-math>\\bar x</tg-math> and <tg-math>a_b</tg-math></p><tg-math-block>a &lt; b</tg-math-block>",
    ),
    "letters alone": (
        "$n$ keys, $k = 3$, $O(n)$",
        "<p><tg-math>n</tg-math> keys, <tg-math>k = 3</tg-math>, <tg-math>O(n)</tg-math></p>",
    ),
    "variables of a shell": ("$a$b, $PATH:$HOME, x$n$ and $it is$", "<p>$a$b, $PATH:$HOME, x$n$ and $it is$</p>"),
    "money": ("$5 or $6", "<p>$5 or $6</p>"),
    "details": (
        "<details>\n<summary>Log & co</summary>\n\n- a\n\n</details>\n\nb",
        "<details><summary>Log &amp; co</summary><ul><li>a</li></ul></details><p>b</p>",
    ),
    "details without an end": ("<details><summary>x</summary>\n\na", "<details><summary>x</summary><p>a</p></details>"),
    "an end of details alone": ("</details>", "<p>&lt;/details&gt;</p>"),
    "an image is never fetched": ("![a](https://a.b/c.png)", '<p><a href="https://a.b/c.png">a</a></p>'),
}


@pytest.mark.parametrize(("markdown", "html"), _EXAMPLES.values(), ids=_EXAMPLES.keys())
def test_markdown_becomes_rich_html(markdown: str, html: str) -> None:
    assert html_of(markdown) == html
    assert judged(html).faults == []


@pytest.mark.parametrize(
    "markdown",
    [
        "```py\n" + "x = 'a < b'\n" * 6000 + "```",
        "\n".join(f"{n}. item {n}" for n in range(1, 1200)),
        "| a | b |\n|-|-|\n" + "".join(f"| {n} | x |\n" for n in range(1300)),
        "\n\n".join(f"Paragraph {n} " + "word " * 50 for n in range(300)),
        "\n\n".join(f"<details>\n<summary>S{n}</summary>\n\n{'word ' * 500}\n\n</details>" for n in range(40)),
    ],
    ids=["fence", "list", "table", "paragraphs", "details"],
)
def test_what_is_too_long_for_one_is_divided_at_its_blocks_lines_rows_or_items(markdown: str) -> None:
    parts = rich_parts(markdown)
    assert parts is not None and len(parts) > 1
    judges = [judged(part.html) for part in parts]
    assert [fault for judge in judges for fault in judge.faults] == []
    whole = Counter(plain(markdown).text.split())
    shown = Counter(word for part in parts for word in part.markdown.split())
    assert not whole - shown
    assert [part.html for part in parts] == [html_of(part.markdown) for part in parts]
    for part in parts:
        assert part.html.count("<li") <= 500 and part.html.count("<tr") <= 500


@pytest.mark.parametrize(
    "markdown",
    ["x" * 40_000, "|" + "a|" * 21 + "\n|" + "-|" * 21, "\n".join("  " * n + "- x" for n in range(12))],
    ids=["a word", "a wide table", "a deep list"],
)
def test_what_does_not_fit_at_all_is_left_to_messages_of_text(markdown: str) -> None:
    assert rich_parts(markdown) is None


def test_nothing_comes_of_nothing() -> None:
    assert rich_parts(" \n\u200b") == []
