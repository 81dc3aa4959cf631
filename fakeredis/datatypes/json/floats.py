"""Arrays of floats of fewer bits: what JSON.SET's FPHA leaves of them (Redis 8.8).

Such an array, of numbers alone with a float among them, is kept in 16, 32 or 64 bits an element,
and read back as these have it.  No server at hand has it: this follows its documentation.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

__all__ = ["TYPES", "rounded"]


def _through(form: str) -> Callable[[float], float]:
    layout = struct.Struct(form)

    def through(value: float) -> float:
        result: float = layout.unpack(layout.pack(value))[0]
        return result

    return through


def _bfloat16(value: float) -> float:
    """The upper half of a 32-bit float, rounded to the nearest, to an even one of two."""
    (bits,) = struct.unpack("<I", struct.pack("<f", value))
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
    if bits & 0x7F800000 == 0x7F800000:
        raise OverflowError
    result: float = struct.unpack("<f", struct.pack("<I", bits))[0]
    return result


TYPES: Final[dict[bytes, Callable[[float], float]]] = {
    b"BF16": _bfloat16, b"FP16": _through("<e"), b"FP32": _through("<f"), b"FP64": _through("<d"),
}


def rounded(value: Any, name: bytes) -> Any:
    """A value whose arrays of floats are rounded to a type; they are changed in place.

    Raises:
        OverflowError: a number is beyond the type.
    """
    convert, stack = TYPES[name], [value]
    while stack:
        node = stack.pop()
        if type(node) is dict:
            stack += node.values()
        elif type(node) is list:
            kinds = set(map(type, node))
            if float in kinds and kinds <= {int, float}:
                node[:] = [convert(float(number)) for number in node]
            else:
                stack += node
    return value
