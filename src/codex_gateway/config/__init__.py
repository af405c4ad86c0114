"""What the owner has decided: `config.toml` or the environment, read once into frozen values."""

from codex_gateway.config.faults import ConfigError, Fault
from codex_gateway.config.load import load
from codex_gateway.config.model import (
    ApprovalsMode,
    Base,
    Bot,
    CodexOptions,
    Display,
    DraftMode,
    GatewayConfig,
    InputMode,
    ReasoningMode,
)
from codex_gateway.config.schema import Key, known_keys
from codex_gateway.config.secret import Secret

__all__ = [
    "ApprovalsMode",
    "Base",
    "Bot",
    "CodexOptions",
    "ConfigError",
    "Display",
    "DraftMode",
    "Fault",
    "GatewayConfig",
    "InputMode",
    "Key",
    "ReasoningMode",
    "Secret",
    "known_keys",
    "load",
]
