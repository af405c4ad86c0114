"""The prompt script: lines of a prompt that begin with ``@`` say what the model does in that turn.

The scripted model server and the scripted Codex CLI both read it, so a prompt looks the same on the real CLI and on the
stand-in. A prompt without directives is echoed. A model answers a turn in one or more *replies*; a tool call ends a
reply, because the model has to see the tool's output before it goes on.

====================  ==================================================================================
``@reason TEXT``      a reasoning summary
``@comment TEXT``     a message on the way (phase ``commentary``)
``@say TEXT``         the final answer (phase ``final_answer``); without TEXT the turn ends with no answer
``@answer N``         a final answer of exactly N characters of Markdown, always the same
``@sh COMMAND``       a shell command; ends the reply
``@long COMMAND``     the same, but the model leaves it running at first and asks again until it has ended
``@patch FILE TEXT``  a new file holding TEXT and a newline, through apply_patch; ends the reply
``@par A || B``       two or more shell commands side by side; ends the reply
``@delay SECONDS``    the stream pauses here
``@hang``             the stream goes silent here for ever
``@cut [TIMES]``      the stream breaks off here, at the first TIMES attempts or always
``@status N [TIMES]`` instead of the reply the model answers HTTP N, at the first TIMES attempts or always;
                      N may also be ``usage-limit``, ``quota`` or ``context-window``
``@tokens N``         this reply reports N tokens instead of 1000
``@limits P [S]``     this reply says that P % of the account's 5 h allowance are used, and S % of the 7 d one
``@compact [HOW]``    this reply fills the context window, so that Codex compacts before the next one;
                      compacting takes HOW seconds, never ends if HOW is ``hang``, fails if it is ``fail``
====================  ==================================================================================

``\\n`` and ``\\\\`` in TEXT stand for a line break and a backslash. Other lines are just what the person says.

A *repertoire* gives scripts to prompts in plain words: a text in which each line ``> PROMPT`` is followed by the
lines of that prompt's script. Case, blanks and punctuation do not matter in a prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

#: What one reply reports unless ``@tokens`` says otherwise.
DEFAULT_TOKENS = 1_000
#: More than nine tenths of the 258,400 tokens of gpt-5.5, which is where Codex 0.169 begins to compact.
FULL_WINDOW_TOKENS = 250_000
#: How long the model waits for a ``@long`` command at first: the least that Codex lets it choose.
FIRST_LOOK_S = 0.25
#: The answer of a script that ends with a tool call.
DEFAULT_ANSWER = "done"
_NO_REPERTOIRE: Mapping[str, str] = {}


#: The windows of an account's allowance, each with its length and when it begins anew, in seconds.
WINDOWS_S = ((18_000, 7_200), (604_800, 259_200))


class ScriptError(ValueError):
    """A directive that cannot be understood; the message names its line."""


@dataclass(frozen=True, slots=True)
class Reason:
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class Pause:
    #: Infinite for ``@hang``.
    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """The stream breaks off here, at the first ``times`` attempts (None: at every attempt)."""

    times: int | None = None


Part: TypeAlias = Reason | Message | Pause | Cut


@dataclass(frozen=True, slots=True)
class Shell:
    command: str
    #: False: the model takes the first output after ``FIRST_LOOK_S`` and asks for the rest in a second call.
    awaited: bool = True


@dataclass(frozen=True, slots=True)
class Patch:
    path: str
    content: str


Call: TypeAlias = Shell | Patch


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP error instead of a reply, at the first ``times`` attempts (None: at every attempt)."""

    status: int
    #: OpenAI's word for the error, which Codex goes by where it tells errors of one status apart.
    kind: str
    times: int | None = None

    @property
    def body(self) -> str:
        """The JSON in the HTTP response; Codex shows it as it is for a 400 that it does not know."""
        return self.body_until(None)

    def body_until(self, resets_at: int | None) -> str:
        """The same with the time at which a limit ends, in Unix seconds."""
        message = f"The scripted model answers {self.status}."
        until = "" if resets_at is None else f', "resets_at": {resets_at}'
        kind = self.kind
        return f'{{"error": {{"type": "{kind}", "code": "{kind}", "message": "{message}", "param": null{until}}}}}'


@dataclass(frozen=True, slots=True)
class Compaction:
    #: Infinite for ``@compact hang``.
    seconds: float = 0.0
    fails: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """One response of the model: its parts in order, then tool calls that run side by side."""

    parts: tuple[Part, ...] = ()
    calls: tuple[Call, ...] = ()
    tokens: int = DEFAULT_TOKENS
    refusal: Refusal | None = None
    #: Set when this reply fills the context window: how the compaction that follows goes.
    compaction: Compaction | None = None
    #: How much of the allowance is used, in percent, for each of ``WINDOWS_S`` that the account has.
    limits: tuple[int, ...] = ()

    def at(self, attempt: int) -> Reply | Refusal:
        """What the model does at attempt number ``attempt``, from 0; a reply that is cut ends with its Cut."""
        if self.refusal is not None and _strikes(self.refusal.times, attempt):
            return self.refusal
        parts: list[Part] = []
        for part in self.parts:
            match part:
                case Cut(times) if _strikes(times, attempt):
                    return replace(self, parts=(*parts, part), calls=())
                case Cut():
                    pass
                case _:
                    parts.append(part)
        return replace(self, parts=tuple(parts))


@dataclass(frozen=True, slots=True)
class Script:
    #: Never empty; every reply but the last has calls.
    replies: tuple[Reply, ...]


def parse(prompt: str) -> Script:
    """The script in ``prompt``; raises ScriptError for a directive it knows with an argument it does not understand."""
    directives = list(_directives(prompt))
    if not directives:
        return _say(f"echo: {prompt.strip()}")
    replies: list[Reply] = []
    reply = last = Reply(parts=(Message(DEFAULT_ANSWER, final=True),))
    for where, word, argument in directives:
        reply = _extended(Reply() if reply is last else reply, where, word, argument)
        if reply.calls:
            replies.append(reply)
            reply = last
    return Script((*replies, reply))


def parse_or_explain(prompt: str, repertoire: Mapping[str, str] = _NO_REPERTOIRE) -> Script:
    """Like ``parse``, but a prompt of the repertoire has its script from there, and a faulty script is a turn whose
    answer says what is wrong with it."""
    try:
        return parse(repertoire.get(_plain(prompt), prompt))
    except ScriptError as error:
        return _say(f"script error: {error}")


def read_repertoire(text: str) -> dict[str, str]:
    """The scripts in ``text``, for ``parse_or_explain``; what stands before the first prompt is a comment."""
    scripts: dict[str, str] = {}
    prompt = None
    for line in text.splitlines():
        if line.startswith("> "):
            prompt = _plain(line[2:])
            scripts[prompt] = ""
        elif prompt is not None:
            scripts[prompt] += line + "\n"
    return scripts


def _plain(prompt: str) -> str:
    words = "".join(char for char in prompt.casefold() if char.isalnum() or char.isspace())
    return " ".join(words.split())


def markdown(length: int) -> str:
    """Markdown of exactly ``length`` characters, always the same: headings, lists, tables, code fences, Chinese."""
    text = "".join(_sections(length))[:length]
    return text[:-1] + "." if text.endswith((" ", "\n")) else text


_WORDS = frozenset(
    (
        "reason",
        "comment",
        "say",
        "answer",
        "sh",
        "long",
        "patch",
        "par",
        "delay",
        "hang",
        "cut",
        "status",
        "tokens",
        "limits",
        "compact",
    ),
)


def _say(text: str) -> Script:
    return Script((Reply(parts=(Message(text, final=True),)),))


def _directives(prompt: str) -> Iterator[tuple[str, str, str]]:
    for number, line in enumerate(prompt.splitlines(), start=1):
        word, _, argument = line.partition(" ")
        if word.startswith("@") and word[1:] in _WORDS:
            yield f"line {number}: {word}", word[1:], argument.strip()


def _extended(reply: Reply, where: str, word: str, argument: str) -> Reply:
    match word:
        case "reason":
            return _with_part(reply, Reason(_unescaped(argument)))
        case "comment":
            return _with_part(reply, Message(_unescaped(argument), final=False))
        case "say":
            return _with_part(reply, Message(_unescaped(argument), final=True)) if argument else reply
        case "answer":
            return _with_part(reply, Message(markdown(_whole(where, argument)), final=True))
        case "delay":
            return _with_part(reply, Pause(_seconds(where, argument)))
        case "hang":
            return _with_part(reply, Pause(float("inf")))
        case "sh":
            return replace(reply, calls=(Shell(_present(where, argument, "a command")),))
        case "long":
            return replace(reply, calls=(Shell(_present(where, argument, "a command"), awaited=False),))
        case "patch":
            path, _, content = argument.partition(" ")
            return replace(reply, calls=(Patch(_present(where, path, "a file"), _unescaped(content) + "\n"),))
        case "par":
            commands = [_present(where, command.strip(), "commands") for command in argument.split("||")]
            return replace(reply, calls=tuple(Shell(command) for command in commands))
        case "cut":
            return _with_part(reply, Cut(_whole(where, argument) if argument else None))
        case "status":
            return replace(reply, refusal=_refusal(where, argument))
        case "tokens":
            return replace(reply, tokens=_whole(where, argument))
        case "limits":
            return replace(reply, limits=_limits(where, argument))
        case _:
            return replace(reply, tokens=FULL_WINDOW_TOKENS, compaction=_compaction(where, argument))


def _strikes(times: int | None, attempt: int) -> bool:
    return times is None or attempt < times


def _with_part(reply: Reply, part: Part) -> Reply:
    return replace(reply, parts=(*reply.parts, part))


def _refusal(where: str, argument: str) -> Refusal:
    name, _, times = argument.partition(" ")
    status, kind = _REFUSALS.get(name) or (_whole(where, name), "scripted_error")
    if not 400 <= status <= 599:
        raise ScriptError(f"{where} needs an HTTP error between 400 and 599, not {name}")
    return Refusal(status, kind, _whole(where, times) if times else None)


def _limits(where: str, argument: str) -> tuple[int, ...]:
    percents = tuple(_whole(where, word) for word in argument.split())
    if not 1 <= len(percents) <= len(WINDOWS_S):
        raise ScriptError(f"{where} needs one or two percentages, not {argument!r}")
    return percents


_REFUSALS = {
    "usage-limit": (429, "usage_limit_reached"),
    "quota": (429, "insufficient_quota"),
    "context-window": (400, "context_length_exceeded"),
}


def _compaction(where: str, argument: str) -> Compaction:
    match argument:
        case "":
            return Compaction()
        case "hang":
            return Compaction(seconds=float("inf"))
        case "fail":
            return Compaction(fails=True)
        case _:
            return Compaction(seconds=_seconds(where, argument))


def _unescaped(text: str) -> str:
    return "\\".join(piece.replace("\\n", "\n") for piece in text.split("\\\\"))


def _present(where: str, argument: str, what: str) -> str:
    if not argument:
        raise ScriptError(f"{where} needs {what}")
    return argument


def _whole(where: str, argument: str) -> int:
    if not (argument.isascii() and argument.isdigit()):
        raise ScriptError(f"{where} needs a whole number, not {argument!r}")
    return int(argument)


def _seconds(where: str, argument: str) -> float:
    try:
        seconds = float(argument)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ScriptError(f"{where} needs a number of seconds, not {argument!r}")
    return seconds


def _sections(length: int) -> Iterator[str]:
    number, written = 0, 0
    while written < length:
        number += 1
        section = _SECTION.format(n=number, following=number + 1)
        written += len(section)
        yield section


_SECTION = """\
## Section {n}

This is paragraph {n}. It has **bold**, *italic* and `code`, a [link](https://example.org/{n}) and 中文 words.

- first point of section {n}
- second point, with `inline_{n}()`
  - a nested one

```python
def step_{n}(value: int) -> int:
    # Section {n} comes before section {following}.
    return value + {n}
```

| name | value |
| --- | ---: |
| section | {n} |

1. one
2. two

> Section {n} ends here.

"""
