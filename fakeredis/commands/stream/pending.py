"""Pending entries: XPENDING, XCLAIM, XAUTOCLAIM."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import (
    Argument,
    Flag,
    Key,
    OneOf,
    Option,
    Options,
    Raw,
    Rest,
    integer,
    word_of,
)
from fakeredis.commands.registry import FAST, READONLY, SEQUENTIAL, WRITE
from fakeredis.commands.stream.common import (
    consumer_of,
    deliver_again,
    end_of,
    enter,
    group,
    id_of,
    integer_of,
    start_of,
    tell_claim,
    tell_position,
    text_of,
)
from fakeredis.datatypes.numbers import INT_MAX, signed
from fakeredis.datatypes.stream import (
    Consumer,
    Fields,
    Pending,
    PendingEntries,
    Stream,
    format_id,
    parse_id,
)
from fakeredis.datatypes.stream import Group as ConsumerGroup
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import null_array
from fakeredis.errors import CommandError


def _existing_group(
    ctx: Context, key: bytes, name: bytes
) -> tuple[Stream, ConsumerGroup]:
    """A stream and its group, without which there is nothing pending."""
    stream: Stream | None = ctx.lookup_read(key, Stream)
    members = None if stream is None else stream.groups.get(name)
    if stream is None or members is None:
        raise CommandError(errors.NO_GROUP % (text_of(key), text_of(name)))
    return stream, members


def _pending_nulls(args: Sequence[bytes], reply: Any) -> Any:
    """The summary of a group without pending entries ends with a null array."""
    return reply if len(args) > 2 else [*reply[:3], null_array((), reply[3])]


@group.command(
    "XPENDING", Key, Raw, Rest(flat=True), flags=READONLY, since="5.0.0", nulls=_pending_nulls,
    form="key group {IDLE=1} start end count consumer", varies="milliseconds",
    tips="nondeterministic_output",
    names=(
        "key group [filters([IDLE=min-idle-time:integer@6.2.0] start end count:integer "
        "[consumer])]"
    ),
)
def xpending(ctx: Context, key: bytes, name: bytes, *words: bytes) -> Any:
    """What is pending in a group: a summary, or each entry of an interval.

    Checked in the server's order: syntax, type, group.
    """
    if not words:
        return _pending_summary(_existing_group(ctx, key, name)[1])
    idle, start, end, count, consumer = _pending_arguments(words)
    members = _existing_group(ctx, key, name)[1]
    pending: PendingEntries | None = members.pending
    if consumer is not None:
        owner = members.consumers.get(consumer)
        pending = None if owner is None else owner.pending
    if pending is None or count <= 0:
        return []
    return list(islice(_pending_rows(ctx.now, pending, start, end, idle), count))


def _pending_summary(members: ConsumerGroup) -> list[Any]:
    if not members.pending:
        return [0, None, None, None]
    low, high = members.pending.bounds()
    consumers = [
        [name, b"%d" % len(consumer.pending)]
        for name, consumer in sorted(members.consumers.items())
        if consumer.pending
    ]
    return [len(members.pending), format_id(low), format_id(high), consumers]


def _pending_arguments(
    words: Sequence[bytes],
) -> tuple[int, int, int, int, bytes | None]:
    """Least idle time, interval, count and consumer."""
    if not 3 <= len(words) <= 6:
        raise CommandError(errors.SYNTAX)
    idle = at = 0
    if word_of(words[0]) == b"IDLE":
        idle = integer_of(words[1])
        if len(words) < 5:
            raise CommandError(errors.SYNTAX)
        at = 2
    count = integer_of(words[at + 2])
    start, end = start_of(words[at]), end_of(words[at + 1])
    return idle, start, end, count, words[at + 3] if len(words) > at + 3 else None


def _pending_rows(
    now: int, pending: PendingEntries, start: int, end: int, idle: int
) -> Iterable[list[Any]]:
    for number in pending.since(start):
        if number > end:
            return
        one = pending.data[number]
        waited = max(signed(now - one.time), 0)
        if not idle or now - one.time >= idle:
            if one.consumer is None:
                yield [format_id(number), b"", -1, one.count]
            else:
                yield [format_id(number), one.consumer.name, waited, one.count]


def _claim_number(word: str) -> Argument:
    return integer(error=errors.XCLAIM_ARGUMENT % word)


class _ClaimOptions(Options, at_least=1):
    """The options of XCLAIM."""

    last_time: Annotated[tuple[str, int], OneOf(
        IDLE=_claim_number("IDLE"), TIME=_claim_number("TIME"), last=True
    )] = ("IDLE", 0)
    count: Annotated[int, Option(
        "RETRYCOUNT", _claim_number("RETRYCOUNT").named("count")
    )] = -1
    force: Annotated[bool, Flag("FORCE")] = False
    just_id: Annotated[bool, Flag("JUSTID")] = False
    last_id: Annotated[int, Option("LASTID", Argument(id_of))] = 0

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """It names the word."""
        return CommandError(errors.XCLAIM_OPTION % text_of(raw))

    def time(self, now: int) -> int:
        """When entries are to have been delivered: not in the future."""
        word, number = self.last_time
        time = now - number if word == "IDLE" else number
        return time if 0 <= time <= now else now


@group.command(
    "XCLAIM", Key("RW update"), Raw, Raw, Raw, _ClaimOptions, flags=WRITE | FAST, since="5.0.0",
    form="key group consumer idle id* {}",
    tips="nondeterministic_output",
    names=(
        "key group consumer min-idle-time id+ [IDLE=ms:integer] "
        "[TIME=unix-time-milliseconds:unix-time] {count} {force} {just_id} {last_id}"
    ),
)
def xclaim(
    ctx: Context, key: bytes, name: bytes, consumer_name: bytes, raw_idle: bytes, *words: bytes
) -> list[Any]:
    """Take over pending entries from other consumers.

    Checked in the server's order: type, group, idle time, options.
    """
    stream, members = _existing_group(ctx, key, name)
    idle = max(integer_of(raw_idle, errors.MIN_IDLE % "XCLAIM"), 0)
    numbers: list[int] = []
    for raw in words:
        number = parse_id(raw)
        if number is None:
            break
        numbers.append(number)
    options = _ClaimOptions.parse(ctx, words[len(numbers) :])
    moved = options.last_id > members.last_id
    if moved:
        stream.move_group(members, options.last_id)
        ctx.modified_unsignalled(key)
    consumer = consumer_of(ctx, key, members, consumer_name, False)
    reply = []
    for number in numbers:
        fields = _claim(ctx, key, name, stream, members, consumer, number, idle, options)
        if fields is not None:
            reply.append(_claimed(number, fields, options.just_id))
    if moved and not reply:
        tell_position(ctx, key, name, members)
    return reply


def _claimed(number: int, fields: Fields | None, just_id: bool) -> Any:
    if not (fields or just_id):
        return None  # deleted: Redis 6.2
    return format_id(number) if just_id else [format_id(number), list(fields or ())]


def _claim(
    ctx: Context, key: bytes, name: bytes, stream: Stream, members: ConsumerGroup,
    consumer: Consumer, number: int, idle: int, options: _ClaimOptions,
) -> Fields | None:
    """Hand over one entry; its fields (empty: it was deleted), or None when it was not."""
    pending = members.pending.data.get(number)
    fields = stream.get(number)
    if fields is None and ctx.traits.claims_deleted and pending is not None:
        fields = ()
    if fields is None:
        if pending is not None:
            tell_claim(ctx, key, name, members, number, pending)
        if members.acknowledge(number):
            ctx.modified_unsignalled(key)
        return None
    if pending is None:
        if not options.force:
            return None
        pending = members.claimable(number, ctx.now)
    elif idle and ctx.now - pending.time < idle:
        return None
    if consumer.name not in members.consumers:
        enter(ctx, key, members, consumer)
    members.hand_over(number, pending, consumer)
    pending.time, pending.given_back = options.time(ctx.now), 0
    _count_delivery(ctx, pending, options.count, options.just_id)
    tell_claim(ctx, key, name, members, number, pending)
    consumer.active = ctx.now
    ctx.modified_unsignalled(key)
    return fields


def _count_delivery(ctx: Context, pending: Pending, count: int, just_id: bool) -> None:
    if count >= 0:
        pending.count = count
    elif not just_id:
        deliver_again(ctx, pending)


_MOST_CLAIMED: Final = INT_MAX // 16


class _AutoclaimOptions(Options):
    """The options of XAUTOCLAIM."""

    count: Annotated[
        int, Option("COUNT", integer(1, _MOST_CLAIMED, error=errors.XAUTOCLAIM_COUNT))
    ] = 100
    just_id: Annotated[bool, Flag("JUSTID")] = False


@group.command(
    "XAUTOCLAIM", Key("RW delete"), Raw, Raw, Raw, Raw, _AutoclaimOptions,
    flags=WRITE | FAST | SEQUENTIAL, since="6.2.0", form="key group consumer idle start {}",
    tips="nondeterministic_output", names="key group consumer min-idle-time start {}",
)
def xautoclaim(
    ctx: Context, key: bytes, name: bytes, consumer_name: bytes, raw_idle: bytes, raw: bytes,
    *words: bytes,
) -> list[Any]:
    """Take over what others have had pending for long; where to go on, entries, what was deleted.

    Checked in the server's order: idle time, start, options, type, group.
    """
    idle = max(integer_of(raw_idle, errors.MIN_IDLE % "XAUTOCLAIM"), 0)
    start = start_of(raw)
    options = _AutoclaimOptions.parse(ctx, words)
    count, just_id = options.count, options.just_id
    stream, members = _existing_group(ctx, key, name)
    if count > 1 << 40:
        raise CommandError(errors.XAUTOCLAIM_MEMORY)
    consumer = consumer_of(ctx, key, members, consumer_name, False)
    claimed: list[Any] = []
    deleted: list[bytes] = []
    attempts, cursor = count * 10, 0
    for number in members.pending.since(start):
        if not attempts or not count:
            cursor = number
            break
        attempts -= 1
        fields = stream.get(number)
        if fields is None and not ctx.traits.claims_deleted:
            tell_claim(ctx, key, name, members, number, members.pending.data[number])
            members.acknowledge(number)
            ctx.modified_unsignalled(key)
            deleted.append(format_id(number))
            count -= 1
            continue
        pending = members.pending.data[number]
        if idle and ctx.now - pending.time < idle:
            continue
        if consumer.name not in members.consumers:
            enter(ctx, key, members, consumer)
        members.hand_over(number, pending, consumer)
        pending.time, pending.given_back = ctx.now, 0
        _count_delivery(ctx, pending, -1, just_id)
        tell_claim(ctx, key, name, members, number, pending)
        consumer.active = ctx.now
        ctx.modified_unsignalled(key)
        claimed.append(_claimed(number, fields, just_id))
        count -= 1
    reply: list[Any] = [format_id(cursor), claimed]
    return [*reply, deleted] if ctx.server.profile.has("7.0.0") else reply
