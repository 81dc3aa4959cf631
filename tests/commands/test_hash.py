"""Hash commands: replies, states and events as the real server's."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import redis

import fakeredis
from fakeredis.errors import CommandError
from tests.commands.playing import play, play_with_events
from tests.support.engines import Server
from tests.support.redis_py import skip_without
from tests.support.twin import Twin

SCRIPTS = {
    "set": """
        HSET k f 1 g 2 h 3
        HSET k f 1 g
        HSET k f 1 f 2
        HSET k f 3 new 1
        HMSET k f 1 g
        HMSET k f 1 g 2
        HSETNX k f 1
        HSETNX k z 1
        HSETNX missing f 1
        HGETALL k
    """,
    "delete": """
        HSET k f 1 g 2 h 3
        HDEL k f x f
        HDEL k x
        HDEL missing f
        HDEL k g h
        EXISTS k
    """,
    "increment": """
        HSET k f 7 s str e "" inf inf spaced " 5" zeros 007
        HINCRBY k f 5
        HINCRBY k new -3
        HINCRBY missing f 5
        HINCRBY k s 1
        HINCRBY k e 1
        HINCRBY k spaced 1
        HINCRBY k zeros 1
        HINCRBY k f 9223372036854775807
        HINCRBY k f 9223372036854775808
        HINCRBY k s abc
        HINCRBY k s 1.5
        HINCRBYFLOAT k s abc
        HINCRBYFLOAT k s 1
        HINCRBYFLOAT k e 1
        HINCRBYFLOAT k spaced 1
        HINCRBYFLOAT k f 1.5
        HINCRBYFLOAT k f 1e2
        HINCRBYFLOAT k f -0.1
        HINCRBYFLOAT k new2 3.0e3
        HINCRBYFLOAT missing2 f 0.1
        HINCRBYFLOAT k inf 1
        HINCRBYFLOAT k inf -inf
        HINCRBYFLOAT k s inf
        HINCRBYFLOAT missing3 f inf
        HINCRBYFLOAT k inf nan
        EXISTS missing3
    """,
    "get": """
        HSET k f 1 g 22 e ""
        HGET k f
        HGET k x
        HGET missing f
        HMGET k f x g f
        HMGET missing f g
        HGETALL k
        HGETALL missing
        HKEYS k
        HKEYS missing
        HVALS k
        HVALS missing
        HLEN k
        HLEN missing
        HEXISTS k f
        HEXISTS k x
        HEXISTS missing f
        HSTRLEN k g
        HSTRLEN k e
        HSTRLEN k x
        HSTRLEN missing f
    """,
    "random": """
        HSET k f 1 g 2 h 3
        ?HRANDFIELD k
        ?HRANDFIELD k 2
        ?HRANDFIELD k -5
        ?HRANDFIELD k 1 WITHVALUES
        ?HRANDFIELD k -5 withvalues
        HRANDFIELD k 100
        HRANDFIELD k 100 WITHVALUES
        HRANDFIELD k 0
        HRANDFIELD missing
        HRANDFIELD missing 3
        HRANDFIELD missing -3 WITHVALUES
        HRANDFIELD k abc WITHVALUES
        HRANDFIELD k abc FOO
        HRANDFIELD k 3 FOO
        HRANDFIELD k 2 WITHVALUES x
        HRANDFIELD k -4611686018427387904 WITHVALUES
        HRANDFIELD k 4611686018427387904 WITHVALUES
        HRANDFIELD missing -9223372036854775808 WITHVALUES
        HRANDFIELD missing -9223372036854775808
        HRANDFIELD missing 9223372036854775807 WITHVALUES
        HRANDFIELD k 9223372036854775807
    """,
    "scan": """
        HSET k f 1 g 2 foo 3
        HSCAN k 0
        HSCAN k 0 MATCH f*
        HSCAN k 0 MATCH f* MATCH g*
        HSCAN k 0 NOVALUES MATCH f*
        HSCAN k 0 COUNT 1
        HSCAN k 55 COUNT 9223372036854775807
        HSCAN k 0 COUNT 0
        HSCAN k 0 COUNT abc
        HSCAN k 0 MATCH f* COUNT
        HSCAN k 0 TYPE hash
        HSCAN k 0 foo
        HSCAN k 0 MATCH f* NOSUCH COUNT abc
        HSCAN k abc
        HSCAN missing 0
        HSCAN missing 0 foo
        HSCAN missing abc
    """,
    "hexpire": """
        HSET k f 1 g 2 h 3
        HEXPIRE k 100 FIELDS 2 f x
        HEXPIRE k 100 NX FIELDS 2 f g
        HEXPIRE k 200 XX FIELDS 2 f h
        HEXPIRE k 50 GT FIELDS 2 f h
        HEXPIRE k 500 gt fields 2 f h
        HEXPIRE k 500 LT FIELDS 2 f h
        HEXPIRE k 100 FIELDS 2 f f
        @HTTL k FIELDS 4 f g h x
        HEXPIRE k 0 NX FIELDS 2 f g
        HEXPIRE k 0 GT FIELDS 2 f g
        HEXPIRE k 0 LT FIELDS 2 f x
        HPEXPIREAT k 1 FIELDS 2 g g
        HEXPIREAT k 0 FIELDS 2 h x
        EXISTS k
        HEXPIRE missing 100 FIELDS 2 f g
    """,
    "hexpire: bad calls": """
        HSET k f 1 g 2
        HEXPIRE k 100 NX XX FIELDS 1 f
        HEXPIRE k 100 FOO FIELDS 1 f
        HEXPIRE k 100 FOO BAR BAZ
        HEXPIRE k 100 NX 1 f g
        HEXPIRE k abc FOO 1 f
        HEXPIRE missing abc FOO 1 f
        HEXPIRE missing 100 FOO 1 f
        HEXPIRE missing 100 FIELDS 2 f
        HEXPIRE missing 100 FIELDS 1 f g
        HEXPIRE missing -1 FOO 2 f
        HEXPIRE k 100 FIELDS 0 f g
        HEXPIRE k 100 FIELDS 1 f NX
        HEXPIRE k 100 FIELDS 2 f NX
        HEXPIRE k 10 NX FIELDS 1
        HEXPIRE k 10 NX FIELDS 0
        HEXPIRE k 10 fields 1
        HEXPIRE k 1 FIELDS 9999999999 f
        HEXPIRE k 9223372036854775807 FOO 1 f
        HPEXPIRE k 9223372036854775807 FIELDS 1 f
        HEXPIREAT k 9223372036854775 FIELDS 1 f
        HPEXPIREAT k 70368744177664 FIELDS 1 f
        HPEXPIREAT k 70368744177663 FIELDS 1 f
        HPEXPIRETIME k FIELDS 1 f
    """,
    "times": """
        HSET k f 1 g 2
        HPEXPIREAT k 32503680000999 FIELDS 1 f
        HPEXPIRETIME k FIELDS 3 f g x
        HEXPIRETIME k FIELDS 3 f g x
        HPEXPIREAT k 32503680000001 FIELDS 1 f
        HEXPIRETIME k FIELDS 1 f
        HEXPIREAT k 32503680000 FIELDS 1 f
        HPEXPIRETIME k FIELDS 1 f
        @HTTL k FIELDS 3 f g x
        @HPTTL k FIELDS 3 f g x
        HPEXPIRE k 99600 FIELDS 1 f
        HTTL k FIELDS 1 f
        HTTL missing FIELDS 2 f g
        HTTL k FOO 1 f
        HTTL k FIELDS 2 f
        HTTL k FIELDS abc f
        HTTL k FIELDS -1 f
        HTTL k FIELDS 0 f
        HTTL k FIELDS 1 f g
        HTTL k FIELDS 9999999999999999999999 f
        HPERSIST k FIELDS 3 f g x
        HPERSIST k FIELDS 3 f g x
        HPERSIST missing FIELDS 1 f
        HPERSIST missing FOO 2 f
        HPERSIST k FIELDS 2 f
    """,
    "what keeps a field's deadline": """
        HSET k f 1 g 2
        HPEXPIRE k 100000 FIELDS 1 f
        HSETNX k f 1
        HINCRBY k f 1
        HINCRBYFLOAT k f 1
        @HTTL k FIELDS 1 f
        HSET k f 5
        HTTL k FIELDS 1 f
        HPEXPIRE k 100000 FIELDS 1 f
        HMSET k f 5
        HTTL k FIELDS 1 f
        HPEXPIRE k 100000 FIELDS 1 f
        HDEL k f
        HSET k f 5
        HTTL k FIELDS 1 f
        HEXPIRE k 100 FIELDS 1 x
    """,
    "hgetex": """
        HSET k f 1 g 2 h 3
        HGETEX k FIELDS 2 f x
        HGETEX k EX 100 FIELDS 2 f x
        @HTTL k FIELDS 2 f g
        HGETEX k PERSIST FIELDS 2 f x
        HGETEX k PERSIST FIELDS 2 f x
        HGETEX k PX 100000 FIELDS 2 f f
        HGETEX k PXAT 32503680000000 FIELDS 1 f
        HPEXPIRETIME k FIELDS 1 f
        HGETEX k EXAT 32503680000 FIELDS 1 f
        HGETEX k EX 0 FIELDS 3 f x f
        HGETEX k PXAT 1 FIELDS 2 g h
        EXISTS k
        HGETEX missing EX 1 FIELDS 2 f g
    """,
    "hgetex: bad calls": """
        HSET k f 1 g 2 h 3
        HGETEX k EX -1 FIELDS 2 f x
        HGETEX k EX abc FOO 2 f x
        HGETEX missing EX abc FIELDS 1 f
        HGETEX missing EX 1 FIELDS 3 f g
        HGETEX missing EX 1 FIELDS 1 f g
        HGETEX missing EX 1 FIELDS 0 f g
        HGETEX missing EX 1 FIELDS abc f g
        HGETEX missing FOO 1 FIELDS 1 f
        HGETEX k FIELDS 1 f EX 10
        HGETEX k EX 10 PX 100 FIELDS 1 f
        HGETEX k EX 10 PERSIST FIELDS 1 f
        HGETEX k PERSIST PERSIST FIELDS 1 f
        HGETEX k KEEPTTL FIELDS 1 f
        HGETEX k EX 10 EX
        HGETEX k EX 10 FIELDS
        HGETEX k EX 10 FOO
        HGETEX k EX abc FOO
        HGETEX k PERSIST FIELDS 1
        HGETEX k EX 99999999999999999 FIELDS 0 f
        HGETEX k PXAT 70368744177664 FIELDS 1 f
        HGETEX k PXAT 70368744177663 FIELDS 1 f
    """,
    "hsetex": """
        HSETEX k FIELDS 1 f v
        HSETEX k FIELDS 2 f v g w
        HSETEX k FNX FIELDS 2 f v n w
        HSETEX k FXX FIELDS 2 f v n w
        HSETEX k FNX FIELDS 1 n w
        HSETEX k fxx FIELDS 1 n w2
        HSETEX missing FXX FIELDS 1 n w2
        EXISTS missing
        HSETEX k EX 100 FIELDS 2 f v g w
        HSETEX k KEEPTTL FIELDS 1 f vv
        @HTTL k FIELDS 2 f g
        HSETEX k FIELDS 1 f vv
        HTTL k FIELDS 1 f
        HSETEX k EX 10 FNX FIELDS 1 y v
        HSETEX k FNX EX 20 FIELDS 1 z v
        HSETEX k EX 0 FIELDS 1 f v
        HSETEX k EXAT 1 FIELDS 1 f v
        HGETALL k
        HSETEX k2 EXAT 1 FIELDS 1 f v
        HSETEX k2 PXAT 1 FIELDS 2 f v g w
        EXISTS k2
        HSETEX k EX 100 FIELDS 2 f v f w
        HGET k f
        HSETEX k PXAT 1 FIELDS 2 f v f w
        HSETEX k FNX FIELDS 2 q 1 q 2
        HSETEX order EXAT 2000000000 FIELDS 5 x 1 y 2 x 3 a 4 y 5
        HGETALL order
        HSETEX order EXAT 2000000000 FIELDS 3 a 1 b 2 a 3
        HGETALL order
        HSETEX order EXAT 1 FIELDS 3 a 1 b 2 a 3
        HSETEX order FIELDS 3 x 1 z 2 x 3
        HGETALL order
    """,
    "hsetex: bad calls": """
        HSETEX k FIELDS 2 f v g
        HSETEX k EX -1 FIELDS 1 f v
        HSETEX k EX abc FIELDS 1 f v
        HSETEX k EX 10 PX 10 FIELDS 1 f v
        HSETEX k EX 10 KEEPTTL FIELDS 1 f v
        HSETEX k KEEPTTL KEEPTTL FIELDS 1 f v
        HSETEX k FNX FXX FIELDS 1 f v
        HSETEX k FNX FNX FIELDS 1 f v
        HSETEX k PERSIST FIELDS 1 f v
        HSETEX k FIELDS 1 f v EX 10
        HSETEX k FIELDS 0 f v
        HSETEX k FIELDS abc f v
        HSETEX k FIELDS 3 f v
        HSETEX k FIELDS 1 f v g w
        HSETEX k FIELDS 2147483648 f v
        HSETEX k FIELDS 1073741824 f v
        HSETEX k FOO BAR BAZ 1 2
        HSETEX k EX 10 FXX KEEPTTL
        HSETEX k EX 10 FXX FXX
        HSETEX k EX abc FOO 1 f v
        HSETEX k FNX KEEPTTL FNX 1 EX
        HSETEX k FNX KEEPTTL a b FIELDS
        HSETEX k EX 10 FNX FIELDS
        HSETEX k EX 99999999999999999 FIELDS 0 f v
        HSETEX k FXX KEEPTTL EX abc 5
        HSETEX k PXAT 70368744177664 FIELDS 1 f v
        EXISTS k
    """,
    "hgetdel": """
        HSET k f 1 g 2 h 3
        HGETDEL k FIELDS 2 f x
        HGETDEL k FIELDS 1 x
        HGETDEL k FIELDS 3 g h g
        EXISTS k
        HGETDEL missing FIELDS 2 f x
        HGETDEL missing FIELDS 3 f x
        HGETDEL missing FOO abc f x
        HGETDEL missing FIELDS abc f x
        HGETDEL missing FIELDS 0 f
    """,
    "wrong type": """
        SET s x
        HSET s f
        HSET s f v
        HMSET s f v
        HSETNX s f v
        HINCRBY s f abc
        HINCRBY s f 1
        HINCRBYFLOAT s f abc
        HINCRBYFLOAT s f inf
        HINCRBYFLOAT s f 1
        HDEL s f
        HGET s f
        HMGET s f
        HGETALL s
        HKEYS s
        HVALS s
        HLEN s
        HEXISTS s f
        HSTRLEN s f
        HRANDFIELD s
        HRANDFIELD s abc
        HRANDFIELD s 3 WITHVALUES
        HSCAN s 0 COUNT abc
        HSCAN s abc
        HEXPIRE s -1 FOO 1 f
        HPEXPIRE s 1 FIELDS 1 f
        HTTL s FIELDS 2 f
        HPERSIST s FIELDS 2 f
        HGETEX s EX abc FIELDS 1 f
        HGETDEL s FIELDS abc f
        HSETEX s EX abc FIELDS 1 f v
        HSETEX s EX 10 FIELDS 1 f v g
        HSETEX s EX 10 FIELDS 1 f v
    """,
    "transaction": """
        HSET k f 1
        MULTI
        HSET k f 2 g
        HSET k f 2 g 3
        HINCRBY k f 1
        HGETALL k
        HRANDFIELD k 5 WITHVALUES
        HEXPIRE k 100 FIELDS 1 f
        HGETDEL k FIELDS 2 f g
        EXEC
        EXISTS k
    """,
}


SCRIPTS["events"] = """
    HSET k f 1 g 2 h 3
    HMSET k f 1
    HSETNX k f 1
    HSETNX k n 1
    HINCRBY k f 1
    HINCRBYFLOAT k f 1
    HDEL k x
    HDEL k n
    HEXPIRE k 100 FIELDS 2 f x
    HEXPIRE k 50 GT FIELDS 1 f
    HPERSIST k FIELDS 2 f x
    HPERSIST k FIELDS 2 f x
    HGETEX k EX 100 FIELDS 2 f x
    HGETEX k PERSIST FIELDS 2 f x
    HGETEX k FIELDS 2 f x
    HGETEX k EX 0 FIELDS 1 f
    HSETEX k FIELDS 1 f 1
    HSETEX k FNX FIELDS 1 f 1
    HSETEX k EX 100 FIELDS 1 f 1
    HSETEX k EXAT 1 FIELDS 1 f 1
    HGETDEL k FIELDS 1 x
    HGETDEL k FIELDS 1 g
    HPEXPIREAT k 1 FIELDS 1 h
    HSETEX k EXAT 1 FIELDS 1 f 1
    HSET k f 1
    HDEL k f
    HSET k f 1
    HGETDEL k FIELDS 1 f
    HSET k f 1
    HGETEX k PX 0 FIELDS 1 f
"""


@pytest.mark.parametrize("name", SCRIPTS)
def test_as_the_real_server(twin: Twin, name: str) -> None:
    play_with_events(twin, SCRIPTS[name])


@pytest.mark.parametrize("seed", range(6))
def test_order_of_deadlines(twin: Twin, seed: int) -> None:
    """A small hash keeps its fields in the order of their deadlines; the twin compares it."""
    rng = random.Random(seed)
    fields = list("abcdefghijklmno"[: rng.choice((6, 15))])
    later = 2_000_000_000_000

    def some(most: int = 3) -> list[str]:
        return rng.sample(fields, rng.randint(1, most))

    def counted() -> list[object]:
        found = some()
        return ["FIELDS", len(found), *found]

    def pairs(found: list[str]) -> list[object]:
        return [part for field in found for part in (field, rng.randrange(99))]

    for _ in range(200):
        key = rng.choice("kkl")
        time = later + rng.randrange(5)
        found = some()
        twin(*rng.choice([
            ["HSET", key, *pairs(some(1))], ["HSET", key, *pairs(found)], ["HDEL", key, *some(2)],
            ["HPEXPIREAT", key, time, *counted()], ["HPEXPIREAT", key, time, *counted()],
            ["HPEXPIREAT", key, time, rng.choice(["NX", "XX", "GT", "LT"]), *counted()],
            ["HPEXPIREAT", key, 1000, *counted()], ["HPERSIST", key, *counted()],
            ["HINCRBY", key, *some(1), 7], ["HINCRBYFLOAT", key, *some(1), 7],
            ["HSETNX", key, *pairs(some(1))], ["HGETDEL", key, *counted()],
            ["HGETEX", key, "PXAT", time, *counted()], ["HGETEX", key, "PERSIST", *counted()],
            ["HGETEX", key, *counted()], ["HGETEX", key, "PXAT", 1000, *counted()],
            ["HSETEX", key, "PXAT", time, "FIELDS", len(found), *pairs(found)],
            ["HSETEX", key, "KEEPTTL", "FIELDS", len(found), *pairs(found)],
            ["HSETEX", key, "FXX", "PXAT", time, "FIELDS", len(found), *pairs(found)],
            ["HSETEX", key, "FIELDS", len(found), *pairs(found)], ["COPY", key, "c", "REPLACE"],
        ]))
        for one in (key, "c"):
            for call in ("HKEYS", "HVALS", "HGETALL", "HSCAN {} 0", "HRANDFIELD {} 99"):
                twin(*(call if " " in call else call + " {}").format(one).split())
        if twin("EXISTS", key):
            # The payload begins with a time that the server does not keep exact.
            twin("RESTORE", "c", 0, twin.wire.call(b"DUMP", key.encode()), "REPLACE")
            twin("HKEYS", "c")


def test_order_of_random_fields(twin: Twin) -> None:
    """Different ones of a small hash come in its order."""
    play(twin, "HSET k a 1 b 2 c 3 d 4 e 5 f 6")
    play(twin, "HSET big a 1 b 2 c 3 d 4 e 5 f 6 g 7 h 8 i 9 j 10 k 11")
    play(twin, "HSET timed f 1 b 2 a 3 d 4 e 5 c 6")
    play(twin, "HPEXPIREAT timed 2000000000001 FIELDS 3 d b c")
    play(twin, "HPEXPIREAT timed 2000000000000 FIELDS 1 a")
    for key, order in (("k", b"abcdef"), ("big", b"abcdefghijk"), ("timed", b"acbdfe")):
        for execute in (twin.fake.execute, lambda argv: twin.wire.call(*argv)):
            for count in (b"2", b"4", b"5"):
                found = execute([b"HRANDFIELD", key.encode(), count])
                assert found == sorted(found, key=order.index)


def test_middling_scan(twin: Twin) -> None:
    """A compact hash comes in one piece, whatever COUNT says."""
    twin("HSET", "k", *[part for i in range(400) for part in (b"f%d" % i, i)])
    twin("HSCAN", "k", 0, "COUNT", 3)


def test_big_scan_sees_every_field_once(twin: Twin) -> None:
    fields = [b"f%d" % i for i in range(1000)]
    for field in fields:
        twin("HSET", "k", field, "v")
    cursor, seen = b"0", []
    while True:
        cursor, found = twin.fake.execute([b"HSCAN", b"k", cursor, b"COUNT", b"50", b"NOVALUES"])
        seen += found
        if cursor == b"0":
            break
    assert sorted(seen) == sorted(fields)


# Fields that have expired. The real server removes them within some milliseconds; the fake before
# the next command.


@pytest.fixture
def server() -> Server:
    made = Server()
    made.clock.freeze(1_000_000)
    return made


def run(server: Server, line: str) -> object:
    return server.session().execute([word.encode() for word in line.split()])


EXPIRED = {
    "HGET k f": None,
    "HMGET k f g": [None, b"2"],
    "HGETALL k": [b"g", b"2"],
    "HKEYS k": [b"g"],
    "HVALS k": [b"2"],
    "HLEN k": 1,
    "HEXISTS k f": 0,
    "HSTRLEN k f": 0,
    "HRANDFIELD k": b"g",
    "HRANDFIELD k 5": [b"g"],
    "HSCAN k 0": [b"0", [b"g", b"2"]],
    "HTTL k FIELDS 2 f g": [-2, -1],
    "HPERSIST k FIELDS 2 f g": [-2, -1],
    "HEXPIRE k 1 FIELDS 1 f": [-2],
    "HSETNX k f 5": 1,
    "HSET k f 5": 1,
    "HINCRBY k f 5": 5,
    "HINCRBYFLOAT k f 5": b"5",
    "HDEL k f": 0,
    "HGETDEL k FIELDS 1 f": [None],
    "HGETEX k EX 1 FIELDS 1 f": [None],
    "HSETEX k FNX FIELDS 1 f 5": 1,
    "HSETEX k FXX FIELDS 1 f 5": 0,
}


@pytest.mark.parametrize("line", EXPIRED)
def test_expired_field_is_gone(server: Server, line: str) -> None:
    run(server, "HSET k f 1 g 2")
    run(server, "HPEXPIRE k 100 FIELDS 1 f")
    server.advance(0.099)
    assert run(server, "HLEN k") == 2
    server.advance(0.001)
    assert run(server, line) == EXPIRED[line]


def test_hash_without_fields_left_is_gone(server: Server) -> None:
    run(server, "HSET k f 1 g 2")
    run(server, "HPEXPIRE k 100 FIELDS 1 f")
    run(server, "HPEXPIRE k 200 FIELDS 1 g")
    server.advance(1)
    assert run(server, "HLEN k") == 0
    assert not server.database(0).data
    assert run(server, "HSET k f 1") == 1
    assert run(server, "HPTTL k FIELDS 1 f") == [-1]


def test_active_expiry_sends_events_and_fails_watches(server: Server) -> None:
    server.notify_flags = "Egxh"
    server.database(0).observe()
    run(server, "HSET k f 1 g 2 h 3")
    run(server, "HPEXPIRE k 100 FIELDS 2 f g")
    run(server, "HPEXPIRE k 300 FIELDS 1 h")
    watcher = server.session()
    watcher.execute([b"WATCH", b"k"])
    listener = server.session()
    listener.execute([b"PSUBSCRIBE", b"*"])
    listener.outbox.clear()
    server.advance(0.1)
    server.advance(0.1)
    watcher.execute([b"MULTI"])
    assert watcher.execute([b"EXEC"]) is None
    server.advance(0.1)
    events = [message[2].rpartition(b":")[2] for message in listener.outbox]
    assert events == [b"hexpired", b"hexpired", b"del"]
    assert not server.databases[0].data


def test_a_later_deadline_replaces_an_earlier_one(server: Server) -> None:
    run(server, "HSET k f 1")
    run(server, "HPEXPIRE k 100 FIELDS 1 f")
    run(server, "HPEXPIRE k 500 FIELDS 1 f")
    server.advance(0.3)
    assert run(server, "HLEN k") == 1
    run(server, "HPEXPIRE k 100 FIELDS 1 f")
    server.advance(0.2)
    assert not server.database(0).data


def test_repeated_deadlines_do_not_pile_up(server: Server) -> None:
    run(server, "HSET k f 1 g 2")
    for milliseconds in range(5000, 3000, -1):
        run(server, f"HPEXPIRE k {milliseconds} FIELDS 1 f")
        run(server, f"HPEXPIRE k {9000 - milliseconds} FIELDS 1 g")
    assert len(server.deadlines) <= 1002
    server.advance(6)
    assert not server.database(0).data


# Through redis-py ---------------------------------------------------------------------------

CALLS: dict[str, Callable[[redis.Redis], Any]] = {
    "hset": lambda r: [r.hset("k", "f", 1), r.hset("k", mapping={"x": 1, "y": 2.5})],
    "get": lambda r: [r.hget("k", "f"), r.hget("k", "x"), r.hmget("k", ["f", "x"])],
    "all": lambda r: [r.hgetall("k"), r.hgetall("missing"), r.hkeys("k"), r.hvals("k")],
    "exists": lambda r: [r.hexists("k", "f"), r.hexists("k", "x"), r.hsetnx("k", "f", 1)],
    "increment": lambda r: [r.hincrby("k", "f", 3), r.hincrbyfloat("k", "f", 0.5)],
    "random": lambda r: sorted(r.hrandfield("k", 10, withvalues=True)),
    "scan": lambda r: [r.hscan("k"), r.hscan("k", no_values=True), sorted(r.hscan_iter("k"))],
    "expire": lambda r: [r.hexpire("k", 100, "f", "x"), r.httl("k", "f"), r.hpersist("k", "f")],
    "getex": lambda r: [r.hgetex("k", "f", "x", ex=10), r.hgetdel("k", "f"), r.hlen("k")],
    "setex": lambda r: [r.hsetex("k", "f", 1, ex=10), r.hsetex("k", mapping={"f": 1})],
}


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("decode", [False, True], ids=["bytes", "text"])
@pytest.mark.parametrize("name", CALLS)
def test_redis_py(clean_real_url: str, protocol: int, decode: bool, name: str) -> None:
    if name in ("getex", "setex"):
        skip_without("hgetex")
    options: dict[str, Any] = {"protocol": protocol, "decode_responses": decode}
    with (
        redis.Redis.from_url(clean_real_url, **options) as real,
        fakeredis.FakeRedis(server=fakeredis.FakeServer(), **options) as fake,
    ):
        for client in (real, fake):
            client.hset("k", mapping={"f": 1, "g": 2})
        assert repr(CALLS[name](fake)) == repr(CALLS[name](real))


@pytest.mark.parametrize("words", [("HRANDFIELD", "h"), ("SRANDMEMBER", "s"), ("ZRANDMEMBER", "z")])
def test_replies_that_no_memory_holds(words: tuple[str, ...]) -> None:
    """The real server makes them until its memory is gone; over TCP, ours until the client is."""
    session = Server().session()
    for line in ("HSET h f v", "SADD s m", "ZADD z 1 m"):
        session.execute([word.encode() for word in line.split()])
    argv = [word.encode() for word in words]
    with pytest.raises(CommandError, match="too many elements"):
        session.execute([*argv, b"-2147483648"])
    assert len(session.execute([*argv, b"-1000"])) == 1000
