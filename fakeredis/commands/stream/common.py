"""What the stream commands share: IDs, numbers, streams and their groups."""

from __future__ import annotations

from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Token
from fakeredis.commands.registry import Group
from fakeredis.datatypes.numbers import INT_MAX, INT_MIN, parse_int
from fakeredis.datatypes.producers import DEFAULT_DURATION, DEFAULT_SIZE, Producers
from fakeredis.datatypes.stream import (
    ACKED,
    DELREF,
    KEEPREF,
    MAX_ID,
    SEQUENCE,
    Consumer,
    Found,
    Pending,
    Stream,
    format_id,
    parse_id,
)
from fakeredis.datatypes.stream import Group as ConsumerGroup
from fakeredis.engine.core import switches
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError

group = Group("stream")
CLAIM_SINCE: Final = {"redis": "8.4.0"}
GIVING_BACK_SINCE: Final = {"redis": "8.8.0"}
IDEMPOTENCE_SINCE: Final = {"redis": "8.6.0"}
LIMITS_SINCE: Final = {"redis": "8.10.0"}


def id_of(raw: bytes) -> int:
    """A complete ID, or one whose sequence number is 0."""
    number = parse_id(raw)
    if number is None:
        raise CommandError(errors.STREAM_ID)
    return number


def start_of(raw: bytes) -> int:
    """The lower end of an interval, which may be ``-``, or excluded by ``(``."""
    raw = raw.partition(b"\0")[0]
    if raw == b"-":
        return 0
    if raw == b"+":
        return MAX_ID
    if raw[:1] != b"(":
        return id_of(raw)
    number = id_of(raw[1:])
    if number == MAX_ID:
        raise CommandError(errors.STREAM_INTERVAL % "start")
    return number + 1


def end_of(raw: bytes) -> int:
    """The upper end of an interval; without a sequence number it has the highest one."""
    raw = raw.partition(b"\0")[0]
    if raw == b"-":
        return 0
    if raw == b"+":
        return MAX_ID
    exclusive = raw[:1] == b"("
    number = parse_id(raw[1:] if exclusive else raw, SEQUENCE)
    if number is None:
        raise CommandError(errors.STREAM_ID)
    if exclusive and not number:
        raise CommandError(errors.STREAM_INTERVAL % "end")
    return number - exclusive


def integer_of(raw: bytes, error: str = errors.NOT_INTEGER) -> int:
    """A number.

    Raises:
        CommandError: it is none; the text is ``error``.
    """
    number = parse_int(raw)
    if number is None:
        raise CommandError(error)
    return number


def text_of(raw: bytes) -> str:
    """A name inside an error text, which ends at a zero byte."""
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def entries_of(found: Found) -> list[Any]:
    """Entries as replies."""
    return [[b"%d-%d" % (at >> 64, at & SEQUENCE), list(fields)] for at, fields in found]


NEWEST: Final = {"redis": "8.2.0"}
KEPT: Final = {
    KEEPREF: Token.since(NEWEST), DELREF: Token.since(NEWEST), ACKED: Token.since(NEWEST),
}


def producers(stream: Stream) -> Producers:
    """What a stream remembers of its producers, made when it is asked for."""
    if stream.producers is None:
        stream.producers = Producers()
    return stream.producers


def new_stream(ctx: Context, key: bytes) -> Stream:
    """A stream at a key that there is none at; it keeps the limits for its producers of now."""
    stream = Stream()
    limits = ctx.server.limits
    given = limits.stream_idmp_duration, limits.stream_idmp_maxsize
    if given != (DEFAULT_DURATION, DEFAULT_SIZE):
        stream.producers = Producers(*given)
    ctx.db.put(key, stream)
    return stream


def read_so_far(ctx: Context, read: int, stream: Stream) -> int:
    """ENTRIESREAD, which older servers do not limit to what there was."""
    if ctx.traits.counts_longer or stream.added < 0:  # more than a signed number can say
        return read
    return min(read, stream.added)


def deliver_again(ctx: Context, pending: Pending) -> None:
    """Count one more delivery of an entry; newer servers stop at the highest number."""
    if pending.count < INT_MAX:
        pending.count += 1
    elif not ctx.server.profile.has(GIVING_BACK_SINCE):
        pending.count = INT_MIN


def consumer_of(
    ctx: Context, key: bytes, members: ConsumerGroup, name: bytes, needed: bool = True
) -> Consumer:
    """A consumer who asks for something now; made when it is not there.

    Args:
        needed: it is also made where that waits until it gets something: see `enter`.
    """
    consumer = members.consumers.get(name)
    if consumer is None:
        consumer = Consumer(name, ctx.now)
        if needed or not ctx.traits.consumers_when_needed:
            enter(ctx, key, members, consumer)
    consumer.seen = ctx.now
    return consumer


def enter(ctx: Context, key: bytes, members: ConsumerGroup, consumer: Consumer) -> None:
    """A consumer becomes one of its group."""
    members.consumers[consumer.name] = consumer
    ctx.modified_unsignalled(key, "xgroup-createconsumer")


def tell_claim(
    ctx: Context, key: bytes, name: bytes, members: ConsumerGroup, number: int, pending: Pending
) -> None:
    """Tell replicas whose a pending entry is now, since when, and how often it was delivered."""
    if ctx.server.switched & switches.REPLICATED:
        owner = b"" if pending.consumer is None else pending.consumer.name
        ctx.server.replication.stream.tell(
            ctx, b"XCLAIM", key, name, owner, b"0", format_id(number), b"TIME",
            b"%d" % pending.time, b"RETRYCOUNT", b"%d" % pending.count, b"FORCE", b"JUSTID",
            b"LASTID", format_id(members.last_id),
        )


def tell_position(ctx: Context, key: bytes, name: bytes, members: ConsumerGroup) -> None:
    """Tell replicas how far a group has read."""
    if ctx.server.switched & switches.REPLICATED:
        ctx.server.replication.stream.tell(
            ctx, b"XGROUP", b"SETID", key, name, format_id(members.last_id), b"ENTRIESREAD",
            b"%d" % members.read,
        )


def tell_consumer(ctx: Context, key: bytes, name: bytes, consumer: bytes) -> None:
    """Tell replicas of a new consumer."""
    if ctx.server.switched & switches.REPLICATED:
        ctx.server.replication.stream.tell(
            ctx, b"XGROUP", b"CREATECONSUMER", key, name, consumer
        )


def stream_at(ctx: Context, key: bytes) -> Stream:
    """The stream at a key, without which XGROUP does nothing."""
    stream: Stream | None = ctx.lookup_write(key, Stream)
    if stream is None:
        raise CommandError(errors.XGROUP_NO_KEY)
    return stream


def group_of(stream: Stream, key: bytes, name: bytes) -> ConsumerGroup:
    """A group of the stream at a key.

    Raises:
        CommandError: NOGROUP, there is none of that name.
    """
    members = stream.groups.get(name)
    if members is None:
        raise CommandError(errors.NO_GROUP_FOR_KEY % (text_of(name), text_of(key)))
    return members
