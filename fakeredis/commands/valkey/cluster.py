"""Commands of clusters that Valkey alone has: CLUSTERSCAN, and slots that move in one step."""

from __future__ import annotations

import itertools
import string
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, Final, NamedTuple

from fakeredis import errors
from fakeredis.commands.arguments import Argument, Flag, Key, OneOf, Option, Options, Rest, Token
from fakeredis.commands.cluster import slot_number, this_node
from fakeredis.commands.generic.keys import check_type, chosen, scan_count, type_asked
from fakeredis.commands.registry import (
    ADMIN,
    NO_ASYNC_LOADING,
    READONLY,
    STALE,
    WRITE,
    Databases,
    Group,
)
from fakeredis.datatypes.glob import matcher
from fakeredis.datatypes.numbers import parse_int, parse_unsigned
from fakeredis.engine.cluster.cluster import SLOTS, Node, send_away, slot_of
from fakeredis.engine.cluster.replicas import new_id
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import DEEP, OK, Status
from fakeredis.errors import CommandError

group = Group("cluster")
_SINCE: Final = {"valkey": "9.0.0"}
_ALL: Final = Databases(every=True)
_CHANGES: Final = ADMIN | NO_ASYNC_LOADING | STALE

# CLUSTERSCAN ------------------------------------------------------------------------------------


def _known(ctx: Context, kind: bytes) -> bytes:
    check_type(ctx, kind)
    return kind


class _ScanOptions(Options):
    """The options of SCAN, and the one slot that is wanted."""

    match: Annotated[bytes, Option("MATCH", Argument(bytes).named("pattern:pattern"))] = b"*"
    count: Annotated[int, Option("COUNT", Argument(scan_count, kind="integer"))] = 10
    kind: Annotated[bytes | None, Option("TYPE", Argument(type_asked), make=_known)] = None
    slots: Annotated[
        Sequence[int], Option("SLOT", Argument(slot_number, kind="integer"), many=True)
    ] = ()
    novalues: Annotated[bool, Flag("NOVALUES", refused=errors.NOVALUES_ONLY_HSCAN)] = False


class _Cursor(NamedTuple):
    """Where a scan goes on."""

    slot: int
    within: int  # the slot, as SCAN's own cursors


@cache
def _tags() -> list[str]:
    """For each slot the shortest word that is of it, the first of its length."""
    found: dict[int, str] = {}
    letters = string.digits + string.ascii_lowercase + string.ascii_uppercase
    for size in (1, 2, 3):
        for word in itertools.product(letters, repeat=size):
            tag = "".join(word)
            found.setdefault(slot_of(tag.encode()), tag)
    return [found[slot] for slot in range(SLOTS)]


def _mark(ctx: Context) -> str:
    """What tells a server's cursors within a slot from those of others."""
    return ctx.server.run_id[:6]


def _written(ctx: Context, cursor: _Cursor) -> bytes:
    mark = _mark(ctx) if cursor.within else "0"
    return f"{mark}-{{{_tags()[cursor.slot]}}}-{cursor.within}".encode()


def _read(ctx: Context, raw: bytes) -> _Cursor:
    """What a cursor means; one of another server begins its slot anew."""
    parts = raw.split(b"-", 2)
    within = parse_unsigned(parts[2]) if len(parts) == 3 else None
    if within is None:
        raise CommandError("ERR Invalid cursor")
    return _Cursor(slot_of(parts[1]), within if parts[0] == _mark(ctx).encode() else 0)


def _slot_of_pattern(pattern: bytes) -> int | None:
    """The one slot of what matches a pattern, if that can be told."""
    start = pattern.find(b"{")
    end = pattern.find(b"}", start + 1) if start >= 0 else -1
    fixed = pattern[:end] if end > start + 1 else pattern
    if any(sign in fixed for sign in (b"*", b"?", b"[", b"\\")):
        return None
    return slot_of(pattern)


@group.command(
    "CLUSTERSCAN", Key("not_key"), _ScanOptions, flags=READONLY, since={"valkey": "9.1.0"},
    acl=("keyspace", "read", "slow"), names=(
        "cursor:string [MATCH=match-pattern:pattern] [COUNT=count:integer] [TYPE=type] "
        "[SLOT=slot:integer]"
    ),
    tips="nondeterministic_output request_policy:special response_policy:special",
)
def clusterscan(ctx: Context, raw: bytes, *words: bytes) -> list[Any]:
    """Some of the keys of a slot, or of several that follow one another, and the next cursor.

    Checked in the server's order: options, cursor.
    """
    here = this_node(ctx)
    options = _ScanOptions.parse(ctx, words)
    if len(options.slots) > 1:
        raise CommandError("ERR SLOT option can only be specified once")
    wanted = options.slots[0] if options.slots else None
    bound = _slot_of_pattern(options.match)
    if wanted is not None and bound not in (None, wanted):
        return [b"0", []]
    only = bound if wanted is None else wanted
    if raw == b"0":
        return [_written(ctx, _Cursor(only or 0, 0)), []]
    cursor = _read(ctx, raw)
    if wanted is not None and cursor.slot != wanted:
        raise CommandError("ERR Cursor slot mismatch with SLOT argument")
    if only is not None and cursor.slot != only:
        return [b"0", []]
    after, keys = _scanned(ctx, here, cursor, options.count, only is not None)
    match = None if options.match == b"*" else matcher(options.match)
    return [after, chosen(ctx, keys, match, options.kind)]


def _scanned(
    ctx: Context, here: Node, cursor: _Cursor, count: int, one_slot: bool
) -> tuple[bytes, list[bytes]]:
    """Keys from a cursor on, at least so many if this node has them, and the next cursor."""
    by_slot: dict[int, list[bytes]] = {}
    for key in list(ctx.db.data):
        by_slot.setdefault(slot_of(key), []).append(key)
    found: list[bytes] = []
    slot, within, owners = cursor.slot, cursor.within, here.cluster.owners
    owner = owners[slot]
    while True:
        keys = by_slot.get(slot, [])
        taken = keys[within : within + count - len(found)]
        found += taken
        within += len(taken)
        if within < len(keys):
            return _written(ctx, _Cursor(slot, within)), found
        slot, within = slot + 1, 0
        if one_slot or slot == SLOTS:
            return b"0", found
        if owners[slot] is not owner or len(found) >= count:
            return _written(ctx, _Cursor(slot, 0)), found


# Slots ------------------------------------------------------------------------------------------


class _FlushOptions(Options):
    """Whether the memory is freed at once; that is nothing here."""

    how: Annotated[str, OneOf(ASYNC=Token, SYNC=Token)] = ""


@group.command(
    "CLUSTER FLUSHSLOT", Rest(1), arity=-3, flags=ADMIN | NO_ASYNC_LOADING | WRITE, since=_SINCE,
    acl=("admin", "dangerous", "keyspace", "slow", "write"),
    names="slot:integer [flush-type<ASYNC|SYNC>]", form="^slot",
)
def flushslot(ctx: Context, words: Sequence[bytes]) -> Status:
    """Remove all keys of a slot.

    Checked in the server's order: slot, number of words, the word.
    """
    here, slot = this_node(ctx), slot_number(words[0])
    if len(words) > 2:
        raise ctx.misused()
    _FlushOptions.parse(ctx, words[1:])
    for key in here.keys_in(slot):
        ctx.delete(key)
    return OK


class _Move(NamedTuple):
    """Slots that are to go to another node."""

    ranges: list[tuple[int, int]]
    target: Node

    @property
    def slots(self) -> list[int]:
        return [slot for first, last in self.ranges for slot in range(first, last + 1)]


@group.command(
    "CLUSTER MIGRATESLOTS", Rest(2), arity=-4, flags=_CHANGES, since=_SINCE, databases=_ALL,
    form="^how", names=(
        "migration-group(slotsrange-token<SLOTSRANGE> range(start-slot:integer end-slot:integer)+ "
        "node-token<NODE> node-id)+"
    ),
)
def migrateslots(ctx: Context, words: Sequence[bytes]) -> Status:
    """Move slots and their keys to other nodes, each range in one step: at once, here.

    Checked in the server's order, group by group: ranges, node, who serves the slots.
    """
    here = this_node(ctx)
    seen: list[tuple[int, int]] = []
    moves: list[_Move] = []
    while words:
        move, words = _group(here, words, seen)
        _check_owner(here, move)
        moves.append(move)
    for move in moves:
        _move(ctx, here, move)
    return OK


def _group(
    here: Node, words: Sequence[bytes], seen: list[tuple[int, int]]
) -> tuple[_Move, Sequence[bytes]]:
    """The first group of words, and those behind it."""
    if words[0].upper() != b"SLOTSRANGE":
        raise CommandError(errors.SYNTAX)
    at = 1
    ranges: list[tuple[int, int]] = []
    while at + 1 < len(words) and parse_int(words[at]) is not None:
        ranges.append(_range(words[at], words[at + 1], seen))
        at += 2
    if not ranges:
        raise CommandError("ERR No slot ranges specified")
    if at + 1 >= len(words) or words[at].upper() != b"NODE":
        raise CommandError(errors.SYNTAX)
    return _Move(ranges, _target(here, words[at + 1])), words[at + 2 :]


def _range(first_raw: bytes, last_raw: bytes, seen: list[tuple[int, int]]) -> tuple[int, int]:
    first, last = slot_number(first_raw), slot_number(last_raw)
    if first > last:
        raise CommandError(
            f"ERR Start slot number {first} is greater than end slot number {last}."
        )
    for start, end in seen:
        if first <= end and start <= last:
            raise CommandError(
                f"ERR Slot range {first}-{last} overlaps with previous range {start}-{end}."
            )
    seen.append((first, last))
    return first, last


def _target(here: Node, name: bytes) -> Node:
    text = name.decode("utf-8", "surrogateescape")
    if len(name) != 40:
        raise CommandError(f"ERR Invalid node name: {text}")
    node = here.cluster.node(name)
    if node is None:
        raise CommandError(f"ERR Unknown node name: {text}")
    if node is here:
        raise CommandError("ERR Target node can not be this node.")
    return node


def _check_owner(here: Node, move: _Move) -> None:
    owners = {id(here.cluster.owners[slot]) for slot in move.slots}
    if len(owners) > 1:
        raise CommandError("ERR Requested slots span multiple shards")
    if owners != {id(here)}:
        raise CommandError("ERR Slots are not served by this node.")


def _move(ctx: Context, here: Node, move: _Move) -> None:
    db, other = ctx.db, move.target.server.database(0)
    slots = set(move.slots)
    for key in [key for key in db.data if slot_of(key) in slots]:
        value, deadline = db.data[key], db.expires.get(key)
        if deadline is None or deadline > ctx.now:
            other.place(key, value, deadline)
        db.delete(key)
        ctx.modified(key, "del")
    for slot in slots:
        here.cluster.owners[slot] = move.target
    send_away(here.cluster, slots)
    _note(ctx, here, move)


def _note(ctx: Context, here: Node, move: _Move) -> None:
    """What both nodes tell of it."""
    now = ctx.now // 1000
    ranges = " ".join(f"{first}-{last}" for first, last in move.ranges)
    facts: dict[bytes, Any] = {
        b"slot_ranges": ranges.encode(), b"target_node": move.target.id.encode(),
        b"source_node": here.id.encode(), b"create_time": now, b"last_update_time": now,
        b"last_ack_time": now, b"state": b"success", b"message": b"", b"cow_size": 0,
        b"remaining_repl_size": 0,
    }
    name = new_id().encode()
    for node, operation in ((here, b"EXPORT"), (move.target, b"IMPORT")):
        node.moves.insert(0, {b"name": name, b"operation": operation, **facts})
        del node.moves[node.server.config.integer("cluster-slot-migration-log-max-len") :]


@group.command(
    "CLUSTER GETSLOTMIGRATIONS", arity=2, flags=_CHANGES, since=_SINCE, reply=DEEP,
    varies="always",
)
def getslotmigrations(ctx: Context) -> list[Any]:
    """The slots that were moved in one step, the last first."""
    return list(this_node(ctx).moves)


@group.command(
    "CLUSTER CANCELSLOTMIGRATIONS", arity=2, flags=_CHANGES, since=_SINCE, databases=_ALL,
)
def cancelslotmigrations(ctx: Context) -> Status:
    """Refused: there is never one that has not ended."""
    this_node(ctx)
    raise CommandError("ERR No migrations ongoing")


@group.command("CLUSTER SYNCSLOTS", Rest(1), arity=-3, flags=_CHANGES, since=_SINCE, form="^how")
def syncslots(ctx: Context, words: Sequence[bytes]) -> Status:
    """Refused: it is for nodes that move slots, and these move them by themselves."""
    this_node(ctx)
    raise CommandError(errors.SYNTAX)
