"""Replication: who follows whom, and what replicas ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Raw, Rest, word_of
from fakeredis.commands.registry import (
    ADMIN,
    ALLOW_BUSY,
    CONNECTION,
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
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import NO_REPLY, OK, Status
from fakeredis.engine.core.replies import Raw as RawReply
from fakeredis.errors import CommandError
from fakeredis.lazy import LazyModule

if TYPE_CHECKING:
    from fakeredis.commands import effects
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session
    from fakeredis.engine.data import snapshot_file
    from fakeredis.engine.features import following, replication
else:
    effects = LazyModule("fakeredis.commands.effects")
    snapshot_file = LazyModule("fakeredis.engine.data.snapshot_file")
    replication = LazyModule("fakeredis.engine.features.replication")
    following = LazyModule("fakeredis.engine.features.following")


def _replicate(ctx: Context, host: bytes, port: bytes) -> Status:
    """Follow a master, or none; checked in the server's order: cluster, port."""
    server = ctx.server
    if server.replication is not None and server.replication.failover is not None:
        raise CommandError("ERR REPLICAOF not allowed while failing over.")
    if (word_of(host), word_of(port)) == (b"NO", b"ONE"):
        if server.replication is not None:
            following.end(server)
        return OK
    number = parse_int(port)
    if number is None or not 0 <= number <= 65535:
        raise CommandError("ERR Invalid master port")
    name = host.decode("utf-8", "surrogateescape")
    if server.replication is not None:
        if server.replication.is_replica(ctx.session):
            raise CommandError("ERR Command is not valid when client is a replica.")
        current = following.of(server)
        if current is not None and (current.host, current.port) == (name, number):
            return Status(b"OK Already connected to specified master")
    _known(server)
    following.begin(server, name, number)
    return OK


_REPLICATION: Final = ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING
_NO_FAILOVER: Final = (
    "ERR FAILOVER not allowed in cluster mode. Use CLUSTER FAILOVER command instead."
)


@group.command(
    "REPLICAOF", Raw, Raw, flags=_REPLICATION | SERVER_WIDE, since="5.0.0",
    names="args<host-port(host port:integer)|no-one(NO ONE)>",
)
def replicaof(ctx: Context, host: bytes, port: bytes) -> Status:
    """Follow a server, where this one may use a network; with ``NO ONE`` be a master."""
    cluster.refuse(ctx.server, "ERR REPLICAOF not allowed in cluster mode.")
    return _replicate(ctx, host, port)


@group.command(
    "SLAVEOF", Raw, Raw, flags=_REPLICATION | SERVER_WIDE,
    names="args<host-port(host port:integer)|no-one(NO ONE)>",
)
def slaveof(ctx: Context, host: bytes, port: bytes) -> Status:
    """The old name of REPLICAOF."""
    cluster.refuse(ctx.server, "ERR REPLICAOF not allowed in cluster mode.")
    return _replicate(ctx, host, port)


@group.command(
    "FAILOVER", Rest(), flags=ADMIN | NOSCRIPT | STALE | SERVER_WIDE, since="6.2.0",
    form="{TO=2 FORCE ABORT TIMEOUT=1}",
    names="[TO=target(host port:integer [FORCE])] [ABORT] [TIMEOUT=milliseconds:integer]",
)
def failover(ctx: Context, words: list[bytes]) -> Any:
    """Give this server's place to a replica that has everything; writes wait until then.

    Checked in the server's order: options, whether one goes on, whether this is a master with
    replicas, what FORCE needs, the replica.
    """
    server = ctx.server
    cluster.refuse(server, _NO_FAILOVER)
    known = server.replication
    going_on = known is not None and known.failover is not None
    names = [word_of(word) for word in words]
    if names == [b"ABORT"]:
        if not going_on:
            raise CommandError("ERR No failover in progress.")
        known.end_failover()
        return OK
    timeout, target, force = _failover_options(names, words)
    if going_on:
        raise CommandError("ERR FAILOVER already in progress.")
    if known is not None and known.following is not None:
        raise CommandError("ERR FAILOVER is not valid when server is a replica.")
    if known is None or not known.replicas:
        raise CommandError("ERR FAILOVER requires connected replicas.")
    if force and not (timeout and target):
        raise CommandError(
            "ERR FAILOVER with force option requires both a timeout and target HOST and IP."
        )
    session = _replica_at(known, *target) if target else None
    following.network_of(server)
    known.begin_failover(replication.Failover(
        session, known.now + timeout / 1000 if timeout else None, force,
        lambda host, port: following.begin(server, host, port, failing_over=True),
    ))
    return OK


def _failover_options(
    names: Sequence[bytes], words: Sequence[bytes]
) -> tuple[int, tuple[bytes, int] | None, bool]:
    """The time in milliseconds (0: any), the replica, and whether it is forced.

    Args:
        names: the words, in capitals.
        words: the same, as they are.
    """
    timeout, target, force, at = 0, None, False, 0
    while at < len(names):
        taken = {b"TO": 3, b"TIMEOUT": 2, b"FORCE": 1}.get(names[at], 0)
        if not taken or at + taken > len(names):
            raise CommandError(errors.SYNTAX)
        number = 0 if taken == 1 else parse_int(words[at + taken - 1])
        if number is None:
            raise CommandError(errors.NOT_INTEGER)
        if taken == 1:
            force = True
        elif taken == 3:
            target = (words[at + 1], number)
        elif number <= 0:
            raise CommandError("ERR FAILOVER timeout must be greater than 0")
        else:
            timeout = number
        at += taken
    return timeout, target, force


def _replica_at(known: replication.Replication, host: bytes, port: int) -> Session:
    """The session of a replica that is online.

    Raises:
        CommandError: there is none at that address.
    """
    for session, each in known.replicas.items():
        if (replication.host_of(session, each).encode(), each.port) == (host, port):
            if each.state != "online":
                raise CommandError("ERR FAILOVER target replica is not online.")
            return session
    raise CommandError("ERR FAILOVER target HOST and PORT is not a replica.")


_SYNC: Final = ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI


@group.command("SYNC", flags=_SYNC | SERVER_WIDE | CONNECTION)
def sync(ctx: Context) -> Any:
    """All data, and from then on all changes: this client is a replica."""
    return _attach(ctx, None)


@group.command(
    "PSYNC", Raw, Raw, Rest(), flags=_SYNC | SERVER_WIDE | CONNECTION, since="2.8.0",
    names="replicationid offset:integer",
)
def psync(ctx: Context, known_id: bytes, offset: bytes, rest: list[bytes]) -> Any:
    """As SYNC; who knows the stream until an offset gets what is missing, if that is still known.

    Checked in the server's order: whether it is one already, whether this server has what it
    serves, the offset.
    """
    if rest and rest[0].upper() == b"FAILOVER":
        _take_over(ctx.server, known_id)
    return _attach(ctx, (known_id, offset))


def _take_over(server: Server, known_id: bytes) -> None:
    """A master gives its place to this server.

    Raises:
        CommandError: this is no replica, or none that has this master's stream.
    """
    current = following.of(server)
    if current is None:
        raise CommandError("ERR PSYNC FAILOVER can't be sent to a master.")
    if known_id.decode("ascii", "replace") != server.replication_id:
        raise CommandError("ERR PSYNC FAILOVER replid must match my replid.")
    current.leave()


def _attach(ctx: Context, wanted: tuple[bytes, bytes] | None) -> Any:
    """Make a client a replica.

    Args:
        wanted: the ID of the stream that it knows, and the offset to go on from.
    """
    session, server = ctx.session, ctx.server
    if not session.sends_pieces:
        raise CommandError(
            "ERR only clients from outside of this process can be replicas: see FakeServer.listen"
        )
    known = _known(server)
    if known.is_replica(session):
        return NO_REPLY
    master = known.following
    if master is not None and master.state != "connected":
        raise CommandError("NOMASTERLINK Can't SYNC while not connected with my master")
    if wanted is None:
        return known.begin_anew(session, _snapshot(known, session), by_psync=False)
    known_id, raw = wanted
    offset = parse_int(raw)
    if offset is None:
        raise CommandError(errors.NOT_INTEGER)
    missed = known.go_on(session, known_id.decode("ascii", "replace"), offset)
    if missed is not None:
        return RawReply(missed)
    if known_id != b"?":
        known.syncs["sync_partial_err"] += 1
    return known.begin_anew(session, _snapshot(known, session), by_psync=True)


def _snapshot(known: replication.Replication, session: Session) -> snapshot_file.Snapshot:
    """All data as they are now; a replica's replicas take over where the stream is."""
    master = known.following
    selected = None if master is None or master.session is None else master.session.db
    functions_only = known.facts_of(session).functions_only
    return snapshot_file.Snapshot(known.server, selected, functions_only)


def _known(server: Server) -> replication.Replication:
    """What a server knows of replicas, with what these are told in the place of commands."""
    known = replication.of(server)
    known.stream.effects, known.stream.always = effects.EFFECTS, effects.ALWAYS
    return known


_REPLICA_NUMBERS: Final = (b"LISTENING-PORT", b"RDB-ONLY")


@group.command(
    "REPLCONF", Rest(), flags=ADMIN_ONLY | ALLOW_BUSY | SERVER_WIDE, since="3.0.0",
    acl=("admin", "dangerous", "slow"),
)
def replconf(ctx: Context, words: list[bytes]) -> Any:
    """What a replica says of itself."""
    if len(words) % 2:
        raise CommandError(errors.SYNTAX)
    for name, value in zip(words[::2], words[1::2], strict=True):
        option = word_of(name)
        if option == b"ACK":
            _acknowledge(ctx, words)
            return NO_REPLY
        if option == b"GETACK":
            return NO_REPLY
        _note(ctx, option, name, value)
    return OK


def _note(ctx: Context, option: bytes, name: bytes, value: bytes) -> None:
    """Note one fact of a replica.

    Raises:
        CommandError: there is none of this name, or it cannot be so.
    """
    number = parse_int(value) if option in _REPLICA_NUMBERS else 0
    if number is None:
        raise CommandError(errors.NOT_INTEGER)
    if option == b"RDB-FILTER-ONLY" and value.lower() not in (b"functions", b""):
        raise CommandError(f"ERR Unsupported rdb-filter-only option: {wording.clean(value)}")
    if option not in _KNOWN_OPTIONS and not (
        option == b"VERSION" and ctx.server.profile.has({"valkey": "8.0.0"})
    ):
        raise CommandError(f"ERR Unrecognized REPLCONF option: {wording.clean(name)}")
    facts = replication.of(ctx.server).facts_of(ctx.session)
    if option == b"LISTENING-PORT":
        facts.port = number
    elif option == b"IP-ADDRESS":
        facts.host = value.decode("ascii", "replace")
    elif option == b"RDB-ONLY":
        facts.file_only = number == 1
    elif option == b"RDB-FILTER-ONLY":
        facts.functions_only = value != b""
    elif option == b"CAPA":
        facts.reads_to_mark |= value.lower() == b"eof"
        facts.knows_ids |= value.lower() == b"psync2"


_KNOWN_OPTIONS: Final = frozenset({
    *_REPLICA_NUMBERS, b"IP-ADDRESS", b"CAPA", b"RDB-FILTER-ONLY",
})


def _acknowledge(ctx: Context, words: Sequence[bytes]) -> None:
    """A replica says how far it is: in memory, and on its disk."""
    known = ctx.server.replication
    offset = parse_int(words[1])
    if known is None or offset is None:
        return
    on_disk = None
    if len(words) > 3 and words[2].upper() == b"FACK":
        on_disk = parse_int(words[3])
    known.acknowledged(ctx.session, offset, on_disk)
