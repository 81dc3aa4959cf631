"""t-digests: TDIGEST.ADD, BYRANK, BYREVRANK, CDF, CREATE, INFO, MAX, MERGE, MIN, QUANTILE, ..."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import copysign, inf, isinf, isnan, modf, nan
from typing import Any, Final, TypeVar

from fakeredis.commands.probabilistic.common import (
    check_count,
    readable,
    writable,
    wrong_count,
)
from fakeredis.commands.probabilistic.sketch_options import (
    CreateOptions,
    MergeOptions,
    parse_compression,
)
from fakeredis.commands.probabilistic.sketches import existing
from fakeredis.datatypes.numbers import INT_MIN, parse_float, parse_int
from fakeredis.datatypes.probabilistic.t_digest import MOST_NODES, TDigest, nodes_for
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status
from fakeredis.errors import CommandError

T = TypeVar("T")

_NO_KEY: Final = "ERR T-Digest: key does not exist"
_NO_MEMORY: Final = "ERR T-Digest: allocation failed"
_OVERFLOW: Final = "ERR T-Digest: overflow detected"


def _read(ctx: Context, key: bytes) -> TDigest:
    return readable(ctx, key, TDigest, _NO_KEY)


def _asked(ctx: Context, key: bytes, digest: TDigest, ask: Callable[[], T]) -> T:
    """The reply to a question, in which groups may be made of what waits in the digest."""
    before = digest.compressions
    reply = ask()
    if digest.compressions != before:
        ctx.modified_unsignalled(key, changes=0)
    return reply


def _double(raw: bytes, name: str) -> float:
    """A number, or infinity.

    Raises:
        CommandError: it is none.
    """
    number = parse_float(raw)
    if number is None:
        raise CommandError(f"ERR T-Digest: error parsing {name}")
    return number


def _new(fineness: float) -> TDigest:
    if nodes_for(fineness) > MOST_NODES:
        raise CommandError(_NO_MEMORY)
    return TDigest(fineness)


# Changing -----------------------------------------------------------------------------------------


def create(ctx: Context, *words: bytes) -> Status:
    """Make a digest, the finer the higher its compression.

    Checked in the server's order: words, key and type, keyword, compression, memory.
    """
    if len(words) != 1:
        check_count(ctx, words, 3, 3)
    key = words[0]
    if writable(ctx, key, TDigest) is not None:
        raise CommandError("ERR T-Digest: key already exists")
    ctx.db.put(key, _new(CreateOptions.parse(ctx, words[1:]).compression))
    ctx.modified(key, "")
    return OK


def add(ctx: Context, *words: bytes) -> Status:
    """Take numbers."""
    if len(words) < 2:
        raise wrong_count(ctx)
    key = words[0]
    digest = existing(ctx, key, TDigest, _NO_KEY)
    numbers = []
    for raw in words[1:]:
        number = parse_float(raw)
        if number is None:
            raise CommandError("ERR T-Digest: error parsing val parameter")
        if isinf(number):
            raise CommandError("ERR T-Digest: val parameter needs to be a finite number")
        numbers.append(number)
    for number in numbers:
        if not digest.add(number):
            raise CommandError(_OVERFLOW)
    ctx.modified(key, "")
    return OK


def reset(ctx: Context, *words: bytes) -> Status:
    """Forget all numbers."""
    check_count(ctx, words, 1, 1)
    existing(ctx, words[0], TDigest, _NO_KEY).reset()
    ctx.modified(words[0], "")
    return OK


def _merge_options(ctx: Context, words: Sequence[bytes]) -> tuple[int, bool]:
    """The compression that is asked for, if any, and whether the digest at the key is left out.

    The server looks for the first COMPRESSION and for OVERRIDE wherever they stand, and for no
    other words, as long as one of both is there.
    """
    found: dict[str, Sequence[bytes]] = {}
    for name, values in MergeOptions.spot(words):
        found.setdefault(name, values)
    if words and not found:
        raise CommandError("ERR T-Digest: wrong keyword")
    fineness = found.get("COMPRESSION")
    if fineness is None:
        return 0, "OVERRIDE" in found
    if not fineness:
        raise wrong_count(ctx)
    return parse_compression(fineness[0]), "OVERRIDE" in found


def merge(ctx: Context, *words: bytes) -> Status:
    """Make a digest of the numbers of others, and of its own unless OVERRIDE is there.

    Checked in the server's order: words, the key's type, the number of keys, keywords, compression,
    keys and their types, memory.
    """
    check_count(ctx, words, 3)
    key, raw_count, *rest = words
    digest: TDigest | None = ctx.lookup_read(key, TDigest)
    count = parse_int(raw_count)
    if count is None:
        raise CommandError("ERR T-Digest: error parsing numkeys")
    if count < 1:
        raise CommandError("ERR T-Digest: numkeys needs to be a positive integer")
    if count > len(rest):
        raise wrong_count(ctx)
    fineness, override = _merge_options(ctx, rest[count:])
    names = rest[:count]
    parts = [_merged_part(ctx, name, key, digest) for name in names]
    if digest is not None and not override:
        names.insert(0, key)
        parts.insert(0, digest)
        fineness = fineness or int(digest.compression)
    merged = _new(fineness or max(part.compression for part in parts))
    for name, part in zip(names, parts, strict=True):
        if not _asked(ctx, name, part, partial(merged.merge, part)):
            raise CommandError(_OVERFLOW)
    ctx.db.delete(key)  # so that an old one, too, is told of as new, as by the server
    ctx.db.put(key, merged)
    ctx.signal_modified(key)
    ctx.modified(key, "")
    return OK


def _merged_part(ctx: Context, name: bytes, key: bytes, digest: TDigest | None) -> TDigest:
    """One of the digests to be merged; that at the key itself has been looked up already."""
    if name != key:
        return _read(ctx, name)
    if digest is None:
        raise CommandError(_NO_KEY)
    return digest


# Asking -------------------------------------------------------------------------------------------


def quantile(ctx: Context, *words: bytes) -> list[float]:
    """The numbers that parts of all numbers are below."""
    check_count(ctx, words, 2)
    key, *raws = words
    digest = _read(ctx, key)
    parts = []
    for raw in raws:
        parts.append(_double(raw, "quantile"))
        if not 0 <= parts[-1] <= 1:
            raise CommandError("ERR T-Digest: quantile should be in [0,1]")
    return _asked(ctx, key, digest, lambda: digest.quantiles(parts))


def cdf(ctx: Context, *words: bytes) -> list[float]:
    """Which part of all numbers is at most each of these."""
    check_count(ctx, words, 2)
    key, *raws = words
    digest = _read(ctx, key)
    numbers = [_double(raw, "cdf") for raw in raws]
    return _asked(ctx, key, digest, lambda: list(map(digest.cdf, numbers)))


def rank(ctx: Context, *words: bytes) -> list[int]:
    """How many numbers are below each of these, and half of those that equal it."""
    return _ranks(ctx, words, False)


def revrank(ctx: Context, *words: bytes) -> list[int]:
    """How many numbers are above each of these, and half of those that equal it."""
    return _ranks(ctx, words, True)


def _ranks(ctx: Context, words: Sequence[bytes], reverse: bool) -> list[int]:
    check_count(ctx, words, 2)
    key, *raws = words
    digest = _read(ctx, key)
    numbers = [_double(raw, "value") for raw in raws]
    return _asked(
        ctx, key, digest, lambda: [_rank(digest, number, reverse) for number in numbers]
    )


def _rank(digest: TDigest, number: float, reverse: bool) -> int:
    size = digest.size()
    if not size:
        return -2
    if number < digest.low:
        return size if reverse else -1
    if number > digest.high:
        return -1 if reverse else size
    below = digest.cdf(number) * size
    if isnan(below) or isinf(below):  # of one number alone, no groups are made
        return INT_MIN
    return int(_rounded(size - _rounded(below))) if reverse else int(_rounded(below, down=True))


def _rounded(number: float, down: bool = False) -> float:
    """The nearest whole number; of two, the one farther from 0, or the other one."""
    fraction, whole = modf(number)
    if abs(fraction) > 0.5 or (abs(fraction) == 0.5 and not down):
        whole += copysign(1.0, number)
    return whole


def byrank(ctx: Context, *words: bytes) -> list[float]:
    """The numbers that so many are below; infinity where there are not so many."""
    return _by_ranks(ctx, words, False)


def byrevrank(ctx: Context, *words: bytes) -> list[float]:
    """The numbers that so many are above; infinity where there are not so many."""
    return _by_ranks(ctx, words, True)


def _by_ranks(ctx: Context, words: Sequence[bytes], reverse: bool) -> list[float]:
    check_count(ctx, words, 2)
    key, *raws = words
    digest = _read(ctx, key)
    ranks = []
    for raw in raws:
        number = parse_int(raw)
        if number is None:
            raise CommandError("ERR T-Digest: error parsing rank")
        if number < 0:
            raise CommandError("ERR T-Digest: rank needs to be non negative")
        ranks.append(number)
    return _asked(ctx, key, digest, lambda: [_by_rank(digest, each, reverse) for each in ranks])


def _by_rank(digest: TDigest, position: int, reverse: bool) -> float:
    size = digest.size()
    if not size:
        return nan
    if position >= size:
        return -inf if reverse else inf
    if not position:
        return digest.high if reverse else digest.low
    return digest.quantile((size - position - 1 if reverse else position) / size)


def min_(ctx: Context, *words: bytes) -> float:
    """The lowest number."""
    check_count(ctx, words, 1, 1)
    digest = _read(ctx, words[0])
    return digest.low if digest.size() else nan


def max_(ctx: Context, *words: bytes) -> float:
    """The highest number."""
    check_count(ctx, words, 1, 1)
    digest = _read(ctx, words[0])
    return digest.high if digest.size() else nan


def trimmed_mean(ctx: Context, *words: bytes) -> float:
    """The mean of the numbers between two quantiles."""
    check_count(ctx, words, 3, 3)
    key, *raws = words
    digest = _read(ctx, key)
    low, high = _double(raws[0], "low_cut_percentile"), _double(raws[1], "high_cut_percentile")
    if not (0 <= low <= 1 and 0 <= high <= 1):
        raise CommandError(
            "ERR T-Digest: low_cut_percentile and high_cut_percentile should be in [0,1]"
        )
    if low >= high:
        raise CommandError(
            "ERR T-Digest: low_cut_percentile should be lower than high_cut_percentile"
        )
    return _asked(ctx, key, digest, lambda: digest.trimmed_mean(low, high))


def info(ctx: Context, *words: bytes) -> dict[Any, Any]:
    """What there is to know of a digest."""
    check_count(ctx, words, 1, 1)
    digest = _read(ctx, words[0])
    facts = {
        b"Compression": int(digest.compression), b"Capacity": digest.capacity,
        b"Merged nodes": digest.merged, b"Unmerged nodes": len(digest.means) - digest.merged,
        b"Merged weight": digest.merged_weight, b"Unmerged weight": digest.unmerged_weight,
        b"Observations": digest.size(), b"Total compressions": digest.compressions,
        b"Memory usage": digest.memory_usage(),
    }
    return {Status(name): value for name, value in facts.items()}
