"""A patch ends while threads, tasks and pollers wait, or are in the middle of something."""

from __future__ import annotations

import asyncio
import os
import select
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff
from redis.retry import Retry

import fakeredis
from tests.support import processes

LIMIT = 20.0  # seconds for what ends at once
LONG_PAUSES: Any = Retry(ConstantBackoff(3600), 3)  # type: ignore[no-untyped-call]


def wait(client: redis.Redis) -> Any:
    return client.blpop(["nothing"], 0)


def listen(client: redis.Redis) -> Any:
    with client.pubsub() as pubsub:
        pubsub.subscribe("c")
        return list(pubsub.listen())


def block_in_pipeline(client: redis.Redis) -> Any:
    return client.pipeline(transaction=False).get("k").blpop("nothing", 0).execute()


# By redis-py's own attempts.
ANEW = pytest.mark.filterwarnings("ignore::fakeredis.AfterExitWarning")
WAYS = [wait, listen, pytest.param(block_in_pipeline, marks=ANEW)]


class Waiting:
    """A thread that does something until an error ends it; it is no daemon."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.error: BaseException | None = None
        self._act = act
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._act()
        except BaseException as error:
            self.error = error

    def ended(self) -> BaseException | None:
        self._thread.join(LIMIT)
        assert not self._thread.is_alive()
        return self.error


def until_it_waits(fake: fakeredis.patch) -> None:
    ends = time.monotonic() + LIMIT
    while time.monotonic() < ends:
        for session in list(fake.server().sessions.values()):
            if session.wait is not None or session.subscriptions:
                return
        time.sleep(0.001)
    raise AssertionError("nobody waits")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("after_exit", ["fake", "raise"])
def test_threads_are_woken(way: Any, after_exit: str, names: bool, no_network: None) -> None:
    """And wait no more, however long the pauses between redis-py's attempts would be.

    Nobody is warned who did not begin anything after the end.
    """
    fake = fakeredis.patch(names=names, after_exit=after_exit).start()
    try:
        client = redis.Redis(retry=LONG_PAUSES)
        thread = Waiting(lambda: way(client))
        until_it_waits(fake)
    finally:
        fake.stop()
    assert isinstance(thread.ended(), redis.ConnectionError)


@pytest.mark.parametrize("way", WAYS)
def test_clients_of_the_handle_are_woken(way: Any, no_network: None) -> None:
    with fakeredis.patch() as fake:
        thread = Waiting(lambda: way(fake.client()))
        until_it_waits(fake)
    assert isinstance(thread.ended(), redis.ConnectionError)


async def wait_async(client: Any) -> None:
    await client.blpop(["nothing"], 0)


async def listen_async(client: Any) -> None:
    async with client.pubsub() as pubsub:
        await pubsub.subscribe("c")
        async for _ in pubsub.listen():
            pass


@pytest.mark.filterwarnings("ignore::fakeredis.AfterExitWarning")
@pytest.mark.parametrize("way", [wait_async, listen_async])
async def test_tasks_are_woken(way: Any, names: bool, no_network: None) -> None:
    async with fakeredis.patch(names=names) as fake:
        client = redis.asyncio.Redis(retry=AsyncRetry(ConstantBackoff(3600), 3))  # type: ignore[no-untyped-call]
        by_handle = fake.async_client()
        tasks = [asyncio.ensure_future(way(each)) for each in (client, by_handle)]
        for _ in range(200):  # until both wait
            await asyncio.sleep(0)
    found = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), LIMIT)
    assert [type(error) for error in found] == [redis.ConnectionError] * 2
    await client.aclose()
    await by_handle.aclose()


def test_pollers_are_woken(names: bool, no_network: None) -> None:
    fake = fakeredis.patch(names=names).start()
    try:
        connection = redis.Connection()
        connection.send_command("BRPOP", "nothing", 0)  # type: ignore[no-untyped-call]
        poller = select.poll()
        poller.register(connection._sock.fileno(), select.POLLIN)  # type: ignore[union-attr]
        assert not poller.poll(0)
    finally:
        fake.stop()
    assert poller.poll(LIMIT * 1000)
    with pytest.raises(redis.ConnectionError):
        connection.read_response()
    connection.disconnect()


@pytest.mark.filterwarnings("ignore::fakeredis.AfterExitWarning")
def test_afterwards_only_what_would_wait_fails(names: bool, no_network: None) -> None:
    with fakeredis.patch(names=names):
        client = redis.Redis(retry=LONG_PAUSES, socket_timeout=None)
        client.ping()
        single = redis.Redis(single_connection_client=True)
        single.ping()
    for each in (client, single):
        with pytest.raises(redis.ConnectionError, match="has ended: it does not wait"):
            each.blpop(["q"], 0)
        assert each.rpush("q", "a") == 1
        assert each.blpop(["q"], 0) == (b"q", b"a")
        with each.pubsub() as pubsub:
            pubsub.subscribe("c")
            assert pubsub.get_message(timeout=None)["type"] == "subscribe"  # type: ignore[arg-type,index]
            with pytest.raises(redis.ConnectionError):
                pubsub.get_message(timeout=None)  # type: ignore[arg-type]
        each.close()


def test_an_idle_client_does_not_notice(names: bool, no_network: None) -> None:
    with fakeredis.patch(names=names):
        connection = redis.Connection(retry=Retry(ConstantBackoff(0), 0))  # type: ignore[no-untyped-call]
        connection.connect()
    with pytest.warns(fakeredis.AfterExitWarning):
        connection.send_command("PING")  # type: ignore[no-untyped-call]
    assert connection.read_response() == b"PONG"
    connection.disconnect()


def test_a_store_that_is_used_again_waits_again(no_network: None) -> None:
    store = fakeredis.MemoryStore()
    for _ in range(2):
        with fakeredis.patch(store=store):
            assert redis.Redis().blpop(["q"], 0.01) is None  # type: ignore[arg-type]
    assert fakeredis.FakeServer(store).client().blpop(["q"], 0.01) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("timeout", ["0.05", "1"])
def test_time_outs_reach_who_polls(fake: fakeredis.patch, timeout: str) -> None:
    connection = redis.Connection()
    connection.connect()
    number = connection._sock.fileno()  # type: ignore[union-attr]
    for _ in range(2):
        connection.send_command("BRPOP", "nothing", timeout)  # type: ignore[no-untyped-call]
        poller = select.poll()
        poller.register(number, select.POLLIN)
        assert not poller.poll(0)
        assert poller.poll(LIMIT * 1000)
        assert connection.read_response() is None
    connection.disconnect()


def test_nobody_is_left_behind_by_an_end() -> None:
    """See the program: every kind of use, ended at chance moments."""
    rounds = 60 if os.environ.get("FAKEREDIS_LONG") else 8
    done = processes.python(
        "-m", "tests.patching.end_stress", rounds, limit=300, cwd=processes.ROOT
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


EXIT = """
import threading, fakeredis, redis

handle = fakeredis.patch().start()
client = redis.Redis()
threading.Thread(target=lambda: client.blpop(["q"], 0)).start()
while not any(s.wait for s in list(handle.server().sessions.values())):
    pass
handle.stop()
"""


def test_the_interpreter_exits() -> None:
    done = processes.python("-W", "ignore", "-c", EXIT)
    assert done.returncode == 0
    assert "ConnectionError" in done.stderr
