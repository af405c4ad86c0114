"""Programs that a repository can name, planted where git itself starts them: the diff starts none of them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from codex_gateway.core.reply import DiffRefusal
from codex_gateway.service.git_diff import NoDiff, working_diff

ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}


@dataclass(frozen=True, slots=True)
class Trap:
    """A repository with one changed file, and a program that leaves a mark when it is started."""

    work: Path
    program: Path
    mark: Path

    def git(self, *words: str, at: Path | None = None) -> None:
        person = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"]
        more = ["-c", "protocol.file.allow=always"]
        subprocess.run(
            ["git", *person, *more, *words], cwd=at or self.work, env=ENVIRON, check=True, capture_output=True
        )

    def set(self, key: str, value: str | None = None) -> None:
        self.git("config", key, value or str(self.program))

    def is_sprung_by(self, *words: str) -> bool:
        """Whether git starts the program, when a person types this."""
        subprocess.run(["git", *words], cwd=self.work, env=ENVIRON, check=False, capture_output=True, timeout=60)
        was_sprung = self.mark.exists()
        self.mark.unlink(missing_ok=True)
        return was_sprung


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    it = Trap(tmp_path / "work", tmp_path / "trap", tmp_path / "sprung")
    it.work.mkdir()
    it.program.write_text(f"#!/bin/sh\n: > {it.mark}\nexec cat\n")
    it.program.chmod(0o755)
    it.git("init")
    (it.work / ".gitattributes").write_text("*.txt filter=odd diff=odd\n")
    (it.work / "a.txt").write_text("one\n")
    it.git("add", "-A")
    it.git("commit", "-m", "begin")
    (it.work / "a.txt").write_text("changed\n")
    return it


def included(trap: Trap) -> None:
    (trap.work / "more").write_text(f'[filter "odd"]\n\tclean = {trap.program}\n')
    trap.set("include.path", "../more")


def hook(trap: Trap) -> None:
    hooks = trap.work / "hooks"
    hooks.mkdir()
    (hooks / "post-index-change").symlink_to(trap.program)
    trap.set("core.hooksPath", str(hooks))


def of_a_submodule(key: str) -> Callable[[Trap], None]:
    def plant(trap: Trap) -> None:
        trap.git("init", str(trap.work.parent / "sub"))
        other = trap.work.parent / "sub"
        (other / ".gitattributes").write_text("*.txt filter=odd\n")
        (other / "b.txt").write_text("one\n")
        trap.git("add", "-A", at=other)
        trap.git("commit", "-m", "begin", at=other)
        trap.git("submodule", "add", str(other), "sub")
        trap.git("commit", "-m", "sub", "sub", ".gitmodules")
        (trap.work / "sub" / "b.txt").write_text("two\n")  # of the same size: git must read it
        trap.git("config", key, str(trap.program), at=trap.work / "sub")

    return plant


def missing_commit(trap: Trap) -> None:
    """The last commit is to be fetched from elsewhere, through a program."""
    trap.program.write_text(f"#!/bin/sh\n: > {trap.mark}\nexit 1\n")
    trap.set("core.repositoryFormatVersion", "1")
    trap.set("extensions.partialClone", "origin")
    trap.set("remote.origin.promisor", "true")
    trap.set("remote.origin.url", "ssh://example.invalid/x")
    trap.set("core.sshCommand")
    (trap.work / ".git" / "refs" / "heads" / "main").write_text("1" * 40 + "\n")


def missing_through_a_helper(trap: Trap) -> None:
    missing_commit(trap)
    trap.set("remote.origin.url", f"ext::{trap.program}")
    trap.set("protocol.ext.allow", "always")


PLANTS: dict[str, tuple[Callable[[Trap], None], tuple[str, ...]]] = {
    "filter, clean": (lambda trap: trap.set("filter.odd.clean"), ("diff",)),
    "filter, process": (lambda trap: trap.set("filter.odd.process"), ("diff",)),
    "filter of a file that is included": (included, ("diff",)),
    "textconv": (lambda trap: trap.set("diff.odd.textconv"), ("diff",)),
    "diff driver": (lambda trap: trap.set("diff.odd.command"), ("diff",)),
    "external diff": (lambda trap: trap.set("diff.external"), ("diff",)),
    "monitor": (lambda trap: trap.set("core.fsmonitor"), ("diff",)),
    "hook": (hook, ("update-index", "--refresh")),
    "pager": (lambda trap: trap.set("core.pager"), ()),
    "filter of a submodule": (of_a_submodule("filter.odd.clean"), ("diff",)),
    "monitor of a submodule": (of_a_submodule("core.fsmonitor"), ("diff",)),
    "ssh for a missing commit": (missing_commit, ("cat-file", "-p", "HEAD^{commit}")),
    "remote helper for a missing commit": (missing_through_a_helper, ("cat-file", "-p", "HEAD^{commit}")),
}


@pytest.mark.parametrize("name", PLANTS)
async def test_what_git_itself_would_start_is_not_started(trap: Trap, name: str) -> None:
    plant, sprung_by = PLANTS[name]
    plant(trap)
    trap.mark.unlink(missing_ok=True)
    try:
        found = await working_diff(trap.work, environ=ENVIRON)
        assert b"+changed" in found.diff
    except NoDiff as none:
        assert "missing commit" in name and none.reason is DiffRefusal.FAILED, none
    assert not trap.mark.exists()
    assert not sprung_by or trap.is_sprung_by(*sprung_by), "the trap is none"


async def test_a_filter_of_the_owners_is_not_started_either_since_it_may_ask_the_repository(
    trap: Trap, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f'[filter "odd"]\n\tclean = {trap.program}\n')
    found = await working_diff(trap.work, environ=ENVIRON | {"HOME": str(home)})
    assert b"+changed" in found.diff and not trap.mark.exists()


async def test_a_work_tree_that_is_moved_elsewhere_shows_nothing_of_it(trap: Trap, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a.txt").write_text("private\n")
    for place in (elsewhere, tmp_path):
        trap.set("core.worktree", str(place))
        try:
            assert b"private" not in (await working_diff(trap.work, environ=ENVIRON)).diff
        except NoDiff as none:
            assert none.reason is DiffRefusal.NO_REPOSITORY  # the work directory is not in it


async def test_a_bare_repository_that_lies_in_the_work_directory_is_none(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--bare", "."], cwd=tmp_path, env=ENVIRON, check=True, capture_output=True)
    with pytest.raises(NoDiff) as none:
        await working_diff(tmp_path, environ=ENVIRON)
    assert none.value.reason is DiffRefusal.NO_REPOSITORY


@pytest.mark.parametrize("kind", ["worktree", "alternates", "sha256", "split index"])
async def test_other_kinds_of_repositories_are_read_as_well(trap: Trap, tmp_path: Path, kind: str) -> None:
    work = tmp_path / "other"
    match kind:
        case "worktree":
            trap.git("worktree", "add", str(work))
        case "alternates":
            trap.git("clone", "--shared", str(trap.work), str(work))
        case "split index":
            trap.git("update-index", "--split-index")
            work = trap.work
        case _:
            work.mkdir()
            trap.git("init", "--object-format=sha256", at=work)
            (work / "a.txt").write_text("one\n")
            trap.git("add", "-A", at=work)
            trap.git("commit", "-m", "begin", at=work)
    (work / "a.txt").write_text("changed\n")
    found = await working_diff(work, environ=ENVIRON)
    assert b"+changed" in found.diff and found.files == 1


async def test_the_repository_is_left_as_it_was(trap: Trap) -> None:
    def all_of_it() -> dict[Path, tuple[int, int]]:
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in trap.work.rglob("*")}

    before = all_of_it()
    await working_diff(trap.work, environ=ENVIRON)
    assert all_of_it() == before
