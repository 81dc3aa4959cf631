"""Count-min sketches: CMS.INCRBY, INFO, INITBYDIM, INITBYPROB, MERGE, QUERY."""

from __future__ import annotations

from typing import Any, Final

from fakeredis.commands.probabilistic.common import check_count, readable, wrong_count
from fakeredis.commands.probabilistic.sketch_options import WeightOptions
from fakeredis.commands.probabilistic.sketches import check_free, existing
from fakeredis.datatypes.numbers import parse_float, parse_int
from fakeredis.datatypes.probabilistic.cells import MOST_BYTES
from fakeredis.datatypes.probabilistic.count_min import FULL, CountMinSketch, dimensions
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status
from fakeredis.errors import CommandError

_NO_KEY: Final = "CMS: key does not exist"
_TAKEN: Final = "CMS: key already exists"
_INCREMENT_OVERFLOW: Final = CommandError("CMS: INCRBY overflow")
_CELL: Final = 4  # bytes
_MOST_CELLS: Final = 1 << 64


def _positive(raw: bytes, name: str) -> int:
    number = parse_int(raw)
    if number is None or number < 1:
        raise CommandError(f"CMS: invalid {name}")
    return number


def _fraction(raw: bytes, name: str) -> float:
    number = parse_float(raw)
    if number is None or not 0 < number < 1:
        raise CommandError(f"CMS: invalid {name} value")
    return number


def initbydim(ctx: Context, *words: bytes) -> Status:
    """Make a sketch of so many counters in so many rows.

    Checked in the server's order: words, key, width, depth, memory.
    """
    check_count(ctx, words, 3, 3)
    check_free(ctx, words[0], _TAKEN)
    return _made(ctx, words[0], _positive(words[1], "width"), _positive(words[2], "depth"))


def initbyprob(ctx: Context, *words: bytes) -> Status:
    """Make a sketch for an error, and the probability that it is greater.

    Checked in the server's order: words, key, error, probability, memory.
    """
    check_count(ctx, words, 3, 3)
    check_free(ctx, words[0], _TAKEN)
    error = _fraction(words[1], "overestimation")
    return _made(ctx, words[0], *dimensions(error, _fraction(words[2], "prob")))


def _made(ctx: Context, key: bytes, width: int, depth: int) -> Status:
    cells = width * depth
    if not 0 < cells < _MOST_CELLS:
        raise CommandError("CMS: invalid init arguments")
    if cells * _CELL > MOST_BYTES:
        raise CommandError("CMS: Insufficient memory to create the key")
    ctx.db.put(key, CountMinSketch(width, depth))
    ctx.modified(key, "")
    return OK


def incrby(ctx: Context, *words: bytes) -> list[Any]:
    """Count items; the lowest counter of each.

    The server opens the key for reading only, so WATCH does not hear of it.
    """
    if len(words) < 3 or not len(words) & 1:
        raise wrong_count(ctx)
    key = words[0]
    sketch = readable(ctx, key, CountMinSketch, _NO_KEY)
    increments = [_increment(raw) for raw in words[2::2]]
    ctx.modified_unsignalled(key)
    counts = list(map(sketch.add, words[1::2], increments))
    if FULL not in counts:
        return counts
    return [_INCREMENT_OVERFLOW if count == FULL else count for count in counts]


def _increment(raw: bytes) -> int:
    number = parse_int(raw)
    if number is None:
        raise CommandError("CMS: Cannot parse number")
    if number < 0:
        raise CommandError("CMS: Number cannot be negative")
    return number


def query(ctx: Context, *words: bytes) -> list[int]:
    """The lowest counter of each item."""
    check_count(ctx, words, 2)
    sketch = readable(ctx, words[0], CountMinSketch, _NO_KEY)
    return [sketch.query(item) for item in words[1:]]


def merge(ctx: Context, *words: bytes) -> Status:
    """Make a sketch the sum of others, each with a weight.

    Checked in the server's order: words, the key, their number, WEIGHTS, and for each key its
    weight, type and size.
    """
    check_count(ctx, words, 3)
    key, raw_count, *rest = words
    sketch = existing(ctx, key, CountMinSketch, _NO_KEY)
    count = parse_int(raw_count)
    if count is None:
        raise CommandError("CMS: invalid numkeys")
    if count < 1:
        raise CommandError("CMS: Number of keys must be positive")
    places = (at for at, word in enumerate(rest) if any(WeightOptions.spot((word,))))
    place = next(places, None)
    if place is not None and (place != count or len(rest) != 2 * count + 1):
        raise CommandError("CMS: wrong number of keys/weights")
    if place is None and len(rest) != count:
        raise CommandError("CMS: wrong number of keys")
    parts = []
    for at in range(count):
        weight = parse_int(rest[count + 1 + at]) if place is not None else 1
        if weight is None:
            raise CommandError("CMS: invalid weight value")
        part = readable(ctx, rest[at], CountMinSketch, _NO_KEY)
        if (part.width, part.depth) != (sketch.width, sketch.depth):
            raise CommandError("CMS: width/depth is not equal")
        parts.append((part, weight))
    if not sketch.become_sum(parts):
        raise CommandError("CMS: MERGE overflow")
    ctx.modified(key, "")
    return OK


def info(ctx: Context, *words: bytes) -> dict[Any, Any]:
    """What there is to know of a sketch."""
    check_count(ctx, words, 1, 1)
    sketch = readable(ctx, words[0], CountMinSketch, _NO_KEY)
    return {
        Status(b"width"): sketch.width, Status(b"depth"): sketch.depth,
        Status(b"count"): sketch.count,
    }
