"""A Redis inside your test process.

Names are imported when first used, so that ``import fakeredis`` stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fakeredis._version import __version__

if TYPE_CHECKING:
    from fakeredis.clients.network import reset
    from fakeredis.clients.sync import FakeRedis, FakeStrictRedis
    from fakeredis.server import FakeServer

# Where each public name comes from.
_HOMES = {
    "FakeRedis": "clients.sync",
    "FakeStrictRedis": "clients.sync",
    "FakeAsyncConnection": "clients.aio_connection",
    "FakeAsyncRedis": "clients.aio",
    "FakeConnection": "clients.connection",
    "FakeServer": "server",
    "reset": "clients.network",
}

__all__ = [
    "FakeRedis",
    "FakeServer",
    "FakeStrictRedis",
    "__version__",
    "reset",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
