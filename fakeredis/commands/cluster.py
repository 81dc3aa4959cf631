"""Nodes and slots: Redis's "cluster" group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import OneOf, Option, Options, Raw, Rest, Token, integer, word_of
from fakeredis.commands.registry import (
    ADMIN,
    CONNECTION,
    EACH_NODE,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NOSCRIPT,
    SERVER_WIDE,
    STALE,
    Group,
)
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.cluster.cluster import SLOTS, Node, node_of, send_away, slot_of
from fakeredis.engine.cluster.replicas import follow, heal, leave, promote
from fakeredis.engine.cluster.replicas import of as replicas_of
from fakeredis.engine.command.help import help_lines
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import DEEP, OK, Status, Verbatim
from fakeredis.errors import CommandError

group = Group("cluster")
group.container("CLUSTER", since="3.0.0")

_DISABLED: Final = "ERR This instance has cluster support disabled"
_BAD_SLOT: Final = "ERR Invalid or out of range slot"
_BAD_SETSLOT: Final = (
    "ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP"
)
_BAD_WORDS: Final = (
    "ERR unknown subcommand or wrong number of arguments for '%s'. Try CLUSTER HELP."
)
_BAD_TIMEOUT: Final = "ERR timeout is not an integer or out of range"
_CHANGES: Final = ADMIN | NO_ASYNC_LOADING | STALE
_ASKS: Final = ADMIN | STALE
_OWN: Final = ("connection", "fast")
Words = Sequence[bytes]
# Since when slots move in one step, and what CLUSTER INFO tells of that: nothing runs later here.
MOVES_SINCE: Final = {"redis": "8.4.0"}
_TRIMMING: Final = (
    "active_trim_running", "active_trim_current_job_keys", "active_trim_current_job_trimmed",
    "stats_active_trim_started", "stats_active_trim_completed", "stats_active_trim_cancelled",
)


def this_node(ctx: Context) -> Node:
    """The node that is asked.

    Raises:
        CommandError: the server is not of a cluster.
    """
    node = node_of(ctx.server)
    if node is None:
        raise CommandError(_DISABLED)
    return node


def slot_number(raw: bytes) -> int:
    """The number of a slot.

    Raises:
        CommandError: it is none.
    """
    slot = parse_int(raw)
    if slot is None or not 0 <= slot < SLOTS:
        raise CommandError(_BAD_SLOT)
    return slot


def _integer(raw: bytes) -> int:
    number = parse_int(raw)
    if number is None:
        raise CommandError(errors.NOT_INTEGER)
    return number


def _said(ctx: Context) -> str:
    """The subcommand that runs."""
    assert ctx.command is not None
    return ctx.command.name.partition(" ")[2]


def _known(here: Node, name: bytes) -> Node:
    node = here.cluster.node(name)
    if node is None:
        raise CommandError(f"ERR Unknown node {name.decode('utf-8', 'surrogateescape')}")
    return node


# One connection's mode --------------------------------------------------------------------------


@group.command(
    "READONLY", flags=FAST | LOADING | STALE | CONNECTION | EACH_NODE, since="3.0.0", acl=_OWN,
)
def readonly(ctx: Context) -> Status:
    """Allow this connection to read from replicas."""
    if not ctx.traits.read_from_replicas:
        this_node(ctx)
    ctx.session.reads_here = True
    return OK


@group.command(
    "READWRITE", flags=FAST | LOADING | STALE | CONNECTION | EACH_NODE, since="3.0.0", acl=_OWN,
)
def readwrite(ctx: Context) -> Status:
    """Undo READONLY."""
    if not ctx.traits.undoes_readonly:
        this_node(ctx)
    ctx.session.reads_here = False
    return OK


@group.command("ASKING", flags=FAST | CONNECTION, since="3.0.0", acl=_OWN)
def asking(ctx: Context) -> Status:
    """Serve the next command also where its slot is only being imported."""
    this_node(ctx)
    ctx.session.asking = True
    return OK


_LOADING_SINCE: Final = (LOADING, {"valkey": "8.1.0"})  # flags, and since when

# Facts ------------------------------------------------------------------------------------------


@group.command("CLUSTER KEYSLOT", Rest(1), arity=3, flags=STALE, since="3.0.0", names="key")
def keyslot(ctx: Context, words: Words) -> int:
    """The slot of a key."""
    if not ctx.traits.slots_without_cluster:
        this_node(ctx)
    return slot_of(words[0])


@group.command(
    "CLUSTER MYID", arity=2, flags=STALE, since="3.0.0", varies="always",
    flags_since=_LOADING_SINCE,
)
def myid(ctx: Context) -> bytes:
    """The ID of this node."""
    return this_node(ctx).id.encode()


@group.command(
    "CLUSTER MYSHARDID", arity=2, flags=STALE, since="7.2.0", varies="always",
    tips="nondeterministic_output",
    flags_since=_LOADING_SINCE,
)
def myshardid(ctx: Context) -> bytes:
    """The ID of the shard of this node."""
    return this_node(ctx).shard.encode()


@group.command(
    "CLUSTER COUNTKEYSINSLOT", Rest(1), arity=3, flags=STALE, since="3.0.0", names="slot:integer",
)
def countkeysinslot(ctx: Context, words: Words) -> int:
    """How many keys of a slot this node has."""
    node, slot = this_node(ctx), _integer(words[0])
    if not 0 <= slot < SLOTS:
        raise CommandError("ERR Invalid slot")
    return len(node.keys_in(slot))


@group.command(
    "CLUSTER GETKEYSINSLOT", Rest(2), arity=4, flags=STALE, since="3.0.0",
    tips="nondeterministic_output", names="slot:integer count:integer",
)
def getkeysinslot(ctx: Context, words: Words) -> list[bytes]:
    """Some of the keys of a slot that this node has."""
    node, slot, count = this_node(ctx), _integer(words[0]), _integer(words[1])
    if not 0 <= slot < SLOTS or count < 0:
        raise CommandError("ERR Invalid slot or number of keys")
    return node.keys_in(slot)[:count]


# What newer servers count besides.
_FAILED: Final = (
    "cluster_nodes_pfail", "cluster_nodes_fail", "cluster_voting_nodes_pfail",
    "cluster_voting_nodes_fail",
)
_BYTES: Final = tuple(
    f"cluster_stats_{kind}bytes_{way}" for kind in ("", "pubsub_", "module_")
    for way in ("sent", "received")
)


@group.command(
    "CLUSTER INFO", arity=2, flags=STALE, since="3.0.0", varies="always",
    tips="nondeterministic_output",
    flags_since=_LOADING_SINCE,
)
def info(ctx: Context) -> Verbatim:
    """The state of the cluster in lines."""
    node = this_node(ctx)
    cluster = node.cluster
    assigned = cluster.assigned
    fields = {
        "cluster_state": "ok" if cluster.is_up(node) else "fail",
        "cluster_slots_assigned": assigned, "cluster_slots_ok": assigned,
        "cluster_slots_pfail": 0, "cluster_slots_fail": 0,
        **(dict.fromkeys(_FAILED, 0) if ctx.traits.shards_have_ids else {}),
        "cluster_known_nodes": len(cluster.nodes),
        "cluster_size": len({id(owner) for owner in cluster.owners if owner is not None}),
        "cluster_current_epoch": cluster.epoch, "cluster_my_epoch": node.epoch,
        "cluster_stats_messages_sent": 0, "cluster_stats_messages_received": 0,
        **(dict.fromkeys(_BYTES, 0) if ctx.traits.shards_have_ids else {}),
        "total_cluster_links_buffer_limit_exceeded": 0,
    }
    if ctx.server.profile.has(MOVES_SINCE):
        fields["cluster_slot_migration_active_tasks"] = 0
        fields |= {f"cluster_slot_migration_{name}": 0 for name in _TRIMMING}
    return Verbatim("".join(f"{name}:{value}\r\n" for name, value in fields.items()).encode())


@group.command(
    "CLUSTER NODES", arity=2, flags=STALE, since="3.0.0", varies="always",
    tips="nondeterministic_output",
    flags_since=_LOADING_SINCE,
)
def nodes(ctx: Context) -> Verbatim:
    """All nodes, a line each."""
    here = _healed(ctx)
    lines = (_node_line(here, node) + "\n" for node in here.cluster.nodes)
    return Verbatim("".join(lines).encode())


def _node_line(here: Node, node: Node) -> str:
    flags = "master" if node.master is None else "slave"
    if node is here:
        flags = f"myself,{flags}"
    elif not node.server.connected:
        flags += ",fail"
    owner, link = node.master or node, "connected" if "fail" not in flags else "disconnected"
    seen = 0 if node is here else here.server.clock.milliseconds()
    words = [
        node.id, f"{node.shown_host}:{node.port}@{node.port + 10000}", flags,
        "-" if owner is node else owner.id, "0", str(seen), str(owner.epoch), link,
    ]
    words += [f"{first}-{last}" if first < last else f"{first}" for first, last in node.slots()]
    if node is here:
        words += [f"[{slot}->-{other.id}]" for slot, other in sorted_slots(node.migrating)]
        words += [f"[{slot}-<-{other.id}]" for slot, other in sorted_slots(node.importing)]
    return " ".join(words)


def sorted_slots(slots: dict[int, Node]) -> list[tuple[int, Node]]:
    """Slots that are moving, in their order."""
    return sorted(slots.items(), key=lambda pair: pair[0])


@group.command(
    "CLUSTER SLOTS", arity=2, flags=LOADING | STALE, since="3.0.0", reply=DEEP, varies="always",
    tips="nondeterministic_output",
)
def slots(ctx: Context) -> list[Any]:
    """Ranges of slots, with the node that serves each."""
    return [
        [first, last, *(
            [one.shown_host.encode(), one.port, one.id.encode(), {}]
            for one in (node, *filter(_is_up, replicas_of(node)))
        )]
        for first, last, node in _healed(ctx).cluster.ranges()
    ]


def _is_up(node: Node) -> bool:
    return node.server.connected


def _healed(ctx: Context) -> Node:
    """The node that is asked, after replicas took over for masters that are down."""
    here = this_node(ctx)
    heal(here.cluster)
    return here


@group.command(
    "CLUSTER SHARDS", arity=2, flags=LOADING | STALE, since="7.0.0", reply=DEEP, varies="always",
    tips="nondeterministic_output",
)
def shards(ctx: Context) -> list[Any]:
    """Shards: their ranges of slots and their nodes."""
    return [
        {
            b"slots": [slot for pair in node.slots() for slot in pair],
            b"nodes": [_in_shard(one) for one in (node, *replicas_of(node))],
            **({b"id": node.shard.encode()} if ctx.traits.shards_have_ids else {}),
        }
        for node in _healed(ctx).cluster.nodes if node.master is None
    ]


def _in_shard(node: Node) -> dict[bytes, Any]:
    return {
        b"id": node.id.encode(), b"port": node.port, b"ip": node.shown_host.encode(),
        b"endpoint": node.shown_host.encode(),
        b"role": b"master" if node.master is None else b"replica",
        b"replication-offset": 0, b"health": b"online" if _is_up(node) else b"fail",
    }


@group.command(
    "CLUSTER LINKS", arity=2, flags=STALE, since="7.0.0", reply=DEEP, varies="always",
    tips="nondeterministic_output",
)
def links(ctx: Context) -> list[Any]:
    """The connections between this node and the others: two for each."""
    here = this_node(ctx)
    created = int(here.server.started * 1000)
    return [
        {
            b"direction": direction, b"node": node.id.encode(), b"create-time": created,
            b"events": b"r", b"send-buffer-allocated": 0, b"send-buffer-used": 0,
        }
        for node in here.cluster.nodes if node is not here
        for direction in (b"to", b"from")
    ]


def _replicas(ctx: Context, words: Words) -> list[bytes]:
    here = _healed(ctx)
    master = _known(here, words[0])
    if master.master is not None:
        raise CommandError("ERR The specified node is not a master")
    return [_node_line(here, node).encode() for node in replicas_of(master)]


@group.command(
    "CLUSTER REPLICAS", Rest(1), arity=3, flags=_ASKS, since="5.0.0",
    tips="nondeterministic_output", names="node-id",
)
def replicas(ctx: Context, words: Words) -> list[bytes]:
    """The replicas of a node, a line each."""
    return _replicas(ctx, words)


@group.command(
    "CLUSTER SLAVES", Rest(1), arity=3, flags=_ASKS, since="3.0.0", tips="nondeterministic_output",
    names="node-id",
)
def slaves(ctx: Context, words: Words) -> list[bytes]:
    """The replicas of a node, a line each."""
    return _replicas(ctx, words)


@group.command(
    "CLUSTER COUNT-FAILURE-REPORTS", Rest(1), arity=3, flags=_ASKS, since="3.0.0",
    tips="nondeterministic_output", names="node-id",
)
def count_failure_reports(ctx: Context, words: Words) -> int:
    """How many nodes hold a node to have failed: none does."""
    _known(this_node(ctx), words[0])
    return 0


_TWO_FILTERS: Final = "ERR Multiple filters of the same type are disallowed."


class _OrderOptions(Options, at_least=2):
    """What follows ORDERBY and a figure."""

    limit: Annotated[tuple[str, int], OneOf(LIMIT=integer(
        1, SLOTS, "ERR Limit has to lie in between 1 and 16384 (maximum number of slots)."
    ), once=True, error=_TWO_FILTERS)] = ("LIMIT", SLOTS)
    order: Annotated[str, OneOf(ASC=Token, DESC=Token, once=True, error=_TWO_FILTERS)] = "DESC"

    @classmethod
    def lacking(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """It is looked at behind what was given twice."""
        return cls.unknown(ctx, raw, left)


@group.command(
    "CLUSTER SLOT-STATS", _OrderOptions, arity=-4, flags=LOADING | STALE,
    since={"redis": "8.2.0", "valkey": "8.0.0"}, reply=DEEP,
    tips="nondeterministic_output request_policy:all_shards",
    form="^action value* {}",
    names=(
        "filter<SLOTSRANGE=slotsrange(start-slot:integer end-slot:integer)|ORDERBY=orderby(metric "
        "[LIMIT=limit:integer] [order<ASC|DESC>])>"
    ),
)
def slot_stats(ctx: Context, *words: bytes) -> list[Any]:
    """Statistics of the slots of this node, by slot or in the order of a figure."""
    node = this_node(ctx)
    action = word_of(words[0])
    if action == b"SLOTSRANGE" and len(words) == 3:
        first, last = slot_number(words[1]), slot_number(words[2])
        if first > last:
            raise CommandError(
                f"ERR Start slot number {first} is greater than end slot number {last}"
            )
        return [_stats(node, slot) for slot in range(first, last + 1) if _serves(node, slot)]
    if action != b"ORDERBY" or len(words) < 2:
        raise CommandError(_BAD_WORDS % "SLOT-STATS")
    options = _OrderOptions.parse(ctx, words[2:])
    if words[1].lower() != b"key-count":
        raise CommandError("ERR Unrecognized sort metric for ORDERBY.")
    found = [_stats(node, slot) for slot in range(SLOTS) if _serves(node, slot)]
    found.sort(key=lambda entry: entry[1][b"key-count"], reverse=options.order == "DESC")
    return found[: options.limit[1]]


def _serves(node: Node, slot: int) -> bool:
    return node.cluster.owners[slot] is node


def _stats(node: Node, slot: int) -> list[Any]:
    return [slot, {b"key-count": len(node.keys_in(slot))}]


# Changes ----------------------------------------------------------------------------------------


def _singles(words: Words) -> Iterator[int]:
    return map(slot_number, words)


def _ranges(words: Words) -> Iterator[int]:
    """The slots of pairs of first and last, all of which are looked at before any is given."""
    pairs = []
    for first, last in zip(words[::2], words[1::2], strict=True):
        low, high = slot_number(first), slot_number(last)
        if low > high:
            raise CommandError(
                f"ERR start slot number {low} is greater than end slot number {high}"
            )
        pairs.append(range(low, high + 1))
    return (slot for pair in pairs for slot in pair)


def _change(here: Node, chosen: Iterator[int], adds: bool) -> Status:
    """Take on slots that nobody serves, or let go of slots, all or none."""
    owners = here.cluster.owners
    wanted: dict[int, None] = {}
    for slot in chosen:
        if adds and owners[slot] is not None:
            raise CommandError(f"ERR Slot {slot} is already busy")
        if not adds and owners[slot] is None:
            raise CommandError(f"ERR Slot {slot} is already unassigned")
        if slot in wanted:
            raise CommandError(f"ERR Slot {slot} specified multiple times")
        wanted[slot] = None
    for slot in wanted:
        owners[slot] = here if adds else None
        if adds:
            here.importing.pop(slot, None)
    if not adds:
        send_away(here.cluster, wanted)
    return OK


def _pairs(words: Words, label: str) -> Iterator[int]:
    if len(words) % 2:
        raise CommandError(errors.ARITY % f"cluster|{label}")
    return _ranges(words)


@group.command(
    "CLUSTER ADDSLOTS", Rest(1), arity=-3, flags=_CHANGES | SERVER_WIDE, since="3.0.0",
    names="slot:integer+",
)
def addslots(ctx: Context, words: Words) -> Status:
    """Add slots to those that this node serves."""
    return _change(this_node(ctx), _singles(words), True)


@group.command(
    "CLUSTER ADDSLOTSRANGE", Rest(2), arity=-4, flags=_CHANGES | SERVER_WIDE, since="7.0.0",
    names="range(start-slot:integer end-slot:integer)+",
)
def addslotsrange(ctx: Context, words: Words) -> Status:
    """Add ranges of slots to those that this node serves."""
    here = this_node(ctx)
    return _change(here, _pairs(words, "addslotsrange"), True)


@group.command(
    "CLUSTER DELSLOTS", Rest(1), arity=-3, flags=_CHANGES | SERVER_WIDE, since="3.0.0",
    names="slot:integer+",
)
def delslots(ctx: Context, words: Words) -> Status:
    """Unassign slots, whoever serves them."""
    return _change(this_node(ctx), _singles(words), False)


@group.command(
    "CLUSTER DELSLOTSRANGE", Rest(2), arity=-4, flags=_CHANGES | SERVER_WIDE, since="7.0.0",
    names="range(start-slot:integer end-slot:integer)+",
)
def delslotsrange(ctx: Context, words: Words) -> Status:
    """Unassign ranges of slots, whoever serves them."""
    here = this_node(ctx)
    return _change(here, _pairs(words, "delslotsrange"), False)


@group.command("CLUSTER FLUSHSLOTS", arity=2, flags=_CHANGES | SERVER_WIDE, since="3.0.0")
def flushslots(ctx: Context) -> Status:
    """Unassign all slots of this node."""
    here = this_node(ctx)
    if here.server.database(0).data:
        raise CommandError("ERR DB must be empty to perform CLUSTER FLUSHSLOTS.")
    _let_go(here)
    return OK


def _let_go(node: Node) -> None:
    owners = node.cluster.owners
    owners[:] = [None if owner is node else owner for owner in owners]
    send_away(node.cluster, range(SLOTS))


@group.command(
    "CLUSTER SETSLOT", Rest(2), arity=-4, flags=_CHANGES | SERVER_WIDE, since="3.0.0",
    form="slot ^action node",
    names=(
        "slot:integer subcommand<IMPORTING=importing/node-id|MIGRATING=migrating/node-id|"
        "NODE=node/node-id|STABLE>"
    ),
)
def setslot(ctx: Context, words: Words) -> Status:
    """Move a slot, in steps: MIGRATING, IMPORTING, NODE; STABLE undoes the first two.

    Checked in the server's order: this node, slot, action and number of words, owner, node.
    """
    here = this_node(ctx)
    if here.master is not None:
        raise CommandError("ERR Please use SETSLOT only with masters.")
    slot = slot_number(words[0])
    actions: dict[bytes, tuple[int, Callable[[Node, int, Words], None]]] = {
        b"MIGRATING": (3, _migrate), b"IMPORTING": (3, _import), b"STABLE": (2, _settle),
        b"NODE": (3, _assign),
    }
    length, act = actions.get(word_of(words[1]), (0, _settle))
    words = _without_timeout(ctx, words, length)
    if len(words) != length:
        raise CommandError(_BAD_SETSLOT)
    act(here, slot, words)
    return OK


class _SetslotOptions(Options, introduced={"valkey": "8.0.0"}, others="ignored"):
    """How long the other nodes may take; that is nothing here."""

    timeout: Annotated[int, Option("TIMEOUT", integer(error=_BAD_TIMEOUT))] = 0
    ignored: list[bytes] = []  # noqa: RUF012 (never changed: the words make a list of their own)

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """Only a word without its value is refused."""
        return CommandError("ERR Missing timeout value")


def _without_timeout(ctx: Context, words: Words, length: int) -> Words:
    """The words that are the action's own, if the server takes others."""
    if len(words) > length > 0 and ctx.server.profile.has(_SetslotOptions.introduced):
        _SetslotOptions.parse(ctx, words[length:])
        return words[:length]
    return words


def _other(here: Node, name: bytes) -> Node:
    node = here.cluster.node(name)
    if node is None:
        text = name.decode("utf-8", "surrogateescape")
        raise CommandError(f"ERR I don't know about node {text}")
    return node


def _migrate(here: Node, slot: int, words: Words) -> None:
    if not _serves(here, slot):
        raise CommandError(f"ERR I'm not the owner of hash slot {slot}")
    here.migrating[slot] = _other(here, words[2])


def _import(here: Node, slot: int, words: Words) -> None:
    if _serves(here, slot):
        raise CommandError(f"ERR I'm already the owner of hash slot {slot}")
    here.importing[slot] = _other(here, words[2])


def _settle(here: Node, slot: int, words: Words) -> None:
    here.migrating.pop(slot, None)
    here.importing.pop(slot, None)


def _assign(here: Node, slot: int, words: Words) -> None:
    node = _known(here, words[2])
    if _serves(here, slot) and node is not here and here.keys_in(slot):
        raise CommandError(
            f"ERR Can't assign hashslot {slot} to a different node while I still hold keys for "
            "this hash slot."
        )
    here.cluster.owners[slot] = node
    for each in here.cluster.nodes:
        _settle(each, slot, words)
    send_away(here.cluster, (slot,))


@group.command(
    "CLUSTER BUMPEPOCH", arity=2, flags=_CHANGES | SERVER_WIDE, since="3.0.0",
    tips="nondeterministic_output",
)
def bumpepoch(ctx: Context) -> Status:
    """Make this node's configuration the newest."""
    here = this_node(ctx)
    cluster = here.cluster
    if here.epoch == cluster.epoch and here.epoch:
        return Status(b"STILL %d" % here.epoch)
    cluster.epoch += 1
    here.epoch = cluster.epoch
    return Status(b"BUMPED %d" % here.epoch)


@group.command(
    "CLUSTER SET-CONFIG-EPOCH", Rest(1), arity=3, flags=_CHANGES | SERVER_WIDE, since="3.0.0",
    names="config-epoch:integer",
)
def set_config_epoch(ctx: Context, words: Words) -> Status:
    """Number the configuration of a node that knows no other yet."""
    here, epoch = this_node(ctx), _integer(words[0])
    if epoch < 0:
        raise CommandError(f"ERR Invalid config epoch specified: {epoch}")
    if len(here.cluster.nodes) > 1:
        raise CommandError(
            "ERR The user can assign a config epoch only when the node does not know any other "
            "node."
        )
    if here.epoch:
        raise CommandError("ERR Node config epoch is already non-zero")
    here.epoch = epoch
    here.cluster.epoch = max(here.cluster.epoch, epoch)
    return OK


@group.command("CLUSTER SAVECONFIG", arity=2, flags=_CHANGES | SERVER_WIDE, since="3.0.0")
def saveconfig(ctx: Context) -> Status:
    """Say that the configuration was written to a file; there is none."""
    this_node(ctx)
    return OK


@group.command(
    "CLUSTER MEET", Rest(2), arity=-4, flags=_CHANGES | SERVER_WIDE, since="3.0.0",
    names="ip port:integer [cluster-bus-port:integer@4.0.0]",
)
def meet(ctx: Context, words: Words) -> Status:
    """Say that a node will be met; a fake cluster has its nodes from the beginning."""
    this_node(ctx)
    if len(words) > 3:
        raise CommandError(_BAD_WORDS % _said(ctx))
    for raw, name in zip(words[1:], ("base", "bus"), strict=False):
        if parse_int(raw) is None:
            text = raw.decode("utf-8", "surrogateescape")
            raise CommandError(f"ERR Invalid {name} port specified: {text}")
    return OK


@group.command(
    "CLUSTER FORGET", Rest(1), arity=3, flags=_CHANGES | SERVER_WIDE, since="3.0.0",
    names="node-id",
)
def forget(ctx: Context, words: Words) -> Status:
    """Remove a node from the cluster."""
    here = this_node(ctx)
    node = _known(here, words[0])
    if node is here:
        raise CommandError("ERR I tried hard but I can't forget myself...")
    if node is here.master:
        raise CommandError("ERR Can't forget my master!")
    _let_go(node)
    here.cluster.nodes.remove(node)
    return OK


class _NobodyOptions(Options, introduced={"valkey": "9.0.0"}, others="words"):
    """``ONE`` behind ``NO``: to replicate nobody any longer."""

    words: list[bytes] = []  # noqa: RUF012 (never changed: the words make a list of their own)


@group.command(
    "CLUSTER REPLICATE", Raw, _NobodyOptions, flags=_CHANGES | SERVER_WIDE, since="3.0.0",
    names="node-id {}",
)
def replicate(ctx: Context, name: bytes, *words: bytes) -> Status:
    """Become a replica of a master, or of nobody.

    Checked in the server's order: the node, whether it is this one, or a replica, what is here.
    """
    here = this_node(ctx)
    if words:
        if [word.upper() for word in (name, *words)] != [b"NO", b"ONE"]:
            raise ctx.misused()
        if here.master is not None:
            leave(here)
        return OK
    master = _known(here, name)
    if master is here:
        raise CommandError("ERR Can't replicate myself")
    if master.master is not None:
        raise CommandError("ERR I can only replicate a master, not a replica.")
    if here.master is None and (here in here.cluster.owners or here.server.database(0).data):
        raise CommandError(
            "ERR To set a master the node must be empty and without assigned slots."
        )
    follow(here, master)
    return OK


@group.command(
    "CLUSTER FAILOVER", Rest(), arity=-2, flags=_CHANGES | SERVER_WIDE, since="3.0.0", form="^how",
    names="[options<FORCE|TAKEOVER>]",
)
def failover(ctx: Context, words: Words) -> Status:
    """Take over from the master, at once.

    Checked in the server's order: number of words, the word, this node, its master.
    """
    here = this_node(ctx)
    if len(words) > 1:
        raise CommandError(_BAD_WORDS % _said(ctx))
    if words and word_of(words[0]) not in (b"FORCE", b"TAKEOVER"):
        raise CommandError(errors.SYNTAX)
    if here.master is None:
        raise CommandError("ERR You should send CLUSTER FAILOVER to a replica")
    if not words and not _is_up(here.master):
        raise CommandError(
            "ERR Master is down or failed, please use CLUSTER FAILOVER FORCE"
        )
    promote(here)
    return OK


@group.command(
    "CLUSTER RESET", Rest(), arity=-2, flags=ADMIN | NOSCRIPT | STALE | SERVER_WIDE, since="3.0.0",
    form="^how", names="[reset-type<HARD|SOFT>]",
)
def reset(ctx: Context, words: Words) -> Status:
    """Forget the cluster: this node serves nothing any more."""
    here = this_node(ctx)
    if len(words) > 1:
        raise CommandError(_BAD_WORDS % _said(ctx))
    if words and word_of(words[0]) not in (b"HARD", b"SOFT"):
        raise CommandError(errors.SYNTAX)
    if here.master is not None:
        leave(here)
    if here.server.database(0).data:
        raise CommandError("ERR CLUSTER RESET can't be called with master nodes containing keys")
    _let_go(here)
    return OK


@group.command("CLUSTER HELP", arity=2, flags=LOADING | STALE, since="5.0.0")
def help_(ctx: Context) -> list[Status]:
    """The subcommands."""
    this_node(ctx)
    return help_lines(ctx)
