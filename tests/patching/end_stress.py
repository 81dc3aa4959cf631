"""A program that ends patches while threads and event loops use and wait on every kind of client.

``python -m tests.patching.end_stress ROUNDS`` prints what was raised beside redis-py's own errors,
and who was not woken, and exits with 1 if there was any.
"""

from __future__ import annotations

import asyncio
import faulthandler
import select
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import redis
import redis.asyncio
import redis.asyncio.retry
from redis.backoff import NoBackoff
from redis.retry import Retry

import fakeredis

PATIENCE = 20.0  # seconds for a thread to notice that the patch has ended
faults: list[str] = []
loops: dict[threading.Thread, Callable[[], Any]] = {}  # what shows where they are
over = threading.Event()  # for those who do not wait, and so may go on with their fake


def closed_port() -> int:
    """A port at which nobody listens: where clients go that were made before."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def raw(client: redis.Redis) -> None:
    """Commands over a bare connection."""
    connection = client.connection_pool.make_connection()
    while not over.is_set():
        connection.send_command("INCR", "n")
        connection.read_response()


def poll(client: redis.Redis) -> None:
    """Wait for a reply as an event loop does: by the descriptor."""
    connection = client.connection_pool.make_connection()
    connection.send_command("BRPOP", "nothing", 0)
    poller = select.poll()
    poller.register(connection._sock.fileno(), select.POLLIN)
    assert poller.poll(PATIENCE * 1000)
    connection.read_response()


def listen(client: redis.Redis) -> None:
    """Listen to a channel."""
    with client.pubsub() as pubsub:
        pubsub.subscribe("c")
        for _ in pubsub.listen():
            pass


def pipelines(client: redis.Redis) -> None:
    """Pipelines, and transactions."""
    while not over.is_set():
        client.pipeline(transaction=False).get("k").incr("n").execute()
        client.pipeline().get("k").incr("n").execute()


def plain(client: redis.Redis) -> None:
    """Commands that do not wait."""
    while not over.is_set():
        client.set("k", "v")
        client.get("k")


def lock(client: redis.Redis) -> None:
    """Locks."""
    while not over.is_set():
        with client.lock("l", timeout=5, sleep=0.001, blocking_timeout=5):
            pass


def wait(client: redis.Redis) -> None:
    """A command that waits for ever."""
    client.blpop(["nothing"], 0)


async def wait_async(client: Any) -> None:
    """The same in asyncio."""
    await client.blpop(["nothing"], 0)


async def plain_async(client: Any) -> None:
    """Commands and pipelines in asyncio."""
    while not over.is_set():
        await client.set("k", "v")
        await client.pipeline().get("k").execute()


async def listen_async(client: Any) -> None:
    """Listen in asyncio."""
    async with client.pubsub() as pubsub:
        await pubsub.subscribe("c")
        while True:
            await pubsub.get_message(timeout=None)


def in_loop(act: Any, client: Any) -> None:
    """Act with an asyncio client in a loop of the thread's own."""

    async def main() -> None:
        try:
            await act(client)
        finally:
            await client.aclose()

    def show(loop: asyncio.AbstractEventLoop) -> None:
        for task in asyncio.all_tasks(loop):
            inner: Any = task.get_coro()
            while inner is not None:
                frame = getattr(inner, "cr_frame", None) or getattr(inner, "ag_frame", None)
                print(frame or inner)
                inner = getattr(inner, "cr_await", None) or getattr(inner, "ag_await", None)

    async def watched() -> None:
        loops[threading.current_thread()] = partial(show, asyncio.get_running_loop())
        await main()

    asyncio.run(watched())


def attempt(name: str, act: Callable[[], None]) -> None:
    """Act until redis-py raises, which ends it."""
    try:
        act()
    except redis.RedisError:
        pass
    except Exception:
        faults.append(f"{name}: {traceback.format_exc()}")


def acts(when: str, make: Any, make_async: Any) -> dict[str, Callable[[], None]]:
    """What threads do with clients of their own, which are made here."""
    found: dict[str, Callable[[], None]] = {}
    for act in (raw, poll, listen, pipelines, plain, lock, wait):
        found[f"{act.__name__}, {when}"] = partial(act, make())
    for act_async in (wait_async, plain_async, listen_async):
        found[f"{act_async.__name__}, {when}"] = partial(in_loop, act_async, make_async())
    return found


def round_of(number: int, port: int) -> None:
    """One patch, and its end."""
    over.clear()
    quick: Any = Retry(NoBackoff(), 1)  # type: ignore[no-untyped-call]
    quick_async: Any = redis.asyncio.retry.Retry(NoBackoff(), 1)  # type: ignore[no-untyped-call]
    todo = acts(
        "before", lambda: redis.Redis(port=port, retry=quick),
        lambda: redis.asyncio.Redis(port=port, retry=quick_async),
    )
    fake = fakeredis.patch(names=number % 2 == 0, spy=number % 3 == 0).start()
    todo |= acts("inside", redis.Redis, redis.asyncio.Redis)
    todo |= acts("by hand", fake.client, fake.async_client)
    threads = [
        threading.Thread(target=attempt, args=(name, act), name=name, daemon=True)
        for name, act in todo.items()
    ]
    for thread in threads:
        thread.start()
    time.sleep(number % 7 * 0.01)
    fake.stop()
    over.set()
    ends = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(ends - time.monotonic(), 0.01))
        if thread.is_alive():
            faults.append(f"{thread.name}: still there")
            loops.get(thread, int)()
    if any("still there" in fault for fault in faults):
        faulthandler.dump_traceback(all_threads=True)


def main(rounds: int) -> None:
    """End so many patches."""
    sys.setswitchinterval(1e-5)
    port = closed_port()
    for number in range(rounds):
        round_of(number, port)
        if faults:
            return


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore", fakeredis.AfterExitWarning)
    main(int(sys.argv[1]))
    for fault in faults:
        print(fault)
    sys.exit(bool(faults))
