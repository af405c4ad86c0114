"""How long to wait before trying again."""

from __future__ import annotations

from codex_gateway.core.retry import Backoff


def test_waits_double_up_to_the_cap_and_begin_anew() -> None:
    backoff = Backoff(first_s=1, cap_s=10)
    for longest in (1, 2, 4, 8, 10, 10):
        assert longest * 0.75 <= backoff.next_s() <= longest
    backoff.reset()
    assert backoff.next_s() <= 1


def test_many_failures_do_not_overflow() -> None:
    assert Backoff(first_s=1, cap_s=60, failures=100_000).next_s() <= 60
