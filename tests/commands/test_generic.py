"""The generic group against the real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakeredis.errors import CommandError
from tests.support.engines import Server

if TYPE_CHECKING:
    from tests.support.twin import Twin

# A key of each type, by a command that makes it.
MAKERS = {
    "string": "SET {} value", "number": "SET {} 12", "list": "RPUSH {} 3 1 2",
    "set": "SADD {} a b c", "zset": "ZADD {} 1 a 2 b", "hash": "HSET {} f 1 g 2",
}


def fill(twin: Twin) -> list[str]:
    """One key of each type; their names."""
    for name, maker in MAKERS.items():
        twin(*maker.format(name).split())
    return list(MAKERS)


def run(twin: Twin, script: str) -> None:
    """A command a line; ``''`` is an empty word."""
    for line in script.strip().splitlines():
        twin(*["" if word == "''" else word for word in line.split()])


def test_presence_and_types(twin: Twin) -> None:
    names = fill(twin)
    for name in [*names, "missing"]:
        twin("TYPE", name)
        twin("EXISTS", name, name, "missing")
        twin("OBJECT", "ENCODING", name)
        twin("OBJECT", "REFCOUNT", name)
        twin.near("OBJECT", "IDLETIME", name, tolerance=2)
        twin("OBJECT", "FREQ", name)
        twin("TOUCH", name, "missing", name)
    twin("DEL", "string", "missing", "string", "list")
    twin("UNLINK", "set", "set", "hash")
    twin("DEL", "set")


@pytest.mark.parametrize("policy", ["allkeys-lfu", "allkeys-lru"])
def test_use_of_keys_depends_on_the_policy(twin: Twin, policy: str) -> None:
    twin("CONFIG", "SET", "maxmemory-policy", policy)
    twin("SET", "k", "v")
    for what in ("IDLETIME", "FREQ"):
        twin("OBJECT", what, "k")
        twin("OBJECT", what, "missing")


CONDITIONS = ["", "NX", "XX", "GT", "LT", "XX GT", "XX LT", "nx", "GT GT", "NX XX", "NX GT",
              "GT LT", "XX GT LT", "FOO", "NX FOO", "XX NX LT"]


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("before", [None, 50, 500])
def test_expire_conditions(twin: Twin, condition: str, before: int | None) -> None:
    for number in ("100", "-1", "0", "abc"):
        twin("SET", "k", "v")
        if before is not None:
            twin("EXPIRE", "k", before)
        twin("EXPIRE", "k", number, *condition.split())
        twin.near("PTTL", "k")
    twin("EXPIRE", "missing", 100, *condition.split())


@pytest.mark.parametrize("command", ["EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"])
@pytest.mark.parametrize("number", [
    "", "1.5", " 1", "+1", "9223372036854775807", "-9223372036854775808", "9223372036854775",
    "9223372036854776", "-9223372036854775", "-9223372036854776", "9223372036854775808", "0",
])
def test_expire_numbers(twin: Twin, command: str, number: str) -> None:
    twin("SET", "k", "v")
    twin(command, "k", number)
    twin.near("PEXPIRETIME", "k")
    twin(command, "missing", number)


def test_times_to_live(twin: Twin) -> None:
    twin("SET", "k", "v")
    for command in ("TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"):
        twin(command, "k")
        twin(command, "missing")
    for expire, number in (("EXPIRE", 100), ("PEXPIRE", 100500), ("EXPIREAT", 33177117420),
                           ("PEXPIREAT", 33177117420499), ("PEXPIREAT", 33177117420500)):
        twin(expire, "k", number)
        for command in ("TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"):
            twin.near(command, "k", tolerance=500 if command[0] == "P" else 1)
    twin("PERSIST", "k")
    twin("PERSIST", "k")
    twin("PERSIST", "missing")


def test_expired_keys_are_gone() -> None:
    """Lazily, and for commands that look at all keys; by the fake's clock alone."""
    server = Server()
    session = server.session()

    def call(line: str) -> object:
        return session.execute([word.encode() for word in line.split()])

    server.active_expire = False
    call("MSET a 1 b 2 c 3")
    call("PEXPIRE a 10")
    call("PEXPIRE b 10")
    server.clock.advance(1)
    assert call("KEYS *") == [b"c"]
    assert call("DBSIZE") == 3
    assert call("SCAN 0") == [b"0", [b"c"]]
    assert call("DBSIZE") == 1
    call("PEXPIRE c 10")
    server.clock.advance(1)
    assert call("RANDOMKEY") is None
    assert call("DBSIZE") == 0
    for line, reply in (("DEL k", 0), ("EXISTS k", 0), ("TTL k", -2), ("PERSIST k", 0),
                        ("EXPIRE k 5", 0), ("TYPE k", b"none"), ("MOVE k 1", 0),
                        ("COPY k n", 0), ("OBJECT ENCODING k", None), ("SORT k", [])):
        call("SET k v PX 10")
        server.clock.advance(1)
        assert call(line) == reply
        assert call("DBSIZE") == 0
    call("SET k v")
    call("SET n v PX 10")
    server.clock.advance(1)
    assert call("RENAMENX k n") == 1
    assert server.expired_keys == 14


def test_expired_targets_are_free() -> None:
    server = Server()
    session, other = server.session(), server.session()
    server.active_expire = False
    other.execute([b"SELECT", b"1"])
    for line in (b"MOVE k 1", b"COPY k k DB 1"):
        session.execute([b"SET", b"k", b"v"])
        other.execute([b"SET", b"k", b"old", b"PX", b"10"])
        server.clock.advance(1)
        assert session.execute(line.split()) == 1
        assert other.execute([b"PTTL", b"k"]) == -1


@pytest.mark.parametrize("pattern", ["*", "k*", "?1", "k[12]", "[^k]*", "", "k1", "\\k1", "**",
                                     "k[1-", "*1*", "K*"])
def test_patterns(twin: Twin, pattern: str) -> None:
    twin("MSET", "k1", 1, "k2", 2, "l1", 1, "", "e", "k", "v", "K1", 1, "x1y", 1)
    twin.unordered("KEYS", pattern)
    twin.unordered("SCAN", 0, "MATCH", pattern, "COUNT", 100)


def test_scan_options(twin: Twin) -> None:
    fill(twin)
    for kind in ("string", "list", "set", "zset", "hash", "stream", "STRING", "none", "foo", ""):
        twin.unordered("SCAN", 0, "TYPE", kind, "COUNT", 100)
    twin.unordered("SCAN", 0, "COUNT", 100, "MATCH", "s*", "TYPE", "set")
    run(twin, """
        SCAN abc
        SCAN ''
        SCAN -1
        SCAN 18446744073709551616
        SCAN 0 COUNT 0
        SCAN 0 COUNT -1
        SCAN 0 COUNT abc
        SCAN 0 COUNT 9223372036854775808
        SCAN 0 COUNT
        SCAN 0 MATCH
        SCAN 0 TYPE
        SCAN 0 FOO
        SCAN 0 FOO bar
        SCAN abc FOO bar
        SCAN 0 NOVALUES
        SCAN 0 COUNT a NOVALUES
        SCAN 0 NOVALUES COUNT a
        SCAN
    """)
    twin.unordered("SCAN", 0, "COUNT", 9223372036854775807)
    twin.unordered("SCAN", 0, "COUNT", 100, "count", 50, "match", "x", "MATCH", "*")


def test_scan_sees_all_that_stays() -> None:
    server = Server()
    session = server.session()
    stay = {b"stay:%d" % number for number in range(300)}
    for key in stay:
        session.execute([b"SET", key, b""])
    seen: set[bytes] = set()
    cursor, calls = b"0", 0
    while True:
        cursor, found = session.execute([b"SCAN", cursor, b"COUNT", b"7"])
        seen.update(found)
        session.execute([b"SET", b"new:%d" % calls, b""])
        session.execute([b"DEL", b"new:%d" % (calls - 1)])
        calls += 1
        if cursor == b"0":
            break
    assert stay <= seen
    assert calls > 40


def test_randomkey(twin: Twin) -> None:
    twin("RANDOMKEY")
    twin("SET", "only", 1)
    twin("RANDOMKEY")
    twin("SET", "other", 1)
    twin.same_shape("RANDOMKEY")
    keys = {twin.server.session().execute([b"RANDOMKEY"]) for _ in range(100)}
    assert keys == {b"only", b"other"}


def test_rename(twin: Twin) -> None:
    for name in fill(twin):
        twin("EXPIRE", name, 1000)
        twin("RENAME", name, "to:" + name)
    run(twin, """
        RENAME missing x
        RENAME missing missing
        RENAMENX missing x
        RENAME to:string to:string
        RENAMENX to:string to:string
        RENAMENX to:string to:list
        RENAME to:string to:list
        RENAMENX to:list list
        SET plain 1
        RENAME plain to:set
        TTL to:set
        RENAME a
        RENAMENX a
    """)


def test_move(twin: Twin) -> None:
    for name in fill(twin):
        twin("EXPIRE", name, 1000)
        twin("MOVE", name, 3)
        twin("MOVE", name, 3)
        twin("SET", name, "new")
        twin("MOVE", name, 3)
    for index in (0, 99, -1, "abc", "", "1.5", 16):
        twin("MOVE", "string", index)
        twin("MOVE", "missing", index)


def test_copy(twin: Twin) -> None:
    for name in fill(twin):
        twin("EXPIRE", name, 1000)
        twin("COPY", name, "copy:" + name)
        twin("COPY", name, "copy:" + name)
        twin("COPY", name, "copied", "REPLACE")
        twin("COPY", name, name, "DB", 2)
    twin("RPUSH", "copy:list", "x")
    twin("SADD", "copy:set", "x")
    twin("HSET", "copy:hash", "x", 1)
    twin("ZADD", "copy:zset", 9, "x")
    twin("APPEND", "copy:string", "x")
    run(twin, """
        COPY string string
        COPY missing missing
        COPY missing x
        COPY string string REPLACE
        COPY string x DB 0 REPLACE DB 1
        COPY string x DB 0
        COPY string x DB abc
        COPY string x DB 16
        COPY string x DB -1
        COPY string x DB
        COPY string x FOO
        COPY missing x FOO
        COPY missing x DB 99
        COPY a
    """)


def test_hashes_keep_the_deadlines_of_fields(twin: Twin) -> None:
    twin("HSET", "h", "f", 1, "g", 2)
    twin("HEXPIRE", "h", 1000, "FIELDS", 1, "f")
    twin("COPY", "h", "copy")
    twin("RENAME", "h", "renamed")
    twin("COPY", "renamed", "there", "DB", 1)
    twin("MOVE", "renamed", 2)


def test_moved_fields_expire() -> None:
    server = Server()
    session = server.session()
    for line in (b"HSET h f 1 g 2", b"HPEXPIRE h 1000 FIELDS 1 f", b"COPY h c", b"RENAME h r",
                 b"MOVE r 1", b"SWAPDB 1 2"):
        session.execute(line.split())
    server.advance(2)
    assert session.execute([b"HLEN", b"c"]) == 1
    session.execute([b"SELECT", b"2"])
    assert session.execute([b"HLEN", b"r"]) == 1


def test_encodings(twin: Twin) -> None:
    values = ["", "1", "01", "-5", "-0", "9223372036854775807", "9223372036854775808", "1.5",
              "x" * 44, "x" * 45, " 1", "-9223372036854775808"]
    for value in values:
        twin("SET", "k", value)
        twin("OBJECT", "ENCODING", "k")
    twin("OBJECT", "FOO", "k")
    twin("OBJECT", "ENCODING")
    twin("OBJECT", "ENCODING", "k", "k")
    twin("OBJECT")


def test_no_replicas(twin: Twin) -> None:
    run(twin, """
        WAIT 0 0
        WAIT -1 0
        WAIT abc 0
        WAIT 0 abc
        WAIT 0 -1
        WAIT 1 -1
        WAIT abc abc
        WAIT 1 1.5
        WAITAOF 0 0 0
        WAITAOF 1 0 0
        WAITAOF 2 0 0
        WAITAOF 1 1 abc
        WAITAOF 0 -1 0
        WAITAOF 0 abc 0
        WAITAOF 0 0 -1
        WAITAOF abc 0 0
        WAITAOF 0 0
        MULTI
        WAIT 1 0
        WAITAOF 0 1 0
        EXEC
    """)
    other = twin.session()
    other("WAIT", 1, 30)
    other.reply()
    other("WAITAOF", 0, 1, 30)
    other.reply()


SORTS = """
    SORT l
    SORT l DESC
    SORT l ALPHA
    SORT l ALPHA DESC ASC
    SORT l LIMIT 0 -1
    SORT l LIMIT -5 2
    SORT l LIMIT 1 0
    SORT l LIMIT 5 2
    SORT l LIMIT 1 2 DESC
    SORT l LIMIT 3 9223372036854775807
    SORT l LIMIT 9223372036854775807 9223372036854775807
    SORT l LIMIT 0 2 LIMIT 1 1
    SORT l BY nosort
    SORT l BY nosort DESC
    SORT l BY nosort DESC LIMIT 1 2
    SORT l BY nosort LIMIT 1 2
    SORT l BY ''
    SORT l BY w_*
    SORT l BY w_* DESC
    SORT l BY w_* ALPHA
    SORT l BY w_* ALPHA DESC
    SORT l BY w_* LIMIT 1 2
    SORT l BY h_*->f
    SORT l BY h_*->f ALPHA
    SORT l BY h_*->missing
    SORT l BY h_*->
    SORT l BY h_*
    SORT l BY l*
    SORT l BY *
    SORT l BY #
    SORT l BY w_* BY nosort
    SORT l GET #
    SORT l GET # GET w_*
    SORT l GET w_* GET h_*->f GET h_*->g GET # BY w_*
    SORT l GET h_*
    SORT l GET h_*->
    SORT l GET w_*->f
    SORT l GET l
    SORT l GET ''
    SORT l GET #x
    SORT l GET h_*->f->g
    SORT l GET x->f
    SORT l GET x->*
    SORT l GET *
    SORT l get # alpha by w_* desc limit 0 3
    SORT z BY nosort
    SORT z BY nosort DESC
    SORT z BY nosort DESC LIMIT 0 2
    SORT z BY nosort LIMIT 1 1
    SORT z BY nosort LIMIT -1 -1
    SORT z BY nosort LIMIT 5 5
    SORT z
    SORT z ALPHA
    SORT z ALPHA DESC LIMIT 1 1
    SORT s ALPHA
    SORT s
    SORT s ALPHA DESC
    SORT i
    SORT i DESC GET w_*
    SORT missing
    SORT missing ALPHA BY x GET y
    SORT str
    SORT h_1
    SORT missing LIMIT 0
    SORT l LIMIT a b
    SORT l LIMIT 0 b
    SORT str LIMIT a 1
    SORT str FOO
    SORT l BY
    SORT l GET
    SORT l LIMIT 1
    SORT l ALPHA FOO
    SORT l STORE
    SORT
"""


@pytest.mark.parametrize("command", ["SORT", "SORT_RO"])
def test_sort(twin: Twin, command: str) -> None:
    run(twin, """
        RPUSH l 3 1 2 10 1
        ZADD z 3 a 1 b 2 c
        SADD s c b a
        SADD i 3 1 2
        MSET w_1 5 w_2 4.5 w_3 -1e3 w_7 6 w_8 2 w_9 7 str v
        HSET h_1 f 9 g 8
        HSET h_2 f 1
    """)
    run(twin, SORTS.replace("SORT", command))


@pytest.mark.parametrize("options", [
    "", "DESC", "ALPHA", "BY nosort", "BY w_*", "GET w_*", "GET # GET h_*->f", "LIMIT 1 1",
    "LIMIT 9 1", "STORE other", "BY w_* ALPHA",
])
@pytest.mark.parametrize("source", ["l", "i", "z", "missing", "dst", "str"])
def test_sort_store(twin: Twin, source: str, options: str) -> None:
    run(twin, """
        RPUSH l 3 1 2 10
        SADD i 3 1 2
        ZADD z 3 7 1 8 2 9
        MSET w_1 5 w_2 4.5 w_3 -1e3 w_7 6 w_8 2 w_9 7 str v
        HSET h_1 f 9
        SET dst v EX 1000
    """)
    twin("SORT", source, *options.split(), "STORE", "dst")
    twin("SORT_RO", source, "STORE", "dst")


@pytest.mark.parametrize("element", [
    "", " 2", "2 ", "0x10", "inf", "-INF", "+infinity", "nan", "+1", "1.", ".5", ".", "-", "+",
    "1e", "1e5", "1E+5", "1e-400", "-1e400", "1_0", "00012", "-0", "abc", "infinit", "1e5.0",
])
def test_numbers_that_sort_takes(twin: Twin, element: str) -> None:
    twin("RPUSH", "l", element, "-5", "1.6", "3")
    twin("SORT", "l")
    twin("SORT", "l", "BY", "w*", "GET", "w*")
    twin("SET", "w3", element)
    twin("SORT", "l", "BY", "w*")


def test_sort_stops_at_zero_bytes(twin: Twin) -> None:
    twin("RPUSH", "l", b"a\0z", b"a\0b", b"a", b"\xff", b"B")
    for options in (["DESC"], ["STORE", "d"], ["BY", "w_*"], ["BY", "w_*", "STORE", "d"]):
        twin("SET", b"w_a\0z", b"x\0b")
        twin("SET", b"w_a\0b", b"x\0a")
        twin("SORT", "l", "ALPHA", *options)


EVENTS = """
    SET k v
    COPY k copy
    COPY k copy
    COPY k copy REPLACE
    COPY k copy DB 1
    RENAME k renamed
    RENAMENX renamed k
    RENAMENX k copy
    RENAME k k
    RENAME missing k
    EXPIRE k 100
    EXPIRE k 200 NX
    PERSIST k
    PERSIST k
    EXPIRE k 0
    RPUSH l 2 1
    SORT l STORE dst
    SORT missing STORE dst
    SORT missing STORE dst
    SORT l BY w_* GET v_*
    MOVE l 1
    MOVE l 1
    EXISTS missing
    TYPE missing
    TTL missing
    TOUCH missing
    OBJECT ENCODING missing
    DEL missing copy
    UNLINK copy dst
    KEYS *
"""


def test_events_and_statistics(twin: Twin) -> None:
    twin("CONFIG", "RESETSTAT")
    twin("CONFIG", "SET", "notify-keyspace-events", "KEAm")
    listener = twin.session()
    if twin.server.table.find(b"PSUBSCRIBE") is not None:
        listener("PSUBSCRIBE", "__key*")
        listener.reply()
    for line in EVENTS.strip().splitlines():
        if line.split()[0] == "SORT" and "BY" in line:
            continue  # the order of look-ups is the sort's own
        twin(*line.split())
    wanted = ("keyspace_hits", "keyspace_misses", "expired_keys")
    info = twin.wire.call(b"INFO", b"stats").decode()
    real = {line.split(":")[0]: int(line.split(":")[1]) for line in info.splitlines()
            if line.startswith(wanted)}
    server = twin.server
    hits, misses, expired = (real[name] for name in wanted)
    assert (server.misses, server.expired_keys) == (misses, expired)
    if b"search" in twin.wire.call(b"INFO", b"modules"):  # which looks at each changed key itself
        assert server.hits <= hits
    else:
        assert server.hits == hits
    while twin.server.table.find(b"PSUBSCRIBE") is not None and listener.fake.outbox:
        listener.reply()


NEW_KEYS = """
    SET k v
    SET k w
    COPY k copy
    COPY k copy REPLACE
    RENAME k copy
    RPUSH l 1
    RPUSH l 2
    SORT l STORE dst
    SORT l STORE dst
    MOVE l 1
    DEL copy
    INCR copy
    FLUSHALL
    SET k v
"""


def test_events_of_new_keys(twin: Twin) -> None:
    if twin.server.table.find(b"PSUBSCRIBE") is None:
        pytest.skip("there is no pub/sub yet")
    twin("CONFIG", "SET", "notify-keyspace-events", "KEAn")
    listener = twin.session()
    listener("PSUBSCRIBE", "__keyevent*")
    listener.reply()
    for line in NEW_KEYS.strip().splitlines():
        twin(*line.split())
        while listener.fake.outbox:
            listener.reply()


@pytest.mark.parametrize("line", [
    "DEL k", "UNLINK k", "EXPIRE k 100", "EXPIRE k 0", "PERSIST k", "RENAME k n", "RENAME n k",
    "RENAMENX k x", "RENAME k k", "MOVE k 1", "COPY n k", "COPY n k REPLACE", "SORT l STORE k",
    "SORT missing STORE k", "EXISTS k", "TOUCH k", "FLUSHDB", "FLUSHALL", "SWAPDB 0 1",
    "SWAPDB 2 3", "SWAPDB 0 0", "EXPIRE k 5 XX", "COPY k n",
])
def test_what_fails_a_watch(twin: Twin, line: str) -> None:
    run(twin, "SET k v\nSET n w\nRPUSH l 1")
    watcher = twin.session()
    watcher("WATCH", "k")
    twin(*line.split())
    watcher("MULTI")
    watcher("PING")
    watcher("EXEC")


def test_in_a_transaction(twin: Twin) -> None:
    run(twin, """
        MULTI
        SET k v
        EXPIRE k 100 FOO
        EXPIRE k 100
        RENAME k n
        COPY n k DB 99
        SORT n
        DEL n
        RENAME n k
        EXPIRE
        EXEC
        MULTI
        SET k v
        RENAME k n
        SORT n
        EXEC
    """)


def test_a_failed_command_leaves_no_trace() -> None:
    server = Server()
    session = server.session()
    session.execute([b"SET", b"k", b"v"])
    dirty = server.dirty
    for line in (b"EXPIRE k x", b"COPY k n DB 99", b"MOVE k 99", b"SORT k STORE n", b"RENAME x k"):
        with pytest.raises(CommandError):
            session.execute(line.split())
    assert server.dirty == dirty
    assert session.execute([b"KEYS", b"*"]) == [b"k"]


@pytest.mark.parametrize("number", [
    "2147483647", "2147483648", "-2147483648", "-2147483649", "99999999999", "9" * 20, "x", "-1",
])
def test_numbers_of_databases(twin: Twin, number: str) -> None:
    twin("SET", "k", "v")
    for key in ("k", "missing"):
        twin("MOVE", key, number)
        twin("COPY", key, "d", "DB", number)
    twin("SELECT", number)


@pytest.mark.parametrize("name", ["DEL", "UNLINK"])
@pytest.mark.parametrize("expiring", [0, 7])
def test_many_keys_at_once(twin: Twin, name: str, expiring: int) -> None:
    """Some twice, some missing, some with a deadline."""
    for number in range(40):
        twin("SET", f"k{number}", "v")
    for number in range(expiring):
        twin("EXPIRE", f"k{number}", 1000)
    twin("RPUSH", "l", "a")
    twin(name, *(f"k{number}" for number in range(0, 60, 2)), "k2", "l", "k38")
    twin("DBSIZE")
    twin("SET", "k38", "again")
    twin("PTTL", "k0")
    twin("SET", "k0", "again")
    twin("PTTL", "k0")
