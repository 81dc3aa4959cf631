"""Consumer groups: XGROUP."""

from __future__ import annotations

from typing import Annotated, Any

from fakeredis import errors
from fakeredis.commands.arguments import Flag, Key, Option, Options, Raw, integer, word_of
from fakeredis.commands.registry import DENYOOM, LOADING, STALE, WRITE
from fakeredis.commands.stream.common import (
    consumer_of,
    group,
    group_of,
    id_of,
    new_stream,
    read_so_far,
    stream_at,
)
from fakeredis.datatypes.stream import MAX_ID, UNKNOWN, Stream
from fakeredis.datatypes.stream import Group as ConsumerGroup
from fakeredis.engine.command.help import help_lines
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status
from fakeredis.errors import CommandError

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


@group.command(
    "XGROUP CREATE", Key("RW insert"), Raw, Raw, _CreateOptions, flags=WRITE | DENYOOM,
    since="5.0.0", form="key group id {}",
    names=(
        "key group id-selector<id|new-id:$> {create} "
        "[ENTRIESREAD=entriesread:integer/entries-read@]"
    ),
)
def xgroup_create(ctx: Context, key: bytes, name: bytes, raw: bytes, *words: bytes) -> Any:
    """Make a group that reads behind an ID.

    Checked in the server's order: options, type, key, ID, whether the group is there.
    """
    options = _CreateOptions.parse(ctx, words)
    stream: Stream | None = ctx.lookup_write(key, Stream) if options.create else stream_at(ctx, key)
    if len(words) > 3:
        raise ctx.misused()
    if word_of(raw) == b"$":
        last = 0 if stream is None else stream.last_id
    else:
        last = id_of(raw)
    if stream is None:
        stream = new_stream(ctx, key)
        ctx.modified(key, "xgroup-create")
    elif name in stream.groups:
        raise CommandError(errors.GROUP_EXISTS)
    else:
        ctx.modified_unsignalled(key, "xgroup-create")
    stream.add_group(name, ConsumerGroup(last, read_so_far(ctx, options.read, stream)))
    return OK


@group.command(
    "XGROUP SETID", Key("RW update"), Raw, Raw, _GroupOptions, flags=WRITE, since="5.0.0",
    form="key group id {}",
    names="key group id-selector<id|new-id:$> [ENTRIESREAD=entriesread:integer/entries-read@]",
)
def xgroup_setid(ctx: Context, key: bytes, name: bytes, raw: bytes, *words: bytes) -> Any:
    """Set the ID behind which a group reads on.

    Checked in the server's order: options, type, key, group, ID.
    """
    read = _GroupOptions.parse(ctx, words).read
    stream = stream_at(ctx, key)
    members = group_of(stream, key, name)
    if len(words) > 2:
        raise ctx.misused()
    ends = {b"$": stream.last_id, b"-": 0, b"+": MAX_ID}
    end = ends.get(word_of(raw))
    stream.move_group(members, id_of(raw) if end is None else end)
    members.read = read_so_far(ctx, read, stream)
    ctx.modified_unsignalled(key, "xgroup-setid")
    return OK


@group.command(
    "XGROUP DESTROY", Key("RW delete"), Raw, flags=WRITE, since="5.0.0", names="key group",
)
def xgroup_destroy(ctx: Context, key: bytes, name: bytes) -> int:
    """Remove a group; whether it was there. Those who wait for something new learn of it."""
    stream = stream_at(ctx, key)
    if stream.groups.pop(name, None) is None:
        return 0
    if ctx.traits.frees_entries_of_groups:
        stream.lowest_read = None
    ctx.modified_unsignalled(key, "xgroup-destroy")
    if key in ctx.db.blocked:
        ctx.server.ready.append((ctx.db, key))
    return 1


@group.command(
    "XGROUP CREATECONSUMER", Key("RW insert"), Raw, Raw, flags=WRITE | DENYOOM, since="6.2.0",
    names="key group consumer",
)
def xgroup_createconsumer(ctx: Context, key: bytes, name: bytes, consumer: bytes) -> int:
    """Make a consumer; whether it is new."""
    members = group_of(stream_at(ctx, key), key, name)
    if consumer in members.consumers:
        return 0
    consumer_of(ctx, key, members, consumer)
    return 1


@group.command(
    "XGROUP DELCONSUMER", Key("RW delete"), Raw, Raw, flags=WRITE, since="5.0.0",
    names="key group consumer",
)
def xgroup_delconsumer(ctx: Context, key: bytes, name: bytes, consumer: bytes) -> int:
    """Remove a consumer; how many entries it had pending, which no longer are."""
    gone = group_of(stream_at(ctx, key), key, name).remove_consumer(consumer)
    if gone is None:
        return 0
    ctx.modified_unsignalled(key, "xgroup-delconsumer")
    return gone


@group.command("XGROUP HELP", flags=LOADING | STALE, since="5.0.0", acl=("slow", "stream"))
def xgroup_help(ctx: Context) -> list[Status]:
    """What the subcommands are."""
    return help_lines(ctx)
