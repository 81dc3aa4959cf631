"""Unions, intersections, differences: ZUNION, ZINTERSTORE and their kin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import (
    Flag,
    Key,
    NumKeys,
    OneOf,
    Option,
    Options,
    PerKey,
    Raw,
    Rest,
    Token,
)
from fakeredis.commands.registry import DENYOOM, MOVABLEKEYS, READONLY, WRITE
from fakeredis.commands.set import CardOptions
from fakeredis.commands.sorted_set.common import group, store_pairs
from fakeredis.datatypes.set import Set
from fakeredis.datatypes.sorted_set import SortedSet
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import PAIRS
from fakeredis.errors import CommandError

Operand = Set | SortedSet
Combine = Callable[[float, float], float]


def _sum(a: float, b: float) -> float:
    """The sum; infinities that cancel each other out give 0."""
    total = a + b
    return total if total == total else 0.0


_AGGREGATES: Final[dict[str, Combine]] = {"SUM": _sum, "COUNT": _sum, "MIN": min, "MAX": max}


def _weights(ctx: Context, words: Sequence[bytes]) -> list[float]:
    values = [value for value in map(ctx.traits.parse_float, words) if value is not None]
    if len(values) < len(words):
        raise CommandError(errors.WEIGHT_NOT_FLOAT)
    return values


class _StoreAlgebra(Options):
    """The options of ZUNIONSTORE and ZINTERSTORE."""

    weights: Annotated[list[float] | None, Option(
        "WEIGHTS", PerKey(Raw.named("weight:integer")), make=_weights
    )] = None
    aggregate: Annotated[str, Option("AGGREGATE", OneOf(
        SUM=Token, MIN=Token, MAX=Token, COUNT=Token.since({"redis": "8.8.0"}),
    ))] = "SUM"


class _AlgebraOptions(_StoreAlgebra):
    """The options of ZUNION and ZINTER."""

    with_scores: Annotated[bool, Flag("WITHSCORES")] = False


class _DiffOptions(Options):
    """The options of ZDIFF."""

    with_scores: Annotated[bool, Flag("WITHSCORES")] = False


def _operands(ctx: Context, keys: Sequence[bytes]) -> list[Operand]:
    """The sets and sorted sets at keys, empty ones where there is nothing.

    Raises:
        CommandError: WRONGTYPE, one is something else.
    """
    found: list[Operand] = []
    for key in keys:
        kind = Set if type(ctx.db.data.get(key)) is Set else SortedSet
        value = ctx.lookup_read(key, kind)
        found.append(SortedSet() if value is None else value)
    return found


def _scores(operand: Operand, weight: float = 1.0) -> dict[bytes, float]:
    """Members and weighted scores; the members of a set have score 1."""
    if isinstance(operand, SortedSet):
        scores = operand.as_dict()
    else:
        scores = dict.fromkeys(operand, 1.0)
    if weight == 1.0:
        return scores
    weighted = {member: score * weight for member, score in scores.items()}
    # Nothing times infinity is nothing here.
    return {member: score if score == score else 0.0 for member, score in weighted.items()}


class _Algebra:
    """How scores are combined, by options that are parsed when the operands are known."""

    __slots__ = ("weights", "combine", "counts")

    def __init__(self, options: _StoreAlgebra, count: int) -> None:
        self.counts = options.aggregate == "COUNT"  # weights alone are added up
        self.weights = options.weights or [1.0] * count
        self.combine = _AGGREGATES[options.aggregate]

    def prepared(self, operands: list[Operand]) -> list[Operand]:
        """What is combined: with COUNT, members whose score is 1."""
        return [Set(operand) for operand in operands] if self.counts else operands

    def by_size(self, operands: list[Operand]) -> list[tuple[Operand, float]]:
        """Operands and weights, smallest first: the order in which the server adds up."""
        pairs = zip(self.prepared(operands), self.weights, strict=True)
        return sorted(pairs, key=lambda pair: len(pair[0]))

    def union(self, operands: list[Operand]) -> dict[bytes, float]:
        """All members of all operands."""
        combine = self.combine
        total: dict[bytes, float] = {}
        for operand, weight in self.by_size(operands):
            scores = _scores(operand, weight)
            if not total:
                total = scores
                continue
            for member, score in scores.items():
                old = total.get(member)
                total[member] = score if old is None else combine(old, score)
        return total

    def intersection(self, operands: list[Operand]) -> dict[bytes, float]:
        """The members that all operands have."""
        (smallest, weight), *others = self.by_size(operands)
        total = _scores(smallest, weight)
        for operand, factor in others:
            total = self._common(total, operand, factor)
        return total

    def _common(
        self, total: dict[bytes, float], operand: Operand, weight: float
    ) -> dict[bytes, float]:
        combine = self.combine
        kept = {}
        score_of = _score_of(operand)
        for member, old in total.items():
            score = score_of(member)
            if score is not None:
                # Nothing times infinity is no number here; a sum becomes 0 by it, MIN and MAX keep
                # what there was.
                kept[member] = combine(old, score * weight)
        return kept


def _score_of(operand: Operand) -> Callable[[bytes], float | None]:
    """A function from a member to its score."""
    if isinstance(operand, SortedSet):
        return operand.score
    members = operand
    return lambda member: 1.0 if member in members else None


def _difference(operands: list[Operand]) -> dict[bytes, float]:
    """The first operand's members that no other has."""
    total = _scores(operands[0])
    for operand in operands[1:]:
        if len(operand) < len(total):
            for member in operand:
                total.pop(member, None)
        else:
            total = {member: total[member] for member in total if member not in operand}
    return total


def _sorted(scores: dict[bytes, float], with_scores: bool) -> list[Any]:
    """A result in order, as a reply."""
    ordered = sorted(zip(scores.values(), scores, strict=True))
    if with_scores:
        return [(member, score) for score, member in ordered]
    return [member for _, member in ordered]


def _inputs(command: str) -> NumKeys:
    return NumKeys(low_error=errors.NO_INPUT_KEYS % command, access="RO access")


@group.command(
    "ZUNION", _inputs("zunion"), _AlgebraOptions, flags=READONLY | MOVABLEKEYS,
    since="6.2.0", reply=PAIRS,
)
def zunion(ctx: Context, keys: list[bytes], *words: bytes) -> list[Any]:
    """The members of all keys, their scores aggregated.

    Checked in the server's order: keys, types, options from left to right.
    """
    operands = _operands(ctx, keys)
    options = _AlgebraOptions.parse(ctx, words, keys=len(keys))
    return _sorted(_Algebra(options, len(keys)).union(operands), options.with_scores)


@group.command(
    "ZINTER", _inputs("zinter"), _AlgebraOptions, flags=READONLY | MOVABLEKEYS,
    since="6.2.0", reply=PAIRS,
)
def zinter(ctx: Context, keys: list[bytes], *words: bytes) -> list[Any]:
    """The members that all keys have, their scores aggregated; checked as ZUNION."""
    operands = _operands(ctx, keys)
    options = _AlgebraOptions.parse(ctx, words, keys=len(keys))
    return _sorted(_Algebra(options, len(keys)).intersection(operands), options.with_scores)


@group.command(
    "ZDIFF", _inputs("zdiff"), _DiffOptions, flags=READONLY | MOVABLEKEYS,
    since="6.2.0", reply=PAIRS,
)
def zdiff(ctx: Context, keys: list[bytes], *words: bytes) -> list[Any]:
    """The first key's members that no other has; checked as ZUNION."""
    operands = _operands(ctx, keys)
    options = _DiffOptions.parse(ctx, words)
    return _sorted(_difference(operands), options.with_scores)


@group.command(
    "ZUNIONSTORE", Key("OW update"), _inputs("zunionstore"), _StoreAlgebra,
    flags=WRITE | DENYOOM | MOVABLEKEYS, since="2.0.0", names="destination numkeys key+ {}",
)
def zunionstore(ctx: Context, target: bytes, keys: list[bytes], *words: bytes) -> int:
    """Store what ZUNION finds; how much it was."""
    operands = _operands(ctx, keys)
    options = _StoreAlgebra.parse(ctx, words, keys=len(keys))
    scores = _Algebra(options, len(keys)).union(operands)
    return store_pairs(ctx, target, scores.items(), "zunionstore")


@group.command(
    "ZINTERSTORE", Key("OW update"), _inputs("zinterstore"), _StoreAlgebra,
    flags=WRITE | DENYOOM | MOVABLEKEYS, since="2.0.0", names="destination numkeys key+ {}",
)
def zinterstore(ctx: Context, target: bytes, keys: list[bytes], *words: bytes) -> int:
    """Store what ZINTER finds; how much it was."""
    operands = _operands(ctx, keys)
    options = _StoreAlgebra.parse(ctx, words, keys=len(keys))
    scores = _Algebra(options, len(keys)).intersection(operands)
    return store_pairs(ctx, target, scores.items(), "zinterstore")


@group.command(
    "ZDIFFSTORE", Key("OW update"), _inputs("zdiffstore"), Rest(flat=True),
    flags=WRITE | DENYOOM | MOVABLEKEYS, since="6.2.0", form="key #key*",
    names="destination numkeys key+",
)
def zdiffstore(ctx: Context, target: bytes, keys: list[bytes], *words: bytes) -> int:
    """Store what ZDIFF finds; how much it was."""
    operands = _operands(ctx, keys)
    if words:
        raise CommandError(errors.SYNTAX)
    return store_pairs(ctx, target, _difference(operands).items(), "zdiffstore")


@group.command(
    "ZINTERCARD", _inputs("zintercard"), CardOptions, flags=READONLY | MOVABLEKEYS, since="7.0.0",
    form="#key~ {}",
)
def zintercard(ctx: Context, keys: list[bytes], *words: bytes) -> int:
    """How many members all keys have, counted no further than LIMIT; checked as ZUNION."""
    operands = sorted(_operands(ctx, keys), key=len)
    limit = CardOptions.parse(ctx, words).limit
    count = 0
    for member in operands[0]:
        if all(member in operand for operand in operands[1:]):
            count += 1
            if count == limit:
                break
    return count
