"""What a tool call looks like to a person, and what its output tells; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

#: Longer commands, such as a file written through the shell, are shown by their beginning.
_LONGEST_SHOWN = 2_000
#: Tools that only keep the model's own books.
_SILENT = frozenset({"update_plan"})


@dataclass(frozen=True, slots=True)
class Call:
    """`command` is "" for a call that is no step to a person."""

    command: str
    #: What a script of code mode runs, as far as its text tells; empty for every other call.
    runs: tuple[str, ...] = ()
    #: It waits for, or types into, the background command that Codex knows by this number.
    background: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    exit_code: int | None
    #: The command goes on in the background under this number.
    background: int | None = None
    #: Files that a patch has written.
    paths: tuple[str, ...] = ()


def function_call(name: str, arguments: str, *, namespace: str | None = None) -> Call:
    """A call with JSON arguments; the names are those of Codex 0.80 to 0.169."""
    given = _object(arguments)
    match name, given:
        case "exec_command", {"cmd": command}:
            return _shell(command)
        case (("shell_command" | "shell" | "container.exec" | "local_shell"), {"command": command}):
            return _shell(command)
        case "write_stdin", {"session_id": int(number), **rest}:
            typed = rest.get("chars")
            return Call(_cut(repr(typed)[1:-1]) if isinstance(typed, str) else "", background=number)
        case "apply_patch", {"input": str(patch)}:
            return _patch(patch)
        case "view_image", {"path": str(path)}:
            return Call(f"view_image {path}")
        case _ if name in _SILENT:
            return Call("")
        case _:
            return Call(_cut(f"{_tool_name(name, namespace)} {_brief(given, arguments)}".strip()))


def custom_call(name: str, text: str) -> Call:
    """A call with free text: a patch, or a script of code mode."""
    match name:
        case "apply_patch":
            return _patch(text)
        case "exec":
            runs = tuple(_commands_in(text))
            return Call(_cut("\n".join(runs)) or "script", runs=runs or ("script",))
        case _ if name in _SILENT:
            return Call("")
        case _:
            return Call(_cut(f"{name} {text}".strip()))


def shown(command: object) -> str:
    """A command as a person would type it: without the shell that Codex wraps around it."""
    match command:
        case str(text):
            return _cut(text)
        case [str(shell), ("-lc" | "-c" | "-l -c"), str(text)] if shell.rpartition("/")[2] in _SHELLS:
            return _cut(text)
        case [*words]:
            return _cut(" ".join(_quoted(str(word)) for word in words))
        case _:
            return ""


def result(output: object) -> Result:
    """What the output of a call tells, in the wordings of Codex 0.80 to 0.169."""
    text = "\n".join(_texts(output))
    head = text[:500]
    if head.startswith('{"output":'):
        return _structured_result(text)
    running = _RUNNING.search(head)
    return Result(
        exit_code=_exit_code(head),
        background=int(running[1]) if running else None,
        paths=tuple(_patched(text)),
    )


_SHELLS = frozenset({"bash", "zsh", "sh", "dash", "fish", "ash", "ksh"})
_PATCHED_FILE = re.compile(r"^\*\*\* (?:(?:Add|Update|Delete) File|Move to): (.+)$", re.MULTILINE)
_EXITED = re.compile(r"^(?:Process exited with code|Exit code:) (-?\d{1,10})$", re.MULTILINE)
_RUNNING = re.compile(r"^Process running with session ID (\d{1,10})$", re.MULTILINE)
_PATCH_REPORT = "Success. Updated the following files:\n"
_SCRIPT_COMMAND = re.compile(r"""\bcmd\s*:\s*("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)""")
_SCRIPT_FILE = re.compile(r"\*\*\* (?:Add|Update|Delete) File: ([^\n\\\"'`]+)")


def _shell(command: object) -> Call:
    text = shown(command)
    return _patch(text) if text.startswith("apply_patch <<") else Call(text)


def _patch(patch: str) -> Call:
    return Call(_cut(" ".join(("apply_patch", *_PATCHED_FILE.findall(patch)))))


def _commands_in(script: str) -> Iterator[str]:
    for literal in _SCRIPT_COMMAND.findall(script):
        yield _unquoted(literal)
    if "apply_patch" in script:
        yield " ".join(("apply_patch", *_SCRIPT_FILE.findall(script)))


def _unquoted(literal: str) -> str:
    if literal.startswith('"'):
        try:
            return msgspec.json.decode(literal, type=str)
        except msgspec.DecodeError:
            pass
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), literal[1:-1])


def _tool_name(name: str, namespace: str | None) -> str:
    """MCP tools are called `mcp__SERVER__TOOL`, or TOOL in the namespace `mcp__SERVER`."""
    full = f"{namespace.rstrip('_')}__{name}" if namespace else name
    return full.removeprefix("mcp__").replace("__", ".") if full.startswith("mcp__") else name


def _brief(given: dict[str, object], arguments: str) -> str:
    if not given:
        return "" if arguments.strip() in ("", "{}") else arguments
    return " ".join(f"{key}={_quoted(value) if isinstance(value, str) else value}" for key, value in given.items())


def _object(text: str) -> dict[str, object]:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _texts(output: object) -> Iterator[str]:
    match output:
        case str(text):
            yield text
        case {"content": content}:
            yield from _texts(content)
        case [*parts]:
            for part in parts:
                match part:
                    case {"text": str(text)}:
                        yield text
                    case _:
                        pass
        case _:
            pass


def _structured_result(text: str) -> Result:
    """Codex 0.80 wraps the output of a patch into JSON."""
    given = _object(text)
    output = given.get("output")
    match given.get("metadata"):
        case {"exit_code": int(code)}:
            exit_code: int | None = code
        case _:
            exit_code = None
    return Result(exit_code, paths=tuple(_patched(output)) if isinstance(output, str) else ())


def _exit_code(head: str) -> int | None:
    if head.startswith(("Script completed", "Script failed")):
        return int(head.startswith("Script failed"))
    found = _EXITED.search(head)
    return int(found[1]) if found else None


def _patched(text: str) -> Iterator[str]:
    _, found, report = text.partition(_PATCH_REPORT)
    if not found:
        return
    for line in report.splitlines():
        if line[:2] not in ("A ", "M ", "D "):
            return
        yield line[2:]


def _quoted(word: str) -> str:
    plain = word and not any(char.isspace() or char in "\"'\\$`;&|<>()*?#~" for char in word)
    return word if plain else "'" + word.replace("'", "'\\''") + "'"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
