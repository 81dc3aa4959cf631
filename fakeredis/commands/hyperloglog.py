"""HyperLogLog commands: Redis's "hyperloglog" group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Key, Many, Raw, Rest, word_of
from fakeredis.commands.registry import (
    ADMIN,
    DENYOOM,
    FAST,
    READONLY,
    REPLICATES,
    SERVER_WIDE,
    WRITE,
    Group,
)
from fakeredis.datatypes.hyperloglog import Corrupted, HyperLogLog, estimate_of, is_valid, merged
from fakeredis.datatypes.string import MutableString
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status
from fakeredis.errors import CommandError

group = Group("hyperloglog")


def _read(value: bytes | bytearray | None) -> HyperLogLog | None:
    """A string's value as a HyperLogLog."""
    if value is None:
        return None
    if not is_valid(value):
        raise CommandError(errors.NOT_HYPERLOGLOG)
    return HyperLogLog(value)


def _registers(value: HyperLogLog) -> bytes:
    try:
        return value.registers()
    except Corrupted:
        raise CommandError(errors.HYPERLOGLOG_CORRUPTED) from None


@group.command(
    "PFADD", Key("RW insert"), Rest(flat=True), flags=WRITE | DENYOOM | FAST, since="2.8.9",
    form="key member~", batch_of_key="PFADD with all elements", names="key [element+]",
)
def pfadd(ctx: Context, key: bytes, *elements: bytes) -> int:
    """Add elements; whether the estimate may have changed, or the key is new.

    Checked in the server's order: type, header, then the registers as they come.
    """
    value = _read(ctx.string(key))
    changes = int(value is None)
    if value is None:
        value = HyperLogLog()
    most = ctx.server.limits.hll_sparse_max_bytes
    try:
        for element in elements:
            changes += value.add(element, most)
    except Corrupted:
        raise CommandError(errors.HYPERLOGLOG_CORRUPTED) from None
    if not changes:
        return 0
    value.spoil()
    _store(ctx, key, value)
    ctx.modified(key, "pfadd")
    ctx.server.dirty += changes - 1
    return 1


def _store(ctx: Context, key: bytes, value: HyperLogLog) -> None:
    """Keep the string, whose encoding is ``raw`` always."""
    ctx.db.replace(key, MutableString(value.to_bytes()))


@group.command(
    "PFCOUNT", Many(Key("RW access"), flat=True), flags=READONLY | REPLICATES, since="2.8.9",
    form="key~",
)
def pfcount(ctx: Context, *keys: bytes) -> int:
    """How many different elements were added, about; of several keys together.

    The estimate of a single key is kept in its header, which counts as a change.
    """
    if len(keys) > 1:
        values = _all(ctx, keys)
        return estimate_of(Counter(merged(registers for _, registers in values)))
    key = keys[0]
    value = _read(ctx.read_string(key))
    if value is None:
        return 0
    count = value.cached
    if count is None:
        count = estimate_of(Counter(_registers(value)))
        value.keep(count)
        _store(ctx, key, value)
        ctx.modified_unsignalled(key)
        ctx.signal_modified(key)
    return count


def _all(ctx: Context, keys: Sequence[bytes]) -> list[tuple[HyperLogLog, bytes]]:
    """What is there of several keys, with the registers, one checked after the other."""
    found = []
    for key in keys:
        value = _read(ctx.read_string(key))
        if value is not None:
            found.append((value, _registers(value)))
    return found


@group.command(
    "PFMERGE", Key("RW access insert"), Many(Key("RO access"), at_least=0, flat=True),
    flags=WRITE | DENYOOM, since="2.8.9", form="key key~", names="destkey [sourcekey+]",
)
def pfmerge(ctx: Context, *keys: bytes) -> Any:
    """Put what was added to several keys together at the first one.

    It stays sparse unless one of them is dense.
    """
    found = _all(ctx, keys)
    registers = merged(values for _, values in found)
    value = _read(ctx.string(keys[0])) or HyperLogLog()
    if any(one.dense is not None for one, _ in found):
        value.replace(registers)
    else:
        most = ctx.server.limits.hll_sparse_max_bytes
        for index, number in enumerate(registers):
            if number:
                value.raise_to(index, number, most)
    value.spoil()
    _store(ctx, keys[0], value)
    ctx.modified(keys[0], "pfadd")
    return OK


# Debugging ----------------------------------------------------------------------------------

_SIMD: Final = {b"ON": Status(b"enabled"), b"OFF": Status(b"disabled")}


@group.command(
    "PFDEBUG", Raw, Key("RW access"), flags=WRITE | DENYOOM | ADMIN | SERVER_WIDE, since="2.8.9",
    names="subcommand key",
)
def pfdebug(ctx: Context, name: bytes, key: bytes) -> Any:
    """Look into one: GETREG, DECODE, ENCODING, TODENSE; SIMD changes nothing here.

    Checked in the server's order: key, type, header, subcommand, registers.
    """
    word = word_of(name)
    if word == b"SIMD" and ctx.server.profile.has({"redis": "8.0.0", "valkey": "9.0.0"}):
        if word_of(key) not in _SIMD:
            raise CommandError(errors.PFDEBUG_SIMD)
        return _SIMD[word_of(key)]
    value = _read(ctx.string(key))
    if value is None:
        raise CommandError(errors.PFDEBUG_NO_KEY)
    if word == b"ENCODING":
        return Status(b"sparse" if value.dense is None else b"dense")
    if word == b"DECODE":
        if value.dense is not None:
            raise CommandError(errors.PFDEBUG_DENSE)
        return b" ".join(map(_run_text, value.runs))
    if word not in (b"GETREG", b"TODENSE"):
        raise CommandError(errors.PFDEBUG_UNKNOWN % name.decode("utf-8", "surrogateescape"))
    registers = _registers(value)
    converted = value.make_dense()
    if converted:
        _store(ctx, key, value)
        ctx.modified_unsignalled(key)
    return list(registers) if word == b"GETREG" else int(converted)


def _run_text(run: bytes) -> bytes:
    """A run of the sparse encoding as DECODE shows it."""
    first = run[0]
    if first & 0x80:
        return b"v:%d,%d" % ((first >> 2 & 31) + 1, (first & 3) + 1)
    if first & 0x40:
        return b"Z:%d" % (((first & 63) << 8 | (run[1] if len(run) > 1 else 0)) + 1)
    return b"z:%d" % (first + 1)


@group.command("PFSELFTEST", flags=ADMIN, since="2.8.9")
def pfselftest(ctx: Context) -> Any:
    """Nothing to test."""
    return OK
