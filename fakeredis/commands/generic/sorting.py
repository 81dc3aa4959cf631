"""SORT."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Annotated, Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import (
    UNKNOWN,
    Args,
    Flag,
    Int,
    Key,
    KeySpec,
    OneOf,
    Option,
    Options,
    Raw,
    Token,
    index,
)
from fakeredis.commands.generic.common import group, lookup_any
from fakeredis.commands.registry import DENYOOM, MOVABLEKEYS, READONLY, WRITE
from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.list import List
from fakeredis.datatypes.numbers import parse_decimal
from fakeredis.datatypes.set import Set
from fakeredis.datatypes.sorted_set import SortedSet
from fakeredis.datatypes.string import MutableString
from fakeredis.engine.core import switches
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import check_length
from fakeredis.engine.features import acl
from fakeredis.errors import CommandError


def _may_read(ctx: Context, option: str, value: bytes) -> bytes:
    """Users who may not read all keys get none by patterns (Redis 7 and later)."""
    if ctx.server.switched & switches.RESTRICTED and not ctx.traits.older_errors:
        assert ctx.command is not None
        acl.check_all_keys(ctx.session, ctx.command, option)
    return value


def _sort_by(ctx: Context, value: bytes) -> bytes:
    return _may_read(ctx, "BY", value) if b"*" in value else value


def _sort_get(ctx: Context, value: bytes) -> bytes:
    return _may_read(ctx, "GET", value)


class _SortRoOptions(Options):
    """What SORT_RO is asked to do."""

    by: Annotated[bytes | None, Option("BY", Raw, make=_sort_by)] = None
    limit: Annotated[tuple[int, int] | None, Option(
        "LIMIT", Int.named("offset"), Int.named("count")
    )] = None
    get: Annotated[Sequence[bytes], Option("GET", Raw, make=_sort_get, many=True)] = ()
    order: Annotated[str, OneOf(ASC=Token, DESC=Token, last=True)] = "ASC"
    alpha: Annotated[bool, Flag("ALPHA")] = False
    store: bytes | None = None


class _SortOptions(_SortRoOptions):
    """What SORT is asked to do."""

    store: Annotated[bytes | None, Option("STORE", Key)] = None


def _sort(ctx: Context, key: bytes, options: _SortRoOptions) -> Any:
    """Elements in order; with STORE, how many were stored.

    Checked in the server's order: options, type, weights.
    """
    value = lookup_any(ctx, key)
    if value is not None and type(value) not in (List, Set, SortedSet):
        raise CommandError(errors.WRONGTYPE)
    if type(value) is SortedSet:
        value.expand()  # the server sorts no compact ones, and does not put them back
    elements: list[Any] = [] if value is None else _sorted_elements(ctx, value, options)
    if options.get:
        check_length(len(elements) * len(options.get))
        elements = [
            _by_pattern(ctx, pattern, element) for element in elements for pattern in options.get
        ]
    return elements if options.store is None else _store_sorted(ctx, options.store, elements)


def _sorted_elements(ctx: Context, value: Any, options: _SortRoOptions) -> list[bytes]:
    """The elements asked for, in the order asked for."""
    by, alpha = options.by, options.alpha
    if by is not None and b"*" not in by:
        if type(value) is not Set or (options.store is None and ctx.session.via != "script"):
            return _unsorted(value, options)
        # What is stored, and what a script does, must not depend on a set's inner order.
        by, alpha = None, True
    elements = value.values() if type(value) is List else list(value)
    weights: list[bytes | None] = [*elements]
    if by is not None:
        weights = [_by_pattern(ctx, by, one) for one in elements]
    if alpha:
        order = _alphabetical(weights, options.store is None)
    else:
        read = _strict_weight if ctx.traits.strict_sort else _weight
        if ctx.traits.c_numbers:
            weights = [None if raw is None else raw and as_python(raw) for raw in weights]
        order = list(zip(map(read, weights), elements, strict=True))
    # Elements with equal keys stay as they are: only the keys may be compared.
    places = sorted(range(len(elements)), key=order.__getitem__, reverse=options.order == "DESC")
    return _limited([elements[place] for place in places], options)


def _unsorted(value: Any, options: _SortRoOptions) -> list[bytes]:
    """The elements in their own order, which DESC turns round where there is one."""
    elements = value.values() if type(value) is List else list(value)
    if options.order == "DESC" and type(value) is not Set:
        elements.reverse()
    return _limited(elements, options)


def _limited(elements: list[bytes], options: _SortRoOptions) -> list[bytes]:
    if options.limit is None:
        return elements
    start, count = max(options.limit[0], 0), options.limit[1]
    return elements[start:] if count < 0 else elements[start : start + count]


_WEIGHT: Final = re.compile(
    rb"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf(?:inity)?)?", re.IGNORECASE
).fullmatch


_NO_WEIGHT: Final = "ERR One or more scores can't be converted into double"


def _weight(raw: bytes | None) -> float:
    """An element's or a BY key's value as a number; missing and empty ones count as 0."""
    if not raw:
        return 0.0
    if not _WEIGHT(raw) or raw in (b"+", b"-"):
        raise CommandError(_NO_WEIGHT)
    return float(raw)


def _strict_weight(raw: bytes | None) -> float:
    """The same; empty ones count as nothing, and those out of range neither."""
    number = 0.0 if raw is None else parse_decimal(raw)
    if number is None:
        raise CommandError(_NO_WEIGHT)
    return number


_HEXADECIMAL: Final = re.compile(
    rb"[+-]?0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?[0-9]+)?", re.IGNORECASE
).fullmatch
_LEAST: Final = 2.0**-1022


def as_python(raw: bytes) -> bytes:
    """A number that C's strtod reads, as Python reads it; something else where it does not."""
    text = raw.lstrip(b" \t\n\v\f\r") or b"?"
    try:
        if _HEXADECIMAL(text):
            return b"%r" % float.fromhex(text.decode())
        size = abs(float(text)) if _WEIGHT(text) else 1.0
    except (ValueError, OverflowError):
        return b"?"
    zero = size == 0 and text.lower().partition(b"e")[0].strip(b"+-0.")
    wrong = zero or 0 < size < _LEAST or (size == math.inf and b"i" not in text.lower())
    return b"?" if wrong else text


def _alphabetical(weights: list[bytes | None], collated: bool) -> list[Any]:
    """Keys to sort by; missing ones come first, and collation stops at a zero byte."""
    if not collated:
        return [b"" if one is None else b"+" + one for one in weights]
    return [b"" if one is None else b"+" + one.partition(b"\0")[0] for one in weights]


def _by_pattern(ctx: Context, pattern: bytes, element: bytes) -> bytes | None:
    """The string, or the field of a hash, that a pattern of BY or GET means for an element."""
    if pattern == b"#":
        return element
    before, star, after = pattern.partition(b"*")
    if not star:
        return None
    after, arrow, field = after.partition(b"->")
    if arrow and not field:
        after, arrow = after + arrow, b""
    value = lookup_any(ctx, before + element + after)
    if type(value) is Hash:
        return _field(ctx, value, field) if arrow else None
    if arrow or type(value) not in (bytes, MutableString):
        return None
    return bytes(value)


def _field(ctx: Context, value: Hash, field: bytes) -> bytes | None:
    deadline = value.deadline(field)
    return None if deadline is not None and deadline <= ctx.now else value.get(field)


def _store_sorted(ctx: Context, key: bytes, elements: list[Any]) -> int:
    """Keep a list of the elements, or remove the key when there are none."""
    if not elements:
        ctx.delete(key)
        return 0
    ctx.lookup(key)
    stored = List([element or b"" for element in elements])
    stored.store(ctx.server.limits)
    ctx.db.put(key, stored)
    ctx.modified(key, "sortstore")
    ctx.server.dirty += len(elements) - 1
    return len(elements)


def _sort_keys(args: Args) -> list[bytes]:
    """The key, and the one that the last STORE names."""
    words = _SortOptions.spot(args[1:])
    return [args[0], *[key for word, keys in words if word == "STORE" for key in keys][-1:]]


_SORT_ACL: Final = ("set", "sortedset", "list", "slow", "dangerous")
# Those of BY and GET depend on the elements.
_SORT_KEYS: Final = (
    KeySpec("RO access", index(1)), KeySpec("RO access", UNKNOWN, UNKNOWN),
)


@group.command(
    "SORT", Key("RO access"), _SortOptions, flags=WRITE | DENYOOM | MOVABLEKEYS, keys=_sort_keys,
    acl=(*_SORT_ACL, "write"), specs=(*_SORT_KEYS, KeySpec("OW update", UNKNOWN, UNKNOWN)),
    names=(
        "key [BY=by-pattern:pattern1/pattern] {limit} [GET=get-pattern:pattern1/pattern&] {order} "
        "[sorting:ALPHA] [STORE=destination:key2]"
    ),
)
def sort(ctx: Context, key: bytes, *words: bytes) -> Any:
    """The elements of a list, set or sorted set in order, by themselves or by other keys."""
    return _sort(ctx, key, _SortOptions.parse(ctx, words))


@group.command(
    "SORT_RO", Key, _SortRoOptions, flags=READONLY | MOVABLEKEYS, since="7.0.0",
    acl=(*_SORT_ACL, "read"), specs=_SORT_KEYS,
    names=(
        "key [BY=by-pattern:pattern1/pattern] {limit} [GET=get-pattern:pattern1/pattern&] {order} "
        "[sorting:ALPHA]"
    ),
)
def sort_ro(ctx: Context, key: bytes, *words: bytes) -> Any:
    """The elements of a list, set or sorted set in order, as SORT gives them; never stored."""
    return _sort(ctx, key, _SortRoOptions.parse(ctx, words))
