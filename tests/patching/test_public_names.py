"""What programs written for the public fakeredis 2 do by its public names."""

from __future__ import annotations

import logging
import threading
import warnings
from typing import Any

import pytest
import redis

import fakeredis
import fakeredis.aioredis


@pytest.fixture(autouse=True)
def fresh() -> None:
    fakeredis.reset()


@pytest.mark.parametrize(
    ("version", "is_version"), [(7, "7.4"), (7.2, "7.2"), ((7,), "7.4"), (6, "6.2"), ("6.2", "6.2")]
)
def test_versions_as_numbers(version: Any, is_version: str) -> None:
    server = fakeredis.FakeServer(version=version)
    assert server.client().info()["redis_version"].startswith(is_version + ".")
    client = fakeredis.FakeRedis(version=version)
    assert client.info()["redis_version"].startswith(is_version + ".")
    with fakeredis.patch(version=version):
        assert redis.Redis().info()["redis_version"].startswith(is_version + ".")


@pytest.mark.parametrize("version", [(6, 0), (6, 0, 16), "6.0.16", 5, (5,)])
def test_the_oldest_stands_for_older_ones(version: Any) -> None:
    from fakeredis.engine.core import profiles

    profiles.profile.cache_clear()
    with pytest.warns(UserWarning, match=r"there is no redis .* to imitate; this is 6\.2"):
        server = fakeredis.FakeServer(version=version)
    assert server.client().info()["redis_version"].startswith("6.2.")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fakeredis.FakeServer(version=version)  # said once


@pytest.mark.parametrize("version", [True, None, [7], "99", 99, (0,), "2", 9.5])
def test_no_versions(version: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        fakeredis.FakeServer(version=version)


def test_a_tcp_server_of_a_number() -> None:
    server = fakeredis.TcpFakeServer(("127.0.0.1", 0), server_version=7)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    host, port = server.server_address
    with redis.Redis(host=host, port=port) as client:
        assert client.info()["redis_version"].startswith("7.4.")
    server.shutdown()
    server.server_close()
    thread.join(30)


async def test_credentials_where_nobody_has_any() -> None:
    assert fakeredis.FakeRedis(username="app", password="x").set("k", 1)
    assert fakeredis.FakeRedis(password="x", version=(7,)).ping()
    assert fakeredis.FakeRedis.from_url("redis://app:x@localhost/0").get("k") == b"1"
    async with fakeredis.FakeAsyncRedis(username="app", password="x") as client:
        assert await client.get("k") == b"1"


def test_credentials_where_someone_has() -> None:
    fakeredis.FakeRedis().config_set("requirepass", "right")
    assert fakeredis.FakeRedis(password="right").ping()
    with pytest.raises(redis.AuthenticationError):
        fakeredis.FakeRedis(password="wrong").ping()


def test_names() -> None:
    assert fakeredis.FakeRedisConnection is fakeredis.FakeConnection
    assert fakeredis.FakeAsyncRedisConnection is fakeredis.FakeAsyncConnection
    assert fakeredis.aioredis.FakeRedisMixin is fakeredis.FakeRedisMixin
    assert fakeredis.FakeRedis(client_class=redis.Redis).ping()
    assert fakeredis.FakeRedis.from_url("redis://localhost", client_class=redis.Redis).ping()
    fakeredis.FakeAsyncRedis(client_class=redis.asyncio.Redis)


def test_the_server_that_clients_share() -> None:
    fakeredis.FakeRedis().set("k", "v")
    server = fakeredis.FakeServer.get_server("localhost:6379", None, None)
    assert fakeredis.FakeRedis(server=server).get("k") == b"v"
    other = fakeredis.FakeServer.get_server("localhost:6379", (7,), "redis", {"maxmemory": "1mb"})
    assert fakeredis.FakeRedis(version=(7,)).config_get("maxmemory") == {"maxmemory": "1048576"}
    assert other is not server


@pytest.mark.parametrize(
    ("use", "kind", "text"),
    [
        (lambda: fakeredis.FakeServer().dbs, AttributeError, r"server\.client"),
        (lambda: fakeredis.FakeServer(server_type="dragonfly"), ValueError, "'redis' or 'valkey'"),
        (lambda: fakeredis.FakeRedis(client_class=int), TypeError, "FakeValkey"),
    ],
)
def test_errors_that_name_ours(use: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        use()


def test_a_valkey_is_no_redis() -> None:
    pytest.importorskip("valkey")
    assert fakeredis.FakeValkey(server_type="valkey").ping()
    for make in (fakeredis.FakeValkey, fakeredis.FakeAsyncValkey):
        with pytest.raises(ValueError, match="FakeRedis takes any"):
            make(server_type="redis")
        with pytest.raises(ValueError, match="FakeRedis takes any"):
            make.from_url("redis://localhost", server_type="redis")


def test_what_scripts_log(caplog: pytest.LogCaptureFixture) -> None:
    client = fakeredis.FakeRedis()
    with caplog.at_level(logging.DEBUG, logger="fakeredis"):
        client.eval(
            "redis.log(redis.LOG_DEBUG, 'one', 2, {}) redis.log(redis.LOG_VERBOSE, 'two')"
            "redis.log(redis.LOG_NOTICE, 'three %s') redis.log(redis.LOG_WARNING, '\\255')", 0,
        )
    assert caplog.record_tuples == [
        ("fakeredis", logging.DEBUG, "one 2"), ("fakeredis", logging.INFO, "two"),
        ("fakeredis", logging.INFO, "three %s"), ("fakeredis", logging.WARNING, "\\xff"),
    ]
