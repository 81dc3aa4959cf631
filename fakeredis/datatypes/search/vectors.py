"""Vectors: their bytes, and the distances between them."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache
from heapq import nsmallest
from importlib import import_module
from itertools import repeat
from operator import mul, sub
from os import environ
from typing import Any, Final

from fakeredis.datatypes.search.schema import Vectors
from fakeredis.datatypes.search.timing import Deadline

__all__ = ["SIZES", "Space", "distance_text", "from_bytes", "from_numbers"]

SIZES: Final = {
    "FLOAT32": 4, "FLOAT64": 8, "FLOAT16": 2, "BFLOAT16": 2, "INT8": 1, "UINT8": 1,
}
_GREAT: Final = 1e30  # squares of lengths with which nothing is sought roughly
_SINGLE: Final = struct.Struct("<f")
_AT_ONCE: Final = 1 << 18  # numbers that numpy calculates with between two looks at the time
_FOREVER: Final = Deadline()


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


def _several(places: int | list[int]) -> list[int]:
    return places if isinstance(places, list) else [places]


@cache
def _numpy() -> Any:
    """The library numpy, which makes vectors fast; None where it is not installed."""
    try:
        return None if environ.get("FAKEREDIS_WITHOUT_NUMPY") else import_module("numpy")
    except ImportError:
        return None


def _unit(vector: array[float]) -> array[float]:
    length = math.hypot(*vector)
    if not length:
        return array(vector.typecode, [math.nan]) * len(vector)
    numpy = _numpy()
    if numpy is None:
        return array(vector.typecode, [number / length for number in vector])
    with numpy.errstate(all="ignore"):
        numbers = numpy.array(vector, dtype="d") / length
        return array(vector.typecode, numbers.astype(vector.typecode).tobytes())


class Space:
    """The vectors of a field, by numbers of documents; a document may have several.

    All of them stand in one array, one behind the other, which numpy (if it is installed) sees as a
    matrix.  The nearest are sought roughly at first; the distances that count are calculated in the
    same way with numpy and without.

    Args:
        form: what they are made of, and what their distance is.
    """

    __slots__ = ("_cells", "_documents", "_greatest", "_places", "_squares", "form")

    def __init__(self, form: Vectors) -> None:
        self.form = form
        self._cells = array("d" if form.type == "FLOAT64" else "f")
        self._documents = array("I")  # of each vector
        self._squares = array("d")  # of their lengths
        self._greatest = 0.0  # of these that was seen
        self._places: dict[int, int | list[int]] = {}  # of documents' vectors

    def add(self, document: int, vectors: list[array[float]]) -> None:
        """Take in the vectors of a document."""
        if self.form.metric == "COSINE":
            vectors = [_unit(vector) for vector in vectors]
        at = len(self._documents)
        for vector in vectors:
            self._cells.extend(vector)
            self._documents.append(document)
            length = math.hypot(*vector)
            square = length * length
            self._squares.append(square)
            if not square <= self._greatest:
                self._greatest = square
        self._places[document] = at if len(vectors) == 1 else list(range(at, at + len(vectors)))

    def remove(self, document: int) -> None:
        """Forget those of a document; the last ones move to their places."""
        places = self._places.pop(document, None)
        if places is None:
            return
        for place in sorted(_several(places), reverse=True):
            self._fill(place)

    def _fill(self, place: int) -> None:
        last = len(self._documents) - 1
        size = self.form.dimension
        if place != last:
            moved = self._documents[last]
            self._cells[place * size : (place + 1) * size] = self._cells[last * size :]
            self._documents[place] = moved
            self._squares[place] = self._squares[last]
            known = self._places[moved]
            if type(known) is list:
                known[known.index(last)] = place
            else:
                self._places[moved] = place
        del self._cells[last * size :]
        del self._documents[last], self._squares[last]

    def size(self) -> int:
        """How many bytes the vectors take."""
        return len(self._cells) * self._cells.itemsize

    def nearest(
        self, wanted: array[float], count: int, among: Collection[int] | None,
        deadline: Deadline = _FOREVER,
    ) -> list[tuple[float, int]]:
        """The nearest documents, nearest first, with their distances.

        Args:
            among: the only ones to be looked at; all by default.
            deadline: when it is to give up.

        Raises:
            TimedOut: it takes too long.
        """
        wanted = self._prepared(wanted)
        places = self._places
        chosen: Collection[int] = places
        if among is not None:
            chosen = [each for each in among if each in places]
        if count * 2 < len(chosen) and len(places) == len(self._documents):
            chosen = self._near(wanted, count, None if among is None else chosen, deadline)
        distances = self._distances(wanted, chosen, deadline)
        if count >= len(distances):
            return sorted(distances)
        return nsmallest(count, distances)

    def within(
        self, wanted: array[float], radius: float, deadline: Deadline = _FOREVER
    ) -> dict[int, float]:
        """The documents at most ``radius`` away, with their distances.

        Raises:
            TimedOut: it takes too long.
        """
        wanted = self._prepared(wanted)
        slack = self._slack(wanted)
        rough = self._rough(wanted, None) if slack < _GREAT else None
        chosen: Iterable[int] = self._places
        if rough is not None:
            near = (rough <= radius + slack).nonzero()[0]
            chosen = {self._documents[at] for at in near.tolist()}
        return {
            document: distance
            for distance, document in self._distances(wanted, chosen, deadline)
            if distance <= radius
        }

    def _prepared(self, wanted: array[float]) -> array[float]:
        return _unit(wanted) if self.form.metric == "COSINE" else wanted

    def _near(
        self, wanted: array[float], count: int, among: Collection[int] | None,
        deadline: Deadline,
    ) -> Collection[int]:
        """Documents among which the nearest are, where each has one vector."""
        documents: Sequence[int] = self._documents if among is None else list(among)
        slack = self._slack(wanted)
        if not slack < _GREAT:
            return documents
        rows = None if among is None else [self._places[each] for each in among]
        rough = self._rough(wanted, rows)
        if rough is None:
            return self._near_without_numpy(wanted, count, documents, rows, deadline)
        worst = _numpy().partition(rough, count - 1)[count - 1] if count else -math.inf
        if not math.isfinite(worst):
            return documents
        near = (rough <= worst + slack).nonzero()[0].tolist()
        return [documents[at] for at in near]

    def _slack(self, wanted: array[float]) -> float:
        """By how much a rough distance may be wrong."""
        return 1e-5 * (self._greatest + _dot(wanted, wanted)) + 1e-9

    def _rough(self, wanted: array[float], rows: Any) -> Any:
        """About how far vectors are, as an array of numpy's; None where that is missing.

        Args:
            rows: their places; None for all.
        """
        numpy = _numpy()
        if numpy is None or not self._documents:
            return None
        kind = self._cells.typecode
        squares = numpy.frombuffer(self._squares, dtype="d")
        matrix = numpy.frombuffer(self._cells, dtype=kind).reshape(-1, self.form.dimension)
        if rows is not None:
            matrix, squares = matrix[rows], squares[rows]
        with numpy.errstate(all="ignore"):
            rough = matrix @ numpy.frombuffer(wanted, dtype=kind)
            if self.form.metric == "L2":
                rough *= -2.0
                return rough + squares + _dot(wanted, wanted)
            return 1.0 - rough

    def _near_without_numpy(
        self, wanted: array[float], count: int, documents: Collection[int], rows: Any,
        deadline: Deadline,
    ) -> Collection[int]:
        """The same in Python: by the difference of vectors, which one function calculates."""
        vector = struct.Struct(f"{self.form.dimension}{self._cells.typecode}")
        squares: Iterable[float] = self._squares
        vectors: Iterable[tuple[float, ...]] = vector.iter_unpack(self._cells)
        if rows is not None:
            squares = [self._squares[at] for at in rows]
            vectors = (vector.unpack_from(self._cells, at * vector.size) for at in rows)
        rough = list(map(math.dist, deadline.each(vectors), repeat(tuple(wanted))))
        slack = math.sqrt(self._slack(wanted))
        if self.form.metric == "IP":
            # Of two vectors the product follows from their lengths and their difference.
            rough = [far * far - square for far, square in zip(rough, squares, strict=True)]
            slack *= slack
        worst = nsmallest(count, rough)[-1] if count else -math.inf
        return [
            document for document, far in zip(documents, rough, strict=True)
            if far <= worst + slack
        ]

    def _vectors(self, document: int) -> list[array[float]]:
        size = self.form.dimension
        return [
            self._cells[at * size : (at + 1) * size] for at in _several(self._places[document])
        ]

    def _distances(
        self, wanted: array[float], chosen: Iterable[int], deadline: Deadline
    ) -> list[tuple[float, int]]:
        numpy = _numpy()
        if numpy is not None and self._cells.typecode == "f":
            return self._distances_by_numpy(numpy, wanted, list(chosen), deadline)
        measure = self._measure(wanted)
        return [
            (min(map(measure, self._vectors(each))), each) for each in deadline.each(chosen)
        ]

    def _distances_by_numpy(
        self, numpy: Any, wanted: array[float], chosen: list[int], deadline: Deadline
    ) -> list[tuple[float, int]]:
        """The same at once, many by many: what sums differ by is gone when they are rounded."""
        several = [_several(self._places[each]) for each in chosen]
        rows = [at for places in several for at in places]
        step = max(1, _AT_ONCE // self.form.dimension)
        found: list[float] = []
        for at in range(0, len(rows), step):
            deadline.check()
            found += self._measured(numpy, wanted, rows[at : at + step])
        if len(rows) == len(chosen):
            return list(zip(found, chosen, strict=True))
        left = iter(found)
        return [
            (min(next(left) for _ in places), each)
            for places, each in zip(several, chosen, strict=True)
        ]

    def _measured(self, numpy: Any, wanted: array[float], rows: list[int]) -> list[float]:
        matrix = numpy.frombuffer(self._cells, dtype="f").reshape(-1, self.form.dimension)
        target = numpy.array(wanted, dtype="d")
        with numpy.errstate(all="ignore"):
            chosen = matrix[rows].astype("d")
            if self.form.metric == "L2":
                chosen -= target
                found = numpy.einsum("ij,ij->i", chosen, chosen)
            else:
                found = 1.0 - (chosen @ target).astype("f")
            found = found.astype("f")
        return found.tolist()  # type: ignore[no-any-return]

    def _measure(self, wanted: array[float]) -> Callable[[array[float]], float]:
        rounded = single if wanted.typecode == "f" else float
        if self.form.metric == "L2":
            if wanted.typecode == "d":
                def by_difference(vector: array[float]) -> float:
                    differences = list(map(sub, vector, wanted))
                    return _dot(differences, differences)
                return by_difference
            place = tuple(wanted)

            def squared(vector: array[float]) -> float:
                far = math.dist(vector, place)
                return single(far * far)
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
