"""`fakeredis.mocked`: mocks of clients whose methods run on the fake."""

from __future__ import annotations

from typing import Any
from unittest import mock
from unittest.mock import call

import pytest
import redis
import redis.asyncio

import fakeredis


@pytest.fixture
def client() -> Any:
    return fakeredis.FakeServer().client(decode_responses=True)


def test_calls_run_and_are_recorded(client: Any) -> None:
    double = fakeredis.mocked(client)
    assert double.set("k", "v", ex=10) is True
    assert double.get("k") == client.get("k") == "v"
    double.set.assert_called_once_with("k", "v", ex=10)
    assert double.mock_calls == [call.set("k", "v", ex=10), call.get("k")]
    with pytest.raises(AssertionError):
        double.set.assert_called_once_with("k", "w", ex=10)
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        double.lpush("k", 1)


def test_it_does_as_told(client: Any) -> None:
    double = fakeredis.mocked(client)
    double.get.return_value = "told"
    double.set.side_effect = redis.ConnectionError("boom")
    assert double.get("k") == "told"
    with pytest.raises(redis.ConnectionError, match="boom"):
        double.set("k", "v")
    assert client.exists("k") == 0


def test_it_is_like_its_client(client: Any) -> None:
    double = fakeredis.mocked(client)
    assert isinstance(double, redis.Redis)
    assert isinstance(double, mock.Mock)
    assert double.connection_pool is client.connection_pool
    with pytest.raises(AttributeError):
        double.gett("k")
    double["k"] = "v"
    assert double["k"] == "v"
    assert "k" in double
    del double["k"]
    assert client.exists("k") == 0
    with double as inside:
        inside.set("k", "v")
    assert call.set("k", "v") in double.mock_calls


def test_pipelines(client: Any) -> None:
    double = fakeredis.mocked(client)
    with double.pipeline(transaction=False) as pipe:
        assert len(pipe) == 0
        assert pipe.set("k", 1).incr("k") is pipe
        assert len(pipe) == 2
        assert pipe.execute() == [True, 2]
    assert [each for each in double.mock_calls if "__" not in str(each)] == [
        call.pipeline(transaction=False), call.pipeline().set("k", 1), call.pipeline().incr("k"),
        call.pipeline().execute(),
    ]
    pipe.execute.assert_called_once_with()


async def test_asyncio() -> None:
    client = fakeredis.FakeServer().async_client(decode_responses=True)
    double = fakeredis.mocked(client)
    assert await double.set("k", "v") is True
    assert await double.get("k") == "v"
    assert await double.execute_command("GET", "k") == "v"
    double.execute_command.assert_awaited_once_with("GET", "k")
    async with double.pipeline() as pipe:
        pipe.set("n", 1).incr("n")
        assert await pipe.execute() == [True, 2]
    assert call.pipeline().incr("n") in double.mock_calls
    assert isinstance(double, redis.asyncio.Redis)
    await double.aclose()


def test_inside_of_a_patch() -> None:
    older = redis.Redis()
    with fakeredis.patch() as fake:
        for client in (redis.Redis(), older):
            double = fakeredis.mocked(client)
            double.incr("n")
            assert isinstance(double, redis.Redis)
        assert fake.state() == {"localhost:6379": {0: {"n": "2"}}}


@pytest.mark.parametrize("kind", [redis.Redis, redis.asyncio.Redis])
def test_a_real_client_outside_of_patches(kind: Any) -> None:
    real = kind(host="elsewhere.invalid", port=7000, db=3, decode_responses=True)
    double = fakeredis.mocked(real)
    with fakeredis.FakeRedis(host="elsewhere.invalid", port=7000, db=3) as beside:
        beside.set("k", "v")
        if kind is redis.Redis:
            assert double.get("k") == "v"
    assert isinstance(double, kind)


def test_what_is_no_client() -> None:
    for wrong in (redis.Redis, None, "redis://localhost"):
        with pytest.raises(TypeError, match="mocked"):
            fakeredis.mocked(wrong)
