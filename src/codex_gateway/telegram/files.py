"""What a person reads, and is sent, for a file of the work directory or its diff."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from shlex import quote
from typing import assert_never

from codex_gateway.core import reply as say
from codex_gateway.core.request import Misspoken, MisspokenReason
from codex_gateway.telegram.markup import render, utf16_len
from codex_gateway.telegram.message import Document, Message
from codex_gateway.telegram.page import Code, Page
from codex_gateway.telegram.tongue import _, plural
from codex_gateway.telegram.units import clipped, one_line

#: Names that a message lists, and how long each may be.
_LISTED, _NAME_LIMIT = 20, 120


def file_words(
    reply: say.SentFile | say.FileRefused | say.DiffReport | say.DiffRefused, *, limit: int
) -> list[Message]:
    """The messages that say `reply`; a diff that does not fit into one of `limit` UTF-16 units is sent as a file."""
    match reply:
        case say.SentFile():
            caption = Page().code(one_line(reply.path, 500)).done()
            return [replace(caption, document=Document(_file_name(reply.path), path=reply.kept))]
        case say.FileRefused():
            return [_refused(reply)]
        case say.DiffReport():
            return _diff(reply, limit)
        case say.DiffRefused():
            return [_no_diff(reply)]
        case _:
            assert_never(reply)


def file_trouble(misspoken: Misspoken) -> Page:
    """Why nothing can be done with a file that somebody sent."""
    if misspoken.reason is MisspokenReason.FILE_TOO_LARGE:
        name = one_line(misspoken.about, 60)
        too_large = _(
            "{name} is larger than the 20 MB that Telegram lets a bot download: copy it into the work directory, and"
            " name it in the prompt."
        )
        return Page().weave(too_large, name=Code(name) if name else _("That file"))
    transcribing = _(
        "I cannot listen yet: set `transcribe_cmd` in the configuration to a command that prints the words of a sound"
        " file, or write it as text."
    )
    return Page().prose(transcribing)


def changed(reply: say.PromptChanged | say.TooLateToChange | say.PromptInParts | say.ForwardedAlone) -> Message:
    """What a change of a message, or a forwarded one, has brought about."""
    match reply:
        case say.PromptChanged():
            sentence = _("✏️ The prompt that waits is changed.")
        case say.PromptInParts():
            sentence = _("That prompt came in several messages and stays as it is: stop it, and send it again.")
        case say.ForwardedAlone():
            sentence = _(
                "Forwarded messages start nothing by themselves: write what Codex is to do right behind them, or as a"
                " reply to one of them."
            )
        case say.TooLateToChange(is_over=True):
            sentence = _("That prompt has been run already: send the changed one as a new message.")
        case say.TooLateToChange():
            sentence = _("That prompt is being worked at already: send the changed one as a new message.")
        case _:
            assert_never(reply)
    return Page().say(sentence).done()


def heard(words: str) -> Message:
    """What was understood of a voice message."""
    page = Page().say("🎤 ").say(_("I heard:"))
    return page.quote(clipped(words, 3000), folds=True).done()


def _file_name(path: str) -> str:
    name = "".join(letter if letter.isprintable() else "_" for letter in PurePosixPath(path).name)
    return name[-200:] or "file"


def _refused(reply: say.FileRefused) -> Message:
    path = Code(one_line(reply.path, 200))
    page = Page()
    match reply.reason:
        case say.FileRefusal.UNNAMED:
            page.prose(_("Write the path behind it, such as: `/get README.md`"))
        case say.FileRefusal.MISSING:
            page.weave(_("There is no file {path} in the work directory."), path=path)
        case say.FileRefusal.OUTSIDE:
            page.weave(_("{path} is not in the work directory, and only files in it are sent."), path=path)
        case say.FileRefusal.LINK:
            page.weave(_("{path} is or passes through a symbolic link, and those are not followed."), path=path)
        case say.FileRefusal.CONFIDENTIAL:
            page.weave(_("{path} may hold passwords or keys, and such files are not sent."), path=path)
        case say.FileRefusal.DIRECTORY if reply.entries:
            page.weave(_("{path} is a directory. In it:"), path=path)
            for entry in reply.entries:
                page.line().code(one_line(entry, _NAME_LIMIT))
        case say.FileRefusal.DIRECTORY:
            page.weave(_("{path} is an empty directory."), path=path)
        case say.FileRefusal.SPECIAL:
            page.weave(_("{path} is no ordinary file."), path=path)
        case say.FileRefusal.UNREADABLE:
            page.weave(_("{path} could not be read."), path=path)
        case say.FileRefusal.EMPTY:
            page.weave(_("{path} is empty."), path=path)
        case say.FileRefusal.TOO_LARGE:
            page.weave(_("{path} is larger than the 50 MB that Telegram lets a bot send."), path=path)
        case _:
            assert_never(reply.reason)
    return page.done()


def _diff(reply: say.DiffReport, limit: int) -> list[Message]:
    page = Page()
    if reply.files:
        changed = plural("{n} file changed", "{n} files changed", reply.files)
        page.say(f"{changed} · +{reply.added} −{reply.removed}")
    else:
        page.say(
            _("No file that git knows has changed.") if reply.untracked else _("Nothing differs from the last commit.")
        )
    _list(page, _("New, and not known to git yet (/get sends one):"), reply.untracked)
    _list(page, _("Left out, since they may hold passwords or keys:"), reply.secret)
    summary = page.done()
    if reply.kept is not None:
        short = Page().say(clipped(summary.formatted.text, 900)).done()
        return [replace(short, document=Document("changes.diff", path=reply.kept))]
    if not reply.text:
        return [summary]
    block = render(f"{_fence(reply.text)}diff\n{reply.text}\n{_fence(reply.text)}")
    if utf16_len(block.text) > limit:
        return [replace(summary, document=Document("changes.diff", text=reply.text))]
    return [summary, Message(block)]


def _list(page: Page, title: str, names: tuple[str, ...]) -> None:
    if not names:
        return
    page.line(title)
    for name in names[:_LISTED]:
        page.line().code(one_line(name, _NAME_LIMIT))
    if (more := len(names) - _LISTED) > 0:
        page.line(_("… and {n} more").format(n=more))


def _fence(text: str) -> str:
    """A fence that is longer than any in the text."""
    longest = run = 0
    for letter in text:
        run = run + 1 if letter == "`" else 0
        longest = max(longest, run)
    return "`" * max(3, longest + 1)


def _no_diff(reply: say.DiffRefused) -> Message:
    match reply.reason:
        case say.DiffRefusal.NO_GIT:
            sentence = _("git is not installed on the machine where I run.")
        case say.DiffRefusal.NO_REPOSITORY:
            sentence = _("The work directory is in no git repository, so there is no diff.")
        case say.DiffRefusal.NO_WORKDIR:
            sentence = _("The work directory does not exist any more.")
        case say.DiffRefusal.NOT_TRUSTED:
            return _not_trusted(reply.words)
        case say.DiffRefusal.TIMEOUT:
            sentence = _("git took too long for the diff, and was stopped.")
        case say.DiffRefusal.TOO_LARGE:
            sentence = _("The diff is larger than the 50 MB that Telegram lets a bot send.")
        case say.DiffRefusal.FAILED:
            sentence = _("git failed: {words}").format(words=one_line(reply.words, 300))
        case say.DiffRefusal.UNKNOWN_RUN:
            sentence = _("That run is none of this chat's.")
        case _:
            assert_never(reply.reason)
    return Page().say(sentence).done()


def _not_trusted(directory: str) -> Message:
    page = Page().say(
        _("The repository belongs to another account, so git does not read it. To allow it, run as the gateway's user:")
    )
    return page.line().code(f"git config --global --add safe.directory {quote(directory)}").done()
