"""The small project that the demo's Codex works in, and what the scripted Codex says about it."""

from __future__ import annotations

from pathlib import Path

#: Prompts in plain words that the scripted Codex has a script for.
LOOK_AROUND = "What is in this project, and what is missing?"
WHICH_PYTHON = "Which Python does it need?"
WAIT_FOR_NEWS = "Wait until NEWS.md appears, then sum it up."

FILES = {
    "README.md": "# todo\n\nA to-do list for the command line: `python todo.py add Buy milk`, `python todo.py list`.\n",
    "pyproject.toml": '[project]\nname = "todo"\nversion = "0.1.0"\nrequires-python = ">=3.11"\n',
    "todo.py": '''\
"""A to-do list for the command line."""

import json
import sys
from pathlib import Path

FILE = Path("todo.json")


def load() -> list[str]:
    return json.loads(FILE.read_text()) if FILE.exists() else []


def add(tasks: list[str], text: str) -> list[str]:
    return [*tasks, text]


# TODO: a task that is done should go away


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["add", *words]:
            FILE.write_text(json.dumps(add(load(), " ".join(words))))
        case _:
            print(*load(), sep="\\n")
''',
    "test_todo.py": """\
from todo import add


def test_a_new_task_comes_last():
    assert add(["buy milk"], "call Mum") == ["buy milk", "call Mum"]
""",
}

#: As `codex_gateway.demo.script` reads it. The commands only look; what the answers say is true of FILES.
REPERTOIRE = f"""\
The commands of these scripts change nothing, whatever directory they run in.

> {LOOK_AROUND}
@sh ls
@sh sleep 1.2; wc -l *.py
@comment I know the files now; what is open in them?
@sh grep -n TODO *.py
@delay 2
@say It is a **to-do list** for the command line:\\n\\n\
| file | lines | does |\\n| --- | ---: | --- |\\n\
| todo.py | 26 | lists |\\n| test_todo.py | 5 | tests |\\n\\n\
One thing is missing: a task that is *done* cannot be taken off the list (`todo.py`, line 18). This would do it:\\n\\n\
```python\\ndef done(tasks: list[str], number: int) -> list[str]:\\n\
    return tasks[: number - 1] + tasks[number:]\\n```\\n\\n\
Shall I add it, with a test?

> {WHICH_PYTHON}
@sh grep requires-python pyproject.toml
@delay 0.8
@say **Python 3.11** or newer: `pyproject.toml` says `requires-python = ">=3.11"`.

> {WAIT_FOR_NEWS}
@sh test -e NEWS.md
@comment It is not there yet; I'll wait.
@sh until test -e NEWS.md; do sleep 1; done
@sh cat NEWS.md
@say `NEWS.md` is there.
"""


def write_project(folder: Path) -> Path:
    """Makes `folder` with the project in it and returns it."""
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder
