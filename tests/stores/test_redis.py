"""`RedisStore`: everything above it works alike, and what others have on the server stays."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import redis
import redis.asyncio

import fakeredis
from fakeredis.stores import RedisStore, StoreError

pytestmark = pytest.mark.real


@pytest.fixture
def url(clean_real_url: str) -> Iterator[str]:
    """A store's URL: database 5 of the emptied real server."""
    yield clean_real_url.rpartition("/")[0] + "/5"
    assert not [each for each in threading.enumerate() if each.name == "fakeredis-upstream"]


def test_commands_run_there(url: str, real: redis.Redis) -> None:
    with fakeredis.patch(store=url) as fake:
        client = redis.Redis(decode_responses=True)
        assert client.set("k", "v") is True
        assert client.get("k") == "v"
        assert client.info("server")["tcp_port"] == int(url.rpartition(":")[2].split("/")[0])
        assert real.info("keyspace")["db5"]["keys"] == 1
        assert redis.Redis("other", 7000).get("k") == b"v"  # all addresses share it
        assert fake.client(decode_responses=True).get("k") == "v"
    assert "db5" not in real.info("keyspace")


def test_the_spy_records_as_ever(url: str) -> None:
    with fakeredis.patch(store=url, spy=True) as fake:
        client = redis.Redis()
        client.set("k", "v", ex=10)
        with client.pipeline() as pipe:
            pipe.incr("n").get("k")
            pipe.execute()
        with pytest.raises(redis.ResponseError):
            client.incr("k")
    fake.assert_called_command_once("SET k v EX 10")
    fake.assert_command_order("MULTI", "INCR n", "GET k", "EXEC")
    fake.assert_ttl("k", at_most=10)
    assert [call.reply for call in fake.spy.matching("GET k")] == [b"v"]
    assert "not an integer" in str(fake.calls[-1].error)
    assert fake.calls[0].where.filename == __file__


def test_faults(url: str) -> None:
    with fakeredis.patch(store=url) as fake:
        client = redis.Redis(retry=None)
        fake.fail_next("MISCONF no disk", "SET")
        with pytest.raises(redis.ResponseError, match="MISCONF"):
            client.set("k", 1)
        assert client.exists("k") == 0
        fake.fail_next(redis.TimeoutError, "SET")
        with pytest.raises(redis.TimeoutError):
            client.set("k", 1)
        fake.down()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        fake.up()
        assert client.ping()


def test_a_fault_inside_of_a_transaction_aborts_it(url: str) -> None:
    with fakeredis.patch(store=url, spy=True) as fake:
        client = redis.Redis()
        fake.fail_next("OOM no memory", "INCRBY")
        pipe = client.pipeline().set("k", 1).incr("k")
        with pytest.raises(redis.ResponseError, match="no memory"):
            pipe.execute()
        assert client.exists("k") == 0


def test_blocking_commands_hold_nobody(url: str) -> None:
    with fakeredis.patch(store=url):
        client = redis.Redis()
        timer = threading.Timer(0.1, lambda: redis.Redis().rpush("q", "v"))
        timer.start()
        assert client.blpop("q", 5) == (b"q", b"v")
        timer.join()
        assert client.blpop("q", 0.05) is None

        async def both() -> object:
            async with redis.asyncio.Redis() as one, redis.asyncio.Redis() as two:
                waiting = asyncio.create_task(one.blpop("q", 5))
                await asyncio.sleep(0.05)
                await two.rpush("q", "w")
                return await waiting

        assert asyncio.run(both()) == (b"q", b"w")


@pytest.mark.parametrize("protocol", [2, 3])
def test_messages(url: str, protocol: int) -> None:
    with fakeredis.patch(store=url):
        client = redis.Redis(protocol=protocol)
        with client.pubsub() as listener:
            listener.subscribe("a", "b")
            listener.psubscribe("c*")
            said = [listener.get_message(timeout=5) for _ in range(3)]
            assert [each["data"] for each in said] == [1, 2, 3]
            assert client.publish("cc", "hello") == 1
            message = listener.get_message(timeout=5)
            assert (message["pattern"], message["data"]) == (b"c*", b"hello")
            listener.unsubscribe()
            listener.punsubscribe()
            said = [listener.get_message(timeout=5) for _ in range(3)]
            assert [each["data"] for each in said] == [2, 1, 0]


def test_a_foreign_database_is_left_alone(url: str, real: redis.Redis) -> None:
    mine = redis.Redis.from_url(url)
    mine.set("precious", 1)
    with fakeredis.patch(store=url), pytest.raises(StoreError, match="holds 1 keys in database 5"):
        redis.Redis().get("precious")
    with fakeredis.patch(store=RedisStore(url, allow_existing=True)):
        assert redis.Redis().get("precious") == b"1"
        redis.Redis().set("more", 2)
    assert mine.dbsize() == 2
    mine.close()


def test_only_our_databases_are_emptied(url: str, real: redis.Redis) -> None:
    real.set("precious", 1)
    with fakeredis.patch(store=url):
        redis.Redis(db=2).set("k", 2)
        redis.Redis().set("k", 0)
        assert set(real.info("keyspace")) == {"db0", "db5", "db7"}
        assert redis.Redis().flushall() is True
        assert redis.Redis(db=2).dbsize() == 0
    assert real.get("precious") == b"1"


@pytest.mark.parametrize("command", [
    "SHUTDOWN", "CONFIG SET maxmemory 1", "SWAPDB 0 1", "REPLICAOF a 1", "SCRIPT FLUSH",
    "DEBUG FLUSHALL", "CLIENT PAUSE 10", "ACL SETUSER x", "EVAL redis.call('flushall') 0",
])  # fmt: skip
def test_what_concerns_the_whole_server_is_refused(url: str, command: str) -> None:
    with fakeredis.patch(store=url):
        client = redis.Redis()
        with pytest.raises(redis.ResponseError, match="ours alone"):
            client.execute_command(*command.split(" ", 2))
        assert client.ping()


def test_time_is_the_servers(url: str) -> None:
    with fakeredis.patch(store=url) as fake:
        for move in (lambda: fake.advance(1), fake.freeze):
            with pytest.raises(RuntimeError, match="forwarded"):
                move()


def test_a_server_that_is_not_there() -> None:
    text = r"the store redis://127\.0\.0\.1:1/0"
    with fakeredis.patch(store="redis://127.0.0.1:1/0"):
        client = redis.Redis(retry=None)
        with pytest.raises(redis.ConnectionError, match=text):
            client.ping()


@pytest.mark.parametrize("url", [
    "redis://h/x", "redis+cluster://h/1", "redis://h/1?keep=perhaps", "redis+sentinel://h/",
])  # fmt: skip
def test_urls_that_make_no_sense(url: str) -> None:
    with pytest.raises((ValueError, NotImplementedError)):
        RedisStore(url)


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(RedisStore("redis://user:secret@host/1"))


@pytest.fixture
def slow(clean_real_url: str) -> Iterator[str]:
    """The URL of the real server behind a network that takes 10 ms for each way."""
    port = int(clean_real_url.rpartition(":")[2].split("/")[0])
    door = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_forward, args=(door, port), daemon=True).start()
    yield f"redis://127.0.0.1:{door.getsockname()[1]}/5"
    door.shutdown(socket.SHUT_RDWR)
    door.close()


def _forward(door: socket.socket, port: int) -> None:
    while True:
        try:
            client, _ = door.accept()
        except OSError:
            return
        server = socket.create_connection(("127.0.0.1", port))
        for source, target in ((client, server), (server, client)):
            threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError), source:
        while data := source.recv(65536):
            time.sleep(0.01)
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_slow_network(slow: str, protocol: int) -> None:
    """No reply comes within the caller's patience: the replies stay in their order."""
    with fakeredis.patch(store=slow, spy=True) as fake:
        client = redis.Redis(protocol=protocol)
        assert client.set("k", 1)
        assert client.incr("k") == 2
        with client.pipeline() as pipe:
            assert pipe.incr("k").get("k").execute() == [3, b"3"]
        with client.pipeline(transaction=False) as pipe:
            assert pipe.incr("k").lpush("k", 1).get("k").execute(False)[::2] == [4, b"4"]
        hasty = redis.Redis(socket_timeout=0.001, retry=None, protocol=protocol)
        with pytest.raises(redis.TimeoutError):
            hasty.get("k")

        async def many() -> list[object]:
            async with redis.asyncio.Redis(protocol=protocol) as one:
                return await asyncio.gather(*(one.get("k") for _ in range(4)))

        assert asyncio.run(many()) == [b"4"] * 4
        with client.pubsub() as listener:
            listener.subscribe("c")
            assert listener.get_message(timeout=5)["data"] == 1
        assert [call.reply for call in fake.spy.matching("INCRBY k 1")] == [2, 3, 4]
        assert fake.state()["localhost:6379"][0] == {"k": "4"}
