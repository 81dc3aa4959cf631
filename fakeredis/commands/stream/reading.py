"""Reading: XLEN, XRANGE, XREAD, XREADGROUP."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import (
    Args,
    Flag,
    Int,
    Key,
    KeySpec,
    Option,
    Options,
    Raw,
    Remaining,
    integer,
    keyword,
    span,
)
from fakeredis.commands.registry import BLOCKING, FAST, MOVABLEKEYS, READONLY, REPLY_BY_KEY, WRITE
from fakeredis.commands.stream.common import (
    CLAIM_SINCE,
    LIMITS_SINCE,
    consumer_of,
    deliver_again,
    end_of,
    enter,
    entries_of,
    group,
    id_of,
    integer_of,
    start_of,
    tell_claim,
    tell_consumer,
    tell_position,
    text_of,
)
from fakeredis.datatypes.numbers import INT_MAX
from fakeredis.datatypes.stream import MAX_ID, Consumer, Found, Stream, format_id
from fakeredis.datatypes.stream import Group as ConsumerGroup
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import BLOCKED, Shape, null_array, null_items
from fakeredis.errors import CommandError


@group.command("XLEN", Key("RO"), flags=READONLY | FAST, since="5.0.0")
def xlen(ctx: Context, key: bytes) -> int:
    """How many entries there are."""
    stream = ctx.lookup_read(key, Stream)
    return 0 if stream is None else stream.length


class _CountOptions(Options):
    """How many entries are wanted."""

    count: Annotated[int | None, Option("COUNT", Int)] = None


@group.command(
    "XRANGE", Key, Raw, Raw, _CountOptions, flags=READONLY, since="5.0.0", nulls=null_array,
    names="key start end {}",
)
def xrange(ctx: Context, key: bytes, start: bytes, end: bytes, *words: bytes) -> Any:
    """The entries between two IDs.

    Checked in the server's order: IDs, options, type. A count of 0 gives null when there is a
    stream.
    """
    return _range(ctx, key, start_of(start), end_of(end), words, False)


@group.command(
    "XREVRANGE", Key, Raw, Raw, _CountOptions, flags=READONLY, since="5.0.0", nulls=null_array,
    names="key end start {}",
)
def xrevrange(ctx: Context, key: bytes, end: bytes, start: bytes, *words: bytes) -> Any:
    """The entries between two IDs, the highest one first."""
    low = start_of(start)
    return _range(ctx, key, low, end_of(end), words, True)


def _range(
    ctx: Context, key: bytes, start: int, end: int, words: Sequence[bytes], reverse: bool
) -> Any:
    count = _CountOptions.parse(ctx, words).count if words else None
    stream = ctx.lookup_read(key, Stream)
    if stream is None:
        return []
    if count is not None and count <= 0:
        return None
    found = stream.range_reverse if reverse else stream.range
    return entries_of(found(start, end, -1 if count is None else count))


def _timeout(ctx: Context, raw: bytes) -> int:
    timeout = integer_of(raw, errors.XREAD_TIMEOUT)
    if timeout < 0:
        raise CommandError(errors.TIMEOUT_NEGATIVE)
    if timeout > INT_MAX - ctx.now:
        raise CommandError(errors.TIMEOUT_OUT_OF_RANGE)
    return timeout


def _balanced(ctx: Context, words: Sequence[bytes], error: str) -> Sequence[bytes]:
    """Keys and as many IDs."""
    if len(words) % 2:
        if not ctx.traits.plus_of_xread:
            error = error.replace("an ID, '+', or", "an ID or")
        raise CommandError(error)
    return words


class _ReadOptions(Options, at_least=3):
    """The arguments of XREAD."""

    count: Annotated[int, Option("COUNT", Int)] = -1
    timeout: Annotated[int | None, Option(
        "BLOCK", Raw.named("milliseconds:integer"), make=_timeout
    )] = None
    group: Annotated[
        Sequence[bytes], Option("GROUP", Raw, Raw, refused=errors.XREAD_ONLY_GROUP % "GROUP")
    ] = ()
    no_ack: Annotated[bool, Flag("NOACK", refused=errors.XREAD_ONLY_GROUP % "NOACK")] = False
    # The least idle time of what is taken from others.
    claim: Annotated[int | None, Option(
        "CLAIM", Raw, introduced=CLAIM_SINCE, refused=errors.XREAD_ONLY_GROUP % "CLAIM",
    )] = None
    # Of all streams together; 0 for any.
    max_count: Annotated[int, Option(
        "MAXCOUNT", integer(1, error=errors.XREAD_LIMIT % "MAXCOUNT"), introduced=LIMITS_SINCE
    )] = 0
    max_size: Annotated[int, Option(
        "MAXSIZE", integer(1, error=errors.XREAD_LIMIT % "MAXSIZE"), introduced=LIMITS_SINCE
    )] = 0
    streams: Annotated[Sequence[bytes], Option(
        "STREAMS", Remaining(form=""), make=partial(_balanced, error=errors.XREAD_UNBALANCED)
    )] = ()


class _ReadGroupOptions(_ReadOptions, at_least=6):
    """The arguments of XREADGROUP."""

    group: Annotated[Sequence[bytes], Option("GROUP", Raw, Raw)] = ()
    no_ack: Annotated[bool, Flag("NOACK")] = False
    claim: Annotated[int | None, Option(
        "CLAIM", integer(0, error=errors.CLAIM_NOT_INTEGER, range_error=errors.CLAIM_NEGATIVE)
        .named("min-idle-time"), introduced=CLAIM_SINCE,
    )] = None
    streams: Annotated[Sequence[bytes], Option(
        "STREAMS", Remaining(form=""), make=partial(_balanced, error=errors.XREADGROUP_UNBALANCED)
    )] = ()


class _Read:
    """What XREAD or XREADGROUP is to read."""

    __slots__ = (
        "claim", "count", "group", "ids", "keys", "max_count", "max_size", "noack", "streams_at",
        "timeout", "used",
    )

    def __init__(self, options: _ReadOptions, args: Args) -> None:
        if not options.streams:
            raise CommandError(errors.SYNTAX)
        self.group = options.group
        if isinstance(options, _ReadGroupOptions) and not self.group:
            raise CommandError(errors.XREADGROUP_NO_GROUP)
        self.timeout, self.noack, self.claim = options.timeout, options.no_ack, options.claim
        # Neither 0 nor a negative count limits anything.
        self.count = options.count if options.count > 0 else -1
        self.max_count, self.max_size = options.max_count, options.max_size
        if 0 < self.max_count < self.count:
            raise CommandError(errors.XREAD_MAXCOUNT)
        self.used = 0  # bytes that the reply has so far, where these are limited
        self.streams_at = len(args) - len(options.streams)
        half = len(options.streams) // 2
        self.keys = list(options.streams[:half])
        self.ids = list(options.streams[half:])

    def left(self, reply: Sequence[Any]) -> int:
        """How many entries the next stream may give, as `count`; 0 when the reply is full."""
        taken = [entry for _, entries in reply for entry in entries]
        if self.max_size:
            self.used = sum(map(_reply_bytes, taken))
            if self.used >= self.max_size:
                return 0
        if not self.max_count:
            return self.count
        rest = self.max_count - len(taken)
        return rest if self.count < 0 else min(rest, self.count)

    def cut(self, found: Found) -> Found:
        """The entries that still fit into MAXSIZE; the very first one always does."""
        if not self.max_size:
            return found
        size = self.used
        for at, (number, fields) in enumerate(found):
            is_first = not size
            size += _reply_bytes([format_id(number), fields])
            if size > self.max_size and not is_first:
                return found[:at]
        return found


def _reply_bytes(entry: Any) -> int:
    """Roughly the bytes of an entry in a reply."""
    return 24 + len(entry[0]) + sum(len(part) + 8 for part in entry[1] or ())


def _read_keys(args: Args) -> list[bytes]:
    """The keys of XREAD and XREADGROUP: the first half of what follows STREAMS."""
    for word, rest in _ReadGroupOptions.spot(args):
        if word == "STREAMS":
            return list(rest[: len(rest) // 2])
    return []


def _as_map(reply: Any) -> Any:
    """RESP3 gives what was read from each stream as a map."""
    return dict(reply) if type(reply) is list else reply


_BY_STREAM: Final = Shape(None, _as_map, "same")


@group.command(
    "XREAD", _ReadOptions, flags=READONLY | BLOCKING | MOVABLEKEYS | REPLY_BY_KEY,
    since="5.0.0", keys=_read_keys,
    specs=(KeySpec("RO access", keyword("STREAMS", 1), span(-1, limit=2)),), reply=_BY_STREAM,
    nulls=null_array, form="{} streams", names="{count} {timeout} STREAMS=streams(key:key0+ id+)",
)
def xread(ctx: Context, *args: bytes) -> Any:
    """What streams hold behind given IDs; may wait for it.

    Checked in the server's order: options, then type and ID of one stream after the other. ``$`` is
    the last ID when the command comes, also after it waited.
    """
    read = _Read(_ReadOptions.parse(ctx, args), args)
    resolved = []
    for at, (key, raw) in enumerate(zip(read.keys, read.ids, strict=True)):
        stream = ctx.lookup_read(key, Stream)
        raw = raw.partition(b"\0")[0]
        if raw == b"$":
            after = 0 if stream is None else stream.last_id
            read.ids[at] = format_id(after)
        elif raw == b"+" and ctx.traits.last_by_plus:
            last = ctx.traits.plus_is_last_id
            after = 0 if stream is None else (stream.last_id if last else stream.top_id) - 1
        elif raw == b">":
            raise CommandError(errors.XREAD_NEW)
        else:
            after = id_of(raw)
        resolved.append((key, after, 1 if raw == b"+" else read.count))
    reply: list[Any] = []
    for key, after, count in resolved:
        stream = ctx.lookup_read(key, Stream)  # the server looks twice too, which it counts
        if stream is not None and stream.length and stream.top_id > after:
            if read.max_count or read.max_size:
                count = read.left(reply)
                if not count:
                    break
            entries = read.cut(stream.range(after + 1, MAX_ID, count))
            if entries:
                reply.append([key, entries_of(entries)])
    return reply or _wait(ctx, read, Stream)


def _wait(ctx: Context, read: _Read, kind: type | None) -> Any:
    """Wait if that was asked for; null if not."""
    if read.timeout is None:
        return None
    at = read.streams_at
    ctx.args = [*ctx.args[:at], *read.keys, *read.ids]
    return ctx.block(read.keys, read.timeout, kind=kind)


def _nulls_of_history(args: Sequence[bytes], reply: Any) -> Any:
    """Null, and null instead of the fields of an entry that was deleted, are null arrays."""
    if type(reply) is not list:
        return null_array(args, reply)
    return [[key, [null_items((), entry) for entry in entries]] for key, entries in reply]


@group.command(
    "XREADGROUP", _ReadGroupOptions, flags=WRITE | BLOCKING | MOVABLEKEYS | REPLY_BY_KEY,
    since="5.0.0", keys=_read_keys,
    specs=(KeySpec("RO access", keyword("STREAMS", 4), span(-1, limit=2)),), reply=_BY_STREAM,
    nulls=_nulls_of_history, form="{} streams",
    names=(
        "GROUP=group-block(group consumer) {count} {timeout} {claim} {no_ack} "
        "STREAMS=streams(key:key0+ id+)"
    ),
)
def xreadgroup(ctx: Context, *args: bytes) -> Any:
    """What is new for a group, or what a consumer has pending; may wait for something new.

    Checked in the server's order: options, then type, group and ID of one stream after the other.
    """
    read = _Read(_ReadGroupOptions.parse(ctx, args), args)
    name, asking = read.group
    found = [
        _group_and_id(ctx, key, name, raw)
        for key, raw in zip(read.keys, read.ids, strict=True)
    ]
    reply: list[Any] = []
    for key, (stream, members, after) in zip(read.keys, found, strict=True):
        ctx.lookup_read(key, Stream)
        is_new = asking not in members.consumers
        consumer = consumer_of(ctx, key, members, asking, after is not None)
        if is_new and read.noack and asking in members.consumers:
            tell_consumer(ctx, key, name, asking)
        count = read.left(reply) if read.max_count or read.max_size else read.count
        if not count:
            break
        if after is not None:
            reply.append([key, _history(ctx, stream, consumer, after, count)])
            continue
        entries = []
        if read.claim is not None:
            entries = _claim_idle(ctx, key, name, stream, members, consumer, read.claim, count)
            count = count if count < 0 else count - len(entries)
        if count and stream.length and stream.top_id > members.last_id:
            entries += _deliver(ctx, key, name, stream, members, consumer, read, count)
        if entries:
            reply.append([key, entries])
    if reply or read.claim is None:
        return reply or _wait(ctx, read, None)
    return _wait_for_idle(ctx, read, [members for _, members, _ in found])


def _claim_idle(
    ctx: Context, key: bytes, name: bytes, stream: Stream, members: ConsumerGroup,
    consumer: Consumer, idle: int, count: int,
) -> list[Any]:
    """Take over what has been pending for long: its entries, their idle times and deliveries."""
    now = ctx.now
    entries: list[Any] = []
    for number, pending in members.longest_idle(now - idle):
        if len(entries) == count:
            break
        fields = stream.get(number)
        if fields is None:
            tell_claim(ctx, key, name, members, number, pending)
            members.acknowledge(number)
        else:
            waited = max(now - pending.time, 0)
            entries.append([format_id(number), list(fields), waited, pending.count])
            members.hand_over(number, pending, consumer)
            pending.time, pending.given_back = now, 0
            deliver_again(ctx, pending)
            tell_claim(ctx, key, name, members, number, pending)
            consumer.active = now
        ctx.modified_unsignalled(key)
    return entries


def _wait_for_idle(ctx: Context, read: _Read, groups: Sequence[ConsumerGroup]) -> Any:
    """Wait for something new, or until something has been pending for long enough."""
    reply = _wait(ctx, read, None)
    wait = ctx.session.wait
    times = [one.time for members in groups for one in members.pending.data.values()]
    if reply is BLOCKED and wait is not None and times:
        assert read.claim is not None
        wait.run_again_at(min(times) + read.claim)
    return reply


def _group_and_id(
    ctx: Context, key: bytes, name: bytes, raw: bytes
) -> tuple[Stream, ConsumerGroup, int | None]:
    """A stream, its group, and the ID behind which to look; None for ``>``."""
    stream: Stream | None = ctx.lookup_read(key, Stream)
    members = None if stream is None else stream.groups.get(name)
    if stream is None or members is None:
        raise CommandError(errors.NO_GROUP_READ % (text_of(key), text_of(name)))
    raw = raw.partition(b"\0")[0]
    if raw == b"$" or (raw == b"+" and ctx.traits.last_by_plus):
        raise CommandError(errors.XREADGROUP_MEANINGLESS % (raw.decode(), raw.decode()))
    after = MAX_ID if raw == b">" else id_of(raw)
    return stream, members, None if after == MAX_ID else after  # as the server keeps ``>``


def _deliver(
    ctx: Context, key: bytes, name: bytes, stream: Stream, members: ConsumerGroup,
    consumer: Consumer, read: _Read, count: int,
) -> list[Any]:
    """Give a consumer what the group has not seen yet."""
    found = read.cut(stream.range(members.last_id + 1, MAX_ID, count))
    if not found:
        return []
    if consumer.name not in members.consumers:
        enter(ctx, key, members, consumer)
        if read.noack:
            tell_consumer(ctx, key, name, consumer.name)
    now = ctx.now
    for number, _ in found:
        stream.advance(members, number, ctx.traits.counts_longer, ctx.traits.counts_from_first)
        if not read.noack:
            members.deliver(number, consumer, now)
            tell_claim(ctx, key, name, members, number, members.pending.data[number])
    tell_position(ctx, key, name, members)
    if not read.noack:
        consumer.active = now
    ctx.modified_unsignalled(key)
    entries = entries_of(found)
    return entries if read.claim is None else [[*entry, 0, 0] for entry in entries]


def _history(
    ctx: Context, stream: Stream, consumer: Consumer, after: int, count: int
) -> list[Any]:
    """Give a consumer again what it has pending; null for the fields of what was deleted."""
    numbers = consumer.pending.since(after + 1)
    entries = []
    for number in numbers if count < 0 else islice(numbers, count):
        fields = stream.get(number)
        if fields is not None:
            pending = consumer.pending.data[number]
            pending.time = ctx.now
            deliver_again(ctx, pending)
        entries.append([format_id(number), None if fields is None else list(fields)])
    return entries
