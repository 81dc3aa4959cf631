"""What the sorted set commands share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.registry import Group
from fakeredis.datatypes.numbers import parse_int
from fakeredis.datatypes.sorted_set import Pair, SortedSet
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import Shape, doubles, flat_pairs, lists
from fakeredis.errors import CommandError

group = Group("sorted-set")


def _popped(reply: Any) -> Any:
    """RESP2: one popped pair is flat already, several become so."""
    return flat_pairs(reply) if reply and type(reply[0]) is tuple else doubles(reply)


POPPED: Final = Shape(_popped, lists)


def integer_of(raw: bytes) -> int:
    """A number.

    Raises:
        CommandError: it is none.
    """
    value = parse_int(raw)
    if value is None:
        raise CommandError(errors.NOT_INTEGER)
    return value


def store_pairs(ctx: Context, key: bytes, pairs: Iterable[Pair], event: str) -> int:
    """Put a result in place of whatever is at key; its size."""
    value = SortedSet(pairs)
    if not value:
        ctx.delete(key)
        return 0
    ctx.db.put(key, value)
    ctx.modified(key, event)
    return len(value)
