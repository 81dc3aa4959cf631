"""Vectors: their bytes, and the distances between them."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Callable, Iterable, Sequence
from heapq import nsmallest
from operator import mul, sub
from typing import Final

from fakeredis.datatypes.search.schema import Vectors

__all__ = ["SIZES", "Space", "distance_text", "from_bytes", "from_numbers"]

SIZES: Final = {
    "FLOAT32": 4, "FLOAT64": 8, "FLOAT16": 2, "BFLOAT16": 2, "INT8": 1, "UINT8": 1,
}
_SINGLE: Final = struct.Struct("<f")

def _products(one: Sequence[float], other: Sequence[float]) -> float:
    total: float = sum(map(mul, one, other))
    return total


_dot: Callable[[Sequence[float], Sequence[float]], float] = getattr(math, "sumprod", _products)


def from_bytes(raw: bytes, kind: str) -> array[float]:
    """The numbers of a vector from its bytes, of the right length."""
    if kind in ("FLOAT32", "FLOAT64"):
        return array("f" if kind == "FLOAT32" else "d", raw)
    if kind in ("INT8", "UINT8"):
        return array("f", array("b" if kind == "INT8" else "B", raw))
    count = len(raw) // 2
    if kind == "FLOAT16":
        return array("f", struct.unpack(f"<{count}e", raw))
    whole = b"".join(b"\0\0" + raw[at:at + 2] for at in range(0, len(raw), 2))
    return array("f", whole)


def from_numbers(numbers: Iterable[float], kind: str) -> array[float]:
    """The vector of an array in a document."""
    if kind in ("FLOAT32", "FLOAT64"):
        code = "f" if kind == "FLOAT32" else "d"
        return array(code, [_within(float(number), code) for number in numbers])
    if kind in ("INT8", "UINT8"):
        return array("f", map(int, numbers))
    if kind == "FLOAT16":
        return from_bytes(b"".join(struct.pack("<e", number) for number in numbers), kind)
    cut = b"".join(struct.pack("<f", number)[2:] for number in numbers)
    return from_bytes(cut, kind)


def _within(number: float, code: str) -> float:
    if code == "f" and abs(number) > 3.4028234663852886e38:
        return math.copysign(math.inf, number)
    return number


def single(number: float) -> float:
    """A number with the precision of 32 bits."""
    try:
        found: float = _SINGLE.unpack(_SINGLE.pack(number))[0]
    except OverflowError:
        return math.copysign(math.inf, number)
    return found


def _unit(vector: array[float]) -> array[float]:
    length = math.sqrt(_dot(vector, vector))
    if not length:
        return array(vector.typecode, [math.nan]) * len(vector)
    return array(vector.typecode, [number / length for number in vector])


class Space:
    """The vectors of a field, by numbers of documents; a document may have several.

    Args:
        form: what they are made of, and what their distance is.
    """

    __slots__ = ("form", "vectors")

    def __init__(self, form: Vectors) -> None:
        self.form = form
        self.vectors: dict[int, list[array[float]]] = {}

    def add(self, document: int, vectors: list[array[float]]) -> None:
        """Take in the vectors of a document."""
        if self.form.metric == "COSINE":
            vectors = [_unit(vector) for vector in vectors]
        self.vectors[document] = vectors

    def remove(self, document: int) -> None:
        """Forget those of a document."""
        self.vectors.pop(document, None)

    def nearest(
        self, wanted: array[float], count: int, among: Iterable[int] | None
    ) -> list[tuple[float, int]]:
        """The nearest documents, nearest first, with their distances.

        Args:
            among: the only ones to be looked at; all by default.
        """
        distances = self._distances(wanted, among)
        if count >= len(distances):
            return sorted(distances)
        return nsmallest(count, distances)

    def within(self, wanted: array[float], radius: float) -> dict[int, float]:
        """The documents at most ``radius`` away, with their distances."""
        return {
            document: distance
            for distance, document in self._distances(wanted, None) if distance <= radius
        }

    def _distances(
        self, wanted: array[float], among: Iterable[int] | None
    ) -> list[tuple[float, int]]:
        vectors = self.vectors
        if self.form.metric == "COSINE":
            wanted = _unit(wanted)
        measure = self._measure(wanted)
        chosen = vectors if among is None else [each for each in among if each in vectors]
        return [
            (measure(vectors[each][0]) if len(vectors[each]) == 1
             else min(map(measure, vectors[each])), each)
            for each in chosen
        ]

    def _measure(self, wanted: array[float]) -> Callable[[array[float]], float]:
        rounded = single if wanted.typecode == "f" else float
        if self.form.metric == "L2":
            if wanted.typecode == "d":
                def by_difference(vector: array[float]) -> float:
                    differences = list(map(sub, vector, wanted))
                    return _dot(differences, differences)
                return by_difference
            target = wanted.tolist()

            def squared(vector: array[float]) -> float:
                differences = list(map(sub, vector, target))
                return rounded(_dot(differences, differences))
            return squared
        target = wanted.tolist()

        def from_one(vector: array[float]) -> float:
            return rounded(1.0 - rounded(_dot(vector, target)))
        return from_one


def distance_text(number: float) -> bytes:
    """A number as replies have it: twelve digits."""
    if number != number:
        return b"-nan" if math.copysign(1, number) < 0 else b"nan"
    text = f"{number:.12g}"
    return text.encode()
