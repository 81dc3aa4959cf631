"""Stores: where the servers' state lives.

A store is given as an object or as a URL, such as ``sqlite:///path/to/file.db``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from fakeredis.lazy import LazyModule
from fakeredis.stores.base import KeyspaceStore, Store, StoreBusy, StoreError

if TYPE_CHECKING:
    from importlib import metadata

    from fakeredis.stores.forwarding.base import ForwardingStore
    from fakeredis.stores.forwarding.link import Link, SimpleLink
    from fakeredis.stores.forwarding.redis import RedisStore
    from fakeredis.stores.keyspace.memory import MemoryStore
    from fakeredis.stores.keyspace.sqlite import SQLiteStore
else:
    metadata = LazyModule("importlib.metadata")

__all__ = [
    "ForwardingStore", "KeyspaceStore", "Link", "MemoryStore", "RedisStore", "SQLiteStore",
    "SimpleLink", "Store", "StoreBusy", "StoreError", "resolve",
]

_HOMES: Final = {
    "MemoryStore": "keyspace.memory", "SQLiteStore": "keyspace.sqlite",
    "RedisStore": "forwarding.redis", "ForwardingStore": "forwarding.base",
    "Link": "forwarding.link", "SimpleLink": "forwarding.link",
}
_REDIS: Final = "fakeredis.stores.forwarding.redis:RedisStore.from_url"
# URL scheme -> what makes a store of the URL.  Others come from the entry point.
SCHEMES: Final = {
    "memory": "fakeredis.stores.keyspace.memory:MemoryStore.from_url",
    "sqlite": "fakeredis.stores.keyspace.sqlite:SQLiteStore.from_url",
    **dict.fromkeys(
        (
            "redis", "rediss", "unix", "valkey", "valkeys", "redis+cluster", "rediss+cluster",
            "redis+sentinel", "rediss+sentinel",
        ),
        _REDIS,
    ),
}
ENTRY_POINT: Final = "fakeredis.stores"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def resolve(store: Any) -> Store | None:
    """The store that a user means by an object, a URL or None.

    Raises:
        TypeError: it is neither.
        ValueError: nobody knows the URL's scheme, or the URL makes no sense.
    """
    if store is None or isinstance(store, Store):
        return store
    if not isinstance(store, str):
        raise TypeError(f"a store is an object of fakeredis.stores or a URL, not {store!r}")
    scheme, colon, _ = store.partition("://")
    make = _maker(scheme) if colon else None
    if make is None:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        raise ValueError(f"no store knows the URL {store!r}{_hint(store)}; there are {known}")
    found = make(store)
    if not isinstance(found, Store):
        raise TypeError(f"the entry point {scheme!r} gave {found!r}, which is no store")
    return found


def _hint(store: str) -> str:
    """What was most likely meant by something that is no URL."""
    if store[:1].isdigit() and not store.strip("0123456789."):
        return f" (a version is given by its name: version={store!r})"
    if "://" not in store and store and ":" not in store[2:]:
        slash = "/" if store.startswith("/") else ""
        return f" (a file is 'sqlite:///{slash and '/'}{store.lstrip('/')}')"
    if "://" not in store and store.rpartition(":")[2].isdigit():
        return f" (a real server is 'redis://{store}')"
    return ""


def _maker(scheme: str) -> Any:
    """What makes stores of a scheme's URLs: a function, or a class of stores."""
    if scheme in SCHEMES:
        module, _, path = SCHEMES[scheme].partition(":")
        found = importlib.import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
        return found
    entries = list(metadata.entry_points(group=ENTRY_POINT, name=scheme))
    if len({entry.value for entry in entries}) > 1:
        names = ", ".join(sorted(entry.value for entry in entries))
        raise ValueError(f"several packages have a store for {scheme}://: {names}")
    if not entries:
        return None
    made = entries[0].load()
    return getattr(made, "from_url", made)
