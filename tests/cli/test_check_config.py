from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOKEN = "12345678:AAF-kept_secret_kept_secret_kept_35"


def check(folder: Path, *args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "codex_gateway", "check-config", *args],
        cwd=folder,
        env={"HOME": str(folder), **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_a_good_configuration_is_summed_up_without_its_secrets(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [base]
        telegram_proxy = "socks5://me:hunter2@127.0.0.1:1080"
        codex_cli_args = ["-c", "key=${ENV:KEY}"]
        [[bots]]
        name = "alpha"
        token = "${ENV:ALPHA}"
        allowed_user_ids = [9, 7]
        codex_workdir = "."
        resume_id = "0199a213-81c0-7800-8aa1-bbab2a035a53"
        [[bots]]
        name = "beta"
        token = "2:b"
        allowed_user_ids = [7]
        allowed_chat_ids = [-100]
        codex_workdir = "~"
        codex_cli_approvals_mode = 1
        codex_cli_input_mode = "arg"
        codex_cli_use_pty = true
        run_timeout_seconds = 0
        answer_max_messages = 0
        language = "zh"
        inbox_dir = "letters"
        transcribe_cmd = ["./hear", "{file}"]
        resume_id = "0199a213-81c0-7800-8aa1-bbab2a035a53"
        """,
    )
    done = check(tmp_path, ALPHA=TOKEN, KEY="hunter2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"""\
The configuration is good: 2 bots, from {path}.

alpha
  session         0199a213-81c0-7800-8aa1-bbab2a035a53
  work directory  {tmp_path}
  approvals mode  3: no sandbox and no questions; Codex may do all that this user may
  users           7, 9
  groups          none
  codex           codex, extra arguments: 2; its folder is {tmp_path}/.codex
  prompts         on standard input, no terminal
  limits          run 900 s, silence 900 s, after compaction 60 s, after the answer 30 s
  display         chunks of 3500, at most 4 of them, else a file, reasoning hidden, language auto
  files           saved in codex-inbox; voice messages are not understood

beta
  session         0199a213-81c0-7800-8aa1-bbab2a035a53
  work directory  {tmp_path}
  approvals mode  1: read-only sandbox
  users           7
  groups          -100
  codex           codex, extra arguments: 2; its folder is {tmp_path}/.codex
  prompts         as an argument, in a terminal (PTY)
  limits          run unlimited, silence 900 s, after compaction 60 s, after the answer 30 s
  display         chunks of 3500, as many as it takes, reasoning hidden, language zh
  files           saved in letters; voice messages are heard by {tmp_path}/hear

all bots
  database        {tmp_path}/data/app.db
  lock            {tmp_path}/data/app.lock
  Telegram        https://api.telegram.org through a proxy

warning: bots[1].resume_id: is the session of bots[0] too: their prompts share one queue
"""
    )


def test_every_fault_has_a_line_and_the_exit_code_is_2(tmp_path: Path) -> None:
    path = write(tmp_path, "[base]\nx = 1\n[[bots]]\nname = 'a'\ntoken = '${ENV:T}'\nallowed_user_ids = []")
    done = check(tmp_path, "--config", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "codex-gateway: The configuration has 4 faults:",
        "base.x: unknown key",
        "bots[0].token: ${ENV:T} is not set",
        "bots[0].allowed_user_ids: is empty: nobody could use this bot; list the Telegram user ids of those who may",
        "bots[0].codex_workdir: is missing; name the directory in which Codex works",
    ]


def test_the_single_bot_of_the_environment_is_summed_up(tmp_path: Path) -> None:
    done = check(tmp_path, TELEGRAM_BOT_TOKEN=TOKEN, TELEGRAM_ALLOWED_USER_IDS="7", CODEX_WORKDIR="~")
    assert done.returncode == 0
    assert done.stdout.startswith("The configuration is good: 1 bot, from the environment.\n\ndefault\n")
    assert TOKEN not in done.stdout


def test_a_narrow_locale_or_a_path_that_is_no_text_breaks_nothing(tmp_path: Path) -> None:
    odd = tmp_path / "\udcffé"
    odd.mkdir()
    done = check(
        tmp_path,
        TELEGRAM_BOT_TOKEN=TOKEN,
        TELEGRAM_ALLOWED_USER_IDS="7",
        CODEX_WORKDIR=str(odd),
        PYTHONIOENCODING="ascii",
    )
    assert done.returncode == 0
    assert r"\udcff" in done.stdout
