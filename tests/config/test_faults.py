from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_gateway.config import ConfigError, known_keys
from codex_gateway.core.errors import GatewayError
from config.place import TOKEN, Place


def test_all_faults_come_at_once_in_the_order_of_the_file(place: Place) -> None:
    place.write(
        """
        [[bots]]
        name = "alpha"
        token = "1:a"
        codex_workdir = "none"
        [[bots]]
        name = "alpha"
        token = "${ENV:BETA_TOKEN}"
        allowed_user_ids = []
        codex_workdir = "work"
        colour = "red"
        [base]
        run_timeout_second = 3
        progress_tick_interval = "soon"
        """
    )
    assert place.faults() == [
        "base.progress_tick_interval: expected a number of seconds, 0 or more, got the text 'soon'",
        "base.run_timeout_second: unknown key; did you mean run_timeout_seconds?",
        "bots[0].allowed_user_ids: is missing: nobody could use this bot; list the Telegram user ids of those who may",
        f"bots[0].codex_workdir: {place.folder / 'none'} does not exist",
        "bots[1].token: ${ENV:BETA_TOKEN} is not set",
        "bots[1].allowed_user_ids: is empty: nobody could use this bot; list the Telegram user ids of those who may",
        "bots[1].colour: unknown key",
        "bots[1].name: is the same as bots[0].name; each bot needs a name of its own",
    ]


def test_a_config_error_is_an_expected_failure_that_exits_with_2(place: Place) -> None:
    place.write("")
    with pytest.raises(GatewayError) as caught:
        place.load()
    assert caught.value.exit_code == 2
    assert str(caught.value) == (
        "The configuration has 1 fault:\nbots: there is none; write a [[bots]] table for each bot"
    )


SECONDS = "expected a number of seconds, 0 or more, got "
UUID_EXPECTED = "expected the UUID of a session, got "


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("run_timeout_seconds = -1", SECONDS + "the number -1"),
        ('run_timeout_seconds = "15"', SECONDS + "the text '15'"),
        ("run_timeout_seconds = true", SECONDS + "true"),
        ("run_timeout_seconds = inf", SECONDS + "inf"),
        ("run_timeout_seconds = nan", SECONDS + "nan"),
        ("run_timeout_seconds = []", SECONDS + "a list"),
        ("run_timeout_seconds = {}", SECONDS + "a table"),
        ("run_timeout_seconds = 2020-01-01", SECONDS + "a date or time"),
        (f"run_timeout_seconds = {'9' * 99}", SECONDS + "a huge number"),
        ("codex_cli_use_pty = 1", "expected true or false, got the number 1"),
        ('codex_cli_use_pty = "true"', "expected true or false, got the text 'true'"),
        ("codex_cli_cmd = 3", "expected text on one line, got the number 3"),
        ('codex_cli_cmd = ""', "expected text on one line, got empty text"),
        ('codex_cli_cmd = "a\\nb"', "expected text on one line, got the text 'a\\nb'"),
        ('codex_cli_args = "-x"', 'expected a list of texts, such as ["-c", "model=gpt-5.5"], got the text \'-x\''),
        ('codex_cli_args = ["a\\u0000"]', "expected text, got the text 'a\\x00'"),
        ('codex_cli_input_mode = "pipe"', 'expected "stdin" or "arg", got the text \'pipe\''),
        ("codex_cli_approvals_mode = 4", "got the number 4"),
        ("codex_cli_approvals_mode = 3.0", "got the number 3.0"),
        ("codex_cli_approvals_mode = true", "got true"),
        ('codex_jsonl_reasoning_mode = "all"', 'expected "hidden" or "summary", got the text \'all\''),
        *(
            (
                f'inbox_dir = "{wrong}"',
                f"expected a path inside of the work directory, such as codex-inbox, got the text '{wrong}'",
            )
            for wrong in ("../up", "/tmp/x", "a//b", "a,b", ".git", "a/..")
        ),
        ("message_chunk_limit = 15", "expected a whole number from 16 to 4096, got the number 15"),
        (
            'transcribe_cmd = "whisper {file}"',
            'expected a list of texts, such as ["whisper-cli", "{file}"], got the text \'whisper {file}\'',
        ),
        *(
            (
                f'transcribe_cmd = ["{first}", "x"]',
                "expected the program first, then what it is given: the sound file cannot be executed",
            )
            for first in ("", " ", "{file}")
        ),
        ("answer_max_messages = -1", "expected a whole number of messages, 0 or more, got the number -1"),
        ("answer_max_messages = 1001", "expected at most 1000 messages, got the number 1001"),
        ("answer_max_messages = 1.5", "expected a whole number of messages, 0 or more, got the number 1.5"),
        ("message_chunk_limit = 99.5", "expected a whole number from 16 to 4096, got the number 99.5"),
        ("codex_home = 3", "expected a path, got the number 3"),
        ('codex_home = "a\\u0000b"', "expected a path, got the text"),
        (
            'codex_home = "~nobody-of-that-name/x"',
            "~nobody-of-that-name/x begins with a user this system does not know",
        ),
        ("name = 3", "expected text on one line, got the number 3"),
        ('name = " "', "expected text on one line, got empty text"),
        (f'name = "{"n" * 65}"', "64 letters at most"),
        ("allowed_user_ids = 7", "expected a list of whole numbers, such as [123456789], got the number 7"),
        ('allowed_user_ids = "7"', "expected a list of whole numbers, such as [123456789], got the text '7'"),
        ("allowed_user_ids = [7, -7]", "[1]: expected a Telegram user id, a whole number above 0, got the number -7"),
        ("allowed_user_ids = [0]", "[0]: expected a Telegram user id"),
        ("allowed_user_ids = [true]", "[0]: expected a Telegram user id, a whole number above 0, got true"),
        ("allowed_user_ids = [7.0]", "[0]: expected a Telegram user id, a whole number above 0, got the number 7.0"),
        ("allowed_user_ids = [4503599627370496]", "[0]: expected a Telegram user id"),
        ('allowed_user_ids = ["me"]', "[0]: expected a Telegram user id, a whole number above 0, got the text 'me'"),
        ("allowed_chat_ids = [0]", "[0]: expected a Telegram chat id"),
        ('resume_id = "my session"', UUID_EXPECTED + "the text 'my session'; for a name that is no UUID Codex"),
        ('resume_id = "{0199a213-81c0-7800-8aa1-bbab2a035a53}"', UUID_EXPECTED),
        ('resume_id = "0199a21381c078008aa1bbab2a035a53"', UUID_EXPECTED),
        ("resume_id = 3", UUID_EXPECTED + "the number 3"),
        ('codex_workdir = ""', "expected a path, got empty text"),
        ('codex_workdir = "none"', "none does not exist"),
        ('codex_workdir = "config.toml"', "config.toml is not a directory"),
        ('codex_workdir = "config.toml/x"', "config.toml/x does not exist"),
        (f'codex_workdir = "{"x" * 300}"', "cannot be used: File name too long"),
    ],
)
def test_a_wrong_value_is_told_with_what_was_expected_and_what_came(place: Place, line: str, reason: str) -> None:
    place.write_bots(line)
    (fault,) = place.faults()
    assert fault.startswith(f"bots[0].{line.split(' =')[0]}")
    assert reason in fault


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('db_path = "work"', "work is a directory; expected a file's path"),
        ('lock_path = ""', "expected a path, got empty text"),
        ('lock_path = "data/app.db"', "is the same file as db_path"),
        ("jsonl_sync_interval_seconds = -1", SECONDS + "the number -1"),
        ('telegram_api_base_url = "ftp://hunter2"', "expected a URL such as http://127.0.0.1:8081"),
        ('telegram_api_base_url = "hunter2"', "expected a URL such as http://127.0.0.1:8081"),
        ('telegram_api_base_url = "http://"', "expected a URL such as http://127.0.0.1:8081"),
        ('telegram_api_base_url = "http://h:99999"', "expected a URL such as http://127.0.0.1:8081"),
        ('telegram_api_base_url = "http://[::1"', "expected a URL such as http://127.0.0.1:8081"),
        ('telegram_api_base_url = "http://h/?hunter2"', "expected a URL such as http://127.0.0.1:8081"),
        ('telegram_api_base_url = "http://h/ x"', "expected a URL such as http://127.0.0.1:8081"),
        ("telegram_api_base_url = 3", "expected a URL such as http://127.0.0.1:8081"),
        ('telegram_api_base_url = "http://me:hunter2@h"', "without a user name or password"),
        ('telegram_proxy = "me:hunter2@h:1"', "expected a URL with a port"),
        ('telegram_proxy = "socks5://me:hunter2@h"', "expected a URL with a port"),
        ('telegram_proxy = "https://me:hunter2@h:1"', "expected a URL with a port"),
        ('telegram_proxy = "socks5://me:hunter2@h:0"', "expected a URL with a port"),
        ("telegram_proxy = 3", "expected a URL with a port"),
        ('token = "x"', "belongs to a bot: set it in [[bots]]"),
        ("Codex_Cli_Command = 3", "unknown key; did you mean codex_cli_cmd?"),
        ('"a b.c" = 3', "unknown key"),
        (
            'message_chunk_limit = "${ENV:NUMBER}"',
            "expected a whole number from 16 to 4096, got other text from ${ENV:NUMBER}",
        ),
        ('codex_cli_use_pty = "${ENV:NUMBER}"', "expected true or false, got other text from ${ENV:NUMBER}"),
        ('codex_cli_args = ["${ENV:NONE}"]', "[0]: ${ENV:NONE} is not set"),
        ('codex_cli_args = "${ENV:QUOTE}"', "cannot be split into arguments: no closing quotation"),
        ('db_path = "${ENV:WORK}"', "the path from ${ENV:WORK} is a directory"),
        ('run_timeout_seconds = "${ENV:EMPTY}"', SECONDS + "nothing: ${ENV:EMPTY} is empty"),
        ('codex_cli_cmd = "${ENV:BAD NAME}"', "${ENV: begins no valid reference"),
    ],
)
def test_a_wrong_value_in_base_is_told_without_what_may_be_secret(place: Place, line: str, reason: str) -> None:
    place.write_bots("", base=line)
    (fault,) = place.faults(NUMBER="hunter2", QUOTE="hunter2 'x", EMPTY="", WORK="work")
    assert fault.startswith(f"base.{line.split(' =')[0]}")
    assert reason in fault
    assert "hunter2" not in fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[bots]\nname = 'a'\ntoken = '1:a'\nallowed_user_ids = [1]\ncodex_workdir = 'work'", "bots: write [[bots]]"),
        ("bots = []", "bots: there is none"),
        ("bots = 3", "bots: there is none"),
        ("bots = [3]", "bots[0]: expected a table, got the number 3"),
    ],
)
def test_bots_that_are_no_tables_are_told(place: Place, text: str, fault: str) -> None:
    place.write(text)
    (first,) = place.faults()
    assert first.startswith(fault)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("base = 3", "base: expected a table, got the number 3"),
        ("[[base]]", "base: expected a table, got a list"),
        ("[bass]", "bass: unknown table; did you mean base?"),
        ("[telegram]", "telegram: unknown; there are [base] and [[bots]]"),
        ("run_timeout_seconds = 3", "run_timeout_seconds: belongs under [base]"),
    ],
)
def test_a_table_in_the_wrong_place_is_told(place: Place, text: str, fault: str) -> None:
    path = place.write_bots("")
    path.write_text(f"{text}\n{path.read_text().replace('[base]', '')}")
    assert place.faults() == [fault]


def test_a_key_of_the_service_in_a_bot_is_told(place: Place) -> None:
    place.write_bots('db_path = "x"')
    assert place.faults() == ["bots[0].db_path: holds for all bots: set it in [base]"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[base]\nrun_timeout_seconds =\n", "line 2, column 22: Invalid value"),
        (b'[base]\nx = "a\n', "line 2, column 7: "),
        (b"a = 1\na = 2\nb = 3", "line 2, column 6: Cannot overwrite a value"),
        (b"[base", "end of document: "),
        (b"a = 1\n# caf\xe9\n", "line 2, column 6: this is not UTF-8 text"),
        ("a = 1".encode("utf-16"), "line 1, column 1: this is not UTF-8 text"),
        (b"a = " + b"[" * 5000, "is nested too deeply"),
        (b"a = " + b"9" * 5000, "holds a number that is too long"),
    ],
)
def test_a_file_that_is_no_toml_is_told_with_line_and_column(place: Place, content: bytes, reason: str) -> None:
    path = place.folder / "config.toml"
    path.write_bytes(content)
    (fault,) = place.faults()
    assert fault.startswith(f"{path}: {reason}")


def test_a_file_that_cannot_be_read_is_told(place: Place) -> None:
    assert place.faults(Path("work")) == [f"{place.folder / 'work'}: cannot be read: Is a directory"]
    (place.folder / "config.toml").mkdir()
    assert place.faults() == [f"{place.folder / 'config.toml'}: cannot be read: Is a directory"]


def test_a_file_with_a_byte_order_mark_is_read(place: Place) -> None:
    path = place.write_bots("")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(place.load().bots) == 1


def test_bad_lines_of_the_env_file_are_told_with_the_rest(place: Place) -> None:
    place.write_bots("run_timeout_seconds = -1")
    env = place.write("A=1\nhunter2\n", ".env")
    assert place.faults() == [
        f"{env}:2: expected NAME=value; there is no =",
        f"bots[0].run_timeout_seconds: {SECONDS}the number -1",
    ]


# Tokens


@pytest.mark.parametrize("token", ["", "x", "hunter2:a", "12:", "12:a b", "12:a/b", ":a", "12:hunter2?", "１２:a"])
def test_a_token_of_the_wrong_form_is_told_and_never_shown(place: Place, token: str) -> None:
    place.write_bots(f'token = "{token}"', f'token = "${{ENV:T}}"\nname = "{TOKEN}"\nresume_id = "{TOKEN}"')
    faults = place.faults(T=token)
    assert [fault.split(":")[0] for fault in faults] == ["bots[0].token", "bots[1].token", "bots[1].resume_id"]
    assert "hunter2" not in str(faults)
    assert TOKEN not in str(faults)


def test_a_token_of_a_server_of_ones_own_is_good(place: Place) -> None:
    place.write_bots('token = " 1:x\\n"')
    assert place.load().bots[0].token.reveal() == "1:x"


def test_two_bots_with_one_token_are_told_without_it(place: Place) -> None:
    place.write_bots(f'token = "{TOKEN}"', 'token = "${ENV:T}"', f'token = "{TOKEN[:9]}other"', "colour = 1")
    faults = place.faults(T=f" {TOKEN} ")
    assert faults == [
        "bots[1].token: is the same as bots[0].token; each bot needs a token of its own",
        "bots[2].token: belongs to the same bot as bots[0].token; each bot needs a token of its own",
        "bots[3].colour: unknown key",
    ]


def test_two_bots_whose_tokens_are_not_set_are_not_called_the_same(place: Place) -> None:
    place.write_bots('token = "${ENV:T}"\nname = "${ENV:N}"', 'token = "${ENV:T}"\nname = "${ENV:N}"')
    assert all(fault.endswith("is not set") for fault in place.faults())


# The single bot


def test_with_nothing_at_all_the_ways_to_begin_are_told(place: Place) -> None:
    (fault,) = place.faults()
    assert fault.startswith("config.toml: there is none here, and none in ~/.config/codex-gateway")
    assert "TELEGRAM_BOT_TOKEN, TELEGRAM_ALLOWED_USER_IDS and CODEX_WORKDIR" in fault


def test_the_faults_of_the_single_bot_name_its_variables(place: Place) -> None:
    faults = place.faults(
        TELEGRAM_BOT_TOKEN="hunter2",
        TELEGRAM_ALLOWED_CHAT_IDS="1, x",
        CODEX_CLI_RESUME_ID="mine",
        RUN_TIMEOUT_SECONDS="long",
        MESSAGE_CHUNK_LIMIT="1e3",
        CODEX_CLI_USE_PTY="maybe",
        LOCK_PATH="data/app.db",
        TELEGRAM_PROXY="hunter2",
    )
    assert {fault.split(":")[0] for fault in faults} == {
        "TELEGRAM_BOT_TOKEN",
        "TELEGRAM_ALLOWED_USER_IDS",
        "TELEGRAM_ALLOWED_CHAT_IDS",
        "CODEX_WORKDIR",
        "CODEX_CLI_RESUME_ID",
        "RUN_TIMEOUT_SECONDS",
        "MESSAGE_CHUNK_LIMIT",
        "CODEX_CLI_USE_PTY",
        "TELEGRAM_PROXY",
    }
    assert "TELEGRAM_ALLOWED_USER_IDS: is not set" in faults
    assert f"RUN_TIMEOUT_SECONDS: {SECONDS}the text 'long'" in faults
    assert "hunter2" not in str(faults)
    good = {"TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_ALLOWED_USER_IDS": "1", "CODEX_WORKDIR": "work"}
    assert place.faults(**good, LOCK_PATH="data/app.db") == ["LOCK_PATH: is the same file as db_path"]
    assert place.faults(**good | {"TELEGRAM_ALLOWED_USER_IDS": " , "}) == [
        "TELEGRAM_ALLOWED_USER_IDS: is empty: nobody could use this bot; list the Telegram user ids of those who may"
    ]


# Whatever stands in the file

PLANTED = hashlib.sha256(
    TOKEN.encode()
).hexdigest()  # made here, so that the search for values cannot take it from the source


toml_values = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(["${ENV:PLANTED}", "$<ENV:", "${ENV:NONE:-", "~", "~/", f"socks5://me:{PLANTED}@h:1", TOKEN])
    | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc.\n", max_size=3), inner, max_size=2),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_value_of_any_key_breaks_the_reading_or_comes_out_of_a_reference(place: Place, data: st.DataObject) -> None:
    base_keys = [key.name for key in known_keys() if key.table == "base"]
    bot_keys = [key.name for key in known_keys() if key.per_bot]
    base: dict[str, Any] = data.draw(st.dictionaries(st.sampled_from(base_keys), toml_values, max_size=3))
    bots = data.draw(st.lists(st.dictionaries(st.sampled_from(bot_keys), toml_values, max_size=6), max_size=3))
    place.write(tomli_w.dumps({"base": base, "bots": bots}))
    try:
        place.load(PLANTED=PLANTED, CODEX_HOME="/x")
    except ConfigError as problem:
        assert PLANTED not in str(problem)
        assert TOKEN not in str(problem)
        assert all(fault.path and fault.reason for fault in problem.faults)
