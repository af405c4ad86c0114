"""Names of files that Telegram's apps would take for web addresses: they become code, which nothing links."""

from __future__ import annotations

import re
from collections.abc import Iterable

from codex_gateway.telegram.markup.entities import QUOTES, Span

# Endings that are both: Moldova and Markdown, Paraguay and Python, Serbia and Rust (tdlib's find_urls knows them all).
_ENDINGS = "py|md|rs|sh|pl|pm|cc|so|ml|mk|mm|mo|ps|pub|tf|am|zip|map|mov|properties"
# Directories that look like commands of a bot when nothing follows them.
_ROOTS = "tmp|etc|usr|var|home|srv|opt|root|dev|proc|sys|mnt|lib|bin|app|data|workspace"
_NAME = re.compile(
    rf"(?<![\w.@/:~\\+-])[\w./~+-]*\w\.(?:{_ENDINGS})(?![\w/@\\]|[.-]\w)(?::\d+(?:[:-]\d+)?)?"
    rf"|(?<![\w/<>@.~])/(?:{_ROOTS})(?![\w/<>@])",
    re.ASCII | re.IGNORECASE,
)
_OWN_ENDING = re.compile(rf"\.(?:{_ENDINGS})\Z", re.IGNORECASE)
#: Sites that people name without their scheme.
_SITES = frozenset({"docs.rs", "brew.sh", "bun.sh", "astral.sh", "ntfy.sh"})
_HOLD_NO_CODE = frozenset({"code", "pre", "text_link"})


def names_as_code(text: str, spans: Iterable[Span]) -> list[Span]:
    """The spans, and code over each such name that is not in code or a link yet; other formatting ends around it.

    The text stays as it is. Quotes hold code: tdlib lets nothing else hold it (MessageEntity.cpp, are_entities_valid).
    """
    spans = list(spans)
    names = [match.span() for match in _NAME.finditer(text) if _is_file(match[0])] if _may_hold(text) else []
    taken = [span for span in spans if span.type in _HOLD_NO_CODE]
    names = [name for name in names if not any(span.start < name[1] and name[0] < span.end for span in taken)]
    if not names:
        return spans
    kept = [piece for span in spans for piece in _around(span, names)]
    return [*kept, *(Span("code", start, end) for start, end in names)]


def _may_hold(text: str) -> bool:
    return "." in text or "/" in text


def _is_file(name: str) -> bool:
    """Not an address without its scheme: `docs.rs`, `example.org/README.md`."""
    host, slash, _rest = name.lower().partition("/")
    if not slash:
        return host not in _SITES and not host.startswith("www.")
    return "." not in host.strip(".~") or host.startswith(".") or _OWN_ENDING.search(host) is not None


def _around(span: Span, names: list[tuple[int, int]]) -> list[Span]:
    """What is left of the span beside the names."""
    if span.type in _HOLD_NO_CODE or span.type in QUOTES:
        return [span]
    pieces, start = [], span.start
    for low, high in names:
        if low < span.end and span.start < high:
            pieces.append(span._replace(start=start, end=max(start, low)))
            start = high
    pieces.append(span._replace(start=start, end=max(start, span.end)))
    return [piece for piece in pieces if piece.start < piece.end]
