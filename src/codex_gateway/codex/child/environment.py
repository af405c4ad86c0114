"""What of our environment Codex gets to see; pure.

An allow-list: the gateway's own secrets, the bots' tokens among them, must not reach the commands that a model writes.
"""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

#: Names the attempt in the environment of everything that was started for it.
TAG = "CODEX_GATEWAY_ATTEMPT"
#: Codex sets it for the shells of its tools.
THREAD_TAG = "CODEX_THREAD_ID"

_ALLOWED = (
    *(
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LANGUAGE",
        "LC_*",
        "TZ",
        "TMPDIR",
        "TMP",
        "TEMP",
        "HOSTNAME",
    ),
    *("XDG_*", "DBUS_*", "SSH_AUTH_SOCK", "SSH_AGENT_PID", "GPG_TTY", "DISPLAY", "WAYLAND_DISPLAY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("CODEX_*", "OPENAI_*", "RUST_LOG", "RUST_BACKTRACE", "GIT_*", "EDITOR", "PAGER", "NO_COLOR"),
    # What a developer's shell needs to find its tools.
    *(
        "JAVA_HOME",
        "GOPATH",
        "GOROOT",
        "GOPROXY",
        "CARGO_*",
        "RUSTUP_*",
        "NVM_*",
        "VOLTA_*",
        "PNPM_HOME",
        "BUN_INSTALL",
    ),
    *("PYENV_*", "CONDA_*", "VIRTUAL_ENV", "UV_*", "PIP_*", "NODE_*", "npm_config_*", "LD_LIBRARY_PATH", "NIX_*"),
    *("LOCALE_ARCHIVE", "BASH_ENV", "ENV", "WSL_*", "DOCKER_HOST", "KUBECONFIG"),
)
#: Refused whatever allows it: our own, and what a surrounding Codex says of itself.
_REFUSED = ("CODEX_GATEWAY_*", "CODEX_CLI_*", "CODEX_WORKDIR", "CODEX_JSONL_*", THREAD_TAG, "CODEX_SANDBOX*")
#: A proxy may be the one of the whole machine and ours at once.
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
#: Keys of Codex's config.toml whose values are names of variables that it reads.
_NAMES_A_VARIABLE = frozenset({"env_key", "bearer_token_env_var", "env_vars"})


def environment_for(
    environ: Mapping[str, str],
    *,
    home: Path,
    tag: str,
    allow: tuple[str, ...] = (),
    secrets: frozenset[str] = frozenset(),
) -> dict[str, str]:
    """The environment of a process for the attempt that `tag` names. Reads `home`/config.toml for names it needs.

    `allow` names more variables, by patterns. One that holds any of `secrets` is left out whatever its name.
    """
    wanted = frozenset(_variables_named_in(home / "config.toml"))
    hidden = secrets - {value for name in _PROXIES if "://" in (value := environ.get(name, ""))}
    chosen = {
        name: value
        for name, value in environ.items()
        if (name in wanted or _is_allowed(name, allow)) and not any(secret in value for secret in hidden)
    }
    return {
        **chosen,
        **_home(environ, home),
        "TERM": "xterm-256color",
        # Python programs with a prompt would ask the terminal for the cursor's position and wait for its answer.
        "PROMPT_TOOLKIT_NO_CPR": "1",
        TAG: tag,
    }


def _home(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """Codex makes its default folder itself, and refuses to start when one that it was given is missing."""
    if "CODEX_HOME" not in environ and "HOME" in environ and home == Path(environ["HOME"], ".codex"):
        return {}
    return {"CODEX_HOME": str(home)}


def _is_allowed(name: str, allow: tuple[str, ...]) -> bool:
    is_ours = _matches(name, _REFUSED) or "TELEGRAM" in name.upper()
    return not is_ours and (_matches(name, _ALLOWED) or _matches(name, allow))


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _variables_named_in(config: Path) -> Iterator[str]:
    """Model providers and MCP servers take their keys from variables of any name."""
    try:
        yield from _named(tomllib.loads(config.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return  # Codex itself will say what is wrong with it


def _named(table: object) -> Iterator[str]:
    match table:
        case dict():
            for key, value in table.items():
                if key in _NAMES_A_VARIABLE:
                    yield from _strings(value)
                elif key == "env_http_headers":
                    yield from _strings(list(value.values()) if isinstance(value, dict) else value)
                else:
                    yield from _named(value)
        case list():
            for value in table:
                yield from _named(value)
        case _:
            return


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))
