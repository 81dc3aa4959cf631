"""Random hash commands on few keys."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.conformance.machine import Command, hunt, with_options, words
from tests.support.twin import Twin

key = st.sampled_from(["a", "b", "c", "string"])
field = st.one_of(st.sampled_from(["f", "g", "h", ""]), st.just("long" * 20))
value = st.one_of(
    st.integers(-5, 5), st.sampled_from(["x", "", "1.5", "-0.1", "inf", "v" * 70, 2**63 - 1]),
)
count = st.sampled_from([0, 1, 2, 2, 3, "x", -1])
time = st.sampled_from([100, 200, 200, 0, -1, "x", 2**63 - 1])
moment = st.sampled_from([1, 33000000000000, 44000000000000, 2**46 - 1, 2**46])
condition = st.sampled_from(["NX", "XX", "GT", "LT", "nx"])
expiry = st.one_of(
    words("EX", time), words("PX", st.sampled_from([100000, 0])), words("PXAT", moment),
    words("EXAT", st.sampled_from([1, 33000000000])), words("PERSIST"), words("KEEPTTL"),
)
fields = st.one_of(
    words("FIELDS", 1, field), words("FIELDS", 2, field, field),
    words("fields", count, field, field),
)
pairs = st.one_of(
    words("FIELDS", 1, field, value), words("FIELDS", 2, field, value, field, value),
    words("FIELDS", count, field, value),
)


def joined(*parts: Any) -> Any:
    """A command made of several pieces."""
    return st.tuples(*parts).map(lambda pieces: sum(pieces, ()))


optional = st.one_of(st.just(()), st.just(()), expiry)
command = st.one_of(
    words("SET", "string", "x"),
    words("DEL", key),
    words(st.sampled_from(["HSET", "HMSET"]), key, field, value),
    words(st.sampled_from(["HSET", "HMSET"]), key, field, value, field, value),
    words("HSETNX", key, field, value),
    words(st.sampled_from(["HINCRBY", "HINCRBYFLOAT"]), key, field, value),
    words(st.sampled_from(["HGET", "HEXISTS", "HSTRLEN"]), key, field),
    words(st.sampled_from(["HGETALL", "HKEYS", "HVALS", "HLEN"]), key),
    words(st.sampled_from(["HMGET", "HDEL"]), key, field, field),
    words("HRANDFIELD", key, st.sampled_from([0, 100, "x"])),
    words("HRANDFIELD", key, 100, st.sampled_from(["WITHVALUES", "FOO"])),
    with_options(
        words("HSCAN", key, st.sampled_from([0, "x"])), words("MATCH", "*g*"),
        words("COUNT", st.sampled_from([100, 0, -1, "x"])),
        words(st.sampled_from(["NOVALUES", "FOO"])),
    ),
    joined(words(st.sampled_from(["HEXPIRE", "HPEXPIRE"]), key, time.map(
        lambda number: number * 1000 if isinstance(number, int) and number < 1000 else number
    )), fields),
    joined(words("HPEXPIREAT", key, moment, condition), fields),
    joined(words("HPEXPIREAT", key, moment), fields),
    joined(words(st.sampled_from(["HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME"]), key), fields),
    joined(words(st.sampled_from(["HPERSIST", "HGETDEL"]), key), fields),
    joined(words("HGETEX", key), optional, fields),
    joined(words("HSETEX", key), optional, pairs),
    joined(words("HSETEX", key), optional, words(st.sampled_from(["FNX", "FXX"])), pairs),
    joined(words("HSETEX", key), words(st.sampled_from(["FNX", "FXX"])), optional, pairs),
)

# The server keeps small hashes with deadlines in the order of these.
UNORDERED = {"HGETALL", "HKEYS", "HVALS", "HSCAN", "HRANDFIELD"}
TIMES = {"HTTL", "HPTTL", "HEXPIRETIME", "HPEXPIRETIME"}


def compare(twin: Twin, argv: Command) -> None:
    if argv[0] in UNORDERED:
        twin.unordered(*argv)
    elif argv[0] in TIMES:
        twin.near(*argv)
    else:
        twin(*argv)


def test_hash_commands(real_url: str) -> None:
    hunt(real_url, command, compare=compare)
