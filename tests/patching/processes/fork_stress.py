"""A program that forks in a loop while threads, event loops and other children connect.

``python -m tests.patching.processes.fork_stress ROUNDS`` prints what was lost, and exits with 1 if
anything was.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from itertools import count
from typing import Any

import redis
import redis.asyncio
from redis.cluster import RedisCluster

import fakeredis

PATIENCE = 60.0  # seconds for one child
PAUSE = 0.005  # seconds between what a thread does, so that servers do not become thousands
COUNTER = "counter.example"
faults: list[str] = []


def child(number: int, by_hand: fakeredis.FakeRedis) -> None:
    """Count at places old and new, each of which the parent looks at in the end."""
    redis.Redis(COUNTER).incr("children")
    redis.Redis(f"child{number}.example").incr("n")
    by_hand.incr("children")
    if number % 4 == 0:
        RedisCluster(f"cluster{number // 8}.example", 7000).incr("children")
    if number % 5 == 0:
        asyncio.run(count_async(f"child{number}.example"))
    if number % 7 == 0:
        wait_for(fork(lambda: redis.Redis(COUNTER).incr("grandchildren") and None))


async def count_async(host: str) -> None:
    """Count by an asyncio client."""
    async with redis.asyncio.Redis(host=host) as client:
        await client.incr("async")


def fork(function: Callable[[], Any]) -> int:
    """The process that runs a function, and exits with 1 if it raised."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        function()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def wait_for(pid: int) -> None:
    """Wait for a child, but not for ever."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            if status:
                faults.append(f"a child ended with {os.waitstatus_to_exitcode(status)}")
            return
        time.sleep(0.0005)
    os.kill(pid, signal.SIGABRT)
    os.waitpid(pid, 0)
    faults.append("a child hung")


def busy(ended: threading.Event, counts: dict[str, int], name: str, act: Any) -> None:
    """Act until the end, counting."""
    try:
        for number in count():
            if ended.is_set():
                return
            act(number)
            counts[name] = number + 1
            time.sleep(PAUSE)
    except Exception:
        faults.append(f"{name}: {traceback.format_exc()}")


def acts() -> dict[str, Callable[[int], Any]]:
    """What threads do meanwhile, all of it new each time."""
    return {
        "addresses": lambda n: redis.Redis(f"thread{n}.example").incr("n"),
        "servers": lambda n: fakeredis.FakeServer().client().incr("n"),
        "clusters": lambda n: RedisCluster(f"busy{n}.example", 7000).incr("n"),
        "loops": lambda n: asyncio.run(count_async(f"loop{n}.example")),
        "counter": lambda n: redis.Redis(COUNTER).incr("threads"),
    }


def main(rounds: int) -> None:
    """Fork so often."""
    sys.setswitchinterval(1e-5)
    ended, counts = threading.Event(), dict.fromkeys(acts(), 0)
    by_hand = fakeredis.FakeRedis(server=fakeredis.FakeServer())
    with fakeredis.patch():
        threads = [
            threading.Thread(target=busy, args=(ended, counts, name, act))
            for name, act in acts().items()
        ]
        for thread in threads:
            thread.start()
        running: list[int] = []
        for number in range(rounds):
            running.append(fork(lambda n=number: child(n, by_hand)))  # type: ignore[misc]
            if len(running) == 4:
                wait_for(running.pop(0))
        for pid in running:
            wait_for(pid)
        ended.set()
        for thread in threads:
            thread.join(PATIENCE)
        check(rounds, counts, by_hand)


def check(rounds: int, counts: dict[str, int], by_hand: fakeredis.FakeRedis) -> None:
    """Whether all have counted at the same places."""
    counter = redis.Redis(COUNTER)
    for name, found, wanted in [
        ("children", counter.get("children"), rounds),
        ("grandchildren", counter.get("grandchildren"), len(range(0, rounds, 7))),
        ("by hand", by_hand.get("children"), rounds),
        ("threads", counter.get("threads"), counts["counter"]),
        *((f"child {n}", redis.Redis(f"child{n}.example").get("n"), 1) for n in range(rounds)),
        *(
            (f"async {n}", redis.Redis(f"child{n}.example").get("async"), 1)
            for n in range(0, rounds, 5)
        ),
        *(
            (f"cluster {n}", RedisCluster(f"cluster{n}.example", 7000).get("children"),
             len(range(8 * n, min(8 * n + 8, rounds), 4)))
            for n in range((rounds + 7) // 8)
        ),
    ]:
        if found != b"%d" % wanted:
            faults.append(f"{name}: {found!r} instead of {wanted}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
    for fault in faults:
        print(fault)
    sys.exit(bool(faults))
