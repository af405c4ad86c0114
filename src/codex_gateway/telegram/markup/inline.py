"""One run of inline tokens (a paragraph, a heading, a table cell) laid onto a canvas."""

from collections.abc import Sequence

from markdown_it.token import Token

from codex_gateway.telegram.markup.canvas import Canvas
from codex_gateway.telegram.markup.html_canvas import HtmlCanvas
from codex_gateway.telegram.markup.links import Target, file_name, safe_url, target_kind

_OPENERS = {"strong_open": "bold", "em_open": "italic", "s_open": "strikethrough"}
_CLOSERS = frozenset({"strong_close", "em_close", "s_close"})


class InlineWriter:
    """Writes inline tokens; `newline` starts a new line at the current indentation."""

    __slots__ = ("_canvas", "_links", "_newline")

    def __init__(self, canvas: Canvas | HtmlCanvas, *, newline: str = "\n") -> None:
        self._canvas = canvas
        self._newline = newline
        # What follows the label of each open link: its target (None for one that can be opened), and its title.
        self._links: list[tuple[str | None, str]] = []

    def write(self, tokens: Sequence[Token]) -> None:
        canvas = self._canvas
        index, end = 0, len(tokens)
        while index < end:
            token = tokens[index]
            kind = token.type
            if kind == "text":
                self._text(token.content)
            elif kind in _OPENERS:
                canvas.open(_OPENERS[kind])
            elif kind in _CLOSERS:
                canvas.close()
            elif kind == "code_inline":
                self._code(token.content, markup=token.markup)
            elif kind in ("softbreak", "hardbreak"):
                canvas.write(self._newline)
            elif kind == "link_open":
                index = self._open_link(tokens, index)
            elif kind == "link_close":
                self._close_link()
            elif kind == "image":
                self._image(token)
            elif kind == "math":
                canvas.formula(token.content)
            else:
                self._text(token.content)
            index += 1

    def _text(self, text: str) -> None:
        self._canvas.write(text.replace("\n", self._newline) if "\n" in text else text)

    def _code(self, code: str, *, markup: str = "`") -> None:
        if self._canvas.is_open("text_link"):
            self._text(code)
        elif not code.strip():
            self._text(f"{markup}{code}{markup}")
        else:
            self._canvas.literal("code", code)

    def _open_link(self, tokens: Sequence[Token], index: int) -> int:
        """Begin a link; for one that is wholly shown at once, return the index of its end."""
        end = next(at for at in range(index, len(tokens)) if tokens[at].type == "link_close")
        target = str(tokens[index].attrs.get("href", ""))
        title = str(tokens[index].attrs.get("title", ""))
        label = plain_text(tokens[index + 1 : end])
        tail = f" ({title})" if title and title != label else ""
        if not label.strip():
            self._shown_target(target)
            self._text(tail)
            return end
        match target_kind(target):
            case Target.WEB:
                self._canvas.open("text_link", url=safe_url(target))
                self._links.append((None, tail))
                return index
            case Target.FILE:
                shown = file_name(label, target)
                if shown is not None:
                    self._code(shown)
                    self._text(tail)
                    return end
            case Target.OTHER:
                if label == target or f"mailto:{label}" == target:
                    self._text(label)
                    self._text(tail)
                    return end
        self._links.append((target, tail))
        return index

    def _close_link(self) -> None:
        target, tail = self._links.pop()
        if target is None:
            self._canvas.close()
        else:
            self._text(" (")
            self._shown_target(target)
            self._text(")")
        self._text(tail)

    def _shown_target(self, target: str) -> None:
        match target_kind(target):
            case Target.FILE:
                self._code(target)
            case Target.WEB | Target.OTHER:
                self._text(target)  # Telegram makes a bare address clickable by itself

    def _image(self, token: Token) -> None:
        target = str(token.attrs.get("src", ""))
        title = str(token.attrs.get("title", ""))
        label = plain_text(token.children or [])
        if not target:
            self._text(f"![{label}]()")
        elif not label.strip():
            self._shown_target(target)
        elif target_kind(target) is not Target.WEB:
            self._text(f"{label} (")
            self._shown_target(target)
            self._text(")")
        elif self._canvas.is_open("text_link"):
            self._text(label)  # a badge: the link around it is what matters
        else:
            self._canvas.open("text_link", url=safe_url(target))
            self._text(label)
            self._canvas.close()
        if title and title != label:
            self._text(f" ({title})")


def plain_text(tokens: Sequence[Token]) -> str:
    """What is read of the tokens when nothing can be formatted; line breaks become spaces."""
    pieces = []
    for token in tokens:
        if token.type in ("softbreak", "hardbreak"):
            pieces.append(" ")
        elif token.type == "image":
            pieces.append(plain_text(token.children or []) or str(token.attrs.get("src", "")))
        else:
            pieces.append(token.content)
    return "".join(pieces)
