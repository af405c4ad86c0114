"""Markdown to one formatted message of any length."""

import logging
import re
from collections.abc import Sequence

from markdown_it.token import Token

from codex_gateway.telegram.markup.canvas import Canvas
from codex_gateway.telegram.markup.clean import clean
from codex_gateway.telegram.markup.entities import Formatted, formatted, is_blank
from codex_gateway.telegram.markup.inline import InlineWriter
from codex_gateway.telegram.markup.parser import parser
from codex_gateway.telegram.markup.tables import Table

logger = logging.getLogger(__name__)

_RULE = "———"
_BULLET = "•"
_SHORTEST_UNDERLINE = 3
_TASK = re.compile(r"\[([ xX])\](?=\s|$)\s*")
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.\-]{1,32}(?=[\s,;{]|$)")
_BLANK_FIRST_LINES = re.compile(r"\A(?:[^\S\n]*\n)+")


def render_markdown(markdown: str) -> Formatted:
    """The whole text formatted. Never raises: what the parser fails on comes out as it is, the failure logged."""
    source = clean(markdown)
    if is_blank(source):
        return Formatted("")
    try:
        message = _Renderer(source).render(parser().parse(source))
    except Exception:
        # A person waits for this answer, and unformatted it is still an answer.
        logger.exception("markup.failed characters=%d", len(source))
        return formatted(source, ())
    return formatted(source, ()) if is_blank(message.text) else message


class _Renderer:
    """Walks markdown-it's flat list of block tokens once, keeping what surrounds the current line."""

    def __init__(self, source: str) -> None:
        self._lines = source.split("\n")
        self._canvas = Canvas()
        self._indents: list[str] = []
        self._ordinals: list[tuple[str, int]] = []  # of each open list: number written last, number shown last
        self._line_begun = False  # a list marker stands on the line and its text may follow
        self._quote_depth = 0
        self._quote_open = False

    def render(self, tokens: Sequence[Token]) -> Formatted:
        index, end = 0, len(tokens)
        while index < end:
            token = tokens[index]
            match token.type:
                case "paragraph_open":
                    self._begin(token)
                case "inline":
                    self._inline().write(token.children or [])
                case "heading_open":
                    index = self._heading(tokens, index)
                case "fence":
                    self._fence(token)
                case "code_block":
                    self._code_block(token, token.content)
                case "verbatim":
                    self._begin(token)
                    self._canvas.write(token.content.replace("\n", self._newline()))
                case "hr":
                    self._begin(token)
                    self._canvas.write(_RULE)
                case "bullet_list_open" | "ordered_list_open":
                    self._ordinals.append(("", 0))
                case "bullet_list_close" | "ordered_list_close":
                    self._ordinals.pop()
                case "list_item_open":
                    self._open_item(token, tokens[index + 1 : index + 3])
                case "list_item_close":
                    self._indents.pop()
                    self._line_begun = False
                case "blockquote_open":
                    self._open_quote()
                case "blockquote_close":
                    self._close_quote()
                case "table_open":
                    index = self._table(tokens, index)
                case _:
                    pass  # what closes a block
            index += 1
        return self._canvas.finished()

    # Lines

    def _newline(self) -> str:
        return "\n" + "".join(self._indents)

    def _begin(self, token: Token) -> None:
        """Come to where the block's text starts: after its list marker, or on a line of its own."""
        begun, self._line_begun = self._line_begun, False
        if not begun:
            self._separate(token)
        self._resume_quote()
        self._canvas.write(" " if begun else "".join(self._indents))

    def _separate(self, token: Token) -> None:
        """End the line before; one empty line where the author left at least one."""
        if not self._canvas.length:
            return
        line = token.map[0] if token.map else 0
        apart = line > 0 and not self._lines[line - 1].strip(" \t>")
        self._canvas.write("\n\n" if apart else "\n")

    def _inline(self) -> InlineWriter:
        return InlineWriter(self._canvas, newline=self._newline())

    # Blocks

    def _heading(self, tokens: Sequence[Token], index: int) -> int:
        opening, inline = tokens[index], tokens[index + 1]
        self._begin(opening)
        underline = self._underline(opening)
        if not inline.children:
            self._canvas.write(opening.markup)
        elif underline and (len(underline) < _SHORTEST_UNDERLINE or "\n" in inline.content):
            # A list that has just begun to arrive, or lines with a rule right under them: no heading was meant.
            self._inline().write(inline.children)
            self._canvas.write(self._newline() + (_RULE if underline.startswith("---") else underline))
        else:
            self._canvas.open("bold")
            self._inline().write(inline.children)
            self._canvas.close()
        return index + 2

    def _underline(self, heading: Token) -> str:
        """The dashes or equals signs that make the lines above them a heading, or ""."""
        if heading.map is None or heading.markup not in ("-", "="):
            return ""
        return self._lines[heading.map[1] - 1].strip(" \t>")

    def _fence(self, token: Token) -> None:
        language, caption = language_of(token)
        if caption:
            self._begin(token)
            self._canvas.write(caption)
        self._code_block(token, token.content, language=language, captioned=bool(caption))

    def _code_block(self, token: Token, code: str, *, language: str | None = None, captioned: bool = False) -> None:
        """Code on lines of its own, never indented; the canvas ends a quotation before it."""
        code = _BLANK_FIRST_LINES.sub("", code).rstrip()
        if not code:
            return
        if captioned or self._line_begun:
            self._canvas.write("\n")
        else:
            self._separate(token)
        self._line_begun = False
        self._canvas.literal("pre", code, language=language)

    def _open_item(self, item: Token, content: Sequence[Token]) -> None:
        self._begin(item)
        marker, box = self._marker(item), take_task(content)
        if box:
            marker = box if marker == _BULLET else f"{marker} {box}"
        self._canvas.write(marker)
        self._indents.append(" " * (len(marker) + 1))
        self._line_begun = True

    def _marker(self, item: Token) -> str:
        """The bullet, or the number as written; one that repeats the number before is counted on."""
        if not item.info:
            return _BULLET
        written, shown = self._ordinals[-1]
        number = str(shown + 1) if item.info == written else item.info
        self._ordinals[-1] = (item.info, int(number))
        return f"{number}{item.markup}"

    def _table(self, tokens: Sequence[Token], index: int) -> int:
        end = next(at for at in range(index, len(tokens)) if tokens[at].type == "table_close")
        opening = tokens[index]
        table = Table(tokens[index:end])
        aligned = table.aligned()
        if aligned is not None:
            self._code_block(opening, aligned)
        else:
            self._begin(opening)
            table.write_cards(self._canvas, newline=self._newline())
        return end

    # Quotations: Telegram does not nest them, nor do blocks of code stand in one

    def _open_quote(self) -> None:
        self._quote_depth += 1
        if self._quote_depth > 1:
            self._indents.append("> ")
            if self._line_begun:
                self._resume_quote()
                self._canvas.write(" >")

    def _close_quote(self) -> None:
        self._quote_depth -= 1
        if self._quote_depth:
            self._indents.pop()
        else:
            self._pause_quote()

    def _resume_quote(self) -> None:
        if self._quote_depth and not self._quote_open:
            self._quote_open = True
            self._canvas.open("blockquote")

    def _pause_quote(self) -> None:
        if self._quote_open:
            self._quote_open = False
            self._canvas.close()


def language_of(fence: Token) -> tuple[str | None, str]:
    """The language that is written behind the opening of a fence, and what else stands there."""
    info = fence.info.strip()
    word = _LANGUAGE.match(info)
    caption = info[word.end() :].lstrip(",; \t") if word and fence.content.strip() else info
    return (word[0] if word else None), caption


def take_task(content: Sequence[Token]) -> str:
    """Take `[ ]` or `[x]` off the start of a list item and return the box that stands for it."""
    if len(content) < 2 or content[0].type != "paragraph_open" or not content[1].children:
        return ""
    first = content[1].children[0]
    task = _TASK.match(first.content) if first.type == "text" else None
    if task is None:
        return ""
    first.content = first.content[task.end() :]
    return "☐" if task[1] == " " else "☑"
