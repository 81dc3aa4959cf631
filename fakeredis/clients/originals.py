"""What the libraries' classes were written with, whatever has been put in its place since.

Tracers and tests may have wrapped a method before this package was imported.
"""

from __future__ import annotations

import gc
import inspect
from types import FunctionType
from typing import Any


def own_function(owner: type, name: str) -> FunctionType | None:
    """The function that the class was written with, whatever has been wrapped around it since."""
    found = _at_home(owner, name)
    if found is None:
        return _lost_function(owner, name)
    while (inner := getattr(found, "__wrapped__", None)) is not None:
        found = inner  # the library's own decorators (deprecations) stay around it
    return found  # type: ignore[no-any-return]


def _is_home(found: object, owner: type, name: str) -> bool:
    return (
        type(found) is FunctionType
        and found.__module__ == owner.__module__
        and found.__qualname__ == f"{owner.__qualname__}.{name}"
        and found.__globals__.get("__name__") in (owner.__module__, "redis.utils", "valkey.utils")
    )


def _lost_function(owner: type, name: str) -> FunctionType | None:
    """A function that something without a trail (a mock, a bare closure) has taken the place of."""
    for found in gc.get_objects():
        if type(found) is FunctionType and _is_home(found, owner, name):
            return own if (own := inspect.unwrap(found)) else None
    return None


def own_method(cls: type, name: str) -> Any:
    """A method as its library has it in a class, or in a base: with the library's own decorators.

    Who finds it there knows that nobody has put anything in its place.
    """
    owners = [base for base in cls.__mro__ if name in vars(base)]
    for owner in owners:
        value = vars(owner)[name]
        inner = value.__func__ if isinstance(value, classmethod) else value
        if _is_home(inner, owner, name):
            return value
        found = _at_home(owner, name)
        if found is not None:
            return found
    return next((_lost_function(owner, name) for owner in owners), None)


def _at_home(owner: type, name: str) -> Any:
    """The outermost of what is wrapped that is the library's; None where no trail leads there."""
    found = vars(owner)[name]
    while found is not None and not _is_home(found, owner, name):
        found = getattr(found, "__wrapped__", None) or getattr(found, "__func__", None)
    return found
