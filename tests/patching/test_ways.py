"""Every way to a client leads to the fake server, with names replaced and without."""

from __future__ import annotations

import asyncio
import enum
import functools
import gc
import importlib
import pickle
import sys
import threading
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio as aioredis
from redis import ConnectionPool, Redis, StrictRedis
from redis import Redis as Alias
from redis.client import Redis as ClientRedis

import fakeredis

URL = "redis://cache.example:7000/3"
MADE_BEFORE = redis.Redis(host="cache.example", port=7000)
POOL_BEFORE = ConnectionPool(host="cache.example", port=7000)
BOUND_BEFORE = MADE_BEFORE.set
PIPELINE_BEFORE = MADE_BEFORE.pipeline()


class Subclass(redis.Redis):
    def set(self, name: Any, value: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        return super().set(name, value, **kwargs)


class Overriding(redis.Redis):
    def __init__(self, **kwargs: Any) -> None:
        redis.Redis.__init__(self, **kwargs)
        self.seen: list[Any] = []

    def execute_command(self, *args: Any, **options: Any) -> Any:
        self.seen.append(args[0])
        return super().execute_command(*args, **options)


class OwnConnection(redis.Connection):
    def _connect(self) -> Any:
        raise AssertionError("a real connection")


class Holder:
    factory = redis.Redis

    def __init__(self) -> None:
        self.make = redis.Redis


class Kinds(enum.Enum):
    redis = (redis.Redis,)


@dataclass
class Data:
    client: Any = field(default_factory=redis.Redis)


@functools.cache
def cached() -> redis.Redis:
    return redis.Redis()


def default(cls: Any = redis.Redis) -> redis.Redis:
    return cls()


def closure() -> Callable[[], redis.Redis]:
    cls = redis.Redis
    return lambda: cls()


WAYS: dict[str, Callable[[], Any]] = {
    "attribute": lambda: redis.Redis(),
    "from-import": lambda: Redis(),
    "strict": lambda: StrictRedis(),
    "alias": lambda: Alias(),
    "submodule": lambda: ClientRedis(),
    "submodule path": lambda: importlib.import_module("redis.client").Redis(),
    "positional": lambda: redis.Redis("cache.example", 7000, 2),
    "class attribute": lambda: Holder.factory(),
    "instance attribute": lambda: Holder().make(),
    "default": default,
    "closure": closure(),
    "partial": functools.partial(redis.Redis, db=1),
    "enum": lambda: Kinds.redis.value[0](),
    "dataclass": lambda: Data().client,
    "registry": lambda registry={"r": redis.Redis}: registry["r"](),
    "subclass": Subclass,
    "overriding": Overriding,
    "client made before": lambda: MADE_BEFORE,
    "pool made before": lambda: redis.Redis(connection_pool=POOL_BEFORE),
    "cached factory": cached,
    "from_url": lambda: redis.Redis.from_url(URL),
    "redis.from_url": lambda: redis.from_url(URL),
    "real from_url": functools.partial(redis.Redis.from_url, URL),
    "from_pool": lambda: redis.Redis.from_pool(ConnectionPool.from_url(URL)),
    "blocking pool": lambda: redis.Redis(connection_pool=redis.BlockingConnectionPool()),
    "own connection": lambda: redis.Redis(
        connection_pool=ConnectionPool(connection_class=OwnConnection)
    ),
    "unix socket": lambda: redis.Redis(unix_socket_path="/nowhere/redis.sock"),
    "tls": lambda: redis.Redis(ssl=True, ssl_cert_reqs="none"),
    "rediss": lambda: redis.from_url("rediss://secure.example"),
    "single connection": lambda: redis.Redis(single_connection_client=True),
    "client()": lambda: redis.Redis().client(),
    "credentials": lambda: redis.Redis(username="app", password="secret"),
    "resp2": lambda: redis.Redis(protocol=2),
    "no retry": lambda: redis.Redis(retry=None),
    "health checks": lambda: redis.Redis(health_check_interval=1),
}


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("way", WAYS)
def test_each_way(way: str, names: bool) -> None:
    with fakeredis.patch(names=names) as fake:
        client = WAYS[way]()
        try:
            assert client.set("k", "v") is True
            assert client.get("k") == b"v"
            assert client.pipeline().set("a", 1).incr("a").execute() == [True, 2]
            assert isinstance(client, redis.Redis)
            with pytest.raises(redis.ResponseError, match="wrong number of arguments"):
                client.execute_command("GET")
            assert client.exists("k") == 1
            assert len(fake.servers) == 1
        finally:
            client.close()
    cached.cache_clear()


async def _pubsub(client: aioredis.Redis) -> Any:
    async with client.pubsub() as pubsub:
        await pubsub.subscribe("c")
        await client.publish("c", "hello")
        messages = [await pubsub.get_message(timeout=1) for _ in range(2)]
        return [message and message["data"] for message in messages]


AIO_BEFORE = aioredis.Redis()
ASYNC_WAYS: dict[str, Callable[[], Any]] = {
    "attribute": lambda: redis.asyncio.Redis(),
    "alias": lambda: aioredis.StrictRedis(),
    "from_url": lambda: aioredis.from_url(URL),
    "client made before": lambda: AIO_BEFORE,
    "blocking pool": lambda: aioredis.Redis(connection_pool=aioredis.BlockingConnectionPool()),
    "unix socket": lambda: aioredis.Redis(unix_socket_path="/nowhere/redis.sock"),
    "tls": lambda: aioredis.Redis(ssl=True, ssl_cert_reqs="none"),
    "single connection": lambda: aioredis.Redis(single_connection_client=True),
    "resp2": lambda: aioredis.Redis(protocol=2),
    "closure": functools.partial(lambda cls: cls(), aioredis.Redis),
}


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("way", ASYNC_WAYS)
def test_each_asyncio_way(way: str, names: bool) -> None:
    async def use() -> None:
        client = ASYNC_WAYS[way]()
        assert await client.set("k", "v") is True
        assert await client.get("k") == b"v"
        async with client.pipeline() as pipeline:
            assert await pipeline.set("a", 1).incr("a").execute() == [True, 2]
        assert isinstance(client, redis.asyncio.Redis)
        assert await _pubsub(client) == [1, b"hello"]
        await client.aclose()

    with fakeredis.patch(names=names):
        asyncio.run(use())
        asyncio.run(use())  # another event loop


@pytest.mark.usefixtures("no_network")
def test_objects_made_before(names: bool) -> None:
    with fakeredis.patch(names=names):
        assert BOUND_BEFORE("k", "v") is True
        assert PIPELINE_BEFORE.get("k").execute() == [b"v"]


@pytest.mark.usefixtures("no_network")
def test_low_level(names: bool) -> None:
    with fakeredis.patch(names=names):
        connection = POOL_BEFORE.get_connection()
        connection.send_command("SET", "k", "v")
        assert connection.read_response() == b"OK"
        connection.send_packed_command(connection.pack_command("GET", "k"))
        assert connection.can_read(timeout=1)
        assert connection.read_response() == b"v"
        connection.send_packed_command([b"*2\r\n$3\r\nGET\r\n", b"$1\r\nk\r\n"])
        assert connection.read_response() == b"v"
        POOL_BEFORE.release(connection)
        alone = redis.Connection(host="cache.example", port=7000)
        alone.connect()
        alone.send_command("GET", "k")
        assert alone.read_response() == b"v"
        alone.disconnect()


@pytest.mark.usefixtures("no_network")
def test_pubsub(names: bool) -> None:
    pubsub = MADE_BEFORE.pubsub()
    with fakeredis.patch(names=names):
        pubsub.subscribe("c")
        MADE_BEFORE.publish("c", "hello")
        got = [pubsub.get_message(timeout=1) for _ in range(2)]
        assert [message["data"] for message in got if message] == [1, b"hello"]
        pubsub.close()


def test_pool_stays_what_the_user_gave(fake: fakeredis.patch) -> None:
    client = redis.Redis(host="cache.example", port=7000, db=3)
    client.ping()
    pool = client.connection_pool
    assert pool.connection_class is redis.Connection
    assert pool.connection_kwargs["host"] == "cache.example"
    assert "server" not in pool.connection_kwargs
    assert redis.Redis(**{
        name: pool.connection_kwargs[name] for name in ("host", "port", "db")
    }).ping()


def test_addresses_are_servers(fake: fakeredis.patch) -> None:
    redis.Redis(host="one.example").set("k", 1)
    assert redis.Redis(host="two.example").get("k") is None
    assert redis.Redis(host="ONE.example").get("k") == b"1"
    redis.Redis(host="localhost").set("k", "local")
    assert redis.Redis(host="127.0.0.1").get("k") == b"local"
    assert set(fake.servers) == {"one.example:6379", "two.example:6379", "localhost:6379"}
    assert redis.Redis(unix_socket_path="/a.sock").get("k") is None
    assert redis.Redis(db=1).get("k") is None


def test_threads_that_ran_before(no_network: None) -> None:
    go, done = threading.Event(), threading.Event()
    found: list[Any] = []

    def work() -> None:
        go.wait(5)
        found.append(redis.Redis().get("k"))
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    with fakeredis.patch():
        redis.Redis().set("k", "v")
        go.set()
        assert done.wait(5)
    thread.join()
    assert found == [b"v"]


# Class identity ---------------------------------------------------------------------------------

REALS = [redis.Redis]  # no module's name, so that it stays what it is
BY_CLASS = {redis.Redis: "sync", redis.asyncio.Redis: "async"}


def test_names(fake: fakeredis.patch) -> None:
    assert redis.Redis is redis.StrictRedis is fakeredis.FakeRedis
    assert redis.client.Redis is Redis is Alias is fakeredis.FakeRedis
    assert aioredis.Redis is redis.asyncio.client.Redis is fakeredis.FakeAsyncRedis


def test_isinstance_both_ways(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    assert isinstance(client, REALS[0])
    assert isinstance(MADE_BEFORE, redis.Redis)
    assert issubclass(Subclass, redis.Redis)
    assert issubclass(redis.Redis, REALS[0])
    assert issubclass(REALS[0], redis.Redis)
    assert not isinstance(client, redis.asyncio.Redis)
    assert not isinstance(5, redis.Redis)
    assert type(client) is redis.Redis
    match client:
        case redis.Redis():
            pass
        case _:
            pytest.fail("no match")


def test_equality(fake: fakeredis.patch) -> None:
    assert redis.Redis == REALS[0]
    assert REALS[0] == redis.Redis
    assert type(redis.Redis()) == REALS[0]  # noqa: E721
    assert BY_CLASS[type(redis.Redis())] == "sync"
    assert BY_CLASS[redis.asyncio.Redis] == "async"
    assert {redis.Redis: 1}[REALS[0]] == 1
    assert redis.Redis != redis.asyncio.Redis


def test_not_equal_outside() -> None:
    assert fakeredis.FakeRedis != redis.Redis
    assert not isinstance(redis.Redis(), fakeredis.FakeRedis)
    assert not issubclass(redis.Redis, fakeredis.FakeRedis)


def test_subclass_made_inside() -> None:
    with fakeredis.patch():

        class Inside(redis.Redis):
            def __init__(self) -> None:
                super().__init__()
                self.own = 1

        client = Inside()
        assert client.set("k", 1)
        assert isinstance(client, redis.Redis)
        client.close()
    assert Inside.__mro__[1] is redis.Redis
    assert issubclass(Inside, redis.Redis)


def test_pickled_class() -> None:
    with fakeredis.patch():
        pickled = pickle.dumps([redis.Redis, redis.asyncio.Redis])
        assert pickle.loads(pickled) == [redis.Redis, redis.asyncio.Redis]
    assert pickle.loads(pickled) == [redis.Redis, redis.asyncio.Redis]
    assert pickle.loads(pickle.dumps(fakeredis.FakeRedis)) is fakeredis.FakeRedis


def test_modules_imported_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "imported_inside.py").write_text(
        "import redis\nfrom redis import Redis, StrictRedis as S\n"
        "from redis.asyncio import Redis as A\n"
        "from fakeredis import FakeRedis\nclass Own(Redis): pass\n"
    )
    with fakeredis.patch():
        inside = importlib.import_module("imported_inside")
        assert inside.Redis is inside.S is fakeredis.FakeRedis
        assert inside.Own().set("k", "v")
        inside.Own().close()
    assert inside.Redis is inside.S is redis.Redis
    assert inside.A is redis.asyncio.Redis
    assert inside.FakeRedis is fakeredis.FakeRedis
    with fakeredis.patch():
        assert inside.Redis is fakeredis.FakeRedis
        importlib.reload(inside)
        assert inside.Redis is fakeredis.FakeRedis
    assert inside.Redis is redis.Redis
    del sys.modules["imported_inside"]


def test_modules_that_come_go_and_take_anothers_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was loaded since the last look, and wherever it stands among the others."""
    made: list[Any] = []

    def add(name: str) -> None:
        module = types.ModuleType(name)
        module.Redis = redis.Redis  # type: ignore[attr-defined]
        module.plain = object()  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, name, module)
        made.append(module)

    for number, names in enumerate(["a", "bc", "", "a", "d", "ab", "e"]):
        if number % 3 == 2:
            monkeypatch.delitem(sys.modules, "come_a", raising=False)
        for name in names:
            add(f"come_{name}")
        if number == 4:
            made[0].Later = redis.Redis
        with fakeredis.patch():
            loaded = [each for each in made if sys.modules.get(each.__name__) is each]
            assert all(each.Redis is fakeredis.FakeRedis for each in loaded)
            add(f"come_inside_{number}")
            made[-1].Other = redis.asyncio.Redis
        assert made[-1].Other is redis.asyncio.Redis
        assert all(each.Redis is redis.Redis is not fakeredis.FakeRedis for each in made)


def test_names_bound_later_in_old_modules() -> None:
    module = types.ModuleType("bound_later")
    sys.modules["bound_later"] = module
    try:
        with fakeredis.patch():
            module.first = redis.Redis  # type: ignore[attr-defined]
        assert module.first is redis.Redis
        module.second = redis.Redis  # type: ignore[attr-defined]
        with fakeredis.patch():
            assert module.first is module.second is fakeredis.FakeRedis
        assert module.first is module.second is redis.Redis
    finally:
        del sys.modules["bound_later"]


def test_lazy_modules_are_not_woken() -> None:
    class Lazy(types.ModuleType):
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(f"asked for {name}")

    class Module(types.ModuleType):
        pass

    def woken(name: str) -> Any:
        raise AssertionError(f"asked for {name}")

    sys.modules["lazy_one"] = Lazy("lazy_one")
    plain = types.ModuleType("lazy_two")
    plain.__getattr__ = woken  # type: ignore[method-assign]
    sys.modules["lazy_two"] = plain
    try:
        before = set(sys.modules)
        with fakeredis.patch():
            pass
        assert set(sys.modules) == before
    finally:
        del sys.modules["lazy_one"], sys.modules["lazy_two"]


def test_names_bound_inside_while_an_older_client_goes() -> None:
    """Looking through the modules is left out only where it is known to find nothing."""
    module = sys.modules["bound_inside"] = types.ModuleType("bound_inside")
    try:
        for _ in range(3):
            with fakeredis.patch():
                pass
        older = [fakeredis.FakeRedis(), fakeredis.FakeRedis()]
        with fakeredis.patch():
            older.pop()
            gc.collect()
            module.first = redis.Redis  # type: ignore[attr-defined]
        assert module.first is redis.Redis
        with fakeredis.patch():
            taken = redis.Redis
        with fakeredis.patch():
            module.first = taken  # type: ignore[attr-defined]
            del taken
        assert module.first is redis.Redis
    finally:
        del sys.modules["bound_inside"]
