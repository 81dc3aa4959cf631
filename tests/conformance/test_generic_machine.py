"""Random runs of the generic and the flushing commands, on fake and server side by side."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.twin import Twin

LONG = bool(os.environ.get("FAKEREDIS_LONG"))

# Deadlines are far away, or in the past: no time passes here.
keys = st.sampled_from(["a", "b", "c", "{d}", ""])
values = st.sampled_from(["", "1", "-7", "1.5", "x", "3"])
seconds = st.sampled_from(["1000", "5000", "9000", "-1", "0", "x", ""])
conditions = st.lists(st.sampled_from(["NX", "XX", "GT", "LT", "nx"]), max_size=2)
databases = st.sampled_from(["0", "1", "2", "16", "x"])
patterns = st.sampled_from(["*", "a", "[ab]", "?", "", "*d*", "a*"])
weights = st.sampled_from(["nosort", "*", "a*", "h_*->f", "#", "b"])
options = st.lists(
    st.one_of(
        st.sampled_from([("ALPHA",), ("DESC",), ("ASC",), ("FOO",), ("LIMIT", "1")]),
        st.tuples(
            st.just("LIMIT"), st.sampled_from(["0", "1", "-1"]), st.sampled_from(["2", "-1"])
        ),
        st.tuples(st.just("BY"), weights),
        st.tuples(st.just("GET"), weights),
        st.tuples(st.just("STORE"), keys),
    ),
    max_size=3,
).map(lambda items: [word for item in items for word in item])


def command(name: str, *parts: st.SearchStrategy[object]) -> st.SearchStrategy[list[str]]:
    """A command's words; a part that is a list stands for several."""

    def flat(items: tuple[object, ...]) -> list[str]:
        words = [name]
        for item in items:
            words += item if isinstance(item, list) else [str(item)]
        return words

    return st.tuples(*parts).map(flat)


makers = st.one_of(
    command("SET", keys, values),
    command("RPUSH", keys, st.lists(values, min_size=1, max_size=4)),
    command("SADD", keys, st.lists(values, min_size=1, max_size=4)),
    command("ZADD", keys, st.sampled_from(["1", "2.5"]), values),
    command("HSET", keys, st.just("f"), values),
)
commands = st.one_of(
    makers,
    makers,
    command("DEL", st.lists(keys, min_size=1, max_size=3)),
    command("EXISTS", st.lists(keys, max_size=3)),
    command("TYPE", keys),
    command("EXPIRE", keys, seconds, conditions),
    command("PEXPIREAT", keys, st.sampled_from(["1", "33177117420000"]), conditions),
    command("PERSIST", keys),
    command("RENAME", keys, keys),
    command("RENAMENX", keys, keys),
    command("MOVE", keys, databases),
    command("COPY", keys, keys),
    command("COPY", keys, keys, st.just("REPLACE")),
    command("COPY", keys, keys, st.just("DB"), databases),
    command("SORT", keys, options),
    command("SORT_RO", keys, options),
    command("OBJECT", st.just("ENCODING"), keys),
    command("KEYS", patterns),
    command("SCAN", st.just("0"), st.just("COUNT"), st.just("100"), st.just("MATCH"), patterns),
    command("SELECT", databases),
    command("SWAPDB", databases, databases),
    command("DBSIZE"),
    command("FLUSHDB"),
)


@pytest.fixture
def pair(clean_real_url: str) -> Iterator[list[Twin]]:
    """Twins made during a test, closed after it."""
    made: list[Twin] = []
    yield made
    for twin in made:
        twin.close()


@pytest.mark.parametrize("protocol", [2, 3])
def test_generic_commands(pair: list[Twin], clean_real_url: str, protocol: int) -> None:
    @settings(
        max_examples=3000 if LONG else 60, deadline=None, database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.lists(commands, min_size=5, max_size=40))
    def run(script: list[list[str]]) -> None:
        while pair:
            pair.pop().close()
        twin = Twin(clean_real_url, protocol)
        pair.append(twin)
        twin.wire.call(b"FLUSHALL")
        twin.wire.call(b"SELECT", b"0")
        for words in script:
            step(twin, words)
        twin.note([b"SELECT"])
        twin.finish()

    run()


def step(twin: Twin, words: list[str]) -> None:
    """One command; sets have no order of their own, and neither have the keys."""
    if words[0] in ("KEYS", "SCAN"):
        twin.unordered(*words)
    elif words[0].startswith("SORT") and sorts_a_set_without_order(twin, words):
        return
    else:
        twin(*words)


def sorts_a_set_without_order(twin: Twin, words: list[str]) -> bool:
    """Whether the result would depend on the inner order of a set, or on that of equal weights."""
    kind = twin.fake.execute([b"TYPE", words[1].encode()])
    return bool(kind == b"set" or "ALPHA" in words) and "BY" in words
