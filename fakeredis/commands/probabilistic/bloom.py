"""Bloom filters: BF.ADD and its kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from fakeredis.commands.probabilistic.common import (
    NO_MEMORY,
    NOT_FOUND,
    absent,
    check_count,
    double,
    integer,
    lenient,
    readable,
    writable,
    wrong_count,
)
from fakeredis.commands.probabilistic.options import BloomInsertOptions
from fakeredis.datatypes.probabilistic import bloom
from fakeredis.datatypes.probabilistic.bloom import BloomError, BloomFilter, Link, NoMemory
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status
from fakeredis.errors import CommandError

_CAPACITY, _ERROR, _EXPANSION = 100, 0.01, 2
_FAILURES: Final = {
    bloom.FULL: "ERR non scaling filter is full", bloom.FAILED: "ERR problem inserting into filter",
}


class _Wishes(NamedTuple):
    """What a new filter is to be like."""

    capacity: int = _CAPACITY
    error: float = _ERROR
    expansion: int = _EXPANSION
    fixed: bool = False


_USUAL: Final = _Wishes()


def _make(ctx: Context, key: bytes, wishes: _Wishes) -> BloomFilter:
    """Put a new filter at a key.

    Raises:
        CommandError: there can be no such filter.
    """
    try:
        value = BloomFilter.of(wishes.capacity, wishes.error, wishes.expansion, wishes.fixed)
    except NoMemory:
        raise CommandError(NO_MEMORY) from None
    except ValueError:
        raise CommandError("ERR could not create filter") from None
    ctx.db.put(key, value)
    return value


def reserve(ctx: Context, *words: bytes) -> Any:
    """Make an empty filter.

    Checked in the server's order: number of words, rate of errors, capacity, expansion, key.
    """
    check_count(ctx, words, 3, 6)
    key = words[0]
    error = double(words[1], "ERR bad error rate")
    if not 0 < error < 1:
        raise CommandError("ERR (0 < error rate range < 1) ")
    capacity = integer(words[2], "ERR bad capacity")
    if capacity <= 0:
        raise CommandError("ERR (capacity should be larger than 0)")
    fixed = find_word(words, b"NONSCALING") >= 0
    at, expansion = find_word(words, b"EXPANSION"), _EXPANSION
    if at == len(words) - 1:
        raise CommandError("ERR no expansion")
    if at >= 0:
        if fixed:
            raise CommandError("Nonscaling filters cannot expand")
        expansion = integer(words[at + 1], "ERR bad expansion")
        if expansion < 1:
            raise CommandError("ERR expansion should be greater or equal to 1")
    absent(ctx, key, BloomFilter)
    _make(ctx, key, _Wishes(capacity, error, expansion, fixed))
    ctx.modified(key, "")
    return OK


def find_word(words: Sequence[bytes], wanted: bytes) -> int:
    """The first place of a word, in any case; -1 where it is not there."""
    return next((at for at, word in enumerate(words) if word.upper() == wanted), -1)


def add(ctx: Context, *words: bytes) -> bool:
    """Add an element; whether it is new, as it seems. There is a filter then, if there was none."""
    if len(words) != 2:
        raise wrong_count(ctx)
    key, item = words
    value = writable(ctx, key, BloomFilter)
    if value is None:
        value = _make(ctx, key, _USUAL)
    done = value.add(item)
    ctx.modified(key, "")
    if done < 0:
        raise CommandError(_FAILURES[done])
    return done == bloom.ADDED


def madd(ctx: Context, *words: bytes) -> list[Any]:
    """Add elements."""
    check_count(ctx, words, 2)
    return _add_all(ctx, words[0], words[1:], _USUAL)


def _add_all(
    ctx: Context, key: bytes, items: Sequence[bytes], wishes: _Wishes | None
) -> list[Any]:
    """Add elements, up to one for which the filter is full.

    Args:
        wishes: of the filter that is made; without, there has to be one.

    Raises:
        CommandError: there is none, or the value is of another type.
    """
    value = writable(ctx, key, BloomFilter)
    if value is None:
        if wishes is None:
            raise CommandError(NOT_FOUND)
        value = _make(ctx, key, wishes)
    replies: list[Any] = []
    for item in items:
        done = value.add(item)
        replies.append(CommandError(_FAILURES[done]) if done < 0 else done == bloom.ADDED)
        if done == bloom.FULL:
            break
    ctx.modified(key, "")
    return replies


def insert(ctx: Context, *words: bytes) -> list[Any]:
    """Add elements, to a filter that is made as is told if there is none.

    Checked in the server's order: number of words, each word, numbers out of range, key.
    """
    check_count(ctx, words, 3)
    options = BloomInsertOptions.parse(ctx, words[1:])
    if not options.items:
        raise wrong_count(ctx)
    if not 0 < options.error < 1 or options.capacity < 1 or options.expansion < 1:
        raise CommandError("Bad argument received")
    wishes = _Wishes(options.capacity, options.error, options.expansion, options.fixed)
    return _add_all(ctx, words[0], options.items, None if options.must_exist else wishes)


def exists(ctx: Context, *words: bytes) -> bool:
    """Whether an element is there, as it seems; none is at a key of another type."""
    if len(words) != 2:
        raise wrong_count(ctx)
    value = lenient(ctx, words[0], BloomFilter)
    return value is not None and words[1] in value


def mexists(ctx: Context, *words: bytes) -> list[bool]:
    """Which elements are there, as it seems."""
    check_count(ctx, words, 2)
    value = lenient(ctx, words[0], BloomFilter)
    return [value is not None and item in value for item in words[1:]]


def card(ctx: Context, *words: bytes) -> int:
    """How many elements have been added; 0 where there is no filter."""
    check_count(ctx, words, 1, 1)
    value: BloomFilter | None = ctx.lookup_read(words[0], BloomFilter)
    return 0 if value is None else _signed(value.size)


def _signed(number: int) -> int:
    """A number of 64 bits as replies have it."""
    return number - (1 << 64) if number >> 63 else number


_FACTS: Final = {
    b"CAPACITY": b"Capacity", b"SIZE": b"Size", b"FILTERS": b"Number of filters",
    b"ITEMS": b"Number of items inserted", b"EXPANSION": b"Expansion rate",
}


def info(ctx: Context, *words: bytes) -> Any:
    """Facts of a filter; one of them, if it is asked for."""
    check_count(ctx, words, 1, 2)
    value = readable(ctx, words[0], BloomFilter)
    facts: dict[bytes, Any] = {
        b"Capacity": _signed(value.capacity), b"Size": value.memory_usage(),
        b"Number of filters": len(value.links), b"Number of items inserted": _signed(value.size),
        b"Expansion rate": None if value.is_fixed else value.growth,
    }
    if len(words) == 1:
        return {Status(name): fact for name, fact in facts.items()}
    name = _FACTS.get(words[1].upper())
    if name is None:
        raise CommandError("Invalid information value")
    return [facts[name]] if ctx.session.protocol == 2 else {Status(name): facts[name]}


def debug(ctx: Context, *words: bytes) -> list[bytes]:
    """Facts of a filter and its links, as text."""
    check_count(ctx, words, 1, 1)
    value = readable(ctx, words[0], BloomFilter)
    width = 64 if value.is_wide else 32
    return [b"size:%d" % value.size, *(_shown(link, width) for link in value.links)]


def _shown(link: Link, width: int) -> bytes:
    return (
        f"bytes:{len(link.data)} bits:{link.bits or 1 << (link.n2 & 63)} hashes:{link.hashes} "
        f"hashwidth:{width} capacity:{link.entries} size:{link.size} ratio:{link.error:g}"
    ).encode()


def scandump(ctx: Context, *words: bytes) -> list[Any]:
    """A part of a filter, and what to ask for next; first, with 0, its header."""
    check_count(ctx, words, 2, 2)
    value = readable(ctx, words[0], BloomFilter)
    position = integer(words[1], "Second argument must be numeric")
    if not position:
        return [1, value.header()]
    return list(value.chunk(position))


def loadchunk(ctx: Context, *words: bytes) -> Any:
    """Put a part of a filter that BF.SCANDUMP gave; the header makes the filter.

    Checked in the server's order: number of words, position, type, part.
    """
    check_count(ctx, words, 3, 3)
    key, raw, chunk = words
    position = integer(raw, "ERR Second argument must be numeric")
    value = writable(ctx, key, BloomFilter)
    try:
        if value is not None:
            value.load(position, chunk)
        elif position == 1:
            ctx.db.put(key, BloomFilter.from_header(chunk))
        else:
            raise CommandError(NOT_FOUND)
    except BloomError as error:
        raise CommandError(str(error)) from None
    ctx.modified(key, "")
    return OK


