"""What Codex gets to see of our environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex_gateway.codex.child.environment import environment_for


def seen(environ: dict[str, str], home: Path) -> dict[str, str]:
    return environment_for(environ, home=home, tag="/attempts/7")


@pytest.mark.parametrize(
    "name",
    ["PATH", "HOME", "LC_ALL", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK", "https_proxy", "HTTPS_PROXY", "GIT_SSH_COMMAND",
     "OPENAI_API_KEY", "CODEX_API_KEY", "NODE_EXTRA_CA_CERTS"],
)  # fmt: skip
def test_what_codex_needs_is_passed_on(name: str, tmp_path: Path) -> None:
    assert seen({name: "x"}, tmp_path)[name] == "x"


@pytest.mark.parametrize(
    "name",
    ["TELEGRAM_BOT_TOKEN", "CODEX_TELEGRAM_TOKEN", "ALPHA_TOKEN", "CODEX_GATEWAY_CONFIG", "CODEX_GATEWAY_TOKEN",
     "CODEX_THREAD_ID", "CODEX_SANDBOX_NETWORK_DISABLED", "AWS_SECRET_ACCESS_KEY", "DATABASE_URL", "PYTHONPATH"],
)  # fmt: skip
def test_what_codex_does_not_need_stays_here(name: str, tmp_path: Path) -> None:
    assert name not in seen({name: "x"}, tmp_path)


def test_an_attempt_marks_its_processes(tmp_path: Path) -> None:
    environ = seen({}, tmp_path)
    assert environ["CODEX_GATEWAY_ATTEMPT"] == "/attempts/7"
    assert environ["TERM"] == "xterm-256color"
    assert environ["PROMPT_TOOLKIT_NO_CPR"] == "1"


def test_codex_home_is_named_unless_it_is_the_default(tmp_path: Path) -> None:
    person = {"HOME": str(tmp_path)}
    assert "CODEX_HOME" not in seen(person, tmp_path / ".codex")
    assert seen(person, tmp_path / "other")["CODEX_HOME"] == str(tmp_path / "other")
    elsewhere = {**person, "CODEX_HOME": "/elsewhere"}
    assert seen(elsewhere, tmp_path / ".codex")["CODEX_HOME"] == str(tmp_path / ".codex")


def test_variables_that_codexs_own_config_names_are_passed_on(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[model_providers.mine]\nenv_key = "MY_KEY"\nenv_http_headers = { "X-Org" = "MY_ORG" }\n'
        '[mcp_servers.files]\nenv_vars = ["FILES_TOKEN", 7]\n'
        '[[a.list]]\nbearer_token_env_var = "BEARER"\n'
    )
    names = {"MY_KEY", "MY_ORG", "FILES_TOKEN", "BEARER"}
    environ = seen(dict.fromkeys([*names, "OTHER_KEY"], "x"), tmp_path)
    assert names <= environ.keys()
    assert "OTHER_KEY" not in environ


@pytest.mark.parametrize("content", [b"env_key = ", b"\xff\xfe", b"env_key = 7\nenv_http_headers = 8"])
def test_a_broken_config_of_codex_is_codexs_affair(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(content)
    assert seen({"PATH": "/bin"}, tmp_path)["PATH"] == "/bin"


TOKEN = "123456789:AAtest-token_of-a-bot-0123456789abc"
PROXY = "socks5://me:word@127.0.0.1:1080"


def allowed(environ: dict[str, str], home: Path, *patterns: str, secrets: tuple[str, ...] = (TOKEN,)) -> set[str]:
    """The variables of `environ` that Codex gets to see with these patterns."""
    seen = environment_for(environ, home=home, tag="t", allow=patterns, secrets=frozenset(secrets))
    return seen.keys() & environ.keys()


def test_more_variables_may_be_named_also_by_patterns(tmp_path: Path) -> None:
    environ = dict.fromkeys(["AWS_PROFILE", "AWS_REGION", "DOTNET_ROOT", "dotnet_root", "OTHER"], "x")
    assert allowed(environ, tmp_path) == set()
    assert allowed(environ, tmp_path, "AWS_PROFILE") == {"AWS_PROFILE"}
    assert allowed(environ, tmp_path, "AWS_*", "DOTNET_*") == {"AWS_PROFILE", "AWS_REGION", "DOTNET_ROOT"}
    assert allowed(environ, tmp_path, "*") == environ.keys()


def test_no_pattern_lets_our_own_variables_through(tmp_path: Path) -> None:
    ours = ["TELEGRAM_BOT_TOKEN", "MY_TELEGRAM_ID", "CODEX_GATEWAY_CONFIG", "CODEX_CLI_CMD", "CODEX_WORKDIR"]
    assert allowed(dict.fromkeys(ours, "x"), tmp_path, "*", *ours) == set()


def test_no_name_lets_the_token_of_a_bot_through(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[mcp_servers.chat]\nenv_vars = ["MY_CHAT"]\n')
    environ = {
        "PATH": "/bin",
        "OPENAI_API_KEY": TOKEN,
        "OPENAI_X": TOKEN,
        "CODEX_FOO": f"token={TOKEN};",
        "GIT_ASKPASS": f"echo {TOKEN}",
        "MY_CHAT": TOKEN,
        "HTTPS_PROXY": TOKEN,
        "ANYTHING": f"https://api.telegram.org/bot{TOKEN}/getMe",
    }
    assert allowed(environ, tmp_path) == allowed(environ, tmp_path, "*") == {"PATH"}


def test_our_proxy_stays_here_unless_it_is_the_one_of_the_machine(tmp_path: Path) -> None:
    environ = {"MY_PROXY": PROXY, "PATH": "/bin"}
    assert allowed(environ, tmp_path, "*", secrets=(TOKEN, PROXY)) == {"PATH"}
    environ |= {"https_proxy": PROXY}
    assert allowed(environ, tmp_path, secrets=(TOKEN, PROXY)) == {"PATH", "https_proxy"}
