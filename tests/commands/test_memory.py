"""Memory and the use of keys, against the real server: sizes, maxmemory, idle times."""

from __future__ import annotations

import random
import shlex
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from fakeredis.errors import CommandError
from tests.support.engines import Server
from tests.support.twin import fake_reply

if TYPE_CHECKING:
    from tests.support.twin import Twin

POLICIES = ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "allkeys-lru",
            "allkeys-lfu", "allkeys-random", "noeviction"]


def run(twin: Twin, script: str) -> None:
    for line in script.strip().splitlines():
        twin(*shlex.split(line))


def with_server(**config: str) -> tuple[Server, Any]:
    """A server, and a function that calls it with a line."""
    server = Server()
    for name, value in config.items():
        server.config.override(name.replace("_", "-"), value)
    session = server.session()

    def call(line: str) -> Any:
        try:
            return session.execute([word.encode() for word in shlex.split(line)])
        except CommandError as error:
            return str(error)

    return server, call


# Sizes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 8, 9, 24, 39, 40, 41, 44, 60, 100, 500, 5000, 100_000])
def test_size_of_strings(twin: Twin, size: int) -> None:
    twin("SET", "k", "v" * size)
    twin("MEMORY", "USAGE", "k")
    twin("EXPIRE", "k", 1000)
    twin("SET", "k" * 31, "v" * size, "EX", 1000)
    twin("MEMORY", "USAGE", "k" * 31)


def test_size_of_small_values(twin: Twin) -> None:
    for key in ("k", "k" * 20, "k" * 31, "k" * 60):
        twin("SET", key, "v")
        twin("MEMORY", "USAGE", key, "SAMPLES", 0)
        twin("SET", key, 12345)
        twin("MEMORY", "USAGE", key)
    for count in (1, 2, 5, 10, 50, 100, 128):
        words = [f"v{at}" for at in range(count)]
        twin("DEL", "l", "s", "n", "h", "z", "a")
        twin("RPUSH", "l", *words)
        twin("SADD", "s", *words)
        twin("SADD", "n", *range(count))
        twin("HSET", "h", *(part for word in words for part in (word, word)))
        twin("ZADD", "z", *(part for at, word in enumerate(words) for part in (at, word)))
        twin("APPEND", "a", "v" * count)
        for key in "lsnhza":
            twin("MEMORY", "USAGE", key)


def test_size_of_big_values(twin: Twin) -> None:
    """Estimates stay within what the real ones vary by."""
    for count in (200, 1000):
        for size in (3, 20, 100):
            words = [f"{at:0{size}}x" for at in range(count)]
            twin("DEL", "l", "s", "h", "z")
            twin("RPUSH", "l", *words)
            twin("SADD", "s", *words)
            twin("HSET", "h", *(part for word in words for part in (word, word)))
            twin("ZADD", "z", *(part for at, word in enumerate(words) for part in (at, word)))
            for key in "lshz":
                real = twin.wire.call(b"MEMORY", b"USAGE", key.encode(), b"SAMPLES", b"0")
                twin.near("MEMORY", "USAGE", key, tolerance=real * 0.4)


def test_memory_usage_called_badly(twin: Twin) -> None:
    run(twin, """
        SET k v
        MEMORY USAGE none
        MEMORY USAGE none SAMPLES x
        MEMORY USAGE k SAMPLES
        MEMORY USAGE k SAMPLES x
        MEMORY USAGE k SAMPLES -1
        MEMORY USAGE k FOO 1
        MEMORY USAGE k SAMPLES 0
        MEMORY PURGE
    """)


def test_info_grows() -> None:
    server, call = with_server()

    def used() -> int:
        fields = dict(line.split(":") for line in call("INFO memory").decode().split("\r\n")[1:-1])
        assert int(fields["used_memory_peak"]) >= int(fields["used_memory"])
        return int(fields["used_memory"])

    empty = used()
    call("SET k " + "v" * 100_000)
    assert 100_000 < used() - empty < 120_000
    server.config.override("maxmemory", "10mb".replace("mb", "000000"))
    assert 100_000 < used() - empty < 120_000
    call("FLUSHALL")
    assert used() == empty


# maxmemory --------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", [
    "SET a 1\nGET k\nSET\nLPOP l\nINCR n\nEXPIRE k 10\nPING\nDEL k\nNOSUCH\nXADD s * a b",
    "MULTI\nSET a 1\nGET k\nEXEC",
    "MULTI\nGET k\nDEL l\nEXEC\nMULTI\nDISCARD",
    "CONFIG SET maxmemory 0\nSET a 1\nCONFIG SET maxmemory 1\nSET b 1",
    ("CONFIG SET maxmemory-policy volatile-lru\nSET a 1\nCONFIG SET maxmemory-policy volatile-ttl\n"
    "SET a 1"),
])
def test_no_room(twin: Twin, script: str) -> None:
    run(twin, "SET k v\nRPUSH l 1 2\nCONFIG RESETSTAT\nCONFIG SET maxmemory 1")
    run(twin, script)
    twin("INFO", "errorstats")


@pytest.mark.parametrize("body", [
    "return redis.call('set', 'a', 'b')", "return redis.pcall('set', 'a', 'b')",
    "return redis.call('get', 'k')", "redis.call('del', 'k') return redis.call('set', 'a', 'b')",
])
@pytest.mark.parametrize("flags", [None, "", "no-writes", "allow-oom"])
def test_scripts_without_room(twin: Twin, body: str, flags: str | None) -> None:
    listed = f"'{flags}'" if flags else ""
    code = f"callback=function() {body} end, flags={{{listed}}}"
    code = f"#!lua name=l\nredis.register_function{{function_name='f', {code}}}"
    twin("FUNCTION", "LOAD", code)
    run(twin, "SET k v\nCONFIG SET maxmemory 1")
    for command in ("EVAL", "EVAL_RO"):
        twin(command, body if flags is None else f"#!lua flags={flags}\n{body}", 0)
    for command in ("FCALL", "FCALL_RO"):
        twin(command, "f", 0)
    twin("FUNCTION", "LOAD", "x")


def test_a_transaction_that_no_longer_fits(twin: Twin) -> None:
    run(twin, "MULTI\nSET a 1\nGET a")
    twin.session()("CONFIG", "SET", "maxmemory", 1)
    twin("EXEC")


def test_blocked_writers_go_on(twin: Twin) -> None:
    twin("RPUSH", "l", 1)
    twin("CONFIG", "SET", "maxmemory", 1)
    twin("LMOVE", "l", "m", "LEFT", "LEFT")
    twin("RPOP", "l")


def filled(policy: str) -> tuple[Server, Any]:
    """Fifty keys with a deadline (the later ones sooner), fifty without; room for no more."""
    server, call = with_server(maxmemory_policy=policy)
    server.clock.freeze(1_000_000.0)
    for at in range(50):
        call(f"SET t{at} {'v' * 1000} EX {5000 - 10 * at}")
        call(f"SET k{at} {'v' * 1000}")
        server.clock.advance(1.0)
    from fakeredis.engine.features import memory

    server.config.override("maxmemory", str(memory.used(server)))
    return server, call


@pytest.mark.parametrize("policy", POLICIES)
def test_who_is_evicted(policy: str) -> None:
    server, call = filled(policy)
    for key in ("t0", "k0", "t1"):
        assert len(call(f"GET {key}")) == 1000
    before = set(server.database(0).data)
    replies = [call(f"SET n{at} {'v' * 1000}") for at in range(10)]
    now = server.database(0).data
    gone = before - set(now)
    if policy == "noeviction":
        assert not gone
        assert all(reply.startswith("OOM") for reply in replies[1:])
        return
    assert server.statistics.evicted >= 9
    if not policy.endswith("random"):  # which may choose one of the new keys
        assert len(gone) == server.statistics.evicted
    assert all(reply == b"OK" for reply in replies)
    if policy.startswith("volatile"):
        assert all(key.startswith(b"t") for key in gone)
    if policy == "volatile-ttl":
        assert gone <= {b"t%d" % at for at in range(40, 50)}
    elif not policy.endswith("random"):
        assert not gone & {b"t0", b"k0", b"t1"}
    if policy.endswith("lru"):
        kinds = b"t" if policy.startswith("volatile") else b"tk"
        order = [b"%c%d" % (kind, at) for at in range(50) for kind in kinds]
        order = [key for key in order if key not in (b"t0", b"k0", b"t1")]
        assert gone == set(order[: len(gone)])


def test_eviction_is_told(twin: Twin) -> None:
    twin("CONFIG", "SET", "notify-keyspace-events", "Ee", "maxmemory-policy", "allkeys-lru")
    twin("SET", "k", "v")
    twin("WATCH", "k")
    listener = twin.session()
    listener("SUBSCRIBE", "__keyevent@0__:evicted")
    listener.reply()
    twin("CONFIG", "SET", "maxmemory", 1)
    listener.reply()
    twin("DBSIZE")
    run(twin, "CONFIG SET maxmemory 0\nMULTI\nPING\nEXEC")
    fake = twin.fake.execute([b"INFO", b"stats"])
    assert b"evicted_keys:1\r\n" in fake


def test_config_set_makes_room() -> None:
    server, call = filled("allkeys-lru")
    call(f"CONFIG SET maxmemory {server.config.maxmemory - 50_000}")
    assert 45 <= server.statistics.evicted <= 55
    assert b"t0" not in server.database(0).data
    call("CONFIG SET maxmemory 1")
    assert call("DBSIZE") == 0


def test_expired_and_moved_keys_are_no_longer_counted() -> None:
    server, call = with_server(maxmemory="10000000")
    from fakeredis.engine.features import memory

    empty = memory.used(server)
    for line in (
        "SET a 1 PX 10", "RPUSH l 1 2 3", "RENAME l m", "COPY m n", "MOVE n 1", "HSET h f v",
        "SWAPDB 0 1", "SELECT 1", "DEL m h", "SELECT 0", "LPOP n 3", "FLUSHDB",
    ):
        call(line)
    server.advance(1)
    assert memory.used(server) == empty


# The use of keys --------------------------------------------------------------------------------


def test_idle_time_follows_the_clock() -> None:
    server, call = with_server()
    call("SET k v")
    call("SET j v")
    server.advance(100)
    assert call("OBJECT IDLETIME k") == 100
    call("GET k")
    server.advance(20)
    assert (call("OBJECT IDLETIME k"), call("OBJECT IDLETIME j")) == (20, 120)
    call("SET new v")
    assert call("OBJECT IDLETIME new") == 0
    assert call("TOUCH j k nosuch") == 2
    assert call("OBJECT IDLETIME j") == 0
    call("SWAPDB 0 1")
    call("SELECT 1")
    server.advance(5)
    assert call("OBJECT IDLETIME k") == 5


USES = """
    GET k; SET k v; GETEX k; STRLEN k; APPEND k x; TYPE k; EXISTS k; TTL k; PTTL k; EXPIRETIME k
    DUMP k; TOUCH k; OBJECT ENCODING k; OBJECT REFCOUNT k; MEMORY USAGE k; EXPIRE k 100; PERSIST k
    MGET k; MSETNX k 1; SETNX k 1; GETRANGE k 0 1; SETRANGE k 0 x; INCR k; LPUSH k x; LLEN k
    WATCH k; SCAN 0; KEYS *; RANDOMKEY; DBSIZE; COPY k other; RENAMENX k k; MOVE k 0; LCS k k
    GETBIT k 0; BITCOUNT k; SETBIT k 0 1; PFCOUNT k; SORT k; SORT l BY nosort GET k; UNLINK none k2
    EXPIRE k 100 NX; PEXPIREAT k 1 XX; SUBSTR k 0 1; GETSET k w; SINTERCARD 1 k; RESTORE k 0 x
    SET from v; COPY from k; RENAMENX from k; SMOVE k none a; PFMERGE k none; ZUNIONSTORE none 1 k
"""


@pytest.mark.parametrize("no_touch", [False, True])
def test_what_uses_a_key(twin: Twin, no_touch: bool) -> None:
    payload = twin.wire.call(b"SET", b"k", b"1") and twin.wire.call(b"DUMP", b"k")
    twin("CLIENT", "NO-TOUCH", "ON") if no_touch else None
    for line in USES.replace("\n", ";").split(";"):
        if not line.split():
            continue
        twin("RESTORE", "k", 0, payload, "REPLACE", "IDLETIME", 5000)
        fake = twin.fake
        words = [word.encode() for word in line.split()]
        fake_reply(fake, words)
        twin.wire.call(*words)
        idle = [
            int(ask or -1) >= 5000
            for ask in (
                fake.execute([b"OBJECT", b"IDLETIME", b"k"]),
                twin.wire.call(b"OBJECT", b"IDLETIME", b"k"),
            )
        ]
        assert idle[0] == idle[1], line
        twin("UNWATCH")
        twin("DEL", "other")


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves `time.time` ahead, as tools for tests do."""
    real, ahead = time.time, [0.0]
    monkeypatch.setattr("time.time", lambda: real() + ahead[0])
    return lambda seconds: ahead.__setitem__(0, ahead[0] + seconds)


def test_what_used_a_key_before_anybody_asked(later: Callable[[float], None]) -> None:
    """As it is where somebody has asked already, which `test_what_uses_a_key` compares."""
    for line in USES.replace("\n", ";").split(";"):
        idle = []
        for asks_before in (False, True):
            _, call = with_server()
            call("SET k 1")
            if asks_before:
                assert call("OBJECT IDLETIME k") == 0
            later(5000)
            if line.split():
                call(line)
            idle.append(call("OBJECT IDLETIME k"))
        assert idle in ([0, 0], [5000, 5000], [None, None]), line


def test_idle_time_of_what_was_used_before_the_first_question(
    later: Callable[[float], None]
) -> None:
    _, call = with_server()
    for line in ("SET k v", "RPUSH l 1 2", "HSET h f v", "SET gone v", "DEL gone"):
        call(line)
    later(60)
    for line in ("LLEN l", "TTL k", "EXISTS k", "SET new v", "RENAME h hash"):
        call(line)
    later(7)
    assert [call(f"OBJECT IDLETIME {key}") for key in ("k", "l", "hash", "new", "gone")] == [
        67, 7, 7, 7, None
    ]


_LIVES = ("SET {} v", "SETRANGE {} 3 v", "GET {}", "DEL {}", "RENAME {} other", "SWAPDB 0 1",
          "COPY {} copy", "DEL a b c d e f g h i j k l m n o p", "SET {} v PX 300", "FLUSHDB")


def test_idle_time_of_keys_made_in_any_order(later: Callable[[float], None]) -> None:
    """As it is where each use of a key has been noted by itself."""
    for seed in range(60):
        dice = random.Random(seed)
        _, quiet = with_server()
        _, noted = with_server()
        noted("OBJECT IDLETIME k")
        for _ in range(60):
            kind = dice.choices(_LIVES, (12, 3, 3, 8, 2, 1, 2, 1, 1, 0.2))[0]
            line = kind.format(dice.choice("abcdefghijklmnop"))
            for call in (quiet, noted):
                call(line)
            later(dice.choice((0, 0, 0, 0.5, 7)))
        asked = [*"abcdefghijklmnop", "other", "copy"]
        idle = [[call(f"OBJECT IDLETIME {key}") for key in asked] for call in (quiet, noted)]
        for one, two in zip(*idle, strict=True):
            assert one == two or abs(one - two) <= 1, (seed, idle)


def test_idle_time_across_moves_of_the_clock(later: Callable[[float], None]) -> None:
    server, call = with_server()
    call("SET k v")
    later(60)
    call("SET l v")
    server.advance(30)
    call("SET m v")
    server.freeze(server.now() + 5)
    later(1000)
    server.advance(2)
    assert [call(f"OBJECT IDLETIME {key}") for key in "klm"] == [97, 37, 7]


def test_idle_time_where_nobody_wants_to_be_noted(later: Callable[[float], None]) -> None:
    _, call = with_server()
    call("SET k v")
    call("CLIENT NO-TOUCH ON")
    later(60)
    call("GET k")
    assert call("OBJECT IDLETIME k") == 60


def test_idle_time_of_sessions(later: Callable[[float], None]) -> None:
    server, call = with_server()
    other = server.session()
    later(10)
    other.execute([b"PING"])
    later(5)
    assert b" idle=5 " in call(f"CLIENT LIST ID {other.id}")
    server.advance(20)
    assert b" idle=25 " in call(f"CLIENT LIST ID {other.id}")
    other.execute([b"PING"])
    assert b" idle=0 " in call(f"CLIENT LIST ID {other.id}")


def test_restored_use(twin: Twin) -> None:
    payload = twin.wire.call(b"SET", b"k", b"1") and twin.wire.call(b"DUMP", b"k")
    twin("RESTORE", "k", 0, payload, "REPLACE", "IDLETIME", 1000)
    twin.near("OBJECT", "IDLETIME", "k", tolerance=1)
    twin("RESTORE", "k", 0, payload, "REPLACE", "FREQ", 100)
    run(twin, "OBJECT IDLETIME k\nOBJECT FREQ k\nOBJECT IDLETIME none\nOBJECT FREQ none")
    twin("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
    twin("RESTORE", "k", 0, payload, "REPLACE", "FREQ", 100)
    run(twin, "OBJECT FREQ k\nOBJECT IDLETIME k\nOBJECT FREQ none\nOBJECT IDLETIME none")
    twin("RESTORE", "k", 0, payload, "REPLACE", "IDLETIME", 100)
    run(twin, "OBJECT FREQ k\nSET new v\nOBJECT FREQ new\nGET new\nOBJECT FREQ new")
    run(twin, "CONFIG SET lfu-log-factor 0\nSET new v\nOBJECT FREQ new\nGET new\nOBJECT FREQ new")
    run(twin, "INCR k\nINCR k\nOBJECT FREQ k\nEXISTS k\nTYPE k\nOBJECT FREQ k\nDEL k\nSET k 1")
    run(twin, "OBJECT FREQ k\nMULTI\nGET k\nGET k\nEXEC\nOBJECT FREQ k")


def test_frequency_grows_slowly_and_decays() -> None:
    server, call = with_server(maxmemory_policy="allkeys-lfu")
    server.clock.freeze(6000.0)
    server.random.seed(1)
    call("SET k v")
    for _ in range(1000):
        call("GET k")
    grown = call("OBJECT FREQ k")
    assert 15 <= grown <= 30  # the documented example: 18 after a thousand hits
    server.advance(180)
    assert call("OBJECT FREQ k") == grown - 3
    call("CONFIG SET lfu-decay-time 0")
    assert call("OBJECT FREQ k") == grown


# Scripts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [
    "return redis.call('set', 'a', '1')", "#!lua\nreturn redis.call('set', 'a', '1')",
    "#!lua\nreturn 1", "#!lua flags=allow-oom\nreturn redis.call('set', 'a', '1')",
    "#!lua flags=no-writes\nreturn redis.call('get', 'a')", "return redis.call('get', 'a')",
    "return redis.pcall('set', 'a', '1')", "redis.call('del', 'a') return redis.call('incr', 'a')",
    "redis.call('get', 'a') return redis.call('set', 'a', '1')", "return 1",
])
def test_scripts_and_queues_without_room(twin: Twin, source: str) -> None:
    twin("SET", "a", 5)
    for _ in range(2):
        twin("EVAL", source, 0)
        twin("CONFIG", "SET", "maxmemory", 1)
    twin("EVAL", source, 0)
    twin("MULTI")
    twin("EVAL", source, 0)
    twin("EXEC")
