"""The prompt script: what a prompt makes the model do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_gateway.demo.script import (
    DEFAULT_ANSWER,
    FULL_WINDOW_TOKENS,
    Compaction,
    Cut,
    Message,
    Patch,
    Pause,
    Reason,
    Refusal,
    Reply,
    ScriptError,
    Shell,
    markdown,
    parse,
    parse_or_explain,
    read_repertoire,
)


def say(text: str) -> Message:
    return Message(text, final=True)


@pytest.mark.parametrize(
    "prompt", ["hello", "two\nlines", "mail me @home", "@someone said hi", " @say not at the start"]
)
def test_a_prompt_without_directives_is_echoed(prompt: str) -> None:
    assert parse(prompt).replies == (Reply(parts=(say(f"echo: {prompt.strip()}"),)),)


def test_a_tool_call_ends_a_reply_and_the_rest_belongs_to_the_next() -> None:
    script = parse(
        "Do it.\n@reason why\n@comment first\n@sh ls -l\n@patch a.txt one two\n@par a || b b\n@say done\n@hang"
    )
    assert script.replies == (
        Reply(parts=(Reason("why"), Message("first", final=False)), calls=(Shell("ls -l"),)),
        Reply(calls=(Patch("a.txt", "one two\n"),)),
        Reply(calls=(Shell("a"), Shell("b b"))),
        Reply(parts=(say("done"), Pause(float("inf")))),
    )


def test_a_script_that_ends_with_a_tool_gets_an_answer() -> None:
    assert parse("@sh ls").replies[-1] == Reply(parts=(say(DEFAULT_ANSWER),))


@pytest.mark.parametrize("prompt", ["@say", "@sh ls\n@say"])
def test_say_without_text_ends_the_turn_without_an_answer(prompt: str) -> None:
    assert parse(prompt).replies[-1] == Reply()


def test_backslash_n_is_a_line_break_and_two_backslashes_are_one() -> None:
    assert parse("@say a\\nb\\\\nc").replies[0].parts == (say("a\nb\\nc"),)


def test_tokens_and_compaction_belong_to_their_reply() -> None:
    first, second = parse("@compact 1.5\n@sh ls\n@tokens 77\n@say x").replies
    assert (first.tokens, first.compaction) == (FULL_WINDOW_TOKENS, Compaction(seconds=1.5))
    assert (second.tokens, second.compaction) == (77, None)
    assert parse("@compact hang").replies[0].compaction == Compaction(seconds=float("inf"))
    assert parse("@compact fail").replies[0].compaction == Compaction(fails=True)


def test_limits_belong_to_their_reply() -> None:
    first, second = parse("@limits 91 40\n@sh ls\n@limits 100\n@status usage-limit").replies
    assert first.limits == (91, 40)
    assert second.limits == (100,) and second.refusal == Refusal(429, "usage_limit_reached")
    assert second.refusal.body_until(1795201258).endswith('"param": null, "resets_at": 1795201258}}')
    assert second.refusal.body.endswith('"param": null}}')
    assert parse("hello").replies[0].limits == ()


def test_a_cut_ends_a_reply_at_the_first_attempts_only() -> None:
    reply = parse("@comment a\n@cut 2\n@comment b\n@sh ls").replies[0]
    cut = Reply(parts=(Message("a", final=False), Cut(2)))
    assert [reply.at(0), reply.at(1)] == [cut, cut]
    assert reply.at(2) == Reply(parts=(Message("a", final=False), Message("b", final=False)), calls=(Shell("ls"),))


def test_a_cut_without_a_number_never_ends() -> None:
    assert parse("@cut\n@say never").replies[0].at(1000) == Reply(parts=(Cut(),))


def test_a_status_refuses_the_first_attempts() -> None:
    reply = parse("@status 503 1\n@say ok").replies[0]
    assert reply.at(0) == Refusal(503, "scripted_error", 1)
    assert reply.at(1) == Reply(parts=(say("ok"),), refusal=Refusal(503, "scripted_error", 1))


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("usage-limit", 429, "usage_limit_reached"),
        ("quota", 429, "insufficient_quota"),
        ("context-window", 400, "context_length_exceeded"),
    ],
)
def test_a_status_may_have_a_name(name: str, status: int, kind: str) -> None:
    assert parse(f"@status {name}").replies[0].refusal == Refusal(status, kind)


@pytest.mark.parametrize(
    "line",
    [
        "@delay soon",
        "@delay -1",
        "@delay inf",
        "@delay nan",
        "@tokens many",
        "@tokens -5",
        "@answer",
        "@status 200",
        "@status teapot",
        "@status 500 twice",
        "@cut off",
        "@sh",
        "@patch",
        "@par a ||",
        "@compact never",
        "@limits",
        "@limits 1 2 3",
        "@limits lots",
    ],
)
def test_a_directive_with_a_wrong_argument_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(ScriptError, match=r"^line 2: @"):
        parse(f"please\n{line}")
    (reply,) = parse_or_explain(f"please\n{line}").replies
    (answer,) = reply.parts
    assert isinstance(answer, Message)
    assert answer.text.startswith("script error: line 2: @")


@given(st.text())
def test_any_text_is_a_script(prompt: str) -> None:
    replies = parse_or_explain(prompt).replies
    assert replies
    assert all(reply.calls for reply in replies[:-1])
    assert not replies[-1].calls


@given(st.integers(min_value=1, max_value=4000))
def test_markdown_has_exactly_the_length_asked_for(length: int) -> None:
    text = markdown(length)
    assert len(text) == length
    assert text == text.strip()


def test_long_markdown_holds_what_is_hard_to_split() -> None:
    text = markdown(30_000)
    assert text.count("```") > 20
    assert all(mark in text for mark in ("\n## ", "\n- ", "\n1. ", "\n| ", "\n> ", "中文"))


def test_a_repertoire_gives_scripts_to_plain_prompts() -> None:
    repertoire = read_repertoire("A comment.\n> What is up?\n@say Not much.\n\n> Say nothing\n@say\n")
    assert parse_or_explain("  what IS  up", repertoire) == parse("@say Not much.")
    assert parse_or_explain("Say nothing!", repertoire).replies == (Reply(),)
    assert parse_or_explain("else", repertoire) == parse("else")
