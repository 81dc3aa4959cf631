"""The words of a call, taken one by one, and what is said of those that are wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Final

from fakeredis import errors
from fakeredis.datatypes.numbers import parse_float, parse_int
from fakeredis.datatypes.search.errors import SearchError
from fakeredis.datatypes.search.index import Index
from fakeredis.engine.core.context import Context
from fakeredis.engine.features import search
from fakeredis.errors import CommandError

__all__ = [
    "MOST", "Words", "check_count", "exact", "failure", "guarded", "index_of", "number", "shown",
    "strtod", "unsigned", "wrong_count",
]

NOT_CONVERTED: Final = "Could not convert argument to expected type"
OUT_OF_BOUNDS: Final = "Value is outside acceptable bounds"
TOO_DEEP: Final = "Parser stack overflow. Try moving nested parentheses more to the left"
NONE_LEFT: Final = "Expected an argument, but none provided"
_GREATEST: Final = (1 << 63) - 1
MOST: Final = (1 << 32) - 1  # of what options count


def shown(raw: bytes) -> str:
    """A word in an error."""
    return raw.decode("utf-8", "surrogateescape")


def failure(error: SearchError | str) -> CommandError:
    """The reply that says what is wrong."""
    return CommandError(str(error))


def wrong_count(ctx: Context) -> CommandError:
    """The error for too few words, or too many."""
    assert ctx.command is not None
    return CommandError(errors.ARITY % ctx.command.label.upper())


def check_count(ctx: Context, words: Sequence[bytes], low: int, high: int = 1 << 30) -> None:
    """Refuse fewer words than a command needs, or more than it takes.

    Raises:
        CommandError: wrong number of arguments.
    """
    if not low <= len(words) <= high:
        raise wrong_count(ctx)


def index_of(ctx: Context, name: bytes, error: str = "Unknown index name") -> Index:
    """The index of a name or an alias, up to date.

    Raises:
        CommandError: there is none.
    """
    found = None if ctx.server.search is None else search.of(ctx.server).find(name)
    if found is None:
        raise CommandError(error)
    found.uses += 1
    return found


def strtod(raw: bytes) -> float | None:
    """A number as C reads it: blanks before it are passed over, and nothing at all is zero.

    None where it is none, or too great; infinity and what is no number are taken.
    """
    text = raw.lstrip(b" \t\n\v\f\r")
    if not raw:
        return 0.0
    if text.lower() in (b"nan", b"+nan", b"-nan"):
        return math.nan
    return parse_float(text) if text else None


def number(raw: bytes) -> float | None:
    """A number that is not infinite; it may be NaN."""
    found = strtod(raw)
    return None if found is None or math.isinf(found) else found


def unsigned(raw: bytes, least: int = 0, most: int = _GREATEST, cut: bool = False) -> int:
    """A whole number.

    Args:
        cut: whether what stands behind the point is cut off.

    Raises:
        ValueError: it is none, or too small or too great; the text says so.
    """
    found = number(raw)
    if found is None:
        raise ValueError(NOT_CONVERTED)
    if not abs(found) <= _GREATEST:
        raise ValueError(OUT_OF_BOUNDS if cut else NOT_CONVERTED)
    whole = int(found)
    if whole != found and not cut:
        raise ValueError(NOT_CONVERTED)
    if abs(whole) > _GREATEST:
        raise ValueError(OUT_OF_BOUNDS if cut else NOT_CONVERTED)
    if not least <= whole <= most:
        raise ValueError(OUT_OF_BOUNDS)
    return whole


def exact(raw: bytes, least: int = 0, most: int = _GREATEST) -> int:
    """The same for settings, which are read as commands of the core read numbers.

    Raises:
        ValueError: it is none, or too small or too great; the text says so.
    """
    found: float | None = parse_int(raw)
    if found is None:
        found = parse_float(raw)
    if found is None or math.isinf(found) or found != int(found) or abs(found) > _GREATEST:
        raise ValueError(NOT_CONVERTED)
    if not least <= found <= most:
        raise ValueError(OUT_OF_BOUNDS)
    return int(found)


def guarded(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse queries and expressions that are nested more deeply than can be followed."""

    @wraps(handler)
    def run(ctx: Context, *words: bytes) -> Any:
        try:
            return handler(ctx, *words)
        except RecursionError:
            raise CommandError(TOO_DEEP) from None

    return run


class Words:
    """The words that are left.

    Args:
        words: all of them.
        at: how many have been taken.
        newer: whether what Redis 8 has beyond the module of before is known.
    """

    __slots__ = ("at", "end", "newer", "words")

    def __init__(self, words: Sequence[bytes], at: int = 0, newer: bool = False) -> None:
        self.words = words
        self.newer = newer
        self.at = at
        self.end = len(words)

    def __bool__(self) -> bool:
        return self.at < self.end

    def __len__(self) -> int:
        return self.end - self.at

    @property
    def ahead(self) -> bytes:
        """The next word, in capitals; empty where none is left."""
        return self.words[self.at].upper() if self.at < self.end else b""

    def take(self) -> bytes:
        """The next word."""
        self.at += 1
        return self.words[self.at - 1]

    def skip(self, word: bytes) -> bool:
        """Take the next word if it is this one."""
        if self.at < self.end and self.words[self.at].upper() == word:
            self.at += 1
            return True
        return False

    def value(self, what: str) -> bytes:
        """The value of an option.

        Raises:
            CommandError: there is none.
        """
        if not self:
            raise CommandError(f"Bad arguments for {what}: {NONE_LEFT}")
        return self.take()

    def count(self, what: str, least: int = 0) -> int:
        """A whole number that is an option's value.

        Raises:
            CommandError: there is none.
        """
        raw = self.value(what)
        try:
            return unsigned(raw, least, MOST)
        except ValueError as error:
            raise CommandError(f"Bad arguments for {what}: {error}") from None

    def several(self, what: str) -> list[bytes]:
        """As many words as the next one says.

        Raises:
            CommandError: it says no number, or fewer are left.
        """
        count = self.count(what)
        if count > len(self):
            raise CommandError(f"Bad arguments for {what}: {NONE_LEFT}")
        self.at += count
        return list(self.words[self.at - count:self.at])
