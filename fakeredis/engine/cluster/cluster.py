"""Clusters: which node serves which slot, and what a node says to those who ask the wrong one.

A cluster's nodes are servers that share a lock.  What one node learns all know at once, so there
is no gossip. Replicas are in `fakeredis.engine.cluster.replicas`.
"""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fakeredis.engine.cluster import replicas
from fakeredis.engine.cluster.replicas import new_id as new_id
from fakeredis.engine.command.command import (
    BEGINS_QUEUE,
    ENDS_QUEUE,
    READONLY,
    RUNS_QUEUE,
    WRITE,
    Command,
)
from fakeredis.engine.core import blocking, switches
from fakeredis.engine.core.replies import Push
from fakeredis.engine.core.road import Check, Origin
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session

SLOTS: Final = 16384
_LOCAL: Final = "127.0.0.1"

CROSS_SLOT: Final = "CROSSSLOT Keys in request don't hash to the same slot"
UNBOUND: Final = "CLUSTERDOWN Hash slot not served"
DOWN: Final = "CLUSTERDOWN The cluster is down"
DOWN_READ_ONLY: Final = "CLUSTERDOWN The cluster is down and only accepts read commands"
READ_ONLY: Final = "READONLY You can't write against a read only replica."
TRY_AGAIN: Final = "TRYAGAIN Multiple keys request during rehashing of slot"

_SCRIPT_ERRORS: Final = {
    DOWN_READ_ONLY: "ERR Script attempted to execute a write command while the cluster is down "
    "and readonly",
    DOWN: "ERR Script attempted to execute a command while the cluster is down",
    UNBOUND: "ERR Script attempted to access a slot not served",
}
_SCRIPT_CROSS_SLOT: Final = (
    "ERR Command '%s' in script attempted to access keys that don't hash to the same slot"
)
_SCRIPT_NOT_LOCAL: Final = "ERR Script attempted to access a non local key in a cluster node"


def slot_of(key: bytes) -> int:
    """The slot of a key: of the part between its first braces, if there is any."""
    start = key.find(b"{")
    if start >= 0:
        end = key.find(b"}", start + 1)
        if end > start + 1:
            key = key[start + 1 : end]
    return crc_hqx(key, 0) % SLOTS




class Migration(NamedTuple):
    """Slots that one node has taken over from another."""

    id: str
    source: Node
    target: Node
    ranges: list[tuple[int, int]]
    time: int  # in milliseconds


class Node:
    """A server as a member of a cluster."""

    def __init__(self, cluster: Cluster, server: Server, epoch: int) -> None:
        self.cluster = cluster
        self.server = server
        self.id = new_id()
        self.shard = new_id()
        self.master: Node | None = None  # whose keys it serves, if it is a replica
        self.epoch = epoch
        self.migrating: dict[int, Node] = {}  # slots that go to another node
        self.importing: dict[int, Node] = {}  # and that come from one
        self.migrations: list[Migration] = []  # those of CLUSTER MIGRATION, the last ones
        self.moves: list[dict[bytes, Any]] = []  # that moved slots in one step, newest first
        host, _, port = server.address.rpartition(":")
        self.host = _LOCAL if host == "localhost" else host
        self.port = int(port) if port.isdigit() else 6379

    @property
    def address(self) -> str:
        """``host:port`` as MOVED names it."""
        return f"{self.host}:{self.port}"

    @property
    def shown_host(self) -> str:
        """The host as the node itself tells it: it learns it when it meets another."""
        return self.host if len(self.cluster.nodes) > 1 else ""

    def slots(self) -> Iterator[tuple[int, int]]:
        """The ranges of slots that it serves: first and last of each."""
        return (
            (first, last) for first, last, owner in self.cluster.ranges() if owner is self
        )

    def keys_in(self, slot: int) -> list[bytes]:
        """The keys of a slot."""
        return [key for key in list(self.server.database(0).data) if slot_of(key) == slot]


class Cluster:
    """Servers that share the slots among them.

    Args:
        servers: still empty ones; each becomes a master with an equal part of the slots.
    """

    def __init__(self, servers: Sequence[Server], assign: bool = True) -> None:
        self.nodes: list[Node] = []
        self.owners: list[Node | None] = [None] * SLOTS
        self.epoch = 0
        for server in servers:
            self.add(server)
        if assign:
            share = SLOTS / len(self.nodes)
            for number, node in enumerate(self.nodes):
                first, last = round(number * share), round((number + 1) * share)
                self.owners[first:last] = [node] * (last - first)

    def add(self, server: Server) -> Node:
        """Take a server in; it serves no slots yet."""
        with server.lock:
            if self.nodes:
                server.lock = self.nodes[0].server.lock
            self.epoch += 1
            node = Node(self, server, self.epoch)
            self.nodes.append(node)
            server.node = node
            server.config.override("cluster-enabled", "yes")
            server.config.override("databases", "1")
            server.switch_on(switches.CLUSTERED, CHECK)
        return node

    def add_replica(self, master: Node) -> Node:
        """A replica of a master, at the port behind all others'."""
        like = master.server
        host = like.address.rpartition(":")[0]
        port = max(node.port for node in self.nodes) + 1
        server = type(like)(
            version=like.profile.version, server_type=like.profile.server_type,
            modules=getattr(like, "modules", ()), address=f"{host}:{port}",
        )
        server.clock = like.clock
        server.config.take_over(like.config)
        node = self.add(server)
        replicas.follow(node, master)
        return node

    def node(self, name: bytes) -> Node | None:
        """The node with an ID."""
        return next((node for node in self.nodes if node.id.encode() == name), None)

    def at(self, address: str) -> Server | None:
        """The server at an address (``localhost`` for what is local), if it is of this cluster."""
        return next((n.server for n in self.nodes if n.server.address == address), None)

    def ranges(self) -> Iterator[tuple[int, int, Node]]:
        """First and last slot and their node, for all that are served."""
        first = 0
        for slot in range(1, SLOTS + 1):
            owner = self.owners[first]
            if slot == SLOTS or self.owners[slot] is not owner:
                if owner is not None:
                    yield first, slot - 1, owner
                first = slot

    @property
    def assigned(self) -> int:
        """How many slots are served."""
        return SLOTS - self.owners.count(None)

    def is_up(self, node: Node) -> bool:
        """Whether a node serves anybody; with a slot unserved it must be told to."""
        if None not in self.owners:
            return True
        return not node.server.config.boolean("cluster-require-full-coverage")


def node_of(server: Server) -> Node | None:
    """The node that a server is; None outside of clusters."""
    return server.node


def is_free(server: Server) -> bool:
    """Whether a server may become a node: it is none, and empty."""
    if server.forwards:
        return False
    return server.node is None and not any(db.data for db in list(server.databases.values()))


def grow(server: Server, size: int = 3) -> Cluster:
    """The cluster of a server; if it has none, it becomes the first node of a new one.

    The other nodes are servers of the same kind at the ports that follow, with the same clock.

    Raises:
        ValueError: the server has keys.
    """
    node = node_of(server)
    if node is not None:
        return node.cluster
    if not is_free(server):
        raise ValueError("this server holds keys: a cluster is made of an empty one")
    host, _, port = server.address.rpartition(":")
    servers = [server]
    for number in range(1, size if port.isdigit() else 1):
        other = type(server)(
            version=server.profile.version, server_type=server.profile.server_type,
            modules=getattr(server, "modules", ()), address=f"{host}:{int(port) + number}",
        )
        other.clock = server.clock
        other.config.take_over(server.config)
        servers.append(other)
    return Cluster(servers)


# The gate ---------------------------------------------------------------------------------------


def refusal(
    session: Session, command: Command, args: Sequence[bytes]
) -> CommandError | None:
    """Where else a command belongs, or why it may not run at all; None when it may, here."""
    node = node_of(session.server)
    assert node is not None
    asking = _is_asking(session, command)
    batch: Sequence[tuple[Command, Sequence[bytes]]] = ((command, args),)
    if command.flags & RUNS_QUEUE:
        if not session.switched & switches.QUEUEING or session.queue_failed:
            return None
        batch = session.queue
    query = _Query(node, asking)
    query.reads_here = session.reads_here
    text = query.answer(batch)
    if text is None and node.master is not None and command.flags & WRITE:
        text = READ_ONLY
    if text is None:
        return None
    if command.flags & RUNS_QUEUE:
        session.reset_transaction()
        session.unwatch()
    return CommandError(text)


def _script_gate(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    """The gate of what scripts call: `check_script`, and the slot that the script has kept to."""
    try:
        session.script.keep_to(check_script(session, command, args))
    except CommandError as error:
        return error
    return None


CHECK: Final = Check({Origin.CLIENT: refusal, Origin.SCRIPT: _script_gate})


def _is_asking(session: Session, command: Command) -> bool:
    """Whether ASKING came right before the command, or before its MULTI."""
    if command.flags & BEGINS_QUEUE or (
        session.switched & switches.QUEUEING and not command.flags & ENDS_QUEUE
    ):
        return session.asking
    asking, session.asking = session.asking, False
    return asking


class _Query:
    """The slot of a command's keys, and what follows from it at a node."""

    def __init__(self, node: Node, asking: bool) -> None:
        self.node, self.asking = node, asking
        self.slot: int | None = None
        self.first_key = b""
        self.found = self.missing = 0  # keys of a slot that is just moving
        self.several = False
        self.reads_here = False  # the session has said READONLY
        self.writes = self.sharded = False

    def answer(self, batch: Iterable[tuple[Command, Sequence[bytes]]]) -> str | None:
        """The error text; None where the node itself serves the keys."""
        sharded = writes = reads_only = False
        for command, args in batch:
            channels = command.declaration.channels
            in_shard = channels is not None and channels.kind == "shard_channels"
            self.sharded = sharded = sharded or in_shard
            self.writes = writes = writes or bool(command.flags & WRITE)
            reads_only = reads_only or bool(command.flags & READONLY)
            for key in _keys(command, args):
                error = self._take(key, in_shard)
                if error is not None:
                    return error
        if self.slot is None:
            return None
        if self.node.cluster.owners[self.slot] is None:
            return UNBOUND
        if not self.node.cluster.is_up(self.node):
            return self._while_down(sharded, reads_only and not writes)
        return self._redirection(self.slot)

    def _take(self, key: bytes, is_channel: bool) -> str | None:
        slot = slot_of(key)
        if self.slot is None:
            self.slot, self.first_key = slot, key
            late = self.node.server.traits.slots_compared_first
            if self.node.cluster.owners[slot] is None and not late:
                return UNBOUND
        elif slot != self.slot:
            return CROSS_SLOT
        elif key != self.first_key:
            self.several = True
        if not is_channel:
            if key in self.node.server.database(0).data:
                self.found += 1
            else:
                self.missing += 1
        return None

    def _while_down(self, sharded: bool, reads: bool) -> str | None:
        config = self.node.server.config
        if sharded:
            allowed = config.boolean("cluster-allow-pubsubshard-when-down")
            return None if allowed else DOWN
        if not config.boolean("cluster-allow-reads-when-down"):
            return DOWN
        assert self.slot is not None
        return self._redirection(self.slot) if reads else DOWN_READ_ONLY

    def _redirection(self, slot: int) -> str | None:
        node = self.node
        owner = node.cluster.owners[slot]
        assert owner is not None
        if node.master is owner and (self.reads_here or self.sharded) and not self.writes:
            return None
        if not owner.server.connected:
            replicas.heal(node.cluster)
            owner = node.cluster.owners[slot] or owner
        if owner is node and slot in node.migrating and self.missing:
            if self.found:
                return TRY_AGAIN
            return f"ASK {slot} {node.migrating[slot].address}"
        if self.asking and slot in node.importing:
            return TRY_AGAIN if self.several and self.missing else None
        return None if owner is node else f"MOVED {slot} {owner.address}"


def _keys(command: Command, args: Sequence[bytes]) -> Sequence[bytes]:
    """The keys of a command; none where its arguments make no sense, so that it says so itself."""
    try:
        return command.keys(args)
    except (CommandError, ValueError, IndexError):
        return ()


def check_script(session: Session, command: Command, args: Sequence[bytes]) -> int | None:
    """Refuse a command of a script whose keys are not here.

    Returns:
        The slot of its keys; None when it has none.

    Raises:
        CommandError: it is so.
    """
    node = node_of(session.server)
    assert node is not None
    query = _Query(node, session.asking)
    query.reads_here = session.reads_here
    if node.master is not None and command.flags & WRITE:
        raise CommandError(READ_ONLY)
    text = query.answer(((command, args),))
    if text is None:
        return query.slot
    if text == CROSS_SLOT:
        raise CommandError(_SCRIPT_CROSS_SLOT % command.label)
    raise CommandError(_SCRIPT_ERRORS.get(text, _SCRIPT_NOT_LOCAL))


def refuse(server: Server, text: str) -> None:
    """Refuse what clusters do not have.

    Raises:
        CommandError: the server is a node of one.
    """
    if server.switched & switches.CLUSTERED:
        raise CommandError(text)


def broadcast(server: Server, channel: bytes, message: bytes) -> None:
    """Take a published message to the subscribers at the other nodes."""
    node = node_of(server)
    for other in node.cluster.nodes if node is not None else ():
        if other is not node:
            other.server.pubsub.publish(channel, message)


def broadcast_in_shard(server: Server, channel: bytes, message: bytes) -> None:
    """Take a message of a shard channel to the subscribers at the shard's other nodes."""
    node = node_of(server)
    for other in node.cluster.nodes if node is not None else ():
        if node is not None and other is not node and other.shard == node.shard:
            other.server.pubsub.spublish(channel, message)


def send_away(cluster: Cluster, slots: Container[int]) -> None:
    """Tell who waits for keys or listens to shard channels of slots that are elsewhere now."""
    for node in cluster.nodes:
        for session in list(node.server.sessions.values()):
            for channel in list(session.shard_channels):
                slot = slot_of(channel)
                if slot in slots and cluster.owners[slot] is not (node.master or node):
                    _end_subscription(session, channel)
            _end_wait(node, session, slots)


def _end_subscription(session: Session, channel: bytes) -> None:
    pubsub = session.server.pubsub
    del session.shard_channels[channel]
    pubsub.unsubscribe(pubsub.shard_channels, channel, session)
    session.push(Push([b"sunsubscribe", channel, len(session.shard_channels)]))
    if not (session.channels or session.patterns or session.shard_channels):
        session.switched &= ~switches.SUBSCRIBED


def _end_wait(node: Node, session: Session, slots: Container[int]) -> None:
    wait = session.wait
    if wait is None or not wait.keys or slot_of(wait.keys[0]) not in slots:
        return
    slot = slot_of(wait.keys[0])
    owner = node.cluster.owners[slot]
    if owner is not node:
        text = UNBOUND if owner is None else f"MOVED {slot} {owner.address}"
        down = owner is None and not node.cluster.is_up(node)
        blocking.finish(wait, CommandError(DOWN if down else text))
