"""What Markdown costs: ms per 10 KB, over markdown-it-py's parse alone, and for one update of a text as it grows."""

import time
from collections.abc import Callable
from pathlib import Path

from markdown_it import MarkdownIt

from codex_gateway.telegram.markup import render, render_parts, render_tail, rich_parts, split

_ANSWERS = Path(__file__).parents[1] / "tests/telegram/markup/corpus/answers"
_ROUNDS = 15
#: What a draft shows of the words.
_TAIL = 600


def main() -> None:
    answer = "\n\n".join(path.read_text("utf-8") for path in sorted(_ANSWERS.glob("*.md")))
    text = "\n\n".join([answer] * (60_000 // len(answer)))
    units = len(text.encode()) / 10_000
    alone = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    message = render(text)

    print(f"an agent's answers, {len(text.encode()):,} bytes, best of {_ROUNDS}, interleaved")
    cases: dict[str, Callable[[], object]] = {
        "markdown-it-py parse": lambda: alone.parse(text),
        "render": lambda: render(text),
        "split": lambda: split(message, 3500),
        "render_parts": lambda: render_parts(text),
        "rich_parts": lambda: rich_parts(text),
    }
    best = {name: min(times) / units for name, times in _measure(cases).items()}
    base = best["markdown-it-py parse"]
    for name, cost_ms in best.items():
        print(f"  {name:22} {cost_ms:7.2f} ms per 10 KB   {cost_ms / base:5.2f} x parse")
    _updates(text)


def _updates(text: str) -> None:
    """What one update costs when so much has been written: the draft shows the end, and only that is rendered."""
    print(f"one update of a text that is being written, its last {_TAIL} characters, best of {_ROUNDS}")
    lengths = (1_000, 10_000, len(text))
    cases: dict[str, Callable[[], object]] = {}
    for length in lengths:
        cases[f"the end of {length:,}"] = lambda written=text[:length]: render_tail(written, _TAIL)
        cases[f"the whole of {length:,}"] = lambda written=text[:length]: render(written)
    for name, times in _measure(cases).items():
        print(f"  {name:22} {min(times):7.2f} ms")


def _measure(cases: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Milliseconds of each round; the cases take turns, so that a busy machine slows all of them."""
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(_ROUNDS):
        for name, case in cases.items():
            start = time.perf_counter()
            case()
            times[name].append((time.perf_counter() - start) * 1000)
    return times


if __name__ == "__main__":
    main()
