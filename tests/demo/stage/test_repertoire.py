"""Scripts for prompts in plain words."""

from __future__ import annotations

from codex_gateway.demo.script import Message, Reply, Script, parse_or_explain, read_repertoire

REPERTOIRE = read_repertoire(
    "a comment\n> How are you, NEWS.md?\n@comment Let me see.\n@say > Fine.\n\n> And you?\n@say Fine as well.\n"
)


def said(prompt: str) -> list[str]:
    (reply,) = parse_or_explain(prompt, REPERTOIRE).replies
    return [part.text for part in reply.parts if isinstance(part, Message)]


def test_a_prompt_in_plain_words_has_the_script_below_it() -> None:
    assert said("How are you, NEWS.md?") == ["Let me see.", "> Fine."]
    assert said("And you?") == ["Fine as well."]


def test_case_blanks_and_punctuation_do_not_matter() -> None:
    assert said("  how are\nyou news.md ") == ["Let me see.", "> Fine."]


def test_other_prompts_are_what_they_are() -> None:
    assert said("How are they?") == ["echo: How are they?"]
    assert said("@say own words") == ["own words"]
    assert parse_or_explain("And you?") == Script((Reply(parts=(Message("echo: And you?", final=True),)),))
