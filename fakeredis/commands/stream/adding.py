"""Adding entries and trimming: XADD, XTRIM, XSETID."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple

from fakeredis import errors
from fakeredis.commands.arguments import (
    Args,
    Argument,
    Flag,
    Key,
    OneOf,
    Option,
    Options,
    Raw,
    Threshold,
    Values,
    integer,
    word_of,
)
from fakeredis.commands.registry import DENYOOM, FAST, WRITE, unchanged
from fakeredis.commands.stream.common import (
    IDEMPOTENCE_SINCE,
    KEPT,
    group,
    id_of,
    integer_of,
    new_stream,
    producers,
)
from fakeredis.datatypes.numbers import parse_int
from fakeredis.datatypes.stream import KEEPREF, MAX_ID, SEQUENCE, Stream, format_id, parse_id
from fakeredis.datatypes.xxh3 import digest
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.profiles import Profile
from fakeredis.engine.core.replies import OK
from fakeredis.errors import CommandError


def _length(raw: bytes) -> int:
    length = integer_of(raw)
    if length < 0:
        raise CommandError(errors.STREAM_MAXLEN_NEGATIVE)
    return length


class _Trimming(Options):
    """What streams are trimmed by."""

    trim: Annotated[tuple[str, tuple[bool, int]] | None, OneOf(
        MAXLEN=Values(Threshold(Argument(_length))),
        MINID=Values(Threshold(Argument(id_of))).since("6.2.0"),
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

    kept: Annotated[str, OneOf(**KEPT, once=True)] = KEEPREF

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
    kept: Annotated[str, OneOf(**KEPT, once=True, error=errors.STREAM_ID)] = KEEPREF
    # A producer, and its name for the entry.
    idempotent: Annotated[tuple[str, tuple[bytes, bytes | None]] | None, OneOf(
        IDMP=Values(Raw, Raw, make=_named_entry).since(IDEMPOTENCE_SINCE),
        IDMPAUTO=Values(Raw, make=_named_by_itself).since(IDEMPOTENCE_SINCE),
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
    nodes = ctx.traits.nodes_with_references
    return stream.trim(length, lowest, approximate, limit, options.kept, nodes)


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
    return _Given(id_of(raw), True)


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
    names=(
        "key {no_stream} [condition<KEEPREF@|DELREF@|ACKED@>] [trim(strategy<MAXLEN|MINID> "
        "[operator<equal:=|approximately:~>] threshold [LIMIT=count:integer])] "
        "id-selector<auto-id:*|id> data(field value)+"
    ),
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
        stream = new_stream(ctx, key)
    stream.append(number, fields, ctx.server.limits)
    ctx.modified(key, "xadd")
    if named is not None:
        producers(stream).remember(*named, number, ctx.now)
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
    names=(
        "key trim(strategy<MAXLEN|MINID> [operator<equal:=|approximately:~>] threshold "
        "[LIMIT=count:integer] [condition<KEEPREF@|DELREF@|ACKED@>])"
    ),
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
    deleted = id_of(raw)
    if deleted > last:
        raise CommandError(errors.XSETID_BELOW_GIVEN)
    return deleted


class _SetidOptions(Options, introduced="7.0.0"):
    """What a stream knows of its past."""

    added: Annotated[int | None, Option(
        "ENTRIESADDED", integer(0, range_error=errors.XSETID_NEGATIVE).named("entries-added")
    )] = None
    deleted: Annotated[int | None, Option(
        "MAXDELETEDID", Raw.named("max-deleted-id"), make=_deleted_below
    )] = None


@group.command(
    "XSETID", Key("RW update"), Raw, _SetidOptions, flags=WRITE | DENYOOM | FAST, since="5.0.0",
    names="key last-id {}",
)
def xsetid(ctx: Context, key: bytes, raw: bytes, *words: bytes) -> Any:
    """Set the last ID of a stream, and what it knows of its past.

    Checked in the server's order: ID, options, the ID against the options, key and type, the ID
    against what was deleted and the entries.
    """
    number = id_of(raw)
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
