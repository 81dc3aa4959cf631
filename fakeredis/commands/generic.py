"""Commands for keys of any type: Redis's "generic" group."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import (
    UNKNOWN,
    Args,
    Argument,
    Flag,
    Int,
    Key,
    KeySpec,
    Many,
    OneOf,
    Option,
    Options,
    Raw,
    Token,
    index,
    integer,
)
from fakeredis.commands.registry import (
    BLOCKING,
    DENYOOM,
    FAST,
    GIVES_TTL,
    LOADING,
    MOVABLEKEYS,
    NO_TOUCH,
    READONLY,
    SEQUENTIAL,
    STALE,
    TOUCHES,
    WRITE,
    Group,
)
from fakeredis.datatypes.glob import matcher
from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.list import List
from fakeredis.datatypes.numbers import parse_int, parse_unsigned
from fakeredis.datatypes.set import Set
from fakeredis.datatypes.sorted_set import SortedSet
from fakeredis.datatypes.string import MutableString
from fakeredis.engine.cluster import cluster
from fakeredis.engine.command.help import help_lines
from fakeredis.engine.core import switches
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status, check_length
from fakeredis.engine.features import acl, key_access
from fakeredis.engine.wording import clean
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.core.database import Database

group = Group("generic")

# What TYPE says; other classes of values say it themselves, by an attribute `type_name` (bytes).
_TYPE_NAMES: Final[dict[type, Status]] = {
    bytes: Status(b"string"), MutableString: Status(b"string"), Hash: Status(b"hash"),
    List: Status(b"list"), Set: Status(b"set"), SortedSet: Status(b"zset"),
}
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
    db, server = ctx.db, ctx.server
    if server.notes_use:
        ctx.lookup(key)
    value = db.data.get(key)
    if value is not None and not (key in db.expires and ctx.expire_if_due(key)):
        server.hits += 1
        assert ctx.command is not None
        if not ctx.command.flags & NO_TOUCH:
            db.uses[key] = server.run_at
        return value
    server.misses += 1
    if notify and db.observed:
        server.key_missed(db, key)
    return None


def modified_in(ctx: Context, db: Database, key: bytes, event: str) -> None:
    """What ``ctx.modified`` does, for a key of another database than the selected one."""
    ctx.server.dirty += 1
    if db.observed:
        ctx.server.key_modified(db, key, event, "generic", ctx)


_MANY_KEYS: Final = 16  # from which on it is worth while to see whether they can go at once


# Deleting and looking ---------------------------------------------------------------------------


@group.command(
    "DEL", Many(Key("RM delete")), flags=WRITE, form="key~", batch_form="DEL with all keys",
    tips="request_policy:multi_shard response_policy:agg_sum",
)
def del_(ctx: Context, keys: list[bytes]) -> int:
    """Remove keys; how many there were."""
    return _delete(ctx, keys)


def _delete(ctx: Context, keys: Sequence[bytes]) -> int:
    db = ctx.db
    if len(keys) < _MANY_KEYS or db.observed or not db.expires.keys().isdisjoint(keys):
        return sum([ctx.delete(key) for key in keys])
    # Nobody wants to hear of each, and none may have expired: all go at once.
    for first in db.births.keys() & keys:
        if first in db.births:
            key_access.note_born_since(db, first)
    data = db.data
    before = len(data)
    deque(map(data.pop, keys, repeat(None)), maxlen=0)
    deque(map(db.uses.pop, keys, repeat(None)), maxlen=0)
    gone = before - len(data)
    ctx.server.dirty += gone
    return gone


@group.command(
    "UNLINK", Many(Key("RM delete")), flags=WRITE | FAST, since="4.0.0", form="key~",
    batch_form="UNLINK with all keys", tips="request_policy:multi_shard response_policy:agg_sum",
)
def unlink(ctx: Context, keys: list[bytes]) -> int:
    """Remove keys, their memory later; how many there were."""
    return _delete(ctx, keys)


@group.command(
    "EXISTS", Many(Key("RO")), flags=READONLY | FAST | NO_TOUCH, form="key~",
    batch_form="EXISTS with all keys", tips="request_policy:multi_shard response_policy:agg_sum",
)
def exists(ctx: Context, keys: list[bytes]) -> int:
    """How many of the keys there are; one named twice counts twice."""
    if len(keys) == 1:
        return 0 if lookup_any(ctx, keys[0]) is None else 1
    return sum([lookup_any(ctx, key) is not None for key in keys])


@group.command(
    "TOUCH", Many(Key("RO")), flags=READONLY | FAST | TOUCHES, since="3.2.1", form="key~",
    batch_form="TOUCH with all keys", tips="request_policy:multi_shard response_policy:agg_sum",
)
def touch(ctx: Context, keys: list[bytes]) -> int:
    """Mark keys as used; how many there are."""
    return sum([lookup_any(ctx, key) is not None for key in keys])


@group.command("TYPE", Key("RO"), flags=READONLY | FAST | NO_TOUCH)
def type_(ctx: Context, key: bytes) -> Status:
    """The name of the type at key, ``none`` when there is no key."""
    value = lookup_any(ctx, key)
    return _NONE if value is None else type_name(value)


# Deadlines --------------------------------------------------------------------------------------

class _ExpireOptions(Options, introduced="7.0.0"):
    """When EXPIRE and its kin may set a deadline."""

    nx: Annotated[bool, Flag("NX")] = False
    xx: Annotated[bool, Flag("XX")] = False
    gt: Annotated[bool, Flag("GT")] = False
    lt: Annotated[bool, Flag("LT")] = False

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """It names the word."""
        return CommandError(f"ERR Unsupported option {clean(raw)}")

    def check(self) -> None:
        """Refuse those that do not go together."""
        if self.nx and (self.xx or self.gt or self.lt):
            raise CommandError(
                "ERR NX and XX, GT or LT options at the same time are not compatible"
            )
        if self.gt and self.lt:
            raise CommandError("ERR GT and LT options at the same time are not compatible")

    def hold(self, current: int | None, deadline: int) -> bool:
        """Whether they allow a deadline; a key without one lives for ever."""
        if current is None:
            return not (self.xx or self.gt)
        return not (
            self.nx or (self.gt and deadline <= current) or (self.lt and deadline >= current)
        )


def _expire(ctx: Context, unit: str, key: bytes, raw: bytes, options: Sequence[bytes]) -> int:
    """Set a deadline; 0 when there is no key or the condition does not hold.

    Checked in the server's order: options, number, key, condition.
    """
    conditions = _ExpireOptions.parse(ctx, options) if options else None
    if conditions is not None:
        conditions.check()
    now = ctx.now
    if unit == "EX" and raw.isdigit() and len(raw) < 12 and raw[0] != 48:
        deadline = int(raw) * 1000 + now  # what everybody sends, with few calls
    else:
        deadline = ctx.deadline(unit, raw, False)
    db = ctx.db
    current = db.expires.get(key)
    if key not in db.data or (current is not None and current <= now and ctx.expire_if_due(key)):
        return 0
    db.uses[key] = ctx.server.run_at
    if conditions is not None and not conditions.hold(current, deadline):
        ctx.lookup(key)  # it was used all the same
        return 0
    if deadline <= now:
        db.delete(key)
        ctx.modified(key, "expired" if ctx.traits.past_is_expired else "del")
    else:
        db.expire_at(key, deadline)
        ctx.modified(key, "expire")
    return 1


@group.command(
    "EXPIRE", Key("RW update"), Raw, _ExpireOptions, flags=WRITE | FAST | GIVES_TTL,
)
def expire(ctx: Context, key: bytes, seconds: bytes, *options: bytes) -> int:
    """Set a key's time to live, in seconds."""
    return _expire(ctx, "EX", key, seconds, options)


@group.command(
    "PEXPIRE", Key("RW update"), Raw, _ExpireOptions, flags=WRITE | FAST | GIVES_TTL, since="2.6.0",
)
def pexpire(ctx: Context, key: bytes, milliseconds: bytes, *options: bytes) -> int:
    """Set a key's time to live, in milliseconds."""
    return _expire(ctx, "PX", key, milliseconds, options)


@group.command(
    "EXPIREAT", Key("RW update"), Raw, _ExpireOptions, flags=WRITE | FAST | GIVES_TTL,
    since="1.2.0",
)
def expireat(ctx: Context, key: bytes, seconds: bytes, *options: bytes) -> int:
    """Set the time at which a key vanishes, in seconds since the epoch."""
    return _expire(ctx, "EXAT", key, seconds, options)


@group.command(
    "PEXPIREAT", Key("RW update"), Raw, _ExpireOptions, flags=WRITE | FAST | GIVES_TTL,
    since="2.6.0",
)
def pexpireat(ctx: Context, key: bytes, milliseconds: bytes, *options: bytes) -> int:
    """Set the time at which a key vanishes, in milliseconds since the epoch."""
    return _expire(ctx, "PXAT", key, milliseconds, options)


@group.command("PERSIST", Key("RW update"), flags=WRITE | FAST, since="2.2.0")
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


@group.command(
    "TTL", Key, flags=READONLY | FAST | NO_TOUCH, varies="second", tips="nondeterministic_output",
)
def ttl(ctx: Context, key: bytes) -> int:
    """Seconds that a key has left, rounded; -1: no deadline, -2: no key."""
    deadline = _deadline_of(ctx, key)
    return deadline if deadline < 0 else (deadline - ctx.now + 500) // 1000


@group.command(
    "PTTL", Key, flags=READONLY | FAST | NO_TOUCH, since="2.6.0", varies="milliseconds",
    tips="nondeterministic_output",
)
def pttl(ctx: Context, key: bytes) -> int:
    """Milliseconds that a key has left; -1: no deadline, -2: no key."""
    deadline = _deadline_of(ctx, key)
    return deadline if deadline < 0 else deadline - ctx.now


@group.command("EXPIRETIME", Key, flags=READONLY | FAST | NO_TOUCH, since="7.0.0", varies="second")
def expiretime(ctx: Context, key: bytes) -> int:
    """A key's deadline in seconds since the epoch, rounded; -1: none, -2: no key."""
    deadline = _deadline_of(ctx, key)
    return deadline if deadline < 0 else (deadline + 500) // 1000


@group.command(
    "PEXPIRETIME", Key, flags=READONLY | FAST | NO_TOUCH, since="7.0.0", varies="milliseconds",
)
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
    return [key for key in keys if expires.get(key, now + 1) > now]


@group.command(
    "KEYS", Raw, flags=READONLY | NO_TOUCH, acl=(*_KEYSPACE_READ, "dangerous"), varies="order",
    tips="request_policy:all_shards nondeterministic_output_order",
)
def keys(ctx: Context, pattern: bytes) -> list[bytes]:
    """All keys that match a pattern, in no order."""
    data = ctx.db.data
    return _living(ctx, data if pattern == b"*" else filter(matcher(pattern), data))


@group.command(
    "RANDOMKEY", flags=READONLY, varies="always",
    tips="request_policy:all_shards response_policy:special nondeterministic_output",
)
def randomkey(ctx: Context) -> bytes | None:
    """Any key; None when there is none."""
    db = ctx.db
    while db.data:
        key = db.ordering().random(db.data, ctx.server.random)
        if key not in db.expires or not ctx.expire_if_due(key):
            return key
    return None


def scan_cursor(ctx: Context, raw: bytes) -> int:
    """Where a scan goes on.

    Raises:
        CommandError: it is no cursor.
    """
    start = parse_unsigned(raw)
    if start is None and ctx.traits.lenient_cursors and not raw.strip(b"-0123456789"):
        number = parse_int(raw) if raw else 0
        start = None if number is None else number & ((1 << 64) - 1)
    if start is None:
        raise CommandError(errors.INVALID_CURSOR)
    return start


def _scan_count(raw: bytes) -> int:
    count = parse_int(raw)
    if count is None:
        raise CommandError(errors.NOT_INTEGER)
    if count < 1:
        raise CommandError(errors.SYNTAX)
    return count


def _scan_pattern(raw: bytes) -> Callable[[bytes], object] | None:
    return None if raw == b"*" else matcher(raw)


WITHOUT_VALUES: Final = {"redis": "7.4.0", "valkey": "8.0.0"}


class ScanOptions(Options):
    """The options that all scans have; the last of each counts."""

    match: Annotated[
        Callable[[bytes], object] | None, Option("MATCH", Argument(_scan_pattern))
    ] = None
    count: Annotated[int, Option("COUNT", Argument(_scan_count))] = 10


class PlainScanOptions(ScanOptions):
    """Those of scans that give no values."""

    novalues: Annotated[
        bool, Flag("NOVALUES", WITHOUT_VALUES, refused=errors.NOVALUES_ONLY_HSCAN)
    ] = False


def _type_name(raw: bytes) -> bytes:
    return raw.partition(b"\0")[0].lower()


class _KeyScanOptions(PlainScanOptions):
    """Those of SCAN."""

    kind: Annotated[bytes | None, Option("TYPE", Argument(_type_name))] = None


@group.command(
    "SCAN", Raw, _KeyScanOptions, flags=READONLY | NO_TOUCH | SEQUENTIAL, since="2.8.0",
    form="cursor {}",
    tips="nondeterministic_output request_policy:special response_policy:special",
)
def scan(ctx: Context, cursor: bytes, *words: bytes) -> list[Any]:
    """Some of the keys, and the cursor for the next; each that stays is seen at least once.

    Checked in the server's order: cursor, then the options from left to right.
    """
    start = scan_cursor(ctx, cursor)
    options = _KeyScanOptions.parse(ctx, words)
    kind = options.kind
    if kind is not None and kind not in _TYPES and ctx.traits.checked_types:
        raise CommandError(f"ERR unknown type name '{clean(kind)}'")
    db = ctx.db
    after, found = db.ordering().scan(db.data, start, options.count)
    if options.match is not None:
        found = list(filter(options.match, found))
    if db.expires:
        found = [key for key in found if key not in db.expires or not ctx.expire_if_due(key)]
    if kind is not None:
        kinds = ((key, db.data.get(key)) for key in found)
        found = [
            key for key, value in kinds
            if value is not None and type_name(value).lower() == kind
        ]
    return [b"%d" % after, found]


_TYPES: Final = {b"string", b"list", b"set", b"zset", b"hash", b"stream"}


def server_tells(ctx: Context) -> bool:
    """Whether anyone may hear of overwritten keys."""
    return "o" in ctx.server.notify_flags or "c" in ctx.server.notify_flags


def tell_overwritten(ctx: Context, db: Database, key: bytes, gone: Any) -> None:
    """Announce that a value, if there was one, has given way to one that came in one piece."""
    if gone is not None:
        db.tell_overwritten(key, gone, db.data[key])


# Moving whole values ----------------------------------------------------------------------------


def _rename(ctx: Context, key: bytes, new: bytes) -> None:
    db = ctx.db
    value, deadline = db.data[key], db.expires.get(key)
    db.delete(key)
    gone = db.data.get(new) if server_tells(ctx) else None
    db.place(new, value, deadline)
    if hasattr(value, "renamed"):
        for other in value.renamed(db.data, key, new):
            ctx.modified_unsignalled(other, changes=0)
    ctx.modified(key, "rename_from")
    ctx.modified(new, "rename_to")
    tell_overwritten(ctx, db, new, gone)
    ctx.server.dirty -= 1  # the server counts the pair as one change


@group.command("RENAME", Key("RW access delete"), Key("OW update"), flags=WRITE)
def rename(ctx: Context, key: bytes, new: bytes) -> Status:
    """Give a key another name; what had that name is gone, deadlines go along."""
    if ctx.lookup(key) is None:
        raise CommandError(errors.NO_SUCH_KEY)
    if key != new:
        ctx.lookup(new)
        _rename(ctx, key, new)
    return OK


@group.command("RENAMENX", Key("RW access delete"), Key("OW insert"), flags=WRITE | FAST)
def renamenx(ctx: Context, key: bytes, new: bytes) -> int:
    """Give a key another name that is free; whether it was."""
    if ctx.lookup(key) is None:
        raise CommandError(errors.NO_SUCH_KEY)
    if key == new or ctx.lookup(new) is not None:
        return 0
    _rename(ctx, key, new)
    return 1


def _present(ctx: Context, db: Database, key: bytes) -> Any:
    """``ctx.lookup`` in another database than the selected one."""
    if db.expires.get(key, ctx.now + 1) <= ctx.now:
        ctx.server.expire_key(db, key)
    return db.data.get(key)


_Index: Final = integer(-(1 << 31), (1 << 31) - 1, range_error=errors.BEYOND_INT)


@group.command("MOVE", Key, _Index, flags=WRITE | FAST)
def move(ctx: Context, key: bytes, index: int) -> int:
    """Take a key to another database, unless there is one of that name already.

    Checked in the server's order: number, range, same database, the key, the other key.
    """
    cluster.refuse(ctx.server, "ERR MOVE is not allowed in cluster mode")
    db, target = ctx.db, ctx.server.select(index)
    if db is target:
        raise CommandError("ERR source and destination objects are the same")
    value = ctx.lookup(key)
    if value is None or _present(ctx, target, key) is not None:
        return 0
    deadline = db.expires.get(key)
    db.delete(key)
    target.place(key, value, deadline)
    ctx.modified(key, "move_from")
    modified_in(ctx, target, key, "move_to")
    ctx.server.dirty -= 1
    return 1


class _CopyOptions(Options):
    """Where COPY puts the copy."""

    index: Annotated[int | None, Option("DB", _Index)] = None
    replace: Annotated[bool, Flag("REPLACE")] = False


@group.command(
    "COPY", Key("RO access"), Key("OW update"), _CopyOptions, flags=WRITE | DENYOOM, since="6.2.0",
)
def copy(ctx: Context, key: bytes, new: bytes, *words: bytes) -> int:
    """Copy a value with its deadlines; 0 when there is none or the new key is taken.

    Checked in the server's order: options, same key, the key, the new key.
    """
    options = _CopyOptions.parse(ctx, words)
    target = ctx.db if options.index is None else ctx.server.select(options.index)
    if key == new and target is ctx.db:
        raise CommandError("ERR source and destination objects are the same")
    value = lookup_any(ctx, key)
    if value is None:
        return 0
    taken = ctx.lookup(new) if target is ctx.db else _present(ctx, target, new)
    if taken is not None and not options.replace:
        return 0
    if getattr(value, "cannot_be_copied", False):
        raise CommandError(errors.NOT_COPIED)
    gone = target.data.get(new) if server_tells(ctx) else None
    target.place(new, _copied(value), ctx.db.expires.get(key))
    modified_in(ctx, target, new, "copy_to")
    tell_overwritten(ctx, target, new, gone)
    return 1


def _copied(value: Any) -> Any:
    if type(value) is bytes:
        return value
    return value.duplicate() if hasattr(value, "duplicate") else value.copy()


# OBJECT -----------------------------------------------------------------------------------------

group.container("OBJECT", since="2.2.3")

_NO_LFU: Final = (
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that "
    "when switching between policies at runtime LRU and LFU data will take some time to adjust."
)
_LFU: Final = (
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
    "switching between policies at runtime LRU and LFU data will take some time to adjust."
)


def encoding(ctx: Context, key: bytes, value: Any) -> bytes:
    """How the server would keep a value in memory."""
    if type(value) is bytes:
        if len(value) <= 20 and parse_int(value) is not None:
            return b"int"
        room = _room_beside(ctx, key) if ctx.traits.embedded_keys else 44
        return b"embstr" if len(value) <= room else b"raw"
    if type(value) is MutableString:
        return b"embstr" if value.embedded else b"raw"
    found: bytes = value.encoding(ctx.server.limits)
    return ctx.traits.compact_name if found == b"listpack" else found


def _room_beside(ctx: Context, key: bytes) -> int:
    """How long a string may be to share 64 bytes with its key and, for some, its deadline.

    The server looks at that when it stores the string or the deadline, and never goes back to an
    embedded string: after PERSIST, or COPY from a longer key, it may still say ``raw``.
    """
    size = len(key)
    if key not in ctx.db.expires:
        return 41 - size
    if ctx.traits.embedded_deadlines:
        return 33 - size if size < 32 else 41 - size
    return 39 - size if size >= 32 else 41 - size


@group.command(
    "OBJECT ENCODING", Key("RO"), flags=READONLY | NO_TOUCH, since="2.2.3", acl=_KEYSPACE_READ,
    tips="nondeterministic_output",
)
def object_encoding(ctx: Context, key: bytes) -> bytes | None:
    """How the value at key is kept in memory; None when there is no key."""
    value = lookup_any(ctx, key, notify=False)
    return None if value is None else encoding(ctx, key, value)


_SHARED: Final = 2**31 - 1


@group.command(
    "OBJECT REFCOUNT", Key("RO"), flags=READONLY | NO_TOUCH, since="2.2.3", acl=_KEYSPACE_READ,
    varies="always", tips="nondeterministic_output",
)
def object_refcount(ctx: Context, key: bytes) -> int | None:
    """How many share the value at key: one, but for the numbers that older servers share."""
    value = lookup_any(ctx, key, notify=False)
    if ctx.traits.shared_numbers and type(value) is bytes and len(value) <= 4:
        number = parse_int(value)
        if number is not None and number >= 0:
            return _SHARED
    return None if value is None else 1


@group.command(
    "OBJECT IDLETIME", Key("RO"), flags=READONLY | NO_TOUCH, since="2.2.3", acl=_KEYSPACE_READ,
    varies="always", tips="nondeterministic_output",
)
def object_idletime(ctx: Context, key: bytes) -> int | None:
    """Seconds since the value at key was used.

    See `fakeredis.engine.features.key_access`.
    """
    if lookup_any(ctx, key, notify=False) is None:
        return None
    if key_access.counts_frequency(ctx.server):
        raise CommandError(_LFU)
    return key_access.idle_seconds(ctx.db, key)


@group.command(
    "OBJECT FREQ", Key("RO"), flags=READONLY | NO_TOUCH, since="4.0.0", acl=_KEYSPACE_READ,
    varies="always", tips="nondeterministic_output",
)
def object_freq(ctx: Context, key: bytes) -> int | None:
    """How often the value at key is used, on a scale to 255.

    That is counted from the time on that a policy by frequency is set.
    """
    if lookup_any(ctx, key, notify=False) is None:
        return None
    if not key_access.counts_frequency(ctx.server):
        raise CommandError(_NO_LFU)
    return key_access.frequency(ctx.db, key)


@group.command(
    "OBJECT HELP", flags=LOADING | STALE, since="6.2.0", acl=("keyspace", "slow")
)
def object_help(ctx: Context) -> list[Status]:
    """What the subcommands do."""
    return help_lines(ctx)


# Replicas, of which there are none --------------------------------------------------------------

_WAIT_ACL: Final = ("blocking", "connection", "slow")


def _wait_timeout(raw: bytes) -> int:
    timeout = parse_int(raw)
    if timeout is None:
        raise CommandError("ERR timeout is not an integer or out of range")
    if timeout < 0:
        raise CommandError(errors.TIMEOUT_NEGATIVE)
    return timeout


@group.command(
    "WAIT", Int, Raw, flags=BLOCKING, since="3.0.0", acl=_WAIT_ACL,
    tips="request_policy:all_shards response_policy:agg_min",
)
def wait(ctx: Context, replicas: int, timeout: bytes) -> Any:
    """Wait for replicas to have all changes; none ever has."""
    milliseconds = _wait_timeout(timeout)
    if replicas <= 0:
        return 0
    return ctx.block((), milliseconds, lambda: 0)


@group.command(
    "WAITAOF", Int, Raw, Raw, flags=BLOCKING, since="7.2.0", acl=_WAIT_ACL,
    tips="request_policy:all_shards response_policy:agg_min",
)
def waitaof(ctx: Context, local: int, replicas: bytes, timeout: bytes) -> Any:
    """Wait for changes to be on disk, here and on replicas.

    Checked in the server's order: local, replicas, time-out, whether there is an append only file.
    """
    if not 0 <= local <= 1:
        raise CommandError("ERR value is out of range, value must between 0 and 1")
    wanted = parse_int(replicas)
    if wanted is None or wanted < 0:
        raise CommandError(errors.NOT_POSITIVE)
    milliseconds = _wait_timeout(timeout)
    written = int(ctx.server.config.boolean("appendonly"))
    if local > written:
        raise CommandError(
            "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
        )
    if wanted == 0:
        return [written, 0]
    return ctx.block((), milliseconds, lambda: [written, 0])


# SORT -------------------------------------------------------------------------------------------


def _may_read(ctx: Context, option: str, value: bytes) -> bytes:
    """Users who may not read all keys get none by patterns (Redis 7 and later)."""
    if ctx.server.switched & switches.RESTRICTED and not ctx.traits.older_errors:
        assert ctx.command is not None
        acl.check_all_keys(ctx.session, ctx.command, option)
    return value


def _sort_by(ctx: Context, value: bytes) -> bytes:
    return _may_read(ctx, "BY", value) if b"*" in value else value


def _sort_get(ctx: Context, value: bytes) -> bytes:
    return _may_read(ctx, "GET", value)


class _SortRoOptions(Options):
    """What SORT_RO is asked to do."""

    by: Annotated[bytes | None, Option("BY", Raw, make=_sort_by)] = None
    limit: Annotated[tuple[int, int] | None, Option("LIMIT", Int, Int)] = None
    get: Annotated[Sequence[bytes], Option("GET", Raw, make=_sort_get, many=True)] = ()
    order: Annotated[str, OneOf(ASC=Token, DESC=Token, last=True)] = "ASC"
    alpha: Annotated[bool, Flag("ALPHA")] = False
    store: bytes | None = None


class _SortOptions(_SortRoOptions):
    """What SORT is asked to do."""

    store: Annotated[bytes | None, Option("STORE", Key)] = None


def _sort(ctx: Context, key: bytes, options: _SortRoOptions) -> Any:
    """Elements in order; with STORE, how many were stored.

    Checked in the server's order: options, type, weights.
    """
    value = lookup_any(ctx, key)
    if value is not None and type(value) not in (List, Set, SortedSet):
        raise CommandError(errors.WRONGTYPE)
    if type(value) is SortedSet:
        value.expand()  # the server sorts no compact ones, and does not put them back
    elements: list[Any] = [] if value is None else _sorted_elements(ctx, value, options)
    if options.get:
        check_length(len(elements) * len(options.get))
        elements = [
            _by_pattern(ctx, pattern, element) for element in elements for pattern in options.get
        ]
    return elements if options.store is None else _store_sorted(ctx, options.store, elements)


def _sorted_elements(ctx: Context, value: Any, options: _SortRoOptions) -> list[bytes]:
    """The elements asked for, in the order asked for."""
    by, alpha = options.by, options.alpha
    if by is not None and b"*" not in by:
        if type(value) is not Set or (options.store is None and ctx.session.via != "script"):
            return _unsorted(value, options)
        # What is stored, and what a script does, must not depend on a set's inner order.
        by, alpha = None, True
    elements = value.values() if type(value) is List else list(value)
    weights: list[bytes | None] = [*elements]
    if by is not None:
        weights = [_by_pattern(ctx, by, one) for one in elements]
    if alpha:
        order = _alphabetical(weights, options.store is None)
    else:
        as_c = ctx.traits.c_numbers
        order = list(zip((_weight(raw, as_c) for raw in weights), elements, strict=True))
    # Elements with equal keys stay as they are: only the keys may be compared.
    places = sorted(range(len(elements)), key=order.__getitem__, reverse=options.order == "DESC")
    return _limited([elements[place] for place in places], options)


def _unsorted(value: Any, options: _SortRoOptions) -> list[bytes]:
    """The elements in their own order, which DESC turns round where there is one."""
    elements = value.values() if type(value) is List else list(value)
    if options.order == "DESC" and type(value) is not Set:
        elements.reverse()
    return _limited(elements, options)


def _limited(elements: list[bytes], options: _SortRoOptions) -> list[bytes]:
    if options.limit is None:
        return elements
    start, count = max(options.limit[0], 0), options.limit[1]
    return elements[start:] if count < 0 else elements[start : start + count]


_WEIGHT: Final = re.compile(
    rb"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf(?:inity)?)?", re.IGNORECASE
).fullmatch


def _weight(raw: bytes | None, as_c: bool = False) -> float:
    """An element's or a BY key's value as a number; missing and empty ones count as 0."""
    if not raw:
        return 0.0
    if as_c:
        raw = as_python(raw)
    if not _WEIGHT(raw) or raw in (b"+", b"-"):
        raise CommandError("ERR One or more scores can't be converted into double")
    return float(raw)


_HEXADECIMAL: Final = re.compile(
    rb"[+-]?0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?[0-9]+)?", re.IGNORECASE
).fullmatch
_LEAST: Final = 2.0**-1022


def as_python(raw: bytes) -> bytes:
    """A number that C's strtod reads, as Python reads it; something else where it does not."""
    text = raw.lstrip(b" \t\n\v\f\r") or b"?"
    try:
        if _HEXADECIMAL(text):
            return b"%r" % float.fromhex(text.decode())
        size = abs(float(text)) if _WEIGHT(text) else 1.0
    except (ValueError, OverflowError):
        return b"?"
    zero = size == 0 and text.lower().partition(b"e")[0].strip(b"+-0.")
    wrong = zero or 0 < size < _LEAST or (size == math.inf and b"i" not in text.lower())
    return b"?" if wrong else text


def _alphabetical(weights: list[bytes | None], collated: bool) -> list[Any]:
    """Keys to sort by; missing ones come first, and collation stops at a zero byte."""
    if not collated:
        return [b"" if one is None else b"+" + one for one in weights]
    return [b"" if one is None else b"+" + one.partition(b"\0")[0] for one in weights]


def _by_pattern(ctx: Context, pattern: bytes, element: bytes) -> bytes | None:
    """The string, or the field of a hash, that a pattern of BY or GET means for an element."""
    if pattern == b"#":
        return element
    before, star, after = pattern.partition(b"*")
    if not star:
        return None
    after, arrow, field = after.partition(b"->")
    if arrow and not field:
        after, arrow = after + arrow, b""
    value = lookup_any(ctx, before + element + after)
    if type(value) is Hash:
        return _field(ctx, value, field) if arrow else None
    if arrow or type(value) not in (bytes, MutableString):
        return None
    return bytes(value)


def _field(ctx: Context, value: Hash, field: bytes) -> bytes | None:
    deadline = value.deadline(field)
    return None if deadline is not None and deadline <= ctx.now else value.get(field)


def _store_sorted(ctx: Context, key: bytes, elements: list[Any]) -> int:
    """Keep a list of the elements, or remove the key when there are none."""
    if not elements:
        ctx.delete(key)
        return 0
    ctx.lookup(key)
    stored = List([element or b"" for element in elements])
    stored.store(ctx.server.limits)
    ctx.db.put(key, stored)
    ctx.modified(key, "sortstore")
    ctx.server.dirty += len(elements) - 1
    return len(elements)


def _sort_keys(args: Args) -> list[bytes]:
    """The key, and the one that the last STORE names."""
    words = _SortOptions.spot(args[1:])
    return [args[0], *[key for word, keys in words if word == "STORE" for key in keys][-1:]]


_SORT_ACL: Final = ("set", "sortedset", "list", "slow", "dangerous")
# Those of BY and GET depend on the elements.
_SORT_KEYS: Final = (
    KeySpec("RO access", index(1)), KeySpec("RO access", UNKNOWN, UNKNOWN),
)


@group.command(
    "SORT", Key("RO access"), _SortOptions, flags=WRITE | DENYOOM | MOVABLEKEYS, keys=_sort_keys,
    acl=(*_SORT_ACL, "write"), specs=(*_SORT_KEYS, KeySpec("OW update", UNKNOWN, UNKNOWN)),
)
def sort(ctx: Context, key: bytes, *words: bytes) -> Any:
    """The elements of a list, set or sorted set in order, by themselves or by other keys."""
    return _sort(ctx, key, _SortOptions.parse(ctx, words))


@group.command(
    "SORT_RO", Key, _SortRoOptions, flags=READONLY | MOVABLEKEYS, since="7.0.0",
    acl=(*_SORT_ACL, "read"), specs=_SORT_KEYS,
)
def sort_ro(ctx: Context, key: bytes, *words: bytes) -> Any:
    """The elements of a list, set or sorted set in order, as SORT gives them; never stored."""
    return _sort(ctx, key, _SortRoOptions.parse(ctx, words))
