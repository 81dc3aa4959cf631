"""`fake.url()`: where other programs reach the servers of a patch."""

from __future__ import annotations

import socket
from urllib.parse import unquote, urlsplit

import pytest
import redis

import fakeredis
from tests.patching.processes.forking import forked


def ask(url: str, *lines: str) -> bytes:
    """What a program that knows nothing of patches is answered."""
    parts = urlsplit(url)
    assert parts.scheme == "redis"
    assert parts.hostname == "127.0.0.1"
    assert parts.port
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as sock:
        if parts.password:
            sock.sendall(f"AUTH {unquote(parts.password)}\r\n".encode())
            assert sock.recv(100) == b"+OK\r\n"
        sock.sendall("".join(f"{line}\r\n" for line in lines).encode())
        return sock.recv(1000)


def test_others_see_the_same_data() -> None:
    with fakeredis.patch() as fake:
        redis.Redis().set("k", "v")
        redis.Redis(host="other").set("k", "w")
        url, other = fake.url("localhost:6379"), fake.url("other:6379")
        assert url == fake.url("127.0.0.1:6379") != other
        assert ask(url, "GET k") == b"$1\r\nv\r\n"
        assert ask(other, "GET k") == b"$1\r\nw\r\n"
        assert ask(url, "SET n 1") == b"+OK\r\n"
        assert redis.Redis().get("n") == b"1"
        assert sorted(fake.servers) == ["localhost:6379", "other:6379"]
    with pytest.raises(ConnectionRefusedError):
        ask(url, "PING")
    with pytest.raises(RuntimeError, match="has ended"):
        fake.url()


@pytest.mark.parametrize("addresses", [None, {"localhost:6379"}])
def test_clients_of_the_patch_may_use_it(addresses: set[str] | None) -> None:
    with fakeredis.patch(addresses=addresses) as fake:
        with redis.Redis.from_url(f"{fake.url()}/2") as client:
            client.set("k", "v")
        assert fake.state() == {"localhost:6379": {2: {"k": "v"}}}
        assert redis.Redis(db=2).get("k") == b"v"
        if addresses is not None:
            with pytest.raises(LookupError):
                fake.url("other:6379")


def test_a_given_server_and_a_password() -> None:
    server = fakeredis.FakeServer(config={"requirepass": "p@ss/word"})
    with fakeredis.patch(server=server, spy=True) as fake:
        assert ask(fake.url(), "SET k v") == b"+OK\r\n"
        with redis.Redis.from_url(fake.url()) as client:
            assert client.get("k") == b"v"
        fake.assert_called_command_once("SET k v")


def test_a_forked_child_gets_the_same() -> None:
    with fakeredis.patch() as fake:
        redis.Redis().set("k", "v")
        url = fake.url()

        def child() -> None:
            assert fake.url() == url
            assert ask(url, "GET k") == b"$1\r\nv\r\n"
            assert fake.url("new:1") != url

        forked(child)
        assert ask(url, "INCR n") == b":1\r\n"
