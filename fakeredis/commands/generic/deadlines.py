"""Deadlines of keys: EXPIRE, TTL and their kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fakeredis import errors
from fakeredis.commands.arguments import Flag, Key, Options, Raw
from fakeredis.commands.generic.common import group, lookup_any
from fakeredis.commands.registry import FAST, GIVES_TTL, NO_TOUCH, READONLY, WRITE
from fakeredis.engine.core.context import Context
from fakeredis.engine.wording import clean
from fakeredis.errors import CommandError


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
            raise CommandError(errors.EXPIRE_NX_OTHERS)
        if self.gt and self.lt:
            raise CommandError(errors.EXPIRE_GT_LT)

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
    names="key seconds:integer [condition<NX|XX|GT|LT>]",
)
def expire(ctx: Context, key: bytes, seconds: bytes, *options: bytes) -> int:
    """Set a key's time to live, in seconds."""
    return _expire(ctx, "EX", key, seconds, options)


@group.command(
    "PEXPIRE", Key("RW update"), Raw, _ExpireOptions, flags=WRITE | FAST | GIVES_TTL, since="2.6.0",
    names="key milliseconds:integer [condition<NX|XX|GT|LT>]",
)
def pexpire(ctx: Context, key: bytes, milliseconds: bytes, *options: bytes) -> int:
    """Set a key's time to live, in milliseconds."""
    return _expire(ctx, "PX", key, milliseconds, options)


@group.command(
    "EXPIREAT", Key("RW update"), Raw, _ExpireOptions, flags=WRITE | FAST | GIVES_TTL,
    since="1.2.0", names="key unix-time-seconds:unix-time [condition<NX|XX|GT|LT>]",
)
def expireat(ctx: Context, key: bytes, seconds: bytes, *options: bytes) -> int:
    """Set the time at which a key vanishes, in seconds since the epoch."""
    return _expire(ctx, "EXAT", key, seconds, options)


@group.command(
    "PEXPIREAT", Key("RW update"), Raw, _ExpireOptions, flags=WRITE | FAST | GIVES_TTL,
    since="2.6.0", names="key unix-time-milliseconds:unix-time [condition<NX|XX|GT|LT>]",
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
