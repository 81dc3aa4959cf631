"""Replicas, of which there are none: WAIT, WAITAOF."""

from __future__ import annotations

from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Int, Raw
from fakeredis.commands.generic.common import group
from fakeredis.commands.registry import BLOCKING
from fakeredis.datatypes.numbers import parse_int
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


@group.command(
    "WAIT", Int, Raw, flags=BLOCKING, since="3.0.0", acl=_WAIT_ACL,
    tips="request_policy:all_shards response_policy:agg_min", names="numreplicas timeout:integer",
)
def wait(ctx: Context, replicas: int, timeout: bytes) -> Any:
    """Wait for replicas to have all changes; none ever has."""
    milliseconds = _wait_timeout(timeout)
    if replicas <= 0:
        return 0
    return ctx.block((), milliseconds, lambda: 0)


@group.command(
    "WAITAOF", Int, Raw, Raw, flags=BLOCKING, since="7.2.0", acl=_WAIT_ACL,
    tips="request_policy:all_shards response_policy:agg_min",
    names="numlocal numreplicas:integer timeout:integer",
)
def waitaof(ctx: Context, local: int, replicas: bytes, timeout: bytes) -> Any:
    """Wait for changes to be on disk, here and on replicas.

    Checked in the server's order: local, replicas, time-out, whether there is an append only file.
    """
    if not 0 <= local <= 1:
        raise CommandError("ERR value is out of range, value must between 0 and 1")
    wanted = parse_int(replicas)
    if wanted is None or wanted < 0:
        raise CommandError(errors.NOT_POSITIVE)
    milliseconds = _wait_timeout(timeout)
    written = int(ctx.server.config.boolean("appendonly"))
    if local > written:
        raise CommandError(
            "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
        )
    if wanted == 0:
        return [written, 0]
    return ctx.block((), milliseconds, lambda: [written, 0])
