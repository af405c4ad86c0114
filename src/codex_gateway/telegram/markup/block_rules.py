"""Block rules for markdown-it-py under which nothing is lost: nesting, quotations, displayed formulas, tables."""

import re

from markdown_it.rules_block import StateBlock
from markdown_it.rules_block import blockquote as commonmark_blockquote
from markdown_it.rules_block import table as gfm_table
from markdown_it.rules_block.table import escapedSplit, getLine

#: Nested blocks (a list counts twice) below which text is no longer looked into. markdown-it would drop it.
DEEPEST_LEVEL = 16
#: Quotations in quotations; each costs markdown-it another look at all of the lines that follow.
_DEEPEST_QUOTE = 4
_QUOTE_DEPTH = "quote_depth"

#: Cells that are left out at the end of rows come as empty ones: so many in any text, and one for so many characters.
_FREE_CELLS = 1000
_CHARACTERS_A_CELL = 4
_ROOM_FOR_CELLS = "room_for_cells"

_LONGEST_FORMULA_LINES = 60
_FORMULA_CLOSERS = {"$$": "$$", "\\[": "\\]"}
_LINE_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
#: Characters of a row in which code is looked for: each run of backticks is a look at all that follows.
_LONGEST_ROW = 4000
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")


def deep(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Whatever is nested too deep stays as written."""
    if silent or state.level < DEEPEST_LEVEL:
        return False
    line = start_line + 1
    while line < end_line and (state.isEmpty(line) or state.sCount[line] >= state.blkIndent):
        line += 1
    _verbatim(state, start_line, line)
    return True


def blockquote(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """CommonMark's quotation; `>=`, a Python prompt (`>>>`) and one that is nested too deep are text."""
    start = state.bMarks[start_line] + state.tShift[start_line]
    if state.src.startswith((">=", ">>>"), start):
        return False
    if silent:
        return commonmark_blockquote(state, start_line, end_line, silent)
    depth = state.env.get(_QUOTE_DEPTH, 0)
    if depth >= _DEEPEST_QUOTE:
        return False
    state.env[_QUOTE_DEPTH] = depth + 1
    try:
        return commonmark_blockquote(state, start_line, end_line, silent)
    finally:
        state.env[_QUOTE_DEPTH] = depth


def formula(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """`$$` or `\\[` on a line of its own, up to its closing line, stays as written."""
    start = state.bMarks[start_line] + state.tShift[start_line]
    closer = _FORMULA_CLOSERS.get(state.src[start : start + 2])
    if closer is None or state.is_code_block(start_line) or len(getLine(state, start_line).strip()) > 2:
        return False
    for line in range(start_line + 1, min(end_line, start_line + _LONGEST_FORMULA_LINES)):
        if state.sCount[line] < state.blkIndent and not state.isEmpty(line):
            return False
        if getLine(state, line).strip() == closer:
            if not silent:
                _verbatim(state, start_line, line + 1, info="formula")
            return True
    return False


def table(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """GFM's table; cells beyond the header's count are kept, where GFM drops them."""
    if silent or not gfm_table(state, start_line, end_line, True):
        return gfm_table(state, start_line, end_line, True)
    first_token = len(state.tokens)
    gfm_table(state, start_line, _affordable_end(state, start_line, end_line), False)
    _keep_surplus_cells(state, first_token)
    for token in state.tokens[first_token:]:
        if token.type == "inline" and "<" in token.content and len(token.content) <= _LONGEST_ROW:
            token.content = _with_line_breaks(token.content)
    return True


def _with_line_breaks(cell: str) -> str:
    """`<br>` is the only line break that a cell can have; in code it is what it is."""
    pieces, end = [], 0
    for code in _CODE_SPAN.finditer(cell):
        pieces += [_LINE_BREAK.sub("\n", cell[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*pieces, _LINE_BREAK.sub("\n", cell[end:])]).strip()


def _affordable_end(state: StateBlock, start_line: int, end_line: int) -> int:
    """The row at which the text has no more room for cells that nobody wrote, or the end.

    Without this, 2 KB of a wide head and short rows would become 65,536 cells; what is left out is text.
    """
    columns = getLine(state, start_line).count("|") + 1
    room = state.env.get(_ROOM_FOR_CELLS, _FREE_CELLS + len(state.src) // _CHARACTERS_A_CELL)
    line = start_line + 2
    while line < end_line and not state.isEmpty(line):
        missing = columns - 1 - getLine(state, line).count("|")
        if missing > 0:
            room -= missing
        if room < 0:
            break
        line += 1
    state.env[_ROOM_FOR_CELLS] = max(room, 0)
    return line


def _keep_surplus_cells(state: StateBlock, first_token: int) -> None:
    tokens = state.tokens
    columns = 0
    row_start = first_token
    for index in range(first_token, len(tokens)):
        token = tokens[index]
        if token.type == "th_open":
            columns += 1
        elif token.type == "tr_open":
            row_start = index
        elif token.type == "tr_close":
            row = tokens[row_start]
            cells = _cells(getLine(state, row.map[0])) if row.map else []
            if len(cells) > columns:
                kept = _cells_outside_code(getLine(state, row.map[0])) if row.map else []
                if len(kept) != columns:
                    kept = [*cells[: columns - 1], " | ".join(cells[columns - 1 :])]
                inlines = (token for token in tokens[row_start:index] if token.type == "inline")
                for inline, content in zip(inlines, kept, strict=False):
                    inline.content = content


def _cells(line: str) -> list[str]:
    cells = escapedSplit(line.strip())
    if cells and not cells[0]:
        del cells[0]
    if cells and not cells[-1]:
        del cells[-1]
    return [cell.strip() for cell in cells]


def _cells_outside_code(line: str) -> list[str]:
    """Cells as the author meant them: GFM splits at the bar in `int | None` even though it is code."""
    if len(line) > _LONGEST_ROW:
        return _cells(line)
    masked = _CODE_SPAN.sub(lambda span: span[0].replace("\\|", "|").replace("|", "\0"), line)
    return [cell.replace("\0", "|") for cell in _cells(masked)]


def _verbatim(state: StateBlock, start_line: int, end_line: int, *, info: str = "") -> None:
    token = state.push("verbatim", "", 0)
    token.info = info
    token.content = state.getLines(start_line, end_line, state.blkIndent, False)
    token.map = [start_line, end_line]
    state.line = end_line
