"""Replicas in clusters: nodes that serve a master's keys, and take its place.

A replica shares its master's database itself, so that it is never behind. What real nodes find out
by gossip all know at once: who may take over for a master that is down has done so as soon as
anybody asks.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fakeredis.engine.cluster.cluster import Cluster, Node
    from fakeredis.engine.core.server import Server


def new_id() -> str:
    """The ID of a node or a shard."""
    return secrets.token_hex(20)


def of(master: Node) -> list[Node]:
    """The replicas of a node, in the order in which they joined."""
    return [node for node in master.cluster.nodes if node.master is master]


def follow(node: Node, master: Node) -> None:
    """Make a node, which has no keys of its own, a replica that serves those of a master."""
    server = node.server
    node.master, node.shard = master, master.shard
    node.migrating.clear()
    node.importing.clear()
    _share(server, master.server)


def leave(node: Node) -> None:
    """Make a replica an empty master without slots."""
    node.master, node.shard = None, new_id()
    server = node.server
    server.databases, server.deadlines = {}, []
    _repoint(server)


def _share(server: Server, owner: Server) -> None:
    owner.database(0)
    server.databases, server.deadlines = owner.databases, owner.deadlines
    _repoint(server)


def _repoint(server: Server) -> None:
    """Sessions look at the database that is now the server's."""
    for session in list(server.sessions.values()):
        session.unwatch()
        session.ctx.db = server.database(0)


def promote(node: Node) -> None:
    """Make a replica the master, and its master and the other replicas its replicas."""
    old, cluster = node.master, node.cluster
    assert old is not None
    others = of(old)
    node.master = None
    cluster.epoch += 1
    node.epoch = cluster.epoch
    cluster.owners[:] = [node if owner is old else owner for owner in cluster.owners]
    node.migrating, node.importing = old.migrating, old.importing
    old.migrating, old.importing = {}, {}
    for other in (old, *others):
        if other is not node:
            other.master = node
    for db in list(node.server.databases.values()):
        db.server = node.server
        db.observe()


def heal(cluster: Cluster) -> None:
    """Promote replicas of masters that are down."""
    for node in list(cluster.nodes):
        if node.master is None and not node.server.connected:
            alive = [one for one in of(node) if one.server.connected]
            if alive:
                promote(alive[0])
