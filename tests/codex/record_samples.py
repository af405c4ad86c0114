"""Records what the real Codex CLI writes: a session of each version, and two that were handed on to a later one.

`python tests/codex/record_samples.py [--told]`

Writes `samples/versions/<version>.jsonl`, the session file without what is of no interest or belongs to a machine, and
for every sample a golden file in `samples/told`: what we make of it. With `--told` the golden files
alone are made anew. Look at the difference before you commit it.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from codex.tellings import SAMPLES, golden_of, session_samples, telling
from support.real_codex import CURRENT, LEGACY, NAMING_ERRORS, UNMARKED, codex_versions, real_codex, require_codex

LIMIT_S = 60.0
#: One turn each; the one that never ends is interrupted.
PROMPTS = (
    "@reason **Plan**\n@comment I look around.\n@sh echo hi; exit 3\n@patch made.txt content\n@say Made it.",
    "@par echo one || echo two\n@comment Both are there.\n@sh printf 'a\\nb\\n'\n@say Here.",
    "@comment note\n@status 500",
    "@compact\n@sh echo hi\n@say after it",
    "@comment note\n@sh sleep 1000",
    "@say\n@sh true",
)
#: Who writes the turns of each session, in order; the last one writes the rest.
SESSIONS: dict[str, tuple[str, ...]] = {
    **{version: (version,) for version in codex_versions()},
    f"{LEGACY}-then-{CURRENT}": (LEGACY, CURRENT),
    f"{UNMARKED}-then-{NAMING_ERRORS}": (UNMARKED, NAMING_ERRORS),
}


async def main() -> None:
    for name, versions in SESSIONS.items() if "--told" not in sys.argv else ():
        with tempfile.TemporaryDirectory(dir=Path.home()) as folder:
            lines = await _recorded(versions, Path(folder))
        (SAMPLES / "versions" / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    for sample in session_samples():
        golden_of(sample).write_text(telling(sample), encoding="utf-8")


async def _recorded(versions: tuple[str, ...], folder: Path) -> list[str]:
    workdir = folder / "work"
    workdir.mkdir()
    async with real_codex(folder, version=versions[0]) as real:
        for number, prompt in enumerate(PROMPTS):
            words = ["exec", "--json", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"]
            words += ["resume", "--last"] if number else []
            process = await asyncio.create_subprocess_exec(
                require_codex(versions[min(number, len(versions) - 1)]),
                *words,
                prompt,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                cwd=workdir,
                env=real.environment,
                limit=1 << 24,
            )
            assert process.stdout is not None
            async with asyncio.timeout(LIMIT_S):
                while line := await process.stdout.readline():
                    if b"item.started" in line and b"sleep 1000" in line:
                        process.send_signal(signal.SIGINT)
                await process.wait()
        [path] = real.home.glob("sessions/**/*.jsonl")
        text = path.read_text("utf-8").replace(str(folder), "/home/dev").replace(str(Path.home()), "/home/dev")
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:4242", text)
    return [
        json.dumps(_trimmed(json.loads(line)), ensure_ascii=False, separators=(",", ":")) + "\n"
        for line in text.splitlines()
    ]


def _trimmed(value: Any) -> Any:
    match value:
        case dict():
            return {key: _trimmed(inner) for key, inner in value.items()}
        case list():
            return [_trimmed(inner) for inner in value]
        case str() if len(value) > 300:
            return value[:60] + "…"
        case _:
            return value


if __name__ == "__main__":
    asyncio.run(main())
