"""Which files of a work directory are never shown in a chat, told by their names."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

#: Folders that hold keys, logins or a repository's own configuration, with everything in them.
_FOLDERS = frozenset(
    {".git", ".ssh", ".gnupg", ".aws", ".azure", ".gcloud", ".kube", ".docker", ".codex", ".password-store"}
)

_NAMES = (
    # what programs read their passwords from
    ".env", ".env.*", "*.env", ".envrc", ".netrc", "_netrc", ".npmrc", ".yarnrc.yml", ".pypirc", ".pgpass", ".my.cnf",
    ".git-credentials", ".htpasswd", ".dockercfg", ".boto", ".s3cfg", ".vault-token", ".terraformrc",
    "auth.json", "credentials", "credentials.*", "secret", "secret.*", "secrets", "secrets.*", "token.json",
    "service-account*.json", "service_account*.json", "*.tfvars", "*.tfstate", "*.tfstate.*",
    # keys
    "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*.pem", "*.key", "*.p12", "*.pfx", "*.pk8", "*.ppk",
    "*.jks", "*.keystore", "*.kdbx", "*.gpg", "*.asc", "*.age",
)  # fmt: skip

#: Made to be shown.
_HARMLESS = (".env.example", ".env.sample", ".env.template", "*.pub")


def is_secret(parts: Sequence[str]) -> bool:
    """Whether the file with these path components, relative to the work directory, may hold secrets."""
    names = [part.lower() for part in parts]
    if not names:
        return False
    if any(name in _FOLDERS for name in names):
        return True
    *folders, last = names
    is_harmless = any(fnmatchcase(last, pattern) for pattern in _HARMLESS)
    suspects = folders if is_harmless else names
    # "id_deploy" without an ending is how ssh-keygen's files are called
    is_bare_key = not is_harmless and last.startswith("id_") and "." not in last
    return is_bare_key or any(fnmatchcase(name, pattern) for name in suspects for pattern in _NAMES)
