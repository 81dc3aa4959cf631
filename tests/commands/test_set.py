"""Set commands: replies, states and events as the real server's."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.commands.scripts import play, play_with_events
from tests.support.twin import Twin

SETUP = """
    SADD a 1 2 3
    SADD b 2 3 x y
    SADD one x
    SADD ttl 2 z
    EXPIRE ttl 1000
    SET s string
"""
KEYS = ("a", "b", "one", "ttl", "s", "missing")


@pytest.mark.parametrize(
    "call",
    [
        "SADD {} 1", "SADD {} v w v", "SADD {} ''", "SREM {} x", "SREM {} 1 2 nope x 3", "SCARD {}",
        "SREM {} 2 z", "SISMEMBER {} 2", "SISMEMBER {} nope", "SMISMEMBER {} 1 x 2 nope",
        "SMEMBERS {}", "SINTER {}", "SUNION {}", "SDIFF {}", "SINTER a {}", "SINTER {} missing b",
        "SUNION {} missing a", "SDIFF b {}", "SDIFF {} b one", "SDIFF {} {}", "SDIFF missing {}",
        "SINTERSTORE d a {}", "SINTERSTORE {} a b", "SINTERSTORE {} a missing",
        "SUNIONSTORE d {} b",
        "SUNIONSTORE {} a one", "SUNIONSTORE {} missing", "SDIFFSTORE d b {}", "SDIFFSTORE {} b a",
        "SDIFFSTORE {} {} {}", "SINTERSTORE {} {} {}",
        "SMOVE {} b 1", "SMOVE {} b 2", "SMOVE a {} 1", "SMOVE {} {} 2", "SMOVE {} {} nope",
        "SMOVE a {} nope", "SMOVE {} s 2", "SMOVE one {} x", "SMOVE {} new x",
        "SINTERCARD 1 {}", "SINTERCARD 2 a {}", "SINTERCARD 2 {} b LIMIT 1",
        "SINTERCARD 2 {} b limit 0", "SINTERCARD 1 {} LIMIT 100", "SINTERCARD 2 missing {}",
        "SPOP {} 100", "SPOP {} 0", "SPOP {} -1", "SPOP {} x", "SPOP {} 1 2", "SPOP {} ''",
        "SRANDMEMBER {} 100", "SRANDMEMBER {} 0", "SRANDMEMBER {} x", "SRANDMEMBER {} 1 2",
        "SRANDMEMBER {} -9223372036854775808", "SRANDMEMBER {} 9223372036854775808",
        "SSCAN {} 0", "SSCAN {} x", "SSCAN {} -1", "SSCAN {} 0 MATCH *x*", "SSCAN {} 0 COUNT 100",
        "SSCAN {} 0 COUNT 0", "SSCAN {} 0 COUNT x", "SSCAN {} 0 COUNT", "SSCAN {} 0 FOO 1",
        "SSCAN {} 0 NOVALUES", "SSCAN {} 0 MATCH nope MATCH [1-2] COUNT 5", "SSCAN {} ''",
        "SSCAN {} 18446744073709551616", "SSCAN {} 0 TYPE string",
    ],
)
def test_every_kind_of_key(twin: Twin, call: str) -> None:
    for key in KEYS:
        play(twin, "FLUSHALL" + SETUP)
        for argv in (call.replace("{}", key).replace("''", "").split(" "),) * 2:
            twin(*argv)
        twin.check_state()


@pytest.mark.parametrize("call", [
    "SINTERCARD 0 a", "SINTERCARD -1 a", "SINTERCARD x a", "SINTERCARD 2 a", "SINTERCARD 1 s a",
    "SINTERCARD 1 a b", "SINTERCARD 1 a LIMIT", "SINTERCARD 1 a LIMIT -1", "SINTERCARD 1 a LIMIT x",
    "SINTERCARD 1 a LIMIT 1 LIMIT 2", "SINTERCARD 1 s LIMIT -1", "SINTERCARD 1 a FOO 1",
    "SINTERCARD 9223372036854775807 a", "SINTERCARD 9223372036854775808 a",
    "SINTERCARD 2 LIMIT LIMIT 0", "SINTERCARD 1 a LIMIT 1 FOO",
])
def test_sintercard_syntax(twin: Twin, call: str) -> None:
    play(twin, SETUP)
    play(twin, call)


def test_encodings(twin: Twin) -> None:
    """The twin compares encodings at the end."""
    play(twin, """
        SADD integers 1 2 3 -5 9223372036854775807
        SADD mixed 1 2 x
        SADD once x 1
        SREM once x
        SADD odd 01 1
        SADD beyond 9223372036854775808
        SUNIONSTORE u1 integers
        SUNIONSTORE u2 integers mixed
        SINTERSTORE i1 integers mixed
        SINTERSTORE i2 mixed integers
        SDIFFSTORE d1 mixed integers
        SDIFFSTORE d2 integers mixed
        SMOVE mixed moved 1
        SMOVE mixed moved2 x
    """)
    twin("SADD", "many", *range(512))
    twin("SADD", "more", *range(513))
    twin("SADD", "words", *(f"w{number}" for number in range(128)))
    twin("SADD", "table", *(f"w{number}" for number in range(129)))
    twin("SADD", "long", "x" * 65)
    twin("SUNIONSTORE", "u3", "table", "many")
    twin("SINTERSTORE", "i3", "table", "words")
    twin("SDIFFSTORE", "d3", "table", "words")


@pytest.mark.parametrize("seed", range(6))
def test_order_and_encoding(twin: Twin, seed: int) -> None:
    """Small sets keep an order, in which all commands work; the twin compares it."""
    rng = random.Random(seed)
    twin("CONFIG", "SET", "set-max-intset-entries", 7)
    twin("CONFIG", "SET", "set-max-listpack-entries", 6)
    twin("CONFIG", "SET", "set-max-listpack-value", 2)
    words = [str(number) for number in range(-3, 5)] + ["a", "b", "c", "-0", "ab", "100", "abc"]

    def some(most: int, pool: list[str]) -> list[str]:
        return [rng.choice(pool) for _ in range(rng.randint(1, most))]

    keys = ["k", "l", "m", "n"]
    for _ in range(150):
        key, other = rng.choice(keys), rng.choice(keys)
        pool = words[: rng.choice((8, 14, 14, 15))]
        twin(*rng.choice([
            ["SADD", key, *some(4, pool)], ["SADD", key, *some(8, pool)],
            ["SADD", key, *some(4, pool)], ["SREM", key, *some(4, pool)],
            ["SMOVE", key, other, *some(1, words)], ["COPY", key, other, "REPLACE"],
            ["SINTERSTORE", key, *some(3, keys)], ["SUNIONSTORE", key, *some(3, keys)],
            ["SDIFFSTORE", key, *some(5, keys)], ["SINTER", *some(3, keys)],
            ["SUNION", *some(3, keys)], ["SDIFF", *some(3, keys)],
        ]))
        for one in {key, other}:
            if twin("OBJECT", "ENCODING", one) == b"hashtable":
                twin("DEL", one)  # lest what is made of it has the order that chance has given
        if twin("EXISTS", key):
            for call in ("SMEMBERS {}", "SSCAN {} 0", "SORT {} BY x", "SORT {} BY x DESC LIMIT 1 2",
                         "SRANDMEMBER {} 99"):
                twin(*call.format(key).split())
            payload = twin("DUMP", key)
            twin("RESTORE", "r", 0, payload, "REPLACE")
            twin("SMEMBERS", "r")


def test_order_of_random_members(twin: Twin) -> None:
    """Those of a listpack come in its order, and SPOP leaves the others in theirs."""
    twin.ignore("k", "few", "table", "numbers")
    twin("SADD", "k", *"qwertyuiop")

    def rises(members: list[bytes]) -> bool:
        return members == sorted(members, key=b"qwertyuiop".index)

    for execute in (twin.fake.execute, lambda argv: twin.wire.call(*argv)):
        for count in (b"2", b"5", b"9"):
            assert rises(execute([b"SRANDMEMBER", b"k", count]))
        assert rises(execute([b"SPOP", b"k", b"2"]))
        assert rises(execute([b"SMEMBERS", b"k"]))
        assert rises(execute([b"SPOP", b"k", b"7"]))
    for key, members in (
        ("few", ["a", *range(9)]), ("table", range(600)), ("numbers", range(50)),
    ):
        twin("SADD", key, *members)
        twin.same_shape("SPOP", key, len(members) - 2)
        twin("OBJECT", "ENCODING", key)


def test_repeated_members_count(twin: Twin) -> None:
    """Words of a command decide on the encoding, not the members that they make."""
    for number, (first, second) in enumerate((
        (["x"] * 129, []), (["1"] * 129, []), (["1"] * 513, []), (["x"], ["x"] * 129),
        (["x"], ["x"] * 128), (["1"], ["1"] * 513), (["1"], ["1"] * 512), (["1"], ["x"] * 129),
        (["1", *["x"] * 129], []),
    )):
        twin("SADD", number, *first)
        if second:
            twin("SADD", number, *second)
        twin("COPY", number, f"copy of {number}")


@pytest.mark.parametrize("members", [
    ["1", "2", "3", "4"], ["a", "b", "c", "1"], [f"m{number}" for number in range(200)],
])
def test_random_members(twin: Twin, members: list[str]) -> None:
    twin("SADD", "k", *members)
    twin.ignore("k")
    everything = {member.encode() for member in members}
    for call in ("SRANDMEMBER k", "SRANDMEMBER k 3", "SRANDMEMBER k -7", "SRANDMEMBER k 1"):
        reply = twin.fake.execute(call.encode().split())
        twin.same_shape(*call.split())
        assert everything.issuperset([reply] if isinstance(reply, bytes) else reply)
    assert len(set(twin.fake.execute([b"SRANDMEMBER", b"k", b"3"]))) == 3
    gone = [twin.fake.execute([b"SPOP", b"k"]), *twin.fake.execute([b"SPOP", b"k", b"2"])]
    assert len(set(gone)) == 3
    assert set(twin.fake.execute([b"SMEMBERS", b"k"])) == everything - set(gone)
    twin.wire.call(b"SPOP", b"k", b"3")
    twin.same_shape("SPOP", "k")
    twin("SCARD", "k")


def test_random_choice_is_fair(twin: Twin) -> None:
    twin.ignore_state()
    twin.fake.execute([b"SADD", b"k", b"a", b"b", b"c", b"d"])
    counts = dict.fromkeys((b"a", b"b", b"c", b"d"), 0)
    for member in twin.fake.execute([b"SRANDMEMBER", b"k", b"-4000"]):
        counts[member] += 1
    assert all(800 < count < 1200 for count in counts.values())


def test_scan_of_a_big_set(twin: Twin) -> None:
    """Every member that stays is seen, whatever is added and removed meanwhile."""
    members = [b"m%d" % number for number in range(1000)]
    twin("SADD", "k", *members)
    execute = twin.fake.execute
    seen: set[bytes] = set()
    cursor = b"0"
    for step in range(1000):
        cursor, found = execute([b"SSCAN", b"k", cursor, b"COUNT", b"50"])
        seen.update(found)
        if cursor == b"0":
            break
        twin("SREM", "k", f"m{step}")
        twin("SADD", "k", f"new{step}")
    assert step > 10
    assert seen.issuperset(members[100:])
    assert execute([b"SSCAN", b"k", b"0", b"COUNT", b"5000", b"MATCH", b"m99[0-4]"])[0] == b"0"


def test_events(twin: Twin) -> None:
    assert play_with_events(twin, """
        SADD s a b c
        SADD s a
        SREM s a x
        SREM s x
        SMOVE s s2 b
        SMOVE s s2 c
        SMOVE s2 s2 c
        SMOVE s2 s2 nope
        SADD s c
        SMOVE s s2 c
        SREM s2 b
        SPOP s2 10
        SADD s a b c
        SPOP s 0
        SINTERSTORE d s nope
        SUNIONSTORE d s
        SUNIONSTORE d s
        SINTERSTORE d s nope
        SDIFFSTORE d s nope
        SDIFFSTORE s s s
        SDIFFSTORE s s s
        SUNIONSTORE d d nope
        SADD s x
        SPOP s
        SADD s x
        SREM s x
    """) > 30


def test_in_a_transaction(twin: Twin) -> None:
    play(twin, """
        SET string x
        MULTI
        SADD s a
        SADD string a
        SINTERCARD 0 s
        SPOP s 1
        SUNION s string
        SMEMBERS s
        EXEC
        WATCH s
        SADD s a
        SADD s a
        UNWATCH
        WATCH s
        SADD s a
        MULTI
        EXEC
    """)


def test_expired_keys(twin: Twin) -> None:
    for call in ("SADD k b", "SMEMBERS k", "SMOVE k other a", "SUNIONSTORE d k", "SPOP k 1"):
        play(twin, f"""
            SADD k a
            PEXPIREAT k 1
            {call}
        """)


def test_through_the_client(r: Any) -> None:
    """redis-py's own conversions fit the replies of both protocols."""
    assert r.sadd("s", "a", "b", "c") == 3
    r.sadd("t", "b", "c", "d")
    assert r.smembers("s") == {b"a", b"b", b"c"}
    assert r.sinter("s", "t") == {b"b", b"c"}
    assert r.sunion("s", "t") == {b"a", b"b", b"c", b"d"}
    assert r.sdiff(["s", "t"]) == {b"a"}
    assert r.smembers("missing") == set()
    assert r.smismember("s", ["a", "x"]) == [1, 0]
    assert r.sintercard(2, ["s", "t"], limit=1) == 1
    assert sorted(r.srandmember("s", 3)) == sorted(r.sscan_iter("s")) == [b"a", b"b", b"c"]
    assert r.sscan("s")[0] == 0
    assert sorted(r.spop("s", 3)) == [b"a", b"b", b"c"]
    assert r.spop("s") is None
    assert r.smove("t", "s", "d")
