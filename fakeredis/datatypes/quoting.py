"""Lines of words that may stand in quotes, as in a shell."""

from __future__ import annotations

import re
from typing import Final

# One piece of a line: bare, or in quotes that a space or the end must follow.
_SPACE: Final = b" \t\n\r\v\f"
_BARE: Final = re.compile(rb"[^ \t\n\r\"']+")
_DOUBLE: Final = re.compile(rb'"((?:[^"\\]|\\.)*)"(?=\s|\Z)', re.DOTALL)
_SINGLE: Final = re.compile(rb"'((?:[^'\\]|\\'|\\)*)'(?=\s|\Z)", re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPED: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}


def split_quoted(text: bytes) -> list[bytes]:
    """The words of a line.

    Raises:
        ValueError: a quote has no end, or something sticks to it.
    """
    words: list[bytes] = []
    at = 0
    while True:
        while text[at : at + 1] and text[at] in _SPACE:
            at += 1
        if at >= len(text):
            return words
        word, at = _word(text, at)
        words.append(word)


def _word(text: bytes, at: int) -> tuple[bytes, int]:
    bare = _BARE.match(text, at)
    word = b""
    if bare is not None:
        word, at = bare[0], bare.end()
    if text[at : at + 1] not in (b'"', b"'"):
        return word, at
    found = _DOUBLE.match(text, at)
    if found is not None:
        return word + _ESCAPE.sub(_unescape, found[1]), found.end()
    found = _SINGLE.match(text, at)
    if found is None:
        raise ValueError("a quote has no end")
    return word + found[1].replace(b"\\'", b"'"), found.end()


def _unescape(found: re.Match[bytes]) -> bytes:
    if found[1] is not None:
        return bytes((int(found[1], 16),))
    return _ESCAPED.get(found[2], found[2])
