"""Values as they stand on the wire, and placeholders for values that are not known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

__all__ = [
    "ANY",
    "EncodedText",
    "difference",
    "equal",
    "glob_to_regex",
    "is_placeholder",
    "like",
    "matching",
    "quote",
    "shown",
    "whole_number",
]


def whole_number(name: str, value: Any, least: int = 0) -> None:
    """Refuse what is no whole number, or is too small.

    Args:
        name: the argument's name, for the error.
        value: its value.
        least: the smallest that is allowed.

    Raises:
        TypeError, ValueError: the value is such.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} is a whole number, not {value!r}")
    if value < least:
        raise ValueError(f"{name} is at least {least}, not {value}")


LONGEST = 72  # characters of one value in a report


class _Any:
    """Equal to every value."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "ANY"


ANY: Any = _Any()


class like:  # noqa: N801 - reads as a word in an assertion
    """Equal to every value that fits a glob, as in ``KEYS``: ``like("user:*")``."""

    def __init__(self, pattern: str | bytes) -> None:
        if not isinstance(pattern, (str, bytes)):
            raise TypeError(f"a pattern is text, such as like('user:*'), not {pattern!r}")
        self.pattern = pattern
        self._regex = glob_to_regex(pattern)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, like):
            return self.pattern == other.pattern
        data = to_wire(other)
        return data is not None and self._regex.fullmatch(data) is not None

    def __hash__(self) -> int:
        return hash(self.pattern)

    def __repr__(self) -> str:
        return f"like({self.pattern!r})"


class matching:  # noqa: N801 - reads as a word in an assertion
    """Equal to every value in which a regular expression is found, as by ``re.search``."""

    def __init__(self, pattern: str | bytes | re.Pattern[str] | re.Pattern[bytes]) -> None:
        self.pattern = re.compile(pattern)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, matching):
            return self.pattern == other.pattern
        data = to_wire(other)
        return data is not None and _search(self.pattern, data)

    def __hash__(self) -> int:
        return hash(self.pattern)

    def __repr__(self) -> str:
        return f"matching({self.pattern.pattern!r})"


class EncodedText(str):
    """A sent value as text, equal to whatever would be sent as the same bytes.

    ``EncodedText("1")`` equals ``1``, ``"1"`` and ``b"1"``. Bytes that are no UTF-8 are kept by
    surrogate escapes; ``bytes(value)`` gives what was sent.
    """

    __slots__ = ()

    def __bytes__(self) -> bytes:
        return self.encode("utf-8", "surrogateescape")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return str.__eq__(self, other)
        data = to_wire(other)
        if data is not None:
            return data == bytes(self)
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        result = self.__eq__(other)
        return result if result is NotImplemented else not result

    __hash__ = str.__hash__


def to_wire(value: object) -> bytes | None:
    """Bytes that redis-py sends for a value; None for what it would refuse."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return repr(value).encode()
    return None


def to_text(data: bytes) -> EncodedText:
    """Sent bytes as text that compares as on the wire."""
    return EncodedText(data.decode("utf-8", "surrogateescape"))


def is_placeholder(value: object) -> bool:
    """Whether a value stands for others: it has no form on the wire of its own."""
    return to_wire(value) is None


def equal(expected: object, sent: EncodedText) -> bool:
    """Whether an expected value, or placeholder, stands for the value that was sent."""
    data = to_wire(expected)
    if data is not None:
        return data == bytes(sent)
    if isinstance(expected, re.Pattern):
        return _search(expected, bytes(sent))
    return any(_agrees(expected, form) for form in _forms(sent))


def _agrees(expected: object, form: object) -> bool:
    # A foreign __eq__ may not like the kind of what it is given: that is no match, not a crash.
    try:
        return bool(expected == form)
    except (TypeError, ValueError):
        return False


def _forms(sent: EncodedText) -> Iterator[object]:
    """The forms in which an object with its own ``__eq__`` may know a value."""
    yield sent
    yield bytes(sent)
    for number in (int, float):
        try:
            yield number(sent)
        except ValueError:
            continue


def _search(pattern: re.Pattern[Any], data: bytes) -> bool:
    if isinstance(pattern.pattern, bytes):
        return pattern.search(data) is not None
    return pattern.search(data.decode("utf-8", "surrogateescape")) is not None


def glob_to_regex(pattern: str | bytes) -> re.Pattern[bytes]:
    r"""Regular expression for a glob with the server's rules: ``* ? [a-z] [^a] \\``."""
    data = pattern if isinstance(pattern, bytes) else pattern.encode("utf-8", "surrogateescape")
    parts: list[bytes] = []
    at = 0
    while at < len(data):
        part, at = _glob_part(data, at)
        parts.append(part)
    return re.compile(b"".join(parts), re.DOTALL)


def _glob_part(data: bytes, at: int) -> tuple[bytes, int]:
    char = data[at : at + 1]
    if char == b"*":
        return b".*", at + 1
    if char == b"?":
        return b".", at + 1
    if char == b"[" and (end := data.find(b"]", at + 2)) > 0:
        body = data[at + 1 : end]
        negated = body.startswith(b"^")
        body = body[1:] if negated else body
        escaped = re.sub(rb"([\[\]\\^&~|])", rb"\\\1", body.replace(b"\\", b""))
        return b"[" + (b"^" if negated else b"") + escaped + b"]", end + 1
    if char == b"\\" and at + 1 < len(data):
        return re.escape(data[at + 1 : at + 2]), at + 2
    return re.escape(char), at + 1


_ESCAPES = {
    "\n": r"\n", "\r": r"\r", "\t": r"\t", "\a": r"\a", "\b": r"\b", '"': r"\"", "\\": r"\\",
}


def quote(value: object) -> str:
    """A value as one would type it in redis-cli; placeholders by their ``repr``."""
    if value is ...:
        return "..."
    data = to_wire(value)
    if data is None:
        return repr(value)
    text = data.decode("utf-8", "surrogateescape")
    if text and all(char.isprintable() and char not in " '\"\\" for char in text):
        return text
    if text[:1] in ("{", "[") and "'" not in text and "\\" not in text and text.isprintable():
        return f"'{text}'"  # JSON is readable without a backslash at each name
    return '"' + "".join(map(_escape, text)) + '"'


def shown(value: object, most: int = LONGEST) -> str:
    """A value as text for a report: a long one is cut, and says how long it is."""
    text = quote(value)
    if len(text) <= most:
        return text
    data = to_wire(value)
    length = "" if data is None else f" ({len(data)} bytes)"
    return f"{text[: most - 20]}...{length}"


def difference(expected: object, sent: EncodedText) -> str:
    """How two values differ; of long ones the place, and what stands there.

    Only what is alike for long is cut: two short values are shown whole.
    """
    wanted = to_wire(expected)
    if wanted is None or max(len(wanted), len(sent)) <= LONGEST:
        return f"expected {shown(expected)}, got {shown(sent)}"
    left, right = str(to_text(wanted)), str(sent)
    at = next((i for i, pair in enumerate(zip(left, right, strict=False)) if pair[0] != pair[1]),
              min(len(left), len(right)))
    if at <= LONGEST // 4:
        return f"expected {shown(expected)}, got {shown(sent)}"
    return (
        f"they differ from character {at + 1} on: expected {_around(left, at)}, "
        f"got {_around(right, at)}"
    )


def _around(text: str, at: int) -> str:
    """Some of a long text, a little before a place and a little behind it."""
    if at >= len(text):
        return f"its end, after {_part(text[at - 15 :])}"
    return _part(text[at - 15 : at + 20])


def _part(text: str) -> str:
    return f"'{text}'" if text.isprintable() and "'" not in text else quote(EncodedText(text))


def _escape(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char == " " or char.isprintable():
        return char
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))


_LETTERS = {"n": b"\n", "r": b"\r", "t": b"\t", "a": b"\a", "b": b"\b"}
_WORD = re.compile(
    r"""\s* (?: "(?P<double>(?:[^"\\]|\\.)*)" | '(?P<single>(?:[^'\\]|\\.)*)' | (?P<bare>[^\s"']+) )
    (?=\s|$)""",
    re.VERBOSE | re.DOTALL,
)
_DOUBLE_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)


def split_line(line: str) -> list[str | bytes]:
    """Words of a line as redis-cli reads it, quotes and escapes included.

    Raises:
        ValueError: a quote is not closed.
    """
    words: list[str | bytes] = []
    at = 0
    while line[at:].strip():
        found = _WORD.match(line, at)
        if found is None:
            raise ValueError(f"unbalanced quotes in command: {line!r}")
        words.append(_word(found))
        at = found.end()
    return words


def _word(found: re.Match[str]) -> str | bytes:
    if found["double"] is not None:
        return _unescape(found["double"])
    if found["single"] is not None:
        return found["single"].replace("\\'", "'")
    return found["bare"]


def _unescape(text: str) -> bytes:
    parts: list[bytes] = []
    at = 0
    for found in _DOUBLE_ESCAPE.finditer(text):
        parts.append(text[at : found.start()].encode("utf-8", "surrogateescape"))
        code, char = found.groups()
        parts.append(bytes([int(code, 16)]) if code else _LETTERS.get(char, char.encode()))
        at = found.end()
    parts.append(text[at:].encode("utf-8", "surrogateescape"))
    return b"".join(parts)
