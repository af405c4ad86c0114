"""The canvas of a rich message: what is laid down becomes Telegram's rich HTML (Bot API 10.3, "Rich HTML style")."""

from __future__ import annotations

import re
from html import escape

from codex_gateway.telegram.markup.links import Target, safe_url, target_kind

_TAGS = {"bold": "b", "italic": "i", "strikethrough": "s", "text_link": "a"}
_BARE_ADDRESS = re.compile(r"https?://[^\s<>\"'`|\\]+", re.IGNORECASE)
_NOT_LAST = ".,;:!?*_~)]}"
_SIGNS_AROUND = re.compile(r"\A\$\$?|\$\$?\Z|\A\\[(\[]|\\[)\]]\Z")


class HtmlCanvas:
    """Takes what `Canvas` takes of an inline writer; nothing in the text can become a tag."""

    __slots__ = ("_open", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._open: list[str] = []

    @property
    def html(self) -> str:
        return "".join(self._pieces)

    @property
    def depth(self) -> int:
        """How much inline formatting is open."""
        return len(self._open)

    def write(self, text: str) -> None:
        """Text, in which bare addresses are links: the server is not asked to look for any."""
        if self.is_open("text_link"):
            self._text(text)
            return
        end = 0
        for found in _BARE_ADDRESS.finditer(text):
            address = found[0].rstrip(_NOT_LAST)
            if target_kind(address) is Target.WEB:
                self._text(text[end : found.start()])
                self._pieces.append(f'<a href="{escape(safe_url(address))}">{escape(address, quote=False)}</a>')
                end = found.start() + len(address)
        self._text(text[end:])

    def open(self, kind: str, *, url: str | None = None) -> None:
        self._open.append(kind)
        self._pieces.append(f'<a href="{escape(url)}">' if url is not None else f"<{_TAGS[kind]}>")

    def close(self) -> None:
        """End what was opened last."""
        self._pieces.append(f"</{_TAGS[self._open.pop()]}>")

    def is_open(self, kind: str) -> bool:
        return kind in self._open

    def literal(self, kind: str, text: str, *, language: str | None = None) -> None:  # noqa: ARG002 - as Canvas
        self._pieces.append(f"<code>{escape(text, quote=False)}</code>")

    def formula(self, source: str) -> None:
        self._pieces.append(f"<tg-math>{escape(bare_formula(source), quote=False)}</tg-math>")

    def _text(self, text: str) -> None:
        self._pieces.append(escape(text, quote=False).replace("\n", "<br>"))


def bare_formula(source: str) -> str:
    """LaTeX without the signs around it."""
    return _SIGNS_AROUND.sub("", source.strip()).strip()
