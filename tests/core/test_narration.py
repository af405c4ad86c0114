"""What is commentary and what is the answer."""

from __future__ import annotations

from codex_gateway.core import event as ev
from codex_gateway.core.narration import Narration


def say(text: str, phase: ev.Phase = ev.Phase.COMMENTARY) -> ev.Message:
    return ev.Message(text, phase)


def heard(*events: ev.Event, said_to_bytes: int = 0) -> Narration:
    narration = Narration(said_to_bytes=said_to_bytes)
    for number, event in enumerate(events, start=1):
        narration.hear(event, number * 10)
    return narration


def test_commentary_is_collected_in_order_until_taken() -> None:
    narration = heard(say("one"), say("two"))
    assert narration.take() == ("one\n\ntwo", 20)
    assert not narration.is_ready and narration.take()[0] == ""


def test_the_final_answer_is_not_commentary() -> None:
    narration = heard(say("one"), say("the answer", ev.Phase.FINAL_ANSWER))
    assert narration.take() == ("one", 10)
    assert narration.last_words == "the answer"


def test_of_messages_without_a_phase_the_last_is_the_answer() -> None:
    narration = heard(say("note", ev.Phase.UNKNOWN), ev.CommandStarted("c", "ls"), say("final", ev.Phase.UNKNOWN))
    assert narration.take() == ("note", 10)
    assert narration.last_words == "final"


def test_accounting_does_not_decide_about_a_message_without_a_phase() -> None:
    narration = heard(say("final", ev.Phase.UNKNOWN), ev.Usage(ev.Tokens(), ev.Tokens()))
    assert not narration.is_ready


def test_what_an_earlier_life_has_said_is_left_out() -> None:
    narration = heard(say("one"), say("two"), say("three"), said_to_bytes=20)
    assert narration.take() == ("three", 30)


def test_blank_words_are_nothing() -> None:
    assert not heard(say("  \n")).is_ready
