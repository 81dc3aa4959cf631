"""Commands for keys of any type: Redis's "generic" group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Key, Many, Raw, Rest
from fakeredis.commands.registry import (
    FAST,
    READONLY,
    WRITE,
    Group,
)
from fakeredis.datatypes.glob import matcher
from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.list import List
from fakeredis.datatypes.numbers import parse_int, parse_unsigned
from fakeredis.datatypes.set import Set
from fakeredis.datatypes.sorted_set import SortedSet
from fakeredis.engine.context import Context
from fakeredis.engine.replies import Status
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.database import Database

group = Group("generic")

# What TYPE says; other classes of values say it themselves, by an attribute `type_name` (bytes).
_TYPE_NAMES: Final[dict[type, Status]] = {
    bytes: Status(b"string"), bytearray: Status(b"string"), Hash: Status(b"hash"),
    List: Status(b"list"), Set: Status(b"set"), SortedSet: Status(b"zset"),
}  # fmt: skip
_NONE: Final = Status(b"none")
_KEYSPACE_READ: Final = ("keyspace", "read", "slow")


def type_name(value: Any) -> Status:
    """The name of a value's type, as TYPE and SCAN's option TYPE know it."""
    name = _TYPE_NAMES.get(type(value))
    return Status(value.type_name) if name is None else name


def lookup_any(ctx: Context, key: bytes, notify: bool = True) -> Any:
    """The value at a key whatever its type, counted as a hit or miss.

    ``notify``: a miss is an event too.
    """
    value = ctx.lookup(key)
    server = ctx.server
    if value is not None:
        server.hits += 1
        return value
    server.misses += 1
    if notify and ctx.db.observed:
        server.key_missed(ctx.db, key)
    return None


def modified_in(ctx: Context, db: Database, key: bytes, event: str) -> None:
    """What ``ctx.modified`` does, for a key of another database than the selected one."""
    ctx.server.dirty += 1
    if db.observed:
        ctx.server.announce(db, key, event, "generic")


# Deleting and looking ---------------------------------------------------------------------------


@group.command("DEL", Many(Key), flags=WRITE)
def del_(ctx: Context, keys: list[bytes]) -> int:
    """Remove keys; how many there were."""
    return sum([ctx.delete(key) for key in keys])


@group.command("UNLINK", Many(Key), flags=WRITE | FAST, since="4.0.0")
def unlink(ctx: Context, keys: list[bytes]) -> int:
    """Remove keys, their memory later; how many there were."""
    return sum([ctx.delete(key) for key in keys])


@group.command("EXISTS", Many(Key), flags=READONLY | FAST)
def exists(ctx: Context, keys: list[bytes]) -> int:
    """How many of the keys there are; one named twice counts twice."""
    return sum([lookup_any(ctx, key) is not None for key in keys])


@group.command("TOUCH", Many(Key), flags=READONLY | FAST, since="3.2.1")
def touch(ctx: Context, keys: list[bytes]) -> int:
    """Mark keys as used; how many there are."""
    return sum([lookup_any(ctx, key) is not None for key in keys])


@group.command("TYPE", Key, flags=READONLY | FAST)
def type_(ctx: Context, key: bytes) -> Status:
    """The name of the type at key, ``none`` when there is no key."""
    value = lookup_any(ctx, key)
    return _NONE if value is None else type_name(value)


# Deadlines --------------------------------------------------------------------------------------


def _expire(ctx: Context, unit: str, key: bytes, raw: bytes, options: Sequence[bytes]) -> int:
    """Set a deadline; 0 when there is no key or the condition does not hold.

    Checked in the server's order: options, number, key, condition.
    """
    conditions = _conditions(options) if options else None
    deadline = ctx.deadline(unit, raw, False)
    db = ctx.db
    if ctx.lookup(key) is None:
        return 0
    if conditions and not _condition_holds(conditions, db.expires.get(key), deadline):
        return 0
    if deadline <= ctx.now:
        db.delete(key)
        ctx.modified(key, "del")
    else:
        db.expire_at(key, deadline)
        ctx.modified(key, "expire")
    return 1


def _conditions(options: Sequence[bytes]) -> set[bytes]:
    """NX, XX, GT and LT, each in any case."""
    found = set()
    for option in options:
        word = option.upper()
        if word not in (b"NX", b"XX", b"GT", b"LT"):
            text = option.decode("utf-8", "surrogateescape")
            raise CommandError(f"ERR Unsupported option {text}")
        found.add(word)
    if b"NX" in found and len(found) > 1:
        raise CommandError(
            "ERR NX and XX, GT or LT options at the same time are not compatible"
        )
    if b"GT" in found and b"LT" in found:
        raise CommandError("ERR GT and LT options at the same time are not compatible")
    return found


def _condition_holds(conditions: set[bytes], current: int | None, deadline: int) -> bool:
    """Whether the conditions allow a deadline; a key without one lives for ever."""
    if current is None:
        return not conditions & {b"XX", b"GT"}
    return not (
        b"NX" in conditions
        or (b"GT" in conditions and deadline <= current)
        or (b"LT" in conditions and deadline >= current)
    )


@group.command("EXPIRE", Key, Raw, Rest(flat=True), flags=WRITE | FAST)
def expire(ctx: Context, key: bytes, seconds: bytes, *options: bytes) -> int:
    """Let a key vanish after some seconds."""
    return _expire(ctx, "EX", key, seconds, options)


@group.command("PEXPIRE", Key, Raw, Rest(flat=True), flags=WRITE | FAST, since="2.6.0")
def pexpire(ctx: Context, key: bytes, milliseconds: bytes, *options: bytes) -> int:
    """Let a key vanish after some milliseconds."""
    return _expire(ctx, "PX", key, milliseconds, options)


@group.command("EXPIREAT", Key, Raw, Rest(flat=True), flags=WRITE | FAST, since="1.2.0")
def expireat(ctx: Context, key: bytes, seconds: bytes, *options: bytes) -> int:
    """Let a key vanish at a time in seconds since the epoch."""
    return _expire(ctx, "EXAT", key, seconds, options)


@group.command("PEXPIREAT", Key, Raw, Rest(flat=True), flags=WRITE | FAST, since="2.6.0")
def pexpireat(ctx: Context, key: bytes, milliseconds: bytes, *options: bytes) -> int:
    """Let a key vanish at a time in milliseconds since the epoch."""
    return _expire(ctx, "PXAT", key, milliseconds, options)


@group.command("PERSIST", Key, flags=WRITE | FAST, since="2.2.0")
def persist(ctx: Context, key: bytes) -> int:
    """Remove a key's deadline; whether it had one."""
    if ctx.lookup(key) is None or not ctx.db.persist(key):
        return 0
    ctx.modified(key, "persist")
    return 1


def _deadline_of(ctx: Context, key: bytes) -> int:
    """A key's deadline in milliseconds; -1 when it has none, -2 when there is no key."""
    if lookup_any(ctx, key) is None:
        return -2
    return ctx.db.expires.get(key, -1)


@group.command("TTL", Key, flags=READONLY | FAST)
def ttl(ctx: Context, key: bytes) -> int:
    """Seconds that a key has left, rounded; -1: no deadline, -2: no key."""
    deadline = _deadline_of(ctx, key)
    return deadline if deadline < 0 else (deadline - ctx.now + 500) // 1000


@group.command("PTTL", Key, flags=READONLY | FAST, since="2.6.0")
def pttl(ctx: Context, key: bytes) -> int:
    """Milliseconds that a key has left; -1: no deadline, -2: no key."""
    deadline = _deadline_of(ctx, key)
    return deadline if deadline < 0 else deadline - ctx.now


@group.command("EXPIRETIME", Key, flags=READONLY | FAST, since="7.0.0")
def expiretime(ctx: Context, key: bytes) -> int:
    """A key's deadline in seconds since the epoch, rounded; -1: none, -2: no key."""
    deadline = _deadline_of(ctx, key)
    return deadline if deadline < 0 else (deadline + 500) // 1000


@group.command("PEXPIRETIME", Key, flags=READONLY | FAST, since="7.0.0")
def pexpiretime(ctx: Context, key: bytes) -> int:
    """A key's deadline in milliseconds since the epoch; -1: none, -2: no key."""
    return _deadline_of(ctx, key)


# All keys ---------------------------------------------------------------------------------------


def _living(ctx: Context, keys: Iterable[bytes]) -> list[bytes]:
    """Those of the present keys whose time has not come."""
    deadlines = ctx.server.deadlines
    # The heap's first entry is the earliest deadline of all: mostly nothing is due.
    if not ctx.db.expires or not deadlines or deadlines[0][0] > ctx.now:
        return list(keys)
    now, expires = ctx.now, ctx.db.expires
    return [key for key in keys if key not in expires or expires[key] > now]


@group.command("KEYS", Raw, flags=READONLY, acl=(*_KEYSPACE_READ, "dangerous"))
def keys(ctx: Context, pattern: bytes) -> list[bytes]:
    """All keys that match a pattern, in no order."""
    data = ctx.db.data
    return _living(ctx, data if pattern == b"*" else filter(matcher(pattern), data))


@group.command("RANDOMKEY", flags=READONLY)
def randomkey(ctx: Context) -> bytes | None:
    """Any key; None when there is none."""
    db = ctx.db
    while db.data:
        key = db.ordering().random(db.data, ctx.server.random)
        if key not in db.expires or not ctx.expire_if_due(key):
            return key
    return None


@group.command("SCAN", Raw, Rest(), flags=READONLY, since="2.8.0")
def scan(ctx: Context, cursor: bytes, words: list[bytes]) -> list[Any]:
    """Some of the keys, and the cursor for the next; each that stays is seen at least once.

    Checked in the server's order: cursor, then the options from left to right.
    """
    start = parse_unsigned(cursor)
    if start is None:
        raise CommandError(errors.INVALID_CURSOR)
    pattern, count, kind = _scan_options(words) if words else (None, 10, None)
    db = ctx.db
    after, found = db.ordering().scan(db.data, start, count)
    if pattern is not None:
        found = list(filter(matcher(pattern), found))
    if db.expires:
        found = [key for key in found if key not in db.expires or not ctx.expire_if_due(key)]
    if kind is not None:
        found = [key for key in found if type_name(db.data[key]) == kind]
    return [b"%d" % after, found]


def _scan_options(words: Sequence[bytes]) -> tuple[bytes | None, int, bytes | None]:
    """MATCH, COUNT and TYPE; the last of each counts."""
    pattern, count, kind = None, 10, None
    at = 0
    while at < len(words):
        word = words[at].upper()
        if word == b"NOVALUES":
            raise CommandError("ERR NOVALUES option can only be used in HSCAN")
        if word not in (b"MATCH", b"COUNT", b"TYPE") or at + 1 == len(words):
            raise CommandError(errors.SYNTAX)
        value = words[at + 1]
        if word == b"MATCH":
            pattern = None if value == b"*" else value
        elif word == b"TYPE":
            kind = value.lower()
        else:
            count = scan_count(value)
        at += 2
    return pattern, count, kind


def scan_count(raw: bytes) -> int:
    """The number after COUNT."""
    count = parse_int(raw)
    if count is None:
        raise CommandError(errors.NOT_INTEGER)
    if count < 1:
        raise CommandError(errors.SYNTAX)
    return count
