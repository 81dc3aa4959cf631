"""A wait in which the handler is to run again before its end, by all who wait for a session."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from typing import Any

import pytest
import redis
import redis.asyncio

import fakeredis
from fakeredis.clients.fake_socket import FakeSocket
from fakeredis.engine.core import blocking
from tests.patching.processes.forking import forked

# Redis 8.4: what has been pending for so long is the reader's; until then it waits.
CLAIM = ("XREADGROUP", "GROUP", "g", "two", "BLOCK", "{}", "CLAIM", "120", "STREAMS", "k", ">")


def own_client(server: fakeredis.FakeServer, *words: str) -> Any:
    return server.client().execute_command(*words)


def polled(server: fakeredis.FakeServer, *words: str) -> Any:
    wire = FakeSocket(server.session())
    wire.send([word.encode() for word in words])
    assert select.select([wire.fileno()], [], [], 10)[0]
    return wire.receive(0)


def by_asyncio(server: fakeredis.FakeServer, *words: str) -> Any:
    async def ask() -> Any:
        async with server.async_client() as client:
            return await client.execute_command(*words)

    return asyncio.run(ask())


def by_tcp(server: fakeredis.FakeServer, *words: str) -> Any:
    with server.listen() as listener, redis.Redis(port=listener.port) as client:
        return client.execute_command(*words)


def in_a_child(server: fakeredis.FakeServer, *words: str) -> Any:
    return forked(lambda: server.client().execute_command(*words))


@pytest.fixture(params=[own_client, polled, by_asyncio, by_tcp, in_a_child])
def ask(request: pytest.FixtureRequest) -> Callable[..., Any]:
    found: Callable[..., Any] = request.param
    return found


@pytest.fixture
def server() -> fakeredis.FakeServer:
    """One with a group, one of whose consumers has an entry."""
    server = fakeredis.FakeServer(version="8.4")
    client = server.client()
    client.xadd("k", {"f": "v"}, "1-1")
    client.xgroup_create("k", "g", "0")
    client.xreadgroup("g", "one", {"k": ">"})
    return server


def words(block: int) -> tuple[str, ...]:
    return tuple(word.format(block) for word in CLAIM)


def test_it_gets_what_it_waits_for(server: fakeredis.FakeServer, ask: Callable[..., Any]) -> None:
    reply = ask(server, *words(20000))
    assert b"1-1" in repr(reply).encode()
    assert server.execute("XPENDING", "k", "g", "-", "+", 9)[0][1] == b"two"


def test_in_vain_it_goes_on_to_its_end(server: fakeredis.FakeServer) -> None:
    server.clock.freeze()
    server.execute("XCLAIM", "k", "g", "one", 0, "1-1")  # delivered now, not when it was made
    session: Any = server.session()
    session.execute([word.encode() for word in words(240)])
    wait = session.wait
    alarm = blocking.Alarm(wait, 1000.0)
    assert alarm.seconds(1000.0) == pytest.approx(0.121, abs=0.003)
    server.execute("XACK", "k", "g", "1-1")
    server.advance(0.16)
    assert session.wait is wait
    assert alarm.seconds(1000.16) == pytest.approx(0.081, abs=0.003)
    alarm.ring(1000.16)
    assert session.wait is wait
    alarm.ring(1000.25)
    assert session.wait is None
    assert list(session.outbox) == [None]


def test_time_that_is_moved_beyond_both(server: fakeredis.FakeServer) -> None:
    """As on a server the handler runs first."""
    wire = FakeSocket(server.session())
    wire.send([word.encode() for word in words(240)])
    server.advance(10)
    assert b"1-1" in repr(wire.receive(0)).encode()


def test_a_clock_that_stands_still(server: fakeredis.FakeServer) -> None:
    """What only looks again goes by the server's clock; the wait ends in our time."""
    server.clock.freeze()
    assert not own_client(server, *words(240))
