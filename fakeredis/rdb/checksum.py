"""CRC-64 of the kind the server uses: Jones's polynomial, reflected, nothing inverted.

Long data are cut into lanes of 64 bytes, whose checksums advance all at once: Python's long
integers and ``bytes.translate`` do for a thousand lanes what a loop would do for one. The checksum
is linear, so that those of the lanes can be put together afterwards.
"""

from __future__ import annotations

import struct
from functools import lru_cache

_POLYNOMIAL = 0x95AC9329AC4BC9B5  # 0xAD93D23594C935A9, its bits in reverse
_LANE = 64
_FEW = 1024  # bytes up to which a plain loop is as quick


def _entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ _POLYNOMIAL if byte & 1 else byte >> 1
    return byte


_TABLE = [_entry(byte) for byte in range(256)]
# The table's eight planes: for each byte of an entry the table of that byte alone.
_PLANES = [bytes(entry >> 8 * place & 255 for entry in _TABLE) for place in range(8)]


def crc64(data: bytes | memoryview, crc: int = 0) -> int:
    """The checksum of ``data``, going on from that of what came before."""
    size = len(data)
    lanes = size // _LANE if size >= _FEW else 0
    if lanes:
        crc = _by_lanes(bytes(data[: lanes * _LANE]), lanes, crc)
        data = data[lanes * _LANE :]
    table = _TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    return crc


def _by_lanes(data: bytes, lanes: int, crc: int) -> int:
    """The checksum of whole lanes."""
    columns = [data[at::_LANE] for at in range(_LANE)]
    t0, t1, t2, t3, t4, t5, t6, t7 = _behind_a_lane()
    for lane in _advance([0] * 8, columns, lanes):
        crc = lane ^ (
            t0[crc & 255] ^ t1[crc >> 8 & 255] ^ t2[crc >> 16 & 255] ^ t3[crc >> 24 & 255]
            ^ t4[crc >> 32 & 255] ^ t5[crc >> 40 & 255] ^ t6[crc >> 48 & 255] ^ t7[crc >> 56]
        )
    return crc


def _advance(planes: list[int], columns: list[bytes], lanes: int) -> tuple[int, ...]:
    """The checksums of all lanes after one byte of each column.

    Args:
        planes: the checksums so far, the first bytes of all lanes as one number, and so on.
    """
    to_number = int.from_bytes
    for column in columns:
        index = (planes[0] ^ to_number(column, "little")).to_bytes(lanes, "little")
        planes.append(0)
        planes = [
            plane ^ to_number(index.translate(table), "little")
            for plane, table in zip(planes[1:], _PLANES, strict=True)
        ]
    found = bytearray(8 * lanes)
    for place, plane in enumerate(planes):
        found[place::8] = plane.to_bytes(lanes, "little")
    return struct.unpack(f"<{lanes}Q", found)


@lru_cache(maxsize=1)
def _behind_a_lane() -> list[tuple[int, ...]]:
    """For each byte of a checksum and each of its values: what a lane of zeros makes of it."""
    planes = [
        int.from_bytes(bytes(256 * place) + bytes(range(256)) + bytes(256 * (7 - place)), "little")
        for place in range(8)
    ]
    found = _advance(planes, [bytes(2048)] * _LANE, 2048)
    return [found[at : at + 256] for at in range(0, 2048, 256)]
