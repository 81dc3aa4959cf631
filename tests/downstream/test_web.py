"""python-socketio's managers, and the limiters of web frameworks: slowapi and fastapi-limiter."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis

import fakeredis
from tests.downstream import library

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
URL = "redis://bus.example:6400/0"


async def test_socketio_async(fake: fakeredis.patch) -> None:
    """Two servers' processes share their rooms; a third only writes."""
    socketio = library("socketio")
    servers = [
        socketio.AsyncServer(client_manager=socketio.AsyncRedisManager(URL), async_mode="asgi")
        for _ in range(2)
    ]
    sent: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
    for number, server in enumerate(servers):

        async def send(eio_sid: str, packet: Any, number: int = number) -> None:
            await sent.put((number, packet.data))

        server._send_eio_packet = send
        server.manager_initialized = True
        server.manager.initialize()
        sid = await server.manager.connect(f"eio-{number}", "/")
        await server.manager.enter_room(sid, "/", "room")
    await _subscribed(fake, 2)
    await servers[0].emit("hello", {"a": 1}, room="room")
    got = [await asyncio.wait_for(sent.get(), 5) for _ in range(2)]
    assert sorted(got) == [(0, '2["hello",{"a":1}]'), (1, '2["hello",{"a":1}]')]
    outside = socketio.AsyncRedisManager(URL, write_only=True)
    await outside.emit("news", "x", room="room")
    got = [await asyncio.wait_for(sent.get(), 5) for _ in range(2)]
    assert [data for _, data in sorted(got)] == ['2["news","x"]'] * 2
    fake.assert_called_command("PUBLISH socketio", ..., times=2)
    for server in servers:
        server.manager.thread.cancel()
    await asyncio.gather(*(server.manager.thread for server in servers), return_exceptions=True)
    for manager in (outside, *(server.manager for server in servers)):
        if manager.redis is not None:
            await manager.redis.aclose()


async def _subscribed(fake: fakeredis.patch, wanted: int) -> None:
    client = fake.client("bus.example:6400")
    for _ in range(500):
        if client.pubsub_numsub("socketio")[0][1] == wanted:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody subscribes")


def test_socketio_sync(fake: fakeredis.patch) -> None:
    socketio = library("socketio")
    writer = socketio.RedisManager(URL, write_only=True)
    pubsub = fake.client("bus.example:6400").pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe("socketio")
    pubsub.get_message()
    writer.emit("news", "x", room="room")
    message = pubsub.get_message(timeout=1)
    assert b"news" in message["data"]
    pubsub.close()


def test_slowapi(fake: fakeredis.patch) -> None:
    slowapi = library("slowapi")
    library("starlette")
    limiter = slowapi.Limiter(key_func=lambda: "ann", storage_uri=URL, default_limits=["2/minute"])
    limit = limiter._default_limits[0]
    item = next(iter(limit)).limit
    assert [limiter.limiter.hit(item, "ann") for _ in range(3)] == [True, True, False]
    assert fake.client("bus.example:6400").keys("LIMITS*")
    limiter.reset()
    assert limiter.limiter.hit(item, "ann")
    fake.assert_called_command("EVALSHA", ..., at_least=3)


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_fastapi_limiter(kind: str, fake: fakeredis.patch) -> None:
    """Through an application as a server calls it."""
    fastapi = library("fastapi")
    library("fastapi_limiter")
    limiters = library("pyrate_limiter")
    from fastapi_limiter.depends import RateLimiter

    rates = [limiters.Rate(2, limiters.Duration.MINUTE)]
    if kind == "sync":
        bucket = limiters.RedisBucket.init(rates, redis.Redis.from_url(URL), "bucket")
    else:
        bucket = await limiters.RedisBucket.init(rates, redis.asyncio.Redis.from_url(URL), "bucket")
    app = fastapi.FastAPI()
    limiter = limiters.Limiter(bucket)

    @app.get("/", dependencies=[fastapi.Depends(RateLimiter(limiter=limiter))])
    async def index() -> dict[str, bool]:
        return {"ok": True}

    assert [await _status(app) for _ in range(3)] == [200, 200, 429]
    fake.assert_called_command("EVALSHA", ..., at_least=3)
    assert fake.client("bus.example:6400").zcard("bucket") == 2
    limiter.close()


async def _status(app: Any) -> int:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"",
        "headers": [], "client": ("127.0.0.1", 1), "server": ("test", 80), "scheme": "http",
        "http_version": "1.1", "root_path": "", "asgi": {"version": "3.0"},
    }
    await app(scope, receive, send)
    return int(sent[0]["status"])
