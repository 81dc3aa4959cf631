"""Connection commands: Redis's "connection" group."""

from __future__ import annotations

from typing import Any

from fakeredis import errors
from fakeredis.commands.arguments import Int, Optional, Raw, Rest
from fakeredis.commands.registry import (
    ALLOW_BUSY,
    CONNECTION,
    FAST,
    LOADING,
    NO_AUTH,
    NOSCRIPT,
    STALE,
    Group,
)
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.context import Context
from fakeredis.engine.replies import MAP, OK, PONG
from fakeredis.errors import CommandError

group = Group("connection")
group.container("CLIENT", since="2.4.0")


@group.command("PING", Optional(Raw), flags=FAST, acl=("fast", "connection"))
def ping(ctx: Context, message: bytes | None) -> Any:
    """PONG, or the message."""
    return PONG if message is None else message


@group.command("SELECT", Int, flags=LOADING | STALE | FAST)
def select(ctx: Context, index: int) -> Any:
    """Choose the database of this session."""
    ctx.db = ctx.server.select(index)
    return OK


@group.command(
    "HELLO", Rest(), flags=NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY | CONNECTION,
    since="6.0.0", reply=MAP,
)  # fmt: skip
def hello(ctx: Context, words: list[bytes]) -> Any:
    """Choose the protocol; who the server is."""
    session = ctx.session
    if words:
        protocol = parse_int(words[0])
        if protocol not in (2, 3):
            raise CommandError("NOPROTO unsupported protocol version")
        session.protocol = protocol
    profile = ctx.server.profile
    return {
        b"server": profile.server_type.encode(), b"version": profile.version_text.encode(),
        b"proto": session.protocol, b"id": session.id, b"mode": b"standalone",
        b"role": b"master", b"modules": [],
    }  # fmt: skip


@group.command(
    "CLIENT SETINFO", Raw, Raw, flags=NOSCRIPT | LOADING | STALE, since="7.2.0",
)  # fmt: skip
def client_setinfo(ctx: Context, attribute: bytes, value: bytes) -> Any:
    """Note the client library's name or version."""
    if attribute.upper() == b"LIB-NAME":
        ctx.session.lib_name = value
    elif attribute.upper() == b"LIB-VER":
        ctx.session.lib_version = value
    else:
        raise CommandError(errors.SYNTAX)
    return OK


@group.command("CLIENT SETNAME", Raw, flags=NOSCRIPT | LOADING | STALE, since="2.6.9")
def client_setname(ctx: Context, name: bytes) -> Any:
    """Name this session."""
    ctx.session.name = name
    return OK
