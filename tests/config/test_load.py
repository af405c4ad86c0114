from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from codex_gateway.config import ApprovalsMode, DraftMode, InputMode, ReasoningMode, Secret
from codex_gateway.core.manner import LanguageChoice
from codex_gateway.core.watchdog import Limits
from config.place import TOKEN, Place

UUID = "0199a213-81c0-7800-8aa1-bbab2a035a53"
SINGLE = {"TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_ALLOWED_USER_IDS": "7", "CODEX_WORKDIR": "work"}


def test_a_bot_with_no_settings_of_its_own_has_the_defaults(place: Place) -> None:
    path = place.write_bots("")
    config = place.load()
    (bot,) = config.bots
    assert config.path == path
    assert config.warnings == ()
    assert bot.token == Secret("1:" + "a" * 35)
    assert (bot.name, bot.allowed_user_ids, bot.allowed_chat_ids) == ("bot0", {7}, frozenset())
    assert bot.limits == Limits(run_timeout_s=900, silence_s=900, after_compaction_s=60, after_answer_s=30)
    assert dataclasses.asdict(bot.codex) == {
        "cli_cmd": "codex",
        "cli_args": (),
        "input_mode": InputMode.STDIN,
        "approvals_mode": ApprovalsMode.FULL_ACCESS,
        "skip_git_check": True,
        "use_pty": False,
        "home": place.folder / "home" / ".codex",
        "workdir": place.folder / "work",
        "resume_id": None,
        "stream_include_stderr": False,
        "child_env_allow": (),
        "allowed_workdirs": (),
    }
    assert dataclasses.asdict(bot.display) == {
        "stream_flush_interval_s": 1.5,
        "stream_drafts": DraftMode.AUTO,
        "progress_tick_interval_s": 15,
        "message_chunk_limit": 3500,
        "answer_max_messages": 4,
        "jsonl_stream_events": True,
        "reasoning_mode": ReasoningMode.HIDDEN,
        "mirrors_outside_turns": True,
        "language": LanguageChoice.AUTO,
        "reasoning_throttle_s": 10,
    }
    assert dataclasses.asdict(bot.files) == {
        "inbox_dir": "codex-inbox",
        "transcribe_cmd": (),
        "paste_window_s": 1,
    }
    assert dataclasses.asdict(config.base) == {
        "db_path": place.folder / "data" / "app.db",
        "lock_path": place.folder / "data" / "app.lock",
        "codex_jsonl_sync_interval_s": 3,
        "telegram_api_base_url": None,
        "telegram_proxy": None,
    }


EVERY_OVERRIDE = {
    'codex_cli_cmd = "bin/codex"': lambda bot, folder: bot.codex.cli_cmd == str(folder / "bin/codex"),
    'codex_cli_args = ["-c", ""]': lambda bot, _: bot.codex.cli_args == ("-c", ""),
    'codex_cli_input_mode = "arg"': lambda bot, _: bot.codex.input_mode is InputMode.ARG,
    "codex_cli_approvals_mode = 1": lambda bot, _: bot.codex.approvals_mode is ApprovalsMode.READ_ONLY,
    "codex_cli_skip_git_check = false": lambda bot, _: bot.codex.skip_git_check is False,
    "codex_cli_use_pty = true": lambda bot, _: bot.codex.use_pty is True,
    'codex_home = "~/other"': lambda bot, folder: bot.codex.home == folder / "home" / "other",
    'stream_drafts = "off"': lambda bot, _: bot.display.stream_drafts is DraftMode.OFF,
    "stream_flush_interval = 0": lambda bot, _: bot.display.stream_flush_interval_s == 0,
    'child_env_allow = ["AWS_PROFILE", "DOTNET_*"]': lambda bot, _: (
        bot.codex.child_env_allow == ("AWS_PROFILE", "DOTNET_*")
    ),
    'allowed_workdirs = ["~", "work"]': lambda bot, folder: (
        bot.codex.allowed_workdirs == (folder / "home", folder / "work")
    ),
    "stream_include_stderr = true": lambda bot, _: bot.codex.stream_include_stderr is True,
    "progress_tick_interval = 2.5": lambda bot, _: bot.display.progress_tick_interval_s == 2.5,
    "run_timeout_seconds = 1": lambda bot, _: bot.limits.run_timeout_s == 1,
    "context_compaction_idle_timeout_seconds = 2": lambda bot, _: bot.limits.after_compaction_s == 2,
    "no_output_idle_timeout_seconds = 3": lambda bot, _: bot.limits.silence_s == 3,
    "final_result_idle_timeout_seconds = 4": lambda bot, _: bot.limits.after_answer_s == 4,
    "codex_jsonl_stream_events = false": lambda bot, _: bot.display.jsonl_stream_events is False,
    "codex_jsonl_reasoning_throttle_seconds = 5": lambda bot, _: bot.display.reasoning_throttle_s == 5,
    "codex_mirror_outside_turns = false": lambda bot, _: bot.display.mirrors_outside_turns is False,
    'codex_jsonl_reasoning_mode = "summary"': lambda bot, _: bot.display.reasoning_mode is ReasoningMode.SUMMARY,
    'inbox_dir = "a/from chat"': lambda bot, _: bot.files.inbox_dir == "a/from chat",
    'transcribe_cmd = ["hear", "{file}"]': lambda bot, _: bot.files.transcribe_cmd == ("hear", "{file}"),
    "paste_window_seconds = 0": lambda bot, _: bot.files.paste_window_s == 0,
    'language = "zh"': lambda bot, _: bot.display.language is LanguageChoice.CHINESE,
    'transcribe_cmd = ["~/bin/hear"]': lambda bot, at: bot.files.transcribe_cmd == (str(at / "home/bin/hear"),),
    "answer_max_messages = 0": lambda bot, _: bot.display.answer_max_messages == 0,
    "message_chunk_limit = 16": lambda bot, _: bot.display.message_chunk_limit == 16,
}


@pytest.mark.parametrize("line", EVERY_OVERRIDE)
def test_what_base_says_holds_for_all_bots_and_what_a_bot_says_for_it_alone(place: Place, line: str) -> None:
    is_set = EVERY_OVERRIDE[line]
    place.write_bots("", "", base=line)
    assert [is_set(bot, place.folder) for bot in place.load().bots] == [True, True]
    place.write_bots("", line)
    assert [is_set(bot, place.folder) for bot in place.load().bots] == [False, True]


def test_a_bot_may_set_a_key_back_to_its_default(place: Place) -> None:
    place.write_bots("run_timeout_seconds = 900", base="run_timeout_seconds = 5")
    assert place.load().bots[0].limits.run_timeout_s == 900


def test_what_holds_for_the_service_is_read(place: Place) -> None:
    place.write_bots(
        "",
        base='db_path = "~/a.db"\nlock_path = "/run/a.lock"\njsonl_sync_interval_seconds = 0\n'
        'telegram_api_base_url = "http://127.0.0.1:8081/"\ntelegram_proxy = "socks5://me:pw@host:1080"',
    )
    config = place.load()
    assert config.base.db_path == place.folder / "home" / "a.db"
    assert config.base.lock_path == Path("/run/a.lock")
    assert config.base.codex_jsonl_sync_interval_s == 0
    assert config.base.telegram_api_base_url == "http://127.0.0.1:8081"
    assert config.base.telegram_proxy == Secret("socks5://me:pw@host:1080")
    assert config.secrets() == {"1:" + "a" * 35, "socks5://me:pw@host:1080"}


def test_ids_and_the_session_are_read(place: Place) -> None:
    place.write_bots(
        f'allowed_user_ids = [7, 8, 7]\nallowed_chat_ids = [-1001234567890, 5]\nresume_id = "{UUID.upper()}"'
    )
    (bot,) = place.load().bots
    assert bot.allowed_user_ids == {7, 8}
    assert bot.allowed_chat_ids == {-1001234567890, 5}
    assert bot.codex.resume_id == UUID


def test_nothing_of_a_config_shows_a_secret(place: Place) -> None:
    place.write_bots(f'token = "{TOKEN}"', base='telegram_proxy = "http://me:hunter2@host:1"')
    shown = repr(place.load(OPENAI_API_KEY="hunter2"))
    assert TOKEN not in shown
    assert "hunter2" not in shown


# Where the file is


def test_the_files_are_tried_in_their_order(place: Place) -> None:
    home = place.write("x = 1", "home/.config/codex-gateway/config.toml")
    assert place.faults()[0].startswith("x: unknown")
    here = place.write_bots("")
    named = place.write(here.read_text().replace("bot0", "named").replace('"work"', '"../work"'), "other/a.toml")
    asked = place.write(here.read_text().replace("bot0", "asked"), "b.toml")
    found = [
        place.load(),
        place.load(CODEX_GATEWAY_CONFIG=""),
        place.load(CODEX_GATEWAY_CONFIG="other/a.toml"),
        place.load(Path("b.toml"), CODEX_GATEWAY_CONFIG="other/a.toml"),
    ]
    assert [config.path for config in found] == [here, here, named, asked]
    here.rename(home)
    home.write_text(home.read_text().replace('"work"', '"~/../work"'))
    assert place.load().path == home
    assert place.load(Path("~/.config/codex-gateway/config.toml")).path == home


def test_a_file_that_was_asked_for_and_is_not_there_is_a_fault(place: Place) -> None:
    place.write_bots("")
    expected = [f"{place.folder / 'none.toml'}: there is no such file"]
    assert place.faults(Path("none.toml")) == expected
    assert place.faults(CODEX_GATEWAY_CONFIG="none.toml") == expected


def test_a_link_that_leads_nowhere_is_no_reason_to_look_elsewhere(place: Place) -> None:
    (place.folder / "config.toml").symlink_to("gone.toml")
    assert place.faults(**SINGLE) == [f"{place.folder / 'config.toml'}: there is no such file"]


def test_relative_paths_begin_at_the_folder_of_the_file(place: Place) -> None:
    path = place.write_bots("", base='codex_home = "cx"')
    (place.folder / "etc" / "work").mkdir(parents=True)
    config = place.load(path.rename(place.folder / "etc" / "c.toml"))
    assert config.bots[0].codex.workdir == place.folder / "etc" / "work"
    assert config.bots[0].codex.home == place.folder / "etc" / "cx"
    assert config.base.db_path == place.folder / "etc" / "data" / "app.db"


def test_the_folder_of_codex_is_named_by_the_key_then_the_variable(place: Place) -> None:
    place.write_bots("", 'codex_home = "mine"', 'codex_home = ""')
    homes = [bot.codex.home for bot in place.load(CODEX_HOME="/srv/codex").bots]
    assert homes == [Path("/srv/codex"), place.folder / "mine", Path("/srv/codex")]


# What comes from the environment


def test_references_feed_any_value(place: Place) -> None:
    place.write_bots(
        'name = "${ENV:WHO}-$<ENV:WHO>"\ntoken = "${ENV:ID}:${ENV:KEY}"\nallowed_user_ids = ["${ENV:ME}", 9]\n'
        'allowed_chat_ids = "${ENV:GROUPS}"\ncodex_workdir = "${ENV:NONE:-work}"\nrun_timeout_seconds = "${ENV:TIME}"\n'
        'codex_cli_use_pty = "${ENV:PTY}"\ncodex_cli_approvals_mode = "${ENV:MODE:-2}"\n'
        'codex_cli_args = "${ENV:ARGS}"\nmessage_chunk_limit = "${ENV:LIMIT}"\ncodex_jsonl_reasoning_mode = "${ENV:R}"',
        base='codex_cli_args = ["a", "${ENV:WHO}=${ENV:TIME}"]',
    )
    (bot,) = place.load(
        WHO="a",
        ID="12",
        KEY="xyz",
        ME=" 8 ",
        GROUPS="-1, -2 -3",
        TIME="1.5",
        PTY="Yes",
        ARGS="-c 'a b'",
        LIMIT="99",
        R="summary",
    ).bots
    assert (bot.name, bot.token.reveal()) == ("a-a", "12:xyz")
    assert (bot.allowed_user_ids, bot.allowed_chat_ids) == ({8, 9}, {-1, -2, -3})
    assert (bot.limits.run_timeout_s, bot.codex.use_pty, bot.codex.approvals_mode) == (1.5, True, 2)
    assert (bot.codex.cli_args, bot.display.message_chunk_limit) == (("-c", "a b"), 99)
    assert all(type(value) is str for value in (bot.name, bot.codex.cli_args[0], bot.codex.cli_cmd))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, True) for word in ("true", "TRUE", "1", "yes", "on")),
        *((w, False) for w in ("false", "0", "No", "off")),
    ],
)
def test_a_boolean_may_come_from_the_environment(place: Place, text: str, value: bool) -> None:
    place.write_bots("", base='codex_cli_use_pty = "${ENV:X}"')
    assert place.load(X=text).bots[0].codex.use_pty is value


def test_the_env_file_beside_the_config_feeds_it_and_the_real_environment_wins(place: Place) -> None:
    path = place.write_bots('name = "${ENV:A}-${ENV:B}"')
    place.write("A=file\nB=file", ".env")
    config = place.load(B="real")
    assert config.bots[0].name == "file-real"
    assert (config.environ["A"], config.environ["B"]) == ("file", "real")
    (place.folder / "elsewhere").mkdir()
    path.rename(place.folder / "elsewhere" / "config.toml")
    assert place.faults(Path("elsewhere/config.toml"), B="real")[0] == "bots[0].name: ${ENV:A} is not set"


def test_without_a_file_a_single_bot_comes_from_the_environment(place: Place) -> None:
    config = place.load(
        **SINGLE | {"TELEGRAM_ALLOWED_USER_IDS": "7, 8 9"},
        TELEGRAM_ALLOWED_CHAT_IDS="-1",
        CODEX_CLI_RESUME_ID=UUID,
        CODEX_CLI_ARGS="--x 'a b'",
        CODEX_CLI_USE_PTY="on",
        RUN_TIMEOUT_SECONDS="0",
        CODEX_HOME="~/cx",
        DB_PATH="x/y.db",
        STREAM_FLUSH_INTERVAL="",
    )
    (bot,) = config.bots
    assert config.path is None
    assert (bot.name, bot.token.reveal()) == ("default", TOKEN)
    assert (bot.allowed_user_ids, bot.allowed_chat_ids, bot.codex.resume_id) == ({7, 8, 9}, {-1}, UUID)
    assert (bot.codex.cli_args, bot.codex.use_pty, bot.limits.run_timeout_s) == (("--x", "a b"), True, 0)
    assert (bot.codex.home, config.base.db_path) == (place.folder / "home/cx", place.folder / "x/y.db")
    assert bot.display.stream_flush_interval_s == 1.5


def test_the_single_bot_reads_the_env_file_of_the_directory_and_the_environment_wins(place: Place) -> None:
    place.write(
        "".join(f"{key}={value}\n" for key, value in SINGLE.items()) + "DB_PATH=file.db\nLOCK_PATH=f.lock", ".env"
    )
    config = place.load(LOCK_PATH="real.lock")
    assert config.bots[0].token.reveal() == TOKEN
    assert (config.base.db_path.name, config.base.lock_path.name) == ("file.db", "real.lock")


def test_references_in_variables_are_not_expanded(place: Place) -> None:
    assert place.load(**SINGLE, CODEX_CLI_ARGS="${ENV:HOME}").bots[0].codex.cli_args == ("${ENV:HOME}",)


# Warnings


def test_two_bots_on_one_session_are_a_warning(place: Place) -> None:
    place.write_bots(f'resume_id = "{UUID}"', "", f'resume_id = "{UUID.upper()}"')
    (warning,) = place.load().warnings
    assert str(warning) == "bots[2].resume_id: is the session of bots[0] too: their prompts share one queue"


def test_a_chunk_limit_above_that_of_telegram_is_capped_with_a_warning(place: Place) -> None:
    place.write_bots("", "message_chunk_limit = 9999", base="message_chunk_limit = 4097")
    config = place.load()
    assert [bot.display.message_chunk_limit for bot in config.bots] == [4096, 4096]
    assert [str(warning) for warning in config.warnings] == [
        "base.message_chunk_limit: 4097 is more than Telegram allows; 4096 is used",
        "bots[1].message_chunk_limit: 9999 is more than Telegram allows; 4096 is used",
    ]
    place.write_bots("message_chunk_limit = 4096")
    assert place.load().warnings == ()


def test_files_that_everyone_can_read_are_a_warning_and_those_of_a_group_are_not(place: Place) -> None:
    config, env = place.write_bots(""), place.write("A=1", ".env")
    config.chmod(0o640)
    assert place.load().warnings == ()
    config.chmod(0o644)
    env.chmod(0o604)
    assert [warning.path for warning in place.load().warnings] == [str(config), str(env)]


def test_a_misspelt_variable_in_the_env_file_of_a_single_bot_is_a_warning(place: Place) -> None:
    place.write("RUN_TIMEOUT_SECOND=3\nrun_timeout_seconds=1\nOPENAI_API_KEY=x\nFOO=1", ".env")
    assert [str(warning) for warning in place.load(**SINGLE).warnings] == [
        "RUN_TIMEOUT_SECOND: is not a variable of this program; did you mean RUN_TIMEOUT_SECONDS?",
        "run_timeout_seconds: is not a variable of this program; did you mean RUN_TIMEOUT_SECONDS?",
    ]
