"""Commands of strings that Valkey alone has."""

from __future__ import annotations

from fakeredis.commands.arguments import Key, Raw
from fakeredis.commands.registry import FAST, WRITE
from fakeredis.commands.string import group
from fakeredis.engine.core.context import Context

groups = [group]


@group.command(
    "DELIFEQ", Key("RM delete"), Raw, flags=WRITE | FAST, since={"valkey": "9.0.0"},
    names="key value",
)
def delifeq(ctx: Context, key: bytes, compared: bytes) -> int:
    """Remove a string that is equal to another; whether it was removed."""
    value = ctx.lookup_write(key, bytes)
    return int(value is not None and bytes(value) == compared and ctx.delete(key))
