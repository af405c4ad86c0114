"""``python -m codex_gateway.demo.codex``: the scripted Codex CLI from its arguments to its exit code.

The environment steers what a command line cannot: ``CODEX_HOME``; ``CODEX_SCRIPTED_FORMAT=legacy`` makes it 0.140 (the
legacy format, no writer lock), ``=future`` a later one whose session files nobody can read yet;
``CODEX_SCRIPTED_TORN_MS`` pauses that long in the middle of every line it writes to a session file;
``CODEX_SCRIPTED_REPERTOIRE`` names a file with scripts for prompts in plain words.
"""

# Importing pathlib takes a tenth of the time that a whole turn has.

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

from codex_gateway.demo.codex import arguments, printer, session
from codex_gateway.demo.codex.arguments import Exec
from codex_gateway.demo.codex.lines import Lines
from codex_gateway.demo.codex.lock import writer_lock
from codex_gateway.demo.codex.printer import JsonPrinter, TextPrinter
from codex_gateway.demo.codex.records import Recorder
from codex_gateway.demo.codex.surroundings import Setting
from codex_gateway.demo.codex.turn import DEFAULT_COMPACT_TOKENS, Turn
from codex_gateway.demo.script import read_repertoire

VERSION = "0.169.0"
LEGACY_VERSION = "0.140.0"
FUTURE_VERSION = "0.999.0"
#: The real one takes 15 to 25 ms to end after its last event.
_LINGER_S = 0.018
_RESUME_FAILED = "Error: thread/resume: thread/resume failed: {} (code -32600)"


class Refused(Exception):
    """Codex says this on stderr and exits with 1."""


def main(words: list[str]) -> None:
    """Runs the command line ``words`` and exits the process."""
    # Until the turn has begun, SIGINT kills, as it does with the real one.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    named = os.environ.get("CODEX_SCRIPTED_FORMAT", "")
    modern = named != "legacy"
    version = {"legacy": LEGACY_VERSION, "future": FUTURE_VERSION}.get(named, VERSION)
    try:
        asked = arguments.parse(words, version=version)
        if isinstance(asked, arguments.Print):
            printer.say(asked.text)
            status = 0
        else:
            status = _exec(asked, version=version, modern=modern)
    except arguments.UsageError as error:
        printer.complain(str(error))
        status = 2
    except Refused as error:
        printer.complain(str(error))
        status = 1
    # Nothing is buffered and nothing is left to clean up: the interpreter's own way out costs 5 ms.
    os._exit(status)


def _exec(run: Exec, *, version: str, modern: bool) -> int:
    for override in run.values.get("--config", []):
        if "=" not in override:
            raise Refused(f"Error parsing -c overrides: Invalid override (missing '='): {override}")
    home = _home()
    cwd = _cwd(run)
    prompt = _prompt(run)
    if not (run.flag("--skip-git-repo-check") or _in_repository(cwd)):
        raise Refused("Not inside a trusted directory and --skip-git-repo-check was not specified.")
    torn_s = int(os.environ.get("CODEX_SCRIPTED_TORN_MS", "0")) / 1000
    resumed = _thread_to_resume(run, home, cwd)
    thread_id = resumed or session.uuid7()
    with writer_lock(home, thread_id) if modern else contextlib.nullcontext(enter_result=True) as held:
        if not held:
            raise Refused(_RESUME_FAILED.format(f"thread {thread_id} already has an active writer"))
        if resumed is None:
            opened = session.create(home, thread_id, paginated=modern, modern=modern, torn_s=torn_s)
        else:
            opened = _loaded(home, thread_id, modern=modern, torn_s=torn_s)
        opened.from_the_future = version == FUTURE_VERSION
        return _turn(run, opened, home, cwd, prompt, version=version)


def _turn(run: Exec, opened: session.Session, home: str, cwd: str, prompt: str, *, version: str) -> int:
    settings = _settings(home)
    model = run.value("--model") or settings.get("model", "gpt-5.5")
    sandbox = run.value("--sandbox") or "read-only"
    if run.flag("--dangerously-bypass-approvals-and-sandbox"):
        sandbox = "danger-full-access"
    recorder = Recorder(Lines(opened), Setting(version, cwd, model, sandbox))
    if run.flag("--experimental-json"):
        shown: JsonPrinter | TextPrinter = JsonPrinter(opened.thread_id)
    else:
        shown = TextPrinter(opened.thread_id, version=version, cwd=cwd, model=model, sandbox=sandbox)
    limit = int(settings.get("model_auto_compact_token_limit", DEFAULT_COMPACT_TOKENS))
    turn = Turn(recorder, shown, _catch_interrupt(), compact_tokens=limit, repertoire=_repertoire())
    completed = turn.play(prompt, images=run.values.get("--image", []), new=opened.is_new)
    if (path := run.value("--output-last-message")) is not None:
        _write_answer(path, turn.answer)
    time.sleep(_LINGER_S)
    return 0 if completed else 1


def _home() -> str:
    home = os.environ.get("CODEX_HOME")
    if home is None:
        return os.path.expanduser("~/.codex")
    if not os.path.isdir(home):
        raise Refused(f'Error finding codex home: CODEX_HOME points to "{home}", but that path does not exist')
    return os.path.realpath(home)


def _cwd(run: Exec) -> str:
    asked = run.value("--cd")
    if asked is not None and not os.path.isdir(asked):
        raise Refused("Error: No such file or directory (os error 2)")
    return os.path.realpath(asked or os.getcwd())


def _prompt(run: Exec) -> str:
    given = run.prompt
    if given is not None and given != "-":
        if run.resuming or os.isatty(0):
            return given
        printer.complain("Reading additional input from stdin...")
        more = _stdin()
        return f"{given}\n\n<stdin>\n{more}\n</stdin>" if more else given
    if given is None:
        printer.complain("Reading prompt from stdin...")
    prompt = _stdin()
    if not prompt.strip():
        raise Refused("No prompt provided via stdin.")
    return prompt


def _stdin() -> str:
    pieces = []
    while piece := os.read(0, 1 << 16):
        pieces.append(piece)
    return b"".join(pieces).decode("utf-8", "replace")


def _in_repository(folder: str) -> bool:
    while True:
        # An empty .git folder does not count (0.169); a .git file, as of a worktree, does.
        git = os.path.join(folder, ".git")
        if os.path.isfile(git) or os.path.exists(os.path.join(git, "HEAD")):
            return True
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent


def _thread_to_resume(run: Exec, home: str, cwd: str) -> str | None:
    """None starts a new session: also for a name that is no UUID, and for ``--last`` where there is nothing."""
    if run.last:
        return session.latest(home, cwd=None if run.flag("--all") else cwd)
    return session.as_uuid(run.resume) if run.resume is not None else None


def _loaded(home: str, thread_id: str, *, modern: bool, torn_s: float) -> session.Session:
    opened = session.load(home, thread_id, modern=modern, torn_s=torn_s)
    if opened is None:
        raise Refused(_RESUME_FAILED.format(f"no rollout found for thread id {thread_id}"))
    return opened


def _settings(home: str) -> dict[str, str]:
    """The plain top-level keys of config.toml; a TOML parser would take longer than the turn."""
    settings = {}
    try:
        with open(os.path.join(home, "config.toml"), encoding="utf-8") as file:
            for line in file:
                if line.startswith("["):
                    break
                name, _, value = line.partition("=")
                settings[name.strip()] = value.strip().strip('"')
    except FileNotFoundError:
        pass
    return settings


def _repertoire() -> dict[str, str]:
    path = os.environ.get("CODEX_SCRIPTED_REPERTOIRE")
    if path is None:
        return {}
    with open(path, encoding="utf-8") as file:
        return read_repertoire(file.read())


def _catch_interrupt() -> int:
    """From here on SIGINT only makes the returned descriptor readable."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(writer)
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    return reader


def _write_answer(path: str, answer: str | None) -> None:
    if answer is None:
        printer.complain(f"Warning: no last agent message; wrote empty content to {path}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(answer or "")


if __name__ == "__main__":
    main(sys.argv[1:])
