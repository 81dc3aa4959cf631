"""What XINFO tells."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from fakeredis import errors
from fakeredis.commands.arguments import Key, Raw, Rest, word_of
from fakeredis.commands.registry import LOADING, READONLY, STALE
from fakeredis.commands.stream.common import (
    GIVING_BACK_SINCE,
    IDEMPOTENCE_SINCE,
    entries_of,
    group,
    group_of,
    integer_of,
)
from fakeredis.datatypes.producers import Producers
from fakeredis.datatypes.stream import MAX_ID, UNKNOWN, Consumer, Stream, format_id
from fakeredis.datatypes.stream import Group as ConsumerGroup
from fakeredis.engine.command.help import help_lines
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import DEEP, Status
from fakeredis.errors import CommandError

group.container("XINFO", since="5.0.0")


def _known_stream(ctx: Context, key: bytes) -> Stream:
    stream: Stream | None = ctx.lookup_read(key, Stream)
    if stream is None:
        raise CommandError(errors.NO_SUCH_KEY)
    return stream


def _radix_nodes(numbers: Sequence[int]) -> int:
    """How many nodes a radix tree of these IDs has: a run of bytes without a branch is one."""
    keys = [number.to_bytes(16, "big") for number in numbers]

    def count(low: int, high: int, at: int) -> int:
        if high - low == 1:
            return 1 if at == 16 else 2
        first, last = keys[low], keys[high - 1]
        behind = at
        while first[behind] == last[behind]:
            behind += 1
        nodes = 1 if behind == at else 2
        start = low
        for place in range(low + 1, high + 1):
            if place == high or keys[place][behind] != keys[start][behind]:
                nodes += count(start, place, behind + 1)
                start = place
        return nodes

    return count(0, len(keys), 0) if keys else 1


@group.command(
    "XINFO STREAM", Key, Rest(flat=True), flags=READONLY, since="5.0.0", reply=DEEP,
    form="key {FULL COUNT=1}", varies="milliseconds",
    names="key [full-block(FULL [COUNT=count:integer])]",
)
def xinfo_stream(ctx: Context, key: bytes, *words: bytes) -> Any:
    """What is known of a stream; with FULL its entries and groups too.

    Checked in the server's order: key and type, syntax of the words.
    """
    stream = _known_stream(ctx, key)
    count = _full_count(ctx, words)
    info: dict[bytes, Any] = {
        b"length": stream.length, b"radix-tree-keys": len(stream.blocks),
        b"radix-tree-nodes": _radix_nodes([block.first for block in stream.blocks]),
        b"last-generated-id": format_id(stream.last_id),
        b"max-deleted-entry-id": format_id(stream.max_deleted),
        b"entries-added": stream.added,
        b"recorded-first-entry-id": format_id(stream.first_id),
    }
    if not ctx.traits.stream_history:
        for name in (b"max-deleted-entry-id", b"entries-added", b"recorded-first-entry-id"):
            del info[name]
    if ctx.server.profile.has(IDEMPOTENCE_SINCE):
        info |= _producers_info(ctx, stream)
    if count is not None:
        info[b"entries"] = entries_of(stream.range(0, MAX_ID, count or -1))
        info[b"groups"] = [
            _group_in_full(ctx, stream, name, members, count)
            for name, members in sorted(stream.groups.items())
        ]
        return info
    info[b"groups"] = len(stream.groups)
    first, last = stream.range(0, MAX_ID, 1), stream.range_reverse(0, MAX_ID, 1)
    info[b"first-entry"] = entries_of(first)[0] if first else None
    info[b"last-entry"] = entries_of(last)[0] if last else None
    return info


def _producers_info(ctx: Context, stream: Stream) -> dict[bytes, Any]:
    """What a stream remembers of its producers, in numbers."""
    known = stream.producers or Producers()
    pids, iids = known.tracked(ctx.now)
    return {
        b"idmp-duration": known.duration, b"idmp-maxsize": known.most, b"pids-tracked": pids,
        b"iids-tracked": iids, b"iids-added": known.added, b"iids-duplicates": known.duplicates,
    }


def _full_count(ctx: Context, words: Sequence[bytes]) -> int | None:
    """How many entries FULL shows, 0 for all; None without FULL."""
    if not words:
        return None
    if word_of(words[0]) != b"FULL" or len(words) not in (1, 3):
        raise ctx.misused()
    if len(words) == 1:
        return 10
    if word_of(words[1]) != b"COUNT":
        raise ctx.misused()
    count = integer_of(words[2])
    return 10 if count < 0 else count


def _group_in_full(
    ctx: Context, stream: Stream, name: bytes, members: ConsumerGroup, count: int
) -> dict[bytes, Any]:
    most = count or None
    pending = []
    for number in islice(members.pending.since(), most):
        one = members.pending.data[number]
        owner = b"" if one.consumer is None else one.consumer.name
        pending.append([format_id(number), owner, one.time, one.count])
    info: dict[bytes, Any] = {
        b"name": name, b"last-delivered-id": format_id(members.last_id),
        b"entries-read": None if members.read == UNKNOWN else members.read,
        b"lag": stream.lag(members, ctx.traits.counts_longer), b"pel-count": len(members.pending),
    }
    if not ctx.traits.stream_history:
        del info[b"entries-read"], info[b"lag"]
    if ctx.server.profile.has(GIVING_BACK_SINCE):
        owned = sum(len(consumer.pending) for consumer in members.consumers.values())
        info[b"nacked-count"] = len(members.pending) - owned
    return info | {
        b"pending": pending,
        b"consumers": [
            _consumer_in_full(ctx, consumer, most)
            for _, consumer in sorted(members.consumers.items())
        ],
    }


def _consumer_in_full(
    ctx: Context, consumer: Consumer, most: int | None
) -> dict[bytes, Any]:
    data = consumer.pending.data
    active = {b"active-time": consumer.active} if ctx.traits.consumer_activity else {}
    return {
        b"name": consumer.name, b"seen-time": consumer.seen, **active,
        b"pel-count": len(data),
        b"pending": [
            [format_id(number), data[number].time, data[number].count]
            for number in islice(consumer.pending.since(), most)
        ],
    }


@group.command("XINFO GROUPS", Key, flags=READONLY, since="5.0.0", reply=DEEP)
def xinfo_groups(ctx: Context, key: bytes) -> Any:
    """The groups of a stream."""
    stream = _known_stream(ctx, key)
    found = []
    for name, members in sorted(stream.groups.items()):
        info: dict[bytes, Any] = {
            b"name": name, b"consumers": len(members.consumers),
            b"pending": len(members.pending),
            b"last-delivered-id": format_id(members.last_id),
        }
        if ctx.traits.stream_history:
            info[b"entries-read"] = None if members.read == UNKNOWN else members.read
            info[b"lag"] = stream.lag(members, ctx.traits.counts_longer)
        found.append(info)
    return found


@group.command(
    "XINFO CONSUMERS", Key, Raw, flags=READONLY, since="5.0.0", reply=DEEP, varies="milliseconds",
    tips="nondeterministic_output", names="key group",
)
def xinfo_consumers(ctx: Context, key: bytes, name: bytes) -> Any:
    """The consumers of a group."""
    members = group_of(_known_stream(ctx, key), key, name)
    return [
        {
            b"name": consumer.name, b"pending": len(consumer.pending),
            b"idle": max(ctx.now - consumer.seen, 0), **_inactive(ctx, consumer),
        }
        for _, consumer in sorted(members.consumers.items())
    ]


def _inactive(ctx: Context, consumer: Consumer) -> dict[bytes, int]:
    if not ctx.traits.consumer_activity:
        return {}
    return {b"inactive": -1 if consumer.active < 0 else max(ctx.now - consumer.active, 0)}


@group.command("XINFO HELP", flags=LOADING | STALE, since="5.0.0", acl=("slow", "stream"))
def xinfo_help(ctx: Context) -> list[Status]:
    """What the subcommands are."""
    return help_lines(ctx)
