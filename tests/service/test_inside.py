"""Nothing outside of the work directory is ever opened, nor anything that may hold secrets."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from codex_gateway.core.reply import FileRefusal
from codex_gateway.service.inside import Refused, identities, opened
from codex_gateway.service.secrets import is_secret


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    (tmp_path / "outside.txt").write_text("outside")
    (tmp_path / "work").mkdir()
    work = tmp_path / "work"
    (work / "notes.txt").write_text("inside")
    (work / "src").mkdir()
    (work / "src" / "app.py").write_text("code")
    (work / "empty").mkdir()
    (work / "link.txt").symlink_to(tmp_path / "outside.txt")
    (work / "own-link.txt").symlink_to(work / "notes.txt")
    (work / "linked").symlink_to(tmp_path)
    os.mkfifo(work / "pipe")
    return work


def read(workdir: Path, path: str, guarded: list[Path] | None = None) -> str | FileRefusal:
    try:
        with opened(workdir, path, guarded=identities(guarded or [])) as descriptor:
            return os.read(descriptor, 100).decode()
    except Refused as refused:
        return refused.reason


@pytest.mark.parametrize("path", ["notes.txt", "./notes.txt", "src/../notes.txt", "src//../notes.txt"])
def test_a_file_of_the_work_directory_is_opened(workdir: Path, path: str) -> None:
    assert read(workdir, path) == "inside"
    assert read(workdir, f"{workdir}/{path}") == "inside"


def test_the_work_directory_itself_may_be_a_link_under_which_paths_are_named(workdir: Path, tmp_path: Path) -> None:
    alias = tmp_path / "alias"
    alias.symlink_to(workdir)
    assert read(alias, "src/app.py") == "code"
    assert read(alias, f"{alias}/src/app.py") == "code"
    assert read(alias, f"{workdir}/src/app.py") == "code"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../outside.txt", FileRefusal.OUTSIDE),
        ("src/../../outside.txt", FileRefusal.OUTSIDE),
        ("/etc/passwd", FileRefusal.OUTSIDE),
        ("//etc/passwd", FileRefusal.OUTSIDE),
        ("/", FileRefusal.OUTSIDE),
        ("..", FileRefusal.OUTSIDE),
        ("link.txt", FileRefusal.LINK),
        ("own-link.txt", FileRefusal.LINK),
        ("linked/outside.txt", FileRefusal.LINK),
        ("linked", FileRefusal.LINK),
        ("missing", FileRefusal.MISSING),
        ("notes.txt/x", FileRefusal.MISSING),
        ("~/x", FileRefusal.MISSING),
        ("a\0b", FileRefusal.MISSING),
        ("x" * 300, FileRefusal.MISSING),
        ("x/" * 4000, FileRefusal.MISSING),
        ("src", FileRefusal.DIRECTORY),
        (".", FileRefusal.DIRECTORY),
        ("pipe", FileRefusal.SPECIAL),
        (".env", FileRefusal.CONFIDENTIAL),
        ("SRC/.Env.Local", FileRefusal.CONFIDENTIAL),
        (".git/config", FileRefusal.CONFIDENTIAL),
    ],
)
def test_anything_else_is_refused_for_its_reason(workdir: Path, path: str, reason: FileRefusal) -> None:
    assert read(workdir, path) == reason


def test_a_socket_is_no_file(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workdir)  # the name of a socket may not be long
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("door")
        assert read(workdir, "door") == FileRefusal.SPECIAL


def test_a_folder_tells_what_is_in_it(workdir: Path) -> None:
    with pytest.raises(Refused) as refused, opened(workdir, "."):
        pass
    assert refused.value.entries == ("empty/", "link.txt", "linked", "notes.txt", "own-link.txt", "pipe", "src/")


def test_what_is_guarded_is_given_under_no_name(workdir: Path, tmp_path: Path) -> None:
    os.link(tmp_path / "outside.txt", workdir / "copy.txt")
    assert read(workdir, "copy.txt") == "outside"
    assert read(workdir, "copy.txt", [tmp_path / "outside.txt", tmp_path / "none"]) == FileRefusal.CONFIDENTIAL
    assert read(workdir, "src/app.py", [workdir / "src"]) == FileRefusal.CONFIDENTIAL


def test_nothing_stays_open(workdir: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in ("notes.txt", "src/app.py", "link.txt", "src", "missing", "pipe"):
        read(workdir, path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize(
    "path",
    [
        ".env", "a/.env.production", "prod.env", "key.pem", "a/KEY.PEM", "server.key", "id_rsa", "id_ed25519",
        "id_work", "auth.json", ".codex/auth.json", ".git/config", "x/.git/HEAD", ".ssh/config",
        ".aws/credentials", "credentials.json", "secrets.toml", "secrets/prod.txt", ".netrc", "terraform.tfstate",
        ".ssh/id_rsa.pub",
    ],
)  # fmt: skip
def test_what_may_hold_secrets_is_known_by_its_name(path: str) -> None:
    assert is_secret(path.split("/"))


@pytest.mark.parametrize(
    "path", ["app.py", ".env.example", "id_map.py", "keys.py", ".gitignore", "src/secretary.md", "id_rsa.pub", "env.py"]
)
def test_other_names_are_harmless(path: str) -> None:
    assert not is_secret(path.split("/"))
