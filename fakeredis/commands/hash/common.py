"""What the hash commands share: looking at hashes whose fields may have expired."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from fakeredis.commands.registry import WRITE, Group
from fakeredis.datatypes.hash import Hash
from fakeredis.engine.core.context import Context

group = Group("hash")
LAST_DEADLINE: Final = (1 << 46) - 1  # in milliseconds; no field can expire later
FIELD_EXPIRY: Final = {"redis": "7.4.0"}
REDIS_8: Final = {"redis": "8.0.0"}


def read_hash(ctx: Context, key: bytes) -> Hash | None:
    """The hash at key for reading, without fields that have expired."""
    value: Hash | None = ctx.lookup_read(key, Hash)
    if value is not None:
        soonest = value.next_expiry
        if soonest is not None and soonest <= ctx.now:
            return _without_expired(ctx, key, value)
    return value


def write_hash(ctx: Context, key: bytes) -> Hash | None:
    """The hash at key for changing it, without fields that have expired."""
    value: Hash | None = ctx.lookup_write(key, Hash)
    if value is not None:
        soonest = value.next_expiry
        if soonest is not None and soonest <= ctx.now:
            return _without_expired(ctx, key, value)
    return value


# While nothing expires by itself (DEBUG SET-ACTIVE-EXPIRE 0), expired fields remain until a command
# asks for them. These commands take them for fields like all others ...
_BLIND: Final = frozenset({
    "HLEN", "HSET", "HMSET", "HDEL", "HSETEX", "HPERSIST",  # which looks for itself
    "HEXPIRE", "HPEXPIRE", "HEXPIREAT", "HPEXPIREAT",
})
# ... and these pass them over, but let them be.
_LENIENT: Final = frozenset({
    "HGETALL", "HKEYS", "HVALS", "HSCAN", "HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME",
})


# With Valkey nothing but the server itself removes them: HLEN counts them, and who sets one makes a
# new one of it.
_SETTING: Final = frozenset({
    "HSET", "HMSET", "HSETNX", "HSETEX", "HINCRBY", "HINCRBYFLOAT",
})


def _while_they_stay(ctx: Context, key: bytes, value: Hash, name: str) -> Hash | None:
    """What a command of Valkey sees of a hash whose expired fields stay where they are."""
    if name == "HLEN":
        return value
    if name in _SETTING:
        ctx.server.expire_fields(ctx.db, key, value, ctx.now, ctx.args, keep=True)
        return value
    if ctx.command is not None and ctx.command.flags & WRITE:
        value.pop_expired_among(ctx.args, ctx.now)
        return value
    value = value.copy()
    value.pop_expired(ctx.now)
    return value or None


def _without_expired(ctx: Context, key: bytes, value: Hash) -> Hash | None:
    """A hash without the fields that have expired, as far as the running command sees that."""
    name = "" if ctx.command is None else ctx.command.name
    among: Sequence[bytes] | None = None
    if not ctx.server.active_expire and ctx.traits.keeps_expired_fields:
        return _while_they_stay(ctx, key, value, name)
    if not ctx.server.active_expire and name != "HRANDFIELD":
        among = ctx.args
        if name in _BLIND:
            return value
        if name in _LENIENT:
            value = value.copy()
            value.pop_expired(ctx.now)
            return value
    silent = among is not None and name == "HMGET"
    gone = ctx.server.expire_fields(ctx.db, key, value, ctx.now, among, silent=silent)
    return None if gone else value


def made_hash(ctx: Context, key: bytes) -> Hash:
    """The hash at key for changing it, a new one if need be."""
    value = write_hash(ctx, key)
    if value is None:
        value = Hash()
        ctx.db.put(key, value)
    return value


def told_deadlines(
    value: Hash | None, fields: Sequence[bytes], convert: Callable[[int], int]
) -> list[int]:
    """Fields' deadlines as HTTL and its kin tell them: -1 for none, -2 where there is no field."""
    if value is None:
        return [-2] * len(fields)
    replies = []
    for field in fields:
        deadline = value.deadline(field)
        if deadline is not None:
            replies.append(convert(deadline))
        else:
            replies.append(-1 if field in value else -2)
    return replies
