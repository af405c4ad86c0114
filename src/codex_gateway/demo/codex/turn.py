"""One turn of the scripted CLI: plays a prompt's script into the session file and onto stdout, in Codex's own order."""

from __future__ import annotations

import select
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from codex_gateway.demo import allowance
from codex_gateway.demo.codex import failures
from codex_gateway.demo.codex.calls import Calls
from codex_gateway.demo.codex.failures import Failed
from codex_gateway.demo.codex.printer import Printer
from codex_gateway.demo.codex.records import Recorder
from codex_gateway.demo.codex.session import Usage
from codex_gateway.demo.script import Compaction, Cut, Message, Pause, Reason, Refusal, Reply, parse_or_explain

#: How often a stream that failed is tried again, and a request that failed by the server's fault: as in the homes that
#: ``write_codex_home`` makes for the real CLI.
STREAM_RETRIES = 1
REQUEST_RETRIES = 1
#: Nine tenths of the window: where Codex compacts unless its config says otherwise.
DEFAULT_COMPACT_TOKENS = 232_560
_SUMMARY_TOKENS = 300


class Interrupted(Exception):
    """SIGINT came; raised only where the turn waits, so that no line is ever left half written."""


@dataclass(slots=True)
class Turn:
    recorder: Recorder
    printer: Printer
    #: Becomes readable when SIGINT has come.
    interrupt: int
    compact_tokens: int = DEFAULT_COMPACT_TOKENS
    #: Scripts for prompts in plain words (``script.read_repertoire``).
    repertoire: Mapping[str, str] = field(default_factory=dict)
    #: The last message of the turn once it is completed, final or not.
    answer: str | None = None
    _calls: Calls = field(init=False)

    def __post_init__(self) -> None:
        self._calls = Calls(self.recorder, self.printer, self._wait_for)

    def play(self, prompt: str, *, images: list[str], new: bool) -> bool:
        """Plays the whole turn; True if it was completed, False if it failed or was interrupted."""
        recorder, printer = self.recorder, self.printer
        printer.turn_started(prompt)
        recorder.turn_started(new=new)
        try:
            self._begin(prompt, images=images, new=new)
            last = self._replies(prompt)
        except Failed as failure:
            if failure.counted:
                recorder.tokens_repeated()
            recorder.turn_ended(None, error={"message": failure.message, "codex_error_info": failure.info})
            printer.turn_failed(failure.message)
            return False
        except Interrupted:
            self._abort()
            return False
        self.answer = last
        recorder.turn_ended(last)
        printer.turn_completed(last, recorder.lines.counts(recorder.lines.session.thread_usage))
        return True

    def _begin(self, prompt: str, *, images: list[str], new: bool) -> None:
        recorder = self.recorder
        previous = recorder.lines.session.last_prompt
        recorder.lines.session.last_prompt = prompt
        if recorder.lines.session.last_tokens < self.compact_tokens:
            recorder.context(new=new)
        else:
            try:
                self._compact(previous, mid_turn=False)
            except Failed:
                recorder.prompt_of_failed_turn(prompt, images=images)
                raise
        recorder.prompt(prompt, images=images)

    def _replies(self, prompt: str) -> str | None:
        last = None
        replies = parse_or_explain(prompt, self.repertoire).replies
        for number, reply in enumerate(replies):
            last = self._reply(reply) or last
            if number + 1 < len(replies) and self.recorder.lines.session.last_tokens >= self.compact_tokens:
                self._compact(prompt, mid_turn=True)
        return last

    def _reply(self, reply: Reply) -> str | None:
        """The reply's last message."""
        requests = 0
        for stream in range(STREAM_RETRIES + 1):
            for _ in range(REQUEST_RETRIES + 1):
                tried = reply.at(requests)
                requests += 1
                if not (isinstance(tried, Refusal) and tried.status >= 500):
                    break
            self.recorder.lines.limits = allowance.snapshot(reply)
            try:
                return self._streamed(tried, again=allowance.when(reply))
            except Failed as failure:
                if stream == STREAM_RETRIES or not failure.retried:
                    raise
                self.printer.trouble(f"Reconnecting... {stream + 1}/{STREAM_RETRIES}", failure.message)
        raise AssertionError("the last attempt returns or raises")

    def _streamed(self, tried: Reply | Refusal, *, again: str) -> str | None:
        if isinstance(tried, Refusal):
            raise failures.refused(tried, modern=self.recorder.lines.session.modern, again=again)
        last = None
        for part in tried.parts:
            match part:
                case Pause(seconds):
                    self._wait(seconds)
                case Reason(text):
                    self.recorder.reasoning(text)
                    self.printer.reasoning(text)
                case Message(text, final):
                    self.recorder.message(text, phase="final_answer" if final else "commentary")
                    self.printer.message(text)
                    last = text
                case Cut():
                    self.recorder.tokens_repeated()
                    raise failures.broken_off()
        self._calls.perform(tried.calls, Usage.of_reply(tried.tokens))
        return last

    def _compact(self, prompt: str, *, mid_turn: bool) -> None:
        """As the script of ``prompt`` wants it: the one whose reply has filled the window."""
        started_at = time.time()
        session = self.recorder.lines.session
        how = (
            reply.compaction
            for reply in parse_or_explain(prompt, self.repertoire).replies
            if reply.compaction is not None
        )
        asked = next(how, Compaction())
        if asked.fails:
            self._reply(Reply(refusal=Refusal(500, "server_error")))
        self.recorder.tokens_repeated()
        self._wait(asked.seconds)
        cost = Usage.of_reply(_SUMMARY_TOKENS)
        self.recorder.summarised()
        self.recorder.reply_ended(cost)
        self.recorder.tokens_counted(cost)
        self.recorder.compacted(started_at=started_at, mid_turn=mid_turn)
        if not session.modern:
            self.printer.warning(_HEADS_UP)

    def _abort(self) -> None:
        killed = self._calls.kill()
        for ran in killed:
            self.recorder.shell_aborted(ran)
        self.recorder.tokens_repeated()
        self.recorder.turn_aborted()
        for ran in killed:
            self.recorder.shell_ended(ran)

    def _wait(self, seconds: float) -> None:
        """Sits a pause out, for ever if it is infinite; raises Interrupted when SIGINT comes."""
        self._wait_for([], None if seconds == float("inf") else seconds)

    def _wait_for(self, readers: list[int], seconds: float | None) -> list[int]:
        readable, _, _ = select.select([self.interrupt, *readers], [], [], seconds)
        if self.interrupt in readable:
            raise Interrupted
        return readable


_HEADS_UP = (
    "Heads up: Long threads and multiple compactions can cause the model to be less accurate. Start a new thread when"
    " possible to keep threads small and targeted."
)
