"""What a test has put in the place of a parser, a socket, or a connection's methods is asked."""

from __future__ import annotations

import errno
import socket
from typing import Any
from unittest import mock

import pytest
import redis
import redis.asyncio
from redis._parsers import (
    _AsyncHiredisParser,
    _AsyncRESP2Parser,
    _AsyncRESP3Parser,
    _HiredisParser,
    _RESP2Parser,
    _RESP3Parser,
)
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

import fakeredis

pytestmark = pytest.mark.usefixtures("no_network")
NEVER = Retry(NoBackoff(), 0)
BOOM = redis.ConnectionError("boom")
HIREDIS = redis.connection.HIREDIS_AVAILABLE
# Before redis-py 6, whose connections do so, parsers of RESP3 are not always asked for pushes.
CHECKS_HEALTH = hasattr(redis.connection.AbstractConnection, "connect_check_health")

PARSERS: Any = [(_RESP2Parser, 2), (_RESP3Parser, 3)]
ASYNC_PARSERS: Any = [(_AsyncRESP2Parser, 2), (_AsyncRESP3Parser, 3)]
if HIREDIS:
    PARSERS += [(_HiredisParser, 2), (_HiredisParser, 3)]
    ASYNC_PARSERS += [(_AsyncHiredisParser, 2), (_AsyncHiredisParser, 3)]


def idle(client: Any) -> Any:
    """The connection that a client's pool has."""
    client.ping()
    return client.connection_pool._available_connections[0]


@pytest.fixture(params=["names", "underneath", "by hand"])
def make(request: pytest.FixtureRequest) -> Any:
    """What makes clients."""
    if request.param == "by hand":
        server = fakeredis.FakeServer()
        yield lambda **kwargs: fakeredis.FakeRedis(server=server, retry=NEVER, **kwargs)
        return
    with fakeredis.patch(names=request.param == "names"):
        yield lambda **kwargs: redis.Redis(retry=NEVER, **kwargs)


@pytest.mark.parametrize("single", [True, False])
def test_a_mocked_parser(make: Any, single: bool) -> None:
    client = make(single_connection_client=single)
    client.set("k", "v")
    connection = client.connection if single else idle(client)
    with mock.patch.object(connection._parser, "read_response", side_effect=BOOM) as read:
        with pytest.raises(redis.ConnectionError, match="boom"):
            client.get("k")
        read.assert_called_once()
    assert client.get("k") == b"v"
    parser = connection._parser
    with mock.patch.object(parser, "read_response", wraps=parser.read_response) as read:
        assert client.get("k") == b"v"
        assert read.call_count == 1
        with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
            client.lpush("k", 1)
    assert client.get("k") == b"v"


@pytest.mark.parametrize("transaction", [True, False])
def test_a_mocked_parser_of_a_pipeline(make: Any, transaction: bool) -> None:
    client = make()
    boom = mock.patch.object(idle(client)._parser, "read_response", side_effect=BOOM)
    with boom, pytest.raises(redis.ConnectionError, match="boom"):
        client.pipeline(transaction=transaction).get("k").execute()
    assert client.pipeline(transaction=transaction).get("k").execute() == [None]


def test_a_parser_in_the_place_of_another(make: Any) -> None:
    client = make()
    connection = idle(client)
    own, connection._parser = connection._parser, mock.Mock()
    connection._parser.can_read.return_value = False
    connection._parser.read_response.return_value = b"mine"
    assert client.get("k") == b"mine"
    connection._parser = own
    connection.read_response()
    assert client.get("k") is None


@pytest.mark.parametrize(("kind", "protocol"), PARSERS)
def test_a_socket_put_into_a_parser(kind: Any, protocol: int, names: bool) -> None:
    sock = mock.Mock()

    def recv_into(buffer: Any) -> int:
        buffer[:5] = b":42\r\n"
        return 5

    sock.recv.return_value, sock.recv_into.side_effect = b":42\r\n", recv_into
    with fakeredis.patch(names=names):
        connection = redis.Connection(parser_class=kind, protocol=protocol)
        connection.connect()
        parser: Any = connection._parser
        if kind is _HiredisParser:
            parser._sock = sock
        else:
            parser._buffer._sock = sock
        assert connection.read_response() == 42


def test_a_mocked_class_of_parsers(make: Any) -> None:
    kind = type(idle(make())._parser)
    boom = mock.patch.object(kind, "read_response", side_effect=BOOM)
    with boom, pytest.raises(redis.ConnectionError, match="boom"):
        make().get("k")
    assert make().get("k") is None


@pytest.mark.parametrize("name", ["send_command", "read_response"])
def test_mocked_methods_of_connections(make: Any, name: str) -> None:
    client = make()
    kind = type(idle(client))
    with mock.patch.object(kind, name, side_effect=BOOM):
        for run in (lambda: client.get("k"), lambda: make().get("k")):
            with pytest.raises(redis.ConnectionError, match="boom"):
                run()
    assert client.get("k") is None


@pytest.mark.parametrize(("base", "protocol"), PARSERS)
def test_a_parser_of_ones_own(base: Any, protocol: int, names: bool) -> None:
    """It reads the protocol's bytes."""
    read: list[Any] = []

    class Own(base):  # type: ignore[misc]
        def read_response(self, *args: Any, **kwargs: Any) -> Any:
            reply = super().read_response(*args, **kwargs)
            read.append(reply)
            return reply

    with fakeredis.patch(names=names):
        pool = redis.ConnectionPool(parser_class=Own, protocol=protocol, retry=NEVER)
        client = redis.Redis(connection_pool=pool)
        for _ in range(2):
            client.set("k", "\u20ac" * 20_000)
            assert client.get("k") == ("\u20ac" * 20_000).encode()
            assert read[-1] == client.get("k")
            client.hset("h", mapping={"a": 1, "b": 2})
            assert client.hgetall("h") == {b"a": b"1", b"b": b"2"}
        assert client.pipeline().get("none").llen("l").execute() == [None, 0]
        with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
            client.lpush("k", 1)
        assert client.blpop(["none"], timeout=0.01) is None  # type: ignore[arg-type]
        impatient = redis.ConnectionPool(
            parser_class=Own, protocol=protocol, retry=NEVER, socket_timeout=0.01
        )
        with pytest.raises(redis.TimeoutError):
            redis.Redis(connection_pool=impatient).blpop(["none"], timeout=0)
        if protocol == 3 and not CHECKS_HEALTH:
            return
        pubsub = client.pubsub()
        pubsub.subscribe("news")
        assert pubsub.get_message(timeout=1)["type"] == "subscribe"
        client.publish("news", "x")
        assert pubsub.get_message(timeout=1)["data"] == b"x"
        assert pubsub.get_message(timeout=0.01) is None


@pytest.mark.parametrize(("base", "protocol"), ASYNC_PARSERS)
async def test_a_parser_of_ones_own_in_asyncio(base: Any, protocol: int, names: bool) -> None:
    read: list[Any] = []

    class Own(base):  # type: ignore[misc]
        async def read_response(self, *args: Any, **kwargs: Any) -> Any:
            reply = await super().read_response(*args, **kwargs)
            read.append(reply)
            return reply

    with fakeredis.patch(names=names):
        pool = redis.asyncio.ConnectionPool(parser_class=Own, protocol=protocol)
        async with redis.asyncio.Redis(connection_pool=pool) as client:
            for _ in range(2):
                await client.set("k", "\u20ac" * 20_000)
                assert await client.get("k") == ("\u20ac" * 20_000).encode()
                assert read[-1] == await client.get("k")
            await client.hset("h", mapping={"a": 1, "b": 2})
            assert await client.hgetall("h") == {b"a": b"1", b"b": b"2"}
            assert await client.pipeline().get("none").llen("l").execute() == [None, 0]
            with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
                await client.lpush("k", 1)
            assert await client.blpop(["none"], timeout=0.01) is None
            if protocol == 3 and not CHECKS_HEALTH:
                return
            async with client.pubsub() as pubsub:
                await pubsub.subscribe("news")
                assert (await pubsub.get_message(timeout=1))["type"] == "subscribe"
                await client.publish("news", "x")
                assert (await pubsub.get_message(timeout=1))["data"] == b"x"
        await pool.aclose()


# Sockets ----------------------------------------------------------------------------------------


def test_a_mocked_socket(names: bool) -> None:
    """Where a test puts its own socket, it is used; the host is the test's own affair, too."""
    address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 6379))
    found = mock.patch("socket.getaddrinfo", return_value=[address])
    with fakeredis.patch(names=names) as fake, mock.patch("socket.socket") as make, found:
        sock = make.return_value
        sock.recv.side_effect = sock.recv_into.side_effect = ConnectionResetError("mine")
        with pytest.raises(redis.ConnectionError, match="mine"):
            redis.Redis("db", retry=NEVER, protocol=2).get("k")
        sock.connect.assert_called_once_with(("10.0.0.1", 6379))
        sock.sendall.assert_called()
        assert not fake.servers
    with fakeredis.patch(names=names):
        assert redis.Redis("db").get("k") is None


def test_a_socket_of_ones_own_speaks_the_protocol(names: bool) -> None:
    sent: list[bytes] = []

    def recv(size: int) -> bytes:
        return b"$4\r\nmine\r\n" if b"GET" in sent[-1] else b"+OK\r\n"

    def recv_into(buffer: Any) -> int:
        data = recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    found = mock.patch("socket.getaddrinfo", return_value=[(0, 0, 0, "", ("", 0))])
    with fakeredis.patch(names=names), mock.patch("socket.socket") as make, found:
        sock = make.return_value
        sock.sendall.side_effect = sent.append
        sock.recv.side_effect, sock.recv_into.side_effect = recv, recv_into
        connection = redis.Connection("db", protocol=2)
        connection.send_command("GET", "k")
        assert connection.read_response() == b"mine"
        assert sent[-1] == b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"


async def test_mocked_streams(names: bool) -> None:
    refused = mock.patch("asyncio.open_connection", side_effect=OSError(errno.EPERM, "mine"))
    never = AsyncRetry(NoBackoff(), 0)
    with fakeredis.patch(names=names) as fake:
        with refused, pytest.raises(redis.ConnectionError, match="mine"):
            await redis.asyncio.Redis(host="db", retry=never).get("k")
        assert not fake.servers
        assert await redis.asyncio.Redis(host="db").get("k") is None
