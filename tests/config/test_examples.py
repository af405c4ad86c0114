"""The examples and the reference are complete and say the defaults that hold."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from codex_gateway.config import GatewayConfig, Key, dotenv, known_keys
from config.place import TOKEN, Place

ROOT = Path(__file__).parents[2]
TOML = (ROOT / "config.toml.example").read_text()
ENV = (ROOT / ".env.example").read_text()
REFERENCE = (ROOT / "docs" / "reference" / "config.md").read_text()
KEYS = {key.name: key for key in known_keys()}
#: Keys whose value in the example is the example's own.
OWN = {"name", "token", "allowed_user_ids", "codex_workdir"}


def uncommented(text: str) -> str:
    """The file with every default that it shows set: a comment has a space after its `#`, a default has none."""
    return re.sub(r"(?m)^#(?=[A-Za-z_]+ ?=)", "", text)


def load_toml(place: Place, text: str) -> GatewayConfig:
    for folder in ("alpha", "beta"):
        (place.folder / "home" / "projects" / folder).mkdir(parents=True, exist_ok=True)
    return place.load(place.write(text), ALPHA_TOKEN=TOKEN, BETA_TOKEN="2:b")


def load_env(place: Place, text: str) -> GatewayConfig:
    place.write(text, ".env")
    return place.load(TELEGRAM_BOT_TOKEN=TOKEN, TELEGRAM_ALLOWED_USER_IDS="7", CODEX_WORKDIR="work")


def test_the_config_example_loads_and_its_comments_say_the_defaults(place: Place) -> None:
    config = load_toml(place, TOML)
    assert [bot.name for bot in config.bots] == ["alpha", "beta"]
    assert config.bots[1].codex.approvals_mode == 2
    assert config.warnings == ()
    assert load_toml(place, uncommented(TOML)) == config


def test_the_env_example_loads_and_its_comments_say_the_defaults(place: Place) -> None:
    config = load_env(place, ENV)
    assert config.warnings == ()
    assert load_env(place, uncommented(ENV)) == config


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_each_key_is_in_the_config_example_with_its_default_and_unit(key: Key) -> None:
    document = tomllib.loads(uncommented(TOML))
    table = document["base"] if key.table == "base" else document["bots"][0]
    assert key.name in table
    if key.name not in OWN:
        assert f"\n#{key.name} = {key.default}\n" in TOML
    said = why(TOML, key.name)
    assert said.lower().startswith(key.unit.lower())
    assert (" required." in said) == (key.default is None)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_each_variable_is_in_the_env_example_with_its_default_and_unit(key: Key) -> None:
    if key.variable is None:
        assert key.name == "name"
        return
    default = "" if key.default in (None, "[]") else str(key.default).strip('"')
    assert dotenv.parse(uncommented(ENV)).variables[key.variable] == default
    said = why(ENV, key.variable)
    assert said.lower().startswith(key.unit.replace("$CODEX_HOME, else ", "").lower())
    assert (" required." in said) == (key.default is None)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_each_key_is_in_the_reference_with_its_default_unit_and_variable(key: Key) -> None:
    _, section = REFERENCE.split("## `[base]`")
    base, bots = section.split("## `[[bots]]`")
    row = re.search(rf"(?m)^\| `{key.name}` \|.*$", base if key.table == "base" else bots)
    assert row is not None
    _, _, default, unit, *middle, said, _ = (cell.strip() for cell in row[0].split("|"))
    assert default == ("required" if key.default is None else f"`{key.default}`")
    assert unit == (key.unit or "–")
    variable = f"`{key.variable}`" if key.variable else "–"
    assert middle == (["yes" if key.per_bot else "no", variable] if key.table == "base" else [variable])
    assert said.endswith(".")


def test_the_examples_and_the_reference_name_no_key_that_does_not_exist() -> None:
    document = tomllib.loads(uncommented(TOML))
    assert document.keys() == {"base", "bots"}
    assert set().union(*document["bots"], document["base"]) == KEYS.keys()
    variables = dotenv.parse(uncommented(ENV)).variables.keys() - {"ALPHA_TOKEN", "BETA_TOKEN"}
    assert variables == {key.variable for key in KEYS.values() if key.variable}
    assert set(re.findall(r"(?m)^\| `([a-z_]+)` \|", REFERENCE)) == KEYS.keys()


def why(text: str, name: str) -> str:
    """The comment above the line that sets `name`, as one line."""
    before = re.split(rf"(?m)^#?{name} ?=", text)[0]
    block = before.rstrip("\n").split("\n\n")[-1].split("\n")
    comment = [line for line in block if line.startswith("#")]
    assert comment, f"nothing is said about {name}"
    return " ".join(line.lstrip("# ") for line in comment)
