"""LZF, the quick compression that the server uses for strings.

Packed data are a row of literals (a byte with their number less one, then they themselves) and of
references back (three bits of length, thirteen of distance; a length of seven goes on in a byte).
"""

from __future__ import annotations

import zlib

from fakeredis.rdb.errors import FormatError

_MOST_LITERALS = 32
_FARTHEST = 1 << 13
_LONGEST = 264
_IN_ONE_GO = 16
_IN_A_RUN = 1 << 16  # bytes that are compared at once
_ENOUGH = 4 << 20  # bytes of packed data, which take some seconds
_WORTH_A_LOOK = 4096  # longer ones are not packed byte by byte before it is clear that it helps


def compress(data: bytes) -> bytes | None:
    """The data packed, or None where that saves fewer than four bytes.

    They become what the server makes of them, byte for byte; but long ones are left alone where
    that takes longer than it is worth.
    """
    size = len(data)
    if size > _WORTH_A_LOOK and len(zlib.compress(data, 1)) > size * 0.9:
        return None
    room = size - 4
    seen: dict[int, int] = {}
    out = bytearray()
    quick = 0  # bytes of `out` that took no time
    at = start = 0  # literals from `start` on are not written yet
    pair = int.from_bytes(data[:2], "big")
    while at < size - 2:
        # The server's table has places for 16 bits, so that other words may take a word's place.
        following = (pair << 8 | data[at + 2]) & 0xFFFF
        place = (pair - 5 * following) & 0xFFFF
        back = seen.get(place, 0)
        seen[place] = at
        if not back or at - back > _FARTHEST or data[back : back + 3] != data[at : at + 3]:
            at += 1
            pair = following
            continue
        new = at - start
        if len(out) - quick > _ENOUGH:
            return None
        if len(out) + 2 * new + 5 >= room and _filled(out, new, 0) + 4 >= room:
            return None
        length = _match(data, back, at)
        _put_literals(out, data, start, at)
        _put_reference(out, at - back - 1, length - 2)
        far = at - back
        start = at = at + length
        if far == 1 and length == _LONGEST:  # a run of one byte, such as a bitmap's zeros
            again = min(_end_of_run(data, at), size - 2) - at
            if again >= _LONGEST:
                out += out[-3:] * (again // _LONGEST)
                quick += 3 * (again // _LONGEST)
                start = at = at + again // _LONGEST * _LONGEST
                seen[-4 * (data[at - 1] * 0x101) & 0xFFFF] = at - _LONGEST
        if at < size - 2:
            one, two, three, four = data[at - 2 : at + 2]
            first, second, pair = one << 8 | two, two << 8 | three, three << 8 | four
            seen[(first - 5 * second) & 0xFFFF] = at - 2
            seen[(second - 5 * pair) & 0xFFFF] = at - 1
    if _filled(out, at - start, 1) + 3 > room:
        return None
    _put_literals(out, data, start, size)
    return bytes(out)


def _filled(out: bytearray, literals: int, empty: int) -> int:
    """The bytes taken with literals still to be written; ``empty`` counts for a row of none.

    When these become too many the server gives up, a little before there is no room any more.
    """
    rows, rest = divmod(literals, _MOST_LITERALS)
    return len(out) + rows * (_MOST_LITERALS + 1) + (rest + 1 if rest else empty)


def _match(data: bytes, back: int, at: int) -> int:
    """How many bytes at two places are the same, three of which are known to be.

    The last two bytes of all are left alone; but the server looks at sixteen more in one go.
    """
    most = max(min(len(data) - at - 2, _LONGEST), 3)
    if most > _IN_ONE_GO:
        most = max(most, _IN_ONE_GO + 3)
    one, other = data[back : back + most], data[at : at + most]
    return most if one == other else _same(one, other)


def _same(one: bytes, other: bytes) -> int:
    """How many bytes are the same before two strings of one length differ."""
    difference = int.from_bytes(one, "little") ^ int.from_bytes(other, "little")
    return ((difference & -difference).bit_length() - 1) // 8


def _end_of_run(data: bytes, at: int) -> int:
    """Where another byte comes than that before a place."""
    run = data[at - 1 : at] * _IN_A_RUN
    while (part := data[at : at + _IN_A_RUN]) == run:
        at += _IN_A_RUN
    return at + (len(part) if run.startswith(part) else _same(run[: len(part)], part))


def _put_literals(out: bytearray, data: bytes, start: int, stop: int) -> None:
    for at in range(start, stop, _MOST_LITERALS):
        part = data[at : min(at + _MOST_LITERALS, stop)]
        out.append(len(part) - 1)
        out += part


def _put_reference(out: bytearray, distance: int, length: int) -> None:
    if length < 7:
        out.append(distance >> 8 | length << 5)
    else:
        out += bytes((distance >> 8 | 7 << 5, length - 7))
    out.append(distance & 255)


def decompress(data: bytes, size: int) -> bytes:
    """The ``size`` bytes that were packed.

    Raises:
        FormatError: the data are damaged.
    """
    if size > len(data) * _LONGEST:
        raise FormatError("a compressed string is shorter than it says")
    out = bytearray()
    at, end = 0, len(data)
    try:
        while at < end and len(out) <= size:
            control = data[at]
            at += 1
            if control < _MOST_LITERALS:
                out += data[at : at + control + 1]
                at += control + 1
                continue
            length = control >> 5
            if length == 7:
                length += data[at]
                at += 1
            back = len(out) - ((control & 31) << 8 | data[at]) - 1
            at += 1
            _copy(out, back, length + 2)
    except IndexError:
        at = end + 1
    if at != end or len(out) != size:
        raise FormatError("a compressed string is damaged")
    return bytes(out)


def _copy(out: bytearray, back: int, length: int) -> None:
    """Append what stands at an earlier place; it may reach into what is being appended."""
    if back < 0:
        raise IndexError
    period = len(out) - back
    if period >= length:
        out += out[back : back + length]
    else:
        out += (out[back:] * (length // period + 1))[:length]
