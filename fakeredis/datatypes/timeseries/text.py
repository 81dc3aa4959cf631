"""Values as the server reads and writes them: not as it does elsewhere."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["format_value", "parse_value"]

# What follows a number is not looked at.
_NUMBER: Final = re.compile(
    rb"-?(?:0(?![0-9])|[1-9][0-9]*)(?:\.[0-9]+|(?!\.))(?:[eE][+-]?[0-9]+|(?![eE]))"
).match
_EXACT: Final = 1 << 53  # integers up to which all can be told


def parse_value(raw: bytes) -> float | None:
    """The number at the beginning of a word; None where there is none, or it is too great."""
    found = _NUMBER(raw)
    if found is None:
        return None
    value = float(found[0])
    return value if abs(value) != float("inf") else None


def format_value(value: float) -> bytes:
    """A value as the replies of RESP2 have it: with an exponent unless it has all its digits."""
    size = abs(value)
    if 1 <= size < 1e16 and (size < 1e15 or size != int(size)):
        text = repr(value)
        return (text[:-2] if text.endswith(".0") else text).encode()
    if value != value:
        return b"NaN"
    if size <= _EXACT and size == int(size) and value:
        return b"%d" % value
    text = repr(value)
    if not value:
        return text[:-2].encode()
    if size == float("inf"):
        return b"Infinity" if value > 0 else b"-Infinity"
    return _scientific(text)


def _scientific(text: str) -> bytes:
    """The shortest text of a number, with an exponent if its last digit is not that of the ones."""
    sign = "-" * text.startswith("-")
    mantissa, _, exponent = text.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    scale = int(exponent or 0) + len(whole) - 1
    digits = (whole + fraction).lstrip("0")
    scale -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    if scale == len(digits) - 1:
        return (sign + digits).encode()
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}E{scale}".encode()
