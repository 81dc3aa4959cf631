"""The level below clients: connections, wires, the protocol's bytes."""

from __future__ import annotations

from typing import Any

import pytest
import redis
import redis.asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fakeredis
from fakeredis import resp
from fakeredis.clients.aio_connection import FakeAsyncConnection
from fakeredis.clients.codec import Packed
from fakeredis.clients.connection import FakeConnection
from tests.support.wire import Wire as RealWire


@pytest.fixture
def connection() -> Any:
    connection = FakeConnection(server=fakeredis.FakeServer())
    yield connection
    connection.disconnect()


def test_send_and_read(connection: Any) -> None:
    connection.send_command("SET", "k", 1)
    connection.send_command("CONFIG GET", "databases")
    assert connection.read_response() == b"OK"
    assert connection.read_response() in ({b"databases": b"16"}, [b"databases", b"16"])
    connection.send_command("LPUSH", "k", 1)
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        connection.read_response()
    assert connection.can_read() is False


def test_packed_commands(connection: Any) -> None:
    real = redis.Connection()
    for args in (("SET", "k", 1), ("CONFIG GET", b"x"), (b"GET", "\u20ac"), ("SET", "f", 1.5)):
        assert b"".join(connection.pack_command(*args)) == b"".join(real.pack_command(*args))
    both = [("SET", "k", "v"), ("GET", "k")]
    assert b"".join(connection.pack_commands(both)) == b"".join(real.pack_commands(both))
    assert connection.pack_command("PING") == [b"*1\r\n$4\r\nPING\r\n"]
    packed = connection.pack_commands(both)
    assert list(packed) == real.pack_commands(both)
    assert (len(packed), packed[:1]) == (1, real.pack_commands(both))
    connection.send_packed_command(packed)
    assert [connection.read_response(), connection.read_response()] == [b"OK", b"v"]
    connection.send_packed_command(list(packed))
    assert [connection.read_response(), connection.read_response()] == [b"OK", b"v"]
    connection.send_packed_command(real.pack_command("GET", "k"))
    assert connection.read_response() == b"v"
    connection.send_packed_command("GET k\r\n")
    assert connection.read_response() == b"v"


def test_pieces_of_the_protocol(connection: Any) -> None:
    connection.connect()
    for byte in b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n":
        assert not connection.can_read()
        connection.send_packed_command([bytes((byte,))])
    assert connection.read_response() is None


def test_a_pool_s_connection() -> None:
    client = fakeredis.FakeRedis(server=fakeredis.FakeServer())
    connection = client.connection_pool.get_connection()
    connection.send_command("CLIENT", "SETNAME", "x")
    assert connection.read_response() == b"OK"
    assert connection.read_response is not None
    client.connection_pool.release(connection)
    assert client.get("k") is None


def test_a_killed_session_reconnects() -> None:
    server = fakeredis.FakeServer()
    client = server.client()
    client.set("k", "v")
    for _ in range(2):
        for session in list(server.sessions.values()):
            session.close()
        assert client.get("k") == b"v"
    connection = client.connection_pool.get_connection()
    for session in list(server.sessions.values()):
        session.close()
    with pytest.raises(redis.ConnectionError):
        connection.can_read()
    with pytest.raises(redis.ConnectionError, match="Connection closed by server"):
        connection.send_command("PING")


def test_reading_without_a_connection(connection: Any) -> None:
    with pytest.raises(redis.ConnectionError):
        connection.read_response()


def test_an_overriding_connection_is_asked() -> None:
    sent = []

    class Spying(FakeConnection):
        def send_command(self, *args: Any, **kwargs: Any) -> None:
            sent.append(args[0])
            super().send_command(*args, **kwargs)

    pool = redis.ConnectionPool(connection_class=Spying, server=fakeredis.FakeServer())
    client = fakeredis.FakeRedis(connection_pool=pool)
    sent.clear()
    for _ in range(3):
        client.get("k")
    assert sent.count("GET") == 3


def test_a_users_connection_class_keeps_its_overrides() -> None:
    class Mine(redis.Connection):
        """A user's own class."""

        def on_connect(self) -> None:
            super().on_connect()
            self.greeted = True

        def on_connect_check_health(self, check_health: bool = True) -> None:
            super().on_connect_check_health(check_health=check_health)
            self.greeted = True

    pool = redis.ConnectionPool(connection_class=Mine)
    client = fakeredis.FakeRedis(connection_pool=pool, server=fakeredis.FakeServer())
    connection = client.connection_pool.get_connection()
    assert isinstance(connection, Mine)
    assert connection.greeted
    client.connection_pool.release(connection)


def test_socket_manners(connection: Any) -> None:
    connection.connect()
    sock = connection._sock
    assert sock.getpeername() == ("127.0.0.1", 6379)
    assert sock.getsockname()[0] == "127.0.0.1"
    sock.settimeout(1.5)
    assert sock.gettimeout() == 1.5
    sock.sendall(b"PING\r\n")
    assert connection.read_response() == b"PONG"


async def test_async_connection() -> None:
    server = fakeredis.FakeServer()
    connection = FakeAsyncConnection(server=server)
    await connection.connect()
    await connection.send_command("SET", "k", "v")
    assert await connection.read_response() == b"OK"
    await connection.send_packed_command(connection.pack_command("GET", "k"))
    assert await connection.read_response() == b"v"
    await connection.send_packed_command(b"GET k\r\n")
    assert await connection.read_response(disable_decoding=True) == b"v"
    assert await connection.read_response(timeout=0.01) is None
    await connection.send_command("LPUSH", "k", "v")
    with pytest.raises(redis.ResponseError):
        await connection.read_response()
    await connection.disconnect()
    assert not server.sessions


@pytest.mark.parametrize(
    "data",
    [
        b"*1\r\n$4\r\nPING\r\n", b"PING\r\n", b"PING\n", b"\r\nPING\r\n", b"  PING   hello \r\n",
        b'ECHO "a b"\r\n', b"ECHO 'a b'\r\n", b'ECHO "\\x41\\n\\"\\q"\r\n', b"ECHO 'it\\'s'\r\n",
        b'ECHO a"b"\r\n', b'ECHO "a"b\r\n', b'ECHO "a\r\n', b"*0\r\nPING\r\n", b"*-1\r\nPING\r\n",
        b"*x\r\n", b"*1\r\n:4\r\n", b"*1\r\n$x\r\n", b"*1\r\n$-1\r\n", b"*99999999999\r\n",
        b"*1\r\n$99999999999\r\n", b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", b'ECHO ""\r\n',
        b"*+1\r\n$4\r\nPING\r\n", b"* 1\r\n$4\r\nPING\r\n", b"*1\r\n$ 4\r\nPING\r\n",
        b"*1\r\n\r\n",
    ],
)
def test_requests_as_the_real_server_reads_them(clean_real_url: str, data: bytes) -> None:
    def outcome(send: Any, read: Any) -> list[Any]:
        replies: list[Any] = []
        try:
            send(data)
            while not replies or isinstance(replies[-1], bytes):
                replies.append(read())
                send(b"PING end\r\n")
                replies.append(read())
                break
        except (EOFError, redis.ConnectionError, ConnectionError):
            replies.append("closed")
        return [str(each) for each in replies]

    connection = FakeConnection(server=fakeredis.FakeServer(), protocol=2)

    def read() -> Any:
        try:
            return connection.read_response()
        except redis.ResponseError as error:
            return error if str(error).startswith("ERR ") else f"ERR {error}"

    with RealWire.to(clean_real_url) as wire:
        expected = outcome(wire.sock.sendall, wire.read)
    assert outcome(lambda each: connection.send_packed_command([each]), read) == expected


@settings(suppress_health_check=[HealthCheck.too_slow])  # of a busy machine
@given(st.lists(st.lists(st.binary(max_size=20), min_size=1), max_size=5), st.data())
def test_packing_and_parsing(commands: list[list[bytes]], data: st.DataObject) -> None:
    stream = b"".join(Packed(commands))
    parser = resp.RequestParser()
    found: list[list[bytes]] = []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        found += parser.feed(stream[:cut])
        stream = stream[cut:]
    assert found == commands
