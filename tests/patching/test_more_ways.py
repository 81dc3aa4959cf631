"""Further ways to a client: credentials, client-side caches, zips, copies, autospec, models."""

from __future__ import annotations

import asyncio
import copy
import importlib
import pickle
import sys
import threading
import typing
import weakref
import zipfile
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import redis
import redis.asyncio
from redis.credentials import CredentialProvider, UsernamePasswordCredentialProvider

import fakeredis
from tests.support.redis_py import needs

pytestmark = pytest.mark.usefixtures("no_network")
REALS = [redis.Redis]


# Credentials ------------------------------------------------------------------------------------


class Rotating(CredentialProvider):
    """Gives another password at each connection."""

    def __init__(self) -> None:
        self.asked = 0

    def get_credentials(self) -> tuple[str, str]:
        self.asked += 1
        return "app", f"secret{self.asked}"

    async def get_credentials_async(self) -> tuple[str, str]:
        return self.get_credentials()


def test_credential_providers(names: bool) -> None:
    provider = Rotating()
    with fakeredis.patch(names=names, spy=True) as fake:
        assert redis.Redis(credential_provider=provider).ping()
        assert provider.asked == 1
        sent = [str(call) for call in fake.matching(via="handshake")]
        assert any("secret1" in text for text in sent)
        fake.server().execute("ACL", "SETUSER", "app", "on", ">secret3", "~*", "+@all")
        fake.server().execute("ACL", "SETUSER", "default", "off")
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(credential_provider=provider, retry=None).ping()
        assert redis.Redis(credential_provider=provider).ping()
        wrong = UsernamePasswordCredentialProvider("app", "wrong")
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(credential_provider=wrong, retry=None).ping()


async def test_async_credential_providers(names: bool) -> None:
    provider = Rotating()
    async with fakeredis.patch(names=names):
        client = redis.asyncio.Redis(credential_provider=provider)
        assert await client.ping()
        assert provider.asked == 1
        await client.aclose()


def test_streaming_credentials(names: bool) -> None:
    """Providers that push new tokens have open connections authenticate again."""
    pytest.importorskip("redis.auth.token")
    from redis.credentials import StreamingCredentialProvider

    class Streaming(StreamingCredentialProvider):
        def __init__(self) -> None:
            self.next: Any = None

        def get_credentials(self) -> tuple[str, str]:
            return "app", "first"

        def on_next(self, callback: Any) -> None:
            self.next = callback

        def on_error(self, callback: Any) -> None:
            pass

        def is_streaming(self) -> bool:
            return True

    class Token:
        def try_get(self, name: str) -> str:
            return "app"

        def get_value(self) -> str:
            return "second"

    provider = Streaming()
    with fakeredis.patch(names=names, spy=True) as fake:
        fake.server().execute("ACL", "SETUSER", "app", "on", ">first", ">second", "~*", "+@all")
        client = redis.Redis(credential_provider=provider)
        client.ping()
        if provider.next is None:
            pytest.skip("this redis-py does not ask for new tokens")
        provider.next(Token())
        assert client.ping()
        fake.assert_called_command("AUTH app second", via="direct")


# Client-side caches -----------------------------------------------------------------------------


@needs("cache")
def test_a_key_that_expires_untouched_leaves_the_cache(names: bool) -> None:
    from redis.cache import CacheConfig

    with fakeredis.patch(names=names) as fake:
        cached = redis.Redis(protocol=3, cache_config=CacheConfig())
        for key in ("k", "other"):
            redis.Redis().set(key, "v", ex=100)
            assert [cached.get(key) for _ in range(2)] == [b"v", b"v"]
            fake.server().clock.advance(101)  # which lets nothing expire by itself
            assert cached.get(key) is None


@needs("cache")
def test_client_side_cache(names: bool) -> None:
    from redis.cache import CacheConfig

    with fakeredis.patch(names=names, spy=True) as fake:
        cached = redis.Redis(protocol=3, cache_config=CacheConfig())
        other = redis.Redis()
        other.set("k", 1)
        assert [cached.get("k") for _ in range(5)] == [b"1"] * 5
        fake.assert_called_command("GET k", at_most=1)
        other.set("k", 2)
        assert cached.get("k") == b"2"
        cache = cached.get_cache()
        assert cache is not None
        assert cache.size >= 1
        cached.close()


# Modules ----------------------------------------------------------------------------------------


def test_a_module_in_a_zip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: bool) -> None:
    archive = tmp_path / "library.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("in_a_zip.py", "from redis import Redis\ndef make(): return Redis()\n")
    monkeypatch.syspath_prepend(str(archive))
    try:
        before = importlib.import_module("in_a_zip")
        with fakeredis.patch(names=names):
            assert before.make().set("k", "v")
            del sys.modules["in_a_zip"]
            inside = importlib.import_module("in_a_zip")
            assert inside.make().get("k") == b"v"
        assert before.Redis is inside.Redis is REALS[0]
    finally:
        sys.modules.pop("in_a_zip", None)


def test_redis_itself_is_reloaded_inside(names: bool) -> None:
    code = redis.Connection._connect.__code__
    with fakeredis.patch(names=names):
        assert redis.Connection._connect.__code__ is not code
        importlib.reload(importlib.import_module("redis"))
        assert redis.Redis().set("k", "v")
    assert redis.Connection._connect.__code__ is code
    importlib.reload(redis)
    assert redis.Redis is REALS[0]


# Objects ----------------------------------------------------------------------------------------


def test_copies_and_weak_references(names: bool) -> None:
    older = redis.Redis()
    with fakeredis.patch(names=names):
        client = redis.Redis()
        client.set("k", "v")
        for each in (older, client):
            assert copy.copy(each).get("k") == b"v"
        reference = weakref.ref(client)
        assert reference() is client
        assert weakref.proxy(client).get("k") == b"v"


def test_pickles(names: bool) -> None:
    with fakeredis.patch(names=names):
        pickled = pickle.dumps([redis.Redis, redis.Connection, redis.ConnectionPool])
        inside = pickle.loads(pickled)
        assert inside[0]().set("k", "v")
        kwargs = redis.Redis(host="cache.example", db=2).connection_pool.connection_kwargs
        plain = {name: kwargs[name] for name in ("host", "port", "db", "password", "username")}
        assert pickle.loads(pickle.dumps(plain)) == plain
        assert redis.Redis(**eval(repr(plain))).ping()
    assert pickle.loads(pickled) == [redis.Redis, redis.Connection, redis.ConnectionPool]


def test_matching(names: bool) -> None:
    older = redis.Redis()

    def kind(value: Any) -> str:
        match value:
            case redis.asyncio.Redis():
                return "async"
            case redis.Redis():
                return "sync"
            case _:
                return "other"

    with fakeredis.patch(names=names):
        values = (older, redis.Redis(), redis.asyncio.Redis(), 5)
        assert [kind(value) for value in values] == ["sync", "sync", "async", "other"]
    assert kind(older) == "sync"


def test_autospec(names: bool) -> None:
    with fakeredis.patch(names=names):
        spec = mock.create_autospec(redis.Redis, instance=True)
        spec.get.return_value = b"v"
        assert spec.get("k") == b"v"
        assert isinstance(spec, redis.Redis)
        assert isinstance(spec, REALS[0])
        with pytest.raises(TypeError):
            spec.get()
        with mock.patch("redis.Redis", autospec=True) as cls:
            cls.return_value.get.return_value = 1
            assert redis.Redis().get("k") == 1
        assert redis.Redis().get("k") is None


def hinted(client: redis.Redis, other: redis.Redis | None = None) -> redis.Redis:
    return client


def test_type_hints(names: bool) -> None:
    with fakeredis.patch(names=names):
        hints = typing.get_type_hints(hinted)
        assert hints["client"] == redis.Redis
        assert hints["client"] == REALS[0]
        assert isinstance(redis.Redis(), hints["return"])


def test_pydantic_fields(names: bool) -> None:
    pydantic = pytest.importorskip("pydantic")

    class Before(pydantic.BaseModel):  # type: ignore[misc,name-defined]
        model_config = {"arbitrary_types_allowed": True}  # noqa: RUF012
        client: REALS[0]  # type: ignore[valid-type]

    with fakeredis.patch(names=names):
        assert Before(client=redis.Redis()).client.set("k", "v")

        class Inside(pydantic.BaseModel):  # type: ignore[misc,name-defined]
            model_config = {"arbitrary_types_allowed": True}  # noqa: RUF012
            client: redis.Redis

        assert Inside(client=REALS[0]()).client.get("k") == b"v"
    if not names:  # else it has taken the fake class for ever, see test_lost
        assert Inside(client=redis.Redis())


def test_opentelemetry(names: bool) -> None:
    telemetry = pytest.importorskip("opentelemetry.instrumentation.redis")
    instrumentor = telemetry.RedisInstrumentor()
    own = vars(fakeredis.FakeRedis)["execute_command"]
    for inside in (False, True):
        if not inside:
            instrumentor.instrument()
        with fakeredis.patch(names=names):
            if inside:
                instrumentor.instrument()
            assert redis.Redis().set("k", "v")
            assert redis.Redis().pipeline().get("k").execute() == [b"v"]
            if inside:
                instrumentor.uninstrument()
        if not inside:
            instrumentor.uninstrument()
        assert redis.Redis is REALS[0]
        assert vars(fakeredis.FakeRedis)["execute_command"] is own


# Pools, loops, threads --------------------------------------------------------------------------


def test_a_blocking_pool_blocks(names: bool) -> None:
    with fakeredis.patch(names=names):
        pool = redis.BlockingConnectionPool(max_connections=1, timeout=0.01)
        client = redis.Redis(connection_pool=pool)
        held = pool.get_connection()
        with pytest.raises(redis.ConnectionError, match="No connection available"):
            client.ping()
        pool.release(held)
        assert client.ping()
        small = redis.Redis(connection_pool=redis.ConnectionPool(max_connections=1))
        taken = small.connection_pool.get_connection()
        with pytest.raises(redis.ConnectionError, match="Too many connections"):
            small.ping()
        small.connection_pool.release(taken)


def test_event_loops_in_threads(names: bool) -> None:
    found: list[Any] = []

    async def use(number: int) -> None:
        async with redis.asyncio.Redis() as client:
            await client.incr("n")
            await client.rpush("done", number)
            found.append(await client.blpop(["never"], 0.01))

    with fakeredis.patch(names=names):
        threads = [
            threading.Thread(target=lambda n=number: asyncio.run(use(n))) for number in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert redis.Redis().get("n") == b"4"
        assert found == [None] * 4


# Fake clients made by hand, and patches ---------------------------------------------------------


def test_fakes_made_outside_keep_their_server(names: bool) -> None:
    """One that was given a server keeps it; one without stays outside, connected or not."""
    fakeredis.reset()
    shared, unused = fakeredis.FakeRedis(), fakeredis.FakeRedis()
    shared.set("k", "outside")
    server = fakeredis.FakeServer()
    own = fakeredis.FakeRedis(server=server)
    own.set("k", "own")
    with fakeredis.patch(names=names):
        assert own.get("k") == b"own"
        assert shared.get("k") == b"outside"
        assert unused.get("k") == b"outside"
        assert shared.fake_server is unused.fake_server
        assert redis.Redis().get("k") is None
        redis.Redis().set("k", "patched")
        made_inside = fakeredis.FakeRedis()
        assert made_inside.get("k") == b"patched"
        own_inside = fakeredis.FakeRedis(server=server)
        assert own_inside.get("k") == b"own"
    assert own_inside.get("k") == b"own"
    assert own.get("k") == b"own"
    assert shared.get("k") == b"outside"
    with pytest.warns(fakeredis.AfterExitWarning):
        assert made_inside.get("k") == b"patched"
    fakeredis.reset()
