"""Shapes of GEOSHAPE fields: points and polygons in well-known text, and how they lie to others.

Texts are read here, for what is wrong with them is said in the server's words. What shapes have in
common is a matter of the library shapely, which is asked for by the first shape.
"""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

from fakeredis.datatypes.search.errors import MissingLibrary, SearchError

__all__ = ["PREDICATES", "Shape", "Shapes", "shape_of"]

# In the order of the numbers by which FT.EXPLAIN tells of them.
PREDICATES: Final = ("CONTAINS", "WITHIN", "DISJOINT", "INTERSECTS")

Point = tuple[float, float]
Ring = list[Point]
_TOKEN: Final = re.compile(r"[(),]|[^\s(),]+")
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_NOT_FINITE: Final = re.compile(r"[+-]?(?:inf(?:inity)?|nan(?:\(.*\))?)", re.IGNORECASE)
_END: Final = ""  # behind the last word
_NONE: Final = 1e-10  # a distance on the globe that is none, in its radii


class Shape:
    """A point, or a polygon with its holes, as it was written.

    Args:
        rings: the outer one and the holes, closed; of a point, that alone.
    """

    __slots__ = ("_made", "is_point", "rings")

    def __init__(self, rings: list[Ring], is_point: bool) -> None:
        self.rings = rings
        self.is_point = is_point
        self._made: Any = None

    def flat(self) -> Any:
        """What shapely makes of it."""
        if self._made is None:
            self._made = _made(self, self.rings)
        return self._made


def _library() -> Any:
    try:
        return importlib.import_module("shapely")
    except ImportError:
        raise MissingLibrary(
            "ERR GEOSHAPE fields need the Python package 'shapely' (pip install shapely)"
        ) from None


def _made(shape: Shape, rings: list[Ring]) -> Any:
    library = _library()
    if shape.is_point:
        return library.Point(rings[0][0])
    return library.Polygon(rings[0], rings[1:])


# Texts ------------------------------------------------------------------------------------------


def shape_of(text: str, is_flat: bool) -> Shape:
    """The shape that a text describes.

    Raises:
        SearchError: it describes none, or one that crosses itself; or shapely is missing.
    """
    for kind in ("POINT", "POLYGON"):
        if text[:3] == kind[:3]:
            shape = _Reader(text, kind).shape()
            _check(shape, is_flat)
            return shape
    raise SearchError("unknown geometry type")


class _Reader:
    """Reads one text; commas that are too many, and what is missing of a point, are let pass."""

    def __init__(self, text: str, kind: str) -> None:
        self.shown = text
        self.kind = kind
        self.words = [*_TOKEN.findall(text), _END]
        self.at = 1

    def _wrong(self, what: str) -> SearchError:
        word = self.words[self.at]
        place = "" if word == _END else " at '" + word.split("\0")[0] + "'"
        return SearchError(f"{what}{place} in '{self.shown}'".split("\0")[0])

    def _take(self, word: str) -> bool:
        if self.words[self.at] == word:
            self.at += 1
            return True
        return False

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise self._wrong(f"Expected '{word}'")

    def shape(self) -> Shape:
        if self.words[0].upper() != self.kind:
            raise SearchError(f"Should start with '{self.kind}'' in ({self.shown})")
        if self.words[1].upper() in ("Z", "M", "ZM"):
            raise SearchError(
                f"{self.words[1]} only allowed for 3 or more dimensions' in ({self.shown})"
            )
        is_point = self.kind == "POINT"
        if self.words[1].upper() == "EMPTY":
            self.at += 1
            rings: list[Ring] = [[(0.0, 0.0)]] if is_point else [[]]
        else:
            self._need("(")
            rings = [[self._point()]] if is_point else self._rings()
            self._need(")")
        if self.words[self.at] != _END:
            raise self._wrong("Too many tokens")
        return Shape(rings, is_point)

    def _rings(self) -> list[Ring]:
        rings: list[Ring] = []
        while self.words[self.at] not in (")", _END):
            self._need("(")
            ring: Ring = []
            while self.words[self.at] not in (")", _END):
                ring.append(self._point())
                self._take(",")
            self._need(")")
            self._take(",")
            rings.append(ring)
        return rings or [[]]

    def _point(self) -> Point:
        numbers = [0.0, 0.0]
        for at in range(2):
            word = self.words[self.at]
            if word in (")", ",", _END):
                break
            if not _NUMBER.fullmatch(word) and not _NOT_FINITE.fullmatch(word):
                raise self._wrong(
                    "bad lexical cast: source type value could not be interpreted as target"
                )
            numbers[at] = float(word.partition("(")[0])
            self.at += 1
        return numbers[0], numbers[1]


# What is wrong with shapes ----------------------------------------------------------------------


def _check(shape: Shape, is_flat: bool) -> None:
    """Close the rings of a shape, turn them the right way, and see that it is a good one.

    Raises:
        SearchError: it is not.
    """
    for ring in shape.rings:
        if any(not math.isfinite(number) for point in ring for number in point):
            raise _invalid("point(s) with invalid coordinate(s)")
    if shape.is_point:
        shape.flat()
        return
    for at, ring in enumerate(shape.rings):
        if ring and ring[0] != ring[-1]:
            ring.append(ring[0])
        if len(ring) < 4:
            raise _invalid("too few points")
        if is_flat:
            _check_ring(ring, at > 0)
    if is_flat:
        _check_crossings(shape.flat(), shape.rings, lambda point: point)
        return
    directions = [[_direction(point) for point in ring] for ring in shape.rings]
    middle = _middle(directions[0])
    if all(_dot(point, middle) > _NONE for point in directions[0]):
        to_plane, to_globe = _plane(middle)
        rings = [list(to_plane(ring)) for ring in directions]
        _check_crossings(_made(shape, rings), rings, to_globe)


def _invalid(what: str) -> SearchError:
    return SearchError(f"invalid geometry: Geometry has {what}")


def _cross(one: Point, other: Point) -> float:
    return one[0] * other[1] - one[1] * other[0]


def _way(start: Point, end: Point) -> Point:
    return end[0] - start[0], end[1] - start[1]


def _check_ring(ring: Ring, is_hole: bool) -> None:
    area = sum(_cross(one, other) for one, other in pairwise(ring))
    if area and (area > 0) is not is_hole:
        ring.reverse()
    corners = [point for point, following in pairwise(ring) if point != following]
    count = len(corners)
    if count < 3:
        raise _invalid("wrong topological dimension")
    for at in (*range(1, count), 0):
        corner = corners[at]
        come = _way(corners[at - 1], corner)
        go = _way(corner, corners[(at + 1) % count])
        if not _cross(come, go) and come[0] * go[0] + come[1] * go[1] < 0:
            raise _invalid(f"spikes. A spike point was found with apex at {_shown(corner)}")
    if not area:
        raise _invalid("wrong orientation")


def _shown(point: Point) -> str:
    return f"({point[0]:g}, {point[1]:g})"


def _check_crossings(made: Any, rings: list[Ring], seen: Callable[[Point], Point]) -> None:
    reason = _library().is_valid_reason(made)
    if reason == "Valid Geometry":
        return
    if "Hole lies outside" in reason:
        raise _invalid("interior rings defined outside the outer boundary")
    if "disconnected" in reason:
        raise _invalid("disconnected interior")
    crossing = next(_crossings(rings, seen), None)
    if crossing is None:
        raise _invalid("invalid self-intersections")
    raise _invalid(f"invalid self-intersections. {crossing}")


def _crossings(rings: list[Ring], seen: Callable[[Point], Point]) -> Iterator[str]:
    """What the server says of two lines that cross; of those that merely touch it says more.

    Args:
        seen: from a point of the rings to the one that is shown.
    """
    lines = [
        (ring, at, start, end)
        for ring, points in enumerate(rings, -1)
        for at, (start, end) in enumerate(pairwise(points))
    ]
    for number, (ring, at, start, end) in enumerate(lines):
        way = _way(start, end)
        for other_ring, other_at, begin, finish in lines[number + 1:]:
            other = _way(begin, finish)
            turn = _cross(way, other)
            if not turn:
                continue
            between = _way(start, begin)
            part, other_part = _cross(between, other) / turn, _cross(between, way) / turn
            if 0 < part < 1 and 0 < other_part < 1:
                point = start[0] + part * way[0], start[1] + part * way[1]
                yield (
                    f"A self-intersection point was found at {_shown(seen(point))}; method: i; "
                    f"operations: {'u/i' if turn < 0 else 'i/u'}; segment IDs {{source, multi, "
                    f"ring, segment}}: {{0, -1, {ring}, {at}}}/{{0, -1, {other_ring}, {other_at}}}"
                )


# Predicates -------------------------------------------------------------------------------------


class Shapes:
    """The shapes of a field, by documents."""

    __slots__ = ("is_flat", "shapes")

    def __init__(self, is_flat: bool) -> None:
        self.is_flat = is_flat
        self.shapes: dict[int, Shape] = {}

    def found(self, predicate: str, shape: Shape) -> set[int]:
        """The documents whose shapes lie so to one."""
        fits = _FITTING[predicate]
        return {
            number for number, each in self.shapes.items() if fits(each, shape, self.is_flat)
        }


def _within(one: Shape, other: Shape, is_flat: bool) -> bool:
    if other.is_point:
        return False
    if is_flat:
        return bool(one.flat().within(other.flat()))
    inner, outer = _projected(one, other)
    if one.is_point:
        return bool(inner.within(outer)) and inner.distance(outer.boundary) > _NONE
    return bool(inner.within(outer.buffer(_NONE, join_style="mitre")))


def _meet(one: Shape, other: Shape, is_flat: bool) -> bool:
    if is_flat:
        return bool(one.flat().intersects(other.flat()))
    first, second = _projected(one, other)
    return bool(first.distance(second) <= _NONE)


_FITTING: Final[dict[str, Callable[[Shape, Shape, bool], bool]]] = {
    "WITHIN": _within,
    "CONTAINS": lambda one, other, is_flat: _within(other, one, is_flat),
    "INTERSECTS": _meet,
    "DISJOINT": lambda one, other, is_flat: not _meet(one, other, is_flat),
}


# On the globe -----------------------------------------------------------------------------------

Direction = tuple[float, float, float]


def _direction(point: Point) -> Direction:
    longitude, latitude = math.radians(point[0]), math.radians(point[1])
    return (
        math.cos(latitude) * math.cos(longitude), math.cos(latitude) * math.sin(longitude),
        math.sin(latitude),
    )


def _dot(one: Direction, other: Direction) -> float:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def _projected(one: Shape, other: Shape) -> tuple[Any, Any]:
    """Two shapes on a plane that touches the globe between them.

    Seen from the globe's centre the shortest ways on it are straight lines there. Shapes that are
    more than half a globe apart have nothing in common: those are put beside each other.
    """
    sides = [
        [[_direction(point) for point in ring] for ring in each.rings] for each in (one, other)
    ]
    points = [point for rings in sides for point in rings[0]]
    middle = _middle(points)
    if any(_dot(point, middle) <= _NONE for point in points):
        middle, apart = _middle(sides[0][0]), _middle(sides[1][0])
        if all(_dot(point, middle) > _NONE for point in sides[0][0]) and all(
            _dot(point, apart) > _NONE for point in sides[1][0]
        ):
            library = _library()
            return library.Point(0, 0), library.Point(1, 1)
        return one.flat(), other.flat()  # too large for a plane
    to_plane, _ = _plane(middle)
    first, second = ([list(to_plane(ring)) for ring in rings] for rings in sides)
    return _made(one, first), _made(other, second)


def _middle(points: Sequence[Direction]) -> Direction:
    x, y, z = (sum(point[axis] for point in points) for axis in range(3))
    length = math.sqrt(x * x + y * y + z * z) or 1.0
    return x / length, y / length, z / length


def _plane(
    middle: Direction,
) -> tuple[Callable[[Iterable[Direction]], Iterator[Point]], Callable[[Point], Point]]:
    """The ways to a plane that touches the globe somewhere, and back."""
    x, y, z = middle
    across = math.hypot(x, y)
    east: Direction = (-y / across, x / across, 0.0) if across > 1e-12 else (0.0, 1.0, 0.0)
    north: Direction = (
        y * east[2] - z * east[1], z * east[0] - x * east[2], x * east[1] - y * east[0]
    )

    def projected(points: Iterable[Direction]) -> Iterator[Point]:
        for point in points:
            depth = _dot(point, middle)
            yield _dot(point, east) / depth, _dot(point, north) / depth

    def back(point: Point) -> Point:
        first, second, third = (
            middle[axis] + point[0] * east[axis] + point[1] * north[axis] for axis in range(3)
        )
        return (
            math.degrees(math.atan2(second, first)),
            math.degrees(math.atan2(third, math.hypot(first, second))),
        )

    return projected, back
