"""From the places where a configuration may be to a `GatewayConfig`, or to all that is wrong with it at once."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from codex_gateway.config import dotenv, parse, source
from codex_gateway.config.bots import base_of, bot_of, refuse_twins, warnings
from codex_gateway.config.faults import ConfigError, Fault
from codex_gateway.config.model import GatewayConfig
from codex_gateway.config.reading import Reading, nearest
from codex_gateway.config.schema import BaseTable, BotTable, known_keys
from codex_gateway.config.substitute import EnvText

#: What the single bot is called in rows and logs.
SINGLE_BOT = "default"


def load(
    path: Path | None = None, environ: Mapping[str, str] | None = None, *, cwd: Path | None = None
) -> GatewayConfig:
    """Reads `path`, else `$CODEX_GATEWAY_CONFIG`, `./config.toml`, `~/.config/codex-gateway/config.toml`,
    else a single bot from `.env` and the environment.

    `environ` and `cwd` are the process's own unless given. Raises ConfigError with every fault there is.
    """
    environ = dict(os.environ if environ is None else environ)
    cwd = (Path.cwd() if cwd is None else cwd).absolute()
    found = source.find(path, environ, cwd)
    document = source.read_toml(found) if found else None
    folder = found.parent if found else cwd
    env_file = dotenv.read(folder / ".env")
    around = parse.Surroundings(folder=folder, environ={**env_file.variables, **environ})
    reading = Reading(around, from_environment=document is None, faults=env_file.faults)
    if document is None:
        base_values, bot_values = _from_environment(reading)
    else:
        base_values, bot_values = _from_document(document, reading)

    base = reading.checked(BaseTable, base_values, "base")
    tables = [reading.checked(BotTable, values, f"bots[{index}]") for index, values in enumerate(bot_values)]
    if base and base.db_path == base.lock_path:
        reading.fault(reading.place("base", "lock_path"), "is the same file as db_path")
    refuse_twins(bot_values, reading)
    home = _codex_home(reading, cwd)
    reading.stop_if_faulty()

    assert base is not None
    complete = [table for table in tables if table is not None]
    bots = tuple(bot_of(table, base, home=home) for table in complete)
    return GatewayConfig(
        base=base_of(base),
        bots=bots,
        path=found,
        warnings=(
            *warnings(base, complete, bots, reading),
            *_readable_by_others(found, folder / ".env"),
            *(() if found else _misspelt(env_file.variables)),
        ),
        environ=around.environ,
    )


def _from_document(document: dict[str, object], reading: Reading) -> tuple[object, list[object]]:
    """The values of `[base]` and of each bot, with references replaced."""
    for key in document:
        if key in ("base", "bots"):
            continue
        if key in BaseTable.model_fields:
            reading.fault(key, "belongs under [base]")
        else:
            meant = nearest(key, ["base", "bots"])
            reading.fault(
                key, f"unknown table; did you mean {meant}?" if meant else "unknown; there are [base] and [[bots]]"
            )
    bots = document.get("bots", [])
    if isinstance(bots, dict):
        reading.fault("bots", "write [[bots]], with two brackets, above each bot")
        bots = [bots]
    elif not isinstance(bots, list) or not bots:
        reading.fault("bots", "there is none; write a [[bots]] table for each bot")
        bots = []
    return (
        reading.expanded(document.get("base", {}), "base"),
        [reading.expanded(bot, f"bots[{index}]") for index, bot in enumerate(bots)],
    )


def _from_environment(reading: Reading) -> tuple[object, list[object]]:
    """The values of the single bot. A variable that is empty counts as not set."""
    environ = reading.around.environ
    given: dict[str, dict[str, object]] = {"base": {}, "bots": {"name": SINGLE_BOT}}
    for key in known_keys():
        if key.variable and (value := environ.get(key.variable, "")).strip():
            given[key.table][key.name] = EnvText(value)
    if not given["bots"].keys() & {"token", "allowed_user_ids"}:
        raise ConfigError(
            [
                *reading.faults,
                Fault(
                    "config.toml",
                    "there is none here, and none in ~/.config/codex-gateway; write one (config.toml.example "
                    "shows how), or set TELEGRAM_BOT_TOKEN, TELEGRAM_ALLOWED_USER_IDS and CODEX_WORKDIR "
                    "for a single bot",
                ),
            ]
        )
    return given["base"], [given["bots"]]


def _codex_home(reading: Reading, cwd: Path) -> Path:
    """Codex's folder where no key names it: `$CODEX_HOME`, else `~/.codex`, as Codex itself finds it."""
    environ = reading.around.environ
    try:
        if named := environ.get("CODEX_HOME"):
            return parse.path(named, parse.Surroundings(folder=cwd, environ=environ))
        return parse.home(environ) / ".codex"
    except ValueError as problem:
        reading.fault(reading.place("base", "codex_home"), str(problem))
        return cwd


def _readable_by_others(*files: Path | None) -> Iterator[Fault]:
    for file in files:
        if file and file.exists() and file.stat().st_mode & stat.S_IROTH:
            yield Fault(str(file), "can be read by every user of this machine; chmod o-r it, as it holds secrets")


def _misspelt(variables: Mapping[str, str]) -> Iterator[Fault]:
    """Lines of `.env` that look as if they were meant for us: elsewhere an unknown key would be refused."""
    ours = {key.variable for key in known_keys() if key.variable}
    known = [name.lower() for name in ours]
    for name in variables:
        meant = nearest(name, known, cutoff=0.9)
        if meant and name not in ours:
            yield Fault(name, f"is not a variable of this program; did you mean {meant.upper()}?")
