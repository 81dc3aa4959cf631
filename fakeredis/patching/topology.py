"""Cluster and Sentinel clients of redis-py under a patch.

Their connections are those of plain clients, which lead to the engine already. What is missing
there are servers that are a cluster, or that answer as Sentinels: these are made when such a client
is about to look for its servers.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import redis.asyncio.cluster
import redis.asyncio.sentinel
import redis.cluster
import redis.sentinel

from fakeredis.clients import network
from fakeredis.clients.cluster import FakeNodesManager, gather
from fakeredis.clients.network import address_of
from fakeredis.clients.sentinel import FakeAsyncSentinel, FakeSentinel, watch
from fakeredis.patching.swapping import AttributeSwap, Swap, swap

_FAKES: Final = (FakeSentinel, FakeAsyncSentinel)


def _gather(kind: str, manager: Any) -> None:
    here = network.current(kind)
    if kind not in here.kinds or isinstance(manager, FakeNodesManager):
        return
    if manager.connection_kwargs.get("server") is None:  # else a fake client has seen to it
        gather(here, [address_of(node) for node in manager.startup_nodes.values()])


def initialize(kind: str, original: Any, manager: Any, *args: Any, **kwargs: Any) -> Any:
    """A cluster client asks for its nodes."""
    _gather(kind, manager)
    return original(manager, *args, **kwargs)


async def initialize_async(
    kind: str, original: Any, manager: Any, *args: Any, **kwargs: Any
) -> Any:
    """The same for asyncio."""
    _gather(kind, manager)
    return await original(manager, *args, **kwargs)


def _watch(kind: str, sentinel: Any, service: Any) -> None:
    here = network.current(kind)
    if kind in here.kinds and not isinstance(sentinel, _FAKES):
        watch(here, sentinel, service)


def discover(kind: str, original: Any, sentinel: Any, service_name: Any) -> Any:
    """A Sentinel client asks where a service is."""
    _watch(kind, sentinel, service_name)
    return original(sentinel, service_name)


async def discover_async(kind: str, original: Any, sentinel: Any, service_name: Any) -> Any:
    """The same for asyncio."""
    _watch(kind, sentinel, service_name)
    return await original(sentinel, service_name)


def swaps() -> list[Swap | AttributeSwap]:
    """The swaps of redis-py's cluster and Sentinel clients."""
    places = [
        (redis.cluster.NodesManager, "initialize", partial(initialize, "redis.cluster")),
        (
            redis.asyncio.cluster.NodesManager, "initialize",
            partial(initialize_async, "redis.asyncio.cluster"),
        ),
    ]  # fmt: skip
    for name in ("discover_master", "discover_slaves"):
        places += [
            (redis.sentinel.Sentinel, name, partial(discover, "redis.sentinel")),
            (
                redis.asyncio.sentinel.Sentinel, name,
                partial(discover_async, "redis.asyncio.sentinel"),
            ),
        ]  # fmt: skip
    found = [swap(owner, name, handler) for owner, name, handler in places]
    return [each for each in found if each is not None]
