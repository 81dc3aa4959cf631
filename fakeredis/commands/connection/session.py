"""A connection itself: PING, SELECT, QUIT, RESET, AUTH, HELLO."""

from __future__ import annotations

from typing import Annotated, Any

from fakeredis import errors
from fakeredis.commands.arguments import Argument, Int, Option, Options, Raw, Rest
from fakeredis.commands.connection.clients import check_name
from fakeredis.commands.connection.common import BUSY_SINCE, OPEN_FLAGS, group
from fakeredis.commands.pubsub import unsubscribe_all
from fakeredis.commands.registry import (
    ALONE,
    CONNECTION,
    EACH_NODE,
    ENDS_QUEUE,
    FAST,
    LOADING,
    SEQUENTIAL,
    STALE,
    UNQUEUED,
    UNWATCHES,
    WHILE_SUBSCRIBED,
    Databases,
    Secrets,
)
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine import wording
from fakeredis.engine.cluster import cluster
from fakeredis.engine.command import modules
from fakeredis.engine.core import switches
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import DEEP, OK, PONG, RESET
from fakeredis.engine.core.server import Server
from fakeredis.engine.features import acl, tracking
from fakeredis.errors import CommandError

group.container("CLIENT", since="2.4.0")


@group.command(
    "PING", Rest(), flags=FAST | WHILE_SUBSCRIBED | SEQUENTIAL, acl=("fast", "connection"),
    tips="request_policy:all_shards response_policy:all_succeeded", names="[message]",
)
def ping(ctx: Context, words: list[bytes]) -> Any:
    """PONG, or the message; RESP2 subscribers get an array."""
    if len(words) > 1:
        raise CommandError(errors.ARITY % "ping")
    session = ctx.session
    if session.switched & switches.SUBSCRIBED and session.protocol == 2:
        return [b"pong", words[0] if words else b""]
    return words[0] if words else PONG


@group.command("ECHO", Raw, flags=LOADING | STALE | FAST, names="message")
def echo(ctx: Context, message: bytes) -> bytes:
    """The message."""
    return message


@group.command(
    "SELECT", Int, flags=LOADING | STALE | FAST | SEQUENTIAL, flags_since=BUSY_SINCE,
    databases=Databases((0,), here=False), names="index",
)
def select(ctx: Context, index: int) -> Any:
    """Choose the database of this session."""
    if not -(1 << 31) <= index < 1 << 31:
        raise CommandError(errors.BEYOND_INT)
    if index and not ctx.traits.databases_in_cluster:
        cluster.refuse(ctx.server, "ERR SELECT is not allowed in cluster mode")
    ctx.db = ctx.server.select(index)
    return OK


@group.command("QUIT", Rest(), flags=OPEN_FLAGS | CONNECTION | UNQUEUED | WHILE_SUBSCRIBED | ALONE)
def quit_(ctx: Context, words: list[bytes]) -> Any:
    """Close the connection, after this reply."""
    ctx.session.release()
    return OK


@group.command(
    "RESET",
    flags=(
        OPEN_FLAGS | CONNECTION | UNQUEUED | ENDS_QUEUE | WHILE_SUBSCRIBED | UNWATCHES | EACH_NODE
        | ALONE
    ),
    since="6.2.0",
)
def reset(ctx: Context) -> Any:
    """Make the session as good as new; only its ID and the client library's name stay."""
    session, server = ctx.session, ctx.server
    session.reset_transaction()
    session.unwatch()
    unsubscribe_all(session)
    server.stop_monitoring(session)
    if server.switched & switches.TRACKED:
        tracking.of(server).stop(session)
    session.switched = 0
    session.reply_mode = "ON"
    session.protocol = 2
    session.name = b""
    session.user = "default"
    session.no_evict = session.no_touch = session.reads_here = session.asking = False
    session.fieldsets = None
    ctx.db = server.database(0)
    server.greet(session)
    return RESET


NO_PASSWORD_SET = (
    "ERR AUTH <password> called without any password configured for the default user. "
    "Are you sure your configuration is correct?"
)
HELLO_NO_AUTH = (
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
    "<proto> AUTH <user> <pass> option can be used to authenticate the client and select the "
    "RESP protocol version at the same time"
)


@group.command(
    "AUTH", Raw, Rest(), flags=OPEN_FLAGS | SEQUENTIAL, secrets=Secrets({}),
    names="[username@6.0.0] password",
)
def auth(ctx: Context, first: bytes, rest: list[bytes]) -> Any:
    """Authenticate, with a password for the default user or a user's name and password."""
    if len(rest) > 1:
        raise CommandError(errors.SYNTAX)
    if rest:
        acl.authenticate(ctx.session, first, rest[0], "AUTH")
        return OK
    if acl.of(ctx.server).users["default"].no_password and not acl.is_open(ctx.server):
        raise CommandError(NO_PASSWORD_SET)
    acl.authenticate(ctx.session, b"default", first, "AUTH")
    return OK


def _name(raw: bytes) -> bytes:
    check_name(raw)
    return raw


class _HelloOptions(Options):
    """What HELLO may do besides."""

    credentials: Annotated[tuple[bytes, bytes] | None, Option("AUTH", Raw, Raw)] = None
    name: Annotated[bytes | None, Option("SETNAME", Argument(_name))] = None

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """It names the word."""
        return CommandError(f"ERR Syntax error in HELLO option '{wording.clean(raw)}'")


@group.command(
    "HELLO", _HelloOptions, flags=OPEN_FLAGS | CONNECTION | SEQUENTIAL | EACH_NODE | ALONE,
    since="6.0.0", reply=DEEP, secrets=Secrets({b"AUTH": 2}, start=1), varies="always",
    form="protover {}",
    names="[arguments(protover:integer [AUTH=auth(username password)] [SETNAME=clientname])]",
)
def hello(ctx: Context, *words: bytes) -> Any:
    """Choose the protocol, authenticate, name the session; who the server is.

    Checked in the server's order: protocol, syntax and name, password, whether one is needed.
    """
    session = ctx.session
    protocol = _protocol(words[0]) if words else None
    options = _HelloOptions.parse(ctx, words[1:])
    if options.credentials is not None:
        acl.authenticate(session, *options.credentials, "HELLO")
    if session.switched & switches.UNAUTHENTICATED and ctx.server.closed_by_default:
        raise CommandError(HELLO_NO_AUTH)
    if options.name is not None:
        session.name = options.name
    if protocol is not None:
        session.protocol = protocol
    profile = ctx.server.profile
    return {
        b"server": profile.server_type.encode(), b"version": profile.version_text.encode(),
        b"proto": session.protocol, b"id": session.id,
        b"mode": b"cluster" if ctx.server.switched & switches.CLUSTERED else b"standalone",
        b"role": b"master", b"modules": _modules(ctx.server),
    }


def _protocol(raw: bytes) -> int:
    protocol = parse_int(raw)
    if protocol is None:
        raise CommandError("ERR Protocol version is not an integer or out of range")
    if protocol not in (2, 3):
        raise CommandError("NOPROTO unsupported protocol version")
    return protocol


def _modules(server: Server) -> list[Any]:
    return modules.entries(server.table.modules, server.profile)
