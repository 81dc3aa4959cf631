"""Cluster and Sentinel clients of redis-py under a patch.

Their connections are those of plain clients, which lead to the engine already. What is missing
there are servers that are a cluster, or that answer as Sentinels: these are made when such a client
is about to look for its servers.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fakeredis.clients import network
from fakeredis.clients.cluster import FakeNodesManager, gather
from fakeredis.clients.impersonation import is_own_instance
from fakeredis.clients.network import address_of
from fakeredis.clients.sentinel import FakeAsyncSentinel, FakeSentinel, watch
from fakeredis.clients.valkey_errors import Handler, translated
from fakeredis.patching.code_swap import AttributeSwap, Swap, swap
from fakeredis.stores.base import Bypass

if TYPE_CHECKING:
    from types import ModuleType

    from fakeredis.clients.interfaces import Function

_FAKES: Final = (FakeSentinel, FakeAsyncSentinel)
_OTHERS: Final = (FakeNodesManager, Bypass)  # fake ones, and a store's own


def _gather(kind: str, manager: Any) -> None:
    here = network.current(kind)
    if kind not in here.kinds or isinstance(manager, _OTHERS):
        return
    if manager.connection_kwargs.get("server") is None:  # else a fake client has seen to it
        gather(here, [address_of(node) for node in manager.startup_nodes.values()])


def initialize(
    kind: str, original: Function, manager: object, *args: object, **kwargs: object
) -> Any:
    """A cluster client asks for its nodes."""
    _gather(kind, manager)
    return original(manager, *args, **kwargs)


async def initialize_async(
    kind: str, original: Function, manager: object, *args: object, **kwargs: object
) -> Any:
    """An asyncio cluster client asks for its nodes."""
    _gather(kind, manager)
    return await original(manager, *args, **kwargs)


def _watch(kind: str, sentinel: object, service: object) -> None:
    here = network.current(kind)
    if isinstance(sentinel, Bypass):
        return
    if kind in here.kinds and not any(is_own_instance(sentinel, fake) for fake in _FAKES):
        watch(here, sentinel, service)


def discover(kind: str, original: Function, sentinel: object, service_name: object) -> Any:
    """A Sentinel client asks where a service is."""
    _watch(kind, sentinel, service_name)
    return original(sentinel, service_name)


async def discover_async(kind: str, original: Function, sentinel: object,
service_name: object) -> Any:
    """An asyncio Sentinel client asks where a service is."""
    _watch(kind, sentinel, service_name)
    return await original(sentinel, service_name)


def swaps() -> list[Swap | AttributeSwap]:
    """The swaps of redis-py's cluster and Sentinel clients."""
    return _swaps("redis", lambda handler: handler)


def valkey_swaps(exceptions: ModuleType) -> list[Swap | AttributeSwap]:
    """The swaps of valkey-py's cluster and Sentinel clients.

    Args:
        exceptions: its module of exceptions.
    """
    return _swaps("valkey", partial(translated, exceptions=exceptions))


def _swaps(library: str, wrap: Callable[[Handler], Handler]) -> list[Swap | AttributeSwap]:
    places: list[tuple[type, str, Handler]] = []
    for package, ask, find in (
        (library, initialize, discover), (f"{library}.asyncio", initialize_async, discover_async),
    ):
        manager = importlib.import_module(f"{package}.cluster").NodesManager
        places.append((manager, "initialize", partial(ask, f"{package}.cluster")))
        sentinel = importlib.import_module(f"{package}.sentinel").Sentinel
        found_by = partial(find, f"{package}.sentinel")
        places += [(sentinel, name, found_by) for name in ("discover_master", "discover_slaves")]
    found = [swap(owner, name, wrap(handler)) for owner, name, handler in places]
    return [each for each in found if each is not None]
