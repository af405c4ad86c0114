"""One message of any length to parts that Telegram takes, cut where a reader minds least."""

from bisect import bisect_right

from codex_gateway.telegram.markup.characters import cluster_boundary
from codex_gateway.telegram.markup.entities import Formatted, Span, Utf16Ruler, formatted, is_blank, spans_of

#: Telegram ignores what comes after (Bot API 10.3, limits on formatted text).
MOST_ENTITIES = 100
#: Below this, a character with its marks might not fit.
SMALLEST_LIMIT = 16

_SENTENCE_ENDS = "。！？；…\n"


def split_message(message: Formatted, limit: int) -> list[Formatted]:
    """Parts of at most `limit` UTF-16 units and MOST_ENTITIES entities, each with something to see.

    Put together they are the message; only blank space at a cut is gone, and inside of a code block only the line
    end there. Raises ValueError for a limit under SMALLEST_LIMIT.
    """
    if limit < SMALLEST_LIMIT:
        raise ValueError(f"limit is {limit}; parts need at least {SMALLEST_LIMIT} units")
    return _Splitter(message, limit).parts()


class _Splitter:
    def __init__(self, message: Formatted, limit: int) -> None:
        self._text = message.text
        self._limit = limit
        self._spans = spans_of(message)
        self._blocks = [span for span in self._spans if span.type == "pre"]
        self._block_starts = [block.start for block in self._blocks]
        self._ruler = Utf16Ruler(message.text)
        self._next_span = 0  # the first span that starts at or after the current part's start
        self._open_spans: list[Span] = []  # spans from before that reach into the current part

    def parts(self) -> list[Formatted]:
        parts = []
        start, end = 0, len(self._text)
        while (start := self._skip_blank(start)) < end:
            self._advance(start)
            furthest = self._furthest(start)
            cut = end if furthest == end else self._cut(start, furthest)
            part = self._part(start, cut)
            if not is_blank(part.text):
                parts.append(part)
            start = cut
            if self._text[cut : cut + 1] == "\n" and self._block_around(cut):
                start += 1
        return parts

    def _skip_blank(self, start: int) -> int:
        """Blank space before a part is dropped, but not a code block's own."""
        end = len(self._text)
        while start < end and self._text[start].isspace() and not self._block_at(start):
            start += 1
        return start

    def _advance(self, start: int) -> None:
        self._open_spans = [span for span in self._open_spans if span.end > start]
        while self._next_span < len(self._spans) and self._spans[self._next_span].start < start:
            span = self._spans[self._next_span]
            if span.end > start:
                self._open_spans.append(span)
            self._next_span += 1

    def _furthest(self, start: int) -> int:
        """Where a part from `start` must end at the latest."""
        furthest = self._ruler.index(self._ruler.offset(start) + self._limit)
        over = self._next_span + max(MOST_ENTITIES - len(self._open_spans), 1)
        if over < len(self._spans):
            furthest = min(furthest, max(self._spans[over].start, start + 1))
        return furthest

    def _cut(self, start: int, furthest: int) -> int:
        """The best place in (start, furthest] to end the part."""
        block = self._block_around(furthest)
        if block is None:
            return self._cut_prose(start, furthest)
        fits_next = self._ruler.offset(block.end) - self._ruler.offset(block.start) <= self._limit
        mostly_full = block.start - start > (furthest - start) * 2 // 3
        if block.start > start and (fits_next or mostly_full) and self._text[start : block.start].strip():
            return block.start
        line_end = self._text.rfind("\n", max(start, block.start) + 1, furthest + 1)
        if line_end > start:
            return line_end
        if block.start > start and self._text[start : block.start].strip():
            return block.start
        return cluster_boundary(self._text, furthest, start)

    def _cut_prose(self, start: int, furthest: int) -> int:
        text = self._text
        third, half = start + (furthest - start) // 3, start + (furthest - start) // 2
        for mark, low in (("\n\n", third), ("\n", third), ("\n\n", start), ("\n", start)):
            cut = self._last_outside_code(mark, low, furthest)
            if cut > start and text[start:cut].strip():
                return cut
        # Text without spaces has sentences all the same.
        sentence = max(text.rfind(mark, half, furthest) for mark in _SENTENCE_ENDS) + 1
        word = max(text.rfind(mark, start + 1, furthest + 1) for mark in (" ", "\t", "\u3000"))
        if word < half < sentence and not self._block_around(sentence):
            return sentence
        if word > start and text[start:word].strip() and not self._block_around(word):
            return word
        return cluster_boundary(text, furthest, start)

    def _last_outside_code(self, mark: str, low: int, high: int) -> int:
        """The last `mark` that starts in (low, high] outside of code blocks, or -1."""
        while (cut := self._text.rfind(mark, low + 1, high + len(mark))) >= 0:
            block = self._block_around(cut)
            if block is None:
                return cut
            high = block.start
            if high <= low:
                break
        return -1

    def _block_at(self, index: int) -> Span | None:
        """The code block whose character stands at `index`."""
        nearest = bisect_right(self._block_starts, index) - 1
        if nearest >= 0 and index < self._blocks[nearest].end:
            return self._blocks[nearest]
        return None

    def _block_around(self, cut: int) -> Span | None:
        """The code block that a cut before `cut` would divide."""
        block = self._block_at(cut)
        return block if block and block.start < cut else None

    def _part(self, start: int, end: int) -> Formatted:
        inside = list(self._open_spans)
        for index in range(self._next_span, len(self._spans)):
            if self._spans[index].start >= end:
                break
            inside.append(self._spans[index])
        cut = [
            Span(kind, max(low, start) - start, min(high, end) - start, language, url)
            for kind, low, high, language, url in inside
        ]
        return formatted(self._text[start:end], cut[:MOST_ENTITIES])
