"""Clients and servers by hand, as a typed program uses them; checked by mypy, never run."""

from __future__ import annotations

import redis
import redis.asyncio

import fakeredis


def by_hand() -> None:
    server = fakeredis.FakeServer(version="8.2")
    client: redis.Redis = fakeredis.FakeRedis(server=server, decode_responses=True)
    strict: redis.Redis = fakeredis.FakeStrictRedis("localhost", 6379, 0)
    other: fakeredis.FakeRedis = server.client(db=1)
    loop_client: redis.asyncio.Redis = fakeredis.FakeAsyncRedis(server=server)
    another: fakeredis.FakeAsyncRedis = server.async_client()
    connected: bool = server.connected
    server.connected = not connected
    server.advance(1.5)
    server.execute("SET", b"k", 1)
    fakeredis.reset()
    print(client, strict, other, loop_client, another)


def wrong() -> None:
    """Each ignored error is one that a user would see; mypy complains when it is none."""
    server: int = fakeredis.FakeServer()  # type: ignore[assignment]
    client: int = fakeredis.FakeRedis()  # type: ignore[assignment]
    strict: int = fakeredis.FakeStrictRedis()  # type: ignore[assignment]
    loop_client: int = fakeredis.FakeAsyncRedis()  # type: ignore[assignment]
    fakeredis.FakeServer(version=8.2)  # type: ignore[arg-type]
    print(server, client, strict, loop_client)
