"""Random set commands on few keys."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.conformance.machine import hunt, with_options, words

key = st.sampled_from(["a", "b", "c", "string"])
member = st.one_of(
    st.integers(-3, 9).map(str), st.sampled_from(["x", "y", "01", "", "long" * 20]),
    st.sampled_from([str(2**63), str(-(2**63))]),
)
number = st.sampled_from([0, 100, -1, "x", "LIMIT", 2**63])

command = st.one_of(
    words("SET", "string", "x"),
    words("DEL", key),
    words(st.sampled_from(["SADD", "SREM", "SMISMEMBER"]), key, member, member, member),
    words(st.sampled_from(["SADD", "SREM", "SISMEMBER"]), key, member),
    words("SMOVE", key, key, member),
    words(st.sampled_from(["SCARD", "SMEMBERS", "SINTER", "SUNION", "SDIFF"]), key),
    words(st.sampled_from(["SINTER", "SUNION", "SDIFF"]), key, key, key),
    words(st.sampled_from(["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"]), key, key, key),
    words(st.sampled_from(["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"]), key, key),
    with_options(
        words("SINTERCARD", st.sampled_from([0, 1, 2, 3, "x"]), key, key), words("LIMIT", number),
        words("LIMIT"), words("limit", st.integers(0, 3)),
    ),
    words(st.sampled_from(["SPOP", "SRANDMEMBER"]), key, st.sampled_from([0, 100, "x", ""])),
    words(st.sampled_from(["SPOP", "SRANDMEMBER"]), key, 1, 2),
    with_options(
        words("SSCAN", key, st.sampled_from([0, "x", ""])), words("MATCH", "*1*"),
        words("COUNT", number), words(st.sampled_from(["NOVALUES", "FOO"])),
    ),
)


def test_set_commands(real_url: str) -> None:
    hunt(
        real_url, command,
        unordered={"SMEMBERS", "SINTER", "SUNION", "SDIFF", "SPOP", "SRANDMEMBER", "SSCAN"},
    )
