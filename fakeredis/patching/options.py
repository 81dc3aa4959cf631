"""The options of a patch: which of them make sense, and what they mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fakeredis import stores
from fakeredis.clients.network import normalise
from fakeredis.lazy import LazyModule
from fakeredis.nearest import near
from fakeredis.patching.installer import KINDS

# What is not imported here is imported when it is needed first: to enter a patch is to be quick.
if TYPE_CHECKING:
    from fakeredis import server as servers
    from fakeredis.engine.core import server as engine_server
else:
    engine_server = LazyModule("fakeredis.engine.core.server")
    servers = LazyModule("fakeredis.server")


def check_plain(*, as_kwarg: object, **flags: object) -> None:
    """Refuse what is no flag, and no name of an argument.

    Raises:
        TypeError: there is such a one.
    """
    for option, given in flags.items():
        if not isinstance(given, bool):
            raise TypeError(f"{option} is True or False, not {given!r}")
    if as_kwarg is not None and not (isinstance(as_kwarg, str) and as_kwarg.isidentifier()):
        raise TypeError(f"as_kwarg is the name of an argument, not {as_kwarg!r}")


def check_server(server: object) -> None:
    """Refuse what is no server.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(server, engine_server.Server):
        raise TypeError(f"server must be a FakeServer, not {server!r}")


def equipment(options: dict[str, Any]) -> dict[str, Any]:
    """Modules and settings, as they are now.

    Raises:
        TypeError, ValueError: some are none, or the servers are not made here.
    """
    modules, config = options["modules"], options["config"]
    store = options["store"]
    if options["server"] is not None or (store is not None and store.forwards):
        servers.check_own(modules=modules is not None, config=config is not None)
    modules = modules if modules is None or isinstance(modules, str) else list(modules)
    servers.FakeServer(None, options["version"], options["server_type"], modules, config=config)
    return {"modules": modules, "config": None if config is None else dict(config)}


def store_of(store: object) -> Any:
    """The store that is meant; None where it is memory, fresh at each entry."""
    if store is None:
        return None
    return stores.resolve(store)


def _texts(name: str, given: object, example: str) -> frozenset[str]:
    """An option that is a set of texts."""
    if isinstance(given, Iterable) and not isinstance(given, (str, bytes)):
        texts = frozenset(given)
        if all(isinstance(each, str) for each in texts):
            return texts
    raise TypeError(f"{name} is a set of {example}, not {given!r}")


def addresses_of(addresses: Iterable[str] | None) -> frozenset[str] | None:
    """The addresses that exist, in one spelling; None for all.

    Raises:
        TypeError: they are no texts.
        ValueError: one is a URL.
    """
    if addresses is None:
        return None
    given = _texts("addresses", addresses, "addresses: {'localhost:6379'}")
    for each in sorted(given):
        if "://" in each:
            place = each.partition("://")[2].rpartition("@")[2]
            place = place if each.startswith("unix") else place.partition("/")[0]
            raise ValueError(
                f"an address is a host and port, or a socket's path, and no URL: {place!r}, "
                f"not {each!r}"
            )
    return frozenset(map(normalise, given))


def kinds_of(clients: Iterable[str] | None) -> frozenset[str]:
    """The kinds of clients that are led to fake servers; None stands for all.

    Raises:
        TypeError: they are no texts.
        ValueError: there is no such kind.
    """
    if clients is None:
        return KINDS
    clients = _texts("clients", clients, "kinds: {'redis', 'redis.asyncio'}")
    for kind in sorted(set(clients) - KINDS):
        raise ValueError(
            f"there are no clients {kind!r}{near(kind, KINDS)} Kinds are the packages that "
            f"clients are imported from: {', '.join(sorted(KINDS))}"
        )
    chosen = frozenset(clients)
    # Clients of clusters and Sentinels have the connections of plain ones.
    return chosen | {kind.removesuffix(".cluster").removesuffix(".sentinel") for kind in chosen}
