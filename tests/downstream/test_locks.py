"""Locks: redis-py's own, and python-redis-lock's."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import redis
import redis.asyncio

import fakeredis

BEFORE = redis.Redis()


@pytest.mark.parametrize("client", [BEFORE, None], ids=["before", "inside"])
def test_own_lock(client: Any, fake: fakeredis.patch) -> None:
    client = client or redis.Redis()
    with client.lock("resource", timeout=10) as lock:
        assert lock.owned()
        assert not client.lock("resource", blocking=False).acquire()
        lock.extend(20)
        assert 10_000 < client.pttl("resource") <= 30_000
        lock.reacquire()
        fake.assert_called_command("SET resource ... NX PX 10000".replace("...", _token(client)))
    assert not client.exists("resource")
    other = client.lock("resource", timeout=1)
    assert other.acquire()
    fake.advance(2)
    with pytest.raises(redis.exceptions.LockError):
        other.release()


def _token(client: redis.Redis) -> str:
    token: bytes = client.get("resource")  # type: ignore[assignment]
    return token.decode()


async def test_own_async_lock(fake: fakeredis.patch) -> None:
    client = redis.asyncio.Redis()
    async with client.lock("resource", timeout=10) as lock:
        assert await lock.owned()
        assert not await client.lock("resource", blocking=False).acquire()
        await lock.extend(20)
    assert not await client.exists("resource")
    await client.aclose()


@pytest.mark.parametrize("client", [BEFORE, None], ids=["before", "inside"])
def test_redis_lock(client: Any, fake: fakeredis.patch) -> None:
    redis_lock = pytest.importorskip("redis_lock")
    client = client or redis.Redis()
    with redis_lock.Lock(client, "resource", expire=10) as lock:
        assert lock.locked()
        assert not redis_lock.Lock(client, "resource").acquire(blocking=False)
        lock.extend(30)
    assert not redis_lock.Lock(client, "resource").locked()


def test_redis_lock_waits(fake: fakeredis.patch) -> None:
    redis_lock = pytest.importorskip("redis_lock")
    held = redis_lock.Lock(redis.Redis(), "resource", expire=60)
    held.acquire()
    got: list[bool] = []

    def wait() -> None:
        with redis_lock.Lock(redis.Redis(), "resource", expire=60):
            got.append(True)

    thread = threading.Thread(target=wait)
    thread.start()
    server = fake.server()
    for _ in range(2000):
        if server.waiting:
            break
        thread.join(0.001)
    assert not got
    held.release()
    thread.join(30)
    assert got == [True]
