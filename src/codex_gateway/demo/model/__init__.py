"""A scripted model: what the real Codex CLI talks to when no account is there."""

from codex_gateway.demo.model.home import write_codex_home
from codex_gateway.demo.model.server import ModelRequest, ScriptedModel

__all__ = ["ModelRequest", "ScriptedModel", "write_codex_home"]
