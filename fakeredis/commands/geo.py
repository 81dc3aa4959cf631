"""Geospatial commands: Redis's "geo" group. Places are members of sorted sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Args, Key, KeySpec, Raw, Rest, index, keyword, word_of
from fakeredis.commands.registry import DENYOOM, MOVABLEKEYS, READONLY, WRITE, Group
from fakeredis.commands.sorted_set import zadd
from fakeredis.datatypes.geohash import (
    MAX_LATITUDE,
    MAX_LONGITUDE,
    Area,
    Place,
    decode,
    distance,
    encode,
    ranges,
    text_of,
)
from fakeredis.datatypes.numbers import format_float, parse_float, parse_int
from fakeredis.datatypes.sorted_set import SortedSet
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.profiles import Traits
from fakeredis.engine.core.replies import Shape, null_items
from fakeredis.errors import CommandError

group = Group("geo")

_UNITS: Final = {b"M": 1.0, b"KM": 1000.0, b"FT": 0.3048, b"MI": 1609.34}
_DEFAULT_UNIT: Final = 1.0


# Arguments and replies ----------------------------------------------------------------------


def _unit(raw: bytes, traits: Traits) -> float:
    """How many metres a unit has."""
    metres = _UNITS.get(word_of(raw))
    if metres is None or not (traits.upper_units or raw.islower()):
        raise CommandError(errors.GEO_UNIT)
    return metres


def _number(raw: bytes, error: str = errors.NOT_FLOAT) -> float:
    number = parse_float(raw)
    if number is None:
        raise CommandError(error)
    return number


def _place(longitude_raw: bytes, latitude_raw: bytes) -> Place:
    longitude, latitude = _number(longitude_raw), _number(latitude_raw)
    if abs(longitude) > MAX_LONGITUDE or abs(latitude) > MAX_LATITUDE:
        raise CommandError(errors.GEO_PLACE % (longitude, latitude))
    return longitude, latitude


def _place_of(value: SortedSet, member: bytes) -> Place | None:
    """Where a member is."""
    score = value.score(member)
    return None if score is None else decode(int(score))


def _metres(metres: float, unit: float) -> bytes:
    """A distance as a reply."""
    return b"%.4f" % (metres / unit)


def _texts(reply: Any) -> Any:
    """Floats within arrays, which here are coordinates, as text."""
    if type(reply) is list:
        return [_texts(item) for item in reply]
    return format_float(reply) if type(reply) is float else reply


_PLACES: Final = Shape(_texts, None)


# Adding and looking up ----------------------------------------------------------------------


# Their options, see `fakeredis.engine.command.form`.
_AREA: Final = "FROMMEMBER=1 FROMLONLAT=2 BYRADIUS=2 BYBOX=3 ASC DESC COUNT=1?ANY"
_WITH: Final = "WITHCOORD WITHDIST WITHHASH"
_RADIUS_READS: Final = f"{{{_WITH} COUNT=1?ANY ASC DESC}}"
_RADIUS_STORES: Final = f"{{{_WITH} COUNT=1?ANY ASC DESC STORE=key STOREDIST=key}}"


@group.command(
    "GEOADD", Key("RW update"), Raw, Raw, Raw, Rest(flat=True), flags=WRITE | DENYOOM,
    since="3.2.0", form="key {NX XX CH} (longitude latitude member)~",
)
def geoadd(ctx: Context, key: bytes, *words: bytes) -> Any:
    """Add places, or move them; the number of new ones (with CH also of moved ones).

    Checked in the server's order: syntax, places, type.
    """
    at = 0
    options = set()
    while at < len(words) and word_of(words[at]) in (b"NX", b"XX", b"CH"):
        options.add(word_of(words[at]))
        at += 1
    triples = words[at:]
    if len(triples) % 3 or {b"NX", b"XX"} <= options:
        raise CommandError(errors.SYNTAX)
    pairs = list(words[:at])
    for first in range(0, len(triples), 3):
        longitude, latitude = _place(triples[first], triples[first + 1])
        pairs += (b"%d" % encode(longitude, latitude), triples[first + 2])
    return zadd(ctx, key, *pairs)


@group.command(
    "GEODIST", Key, Raw, Raw, Rest(flat=True), flags=READONLY, since="3.2.0",
    form="key member member ^unit",
)
def geodist(ctx: Context, key: bytes, first: bytes, second: bytes, *words: bytes) -> Any:
    """The distance of two members; None when one is missing.

    Checked in the server's order: unit, number of words, type.
    """
    if len(words) > 1:
        raise CommandError(errors.SYNTAX)
    unit = _unit(words[0], ctx.traits) if words else _DEFAULT_UNIT
    value = ctx.lookup_read(key, SortedSet)
    if value is None:
        return None
    start, end = _place_of(value, first), _place_of(value, second)
    if start is None or end is None:
        return None
    return _metres(distance(*start, end), unit)


@group.command("GEOHASH", Key, Rest(flat=True), flags=READONLY, since="3.2.0")
def geohash(ctx: Context, key: bytes, *members: bytes) -> list[bytes | None]:
    """The geohash of each member, None where it is missing."""
    value = ctx.lookup_read(key, SortedSet)
    scores = [None if value is None else value.score(member) for member in members]
    return [None if score is None else text_of(int(score)) for score in scores]


@group.command(
    "GEOPOS", Key, Rest(flat=True), flags=READONLY, since="3.2.0", reply=_PLACES,
    nulls=null_items,
)
def geopos(ctx: Context, key: bytes, *members: bytes) -> list[Any]:
    """Longitude and latitude of each member, None where it is missing."""
    value = ctx.lookup_read(key, SortedSet)
    places = [None if value is None else _place_of(value, member) for member in members]
    return [None if place is None else list(place) for place in places]


# Searching ----------------------------------------------------------------------------------


class _Search:
    """The arguments of a search, as far as they are known yet."""

    __slots__ = (
        "by_distance", "any_", "box", "coordinates", "count", "distances", "hashes", "is_fixed",
        "is_member", "place", "radius", "sort", "target", "traits", "unit",
        "value",
    )

    def __init__(self, value: SortedSet | None, traits: Traits) -> None:
        self.value = value
        self.traits = traits
        self.place: Place | None = None
        self.is_member = self.is_fixed = False  # round what: a member, or a place
        self.radius: float | None = None
        self.box: tuple[float, float] | None = None
        self.unit = _DEFAULT_UNIT
        self.any_ = self.coordinates = self.distances = self.hashes = False
        self.count = 0
        self.sort: bytes | None = None
        self.target: bytes | None = None
        self.by_distance = False  # the stored scores are distances

    # Where and how far

    def around(self, member: bytes) -> None:
        """Search round a member."""
        if self.value is None:
            return
        self.place = _place_of(self.value, member)
        if self.place is None:
            raise CommandError(errors.GEO_MEMBER)

    def within(self, radius_raw: bytes, unit_raw: bytes) -> None:
        """Search in a circle."""
        radius = _number(radius_raw, errors.GEO_RADIUS)
        if radius < 0:
            raise CommandError(errors.GEO_RADIUS_NEGATIVE)
        self.unit = _unit(unit_raw, self.traits)
        self.radius = radius

    def within_box(self, width_raw: bytes, height_raw: bytes, unit_raw: bytes) -> None:
        """Search in a box."""
        width = _number(width_raw, errors.GEO_WIDTH)
        height = _number(height_raw, errors.GEO_HEIGHT)
        if width < 0 or height < 0:
            raise CommandError(errors.GEO_BOX_NEGATIVE)
        self.unit = _unit(unit_raw, self.traits)
        self.box = width, height

    # Options

    def option(self, words: Sequence[bytes], at: int) -> int:
        """Take one of the options that all searches have; the position behind it, 0 for others."""
        word = word_of(words[at])
        if word == b"WITHDIST":
            self.distances = True
        elif word == b"WITHHASH":
            self.hashes = True
        elif word == b"WITHCOORD":
            self.coordinates = True
        elif word == b"ANY":
            self.any_ = True
        elif word in (b"ASC", b"DESC"):
            self.sort = word
        elif word == b"COUNT" and at + 1 < len(words):
            self._limit(words[at + 1])
            return at + 2
        else:
            return 0
        return at + 1

    def _limit(self, raw: bytes) -> None:
        count = parse_int(raw)
        if count is None:
            raise CommandError(errors.NOT_INTEGER)
        if count <= 0:
            raise CommandError(errors.GEO_COUNT)
        self.count = count

    def check(self, name: str, storing: str) -> None:
        """What only shows when all is known.

        Args:
            name: of a command that must be told where and how far; else empty.
            storing: what storing excludes the WITH options.
        """
        if self.target is not None and (self.distances or self.hashes or self.coordinates):
            raise CommandError(errors.GEO_STORE % storing)
        if name and not (self.is_member or self.is_fixed):
            raise CommandError(errors.GEO_NO_CENTER % name)
        if name and self.radius is None and self.box is None:
            raise CommandError(errors.GEO_NO_SHAPE % name)
        if self.any_ and not self.count:
            raise CommandError(errors.GEO_ANY)

    # Results

    def area(self) -> Area:
        """What is looked for, in metres."""
        assert self.place is not None
        if self.radius is not None:
            return Area(*self.place, self.radius * self.unit)
        width, height = self.box or (0.0, 0.0)
        return Area(*self.place, None, width * self.unit, height * self.unit)

    def found(self) -> list[tuple[bytes, float, Place, float]]:
        """Member, score, place and distance of what is there, as many as are wanted."""
        value = self.value
        assert value is not None
        area = self.area()
        measure = area.measure()
        enough = self.count if self.any_ else 0
        found: list[tuple[bytes, float, Place, float]] = []
        for low, high in ranges(area):
            start, stop = value.rank_of_score(low), value.rank_of_score(high)
            for member, score in value.by_rank(start, stop):
                place = decode(int(score))
                metres = measure(place)
                if metres is not None:
                    found.append((member, score, place, metres))
                    if len(found) == enough:
                        break
            if enough and len(found) >= enough:
                break
        return self._chosen(found)

    def _chosen(
        self, found: list[tuple[bytes, float, Place, float]]
    ) -> list[tuple[bytes, float, Place, float]]:
        if self.sort is not None or (self.count and not self.any_):
            found.sort(key=_by_distance, reverse=self.sort == b"DESC")
        return found[: self.count] if self.count else found

    def reply(self) -> list[Any]:
        """What was found, with what was asked for."""
        found = self.found()
        if not (self.distances or self.hashes or self.coordinates):
            return [member for member, *_ in found]
        rows = []
        for member, score, place, metres in found:
            row: list[Any] = [member]
            if self.distances:
                row.append(_metres(metres, self.unit))
            if self.hashes:
                row.append(int(score))
            if self.coordinates:
                row.append(list(place))
            rows.append(row)
        return rows


def _by_distance(found: tuple[bytes, float, Place, float]) -> float:
    return found[3]


def _answer(ctx: Context, search: _Search, event: str) -> Any:
    """Reply with what was found, or store it."""
    if search.target is None:
        return [] if search.value is None else search.reply()
    found = [] if search.value is None else search.found()
    if not found:
        ctx.delete(search.target)
        return 0
    if search.by_distance:
        pairs = [(member, metres / search.unit) for member, _, _, metres in found]
    else:
        pairs = [(member, score) for member, score, _, _ in found]
    ctx.db.put(search.target, SortedSet(pairs))
    ctx.modified(search.target, event)
    ctx.server.dirty += len(found) - 1
    return len(found)


def _search(
    ctx: Context, key: bytes, words: Sequence[bytes], target: bytes | None = None
) -> Any:
    """GEOSEARCH and GEOSEARCHSTORE.

    Checked in the server's order: type, options from left to right, what is missing among them.
    """
    assert ctx.command is not None
    search = _Search(ctx.lookup_read(key, SortedSet), ctx.traits)
    search.target = target
    at = 0
    while at < len(words):
        at = search.option(words, at) or _shape_option(search, words, at)
    search.check(ctx.command.name, "GEOSEARCHSTORE")
    return _answer(ctx, search, "geosearchstore")


def _shape_option(search: _Search, words: Sequence[bytes], at: int) -> int:
    """Take an option that says where and how far to search; the position behind it."""
    word, left = word_of(words[at]), len(words) - at - 1
    if word == b"FROMMEMBER" and left >= 1 and not search.is_fixed:
        search.around(words[at + 1])
        search.is_member = True
        return at + 2
    if word == b"FROMLONLAT" and left >= 2 and not search.is_member:
        search.is_fixed = True
        search.place = _place(words[at + 1], words[at + 2])
        return at + 3
    if word == b"BYRADIUS" and left >= 2 and search.box is None:
        search.within(words[at + 1], words[at + 2])
        return at + 3
    if word == b"BYBOX" and left >= 3 and search.radius is None:
        search.within_box(words[at + 1], words[at + 2], words[at + 3])
        return at + 4
    if word == b"STOREDIST" and search.target is not None:
        search.by_distance = True
        return at + 1
    raise CommandError(errors.SYNTAX)


@group.command(
    "GEOSEARCH", Key, Rest(at_least=5, flat=True), flags=READONLY, since="6.2.0", reply=_PLACES,
    form=f"key {{{_AREA} {_WITH}}}",
)
def geosearch(ctx: Context, key: bytes, *words: bytes) -> Any:
    """The members in a circle or a box."""
    return _search(ctx, key, words)


@group.command(
    "GEOSEARCHSTORE", Key("OW update"), Key("RO access"), Rest(at_least=5, flat=True),
    flags=WRITE | DENYOOM, since="6.2.0", form=f"key key {{{_AREA} STOREDIST}}",
)
def geosearchstore(ctx: Context, target: bytes, key: bytes, *words: bytes) -> Any:
    """Store the members in a circle or a box; how many there are."""
    return _search(ctx, key, words, target)


# The older commands -------------------------------------------------------------------------


def _radius(
    ctx: Context, key: bytes, words: Sequence[bytes], storing: bool,
    start: Callable[[_Search], None],
) -> Any:
    """What all GEORADIUS commands have in common.

    Checked in the server's order: type, place, radius, options from left to right.
    """
    search = _Search(ctx.lookup_read(key, SortedSet), ctx.traits)
    start(search)
    at = 0
    while at < len(words):
        behind = search.option(words, at)
        if not behind:
            word = word_of(words[at])
            if not storing or at + 1 == len(words) or word not in (b"STORE", b"STOREDIST"):
                raise CommandError(errors.SYNTAX)
            search.target, search.by_distance = words[at + 1], word == b"STOREDIST"
            behind = at + 2
        at = behind
    search.check("", "STORE option in GEORADIUS")
    return _answer(ctx, search, "georadiusstore")


def _round_place(
    ctx: Context, key: bytes, words: Sequence[bytes], storing: bool
) -> Any:
    def start(search: _Search) -> None:
        search.place = _place(words[0], words[1])
        search.within(words[2], words[3])

    return _radius(ctx, key, words[4:], storing, start)


def _round_member(
    ctx: Context, key: bytes, words: Sequence[bytes], storing: bool
) -> Any:
    def start(search: _Search) -> None:
        if search.value is not None:  # without a key the radius is not looked at
            search.around(words[0])
            search.within(words[1], words[2])

    return _radius(ctx, key, words[3:], storing, start)


def _radius_keys(first_option: int) -> Callable[[Args], list[bytes]]:
    """The keys of a GEORADIUS command, STORE's among them."""

    def keys(args: Args) -> list[bytes]:
        stores = [
            args[at + 1]
            for at in range(first_option, len(args) - 1)
            if word_of(args[at]) in (b"STORE", b"STOREDIST")
        ]
        return [args[0], *stores[-1:]]

    return keys


def _radius_specs(first_option: int) -> tuple[KeySpec, ...]:
    return (
        KeySpec("RO access", index(1)),
        *(KeySpec("OW update", keyword(word, first_option)) for word in ("STORE", "STOREDIST")),
    )


@group.command(
    "GEORADIUS", Key("RO access"), Rest(at_least=4, flat=True), flags=WRITE | DENYOOM | MOVABLEKEYS,
    since="3.2.0", reply=_PLACES, keys=_radius_keys(5), specs=_radius_specs(6),
    form=f"key longitude latitude radius ^unit {_RADIUS_STORES}",
)
def georadius(ctx: Context, key: bytes, *words: bytes) -> Any:
    """The members in a circle round a place; may store them."""
    return _round_place(ctx, key, words, True)


@group.command(
    "GEORADIUS_RO", Key, Rest(at_least=4, flat=True), flags=READONLY, since="3.2.10", reply=_PLACES,
    form=f"key longitude latitude radius ^unit {_RADIUS_READS}",
)
def georadius_ro(ctx: Context, key: bytes, *words: bytes) -> Any:
    """The members in a circle round a place."""
    return _round_place(ctx, key, words, False)


@group.command(
    "GEORADIUSBYMEMBER", Key("RO access"), Rest(at_least=3, flat=True),
    flags=WRITE | DENYOOM | MOVABLEKEYS, since="3.2.0", reply=_PLACES, keys=_radius_keys(4),
    specs=_radius_specs(5), form=f"key member radius ^unit {_RADIUS_STORES}",
)
def georadiusbymember(ctx: Context, key: bytes, *words: bytes) -> Any:
    """The members in a circle round another one; may store them."""
    return _round_member(ctx, key, words, True)


@group.command(
    "GEORADIUSBYMEMBER_RO", Key, Rest(at_least=3, flat=True), flags=READONLY, since="3.2.10",
    reply=_PLACES, form=f"key member radius ^unit {_RADIUS_READS}",
)
def georadiusbymember_ro(ctx: Context, key: bytes, *words: bytes) -> Any:
    """The members in a circle round another one."""
    return _round_member(ctx, key, words, False)
