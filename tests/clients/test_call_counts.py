"""Speed without a clock: how many Python functions a command calls.

Counted from redis-py's method or ``execute_command`` (inclusive) to its return.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

import fakeredis
from fakeredis.engine.cluster.cluster import grow

CEILINGS = {
    "GET": (10, ("GET", "k")),
    "GET missing": (10, ("GET", "none")),
    "SET": (10, ("SET", "k", "v")),
    "INCRBY": (12, ("INCRBY", "n", 1)),
    "HGET": (10, ("HGET", "h", "f")),
    "HSET": (14, ("HSET", "h", "f", "v")),
    "LPUSH": (14, ("LPUSH", "l", "v")),
    "ZADD": (20, ("ZADD", "z", 1.5, "m")),
    "SADD": (14, ("SADD", "s", "m")),
    "EXISTS": (12, ("EXISTS", "k")),
    "DEL": (14, ("DEL", "none")),
    "BF.ADD": (14, ("BF.ADD", "bloom", "item")),
    "BF.EXISTS": (14, ("BF.EXISTS", "bloom", "item")),
    "CF.EXISTS": (16, ("CF.EXISTS", "cuckoo", "item")),
    "CMS.INCRBY": (20, ("CMS.INCRBY", "counts", "item", 1)),
    "TDIGEST.ADD": (16, ("TDIGEST.ADD", "digest", 1.5)),
    "TOPK.ADD": (20, ("TOPK.ADD", "top", "item")),
    "TS.ADD": (20, ("TS.ADD", "series", 1, 1.5)),
    "TS.GET": (14, ("TS.GET", "series")),
}
PREPARED = (
    ("CMS.INITBYDIM", "counts", 50, 5), ("TDIGEST.CREATE", "digest"), ("TOPK.RESERVE", "top", 5),
    ("TS.CREATE", "series", "DUPLICATE_POLICY", "LAST"),
)
ASYNC_EXTRA = 3  # the coroutine itself, and the turn of other tasks
ASYNC_MORE = 4  # the same, with the counting of it


class Calls:
    """The Python functions called in a ``with`` block."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __enter__(self) -> Calls:
        gc.collect()
        gc.disable()  # finalizers would be counted
        sys.setprofile(self._note)
        return self

    def __exit__(self, *exc: object) -> None:
        sys.setprofile(None)
        gc.enable()
        assert self.names.pop() == "__exit__"

    def _note(self, frame: Any, event: str, arg: Any) -> None:
        if event == "call":
            self.names.append(frame.f_code.co_name)


@pytest.fixture(params=[False, True], ids=["bytes", "decoded"])
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    server = fakeredis.FakeServer()
    with server.client(decode_responses=request.param) as client:
        client.set("k", "v")
        client.hset("h", "f", "v")
        for command in PREPARED:
            client.execute_command(*command)
        yield client


def check(name: str, names: list[str], ceiling: int) -> None:
    assert len(names) <= ceiling, f"{name}: {len(names)} calls, {' '.join(names)}"


@pytest.mark.parametrize("name", CEILINGS)
def test_commands(client: Any, name: str) -> None:
    ceiling, args = CEILINGS[name]
    run: Callable[..., Any] = client.execute_command
    run(*args)
    counted = []
    for _ in range(3):  # what an earlier test left behind may end in the middle of one
        with Calls() as calls:
            run(*args)
        counted.append(calls.names)
    check(name, min(counted, key=len), ceiling)


@pytest.mark.parametrize("name", CEILINGS)
async def test_async_commands(name: str) -> None:
    ceiling, args = CEILINGS[name]
    async with fakeredis.FakeServer().async_client() as client:
        for command in PREPARED:
            await client.execute_command(*command)
        await client.execute_command(*args)
        coroutine = client.execute_command(*args)
        with Calls() as calls:
            turns = 0
            try:
                while True:
                    coroutine.send(None)
                    turns += 1
            except StopIteration:
                pass
        assert turns == 1
        check(name, calls.names, ceiling + ASYNC_EXTRA)


def fewest(run: Callable[[], Any]) -> list[str]:
    """The calls of the best of some runs: what an earlier test has left may end within one."""
    run()
    counted = []
    for _ in range(3):
        with Calls() as calls:
            run()
        counted.append(calls.names)
    return min(counted, key=len)[1:]  # without the one that is given


Clients = Callable[[Any], Any]  # of the module `redis` or `redis.asyncio`: one of its clients


def of_a_patch(module: Any) -> Any:
    return module.Redis()


def of_a_server(server: fakeredis.FakeServer, **options: Any) -> Clients:
    def client(module: Any) -> Any:
        return (server.client if module is redis else server.async_client)(**options)

    return client


@contextmanager
def with_a_delay_on_another_command() -> Iterator[Clients]:
    with fakeredis.patch() as fake:
        fake.delay(0, "PING")
        yield of_a_patch


@contextmanager
def with_a_fault_on_another_command() -> Iterator[Clients]:
    with fakeredis.patch() as fake:
        fake.fail_next("ERR no", "PING")
        yield of_a_patch


@contextmanager
def spied() -> Iterator[Clients]:
    with fakeredis.patch(spy=True):
        yield of_a_patch


@contextmanager
def limited() -> Iterator[Clients]:
    yield of_a_server(fakeredis.FakeServer(config={"maxmemory": "100mb"}))


@contextmanager
def restricted() -> Iterator[Clients]:
    server = fakeredis.FakeServer()
    server.execute("ACL", "SETUSER", "u", "on", ">p", "~*", "+@all", "-flushall")
    yield of_a_server(server, username="u", password="p")


@contextmanager
def twice_patched() -> Iterator[Clients]:
    with fakeredis.patch(), fakeredis.patch():
        yield of_a_patch


@contextmanager
def plain() -> Iterator[Clients]:
    yield of_a_server(fakeredis.FakeServer())


SITUATIONS: dict[Any, tuple[int, int]] = {  # ceilings of GET and SET
    plain: (7, 8), with_a_delay_on_another_command: (12, 13),
    with_a_fault_on_another_command: (12, 13), spied: (15, 16), limited: (14, 26),
    restricted: (14, 16), twice_patched: (14, 15),
}


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
def test_the_same_road_with_what_is_switched_on(situation: Any) -> None:
    with situation() as clients, clients(redis) as client:
        client.set("k", "v")
        ceilings = SITUATIONS[situation]
        check("GET", fewest(lambda: client.get("k")), ceilings[0])
        check("SET", fewest(lambda: client.set("k", "v")), ceilings[1])


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.__name__)
async def test_the_same_road_of_coroutines(situation: Any) -> None:
    with situation() as clients:
        async with clients(redis.asyncio) as client:
            await client.set("k", "v")
            get, set_ = SITUATIONS[situation]
            assert await _calls_of_a_coroutine(lambda: client.get("k")) <= get + ASYNC_MORE
            assert await _calls_of_a_coroutine(lambda: client.set("k", "v")) <= set_ + ASYNC_MORE


async def _calls_of_a_coroutine(make: Callable[[], Any]) -> int:
    await make()
    counted = []
    for _ in range(3):
        coroutine = make()
        with Calls() as calls:
            try:
                while True:
                    coroutine.send(None)
            except StopIteration:
                pass
        counted.append(len(calls.names))
    return min(counted)


def _batch(client: Any, transaction: bool) -> Any:
    pipe = client.pipeline(transaction=transaction)
    for _ in range(100):
        pipe.get("k")
    return pipe.execute()


@pytest.mark.parametrize("transaction", [False, True])
def test_a_spied_pipeline_takes_the_way_of_all_others(transaction: bool) -> None:
    with plain() as clients, clients(redis) as client:
        unspied = fewest(lambda: _batch(client, transaction))
    with spied() as clients, clients(redis) as client:
        noted = fewest(lambda: _batch(client, transaction))
    assert len(noted) <= 1.6 * len(unspied)


@contextmanager
def paused() -> Iterator[Clients]:
    server = fakeredis.FakeServer()
    server.execute("CLIENT", "PAUSE", 100_000, "WRITE")
    yield of_a_server(server)


@contextmanager
def as_a_node() -> Iterator[Clients]:
    server = fakeredis.FakeServer()
    grow(server, 1)
    yield of_a_server(server)


# Ceilings for each command of a long pipeline, queueing it included, without MULTI and with it.
BATCHES: dict[Any, tuple[float, float]] = {
    plain: (7.5, 7.5), with_a_delay_on_another_command: (10.5, 8), limited: (15.5, 19),
    restricted: (13.5, 24.5), paused: (15.5, 12), as_a_node: (22.5, 31),
}


@pytest.mark.parametrize("transaction", [False, True], ids=["plain", "multi"])
@pytest.mark.parametrize("situation", BATCHES, ids=lambda situation: situation.__name__)
def test_batches_with_what_is_switched_on(situation: Any, transaction: bool) -> None:
    with situation() as clients, clients(redis) as client:
        client.get("k")
        names = fewest(lambda: _batch(client, transaction))
        check("GET", names, int(100 * BATCHES[situation][transaction]))


@pytest.mark.parametrize("transaction", [False, True])
async def test_a_spied_pipeline_of_coroutines(transaction: bool) -> None:
    counted = []
    for situation in (plain, spied):
        with situation() as clients:
            async with clients(redis.asyncio) as client:
                counted.append(
                    await _calls_of_a_coroutine(lambda client=client: _batch(client, transaction))
                )
    assert counted[1] <= 1.6 * counted[0]


async def test_a_write_to_a_file(tmp_path: Path) -> None:
    server = fakeredis.FakeServer(f"sqlite:///{tmp_path}/store.db")
    with server.client() as client:
        check("SET", fewest(lambda: client.set("k", "v")), 40)
    async with server.async_client() as client:
        assert await _calls_of_a_coroutine(lambda: client.set("k", "v")) <= 40 + ASYNC_MORE


@pytest.mark.parametrize(("transaction", "ceiling"), [(False, 5), (True, 5)])
def test_pipelines(client: Any, transaction: bool, ceiling: int) -> None:
    """Calls for each command of a long pipeline, with all that comes once shared out."""
    count = 100
    for _ in range(2):
        pipe = client.pipeline(transaction=transaction)
        for _ in range(count):
            pipe.get("k")
        with Calls() as calls:
            pipe.execute()
    assert len(calls.names) / count <= ceiling, calls.names[-30:]
