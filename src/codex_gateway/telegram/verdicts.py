"""Why a run ended and what a person can do about it, one sentence each."""

from __future__ import annotations

from typing import NamedTuple

from codex_gateway.core.event import Misread
from codex_gateway.core.outcome import FailureKind, StopReason
from codex_gateway.telegram.units import moment


class Explanation(NamedTuple):
    """`cause` goes on after "Failed after 0:03: "; `advice` is whole sentences, or nothing."""

    cause: str
    advice: str = ""


FAILURES: dict[FailureKind, Explanation] = {
    FailureKind.MODEL_ERROR: Explanation("the model's service answered with an error.", "Retry in a moment."),
    FailureKind.REFUSED: Explanation(
        "the model's service does not take the request as it is.",
        "Often the model's name is wrong: look at what it says below, then at codex_cli_args and Codex's config.toml.",
    ),
    FailureKind.RATE_LIMITED: Explanation(
        "too many requests to the model for the moment.", "Wait a minute, then Retry."
    ),
    FailureKind.QUOTA: Explanation(
        "the account's allowance is used up.",
        "Wait until it is renewed, or log Codex in to another account, then Retry.",
    ),
    FailureKind.CONTEXT_FULL: Explanation(
        "the conversation no longer fits into the model's window.",
        "Open it in Codex's own terminal and run /compact there, then Retry; or begin a new session.",
    ),
    FailureKind.NETWORK: Explanation(
        "the model's service could not be reached.", "Check the network of the machine that Codex runs on, then Retry."
    ),
    FailureKind.UNAUTHORIZED: Explanation(
        "Codex is not logged in, or its login has expired.",
        "Run codex login on the machine that it runs on, then Retry.",
    ),
    FailureKind.FORBIDDEN: Explanation(
        "the model's service does not let this account do that.",
        "Look at what it says below: the account may lack this model, or the network may be barred.",
    ),
    FailureKind.WRONG_SESSION: Explanation(
        "Codex went on in another session than the one asked for.",
        "Its answer was not taken over. /session shows the session of this chat.",
    ),
    FailureKind.UNKNOWN_SESSION: Explanation(
        "there is no such session where Codex looks.",
        "Check resume_id and codex_home in the configuration; /session shows both.",
    ),
    FailureKind.SESSION_BUSY: Explanation("another program has this session open.", "Close it there, then Retry."),
    FailureKind.GIT_CHECK: Explanation(
        "the work directory is not a git repository.",
        "Run git init there, then Retry; or set codex_cli_skip_git_check = true and restart the gateway.",
    ),
    FailureKind.USAGE: Explanation(
        "Codex did not understand how it was called.",
        "Correct codex_cli_args in the configuration, restart the gateway, then Retry.",
    ),
    FailureKind.TOO_OLD: Explanation(
        "this Codex is too old for the gateway.", "Update it: npm install -g @openai/codex@latest. Then Retry."
    ),
    FailureKind.CODEX_CONFIG: Explanation(
        "Codex cannot read its own configuration.", "Put right what it names below, then Retry."
    ),
    FailureKind.MISSING_VARIABLE: Explanation(
        "Codex's configuration names a variable of the environment that is not set.",
        "Set it for the gateway's service or in its .env, restart the gateway, then Retry.",
    ),
    FailureKind.NOT_INSTALLED: Explanation(
        "Codex was not found.",
        "Install it, then Retry; or set codex_cli_cmd to the path of its program and restart the gateway.",
    ),
    FailureKind.NOT_EXECUTABLE: Explanation(
        "the gateway may not execute Codex.",
        "Run chmod +x on its program, then Retry; or correct codex_cli_cmd and restart the gateway.",
    ),
    FailureKind.NO_WORKDIR: Explanation(
        "the work directory does not exist.",
        "Make it again, then Retry; or correct codex_workdir and restart the gateway.",
    ),
    FailureKind.CANNOT_START: Explanation("Codex could not be started.", "Put right what is named below, then Retry."),
    FailureKind.KILLED: Explanation("Codex was ended from outside.", "The session is intact: write on, or Retry."),
    FailureKind.OUT_OF_MEMORY: Explanation(
        "the system ended Codex because the memory was full.",
        "The session is intact: free some memory on the machine, then write on, or Retry.",
    ),
    FailureKind.LOST: Explanation(
        "the gateway was down when Codex ended, and nothing tells how.",
        "Nothing is run twice by itself: look at what was done, then write on, or Retry.",
    ),
    FailureKind.NOT_STARTED: Explanation(
        "the gateway went down before Codex had begun.", "The prompt has not been run: Retry."
    ),
    FailureKind.NOT_UNDERSTOOD: Explanation(
        "Codex ended well, but nothing of what it wrote was understood.",
        "This Codex may be newer than the gateway: update the gateway.",
    ),
    FailureKind.ATTACHMENT: Explanation(
        "a file that came with the prompt could not be used.",
        "Codex was not started. Look at what it says below, then Retry, or send the file again.",
    ),
    FailureKind.OTHER: Explanation("Codex ended with an error.", "Write on, or Retry."),
}


def failure(kind: FailureKind, *, resets_at: float | None = None) -> Explanation:
    """The sentences for a failure. `resets_at` is when a limit that was hit begins anew, in Unix seconds."""
    explained = FAILURES[kind]
    match kind:
        case FailureKind.QUOTA if resets_at is not None:
            return Explanation(
                explained.cause, f"It is renewed {moment(resets_at)}. Retry then, or log Codex in to another account."
            )
        case FailureKind.RATE_LIMITED if resets_at is not None:
            return Explanation(explained.cause, f"That is over {moment(resets_at)}: Retry then.")
        case _:
            return explained


STOPS: dict[StopReason, Explanation] = {
    StopReason.USER: Explanation(""),
    StopReason.RUN_TIMEOUT: Explanation(
        "the time limit of a run was reached.",
        "The session is intact: write on, or Retry. run_timeout_seconds sets the limit.",
    ),
    StopReason.SILENCE: Explanation(
        "nothing was heard of Codex for too long.",
        "The session is intact: write on, or Retry. no_output_idle_timeout_seconds sets the limit.",
    ),
    StopReason.STUCK_AFTER_COMPACTION: Explanation(
        "Codex fell silent after it had compacted the conversation.",
        "The session is intact: write on, or Retry. context_compaction_idle_timeout_seconds sets the limit.",
    ),
    StopReason.STUCK_AFTER_ANSWER: Explanation(
        "the answer was there, but Codex did not end.",
        "The session is intact: write on. final_result_idle_timeout_seconds sets the limit.",
    ),
    StopReason.SHUTDOWN: Explanation("the gateway was shut down.", "The session is intact: write on, or Retry."),
}


def misread(told: Misread) -> str:
    """What a person is told of a Codex that we cannot follow."""
    who = "This Codex" if told.version is None else f"Codex {told.version}"
    return (
        f"{who} keeps its sessions in a way that this gateway does not understand: "
        "what it did on the way could not be shown. Look for an update of the gateway."
    )
