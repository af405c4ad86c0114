"""What a thread had cost before a turn, from real session files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codex_gateway.codex.reading.spent import spent_before
from codex_gateway.core.event import Tokens

SAMPLES = Path(__file__).parent / "samples" / "rollouts"


def counts(path: Path) -> list[tuple[int, Tokens]]:
    """Where each count in a file ends, in bytes, and what it says; read in a way of its own."""
    found, end = [], 0
    for line in path.read_bytes().splitlines(keepends=True):
        end += len(line)
        payload = json.loads(line).get("payload", {})
        if payload.get("type") == "token_count" and payload["info"]:
            total = payload["info"]["total_token_usage"]
            names = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")
            found.append((end, Tokens(*(total[name] for name in names))))
    return found


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.jsonl")), ids=lambda path: path.stem)
def test_the_last_count_before_the_offset_is_it(path: Path) -> None:
    expected = Tokens()
    for end, total in counts(path):
        assert spent_before(path, end - 2) == expected, "a line that is not whole yet says nothing"
        assert spent_before(path, end) == total
        expected = total
    assert spent_before(path, path.stat().st_size) == expected


def test_an_empty_file_or_none_at_all(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert spent_before(tmp_path / "empty", 0) == Tokens()
    assert spent_before(tmp_path / "none", 0) is None


def test_what_only_looks_like_a_count_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "session"
    sample = (SAMPLES / "tools-code-mode-gpt6.jsonl").read_bytes()
    torn = b'{"timestamp": "x", "type": "event_msg", "payload": {"type": "token_count", "info": {"total\n'
    quoted = json.dumps({"type": "response_item", "payload": {"type": "message", "text": '"token_count"'}}).encode()
    path.write_bytes(sample + torn + quoted + b"\n")
    assert spent_before(path, path.stat().st_size) == counts(SAMPLES / "tools-code-mode-gpt6.jsonl")[-1][1]


def test_a_count_too_far_back_is_not_looked_for(tmp_path: Path) -> None:
    path = tmp_path / "session"
    path.write_bytes((SAMPLES / "tools-code-mode-gpt6.jsonl").read_bytes() + b"x" * (2 << 20) + b"\n")
    assert spent_before(path, path.stat().st_size) is None
