"""``tests/install_codex.sh``: quick when everything is there, loud when it cannot be, and a failure in CI."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from support.real_codex import codex_versions

SCRIPT = Path(__file__).resolve().parents[2] / "install_codex.sh"

#: Does what npm does to the folder after --prefix, and keeps a diary.
NPM = """\
#!/bin/sh
echo "$*" >>"$DIARY"
[ -z "${NPM_FAILS:-}" ] || exit 1
folder="$3/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin"
mkdir -p "$folder"
printf '#!/bin/sh\\n' >"$folder/codex"
chmod +x "$folder/codex"
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with what the script needs, but npm."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("sh", "mkdir", "rm", "mv", "timeout", "printf", "chmod"):
        found = next(path for path in (Path("/bin") / name, Path("/usr/bin") / name) if path.exists())
        (folder / name).symlink_to(found)
    return folder


def install(tools: Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(tools), "DIARY": str(cwd / "diary"), **environment}
    return subprocess.run(
        ["/bin/sh", SCRIPT], cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def add_npm(tools: Path) -> None:
    (tools / "npm").write_text(NPM, encoding="utf-8")
    (tools / "npm").chmod(0o755)


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_without_npm_one_loud_line_says_what_is_skipped(tools: Path, tmp_path: Path, ci: str, status: int) -> None:
    ended = install(tools, tmp_path, CI=ci)
    assert (ended.returncode, ended.stdout) == (status, "")
    (line,) = ended.stderr.splitlines()
    assert "SKIPPED" in line and "npm is not installed" in line


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_an_installation_that_fails_leaves_nothing_behind(tools: Path, tmp_path: Path, ci: str, status: int) -> None:
    add_npm(tools)
    ended = install(tools, tmp_path, CI=ci, NPM_FAILS="1")
    assert ended.returncode == status
    assert "SKIPPED" in ended.stderr
    assert list((tmp_path / ".cache" / "codex").iterdir()) == []


def test_every_version_is_installed_once(tools: Path, tmp_path: Path) -> None:
    add_npm(tools)
    assert install(tools, tmp_path, CI="true").returncode == 0
    diary = (tmp_path / "diary").read_text(encoding="utf-8").splitlines()
    assert [line.rpartition("@")[2] for line in diary] == list(codex_versions())
    again = install(tools, tmp_path, CI="true")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert (tmp_path / "diary").read_text(encoding="utf-8").splitlines() == diary
    assert sorted(path.name for path in (tmp_path / ".cache" / "codex").iterdir()) == sorted(codex_versions())


def test_the_script_is_executable() -> None:
    assert os.access(SCRIPT, os.X_OK)
