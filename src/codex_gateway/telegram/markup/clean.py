"""What must be mended in any text before Telegram may see it: line ends, control characters, surrogates."""

import re

_LINE_END = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
# Terminal colours and cursor movements: the escape alone would leave `[31m` behind.
_TERMINAL_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Line ends become \\n, invisible control characters go, lone surrogates become U+FFFD; the rest is untouched."""
    if _SURROGATE.search(text):
        # Two halves that belong together become the character they mean.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if "\x1b" in text:
        text = _TERMINAL_SEQUENCE.sub("", text)
    return _CONTROL.sub("", _LINE_END.sub("\n", text))
