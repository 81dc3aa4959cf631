"""Clients that were made inside of a patch and are used after its end.

Their pools get connection classes that never reach the network by accident: they go on with the
fake servers of their patch, or refuse, as ``after_exit`` says.
"""

from __future__ import annotations

import importlib
import inspect
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from fakeredis.clients import connection as fakes
from fakeredis.clients import network
from fakeredis.clients.aio_connection import FakeAsyncConnectionMixin, open_async_wire
from fakeredis.clients.aio_socket import AsyncFakeSocket
from fakeredis.clients.connection import Fake, FakeConnectionMixin
from fakeredis.clients.fake_socket import LAST, FakeSocket, be_impatient
from fakeredis.clients.network import members
from fakeredis.clients.valkey_errors import translated
from fakeredis.patching.endings import AfterExitError
from fakeredis.patching.scope import SEQUENCE, PatchScope, never_fast, slow_down

if TYPE_CHECKING:
    from fakeredis.clients.interfaces import AnyConnection, Pool
    from fakeredis.engine.core.server import Server

_ended: WeakSet[PatchScope] = WeakSet()  # whose clients may still be around


def refuse(scope: PatchScope) -> None:
    """Say that it is too late, where the patch says so.

    Raises:
        AfterExitError: it does.
    """
    if scope.after_exit == "raise":
        raise AfterExitError(
            "this Redis client was made inside of fakeredis.patch() and is used after its end"
        )


def server_after(scope: PatchScope, connection: AnyConnection) -> Server | None:
    """The server that a connection reaches once its patch has ended.

    Raises:
        AfterExitError: none, the patch says.
    """
    refuse(scope)
    return scope.server_at(network.address_of(connection))


def _set_up(connection: AnyConnection, scope: PatchScope, wire: FakeSocket) -> None:
    """Make a wire warn when a connection is used after all; not when who only waited is woken."""
    be_impatient(connection, wire)
    wire.on_use = scope.warn
    never_fast(wire)


class _After:
    """What sync and asyncio have in common."""

    _realm: PatchScope
    _fake_server: Server | None = None
    retry: Any

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._realm.created.add(self)
        self.settle_retries()

    def readopt(self) -> None:
        """Become again what it was."""
        attributes = vars(self)
        self.retry = attributes.pop("_own_retry", self.retry)
        attributes.pop(LAST, None)
        if "_own_backoff" in attributes:
            self.retry._backoff = attributes.pop("_own_backoff")
        self.__class__ = type(self).__bases__[1]
        slow_down(self)

    def settle_retries(self) -> None:
        """What fails is tried again at once, since nothing changes meanwhile; a refusal is final.

        Also by those that are in the middle of it: the object that they go by is changed.
        """
        retry: Any = getattr(self, "retry", None)
        if hasattr(retry, "_backoff"):
            vars(self)["_own_backoff"] = retry._backoff
            retry._backoff = NoBackoff()
        if self._realm.after_exit == "raise" and hasattr(self, "retry"):
            vars(self)["_own_retry"] = self.retry
            kind = AsyncRetry if isinstance(self, FakeAsyncConnectionMixin) else Retry
            self.retry = kind(NoBackoff(), 0)


def _is_left_over(wire: object) -> bool:
    return isinstance(wire, FakeSocket) and wire.abandoned and not wire.in_use()


class _AfterSync(_After, FakeConnectionMixin):
    def connect(self) -> None:
        """Connect, or say at once that it is too late."""
        refuse(self._realm)
        super().connect()

    def send_packed_command(self, command: object, check_health: bool = True) -> None:
        """Begin anew first, where nothing was under way when the patch ended."""
        if _is_left_over(self._sock):
            self.disconnect()
        super().send_packed_command(command, check_health)

    def _connect(self) -> FakeSocket:
        wire = fakes.open_wire(self, server_after(self._realm, self))
        _set_up(self, self._realm, wire)
        return wire


class _AfterAsync(_After, FakeAsyncConnectionMixin):
    _reader: Any
    _writer: Any

    async def connect(self) -> None:
        """Connect, or say at once that it is too late (redis-py would wrap the error)."""
        refuse(self._realm)
        await super().connect()

    async def send_packed_command(self, command: object, check_health: bool = True) -> None:
        """Begin anew first, where nothing was under way when the patch ended."""
        if _is_left_over(self._writer):
            await self.disconnect()
        await super().send_packed_command(command, check_health)

    async def _connect(self) -> None:
        wire: AsyncFakeSocket = await open_async_wire(self, server_after(self._realm, self))
        _set_up(self, self._realm, wire)
        self._reader = self._writer = wire


def retire_clients(scope: PatchScope) -> None:
    """Turn the connections and pools that were made in a scope into such that outlive it.

    So are those of scopes that ended before, as soon as no patch is active that began since: for
    such a patch they were made before it, see `readopt_clients`.

    Called before the scope's connections are released, so that none is real in between, and once
    more for what other threads have made meanwhile.
    """
    if scope.after_exit != "real" and (scope.pools or scope.created):
        scope.end = scope.end or next(SEQUENCE)
        _ended.add(scope)
    if not _ended:
        return
    others = (
        each for each in network.entered() if each is not scope and isinstance(each, PatchScope)
    )
    newest = max((each.begin for each in others), default=0)
    for each in members(_ended):
        if newest < each.end:
            _lay(each)


def readopt_clients() -> None:
    """A patch begins: what is left of ended ones are clients made before, which it leads."""
    for scope in members(_ended) if _ended else ():
        if not scope.pools and not scope.created:
            _ended.discard(scope)  # all of them have gone
        for connection in members(scope.created):
            if isinstance(connection, _After) and hasattr(connection, "retry"):
                connection.readopt()  # aioredis' have none, and cannot
        for pool in members(scope.pools):
            if issubclass(pool.connection_class, _After):
                pool.connection_class = pool.connection_class.__bases__[1]
                _forget_idle(pool)


def _forget_idle(pool: Pool) -> None:
    """Leave a pool of aioredis without connections: theirs cannot be noted, or change."""
    if not hasattr(pool.connection_class, "__weakref__"):
        pool._available_connections.clear()


def _lay(scope: PatchScope) -> None:
    for connection in members(scope.created):
        if not isinstance(connection, Fake):
            connection.__class__ = _after_class(scope, type(connection))
            connection.settle_retries()
    for pool in members(scope.pools):
        _forget_idle(pool)
        if not issubclass(pool.connection_class, Fake):
            pool.connection_class = _after_class(scope, pool.connection_class)


def _after_class(scope: PatchScope, connection_class: type) -> type:
    found = scope.after_classes.get(connection_class)
    if found is None:
        found = scope.after_classes[connection_class] = type(
            connection_class.__name__, (_mixin_for(connection_class), connection_class),
            {"_realm": scope},
        )
        found.__module__ = connection_class.__module__
    return found


def _mixin_for(connection_class: Any) -> type:
    """What leads connections of a class to the engine: of redis-py or valkey-py, of which kind."""
    aio = inspect.iscoroutinefunction(connection_class.read_response)
    for library in ("valkey", "aioredis"):
        if any(base.__module__.startswith(f"{library}.") for base in connection_class.__mro__):
            return _peer_mixin(aio, library)
    return _AfterAsync if aio else _AfterSync


@cache
def _peer_mixin(aio: bool, library: str) -> type:
    """What leads connections of another library to the engine, with that library's errors."""
    exceptions = importlib.import_module(f"{library}.exceptions")
    base: Any = _AfterAsync if aio else _AfterSync
    names = [
        "send_packed_command", "send_command", "can_read", "can_read_destructive", "read_response",
        "connect",
    ]
    space: dict[str, Any] = {
        name: translated(getattr(base, name), exceptions) for name in names if hasattr(base, name)
    }
    return type(base.__name__, (base,), space)
