"""`fakeredis.parity`: what fake and real server reply is compared, call by call."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

import pytest
import redis
import redis.asyncio

import fakeredis
from fakeredis.stores.parity import compare
from tests.stores.listening import listen_and_go_on

real = pytest.mark.real


@pytest.fixture
def stores(clean_real_url: str) -> list[Any]:
    """The fake, and a database of the real server."""
    return ["memory://", clean_real_url.rpartition("/")[0] + "/3"]


@real
def test_what_is_alike_passes(stores: list[Any]) -> None:
    def test(fake: Any) -> str:
        client = redis.Redis(decode_responses=True)
        client.set("k", "v", ex=100)
        client.hset("h", mapping={"a": 1, "b": 2})
        client.sadd("s", *range(600))
        assert len(client.smembers("s")) == 600
        assert client.ttl("k") in (99, 100)
        assert client.pttl("k") > 90_000
        assert client.hgetall("h") == {"a": "1", "b": "2"}
        with pytest.raises(redis.ResponseError):
            client.incr("k")
        assert sorted(client.scan_iter()) == ["h", "k", "s"]
        assert len(client.info()) > 10
        return "done"

    assert fakeredis.parity(test, stores=stores) == "done"


@real
def test_chance_is_the_same_on_both_sides(stores: list[Any]) -> None:
    def test() -> None:
        client = redis.Redis()
        client.sadd("s", *range(20))
        client.spop("s")
        client.spop("s", 5)
        client.srandmember("s", 3)
        assert len(client.smembers("s")) == 14
        first = client.xadd("x", {"a": 1})
        client.xadd("x", {"a": 2}, id="*", maxlen=10)
        with client.pipeline() as pipe:
            pipe.xadd("x", {"a": 3}).spop("s", 2).scard("s").xlen("x")
            assert pipe.execute()[2:] == [12, 3]
        assert client.xrange("x")[0][0] == first
        client.xgroup_create("x", "g", "0")
        client.xreadgroup("g", "c", {"x": ">"})
        assert client.xpending_range("x", "g", "-", "+", 10)

    fakeredis.parity(test, stores=stores)


def wrong(argv: Any, reply: Any) -> Any:
    """A counterpart that lets the servers drift apart."""
    return [*argv[:2], b"other"] if argv[0] == b"SET" else argv


@real
@pytest.mark.parametrize("swallowed", [False, True])
def test_what_differs_fails(
    stores: list[Any], monkeypatch: pytest.MonkeyPatch, swallowed: bool
) -> None:
    monkeypatch.setattr(
        "fakeredis.stores.parity.store.counterpart",
        lambda name, argv, reply: (wrong(argv, reply), lambda other: other),
    )

    def test() -> None:
        client = redis.Redis()
        client.set("k", "v")
        with contextlib.suppress(Exception) if swallowed else contextlib.nullcontext():
            client.get("k")

    with pytest.raises(fakeredis.ParityError) as caught:
        fakeredis.parity(test, stores=stores)
    text = str(caught.value)
    for part in ("GET k", f"{__file__}:", "b'v'", "b'other'", "SET k v", "memory://", stores[1]):
        assert part in text


@real
def test_waiting(stores: list[Any]) -> None:
    def test() -> None:
        client = redis.Redis()
        timer = threading.Timer(0.1, lambda: redis.Redis().rpush("q", "v"))
        timer.start()
        assert client.blpop("q", 5) == (b"q", b"v")
        timer.join()
        assert client.blpop("q", 0.1) is None
        assert client.llen("q") == 0

    fakeredis.parity(test, stores=stores)


@real
@pytest.mark.parametrize("protocol", [2, 3])
def test_messages(stores: list[Any], protocol: int) -> None:
    def test() -> None:
        client = redis.Redis(protocol=protocol)
        with client.pubsub() as listener:
            listener.subscribe("a", "b")
            assert [listener.get_message(timeout=30)["data"] for _ in "ab"] == [1, 2]
            assert client.publish("a", "x") == 1
            assert listener.get_message(timeout=30)["data"] == b"x"
            listener.unsubscribe()
            assert [listener.get_message(timeout=30)["data"] for _ in "ab"] == [1, 0]

    fakeredis.parity(test, stores=stores)


@real
def test_transactions_that_fail(stores: list[Any]) -> None:
    def test() -> None:
        client, other = redis.Redis(), redis.Redis()
        with client.pipeline() as pipe:
            pipe.watch("k")
            other.set("k", 1)
            pipe.multi()
            pipe.set("k", 2)
            with pytest.raises(redis.WatchError):
                pipe.execute()
        pipe = client.pipeline().lpush("k", 1).get("k")
        assert isinstance(pipe.execute(raise_on_error=False)[0], redis.ResponseError)
        assert client.get("k") == b"1"

    fakeredis.parity(test, stores=stores)


@real
def test_coroutines_and_the_spy(stores: list[Any]) -> None:
    async def test(fake: Any) -> None:
        async with redis.asyncio.Redis() as client:
            await client.set("k", 1)
            await asyncio.gather(*(client.incr("k") for _ in range(5)))
            assert await client.get("k") == b"6"
        fake.assert_command_count(5, "INCRBY")

    fakeredis.parity(test, stores=stores, spy=True)


@real
def test_prefixes_as_well(stores: list[Any]) -> None:
    def test() -> None:
        client = redis.Redis()
        client.lpush("q", 1, 2)
        with client.pipeline() as pipe:
            assert pipe.blpop("q", 1).lmpop(1, "q", direction="LEFT").execute() == [
                (b"q", b"2"), [b"q", [b"1"]]
            ]
        client.set("k", 1)
        assert client.keys() == [b"k"]

    fakeredis.parity(test, stores=[stores[0], stores[1] + "?prefix=p:"])


@pytest.mark.parametrize(("name", "ours", "theirs", "alike"), [
    ("SMEMBERS", [b"a", b"b"], [b"b", b"a"], True),
    ("LRANGE", [b"a", b"b"], [b"b", b"a"], False),
    ("HGETALL", [b"a", b"1", b"b", b"2"], [b"b", b"2", b"a", b"1"], True),
    ("HGETALL", [b"a", b"1", b"b", b"2"], [b"b", b"1", b"a", b"2"], False),
    ("PTTL", 1000, 990, True), ("PTTL", -1, 990, False), ("TTL", 10, 12, False),
    ("GET", b"1", 1, False), ("GET", None, b"", False), ("RANDOMKEY", b"a", b"b", True),
    ("RANDOMKEY", None, b"b", False), ("SRANDMEMBER", [b"a"], [b"b", b"c"], False),
])
def test_what_counts_as_the_same(name: str, ours: Any, theirs: Any, alike: bool) -> None:
    assert compare.same(name, [name.encode()], ours, theirs) is alike


def test_stores_that_make_no_sense() -> None:
    for wrong_ones in ("memory://", ["memory://"]):
        with pytest.raises(ValueError, match="at least two"):
            fakeredis.parity(stores=wrong_ones)


def test_between_two_fakes() -> None:
    def test() -> None:
        redis.Redis().set("k", 1)

    fakeredis.parity(test, stores=["memory://", "memory://"])


@real
@pytest.mark.parametrize("protocol", [2, 3])
def test_connections_that_have_listened(stores: list[Any], protocol: int) -> None:
    with fakeredis.parity(stores=stores):
        listen_and_go_on(protocol)
