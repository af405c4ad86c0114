"""The diff of a work directory, from a real git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from codex_gateway.core.reply import DiffRefusal
from codex_gateway.service import git_program
from codex_gateway.service.git_diff import NoDiff, WorkingDiff, working_diff

ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}


def git(folder: Path, *words: str) -> None:
    person = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *person, *words], cwd=folder, env=ENVIRON, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    git(folder, "init")
    (folder / "a.txt").write_text("one\ntwo\n")
    (folder / ".env").write_text("TOKEN=old\n")
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-m", "begin")
    return folder


async def refusal(folder: Path, environ: dict[str, str] = ENVIRON, limit_s: float = 20.0) -> DiffRefusal:
    with pytest.raises(NoDiff) as none:
        await working_diff(folder, environ=environ, limit_s=limit_s)
    return none.value.reason


async def test_changes_staged_or_not_are_told_and_new_files_named(repository: Path) -> None:
    (repository / "a.txt").write_text("one\nzwei\n")
    (repository / "b.txt").write_text("new\n")
    git(repository, "add", "b.txt")
    (repository / "käse\n.txt").write_text("x")
    found = await working_diff(repository, environ=ENVIRON)
    assert "+zwei" in found.diff.decode() and "+new" in found.diff.decode()
    assert (found.files, found.added, found.removed, found.untracked) == (2, 2, 1, ("käse\n.txt",))


async def test_nothing_differs(repository: Path) -> None:
    assert await working_diff(repository, environ=ENVIRON) == WorkingDiff(b"", 0, 0, 0, (), ())


async def test_a_file_that_may_hold_secrets_is_named_and_left_out(repository: Path) -> None:
    (repository / ".env").write_text("TOKEN=new\n")
    (repository / "a.txt").write_text("one\n")
    found = await working_diff(repository, environ=ENVIRON)
    assert found.secret == (".env",)
    assert b"TOKEN" not in found.diff and b"-two" in found.diff


async def test_before_the_first_commit_everything_is_new(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / "a.txt").write_text("one\n")
    git(tmp_path, "add", "a.txt")
    assert b"+one" in (await working_diff(tmp_path, environ=ENVIRON)).diff


async def test_in_a_folder_of_a_repository_only_that_folder_counts(repository: Path) -> None:
    (repository / "sub").mkdir()
    (repository / "sub" / "c.txt").write_text("c\n")
    git(repository, "add", "sub")
    (repository / "a.txt").write_text("changed\n")
    found = await working_diff(repository / "sub", environ=ENVIRON)
    assert found.files == 1 and b"a/c.txt" in found.diff and b"a.txt" not in found.diff


async def test_nothing_that_the_repository_names_is_executed(repository: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "diff.external", "diff.odd.textconv", "diff.odd.command"):
        git(repository, "config", key, str(trap))
    (repository / ".gitattributes").write_text("*.txt diff=odd\n")
    hooks = repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-index-change", "fsmonitor-watchman"):
        (hooks / hook).symlink_to(trap)
    (repository / "a.txt").write_text("changed\n")
    assert b"+changed" in (await working_diff(repository, environ=ENVIRON)).diff
    assert not (tmp_path / "sprung").exists()


async def test_where_there_is_no_repository_git_or_folder_that_is_said(tmp_path: Path, repository: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    ceiling = {**ENVIRON, "HOME": str(tmp_path)}
    assert await refusal(empty, ceiling) is DiffRefusal.NO_REPOSITORY
    assert await refusal(repository, {"PATH": str(empty)}) is DiffRefusal.NO_GIT
    assert await refusal(tmp_path / "gone") is DiffRefusal.NO_WORKDIR
    (repository / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (repository / ".git" / "index").write_bytes(b"broken")
    assert await refusal(repository) is DiffRefusal.FAILED


async def test_a_git_that_hangs_is_ended(repository: Path, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "git").write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    (programs / "git").chmod(0o755)
    assert await refusal(repository, {"PATH": f"{programs}:/usr/bin:/bin"}, limit_s=0.5) is DiffRefusal.TIMEOUT
    pid = int((tmp_path / "pid").read_text())
    assert not Path(f"/proc/{pid}").exists()


async def test_a_repository_of_another_account_is_named_so_that_it_can_be_allowed(repository: Path) -> None:
    others = ENVIRON | {"PATH": f"{repository.parent / 'bin'}:{ENVIRON['PATH']}"}
    (repository.parent / "bin").mkdir()
    # git itself plays that it is run by somebody else (GIT_TEST_ASSUME_DIFFERENT_OWNER, git 2.35)
    (repository.parent / "bin" / "git").write_text(
        f'#!/bin/sh\nPATH={ENVIRON["PATH"]} GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec git "$@"\n'
    )
    (repository.parent / "bin" / "git").chmod(0o755)
    with pytest.raises(NoDiff) as none:
        await working_diff(repository, environ=others)
    assert (none.value.reason, none.value.words) == (DiffRefusal.NOT_TRUSTED, str(repository))
    home = repository.parent / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f"[safe]\n\tdirectory = {repository}\n")
    assert (await working_diff(repository, environ=others | {"HOME": str(home)})).files == 0


async def test_bytes_that_are_no_text_a_large_file_and_a_large_diff(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "a.txt").write_bytes(b"caf\xe9\n")
    (repository / "b.bin").write_bytes(b"\0" * 100)
    with (repository / "large.txt").open("wb") as file:
        file.truncate(100_000_000)
    git(repository, "add", "-N", "b.bin", "large.txt")
    found = await working_diff(repository, environ=ENVIRON)
    assert b"+caf\xe9" in found.diff and found.files == 3 and len(found.diff) < 2000
    monkeypatch.setattr(git_program, "LARGEST_BYTES", 1000)
    (repository / "a.txt").write_text("much\n" * 1000)
    assert await refusal(repository) is DiffRefusal.TOO_LARGE


async def test_the_memory_of_git_has_a_limit(repository: Path, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    until_limited = 'while [ "$(ulimit -v)" = unlimited ]; do :; done; ulimit -v >&2; exit 1'
    (programs / "git").write_text(f"#!/bin/sh\n{until_limited}\n")
    (programs / "git").chmod(0o755)
    with pytest.raises(NoDiff) as none:
        await working_diff(repository, environ={"PATH": f"{programs}:/usr/bin:/bin"})
    assert none.value.words == str(3 * 1024**2)  # in KB


async def test_a_folder_that_git_does_not_know_is_named_once(repository: Path) -> None:
    (repository / "new" / "deep").mkdir(parents=True)
    for number in range(3):
        (repository / "new" / "deep" / f"{number}").touch()
    assert (await working_diff(repository, environ=ENVIRON)).untracked == ("new/",)
