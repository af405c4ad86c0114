"""The sessions that people choose among, and the directories they may name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from codex_gateway.codex.session.shelf import CodexShelf
from codex_gateway.codex.session.workdirs import find_workdir
from codex_gateway.core.ids import ThreadId
from codex_gateway.core.saved import DirectoryFault, SavedSession, SessionFormat

SAMPLES = Path(__file__).parent / "samples" / "rollouts"


def thread(number: int) -> ThreadId:
    return ThreadId(f"01a1f920-e197-7680-af9c-{number:012x}")


def shelf(home: Path, workdir: Path | None = None) -> CodexShelf:
    return CodexShelf(
        home=home,
        workdir=workdir or home,
        allowed_workdirs=(),
        cli_cmd="no-such-codex",
        environ={"PATH": "/nowhere", "HOME": str(home)},
        attempts_dir=home / "attempts",
    )


def put(home: Path, number: int, prompt: str | None, *, folder: str = "sessions/2026/11/20", at: float = 0.0) -> Path:
    path = home / folder / f"rollout-2026-11-20T10-00-00-{thread(number)}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = {"id": thread(number), "cwd": f"/work/{number}", "cli_version": "0.140.0"}
    records = [{"type": "session_meta", "payload": meta}]
    if prompt is not None:
        records.append({"type": "event_msg", "payload": {"type": "user_message", "message": prompt, "images": []}})
    lines = [json.dumps({"timestamp": "2026-11-20T10:00:00.000Z", **record}) for record in records]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    os.utime(path, (at, at))
    return path


async def test_sessions_come_latest_first_in_pages_with_title_and_directory(tmp_path: Path) -> None:
    for number in range(1, 8):
        put(tmp_path, number, f"Prompt\n number {number}", at=1000.0 + number)
    page = await shelf(tmp_path).page(skip=0, limit=3)
    assert page.total == 7 and [session.thread_id for session in page.sessions] == [thread(7), thread(6), thread(5)]
    assert page.sessions[0] == SavedSession(
        thread(7), 1007.0, "Prompt number 7", Path("/work/7"), "0.140.0", SessionFormat.LEGACY
    )
    last = await shelf(tmp_path).page(skip=5000, limit=3)
    assert (last.skipped, [session.thread_id for session in last.sessions]) == (6, [thread(1)])


async def test_nothing_there_is_an_empty_page(tmp_path: Path) -> None:
    page = await shelf(tmp_path / "missing").page(skip=6, limit=6)
    assert (page.sessions, page.skipped, page.total) == ((), 0, 0)


async def test_archived_sessions_and_other_files_are_left_out_and_an_archived_one_is_known_as_such(
    tmp_path: Path,
) -> None:
    put(tmp_path, 1, "away", folder="archived_sessions")
    put(tmp_path, 2, "here").with_name("notes.jsonl").write_text("{}", "utf-8")
    it = shelf(tmp_path)
    assert [session.title for session in (await it.page(skip=0, limit=9)).sessions] == ["here"]
    archived = await it.find(thread(1))
    assert archived is not None and archived.is_archived
    assert await it.find(thread(3)) is None and await it.find(ThreadId("../../etc")) is None


@pytest.mark.parametrize(
    ("sample", "title", "form"),
    [
        ("v0.80.0-tools-errors-compact.jsonl", "old @reason", SessionFormat.LEGACY),
        ("v0.140.0-legacy.jsonl", None, SessionFormat.LEGACY),
        ("fork.jsonl", "@comment on my way", SessionFormat.PAGINATED),
        ("tools-code-mode-gpt6.jsonl", None, SessionFormat.PAGINATED),
    ],
)
async def test_real_sessions_of_every_age_have_a_title_and_their_format(
    tmp_path: Path, sample: str, title: str | None, form: SessionFormat
) -> None:
    folder = tmp_path / "sessions/2026/11/20"
    folder.mkdir(parents=True)
    (folder / f"rollout-2026-11-20T10-00-00-{thread(1)}.jsonl").write_bytes((SAMPLES / sample).read_bytes())
    [session] = (await shelf(tmp_path).page(skip=0, limit=1)).sessions
    assert session.title and session.title.startswith(title or "")
    assert session.format is form and session.version and session.workdir


@pytest.mark.parametrize(
    "damage", [b"", b"\n\n", b"{", b"[]\n{}\n", b"\xff\xfe" * 100, b'{"type":"session_meta","payload":7}\n']
)
async def test_a_damaged_beginning_is_a_session_without_a_title(tmp_path: Path, damage: bytes) -> None:
    put(tmp_path, 1, "x").write_bytes(damage)
    [session] = (await shelf(tmp_path).page(skip=0, limit=1)).sessions
    assert (session.title, session.workdir, session.version) == (None, None, None)


async def test_a_part_of_the_title_or_the_beginning_of_the_id_finds_it(tmp_path: Path) -> None:
    put(tmp_path, 1, "Fix the Login page", at=1.0)
    put(tmp_path, 2, "Another login matter", at=2.0)
    put(tmp_path, 3, "Something else", at=3.0)
    it = shelf(tmp_path)
    assert [each.thread_id for each in await it.matching("LOGIN", limit=6)] == [thread(2), thread(1)]
    assert [each.thread_id for each in await it.matching("login  page", limit=6)] == [thread(1)]
    assert [each.thread_id for each in await it.matching("01a1f920-e197", limit=2)] == [thread(3), thread(2)]
    assert await it.matching("nothing of the kind", limit=6) == ()


async def test_a_title_that_comes_later_is_seen_then(tmp_path: Path) -> None:
    path = put(tmp_path, 1, None)
    it = shelf(tmp_path)
    assert (await it.page(skip=0, limit=1)).sessions[0].title is None
    put(tmp_path, 1, "now")
    assert (await it.page(skip=0, limit=1)).sessions[0].title == "now"
    path.unlink()
    assert (await it.page(skip=0, limit=1)).sessions == ()


async def test_of_thousands_only_the_shown_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2000):
        put(tmp_path, number, f"prompt {number}", folder=f"sessions/2026/11/{number % 28 + 1:02}", at=float(number))
    opened = []
    original = Path.open

    def counting(path: Path, *words: object, **more: object) -> object:
        opened.append(path)
        return original(path, *words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "open", counting)
    page = await shelf(tmp_path).page(skip=600, limit=6)
    assert page.total == 2000 and page.sessions[0].title == "prompt 1399"
    assert len(opened) == 6


async def test_a_codex_that_is_not_there_can_do_nothing(tmp_path: Path) -> None:
    it = shelf(tmp_path)
    assert not await it.can_fork()
    assert await it.version() is None
    assert await it.holder(thread(1)) == (False, None)


@pytest.fixture
def places(tmp_path: Path) -> Path:
    for folder in ("bot/inner", "projects/shop", "private"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "bot" / "file").write_text("x", "utf-8")
    (tmp_path / "bot" / "leads-out").symlink_to(tmp_path / "private")
    (tmp_path / "bot" / "leads-in").symlink_to(tmp_path / "projects" / "shop")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("inner", "bot/inner"),
        (".", "bot"),
        ("./inner/..", "bot"),
        ("~/projects/shop", "projects/shop"),
        ("leads-in", "projects/shop"),
        ("../projects", "projects"),
        ("", DirectoryFault.NOT_THERE),
        ("in\0ner", DirectoryFault.NOT_THERE),
        ("x" * 5000, DirectoryFault.NOT_THERE),
        ("x" * 300, DirectoryFault.NOT_THERE),
        ("nowhere", DirectoryFault.NOT_THERE),
        ("file", DirectoryFault.NOT_A_DIRECTORY),
        ("leads-out", DirectoryFault.NOT_ALLOWED),
        ("..", DirectoryFault.NOT_ALLOWED),
        ("~", DirectoryFault.NOT_ALLOWED),
        ("~/private", DirectoryFault.NOT_ALLOWED),
        ("~/no-telling-whether-it-is-there", DirectoryFault.NOT_ALLOWED),
        ("/", DirectoryFault.NOT_ALLOWED),
        ("/etc/passwd", DirectoryFault.NOT_ALLOWED),
        ("../projects-of-others", DirectoryFault.NOT_ALLOWED),
    ],
)
def test_only_the_bots_directory_and_what_is_allowed_may_be_named(
    places: Path, words: str, expected: str | DirectoryFault
) -> None:
    found = find_workdir(words, base=places / "bot", allowed=(places / "projects",), home=places)
    assert found == (expected if isinstance(expected, DirectoryFault) else (places / expected).resolve())
