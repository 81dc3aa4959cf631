"""What a single server says to the commands with which the shards of a cluster talk."""

from __future__ import annotations

from fakeredis import errors
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status
from fakeredis.errors import CommandError


def clusterset(ctx: Context, *words: bytes) -> None:
    """Refuse to be told of a cluster."""
    raise CommandError("Could not parse cluster set arguments")


def hello(ctx: Context, *words: bytes) -> None:
    """Refuse to meet another shard."""
    raise CommandError("ERRCLUSTER NULL cluster state on hello msg")


def infocluster(ctx: Context, *words: bytes) -> bytes:
    """That there is none."""
    _check_waiting(ctx)
    return b"no cluster mode"


def _check_waiting(ctx: Context) -> None:
    """Refuse what would make a client wait where it must not.

    Raises:
        CommandError: it is in a transaction.
    """
    if ctx.session.deny_blocking:
        raise CommandError("ERR Blocking module command called from transaction")


def innercommunication(ctx: Context, *words: bytes) -> None:
    """Refuse messages, which have more words than anyone writes by hand."""
    raise CommandError(errors.ARITY % "timeseries.INNERCOMMUNICATION")


def refreshcluster(ctx: Context, *words: bytes) -> Status:
    """Nothing has to be done."""
    _check_waiting(ctx)
    return OK


def accepted(ctx: Context, *words: bytes) -> Status:
    """Nothing has to be done."""
    return OK
