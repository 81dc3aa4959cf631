"""Popping the lowest and the highest, and waiting for them: ZPOPMIN, BZMPOP and their kin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import (
    Key,
    KeySpec,
    NumKeys,
    Raw,
    Rest,
    Timeout,
    index,
    span,
    word_of,
)
from fakeredis.commands.list import PopOptions
from fakeredis.commands.registry import BLOCKING, FAST, KEY_IN_REPLY, MOVABLEKEYS, WRITE
from fakeredis.commands.sorted_set.common import POPPED, group
from fakeredis.datatypes.numbers import parse_int
from fakeredis.datatypes.sorted_set import Pair, SortedSet
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import DEEP, DOUBLES, null_array
from fakeredis.errors import CommandError


def _pop(ctx: Context, key: bytes, value: SortedSet, count: int, highest: bool) -> list[Pair]:
    """Remove the lowest or highest members of a key."""
    pairs = value.pop_max(count) if highest else value.pop_min(count)
    ctx.shrunk(key, value, "zpopmax" if highest else "zpopmin", len(pairs))
    return pairs


def _pop_command(ctx: Context, key: bytes, words: Sequence[bytes], highest: bool) -> Any:
    """ZPOPMIN and ZPOPMAX.

    Checked in the server's order: number of words, count, type.
    """
    if len(words) > 1:
        raise CommandError(errors.SYNTAX)
    count = parse_int(words[0]) if words else 1
    if count is None or (count < 0 and ctx.traits.strict_pop_count):
        strict = ctx.traits.strict_pop_count
        raise CommandError(errors.NOT_POSITIVE if strict else errors.NOT_INTEGER)
    value = ctx.lookup_write(key, SortedSet)
    if value is None or count <= 0:
        return []
    pairs = _pop(ctx, key, value, count, highest)
    return pairs if words else list(pairs[0])


@group.command(
    "ZPOPMIN", Key("RW access delete"), Rest(flat=True), flags=WRITE | FAST, since="5.0.0",
    reply=POPPED, names="key [count:integer]",
)
def zpopmin(ctx: Context, key: bytes, *words: bytes) -> Any:
    """Remove the members with the lowest scores."""
    return _pop_command(ctx, key, words, highest=False)


@group.command(
    "ZPOPMAX", Key("RW access delete"), Rest(flat=True), flags=WRITE | FAST, since="5.0.0",
    reply=POPPED, names="key [count:integer]",
)
def zpopmax(ctx: Context, key: bytes, *words: bytes) -> Any:
    """Remove the members with the highest scores."""
    return _pop_command(ctx, key, words, highest=True)


def _pop_first(
    ctx: Context, keys: Sequence[bytes], count: int, highest: bool
) -> tuple[bytes, list[Pair]] | None:
    """Pop from the first key that has a sorted set; None when none has."""
    for key in keys:
        value = ctx.lookup_write(key, SortedSet)
        if value is not None:
            return key, _pop(ctx, key, value, count, highest)
    return None


def _milliseconds(raw: bytes) -> int:
    """A blocking command's timeout."""
    assert Timeout.convert is not None
    timeout: int = Timeout.convert(raw)
    return timeout


def _blocking_pop(ctx: Context, words: Sequence[bytes], highest: bool) -> Any:
    """BZPOPMIN and BZPOPMAX; the timeout is checked before the types, one key after the other."""
    keys, timeout = words[:-1], _milliseconds(words[-1])
    popped = _pop_first(ctx, keys, 1, highest)
    if popped is None:
        return ctx.block(keys, timeout, kind=SortedSet)
    key, pairs = popped
    return [key, *pairs[0]]


_ALL_BUT_LAST: Final = (KeySpec("RW access delete", index(1), span(-2)),)


@group.command(
    "BZPOPMIN", Rest(2), flags=WRITE | FAST | BLOCKING | KEY_IN_REPLY, since="5.0.0", reply=DOUBLES,
    specs=_ALL_BUT_LAST, nulls=null_array, names="key:key0+ timeout:double",
)
def bzpopmin(ctx: Context, words: list[bytes]) -> Any:
    """ZPOPMIN of the first key that has members, or wait for one."""
    return _blocking_pop(ctx, words, highest=False)


@group.command(
    "BZPOPMAX", Rest(2), flags=WRITE | FAST | BLOCKING | KEY_IN_REPLY, since="5.0.0", reply=DOUBLES,
    specs=_ALL_BUT_LAST, nulls=null_array, names="key:key0+ timeout:double",
)
def bzpopmax(ctx: Context, words: list[bytes]) -> Any:
    """ZPOPMAX of the first key that has members, or wait for one."""
    return _blocking_pop(ctx, words, highest=True)


def _pop_options(ctx: Context, words: Sequence[bytes]) -> tuple[int, bool]:
    """ZMPOP's count, and whether the highest are wanted."""
    where = word_of(words[0]) if words else b""
    if where not in (b"MIN", b"MAX"):
        raise CommandError(errors.SYNTAX)
    return PopOptions.parse(ctx, words[1:]).count, where == b"MAX"


_POP_KEYS: Final = NumKeys(error=errors.NUMKEYS_NOT_POSITIVE, access="RW access delete")


@group.command(
    "ZMPOP", _POP_KEYS, PopOptions, flags=WRITE | MOVABLEKEYS | KEY_IN_REPLY, since="7.0.0",
    reply=DEEP, nulls=null_array, form="#key* ^where {}", names="numkeys key+ where<MIN|MAX> {}",
)
def zmpop(ctx: Context, keys: list[bytes], *words: bytes) -> Any:
    """Pop from the first key that has members.

    Checked in the server's order: keys, MIN or MAX, count, types one key after the other.
    """
    count, highest = _pop_options(ctx, words)
    popped = _pop_first(ctx, keys, count, highest)
    return None if popped is None else list(popped)


@group.command(
    "BZMPOP", Raw, _POP_KEYS, PopOptions, flags=WRITE | BLOCKING | MOVABLEKEYS | KEY_IN_REPLY,
    since="7.0.0", reply=DEEP, nulls=null_array, form="timeout #key* ^where {}",
    names="timeout:double numkeys key+ where<MIN|MAX> {}",
)
def bzmpop(ctx: Context, raw: bytes, keys: list[bytes], *words: bytes) -> Any:
    """ZMPOP, or wait for a key that has members.

    Checked in the server's order: keys, MIN or MAX, count, timeout, types.
    """
    count, highest = _pop_options(ctx, words)
    timeout = _milliseconds(raw)
    popped = _pop_first(ctx, keys, count, highest)
    return ctx.block(keys, timeout, kind=SortedSet) if popped is None else list(popped)
