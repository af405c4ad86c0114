"""Rich messages (Bot API 10.1) as HTML of our own: known tags alone, everything else as the text that it is."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser

#: The tags that are drawn, and what each becomes.
_TAGS = {
    **{tag: tag for tag in ("p", "b", "i", "u", "s", "code", "pre", "ul", "ol", "li", "table", "tr", "th", "td")},
    **{tag: tag for tag in ("h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "details", "summary", "a")},
    "tg-math": "i",
    "tg-math-block": "em",
    "tg-spoiler": "s",
}
_VOID = frozenset({"br", "hr", "input"})
_KEPT = frozenset({"href", "align", "value", "type", "checked", "open"})


def drawn(html: str) -> str:
    """The message as well-formed XHTML."""
    writer = _Writer()
    writer.feed(html)
    writer.close()
    return writer.written()


class _Writer(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._open: list[str] = []

    def written(self) -> str:
        while self._open:
            self._pieces.append(f"</{self._open.pop()}>")
        return "".join(self._pieces)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kept = {name: name if value is None else value for name, value in attrs if name in _KEPT}
        if tag == "code":
            language = next((value for name, value in attrs if name == "class" and value), "")
            kept |= {"data-language": language.removeprefix("language-")} if language else {}
        written = "".join(f' {name}="{escape(value)}"' for name, value in kept.items())
        if tag in _VOID:
            self._pieces.append(f"<{tag}{written} />")
        elif tag in _TAGS:
            self._open.append(_TAGS[tag])
            self._pieces.append(f"<{_TAGS[tag]}{written}>")
        else:
            self._pieces.append(escape(self.get_starttag_text() or ""))

    def handle_endtag(self, tag: str) -> None:
        name = _TAGS.get(tag)
        if name not in self._open:
            return
        closed = ""
        while closed != name:  # and with it what was left open inside
            closed = self._open.pop()
            self._pieces.append(f"</{closed}>")

    def handle_data(self, data: str) -> None:
        self._pieces.append(escape(data))
