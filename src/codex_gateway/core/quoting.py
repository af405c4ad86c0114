"""How a prompt shows words that are not the person's own; pure."""

from __future__ import annotations


def with_quote(quoted: str, prompt: str) -> str:
    """The prompt behind the words that it is about, which stand as a Markdown quote."""
    if not quoted:
        return prompt
    lines = "\n".join(f"> {line}".rstrip() for line in quoted.splitlines())
    return f"{lines}\n\n{prompt}"
