"""`patch` and `patched` in all their forms, as a typed program uses them; checked by mypy only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import redis
import redis.asyncio

import fakeredis
from fakeredis.patch import PatchOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


def block() -> None:
    with fakeredis.patch(spy=True, addresses={"cache:6379"}, after_exit="raise") as fake:
        handle: fakeredis.patch = fake
        client: redis.Redis = fake.client("cache:6379", decode_responses=True)
        loop_client: redis.asyncio.Redis = fake.async_client()
        server: fakeredis.FakeServer = fake.server()
        fake.advance(0.5)
        fake.freeze()
        fake.fail_next("ERR no", "SET", "k", times=2)
        fake.restore(fake.snapshot())
        print(handle, client, loop_client, server)


async def asynchronous() -> None:
    async with fakeredis.patch(version=(7, 4)) as fake:
        fake.flush()


def by_hand() -> None:
    fake: fakeredis.patch = fakeredis.patch().start()
    fake.stop()
    innermost: fakeredis.patch | None = fakeredis.active()
    print(innermost)


@fakeredis.patched
def bare(count: int) -> str:
    return "x" * count


@fakeredis.patched(spy=True, as_kwarg="fake")
async def called(fake: fakeredis.patch) -> int:
    return fake.count("GET")


@fakeredis.patched
def fixture() -> Iterator[redis.Redis]:
    yield redis.Redis()


@fakeredis.patched()
async def async_fixture() -> AsyncIterator[redis.asyncio.Redis]:
    yield redis.asyncio.Redis()


@fakeredis.patched
class TestCart:
    size: int = 1


def decorated_keep_their_types() -> None:
    text: str = bare(3)
    size: int = TestCart().size
    wrong: int = bare(3)  # type: ignore[assignment]
    bare("3")  # type: ignore[arg-type]
    print(text, size, wrong)


async def coroutines_keep_their_types(fake: fakeredis.patch) -> None:
    count: int = await called(fake)
    print(count)


def passing_on(**options: Unpack[PatchOptions]) -> fakeredis.patch:
    return fakeredis.patch(**options)


@fakeredis.patched("sqlite:///cart.db", after_exit="raise")
def with_a_store() -> None:
    """The store may come first, without its name."""


@fakeredis.patched(store="sqlite:///cart.db", config={"maxmemory": "10mb"}, clock="real")
def with_a_named_store() -> None:
    """Or by its name."""


def wrong_options() -> None:
    fakeredis.patched(spyy=True)  # type: ignore[call-overload]
    fakeredis.patched(after_exit="nope")  # type: ignore[call-overload]
    fakeredis.patch(after_exit="nope")  # type: ignore[arg-type]
    fakeredis.patch(server_type="memcached")  # type: ignore[arg-type]
    passing_on(spyy=True)  # type: ignore[call-arg]
    fakeredis.patch(spi=True)  # type: ignore[call-arg]
    handle: int = fakeredis.patch()  # type: ignore[assignment]
    print(handle)
