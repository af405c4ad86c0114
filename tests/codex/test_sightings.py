"""What can be seen of the turns in a session file, whoever asked for them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from codex.session_lines import SessionLines
from codex_gateway.codex.reading.follow import Line
from codex_gateway.codex.reading.sightings import Sightings
from codex_gateway.core.event import Message, Phase
from codex_gateway.core.outcome import Answered, Failed, FailureKind
from codex_gateway.core.sighting import Asked, BrokenOff, Interrupted, Sighting, TurnMark, TurnOver

SAMPLES = Path(__file__).parent / "samples" / "rollouts"
BOTH = pytest.mark.parametrize("lines", [SessionLines(), SessionLines(paginated=False)], ids=["paginated", "legacy"])


def seen(content: bytes, *, begin: int = 0) -> list[Sighting]:
    """What is seen from the offset `begin` on."""
    fold, at, told = Sightings(), 0, []
    for whole in content.splitlines(keepends=True):
        if at >= begin:
            told += fold.read(Line(whole.rstrip(b"\n"), at + len(whole)), starts_at=at)
        at += len(whole)
    return told


def facts(content: bytes, *, begin: int = 0) -> list[tuple[str | None, object]]:
    return [(sighting.turn.turn_id, sighting.fact) for sighting in seen(content, begin=begin)]


def commentary(text: str) -> Message:
    return Message(text, Phase.COMMENTARY)


def final(text: str) -> Message:
    return Message(text, Phase.FINAL_ANSWER)


def answered(text: str) -> TurnOver:
    return TurnOver(Answered(text))


@BOTH
def test_turns_one_after_another(lines: SessionLines) -> None:
    content = lines.turn("a", "one", "1", says=["hm"]) + lines.turn("b", "two", "2")
    assert facts(content) == [
        ("a", Asked("one")),
        ("a", commentary("hm")),
        ("a", final("1")),
        ("a", answered("1")),
        ("b", Asked("two")),
        ("b", final("2")),
        ("b", answered("2")),
    ]


@BOTH
def test_a_turn_is_marked_by_its_id_and_by_where_and_when_it_began(lines: SessionLines) -> None:
    head = lines.turn("a", "one", "1")
    began = lines.began("b")
    sighting = seen(head + began + lines.asked("b", "two"))[-1]
    assert sighting.turn == TurnMark("b", len(head) + len(began), 1795181044.158)


@BOTH
def test_reading_resumes_where_the_open_turn_begins(lines: SessionLines) -> None:
    first = lines.turn("a", "one", "1")
    content = first + lines.began("b") + lines.asked("b", "two")
    told = seen(content)
    assert (told[-2].fact, told[-2].resume_bytes) == (answered("1"), len(first))
    assert (told[-1].fact, told[-1].resume_bytes) == (Asked("two"), len(first))
    assert seen(content, begin=len(first)) == told[-1:]


def test_a_turn_whose_beginning_stands_behind_a_torn_line_is_seen() -> None:
    """As 0.140 writes it after a crash."""
    lines = SessionLines(paginated=False)
    torn = lines.returned("a", "a long output")[:-20]
    before, after = lines.turn("0", "one", "1"), lines.turn("b", "two", "2")
    assert facts(before + torn + after) == facts(before + after)
    assert facts(before + torn + after)[-1] == ("b", answered("2"))


def test_of_a_prompt_that_is_too_long_its_beginning_is_seen() -> None:
    lines = SessionLines()
    whole = lines.asked("a", "look at this" + "x" * 1000).rstrip()
    began = lines.began("a")
    fold = Sightings()
    fold.read(Line(began, 100), starts_at=0)
    [sighting] = fold.read(Line(whole[:300], 5_000_000, whole[-100:]), starts_at=100)
    assert isinstance(sighting.fact, Asked)
    assert sighting.fact.text.startswith("look at this")


def test_turns_that_never_end_are_not_remembered_for_ever() -> None:
    lines, fold = SessionLines(paginated=False), Sightings()
    for number in range(10_000):
        fold.read(Line(lines.began(f"turn {number}"), number + 1), starts_at=number)
    assert len(fold._turns) < 100
    [sighting] = fold.read(Line(lines.ended("turn 9999", "yes"), 10_001), starts_at=10_000)
    assert sighting.fact == answered("yes")


@BOTH
def test_what_a_person_adds_to_a_running_turn_is_seen(lines: SessionLines) -> None:
    content = lines.began("a") + lines.asked("a", "one") + lines.said("a", "hm") + lines.asked("a", "and two")
    assert [fact for _, fact in facts(content)] == [Asked("one"), commentary("hm"), Asked("and two")]


@BOTH
def test_how_turns_end(lines: SessionLines) -> None:
    error = {"message": "You've hit your usage limit.", "codex_error_info": "usage_limit_exceeded"}
    content = b"".join(
        [
            *(lines.began("a"), lines.asked("a", "x"), lines.ended("a", None, error=error)),
            *(lines.began("b"), lines.asked("b", "y"), lines.aborted("b")),
            *(lines.began("c"), lines.asked("c", "z"), lines.ended("c", None)),
        ]
    )
    assert [fact.ending for _, fact in facts(content) if isinstance(fact, TurnOver)] == [
        Failed(FailureKind.QUOTA, "You've hit your usage limit."),
        Interrupted(),
        Answered(""),
    ]


def test_a_turn_that_another_overtakes_broke_off_where_one_writer_is_sure() -> None:
    lines = SessionLines()
    content = lines.began("a") + lines.asked("a", "one") + lines.turn("b", "two", "2")
    assert facts(content)[:3] == [("a", Asked("one")), ("a", TurnOver(BrokenOff())), ("b", Asked("two"))]


def test_an_end_that_comes_late_is_still_told() -> None:
    lines = SessionLines()
    content = lines.began("a") + lines.asked("a", "one") + lines.turn("b", "two", "2") + lines.ended("a", "1")
    assert facts(content)[-1] == ("a", answered("1"))


def test_two_writers_of_an_old_codex_do_not_get_each_others_words() -> None:
    old = SessionLines(paginated=False)
    content = b"".join(
        [
            *(old.began("a"), old.asked("a", "A"), old.said("a", "from A")),
            *(old.began("b"), old.asked("b", "B"), old.said("b", "whose?")),
            *(old.ended("b", "B done"), old.ended("a", "A done")),
        ]
    )
    assert facts(content) == [
        ("a", Asked("A")),
        ("a", commentary("from A")),
        ("b", Asked("B")),
        ("b", answered("B done")),
        ("a", answered("A done")),
    ]


def test_a_turn_killed_in_an_old_codex_costs_only_the_next_ones_commentary() -> None:
    old = SessionLines(paginated=False)
    content = old.began("a") + old.asked("a", "A") + old.turn("b", "B", "2", says=["hm"])
    content += old.turn("c", "C", "3", says=["hm"])
    assert [fact for turn, fact in facts(content) if turn == "b"] == [Asked("B"), answered("2")]
    assert [fact for turn, fact in facts(content) if turn == "c"] == [
        Asked("C"),
        commentary("hm"),
        final("3"),
        answered("3"),
    ]


@BOTH
def test_of_a_turn_that_began_before_only_the_end_is_told(lines: SessionLines) -> None:
    begun = lines.began("a") + lines.asked("a", "one")
    content = begun + lines.said("a", "hm") + lines.ended("a", "1") + lines.turn("b", "two", "2")
    assert facts(content, begin=len(begun))[:2] == [("a", answered("1")), ("b", Asked("two"))]


@BOTH
def test_a_message_of_a_stream_that_broke_off_is_told_once(lines: SessionLines) -> None:
    content = b"".join(
        [
            *(lines.began("a"), lines.asked("a", "x"), lines.said("a", "hm"), lines.said("a", "hm")),
            *(lines.called("a"), lines.returned("a", "out"), lines.said("a", "hm")),
        ]
    )
    assert [fact for _, fact in facts(content)] == [Asked("x"), commentary("hm"), commentary("hm")]


@BOTH
def test_a_line_torn_by_a_crash_hides_nothing_but_itself(lines: SessionLines) -> None:
    torn = lines.said("a", "never whole")[:60] + b"\n"
    content = lines.began("a") + lines.asked("a", "one") + torn + lines.turn("b", "two", "2") + b"\xff\xfe\n\n{}\n"
    kept = [fact for _, fact in facts(content) if fact not in (TurnOver(BrokenOff()),)]
    assert kept[:2] == [Asked("one"), Asked("two")]
    assert kept[-1] == answered("2")


@BOTH
def test_a_turn_whose_beginning_was_torn_is_told_all_the_same(lines: SessionLines) -> None:
    content = lines.began("a")[:30] + b"\n" + lines.asked("a", "one") + lines.said("a", "hm") + lines.ended("a", "1")
    assert [fact for _, fact in facts(content)][:2] == [Asked("one"), commentary("hm")]


def test_files_that_name_no_turns_tell_prompts_and_messages() -> None:
    told = seen((SAMPLES / "v0.80.0-tools-errors-compact.jsonl").read_bytes())
    assert {sighting.turn.turn_id for sighting in told} == {None}
    assert [fact.text for fact in (sighting.fact for sighting in told[:5]) if not isinstance(fact, TurnOver)] == [
        "old\n@reason **Think**\n@comment note\n"
        '@tool shell_command {"command":"echo hi"}\n@patch old.txt x\n@say final',
        "note",
        "final",
        "resumed",
        "echo: resumed",
    ]
    assert len({sighting.turn for sighting in told}) == sum(isinstance(sighting.fact, Asked) for sighting in told)


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("tools-classic-then-resume.jsonl", ["All done: hello.txt written.", "final text"]),
        ("tools-code-mode-gpt6.jsonl", ["finished code mode"]),
        ("v0.140.0-legacy.jsonl", ["final", "B done", "A done", "echo: again"]),
        ("sigint-in-tool-then-resume.jsonl", ["echo: are you there?"]),
    ],
)
def test_the_answers_in_real_files(name: str, answers: list[str]) -> None:
    ends = [fact.ending for _, fact in facts((SAMPLES / name).read_bytes()) if isinstance(fact, TurnOver)]
    assert [end.text for end in ends if isinstance(end, Answered)] == answers


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_what_is_passed_over_undecoded_would_have_told_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = (SAMPLES / name).read_bytes()
    told = seen(content)
    monkeypatch.setattr("codex_gateway.codex.reading.sightings._DULL", re.compile(b"(?!)"))
    assert seen(content) == told


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_whoever_stops_after_any_sighting_goes_on_with_the_next(name: str) -> None:
    content = (SAMPLES / name).read_bytes()
    told = seen(content)
    for number, last in enumerate(told, start=1):
        again = seen(content, begin=last.resume_bytes)
        rest = [(it.turn.turn_id, it.fact) for it in again if it.offset_bytes > last.offset_bytes]
        assert rest == [(it.turn.turn_id, it.fact) for it in told[number:]]
