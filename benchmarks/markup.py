"""What Markdown costs: ms per 10 KB for rendering and splitting, and over markdown-it-py's parse alone."""

import time
from collections.abc import Callable
from pathlib import Path

from markdown_it import MarkdownIt

from codex_gateway.telegram.markup import render, render_parts, split

_ANSWERS = Path(__file__).parents[1] / "tests/telegram/markup/corpus/answers"
_ROUNDS = 15


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
    }
    best = {name: min(times) / units for name, times in _measure(cases).items()}
    base = best["markdown-it-py parse"]
    for name, cost_ms in best.items():
        print(f"  {name:22} {cost_ms:7.2f} ms per 10 KB   {cost_ms / base:5.2f} x parse")


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
