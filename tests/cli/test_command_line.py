from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from codex_gateway import __version__, cli

HEAVY = ("pydantic", "aiogram", "aiohttp", "aiosqlite", "tomllib", "asyncio")


def program(*args: str, cwd: Path, code: str = "", **options: object) -> subprocess.CompletedProcess[str]:
    """Runs the real program in a process of its own with nothing of our environment."""
    start = ["-c", code] if code else ["-m", "codex_gateway"]
    return subprocess.run(
        [sys.executable, *start, *args],
        cwd=cwd,
        env={"HOME": str(cwd)},
        timeout=60,
        text=True,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},  # type: ignore[call-overload]
    )


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command `probe` that does what its argument says."""
    (tmp_path / "probe_command.py").write_text(
        textwrap.dedent(
            """
            from codex_gateway.core.errors import GatewayError, LockHeld

            def add_arguments(parser):
                parser.add_argument("what", nargs="?")

            def run(args):
                match args.what:
                    case "fail":
                        raise GatewayError("The cat sits on the keyboard.")
                    case "held":
                        raise LockHeld("/run/a.lock", pid=7)
                    case "interrupt":
                        raise KeyboardInterrupt
                    case "bug":
                        raise ZeroDivisionError("ours")
                    case "socket":
                        raise BrokenPipeError("of a socket, not of standard output")
                print("config:", args.config)
                return 3
            """
        )
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(cli.COMMANDS, "probe", cli.Entry("probe_command", "does as it is told"))
    monkeypatch.delitem(sys.modules, "probe_command", raising=False)


@pytest.mark.parametrize(
    ("argv", "path"),
    [
        (["probe"], None),
        (["--config", "a.toml", "probe"], "a.toml"),
        (["--config=a.toml", "probe"], "a.toml"),
        (["probe", "--config", "b.toml"], "b.toml"),
        (["--config", "a.toml", "probe", "--config", "b.toml"], "b.toml"),
        (["--config", "probe", "probe"], "probe"),
    ],
)
@pytest.mark.usefixtures("command")
def test_config_may_stand_on_either_side_of_the_command(
    argv: list[str], path: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(argv) == 3
    assert capsys.readouterr().out == f"config: {path}\n"


@pytest.mark.parametrize(
    ("what", "code", "sentence"),
    [
        ("fail", 1, "codex-gateway: The cat sits on the keyboard.\n"),
        (
            "held",
            75,
            "codex-gateway: A gateway already runs on this data: process 7 holds /run/a.lock. "
            "Stop it first, or give this one its own lock_path and db_path.\n",
        ),
        ("interrupt", 130, ""),
    ],
)
@pytest.mark.usefixtures("command")
def test_an_expected_end_is_a_sentence_and_an_exit_code_with_no_traceback(
    what: str, code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["probe", what]) == code
    assert capsys.readouterr() == ("", sentence)


@pytest.mark.usefixtures("command")
def test_a_surprise_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        cli.main(["probe", "bug"])
    with pytest.raises(BrokenPipeError, match="of a socket"):
        cli.main(["probe", "socket"])


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["chekc-config"], "there is no command 'chekc-config'; did you mean check-config?"),
        (["xyz"], "there is no command 'xyz'; there are run, check-config, runs, demo"),
        (["--colour", "run"], "unrecognized arguments: --colour"),
        (["--config"], "argument --config: expected one argument"),
        (["--conf", "x", "run"], "unrecognized arguments: --conf"),
        (["check-config", "--what"], "codex-gateway check-config: error: unrecognized arguments: --what"),
    ],
)
def test_wrong_usage_is_told_and_exits_with_2(argv: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(argv)
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([])
    shown = capsys.readouterr().out
    assert caught.value.code == 2
    assert all(f"  {name}" in shown and entry.summary in shown for name, entry in cli.COMMANDS.items())


def test_the_version_is_told(tmp_path: Path) -> None:
    done = program("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"codex-gateway {__version__}\n", "")


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(tmp_path: Path, option: str) -> None:
    code = (
        "import sys; from codex_gateway.__main__ import main\n"
        "try: main()\n"
        f"except SystemExit: print('LOADED', *({set(HEAVY)} & sys.modules.keys()))"
    )
    done = program(option, cwd=tmp_path, code=code)
    assert done.stdout.splitlines()[-1].strip() == "LOADED", done.stdout + done.stderr


def test_only_the_module_of_the_command_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from codex_gateway.__main__ import main\n"
        "print(main(), *sorted(name for name in sys.modules if name.startswith('codex_gateway.cli.')))"
    )
    done = program("check-config", cwd=tmp_path, code=code)
    assert done.stdout == "2 codex_gateway.cli.check_config\n"


@pytest.mark.parametrize("args", [["--help"], ["check-config", "--help"], ["check-config"]])
def test_a_reader_that_went_away_makes_no_noise(tmp_path: Path, args: list[str]) -> None:
    (tmp_path / "config.toml").write_text(
        "[[bots]]\nname = 'a'\ntoken = '1:a'\nallowed_user_ids = [1]\ncodex_workdir = '.'"
    )
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = program(*args, cwd=tmp_path, stdout=writing)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (cli.EXIT_BROKEN_PIPE, "")


def test_closed_standard_output_is_no_fault(tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f'"{sys.executable}" -m codex_gateway check-config >&-'],
        cwd=tmp_path,
        env={"HOME": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "there is none here" in done.stderr
    assert "Traceback" not in done.stderr


def test_control_c_ends_the_program_quietly(tmp_path: Path) -> None:
    (tmp_path / "probe_command.py").write_text(
        "import time\n"
        "def add_arguments(parser): pass\n"
        "def run(args):\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    code = (
        "import sys; from codex_gateway import cli\n"
        "cli.COMMANDS['probe'] = cli.Entry('probe_command', 'waits')\n"
        "sys.exit(cli.main(['probe']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "")
