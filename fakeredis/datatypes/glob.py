"""Glob patterns as KEYS, SCAN, PSUBSCRIBE and CONFIG GET match them.

A pattern is compiled once, into a regular expression that never goes back over a `*` it has
passed: the time is bounded by length of the text times length of the pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

Matcher = Callable[[bytes], object]
"""Says by the truth of its result whether the text matches."""

_SPECIAL = re.compile(rb"[*?\[\\]").search
_PREFIX = re.compile(rb"([^*?\[\\]+)\*+", re.DOTALL).fullmatch
_MOST_SEGMENTS = 1000  # behind stars; what has more matches nothing
_ALL_BYTES = frozenset(range(256))


@lru_cache(maxsize=1024)
def matcher(pattern: bytes, nocase: bool = False) -> Matcher:
    """A function that tells whether a text matches the whole pattern."""
    if pattern and not pattern.strip(b"*"):
        # Stars alone want something, too. Most commands do not ask here about "*" itself, which
        # then means everything, even the empty text.
        return re.compile(b".", re.DOTALL).match
    if not nocase:
        if _SPECIAL(pattern) is None:
            return pattern.__eq__
        found = _PREFIX(pattern)
        if found is not None:
            return re.compile(re.escape(found[1])).match
    return re.compile(_translate(pattern, nocase), re.DOTALL).fullmatch


def matches(pattern: bytes, text: bytes, nocase: bool = False) -> bool:
    """Whether the text matches the whole pattern."""
    return bool(matcher(pattern, nocase)(text))


def is_literal(pattern: bytes) -> bool:
    """Whether the pattern has no special characters and so matches nothing but itself."""
    return _SPECIAL(pattern) is None


def _translate(pattern: bytes, nocase: bool) -> bytes:
    """The regular expression for a pattern.

    Between two stars only the leftmost place of a segment need be tried, so each `*segment` is
    put in a look-ahead (which is never re-entered) and then taken by a back reference.
    """
    segments = _segments(pattern, nocase)
    if sum(map(bool, segments[1:])) > _MOST_SEGMENTS:
        return b"(?!)"
    parts = [segments[0]]
    for number, segment in enumerate(segments[1:-1], 1):
        if segment:
            parts.append(b"(?=(?P<g%d>.*?%s))(?P=g%d)" % (number, segment, number))
    if len(segments) > 1:
        parts.append(b".*" + segments[-1])
    return b"".join(parts)


def _segments(pattern: bytes, nocase: bool) -> list[bytes]:
    """Regular expressions for what stands between the stars."""
    segments = [b""]
    at, end = 0, len(pattern)
    while at < end:
        char = pattern[at : at + 1]
        at += 1
        if char == b"*":
            segments.append(b"")
            continue
        if char == b"?":
            part = b"."
        elif char == b"[":
            part, at = _parse_class(pattern, at, nocase)
        else:
            if char == b"\\" and at < end:
                char = pattern[at : at + 1]
                at += 1
            part = _one_of({char[0]}, nocase)
        segments[-1] += part
    return segments


def _parse_class(pattern: bytes, at: int, nocase: bool) -> tuple[bytes, int]:
    """The class that starts after the `[` before `at`, and where the pattern goes on.

    An unclosed class reaches to the end of the pattern, a `]` closes wherever it stands first,
    and the end of a range may be any byte, even `]` or a backslash.
    """
    negated = pattern[at : at + 1] == b"^"
    at += negated
    end = len(pattern)
    members: set[int] = set()
    while at < end and pattern[at] != 0x5D:
        if pattern[at] == 0x5C and at + 1 < end:
            members.add(pattern[at + 1])
            at += 2
        elif at + 2 < end and pattern[at + 1] == 0x2D:
            members |= _range(pattern[at], pattern[at + 2], nocase)
            at += 3
        else:
            members |= _cases(pattern[at]) if nocase else {pattern[at]}
            at += 1
    chosen = _ALL_BYTES - members if negated else members
    return _one_of(chosen, False), min(at + 1, end)


def _range(first: int, last: int, nocase: bool) -> set[int]:
    """The bytes of a range; without case, its ends are put in order before they are lowered."""
    if first > last:
        first, last = last, first
    if not nocase:
        return set(range(first, last + 1))
    lowest, highest = _lower(first), _lower(last)
    return {byte for byte in range(256) if lowest <= _lower(byte) <= highest}


def _lower(byte: int) -> int:
    return byte + 32 if 65 <= byte <= 90 else byte


def _cases(byte: int) -> set[int]:
    char = bytes([byte])
    return {char.lower()[0], char.upper()[0]}


def _one_of(members: set[int] | frozenset[int], nocase: bool) -> bytes:
    """A regular expression for one byte out of `members`."""
    if nocase:
        members = {case for byte in members for case in _cases(byte)}
    if not members:
        return b"(?!)"
    if len(members) == 256:
        return b"."
    if len(members) == 1:
        return re.escape(bytes(members))
    return b"[" + b"".join(b"\\x%02x" % byte for byte in sorted(members)) + b"]"
