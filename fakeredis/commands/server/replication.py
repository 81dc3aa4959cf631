"""Replication: there is nobody else."""

from __future__ import annotations

from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Raw, Rest, word_of
from fakeredis.commands.registry import (
    ADMIN,
    ALLOW_BUSY,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NOSCRIPT,
    SERVER_WIDE,
    STALE,
)
from fakeredis.commands.server.common import ADMIN_ONLY, group
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine import wording
from fakeredis.engine.cluster import cluster
from fakeredis.engine.core import dispatch
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import NO_REPLY, OK, Status
from fakeredis.errors import CommandError


def _replicate(host: bytes, port: bytes) -> Status:
    """Stay a master; following another server needs a network."""
    if (word_of(host), word_of(port)) == (b"NO", b"ONE"):
        return OK
    number = parse_int(port)
    if number is None or not 0 <= number <= 65535:
        raise CommandError("ERR Invalid master port")
    raise CommandError("ERR this server has no network and cannot follow another one")


_REPLICATION: Final = ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING
_NO_FAILOVER: Final = (
    "ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead."
)


@group.command(
    "REPLICAOF", Raw, Raw, flags=_REPLICATION | SERVER_WIDE, since="5.0.0",
    names="args<host-port(host port:integer)|no-one(NO ONE)>",
)
def replicaof(ctx: Context, host: bytes, port: bytes) -> Status:
    """Stay a master with ``NO ONE``; all else is refused."""
    cluster.refuse(ctx.server, "ERR REPLICAOF not allowed in cluster mode.")
    return _replicate(host, port)


@group.command(
    "SLAVEOF", Raw, Raw, flags=_REPLICATION | SERVER_WIDE,
    names="args<host-port(host port:integer)|no-one(NO ONE)>",
)
def slaveof(ctx: Context, host: bytes, port: bytes) -> Status:
    """The old name of REPLICAOF."""
    cluster.refuse(ctx.server, "ERR REPLICAOF not allowed in cluster mode.")
    return _replicate(host, port)


@group.command(
    "FAILOVER", Rest(), flags=ADMIN | NOSCRIPT | STALE | SERVER_WIDE, since="6.2.0",
    form="{TO=2 FORCE ABORT TIMEOUT=1}",
    names="[TO=target(host port:integer [FORCE])] [ABORT] [TIMEOUT=milliseconds:integer]",
)
def failover(ctx: Context, words: list[bytes]) -> Any:
    """Refused: there is no replica to take over."""
    cluster.refuse(ctx.server, _NO_FAILOVER)
    names = [word_of(word) for word in words]
    if names == [b"ABORT"]:
        raise CommandError("ERR No failover in progress.")
    at = 0
    while at < len(names):
        taken = {b"TO": 3, b"TIMEOUT": 2, b"FORCE": 1}.get(names[at], 0)
        if not taken or at + taken > len(names):
            raise CommandError(errors.SYNTAX)
        number = 0 if taken == 1 else parse_int(words[at + taken - 1])
        if number is None:
            raise CommandError(errors.NOT_INTEGER)
        if taken == 2 and number <= 0:
            raise CommandError("ERR FAILOVER timeout must be greater than 0")
        at += taken
    raise CommandError("ERR FAILOVER requires connected replicas.")


_SYNC: Final = ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI


@group.command("SYNC", flags=_SYNC | SERVER_WIDE)
def sync(ctx: Context) -> Any:
    """Unknown when it comes to it: there is no stream of commands for a replica.

    Lists of commands and categories name it, so that access rules can.
    """
    raise dispatch.unknown_to(ctx.session, [b"SYNC"])


@group.command(
    "PSYNC", Raw, Raw, Rest(), flags=_SYNC | SERVER_WIDE, since="2.8.0",
    names="replicationid offset:integer",
)
def psync(ctx: Context, replication_id: bytes, offset: bytes, rest: list[bytes]) -> Any:
    """Unknown, as SYNC is."""
    raise dispatch.unknown_to(ctx.session, [b"PSYNC", replication_id, offset, *rest])


UNIMPLEMENTED: Final = frozenset({"SYNC", "PSYNC"})
_REPLICA_NUMBERS: Final = (b"LISTENING-PORT", b"RDB-ONLY")


@group.command(
    "REPLCONF", Rest(), flags=ADMIN_ONLY | ALLOW_BUSY | SERVER_WIDE, since="3.0.0",
    acl=("admin", "dangerous", "slow"),
)
def replconf(ctx: Context, words: list[bytes]) -> Any:
    """What a replica says of itself: checked, and forgotten."""
    if len(words) % 2:
        raise CommandError(errors.SYNTAX)
    for name, value in zip(words[::2], words[1::2], strict=True):
        option = word_of(name)
        if option in _REPLICA_NUMBERS:
            if parse_int(value) is None:
                raise CommandError(errors.NOT_INTEGER)
        elif option in (b"ACK", b"GETACK"):
            return NO_REPLY
        elif option == b"RDB-FILTER-ONLY":
            if value.lower() not in (b"functions", b""):
                shown = wording.clean(value)
                raise CommandError(f"ERR Unsupported rdb-filter-only option: {shown}")
        elif option not in (b"CAPA", b"IP-ADDRESS"):
            raise CommandError(f"ERR Unrecognized REPLCONF option: {wording.clean(name)}")
    return OK
