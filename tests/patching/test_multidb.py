"""redis-py's multi-database clients: health checks and failover between two fake servers."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import Any

import pytest
import redis

import fakeredis

pytest.importorskip("pybreaker")
pytest.importorskip("redis.multidb.client")
pytestmark = [
    pytest.mark.usefixtures("no_network"),
    pytest.mark.filterwarnings("ignore:MultiDBClient is an experimental"),
    # The clients' own event loop ends with health checks under way.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
OPTIONS: dict[str, Any] = {"health_check_interval": 0.02}


def test_sync(names: bool) -> None:
    from redis.multidb.client import MultiDBClient
    from redis.multidb.config import DatabaseConfig, MultiDbConfig

    before = set(threading.enumerate())
    with fakeredis.patch(names=names, spy=True) as fake:
        databases = [
            DatabaseConfig(client_kwargs={"host": host}, weight=weight)
            for host, weight in (("one.example", 1.0), ("two.example", 0.5))
        ]
        client = MultiDBClient(MultiDbConfig(databases_config=databases, **OPTIONS))
        assert client.set("k", "one")
        assert fake.client("one.example").get("k") == b"one"
        assert fake.client("two.example").get("k") is None
        fake.assert_called_command("PING", at_least=2)
        fake.server("one.example").connected = False
        ends = time.monotonic() + 20
        while time.monotonic() < ends:
            try:
                assert client.set("k", "two")
                break
            except redis.RedisError:
                time.sleep(0.01)
        assert fake.client("two.example").get("k") == b"two"
        assert client.pipeline().get("k").execute() == [b"two"]
        client.close()
    for thread in set(threading.enumerate()) - before:  # its loop's, which may be at work still
        thread.join(20)
    gc.collect()  # what it leaves behind is told of here, not in another test


async def test_asyncio(names: bool) -> None:
    from redis.asyncio.multidb.client import MultiDBClient
    from redis.asyncio.multidb.config import DatabaseConfig, MultiDbConfig

    async with fakeredis.patch(names=names) as fake:
        databases = [
            DatabaseConfig(client_kwargs={"host": host}, weight=weight)
            for host, weight in (("one.example", 1.0), ("two.example", 0.5))
        ]
        config = MultiDbConfig(databases_config=databases, **OPTIONS)
        async with MultiDBClient(config) as client:
            assert await client.set("k", "one")
            fake.server("one.example").connected = False
            ends = time.monotonic() + 20
            while time.monotonic() < ends:
                try:
                    assert await client.set("k", "two")
                    break
                except redis.RedisError:
                    await asyncio.sleep(0.01)
            assert fake.client("two.example").get("k") == b"two"
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:  # its health checks
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    del left, client, config, databases
    gc.collect()
