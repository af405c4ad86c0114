"""`${ENV:KEY}` in text: references to variables, replaced by what they hold."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_REFERENCE = re.compile(
    rf"\$\{{ENV:(?P<braced>{_NAME})(?::-(?P<braced_default>[^}}]*))?\}}"
    rf"|\$<ENV:(?P<angled>{_NAME})(?::-(?P<angled_default>[^>]*))?>"
    r"|(?P<broken>\$[{<]ENV:)"
)


class EnvText(str):
    """Text that came out of the environment, and so may stand for a number, a boolean or a list.

    `origin` names the references it was made of (`${ENV:PORT}`); it is empty where the key itself is the
    variable. The text may be a secret that went astray, so messages show the origin in its place.
    """

    __slots__ = ("origin",)
    origin: str

    def __new__(cls, text: str, origin: str = "") -> EnvText:
        made = super().__new__(cls, text)
        made.origin = origin
        return made


def substitute(text: str, environ: Mapping[str, str]) -> str:
    """`text` with each `${ENV:KEY}` and `$<ENV:KEY>` replaced; what is put in is not looked at again.

    `${ENV:KEY:-default}` is `default` when KEY is not set or empty. Gives an `EnvText` when there was a
    reference, else `text` itself. Raises ValueError with all that is wrong, never with a value.
    """
    origins: dict[str, None] = {}
    wrong: dict[str, None] = {}

    def value_of(match: re.Match[str]) -> str:
        if match["broken"]:
            wrong[f"{match['broken']} begins no valid reference; write ${{ENV:NAME}} or ${{ENV:NAME:-default}}"] = None
            return ""
        name = match["braced"] or match["angled"]
        default = match["braced_default"] if match["braced"] else match["angled_default"]
        reference = f"${{ENV:{name}}}" if match["braced"] else f"$<ENV:{name}>"
        origins[reference] = None
        value = environ.get(name)
        if default is not None:
            return value or default
        if value is None:
            wrong[f"{reference} is not set"] = None
            return ""
        return value

    expanded = _REFERENCE.sub(value_of, text)
    if wrong:
        raise ValueError("; ".join(wrong))
    return EnvText(expanded, ", ".join(origins)) if origins else text
