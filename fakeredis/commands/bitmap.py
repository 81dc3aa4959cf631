"""Bitmap commands: Redis's "bitmap" group.  Bit 0 is the highest bit of a string's first byte."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple
from zlib import adler32

from fakeredis import errors
from fakeredis.commands.arguments import Key, Many, Raw, Rest, word_of
from fakeredis.commands.registry import DENYOOM, FAST, READONLY, WRITE, Group
from fakeredis.datatypes.numbers import parse_int
from fakeredis.datatypes.string import BLOCK, MutableString
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError

group = Group("bitmap")

String = bytes | bytearray

_BLOCK: Final = 1 << 14  # bytes; as many as stay in the processor's cache


def _number(raw: bytes) -> int:
    value = parse_int(raw)
    if value is None:
        raise CommandError(errors.NOT_INTEGER)
    return value


def _bit_offset(ctx: Context, raw: bytes, width: int = 1) -> int:
    """The position of a bit, or with ``#`` that of a field of ``width`` bits."""
    value = parse_int(raw)
    if value is None or value < 0:
        raise CommandError(errors.BIT_OFFSET)
    value *= width
    if value >> 23:
        try:
            ctx.check_string_length((value >> 3) + 1)
        except CommandError:
            raise CommandError(errors.BIT_OFFSET) from None
    return value


# Single bits --------------------------------------------------------------------------------


@group.command(
    "SETBIT", Key, Raw, Raw, flags=WRITE | DENYOOM, since="2.2.0",
    names="key offset:integer value:integer",
)
def setbit(ctx: Context, key: bytes, raw: bytes, bit: bytes) -> int:
    """Set or clear a bit; its old value.

    Checked in the server's order: offset, bit, type. Announced only when something changed.
    """
    offset = _bit_offset(ctx, raw)
    if bit not in (b"0", b"1"):
        raise CommandError(errors.BIT_VALUE)
    value = ctx.string(key)
    at, mask = offset >> 3, 0x80 >> (offset & 7)
    size = 0 if value is None else len(value)
    edited = ctx.edit_string(key, value, at + 1)
    byte = edited[at]
    old = 1 if byte & mask else 0
    edited[at] = byte | mask if bit == b"1" else byte & ~mask
    if edited[at] != byte or at >= size:
        if edited.counts:
            edited.changed(at, at + 1)
        ctx.modified(key, "setbit")
    return old


@group.command("GETBIT", Key, Raw, flags=READONLY | FAST, since="2.2.0", names="key offset:integer")
def getbit(ctx: Context, key: bytes, raw: bytes) -> int:
    """A bit; the offset is checked before the key."""
    offset = _bit_offset(ctx, raw)
    value = ctx.read_string(key)
    at = offset >> 3
    if value is None or at >= len(value):
        return 0
    return value[at] >> (7 - (offset & 7)) & 1


# Counting and finding -----------------------------------------------------------------------


def _in_bits(ctx: Context, word: bytes) -> bool:
    """Whether BIT or BYTE is meant, which Redis knows since 7.0."""
    word = word_of(word)
    if word not in (b"BIT", b"BYTE") or not ctx.server.profile.has("7.0.0"):
        raise CommandError(errors.SYNTAX)
    return word == b"BIT"


def _bounds(size: int, start: int, end: int, in_bits: bool) -> tuple[int, int] | None:
    """First and last bit of a range in a string of ``size`` bytes; None when it is empty."""
    total = size * 8 if in_bits else size
    if start < 0:
        start = max(start + total, 0)
    if end < 0:
        end = max(end + total, 0)
    end = min(end, total - 1)
    if start > end:
        return None
    return (start, end) if in_bits else (start * 8, end * 8 + 7)


_START_ONLY: Final = {"valkey": "8.0.0"}  # BITCOUNT key start


@group.command(
    "BITCOUNT", Key, Rest(), flags=READONLY, since="2.6.0", form="key start end ^unit",
    names="key [range(start:integer end:integer [unit@7.0.0<BYTE|BIT>])]",
)
def bitcount(ctx: Context, key: bytes, words: list[bytes]) -> int:
    """The number of set bits, in the whole string or a part of it.

    Checked in the server's order: start and end, syntax, type.
    """
    if not words:
        value = ctx.read_string(key)
        return 0 if value is None else _count(value, 0, len(value))
    if ctx.traits.types_before_words:
        if ctx.read_string(key) is None:
            return 0
        if len(words) != 2:
            raise CommandError(errors.SYNTAX)
    if len(words) == 1 and not ctx.server.profile.has(_START_ONLY):
        raise CommandError(errors.SYNTAX)
    start, end = _number(words[0]), _number(words[1]) if len(words) > 1 else -1
    if len(words) > 3:
        raise CommandError(errors.SYNTAX)
    in_bits = len(words) == 3 and _in_bits(ctx, words[2])
    value = ctx.read_string(key)
    if value is None or (start < 0 and end < 0 and start > end):
        return 0
    bounds = _bounds(len(value), start, end, in_bits)
    return 0 if bounds is None else _count_bits(value, *bounds)


def _count_bits(value: String, start: int, end: int) -> int:
    """Set bits from bit start to bit end: those of the whole bytes less those at the edges."""
    first, last = start >> 3, end >> 3
    before = value[first] & (0xFF00 >> (start & 7)) & 0xFF
    behind = value[last] & (0x7F >> (end & 7))
    return _count(value, first, last + 1) - _BITS[before] - _BITS[behind]


_BITS: Final = bytes(bin(byte).count("1") for byte in range(256))
_ZEROS: Final = bytes(BLOCK)


def _count(value: String, start: int, stop: int) -> int:
    """Set bits from byte start to byte stop; of a long string, blocks counted before are known."""
    first, last = -(-start // BLOCK), stop // BLOCK
    if type(value) is not MutableString or last - first < 2:
        return _count_anew(value, start, stop)
    return (
        _count_anew(value, start, first * BLOCK)
        + value.count_blocks(first, last, partial(_count_anew, value))
        + _count_anew(value, last * BLOCK, stop)
    )


def _count_anew(value: String, start: int, stop: int) -> int:
    """Set bits from byte start to byte stop.

    Each byte is replaced by its number of bits, and these are added up by Adler-32, whose low half
    is 1 plus the sum of all bytes: the fastest way without an extension, twice as fast as
    ``int.bit_count``.
    """
    total = 0
    for at in range(start, stop, BLOCK):
        block = value[at : min(at + BLOCK, stop)]
        if block != _ZEROS:
            total += (adler32(block.translate(_BITS)) & 0xFFFF) - 1
    return total


@group.command(
    "BITPOS", Key, Raw, Rest(), flags=READONLY, since="2.8.7", form="key bit start end ^unit",
    names=(
        "key bit:integer [range(start:integer [end-unit-block(end:integer [unit@7.0.0<BYTE|"
        "BIT>])])]"
    ),
)
def bitpos(ctx: Context, key: bytes, raw: bytes, words: list[bytes]) -> int:
    """The first bit that is set or clear; -1 when there is none.

    Checked in the server's order: bit, start, syntax, end, type. Behind a string that has no clear
    bit there is one, unless an end was given.
    """
    bit = _number(raw)
    if bit not in (0, 1):
        raise CommandError(errors.BITPOS_BIT)
    if ctx.traits.types_before_words:
        if ctx.read_string(key) is None:
            return -1 if bit else 0
        if len(words) > 2:
            raise CommandError(errors.SYNTAX)
    start, end, in_bits = _bitpos_range(ctx, words)
    value = ctx.read_string(key)
    if value is None:
        return -1 if bit else 0
    bounds = _bounds(len(value), start, end, in_bits)
    if bounds is None:
        return -1
    found = _find(value, bit, *bounds)
    if found < 0 and not bit and len(words) < 2:
        return len(value) * 8
    return found


def _bitpos_range(ctx: Context, words: Sequence[bytes]) -> tuple[int, int, bool]:
    if not words:
        return 0, -1, False
    if len(words) > 3:
        raise CommandError(errors.SYNTAX)
    start = _number(words[0])
    in_bits = len(words) == 3 and _in_bits(ctx, words[2])
    end = _number(words[1]) if len(words) > 1 else -1
    return start, end, in_bits


def _find(value: String, bit: int, start: int, end: int) -> int:
    """The first such bit from bit start to bit end, or -1."""
    skip = b"\x00" if bit else b"\xff"
    block = skip * _BLOCK
    at, stop = start >> 3, (end >> 3) + 1
    # The first byte counts from the start on only.
    byte = (value[at] if bit else ~value[at]) & (0xFF >> (start & 7))
    if not byte:
        at += 1
        while at + _BLOCK <= stop and value[at : at + _BLOCK] == block:
            at += _BLOCK
        while at < stop:
            part = value[at : min(at + _BLOCK, stop)]
            rest = part.lstrip(skip)
            at += len(part) - len(rest)
            if rest:
                break
        if at >= stop:
            return -1
        byte = (value[at] if bit else ~value[at]) & 0xFF
    found = at * 8 + 8 - byte.bit_length()
    return found if found <= end else -1


# Combining ----------------------------------------------------------------------------------

Combine = Callable[[Sequence[int]], int]


def _and(values: Sequence[int]) -> int:
    result, *others = values
    for other in others:
        result &= other
    return result


def _or(values: Sequence[int]) -> int:
    result = 0
    for value in values:
        result |= value
    return result


def _xor(values: Sequence[int]) -> int:
    result = 0
    for value in values:
        result ^= value
    return result


def _diff(values: Sequence[int]) -> int:
    return values[0] & ~_or(values[1:])


def _diff1(values: Sequence[int]) -> int:
    return _or(values[1:]) & ~values[0]


def _andor(values: Sequence[int]) -> int:
    return values[0] & _or(values[1:])


def _one(values: Sequence[int]) -> int:
    """The bits that are set in exactly one value."""
    once = twice = 0
    for value in values:
        twice |= once & value
        once |= value
    return once & ~twice


_OPERATIONS: Final[dict[bytes, tuple[Combine, str]]] = {
    b"AND": (_and, "2.6.0"), b"OR": (_or, "2.6.0"), b"XOR": (_xor, "2.6.0"),
    b"DIFF": (_diff, "8.2.0"), b"DIFF1": (_diff1, "8.2.0"), b"ANDOR": (_andor, "8.2.0"),
    b"ONE": (_one, "8.2.0"),
}
_AT_LEAST_TWO: Final = (b"DIFF", b"DIFF1", b"ANDOR")
_INVERTED: Final = bytes(255 - byte for byte in range(256))


@group.command(
    "BITOP", Raw, Key("OW update"), Many(Key("RO access")), flags=WRITE | DENYOOM, since="2.6.0",
    form="^operation key key*", names="operation<AND|OR|XOR|NOT|DIFF|DIFF1|ANDOR|ONE> destkey key+",
)
def bitop(ctx: Context, operation: bytes, target: bytes, keys: list[bytes]) -> int:
    """Combine strings into a key of any type; the length of the result, that of the longest one.

    Checked in the server's order: operation, number of keys, types. An empty result leaves no key.
    """
    name = word_of(operation)
    combine = None if name == b"NOT" else _operation(ctx, name)
    if combine is None and len(keys) != 1:
        raise CommandError(errors.BITOP_NOT_KEYS)
    if name in _AT_LEAST_TWO and len(keys) < 2:
        raise CommandError(errors.BITOP_FEW_KEYS % name.decode())
    values = [ctx.read_string(key) or b"" for key in keys]
    size = max(map(len, values))
    if not size:
        ctx.delete(target)
        return 0
    if combine is None:
        result = MutableString(values[0].translate(_INVERTED))
    else:
        result = _combined(combine, values, size)
    ctx.db.put(target, result)
    ctx.modified(target, "set")
    return size


def _operation(ctx: Context, name: bytes) -> Combine:
    combine, since = _OPERATIONS.get(name, (None, ""))
    if combine is None or not ctx.server.profile.has(since):
        raise CommandError(errors.SYNTAX)
    return combine


def _combined(combine: Combine, values: Sequence[String], size: int) -> MutableString:
    """The combination, block by block; what lacks at a string's end counts as zeros."""
    result = MutableString()
    for at in range(0, size, _BLOCK):
        numbers = [int.from_bytes(value[at : at + _BLOCK], "little") for value in values]
        result += combine(numbers).to_bytes(min(_BLOCK, size - at), "little")
    return result


# Fields -------------------------------------------------------------------------------------


class _Step(NamedTuple):
    """One operation of BITFIELD."""

    name: bytes  # GET, SET or INCRBY
    signed: bool
    width: int
    offset: int
    value: int
    overflow: bytes


def _steps(ctx: Context, words: Sequence[bytes]) -> list[_Step]:
    """All operations; each one's words are checked in their order."""
    steps, overflow, at = [], b"WRAP", 0
    while at < len(words):
        name = word_of(words[at])
        rest = len(words) - at - 1
        if name == b"OVERFLOW" and rest:
            overflow = word_of(words[at + 1])
            if overflow not in (b"WRAP", b"SAT", b"FAIL"):
                raise CommandError(errors.BITFIELD_OVERFLOW)
            at += 2
            continue
        size = {b"GET": 2, b"SET": 3, b"INCRBY": 3}.get(name, rest + 1)
        if rest < size:
            raise CommandError(errors.SYNTAX)
        steps.append(_step(ctx, name, words[at + 1 : at + 1 + size], overflow))
        at += 1 + size
    return steps


def _step(ctx: Context, name: bytes, words: Sequence[bytes], overflow: bytes) -> _Step:
    kind, where = words[0].partition(b"\0")[0], words[1]
    width = parse_int(kind[1:])
    signed = kind[:1] == b"i"
    if kind[:1] not in (b"i", b"u") or width is None or not 1 <= width <= (64 if signed else 63):
        raise CommandError(errors.BITFIELD_TYPE)
    if where[:1] == b"#":
        offset = _bit_offset(ctx, where[1:], width)
    else:
        offset = _bit_offset(ctx, where)
    value = _number(words[2]) if len(words) > 2 else 0
    return _Step(name, signed, width, offset, value, overflow)


def _only_reads(words: Sequence[bytes]) -> bool:
    """Whether BITFIELD's words are GETs throughout; what is wrong among them may write."""
    at = 0
    while at < len(words):
        taken = {b"GET": 2, b"OVERFLOW": 1}.get(words[at].upper())
        if taken is None or at + taken >= len(words):
            return False
        at += 1 + taken
    return True


def _bitfield_access(args: Sequence[bytes]) -> str:
    return "RO access" if _only_reads(args[1:]) else "RW access update"


@group.command(
    "BITFIELD", Key("RW access update variable_flags"), Rest(), flags=WRITE | DENYOOM,
    since="3.2.0", access=_bitfield_access,
    names=(
        "key [operation<GET=get-block(encoding offset:integer)|"
        "write([OVERFLOW=overflow-block<WRAP|SAT|FAIL>] write-operation<SET=set-block(encoding "
        "offset:integer value:integer)|INCRBY=incrby-block(encoding offset:integer "
        "increment:integer)>)>+]"
    ),
)
def bitfield(ctx: Context, key: bytes, words: list[bytes]) -> list[int | None]:
    """Read and change integers of any width; one reply for each operation.

    Checked in the server's order: all operations' syntax and numbers, type. The string grows as far
    as the operations reach, even if they fail for overflow.
    """
    steps = _steps(ctx, words)
    if all(step.name == b"GET" for step in steps):
        return _read_fields(ctx, key, steps)
    value = ctx.string(key)
    reach = max(step.offset + step.width for step in steps if step.name != b"GET")
    size = (reach + 7) >> 3
    # Once the string has grown, also an operation that writes what was there is announced.
    grown = size > len(value or b"")
    edited = ctx.edit_string(key, value, size)
    replies: list[int | None] = []
    changed, writes = False, 0
    for step in steps:
        old = _read(edited, step)
        if step.name == b"GET":
            replies.append(old)
            continue
        new = _new_value(step, old)
        if new is None:
            replies.append(None)
            continue
        _write(edited, step, new)
        changed = changed or grown or new != old
        writes += 1
        replies.append(old if step.name == b"SET" else new)
    if changed:
        ctx.modified(key, "setbit", writes)
    elif grown:
        ctx.modified_unsignalled(key, changes=0)  # though the server says nothing of it
    return replies


@group.command(
    "BITFIELD_RO", Key, Rest(), flags=READONLY | FAST, since="6.0.0",
    names="key [GET=get-block(encoding offset:integer)&]",
)
def bitfield_ro(ctx: Context, key: bytes, words: list[bytes]) -> list[int | None]:
    """BITFIELD with GET only.

    Checked in the server's order: all operations' syntax and numbers, other operations, type.
    """
    steps = _steps(ctx, words)
    if any(step.name != b"GET" for step in steps):
        raise CommandError(errors.BITFIELD_READ_ONLY)
    return _read_fields(ctx, key, steps)


def _read_fields(ctx: Context, key: bytes, steps: Sequence[_Step]) -> list[int | None]:
    value = ctx.read_string(key) or b""
    return [_read(value, step) for step in steps]


def _read(value: String, step: _Step) -> int:
    """The integer of a field; bits behind the string's end are 0."""
    end = step.offset + step.width
    first, stop = step.offset >> 3, (end + 7) >> 3
    part = value[first:stop]
    number = int.from_bytes(part, "big") << 8 * (stop - first - len(part))
    number = number >> (stop * 8 - end) & ((1 << step.width) - 1)
    if step.signed and number >> (step.width - 1):
        number -= 1 << step.width
    return number


def _write(value: MutableString, step: _Step, number: int) -> None:
    """Put an integer that fits into a field."""
    end = step.offset + step.width
    first, stop = step.offset >> 3, (end + 7) >> 3
    shift, mask = stop * 8 - end, (1 << step.width) - 1
    bits = int.from_bytes(value[first:stop], "big") & ~(mask << shift)
    value[first:stop] = (bits | (number & mask) << shift).to_bytes(stop - first, "big")
    value.changed(first, stop)


def _new_value(step: _Step, old: int) -> int | None:
    """What a field becomes; None when that does not fit and OVERFLOW says FAIL."""
    if step.signed:
        low, high = -1 << (step.width - 1), (1 << (step.width - 1)) - 1
    else:
        low, high = 0, (1 << step.width) - 1
    if step.name == b"INCRBY":
        new = old + step.value
    else:
        # An unsigned field takes a negative value as the big number that its bits mean.
        new = step.value if step.signed else step.value & (1 << 64) - 1
    if low <= new <= high:
        return new
    if step.overflow == b"FAIL":
        return None
    if step.overflow == b"SAT":
        # The server's difference to the highest value does not fit into 64 bits when what is to be
        # set is far below, and it takes that for too high.
        too_high = new > high or (step.name == b"SET" and high - new >= 1 << 63)
        return high if too_high else low
    return (new - low & (1 << step.width) - 1) + low
