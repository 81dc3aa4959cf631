"""A parser of JSON text that behaves as the server's in everything: numbers, limits, errors.

It is asked where the standard library's fails, or may not agree.  An error says line and column as
the server counts them: in bytes, with the character that was looked at or not, as it may be.
"""

from __future__ import annotations

import re
from typing import Any, Final, NoReturn

from fakeredis.datatypes.json.errors import JsonError

_DEEPEST: Final = 128
_MOST: Final = (1 << 64) - 1
_LEAST: Final = -(1 << 63)
_LONGEST: Final = 20  # digits of an integer of 64 bits
_SPACE: Final = re.compile(r"[ \t\n\r]*").match
_PLAIN: Final = re.compile(r'[^"\\\x00-\x1f]*').match
_DIGITS: Final = re.compile(r"\d*", re.ASCII).match
_HEX: Final = frozenset("0123456789abcdefABCDEF")
_ESCAPES: Final = {
    '"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
}
_IDENTS: Final = {"n": ("ull", None), "t": ("rue", True), "f": ("alse", False)}
_EOF_VALUE: Final = "EOF while parsing a value"
_EOF_STRING: Final = "EOF while parsing a string"
_HALF: Final = "lone leading surrogate in hex escape"
_POWERS: Final = [float(f"1e{exponent}") for exponent in range(309)]


class Parser:
    """The parser of one text.

    Containers within others are kept in a list, not in calls: depth is limited by the server's rule
    alone.

    Args:
        any_depth: not even by that.
    """

    def __init__(self, text: str, any_depth: bool = False) -> None:
        self.text = text
        self.deepest = len(text) + 1 if any_depth else _DEEPEST
        self.at = 0

    def value(self, whole: bool = False) -> Any:
        """The value at the beginning, or the only one.

        Raises:
            JsonError: the server's error.
        """
        value = self._value()
        if whole and self._peek():
            self._fail_here("trailing characters")
        return value

    # Failing ----------------------------------------------------------------------------------

    def _fail(self, what: str, at: int | None = None) -> NoReturn:
        """Fail behind what was read, or behind ``at`` characters."""
        before = self.text[: self.at if at is None else at]
        line = before.count("\n") + 1
        shown = before[before.rfind("\n") + 1 :]
        column = len(shown.encode())
        if shown and not what.startswith("EOF"):
            column -= len(shown[-1].encode()) - 1  # of the last one, one byte was read
        raise JsonError(f"{what} at line {line} column {column}")

    def _fail_here(self, what: str) -> NoReturn:
        """Fail at the next character, which counts."""
        if self.at < len(self.text):
            self._fail(what, self.at + 1)
        self._fail(what)

    # Values -----------------------------------------------------------------------------------

    def _peek(self) -> str:
        """The next character that is no space; none at the end."""
        found = _SPACE(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return self.text[self.at : self.at + 1]

    def _value(self) -> Any:
        """One value, and in it all others."""
        outer: list[Any] = []  # containers that are open
        keys: list[Any] = []  # in objects, the key whose value is read
        value = self._begin(outer, keys)
        while outer:
            container = outer[-1]
            if value is not _OPENED:
                if type(container) is list:
                    container.append(value)
                else:
                    container[keys[-1]] = value
            if self._next(container, keys, value is _OPENED):
                value = self._begin(outer, keys)
            else:
                value = outer.pop()
                keys.pop()
        return value

    def _begin(self, outer: list[Any], keys: list[Any]) -> Any:
        """A scalar; or a container is opened."""
        char = self._peek()
        if char == '"':
            self.at += 1
            return self._string()
        if char == "[" or char == "{":
            if len(outer) + 1 >= self.deepest:
                self._fail_here("recursion limit exceeded")
            self.at += 1
            outer.append([] if char == "[" else {})
            keys.append(None)
            return _OPENED
        if char == "-" or "0" <= char <= "9":
            return self._number()
        if char in _IDENTS:
            return self._ident(char)
        return self._fail_here("expected value" if char else _EOF_VALUE)

    def _ident(self, first: str) -> Any:
        rest, value = _IDENTS[first]
        self.at += 1
        for expected in rest:
            char = self.text[self.at : self.at + 1]
            if not char:
                self._fail(_EOF_VALUE)
            self.at += 1
            if char != expected:
                self._fail("expected ident")
        return value

    def _next(self, container: Any, keys: list[Any], first: bool) -> bool:
        """Whether there is another element, up to whose value is read; else the end is."""
        is_list = type(container) is list
        end = "]" if is_list else "}"
        char = self._peek()
        if char == end:
            self.at += 1
            return False
        if not char:
            self._fail_here("EOF while parsing " + ("a list" if is_list else "an object"))
        if not first:
            if char != ",":
                self._fail_here(f"expected `,` or `{end}`")
            self.at += 1
            char = self._peek()
            if char == end:
                self._fail_here("trailing comma")
            if not char:
                self._fail_here(_EOF_VALUE)
        if not is_list:
            keys[-1] = self._key(char)
        return True

    def _key(self, char: str) -> str:
        if char != '"':
            self._fail_here("key must be a string")
        self.at += 1
        key = self._string()
        char = self._peek()
        if char != ":":
            self._fail_here("expected `:`" if char else "EOF while parsing an object")
        self.at += 1
        return key

    # Strings ----------------------------------------------------------------------------------

    def _string(self) -> str:
        text, parts = self.text, []
        while True:
            found = _PLAIN(text, self.at)
            assert found is not None
            parts.append(found.group())
            self.at = found.end()
            char = self._taken()
            if char == '"':
                return "".join(parts)
            if char != "\\":
                self._fail("control character (\\u0000-\\u001F) found while parsing a string")
            parts.append(self._escape())

    def _taken(self) -> str:
        char = self.text[self.at : self.at + 1]
        if not char:
            self._fail(_EOF_STRING)
        self.at += 1
        return char

    def _escape(self) -> str:
        char = self._taken()
        if char == "u":
            return self._unicode()
        if char not in _ESCAPES:
            self._fail("invalid escape")
        return _ESCAPES[char]

    def _unicode(self) -> str:
        high = self._hex()
        if 0xDC00 <= high <= 0xDFFF:
            self._fail(_HALF)
        if not 0xD800 <= high <= 0xDBFF:
            return chr(high)
        for expected in "\\u":
            if self._taken() != expected:
                self._fail("unexpected end of hex escape")
        low = self._hex()
        if not 0xDC00 <= low <= 0xDFFF:
            self._fail(_HALF)
        return chr(0x10000 + ((high & 0x3FF) << 10 | low & 0x3FF))

    def _hex(self) -> int:
        digits = self.text[self.at : self.at + 4]
        if len(digits.encode()) < 4:
            self.at = len(self.text)
            self._fail(_EOF_STRING)
        for digit in digits:
            self.at += 1
            if digit not in _HEX:
                self._fail("invalid escape")
        return int(digits, 16)

    # Numbers ----------------------------------------------------------------------------------

    def _digits(self) -> str:
        found = _DIGITS(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return found.group()

    def _number(self) -> int | float:
        negative = self.text[self.at] == "-"
        self.at += negative
        digits = self._digits()
        if not digits:
            char = self.text[self.at : self.at + 1]
            self.at += bool(char)
            self._fail("invalid number" if char else _EOF_VALUE)
        if digits[0] == "0" and len(digits) > 1:
            self._fail("invalid number", self.at - len(digits) + 2)
        fraction = self._fraction()
        exponent = self._exponent(not (digits + fraction).strip("0"))
        if not fraction and exponent is None and len(digits) <= _LONGEST:
            value = int(digits)
            fits = -value >= _LEAST if negative else value <= _MOST
            if fits and not (negative and not value):
                return -value if negative else value
        number = _float(digits, fraction, exponent or 0)
        if number is None:
            self._fail("number out of range")
        return -number if negative else number

    def _fraction(self) -> str:
        """The digits behind the point, none where there is no point."""
        if self.text[self.at : self.at + 1] != ".":
            return ""
        self.at += 1
        digits = self._digits()
        if not digits:
            self._fail_here("invalid number" if self.at < len(self.text) else _EOF_VALUE)
        return digits

    def _exponent(self, is_zero: bool) -> int | None:
        if self.text[self.at : self.at + 1] not in ("e", "E"):
            return None
        self.at += 1
        sign = self.text[self.at : self.at + 1]
        self.at += sign in ("+", "-") and sign != ""
        start = self.at
        digits = self._digits()
        if not digits:
            char = self.text[self.at : self.at + 1]
            self.at += bool(char)
            self._fail("invalid number" if char else _EOF_VALUE)
        value = int(digits[:20])
        if value > 0x7FFFFFFF:
            if sign != "-" and not is_zero:
                # the server stops reading where the number no longer fits
                shortest = next(n for n in range(1, 21) if int(digits[:n]) > 0x7FFFFFFF)
                self._fail("number out of range", start + shortest)
            value = 0x7FFFFFFF
        return -value if sign == "-" else value


_OPENED: Final = object()


def _float(whole: str, fraction: str, exponent: int) -> float | None:
    """A float as the server makes it, which is not always the nearest; None beyond the range.

    As many digits as fit into 64 bits are an integer, that is rounded, and multiplied with or
    divided by a power of ten, which is rounded once more.
    """
    digits = whole + fraction
    kept = len(digits)
    significand = int(digits[:19] or "0")
    if kept > 19:
        kept = 19
        for digit in digits[19:]:
            longer = significand * 10 + int(digit)
            if longer > _MOST:
                break
            significand, kept = longer, kept + 1
    # Digits of the whole part that did not fit count as zeros; those of the fraction are dropped.
    exponent += len(whole) - kept
    value = float(significand)
    while abs(exponent) > 308:
        if not value:
            return 0.0
        if exponent > 0:
            return None
        value /= 1e308
        exponent += 308
    value = value * _POWERS[exponent] if exponent >= 0 else value / _POWERS[-exponent]
    return None if value == float("inf") else value
