"""What OBJECT tells of a value."""

from __future__ import annotations

from typing import Any, Final

from fakeredis.commands.arguments import Key
from fakeredis.commands.generic.common import KEYSPACE_READ, group, lookup_any
from fakeredis.commands.registry import LOADING, NO_TOUCH, READONLY, STALE
from fakeredis.datatypes.numbers import parse_int
from fakeredis.datatypes.string import MutableString
from fakeredis.engine.command.help import help_lines
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import Status
from fakeredis.engine.features import key_access
from fakeredis.errors import CommandError

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
    """How long a string may be to share 64 or 128 bytes with its key and, for some, its deadline.

    The server looks at that when it stores the string or the deadline, and never goes back to an
    embedded string: after PERSIST, or COPY from a longer key, it may still say ``raw``.
    """
    size = len(key)
    if ctx.traits.long_embedded:
        return 111 - size if size >= 32 else 113 - size
    if key not in ctx.db.expires:
        return 41 - size
    if ctx.traits.embedded_deadlines:
        return 33 - size if size < 32 else 41 - size
    return 39 - size if size >= 32 else 41 - size


@group.command(
    "OBJECT ENCODING", Key("RO"), flags=READONLY | NO_TOUCH, since="2.2.3", acl=KEYSPACE_READ,
    tips="nondeterministic_output",
)
def object_encoding(ctx: Context, key: bytes) -> bytes | None:
    """How the value at key is kept in memory; None when there is no key."""
    value = lookup_any(ctx, key, notify=False)
    return None if value is None else encoding(ctx, key, value)


_SHARED: Final = 2**31 - 1


@group.command(
    "OBJECT REFCOUNT", Key("RO"), flags=READONLY | NO_TOUCH, since="2.2.3", acl=KEYSPACE_READ,
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
    "OBJECT IDLETIME", Key("RO"), flags=READONLY | NO_TOUCH, since="2.2.3", acl=KEYSPACE_READ,
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
    "OBJECT FREQ", Key("RO"), flags=READONLY | NO_TOUCH, since="4.0.0", acl=KEYSPACE_READ,
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
