"""Random sorted set commands on few keys."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.conformance.machine import Command, hunt, with_options, words
from tests.support.twin import Twin

key = st.sampled_from(["a", "b", "c", "set", "string"])
member = st.sampled_from(["a", "b", "c", "d", "e", "f", "", "long" * 20])
score = st.one_of(
    st.integers(-3, 5), st.sampled_from([0.1, -1.5, 1e300, "inf", "-inf", "1e-7", "x", "nan"])
)
bound = st.one_of(score, score.map(lambda number: f"({number}"))
name = st.one_of(
    st.sampled_from(["-", "+", "x"]), member.map(lambda text: f"[{text}"),
    member.map(lambda text: f"({text}"),
)
rank = st.one_of(st.integers(-9, 9), st.sampled_from(["x", 2**63 - 1, -(2**63)]))
limit = words("LIMIT", st.integers(-1, 4), st.integers(-2, 4))
range_options = (
    words("WITHSCORES"), words("BYSCORE"), words("BYLEX"), words("REV"), limit, words("LIMIT", 1),
)
flag = words(st.sampled_from(["NX", "XX", "GT", "LT", "CH", "INCR", "ch"]))
weight = st.sampled_from([0, 1, 2, 0.5, -1, "inf", "x"])
algebra_options = (
    words("WITHSCORES"), words("WEIGHTS", weight, weight), words("AGGREGATE", "MIN"),
    words("AGGREGATE", "max"), words("AGGREGATE", "x"),
)
numkeys = st.sampled_from([2, 2, 2, 1, 0, "x", 3])
pair = words(score, member)
command = st.one_of(
    words("SET", "string", "x"),
    words("SADD", "set", member, member),
    words("DEL", key),
    with_options(words("ZADD", key), flag, pair, pair),
    with_options(words("ZADD", key), pair),
    with_options(words("ZADD", key, 1, "a"), pair),
    words("ZINCRBY", key, score, member),
    words(st.sampled_from(["ZREM", "ZMSCORE"]), key, member, member),
    words(st.sampled_from(["ZSCORE", "ZRANK", "ZREVRANK"]), key, member),
    words(st.sampled_from(["ZRANK", "ZREVRANK"]), key, member, "WITHSCORE"),
    words("ZCARD", key),
    with_options(words("ZRANGE", key, rank, rank), *range_options),
    with_options(words("ZRANGE", key, bound, bound, "BYSCORE"), *range_options),
    with_options(words("ZRANGE", key, name, name, "BYLEX"), *range_options),
    with_options(words("ZRANGESTORE", key, key, rank, rank), *range_options),
    with_options(words("ZRANGESTORE", key, key, bound, bound, "BYSCORE"), *range_options),
    with_options(words("ZREVRANGE", key, rank, rank), *range_options),
    with_options(
        words(st.sampled_from(["ZRANGEBYSCORE", "ZREVRANGEBYSCORE"]), key, bound, bound),
        *range_options,
    ),
    with_options(
        words(st.sampled_from(["ZRANGEBYLEX", "ZREVRANGEBYLEX"]), key, name, name), *range_options
    ),
    words(st.sampled_from(["ZCOUNT", "ZREMRANGEBYSCORE"]), key, bound, bound),
    words("ZLEXCOUNT", key, name, name),
    words("ZREMRANGEBYRANK", key, rank, rank),
    words(st.sampled_from(["ZPOPMIN", "ZPOPMAX"]), key),
    words(st.sampled_from(["ZPOPMIN", "ZPOPMAX"]), key, st.integers(-1, 3)),
    words("ZMPOP", numkeys, key, key, st.sampled_from(["MIN", "MAX"])),
    words("ZMPOP", 2, key, key, "MIN", "COUNT", st.integers(0, 3)),
    with_options(
        words(st.sampled_from(["ZUNION", "ZINTER", "ZDIFF"]), numkeys, key, key), *algebra_options
    ),
    with_options(
        words(
            st.sampled_from(["ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE"]), key, numkeys, key, key
        ),
        *algebra_options,
    ),
    with_options(words("ZINTERCARD", numkeys, key, key), words("LIMIT", st.integers(-1, 3))),
    words("ZRANDMEMBER", key, 100),
    words("ZSCAN", key, 0, "COUNT", 1000),
)


def compare(twin: Twin, argv: Command) -> None:
    (twin.unordered if argv[0] in ("ZSCAN", "ZRANDMEMBER") else twin)(*argv)


def test_sorted_set_commands(real_url: str) -> None:
    hunt(real_url, command, compare=compare)
