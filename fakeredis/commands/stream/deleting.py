"""Deleting and acknowledging: XDEL, XACK and their kin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Final

from fakeredis import errors
from fakeredis.commands.arguments import Counted, Key, Many, OneOf, Option, Options, Raw, integer
from fakeredis.commands.registry import FAST, WRITE
from fakeredis.commands.stream.common import KEPT, NEWEST, group, id_of
from fakeredis.datatypes.stream import KEEPREF, Stream
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError


def _ids(raw_ids: Iterable[bytes]) -> list[int]:
    """All IDs, before anything is done with one."""
    return [id_of(raw) for raw in raw_ids]


@group.command(
    "XDEL", Key("RW delete"), Many(Raw), flags=WRITE | FAST, since="5.0.0", names="key id+",
)
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

    kept: Annotated[str, OneOf(**KEPT, once=True)] = KEEPREF
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
    "XDELEX", Key("RW delete"), _IdsOptions, flags=WRITE | FAST, since=NEWEST,
    names="key [condition<KEEPREF|DELREF|ACKED>] IDS=ids(numids:integer id+)",
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


@group.command(
    "XACK", Key("RW update"), Raw, Many(Raw), flags=WRITE | FAST, since="5.0.0",
    names="key group id+",
)
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
    "XACKDEL", Key("RW update delete"), Raw, _IdsOptions, flags=WRITE | FAST, since=NEWEST,
    form="key group {}",
    names="key group [condition<KEEPREF|DELREF|ACKED>] IDS=ids(numids:integer id+)",
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
