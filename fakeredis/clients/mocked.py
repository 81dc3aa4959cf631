"""`mocked`: a `unittest.mock` of a client whose methods run on the fake."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Final
from unittest import mock

import redis
import redis.asyncio

from fakeredis.clients import network
from fakeredis.clients.aio import FakeAsyncRedis
from fakeredis.clients.connection import Fake
from fakeredis.clients.sync import FakeRedis

# What of a real client's connections its counterpart is made with.
_SHARED: Final = (
    "host", "port", "db", "username", "password", "encoding", "encoding_errors", "decode_responses",
    "protocol",
)
# Special methods of clients and pipelines; a mock has its own, which know nothing.
_SPECIAL: Final = ("__getitem__", "__setitem__", "__delitem__", "__contains__", "__len__")


def mocked(client: object) -> Any:
    """A mock of a client: it records calls as any mock does, and they run on the fake.

    So methods return what the client's would, until the mock is told otherwise by a
    ``return_value`` or ``side_effect``. It has the client's attributes and no others, and its
    pipelines are mocks, too (``call.pipeline().set("k", "v")`` in ``mock_calls``).

    Args:
        client: a fake client, or a real one: outside of patches one that is like it, with the same
            address, stands in for it, so that nothing goes over a network.

    Raises:
        TypeError: it is no client, or none that a fake could stand in for.
    """
    if isinstance(client, type) or not hasattr(client, "execute_command"):
        raise TypeError(f"mocked() takes a client, such as FakeRedis(), not {client!r}")
    return _mock_of(_on_the_fake(client))


def _on_the_fake(client: object) -> Any:
    """The client, or one that leads to the fake instead.

    Raises:
        TypeError: there is none.
    """
    if network.current() is not network.default or type(client).__module__.startswith("fakeredis."):
        return client
    pool = getattr(client, "connection_pool", None)
    kind = getattr(pool, "connection_class", None)
    if isinstance(kind, type) and issubclass(kind, Fake):
        return client
    given = getattr(pool, "connection_kwargs", {})
    kwargs = {name: given[name] for name in _SHARED if name in given}
    if isinstance(client, redis.asyncio.Redis):
        return FakeAsyncRedis(**kwargs)
    if isinstance(client, redis.Redis):
        return FakeRedis(**kwargs)
    raise TypeError(
        f"outside of fakeredis.patch() mocked() takes a fake client, not a {type(client).__name__}"
    )


def _mock_of(target: object) -> mock.MagicMock:
    double = mock.MagicMock(spec=target)
    double.configure_mock(**{
        name: value for name, value in vars(target).items()
        if not name.startswith("_") and not callable(value)
    })
    double._mock_wraps = _Through(target, double)
    kind = type(target)
    for name in _SPECIAL:
        if hasattr(kind, name):
            getattr(double, name).side_effect = getattr(target, name)
    for name in ("__enter__", "__aenter__"):
        if hasattr(kind, name):
            getattr(double, name).return_value = double
    for name in ("__exit__", "__aexit__"):
        if hasattr(kind, name):
            getattr(double, name).side_effect = getattr(target, name)
    return double


class _Through:
    """What a mock wraps: the methods of its target, which give the mock where they give that."""

    def __init__(self, target: object, double: mock.MagicMock) -> None:
        self._target = target
        self._double = double

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if not callable(found):
            return found
        if iscoroutinefunction(found):
            return self._later(found)
        return self._now(found)

    def _now(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def run(*args: object, **kwargs: object) -> Any:
            return self._result(method.__name__, method(*args, **kwargs))

        return run

    def _later(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        async def run(*args: object, **kwargs: object) -> Any:
            return self._result(method.__name__, await method(*args, **kwargs))

        return run

    def _result(self, name: str, result: object) -> Any:
        if result is self._target:
            return self._double
        if name == "pipeline":
            result = _mock_of(result)
            self._double.attach_mock(result, "pipeline()")
        return result
