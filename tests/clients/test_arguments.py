"""Making clients: arguments of the parents and our own, pools, addresses, what is shared."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

import fakeredis
from fakeredis.clients.connection import FakeConnection
from fakeredis.clients.sync import REAL


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    fakeredis.reset()
    yield
    fakeredis.reset()


def test_positional_arguments() -> None:
    client = fakeredis.FakeRedis("h", 7000, 3)
    assert client.get_connection_kwargs()["host"] == "h"
    assert client.get_connection_kwargs()["port"] == 7000
    client.set("k", "v")
    assert client.fake_server.address == "h:7000"
    assert fakeredis.FakeRedis("h", 7000).get("k") is None
    assert fakeredis.FakeRedis("h", 7000, db=3).get("k") == b"v"


def test_wrong_arguments() -> None:
    with pytest.raises(TypeError, match="multiple values"):
        fakeredis.FakeRedis("h", host="h")
    with pytest.raises(TypeError):
        fakeredis.FakeRedis(*range(1000))
    with pytest.raises(TypeError):
        fakeredis.FakeRedis(nonsense=1)
    with pytest.raises(TypeError):
        fakeredis.FakeAsyncRedis("h")


def test_every_argument_of_the_parent_is_taken() -> None:
    given = {
        name: parameter.default
        for name, parameter in inspect.signature(REAL).parameters.items()
        if parameter.default is not inspect.Parameter.empty
        and name not in ("lib_name", "lib_version", "retry_on_timeout")
    }
    client = fakeredis.FakeRedis(**given)
    assert client.ping() is True


def test_addresses_share_state() -> None:
    fakeredis.FakeStrictRedis().set("foo", "bar")
    for same in (
        fakeredis.FakeRedis(host="127.0.0.1"), fakeredis.FakeRedis("::1", port=6379),
        fakeredis.FakeRedis.from_url("redis://localhost"),
        fakeredis.FakeRedis.from_url("redis://localhost:6379/0"),
        fakeredis.FakeRedis(connection_pool=redis.ConnectionPool()),
    ):
        assert same.get("foo") == b"bar"
    for other in (
        fakeredis.FakeRedis(port=6380), fakeredis.FakeRedis("elsewhere"),
        fakeredis.FakeRedis(unix_socket_path="/s"), fakeredis.FakeRedis.from_url("unix:///t"),
        fakeredis.FakeRedis(server=fakeredis.FakeServer()), fakeredis.FakeRedis(db=1),
    ):
        assert other.get("foo") is None


def test_async_shares_with_sync() -> None:
    fakeredis.FakeRedis().set("foo", "bar")

    async def look() -> Any:
        async with fakeredis.FakeAsyncRedis() as client:
            return await client.get("foo")

    assert asyncio.run(look()) == b"bar"


def test_reset_cuts_clients_off() -> None:
    client = fakeredis.FakeRedis()
    client.set("foo", "bar")
    fakeredis.reset()
    assert client.get("foo") is None
    client.set("foo", "new")
    assert fakeredis.FakeRedis().get("foo") == b"new"


def test_versions_are_servers_of_their_own() -> None:
    client = fakeredis.FakeRedis(version=(7,))
    client.set("k", "7")
    assert client.fake_server.profile.version[0] == 7
    assert fakeredis.FakeRedis(version=(7,)).get("k") == b"7"
    assert fakeredis.FakeRedis().get("k") is None
    fakeredis.FakeRedis().set("k", "8")
    assert fakeredis.FakeRedis(version="8.2").get("k") == b"8"
    assert fakeredis.FakeRedis(server_type="valkey", version="8.1").get("k") is None
    server = fakeredis.FakeServer(version=(7,), server_type="redis")
    assert server.client().fake_server is server


def test_names_of_the_public_fakeredis() -> None:
    import fakeredis.aioredis as module

    assert fakeredis.aioredis is module
    assert module.FakeRedis is fakeredis.FakeAsyncRedis
    client = fakeredis.FakeRedis(lua_modules={"cjson"})
    assert client.fake_server.lua_modules == {"cjson"}
    pool = redis.ConnectionPool(
        connection_class=fakeredis.FakeConnection, server=fakeredis.FakeServer()
    )
    assert redis.Redis(connection_pool=pool).set("k", "v") is True
    assert fakeredis.FakeRedis(connection_pool=pool).get("k") == b"v"


@pytest.mark.parametrize("kind", [redis.ConnectionPool, redis.BlockingConnectionPool])
def test_pools(kind: Any) -> None:
    server = fakeredis.FakeServer()
    pool = kind(connection_class=FakeConnection, server=server, decode_responses=True)
    client = redis.Redis(connection_pool=pool)
    for _ in range(3):
        client.set("k", "v")
        assert client.get("k") == "v"
    assert len(server.sessions) == 1
    pool.disconnect()
    assert not server.sessions


def test_from_pool_owns_the_pool() -> None:
    server = fakeredis.FakeServer()
    pool = redis.ConnectionPool(connection_class=FakeConnection, server=server)
    with fakeredis.FakeRedis.from_pool(pool) as client:
        client.ping()
        assert len(server.sessions) == 1
    assert not server.sessions


def test_a_given_pool_never_reaches_the_network() -> None:
    client = fakeredis.FakeRedis(connection_pool=redis.ConnectionPool(host="203.0.113.1"))
    assert client.ping() is True


def test_max_connections() -> None:
    client = fakeredis.FakeRedis(max_connections=1)
    held = client.connection_pool.get_connection()
    with pytest.raises(redis.ConnectionError):
        client.get("k")
    client.connection_pool.release(held)
    assert client.get("k") is None


@pytest.mark.parametrize("kind", ["names", "underneath", "by hand", "valkey"])
@pytest.mark.parametrize("way", ["command", "pipeline", "transaction"])
async def test_awaited_commands_hold_their_connections(kind: str, way: str) -> None:
    """As while replies are on their way: each has one, and no more than a pool may have."""
    if kind != "valkey" and int(redis.__version__.partition(".")[0]) < 7:
        pytest.skip("before redis-py 7 they connect one by one: the network decides how many fail")
    limit = 5
    server = fakeredis.FakeServer()
    patched = contextlib.nullcontext()
    if kind in ("names", "underneath"):
        patched = fakeredis.patch(server=server, names=kind == "names")  # type: ignore[assignment]
    make: Any = redis.asyncio.Redis
    error: Any = redis.ConnectionError
    if kind == "valkey":
        error = pytest.importorskip("valkey").ConnectionError
    with patched:
        if kind in ("by hand", "valkey"):
            make = fakeredis.FakeAsyncRedis if kind == "by hand" else fakeredis.FakeAsyncValkey
            client = make(server=server, max_connections=limit)
        else:
            client = make(max_connections=limit)

        async def run(number: int) -> Any:
            if way == "command":
                return await client.set(f"k{number}", number)
            pipe = client.pipeline(transaction=way == "transaction")
            return (await pipe.set(f"k{number}", number).execute())[0]

        await client.ping()
        for count in (limit + 2, limit, limit + 1, limit):  # also once all are there
            done = await asyncio.gather(*map(run, range(count)), return_exceptions=True)
            failed = [each for each in done if each is not True]
            assert len(failed) == max(0, count - limit)
            assert all(isinstance(each, error) for each in failed)
            pool = client.connection_pool
            assert len(pool._available_connections) == len(server.sessions) == limit
            assert not pool._in_use_connections
        assert await asyncio.wait_for(client.get("k0"), 5) == b"0"
        await client.aclose()


async def test_blocking_pools_let_awaited_commands_wait() -> None:
    pool = redis.asyncio.BlockingConnectionPool(max_connections=2, timeout=5)
    async with fakeredis.FakeAsyncRedis(connection_pool=pool) as client:
        for _ in range(2):
            commands = (client.set(f"k{number}", number) for number in range(9))
            assert await asyncio.gather(*commands) == [True] * 9
    await pool.aclose()


def test_single_connection_client() -> None:
    server = fakeredis.FakeServer()
    with fakeredis.FakeRedis(server=server, single_connection_client=True) as client:
        assert client.connection is not None
        client.set("k", 1)
        assert client.get("k") == b"1"
        assert len(server.sessions) == 1
        with client.client() as other:
            assert other.get("k") == b"1"
            assert len(server.sessions) == 2
    assert not server.sessions
    url = fakeredis.FakeRedis.from_url("redis://", server=server, single_connection_client=True)
    assert url.connection is not None
    assert url.get("k") == b"1"
    url.close()


async def test_async_single_connection_client() -> None:
    server = fakeredis.FakeServer()
    async with fakeredis.FakeAsyncRedis(server=server, single_connection_client=True) as client:
        await client.set("k", 1)
        assert await client.get("k") == b"1"
        assert len(server.sessions) == 1
    assert not server.sessions


@pytest.fixture(params=["compiled", "python"])
def packing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How redis-py packs commands: hiredis does it, or Python."""
    if request.param == "compiled" and not redis.connection.HIREDIS_AVAILABLE:
        pytest.skip("hiredis is not installed")
    if request.param == "python":
        for name in ("HIREDIS_AVAILABLE", "HIREDIS_PACK_AVAILABLE"):  # the latter in redis-py 5
            monkeypatch.setattr(redis.connection, name, False, raising=False)
    return str(request.param)


class Text(str):
    __slots__ = ()


class Number(int):
    def __repr__(self) -> str:
        return f"number {int(self)}"


VALUES: list[Any] = [
    "\xe9", "\u20ac", "\udce9", "", b"\xff", 1, -(10**30), 1.5, 1e300, float("inf"), -0.0, True,
    None, [], {}, Text("\xe9"), Number(5), bytearray(b"ab"), memoryview(b"abc"),
]
NAMES: list[Any] = [
    "GET", "CONFIG GET", "CONFIG\tGET", " CONFIG  GET ", "\xe9", b"GET", b"CONFIG GET",
    b"CONFIG\tGET",
]


def outcome(call: Any, *args: Any) -> Any:
    """What comes of a call: its result, or the error's class and text."""
    try:
        result = call(*args)
    except Exception as error:
        return type(error), str(error)
    return result if result is True else list(result)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16", "ascii"])
def test_what_is_sent_is_what_redis_py_packs(packing: str, encoding: str) -> None:
    """Also the compiled packer's disregard for the encoding."""
    real = redis.Connection(encoding=encoding)
    fake = fakeredis.FakeRedis(encoding=encoding)
    own: Any = fakeredis.FakeConnection(encoding=encoding)
    keys = fakeredis.FakeRedis()
    for value in VALUES:
        for name in NAMES:
            expected = outcome(real.pack_command, name, "k", value)
            assert outcome(own.pack_command, name, "k", value) == expected
        expected = outcome(real.pack_command, "SET", "k", value)
        for set_ in (
            fake.set, fake.set, lambda k, v: fake.pipeline(transaction=False).set(k, v).execute()[0]
        ):  # the long way, the short way
            keys.flushdb()
            reply = outcome(set_, "k", value)
            if reply is True:
                (key,) = keys.keys()
                sent = b"*3\r\n$3\r\nSET\r\n"
                for word in (key, keys.get(key)):
                    sent += b"$%d\r\n%b\r\n" % (len(word), word)
                assert b"".join(expected) == sent, (encoding, value)
            else:
                assert reply == expected, (encoding, value)


async def test_asyncio_goes_by_the_encoding() -> None:
    async with fakeredis.FakeAsyncRedis(encoding="latin-1") as client:
        for _ in range(2):
            await client.set("k", "\xe9")
            assert await client.get("k") == b"\xe9"
    real = redis.asyncio.Connection(encoding="utf-16")
    own = fakeredis.FakeAsyncConnection(encoding="utf-16")
    for args in (("CONFIG GET", "k"), ("SET", "k", memoryview(b"x")), ("SET", "k", "v" * 10_000)):
        assert list(own.pack_command(*args)) == real.pack_command(*args)
    assert list(own.pack_commands([args] * 3)) == real.pack_commands([args] * 3)


class Shouting:
    """A packer of one's own."""

    def pack(self, *args: Any) -> list[bytes]:
        words = [str(arg).upper().encode() for arg in args]
        return [b"*%d\r\n" % len(words), *(b"$%d\r\n%b\r\n" % (len(w), w) for w in words)]


@pytest.mark.parametrize("names", [True, False])
def test_a_packer_of_ones_own(names: bool) -> None:
    with fakeredis.patch(names=names):
        client = redis.Redis(
            connection_pool=redis.ConnectionPool(command_packer=Shouting(), protocol=2)
        )
        for number in range(3):
            assert client.set("k", f"v{number}")
            assert redis.Redis().get("K") == b"V%d" % number
        client.pipeline(transaction=False).set("k", "p").execute()
        assert redis.Redis().get("K") == b"P"


def test_encodings(packing: str) -> None:
    client = fakeredis.FakeRedis(encoding="latin-1", decode_responses=True)
    client.set("k", "\xe9")
    assert client.get("k") == ("\xe9" if packing == "python" else "\xc3\xa9")
    client.set("k", b"\xe9")
    assert client.get("k") == "\xe9"
    with pytest.raises(UnicodeDecodeError):
        fakeredis.FakeRedis(decode_responses=True).get("k")
    lax = fakeredis.FakeRedis(decode_responses=True, encoding_errors="replace")
    assert lax.get("k") == "\ufffd"
    assert lax.mget("k", "none") == ["\ufffd", None]


@pytest.mark.parametrize("value", [None, True, object(), [1], {}])
def test_refused_values(value: Any) -> None:
    client = fakeredis.FakeRedis()
    for _ in range(2):  # the long way, the short way
        with pytest.raises(redis.DataError, match=r"^Invalid input of type|^A tuple item must"):
            client.set("k", value)
    with pytest.raises(redis.DataError), client.pipeline() as pipe:
        pipe.set("k", value).execute()


@pytest.mark.parametrize("value", [1, -5, 1.5, 1e300, 0.1, b"x", memoryview(b"m"), "\u20ac"])
def test_accepted_values(value: Any) -> None:
    client = fakeredis.FakeRedis()
    expected = client.get_encoder().encode(value)
    for _ in range(2):
        client.set("k", value)
        assert client.get("k") == bytes(expected)


def test_response_callbacks() -> None:
    client = fakeredis.FakeRedis()
    client.set("k", "v")
    client.set_response_callback("get", lambda reply, **options: ("mine", reply, options))
    assert client.get("k") == ("mine", b"v", {})
    assert client.pipeline().get("k").execute() == [("mine", b"v", {})]
    assert client.pipeline(transaction=False).get("k").execute() == [("mine", b"v", {})]
    assert client.execute_command("get", "k") == ("mine", b"v", {})
    assert client.execute_command("GET", "k", extra=1) == ("mine", b"v", {"extra": 1})


async def test_awaitable_response_callbacks() -> None:
    async def later(reply: Any, **options: Any) -> Any:
        await asyncio.sleep(0)
        return reply, options

    async with fakeredis.FakeAsyncRedis() as client:
        client.set_response_callback("GET", later)
        for _ in range(2):
            assert await client.get("k") == (None, {})
        assert await client.pipeline(transaction=False).get("k").execute() == [(None, {})]
        assert await client.pipeline().get("k").execute() == [(None, {})]


def test_empty_response_and_never_decode() -> None:
    client = fakeredis.FakeRedis(decode_responses=True)
    client.set("k", "v")
    assert client.execute_command("GET", "k", NEVER_DECODE=[]) == b"v"
    assert client.execute_command("LPUSH", "k", "x", EMPTY_RESPONSE=7) == 7
    assert client.execute_command("GET", "k", EMPTY_RESPONSE=7) == "v"


    def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:
        return "parsed", super().parse_response(connection, command_name, **options)


class FakeCounting(fakeredis.FakeRedis):
    def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:
        return "parsed", super().parse_response(connection, command_name, **options)


def test_an_overridden_parser_is_used() -> None:
    client = FakeCounting()
    for _ in range(2):
        assert client.get("k") == ("parsed", None)


def test_retry_is_the_users() -> None:
    attempts = []

    class Counted(Retry):
        def call_with_retry(self, do: Any, *args: Any, **kwargs: Any) -> Any:
            attempts.append(do)
            return super().call_with_retry(do, *args, **kwargs)

    server = fakeredis.FakeServer()
    client = fakeredis.FakeRedis(server=server, retry=Counted(NoBackoff(), 2))
    client.ping()
    assert attempts
    assert client.get_retry()._retries == 2
    server.connected = False
    with pytest.raises(redis.ConnectionError):
        client.ping()


def test_a_server_that_is_down() -> None:
    server = fakeredis.FakeServer()
    client = fakeredis.FakeRedis(server=server)
    client.set("k", "v")
    server.connected = False
    for _ in range(2):
        with pytest.raises(redis.ConnectionError, match="refused"):
            client.get("k")
    with pytest.raises(redis.ConnectionError):
        client.pipeline().get("k").execute()
    with pytest.raises(redis.ConnectionError):
        fakeredis.FakeRedis(connected=False).ping()
    assert fakeredis.FakeRedis().ping() is True
    server.connected = True
    assert client.get("k") == b"v"


async def test_an_async_server_that_is_down() -> None:
    server = fakeredis.FakeServer()
    async with fakeredis.FakeAsyncRedis(server=server) as client:
        await client.set("k", "v")
        server.connected = False
        with pytest.raises(redis.ConnectionError):
            await client.get("k")
        server.connected = True
        assert await client.get("k") == b"v"


def test_redis_connect_func_and_client_name() -> None:
    seen = []

    def connect(connection: Any) -> None:
        connection.on_connect()
        seen.append(connection)

    client = fakeredis.FakeRedis(redis_connect_func=connect, client_name="me")
    assert client.client_getname() in ("me", b"me")
    assert len(seen) == 1


class Credentials(redis.CredentialProvider):
    def get_credentials(self) -> tuple[str, str]:
        return "default", "secret"


@pytest.mark.parametrize("protocol", [2, 3])
def test_credentials(protocol: int) -> None:
    server = fakeredis.FakeServer()
    server.client(protocol=protocol).config_set("requirepass", "secret")
    for good in (
        {"password": "secret"}, {"username": "default", "password": "secret"},
        {"credential_provider": Credentials()},
    ):
        assert server.client(protocol=protocol, **good).ping() is True
    with pytest.raises(redis.AuthenticationError):
        server.client(protocol=protocol, password="wrong").ping()
    with pytest.raises(redis.AuthenticationError):
        server.client(protocol=2).get("k")


def test_health_checks_are_made() -> None:
    server = fakeredis.FakeServer()
    client = server.client(health_check_interval=1000)
    client.get("k")
    connection = client.connection_pool.get_connection()
    client.connection_pool.release(connection)
    before = server.processed
    client.get("k")
    assert server.processed == before + 1
    connection.next_health_check = 1e-9
    client.get("k")
    assert server.processed == before + 3


def test_copy() -> None:
    client = fakeredis.FakeRedis()
    client.set("k", "v")
    assert copy.copy(client).get("k") == b"v"


def test_repr_names_the_class() -> None:
    assert "FakeRedis" in repr(fakeredis.FakeRedis())
    assert "FakeConnection" in repr(fakeredis.FakeRedis())


def test_unusual_spellings() -> None:
    client = fakeredis.FakeRedis()
    for _ in range(2):
        client.execute_command("set", "k", "v")
        assert client.execute_command(b"GET", "k") == b"v"
        assert client.execute_command("CONFIG", "GET", "databases")
        with pytest.raises(redis.ResponseError, match="unknown command"):
            client.execute_command("NONSENSE", "k")
        with pytest.raises(redis.ResponseError, match="wrong number of arguments"):
            client.execute_command("GET")
