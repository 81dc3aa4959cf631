"""Cuckoo filters: CF.ADD and its kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fakeredis.commands.probabilistic.common import (
    EXISTS,
    NO_MEMORY,
    NOT_FOUND,
    absent,
    check_count,
    integer,
    lenient,
    readable,
    writable,
    wrong_count,
)
from fakeredis.commands.probabilistic.options import CuckooInsertOptions
from fakeredis.datatypes.probabilistic.cuckoo import MOST_LAYERS, CuckooFilter, NoRoom, NoSpace
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status
from fakeredis.errors import CommandError

_CAPACITY, _BUCKET_SIZE, _ITERATIONS, _EXPANSION = 1024, 2, 20, 1
_TOO_SMALL: Final = "Capacity must be at least (BucketSize * 2)"
_BOUNDS: Final = "{}: value must be an integer between {} and {}, inclusive."


def _make(
    ctx: Context, key: bytes, capacity: int, bucket_size: int = _BUCKET_SIZE,
    iterations: int = _ITERATIONS, expansion: int = _EXPANSION,
) -> CuckooFilter:
    """Put a new filter at a key.

    Raises:
        CommandError: it would be too big.
    """
    try:
        value = CuckooFilter.of(capacity, bucket_size, iterations, expansion)
    except NoRoom:
        raise CommandError(NO_MEMORY) from None
    ctx.db.put(key, value)
    return value


def reserve(ctx: Context, *words: bytes) -> Any:
    """Make an empty filter.

    Checked in the server's order: number of words, capacity, iterations, size of buckets,
    expansion, capacity for such buckets, key.
    """
    check_count(ctx, words, 2)
    if len(words) % 2:
        raise wrong_count(ctx)
    capacity = integer(words[1], "Bad capacity")
    iterations = _option(ctx, words, "MAXITERATIONS", _ITERATIONS, 1, 65535)
    bucket_size = _option(ctx, words, "BUCKETSIZE", _BUCKET_SIZE, 1, 255)
    expansion = _option(ctx, words, "EXPANSION", _EXPANSION, 0, 32768)
    if capacity < 2 * bucket_size:
        raise CommandError(_TOO_SMALL)
    absent(ctx, words[0], CuckooFilter)
    _make(ctx, words[0], capacity, bucket_size, iterations, expansion)
    ctx.modified(words[0], "")
    return OK


def _option(
    ctx: Context, words: Sequence[bytes], name: str, usual: int, low: int, high: int
) -> int:
    wanted = name.encode()
    at = next((at for at, word in enumerate(words) if word.upper() == wanted), -1)
    if at < 0:
        return usual
    if at + 1 == len(words):
        raise wrong_count(ctx)
    number = integer(words[at + 1], f"Couldn't parse {name}")
    if not low <= number <= high:
        raise CommandError(_BOUNDS.format(name, low, high))
    return number


def add(ctx: Context, *words: bytes) -> bool:
    """Add an element, however often it has been added. There is a filter then."""
    return _add_one(ctx, words, False)


def addnx(ctx: Context, *words: bytes) -> bool:
    """Add an element if it is not there; whether that was so, as it seems."""
    return _add_one(ctx, words, True)


def _add_one(ctx: Context, words: Sequence[bytes], unique: bool) -> bool:
    if len(words) != 2:
        raise wrong_count(ctx)
    value = _growing(ctx, words[0], _CAPACITY)
    try:
        done = value.add(words[1], unique)
    except NoSpace:
        raise CommandError("Filter is full") from None
    except NoRoom:
        raise CommandError("ERR Insufficient memory") from None
    ctx.modified(words[0], "")
    return done


def _growing(ctx: Context, key: bytes, capacity: int) -> CuckooFilter:
    """The filter to add to, made with a capacity if there is none; 0: there has to be one.

    Raises:
        CommandError: there is none, or it has grown too often, or the value is of another type.
    """
    value = writable(ctx, key, CuckooFilter)
    if value is None:
        if not capacity:
            raise CommandError(NOT_FOUND)
        value = _make(ctx, key, capacity)
    if len(value.layers) >= MOST_LAYERS:
        raise CommandError("Maximum expansions reached")
    return value


def insert(ctx: Context, *words: bytes) -> list[Any]:
    """Add elements, to a filter that is made as is told if there is none; -1: it is full.

    In RESP3 that is false.
    """
    replies = _insert(ctx, words, False)
    return replies if ctx.session.protocol == 2 else [done > 0 for done in replies]


def insertnx(ctx: Context, *words: bytes) -> list[int]:
    """The same with those that are not there; which ones were not, as it seems."""
    return _insert(ctx, words, True)


def _insert(ctx: Context, words: Sequence[bytes], unique: bool) -> list[int]:
    """Add elements."""
    check_count(ctx, words, 3)
    options = CuckooInsertOptions.parse(ctx, words[1:])
    if not options.items:
        raise wrong_count(ctx)
    value = _growing(ctx, words[0], 0 if options.must_exist else options.capacity)
    replies = [_added(value, item, unique) for item in options.items]
    ctx.modified(words[0], "")
    return replies


def _added(value: CuckooFilter, item: bytes, unique: bool) -> int:
    try:
        return int(value.add(item, unique))
    except (NoSpace, NoRoom):
        return -1


def exists(ctx: Context, *words: bytes) -> bool:
    """Whether an element is there, as it seems; none is at a key of another type."""
    if len(words) != 2:
        raise wrong_count(ctx)
    value = lenient(ctx, words[0], CuckooFilter)
    return value is not None and words[1] in value


def mexists(ctx: Context, *words: bytes) -> list[bool]:
    """Which elements are there, as it seems."""
    check_count(ctx, words, 2)
    value = lenient(ctx, words[0], CuckooFilter)
    return [value is not None and item in value for item in words[1:]]


def count(ctx: Context, *words: bytes) -> int:
    """How often an element has been added, at most."""
    if len(words) != 2:
        raise wrong_count(ctx)
    value = lenient(ctx, words[0], CuckooFilter)
    return 0 if value is None else value.count(words[1])


def del_(ctx: Context, *words: bytes) -> bool:
    """Remove an element once; whether it was there. One that never was takes another's place."""
    if len(words) != 2:
        raise wrong_count(ctx)
    value = _changeable(ctx, words[0], "Not found")
    done = value.remove(words[1])
    ctx.modified(words[0], "")
    return done


def _changeable(ctx: Context, key: bytes, missing: str) -> CuckooFilter:
    """The filter at a key, to be changed.

    Raises:
        CommandError: there is none, or the value is of another type; that is all the same.
    """
    value = None
    try:
        value = writable(ctx, key, CuckooFilter)
    except CommandError:
        pass
    if value is None:
        raise CommandError(missing)
    return value


def compact(ctx: Context, *words: bytes) -> Any:
    """Move elements to the oldest layers that have room; layers without any are gone."""
    check_count(ctx, words, 1, 1)
    value = _changeable(ctx, words[0], "Cuckoo filter was not found")
    value.compact()
    ctx.modified(words[0], "")
    return OK


def info(ctx: Context, *words: bytes) -> dict[bytes, int]:
    """Facts of a filter."""
    check_count(ctx, words, 1, 1)
    value = readable(ctx, words[0], CuckooFilter)
    facts = {
        b"Size": value.memory_usage(), b"Number of buckets": value.buckets,
        b"Number of filters": len(value.layers), b"Number of items inserted": value.items,
        b"Number of items deleted": value.deletes, b"Bucket size": value.bucket_size,
        b"Expansion rate": value.expansion, b"Max iterations": value.iterations,
    }
    return {
        Status(name): fact - (1 << 64) if fact >> 63 else fact for name, fact in facts.items()
    }


def debug(ctx: Context, *words: bytes) -> bytes:
    """Facts of a filter, as text."""
    check_count(ctx, words, 1, 1)
    value = readable(ctx, words[0], CuckooFilter)
    return (
        f"bktsize:{value.bucket_size} buckets:{value.buckets} items:{value.items} "
        f"deletes:{value.deletes} filters:{len(value.layers)} max_iterations:{value.iterations} "
        f"expansion:{value.expansion}"
    ).encode()


def scandump(ctx: Context, *words: bytes) -> list[Any]:
    """A part of a filter, and what to ask for next; first, with 0, its header.

    There is nothing of a filter without elements.
    """
    check_count(ctx, words, 2, 2)
    position = integer(words[1], "Invalid position", 0)
    value = readable(ctx, words[0], CuckooFilter)
    if not value.items:
        return [0, None]
    if not position:
        return [1, value.header()]
    return list(value.chunk(position) or (0, None))


def loadchunk(ctx: Context, *words: bytes) -> Any:
    """Put a part of a filter that CF.SCANDUMP gave; the header makes the filter.

    Checked in the server's order: number of words, position, type, part.
    """
    check_count(ctx, words, 3, 3)
    key, raw, chunk = words
    ctx.signal_modified(key)
    position = integer(raw, "Invalid position")
    if not position:
        raise CommandError("Invalid position")
    if position == 1:
        return _load_header(ctx, key, chunk)
    value = writable(ctx, key, CuckooFilter)
    if value is None:
        raise CommandError(NOT_FOUND)
    if not value.load(position, chunk):
        raise CommandError("Couldn't load chunk!")
    ctx.modified(key, "", 0)
    return OK


def _load_header(ctx: Context, key: bytes, raw: bytes) -> Any:
    if writable(ctx, key, CuckooFilter) is not None:
        raise CommandError(EXISTS)
    try:
        value = CuckooFilter.from_header(raw)
    except ValueError:
        raise CommandError("Invalid header") from None
    if value is None:
        raise CommandError("Couldn't create filter!")
    ctx.db.put(key, value)
    ctx.modified(key, "")
    return OK
