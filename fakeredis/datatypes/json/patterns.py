r"""Regular expressions of the server's kind (those of Rust's ``regex``) by means of Python's.

They have no groups that look around and no references, ``$`` and ``\z`` are the very end, and
``[[:alpha:]]`` is a class.  What they have besides and Python has not (classes within classes, and
Unicode's properties) matches nothing here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

__all__ = ["matches"]

_LONGEST: Final = 1000
_CLASSES: Final = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": "\\x00-\\x7f", "blank": "\\t ",
    "cntrl": "\\x00-\\x1f\\x7f", "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~",
    "punct": r"!-/:-@\[-`{-~", "space": r"\t\n\v\f\r ", "upper": "A-Z", "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_TOKEN: Final = re.compile(r"\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|\(\?<?[^)]|.", re.DOTALL)
_IN_CLASS: Final = re.compile(r"\[:(\^?)(\w+):\]|\\.|.", re.DOTALL)
_REFUSED: Final = re.compile(r"\\[1-9ZpPgkGKQEX]|\(\?<?[=!]|\(\?[>(#]|\(\?P[=>]").match
_NESTED: Final = re.compile(r"(?:&&|--|~~)").search


class _Unknown(Exception):
    """Something that Python's expressions have not, or the server's."""


def matches(text: Any, pattern: Any) -> bool:
    """Whether a regular expression is found in a text; not in what is no text."""
    if type(text) is not str or type(pattern) is not str:
        return False
    found = _compiled(pattern)
    return found is not None and found.search(text) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """A regular expression; None for what is none."""
    if len(pattern) > _LONGEST:
        return None
    try:
        return re.compile("".join(map(_translated, _TOKEN.findall(pattern))))
    except (_Unknown, re.error, RecursionError, OverflowError):
        return None


def _translated(token: str) -> str:
    if _REFUSED(token):
        raise _Unknown
    if token == "$" or token == "\\z":
        return "\\Z"
    if token.startswith("(?<"):
        return "(?P<" + token[3:]
    if token.startswith("[") and len(token) > 1:
        return _class(token)
    return token


def _class(token: str) -> str:
    start = 2 if token.startswith("[^") else 1
    if _NESTED(token):
        raise _Unknown
    parts = []
    for found in _IN_CLASS.finditer(token, start, len(token) - 1):
        negated, name = found.groups()
        part = found.group()
        if name is not None:
            if negated or name not in _CLASSES:
                raise _Unknown
            part = _CLASSES[name]
        elif part == "[" or _REFUSED(part):
            raise _Unknown
        parts.append(part)
    return token[:start] + "".join(parts) + "]"
