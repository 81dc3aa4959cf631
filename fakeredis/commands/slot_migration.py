"""Slots that move from node to node in one step: CLUSTER MIGRATION, TRIMSLOTS, CLUSTER SYNCSLOTS.

A server imports in the background, by a connection to the other node that CLUSTER SYNCSLOTS is said
over. Here both nodes are in this process, and what is asked for is done when the call replies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import word_of
from fakeredis.commands.cluster import slot_number, this_node
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.cluster.cluster import Migration, Node, send_away
from fakeredis.engine.cluster.replicas import new_id
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK
from fakeredis.errors import CommandError, ConnectionLost

Words = Sequence[bytes]
_TASKS_KEPT: Final = 32


def migration(ctx: Context, words: Words) -> Any:
    """Import slots from the node that serves them; tell of such tasks, or end those that run.

    Checked in the server's order: this node, number of words by the action, slots and their owners.
    """
    node = this_node(ctx)
    action = word_of(words[0])
    if action == b"IMPORT":
        return _import(ctx, node, words[1:])
    if action not in (b"STATUS", b"CANCEL"):
        raise CommandError(errors.UNKNOWN_ARGUMENT_UNNAMED)
    found = _named(ctx, node, words[1:])
    if action == b"CANCEL":
        return 0  # all have ended
    return [_facts(node, task) for task in found]


def _named(ctx: Context, node: Node, words: Words) -> list[Migration]:
    """The tasks that ``ALL`` or ``ID id`` means, the newest first."""
    which = word_of(words[0])
    if which not in (b"ALL", b"ID"):
        raise CommandError(errors.UNKNOWN_ARGUMENT_UNNAMED)
    if len(words) != 1 + (which == b"ID"):
        raise ctx.wrong_arity()
    found = reversed(node.migrations)
    return [task for task in found if which == b"ALL" or task.id.encode() == words[1]]


def _facts(node: Node, task: Migration) -> dict[bytes, Any]:
    ranges = " ".join(f"{low}-{high}" for low, high in task.ranges)
    return {
        b"id": task.id.encode(), b"slots": ranges.encode(),
        b"source": task.source.id.encode(), b"dest": task.target.id.encode(),
        b"operation": b"import" if task.target is node else b"migrate",
        b"state": b"completed", b"last_error": b"", b"retries": 0, b"create_time": task.time,
        b"start_time": task.time, b"end_time": task.time, b"write_pause_ms": 0,
    }


def _ranges(words: Words) -> list[tuple[int, int]]:
    """Pairs of first and last slot, none of which comes twice."""
    seen: set[int] = set()
    ranges = []
    for first, last in zip(words[::2], words[1::2], strict=True):
        low, high = slot_number(first), slot_number(last)
        if low > high:
            raise CommandError(errors.SLOTS_BACKWARDS % (low, high))
        for slot in range(low, high + 1):
            if slot in seen:
                raise CommandError(errors.SLOT_TWICE % slot)
            seen.add(slot)
        ranges.append((low, high))
    return ranges


def _import(ctx: Context, node: Node, words: Words) -> bytes:
    """Take slots and their keys over; the task's ID."""
    if len(words) % 2:
        raise ctx.wrong_arity()
    ranges = _ranges(words)
    slots = [slot for low, high in ranges for slot in range(low, high + 1)]
    source = _owner(node, slots)
    for slot in slots:
        _move(source, node, slot)
    send_away(node.cluster, slots)
    task = Migration(new_id(), source, node, sorted(ranges), ctx.now)
    for each in (source, node):
        each.migrations = [*each.migrations, task][-_TASKS_KEPT:]
    return task.id.encode()


def _owner(node: Node, slots: Sequence[int]) -> Node:
    """The one other node that serves all of some slots."""
    owners = node.cluster.owners
    source = None
    for slot in slots:
        owner = owners[slot]
        if owner is None:
            raise CommandError(errors.SLOT_WITHOUT_OWNER % slot)
        if source not in (None, owner):
            raise CommandError(errors.SLOTS_OF_SEVERAL)
        source = owner
    assert source is not None
    if source is node:
        raise CommandError(errors.SLOTS_OWNED)
    return source


def _move(source: Node, target: Node, slot: int) -> None:
    """A slot and its keys go to another node."""
    old, new = source.server.database(0), target.server.database(0)
    for key in source.keys_in(slot):
        value, deadline = old.data[key], old.expires.get(key)
        old.delete(key)
        source.server.key_modified(old, key, "", "generic")
        new.place(key, value, deadline)
        target.server.key_modified(new, key, "", "generic")
    target.cluster.owners[slot] = target
    for node in target.cluster.nodes:
        node.migrating.pop(slot, None)
        node.importing.pop(slot, None)


def trimslots(ctx: Context, words: Words) -> Any:
    """Remove the keys of slots that this node does not serve.

    Checked in the server's order: this node, RANGES and their number, slots, owners.
    """
    node = this_node(ctx)
    if word_of(words[0]) != b"RANGES":
        raise CommandError(errors.RANGES_MISSING)
    count = parse_int(words[1])
    if count is None:
        raise CommandError(errors.NOT_INTEGER)
    if count < 1 or len(words) - 2 != 2 * count:
        raise CommandError(errors.RANGES_COUNT)
    slots = [slot for low, high in _ranges(words[2:]) for slot in range(low, high + 1)]
    for slot in slots:
        if node.cluster.owners[slot] is node:
            raise CommandError(errors.SLOT_SERVED % slot)
    for slot in slots:
        for key in node.keys_in(slot):
            ctx.server.database(0).delete(key)
            ctx.server.key_modified(ctx.server.database(0), key, "", "generic", ctx)
    return OK


def syncslots(ctx: Context, words: Words) -> Any:
    """What nodes say to one another; the server hangs up on whoever else says it."""
    this_node(ctx)
    ctx.session.close()
    raise ConnectionLost("Connection closed by server.")
