"""Stream commands: Redis's "stream" group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from fakeredis import errors
from fakeredis.commands.arguments import Args, Key, KeySpec, Many, Raw, Rest, keyword, span, word_of
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
_STRATEGIES: Final = {b"KEEPREF": KEEPREF, b"DELREF": DELREF, b"ACKED": ACKED}


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


class _Options(NamedTuple):
    """Options of XADD and XTRIM."""

    create: bool = True
    length: int | None = None
    lowest: int | None = None
    approximate: bool = False
    limit: int | None = None
    strategy: str = KEEPREF
    idempotent: tuple[bytes, bytes | None] | None = None  # a producer, and its name for the entry

    @property
    def trims(self) -> bool:
        """Whether there is anything to trim by."""
        return self.length is not None or self.lowest is not None


_NAMED_BY: Final = {b"IDMP": 2, b"IDMPAUTO": 1}  # and how many words follow


class _OptionParser:
    """Reads the options in front of XADD's ID, and those of XTRIM."""

    def __init__(self, words: Sequence[bytes], profile: Profile, adding: bool) -> None:
        self.words = words
        self.adding = adding
        self.newer = profile.has("6.2.0")
        self.newest = profile.has({"redis": "8.2.0"})
        self.idempotent = adding and profile.has(_IDEMPOTENCE_SINCE)
        self.at = 0
        self.values: dict[str, Any] = {}

    def parse(self) -> _Options:
        """All options; ``at`` is left at the ID."""
        words = self.words
        while self.at < len(words):
            word = word_of(words[self.at])
            more = len(words) - self.at - 1
            if self.adding and word == b"*":
                break
            if not self._option(word, more):
                if not self.adding:
                    raise CommandError(errors.SYNTAX)
                break
            self.at += 1
        return _Options(**self.values)

    def _option(self, word: bytes, more: int) -> bool:
        """Take one option; whether the word is one."""
        if word == b"MAXLEN" and more:
            self._trimming(more, "length", self._length)
        elif word == b"MINID" and more and self.newer:
            self._trimming(more, "lowest", _id)
        elif word == b"LIMIT" and more and self.newer:
            self.at += 1
            limit = _integer(self.words[self.at])
            if limit < 0:
                raise CommandError(errors.STREAM_LIMIT_NEGATIVE)
            self.values["limit"] = limit
        elif word == b"NOMKSTREAM" and self.adding and self.newer:
            self.values["create"] = False
        elif word in _STRATEGIES and self.newest and "strategy" not in self.values:
            self.values["strategy"] = _STRATEGIES[word]
        elif self.idempotent and word in _NAMED_BY and more >= _NAMED_BY[word]:
            self._idempotence(word, _NAMED_BY[word])
        else:
            return False
        return True

    def _idempotence(self, word: bytes, count: int) -> None:
        """A producer, and with IDMP its own name for the entry."""
        if "idempotent" in self.values:
            raise CommandError(errors.STREAM_IDMP_TWICE)
        given = self.words[self.at + 1 : self.at + 1 + count]
        for text, what in zip(given, ("producer", "idempotent"), strict=False):
            if not text:
                raise CommandError(errors.STREAM_IDMP_EMPTY % (word.decode(), what))
        self.at += count
        self.values["idempotent"] = given[0], given[1] if count > 1 else None

    def _trimming(self, more: int, name: str, convert: Callable[[bytes], int]) -> None:
        values = self.values
        if "length" in values or "lowest" in values:
            raise CommandError(errors.STREAM_TWO_TRIMMINGS)
        self.at += 1
        mark = word_of(self.words[self.at])
        if more > 1 and mark in (b"~", b"="):
            values["approximate"] = mark == b"~"
            self.at += 1
        values[name] = convert(self.words[self.at])

    @staticmethod
    def _length(raw: bytes) -> int:
        length = _integer(raw)
        if length < 0:
            raise CommandError(errors.STREAM_MAXLEN_NEGATIVE)
        return length


def _check_limit(options: _Options, adding: bool) -> None:
    """LIMIT needs a trimming with ``~``, XTRIM any trimming; checked behind XADD's ID."""
    if options.limit and not options.trims:
        raise CommandError(errors.STREAM_LIMIT_ALONE)
    if not adding and not options.trims:
        raise CommandError(errors.STREAM_NO_TRIMMING)
    if options.limit is not None and not options.approximate:
        raise CommandError(errors.STREAM_LIMIT_EXACT)


def _trim(ctx: Context, stream: Stream, options: _Options) -> int:
    """Trim by the options; how many entries went."""
    limit = options.limit or 0
    if options.approximate and options.limit is None:
        limit = min(100 * ctx.server.limits.stream_node_max_entries or 10_000, 1_000_000)
    return stream.trim(
        options.length, options.lowest or 0, options.approximate, limit, options.strategy
    )


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


# Options of those that trim, see `fakeredis.engine.command.form`.
_TRIM: Final = "MAXLEN=trim MINID=trim KEEPREF DELREF ACKED"


def _xadd_counterpart(args: Args, reply: Any) -> tuple[Args, Callable[[Any], Any]]:
    """The same with the ID that it had."""
    said = [b"XADD", *args]
    for at, word in enumerate(args[1:] if type(reply) is bytes else (), 2):
        if word == b"*" or (word.endswith(b"-*") and parse_int(word[:-2]) is not None):
            said[at] = reply
            break
    return said, unchanged


@group.command(
    "XADD", Key("RW update"), Raw, Raw, Raw, Rest(flat=True), flags=WRITE | DENYOOM | FAST,
    since="5.0.0", form=f"key {{NOMKSTREAM {_TRIM}}} id (field value)*",
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
    if stream is None and options is not None and not options.create:
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
    if options is not None and options.trims and _trim(ctx, stream, options):
        ctx.noted(key, "xtrim", changes=0)
    return b"%d-%d" % (number >> 64, number & SEQUENCE)


def _named(options: _Options, fields: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Producer and name of an entry; IDMPAUTO takes the entry itself, in any order of fields."""
    assert options.idempotent is not None
    producer, name = options.idempotent
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
) -> tuple[_Options, _Given | None, tuple[bytes, ...]]:
    """Options, ID and fields of XADD."""
    profile = ctx.server.profile
    parser = _OptionParser(words, profile, adding=True)
    options = parser.parse()
    at = parser.at
    given = None
    if at < len(words) and word_of(words[at]) != b"*":
        given = _given_id(words[at], profile)
        if options.idempotent:
            raise CommandError(errors.STREAM_IDMP_ID)
    _check_limit(options, adding=True)
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
    "XTRIM", Key("RW delete"), Raw, Raw, Rest(flat=True), flags=WRITE, since="5.0.0",
    form=f"key {{{_TRIM} LIMIT=1}}", tips="nondeterministic_output",
)
def xtrim(ctx: Context, key: bytes, *words: bytes) -> int:
    """Remove the oldest entries; how many went.

    Checked in the server's order: syntax, type.
    """
    options = _OptionParser(words, ctx.server.profile, adding=False).parse()
    _check_limit(options, adding=False)
    stream: Stream | None = ctx.lookup_write(key, Stream)
    if stream is None:
        return 0
    gone = _trim(ctx, stream, options)
    if gone:
        ctx.modified(key, "xtrim")
        ctx.server.dirty += gone - 1
    return gone


@group.command(
    "XSETID", Key("RW update"), Raw, Rest(flat=True, introduced="7.0.0"),
    flags=WRITE | DENYOOM | FAST, since="5.0.0", form="key id {ENTRIESADDED=1 MAXDELETEDID=1}",
)
def xsetid(ctx: Context, key: bytes, raw: bytes, *words: bytes) -> Any:
    """Set the last ID of a stream, and what it knows of its past.

    Checked in the server's order: ID, options, the ID against the options, key and type, the ID
    against what was deleted and the entries.
    """
    number = _id(raw)
    added, deleted = _setid_options(number, words)
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
    stream.max_deleted = deleted or stream.max_deleted
    ctx.noted(key, "xsetid")
    return OK


def _setid_options(
    number: int, words: Sequence[bytes]
) -> tuple[int | None, int | None]:
    added = deleted = None
    rest = iter(words)
    for word in rest:
        value = next(rest, None)
        name = word_of(word)
        if value is None or name not in (b"ENTRIESADDED", b"MAXDELETEDID"):
            raise CommandError(errors.SYNTAX)
        if name == b"MAXDELETEDID":
            deleted = _id(value)
            if deleted > number:
                raise CommandError(errors.XSETID_BELOW_GIVEN)
        else:
            added = _integer(value)
            if added < 0:
                raise CommandError(errors.XSETID_NEGATIVE)
    return added, deleted


# Reading ------------------------------------------------------------------------------------


@group.command("XLEN", Key("RO"), flags=READONLY | FAST, since="5.0.0")
def xlen(ctx: Context, key: bytes) -> int:
    """How many entries there are."""
    stream = ctx.lookup_read(key, Stream)
    return 0 if stream is None else stream.length


@group.command(
    "XRANGE", Key, Raw, Raw, Rest(flat=True), flags=READONLY, since="5.0.0", nulls=null_array,
    form="key start end {COUNT=1}",
)
def xrange(ctx: Context, key: bytes, start: bytes, end: bytes, *words: bytes) -> Any:
    """The entries between two IDs.

    Checked in the server's order: IDs, options, type. A count of 0 gives null when there is a
    stream.
    """
    return _range(ctx, key, _start(start), _end(end), words, False)


@group.command(
    "XREVRANGE", Key, Raw, Raw, Rest(flat=True), flags=READONLY, since="5.0.0", nulls=null_array,
    form="key start end {COUNT=1}",
)
def xrevrange(ctx: Context, key: bytes, end: bytes, start: bytes, *words: bytes) -> Any:
    """The entries between two IDs, the highest one first."""
    low = _start(start)
    return _range(ctx, key, low, _end(end), words, True)


def _range(
    ctx: Context, key: bytes, start: int, end: int, words: Sequence[bytes], reverse: bool
) -> Any:
    count = -1 if not words else _range_count(words)
    stream = ctx.lookup_read(key, Stream)
    if stream is None:
        return []
    if count == 0:
        return None
    found = stream.range_reverse if reverse else stream.range
    return _entries(found(start, end, count))


def _range_count(words: Sequence[bytes]) -> int:
    count = -1
    for at in range(0, len(words), 2):
        if word_of(words[at]) != b"COUNT" or at + 1 == len(words):
            raise CommandError(errors.SYNTAX)
        count = max(_integer(words[at + 1]), 0)
    return count


class _Read:
    """The arguments of XREAD and XREADGROUP."""

    __slots__ = (
        "claim", "consumer", "count", "group", "ids", "keys", "max_count", "max_size", "noack",
        "streams_at", "timeout", "used",
    )

    def __init__(self, ctx: Context, args: Args, grouped: bool) -> None:
        self.group: bytes | None = None
        self.consumer: bytes | None = None
        self.timeout: int | None = None
        self.count = -1
        self.noack = False
        self.claim: int | None = None  # least idle time of what is taken from others
        self.max_count = self.max_size = 0  # of all streams together; 0 for any
        self.used = 0  # bytes that the reply has so far, where these are limited
        self.streams_at = -1
        at = 0
        while at < len(args) and self.streams_at < 0:
            at = self._option(ctx, args, at, grouped)
        if self.streams_at < 0:
            raise CommandError(errors.SYNTAX)
        if grouped and self.group is None:
            raise CommandError(errors.XREADGROUP_NO_GROUP)
        if 0 < self.max_count < self.count:
            raise CommandError(errors.XREAD_MAXCOUNT)
        half = (len(args) - self.streams_at) // 2
        self.keys = list(args[self.streams_at : self.streams_at + half])
        self.ids = list(args[self.streams_at + half :])

    def _option(self, ctx: Context, args: Args, at: int, grouped: bool) -> int:
        """Take one option; the position behind it."""
        word = word_of(args[at])
        more = len(args) - at - 1
        if word == b"BLOCK" and more:
            self.timeout = _timeout(ctx, args[at + 1])
        elif word == b"COUNT" and more:
            # Neither 0 nor a negative count limits anything.
            count = _integer(args[at + 1])
            self.count = count if count > 0 else -1
        elif word == b"GROUP" and more > 1:
            if not grouped:
                raise CommandError(errors.XREAD_ONLY_GROUP % "GROUP")
            self.group, self.consumer = args[at + 1], args[at + 2]
            return at + 3
        elif word == b"NOACK":
            if not grouped:
                raise CommandError(errors.XREAD_ONLY_GROUP % "NOACK")
            self.noack = True
            return at + 1
        elif word == b"STREAMS" and more:
            self.streams_at = at + 1
            if more % 2:
                unbalanced = errors.XREADGROUP_UNBALANCED if grouped else errors.XREAD_UNBALANCED
                if not ctx.traits.plus_of_xread:
                    unbalanced = unbalanced.replace("an ID, '+', or", "an ID or")
                raise CommandError(unbalanced)
        elif not more or not self._newer_option(ctx, word, args[at + 1], grouped):
            raise CommandError(errors.SYNTAX)
        return at + 2

    def _newer_option(self, ctx: Context, word: bytes, raw: bytes, grouped: bool) -> bool:
        """Take CLAIM, MAXCOUNT or MAXSIZE; whether it is one."""
        has = ctx.server.profile.has
        if word == b"CLAIM" and has(_CLAIM_SINCE):
            if not grouped:
                raise CommandError(errors.XREAD_ONLY_GROUP % "CLAIM")
            self.claim = _integer(raw, errors.CLAIM_NOT_INTEGER)
            if self.claim < 0:
                raise CommandError(errors.CLAIM_NEGATIVE)
        elif word in (b"MAXCOUNT", b"MAXSIZE") and has(_LIMITS_SINCE):
            number = parse_int(raw)
            if number is None or number <= 0:
                raise CommandError(errors.XREAD_LIMIT % word.decode())
            if word == b"MAXCOUNT":
                self.max_count = number
            else:
                self.max_size = number
        else:
            return False
        return True

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


def _timeout(ctx: Context, raw: bytes) -> int:
    timeout = _integer(raw, errors.XREAD_TIMEOUT)
    if timeout < 0:
        raise CommandError(errors.TIMEOUT_NEGATIVE)
    if timeout > INT_MAX - ctx.now:
        raise CommandError(errors.TIMEOUT_OUT_OF_RANGE)
    return timeout


_WORDS_OF: Final = {
    b"BLOCK": 2, b"COUNT": 2, b"GROUP": 3, b"CLAIM": 2, b"MAXCOUNT": 2, b"MAXSIZE": 2,
}


def _read_keys(args: Args) -> list[bytes]:
    """The keys of XREAD and XREADGROUP: the first half of what follows STREAMS."""
    at = 0
    while at < len(args):
        word = word_of(args[at])
        if word == b"STREAMS":
            rest = args[at + 1 :]
            return list(rest[: len(rest) // 2])
        at += _WORDS_OF.get(word, 1)
    return []


def _as_map(reply: Any) -> Any:
    """RESP3 gives what was read from each stream as a map."""
    return dict(reply) if type(reply) is list else reply


_BY_STREAM: Final = Shape(None, _as_map, "same")


@group.command(
    "XREAD", Rest(at_least=3), flags=READONLY | BLOCKING | MOVABLEKEYS | REPLY_BY_KEY,
    since="5.0.0", keys=_read_keys,
    specs=(KeySpec("RO access", keyword("STREAMS", 1), span(-1, limit=2)),), reply=_BY_STREAM,
    nulls=null_array, form="{COUNT=1 BLOCK=1} streams",
)
def xread(ctx: Context, args: list[bytes]) -> Any:
    """What streams hold behind given IDs; may wait for it.

    Checked in the server's order: options, then type and ID of one stream after the other. ``$`` is
    the last ID when the command comes, also after it waited.
    """
    read = _Read(ctx, args, grouped=False)
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
    "XREADGROUP", Rest(at_least=6), flags=WRITE | BLOCKING | MOVABLEKEYS | REPLY_BY_KEY,
    since="5.0.0", keys=_read_keys,
    specs=(KeySpec("RO access", keyword("STREAMS", 4), span(-1, limit=2)),), reply=_BY_STREAM,
    nulls=_nulls_of_history, form="{GROUP=2 COUNT=1 BLOCK=1 CLAIM=1 NOACK} streams",
)
def xreadgroup(ctx: Context, args: list[bytes]) -> Any:
    """What is new for a group, or what a consumer has pending; may wait for something new.

    Checked in the server's order: options, then type, group and ID of one stream after the other.
    """
    read = _Read(ctx, args, grouped=True)
    name, asking = read.group or b"", read.consumer or b""
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
        ctx.noted(key)
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
    ctx.noted(key, "xgroup-createconsumer")


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
    ctx.noted(key)
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


def _strategy_and_ids(words: Sequence[bytes]) -> tuple[str, Sequence[bytes]]:
    """``[KEEPREF | DELREF | ACKED] IDS numids id [id ...]``, in any order."""
    strategy: str | None = None
    ids: Sequence[bytes] | None = None
    at = 0
    while at < len(words):
        word = word_of(words[at])
        if word in _STRATEGIES and strategy is None:
            strategy = _STRATEGIES[word]
            at += 1
        elif word == b"IDS" and at + 1 < len(words):
            count = parse_int(words[at + 1])
            if count is None or count <= 0:
                raise CommandError(errors.NUM_IDS)
            ids = words[at + 2 : at + 2 + count]
            if len(ids) < count:
                raise CommandError(errors.NUM_IDS_MISMATCH)
            at += 2 + count
        else:
            raise CommandError(errors.SYNTAX)
    if ids is None:
        raise CommandError(errors.SYNTAX)
    return strategy or KEEPREF, ids


_OUTCOME: Final = {None: -1, True: 1, False: 2}


@group.command(
    "XDELEX", Key("RW delete"), Raw, Raw, Raw, Rest(flat=True), flags=WRITE | FAST,
    since={"redis": "8.2.0"}, form="key {KEEPREF DELREF ACKED IDS=#1}",
)
def xdelex(ctx: Context, key: bytes, *words: bytes) -> list[int]:
    """Remove entries with regard to groups: -1 without the entry, 1 removed, 2 still needed.

    Checked in the server's order: type, syntax, IDs.
    """
    stream: Stream | None = ctx.lookup_write(key, Stream)
    strategy, raw_ids = _strategy_and_ids(words)
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
        ctx.noted(key, changes=gone)
    return gone


@group.command(
    "XACKDEL", Key("RW update delete"), Raw, Raw, Raw, Raw, Rest(flat=True), flags=WRITE | FAST,
    since={"redis": "8.2.0"}, form="key group {KEEPREF DELREF ACKED IDS=#1}",
)
def xackdel(ctx: Context, key: bytes, name: bytes, *words: bytes) -> list[int]:
    """XACK and XDELEX in one: -1 where nothing was pending.

    Checked in the server's order: type, syntax, group, IDs.
    """
    stream: Stream | None = ctx.lookup_read(key, Stream)
    strategy, raw_ids = _strategy_and_ids(words)
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
        ctx.noted(key)
    _deleted(ctx, key, gone)
    ctx.server.dirty -= gone
    return outcomes


# Groups -------------------------------------------------------------------------------------

group.container("XGROUP", since="5.0.0")


def _group_options(
    ctx: Context, words: Sequence[bytes], creating: bool
) -> tuple[bool, int]:
    """MKSTREAM (of CREATE only) and ENTRIESREAD."""
    create, read, at = False, UNKNOWN, 0
    while at < len(words):
        word = word_of(words[at])
        if word == b"MKSTREAM" and creating:
            create = True
            at += 1
        elif word == b"ENTRIESREAD" and at + 1 < len(words) and ctx.traits.stream_history:
            read = _integer(words[at + 1])
            if read < -1:
                raise CommandError(errors.ENTRIES_READ)
            at += 2
        else:
            raise ctx.misused()
    return create, read


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
    "XGROUP CREATE", Key("RW insert"), Raw, Raw, Rest(flat=True), flags=WRITE | DENYOOM,
    since="5.0.0", form="key group id {MKSTREAM ENTRIESREAD=1}",
)
def xgroup_create(ctx: Context, key: bytes, name: bytes, raw: bytes, *words: bytes) -> Any:
    """Make a group that reads behind an ID.

    Checked in the server's order: options, type, key, ID, whether the group is there.
    """
    create, read = _group_options(ctx, words, creating=True)
    stream: Stream | None = ctx.lookup_write(key, Stream) if create else _stream(ctx, key)
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
        ctx.noted(key, "xgroup-create")
    stream.add_group(name, ConsumerGroup(last, _read_so_far(ctx, read, stream)))
    return OK


@group.command(
    "XGROUP SETID", Key("RW update"), Raw, Raw, Rest(flat=True), flags=WRITE, since="5.0.0",
    form="key group id {ENTRIESREAD=1}",
)
def xgroup_setid(ctx: Context, key: bytes, name: bytes, raw: bytes, *words: bytes) -> Any:
    """Let a group read on behind an ID.

    Checked in the server's order: options, type, key, group, ID.
    """
    read = _group_options(ctx, words, creating=False)[1]
    stream = _stream(ctx, key)
    members = _group_of(stream, key, name)
    if len(words) > 2:
        raise ctx.misused()
    ends = {b"$": stream.last_id, b"-": 0, b"+": MAX_ID}
    end = ends.get(word_of(raw))
    stream.move_group(members, _id(raw) if end is None else end)
    members.read = _read_so_far(ctx, read, stream)
    ctx.noted(key, "xgroup-setid")
    return OK


@group.command("XGROUP DESTROY", Key("RW delete"), Raw, flags=WRITE, since="5.0.0")
def xgroup_destroy(ctx: Context, key: bytes, name: bytes) -> int:
    """Remove a group; whether it was there. Those who wait for something new learn of it."""
    if _stream(ctx, key).groups.pop(name, None) is None:
        return 0
    ctx.noted(key, "xgroup-destroy")
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
    ctx.noted(key, "xgroup-delconsumer")
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


class _Claim:
    """The options of XCLAIM."""

    __slots__ = ("count", "force", "just_id", "last_id", "time")

    def __init__(self, words: Sequence[bytes], now: int) -> None:
        self.force = self.just_id = False
        self.last_id = 0
        self.time, self.count = now, -1
        at = 0
        while at < len(words):
            at = self._option(words, at, now)
        if self.time < 0 or self.time > now:
            self.time = now

    def _option(self, words: Sequence[bytes], at: int, now: int) -> int:
        word = word_of(words[at])
        if word == b"FORCE":
            self.force = True
        elif word == b"JUSTID":
            self.just_id = True
        elif at + 1 == len(words) or word not in (b"IDLE", b"TIME", b"RETRYCOUNT", b"LASTID"):
            raise CommandError(errors.XCLAIM_OPTION % _text(words[at]))
        else:
            self._valued(word, words[at + 1], now)
            return at + 2
        return at + 1

    def _valued(self, word: bytes, raw: bytes, now: int) -> None:
        if word == b"LASTID":
            self.last_id = _id(raw)
            return
        value = _integer(raw, errors.XCLAIM_ARGUMENT % word.decode())
        if word == b"IDLE":
            self.time = now - value
        elif word == b"TIME":
            self.time = value
        else:
            self.count = value


@group.command(
    "XCLAIM", Key("RW update"), Raw, Raw, Raw, Many(Raw), flags=WRITE | FAST, since="5.0.0",
    form="key group consumer idle id* {IDLE=1 TIME=1 RETRYCOUNT=1 FORCE JUSTID LASTID=1}",
    tips="nondeterministic_output",
)
def xclaim(
    ctx: Context, key: bytes, name: bytes, consumer_name: bytes, raw_idle: bytes,
    words: list[bytes],
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
    options = _Claim(words[len(numbers) :], ctx.now)
    if options.last_id > members.last_id:
        stream.move_group(members, options.last_id)
        ctx.noted(key)
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
    number: int, idle: int, options: _Claim,
) -> Fields | None:
    """Hand over one entry; its fields (empty: it was deleted), or None when it was not."""
    pending = members.pending.data.get(number)
    fields = stream.get(number)
    if fields is None and ctx.traits.claims_deleted and pending is not None:
        fields = ()
    if fields is None:
        if members.acknowledge(number):
            ctx.noted(key)
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
    pending.time, pending.given_back = options.time, 0
    _count_delivery(pending, options.count, options.just_id)
    consumer.active = ctx.now
    ctx.noted(key)
    return fields


def _count_delivery(pending: Pending, count: int, just_id: bool) -> None:
    if count >= 0:
        pending.count = count
    elif not just_id:
        pending.count = min(pending.count + 1, INT_MAX)


_MOST_CLAIMED: Final = INT_MAX // 16


@group.command(
    "XAUTOCLAIM", Key("RW delete"), Raw, Raw, Raw, Raw, Rest(flat=True),
    flags=WRITE | FAST | SEQUENTIAL, since="6.2.0",
    form="key group consumer idle start {COUNT=1 JUSTID}", tips="nondeterministic_output",
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
    count, just_id = _autoclaim_options(words)
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
            ctx.noted(key)
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
        ctx.noted(key)
        claimed.append(_claimed(number, fields, just_id))
        count -= 1
    reply: list[Any] = [format_id(cursor), claimed]
    return [*reply, deleted] if ctx.server.profile.has("7.0.0") else reply


def _autoclaim_options(words: Sequence[bytes]) -> tuple[int, bool]:
    count, just_id, at = 100, False, 0
    while at < len(words):
        word = word_of(words[at])
        if word == b"COUNT" and at + 1 < len(words):
            count = _integer(words[at + 1], errors.XAUTOCLAIM_COUNT)
            if not 1 <= count <= _MOST_CLAIMED:
                raise CommandError(errors.XAUTOCLAIM_COUNT)
            at += 2
        elif word == b"JUSTID":
            just_id = True
            at += 1
        else:
            raise CommandError(errors.SYNTAX)
    return count, just_id


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
