"""Settings and modules of the servers: ``patch(config=..., modules=...)``, `FakeServer` alike."""

from __future__ import annotations

from typing import Any

import pytest
import redis
import redis.asyncio

import fakeredis
from fakeredis import FakeServer
from fakeredis.commands.arguments import Raw
from fakeredis.commands.registry import READONLY, Group
from fakeredis.errors import CommandError
from tests.support import servers
from tests.support.wire import Wire

pytestmark = pytest.mark.usefixtures("no_network")
group = Group("acme")


@group.command("ACME.ECHO", Raw, flags=READONLY, since="1.0.0")
def echo(ctx: Any, word: bytes) -> bytes:
    """The word."""
    return word


def test_a_password_is_asked_for(names: bool) -> None:
    with fakeredis.patch(config={"requirepass": "s3cret"}, names=names):
        assert redis.Redis(password="s3cret").ping()
        assert redis.Redis(host="other", password="s3cret").ping()
        with pytest.raises(redis.AuthenticationError, match="invalid username-password pair"):
            redis.Redis(password="wrong").ping()
        with pytest.raises(redis.AuthenticationError):
            redis.Redis().ping()


async def test_a_password_is_asked_for_by_asyncio() -> None:
    async with fakeredis.patch(config={"requirepass": "s3cret"}):
        assert await redis.asyncio.Redis(password="s3cret").ping()
        with pytest.raises(redis.AuthenticationError):
            await redis.asyncio.Redis(password="wrong").ping()


def test_a_clusters_nodes_ask_for_it() -> None:
    with fakeredis.patch(config={"requirepass": "s3cret"}):
        with redis.RedisCluster(host="cluster", password="s3cret") as client:
            assert all(client.set(key, 1) for key in "abc")
        with pytest.raises(redis.exceptions.RedisClusterException):
            redis.RedisCluster(host="cluster", password="wrong")
    server = FakeServer(config={"requirepass": "s3cret"})
    with fakeredis.FakeRedisCluster(server=server, password="s3cret") as fake:
        assert all(fake.set(key, 1) for key in "abc")


def test_credentials_of_a_production_url_do_until_there_are_users() -> None:
    with fakeredis.patch():
        assert redis.from_url("redis://app:s3cret@db").ping()
        assert redis.from_url("redis://:s3cret@db").ping()
        redis.Redis("db").execute_command("ACL SETUSER app on >s3cret ~* +@all")
        assert redis.from_url("redis://app:s3cret@db").ping()
        for wrong in ("redis://app:wrong@db", "redis://other:s3cret@db"):
            with pytest.raises(redis.AuthenticationError):
                redis.from_url(wrong).ping()
        with pytest.raises(redis.AuthenticationError, match="without any password configured"):
            redis.from_url("redis://:s3cret@db", protocol=2).ping()


def test_settings_are_those_of_the_start() -> None:
    config = {
        "maxmemory": "10mb", "databases": 4, "enable-debug-command": True, "maxmemory-samples": 7
    }
    with fakeredis.patch(config=config):
        for host in ("one", "other"):
            client = redis.Redis(host, decode_responses=True)
            got = client.config_get("maxmemory", "databases", "maxmemory-samples")
            assert got == {
                "maxmemory": str(10 << 20), "databases": "4", "maxmemory-samples": "7"
            }
            assert client.execute_command("DEBUG SLEEP", 0)
            with pytest.raises(redis.ResponseError, match="out of range"):
                client.select(5)
    with fakeredis.patch(), pytest.raises(redis.ResponseError, match="DEBUG command not allowed"):
        redis.Redis().execute_command("DEBUG SLEEP", 0)


def test_each_entry_begins_with_them() -> None:
    @fakeredis.patched(config={"maxmemory": 1000})
    def change() -> Any:
        before = redis.Redis().config_get("maxmemory")
        redis.Redis().config_set("maxmemory", 2000)
        return before

    assert change() == change()


def test_a_kept_server_begins_with_them_again() -> None:
    store = fakeredis.MemoryStore()
    for limit in (1000, 2000):
        with fakeredis.patch(store=store, config={"maxmemory": limit}):
            assert redis.Redis().config_get("maxmemory") == {"maxmemory": str(limit)}


def test_modules() -> None:
    with fakeredis.patch(modules=[group, "vectorset"]):
        assert redis.Redis("one").execute_command("ACME.ECHO", "x") == b"x"
        assert redis.Redis("other").execute_command("ACME.ECHO", "x") == b"x"
    with fakeredis.patch(), pytest.raises(redis.ResponseError, match="unknown command"):
        redis.Redis().execute_command("ACME.ECHO", "x")


LOADING = [
    "MODULE LOAD", "MODULE LOAD /no/such.so", "MODULE LOAD /no/such.so a b",
    "MODULE LOADEX /no/such.so", "MODULE LOADEX /no/such.so CONFIG a", "MODULE LOADEX",
    "MODULE LOADEX /no/such.so x", "MODULE UNLOAD nope", "MODULE UNLOAD vectorset",
    "MODULE UNLOAD", "DEBUG JMAP", "DEBUG SLEEP 0",
    "CONFIG GET enable-debug-*", "CONFIG GET enable-module-*",
]


@pytest.fixture(scope="module")
def permissive() -> Any:
    """A real server that allows modules and DEBUG."""
    options = ("--enable-module-command", "yes", "--enable-debug-command", "yes")
    try:
        server = servers.RealServer(*options)
    except servers.ServerFailed as error:
        pytest.skip(str(error))
    yield server.url
    server.stop()


@pytest.fixture
def no_network() -> None:
    """The real server is reached over it."""


@pytest.mark.parametrize("words", LOADING)
def test_what_may_be_allowed(permissive: str, words: str) -> None:
    config = {"enable-module-command": "yes", "enable-debug-command": "yes"}
    argv = [word.encode() for word in words.split()]
    with Wire.to(permissive) as wire:
        real = wire.call(*argv)
    session = FakeServer(config=config).session()
    try:
        reply: Any = session.execute(argv)
    except CommandError as error:
        reply = error
    assert (type(reply), str(reply)) == (type(real), str(real))


def test_redis_6_has_no_such_settings() -> None:
    server = FakeServer(version="6.2")
    assert server.execute("DEBUG", "SLEEP", 0) == b"OK"
    with pytest.raises(CommandError, match="Error loading the extension"):
        server.execute("MODULE", "LOAD", "/no/such.so")
