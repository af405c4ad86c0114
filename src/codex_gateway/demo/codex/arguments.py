"""The command line of ``codex exec`` 0.169: which option may stand where, and what Codex says when one does not.

No argparse: it takes longer to import than a whole turn takes, and it forgives what Codex does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field


class UsageError(Exception):
    """What Codex prints on stderr before it exits with 2."""


@dataclass(frozen=True, slots=True)
class _Option:
    names: tuple[str, ...]
    #: How the value is shown in messages; None for a flag.
    value: str | None = None
    choices: tuple[str, ...] = ()
    many: bool = False


@dataclass(slots=True)
class Exec:
    """``codex exec``, understood."""

    #: None: the positional argument was not given. "-" means stdin.
    prompt: str | None = None
    #: None: a new session.
    resume: str | None = None
    last: bool = False
    resuming: bool = False
    values: dict[str, list[str]] = field(default_factory=dict)

    def flag(self, name: str) -> bool:
        return name in self.values

    def value(self, name: str) -> str | None:
        """The last value of an option, as Codex takes it."""
        given = self.values.get(name)
        return given[-1] if given else None


@dataclass(frozen=True, slots=True)
class Print:
    """``--version`` or ``--help``: text for stdout, and 0."""

    text: str


def parse(arguments: list[str], *, version: str) -> Exec | Print:
    """Understands a command line; raises UsageError where Codex would exit with 2."""
    run = Exec()
    rest = list(arguments)
    if (word := _options(rest, run, _TOP, _TOP_USAGE)) is not None and word not in ("exec", "e"):
        raise UsageError(f"error: the scripted Codex CLI knows only 'exec', not '{word}'\n")
    if shown := _shown(run, f"codex-cli {version}", _TOP_USAGE):
        return shown
    if word is None:
        raise UsageError("error: the scripted Codex CLI has no terminal interface\n")
    positional = _options(rest, run, _EXEC, _EXEC_USAGE, subcommand="resume")
    if shown := _shown(run, f"codex-cli-exec {version}", _EXEC_USAGE):
        return shown
    if positional == "resume":
        return _resume(rest, run, version)
    run.prompt = positional
    if (extra := _options(rest, run, _EXEC, _EXEC_USAGE)) is not None:
        raise UsageError(_unexpected(extra, _EXEC_USAGE))
    return _shown(run, f"codex-cli-exec {version}", _EXEC_USAGE) or run


def _resume(rest: list[str], run: Exec, version: str) -> Exec | Print:
    run.resuming = True
    words = []
    while (word := _options(rest, run, _BOTH + _RESUME, _RESUME_USAGE)) is not None:
        words.append(word)
        if len(words) > 2:
            raise UsageError(_unexpected(word, _RESUME_USAGE))
    if shown := _shown(run, f"codex-cli-exec {version}", _RESUME_USAGE):
        return shown
    run.last = run.flag("--last")
    if run.last and len(words) == 1:
        run.prompt = words[0]
    else:
        run.resume, run.prompt = (*words, None, None)[:2]
    return run


def _options(rest: list[str], run: Exec, known: tuple[_Option, ...], usage: str, *, subcommand: str = "") -> str | None:
    """Takes options off the front of ``rest``; returns the first word that is none, or None at the end."""
    while rest:
        word = rest.pop(0)
        if word == "--":
            return rest.pop(0) if rest else None
        if word == "-" or not word.startswith("-"):
            return word
        name, attached = _split(word)
        option = next((option for option in known if name in option.names), None)
        if option is None:
            raise UsageError(_unexpected(name, usage))
        run.values.setdefault(option.names[-1], []).extend(_values(option, attached, rest, subcommand))
    return None


def _values(option: _Option, attached: str | None, rest: list[str], subcommand: str) -> list[str]:
    if option.value is None:
        return []
    if attached is not None:
        values = [attached]
    else:
        values = [rest.pop(0)] if rest and not rest[0].startswith("-") else []
        while option.many and rest and not rest[0].startswith("-") and rest[0] != subcommand:
            values.append(rest.pop(0))
    shown = f"{option.names[-1]} <{option.value}>"
    if not values:
        raise UsageError(f"error: a value is required for '{shown}' but none was supplied\n{_MORE}")
    for value in values:
        if option.choices and value not in option.choices:
            choices = ", ".join(option.choices)
            raise UsageError(f"error: invalid value '{value}' for '{shown}'\n  [possible values: {choices}]\n{_MORE}")
    return values


def _split(word: str) -> tuple[str, str | None]:
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return name, value if equals else None
    return word[:2], word[2:].removeprefix("=") or None


def _shown(run: Exec, version: str, usage: str) -> Print | None:
    if run.flag("--version"):
        return Print(version + "\n")
    return Print(usage) if run.flag("--help") else None


def _unexpected(word: str, usage: str) -> str:
    tip = f"\n  tip: to pass '{word}' as a value, use '-- {word}'\n" if word.startswith("-") else ""
    return f"error: unexpected argument '{word}' found\n{tip}\n{usage}{_MORE}"


_MORE = "\nFor more information, try '--help'.\n"
_TOP_USAGE = "Usage: codex [OPTIONS] [PROMPT]\n       codex [OPTIONS] <COMMAND> [ARGS]\n"
_EXEC_USAGE = "Usage: codex exec [OPTIONS] [PROMPT]\n       codex exec [OPTIONS] <COMMAND> [ARGS]\n"
_RESUME_USAGE = "Usage: codex exec resume [OPTIONS] [SESSION_ID] [PROMPT]\n"

_BOTH = (
    _Option(("-c", "--config"), "key=value"),
    _Option(("--enable",), "FEATURE"),
    _Option(("--disable",), "FEATURE"),
    _Option(("--strict-config",)),
    _Option(("-m", "--model"), "MODEL"),
    _Option(("--yolo", "--dangerously-bypass-approvals-and-sandbox")),
    _Option(("--dangerously-bypass-hook-trust",)),
    _Option(("--worktree",)),
    _Option(("-h", "--help")),
)
_EXEC_AND_RESUME = (
    _Option(("--thread-source",), "SOURCE"),
    _Option(("--skip-git-repo-check",)),
    _Option(("--trust",)),
    _Option(("--ephemeral",)),
    _Option(("--ignore-user-config",)),
    _Option(("--ignore-rules",)),
    _Option(("--output-schema",), "FILE"),
    _Option(("--json", "--experimental-json")),
    _Option(("-o", "--output-last-message"), "FILE"),
)
_BEFORE_RESUME = (
    *_BOTH,
    _Option(("-V", "--version")),
    _Option(("-i", "--image"), "FILE", many=True),
    _Option(("-p", "--profile"), "CONFIG_PROFILE_V2"),
    _Option(("-s", "--sandbox"), "SANDBOX_MODE", ("read-only", "workspace-write", "danger-full-access")),
    _Option(("-C", "--cd"), "DIR"),
    _Option(("--add-dir",), "DIR"),
    _Option(("--oss",)),
    _Option(("--local-provider",), "OSS_PROVIDER"),
    _Option(("--approve-for-me",)),
)
_TOP = (
    *_BEFORE_RESUME,
    _Option(("-a", "--ask-for-approval"), "APPROVAL_POLICY", ("untrusted", "on-request", "never")),
    _Option(("--search",)),
)
_EXEC = (*_BEFORE_RESUME, *_EXEC_AND_RESUME, _Option(("--color",), "COLOR", ("always", "never", "auto")))
_RESUME = (*_EXEC_AND_RESUME, _Option(("-i", "--image"), "FILE"), _Option(("--last",)), _Option(("--all",)))
