"""Block tokens to Telegram's rich HTML, with what the message's limits count."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from markdown_it.token import Token

from codex_gateway.telegram.markup.html_canvas import HtmlCanvas, bare_formula
from codex_gateway.telegram.markup.inline import InlineWriter
from codex_gateway.telegram.markup.rendering import language_of, take_task

DETAILS_OPEN = re.compile(r"<details(?: open)?>\s*<summary>(.*?)</summary>\s*", re.DOTALL | re.IGNORECASE)
DETAILS_CLOSE = re.compile(r"</details>", re.IGNORECASE)

_OPEN = {"blockquote_open": "<blockquote>", "bullet_list_open": "<ul>", "tr_open": "<tr>"}
_CLOSE = {
    "blockquote_close": "</blockquote>",
    "bullet_list_close": "</ul>",
    "list_item_close": "</li>",
    "table_close": "</table>",
    "tr_close": "</tr>",
    "th_close": "</th>",
    "td_close": "</td>",
}
_SHORTEST_UNDERLINE = 3
_BLANK_FIRST_LINES = re.compile(r"\A(?:[^\S\n]*\n)+")


class Need(NamedTuple):
    """What something takes of a message's room."""

    length: int
    blocks: int
    levels: int
    columns: int

    def and_(self, other: Need) -> Need:
        return Need(
            self.length + other.length,
            self.blocks + other.blocks,
            max(self.levels, other.levels),
            max(self.columns, other.columns),
        )


class RichHtml(NamedTuple):
    html: str
    #: Blocks as Telegram counts them, or more: list items and rows of tables among them.
    blocks: int
    #: The deepest nesting of blocks and formatting.
    levels: int
    #: The most columns of a table.
    columns: int

    @property
    def need(self) -> Need:
        return Need(len(self.html), self.blocks, self.levels, self.columns)


def rich_html(tokens: Sequence[Token], lines: Sequence[str]) -> RichHtml:
    """What the tokens of a whole text look like; `lines` are those of their source."""
    writer = RichWriter(lines)
    writer.write(tokens)
    return writer.taken()


class RichWriter:
    """Writes the tokens of a text, whose lines it knows, one stretch after another."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self.pieces: list[str] = []
        self.blocks = 0
        self.levels = 0
        self.columns = 0
        self._numbers: list[tuple[str, int]] = []
        self._details = 0

    def taken(self) -> RichHtml:
        """What was written since the last time; numbers of lists go on."""
        taken = RichHtml("".join(self.pieces), self.blocks, self.levels, self.columns)
        self.pieces, self.blocks, self.levels, self.columns = [], 0, 0, 0
        return taken

    def write(self, tokens: Sequence[Token]) -> None:
        index, end = 0, len(tokens)
        while index < end:
            token = tokens[index]
            self.levels = max(self.levels, token.level + 1)
            match token.type:
                case "paragraph_open":
                    self._paragraph(token, tokens[index + 1])
                    index += 2
                case "inline":  # of a cell
                    self._inline(token)
                case "heading_open":
                    self._heading(token, tokens[index + 1])
                    index += 2
                case "fence" | "code_block":
                    self._code(token)
                case "verbatim" if token.info == "formula":
                    formula = escape(bare_formula(token.content), quote=False)
                    self._block(f"<tg-math-block>{formula}</tg-math-block>")
                case "verbatim":
                    self._block(f"<pre>{escape(token.content.rstrip(), quote=False)}</pre>")
                case "hr":
                    self._block("<hr/>")
                case "ordered_list_open":
                    self._numbers.append(("", 0))
                    self._block("<ol>")
                case "ordered_list_close":
                    self._numbers.pop()
                    self.pieces.append("</ol>")
                case "list_item_open":
                    self._item(token, tokens[index + 1 : index + 3])
                case "table_open":
                    head = next((at for at in range(index, end) if tokens[at].type == "thead_close"), end)
                    self.columns = max(self.columns, sum(cell.type == "th_open" for cell in tokens[index:head]))
                    self._block("<table bordered striped>")
                case "th_open" | "td_open":
                    alignment = str(token.attrs.get("style", "")).removeprefix("text-align:")
                    tag = token.type[:2]
                    self.pieces.append(f'<{tag} align="{alignment}">' if alignment else f"<{tag}>")
                case kind if kind in _OPEN:
                    self._block(_OPEN[kind])
                case kind if kind in _CLOSE:
                    self.pieces.append(_CLOSE[kind])
                case _:
                    pass  # thead, tbody
            index += 1
        self.pieces.append("</details>" * self._details)
        self._details = 0

    def _block(self, html: str) -> None:
        self.blocks += 1
        self.pieces.append(html)

    def _inline(self, inline: Token) -> None:
        canvas = HtmlCanvas()
        InlineWriter(canvas).write(inline.children or [])
        deepest = max((child.level for child in inline.children or []), default=0)
        self.levels = max(self.levels, inline.level + 1 + deepest)
        self.pieces.append(canvas.html)

    def _paragraph(self, opening: Token, inline: Token) -> None:
        if opening.level == 0 and (details := DETAILS_OPEN.fullmatch(inline.content)):
            self._details += 1
            self._block(f"<details><summary>{escape(details[1].strip(), quote=False)}</summary>")
        elif opening.level == 0 and self._details and DETAILS_CLOSE.fullmatch(inline.content.strip()):
            self._details -= 1
            self.pieces.append("</details>")
        elif opening.hidden:
            self.blocks += 1
            self._inline(inline)
        else:
            self._block("<p>")
            self._inline(inline)
            self.pieces.append("</p>")

    def _heading(self, opening: Token, inline: Token) -> None:
        underline = ""
        if opening.map is not None and opening.markup in ("-", "="):
            underline = self._lines[opening.map[1] - 1].strip(" \t>")
        if underline and (len(underline) < _SHORTEST_UNDERLINE or "\n" in inline.content):
            # As in a message of text: lines with a rule right under them, no heading.
            self._block("<p>")
            self._inline(inline)
            self.pieces.append("</p>" if underline.startswith("---") else f"<br>{underline}</p>")
            if underline.startswith("---"):
                self._block("<hr/>")
            return
        if not inline.children:
            self._block(f"<p>{opening.markup}</p>")
            return
        self._block(f"<{opening.tag}>")
        self._inline(inline)
        self.pieces.append(f"</{opening.tag}>")

    def _code(self, token: Token) -> None:
        code = _BLANK_FIRST_LINES.sub("", token.content).rstrip()
        language, caption = language_of(token)
        if caption:
            self._block(f"<p>{escape(caption, quote=False)}</p>")
        if code:
            shown = escape(code, quote=False)
            tag = f'<code class="language-{escape(language)}">{shown}</code>' if language else shown
            self._block(f"<pre>{tag}</pre>")

    def _item(self, item: Token, content: Sequence[Token]) -> None:
        value = ""
        if item.info:
            written, shown = self._numbers[-1]
            number = shown + 1 if item.info == written else int(item.info)
            self._numbers[-1] = (item.info, number)
            value = f' value="{number}"'
        box = take_task(content)
        checked = {"☐": '<input type="checkbox">', "☑": '<input type="checkbox" checked>'}.get(box, "")
        self._block(f"<li{value}>{checked}")
