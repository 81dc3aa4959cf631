"""Values as bytes that servers understand: DUMP, RESTORE, and MIGRATE from server to server."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import (
    Args,
    Flag,
    Key,
    KeySpec,
    OneOf,
    Option,
    Options,
    Raw,
    Remaining,
    Values,
    index,
    integer,
    keyword,
    span,
)
from fakeredis.commands.generic.common import group, lookup_any, server_tells, tell_overwritten
from fakeredis.commands.registry import (
    ASKING,
    DENYOOM,
    KEPT,
    MOVABLEKEYS,
    READONLY,
    SERVER_WIDE,
    WRITE,
    Secrets,
)
from fakeredis.commands.server.common import group as server_group
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.core.context import MAX_MILLISECONDS, Context
from fakeredis.engine.core.replies import OK, Status
from fakeredis.engine.features import key_access
from fakeredis.errors import CommandError, ConnectionLost
from fakeredis.lazy import LazyModule

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session
    from fakeredis.rdb import errors as rdb_errors
    from fakeredis.rdb import payload as rdb
else:
    rdb = LazyModule("fakeredis.rdb.payload")
    rdb_errors = LazyModule("fakeredis.rdb.errors")

_ACL: Final = ("keyspace", "write", "slow", "dangerous")


def _dump(ctx: Context, value: Any) -> bytes:
    server = ctx.server
    if hasattr(value, "duplicate"):
        value = value.duplicate()
    compress = server.config.boolean("rdbcompression")
    try:
        return rdb.dump(value, server.limits, ctx.traits.rdb_version, compress)
    except rdb_errors.TooLargeError:  # of which the server dies
        raise CommandError(errors.TOO_LARGE_TO_DUMP) from None


@group.command(
    "DUMP", Key, flags=READONLY | KEPT, since="2.6.0", varies="always",
    tips="nondeterministic_output",
)
def dump(ctx: Context, key: bytes) -> bytes | None:
    """The value at key as bytes for RESTORE; None when there is no key."""
    value = lookup_any(ctx, key)
    if value is None:
        return None
    if hasattr(value, "settle_for_dump") and value.settle_for_dump():
        ctx.modified_unsignalled(key, changes=0)
    return _dump(ctx, value)


class _RestoreOptions(Options):
    """What RESTORE is asked for besides."""

    replace: Annotated[bool, Flag("REPLACE", "3.0.0")] = False
    absolute: Annotated[bool, Flag("ABSTTL", "5.0.0")] = False
    use: Annotated[tuple[str, int] | None, OneOf(
        IDLETIME=integer(0, range_error=errors.IDLETIME_NEGATIVE).since("5.0.0"),
        FREQ=integer(0, 255, range_error=errors.FREQ_OUT_OF_RANGE).since("5.0.0"),
    )] = None


def _integer(raw: bytes) -> int:
    number = parse_int(raw)
    if number is None:
        raise CommandError(errors.NOT_INTEGER)
    return number


@group.command(
    "RESTORE", Key("OW update"), Raw, Raw, _RestoreOptions, flags=WRITE | DENYOOM, since="2.6.0",
    acl=_ACL,
    names=(
        "key ttl:integer serialized-value {replace} {absolute} [IDLETIME=seconds:integer] "
        "[FREQ=frequency:integer]"
    ),
)
def restore(ctx: Context, key: bytes, ttl: bytes, payload: bytes, *words: bytes) -> Status:
    """Put a value that DUMP gave at a key.

    Checked in the server's order: options with their numbers, whether the key is free, the time to
    live, checksum and version of the payload, the value in it.
    """
    options = _RestoreOptions.parse(ctx, words)
    if ctx.lookup(key) is not None and not options.replace:
        raise CommandError(errors.BUSY_KEY)
    milliseconds = _integer(ttl)
    if milliseconds < 0:
        raise CommandError(errors.TTL_NEGATIVE)
    value = _load(ctx, payload)
    deadline = milliseconds or None
    if deadline is not None and not options.absolute:
        deadline += ctx.now
        if deadline > MAX_MILLISECONDS:
            deadline = 0  # the server's number overflows: long ago
    if deadline is not None and deadline <= ctx.now:
        ctx.delete(key)
        return OK
    gone = ctx.db.data.get(key) if server_tells(ctx) else None
    ctx.db.place(key, value, deadline)
    ctx.modified(key, "restore")
    tell_overwritten(ctx, ctx.db, key, gone)
    word, number = options.use or ("", 0)
    if word == "IDLETIME" and not key_access.counts_frequency(ctx.server):
        key_access.set_idle(ctx.db, key, number)
    if word == "FREQ" and key_access.counts_frequency(ctx.server):
        key_access.set_frequency(ctx.db, key, number)
    return OK


def _load(ctx: Context, payload: bytes) -> Any:
    if not rdb.is_intact(payload, ctx.traits.rdb_version, ctx.traits.unchecked_payloads):
        raise CommandError(errors.PAYLOAD_NOT_INTACT)
    if not rdb.is_known(payload, ctx.traits.rdb_version):
        raise CommandError(errors.PAYLOAD_BAD)
    try:
        return rdb.load(payload, ctx.server.limits)
    except rdb_errors.FormatError:
        raise CommandError(errors.PAYLOAD_BAD) from None


server_group.command(
    "RESTORE-ASKING", Key("OW update"), Raw, Raw, _RestoreOptions,
    flags=WRITE | DENYOOM | ASKING | SERVER_WIDE, since="3.0.0", acl=_ACL,
    names=(
        "key ttl:integer serialized-value [REPLACE@3.0.0] {absolute} [IDLETIME=seconds:integer] "
        "[FREQ=frequency:integer]"
    ),
)(restore)


# MIGRATE ----------------------------------------------------------------------------------------

_NO_KEY: Final = Status(b"NOKEY")
_ATOI: Final = re.compile(rb"\s*([+-]?[0-9]+)").match
_NUMERIC_HOST: Final = re.compile(rb"[0-9.]+|localhost|.*:.*").fullmatch
_DEFAULT_TIMEOUT = 1000


def _only_these(key: bytes, keys: Sequence[bytes]) -> Sequence[bytes]:
    """The keys after KEYS, beside which there must be no other."""
    if key:
        raise CommandError(errors.MIGRATE_KEYS)
    return keys


class _MigrateOptions(Options):
    """What MIGRATE is asked for."""

    copy: Annotated[bool, Flag("COPY", "3.0.0")] = False
    replace: Annotated[bool, Flag("REPLACE", "3.0.0")] = False
    auth: Annotated[tuple[str, Sequence[bytes]] | None, OneOf(
        AUTH=Values(Raw, make=lambda _, password: [password], introduced="4.0.7"),
        AUTH2=Values(Raw, Raw, introduced="6.0.0"), last=True,
    )] = None
    keys: Annotated[
        Sequence[bytes] | None, Option(
            "KEYS", Remaining(0, "keys"), make=_only_these, introduced="3.0.6"
        )
    ] = None


def _migrate_keys(args: Args) -> list[bytes]:
    """The key, or those after KEYS; none where there are both."""
    for word, keys in _MigrateOptions.spot(args[5:]):
        if word == "KEYS" and keys:
            return [] if args[2] else list(keys)
    return [args[2]]


@group.command(
    "MIGRATE", Raw, Raw, Key("RW access delete"), Raw, Raw, _MigrateOptions,
    flags=WRITE | MOVABLEKEYS | SERVER_WIDE, since="2.6.0", acl=_ACL, keys=_migrate_keys,
    specs=(
        KeySpec("RW access delete", index(3)),
        KeySpec("RW access delete incomplete", keyword("KEYS", -2), span(-1)),
    ),
    form="host port key db timeout {}",
    secrets=Secrets({b"AUTH": 1, b"AUTH2": 2}, start=5), tips="nondeterministic_output",
    names=(
        'host port:integer key-selector<key:key0|empty-string:""> destination-db:integer '
        'timeout:integer {copy} {replace} [authentication<AUTH=auth/password|AUTH2=auth2(username '
        'password)>] [KEYS=keys:key1/key+]'
    ),
)
def migrate(
    ctx: Context, host: bytes, port: bytes, key: bytes, database: bytes, timeout: bytes,
    *words: bytes,
) -> Status:
    """Move keys to another server of the same network; what arrived is removed here.

    Checked in the server's order: options, time-out, database number, whether there is any key, the
    connection, then what the other server replies, of which the first error is told.
    """
    options = _MigrateOptions.parse(ctx, words, key)
    milliseconds, index = _integer(timeout), _integer(database)
    keys = (key,) if options.keys is None else options.keys
    found = {one: lookup_any(ctx, one) for one in keys}
    values = {one: value for one, value in found.items() if value is not None}
    if not values:
        return _NO_KEY
    target = _target(ctx.server, host, port)
    # Two servers may be at it in both directions: who cannot have the other's lock gives up.
    if not target.lock.acquire(timeout=(max(milliseconds, 0) or _DEFAULT_TIMEOUT) / 1000):
        raise CommandError(errors.MIGRATE_FAILED % "reading")
    try:
        problem = _send(ctx, target.session(), values, index, options)
    finally:
        target.lock.release()
    if problem is not None:
        raise CommandError(errors.MIGRATE_REFUSED % problem)
    return OK


def _target(server: Server, host: bytes, port: bytes) -> Server:
    """The server at an address."""
    found = _ATOI(port)
    number = int(found[1]) if found else 0
    if number < 0 or number >= 1 << 63 or not host:
        raise CommandError(errors.MIGRATE_CONNECTING)
    name = host.decode("utf-8", "surrogateescape")
    resolve = server.resolve_address
    target = None if resolve is None else resolve(f"{name}:{number & 0xFFFF}")
    if target is None and not _NUMERIC_HOST(host):
        raise CommandError(errors.MIGRATE_CONNECTING)
    if target is None or not target.connected:
        raise CommandError(errors.MIGRATE_FAILED % "writing")
    if target is server:
        raise CommandError(errors.MIGRATE_FAILED % "reading")  # it cannot answer itself meanwhile
    return target


def _send(
    ctx: Context, session: Session, values: dict[bytes, Any], index: int, options: _MigrateOptions
) -> CommandError | None:
    """Restore values over there; the first error, if there was any."""
    problems: list[CommandError] = []

    def call(*argv: bytes) -> None:
        try:
            session.execute(list(argv))
        except CommandError as error:
            problems.append(error)
        except ConnectionLost:
            raise CommandError(errors.MIGRATE_FAILED % "reading") from None

    try:
        # As the server does it: all commands go out, whatever is replied to the first ones.
        if options.auth is not None:
            call(b"AUTH", *options.auth[1])
        if index != -1:
            call(b"SELECT", b"%d" % index)
        prelude = len(problems)
        for key, value in values.items():
            deadline = ctx.db.expires.get(key)
            ttl = 0 if deadline is None else max(deadline - ctx.now, 1)
            before = len(problems)
            replace = (b"REPLACE",) if options.replace else ()
            call(b"RESTORE", key, b"%d" % ttl, _dump(ctx, value), *replace)
            if not prelude and len(problems) == before and not options.copy:
                ctx.delete(key)
    finally:
        session.close()
    return problems[0] if problems else None
