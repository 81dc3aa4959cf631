"""The rules of `fakeredis.patching`: which patch a thread or task belongs to."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis
import redis.asyncio

import fakeredis

pytestmark = pytest.mark.usefixtures("no_network")


class Worker:
    """A thread that runs one function after the other."""

    def __init__(self) -> None:
        self._tasks: list[tuple[Callable[[], Any], threading.Event, list[Any]]] = []
        self._wake = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        while True:
            self._wake.acquire()
            if not self._tasks:
                return
            function, done, result = self._tasks.pop()
            try:
                result.append(function())
            finally:
                done.set()

    def run(self, function: Callable[[], Any]) -> Any:
        done, result = threading.Event(), []
        self._tasks.append((function, done, result))
        self._wake.release()
        assert done.wait(5)
        return result[0]

    def close(self) -> None:
        self._wake.release()
        self._thread.join(30)


@pytest.fixture
def worker() -> Any:
    thread = Worker()
    yield thread
    thread.close()


def test_nested_patches_hide_each_other(names: bool) -> None:
    client = redis.Redis()
    with fakeredis.patch(names=names) as outer:
        client.set("k", "outer")
        inside = redis.Redis()
        with fakeredis.patch(names=names) as inner:
            assert fakeredis.active() is inner
            assert client.get("k") is inside.get("k") is redis.Redis().get("k") is None
            client.set("k", "inner")
            assert inside.get("k") == b"inner"
        assert fakeredis.active() is outer
        assert client.get("k") == inside.get("k") == redis.Redis().get("k") == b"outer"


def test_the_outer_one_may_end_first() -> None:
    outer, inner = fakeredis.patch(), fakeredis.patch()
    outer.start()
    client = redis.Redis()
    client.set("k", "outer")
    inner.start()
    client.set("k", "inner")
    outer.stop()
    assert fakeredis.active() is inner
    assert redis.Redis().get("k") == b"inner"
    inner.stop()
    assert fakeredis.active() is None


def test_what_is_under_way_outlives_an_inner_patch() -> None:
    with fakeredis.patch():
        client = redis.Redis()
        pipeline = client.pipeline()
        pipeline.watch("k")
        pubsub = client.pubsub(ignore_subscribe_messages=True)
        pubsub.subscribe("c")
        pubsub.get_message(timeout=1)
        with fakeredis.patch():
            client.set("k", "inner")
            client.publish("c", "inner")
        assert client.publish("c", "outer") == 1
        message = pubsub.get_message(timeout=1)
        assert message is not None
        assert message["data"] == b"outer"
        pipeline.multi()
        assert pipeline.get("k").execute() == [None]
        pubsub.close()


def test_one_patch_holds_for_all_threads(worker: Worker) -> None:
    with fakeredis.patch():
        redis.Redis().set("k", "v")
        assert worker.run(lambda: redis.Redis().get("k")) == b"v"
        empty = contextvars.Context()
        assert empty.run(lambda: redis.Redis().get("k")) == b"v"


def test_a_thread_without_a_patch_belongs_to_the_last(worker: Worker) -> None:
    with fakeredis.patch(), fakeredis.patch():
        redis.Redis().set("k", "inner")
        assert worker.run(lambda: redis.Redis().get("k")) == b"inner"


def test_two_threads_with_a_patch_each_on_one_client(worker: Worker) -> None:
    client = redis.Redis()
    theirs = fakeredis.patch()
    with fakeredis.patch() as ours:
        client.set("k", "ours")
        worker.run(theirs.start)
        assert worker.run(lambda: client.get("k")) is None
        worker.run(lambda: client.set("k", "theirs"))
        assert client.get("k") == b"ours"
        assert worker.run(lambda: client.get("k")) == b"theirs"
        assert worker.run(fakeredis.active) is theirs
        assert fakeredis.active() is ours
    assert client.get("k") == b"theirs"  # the only patch there is
    theirs.stop()  # in another thread than it began
    assert fakeredis.active() is None


async def test_two_tasks_with_a_patch_each_on_one_client() -> None:
    client = redis.asyncio.Redis()
    barrier = [asyncio.Event(), asyncio.Event()]

    async def use(number: int) -> bytes | None:
        async with fakeredis.patch():
            await client.set("k", number)
            barrier[number].set()
            await barrier[1 - number].wait()
            got: bytes | None = await client.get("k")
            await asyncio.sleep(0)
            return got

    assert await asyncio.gather(use(0), use(1)) == [b"0", b"1"]
    await client.aclose()


async def test_left_in_another_task() -> None:
    handle = fakeredis.patch()
    await asyncio.create_task(_start(handle))
    assert await redis.asyncio.Redis().set("k", "v")
    await asyncio.create_task(_stop(handle))
    assert fakeredis.active() is None


async def _start(handle: fakeredis.patch) -> None:
    handle.start()


async def _stop(handle: fakeredis.patch) -> None:
    handle.stop()


def test_short_cuts_come_back() -> None:
    """With several patches each command asks whose turn it is; with one it need not."""
    with fakeredis.patch():
        client = redis.Redis()
        client.ping()
        (connection,) = client.connection_pool._available_connections
        plain = type(connection._sock)
        with fakeredis.patch():
            pass
        client.ping()
        assert type(connection._sock) is plain


def test_many_threads_enter_and_leave() -> None:
    shared = redis.Redis()
    failures: list[Any] = []

    def use(number: int) -> None:
        for turn in range(10):
            with fakeredis.patch():
                own = redis.Redis()
                own.set("k", f"{number} {turn}")
                shared.get("x")
                if own.get("k") != f"{number} {turn}".encode():
                    failures.append((number, turn))

    threads = [threading.Thread(target=use, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failures
    assert fakeredis.active() is None


def calls_of(function: Callable[[], Any]) -> int:
    """How many Python functions are called."""
    count = 0

    def note(frame: Any, event: str, arg: Any) -> None:
        nonlocal count
        count += event == "call"

    gc.collect()
    gc.disable()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


def test_nested_patches_have_a_short_cut(names: bool) -> None:
    client = redis.Redis()
    with fakeredis.patch(names=names):
        client.ping()
        alone = calls_of(lambda: client.get("k"))
        with fakeredis.patch(names=names):
            client.ping()
            nested = calls_of(lambda: client.get("k"))
    assert nested <= alone + 6


@pytest.mark.parametrize("kind", ["redis", "redis.asyncio"])
async def test_an_inner_patch_of_other_clients_uncovers_nothing(kind: str, names: bool) -> None:
    sync, aio = redis.Redis(), redis.asyncio.Redis()
    with fakeredis.patch(names=names) as outer:
        sync.set("k", "sync")
        await aio.set("l", "async")
        with fakeredis.patch(names=names, clients={kind}) as inner:
            fresh, fresh_aio = redis.Redis(), redis.asyncio.Redis()
            for one in (sync, fresh):
                assert one.get("k") == (None if kind == "redis" else b"sync")
                assert one.pipeline().get("k").execute() == [one.get("k")]
            for other in (aio, fresh_aio):
                assert await other.get("l") == (None if kind == "redis.asyncio" else b"async")
            assert set(inner.servers) == set(outer.servers) == {"localhost:6379"}
            await fresh_aio.aclose()
        assert sync.get("k") == b"sync"
    await aio.aclose()
