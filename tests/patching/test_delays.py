"""``fake.delay``: replies that come late; clients sleep, the engine never does."""

from __future__ import annotations

import asyncio
import select
import threading
import time
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

import fakeredis

pytestmark = pytest.mark.usefixtures("no_network")
NEVER = Retry(NoBackoff(), 0)
DELAY = 0.3  # seconds; what is quick stays below it on a busy machine, too


class Stopwatch:
    """The real seconds of a block."""

    def __enter__(self) -> Stopwatch:
        self._start = time.monotonic()
        return self

    def __exit__(self, *exc: object) -> None:
        self.seconds = time.monotonic() - self._start


def test_sync(names: bool) -> None:
    with fakeredis.patch(names=names, spy=True) as fake:
        client = redis.Redis()
        client.ping()
        fake.delay(DELAY, "GET")
        with Stopwatch() as slow:
            assert client.get("k") is None
        with Stopwatch() as quick:
            client.set("k", "v")
        assert slow.seconds >= DELAY > quick.seconds
        fake.reset_faults()
        with Stopwatch() as reset:
            assert client.get("k") == b"v"
        assert reset.seconds < DELAY
        fake.assert_called_command("GET k", times=2)


async def test_asyncio_lets_others_run(names: bool) -> None:
    async with fakeredis.patch(names=names) as fake:
        client = redis.asyncio.Redis()
        await client.set("k", "v")
        fake.delay(DELAY, "GET")
        ticks: list[float] = []

        async def tick() -> None:
            while True:
                ticks.append(time.monotonic())
                await asyncio.sleep(0.005)

        other = asyncio.create_task(tick())
        with Stopwatch() as slow:
            assert await client.get("k") == b"v"
        other.cancel()
        assert slow.seconds >= DELAY
        assert len(ticks) > 2
        await client.aclose()


def test_a_batch_waits_once(names: bool) -> None:
    with fakeredis.patch(names=names) as fake:
        client = redis.Redis()
        client.ping()
        fake.delay(DELAY)
        for transaction in (True, False):
            with Stopwatch() as slow:
                pipeline = client.pipeline(transaction=transaction)
                for number in range(10):
                    pipeline.set("k", number)
                assert pipeline.execute() == [True] * 10
            assert DELAY <= slow.seconds < 5 * DELAY


def test_a_shorter_timeout(names: bool) -> None:
    with fakeredis.patch(names=names) as fake:
        client = redis.Redis(socket_timeout=0.03, retry=NEVER)
        client.ping()
        fake.delay(30, "INCR")
        fake.delay(30, "INCRBY")
        with Stopwatch() as patient, pytest.raises(redis.TimeoutError, match="Timeout reading"):
            client.incr("n")
        assert 0.03 <= patient.seconds < 5
        assert client.get("n") == b"1"  # it ran; its reply was late
        assert client.ping()  # by a connection that knows nothing of the late reply


async def test_a_shorter_timeout_of_asyncio(names: bool) -> None:
    async with fakeredis.patch(names=names) as fake:
        client = redis.asyncio.Redis(socket_timeout=0.03, retry=None)
        await client.ping()
        fake.delay(30, "GET")
        with pytest.raises(redis.TimeoutError):
            await client.get("k")
        assert await client.ping()
        patient = redis.asyncio.Redis(socket_timeout=None)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(patient.get("k"), 0.03)
        await client.aclose()


def test_a_frozen_clock_moves_instead(names: bool) -> None:
    with fakeredis.patch(names=names) as fake:
        client = redis.Redis(socket_timeout=100, retry=NEVER)
        fake.freeze(1000)
        client.set("k", "v", ex=90)
        fake.delay(60, "GET")
        with Stopwatch() as quick:
            assert client.get("k") == b"v"
            assert client.time() == (1060, 0)
            assert client.get("k") == b"v"
            assert client.exists("k") == 0
            fake.delay(3600, "PING")
            with pytest.raises(redis.TimeoutError):
                client.ping()
        assert quick.seconds < 5
        assert client.time()[0] in (1219, 1220)  # its patience of 100 seconds


async def test_a_frozen_clock_with_asyncio() -> None:
    async with fakeredis.patch() as fake:
        client = redis.asyncio.Redis()
        fake.freeze(1000)
        fake.delay(3, "GET")
        await client.get("k")
        assert (await client.time())[0] == 1003
        await client.aclose()


def test_a_clock_that_moves_lets_replies_arrive() -> None:
    with fakeredis.patch() as fake:
        client = redis.Redis()
        client.ping()
        fake.delay(60, "GET")
        got: list[Any] = []
        thread = threading.Thread(target=lambda: got.append(client.get("k")))
        thread.start()
        while not fake.server().processed:
            time.sleep(0.001)
        time.sleep(0.01)
        fake.advance(61)
        thread.join(30)
        assert got == [None]


def test_arguments_and_connecting() -> None:
    with fakeredis.patch() as fake:
        fake.delay(DELAY, "GET", "slow")
        client = redis.Redis(protocol=3)
        with Stopwatch() as quick:
            client.get("quick")
        with Stopwatch() as slow:
            client.get("slow")
        assert quick.seconds < DELAY <= slow.seconds


def test_descriptor_polls_when_the_reply_arrives() -> None:
    with fakeredis.patch() as fake:
        connection = redis.Connection()
        connection.connect()
        descriptor = connection._sock.fileno()
        fake.delay(DELAY, "GET")
        connection.send_command("GET", "k")
        assert select.select([descriptor], [], [], 0)[0] == []
        assert select.select([descriptor], [], [], 5)[0] == [descriptor]
        assert connection.read_response() is None
        assert select.select([descriptor], [], [], 0)[0] == []
        connection.disconnect()


def test_waiting_commands() -> None:
    with fakeredis.patch() as fake:
        client = redis.Redis()
        fake.delay(0.05, "BLPOP")
        client.rpush("q", 1)
        with Stopwatch() as slow:
            assert client.blpop(["q"], 1) == (b"q", b"1")
        assert slow.seconds >= 0.05


@pytest.mark.parametrize("wrong", ["1", -1, float("nan"), None, True])
def test_wrong_delays(wrong: Any, fake: fakeredis.patch) -> None:
    with pytest.raises((TypeError, ValueError)):
        fake.delay(wrong)
    assert redis.Redis().ping()


@pytest.mark.parametrize("wrong", [5, "", None])
def test_wrong_commands(wrong: Any, fake: fakeredis.patch) -> None:
    with pytest.raises(TypeError):
        fake.delay(1, wrong)


# What faults leave to see -----------------------------------------------------------------------


@pytest.mark.parametrize("error", ["OOM no memory", redis.ConnectionError("reset by peer")])
def test_failed_commands_are_recorded(error: Any, fake: fakeredis.patch) -> None:
    client = redis.Redis(retry=NEVER)
    fake.fail_next(error, "SET")
    with pytest.raises(redis.RedisError):
        client.set("k", "v")
    client.set("k", "v")
    failed, done = fake.assert_called_command("SET k v", times=2)
    assert type(failed.error) is type(error) or str(failed.error) == error
    assert failed.reply is None
    assert done.error is None


def test_a_fault_while_a_transaction_is_queued_fails_it(fake: fakeredis.patch) -> None:
    client = redis.Redis()
    fake.fail_next("OOM no memory", "SET")
    with pytest.raises(redis.ResponseError, match="no memory"):
        client.pipeline().incr("n").set("k", "v").execute()
    assert client.exists("n") == 0
