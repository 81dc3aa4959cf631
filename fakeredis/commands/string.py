"""String commands: Redis's "string" group."""

from __future__ import annotations

from typing import Any

from fakeredis import errors
from fakeredis.commands.arguments import Flag, Int, Key, Many, OneOf, Raw, Token
from fakeredis.commands.registry import DENYOOM, FAST, READONLY, WRITE, Group
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.context import Context
from fakeredis.engine.replies import OK
from fakeredis.errors import CommandError

group = Group("string")

LOW, HIGH = -(1 << 63), (1 << 63) - 1


@group.command("GET", Key, flags=READONLY | FAST)
def get(ctx: Context, key: bytes) -> Any:
    """Value at key; None when there is none."""
    return ctx.lookup_read(key, bytes)


@group.command(
    "SET", Key, Raw,
    OneOf(NX=Token, XX=Token),
    Flag("GET"),
    OneOf(EX=Raw, PX=Raw, EXAT=Raw, PXAT=Raw, KEEPTTL=Token),
    flags=WRITE | DENYOOM,
)  # fmt: skip
def set_(ctx: Context, key: bytes, value: bytes, condition: Any, get: Any, expiry: Any) -> Any:
    """Set key to value.

    Checked in the server's order: syntax, expire value, type (with GET only), condition.
    """
    db = ctx.db
    if condition is None and get is None and expiry is None:
        db.put(key, value)
        ctx.modified(key, "set")
        return OK
    deadline = None
    if expiry is not None and expiry[0] != "KEEPTTL":
        deadline = ctx.deadline(*expiry)
    old = ctx.lookup_read(key, bytes) if get else None
    if condition is not None and ctx.exists(key) is not (condition[0] == "XX"):
        return old
    if expiry is not None and deadline is None:
        db.replace(key, value)
    else:
        db.put(key, value)
    ctx.modified(key, "set")
    if deadline is not None:
        if deadline <= ctx.now:
            db.delete(key)
            ctx.modified(key, "del")
        else:
            db.expire_at(key, deadline)
            ctx.modified(key, "expire")
    return old if get else OK


@group.command("STRLEN", Key, flags=READONLY | FAST, since="2.2.0")
def strlen(ctx: Context, key: bytes) -> int:
    """Length of the string at key; 0 when there is none."""
    value = ctx.string(key)
    return 0 if value is None else len(value)


@group.command(
    "GETEX", Key, OneOf(EX=Raw, PX=Raw, EXAT=Raw, PXAT=Raw, PERSIST=Token),
    flags=WRITE | FAST, since="6.2.0",
)  # fmt: skip
def getex(ctx: Context, key: bytes, expiry: Any) -> Any:
    """Value at key; may set or clear its expiration.

    Checked in the server's order: syntax, key and type, expire value.
    """
    value = ctx.lookup_read(key, bytes)
    if value is None or expiry is None:
        return value
    option, raw = expiry
    if option == "PERSIST":
        if ctx.db.persist(key):
            ctx.modified(key, "persist")
        return value
    deadline = ctx.deadline(option, raw)
    if deadline <= ctx.now:
        ctx.db.delete(key)
        ctx.modified(key, "del")
    else:
        ctx.db.expire_at(key, deadline)
        ctx.modified(key, "expire")
    return value


def _increment(ctx: Context, key: bytes, by: int) -> int:
    """Add to the integer at key; its deadline stays."""
    value = ctx.lookup_write(key, bytes)
    number = 0 if value is None else parse_int(value)
    if number is None:
        raise CommandError(errors.NOT_INTEGER)
    number += by
    if not LOW <= number <= HIGH:
        raise CommandError(errors.OVERFLOW)
    ctx.db.replace(key, b"%d" % number)
    ctx.modified(key, "incrby")
    return number


@group.command("INCR", Key, flags=WRITE | DENYOOM | FAST)
def incr(ctx: Context, key: bytes) -> int:
    """Add one."""
    return _increment(ctx, key, 1)


@group.command("INCRBY", Key, Int, flags=WRITE | DENYOOM | FAST)
def incrby(ctx: Context, key: bytes, by: int) -> int:
    """Add an integer, checked before the key."""
    return _increment(ctx, key, by)


@group.command("MGET", Many(Key), flags=READONLY | FAST)
def mget(ctx: Context, keys: list[bytes]) -> list[Any]:
    """Values at keys; None where there is no string."""
    replies = []
    for key in keys:
        value = ctx.lookup(key)
        kind = type(value)
        replies.append(value if kind is bytes else bytes(value) if kind is bytearray else None)
    return replies
