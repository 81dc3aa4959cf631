"""XXH3 with 64 bits and no seed, the hash that DIGEST and the conditions IFDEQ and IFDNE use.

After the algorithm's specification by Yann Collet. The package ``xxhash`` does the same much
faster, and does it here where it is installed.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from struct import unpack_from
from typing import Any, Final

_MASK: Final = (1 << 64) - 1
_PRIME32_1: Final = 0x9E3779B1
_PRIME32_2: Final = 0x85EBCA77
_PRIME32_3: Final = 0xC2B2AE3D
_PRIME64_1: Final = 0x9E3779B185EBCA87
_PRIME64_2: Final = 0xC2B2AE3D27D4EB4F
_PRIME64_3: Final = 0x165667B19E3779F9
_PRIME64_4: Final = 0x85EBCA77C2B2AE63
_PRIME64_5: Final = 0x27D4EB2F165667C5
_PRIME_MX1: Final = 0x165667919E3779F9
_PRIME_MX2: Final = 0x9FB21C651E98DF25
_SECRET: Final = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)
_STRIPE: Final = 64
_STRIPES_A_BLOCK: Final = (len(_SECRET) - _STRIPE) // 8
_BLOCK: Final = _STRIPE * _STRIPES_A_BLOCK
_START: Final = (
    _PRIME32_3, _PRIME64_1, _PRIME64_2, _PRIME64_3, _PRIME64_4, _PRIME32_2, _PRIME64_5, _PRIME32_1,
)
# The secret as each stripe of a block reads it.
_KEYS: Final = [unpack_from("<8Q", _SECRET, 8 * at) for at in range(_STRIPES_A_BLOCK)]
_SCRAMBLE: Final = unpack_from("<8Q", _SECRET, len(_SECRET) - _STRIPE)


def digest(data: bytes) -> bytes:
    """The hash as DIGEST writes it: 16 hexadecimal digits."""
    return b"%016x" % xxh3_64(data)


def xxh3_64(data: bytes) -> int:
    """The hash of any bytes."""
    xxhash = sys.modules.get("xxhash") or _imported()
    if xxhash is not None:
        return int(xxhash.xxh3_64_intdigest(data))
    return pure_xxh3_64(data)


def _imported() -> Any:
    """The package ``xxhash``, where there is one."""
    if find_spec("xxhash") is None:
        return None
    return __import__("xxhash")


def pure_xxh3_64(data: bytes) -> int:
    """The hash, computed here."""
    size = len(data)
    if size <= 16:
        return _short(data, size)
    if size <= 240:
        return _medium(data, size)
    return _long(data, size)


def _word(data: bytes, at: int) -> int:
    found: int = unpack_from("<Q", data, at)[0]
    return found


def _half(data: bytes, at: int) -> int:
    found: int = unpack_from("<I", data, at)[0]
    return found


def _rotated(word: int, by: int) -> int:
    return (word << by | word >> (64 - by)) & _MASK


def _folded(a: int, b: int) -> int:
    """Both halves of a product of 128 bits, xored."""
    product = a * b
    return (product & _MASK) ^ (product >> 64)


def _avalanche(word: int) -> int:
    word ^= word >> 37
    word = word * _PRIME_MX1 & _MASK
    return word ^ word >> 32


def _older_avalanche(word: int) -> int:
    """XXH64's, for the shortest."""
    word = (word ^ word >> 33) * _PRIME64_2 & _MASK
    word = (word ^ word >> 29) * _PRIME64_3 & _MASK
    return word ^ word >> 32


def _short(data: bytes, size: int) -> int:
    """Up to 16 bytes."""
    if size > 8:
        low = _word(data, 0) ^ _word(_SECRET, 24) ^ _word(_SECRET, 32)
        high = _word(data, size - 8) ^ _word(_SECRET, 40) ^ _word(_SECRET, 48)
        swapped = int.from_bytes(low.to_bytes(8, "little"), "big")
        return _avalanche((size + swapped + high + _folded(low, high)) & _MASK)
    if size >= 4:
        word = _half(data, size - 4) + (_half(data, 0) << 32)
        word ^= _word(_SECRET, 8) ^ _word(_SECRET, 16)
        word ^= _rotated(word, 49) ^ _rotated(word, 24)
        word = word * _PRIME_MX2 & _MASK
        word = (word ^ (word >> 35) + size) * _PRIME_MX2 & _MASK
        return word ^ word >> 28
    if size:
        combined = data[0] << 16 | data[size >> 1] << 24 | data[-1] | size << 8
        return _older_avalanche(combined ^ _half(_SECRET, 0) ^ _half(_SECRET, 4))
    return _older_avalanche(_word(_SECRET, 56) ^ _word(_SECRET, 64))


def _mix(data: bytes, at: int, secret: int) -> int:
    """16 bytes with 16 of the secret."""
    return _folded(
        _word(data, at) ^ _word(_SECRET, secret), _word(data, at + 8) ^ _word(_SECRET, secret + 8)
    )


def _medium(data: bytes, size: int) -> int:
    """17 to 240 bytes."""
    total = size * _PRIME64_1
    if size <= 128:
        for step in range((size - 1) // 32, -1, -1):
            total += _mix(data, 16 * step, 32 * step)
            total += _mix(data, size - 16 * (step + 1), 32 * step + 16)
        return _avalanche(total & _MASK)
    for at in range(8):
        total += _mix(data, 16 * at, 16 * at)
    total = _avalanche(total & _MASK)
    for at in range(8, size // 16):
        total += _mix(data, 16 * at, 16 * (at - 8) + 3)
    total += _mix(data, size - 16, 136 - 17)
    return _avalanche(total & _MASK)


def _long(data: bytes, size: int) -> int:
    """More than 240 bytes: eight lanes of 64 bits."""
    lanes = list(_START)
    blocks, rest = divmod(size - 1, _BLOCK)
    for block in range(blocks):
        start = block * _BLOCK
        for stripe in range(_STRIPES_A_BLOCK):
            _accumulate(lanes, data, start + stripe * _STRIPE, _KEYS[stripe])
        lanes = [
            ((lane ^ lane >> 47) ^ key) * _PRIME32_1 & _MASK
            for lane, key in zip(lanes, _SCRAMBLE, strict=True)
        ]
    start = blocks * _BLOCK
    for stripe in range(rest // _STRIPE):
        _accumulate(lanes, data, start + stripe * _STRIPE, _KEYS[stripe])
    last = unpack_from("<8Q", _SECRET, len(_SECRET) - _STRIPE - 7)
    _accumulate(lanes, data, size - _STRIPE, last)
    total = size * _PRIME64_1
    for at in range(0, 8, 2):
        key = 11 + 8 * at
        total += _folded(
            lanes[at] ^ _word(_SECRET, key), lanes[at + 1] ^ _word(_SECRET, key + 8)
        )
    return _avalanche(total & _MASK)


def _accumulate(lanes: list[int], data: bytes, at: int, keys: tuple[int, ...]) -> None:
    """One stripe of 64 bytes."""
    words = unpack_from("<8Q", data, at)
    for lane, word in enumerate(words):
        mixed = word ^ keys[lane]
        lanes[lane ^ 1] = (lanes[lane ^ 1] + word) & _MASK
        lanes[lane] = (lanes[lane] + (mixed & 0xFFFFFFFF) * (mixed >> 32)) & _MASK
