"""What a link's target is for a reader in a chat: something to open, a file to name, or just text."""

import re
from enum import StrEnum, auto

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:")
_FILE = re.compile(r"(?:file:|[A-Za-z]:[\\/]|/|\./|\.\./|~/)", re.IGNORECASE)
_RELATIVE_FILE = re.compile(
    r"[^\s:?#]*[\w\-]\.[A-Za-z0-9]{1,12}(?::\d+(?:[:\-]\d+)?)?(?:#\S*)?|[\w\-.]+(?:/[\w\-.]+)+/?"
)
_LINE_SUFFIX = re.compile(r"(?::(\d+)(?::\d+)?(?:-\d+)?|#L(\d+)(?:C\d+)?(?:-L?\d+(?:C\d+)?)?)$")
# Telegram's own parser (tdlib, LinkManager::check_link_impl, parse_url) takes http, https and tg only and wants
# a dot in the host or an IPv6 address; it drops or refuses other targets, so those are shown instead.
_WEB = re.compile(
    r"https?://(?:[^\s/?#@]*@)?(?:[^\s/?#@:\[\].]+(?:\.[^\s/?#@:\[\].]+)+\.?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:[/?#]|$)",
    re.IGNORECASE,
)
_TG = re.compile(r"tg://[A-Za-z0-9_\-]+(?:[/?#]|$)", re.IGNORECASE)
_UNSAFE_IN_URL = re.compile(r'[\x00-\x20"<>\\^`{|}]')
_LONGEST_URL = 2048


class Target(StrEnum):
    #: Telegram can open it.
    WEB = auto()
    #: A path, shown as code.
    FILE = auto()
    #: Shown as text.
    OTHER = auto()


def target_kind(target: str) -> Target:
    if len(target) <= _LONGEST_URL and (_WEB.match(target) or _TG.match(target)):
        return Target.WEB
    if _FILE.match(target) and not target.startswith("//"):
        return Target.FILE
    if not _SCHEME.match(target) and _RELATIVE_FILE.fullmatch(target):
        return Target.FILE
    return Target.OTHER


def safe_url(target: str) -> str:
    """The target with the few signs escaped that cannot stand in an address."""
    return _UNSAFE_IN_URL.sub(lambda sign: f"%{ord(sign[0]):02X}", target)


def file_name(label: str, target: str) -> str | None:
    """How to show a link to a file by the path alone, or None when the label says more than the path does."""
    path = target[7:] if target.lower().startswith("file://") else target
    label = label.strip().strip("`").replace("\\", "/")
    bare_path, path_line = _without_line(path.replace("\\", "/"))
    bare_label, label_line = _without_line(label)
    if not bare_label or (bare_path != bare_label and not bare_path.endswith("/" + bare_label.removeprefix("./"))):
        return None
    if label_line and not path_line:
        return f"{path}:{label_line}"
    return path if label_line in ("", path_line) else None


def _without_line(path: str) -> tuple[str, str]:
    suffix = _LINE_SUFFIX.search(path)
    return (path[: suffix.start()], suffix[1] or suffix[2]) if suffix else (path, "")
