"""Facts about the server: INFO, TIME, ROLE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeredis.commands.arguments import Rest
from fakeredis.commands.registry import FAST, LOADING, NOSCRIPT, SEQUENTIAL, STALE
from fakeredis.commands.server.common import group
from fakeredis.engine.cluster import cluster, replicas
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import Verbatim
from fakeredis.engine.features import info
from fakeredis.lazy import LazyModule

if TYPE_CHECKING:
    from fakeredis.engine.features import replication_info
else:
    replication_info = LazyModule("fakeredis.engine.features.replication_info")


@group.command(
    "INFO", Rest(), flags=LOADING | STALE | SEQUENTIAL, acl=("slow", "dangerous"), varies="always",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
    names="[section+]",
)
def info_(ctx: Context, sections: list[bytes]) -> Verbatim:
    """Facts and statistics, by sections."""
    names = [name.decode("utf-8", "replace") for name in sections]
    statistics = ctx.server.statistics
    statistics.running = ctx.command
    text = info.report(ctx.server, names)
    statistics.running = None
    return Verbatim(text.encode("utf-8", "surrogateescape"))


@group.command(
    "TIME", flags=LOADING | STALE | FAST, since="2.6.0", varies="always",
    tips="nondeterministic_output",
)
def time_(ctx: Context) -> list[bytes]:
    """The server's time: seconds since the epoch, and microseconds beyond them."""
    seconds, micros = divmod(ctx.micros(), 1_000_000)
    return [b"%d" % seconds, b"%d" % micros]


@group.command(
    "ROLE", flags=NOSCRIPT | LOADING | STALE | FAST, since="2.8.12",
    acl=("fast", "admin", "dangerous"), varies="always",
)
def role(ctx: Context) -> list[Any]:
    """Whether this is a master or a replica, and of whom; how far the stream of changes is."""
    node = cluster.node_of(ctx.server)
    if node is None:
        if ctx.server.replication is not None:
            return replication_info.role(ctx.server)
        return [b"master", 0, []]
    if node.master is not None:
        master = node.master
        return [b"slave", master.host.encode(), master.port, b"connected", 0]
    followers = [
        [one.host.encode(), b"%d" % one.port, b"0"] for one in replicas.of(node)
        if one.server.connected
    ]
    return [b"master", 0, followers]
