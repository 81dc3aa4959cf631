"""Nothing is left behind: a photograph of the interpreter before and after, and memory."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
import tracemalloc
import types
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.cluster
import redis.sentinel

import fakeredis
from tests.support import processes

pytestmark = pytest.mark.usefixtures("no_network")
OPTIONS: list[dict[str, Any]] = [
    {}, {"names": False}, {"spy": True}, {"after_exit": "raise"}, {"after_exit": "real"},
    {"clients": {"redis"}}, {"version": "7.2"}, {"addresses": {"localhost"}},
]


def codes(cls: type) -> list[tuple[str, int]]:
    return [
        (name, id(value.__code__))
        for name, value in vars(cls).items()
        if isinstance(value, types.FunctionType)
    ]


def photograph() -> dict[str, Any]:
    """What a patch could leave behind, but for this package's own."""
    found: dict[str, Any] = {
        "modules": {name for name in sys.modules if not name.startswith("fakeredis")},
        "import hooks": list(map(id, sys.meta_path)), "path": list(sys.path),
        "path hooks": list(map(id, sys.path_hooks)), "environment": dict(os.environ),
        "signals": [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)],
        "threads": set(threading.enumerate()), "except": (sys.excepthook, threading.excepthook),
        "trace": (sys.gettrace(), sys.getprofile()), "switch": sys.getswitchinterval(),
    }
    for name, module in list(sys.modules.items()):
        if not isinstance(module, types.ModuleType) or name.startswith("fakeredis"):
            continue
        for key, value in list(module.__dict__.items()):
            if type(value) in (types.FunctionType, type(redis.Redis), type):
                found[f"{name}.{key}"] = id(value)
        if name.split(".")[0] in ("redis", "valkey"):
            for key, value in list(module.__dict__.items()):
                if isinstance(value, type):
                    space = {k: id(v) for k, v in vars(value).items()}
                    space.pop("__slotnames__", None)  # a note of Python's copyreg
                    found[f"{name}.{key} space"] = space
                    found[f"{name}.{key} codes"] = codes(value)
                elif isinstance(value, types.FunctionType):
                    found[f"{name}.{key} code"] = id(value.__code__)
    return found


def use_everything() -> None:
    client = redis.Redis(retry=None)
    try:
        client.set("k", "v")
        client.pipeline().get("k").execute()
        with client.pubsub() as pubsub:
            pubsub.subscribe("c")
            pubsub.get_message(timeout=1)
        client.register_script("return 1")
    except redis.RedisError:
        pass
    client.close()

    async def use() -> None:
        async with redis.asyncio.Redis() as aio:
            await aio.get("k")

    asyncio.run(use())


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_photograph(options: dict[str, Any]) -> None:
    with fakeredis.patch():  # imports what it needs, and what redis-py imports when used
        use_everything()
    gc.collect()
    before = photograph()
    with fakeredis.patch(**options) as fake:
        if "clients" not in options:
            use_everything()
        fake.freeze()
        fake.delay(1, "GETRANGE")
        with pytest.raises(KeyError), fakeredis.patch():
            raise KeyError
    gc.collect()
    after = photograph()
    differing = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert not differing


def test_hundreds_of_entries_do_not_grow(names: bool) -> None:
    def enter() -> None:
        with fakeredis.patch(names=names, spy=True):
            client = redis.Redis()
            client.set("k", "v")
            client.close()

    for _ in range(30):
        enter()
    gc.collect()
    tracemalloc.start()
    try:
        grown = [growth(enter), growth(enter)]
    finally:
        tracemalloc.stop()
    assert min(grown) < 50_000  # 250 bytes an entry: no client, session or server stays


def growth(enter: Callable[[], None]) -> int:
    """How many bytes are in use after 200 entries that were not before."""
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(200):
        enter()
    gc.collect()
    return tracemalloc.get_traced_memory()[0] - before


@pytest.mark.parametrize("after_exit", ["fake", "raise", "real"])
def test_what_is_gone_afterwards(after_exit: str, names: bool) -> None:
    older = redis.Redis()
    with fakeredis.patch(names=names, after_exit=after_exit, spy=True) as fake:
        client = redis.Redis()
        client.set("k", "v")
        older.set("k", "v")
        fake.snapshot()
        kept = [
            weakref.ref(each)
            for each in (fake, fake.server(), client, client.connection_pool, fake.spy)
        ]
    del client, fake
    gc.collect()
    assert [each() for each in kept] == [None] * len(kept)
    older.close()


PROGRAM = """
import asyncio, redis, redis.asyncio, fakeredis

async def main(handle):
    client = redis.asyncio.Redis()
    await client.set("k", "v")
    pubsub = client.pubsub()
    await pubsub.subscribe("c")
    if not handle: await client.aclose()

older = redis.Redis()
for names in (True, False):
    with fakeredis.patch(names=names, spy=True):
        older.set("k", "v")
        redis.Redis().get("k")
        asyncio.run(main(names), debug=False)  # else it tells of a busy machine
    del names
handle = fakeredis.patch().start()  # and never stopped
older.get("k")
last = redis.Redis()
last.pubsub().subscribe("c")
print("done")
"""


def test_no_warnings() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(fakeredis.__file__).parent.parent)}
    done = processes.python("-W", "error", "-X", "dev", "-c", PROGRAM, env=environment)
    assert (done.stderr, done.stdout, done.returncode) == ("", "done\n", 0)
