"""The items counted most: TOPK.ADD, COUNT, INCRBY, INFO, LIST, QUERY, RESERVE."""

from __future__ import annotations

from typing import Any, Final

from fakeredis.commands.probabilistic.common import check_count, readable, wrong_count
from fakeredis.commands.probabilistic.sketch_options import ListOptions
from fakeredis.commands.probabilistic.sketches import check_free, existing
from fakeredis.datatypes.numbers import parse_float, parse_int
from fakeredis.datatypes.probabilistic.cells import MOST_BYTES
from fakeredis.datatypes.probabilistic.top_k import TopK
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status
from fakeredis.errors import CommandError

_NO_KEY: Final = "TopK: key does not exist"
_TAKEN: Final = "TopK: key already exists"
_MOST: Final = (1 << 32) - 1  # of width and depth; of k the server looks at so many bits alone
_BUCKET: Final = 8  # bytes
_WIDTH, _DEPTH, _DECAY = 8, 7, 0.9
_MOST_AT_ONCE: Final = 100_000
_INCREMENT: Final = CommandError(  # the gap is the server's
    "TopK: increment must be an integer greater or equal to 0" + " " * 28
    + "and smaller or equal to 100,000"
)


def _number(raw: bytes, name: str, most: int) -> int:
    number = parse_int(raw)
    if number is None or not 0 < number <= most:
        raise CommandError(f"TopK: invalid {name}")
    return number


def reserve(ctx: Context, *words: bytes) -> Status:
    """Make one that keeps k items.

    Checked in the server's order: words, key, k, width, depth, decay, memory.
    """
    if len(words) != 2:
        check_count(ctx, words, 5, 5)
    key = words[0]
    check_free(ctx, key, _TAKEN)
    k = _number(words[1], "k", (1 << 63) - 1) & _MOST
    if not k:  # the server would crash
        raise CommandError("TopK: invalid k")
    width, depth, decay = _WIDTH, _DEPTH, _DECAY
    if len(words) > 2:
        width, depth = _number(words[2], "width", _MOST), _number(words[3], "depth", _MOST)
        parsed = parse_float(words[4])
        if parsed is None or not 0 < parsed <= 1:
            raise CommandError("TopK: invalid decay value. must be '<= 1' & '> 0'")
        decay = parsed
    if width * depth * _BUCKET > MOST_BYTES:
        raise CommandError("ERR Insufficient memory to create topk data structure")
    ctx.db.put(key, TopK(k, width, depth, decay))
    ctx.modified(key, "")
    return OK


def add(ctx: Context, *words: bytes) -> list[Any]:
    """Count items; for each, the item that had to leave for it."""
    if len(words) < 2:
        raise wrong_count(ctx)
    top = existing(ctx, words[0], TopK, _NO_KEY)
    expelled = [top.add(item, 1) for item in words[1:]]
    ctx.modified(words[0], "")
    return expelled


def incrby(ctx: Context, *words: bytes) -> list[Any]:
    """Count items several times; for each, the item that had to leave for it.

    At the first increment that is wrong it ends, with what was done so far and the error.
    """
    if len(words) < 3 or not len(words) & 1:
        raise wrong_count(ctx)
    key, *rest = words
    top = existing(ctx, key, TopK, _NO_KEY)
    replies: list[Any] = []
    for item, raw in zip(rest[::2], rest[1::2], strict=True):
        increment = parse_int(raw)
        if increment is None or not 0 <= increment <= _MOST_AT_ONCE:
            replies.append(_INCREMENT)
            break
        replies.append(top.add(item, increment))
    ctx.modified(key, "")
    return replies


def query(ctx: Context, *words: bytes) -> list[bool]:
    """Whether items are among those that are kept."""
    check_count(ctx, words, 2)
    top = readable(ctx, words[0], TopK, _NO_KEY)
    return [item in top for item in words[1:]]


def count(ctx: Context, *words: bytes) -> list[int]:
    """How often items were counted, as far as that is known."""
    check_count(ctx, words, 2)
    top = readable(ctx, words[0], TopK, _NO_KEY)
    return [top.count(item) for item in words[1:]]


def list_(ctx: Context, *words: bytes) -> list[Any]:
    """The items, the most frequent first, with their counts if these are asked for.

    Checked in the server's order: words, WITHCOUNT, key.
    """
    check_count(ctx, words, 1, 2)
    options = ListOptions.parse(ctx, words[1:])
    listed = readable(ctx, words[0], TopK, _NO_KEY).listed()
    if options.with_counts:
        return [part for pair in listed for part in pair]
    return [item for item, _ in listed]


def info(ctx: Context, *words: bytes) -> dict[Any, Any]:
    """What there is to know of it."""
    check_count(ctx, words, 1, 1)
    top = readable(ctx, words[0], TopK, _NO_KEY)
    return {
        Status(b"k"): top.k, Status(b"width"): top.width, Status(b"depth"): top.depth,
        Status(b"decay"): top.decay,
    }
