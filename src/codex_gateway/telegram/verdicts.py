"""Why a run ended and what a person can do about it, one sentence each."""

from __future__ import annotations

from typing import NamedTuple

from codex_gateway.core.event import Misread
from codex_gateway.core.outcome import FailureKind, StopReason
from codex_gateway.telegram.tongue import _, mark
from codex_gateway.telegram.units import moment


class Explanation(NamedTuple):
    """`cause` goes on after "Failed after 0:03: "; `advice` is whole sentences, or nothing."""

    cause: str
    advice: str = ""

    def spoken(self) -> Explanation:
        """In the language that is spoken."""
        return Explanation(_(self.cause), _(self.advice))


FAILURES: dict[FailureKind, Explanation] = {
    FailureKind.MODEL_ERROR: Explanation(
        mark("the model's service answered with an error."), mark("Retry in a moment.")
    ),
    FailureKind.REFUSED: Explanation(
        mark("the model's service does not take the request as it is."),
        mark(
            "Often the model's name is wrong: look at what it says below, "
            "then at `codex_cli_args` and Codex's `config.toml`."
        ),
    ),
    FailureKind.RATE_LIMITED: Explanation(
        mark("too many requests to the model for the moment."), mark("Wait a minute, then Retry.")
    ),
    FailureKind.QUOTA: Explanation(
        mark("the account's allowance is used up."),
        mark("Wait until it is renewed, or log Codex in to another account, then Retry."),
    ),
    FailureKind.CONTEXT_FULL: Explanation(
        mark("the conversation no longer fits into the model's window."),
        mark("Open it in Codex's own terminal and compact it there, then Retry; or begin a new session: /newsession."),
    ),
    FailureKind.NETWORK: Explanation(
        mark("the model's service could not be reached."),
        mark("Check the network of the machine that Codex runs on, then Retry."),
    ),
    FailureKind.UNAUTHORIZED: Explanation(
        mark("Codex is not logged in, or its login has expired."),
        mark("Run `codex login` on the machine that it runs on, then Retry."),
    ),
    FailureKind.FORBIDDEN: Explanation(
        mark("the model's service does not let this account do that."),
        mark("Look at what it says below: the account may lack this model, or the network may be barred."),
    ),
    FailureKind.WRONG_SESSION: Explanation(
        mark("Codex went on in another session than the one asked for."),
        mark("Its answer was not taken over. /session shows the session of this chat."),
    ),
    FailureKind.UNKNOWN_SESSION: Explanation(
        mark("there is no such session where Codex looks."),
        mark("Check `resume_id` and `codex_home` in the configuration; /session shows both."),
    ),
    FailureKind.SESSION_BUSY: Explanation(
        mark("another program has this session open."), mark("Close it there, then Retry.")
    ),
    FailureKind.GIT_CHECK: Explanation(
        mark("the work directory is not a git repository."),
        mark("Run `git init` there, then Retry; or set `codex_cli_skip_git_check = true` and restart the gateway."),
    ),
    FailureKind.USAGE: Explanation(
        mark("Codex did not understand how it was called."),
        mark("Correct `codex_cli_args` in the configuration, restart the gateway, then Retry."),
    ),
    FailureKind.TOO_OLD: Explanation(
        mark("this Codex is too old for the gateway."),
        mark("Update it: `npm install -g @openai/codex@latest`. Then Retry."),
    ),
    FailureKind.CODEX_CONFIG: Explanation(
        mark("Codex cannot read its own configuration."), mark("Put right what it names below, then Retry.")
    ),
    FailureKind.MISSING_VARIABLE: Explanation(
        mark("Codex's configuration names a variable of the environment that is not set."),
        mark("Set it for the gateway's service or in its `.env`, restart the gateway, then Retry."),
    ),
    FailureKind.NOT_INSTALLED: Explanation(
        mark("Codex was not found."),
        mark("Install it, then Retry; or set `codex_cli_cmd` to the path of its program and restart the gateway."),
    ),
    FailureKind.NOT_EXECUTABLE: Explanation(
        mark("the gateway may not execute Codex."),
        mark("Run `chmod +x` on its program, then Retry; or correct `codex_cli_cmd` and restart the gateway."),
    ),
    FailureKind.NO_WORKDIR: Explanation(
        mark("the work directory does not exist."),
        mark("Make it again, then Retry; or correct `codex_workdir` and restart the gateway."),
    ),
    FailureKind.CANNOT_START: Explanation(
        mark("Codex could not be started."), mark("Put right what is named below, then Retry.")
    ),
    FailureKind.KILLED: Explanation(
        mark("Codex was ended from outside."), mark("The session is intact: write on, or Retry.")
    ),
    FailureKind.OUT_OF_MEMORY: Explanation(
        mark("the system ended Codex because the memory was full."),
        mark("The session is intact: free some memory on the machine, then write on, or Retry."),
    ),
    FailureKind.LOST: Explanation(
        mark("the gateway was down when Codex ended, and nothing tells how."),
        mark("Nothing is run twice by itself: look at what was done, then write on, or Retry."),
    ),
    FailureKind.NOT_STARTED: Explanation(
        mark("the gateway went down before Codex had begun."), mark("The prompt has not been run: Retry.")
    ),
    FailureKind.NOT_UNDERSTOOD: Explanation(
        mark("Codex ended well, but nothing of what it wrote was understood."),
        mark("This Codex may be newer than the gateway: update the gateway."),
    ),
    FailureKind.ATTACHMENT: Explanation(
        mark("a file that came with the prompt could not be used."),
        mark("Codex was not started. Look at what it says below, then Retry, or send the file again."),
    ),
    FailureKind.OTHER: Explanation(mark("Codex ended with an error."), mark("Write on, or Retry.")),
}


def failure(kind: FailureKind, *, resets_at: float | None = None) -> Explanation:
    """The sentences for a failure. `resets_at` is when a limit that was hit begins anew, in Unix seconds."""
    explained = FAILURES[kind].spoken()
    match kind:
        case FailureKind.QUOTA if resets_at is not None:
            advice = _("It is renewed {moment}. Retry then, or log Codex in to another account.")
            return explained._replace(advice=advice.format(moment=moment(resets_at)))
        case FailureKind.RATE_LIMITED if resets_at is not None:
            return explained._replace(advice=_("That is over {moment}: Retry then.").format(moment=moment(resets_at)))
        case _:
            return explained


STOPS: dict[StopReason, Explanation] = {
    StopReason.USER: Explanation(""),
    StopReason.RUN_TIMEOUT: Explanation(
        mark("the time limit of a run was reached."),
        mark("The session is intact: write on, or Retry. `run_timeout_seconds` sets the limit."),
    ),
    StopReason.SILENCE: Explanation(
        mark("nothing was heard of Codex for too long."),
        mark("The session is intact: write on, or Retry. `no_output_idle_timeout_seconds` sets the limit."),
    ),
    StopReason.STUCK_AFTER_COMPACTION: Explanation(
        mark("Codex fell silent after it had compacted the conversation."),
        mark("The session is intact: write on, or Retry. `context_compaction_idle_timeout_seconds` sets the limit."),
    ),
    StopReason.STUCK_AFTER_ANSWER: Explanation(
        mark("the answer was there, but Codex did not end."),
        mark("The session is intact: write on. `final_result_idle_timeout_seconds` sets the limit."),
    ),
    StopReason.SHUTDOWN: Explanation(
        mark("the gateway was shut down."), mark("The session is intact: write on, or Retry.")
    ),
}


def misread(told: Misread) -> str:
    """What a person is told of a Codex that we cannot follow."""
    who = _("This Codex") if told.version is None else f"Codex {told.version}"
    return _(
        "{codex} keeps its sessions in a way that this gateway does not understand: "
        "what it did on the way could not be shown. Look for an update of the gateway."
    ).format(codex=who)
