"""A folder of one's own with a config file in it, and nothing of the machine's environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from codex_gateway.config import ConfigError, GatewayConfig, load

TOKEN = "12345678:AAF-kept_secret_kept_secret_kept_35"


@dataclass
class Place:
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, text: str, name: str = "config.toml") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        path.chmod(0o600)
        return path

    def write_bots(self, *bots: str, base: str = "") -> Path:
        """A config file in which each bot is good but for what its text adds or says anew."""
        return self.write(f"[base]\n{base}\n" + "".join(self._bot(i, text) for i, text in enumerate(bots)))

    def load(self, path: Path | None = None, **environ: str) -> GatewayConfig:
        return load(path, {"HOME": str(self.folder / "home"), **self.environ, **environ}, cwd=self.folder)

    def faults(self, path: Path | None = None, **environ: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            self.load(path, **environ)
        shown = [str(fault) for fault in caught.value.faults]
        assert str(caught.value).splitlines()[1:] == shown
        return shown

    def _bot(self, index: int, text: str) -> str:
        keys = {line.split("=")[0].strip() for line in text.splitlines()}
        good = {
            "name": f'"bot{index}"',
            "token": f'"{index + 1}:{"a" * 35}"',
            "allowed_user_ids": "[7]",
            "codex_workdir": '"work"',
        }
        lines = [f"{key} = {value}" for key, value in good.items() if key not in keys]
        return "\n".join(["[[bots]]", *lines, text, ""])
