"""Libraries that grew out of redis-py and have exceptions of their own (valkey-py)."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import redis

if TYPE_CHECKING:
    from types import ModuleType

Handler = Callable[..., Any]


def translated(handler: Handler, exceptions: ModuleType) -> Handler:
    """A handler whose errors are those of another library.

    Args:
        handler: made for redis-py.
        exceptions: the other library's module of exceptions.
    """
    plain = handler.func if isinstance(handler, partial) else handler
    if inspect.iscoroutinefunction(plain):

        async def run_async(*args: object, **kwargs: object) -> Any:
            try:
                return _checked(await handler(*args, **kwargs), exceptions)
            except redis.RedisError as error:
                raise peer_of(error, exceptions) from None

        return run_async

    def run(*args: object, **kwargs: object) -> Any:
        try:
            return _checked(handler(*args, **kwargs), exceptions)
        except redis.RedisError as error:
            raise peer_of(error, exceptions) from None

    return run


def _checked(result: object, exceptions: ModuleType) -> Any:
    """A reply; one that is an error is raised (the parser is theirs, and so is its class)."""
    if isinstance(result, (exceptions.ResponseError, exceptions.ConnectionError)):
        try:
            raise result
        finally:
            del result  # this frame, which the traceback holds, would hold it
    return result


def peer_of(error: Exception, exceptions: ModuleType) -> Exception:
    """The other library's exception for one of redis-py's."""
    for cls in type(error).__mro__:
        found = getattr(exceptions, cls.__name__.replace("Redis", "Valkey"), None)
        if found is not None and issubclass(found, Exception):
            made: Exception = found(*error.args)
            return made
    return error
