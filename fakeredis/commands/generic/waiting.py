"""Waiting for replicas: WAIT, WAITAOF."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Int, Raw
from fakeredis.commands.generic.common import group
from fakeredis.commands.registry import BLOCKING
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.core import switches
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError

_WAIT_ACL: Final = ("blocking", "connection", "slow")


def _wait_timeout(raw: bytes) -> int:
    timeout = parse_int(raw)
    if timeout is None:
        raise CommandError("ERR timeout is not an integer or out of range")
    if timeout < 0:
        raise CommandError(errors.TIMEOUT_NEGATIVE)
    return timeout


def _refuse_at_replica(ctx: Context, text: str) -> None:
    if ctx.server.switched & switches.FOLLOWING:
        raise CommandError(text)


def _having(ctx: Context, on_disk: bool = False) -> int:
    """How many replicas have all that this client has written."""
    replication = ctx.server.replication
    return 0 if replication is None else int(replication.having(ctx.session, on_disk))


def _block(ctx: Context, milliseconds: int, reply: Callable[[], Any]) -> Any:
    if not ctx.retrying and not ctx.session.deny_blocking and ctx.server.replication is not None:
        ctx.server.replication.ask(ctx.session)
    return ctx.block((), milliseconds, reply)


@group.command(
    "WAIT", Int, Raw, flags=BLOCKING, since="3.0.0", acl=_WAIT_ACL,
    tips="request_policy:all_shards response_policy:agg_min", names="numreplicas timeout:integer",
)
def wait(ctx: Context, replicas: int, timeout: bytes) -> Any:
    """Wait for replicas to have all that this client has written; how many have.

    Checked in the server's order: whether this is a master, the time-out.
    """
    _refuse_at_replica(ctx, errors.WAIT_AT_REPLICA)
    milliseconds = _wait_timeout(timeout)
    having = _having(ctx)
    if having >= replicas:
        return having
    return _block(ctx, milliseconds, lambda: _having(ctx))


@group.command(
    "WAITAOF", Int, Raw, Raw, flags=BLOCKING, since="7.2.0", acl=_WAIT_ACL,
    tips="request_policy:all_shards response_policy:agg_min",
    names="numlocal numreplicas:integer timeout:integer",
)
def waitaof(ctx: Context, local: int, replicas: bytes, timeout: bytes) -> Any:
    """Wait for changes to be on disk, here and on replicas.

    Checked in the server's order: local, replicas, time-out, whether this is a master, whether
    there is an append only file.
    """
    if not 0 <= local <= 1:
        raise CommandError("ERR value is out of range, value must between 0 and 1")
    wanted = parse_int(replicas)
    if wanted is None or wanted < 0:
        raise CommandError(errors.NOT_POSITIVE)
    milliseconds = _wait_timeout(timeout)
    _refuse_at_replica(ctx, errors.WAITAOF_AT_REPLICA)
    written = int(ctx.server.config.boolean("appendonly"))
    if local > written:
        raise CommandError(
            "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
        )
    having = _having(ctx, on_disk=True)
    if having >= wanted:
        return [written, having]
    return _block(ctx, milliseconds, lambda: [written, _having(ctx, on_disk=True)])
