"""Set commands: Redis's "set" group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import (
    Args,
    Flag,
    Key,
    Many,
    NumKeys,
    Option,
    Options,
    Raw,
    Rest,
    integer,
)
from fakeredis.commands.generic.keys import PlainScanOptions, scan_cursor
from fakeredis.commands.registry import (
    DENYOOM,
    FAST,
    MOVABLEKEYS,
    READONLY,
    SEQUENTIAL,
    WRITE,
    Group,
    unchanged,
)
from fakeredis.datatypes.hyperloglog import HyperLogLog
from fakeredis.datatypes.numbers import INT_MIN, parse_int
from fakeredis.datatypes.set import (
    Set,
    difference,
    intersection,
    stored_intersection,
    union,
)
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import SET, drawn
from fakeredis.errors import CommandError

group = Group("set")


# Members ------------------------------------------------------------------------------------


@group.command(
    "SADD", Key("RW insert"), Many(Raw, flat=True), flags=WRITE | DENYOOM | FAST,
    form="key member~", batch_of_key="SADD with all members", names="key member+",
)
def sadd(ctx: Context, key: bytes, *members: bytes) -> int:
    """Add members; the number of new ones."""
    stored: Set | None = ctx.lookup_write(key, Set)
    if stored is None:
        stored = Set(members, ctx.server.limits)
        ctx.db.put(key, stored)
        added = len(stored)
    elif len(members) == 1:
        added = int(stored.add(members[0], ctx.server.limits))
    else:
        limits = ctx.server.limits
        stored.expect(len(members), limits)
        added = stored.add_many(members, limits)
    if added:
        ctx.modified(key, "sadd", added)
    return added


@group.command(
    "SREM", Key("RW delete"), Many(Raw, flat=True), flags=WRITE | FAST, form="key member~",
    batch_of_key="SREM with all members", names="key member+",
)
def srem(ctx: Context, key: bytes, *members: bytes) -> int:
    """Remove members; how many were there."""
    stored: Set | None = ctx.lookup_write(key, Set)
    if stored is None:
        return 0
    gone = sum(map(stored.discard, members))
    if gone:
        ctx.shrunk(key, stored, "srem", gone)
    return gone


def _smove_effect(ctx: Context, key: bytes, event: str) -> list[bytes]:
    """What it does to one of its sets."""
    return [b"SADD" if event == "sadd" else b"SREM", key, ctx.args[2]]


@group.command(
    "SMOVE", Key("RW access delete"), Key("RW insert"), Raw, flags=WRITE | FAST,
    effect=_smove_effect, names="source destination member",
)
def smove(ctx: Context, source: bytes, target: bytes, member: bytes) -> int:
    """Move a member; whether it was there.

    Checked in the server's order: source's type, then (only if there is a source) target's type.
    """
    stored: Set | None = ctx.lookup_write(source, Set)
    if stored is None:
        return 0
    other: Set | None = ctx.lookup_write(target, Set)
    if other is stored:
        return int(member in stored)
    if not stored.discard(member):
        return 0
    ctx.shrunk(source, stored, "srem")
    if other is None:
        ctx.db.put(target, Set((member,), ctx.server.limits))
        ctx.modified(target, "sadd")
    elif other.add(member, ctx.server.limits):
        ctx.modified(target, "sadd")
    return 1


@group.command("SCARD", Key("RO"), flags=READONLY | FAST)
def scard(ctx: Context, key: bytes) -> int:
    """How many members there are."""
    stored = ctx.lookup_read(key, Set)
    return 0 if stored is None else len(stored)


@group.command(
    "SISMEMBER", Key("RO"), Raw, flags=READONLY | FAST, batch_of_key="SMISMEMBER",
    names="key member",
)
def sismember(ctx: Context, key: bytes, member: bytes) -> int:
    """Whether it is a member."""
    stored = ctx.lookup_read(key, Set)
    return 1 if stored is not None and member in stored else 0


@group.command(
    "SMISMEMBER", Key, Many(Raw), flags=READONLY | FAST, since="6.2.0", names="key member+",
)
def smismember(ctx: Context, key: bytes, members: list[bytes]) -> list[int]:
    """Whether each is a member."""
    stored = ctx.lookup_read(key, Set) or ()
    return [int(member in stored) for member in members]


@group.command(
    "SMEMBERS", Key, flags=READONLY, reply=SET, varies="order",
    tips="nondeterministic_output_order",
)
def smembers(ctx: Context, key: bytes) -> list[bytes]:
    """All members."""
    stored = ctx.lookup_read(key, Set)
    return [] if stored is None else list(stored)


# Random members -----------------------------------------------------------------------------


def _spop_counterpart(args: Args, reply: Any) -> tuple[Args, Callable[[Any], Any]]:
    """The removal of what was popped."""
    if type(reply) is bytes:
        return [b"SREM", args[0], reply], lambda count: reply if count == 1 else None
    if isinstance(reply, (list, set)) and reply:
        members = [bytes(member) for member in reply]
        return [b"SREM", args[0], *members], (
            lambda count: reply if count == len(members) else f"{count} of them were there"
        )
    return [b"SPOP", *args], unchanged


@group.command(
    "SPOP", Key("RW access delete"), Rest(flat=True), flags=WRITE | FAST, reply=SET,
    counterpart=_spop_counterpart, tips="nondeterministic_output",
    names="key [count:integer@3.2.0]",
)
def spop(ctx: Context, key: bytes, *count: bytes) -> Any:
    """Remove a random member, or with a count several different ones."""
    if count:
        return _spop_many(ctx, key, count)
    stored: Set | None = ctx.lookup_write(key, Set)
    if stored is None:
        return None
    member = stored.pop_random(ctx.server.random)
    if ctx.server.store_sync is not None:
        ctx.server.store_sync.replicate_as(ctx, b"SREM", key, member)
    ctx.shrunk(key, stored, "spop")
    return member


def _spop_many(ctx: Context, key: bytes, words: Sequence[bytes]) -> list[bytes]:
    """Checked in the server's order: syntax, count, type."""
    if len(words) > 1:
        raise CommandError(errors.SYNTAX)
    count = parse_int(words[0])
    if count is None or count < 0:
        raise CommandError(errors.NOT_POSITIVE)
    stored: Set | None = ctx.lookup_write(key, Set)
    if stored is None or count == 0:
        return []
    if count >= len(stored):
        ctx.server.hits += 1  # the server does as SUNION here, which reads
        gone = list(union([stored], ctx.server.limits))
        stored.clear()
    else:
        gone = stored.pop_many(count, ctx.server.random, ctx.server.limits)
    if ctx.server.store_sync is not None:
        ctx.server.store_sync.replicate_as(ctx, b"SREM", key, *gone)
    ctx.shrunk(key, stored, "spop", len(gone))
    return gone


@group.command(
    "SRANDMEMBER", Key, Rest(flat=True), flags=READONLY, varies="number",
    tips="nondeterministic_output", names="key [count:integer@2.6.0]",
)
def srandmember(ctx: Context, key: bytes, *words: bytes) -> Any:
    """A random member; with a count several, different ones or (below 0) with repetitions.

    Checked in the server's order: syntax, count, type.
    """
    if not words:
        stored: Set | None = ctx.lookup_read(key, Set)
        return None if stored is None else stored.random(ctx.server.random)
    if len(words) > 1:
        raise CommandError(errors.SYNTAX)
    count = parse_int(words[0])
    if count is None:
        raise CommandError(errors.NOT_INTEGER)
    if count == INT_MIN:
        raise CommandError(errors.LONG_OUT_OF_RANGE)
    stored = ctx.lookup_read(key, Set)
    if stored is None:
        return []
    reply = drawn(ctx, count, lambda: list(stored))
    if reply is not None:
        return reply
    return stored.random_members(count, ctx.server.random)


@group.command(
    "SSCAN", Key, Raw, PlainScanOptions, flags=READONLY | SEQUENTIAL, since="2.8.0",
    form="key cursor {}", tips="nondeterministic_output", names="key cursor:integer {}",
)
def sscan(ctx: Context, key: bytes, cursor: bytes, *words: bytes) -> list[Any]:
    """Some of the members, and the cursor for the next; small sets come in one go.

    Checked in the server's order: cursor, type, then (only if there is a set) the options.
    """
    start = scan_cursor(ctx, cursor)
    stored: Set | None = ctx.lookup_read(key, Set)
    if stored is None:
        return [b"0", []]
    options = PlainScanOptions.parse(ctx, words)
    after, found = stored.scan(start, options.count)
    if options.match is not None:
        found = list(filter(options.match, found))
    return [b"%d" % after, found]


# Several sets -------------------------------------------------------------------------------


def _sets(ctx: Context, keys: Iterable[bytes]) -> list[Set]:
    """The sets at keys, missing ones empty; every key's type is checked."""
    return [ctx.lookup_read(key, Set) or Set() for key in keys]


def _store(ctx: Context, target: bytes, value: Set, event: str) -> int:
    """Put a combination at target; nothing is left there when it is empty."""
    if not value:
        ctx.delete(target)
        return 0
    ctx.db.put(target, value)
    ctx.modified(target, event)
    return len(value)


@group.command(
    "SINTER", Many(Key), flags=READONLY, reply=SET, form="key~", varies="order",
    tips="nondeterministic_output_order",
)
def sinter(ctx: Context, keys: list[bytes]) -> list[bytes]:
    """The members of all sets."""
    return intersection(_sets(ctx, keys))


@group.command(
    "SUNION", Many(Key), flags=READONLY, reply=SET, form="key~", varies="order",
    tips="nondeterministic_output_order",
)
def sunion(ctx: Context, keys: list[bytes]) -> list[bytes]:
    """The members of any set."""
    return list(union(_sets(ctx, keys), ctx.server.limits))


@group.command(
    "SDIFF", Many(Key), flags=READONLY, reply=SET, form="key key~", varies="order",
    tips="nondeterministic_output_order",
)
def sdiff(ctx: Context, keys: list[bytes]) -> list[bytes]:
    """The members of the first set that no other one has."""
    return list(difference(_sets(ctx, keys), ctx.server.limits))


@group.command(
    "SINTERSTORE", Key("OW update"), Many(Key("RO access")), flags=WRITE | DENYOOM,
    form="key key~", names="destination key+",
)
def sinterstore(ctx: Context, target: bytes, keys: list[bytes]) -> int:
    """SINTER into a key of any type; the number of members."""
    value = stored_intersection(_sets(ctx, keys), ctx.server.limits)
    return _store(ctx, target, value, "sinterstore")


@group.command(
    "SUNIONSTORE", Key("OW update"), Many(Key("RO access")), flags=WRITE | DENYOOM,
    form="key key~", names="destination key+",
)
def sunionstore(ctx: Context, target: bytes, keys: list[bytes]) -> int:
    """SUNION into a key of any type; the number of members."""
    value = union(_sets(ctx, keys), ctx.server.limits, store=True)
    return _store(ctx, target, value, "sunionstore")


@group.command(
    "SDIFFSTORE", Key("OW update"), Many(Key("RO access")), flags=WRITE | DENYOOM,
    form="key key key~", names="destination key+",
)
def sdiffstore(ctx: Context, target: bytes, keys: list[bytes]) -> int:
    """SDIFF into a key of any type; the number of members."""
    value = difference(_sets(ctx, keys), ctx.server.limits, store=True)
    return _store(ctx, target, value, "sdiffstore")


_COUNTED_SETS: Final = NumKeys(
    error=errors.NUMKEYS_NOT_POSITIVE, high_error=errors.NUMKEYS_TOO_MANY
)


class CardOptions(Options):
    """How far an intersection is counted; 0 is no limit."""

    limit: Annotated[int, Option("LIMIT", integer(0, error=errors.LIMIT_NEGATIVE))] = 0


class _UnionCardOptions(CardOptions):
    """And whether the size of a union may be an estimate."""

    approximate: Annotated[bool, Flag("APPROX")] = False


@group.command(
    "SINTERCARD", _COUNTED_SETS, CardOptions, flags=READONLY | MOVABLEKEYS, since="7.0.0",
    form="#key~ {}",
)
def sintercard(ctx: Context, keys: list[bytes], *words: bytes) -> int:
    """The size of an intersection, counted up to LIMIT (0: no limit).

    Checked in the server's order: number of keys, options one by one, types.
    """
    limit = CardOptions.parse(ctx, words).limit
    smallest, *others = sorted(_sets(ctx, keys), key=len)
    if not limit:
        return len(smallest.intersection(*others))
    common: Iterable[bytes] = smallest
    for other in others:
        common = filter(other.__contains__, common)
    return sum(1 for _ in islice(common, limit))


@group.command(
    "SDIFFCARD", _COUNTED_SETS, CardOptions, flags=READONLY | MOVABLEKEYS,
    since={"redis": "8.10.0"},
)
def sdiffcard(ctx: Context, keys: list[bytes], *words: bytes) -> int:
    """The size of a difference, counted up to LIMIT (0: no limit)."""
    limit = CardOptions.parse(ctx, words).limit
    first, *others = _sets(ctx, keys)
    size = len(set.difference(first, *others))
    return min(size, limit) if limit else size


@group.command(
    "SUNIONCARD", _COUNTED_SETS, _UnionCardOptions, flags=READONLY | MOVABLEKEYS,
    since={"redis": "8.10.0"}, form="#key~ {}",
)
def sunioncard(ctx: Context, keys: list[bytes], *words: bytes) -> int:
    """The size of a union, counted up to LIMIT (0: no limit); about that with APPROX."""
    options = _UnionCardOptions.parse(ctx, words)
    limit = options.limit
    members = set[bytes]().union(*_sets(ctx, keys))
    size = _estimate(members) if options.approximate else len(members)
    return min(size, limit) if limit else size


def _estimate(members: Iterable[bytes]) -> int:
    """What a HyperLogLog that has seen all members says."""
    seen = HyperLogLog()
    for member in members:
        seen.add(member, 3000)
    return seen.count()
