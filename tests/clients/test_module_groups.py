"""Objects with the commands of a module (``client.bf()``): as redis-py makes them, in less time."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import Any

import pytest
import redis

import fakeredis
from fakeredis.clients import aio, client_cache, sync

NAMES = [name for name in client_cache.GROUPS if hasattr(redis.Redis, name)]
OPTIONS: list[dict[str, Any]] = [{}, {"protocol": 2}, {"protocol": 3}]


def client_of(kind: type, **options: Any) -> Any:
    server = fakeredis.FakeServer()
    return (server.client if kind is redis.Redis else server.async_client)(**options)


def facts(client: Any, group: Any) -> tuple[Any, ...]:
    """What an object consists of, and what its client does with replies."""
    def known(value: Any) -> Any:
        if value is client:
            return "client"
        if getattr(value, "__self__", None) is client:
            return "client's", value.__name__
        return {key: _name(each) for key, each in value.items()} if type(value) is dict else value

    own = {name: known(value) for name, value in vars(group).items()}
    told = {name: _name(each) for name, each in client.response_callbacks.items()}
    return type(group), own, told


def _name(callback: Any) -> str:
    return str(getattr(callback, "__qualname__", callback))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("real", [sync.REAL, aio.REAL], ids=["sync", "async"])
def test_as_the_librarys_own(real: Any, options: dict[str, Any], name: str) -> None:
    expected_client = client_of(real, **options)
    expected = facts(expected_client, getattr(real, name)(expected_client))
    client = client_of(real, **options)
    for _ in range(3):
        assert facts(client, getattr(client, name)()) == expected
    assert getattr(client, name)() is not getattr(client, name)()
    again = client_of(real, **options)
    assert facts(again, getattr(again, name)()) == expected


def test_callbacks_of_the_users_own_are_set_again() -> None:
    client = client_of(redis.Redis)
    client.bf().reserve("k", 0.1, 10)
    client.set_response_callback("BF.RESERVE", lambda reply: "mine")
    assert client.bf().reserve("other", 0.1, 10) is True


def test_who_overrides_the_telling_hears_of_it() -> None:
    heard = []

    class Client(fakeredis.FakeRedis):
        def set_response_callback(self, command: Any, callback: Any) -> None:
            heard.append(command)
            super().set_response_callback(command, callback)

    client = Client(server=fakeredis.FakeServer())
    client.cms()
    first = len(heard)
    client.cms()
    assert first
    assert len(heard) == 2 * first


def test_a_class_in_the_place_of_the_librarys(monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of(redis.Redis)
    kind = type(client.bf())
    client.bf()

    class Mine(kind):  # type: ignore[misc, valid-type]
        pass

    monkeypatch.setattr(sys.modules[kind.__module__], kind.__name__, Mine)
    assert type(client.bf()) is Mine


def test_a_method_in_the_place_of_the_librarys(monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of(redis.Redis)
    client.topk()
    monkeypatch.setattr(sync.REAL, "topk", lambda self: "mine")
    assert client.topk() == "mine"


def test_a_client_is_gone_when_nobody_has_it() -> None:
    client = client_of(redis.Redis)
    for _ in range(2):
        client.ts().create(fakeredis.__name__ + str(_))
    gone = weakref.ref(client)
    gc.disable()
    try:
        del client
        assert gone() is None
    finally:
        gc.enable()


async def test_commands_of_an_asyncio_client() -> None:
    async with fakeredis.FakeServer().async_client() as client:
        for number in range(3):
            assert await client.bf().add("bloom", str(number)) in (1, True)
        assert await client.cf().exists("cuckoo", "none") in (0, False)
