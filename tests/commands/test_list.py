"""List commands: replies, states, events and waiting as the real server's."""

from __future__ import annotations

import random
from typing import Any

import pytest

from fakeredis.engine.core.replies import BLOCKED
from tests.commands.scripts import play, play_with_events
from tests.support.twin import Twin

SETUP = """
    RPUSH l a b c a b c
    RPUSH one x
    RPUSH ttl a b
    EXPIRE ttl 1000
    SET s string
"""
KEYS = ("l", "one", "ttl", "s", "missing")
SIDES = ("LEFT LEFT", "LEFT RIGHT", "RIGHT left", "right RIGHT", "LEFT UP", "UP LEFT")


@pytest.mark.parametrize(
    "call",
    [
        "LPUSH {} v", "RPUSH {} v w", "LPUSH {} v w", "LPUSHX {} v w", "RPUSHX {} v", "LLEN {}",
        "LPOP {}", "RPOP {}", "LPOP {} 0", "RPOP {} 2", "LPOP {} 100", "LPOP {} -1", "RPOP {} x",
        "LPOP {} 1 2", "LPOP {} 9223372036854775808",
        "LINSERT {} BEFORE a v", "LINSERT {} after b v", "LINSERT {} AFTER zz v",
        "LINSERT {} X a v",
        "LRANGE {} 0 -1", "LRANGE {} 1 2", "LRANGE {} -2 -1", "LRANGE {} 4 1", "LRANGE {} -100 100",
        "LRANGE {} x 1", "LRANGE {} 1 x", "LRANGE {} -9223372036854775808 9223372036854775807",
        "LTRIM {} 1 2", "LTRIM {} 0 -1", "LTRIM {} 5 1", "LTRIM {} -2 -1", "LTRIM {} x 1",
        "LTRIM {} -100 -50", "LTRIM {} 0 0",
        "LINDEX {} 0", "LINDEX {} -1", "LINDEX {} 100", "LINDEX {} x", "LINDEX {} -100",
        "LSET {} 0 v", "LSET {} -1 v", "LSET {} 100 v", "LSET {} x v", "LSET {} 4294967296 v",
        "LREM {} 0 a", "LREM {} 1 b", "LREM {} -1 c", "LREM {} 2 zz", "LREM {} x a",
        "LREM {} -9223372036854775808 a", "LREM {} 0 x",
        "LPOS {} a", "LPOS {} b RANK 2", "LPOS {} c RANK -1 COUNT 0", "LPOS {} a COUNT 1 MAXLEN 2",
        "LPOS {} a RANK 0", "LPOS {} a RANK -9223372036854775808", "LPOS {} a COUNT -1",
        "LPOS {} a MAXLEN -1", "LPOS {} a RANK x", "LPOS {} a COUNT x", "LPOS {} a RANK",
        "LPOS {} a FOO 1", "LPOS {} a RANK 1 rank 2", "LPOS {} a MAXLEN 0 COUNT 0", "LPOS {} zz",
        "LPOS {} zz COUNT 0", "LPOS {} c RANK -1 MAXLEN 1", "LPOS {} a COUNT 1 x",
        "RPOPLPUSH {} one", "RPOPLPUSH {} {}", "RPOPLPUSH l {}", "RPOPLPUSH {} missing2",
        "LMPOP 1 {} LEFT", "LMPOP 2 missing {} RIGHT COUNT 2", "LMPOP 2 {} l LEFT",
        "LMPOP 2 l {} LEFT COUNT 100", "BRPOPLPUSH {} l -1", "BRPOPLPUSH {} l x",
        "BLPOP {} -1", "BLPOP {} x", "BLPOP {} nan", "BLPOP {} inf", "BLPOP {} 1e5000",
        "BLPOP {} 9223372036854775", "BLPOP {} -inf",
    ],
)
def test_every_kind_of_key(twin: Twin, call: str) -> None:
    for key in KEYS:
        play(twin, "FLUSHALL" + SETUP)
        play(twin, call.replace("{}", key))
        twin.check_state()


@pytest.mark.parametrize("sides", SIDES)
def test_lmove(twin: Twin, sides: str) -> None:
    play(twin, SETUP)
    for source in KEYS:
        for target in KEYS:
            play(twin, f"LMOVE {source} {target} {sides}")
    play(twin, "LMOVE l new " + sides)


@pytest.mark.parametrize("call", [
    "LMPOP 0 l LEFT", "LMPOP -1 l LEFT", "LMPOP x l LEFT", "LMPOP 2 l LEFT", "LMPOP 3 l LEFT",
    "LMPOP 1 l UP", "LMPOP 1 l LEFT COUNT", "LMPOP 1 l LEFT COUNT 0", "LMPOP 1 l LEFT COUNT -1",
    "LMPOP 1 l LEFT COUNT x", "LMPOP 1 l LEFT COUNT 1 COUNT 1", "LMPOP 1 l LEFT FOO",
    "LMPOP 1 l LEFT FOO 1", "LMPOP 1 s UP", "LMPOP 9223372036854775807 l LEFT",
    "LMPOP 9223372036854775808 l LEFT",
])
def test_mpop_syntax(twin: Twin, call: str) -> None:
    play(twin, SETUP)
    play(twin, call)
    for timeout in ("1", "-1", "x"):
        play(twin, "B" + call.replace("LMPOP", f"LMPOP {timeout}"))


@pytest.mark.parametrize("timeout", [
    "0", "1", "0.001", "-0.0001", "0x10", "1e3", "9221372036854774", "+1", "1.", ".5",
])
def test_timeouts_of_what_needs_not_wait(twin: Twin, timeout: str) -> None:
    play(twin, SETUP)
    play(twin, f"""
        BLPOP missing l {timeout}
        BRPOP l s {timeout}
        BLPOP missing s l {timeout}
        BRPOPLPUSH l new {timeout}
        BRPOPLPUSH l s {timeout}
        BLMOVE l l LEFT RIGHT {timeout}
        BLMOVE l s LEFT RIGHT {timeout}
        BLMOVE l new LEFT UP {timeout}
        BLMPOP {timeout} 2 missing l LEFT COUNT 2
        BLMPOP {timeout} 1 s LEFT
    """)


def test_encodings(twin: Twin) -> None:
    twin("CONFIG", "SET", "list-max-listpack-size", -2)  # whatever other tests have left
    twin("RPUSH", "big", *(f"{number:060}" for number in range(200)))
    twin("RPUSH", "small", *range(100))
    twin("RPUSH", "shrunk", *("x" * 100 for _ in range(100)))
    twin("LTRIM", "shrunk", 0, 3)
    twin("RPUSH", "long", "x" * 9000)


def test_long_list(twin: Twin) -> None:
    """Both ends, the middle and ranges of a list of many elements."""
    for number in range(0, 300, 10):
        twin("RPUSH" if number % 20 else "LPUSH", "l", *range(number, number + 10))
    for index in range(-310, 310, 30):
        twin("LINDEX", "l", index)
        twin("LRANGE", "l", index, index + 15)
        twin("LSET", "l", index, "set")
        twin("LPOS", "l", index)
    for _ in range(20):
        play(twin, """
            LPOP l
            RPOP l 3
            RPOPLPUSH l l
            LINSERT l BEFORE set x
            LREM l -1 set
            LPOS l x RANK -1
        """)


def test_events(twin: Twin) -> None:
    assert play_with_events(twin, """
        RPUSH l a b c
        LPUSH l a b c
        LPUSHX l a
        RPUSHX missing a
        LMOVE l l LEFT RIGHT
        LMOVE l m LEFT RIGHT
        RPOPLPUSH m m2
        RPOPLPUSH m2 m2
        LMPOP 1 l LEFT COUNT 2
        LTRIM l 0 -1
        LSET l 0 x
        LSET l 100 x
        LINSERT l BEFORE nope x
        LINSERT l BEFORE x y
        LREM l 0 nope
        LREM l 0 x
        LPOP l 0
        LPOP l 100
        RPUSH l a
        LTRIM l 5 10
        RPUSH l a
        LREM l 0 a
        RPUSH l a b
        BLMPOP 0 2 x l RIGHT COUNT 10
        RPUSH l a
        BLMOVE l l2 LEFT LEFT 0
        BRPOP l2 0
        RPUSH l a
        BRPOPLPUSH l l 0
    """) > 60


def test_in_a_transaction(twin: Twin) -> None:
    """Nothing waits."""
    play(twin, """
        SET s string
        MULTI
        BLPOP missing 0
        BRPOP missing missing2 0
        BLMOVE missing l LEFT LEFT 0
        BRPOPLPUSH missing l 0
        BLMPOP 0 1 missing LEFT
        BLPOP s 0
        RPUSH l a
        BLPOP l 0
        LLEN l
        EXEC
    """)


# Waiting ------------------------------------------------------------------------------------


def test_waiting_for_the_first_push(twin: Twin) -> None:
    a, b, c = (twin.session() for _ in range(3))
    assert a("BLPOP", "k", 0) is BLOCKED
    assert b("BRPOP", "other", "k", 0) is BLOCKED
    assert c("BLMPOP", 0, 2, "k", "other", "LEFT", "COUNT", 10) is BLOCKED
    twin("RPUSH", "k", 1)
    assert a.reply() == [b"k", b"1"]
    b.silent()
    twin("RPUSH", "k", 1, 2, 3)
    assert b.reply() == [b"k", b"3"]
    assert c.reply() == [b"k", [b"1", b"2"]]
    twin("EXISTS", "k")


def test_the_oldest_is_served_first(twin: Twin) -> None:
    sessions = [twin.session() for _ in range(4)]
    for session in sessions:
        session("BLPOP", "x", "k", "y", 0)
    twin("RPUSH", "k", 1, 2)
    assert [session.reply()[1] for session in sessions[:2]] == [b"1", b"2"]
    sessions[2].silent()
    sessions[0]("BLPOP", "k", 0)
    twin("RPUSH", "k", 3, 4, 5, 6)
    assert [sessions[at].reply()[1] for at in (2, 3, 0)] == [b"3", b"4", b"5"]
    twin("LRANGE", "k", 0, -1)


def test_served_after_the_transaction(twin: Twin) -> None:
    a, b = twin.session(), twin.session()
    a("BLPOP", "x", "y", 0)
    b("BLPOP", "y", "x", 0)
    play(twin, """
        MULTI
        RPUSH y 1
        RPUSH x 2
        LPUSH x 3
        DEL y
        EXEC
    """)
    assert a.reply() == [b"x", b"3"]
    assert b.reply() == [b"x", b"2"]
    a("BLPOP", "x", 0)
    play(twin, """
        MULTI
        RPUSH x 1
        DEL x
        EXEC
    """)
    a.silent()
    play(twin, """
        MULTI
        RPUSH x 1
        DEL x
        SET x string
        EXEC
    """)
    a.silent()


def test_chains_of_moves(twin: Twin) -> None:
    """What is moved for one who waits may let another go on."""
    a, b, c = (twin.session() for _ in range(3))
    a("BLPOP", "third", 0)
    b("BLMOVE", "second", "third", "LEFT", "RIGHT", 0)
    c("BRPOPLPUSH", "first", "second", 0)
    twin("RPUSH", "first", "x")
    assert c.reply() == b"x"
    assert b.reply() == b"x"
    assert a.reply() == [b"third", b"x"]
    twin("DBSIZE")


def test_a_move_onto_itself(twin: Twin) -> None:
    a, b = twin.session(), twin.session()
    a("BLMOVE", "k", "k", "LEFT", "RIGHT", 0)
    b("BRPOPLPUSH", "k", "k", 0)
    twin("RPUSH", "k", 1, 2, 3)
    assert (a.reply(), b.reply()) == (b"1", b"1")
    twin("LRANGE", "k", 0, -1)


def test_wrong_types_while_waiting(twin: Twin) -> None:
    """A key that becomes another type is ignored, unless it stands before the list that came."""
    a, b, c = (twin.session() for _ in range(3))
    a("BLPOP", "k", 0)
    play(twin, """
        SET k string
        DEL k
        ZADD k 1 x
        DEL k
        SADD k x
        DEL k
    """)
    a.silent()
    b("BLPOP", "first", "second", 0)
    play(twin, """
        SET first string
        RPUSH second x
    """)
    assert b.reply().code == "WRONGTYPE"
    twin("SET", "target", "string")
    c("BLMOVE", "source", "target", "LEFT", "LEFT", 0)
    twin("RPUSH", "source", "x")
    assert c.reply().code == "WRONGTYPE"
    twin("RPUSH", "k", 1)
    a.reply()


@pytest.mark.parametrize("how", [
    "RENAME from k", "COPY from k", "SORT from ALPHA STORE k", "LMOVE from k LEFT LEFT",
    "RENAMENX from k", "LPUSH k v", "MOVE",
])
def test_other_ways_to_make_a_list(twin: Twin, how: str) -> None:
    twin("RPUSH", "from", "x", "y")
    waiting = twin.session()
    waiting("BLPOP", "k", 0)
    if how == "MOVE":
        play(twin, """
            SELECT 1
            RPUSH k x
            MOVE k 0
        """)
    else:
        play(twin, how)
    waiting.reply()


def test_what_makes_no_list(twin: Twin) -> None:
    waiting = twin.session()
    waiting("BLPOP", "k", 0)
    play(twin, """
        SELECT 1
        RPUSH k x
        SELECT 0
        LPUSHX k x
        DEL k
        FLUSHALL
    """)
    waiting.silent()


@pytest.mark.parametrize("call", [
    "BLPOP k {}", "BRPOP k k2 {}", "BLMOVE k k2 LEFT LEFT {}", "BRPOPLPUSH k k2 {}",
    "BLMPOP {} 1 k LEFT",
])
def test_timeout(twin: Twin, call: str) -> None:
    assert play(twin, call.format("0.3")) is BLOCKED
    twin.reply()
    twin("RPUSH", "k", "x")
    twin("LLEN", "k")


def test_a_wait_is_not_served_twice(twin: Twin) -> None:
    a = twin.session()
    a("BLPOP", "x", "y", 0)
    twin("RPUSH", "x", 1)
    a.reply()
    twin("RPUSH", "y", 1)
    a.silent()
    a("LLEN", "y")


def test_events_of_the_served(twin: Twin) -> None:
    a, b = twin.session(), twin.session()
    a("BLPOP", "k", 0)
    b("BLMOVE", "k", "to", "LEFT", "LEFT", 0)
    play_with_events(twin, "RPUSH k 1 2 3")
    a.reply()
    b.reply()


def test_watchers_of_a_served_list(twin: Twin) -> None:
    """Push and pop in one: the key is as it was, yet WATCH has seen a change."""
    a = twin.session()
    a("BLPOP", "k", 0)
    twin("WATCH", "k")
    other = twin.session()
    other("RPUSH", "k", 1)
    a.reply()
    play(twin, """
        MULTI
        PING
        EXEC
    """)


def test_closed_while_waiting(twin: Twin) -> None:
    a, b = twin.session(), twin.session()
    a("BLPOP", "k", 0)
    b("BLPOP", "k", 0)
    a.close()
    twin("PING")
    twin("RPUSH", "k", 1)
    assert b.reply() == [b"k", b"1"]


def test_through_the_client(r: Any) -> None:
    """redis-py's own conversions fit the replies of both protocols."""
    assert r.rpush("l", "a", "b", "c", "a") == 4
    assert r.lrange("l", 0, -1) == [b"a", b"b", b"c", b"a"]
    assert r.lpos("l", "a", rank=-1) == 3
    assert r.lpos("l", "a", count=0) == [0, 3]
    assert r.blpop(["missing", "l"], timeout=1) in ((b"l", b"a"), [b"l", b"a"])
    assert r.lmpop(2, "missing", "l", direction="RIGHT", count=2) == [b"l", [b"a", b"c"]]
    assert r.blmove("l", "m", 1) == b"b"
    assert r.brpop("missing", timeout=0.01) is None
    assert r.blmpop(0.01, 1, "missing", direction="LEFT") is None
    assert r.brpoplpush("missing", "m", timeout=1) is None
    assert r.lpop("m", 5) == [b"b"]
    assert r.lpop("m", 5) is None
    assert r.ltrim("m", 0, 1) is True


# Nodes of long lists ------------------------------------------------------------------------------


def _element(rng: random.Random) -> bytes:
    size = rng.choice([1, 1, 5, 30, 30, 70, 200, 500, 4090, 4200, 8170, 9000])
    number = rng.choice([5, 127, 128, -1, 70000, 10**12])
    return b"%d" % number if rng.random() < 0.3 else bytes([rng.choice(b"abc")]) * size


def _change(rng: random.Random, size: int, pivot: bytes) -> list[Any]:
    many = rng.choice([1, 1, 8, 60])
    at = rng.randrange(size) if size else 0
    return rng.choice([
        ["LPUSH", "k", *(_element(rng) for _ in range(many))],
        ["RPUSH", "k", *(_element(rng) for _ in range(many))],
        ["LPOP", "k"], ["RPOP", "k"], ["LPOP", "k", at // 3 + 1], ["RPOP", "k", at // 3 + 1],
        ["LSET", "k", at, _element(rng)], ["LSET", "k", at - size, _element(rng)],
        ["LINSERT", "k", "BEFORE", pivot, _element(rng)],
        ["LINSERT", "k", "AFTER", pivot, _element(rng)], ["LREM", "k", rng.randint(-2, 2), pivot],
        ["LTRIM", "k", at // 4, -1], ["LTRIM", "k", 0, -1 - at // 4],
        ["LMOVE", "k", "k", "LEFT", "RIGHT"], ["LMOVE", "k", "k", "RIGHT", "LEFT"],
        ["SORT", "k", "ALPHA", "STORE", "k"], ["COPY", "k", "other", "REPLACE"],
        ["RENAME", "other", "k"],
        ["CONFIG", "SET", "list-max-listpack-size", rng.choice([-3, -2, -1, 1, 2, 8, 128])],
    ])


@pytest.mark.parametrize("seed", range(6))
def test_nodes(twin: Twin, seed: int) -> None:
    rng = random.Random(seed)
    twin("CONFIG", "SET", "list-compress-depth", "0")
    try:
        twin("CONFIG", "SET", "list-max-listpack-size", rng.choice([-2, -1, 2, 8]))
        twin("RPUSH", "k", *(_element(rng) for _ in range(20)))
        twin("RPUSH", "other", "a")
        for _ in range(80):
            size = twin("LLEN", "k")
            pivot = twin("LINDEX", "k", rng.randrange(size)) if size else b"a"
            twin(*_change(rng, size, pivot))
            twin("OBJECT", "ENCODING", "k")
            twin("DUMP", "k")
    finally:
        twin("CONFIG", "SET", "list-max-listpack-size", -2)
