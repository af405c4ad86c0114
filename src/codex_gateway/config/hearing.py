"""`transcribe_cmd`: the command that prints the words of a sound file, as it stands in the configuration."""

from __future__ import annotations

from codex_gateway.config import parse
from codex_gateway.config.parse import Surroundings
from codex_gateway.config.substitute import EnvText


def command_list(value: object) -> object:
    """A list as it stands; text from the environment is split as a shell would split it."""
    if isinstance(value, EnvText | list | tuple):
        return parse.argument_list(value)
    raise ValueError(f'expected a list of texts, such as ["whisper-cli", "{{file}}"], got {parse.came(value)}')


def runnable(words: tuple[str, ...], around: Surroundings) -> tuple[str, ...]:
    """The words with the path of the program in full; without words there is no command."""
    if not words:
        return ()
    if not words[0].strip() or "{file}" in words[0]:
        raise ValueError("expected the program first, then what it is given: the sound file cannot be executed")
    return (parse.command(words[0], around), *words[1:])
