"""Stream commands of Redis 8.6 and 8.8: limits of idempotence, and giving entries back."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import (
    Counted,
    Flag,
    Key,
    OneOf,
    Option,
    Options,
    Raw,
    integer,
    word_of,
)
from fakeredis.commands.registry import DENYOOM, FAST, WRITE
from fakeredis.commands.stream.common import group, id_of, producers
from fakeredis.datatypes.numbers import INT_MAX
from fakeredis.datatypes.stream import Group as ConsumerGroup
from fakeredis.datatypes.stream import Pending, Stream, parse_id
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK
from fakeredis.errors import CommandError

_MODES: Final = frozenset({b"SILENT", b"FAIL", b"FATAL"})


def _limit(word: str, most: int, unit: str) -> OneOf:
    number = integer(1, most, range_error=errors.XCFGSET_RANGE % (word, f"{most} {unit}"))
    words: dict[str, Any] = {word: number}
    return OneOf(once=True, error=errors.XCFGSET_TWICE % word, **words)


class _LimitOptions(Options):
    """How long, and how many, idempotent IDs are remembered."""

    duration: Annotated[tuple[str, int | None], _limit("IDMP-DURATION", 86400, "seconds")] = (
        "", None
    )
    most: Annotated[tuple[str, int | None], _limit("IDMP-MAXSIZE", 10000, "entries")] = ("", None)


@group.command(
    "XCFGSET", Key("RW update"), _LimitOptions, flags=WRITE | FAST, since={"redis": "8.6.0"},
    names=(
        "key [idmp-duration-block(idmp-duration-token:IDMP-DURATION duration:integer)] "
        "[idmp-maxsize-block(idmp-maxsize-token:IDMP-MAXSIZE maxsize:integer)]"
    ),
)
def xcfgset(ctx: Context, key: bytes, *words: bytes) -> Any:
    """Say how long and how many idempotent IDs a stream remembers.

    Checked in the server's order: key, type, syntax and numbers.
    """
    stream: Stream | None = ctx.lookup_write(key, Stream)
    if stream is None:
        raise CommandError(errors.NO_SUCH_KEY)
    if not words:
        raise CommandError(errors.XCFGSET_NOTHING)
    options = _LimitOptions.parse(ctx, words)
    producers(stream).configure(options.duration[1], options.most[1])
    ctx.modified_unsignalled(key)
    return OK


@group.command(
    "XIDMPRECORD", Key("RW update"), Raw, Raw, Raw, flags=WRITE | DENYOOM | FAST,
    since={"redis": "8.6.2"}, names="key pid iid stream-id",
)
def xidmprecord(ctx: Context, key: bytes, producer: bytes, name: bytes, raw: bytes) -> Any:
    """Note that an entry was added under a producer's idempotent ID.

    Checked in the server's order: ID, empty names, key, type, whether there is the entry, whether
    the name stands for another one.
    """
    number = id_of(raw)
    for text, what in ((producer, "producer"), (name, "idempotent")):
        if not text:
            raise CommandError(errors.XIDMPRECORD_EMPTY % what)
    stream: Stream | None = ctx.lookup_write(key, Stream)
    if stream is None:
        raise CommandError(errors.NO_SUCH_KEY)
    if stream.get(number) is None:
        raise CommandError(errors.XIDMPRECORD_NO_ENTRY)
    known = producers(stream)
    before = known.entry_of(producer, name, ctx.now)
    if before not in (None, number):
        raise CommandError(errors.XIDMPRECORD_TAKEN)
    if before is None:
        known.remember(producer, name, number, ctx.now)
        ctx.modified_unsignalled(key)
    return OK


class _NackOptions(Options, at_least=3):
    """What follows XNACK's mode."""

    ids: Annotated[list[bytes] | None, Option(
        "IDS", Counted(integer(1, error=errors.XNACK_NUM_IDS), errors.XNACK_NUM_IDS_MISMATCH),
        once=True,
    )] = None
    count: Annotated[
        int | None, Option("RETRYCOUNT", integer(0, range_error=errors.XNACK_RETRYCOUNT))
    ] = None
    force: Annotated[bool, Flag("FORCE")] = False

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """It names the word."""
        return CommandError(errors.XNACK_OPTION % raw.decode("utf-8", "surrogateescape"))


@group.command(
    "XNACK", Key("RW update"), Raw, Raw, _NackOptions, flags=WRITE | FAST,
    since={"redis": "8.8.0"}, acl=("fast", "stream", "write"), form="key group ^mode {}",
)
def xnack(ctx: Context, key: bytes, name: bytes, mode: bytes, *words: bytes) -> int:
    """Give pending entries back, for any consumer to claim at once; how many were.

    Checked in the server's order: key, type, group, mode, options, IDs.
    """
    stream: Stream | None = ctx.lookup_write(key, Stream)
    members = None if stream is None else stream.groups.get(name)
    if stream is None or members is None:
        texts = (raw.decode("utf-8", "surrogateescape") for raw in (key, name))
        raise CommandError(errors.NO_GROUP % tuple(texts))
    if word_of(mode) not in _MODES:
        raise CommandError(errors.XNACK_MODE)
    options = _NackOptions.parse(ctx, words)
    if options.ids is None:
        raise CommandError(errors.XNACK_NO_IDS)
    numbers = [parse_id(raw) for raw in options.ids]
    if None in numbers:
        raise CommandError(errors.STREAM_ID)
    given = [_give_back(stream, members, number or 0, word_of(mode), options) for number in numbers]
    if any(given):
        ctx.modified_unsignalled(key, changes=sum(given))
        if key in ctx.db.blocked:
            ctx.server.ready.append((ctx.db, key))
    return sum(given)


def _give_back(
    stream: Stream, members: ConsumerGroup, number: int, mode: bytes, options: _NackOptions
) -> bool:
    """Give one entry back; whether it was pending, or is now."""
    pending = members.pending.data.get(number)
    if pending is None:
        if not options.force or stream.get(number) is None:
            return False
        pending = members.claimable(number, 0)
        pending.count = 0
    pending.count = _deliveries(pending, mode, options)
    members.give_back(number, pending)
    return True


def _deliveries(pending: Pending, mode: bytes, options: _NackOptions) -> int:
    """How often an entry that is given back counts as delivered."""
    if options.count is not None:
        return options.count
    if mode == b"FATAL":
        return INT_MAX
    return max(pending.count - 1, 0) if mode == b"SILENT" else pending.count
