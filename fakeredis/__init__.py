"""A Redis inside your test process.

Names are imported when first used, so that ``import fakeredis`` stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fakeredis._version import __version__

if TYPE_CHECKING:
    from fakeredis.clients.aio import FakeAsyncRedis
    from fakeredis.clients.aio_connection import FakeAsyncConnection
    from fakeredis.clients.cluster import FakeAsyncRedisCluster, FakeRedisCluster
    from fakeredis.clients.connection import FakeConnection
    from fakeredis.clients.mocked import mocked
    from fakeredis.clients.network import reset
    from fakeredis.clients.sentinel import FakeAsyncSentinel, FakeSentinel
    from fakeredis.clients.sync import FakeRedis, FakeStrictRedis

    # Not in __all__, since they need valkey-py, which may not be there.
    from fakeredis.clients.valkey import FakeAsyncValkey as FakeAsyncValkey
    from fakeredis.clients.valkey import FakeStrictValkey as FakeStrictValkey
    from fakeredis.clients.valkey import FakeValkey as FakeValkey
    from fakeredis.mixin import FakeRedisMixin
    from fakeredis.patch import active, patch, patched
    from fakeredis.patching.endings import AfterExitError, AfterExitWarning
    from fakeredis.server import FakeServer
    from fakeredis.spy import ANY, Spy, call, like, matching
    from fakeredis.spy import spy_on as spy
    from fakeredis.stores.forwarding.redis import RedisStore
    from fakeredis.stores.keyspace.memory import MemoryStore
    from fakeredis.stores.keyspace.sqlite import SQLiteStore
    from fakeredis.stores.parity.store import ParityError, ParityStore, parity
    from fakeredis.tcp import TcpFakeServer

    # Not in __all__: names that the public fakeredis 2 has for the classes of connections.
    FakeRedisConnection = FakeConnection
    FakeAsyncRedisConnection = FakeAsyncConnection

    _innermost = patch()
    assert_called_command = _innermost.assert_called_command
    assert_called_command_once = _innermost.assert_called_command_once
    assert_not_called_command = _innermost.assert_not_called_command
    assert_has_commands = _innermost.assert_has_commands
    assert_command_order = _innermost.assert_command_order
    assert_only_commands = _innermost.assert_only_commands
    assert_no_commands = _innermost.assert_no_commands
    assert_command_count = _innermost.assert_command_count
    assert_round_trips = _innermost.assert_round_trips
    assert_keys_touched = _innermost.assert_keys_touched
    assert_no_n_plus_one = _innermost.assert_no_n_plus_one
    assert_clean = _innermost.assert_clean
    assert_ttl = _innermost.assert_ttl

_ASSERTIONS = (
    "assert_called_command", "assert_called_command_once", "assert_not_called_command",
    "assert_has_commands", "assert_command_order", "assert_only_commands", "assert_no_commands",
    "assert_command_count", "assert_round_trips", "assert_keys_touched", "assert_no_n_plus_one",
    "assert_clean", "assert_ttl",
)
# Where each public name comes from.
_HOMES = {
    "FakeRedis": "clients.sync",
    "FakeStrictRedis": "clients.sync",
    "FakeRedisCluster": "clients.cluster",
    "FakeAsyncRedisCluster": "clients.cluster",
    "FakeSentinel": "clients.sentinel",
    "FakeAsyncSentinel": "clients.sentinel",
    "FakeAsyncConnection": "clients.aio_connection",
    "FakeAsyncValkey": "clients.valkey",
    "FakeStrictValkey": "clients.valkey",
    "FakeValkey": "clients.valkey",
    "FakeAsyncRedis": "clients.aio",
    "FakeConnection": "clients.connection",
    "FakeRedisConnection": "clients.connection",
    "FakeAsyncRedisConnection": "clients.aio_connection",
    "FakeRedisMixin": "mixin",
    "FakeServer": "server",
    "MemoryStore": "stores.keyspace.memory",
    "ParityError": "stores.parity.store",
    "ParityStore": "stores.parity.store",
    "parity": "stores.parity.store",
    "RedisStore": "stores.forwarding.redis",
    "SQLiteStore": "stores.keyspace.sqlite",
    "TcpFakeServer": "tcp",
    "mocked": "clients.mocked",
    "reset": "clients.network",
    "ANY": "spy",
    "AfterExitError": "patching.endings",
    "AfterExitWarning": "patching.endings",
    "Spy": "spy",
    "active": "patch",
    "call": "spy",
    "like": "spy",
    "matching": "spy",
    "patch": "patch",
    "patched": "patch",
    **dict.fromkeys(_ASSERTIONS, "patch"),
}

_OLDER_NAMES = {
    "FakeRedisConnection": "FakeConnection", "FakeAsyncRedisConnection": "FakeAsyncConnection",
}

__all__ = [
    "ANY",
    "AfterExitError",
    "AfterExitWarning",
    "FakeAsyncConnection",
    "FakeAsyncRedis",
    "FakeAsyncRedisCluster",
    "FakeAsyncSentinel",
    "FakeConnection",
    "FakeRedis",
    "FakeRedisCluster",
    "FakeRedisMixin",
    "FakeSentinel",
    "FakeServer",
    "FakeStrictRedis",
    "MemoryStore",
    "ParityError",
    "ParityStore",
    "RedisStore",
    "SQLiteStore",
    "Spy",
    "TcpFakeServer",
    "__version__",
    "active",
    "assert_called_command",
    "assert_called_command_once",
    "assert_clean",
    "assert_command_count",
    "assert_command_order",
    "assert_has_commands",
    "assert_keys_touched",
    "assert_no_commands",
    "assert_no_n_plus_one",
    "assert_not_called_command",
    "assert_only_commands",
    "assert_round_trips",
    "assert_ttl",
    "call",
    "like",
    "matching",
    "mocked",
    "parity",
    "patch",
    "patched",
    "reset",
    "spy",
]


def __getattr__(name: str) -> Any:
    if name == "spy":  # a module that is also the function spy()
        return importlib.import_module(f"{__name__}.spy")
    if name == "aioredis":
        return importlib.import_module(f"{__name__}.aioredis")
    home = _HOMES.get(name)
    if home is None:
        if name.startswith("__"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        assertions = importlib.import_module(f"{__name__}.spy.assertions")
        raise AttributeError(assertions.missing(f"module {__name__}", name))
    module = importlib.import_module(f"{__name__}.{home}")
    if home == "patch":  # its import has bound the module to the class's name
        globals()["patch"] = module.patch
    value = getattr(module, _OLDER_NAMES.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, "aioredis"})
