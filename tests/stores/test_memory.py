"""`MemoryStore`: what is kept over patches, snapshots, and plain data."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis

import fakeredis
from fakeredis.stores import MemoryStore
from fakeredis.testing import contents


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def test_state_outlives_patches(store: MemoryStore) -> None:
    for expected in (1, 2):
        with fakeredis.patch(store):
            assert redis.Redis().incr("n") == expected
            assert redis.Redis(port=7000).incr("n") == expected
    assert fakeredis.FakeServer(store).execute("GET", "n") == b"2"
    assert fakeredis.FakeRedis(store=store).get("n") == b"2"


def test_each_entry_is_fresh_without_a_store() -> None:
    for store in (None, "memory://"):
        for _ in range(2):
            with fakeredis.patch(store):
                assert redis.Redis().incr("n") == 1


def test_one_server_for_each_address(store: MemoryStore) -> None:
    server = fakeredis.FakeServer(store)
    assert fakeredis.FakeServer(store) is server
    assert fakeredis.FakeServer(store, address="other:6379") is not server
    with pytest.raises(ValueError, match=r"redis 8\.2.* another store"):
        fakeredis.FakeServer(store, version="7.0")


def test_a_server_has_its_own_store(store: MemoryStore) -> None:
    with pytest.raises(ValueError, match="not both"):
        fakeredis.patch(store, server=fakeredis.FakeServer())


def test_snapshots(store: MemoryStore) -> None:
    server = fakeredis.FakeServer(store)
    big = b"x" * 100_000
    server.execute("SET", "big", big)
    server.execute("RPUSH", "l", "a")
    server.execute("SET", "t", "1", "EX", "100")
    before, snapshot = contents(server), store.snapshot()
    assert snapshot["localhost:6379"][0].data[b"big"] is server.databases[0].data[b"big"]
    for _ in range(2):
        server.execute("RPUSH", "l", "b")
        server.execute("DEL", "big", "t")
        store.restore(snapshot)
        assert contents(server) == before


PLAIN: dict[str, Any] = {
    "localhost:6379": {
        0: {
            "text": {"type": "string", "value": "h\u00e9"},
            "list": {"type": "list", "value": ["a", "b", "a"]},
            "set": {"type": "set", "value": ["a", "b"]},
            "hash": {"type": "hash", "value": {"f": "v", "g": ""}},
            "zset": {"type": "zset", "value": {"a": -1.5, "b": 2.0}},
            "stream": {"type": "stream", "value": [["1-1", ["f", "v", "f", "w"]]]},
        },
        3: {"soon": {"type": "string", "value": "x", "expires_at": 4102444800.5}},
    },
    "other:6379": {0: {"k": {"type": "string", "value": "v"}}},
}


def test_plain_data_there_and_back(store: MemoryStore) -> None:
    store.load(PLAIN)
    assert store.dump() == PLAIN
    server = fakeredis.FakeServer(store)
    assert server.execute("ZRANGE", "zset", "0", "-1", "WITHSCORES") == [[b"a", -1.5], [b"b", 2.0]]
    assert server.execute("XLEN", "stream") == 1
    json.dumps(store.dump())


def test_what_has_no_plain_form(store: MemoryStore) -> None:
    server = fakeredis.FakeServer(store)
    server.execute("SET", b"\xff", b"\xfe")
    server.execute("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    server.execute("HSET", "h", "f", "v", "g", "w")
    server.execute("HEXPIRE", "h", "1000", "FIELDS", "1", "f")
    before, plain = contents(server), store.dump()
    assert plain["localhost:6379"][0][b"\xff"] == {"type": "string", "value": b"\xfe"}
    assert set(plain["localhost:6379"][0]["s"]) == {"type", "dump"}
    copy = MemoryStore()
    copy.load(plain)
    assert contents(fakeredis.FakeServer(copy)) == before
    assert fakeredis.FakeServer(copy).execute("HTTL", "h", "FIELDS", "2", "f", "g")[1] == -1


def test_data_written_by_hand(store: MemoryStore) -> None:
    store.load({"localhost:6379": {0: {
        "n": {"type": "string", "value": 3, "ttl": 60},
        "z": {"type": "zset", "value": {"a": 1}},
    }}})
    server = fakeredis.FakeServer(store)
    assert server.execute("INCR", "n") == 4
    assert 0 < server.execute("PTTL", "n") <= 60_000


@pytest.mark.parametrize(
    "databases",
    [
        {0: {"k": {"type": "nosuch", "value": 1}}}, {0: {"k": {"value": 1}}}, {0: {"k": 1}},
        {99: {"k": {"type": "string", "value": 1}}}, {0: {"k": {"type": "list", "value": []}}},
        {0: {"k": {"type": "string", "value": None}}}, {0: {"k": {"type": "set", "dump": "00"}}},
    ],
)
def test_data_that_make_no_sense(store: MemoryStore, databases: Any) -> None:
    server = fakeredis.FakeServer(store)
    server.execute("SET", "before", "1")
    with pytest.raises(ValueError, match="no plain data"):
        store.load({"localhost:6379": databases})
    assert server.execute("KEYS", "*") == [b"before"]


@pytest.mark.parametrize("store", [3, b"memory://", object()])
def test_stores_that_are_none(store: Any) -> None:
    with pytest.raises(TypeError, match="a store is"):
        fakeredis.FakeServer(store)


@pytest.mark.parametrize("url", ["nosuch://x", "memory", "memory://x", ""])
def test_urls_that_nobody_knows(url: str) -> None:
    with pytest.raises(ValueError, match="memory://"):
        fakeredis.FakeServer(url)
