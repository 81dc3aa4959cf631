"""Publishing and subscribing: Redis's "pubsub" group."""

from __future__ import annotations

from typing import Any

from fakeredis import errors
from fakeredis.commands.arguments import Key, Many, Raw, Rest
from fakeredis.commands.registry import (
    CONNECTION,
    FAST,
    LOADING,
    NOSCRIPT,
    PUBSUB,
    REPLICATES,
    STALE,
    WHILE_SUBSCRIBED,
    Channels,
    Group,
)
from fakeredis.engine.cluster.cluster import broadcast, broadcast_in_shard
from fakeredis.engine.core import dispatch, switches
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.pubsub import Subscribers
from fakeredis.engine.core.replies import NO_REPLY, Push, Status
from fakeredis.engine.core.session import Session
from fakeredis.errors import CommandError

group = Group("pubsub")
group.container("PUBSUB", since="2.8.0")

_SUBSCRIBING = PUBSUB | NOSCRIPT | LOADING | STALE | CONNECTION
_ASKING = PUBSUB | LOADING | STALE


# What follows pushes its replies, one for each name: none is the command's own.


def _say(session: Session, kind: bytes, name: bytes | None, count: int) -> None:
    session.answer(Push([kind, name, count]))


def _subscribe(
    ctx: Context, kind: bytes, where: Subscribers, own: dict[bytes, None], names: list[bytes]
) -> Any:
    session = ctx.session
    sharded = own is session.shard_channels
    for name in names:
        if name not in own:
            own[name] = None
            ctx.server.pubsub.subscribe(where, name, session)
        _say(session, kind, name, len(own) if sharded else session.subscriptions)
    session.switched |= switches.SUBSCRIBED
    return NO_REPLY


def _unsubscribe(
    ctx: Context, kind: bytes, where: Subscribers, own: dict[bytes, None], names: list[bytes]
) -> Any:
    """Without names from all; without subscriptions, one reply says so."""
    session = ctx.session
    sharded = own is session.shard_channels
    chosen: list[Any] = names or list(own) or [None]
    for name in chosen:
        if name in own:
            del own[name]
            ctx.server.pubsub.unsubscribe(where, name, session)
        _say(session, kind, name, len(own) if sharded else session.subscriptions)
    if not (session.channels or session.patterns or session.shard_channels):
        session.switched &= ~switches.SUBSCRIBED
    return NO_REPLY


@group.command(
    "SUBSCRIBE", Rest(1), flags=_SUBSCRIBING | WHILE_SUBSCRIBED, since="2.0.0", form="channel~",
    channels=Channels("listen"), names="channel+",
)
def subscribe(ctx: Context, names: list[bytes]) -> Any:
    """Listen to channels."""
    session = ctx.session
    return _subscribe(ctx, b"subscribe", ctx.server.pubsub.channels, session.channels, names)


@group.command(
    "UNSUBSCRIBE", Rest(), flags=_SUBSCRIBING | WHILE_SUBSCRIBED, since="2.0.0", form="channel~",
    channels=Channels("leave"), names="[channel+]",
)
def unsubscribe(ctx: Context, names: list[bytes]) -> Any:
    """Listen no longer to channels, or to any."""
    session = ctx.session
    return _unsubscribe(ctx, b"unsubscribe", ctx.server.pubsub.channels, session.channels, names)


@group.command(
    "PSUBSCRIBE", Rest(1), flags=_SUBSCRIBING | WHILE_SUBSCRIBED, since="2.0.0", form="channel~",
    channels=Channels("listen", "patterns"), names="pattern:pattern+",
)
def psubscribe(ctx: Context, names: list[bytes]) -> Any:
    """Listen to all channels that match patterns."""
    session = ctx.session
    return _subscribe(ctx, b"psubscribe", ctx.server.pubsub.patterns, session.patterns, names)


@group.command(
    "PUNSUBSCRIBE", Rest(), flags=_SUBSCRIBING | WHILE_SUBSCRIBED, since="2.0.0", form="channel~",
    channels=Channels("leave", "patterns"), names="[pattern:pattern+]",
)
def punsubscribe(ctx: Context, names: list[bytes]) -> Any:
    """Listen no longer to patterns, or to any."""
    session = ctx.session
    return _unsubscribe(ctx, b"punsubscribe", ctx.server.pubsub.patterns, session.patterns, names)


@group.command(
    "SSUBSCRIBE", Many(Key("not_key")), flags=_SUBSCRIBING | WHILE_SUBSCRIBED, since="7.0.0",
    form="channel~", channels=Channels("listen", "shard_channels"), names="shardchannel:string+",
)
def ssubscribe(ctx: Context, names: list[bytes]) -> Any:
    """Listen to shard channels; refused where each command must have one reply (MULTI)."""
    if ctx.session.deny_blocking:
        raise CommandError(errors.SSUBSCRIBE_DENIED)
    where, own = ctx.server.pubsub.shard_channels, ctx.session.shard_channels
    return _subscribe(ctx, b"ssubscribe", where, own, names)


@group.command(
    "SUNSUBSCRIBE", Many(Key("not_key"), at_least=0), flags=_SUBSCRIBING | WHILE_SUBSCRIBED,
    since="7.0.0", form="channel~", channels=Channels("leave", "shard_channels"),
    names="[shardchannel:string+]",
)
def sunsubscribe(ctx: Context, names: list[bytes]) -> Any:
    """Listen no longer to shard channels, or to any."""
    where, own = ctx.server.pubsub.shard_channels, ctx.session.shard_channels
    return _unsubscribe(ctx, b"sunsubscribe", where, own, names)


def unsubscribe_all(session: Session) -> None:
    """End all subscriptions without a word (RESET)."""
    session.server.pubsub.drop(session)
    session.switched &= ~switches.SUBSCRIBED


@group.command(
    "PUBLISH", Raw, Raw, flags=PUBSUB | LOADING | STALE | FAST | REPLICATES, since="2.0.0",
    channels=Channels("publish"), names="channel message",
)
def publish(ctx: Context, channel: bytes, message: bytes) -> int:
    """Send a message; how many received it."""
    if ctx.server.switched & switches.CLUSTERED:
        broadcast(ctx.server, channel, message)
    return ctx.server.pubsub.publish(channel, message)


@group.command(
    "SPUBLISH", Key("not_key"), Raw, flags=PUBSUB | LOADING | STALE | FAST | REPLICATES,
    since="7.0.0", channels=Channels("publish", "shard_channels"),
    names="shardchannel:string message",
)
def spublish(ctx: Context, channel: bytes, message: bytes) -> int:
    """Send a message to a shard channel; how many received it."""
    if ctx.server.switched & switches.CLUSTERED:
        broadcast_in_shard(ctx.server, channel, message)
    return ctx.server.pubsub.spublish(channel, message)


def _pattern(ctx: Context, words: list[bytes]) -> bytes | None:
    if len(words) > 1:
        raise ctx.misused()
    return words[0] if words else None


@group.command(
    "PUBSUB CHANNELS", Rest(), flags=_ASKING, since="2.8.0", varies="order",
    names="[pattern:pattern]",
)
def pubsub_channels(ctx: Context, words: list[bytes]) -> list[bytes]:
    """The channels that have subscribers, those that match a pattern if one is given."""
    pubsub = ctx.server.pubsub
    return pubsub.matching(pubsub.channels, _pattern(ctx, words))


@group.command(
    "PUBSUB SHARDCHANNELS", Rest(), flags=_ASKING, since="7.0.0", varies="order",
    names="[pattern:pattern]",
)
def pubsub_shardchannels(ctx: Context, words: list[bytes]) -> list[bytes]:
    """Shard channels that have subscribers."""
    pubsub = ctx.server.pubsub
    return pubsub.matching(pubsub.shard_channels, _pattern(ctx, words))


def _counts(where: Subscribers, names: list[bytes]) -> list[Any]:
    return [part for name in names for part in (name, len(where.get(name, ())))]


@group.command("PUBSUB NUMSUB", Rest(), flags=_ASKING, since="2.8.0", names="[channel+]")
def pubsub_numsub(ctx: Context, names: list[bytes]) -> list[Any]:
    """How many subscribe to each of these channels, patterns left out."""
    return _counts(ctx.server.pubsub.channels, names)


@group.command("PUBSUB SHARDNUMSUB", Rest(), flags=_ASKING, since="7.0.0", names="[shardchannel+]")
def pubsub_shardnumsub(ctx: Context, names: list[bytes]) -> list[Any]:
    """How many subscribers shard channels have."""
    return _counts(ctx.server.pubsub.shard_channels, names)


@group.command("PUBSUB NUMPAT", flags=_ASKING, since="2.8.0")
def pubsub_numpat(ctx: Context) -> int:
    """How many patterns are subscribed to by anyone."""
    return len(ctx.server.pubsub.patterns)


@group.command("PUBSUB HELP", flags=LOADING | STALE, since="6.2.0", acl=("slow",))
def pubsub_help(ctx: Context) -> list[Status]:
    """The subcommands."""
    return dispatch.help_reply("PUBSUB", (
        "CHANNELS [<pattern>]", "    List the channels that have subscribers.",
        "NUMPAT", "    Count the patterns that have subscribers.",
        "NUMSUB [<channel> ...]", "    Count each channel's subscribers.",
        "SHARDCHANNELS [<pattern>]", "    List the shard channels that have subscribers.",
        "SHARDNUMSUB [<shardchannel> ...]", "    Count each shard channel's subscribers.",
    ))
