"""A CODEX_HOME whose config keeps the real Codex CLI on loopback, with the scripted model as its only provider.

Keys as Codex 0.140 and 0.169 read them; unknown ones are ignored by older versions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomli_w


def write_codex_home(
    path: Path,
    model_url: str,
    *,
    model: str = "gpt-5.5",
    request_max_retries: int = 1,
    stream_max_retries: int = 1,
    auto_compact_tokens: int | None = None,
    stream_idle_timeout_s: float = 300.0,
) -> Path:
    """Makes the directory ``path`` with a config.toml and returns it; ``model_url`` is ``ScriptedModel.url``.

    ``auto_compact_tokens`` is where Codex begins to compact; by default nine tenths of the model's window.
    """
    config: dict[str, Any] = {
        "model": model,
        "model_provider": "scripted",
        "check_for_update_on_startup": False,
        "web_search": "disabled",
        "model_providers": {
            "scripted": {
                "name": "scripted",
                "base_url": model_url,
                "wire_api": "responses",
                "requires_openai_auth": False,
                "request_max_retries": request_max_retries,
                "stream_max_retries": stream_max_retries,
                "stream_idle_timeout_ms": int(stream_idle_timeout_s * 1000),
                "supports_websockets": False,
            },
        },
        "features": {
            "plugins": False,
            "apps": False,
            "remote_plugin": False,
            "remote_models": False,  # 0.98 asks the service for its list of models, whatever the provider
            "unbounded_connection_retries": False,
        },
        "analytics": {"enabled": False},
        "feedback": {"enabled": False},
        "otel": {"exporter": "none", "trace_exporter": "none", "metrics_exporter": "none"},
    }
    if auto_compact_tokens is not None:
        config["model_auto_compact_token_limit"] = auto_compact_tokens
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.toml").write_text(tomli_w.dumps(config), encoding="utf-8")
    return path
