"""What commands and buttons are answered with, wrong ones included."""

from __future__ import annotations

from pathlib import Path

from codex_gateway.core import reply as say
from codex_gateway.core.event import CommandStarted, Window
from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import AttemptId, BotName, ChatRef, RunId, ThreadId, UserId
from codex_gateway.core.manner import CHOICES, Detail, Form
from codex_gateway.core.outcome import FailureKind
from codex_gateway.core.request import Misspoken, MisspokenReason
from codex_gateway.core.run import RunState
from gallery.exhibit import Chapter, Exhibit
from gallery.exhibits.status import ASKED, RUN, at_work, held
from gallery.exhibits.verdicts import done, failed_with

_BOT = BotName("alpha")
_THREAD = ThreadId("019a7c1e-5b7e-7bd3-9d41-3f0d4d2a6c11")
_FORK = ThreadId("019a7c2b-11f0-7d52-8c2e-94d1c7b0aa35")
_WINDOWS = (Window(91.0, 18_000.0, 1_763_680_800.0), Window(34.0, 604_800.0, 1_764_054_000.0))
_RUNNING = say.RunLine(RUN, RunState.RUNNING, ASKED, 83)
#: A kind of content that this gateway has never heard of.
UNUSUAL = "hologram"
_LEFTOVER = Holder(5151, "node server.js", None, AttemptId(7))


def chapter() -> Chapter:
    exhibits = (*_status(), *_queue(), *_session(), *_results(), *_stops(), *_waits(), *_choices(), *_misspoken())
    return Chapter("commands", "Commands and buttons", exhibits)


def _status() -> tuple[Exhibit, ...]:
    working = at_work(CommandStarted("now", "python -m pytest -q -x tests/test_retry.py"))
    trouble = ("Telegram asked this chat to wait; messages go on in 0:42.", "The disk is almost full: 212 MB are left.")
    waits = say.RunLine(RUN, RunState.RUNNING, ASKED, 12, is_waiting=True)
    holder = Holder(4242, "codex resume", "pts/3")
    reports = (
        ("status-new", "Nothing yet", say.StatusReport(_BOT, None, None, None, 0, None)),
        ("status-idle", "Idle", say.StatusReport(_BOT, _THREAD, None, None, 0, done(), windows=_WINDOWS)),
        ("status-running", "At work", say.StatusReport(_BOT, _THREAD, _RUNNING, working, 2, done(), windows=_WINDOWS)),
        (
            "status-waiting",
            "Waiting for its session",
            say.StatusReport(_BOT, _THREAD, waits, held(holder, can_fork=True), 1, None),
        ),
        (
            "status-trouble",
            "With troubles",
            say.StatusReport(_BOT, _THREAD, None, None, 0, failed_with(FailureKind.NETWORK), trouble),
        ),
    )
    return tuple(_answered(name, title, "/status", report) for name, title, report in reports)


def _queue() -> tuple[Exhibit, ...]:
    prompts = (
        "Write the release notes",
        "把 README 翻译成中文，并检查所有链接是否有效",
        "Then look at https://example.org/issues/318 and tell me whether the new parser has the same fault as the old",
    )
    lines = tuple(
        say.RunLine(RunId(43 + n), RunState.QUEUED, prompts[n % 3], 40.0 + 200 * n, is_own=n != 1) for n in range(24)
    )
    return (
        _answered("queue-empty", "Nothing waits", "/queue", say.QueueReport(None, ())),
        _answered("queue-one", "One at work", "/queue", say.QueueReport(_RUNNING, ())),
        _answered("queue", "Three wait", "/queue", say.QueueReport(_RUNNING, lines[:3])),
        _answered("queue-long", "Many wait", "/queue", say.QueueReport(_RUNNING, lines)),
    )


def _session() -> tuple[Exhibit, ...]:
    workdir, home = Path("/home/ada/projects/website"), Path("/home/ada/.codex")
    topic = ChatRef(_BOT, -1_002_000_000_001, 17)
    return (
        _answered("session", "A session", "/session", say.SessionReport(_BOT, _THREAD, workdir, home, 41)),
        _answered("session-none", "No session yet", "/session", say.SessionReport(_BOT, None, workdir, home, 0)),
        _answered("whoami", "Who am I", "/whoami", say.WhoReport(ChatRef(_BOT, 1001), UserId(1001))),
        _answered("whoami-topic", "In a topic", "/whoami", say.WhoReport(topic, UserId(1001))),
        _answered("help", "Help", "/help", say.Help()),
    )


def _results() -> tuple[Exhibit, ...]:
    again = say.LastResult(
        RUN, "The test compared wall-clock times. It uses `FakeClock` now: **200 runs, no failure**."
    )
    return (
        _answered("lastresult", "The last answer", "/lastresult", again),
        _answered("lastresult-none", "There is none", "/lastresult", say.LastResult(None, None)),
        _answered("lastresult-empty", "It was empty", "/lastresult", say.LastResult(RUN, "")),
        _answered("answer-empty", "An empty answer", ASKED, say.Answer(RUN, "")),
        _answered("retry-nothing", "Nothing to retry", "/retry", say.NothingToRetry()),
        _answered("retry-at-it", "It is at work already", "/retry", say.StillAtIt(RUN)),
    )


def _stops() -> tuple[Exhibit, ...]:
    return (
        _answered("stop-nothing", "Nothing to stop", "/stop", say.NothingRuns()),
        _answered("stop", "Stopping", "/stop", say.Stopping(RUN, False, 0)),
        _answered("stop-more-wait", "Others wait", "/stop", say.Stopping(RUN, False, 3, RunId(45))),
        _answered("cleared", "The queue is cleared", "", say.QueueCleared(3)),
        _answered("stop-queued", "Out of the queue", "/stop", say.Stopping(RUN, True, 1)),
    )


def _waits() -> tuple[Exhibit, ...]:
    return (
        _answered("forked", "The chat goes on in a fork", "", say.SessionForked(RUN, _THREAD, _FORK)),
        _answered("ending-holder", "The leftover is ended", "", say.EndingHolder(RUN, _LEFTOVER)),
        _answered("changed", "A prompt that waits was changed", "", say.PromptChanged(RUN)),
        _answered("changed-late", "One at work was changed", "", say.TooLateToChange(RUN, is_over=False)),
        _answered("changed-over", "One that is over was changed", "", say.TooLateToChange(RUN, is_over=True)),
        _answered("changed-part", "A part of one was changed", "", say.PromptInParts(RUN)),
        _answered("forwarded", "Forwarded without a word", "", say.ForwardedAlone()),
        _answered("not-queued", "Not in the queue any more", "", say.NotQueued()),
        _answered("next-already", "It cannot be moved up", "", say.NextAlready()),
        _answered("not-waiting", "A button that came too late", "", say.NotWaiting(RUN)),
    )


def _choices() -> tuple[Exhibit, ...]:
    shown = [
        _answered(f"{setting.value}-{choice.value}", f"{setting.value}: {choice.value}", f"/{setting.value}", report)
        for setting, choices in CHOICES.items()
        for choice in choices
        for report in (say.ChoiceReport(choice),)
    ]
    return (
        *shown,
        _answered("chosen", "Chosen just now", "/verbose final", say.ChoiceReport(Detail.FINAL, is_new=True)),
        _answered("chosen-wrong", "No such choice", "/format big", say.ChoiceReport(Form.TEXT, unknown="big")),
        _answered("heard", "Spoken words, understood", "", say.Heard(RUN, "Run the tests once more, please.")),
    )


def _misspoken() -> tuple[Exhibit, ...]:
    said = (
        ("typo", "A typo", "/stauts", MisspokenReason.UNKNOWN_COMMAND, "/stauts"),
        ("unknown", "No such command", "/frobnicate", MisspokenReason.UNKNOWN_COMMAND, "/frobnicate"),
        ("new-nothing", "Nothing behind it", "/new", MisspokenReason.EMPTY_PROMPT, "/new"),
        ("empty", "Only a mention", "@alpha_bot", MisspokenReason.EMPTY_PROMPT, ""),
        ("too-large", "A file that is too large", "", MisspokenReason.FILE_TOO_LARGE, "recording-2026-11-20.mp4"),
        ("voice", "Spoken words", "", MisspokenReason.VOICE_NOT_CONFIGURED, ""),
        ("edited", "A command was changed", "/status", MisspokenReason.EDITED, ""),
        ("sticker", "A sticker", "", MisspokenReason.UNSUPPORTED_CONTENT, "sticker"),
        ("button", "A button of long ago", "", MisspokenReason.UNKNOWN_BUTTON, ""),
        ("other", "Something of the future", "", MisspokenReason.UNSUPPORTED_CONTENT, UNUSUAL),
    )
    shown = [
        _answered(name, title, asked, say.NotUnderstood(Misspoken(reason, about)))
        for name, title, asked, reason, about in said
    ]
    bare = [
        _answered(f"bare-{reason.value}", f"Nothing more is known: {reason.value}", "", _bare(reason))
        for reason in MisspokenReason
    ]
    return (*shown, *bare)


def _bare(reason: MisspokenReason) -> say.NotUnderstood:
    return say.NotUnderstood(Misspoken(reason, "/x" if reason is MisspokenReason.UNKNOWN_COMMAND else ""))


def _answered(name: str, title: str, asked: str, reply: say.Reply) -> Exhibit:
    return Exhibit(name, title, asked, (reply,))
