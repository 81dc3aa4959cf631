"""redis-py's PubSub and Monitor on fake connections."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

import pytest
import redis

import fakeredis
from tests.clients.test_blocking import Running, asyncio_timeout, until


@pytest.fixture
def server() -> fakeredis.FakeServer:
    return fakeredis.FakeServer()


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(request: pytest.FixtureRequest, server: fakeredis.FakeServer) -> Any:
    with server.client(protocol=request.param) as client:
        yield client


def message(kind: str, channel: Any, data: Any, pattern: Any = None) -> dict[str, Any]:
    return {"type": kind, "pattern": pattern, "channel": channel, "data": data}


def drained(pubsub: Any) -> list[Any]:
    found = []
    while pubsub.connection.can_read():
        item = pubsub.get_message()
        if item is not None:
            found.append(item)
    return found


def test_messages(client: Any) -> None:
    with client.pubsub() as pubsub:
        pubsub.subscribe("a", "b")
        pubsub.psubscribe("p*")
        assert drained(pubsub) == [
            message("subscribe", b"a", 1), message("subscribe", b"b", 2),
            message("psubscribe", b"p*", 3),
        ]
        assert client.publish("a", "hello") == 1
        assert client.publish("pa", b"\x00\xff") == 1
        assert client.publish("nobody", "") == 0
        assert drained(pubsub) == [
            message("message", b"a", b"hello"), message("pmessage", b"pa", b"\x00\xff", b"p*"),
        ]
        pubsub.unsubscribe("a")
        pubsub.punsubscribe()
        assert drained(pubsub) == [
            message("unsubscribe", b"a", 2), message("punsubscribe", b"p*", 1),
        ]
        assert client.pubsub_channels() == [b"b"]
    assert client.pubsub_channels() == []


def test_decoded_messages(server: fakeredis.FakeServer) -> None:
    for protocol in (2, 3):
        client = server.client(decode_responses=True, protocol=protocol)
        with client.pubsub(ignore_subscribe_messages=True) as pubsub:
            pubsub.subscribe("a")
            assert pubsub.get_message() is None
            client.publish("a", "\u20ac")
            assert pubsub.get_message() == message("message", "a", "\u20ac")


def test_sharded(client: Any) -> None:
    with client.pubsub() as pubsub:
        pubsub.ssubscribe("s")
        client.spublish("s", "x")
        client.publish("s", "not for it")
        assert drained(pubsub) == [message("ssubscribe", b"s", 1), message("smessage", b"s", b"x")]
        pubsub.sunsubscribe()
        assert drained(pubsub) == [message("sunsubscribe", b"s", 0)]


def test_handlers(client: Any) -> None:
    seen: list[Any] = []
    with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe(a=seen.append)
        pubsub.psubscribe(**{"b*": seen.append})
        client.publish("a", 1)
        client.publish("bb", 2)
        assert drained(pubsub) == []
        while len(seen) < 2:
            pubsub.get_message(timeout=1)
    assert seen == [message("message", b"a", b"1"), message("pmessage", b"bb", b"2", b"b*")]


def test_timeouts(client: Any) -> None:
    with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe("a")
        pubsub.get_message()
        assert pubsub.get_message(timeout=0.02) is None
        waiting = Running(lambda: pubsub.get_message(timeout=30))
        client.publish("a", "x")
        assert waiting.ended() == message("message", b"a", b"x")
        waiting = Running(lambda: pubsub.get_message(timeout=None))
        client.publish("a", "y")
        assert waiting.ended() == message("message", b"a", b"y")


def test_listening(client: Any) -> None:
    pubsub = client.pubsub()
    pubsub.subscribe("a")

    def listen() -> list[Any]:
        found = []
        for item in pubsub.listen():
            found.append(item["data"])
            if item["data"] == b"end":
                pubsub.unsubscribe()
        return found

    waiting = Running(listen)
    until(lambda: client.publish("a", "x"))
    client.publish("a", "end")
    assert waiting.ended() == [1, b"x", b"end", 0]
    pubsub.close()


def test_in_a_thread(client: Any) -> None:
    seen: list[Any] = []
    arrived = threading.Event()

    def note(item: Any) -> None:
        seen.append(item["data"])
        arrived.set()

    with client.pubsub() as pubsub:
        pubsub.subscribe(a=note)
        thread = pubsub.run_in_thread(sleep_time=0.01)
        client.publish("a", "x")
        assert arrived.wait(30)
        thread.stop()
        thread.join(30)
    assert seen == [b"x"]


def test_resubscription(client: Any, server: fakeredis.FakeServer) -> None:
    with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe("a")
        pubsub.psubscribe("p*")
        drained(pubsub)
        next(iter(server.sessions.values())).close()
        for _ in range(2):
            with contextlib.suppress(redis.ConnectionError):  # raised before redis-py 6
                assert pubsub.get_message() is None
        assert client.publish("a", "x") == 1
        assert client.publish("pp", "y") == 1
        assert [item["data"] for item in drained(pubsub)] == [b"x", b"y"]


def test_ping(client: Any) -> None:
    with client.pubsub() as pubsub:
        pubsub.subscribe("a")
        pubsub.ping()
        assert [item["type"] for item in drained(pubsub)] == ["subscribe", "pong"]


def test_health_check(server: fakeredis.FakeServer) -> None:
    client = server.client(health_check_interval=1000)
    with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe("a")
        pubsub.connection.next_health_check = 1e-9
        assert drained(pubsub) == []
        client.publish("a", "x")
        assert [item["data"] for item in drained(pubsub)] == [b"x"]


def test_expired_keys_are_announced_while_all_wait(server: fakeredis.FakeServer) -> None:
    client = server.client()
    client.config_set("notify-keyspace-events", "Ex")
    with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe("__keyevent@0__:expired")
        pubsub.get_message()
        client.set("k", "v", px=30)
        assert pubsub.get_message(timeout=30)["data"] == b"k"


def test_the_client_remains_usable(client: Any) -> None:
    with client.pubsub() as pubsub:
        pubsub.subscribe("a")
        client.set("k", "v")
        assert client.get("k") == b"v"


def test_fileno_polls(client: Any) -> None:
    import select

    with client.pubsub() as pubsub:
        pubsub.subscribe("a")
        sock = pubsub.connection._sock
        assert select.select([sock], [], [], 0)[0]
        pubsub.get_message()
        assert not select.select([sock], [], [], 0)[0]
        client.publish("a", "x")
        assert select.select([sock], [], [], 1)[0]
        assert pubsub.get_message()["data"] == b"x"
        assert not select.select([sock], [], [], 0)[0]
    client.connection_pool.disconnect()
    assert sock.fileno() == -1


def test_monitor(server: fakeredis.FakeServer) -> None:
    client = server.client()
    with client.monitor() as monitor:
        client.set("k", 'a "b"')
        seen = monitor.next_command()
        while seen["command"].partition(" ")[0] != "SET":
            seen = monitor.next_command()
        assert seen["command"] == 'SET k a "b"'
        assert (seen["db"], seen["client_type"]) == (0, "tcp")
    assert not server.monitors


# asyncio ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [2, 3])
async def test_async_messages(server: fakeredis.FakeServer, protocol: int) -> None:
    async with (
        server.async_client(protocol=protocol) as client,
        client.pubsub(ignore_subscribe_messages=True) as pubsub,
    ):
        await pubsub.subscribe("a")
        await pubsub.psubscribe("p*")
        for _ in range(3):
            assert await pubsub.get_message() is None
        assert await pubsub.get_message(timeout=0.02) is None
        await client.publish("a", "x")
        assert await pubsub.get_message() == message("message", b"a", b"x")
        task = asyncio.create_task(pubsub.get_message(timeout=None))
        await asyncio.sleep(0.01)
        await client.publish("pp", "y")
        assert await task == message("pmessage", b"pp", b"y", b"p*")
    assert not server.sessions


async def test_async_listening(server: fakeredis.FakeServer) -> None:
    async with server.async_client() as client, client.pubsub() as pubsub:
        await pubsub.subscribe("a")
        found = []

        async def listen() -> None:
            async for item in pubsub.listen():
                found.append(item["data"])
                if item["data"] == b"end":
                    return

        async with asyncio_timeout():
            task = asyncio.create_task(listen())
            await client.publish("a", "x")
            await client.publish("a", "end")
            await task
        assert found == [1, b"x", b"end"]


async def test_async_polling_lets_others_run(server: fakeredis.FakeServer) -> None:
    async with server.async_client() as client, client.pubsub() as pubsub:
        await pubsub.subscribe("a")

        async def poll() -> Any:
            while True:
                item = await pubsub.get_message(ignore_subscribe_messages=True, timeout=0)
                if item is not None:
                    return item["data"]

        async with asyncio_timeout():
            task = asyncio.create_task(poll())
            await asyncio.sleep(0)
            await client.publish("a", "x")
            assert await task == b"x"


async def test_async_resubscription(server: fakeredis.FakeServer) -> None:
    async with server.async_client() as client, client.pubsub() as pubsub:
        await pubsub.subscribe("a")
        next(iter(server.sessions.values())).close()
        async with asyncio_timeout():
            while not await client.publish("a", "x"):
                with contextlib.suppress(redis.ConnectionError):
                    await pubsub.get_message(ignore_subscribe_messages=True)
            while (item := await pubsub.get_message(ignore_subscribe_messages=True)) is None:
                pass
        assert item["data"] == b"x"


async def test_async_monitor(server: fakeredis.FakeServer) -> None:
    async with server.async_client() as client, client.monitor() as monitor:
        await client.set("k", "v")
        async with asyncio_timeout():
            while (await monitor.next_command())["command"] != "SET k v":
                pass


def test_a_subscriber_in_resp2_may_not_run_commands(server: fakeredis.FakeServer) -> None:
    client = server.client(protocol=2)
    connection = client.connection_pool.get_connection()
    connection.send_command("SUBSCRIBE", "a")
    assert connection.read_response() == [b"subscribe", b"a", 1]
    connection.send_command("GET", "k")
    with pytest.raises(redis.ResponseError, match=r"only .* allowed in this context"):
        connection.read_response()
    client.connection_pool.release(connection)
