"""Geohashes: places as integers of 52 bits, whose ranges are cells of the map.

Latitude and longitude are cut in half 26 times each, and the answers interleaved, latitude in the
lower bit. Distances are on a sphere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import asin, atan2, cos, fabs, isinf, nan, pi, sin, sqrt
from typing import Final, NamedTuple

MAX_LATITUDE: Final = 85.05112878  # where the Mercator projection is a square
MAX_LONGITUDE: Final = 180.0
STEPS: Final = 26
_EARTH_RADIUS = 6372797.560856
_HALF_EQUATOR = 20037726.37
_RADIANS = pi / 180
_CELLS = 1 << STEPS
_LETTERS = b"0123456789bcdefghjkmnpqrstuvwxyz"

Place = tuple[float, float]  # longitude and latitude


def _spread_byte(byte: int) -> int:
    return sum((byte >> bit & 1) << 2 * bit for bit in range(8))


_SPREAD = [_spread_byte(byte) for byte in range(256)]


def _spread(number: int) -> int:
    """The lowest 32 bits with a gap before each."""
    return (
        _SPREAD[number & 255]
        | _SPREAD[number >> 8 & 255] << 16
        | _SPREAD[number >> 16 & 255] << 32
        | _SPREAD[number >> 24 & 255] << 48
    )


def _squash(number: int) -> int:
    """Every second bit, from the lowest on."""
    number &= 0x5555555555555555
    number = (number | number >> 1) & 0x3333333333333333
    number = (number | number >> 2) & 0x0F0F0F0F0F0F0F0F
    number = (number | number >> 4) & 0x00FF00FF00FF00FF
    number = (number | number >> 8) & 0x0000FFFF0000FFFF
    return (number | number >> 16) & 0xFFFFFFFF


def _cell(longitude: float, latitude: float, steps: int, most: float) -> tuple[int, int]:
    """Column and row of the cell of a place, latitudes reaching up to ``most``."""
    cells = 1 << steps
    row = (latitude + most) / (2 * most) * cells
    column = (longitude + MAX_LONGITUDE) / (2 * MAX_LONGITUDE) * cells
    return int(column) & 0xFFFFFFFF, int(row) & 0xFFFFFFFF


def encode(longitude: float, latitude: float) -> int:
    """The score of a place in a sorted set."""
    column, row = _cell(longitude, latitude, STEPS, MAX_LATITUDE)
    return _spread(row) | _spread(column) << 1


def _middle(cell: int, most: float) -> float:
    low = -most + cell / _CELLS * (2 * most)
    high = -most + (cell + 1) / _CELLS * (2 * most)
    return min(max((low + high) / 2, -most), most)


def decode(number: int) -> Place:
    """The middle of the cell that a score stands for."""
    return _middle(_squash(number >> 1), MAX_LONGITUDE), _middle(_squash(number), MAX_LATITUDE)


def text_of(number: int) -> bytes:
    """The usual geohash of a score, eleven letters; its latitudes reach the poles."""
    longitude, latitude = decode(number)
    column, row = _cell(longitude, latitude, STEPS, 90.0)
    bits = _spread(row) | _spread(column) << 1
    # 52 bits make ten letters and two bits, of which the server makes a zero.
    return bytes(_LETTERS[bits >> 47 - 5 * at & 31] for at in range(10)) + b"0"


# Distances ------------------------------------------------------------------------------------


def _meridian_distance(first: float, second: float) -> float:
    """Between two latitudes."""
    return _EARTH_RADIUS * fabs(second * _RADIANS - first * _RADIANS)


def distance(longitude: float, latitude: float, other: Place) -> float:
    """Between two places, in metres."""
    v = sin((other[0] * _RADIANS - longitude * _RADIANS) / 2)
    if v == 0.0:
        return _meridian_distance(latitude, other[1])
    first, second = latitude * _RADIANS, other[1] * _RADIANS
    u = sin((second - first) / 2)
    half = sqrt(u * u + cos(first) * cos(second) * v * v)
    return 2.0 * _EARTH_RADIUS * asin(half) if half <= 1.0 else nan


# Searching ------------------------------------------------------------------------------------


class Area(NamedTuple):
    """What is looked for: a circle (``radius``) or a box (``width``, ``height``) round a place.

    In metres. Or a polygon (``vertices``), from whose middle distances are measured.
    """

    longitude: float
    latitude: float
    radius: float | None
    width: float = 0.0
    height: float = 0.0
    vertices: tuple[Place, ...] = ()

    def reach(self) -> float:
        """The distance of the farthest place."""
        if self.vertices:
            return max(distance(self.longitude, self.latitude, place) for place in self.vertices)
        if self.radius is not None:
            return self.radius
        width, height = self.width / 2, self.height / 2
        return sqrt(width * width + height * height)  # a power would overflow

    def measure(self) -> Callable[[Place], float | None]:
        """A function that gives the distance of a place, None where it is outside."""
        longitude, latitude, radius = self.longitude, self.latitude, self.radius
        if radius is not None:

            def in_circle(place: Place) -> float | None:
                found = distance(longitude, latitude, place)
                return None if found > radius else found

            return in_circle
        if self.vertices:

            def in_polygon(place: Place) -> float | None:
                inside = _is_within(place, self.vertices)
                return distance(longitude, latitude, place) if inside else None

            return in_polygon

        def in_box(place: Place) -> float | None:
            if _meridian_distance(place[1], latitude) > self.height / 2:
                return None
            if distance(place[0], place[1], (longitude, place[1])) > self.width / 2:
                return None
            return distance(longitude, latitude, place)

        return in_box

    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north of what is looked for."""
        if self.vertices:
            longitudes, latitudes = zip(*self.vertices, strict=True)
            return min(longitudes), min(latitudes), max(longitudes), max(latitudes)
        radius = self.radius
        height = radius if radius is not None else self.height / 2
        width = radius if radius is not None else self.width / 2
        north = height / _EARTH_RADIUS / _RADIANS
        # A degree is shortest on the side of the pole.
        nearer = self.latitude + (-north if self.latitude < 0 else north)
        nearest = nan if isinf(nearer) else cos(nearer * _RADIANS)
        east = width / _EARTH_RADIUS / nearest / _RADIANS
        return (
            self.longitude - east, self.latitude - north,
            self.longitude + east, self.latitude + north,
        )


def _is_within(place: Place, vertices: Sequence[Place]) -> bool:
    """Whether a place is in a polygon: a line to the east meets an odd number of its edges."""
    east, north = place
    inside = False
    for (a_east, a_north), (b_east, b_north) in zip(
        vertices, (vertices[-1], *vertices[:-1]), strict=True
    ):
        if (a_north > north) is not (b_north > north):
            slope = (b_east - a_east) / (b_north - a_north)
            inside ^= east < slope * (north - a_north) + a_east
    return inside


def middle(vertices: Sequence[Place]) -> Place:
    """The middle of some places on the sphere."""
    x = y = z = 0.0
    for east, north in vertices:
        longitude, latitude = east * _RADIANS, north * _RADIANS
        x += cos(latitude) * cos(longitude)
        y += cos(latitude) * sin(longitude)
        z += sin(latitude)
    count = len(vertices)
    x, y, z = x / count, y / count, z / count
    return atan2(y, x) / _RADIANS, atan2(z, sqrt(x * x + y * y)) / _RADIANS


def _steps_for(reach: float, latitude: float) -> int:
    """How fine the cells may be so that nine of them cover what is looked for."""
    if reach == 0:
        return STEPS
    steps = 1
    while reach < _HALF_EQUATOR:
        reach *= 2
        steps += 1
    steps -= 2
    steps -= (fabs(latitude) > 66) + (fabs(latitude) > 80)
    return min(max(steps, 1), STEPS)


def _edges(cell: int, steps: int, most: float) -> Place:
    """Where a row or a column of cells starts and ends."""
    cells = 1 << steps
    return -most + cell / cells * (2 * most), -most + (cell + 1) / cells * (2 * most)


# The cells round one, in the order in which the server looks at them: column and row.
_ROUND: Final = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1))


def ranges(area: Area) -> Iterator[tuple[int, int]]:
    """The ranges of scores that cover an area, each from its first on up to before its second."""
    steps = _steps_for(area.reach(), area.latitude)
    west, south, east, north = area.bounds()
    mask = (1 << steps) - 1
    column, row = _cell(area.longitude, area.latitude, steps, MAX_LATITUDE)
    too_fine = (
        _edges(row + 1 & mask, steps, MAX_LATITUDE)[1] < north
        or _edges(row - 1 & mask, steps, MAX_LATITUDE)[0] > south
        or _edges(column + 1 & mask, steps, MAX_LONGITUDE)[1] < east
        or _edges(column - 1 & mask, steps, MAX_LONGITUDE)[0] > west
    )
    if steps > 1 and too_fine:
        steps -= 1
        mask >>= 1
        column, row = _cell(area.longitude, area.latitude, steps, MAX_LATITUDE)
    useless = _useless(column, row, steps, (west, south, east, north)) if steps >= 2 else set()
    shift = 2 * (STEPS - steps)
    last: int | None = None
    for position, (right, up) in enumerate(_ROUND):
        if (right, 0) in useless or (0, up) in useless:
            continue
        # A place on the very edge is in a cell beyond the last one, which stays there.
        there = (column + right & mask if right else column, row + up & mask if up else row)
        bits = _spread(there[1]) | _spread(there[0]) << 1
        # Round a very large area the same cell may come twice in a row; the server does not notice
        # when it is the first one.
        if last is None or bits != last:
            yield bits << shift, bits + 1 << shift
            last = bits if position else None


def _useless(
    column: int, row: int, steps: int, bounds: tuple[float, float, float, float]
) -> set[tuple[int, int]]:
    """The directions in which the middle cell reaches farther than what is looked for."""
    west, south, east, north = bounds
    low, high = _edges(row, steps, MAX_LATITUDE)
    left, right = _edges(column, steps, MAX_LONGITUDE)
    checks = (
        ((0, -1), low < south), ((0, 1), high > north), ((-1, 0), left < west),
        ((1, 0), right > east),
    )
    return {direction for direction, beyond in checks if beyond}
