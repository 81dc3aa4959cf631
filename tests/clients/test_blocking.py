"""Waiting: threads, tasks, time-outs, cancelling, closing, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

import fakeredis
from fakeredis.clients.fake_socket import FakeSocket
from fakeredis.errors import CommandError, ConnectionLost
from tests.support import processes
from tests.support.engines import Server

VERSION = tuple(int(part) for part in redis.__version__.split(".")[:2])


@pytest.fixture
def server() -> fakeredis.FakeServer:
    return fakeredis.FakeServer()


class Running(threading.Thread):
    """A call in a thread of its own."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self.call, self.result = call, None
        self.start()

    def run(self) -> None:
        try:
            self.result = self.call()
        except Exception as error:
            self.result = error

    def ended(self) -> Any:
        self.join(100)  # a busy machine takes long to go from thread to thread
        assert not self.is_alive()
        return self.result


def until(condition: Callable[[], Any]) -> None:
    ends = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.001)


def blocked(server: Server, count: int = 1) -> None:
    until(lambda: len(server.waiting) == count)


def test_blpop_is_served_from_another_thread(server: fakeredis.FakeServer) -> None:
    waiting = Running(lambda: server.client().blpop("l", 0))
    blocked(server)
    server.client().rpush("l", "v")
    assert waiting.ended() == (b"l", b"v")
    assert not server.waiting


def test_the_oldest_is_served_first(server: fakeredis.FakeServer) -> None:
    waiting = []
    for count in range(1, 5):
        waiting.append(Running(lambda: server.client().blpop("l", 0)))
        blocked(server, count)
    server.client().rpush("l", *range(4))
    assert [each.ended() for each in waiting] == [(b"l", b"%d" % n) for n in range(4)]


def test_no_wake_up_is_lost(server: fakeredis.FakeServer) -> None:
    """One thread waits again and again, the other pushes as fast as it can."""
    count = 3000
    client, pushing = server.client(), server.client()
    popped = Running(lambda: [client.blpop("l", 0)[1] for _ in range(count)])
    for number in range(count):
        pushing.rpush("l", number)
    assert popped.ended() == [b"%d" % number for number in range(count)]


def test_a_wait_is_not_busy(server: fakeredis.FakeServer) -> None:
    server.client().set("with", "deadline", ex=100)
    waiting = Running(lambda: server.client().blpop("l", 0))
    blocked(server)
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.15
    server.client().rpush("l", "v")
    waiting.ended()


def test_the_commands_own_timeout(server: fakeredis.FakeServer) -> None:
    started = time.monotonic()
    assert server.client().blpop("l", 0.05) is None
    assert 0.04 < time.monotonic() - started < 2


def test_the_clock_may_stand_still(server: fakeredis.FakeServer) -> None:
    server.clock.freeze()
    assert server.client().blpop("l", 0.05) is None


@pytest.mark.parametrize("imported", ["before", "inside"])
def test_freezegun(imported: str) -> None:
    """Waits end in real time, also where the package is imported while time stands still."""
    pytest.importorskip("freezegun")
    code = [
        "import freezegun, redis", "import fakeredis",
        "freezegun.freeze_time('2030-01-01').start()",
        "print(fakeredis.FakeRedis().blpop('l', 0.01))",
        "try: fakeredis.FakeRedis(socket_timeout=0.01, retry=None).blpop('l', 0)",
        "except redis.TimeoutError: print('timeout')",
    ]
    if imported == "before":
        code[2:2] = ["fakeredis.FakeRedis().ping()"]
    path = os.pathsep.join(sys.path)
    done = processes.python("-c", "\n".join(code), env={**os.environ, "PYTHONPATH": path})
    assert done.stdout.split() == ["None", "timeout"], done.stderr


FROZEN = """
import asyncio, freezegun, socket, redis.asyncio, fakeredis

async def main():
    client = redis.asyncio.Redis(socket_timeout=None)
    print(await client.blpop("l", timeout=0.01))
    waiting = asyncio.create_task(client.blpop("l", timeout=0))
    while not fake.server().waiting:
        await asyncio.sleep(0)
    await asyncio.to_thread(redis.Redis().rpush, "l", "v")
    print(*(await waiting))
    try:
        await redis.asyncio.Redis(socket_timeout=0.01, retry=None).blpop("l", timeout=0)
    except redis.TimeoutError:
        print("timeout")

with fakeredis.patch() as fake, freezegun.freeze_time("2030-01-01"):
    asyncio.run(main())
    with fake.server().listen() as listener, socket.create_connection(listener.address) as sock:
        sock.sendall(b"BLPOP l 0.01\\r\\n")
        print(sock.recv(9).strip())
"""


def test_freezegun_and_asyncio() -> None:
    """Waits end in real time, though the loop's own clock stands still."""
    pytest.importorskip("freezegun")
    path = os.pathsep.join(sys.path)
    done = processes.python("-c", FROZEN, env={**os.environ, "PYTHONPATH": path})
    assert done.stdout.split() == ["None", "b'l'", "b'v'", "timeout", "b'*-1'"], done.stderr


def test_time_that_is_moved_ends_a_wait(server: fakeredis.FakeServer) -> None:
    waiting = Running(lambda: server.client().blpop("l", 1000))
    blocked(server)
    server.advance(999)
    assert server.waiting
    server.advance(2)
    assert waiting.ended() is None


@pytest.mark.parametrize("retries", [0, 2])
def test_socket_timeout(server: fakeredis.FakeServer, retries: int) -> None:
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    client = server.client(socket_timeout=0.02, retry=Retry(NoBackoff(), retries))
    with pytest.raises(redis.TimeoutError, match="Timeout reading from"):
        client.blpop("l", 0)
    assert not server.waiting
    if VERSION >= (6,):  # earlier ones ask for retry_on_timeout
        assert server.connections_received == 1 + retries
    client.rpush("l", "v")
    assert client.lrange("l", 0, -1) == [b"v"]


def test_closing_a_blocked_client(server: fakeredis.FakeServer) -> None:
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    client = server.client(retry=Retry(NoBackoff(), 0))
    waiting = Running(lambda: client.blpop("l", 0))
    blocked(server)
    client.close()
    assert isinstance(waiting.ended(), redis.ConnectionError)
    assert not server.waiting


def test_a_server_that_goes_down_breaks_a_wait(server: fakeredis.FakeServer) -> None:
    server.execute("SET", "k", 1)
    client = server.client()
    waiting = Running(lambda: client.blpop("l", 0))
    blocked(server)
    server.connected = False
    assert isinstance(waiting.ended(), redis.ConnectionError)
    with pytest.raises(ConnectionLost):
        server.execute("GET", "k")
    server.connected = True
    assert server.execute("GET", "k") == b"1"
    assert client.get("k") == b"1"


def test_a_server_s_own_door_waits(server: fakeredis.FakeServer) -> None:
    waiting = Running(lambda: server.execute("BLPOP", "l", 0))
    blocked(server)
    server.client().rpush("l", 1.5)
    assert waiting.ended() == [b"l", b"1.5"]
    with pytest.raises(CommandError, match="WRONGTYPE"):
        server.execute("RPUSH", "l", "x") and server.execute("GET", "l")


def test_commands_behind_one_that_waits_keep_their_order(server: fakeredis.FakeServer) -> None:
    pipe = server.client().pipeline(transaction=False).blpop("l", 0).set("k", "v").get("k")
    waiting = Running(pipe.execute)
    blocked(server)
    assert server.client().get("k") is None
    server.client().rpush("l", "v")
    assert waiting.ended() == [(b"l", b"v"), True, b"v"]


def test_threads_lose_nothing(server: fakeredis.FakeServer) -> None:
    shared = server.client()

    def count(client: Any) -> None:
        for _ in range(500):
            client.incr("n")
            client.pipeline().incr("m").incr("m").execute()

    threads = [Running(lambda: count(shared)) for _ in range(8)]
    threads += [Running(lambda: count(server.client())) for _ in range(8)]
    for thread in threads:
        assert thread.ended() is None
    assert shared.mget("n", "m") == [b"8000", b"16000"]


def test_garbage_leaves_no_session(server: fakeredis.FakeServer) -> None:
    for _ in range(50):
        client = server.client()
        client.set("k", "v")
        client.pubsub()
        client.pipeline().watch("k")
    del client
    gc.collect()
    assert len(server.sessions) == 0


def test_garbage_in_the_middle_of_a_command(server: fakeredis.FakeServer) -> None:
    """The collector runs while this thread holds the server's lock: the session goes later."""
    wire = FakeSocket(server.session())
    with server.lock:
        wire.close()
        assert len(server.sessions) == 1
    FakeSocket(server.session()).close()
    assert not server.sessions


def test_subscribers_are_forgotten(server: fakeredis.FakeServer) -> None:
    for _ in range(5):
        pubsub = server.client().pubsub()
        pubsub.subscribe("c")
    del pubsub
    gc.collect()
    assert len(server.sessions) == 0
    assert not server.pubsub.channels


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_interrupt() -> None:
    code = (  # the last line of what waits is told by who interrupts; a shell's may be ignored
        "import fakeredis, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\nprint('up', flush=True)\n"
        "try: fakeredis.FakeRedis(socket_timeout=None).blpop('l', 0)\n"
        "except KeyboardInterrupt: print('interrupted')"
    )
    path = os.pathsep.join(sys.path)
    environment = {**os.environ, "PYTHONPATH": path}
    with processes.started([sys.executable, "-c", code], env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "interrupted\n"


# asyncio ----------------------------------------------------------------------------------------


async def asleep(server: Server, count: int = 1) -> None:
    async with asyncio_timeout():
        while len(server.waiting) != count:  # noqa: ASYNC110 - the engine knows no loop
            await asyncio.sleep(0)


class asyncio_timeout:  # noqa: N801 - asyncio.timeout is younger than Python 3.10
    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.handle = asyncio.get_running_loop().call_later(10, task.cancel)

    async def __aexit__(self, *exc: object) -> None:
        self.handle.cancel()


async def test_async_blpop(server: fakeredis.FakeServer) -> None:
    async with server.async_client() as client, server.async_client() as other:
        task = asyncio.create_task(client.blpop("l", 0))
        await asleep(server)
        await other.rpush("l", "v")
        assert await task == (b"l", b"v")
        assert await client.blpop("l", 0.02) is None
        server.clock.freeze()
        assert await client.blpop("l", 0.02) is None
    assert not server.sessions


async def test_async_blpop_served_from_a_thread(server: fakeredis.FakeServer) -> None:
    async with server.async_client() as client:
        for number in range(20):
            task = asyncio.create_task(client.blpop("l", 0))
            await asleep(server)
            thread = Running(lambda n=number: server.client().rpush("l", n))
            async with asyncio_timeout():
                assert await task == (b"l", b"%d" % number)
            assert thread.ended() == 1


async def test_cancelling(server: fakeredis.FakeServer) -> None:
    async with server.async_client() as client:
        task = asyncio.create_task(client.blpop("l", 0))
        await asleep(server)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not server.waiting
        await client.rpush("l", "v")
        assert await client.llen("l") == 1


async def test_async_socket_timeout(server: fakeredis.FakeServer) -> None:
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    retry = Retry(NoBackoff(), 0)
    async with server.async_client(socket_timeout=0.02, retry=retry) as client:
        with pytest.raises(redis.TimeoutError, match="Timeout reading from"):
            await client.blpop("l", 0)
        assert not server.waiting
        assert await client.ping() is True


async def test_other_tasks_get_their_turn(server: fakeredis.FakeServer) -> None:
    async with server.async_client() as client:

        async def wait() -> None:
            while not await client.get("flag"):
                pass

        async def wait_in_watch() -> None:
            while True:
                async with client.pipeline() as pipe:
                    await pipe.watch("flag")
                    if await pipe.get("flag"):
                        return

        async with asyncio_timeout():
            tasks = [asyncio.create_task(wait()), asyncio.create_task(wait_in_watch())]
            await asyncio.sleep(0)
            await client.set("flag", 1)
            await asyncio.gather(*tasks)


def test_several_event_loops(server: fakeredis.FakeServer) -> None:
    client = server.async_client()
    for number in range(1, 4):
        assert asyncio.run(client.incr("n")) == number

    async def together() -> list[int]:
        return await asyncio.gather(*(client.incr("n") for _ in range(10)))

    assert asyncio.run(together()) == list(range(4, 14))
    asyncio.run(client.aclose())
    assert not server.sessions


async def test_async_garbage(server: fakeredis.FakeServer) -> None:
    for _ in range(10):
        client = server.async_client()
        await client.get("k")
    del client
    gc.collect()
    assert not server.sessions
