"""Random geo commands on few keys."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.conformance.machine import hunt, with_options, words

key = st.sampled_from(["a", "b", "a", "string"])
member = st.sampled_from(["m", "n", "o", "p", "q", ""])
longitude = st.one_of(
    st.sampled_from([0, "13.36", 180, -180, "179.9999", "180.1", "x"]),
    st.floats(-180, 180).map(repr), st.integers(10, 14),
)
latitude = st.one_of(
    st.sampled_from([0, "38.1", "85.05112878", "-85.05112878", "86", "-66.5", "80.5"]),
    st.floats(-85, 85).map(repr), st.integers(36, 40),
)
unit = st.sampled_from(["m", "km", "ft", "MI", "km", "foo"])
reach = st.one_of(
    st.sampled_from([0, 1, 200, "1e4", "2e4", -1, "x", "1e300"]), st.floats(0, 3000).map(repr)
)
options = (
    words("ASC"), words("DESC"), words("WITHDIST"), words("WITHCOORD"), words("WITHHASH"),
    words("COUNT", st.sampled_from([1, 2, 5, 0, "x"])), words("COUNT", 2, "ANY"), words("FOO"),
)
storing = (words("STORE", key), words("STOREDIST", key))
shape = st.one_of(
    words("BYRADIUS", reach, unit), words("BYBOX", reach, reach, unit),
    words("BYBOX", reach, reach, "km"), words("BYRADIUS", reach, "km"),
)
center = st.one_of(words("FROMMEMBER", member), words("FROMLONLAT", longitude, latitude))


def searching(head: st.SearchStrategy[tuple[object, ...]]) -> st.SearchStrategy[object]:
    return with_options(
        st.builds(lambda *parts: sum(parts, ()), head, center, shape), *options
    )


adding = words("GEOADD", key, longitude, latitude, member)
command = st.one_of(
    adding, adding,
    words("GEOADD", key, longitude, latitude, member, longitude, latitude, member),
    words("GEOADD", key, st.sampled_from(["NX", "XX", "CH"]), longitude, latitude, member),
    words("SET", "string", "x"),
    words("DEL", key),
    words("ZREM", key, member),
    words("GEOPOS", key, member, member),
    words("GEOHASH", key, member, member),
    words("GEODIST", key, member, member),
    words("GEODIST", key, member, member, unit),
    searching(words("GEOSEARCH", key)),
    searching(words("GEOSEARCH", key)),
    searching(words("GEOSEARCHSTORE", key, key)),
    with_options(words("GEORADIUS", key, longitude, latitude, reach, unit), *options, *storing),
    with_options(words("GEORADIUSBYMEMBER", key, member, reach, unit), *options, *storing),
    with_options(words("GEORADIUSBYMEMBER_RO", key, member, reach, unit), *options),
)


def test_geo_commands(real_url: str) -> None:
    hunt(real_url, command)
