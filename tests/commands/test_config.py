"""CONFIG against the real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakeredis.engine.core.config import HIDDEN, parameters
from tests.support.engines import Server

if TYPE_CHECKING:
    from tests.support.twin import Twin

# What would cut the real server off, or depends on its machine or on how the tests started it.
DANGEROUS = {"bind", "port", "tls-port", "maxclients", "locale-collate", "requirepass"}
STARTED_WITH = {"save", "bind", "port", "dir", "logfile", "enable-debug-command"}
VALUES = [
    "", "0", "1", "-1", "5", "100", "2147483648", "4294967296", "9223372036854775807",
    "9223372036854775808", "18446744073709551615", "1.5", " 5", "+5", "05", "1k", "5KB", "2Mb",
    "1g", "b", "1tb", "5%", "101%", "-1%", "%", "yes", "NO", "no-such-value", "everysec", "1 2 3",
    "a b c", "\xff",
]


def names() -> list[str]:
    real, aliases = parameters()
    return sorted({*real, *aliases})


def test_all_names_and_defaults(twin: Twin) -> None:
    real = twin.wire.call(b"CONFIG", b"GET", b"*")
    pairs = real if isinstance(real, dict) else dict(zip(real[::2], real[1::2], strict=True))
    server = twin.server
    assert {name.decode() for name in pairs} == set(names()) - HIDDEN
    for name in names():
        if name in HIDDEN:
            twin("CONFIG", "GET", name)
        elif name not in STARTED_WITH:
            assert server.config.text(name).encode() == pairs[name.encode()], name


@pytest.mark.parametrize("name", [name for name in names() if name not in DANGEROUS])
def test_values(twin: Twin, name: str) -> None:
    """Each odd value is answered alike, and what was set is shown alike."""
    if twin.resp3:
        pytest.skip("nothing here depends on the protocol")
    twin.configured = True
    for value in VALUES:
        if name.startswith("tls-") and name != "tls-session-caching":
            break  # this server is built without TLS
        reply = twin("CONFIG", "SET", name, value)
        if reply == b"OK":
            twin("CONFIG", "GET", name)


SPECIAL = {
    "save": ["900 1", "900 1 300 10", "900", "a b", "0 1", "1 -1", "1 0", "900  1", "-1 1",
             "1 1 a"],
    "notify-keyspace-events": ["gKE$", "AKE", "oK", "KEcon", "KEAoc", "g$lshzxetdKEmn",
                               "mn", "tdxelshzgnmEK", "Q", "KEA", "gEn"],
    "client-output-buffer-limit": ["pubsub 1 2 3", "foo 1 2 3", "slave 1mb 2mb 3", "normal 1 2",
                                   "normal a 2 3", "normal 1 2 a", "normal 1 2 -3", "master 1 2 3",
                                   "replica 1 2 3 normal 4 5 6", "NORMAL 1 2 3"],
    "oom-score-adj-values": ["1 2", "1 2 3", "1 2 a", "3 2 1", "1 2 3000", "1 2 2000", "1 2 "],
    "latency-tracking-info-percentiles": ["50 99", "a", "101", "50.5 100 0", "-1", "50 nan", "1e1",
                                          "1 2 3 4 5 6 7"],
    "proc-title-template": ["{title} {foo}", "{title} {listen-addr} {port}"],
    "cluster-announce-hostname": ["a b", "a_b", "a-b.c"],
    "cluster-announce-human-nodename": ["a b", "a$b", "a b_c-d.e"],
    "hz": ["501", "1000", "2147483647"],
    "maxmemory-policy": ["ALLKEYS-LRU", "volatile-ttl", "lru"],
    "loglevel": ["DEBUG", "nothing", "x"],
}


@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(twin: Twin, name: str) -> None:
    for value in SPECIAL[name]:
        twin("CONFIG", "SET", name, value)
        if name not in ("save", "client-output-buffer-limit") or twin.resp3:
            twin("CONFIG", "GET", name)


@pytest.mark.parametrize("words", [
    "", "a", "a b", "a b c", "maxmemory 1mb maxmemory 2mb", "foo 1 bar 2", "maxmemory 1 foo 2",
    "maxmemory abc foo 2", "databases 3 maxmemory abc", "maxmemory abc databases 3",
    "dir x databases 3", "maxmemory abc hz abc", "MAXMEMORY abc", "hz 5 HZ 6", "databases 3 foo 1",
    "foo 1 databases 3", "maxmemory 1 maxmemory 2 foo 3", "slave-priority 5 replica-priority 6",
    "maxmemory 5 timeout abc", "hash-max-ziplist-entries 7", "timeout 5 maxmemory 7mb",
])
def test_all_or_nothing(twin: Twin, words: str) -> None:
    twin("CONFIG", "SET", *words.split())
    for name in ("maxmemory", "hz", "replica-priority", "hash-max-listpack-entries", "timeout"):
        twin("CONFIG", "GET", name)


@pytest.mark.parametrize("patterns", [
    "maxmemory", "MAXMEMORY", "maxmem*", "MAXMEM*", "*", "hash-* zset-*", "maxmemory maxmem*",
    "nothing", "slave-read-only replica-read-only", "[m]axmemory", "max[memory", "m?xmemory", "",
    "maxmemory MAXMEMORY", "*ziplist*",
])
def test_patterns(twin: Twin, patterns: str) -> None:
    words = patterns.split() or [""]
    fake = twin.fake.execute([word.encode() for word in ("CONFIG", "GET", *words)])
    real = twin.wire.call(*[word.encode() for word in ("CONFIG", "GET", *words)])
    if not twin.resp3:
        fake, real = (dict(zip(flat[::2], flat[1::2], strict=True)) for flat in (fake, real))
    for name in STARTED_WITH:
        fake.pop(name.encode(), None)
        real.pop(name.encode(), None)
    assert fake == real


def test_other_subcommands(twin: Twin) -> None:
    for line in ("CONFIG", "CONFIG FOO", "CONFIG GET", "CONFIG RESETSTAT", "CONFIG RESETSTAT a",
                 "CONFIG REWRITE", "CONFIG SET maxmemory"):
        twin(*line.split())
    first = twin.fake.execute([b"CONFIG", b"HELP"])[0]
    assert first == twin.wire.call(b"CONFIG", b"HELP")[0]


def test_limits_of_encodings(twin: Twin) -> None:
    twin("CONFIG", "SET", "hash-max-listpack-entries", 2, "zset-max-ziplist-entries", 2)
    twin("CONFIG", "SET", "set-max-intset-entries", 2, "set-max-listpack-entries", 3)
    twin("CONFIG", "SET", "list-max-listpack-size", 2)
    twin("HSET", "h", "a", 1, "b", 2, "c", 3)
    twin("ZADD", "z", 1, "a", 2, "b", 3, "c")
    twin("SADD", "i", 1, 2, 3)
    twin("SADD", "s", "a", "b", "c", "d")
    twin("RPUSH", "l", "a", "b", "c")


def test_notifications_can_be_switched(twin: Twin) -> None:
    twin("SET", "k", 1)
    twin("CONFIG", "SET", "notify-keyspace-events", "KEA")
    assert twin.server.notify_flags
    assert all(db.observed for db in twin.server.databases.values())
    twin("SELECT", 3)
    assert twin.server.database(3).observed
    twin("CONFIG", "SET", "notify-keyspace-events", "")
    if twin.server.store_sync is None:  # a store hears of every change
        assert not any(db.observed for db in twin.server.databases.values())


def test_servers_do_not_share_changes() -> None:
    one, other = Server(), Server()
    one.session().execute(b"CONFIG SET requirepass x hash-max-listpack-value 1".split())
    assert (one.config.requirepass, other.config.requirepass) == ("x", "")
    assert (one.limits.hash_max_listpack_value, other.limits.hash_max_listpack_value) == (1, 64)


def test_number_of_databases() -> None:
    server = Server()
    server.config.override("databases", "2")
    session = server.session()
    assert session.execute([b"SELECT", b"1"]) == b"OK"
    assert session.execute([b"CONFIG", b"GET", b"databases"]) == [b"databases", b"2"]
    with pytest.raises(Exception, match="out of range"):
        session.execute([b"SELECT", b"2"])
