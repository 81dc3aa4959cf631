"""The workloads, and a worker that times them on one target.

A worker is a process of its own: the rival needs another environment.  It reads one workload's name
a line and answers with the seconds that one round took; so the controller can interleave the
targets.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from typing import Any

NUMBER = 3000  # commands in one round
BATCH = 100
SLOW = ("new client and GET", "lock", "pub/sub round trip")


def fill(r: Any) -> None:
    """The data that all workloads find."""
    r.flushall()
    r.set("string", "value")
    r.set("counter", 1)
    r.mset({f"m{i}": i for i in range(10)})
    r.hset("hash", mapping={f"field{i}": f"value{i}" for i in range(10)})
    r.zadd("zset", {f"member{i}": i for i in range(100)})
    r.set("expiring", "x")


def lock_cycle(r: Any) -> None:
    with r.lock("lock", timeout=10):
        pass


def list_cycle(r: Any) -> None:
    r.lpush("list", "x")
    r.rpop("list")


def pipeline(r: Any, transaction: bool, name: str) -> Callable[[], None]:
    def run() -> None:
        with r.pipeline(transaction=transaction) as pipe:
            if name == "get":
                for _ in range(BATCH):
                    pipe.get("string")
            else:
                for _ in range(BATCH):
                    pipe.set("string", "value")
            pipe.execute()

    return run


def pubsub_cycle(r: Any) -> Callable[[], None]:
    listener = r.pubsub()
    listener.subscribe("channel")
    listener.get_message(timeout=1)

    def run() -> None:
        r.publish("channel", "hello")
        message = listener.get_message(timeout=1)
        assert message is not None
        assert message["data"] == b"hello"

    return run


def sync_workloads(r: Any, new: Callable[[], Any]) -> dict[str, tuple[Callable[[], Any], int]]:
    """Name to a function and how many commands one call of it counts for."""
    keys = [f"m{i}" for i in range(10)]
    return {
        "GET": (lambda: r.get("string"), 1),
        "SET": (lambda: r.set("string", "value"), 1),
        "INCR": (lambda: r.incr("counter"), 1),
        "MGET 10": (lambda: r.mget(keys), 1),
        "HSET": (lambda: r.hset("hash", "field1", "value"), 1),
        "HGETALL 10": (lambda: r.hgetall("hash"), 1),
        "LPUSH+RPOP": (lambda: list_cycle(r), 1),
        "ZADD": (lambda: r.zadd("zset", {"member50": 50.5}), 1),
        "ZRANGE 100 WITHSCORES": (lambda: r.zrange("zset", 0, -1, withscores=True), 1),
        "EXPIRE": (lambda: r.expire("expiring", 1000), 1),
        "lock": (lambda: lock_cycle(r), 1),
        "pub/sub round trip": (pubsub_cycle(r), 1),
        "new client and GET": (lambda: new().get("string"), 1),
        "pipeline GET": (pipeline(r, False, "get"), BATCH),
        "pipeline SET": (pipeline(r, False, "set"), BATCH),
        "MULTI SET": (pipeline(r, True, "set"), BATCH),
    }


async def _async_gets(r: Any, number: int) -> None:
    for _ in range(number):
        await r.get("string")


async def _async_sets(r: Any, number: int) -> None:
    for _ in range(number):
        await r.set("string", "value")


async def _async_pipelines(r: Any, number: int) -> None:
    for _ in range(number):
        async with r.pipeline(transaction=False) as pipe:
            for _ in range(BATCH):
                pipe.get("string")
            await pipe.execute()


ASYNC = {
    "async GET": (_async_gets, 1), "async SET": (_async_sets, 1),
    "async pipeline GET": (_async_pipelines, BATCH),
}


def connect(target: str, port: int) -> tuple[Any, Any, Callable[[], Any]]:
    """The sync client, the async client, and a maker of new sync clients."""
    if target == "real":
        import redis
        import redis.asyncio

        return (
            redis.Redis(port=port), redis.asyncio.Redis(port=port),
            lambda: redis.Redis(port=port),
        )
    import fakeredis

    if target == "rival":
        server = fakeredis.FakeServer()
        return (
            fakeredis.FakeStrictRedis(server=server),
            fakeredis.FakeAsyncRedis(server=server),
            lambda: fakeredis.FakeStrictRedis(server=server),
        )
    return fakeredis.FakeRedis(), fakeredis.FakeAsyncRedis(), fakeredis.FakeRedis


def time_sync(run: Callable[[], Any], number: int) -> float:
    started = time.perf_counter()
    for _ in range(number):
        run()
    return time.perf_counter() - started


def time_async(loop: Any, run: Any, client: Any, number: int) -> float:
    started = time.perf_counter()
    loop.run_until_complete(run(client, number))
    return time.perf_counter() - started


def main() -> None:
    target, port = sys.argv[1], int(sys.argv[2])
    r, async_r, new = connect(target, port)
    fill(r)
    workloads = sync_workloads(r, new)
    loop = asyncio.new_event_loop()
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        name = line.strip()
        if name in workloads:
            run, commands = workloads[name]
            number = NUMBER // (10 if name in SLOW else commands)
            seconds = time_sync(run, number)
        else:
            coroutine, commands = ASYNC[name]
            number = NUMBER // commands
            seconds = time_async(loop, coroutine, async_r, number)
        print(seconds / number / commands * 1e6, flush=True)
    loop.run_until_complete(async_r.aclose())
    loop.close()


if __name__ == "__main__":
    main()
