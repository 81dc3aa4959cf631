"""A store with a prefix: clients see nothing of it, and nothing of what others keep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

import fakeredis
from fakeredis.stores import RedisStore

pytestmark = pytest.mark.real


@pytest.fixture(params=["app:", "a[b]?"])
def store(request: pytest.FixtureRequest, clean_real_url: str) -> RedisStore:
    """A store with a prefix on a server that holds a foreign key."""
    with redis.Redis.from_url(clean_real_url) as client:
        client.mset({"foreign": "1", "app": "2", "abc": "3"})
    return RedisStore(clean_real_url, prefix=request.param)


@pytest.fixture
def servers(store: RedisStore) -> Iterator[list[fakeredis.FakeServer]]:
    """One in memory, and one with the store."""
    pair = [fakeredis.FakeServer(), fakeredis.FakeServer(store)]
    yield pair
    store.clear()
    store.close()


SCRIPT = "redis.call('set', KEYS[1], ARGV[1]) return redis.call('get', KEYS[1])"
COMMANDS = """
    SET s 1 | GET s | MSET a 1 b 2 | MGET a b s | DEL a nope | EXISTS a b | RENAME b c | TYPE c
    RPUSH l 3 1 2 | LMOVE l m LEFT RIGHT | BLPOP x l 1 | LMPOP 2 x l LEFT | BLMPOP 1 1 l RIGHT
    SADD s1 a b | SADD s2 b c | SINTERSTORE s3 s1 s2 | SMEMBERS s3 | SINTERCARD 2 s1 s2
    ZADD z 1 a 2 b 3 c 4 d | ZMPOP 1 z MIN | BZPOPMIN y z 1 | BZMPOP 1 2 y z MAX | ZUNIONSTORE u 1 z
    XADD x1 1-1 f v | XREAD STREAMS x1 0 | XGROUP CREATE x1 g 0 | XREADGROUP GROUP g c STREAMS x1 >
    XREADGROUP GROUP nope c STREAMS x1 > | XINFO GROUPS x1 | XACK x1 g 1-1 | XLEN x1
    SCRIPT_EVAL | FLUSHED | KEYS * | DBSIZE | RANDOMKEY | SET only 1 | RANDOMKEY | KEYS o* | DBSIZE
    SET w_1 5 | SET w_2 4 | SET d_1 one | SET d_2 two | RPUSH ids 1 2
    SORT ids BY w_* GET d_* GET #
    SORT ids BY w_* GET d_* STORE out | LRANGE out 0 -1 | COPY out out2 | OBJECT ENCODING out2
    GEOADD g 1 1 p | GEORADIUS g 1 1 10 km STORE gout | EXISTS gout | PFADD h 1 | PFCOUNT h h
    BITOP NOT bits s | HSET hash f v | HGETALL hash | HSCAN hash 0 MATCH f* | EXPIRE only 100
    MULTI | SET t 1 | BLPOP x l 1 | RANDOMKEY_NO | EXEC | WATCH t | MULTI | GET t | DBSIZE | EXEC
    MULTI | NOPE | EXEC | GET | CONFIG GET maxmemory | COMMAND GETKEYS GET k | SUBSTR d_1 0 1
    LPOP s | OBJECT FREQ nope | DUMP nope | TOUCH only d_1 | UNLINK d_1 d_2 | MOVE only 1
    SELECT 1 | GET only | DBSIZE | FLUSHALL | SELECT 0 | DBSIZE
"""


def test_commands(servers: list[fakeredis.FakeServer], store: RedisStore) -> None:
    for line in filter(None, (line.strip() for line in COMMANDS.replace("|", "\n").split("\n"))):
        words = line.split()
        if words[0] == "SCRIPT_EVAL":
            words = ["EVAL", SCRIPT, "1", "scripted", "v"]
        elif words[0] == "FLUSHED":
            words = ["FLUSHDB"]
        replies = [_reply(server, words) for server in servers]
        assert replies[0] == replies[1], line
    with redis.Redis.from_url(store.name) as client:
        assert sorted(client.keys()) == [b"abc", b"app", b"foreign"]


def _reply(server: fakeredis.FakeServer, words: list[str]) -> Any:
    try:
        reply = server.execute(*words)
    except Exception as error:
        return repr(error)
    return sorted(reply) if words[0] in ("KEYS", "SMEMBERS") else reply


def test_scan_sees_ours_alone(servers: list[fakeredis.FakeServer]) -> None:
    with servers[1].client() as client:
        client.mset({f"k{number}": number for number in range(50)})
        assert sorted(client.scan_iter()) == sorted(f"k{number}".encode() for number in range(50))
        assert list(client.scan_iter("k7")) == [b"k7"]


@pytest.mark.parametrize("protocol", [2, 3])
def test_channels(servers: list[fakeredis.FakeServer], store: RedisStore, protocol: int) -> None:
    with servers[1].client(protocol=protocol) as client, client.pubsub() as listener:
        listener.subscribe("news")
        listener.psubscribe("n?w*")
        for kind, name in ((b"subscribe", b"news"), (b"psubscribe", b"n?w*")):
            message = listener.get_message(timeout=30)
            assert (message["type"].encode(), message["channel"]) == (kind, name)
        assert client.pubsub_channels() == [b"news"]
        assert client.pubsub_numsub("news", "olds") == [(b"news", 1), (b"olds", 0)]
        assert client.publish("news", "x") == 2
        messages = [listener.get_message(timeout=30) for _ in range(2)]
        assert [(each["channel"], each["data"]) for each in messages] == [(b"news", b"x")] * 2
        assert messages[1]["pattern"] == b"n?w*"
    with redis.Redis.from_url(store.name) as other:
        assert other.publish("news", "x") == 0


def test_events_of_keys(servers: list[fakeredis.FakeServer], store: RedisStore) -> None:
    with redis.Redis.from_url(store.name) as other:
        other.config_set("notify-keyspace-events", "KEA")
        with servers[1].client() as client, client.pubsub() as listener:
            listener.psubscribe("__key*__:*")
            listener.subscribe("__keyspace@0__:k", "__keyevent@0__:del")
            for _ in range(3):
                listener.get_message(timeout=30)
            other.set("k", 1)
            client.set("k", 1)
            client.delete("k")
            other.delete("k")
            heard = set()
            while message := listener.get_message(timeout=30 if len(heard) < 4 else 0.01):
                heard.add((message["channel"], message["data"]))
            assert heard == {
                (b"__keyspace@0__:k", b"set"), (b"__keyevent@0__:set", b"k"),
                (b"__keyspace@0__:k", b"del"), (b"__keyevent@0__:del", b"k"),
            }
        other.config_set("notify-keyspace-events", "")
