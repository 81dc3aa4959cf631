"""Stream commands: Redis's "stream" group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Annotated, Any, Final, NamedTuple

from fakeredis import errors
from fakeredis.commands.arguments import (
    Args,
    Argument,
    Counted,
    Flag,
    Int,
    Key,
    KeySpec,
    Many,
    OneOf,
    Option,
    Options,
    Raw,
    Remaining,
    Rest,
    Threshold,
    Token,
    Values,
    integer,
    keyword,
    span,
    word_of,
)
from fakeredis.commands.registry import (
    BLOCKING,
    DENYOOM,
    FAST,
    LOADING,
    MOVABLEKEYS,
    READONLY,
    REPLY_BY_KEY,
    SEQUENTIAL,
    STALE,
    WRITE,
    Group,
    unchanged,
)
from fakeredis.datatypes.numbers import INT_MAX, parse_int
from fakeredis.datatypes.producers import Producers
from fakeredis.datatypes.stream import (
    ACKED,
    DELREF,
    KEEPREF,
    MAX_ID,
    SEQUENCE,
    UNKNOWN,
    Consumer,
    Fields,
    Found,
    Pending,
    PendingEntries,
    Stream,
    format_id,
    parse_id,
)
from fakeredis.datatypes.stream import Group as ConsumerGroup
from fakeredis.datatypes.xxh3 import digest
from fakeredis.engine.command.help import help_lines
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.profiles import Profile
from fakeredis.engine.core.replies import (
    BLOCKED,
    DEEP,
    OK,
    Shape,
    Status,
    null_array,
    null_items,
)
from fakeredis.errors import CommandError

group = Group("stream")

_CLAIM_SINCE: Final = {"redis": "8.4.0"}
_GIVING_BACK_SINCE: Final = {"redis": "8.8.0"}
_IDEMPOTENCE_SINCE: Final = {"redis": "8.6.0"}
_LIMITS_SINCE: Final = {"redis": "8.10.0"}


# IDs and numbers ----------------------------------------------------------------------------


def _id(raw: bytes) -> int:
    """A complete ID, or one whose sequence number is 0."""
    number = parse_id(raw)
    if number is None:
        raise CommandError(errors.STREAM_ID)
    return number


def _start(raw: bytes) -> int:
    """The lower end of an interval, which may be ``-``, or excluded by ``(``."""
    raw = raw.partition(b"\0")[0]
    if raw == b"-":
        return 0
    if raw == b"+":
        return MAX_ID
    if raw[:1] != b"(":
        return _id(raw)
    number = _id(raw[1:])
    if number == MAX_ID:
        raise CommandError(errors.STREAM_INTERVAL % "start")
    return number + 1


def _end(raw: bytes) -> int:
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


def _integer(raw: bytes, error: str = errors.NOT_INTEGER) -> int:
    number = parse_int(raw)
    if number is None:
        raise CommandError(error)
    return number


def _text(raw: bytes) -> str:
    """A name inside an error text, which ends at a zero byte."""
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _entries(found: Found) -> list[Any]:
    """Entries as replies."""
    return [[b"%d-%d" % (at >> 64, at & SEQUENCE), list(fields)] for at, fields in found]


# Adding and trimming ------------------------------------------------------------------------


def _length(raw: bytes) -> int:
    length = _integer(raw)
    if length < 0:
        raise CommandError(errors.STREAM_MAXLEN_NEGATIVE)
    return length


_NEWEST: Final = {"redis": "8.2.0"}
_KEPT: Final = {
    KEEPREF: Token.since(_NEWEST), DELREF: Token.since(_NEWEST), ACKED: Token.since(_NEWEST),
}


class _Trimming(Options):
    """What streams are trimmed by."""

    trim: Annotated[tuple[str, tuple[bool, int]] | None, OneOf(
        MAXLEN=Values(Threshold(Argument(_length))),
        MINID=Values(Threshold(Argument(_id))).since("6.2.0"),
        once=True, error=errors.STREAM_TWO_TRIMMINGS,
    )] = None
    limit: Annotated[int | None, Option(
        "LIMIT", integer(0, range_error=errors.STREAM_LIMIT_NEGATIVE), introduced="6.2.0"
    )] = None
    kept: str = KEEPREF

    def check(self) -> None:
        """LIMIT needs a trimming with ``~``."""
        if self.limit and self.trim is None:
            raise CommandError(errors.STREAM_LIMIT_ALONE)
        if self.limit is not None and not (self.trim and self.trim[1][0]):
            raise CommandError(errors.STREAM_LIMIT_EXACT)


class _TrimOptions(_Trimming, at_least=2):
    """The options of XTRIM."""

    kept: Annotated[str, OneOf(**_KEPT, once=True)] = KEEPREF

    def check(self) -> None:
        """It needs any trimming."""
        if self.trim is None and not self.limit:
            raise CommandError(errors.STREAM_NO_TRIMMING)
        super().check()


def _named_entry(ctx: Context, producer: bytes, name: bytes) -> tuple[bytes, bytes | None]:
    for text, what in ((producer, "producer"), (name, "idempotent")):
        if not text:
            raise CommandError(errors.STREAM_IDMP_EMPTY % ("IDMP", what))
    return producer, name


def _named_by_itself(ctx: Context, producer: bytes) -> tuple[bytes, bytes | None]:
    if not producer:
        raise CommandError(errors.STREAM_IDMP_EMPTY % ("IDMPAUTO", "producer"))
    return producer, None


class _AddOptions(_Trimming, at_least=3):
    """The options of XADD; what is none is its ID."""

    no_stream: Annotated[bool, Flag("NOMKSTREAM").since("6.2.0")] = False
    kept: Annotated[str, OneOf(**_KEPT, once=True, error=errors.STREAM_ID)] = KEEPREF
    # A producer, and its name for the entry.
    idempotent: Annotated[tuple[str, tuple[bytes, bytes | None]] | None, OneOf(
        IDMP=Values(Raw, Raw, make=_named_entry).since(_IDEMPOTENCE_SINCE),
        IDMPAUTO=Values(Raw, make=_named_by_itself).since(_IDEMPOTENCE_SINCE),
        once=True, error=errors.STREAM_IDMP_TWICE,
    )] = None


def _trim(ctx: Context, stream: Stream, options: _Trimming) -> int:
    """Trim by the options; how many entries went."""
    assert options.trim is not None
    word, (approximate, bound) = options.trim
    limit = options.limit or 0
    if approximate and options.limit is None:
        limit = min(100 * ctx.server.limits.stream_node_max_entries or 10_000, 1_000_000)
    length, lowest = (bound, 0) if word == "MAXLEN" else (None, bound)
    return stream.trim(length, lowest, approximate, limit, options.kept)


class _Given(NamedTuple):
    """The ID that XADD was given: all of it, or without its sequence number."""

    number: int
    complete: bool


def _given_id(raw: bytes, profile: Profile) -> _Given:
    if raw[-2:] == b"-*" and profile.has("7.0.0"):
        number = parse_id(raw[:-2]) if b"-" not in raw[:-2] else None
        if number is None or len(raw) > 127:
            raise CommandError(errors.STREAM_ID)
        return _Given(number, False)
    return _Given(_id(raw), True)


def _xadd_counterpart(args: Args, reply: Any) -> tuple[Args, Callable[[Any], Any]]:
    """XADD with the ID that the entry was given."""
    said = [b"XADD", *args]
    for at, word in enumerate(args[1:] if type(reply) is bytes else (), 2):
        if word == b"*" or (word.endswith(b"-*") and parse_int(word[:-2]) is not None):
            said[at] = reply
            break
    return said, unchanged


@group.command(
    "XADD", Key("RW update"), _AddOptions, flags=WRITE | DENYOOM | FAST, since="5.0.0",
    form="key {} id (field value)*",
    counterpart=_xadd_counterpart, tips="nondeterministic_output", legacy_arity="XADD",
)
def xadd(ctx: Context, key: bytes, *words: bytes) -> Any:
    """Append an entry; its ID, or None with NOMKSTREAM and no stream.

    Checked in the server's order: options and ID, number of words, an ID of zero, type, whether the
    ID is higher than all before.
    """
    if words[0] == b"*":
        options = given = None
        fields = words[1:]
    else:
        options, given, fields = _xadd_words(ctx, words)
    if not fields or len(fields) & 1:
        raise CommandError(errors.ARITY % "xadd")
    if given is not None and given.complete and not given.number:
        raise CommandError(errors.STREAM_ID_ZERO)
    stream: Stream | None = ctx.lookup_write(key, Stream)
    if stream is None and options is not None and options.no_stream:
        return None
    named = None if options is None or not options.idempotent else _named(options, fields)
    if named is not None and stream is not None and stream.producers is not None:
        found = stream.producers.find(*named, ctx.now)
        if found is not None:
            return format_id(found)
    last = 0 if stream is None else stream.last_id
    number = ctx.now << 64 if given is None else given.number
    if number <= last or given is not None:
        number = _next_id(last, number, given)
    if stream is None:
        stream = Stream()
        ctx.db.put(key, stream)
    stream.append(number, fields, ctx.server.limits)
    ctx.modified(key, "xadd")
    if named is not None:
        producers(ctx, stream).remember(*named, number, ctx.now)
    if options is not None and options.trim is not None and _trim(ctx, stream, options):
        ctx.modified_unsignalled(key, "xtrim", changes=0)
    return b"%d-%d" % (number >> 64, number & SEQUENCE)


def _named(options: _AddOptions, fields: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Producer and name of an entry; IDMPAUTO takes the entry itself, in any order of fields."""
    assert options.idempotent is not None
    producer, name = options.idempotent[1]
    if name is not None:
        return producer, name
    pairs = sorted(zip(fields[::2], fields[1::2], strict=True))
    return producer, digest(repr(pairs).encode())


def producers(ctx: Context, stream: Stream) -> Producers:
    """What a stream remembers of its producers, made when it is asked for."""
    if stream.producers is None:
        stream.producers = Producers()
    return stream.producers


def _xadd_words(
    ctx: Context, words: Sequence[bytes]
) -> tuple[_AddOptions, _Given | None, tuple[bytes, ...]]:
    """Options, ID and fields of XADD."""
    options, at = _AddOptions.take(ctx, words)
    given = None
    if at < len(words) and word_of(words[at]) != b"*":
        given = _given_id(words[at], ctx.server.profile)
        if options.idempotent:
            raise CommandError(errors.STREAM_IDMP_ID)
    options.check()
    return options, given, tuple(words[at + 1 :])


def _next_id(last: int, number: int, given: _Given | None) -> int:
    """The ID of the new entry, which must be higher than the last one."""
    if last == MAX_ID:
        raise CommandError(errors.STREAM_EXHAUSTED)
    if given is None:
        return last + 1
    if not given.complete and number >> 64 == last >> 64:
        number = last + 1 if last & SEQUENCE != SEQUENCE else 0
    if number <= last:
        raise CommandError(errors.STREAM_ID_SMALL)
    return number


@group.command(
    "XTRIM", Key("RW delete"), _TrimOptions, flags=WRITE, since="5.0.0",
    tips="nondeterministic_output",
)
def xtrim(ctx: Context, key: bytes, *words: bytes) -> int:
    """Remove the oldest entries; how many went.

    Checked in the server's order: syntax, type.
    """
    options = _TrimOptions.parse(ctx, words)
    options.check()
    stream: Stream | None = ctx.lookup_write(key, Stream)
    if stream is None:
        return 0
    gone = _trim(ctx, stream, options)
    if gone:
        ctx.modified(key, "xtrim")
        ctx.server.dirty += gone - 1
    return gone


def _deleted_below(last: int, raw: bytes) -> int:
    """MAXDELETEDID, which is not above the ID that is set."""
    deleted = _id(raw)
    if deleted > last:
        raise CommandError(errors.XSETID_BELOW_GIVEN)
    return deleted


class _SetidOptions(Options, introduced="7.0.0"):
    """What a stream knows of its past."""

    added: Annotated[int | None, Option(
        "ENTRIESADDED", integer(0, range_error=errors.XSETID_NEGATIVE)
    )] = None
    deleted: Annotated[int | None, Option("MAXDELETEDID", Raw, make=_deleted_below)] = None


@group.command(
    "XSETID", Key("RW update"), Raw, _SetidOptions, flags=WRITE | DENYOOM | FAST, since="5.0.0",
)
def xsetid(ctx: Context, key: bytes, raw: bytes, *words: bytes) -> Any:
    """Set the last ID of a stream, and what it knows of its past.

    Checked in the server's order: ID, options, the ID against the options, key and type, the ID
    against what was deleted and the entries.
    """
    number = _id(raw)
    options = _SetidOptions.parse(ctx, words, number)
    added = options.added
    stream: Stream | None = ctx.lookup_write(key, Stream)
    if stream is None:
        raise CommandError(errors.NO_SUCH_KEY)
    if number < stream.max_deleted:
        raise CommandError(errors.XSETID_BELOW_DELETED)
    if stream.length:
        if number < stream.top_id:
            raise CommandError(errors.XSETID_BELOW_TOP)
        if added is not None and added < stream.length:
            raise CommandError(errors.XSETID_FEW)
    stream.last_id = number
    stream.added = stream.added if added is None else added
    stream.max_deleted = options.deleted or stream.max_deleted
    ctx.modified_unsignalled(key, "xsetid")
    return OK


# Reading ------------------------------------------------------------------------------------


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
)
def xrange(ctx: Context, key: bytes, start: bytes, end: bytes, *words: bytes) -> Any:
    """The entries between two IDs.

    Checked in the server's order: IDs, options, type. A count of 0 gives null when there is a
    stream.
    """
    return _range(ctx, key, _start(start), _end(end), words, False)


@group.command(
    "XREVRANGE", Key, Raw, Raw, _CountOptions, flags=READONLY, since="5.0.0", nulls=null_array,
)
def xrevrange(ctx: Context, key: bytes, end: bytes, start: bytes, *words: bytes) -> Any:
    """The entries between two IDs, the highest one first."""
    low = _start(start)
    return _range(ctx, key, low, _end(end), words, True)


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
    return _entries(found(start, end, -1 if count is None else count))


def _timeout(ctx: Context, raw: bytes) -> int:
    timeout = _integer(raw, errors.XREAD_TIMEOUT)
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
    timeout: Annotated[int | None, Option("BLOCK", Raw, make=_timeout)] = None
    group: Annotated[
        Sequence[bytes], Option("GROUP", Raw, Raw, refused=errors.XREAD_ONLY_GROUP % "GROUP")
    ] = ()
    no_ack: Annotated[bool, Flag("NOACK", refused=errors.XREAD_ONLY_GROUP % "NOACK")] = False
    # The least idle time of what is taken from others.
    claim: Annotated[int | None, Option(
        "CLAIM", Raw, introduced=_CLAIM_SINCE, refused=errors.XREAD_ONLY_GROUP % "CLAIM",
    )] = None
    # Of all streams together; 0 for any.
    max_count: Annotated[int, Option(
        "MAXCOUNT", integer(1, error=errors.XREAD_LIMIT % "MAXCOUNT"), introduced=_LIMITS_SINCE
    )] = 0
    max_size: Annotated[int, Option(
        "MAXSIZE", integer(1, error=errors.XREAD_LIMIT % "MAXSIZE"), introduced=_LIMITS_SINCE
    )] = 0
    streams: Annotated[Sequence[bytes], Option(
        "STREAMS", Remaining(form=""), make=partial(_balanced, error=errors.XREAD_UNBALANCED)
    )] = ()


class _ReadGroupOptions(_ReadOptions, at_least=6):
    """The arguments of XREADGROUP."""

    group: Annotated[Sequence[bytes], Option("GROUP", Raw, Raw)] = ()
    no_ack: Annotated[bool, Flag("NOACK")] = False
    claim: Annotated[int | None, Option(
        "CLAIM", integer(0, error=errors.CLAIM_NOT_INTEGER, range_error=errors.CLAIM_NEGATIVE),
        introduced=_CLAIM_SINCE,
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
    nulls=null_array, form="{} streams",
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
            after = _id(raw)
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
                reply.append([key, _entries(entries)])
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
        consumer = _consumer(ctx, key, members, asking, after is not None)
        count = read.left(reply) if read.max_count or read.max_size else read.count
        if not count:
            break
        if after is not None:
            reply.append([key, _history(ctx, stream, consumer, after, count)])
            continue
        entries = []
        if read.claim is not None:
            entries = _claim_idle(ctx, key, stream, members, consumer, read.claim, count)
            count = count if count < 0 else count - len(entries)
        if count and stream.length and stream.top_id > members.last_id:
            entries += _deliver(ctx, key, stream, members, consumer, read, count)
        if entries:
            reply.append([key, entries])
    if reply or read.claim is None:
        return reply or _wait(ctx, read, None)
    return _wait_for_idle(ctx, read, [members for _, members, _ in found])


def _claim_idle(
    ctx: Context, key: bytes, stream: Stream, members: ConsumerGroup, consumer: Consumer,
    idle: int, count: int,
) -> list[Any]:
    """Take over what has been pending for long: its entries, their idle times and deliveries."""
    now = ctx.now
    entries: list[Any] = []
    for number, pending in members.longest_idle(now - idle):
        if len(entries) == count:
            break
        fields = stream.get(number)
        if fields is None:
            members.acknowledge(number)
        else:
            waited = max(now - pending.time, 0)
            entries.append([format_id(number), list(fields), waited, pending.count])
            members.hand_over(number, pending, consumer)
            pending.time, pending.given_back = now, 0
            pending.count = min(pending.count + 1, INT_MAX)
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


def _read_so_far(ctx: Context, read: int, stream: Stream) -> int:
    """ENTRIESREAD, which older servers do not limit to what there was."""
    return read if ctx.traits.counts_longer else min(read, stream.added)


def _group_and_id(
    ctx: Context, key: bytes, name: bytes, raw: bytes
) -> tuple[Stream, ConsumerGroup, int | None]:
    """A stream, its group, and the ID behind which to look; None for ``>``."""
    stream: Stream | None = ctx.lookup_read(key, Stream)
    members = None if stream is None else stream.groups.get(name)
    if stream is None or members is None:
        raise CommandError(errors.NO_GROUP_READ % (_text(key), _text(name)))
    raw = raw.partition(b"\0")[0]
    if raw == b"$" or (raw == b"+" and ctx.traits.last_by_plus):
        raise CommandError(errors.XREADGROUP_MEANINGLESS % (raw.decode(), raw.decode()))
    after = MAX_ID if raw == b">" else _id(raw)
    return stream, members, None if after == MAX_ID else after  # as the server keeps ``>``


def _consumer(
    ctx: Context, key: bytes, members: ConsumerGroup, name: bytes, needed: bool = True
) -> Consumer:
    """A consumer who asks for something now; made when it is not there.

    Args:
        needed: it is also made where that waits until it gets something: see `_enter`.
    """
    consumer = members.consumers.get(name)
    if consumer is None:
        consumer = Consumer(name, ctx.now)
        if needed or not ctx.traits.consumers_when_needed:
            _enter(ctx, key, members, consumer)
    consumer.seen = ctx.now
    return consumer


def _enter(ctx: Context, key: bytes, members: ConsumerGroup, consumer: Consumer) -> None:
    """A consumer becomes one of its group."""
    members.consumers[consumer.name] = consumer
    ctx.modified_unsignalled(key, "xgroup-createconsumer")


def _deliver(
    ctx: Context, key: bytes, stream: Stream, members: ConsumerGroup, consumer: Consumer,
    read: _Read, count: int,
) -> list[Any]:
    """Give a consumer what the group has not seen yet."""
    found = read.cut(stream.range(members.last_id + 1, MAX_ID, count))
    if not found:
        return []
    if consumer.name not in members.consumers:
        _enter(ctx, key, members, consumer)
    now = ctx.now
    for number, _ in found:
        stream.advance(members, number, ctx.traits.counts_longer)
        if not read.noack:
            members.deliver(number, consumer, now)
    if not read.noack:
        consumer.active = now
    ctx.modified_unsignalled(key)
    entries = _entries(found)
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
            pending.count += 1
        entries.append([format_id(number), None if fields is None else list(fields)])
    return entries


# Deleting and acknowledging -----------------------------------------------------------------


def _ids(raw_ids: Iterable[bytes]) -> list[int]:
    """All IDs, before anything is done with one."""
    return [_id(raw) for raw in raw_ids]


@group.command("XDEL", Key("RW delete"), Many(Raw), flags=WRITE | FAST, since="5.0.0")
def xdel(ctx: Context, key: bytes, raw_ids: list[bytes]) -> int:
    """Remove entries; how many there were. The IDs are looked at only when there is a stream."""
    stream: Stream | None = ctx.lookup_write(key, Stream)
    if stream is None:
        return 0
    gone = sum(map(stream.delete, _ids(raw_ids)))
    _deleted(ctx, key, gone)
    return gone


def _deleted(ctx: Context, key: bytes, gone: int) -> None:
    """Announce how many entries were deleted, if any."""
    if gone:
        ctx.modified(key, "xdel")
        ctx.server.dirty += gone - 1


class _IdsOptions(Options, at_least=3):
    """``[KEEPREF | DELREF | ACKED] IDS numids id [id ...]``, in any order."""

    kept: Annotated[str, OneOf(**_KEPT, once=True)] = KEEPREF
    ids: Annotated[list[bytes] | None, Option(
        "IDS", Counted(integer(1, error=errors.NUM_IDS), errors.NUM_IDS_MISMATCH)
    )] = None


def _strategy_and_ids(ctx: Context, words: Sequence[bytes]) -> tuple[str, Sequence[bytes]]:
    options = _IdsOptions.parse(ctx, words)
    if options.ids is None:
        raise CommandError(errors.SYNTAX)
    return options.kept, options.ids


_OUTCOME: Final = {None: -1, True: 1, False: 2}


@group.command(
    "XDELEX", Key("RW delete"), _IdsOptions, flags=WRITE | FAST, since=_NEWEST,
)
def xdelex(ctx: Context, key: bytes, *words: bytes) -> list[int]:
    """Remove entries with regard to groups: -1 without the entry, 1 removed, 2 still needed.

    Checked in the server's order: type, syntax, IDs.
    """
    stream: Stream | None = ctx.lookup_write(key, Stream)
    strategy, raw_ids = _strategy_and_ids(ctx, words)
    if stream is None:
        return [-1] * len(raw_ids)
    outcomes = [stream.delete_with(number, strategy) for number in _ids(raw_ids)]
    _deleted(ctx, key, outcomes.count(True))
    return [_OUTCOME[outcome] for outcome in outcomes]


@group.command("XACK", Key("RW update"), Raw, Many(Raw), flags=WRITE | FAST, since="5.0.0")
def xack(ctx: Context, key: bytes, name: bytes, raw_ids: list[bytes]) -> int:
    """Entries are no longer pending; how many were.

    Checked in the server's order: type, group (0 without one), IDs.
    """
    stream: Stream | None = ctx.lookup_read(key, Stream)
    members = None if stream is None else stream.groups.get(name)
    if members is None:
        return 0
    gone = sum(map(members.acknowledge, _ids(raw_ids)))
    if gone:
        ctx.modified_unsignalled(key, changes=gone)
    return gone


@group.command(
    "XACKDEL", Key("RW update delete"), Raw, _IdsOptions, flags=WRITE | FAST, since=_NEWEST,
    form="key group {}",
)
def xackdel(ctx: Context, key: bytes, name: bytes, *words: bytes) -> list[int]:
    """XACK and XDELEX in one: -1 where nothing was pending.

    Checked in the server's order: type, syntax, group, IDs.
    """
    stream: Stream | None = ctx.lookup_read(key, Stream)
    strategy, raw_ids = _strategy_and_ids(ctx, words)
    members = None if stream is None else stream.groups.get(name)
    if stream is None or members is None:
        return [-1] * len(raw_ids)
    outcomes, gone = [], 0
    for number in _ids(raw_ids):
        if not members.acknowledge(number):
            outcomes.append(-1)
            continue
        deleted = stream.delete_with(number, strategy)
        gone += bool(deleted)
        outcomes.append(2 if deleted is False else 1)
        ctx.modified_unsignalled(key)
    _deleted(ctx, key, gone)
    ctx.server.dirty -= gone
    return outcomes


# Groups -------------------------------------------------------------------------------------

group.container("XGROUP", since="5.0.0")


class _GroupOptions(Options):
    """The options of XGROUP SETID."""

    read: Annotated[int, Option(
        "ENTRIESREAD", integer(-1, range_error=errors.ENTRIES_READ), introduced="7.0.0"
    )] = UNKNOWN

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """It points to HELP."""
        return ctx.misused()


class _CreateOptions(_GroupOptions):
    """The options of XGROUP CREATE."""

    create: Annotated[bool, Flag("MKSTREAM")] = False


def _stream(ctx: Context, key: bytes) -> Stream:
    """The stream at a key, without which XGROUP does nothing."""
    stream: Stream | None = ctx.lookup_write(key, Stream)
    if stream is None:
        raise CommandError(errors.XGROUP_NO_KEY)
    return stream


def _group_of(stream: Stream, key: bytes, name: bytes) -> ConsumerGroup:
    members = stream.groups.get(name)
    if members is None:
        raise CommandError(errors.NO_GROUP_FOR_KEY % (_text(name), _text(key)))
    return members


@group.command(
    "XGROUP CREATE", Key("RW insert"), Raw, Raw, _CreateOptions, flags=WRITE | DENYOOM,
    since="5.0.0", form="key group id {}",
)
def xgroup_create(ctx: Context, key: bytes, name: bytes, raw: bytes, *words: bytes) -> Any:
    """Make a group that reads behind an ID.

    Checked in the server's order: options, type, key, ID, whether the group is there.
    """
    options = _CreateOptions.parse(ctx, words)
    stream: Stream | None = ctx.lookup_write(key, Stream) if options.create else _stream(ctx, key)
    if len(words) > 3:
        raise ctx.misused()
    if word_of(raw) == b"$":
        last = 0 if stream is None else stream.last_id
    else:
        last = _id(raw)
    if stream is None:
        stream = Stream()
        ctx.db.put(key, stream)
        ctx.modified(key, "xgroup-create")
    elif name in stream.groups:
        raise CommandError(errors.GROUP_EXISTS)
    else:
        ctx.modified_unsignalled(key, "xgroup-create")
    stream.add_group(name, ConsumerGroup(last, _read_so_far(ctx, options.read, stream)))
    return OK


@group.command(
    "XGROUP SETID", Key("RW update"), Raw, Raw, _GroupOptions, flags=WRITE, since="5.0.0",
    form="key group id {}",
)
def xgroup_setid(ctx: Context, key: bytes, name: bytes, raw: bytes, *words: bytes) -> Any:
    """Set the ID behind which a group reads on.

    Checked in the server's order: options, type, key, group, ID.
    """
    read = _GroupOptions.parse(ctx, words).read
    stream = _stream(ctx, key)
    members = _group_of(stream, key, name)
    if len(words) > 2:
        raise ctx.misused()
    ends = {b"$": stream.last_id, b"-": 0, b"+": MAX_ID}
    end = ends.get(word_of(raw))
    stream.move_group(members, _id(raw) if end is None else end)
    members.read = _read_so_far(ctx, read, stream)
    ctx.modified_unsignalled(key, "xgroup-setid")
    return OK


@group.command("XGROUP DESTROY", Key("RW delete"), Raw, flags=WRITE, since="5.0.0")
def xgroup_destroy(ctx: Context, key: bytes, name: bytes) -> int:
    """Remove a group; whether it was there. Those who wait for something new learn of it."""
    if _stream(ctx, key).groups.pop(name, None) is None:
        return 0
    ctx.modified_unsignalled(key, "xgroup-destroy")
    if key in ctx.db.blocked:
        ctx.server.ready.append((ctx.db, key))
    return 1


@group.command(
    "XGROUP CREATECONSUMER", Key("RW insert"), Raw, Raw, flags=WRITE | DENYOOM, since="6.2.0"
)
def xgroup_createconsumer(ctx: Context, key: bytes, name: bytes, consumer: bytes) -> int:
    """Make a consumer; whether it is new."""
    members = _group_of(_stream(ctx, key), key, name)
    if consumer in members.consumers:
        return 0
    _consumer(ctx, key, members, consumer)
    return 1


@group.command("XGROUP DELCONSUMER", Key("RW delete"), Raw, Raw, flags=WRITE, since="5.0.0")
def xgroup_delconsumer(ctx: Context, key: bytes, name: bytes, consumer: bytes) -> int:
    """Remove a consumer; how many entries it had pending, which no longer are."""
    gone = _group_of(_stream(ctx, key), key, name).remove_consumer(consumer)
    if gone is None:
        return 0
    ctx.modified_unsignalled(key, "xgroup-delconsumer")
    return gone


@group.command("XGROUP HELP", flags=LOADING | STALE, since="5.0.0", acl=("slow", "stream"))
def xgroup_help(ctx: Context) -> list[Status]:
    """What the subcommands are."""
    return help_lines(ctx)


# Pending entries ----------------------------------------------------------------------------


def _existing_group(
    ctx: Context, key: bytes, name: bytes
) -> tuple[Stream, ConsumerGroup]:
    """A stream and its group, without which there is nothing pending."""
    stream: Stream | None = ctx.lookup_read(key, Stream)
    members = None if stream is None else stream.groups.get(name)
    if stream is None or members is None:
        raise CommandError(errors.NO_GROUP % (_text(key), _text(name)))
    return stream, members


def _pending_nulls(args: Sequence[bytes], reply: Any) -> Any:
    """The summary of a group without pending entries ends with a null array."""
    return reply if len(args) > 2 else [*reply[:3], null_array((), reply[3])]


@group.command(
    "XPENDING", Key, Raw, Rest(flat=True), flags=READONLY, since="5.0.0", nulls=_pending_nulls,
    form="key group {IDLE=1} start end count consumer", varies="milliseconds",
    tips="nondeterministic_output",
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
        idle = _integer(words[1])
        if len(words) < 5:
            raise CommandError(errors.SYNTAX)
        at = 2
    count = _integer(words[at + 2])
    start, end = _start(words[at]), _end(words[at + 1])
    return idle, start, end, count, words[at + 3] if len(words) > at + 3 else None


def _pending_rows(
    now: int, pending: PendingEntries, start: int, end: int, idle: int
) -> Iterable[list[Any]]:
    for number in pending.since(start):
        if number > end:
            return
        one = pending.data[number]
        waited = max(now - one.time, 0)
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
    count: Annotated[int, Option("RETRYCOUNT", _claim_number("RETRYCOUNT"))] = -1
    force: Annotated[bool, Flag("FORCE")] = False
    just_id: Annotated[bool, Flag("JUSTID")] = False
    last_id: Annotated[int, Option("LASTID", Argument(_id))] = 0

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """It names the word."""
        return CommandError(errors.XCLAIM_OPTION % _text(raw))

    def time(self, now: int) -> int:
        """When entries are to have been delivered: not in the future."""
        word, number = self.last_time
        time = now - number if word == "IDLE" else number
        return time if 0 <= time <= now else now


@group.command(
    "XCLAIM", Key("RW update"), Raw, Raw, Raw, _ClaimOptions, flags=WRITE | FAST, since="5.0.0",
    form="key group consumer idle id* {}",
    tips="nondeterministic_output",
)
def xclaim(
    ctx: Context, key: bytes, name: bytes, consumer_name: bytes, raw_idle: bytes, *words: bytes
) -> list[Any]:
    """Take over pending entries from other consumers.

    Checked in the server's order: type, group, idle time, options.
    """
    stream, members = _existing_group(ctx, key, name)
    idle = max(_integer(raw_idle, errors.MIN_IDLE % "XCLAIM"), 0)
    numbers: list[int] = []
    for raw in words:
        number = parse_id(raw)
        if number is None:
            break
        numbers.append(number)
    options = _ClaimOptions.parse(ctx, words[len(numbers) :])
    if options.last_id > members.last_id:
        stream.move_group(members, options.last_id)
        ctx.modified_unsignalled(key)
    consumer = _consumer(ctx, key, members, consumer_name, False)
    reply = []
    for number in numbers:
        fields = _claim(ctx, key, stream, members, consumer, number, idle, options)
        if fields is not None:
            reply.append(_claimed(number, fields, options.just_id))
    return reply


def _claimed(number: int, fields: Fields | None, just_id: bool) -> Any:
    if not (fields or just_id):
        return None  # deleted: Redis 6.2
    return format_id(number) if just_id else [format_id(number), list(fields or ())]


def _claim(
    ctx: Context, key: bytes, stream: Stream, members: ConsumerGroup, consumer: Consumer,
    number: int, idle: int, options: _ClaimOptions,
) -> Fields | None:
    """Hand over one entry; its fields (empty: it was deleted), or None when it was not."""
    pending = members.pending.data.get(number)
    fields = stream.get(number)
    if fields is None and ctx.traits.claims_deleted and pending is not None:
        fields = ()
    if fields is None:
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
        _enter(ctx, key, members, consumer)
    members.hand_over(number, pending, consumer)
    pending.time, pending.given_back = options.time(ctx.now), 0
    _count_delivery(pending, options.count, options.just_id)
    consumer.active = ctx.now
    ctx.modified_unsignalled(key)
    return fields


def _count_delivery(pending: Pending, count: int, just_id: bool) -> None:
    if count >= 0:
        pending.count = count
    elif not just_id:
        pending.count = min(pending.count + 1, INT_MAX)


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
    tips="nondeterministic_output",
)
def xautoclaim(
    ctx: Context, key: bytes, name: bytes, consumer_name: bytes, raw_idle: bytes, raw: bytes,
    *words: bytes,
) -> list[Any]:
    """Take over what others have had pending for long; where to go on, entries, what was deleted.

    Checked in the server's order: idle time, start, options, type, group.
    """
    idle = max(_integer(raw_idle, errors.MIN_IDLE % "XAUTOCLAIM"), 0)
    start = _start(raw)
    options = _AutoclaimOptions.parse(ctx, words)
    count, just_id = options.count, options.just_id
    stream, members = _existing_group(ctx, key, name)
    if count > 1 << 40:
        raise CommandError(errors.XAUTOCLAIM_MEMORY)
    consumer = _consumer(ctx, key, members, consumer_name, False)
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
            members.acknowledge(number)
            ctx.modified_unsignalled(key)
            deleted.append(format_id(number))
            count -= 1
            continue
        pending = members.pending.data[number]
        if idle and ctx.now - pending.time < idle:
            continue
        if consumer.name not in members.consumers:
            _enter(ctx, key, members, consumer)
        members.hand_over(number, pending, consumer)
        pending.time, pending.given_back = ctx.now, 0
        _count_delivery(pending, -1, just_id)
        consumer.active = ctx.now
        ctx.modified_unsignalled(key)
        claimed.append(_claimed(number, fields, just_id))
        count -= 1
    reply: list[Any] = [format_id(cursor), claimed]
    return [*reply, deleted] if ctx.server.profile.has("7.0.0") else reply


# Information --------------------------------------------------------------------------------

group.container("XINFO", since="5.0.0")


def _known_stream(ctx: Context, key: bytes) -> Stream:
    stream: Stream | None = ctx.lookup_read(key, Stream)
    if stream is None:
        raise CommandError(errors.NO_SUCH_KEY)
    return stream


@group.command(
    "XINFO STREAM", Key, Rest(flat=True), flags=READONLY, since="5.0.0", reply=DEEP,
    form="key {FULL COUNT=1}", varies="milliseconds",
)
def xinfo_stream(ctx: Context, key: bytes, *words: bytes) -> Any:
    """What is known of a stream; with FULL its entries and groups too.

    Checked in the server's order: key and type, syntax of the words.
    """
    stream = _known_stream(ctx, key)
    count = _full_count(ctx, words)
    nodes = len(stream.blocks)
    info: dict[bytes, Any] = {
        b"length": stream.length, b"radix-tree-keys": nodes,
        b"radix-tree-nodes": nodes + 1,
        b"last-generated-id": format_id(stream.last_id),
        b"max-deleted-entry-id": format_id(stream.max_deleted),
        b"entries-added": stream.added,
        b"recorded-first-entry-id": format_id(stream.first_id),
    }
    if not ctx.traits.stream_history:
        for name in (b"max-deleted-entry-id", b"entries-added", b"recorded-first-entry-id"):
            del info[name]
    if ctx.server.profile.has(_IDEMPOTENCE_SINCE):
        info |= _producers_info(ctx, stream)
    if count is not None:
        info[b"entries"] = _entries(stream.range(0, MAX_ID, count or -1))
        info[b"groups"] = [
            _group_in_full(ctx, stream, name, members, count)
            for name, members in sorted(stream.groups.items())
        ]
        return info
    info[b"groups"] = len(stream.groups)
    first, last = stream.range(0, MAX_ID, 1), stream.range_reverse(0, MAX_ID, 1)
    info[b"first-entry"] = _entries(first)[0] if first else None
    info[b"last-entry"] = _entries(last)[0] if last else None
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
    count = _integer(words[2])
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
    if ctx.server.profile.has(_GIVING_BACK_SINCE):
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
    tips="nondeterministic_output",
)
def xinfo_consumers(ctx: Context, key: bytes, name: bytes) -> Any:
    """The consumers of a group."""
    members = _group_of(_known_stream(ctx, key), key, name)
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
