"""What Codex writes around a turn: who it is, what it was told, where it works. Readers skip most of it."""

from __future__ import annotations

from dataclasses import dataclass

from codex_gateway.demo.codex.lines import Lines, Payload
from codex_gateway.demo.codex.session import timestamp

#: Some 21,000 characters in session_meta and 4,000 in the first message, as with real ones: their size is what matters.
_INSTRUCTIONS = "This stands where Codex keeps its instructions to the model. " * 70


@dataclass(frozen=True, slots=True)
class Setting:
    """What the command line and the config say about a turn."""

    version: str
    cwd: str
    model: str
    sandbox: str


def write_meta(lines: Lines, setting: Setting) -> None:
    """The first line of a session file."""
    session = lines.session
    meta: Payload = {"id": session.thread_id, "timestamp": timestamp(), "cwd": setting.cwd}
    if session.modern:
        meta = {"session_id": session.thread_id, **meta, "runtime_workspace_roots": [setting.cwd]}
    meta |= {"originator": "codex_exec", "cli_version": setting.version, "source": "exec", "thread_source": "user"}
    meta |= {"model_provider": "scripted", "base_instructions": {"text": _INSTRUCTIONS * 5}}
    if session.modern:
        meta["history_mode"] = "paginated" if session.paginated else "legacy"
    lines.write("session_meta", meta)


def write_instructions(lines: Lines, setting: Setting) -> None:
    lines.message("developer", _INSTRUCTIONS)
    lines.message("user", f"<environment_context>\n  <cwd>{setting.cwd}</cwd>\n</environment_context>")


def write_tool_instructions(lines: Lines) -> None:
    """What 0.169 adds to a session of an older version."""
    lines.message("developer", "<tools>\nThis stands where Codex tells the model of its tools.\n</tools>")


def write_world(lines: Lines, setting: Setting) -> None:
    local = {"cwd": setting.cwd, "status": "available", "shell": "bash"}
    state = {"model": setting.model, "environments": {"environments": {"local": local}}}
    lines.write("world_state", {"full": True, "state": state})
    lines.session.knows_world = True


def write_turn_context(lines: Lines, setting: Setting) -> None:
    context: Payload = {**lines.turn(), **_policies(setting), "sandbox_policy": {"type": setting.sandbox}}
    context |= {"model": setting.model, "summary": "none" if lines.session.modern else "auto"}
    lines.write("turn_context", context)


def write_settings(lines: Lines, setting: Setting) -> None:
    settings = {"model": setting.model, "model_provider_id": "scripted", **_policies(setting)}
    lines.event("thread_settings_applied", {"thread_id": lines.session.thread_id, "thread_settings": settings})


def _policies(setting: Setting) -> Payload:
    permissions = {"type": "disabled" if setting.sandbox == "danger-full-access" else "managed"}
    return {"approval_policy": "never", "permission_profile": permissions, "cwd": setting.cwd}
