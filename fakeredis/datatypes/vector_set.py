"""Vector sets: elements with a vector each, found by the similarity of their vectors.

Every search looks at all elements, so results are exact.  Numbers are computed in single precision
and in the order in which the server does it, so that scores agree to the last digit.
"""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import add, mul
from typing import Final, NamedTuple

from fakeredis.datatypes.limits import EncodingLimits

FLOATS, INT8, BINARY = 0, 1, 2  # how vectors are kept, by the numbers that DUMP uses
QUANTIZATIONS: Final = {FLOATS: b"f32", INT8: b"int8", BINARY: b"bin"}
_MOST = 127  # the largest of the small integers
_LEVELS = 15
# Sums in double precision tell which elements may be among the nearest; their error is far smaller.
_DOUBT = 1e-4

Vector = Sequence[float]


# Single precision ---------------------------------------------------------------------------------


def single(number: float) -> float:
    """A number rounded to single precision."""
    return array("f", (number,))[0]


def _plain_sum_of_products(one: Vector, other: Vector) -> float:
    total: float = sum(map(mul, one, other))
    return total


# Exact for integers; for floats, near enough to tell which elements may be the nearest.
_sum_of_products: Final[Callable[[Vector, Vector], float]] = getattr(
    math, "sumprod", _plain_sum_of_products  # from Python 3.12 on
)


def _sums_of_four(products: array[float]) -> array[float]:
    """The sums of each four numbers, from left to right; what is left over is ignored."""
    stop = len(products) // 4 * 4
    sums = array("f", map(add, products[0:stop:4], products[1:stop:4]))
    sums = array("f", map(add, sums, products[2:stop:4]))
    return array("f", map(add, sums, products[3:stop:4]))


def _running_sum(start: float, numbers: Iterable[float]) -> float:
    cell = array("f", (start,))
    for number in numbers:
        cell[0] += number
    return cell[0]


def _dot(one: Vector, other: Vector) -> float:
    """The dot product: two sums, each of every other four products."""
    products = array("f", map(mul, one, other))
    stop = len(products) // 8 * 8
    sums = _sums_of_four(products[:stop])
    first = _running_sum(_running_sum(0.0, sums[::2]), products[stop:])
    return single(first + _running_sum(0.0, sums[1::2]))


def normalized(vector: Vector) -> tuple[array[float], float]:
    """A vector of length 1 in the same direction, and the length it had.

    One without length, which may be because the squares are too small, stays as it is.
    """
    numbers = array("f", vector)
    squares = array("f", map(mul, numbers, numbers))
    stop = len(squares) // 4 * 4
    total = _running_sum(_running_sum(0.0, _sums_of_four(squares)), squares[stop:])
    length = single(math.sqrt(total))
    if length == 0:
        return numbers, 1.0
    return array("f", [number / length for number in numbers]), length


def projected(vector: Vector, dimension: int) -> array[float]:
    """A vector in fewer or more dimensions, by the rows of a Walsh-Hadamard matrix."""
    scale = single(1 / math.sqrt(len(vector)))
    scaled = array("f", [number * scale for number in array("f", vector)])
    return array("f", [
        _running_sum(0.0, [
            -number if (row & column).bit_count() & 1 else number
            for column, number in enumerate(scaled)
        ])
        for row in range(dimension)
    ])


def projection(rows: int, columns: int) -> array[float]:
    """That matrix, row after row."""
    scale = single(1 / math.sqrt(columns))
    return array("f", [
        -scale if (row & column).bit_count() & 1 else scale
        for row in range(rows)
        for column in range(columns)
    ])


# Elements -----------------------------------------------------------------------------------------


class Node:
    """An element's vector, as the set keeps it."""

    __slots__ = ("attributes", "codes", "length", "level", "near", "number", "span")

    def __init__(self, codes: array[float] | array[int] | int, length: float, span: float) -> None:
        self.codes = codes  # normalised floats, small integers, or the signs as bits
        self.length = length  # of the vector before it was normalised
        self.span = span  # what the largest of the small integers stands for
        self.attributes: bytes | None = None
        self.number = 0
        self.level = 0
        # Elder elements near by, by level, with their distance: kept for the next DUMP.
        self.near: dict[int, list[tuple[float, int]]] = {}

    def copy(self) -> Node:
        """Another one, whose vector is shared since it never changes."""
        twin = Node(self.codes, self.length, self.span)
        twin.attributes, twin.number, twin.level = self.attributes, self.number, self.level
        twin.near = dict(self.near)
        return twin


def _integers(vector: array[float]) -> tuple[array[int], float]:
    """A vector as small integers, and what the largest of them stands for."""
    span = max([0.0, *map(abs, vector)])  # in this order it passes over what is no number
    if span == 0:
        return array("b", bytes(len(vector))), 0.0
    scale = single(_MOST / span)
    scaled = array("f", [number * scale for number in vector])
    return array("b", [_rounded(number) for number in scaled]), span


def _rounded(number: float) -> int:
    """The nearest small integer; halves go away from zero."""
    if number - number:  # infinite, since the vector was too small, or no number at all
        return 0
    whole = math.floor(abs(number) + 0.5)
    return whole if number > 0 else -whole


def _signs(vector: Iterable[float]) -> int:
    return sum([1 << at for at, number in enumerate(vector) if number > 0])


def _make_floats(vector: array[float], length: float) -> Node:
    return Node(vector, length, 0.0)


def _make_integers(vector: array[float], length: float) -> Node:
    codes, span = _integers(vector)
    return Node(codes, length, span)


def _make_signs(vector: array[float], length: float) -> Node:
    return Node(_signs(vector), length, 0.0)


_MAKERS: Final[dict[int, Callable[[array[float], float], Node]]] = {
    FLOATS: _make_floats, INT8: _make_integers, BINARY: _make_signs,
}


# Distances, from 0 to 2 ---------------------------------------------------------------------------


def _float_distance(one: Node, other: Node, dimension: int) -> float:
    return single(1 - _dot(one.codes, other.codes))  # type: ignore[arg-type]


def _integer_distance(one: Node, other: Node, dimension: int) -> float:
    dot = _sum_of_products(one.codes, other.codes)  # type: ignore[arg-type]
    scale = single(single(one.span / _MOST) * single(other.span / _MOST))
    return max(0.0, min(2.0, single(1 - single(single(dot) * scale))))


def _sign_distance(one: Node, other: Node, dimension: int) -> float:
    differing = (one.codes ^ other.codes).bit_count()  # type: ignore[operator]
    return single(2 * differing / dimension)


_DISTANCES: Final[dict[int, Callable[[Node, Node, int], float]]] = {
    FLOATS: _float_distance, INT8: _integer_distance, BINARY: _sign_distance,
}


class Found(NamedTuple):
    """An element that a search has found."""

    element: bytes
    distance: float
    node: Node

    @property
    def score(self) -> float:
        """The similarity: 1 for the same direction, 0 for the opposite one."""
        return 1 - self.distance / 2

    @property
    def link_score(self) -> float:
        """The score as VLINKS tells it, in single precision."""
        return single(1 - self.distance / 2)


class VectorSet:
    """Redis's vector set.

    Args:
        dimension: of the vectors as they are kept.
        quantization: how they are kept: `FLOATS`, `INT8` or `BINARY`.
        links: how many neighbours an element of the server's graph has (``M``).
        input_dimension: of the vectors as they are given, where these are projected; else 0.
        uid: the number by which VINFO tells sets apart.
    """

    __slots__ = (
        "attributes", "dimension", "input_dimension", "last_number", "links", "nodes",
        "quantization", "uid",
    )

    type_name = b"vectorset"
    cannot_be_copied = True  # COPY refuses it, as the server does

    def __init__(
        self, dimension: int, quantization: int = INT8, links: int = 16,
        input_dimension: int = 0, uid: int = 0,
    ) -> None:
        self.dimension = dimension
        self.quantization = quantization
        self.links = links
        self.input_dimension = input_dimension
        self.uid = uid
        self.last_number = 0
        self.attributes = 0  # how many elements have some, as the server counts them
        self.nodes: dict[bytes, Node] = {}

    def __len__(self) -> int:
        return len(self.nodes)

    def __contains__(self, element: bytes) -> bool:
        return element in self.nodes

    def encoding(self, limits: EncodingLimits) -> bytes:
        """What OBJECT ENCODING says."""
        return b"raw"

    def copy(self) -> VectorSet:
        """An independent copy."""
        twin = VectorSet(
            self.dimension, self.quantization, self.links, self.input_dimension, self.uid
        )
        twin.last_number, twin.attributes = self.last_number, self.attributes
        twin.nodes = {element: node.copy() for element, node in self.nodes.items()}
        return twin

    def memory_usage(self) -> int:
        """About as many bytes as the server would take."""
        attributes = sum([len(node.attributes or b"") for node in self.nodes.values()])
        return 1807 + len(self) * (384 + 56 * self.links // 3 + self.size) + attributes

    @property
    def size(self) -> int:
        """How many bytes a vector takes."""
        if self.quantization == FLOATS:
            return 4 * self.dimension
        return self.dimension if self.quantization == INT8 else (self.dimension + 63) // 64 * 8

    # Elements -----------------------------------------------------------------------------------

    def add(self, element: bytes, vector: Vector, chance: random.Random) -> bool:
        """Give an element a vector; whether it is new.  Its attributes stay."""
        node = self.projected_node(vector) if self.input_dimension else self.node_of(vector)
        old = self.nodes.pop(element, None)
        if old is not None:
            node.attributes = old.attributes
        self.last_number += 1
        node.number = self.last_number
        while node.level < _LEVELS and chance.random() < 0.25:
            node.level += 1
        self.nodes[element] = node
        return old is None

    def node_of(self, vector: Vector) -> Node:
        """A vector in the form in which this set keeps them."""
        return _MAKERS[self.quantization](*normalized(vector))

    def projected_node(self, vector: Vector) -> Node:
        """A vector of the input's dimension, in the form in which this set keeps them."""
        return self.node_of(projected(vector, self.dimension))

    def remove(self, element: bytes) -> bool:
        """Remove an element; whether it was there."""
        node = self.nodes.pop(element, None)
        if node is not None and node.attributes is not None:
            self.attributes -= 1
        return node is not None

    def set_attributes(self, node: Node, attributes: bytes) -> None:
        """Give an element attributes; empty ones take them away."""
        self.attributes += bool(attributes) - (node.attributes is not None)
        node.attributes = attributes or None

    def vector(self, node: Node) -> list[float]:
        """The vector of an element, near to what was given.

        Of binary vectors, only the signs are known.
        """
        codes = node.codes
        if isinstance(codes, int):
            return [1.0 if codes >> at & 1 else -1.0 for at in range(self.dimension)]
        numbers: Sequence[float] = codes
        if self.quantization == INT8:
            scaled = array("f", [number * node.span for number in numbers])
            numbers = array("f", [number / _MOST for number in scaled])
        return array("f", [number * node.length for number in numbers]).tolist()

    def raw(self, node: Node) -> bytes:
        """The bytes of a vector as they are kept."""
        codes = node.codes
        if isinstance(codes, int):
            return codes.to_bytes(self.size, "little")
        return codes.tobytes()

    @property
    def highest_level(self) -> int:
        """The highest level of the server's graph that has an element."""
        return max([node.level for node in self.nodes.values()], default=0)

    # Searches -----------------------------------------------------------------------------------

    def distance(self, one: Node, other: Node) -> float:
        """How far two vectors are from each other: from 0 to 2."""
        return _DISTANCES[self.quantization](one, other, self.dimension)

    def rough_distance(self, one: Node, other: Node) -> float:
        """About the same, sooner."""
        if self.quantization == FLOATS:
            return 1 - _sum_of_products(one.codes, other.codes)  # type: ignore[arg-type]
        return self.distance(one, other)

    def nearest(
        self, node: Node, count: int, accepts: Callable[[Node], bool] | None = None
    ) -> list[Found]:
        """The elements nearest to a vector, of those that are accepted."""
        pairs: Iterator[tuple[bytes, Node]] = iter(self.nodes.items())
        if accepts is not None:
            pairs = (pair for pair in pairs if accepts(pair[1]))
        candidates = self._near(node, count, list(pairs))
        found = [Found(name, self.distance(node, other), other) for name, other in candidates]
        found.sort(key=_by_distance)
        return found[:count]

    def _near(
        self, node: Node, count: int, pairs: list[tuple[bytes, Node]]
    ) -> list[tuple[bytes, Node]]:
        """Those that may be among the nearest, where exact distances take long."""
        if self.quantization != FLOATS or len(pairs) <= count:
            return pairs
        codes: array[float] = node.codes  # type: ignore[assignment]
        dots = [_sum_of_products(codes, other.codes) for _, other in pairs]  # type: ignore[arg-type]
        least = sorted(dots, reverse=True)[count - 1] - _DOUBT
        return [pair for pair, dot in zip(pairs, dots, strict=True) if not dot < least]

    def neighbours(self, element: bytes) -> list[list[Found]]:
        """The elements that are linked with one, on each level of the graph, the highest first.

        Here these are the nearest that are on the level too; the server's graph is made by chance.
        A new element gets so many links as the set has for one; on the lowest level there may be
        twice as many, when later elements are linked with it.
        """
        node = self.nodes[element]
        later = sum(other.number > node.number for other in self.nodes.values())
        return [
            self.nearest(
                node, self.links + (0 if level else min(later, self.links)),
                _is_another(node, level),
            )
            for level in range(node.level, -1, -1)
        ]


def _by_distance(found: Found) -> float:
    return found.distance


def _is_another(node: Node, level: int) -> Callable[[Node], bool]:
    return lambda other: other is not node and other.level >= level
