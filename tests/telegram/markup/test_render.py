"""What each piece of Markdown looks like in Telegram, drawn as `{entity|text}`."""

from types import ModuleType

import pytest

from codex_gateway.telegram.markup import Entity, Formatted, plain, render, utf16_len
from codex_gateway.telegram.markup.parser import parser

_EXAMPLES = {
    "bold, italic, struck, code": (
        "**a** __b c__ *d* _e_ ~~f~~ `g`",
        "{bold|a} {bold|b c} {italic|d} {italic|e} {strikethrough|f} {code|g}",
    ),
    "nested emphasis": ("***a** b*", "{italic|{bold|a} b}"),
    "bold in bold is bold once": ("**a __b c__ d**", "{bold|a b c d}"),
    "bold is cut around code": ("**run `make` now**", "{bold|run} {code|make} {bold|now}"),
    "code is not formatted again": ("`**a** <b>`", "{code|**a** <b>}"),
    "code with backticks": ("`` a`b ``", "{code|a`b}"),
    "code of blanks keeps its backticks": ("a `  ` b", "a `  ` b"),
    "a heading": ("## Plan", "{bold|Plan}"),
    "a heading with code and a link": (
        "# Use `x` [here](https://a.bc)",
        "{bold|Use} {code|x} {text_link https://a.bc|{bold|here}}",
    ),
    "an underlined heading": ("Plan\n====\ntext", "{bold|Plan}\ntext"),
    "dashes under two lines are a rule": ("one\ntwo\n---\nthree", "one\ntwo\n———\nthree"),
    "a heading without text": ("#", "#"),
    "headings keep the author's spacing": ("# A\ntext\n\n## B\n\ntext", "{bold|A}\ntext\n\n{bold|B}\n\ntext"),
    "a rule": ("a\n\n---\n\nb", "a\n\n———\n\nb"),
    "line ends are line ends": ("a\nb  \nc\\\nd", "a\nb\nc\nd"),
    "many empty lines are one": ("a\n\n\n\nb", "a\n\nb"),
    "Windows line ends": ("a\r\nb\r\n\r\n- c\r", "a\nb\n\n• c"),
    # East Asian text
    "bold that ends with a full-width sign": ("**注意：**这里", "{bold|注意：}这里"),
    "bold amid Chinese": ("这是**“重点”**内容", "这是{bold|“重点”}内容"),
    "bold directly before Chinese": ("**bold**中文和*斜体*字", "{bold|bold}中文和{italic|斜体}字"),
    "bold in brackets": ("（**必须**）", "（{bold|必须}）"),
    "Korean particles": ("**굵게(bold)**는", "{bold|굵게(bold)}는"),
    "bold with an ending": ("**Codex**s own **API**-Key", "{bold|Codex}s own {bold|API}-Key"),
    # links
    "a web link": ("[a *b*](https://x.yz/q?a=b_c#d)", "{text_link https://x.yz/q?a=b_c#d|a {italic|b}}"),
    "a Telegram link": ("[me](tg://user?id=1)", "{text_link tg://user?id=1|me}"),
    "code in a link stays a link": ("[`x`](https://a.bc)", "{text_link https://a.bc|x}"),
    "a link without a label": ("[](https://a.bc)", "https://a.bc"),
    "an address in angle brackets": ("<https://a.bc/d_e>", "{text_link https://a.bc/d_e|https://a.bc/d_e}"),
    "an address to write to": ("[mail](mailto:a@b.cd), [a@b.cd](mailto:a@b.cd)", "mail (mailto:a@b.cd), a@b.cd"),
    "a host Telegram refuses": ("[app](http://localhost:3000)", "app (http://localhost:3000)"),
    "a link that is its own label": ("[http://localhost:1](http://localhost:1)", "http://localhost:1"),
    "an address longer than Telegram takes": (
        "[a](https://b.cd/" + "e" * 2048 + ")",
        "a (https://b.cd/" + "e" * 2048 + ")",
    ),
    "a title": ('[a](https://b.cd "why")', "{text_link https://b.cd|a} (why)"),
    "some other target": ("[x](javascript:alert) [y](#part)", "x (javascript:alert) y (#part)"),
    "a file": ("[foo.py](/abs/foo.py:12)", "{code|/abs/foo.py:12}"),
    "a file and a line in the label": ("[src/foo.py:12](/abs/src/foo.py#L12)", "{code|/abs/src/foo.py#L12}"),
    "a line only in the label": ("[foo.py:7](/abs/foo.py)", "{code|/abs/foo.py:7}"),
    "another line in the label": ("[foo.py:7](/abs/foo.py:8)", "{code|foo.py:7} ({code|/abs/foo.py:8})"),
    "a file by another name": ("[the **config**](./etc/app.toml)", "the {bold|config} ({code|./etc/app.toml})"),
    "a file with spaces": ("[a b.py](</x/a b.py>)", "{code|/x/a b.py}"),
    "a relative file": ("[docs](docs/a.md)", "docs ({code|docs/a.md})"),
    "a file on Windows": ("[a.py](C:/x/a.py)", "{code|C:/x/a.py}"),
    "an image": ("![a chart](https://a.bc/d.png)", "{text_link https://a.bc/d.png|a chart}"),
    "an image without words": ("![](https://a.bc/d.png)", "https://a.bc/d.png"),
    "an image from a file": ("![chart](/tmp/d.png) ![](x.png)", "chart ({code|/tmp/d.png}) {code|x.png}"),
    "a badge": ("[![ci](https://a.bc/d.svg)](https://e.fg)", "{text_link https://e.fg|ci}"),
    # lists
    "a list": ("- a\n* b\n+ c", "• a\n• b\n• c"),
    "a loose list": ("- a\n\n- b", "• a\n\n• b"),
    "nested lists": ("- a\n  - b\n    1. c\n    2. d\n- e", "• a\n  • b\n    1. c\n    2. d\n• e"),
    "numbers from the source": ("3. a\n4. b\n7) c", "3. a\n4. b\n7) c"),
    "numbers that stand still are counted": ("1. a\n1. b\n1. c", "1. a\n2. b\n3. c"),
    "text under an item": ("- a\n  more\n\n  again\n\nend", "• a\n  more\n\n  again\n\nend"),
    "tasks": (
        "- [ ] a\n- [x] b\n  - [X] **c**\n1. [x] d\n- [y] e\n- [ ]",
        "☐ a\n☑ b\n  ☑ {bold|c}\n1. ☑ d\n• [y] e\n☐",
    ),
    "an empty item": ("- a\n-\n- b", "• a\n•\n• b"),
    "a list right after a line": ("do:\n- a\n\nend", "do:\n• a\n\nend"),
    "code in an item": ("1. a\n   ```py\n   x\n     y\n   ```\n2. b", "1. a\n{pre py|x\n  y}\n2. b"),
    "an item that is code": ("- ```\n  x\n  ```", "•\n{pre|x}"),
    # code blocks
    "a fence": ("```python\nif a:\n    b\n```", "{pre python|if a:\n    b}"),
    "a fence of tildes with backticks in it": ("~~~\n```\nx\n```\n~~~", "{pre|```\nx\n```}"),
    "a longer fence": ("````md\n```py\nx\n```\n````", "{pre md|```py\nx\n```}"),
    "a fence still open": ("a\n```sh\nls -l\n", "a\n{pre sh|ls -l}"),
    "an open fence in a list": ("- a\n  ```sh\n  ls", "• a\n{pre sh|ls}"),
    "an indented first line stays indented": ("```\n    a\n  b\n```", "{pre|    a\n  b}"),
    "indented code": ("a\n\n    b *c*\n\n      d\n\ne", "a\n\n{pre|b *c*\n\n  d}\n\ne"),
    "an empty fence": ("a\n\n```\n\n```\n\nb", "a\n\nb"),
    "only an empty fence": ("```\n```", "```\n```"),
    "an empty fence that names its language": ("```py\n```", "py"),
    "a fence with a title": ('```py title="a.py"\nx\n```', 'title="{code|a.py}"\n{pre py|x}'),
    "a fence that names a file": ("```src/a.py\nx\n```", "{code|src/a.py}\n{pre|x}"),
    "languages with signs": ("```c++\nx\n```\n```C#\ny\n```", "{pre c++|x}\n{pre C#|y}"),
    # quotations
    "a quotation": ("> a\n> b\n\nc", "{blockquote|a\nb}\n\nc"),
    "a lazy quotation": ("> a\nb", "{blockquote|a\nb}"),
    "a nested quotation": ("> a\n> > b\n>\n> c", "{blockquote|a\n> b\n\nc}"),
    "a quotation with formatting": (
        "> **a** `b` [c](https://d.ef)",
        "{blockquote|{bold|a} {code|b} {text_link https://d.ef|c}}",
    ),
    "code in a quotation": ("> a\n> ```\n> b\n> ```\n> c", "{blockquote|a}\n{pre|b}\n{blockquote|c}"),
    "quotations deeper than anyone reads": ("> > > > > > a", "{blockquote|> > > > > a}"),
    "a list in a quotation": ("> - a\n>   - b", "{blockquote|• a\n  • b}"),
    "a quotation in a list": ("- a\n  > b", "• a\n  {blockquote|b}"),
    "a nested quotation in an item": ("- > > a\n  > > b", "• {blockquote|> a\n  > b}"),
    "a quotation of nothing": (">", ">"),
    # tables
    "a table": ("| a | bb |\n|--|--:|\n| ccc | **1** |", "{pre|a   | bb\n----+---\nccc |  1}"),
    "a centred column": ("| abc | d |\n|:-:|-|\n| x | y |", "{pre|abc | d\n----+--\n x  | y}"),
    "wide characters": ("| 名 | b |\n|-|-|\n| x | 👍🏽 |\n| ⚠️ | é |", "{pre|名 | b\n---+---\nx  | 👍🏽\n⚠️ | é}"),
    "too few cells, too many cells": ("|a|b|\n|-|-|\n|c|\n|d|e|f|", "{pre|a | b\n--+------\nc |\nd | e | f}"),
    "a bar in code in a cell": (
        "|a|b|\n|-|-|\n|`int | None`|x|",
        "{pre|a          | b\n-----------+--\nint | None | x}",
    ),
    "a line break in a cell is a space in columns": (
        "|a|b|\n|-|-|\n|x<br>y|`<br>` <BR/> z|",
        "{pre|a   | b\n----+-------\nx y | <br> z}",
    ),
    "a line break in a card is one": (
        "|File|What was done to it|\n|-|-|\n|a<br />b|Something that takes<br>quite a lot of words|",
        "File: {bold|a\nb}\nWhat was done to it: Something that takes\nquite a lot of words",
    ),
    "a line break elsewhere is text": ("a<br>b", "a<br>b"),
    "an escaped bar": ("|a|\n|-|\n|b \\| c|", "{pre|a\n-----\nb | c}"),
    "a table that is just too wide has less between its columns": (
        "| a23456789 | b23456789 | c23456789 |\n|-|-|-|\n| 1 | 2 | 3 |",
        "{pre|a23456789|b23456789|c23456789\n---------+---------+---------\n1        |2        |3}",
    ),
    "a table that is wider than a phone becomes cards": (
        "| a234567890 | b234567890 | c23456789 |\n|-|-|-|\n| 1 | 2 | 3 |",
        "a234567890: {bold|1}\nb234567890: 2\nc23456789: 3",
    ),
    "a quotation that is code alone": ("> `a`", "{blockquote|{code|a}}"),
    "names of files in a quotation": ("> see a.py", "{blockquote|see {code|a.py}}"),
    "a table with a link becomes cards": (
        "|Job|Log|\n|-|-|\n|test|[open](https://a.bc)|\n|lint||",
        "Job: {bold|test}\nLog: {text_link https://a.bc|open}\n\nJob: {bold|lint}",
    ),
    "a wide table becomes cards": (
        "|File|What was done to it|\n|-|-|\n|`a.py`|Something that takes quite a lot of words|\n|b|c|",
        "File: {code|a.py}\nWhat was done to it: Something that takes quite a lot of words\n\n"
        "File: {bold|b}\nWhat was done to it: c",
    ),
    "a header over nothing is still shown": (
        "||Some long header that is|And another long header|\n|-|-|-|\n|a|b||",
        "{bold|a}\nSome long header that is: b\nAnd another long header: –",
    ),
    "a wide table still without rows": (
        "|Some long header that is|And another long header|\n|-|-|",
        "{bold|Some long header that is} | {bold|And another long header}",
    ),
    "a table that has just begun": ("|a|b|\n|-", "|a|b|\n|-"),
    # escapes and odd signs
    "escapes": (r"\*a\* \_b\_ \`c\` \# \~ 1\. x \$5", r"*a* _b_ `c` # ~ 1\. x $5"),
    "escapes at the start of a line": ("1\\. a\n\\- b\n\\+ c\n\\# d\n\\> e", "1. a\n- b\n+ c\n# d\n> e"),
    "colours of a terminal": ("\x1b[1;31mred\x1b[0m \x1b]0;title\x07x", "red x"),
    "NUL and other control characters": ("a\x00b\x07c\x85d\x0be", "abc\nd\ne"),
    "lone surrogates": ("a\ud800b \ud83d\ude00", "a�b 😀"),
    "entities count in UTF-16": ("😀 **b** `😀`", "😀 {bold|b} {code|😀}"),
    "formatting with blanks inside": ("a ** b** c", "a ** b** c"),
    "nothing open stays": ("**a *b `c ~~d [e](", "**a *b `c ~~d [e]("),
    "a title drawn with stars": ("=" + "*" * 20 + "x" + "*" * 20 + "=", "=" + "*" * 20 + "x" + "*" * 20 + "="),
    "lines drawn with stars": ("a " + "*" * 40 + " b", "a " + "*" * 40 + " b"),
}


@pytest.mark.parametrize(("markdown", "drawn"), _EXAMPLES.values(), ids=_EXAMPLES.keys())
def test_markdown_is_shown_as(entity_rules: ModuleType, markdown: str, drawn: str) -> None:
    message = render(markdown)
    assert entity_rules.draw(message) == drawn
    assert entity_rules.faults(message) == []


@pytest.mark.parametrize("blank", ["", " ", "\n \n\t", "\x00", "\u200b\n\u2060", "\u3000", "\x1b[0m"])
def test_a_blank_text_is_an_empty_message(blank: str) -> None:
    assert render(blank) == Formatted("")


def test_offsets_and_lengths_are_utf16_code_units() -> None:
    assert render("👩‍💻 **b😀**").entities == (Entity("bold", 6, 3),)
    assert utf16_len("👩‍💻 b😀") == 9
    assert utf16_len("\ud83d") == 1


def test_edges_are_trimmed_and_offsets_follow() -> None:
    assert render("\n\n  **a**  \n\n") == Formatted("a", (Entity("bold", 0, 1),))


def test_plain_text_is_not_interpreted() -> None:
    assert plain(" **a** `b` \r\n[c](https://d.ef) ") == Formatted("**a** `b` \n[c](https://d.ef)")


def test_what_nests_deeper_than_a_phone_can_show_stays_as_written() -> None:
    markdown = "\n".join("  " * depth + f"- item{depth}" for depth in range(30)) + "\n\nafter"
    text = render(markdown).text
    assert all(f"item{depth}" in text for depth in range(30))
    assert text.endswith("\n\nafter")


def test_the_parser_looks_into_few_levels_of_quotation() -> None:
    # Each level is another look at every line that follows, so a hostile text could make it slow.
    assert sum(token.type == "blockquote_open" for token in parser().parse("> " * 30 + "a")) == 4


def test_a_streamed_text_grows_without_losing_a_letter(entity_rules: ModuleType) -> None:
    answer = (
        "# Plan\n\n1. **do** `it`\n   ```py\n   x = 1\n   ```\n\n"
        "| a | b |\n|---|---|\n| [c](https://d.ef) | ~~e~~ |\n\n> end\n"
    )
    for length in range(len(answer)):
        message = render(answer[:length])
        assert entity_rules.faults(message) == []
        assert not entity_rules.lost(answer[:length], message)
