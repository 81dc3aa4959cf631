"""Geospatial commands: Redis's "geo" group. Places are members of sorted sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, NamedTuple

from fakeredis import errors
from fakeredis.commands.arguments import (
    Args,
    Flag,
    Key,
    KeySpec,
    OneOf,
    Option,
    Options,
    Raw,
    Rest,
    Token,
    Values,
    index,
    integer,
    keyword,
    word_of,
)
from fakeredis.commands.registry import DENYOOM, MOVABLEKEYS, READONLY, WRITE, Group
from fakeredis.commands.sorted_set.members import zadd
from fakeredis.datatypes.geohash import (
    MAX_LATITUDE,
    MAX_LONGITUDE,
    Area,
    Place,
    decode,
    distance,
    encode,
    middle,
    ranges,
    text_of,
)
from fakeredis.datatypes.numbers import format_float, parse_int
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


def _number(raw: bytes, traits: Traits, error: str = errors.NOT_FLOAT) -> float:
    number = traits.parse_float(raw)
    if number is None:
        raise CommandError(error)
    return number


def _place(traits: Traits, longitude_raw: bytes, latitude_raw: bytes) -> Place:
    longitude, latitude = _number(longitude_raw, traits), _number(latitude_raw, traits)
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


class _GeoaddOptions(Options):
    """What stands before GEOADD's places."""

    nx: Annotated[bool, Flag("NX").since("6.2.0")] = False
    xx: Annotated[bool, Flag("XX").since("6.2.0")] = False
    changed: Annotated[bool, Flag("CH").since("6.2.0")] = False


@group.command(
    "GEOADD", Key("RW update"), Raw, Raw, Raw, _GeoaddOptions, flags=WRITE | DENYOOM,
    since="3.2.0", form="key {} (longitude latitude member)~",
    names="key [condition<NX|XX>] [change:CH] data(longitude:double latitude:double member)+",
)
def geoadd(ctx: Context, key: bytes, *words: bytes) -> Any:
    """Add places, or move them; the number of new ones (with CH also of moved ones).

    Checked in the server's order: syntax, places, type.
    """
    options, at = _GeoaddOptions.take(ctx, words)
    triples = words[at:]
    if len(triples) % 3 or (options.nx and options.xx):
        raise CommandError(errors.SYNTAX)
    pairs = list(words[:at])
    for first in range(0, len(triples), 3):
        longitude, latitude = _place(ctx.traits, triples[first], triples[first + 1])
        pairs += (b"%d" % encode(longitude, latitude), triples[first + 2])
    return zadd(ctx, key, *pairs)


@group.command(
    "GEODIST", Key, Raw, Raw, Rest(flat=True), flags=READONLY, since="3.2.0",
    form="key member member ^unit", names="key member1 member2 [unit<M|KM|FT|MI>]",
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


@group.command(
    "GEOHASH", Key, Rest(flat=True), flags=READONLY, since="3.2.0", names="key [member+]",
)
def geohash(ctx: Context, key: bytes, *members: bytes) -> list[bytes | None]:
    """The geohash of each member, None where it is missing."""
    value = ctx.lookup_read(key, SortedSet)
    scores = [None if value is None else value.score(member) for member in members]
    return [None if score is None else text_of(int(score)) for score in scores]


@group.command(
    "GEOPOS", Key, Rest(flat=True), flags=READONLY, since="3.2.0", reply=_PLACES,
    nulls=null_items, names="key [member+]",
)
def geopos(ctx: Context, key: bytes, *members: bytes) -> list[Any]:
    """Longitude and latitude of each member, None where it is missing."""
    value = ctx.lookup_read(key, SortedSet)
    places = [None if value is None else _place_of(value, member) for member in members]
    return [None if place is None else list(place) for place in places]


# Searching ----------------------------------------------------------------------------------


class _Data(NamedTuple):
    """What a search is made in, and the ways of the server."""

    value: SortedSet | None
    traits: Traits


class _Shape(NamedTuple):
    """How far a search goes: a radius, or a width and a height, and what a unit of them is."""

    radius: float | None
    sides: tuple[float, float]
    unit: float
    vertices: tuple[Place, ...] = ()


def _around(data: _Data, member: bytes) -> Place | None:
    """Where a member is; without a key that is not looked at."""
    if data.value is None:
        return None
    place = _place_of(data.value, member)
    if place is None:
        if data.traits.names_missing:
            name = member.decode("utf-8", "surrogateescape")
            raise CommandError(f"ERR member {name} does not exist")
        raise CommandError(errors.GEO_MEMBER)
    return place


def _circle(data: _Data, radius_raw: bytes, unit: bytes) -> _Shape:
    radius = _number(radius_raw, data.traits, errors.GEO_RADIUS)
    if radius < 0:
        raise CommandError(errors.GEO_RADIUS_NEGATIVE)
    return _Shape(radius, (0.0, 0.0), _unit(unit, data.traits))


def _box(data: _Data, width_raw: bytes, height_raw: bytes, unit: bytes) -> _Shape:
    width = _number(width_raw, data.traits, errors.GEO_WIDTH)
    height = _number(height_raw, data.traits, errors.GEO_HEIGHT)
    if width < 0 or height < 0:
        raise CommandError(errors.GEO_BOX_NEGATIVE)
    return _Shape(None, (width, height), _unit(unit, data.traits))


@dataclass(frozen=True)
class _Vertices:
    """A number, and the places of so many vertices."""

    least: ClassVar[int] = 1
    form: ClassVar[str] = "#2"

    def take(
        self, ctx: Any, words: Sequence[bytes], at: int, keys: int
    ) -> tuple[tuple[Place, ...], int]:
        """The places, and the position behind them."""
        count = parse_int(words[at])
        if count is None:
            raise CommandError("ERR invalid number of vertices")
        end = at + 1 + 2 * count
        if count < 3 or end > len(words):
            raise CommandError("ERR GEOSEARCH BYPOLYGON must have at least 3 vertices")
        return tuple(
            _place(ctx.traits, words[one], words[one + 1]) for one in range(at + 1, end, 2)
        ), end

    def length(self, words: Sequence[bytes], at: int) -> int:
        """How many words those are, if the number is one."""
        return 1 + 2 * max(parse_int(words[at]) or 0, 0) if at < len(words) else 0


def _polygon(data: _Data, vertices: tuple[Place, ...]) -> _Shape:
    return _Shape(None, (0.0, 0.0), _DEFAULT_UNIT, vertices)


class _RadiusOptions(Options):
    """The options of all searches: what is wanted of what is found."""

    coordinates: Annotated[bool, Flag("WITHCOORD")] = False
    distances: Annotated[bool, Flag("WITHDIST")] = False
    hashes: Annotated[bool, Flag("WITHHASH")] = False
    count: Annotated[int, Option("COUNT", integer(1, range_error=errors.GEO_COUNT))] = 0
    first: Annotated[bool, Flag("ANY").since("6.2.0")] = False
    order: Annotated[str, OneOf(ASC=Token, DESC=Token, last=True)] = ""


class _StoringRadiusOptions(_RadiusOptions):
    """The options of a GEORADIUS that may store."""

    target: Annotated[
        tuple[str, bytes] | None, OneOf(STORE=Key, STOREDIST=Key, last=True)
    ] = None


class _SearchOptions(_RadiusOptions, at_least=5):
    """The options of GEOSEARCH: where and how far, too."""

    center: Annotated[tuple[str, Place | None] | None, OneOf(
        FROMMEMBER=Values(Raw, make=_around),
        FROMLONLAT=Values(Raw, Raw, make=lambda data, *place: _place(data.traits, *place)),
    )] = None
    area: Annotated[tuple[str, _Shape] | None, OneOf(
        BYRADIUS=Values(Raw, Raw, make=_circle), BYBOX=Values(Raw, Raw, Raw, make=_box),
        BYPOLYGON=Values(_Vertices(), make=_polygon).since({"valkey": "9.0.0"}),
    )] = None
    by_distance: bool = False


class _StoreOptions(_SearchOptions):
    """The options of GEOSEARCHSTORE."""

    by_distance: Annotated[bool, Flag("STOREDIST")] = False


def _check(options: _RadiusOptions, storing: str, polygons: bool = False) -> None:
    """What only shows when all is known.

    Args:
        polygons: whether the server knows any, which have a middle of their own.
        storing: what excludes the WITH options, if anything is stored.
    """
    if storing and (options.distances or options.hashes or options.coordinates):
        raise CommandError(errors.GEO_STORE % storing)
    if isinstance(options, _SearchOptions):
        name = "GEOSEARCHSTORE" if isinstance(options, _StoreOptions) else "GEOSEARCH"
        by_polygon = options.area is not None and options.area[0] == "BYPOLYGON"
        if by_polygon and options.center is not None:
            raise CommandError(errors.SYNTAX)
        if options.center is None and not by_polygon:
            raise CommandError(errors.GEO_NO_CENTER % name)
        if options.area is None:
            error = errors.GEO_NO_SHAPE_OF_THREE if polygons else errors.GEO_NO_SHAPE
            raise CommandError(error % name)
    if options.first and not options.count:
        raise CommandError(errors.GEO_ANY)


class _Search:
    """A search whose arguments are all known."""

    __slots__ = ("options", "place", "shape", "value")

    def __init__(
        self, value: SortedSet | None, place: Place | None, shape: _Shape, options: _RadiusOptions
    ) -> None:
        self.value = value
        self.place = place
        self.shape = shape
        self.options = options

    # Results

    def area(self) -> Area:
        """What is looked for, in metres."""
        assert self.place is not None
        radius, (width, height), unit, vertices = self.shape
        if vertices:
            return Area(*self.place, None, vertices=vertices)
        if radius is not None:
            return Area(*self.place, radius * unit)
        return Area(*self.place, None, width * unit, height * unit)

    def found(self) -> list[tuple[bytes, float, Place, float]]:
        """Member, score, place and distance of what is there, as many as are wanted."""
        value = self.value
        assert value is not None
        area = self.area()
        measure = area.measure()
        enough = self.options.count if self.options.first else 0
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
        options = self.options
        if options.order or (options.count and not options.first):
            found.sort(key=_by_distance, reverse=options.order == "DESC")
        return found[: options.count] if options.count else found

    def reply(self) -> list[Any]:
        """What was found, with what was asked for."""
        found, options = self.found(), self.options
        if not (options.distances or options.hashes or options.coordinates):
            return [member for member, *_ in found]
        rows = []
        for member, score, place, metres in found:
            row: list[Any] = [member]
            if options.distances:
                row.append(_metres(metres, self.shape.unit))
            if options.hashes:
                row.append(int(score))
            if options.coordinates:
                row.append(list(place))
            rows.append(row)
        return rows


def _by_distance(found: tuple[bytes, float, Place, float]) -> float:
    return found[3]


def _store(
    ctx: Context, search: _Search, target: bytes, by_distance: bool, event: str
) -> int:
    """Store what was found, with its distances for scores if so wanted; how much it was."""
    found = [] if search.value is None else search.found()
    if not found:
        ctx.delete(target)
        return 0
    if by_distance:
        pairs = [(member, metres / search.shape.unit) for member, _, _, metres in found]
    else:
        pairs = [(member, score) for member, score, _, _ in found]
    ctx.db.put(target, SortedSet(pairs))
    ctx.modified(target, event)
    ctx.server.dirty += len(found) - 1
    return len(found)


def _searched(
    ctx: Context, key: bytes, options: type[_SearchOptions], words: Sequence[bytes]
) -> tuple[_Search, bool]:
    """The search of GEOSEARCH and GEOSEARCHSTORE, and whether distances are stored.

    Checked in the server's order: type, options from left to right, what is missing among them.
    """
    value = ctx.lookup_read(key, SortedSet)
    given = options.parse(ctx, words, _Data(value, ctx.traits))
    polygons = ctx.traits.polygons
    _check(given, "GEOSEARCHSTORE" if options is _StoreOptions else "", polygons)
    assert given.area is not None
    shape = given.area[1]
    place = middle(shape.vertices) if given.center is None else given.center[1]
    return _Search(value, place, shape, given), given.by_distance


@group.command(
    "GEOSEARCH", Key, _SearchOptions, flags=READONLY, since="6.2.0", reply=_PLACES,
    names=(
        "key from<FROMMEMBER=member|FROMLONLAT=fromlonlat(longitude:double latitude:double)> "
        "by<circle(BYRADIUS=radius:double unit<M|KM|FT|MI>)|box(BYBOX=width:double height:double "
        "unit<M|KM|FT|MI>)> {order} [count-block(COUNT=count:integer [ANY])] {coordinates} "
        "{distances} {hashes}"
    ),
)
def geosearch(ctx: Context, key: bytes, *words: bytes) -> Any:
    """The members in a circle or a box."""
    search, _ = _searched(ctx, key, _SearchOptions, words)
    return [] if search.value is None else search.reply()


@group.command(
    "GEOSEARCHSTORE", Key("OW update"), Key("RO access"), _StoreOptions,
    flags=WRITE | DENYOOM, since="6.2.0",
    names=(
        "destination source from<FROMMEMBER=member|FROMLONLAT=fromlonlat(longitude:double "
        "latitude:double)> by<circle(BYRADIUS=radius:double unit<M|KM|FT|MI>)|"
        "box(BYBOX=width:double height:double unit<M|KM|FT|MI>)> {order} "
        "[count-block(COUNT=count:integer [ANY])] {by_distance}"
    ),
)
def geosearchstore(ctx: Context, target: bytes, key: bytes, *words: bytes) -> Any:
    """Store the members in a circle or a box; how many there are."""
    search, by_distance = _searched(ctx, key, _StoreOptions, words)
    return _store(ctx, search, target, by_distance, "geosearchstore")


# The older commands -------------------------------------------------------------------------


Start = Callable[[_Data], tuple[Place | None, _Shape]]
_NOWHERE: Final = _Shape(0.0, (0.0, 0.0), _DEFAULT_UNIT)


def _radius(
    ctx: Context, key: bytes, start: Start, options: type[_RadiusOptions], words: Sequence[bytes]
) -> Any:
    """What all GEORADIUS commands have in common.

    Checked in the server's order: type, place, radius, options from left to right.
    """
    value = ctx.lookup_read(key, SortedSet)
    place, shape = start(_Data(value, ctx.traits))
    given = options.parse(ctx, words)
    target = given.target if isinstance(given, _StoringRadiusOptions) else None
    _check(given, "" if target is None else "STORE option in GEORADIUS")
    search = _Search(value, place, shape, given)
    if target is not None:
        return _store(ctx, search, target[1], target[0] == "STOREDIST", "georadiusstore")
    return [] if value is None else search.reply()


def _round_place(words: Sequence[bytes]) -> Start:
    return lambda data: (_place(data.traits, words[0], words[1]), _circle(data, words[2], words[3]))


def _round_member(words: Sequence[bytes]) -> Start:
    def start(data: _Data) -> tuple[Place | None, _Shape]:
        if data.value is None:  # without a key the radius is not looked at
            return None, _NOWHERE
        return _around(data, words[0]), _circle(data, words[1], words[2])

    return start


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
    "GEORADIUS", Key("RO access"), Raw, Raw, Raw, Raw, _StoringRadiusOptions,
    flags=WRITE | DENYOOM | MOVABLEKEYS, since="3.2.0", reply=_PLACES, keys=_radius_keys(5),
    specs=_radius_specs(6), form="key longitude latitude radius ^unit {}",
    names=(
        "key longitude:double latitude:double radius:double unit<M|KM|FT|MI> {coordinates} "
        "{distances} {hashes} [count-block(COUNT=count:integer [ANY])] {order} "
        "[store<STORE=storekey:key1/key|STOREDIST=storedistkey:key2/key>]"
    ),
)
def georadius(ctx: Context, key: bytes, *words: bytes) -> Any:
    """The members in a circle round a place; may store them."""
    return _radius(ctx, key, _round_place(words), _StoringRadiusOptions, words[4:])


@group.command(
    "GEORADIUS_RO", Key, Raw, Raw, Raw, Raw, _RadiusOptions, flags=READONLY, since="3.2.10",
    reply=_PLACES, form="key longitude latitude radius ^unit {}",
    names=(
        "key longitude:double latitude:double radius:double unit<M|KM|FT|MI> {coordinates} "
        "{distances} {hashes} [count-block(COUNT=count:integer [ANY])] {order}"
    ),
)
def georadius_ro(ctx: Context, key: bytes, *words: bytes) -> Any:
    """The members in a circle round a place."""
    return _radius(ctx, key, _round_place(words), _RadiusOptions, words[4:])


@group.command(
    "GEORADIUSBYMEMBER", Key("RO access"), Raw, Raw, Raw, _StoringRadiusOptions,
    flags=WRITE | DENYOOM | MOVABLEKEYS, since="3.2.0", reply=_PLACES, keys=_radius_keys(4),
    specs=_radius_specs(5), form="key member radius ^unit {}",
    names=(
        "key member radius:double unit<M|KM|FT|MI> {coordinates} {distances} {hashes} "
        "[count-block(COUNT=count:integer [ANY@])] {order} [store<STORE=storekey:key1/key|"
        "STOREDIST=storedistkey:key2/key>]"
    ),
)
def georadiusbymember(ctx: Context, key: bytes, *words: bytes) -> Any:
    """The members in a circle round another one; may store them."""
    return _radius(ctx, key, _round_member(words), _StoringRadiusOptions, words[3:])


@group.command(
    "GEORADIUSBYMEMBER_RO", Key, Raw, Raw, Raw, _RadiusOptions, flags=READONLY, since="3.2.10",
    reply=_PLACES, form="key member radius ^unit {}",
    names=(
        "key member radius:double unit<M|KM|FT|MI> {coordinates} {distances} {hashes} "
        "[count-block(COUNT=count:integer [ANY@])] {order}"
    ),
)
def georadiusbymember_ro(ctx: Context, key: bytes, *words: bytes) -> Any:
    """The members in a circle round another one."""
    return _radius(ctx, key, _round_member(words), _RadiusOptions, words[3:])
