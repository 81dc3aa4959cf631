"""What commands of sketches, top-k lists and digests have in common: keys that must be there."""

from __future__ import annotations

from typing import TypeVar

from fakeredis.commands.probabilistic.common import writable
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError

T = TypeVar("T")


def existing(ctx: Context, key: bytes, kind: type[T], missing: str) -> T:
    """The value at a key, to be changed; WATCH and tracking hear of that, whatever comes of it.

    Raises:
        CommandError: there is none, or it is of another type.
    """
    value = writable(ctx, key, kind)
    if value is None:
        raise CommandError(missing)
    return value


def check_free(ctx: Context, key: bytes, taken: str) -> None:
    """See that there is nothing at a key; WATCH and tracking hear of that.

    Raises:
        CommandError: there is something, of whatever type.
    """
    value = ctx.lookup(key)
    ctx.signal_modified(key)
    if value is not None:
        raise CommandError(taken)
