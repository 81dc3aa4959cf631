"""Keys: DEL, EXISTS, TYPE, KEYS, SCAN and their kin."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Argument, Flag, Key, Many, Option, Options, Raw
from fakeredis.commands.generic.common import KEYSPACE_READ, NONE, group, lookup_any, type_name
from fakeredis.commands.registry import FAST, NO_TOUCH, READONLY, SEQUENTIAL, TOUCHES, WRITE
from fakeredis.datatypes.glob import matcher
from fakeredis.datatypes.numbers import parse_int, parse_unsigned
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import Status
from fakeredis.engine.features import key_access
from fakeredis.engine.wording import clean
from fakeredis.errors import CommandError

_MANY_KEYS: Final = 16  # from which on it is worth while to see whether they can go at once


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
    return NONE if value is None else type_name(value)


def _living(ctx: Context, keys: Iterable[bytes]) -> list[bytes]:
    """Those of the present keys whose time has not come."""
    deadlines = ctx.server.deadlines
    # The heap's first entry is the earliest deadline of all: mostly nothing is due.
    if not ctx.db.expires or not deadlines or deadlines[0][0] > ctx.now:
        return list(keys)
    now, expires = ctx.now, ctx.db.expires
    return [key for key in keys if expires.get(key, now + 1) > now]


@group.command(
    "KEYS", Raw, flags=READONLY | NO_TOUCH, acl=(*KEYSPACE_READ, "dangerous"), varies="order",
    tips="request_policy:all_shards nondeterministic_output_order", names="pattern:pattern",
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


def scan_count(raw: bytes) -> int:
    """The value of COUNT.

    Raises:
        CommandError: it is no number, or not positive.
    """
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
        Callable[[bytes], object] | None, Option(
            "MATCH", Argument(_scan_pattern).named("pattern:pattern")
        )
    ] = None
    count: Annotated[int, Option("COUNT", Argument(scan_count, kind="integer"))] = 10


class PlainScanOptions(ScanOptions):
    """Those of scans that give no values."""

    novalues: Annotated[
        bool, Flag("NOVALUES", WITHOUT_VALUES, refused=errors.NOVALUES_ONLY_HSCAN)
    ] = False


def type_asked(raw: bytes) -> bytes:
    """The value of TYPE."""
    return raw.partition(b"\0")[0].lower()


class _KeyScanOptions(PlainScanOptions):
    """Those of SCAN."""

    kind: Annotated[bytes | None, Option(
        "TYPE", Argument(type_asked), introduced="6.0.0"
    )] = None


@group.command(
    "SCAN", Raw, _KeyScanOptions, flags=READONLY | NO_TOUCH | SEQUENTIAL, since="2.8.0",
    form="cursor {}",
    tips="nondeterministic_output request_policy:special response_policy:special",
    names="cursor:integer {}",
)
def scan(ctx: Context, cursor: bytes, *words: bytes) -> list[Any]:
    """Some of the keys, and the cursor for the next; each that stays is seen at least once.

    Checked in the server's order: cursor, then the options from left to right.
    """
    start = scan_cursor(ctx, cursor)
    options = _KeyScanOptions.parse(ctx, words)
    check_type(ctx, options.kind)
    db = ctx.db
    after, found = db.ordering().scan(db.data, start, options.count)
    return [b"%d" % after, chosen(ctx, found, options.match, options.kind)]


def check_type(ctx: Context, kind: bytes | None) -> None:
    """Refuse a TYPE that there is not, where the server does so.

    Raises:
        CommandError: it is so.
    """
    if kind is not None and kind not in _TYPES and ctx.traits.checked_types:
        raise CommandError(f"ERR unknown type name '{clean(kind)}'")


def chosen(
    ctx: Context, keys: list[bytes], match: Callable[[bytes], object] | None, kind: bytes | None
) -> list[bytes]:
    """Those of some keys that are still there, match and are of a type."""
    db = ctx.db
    if match is not None:
        keys = list(filter(match, keys))
    if db.expires:
        keys = [key for key in keys if key not in db.expires or not ctx.expire_if_due(key)]
    if kind is None:
        return keys
    kinds = ((key, db.data.get(key)) for key in keys)
    return [
        key for key, value in kinds if value is not None and type_name(value).lower() == kind
    ]


_TYPES: Final = {b"string", b"list", b"set", b"zset", b"hash", b"stream"}
