"""Fake classes that can stand in for the real ones: their metaclass.

While `fakeredis.patch` has put a fake class under the real one's name, code that depends on the
real class's identity must not notice: instances and subclasses of the real class count as the fake
one's, both are equal, a subclass written inside has the real class as its base, the class pickles
under the real name, and what is set on it (a mock, a tracer's wrapper) is set on the real one,
too.
"""

from __future__ import annotations

import copyreg
import importlib
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

import redis

_MISSING: Final = object()
_REAL: Final = "_real_class"
_standing: set[type] = set()  # the fake classes that are under the real ones' names now

_alive: dict[int, WeakSet[Any]] = {}  # the instances of each class, by its id

if TYPE_CHECKING:
    from abc import ABCMeta as _Base
else:
    _Base = type(redis.Redis)  # redis-py's commands are protocols, which have one of their own


class Impersonating(_Base):
    """Metaclass of fake classes; each names the real one in ``_real_class``."""

    _saved: dict[tuple[type, str], tuple[Any, Any]] = {}  # noqa: RUF012 - of all classes

    def __new__(
        mcls, name: str, bases: tuple[type, ...], space: dict[str, Any], **kw: object
    ) -> Any:
        """A class; one written inside of a patch on the stand-in is one on the real class."""
        if _standing and any(base in _standing for base in bases):
            if not _is_meant(bases, sys._getframe(1).f_globals):
                real = tuple(vars(b)[_REAL] if b in _standing else b for b in bases)
                return type(real[0])(name, real, space, **kw)
        if _REAL in space:
            tell_signatures(space, space[_REAL])
        return super().__new__(mcls, name, bases, space, **kw)

    if not TYPE_CHECKING:  # for type checkers it is the constructor's business

        def __call__(cls, *args: object, **kwargs: object) -> Any:
            """An instance, which is counted while it lives."""
            made = super().__call__(*args, **kwargs)
            alive = _alive.get(id(type(made)))
            if alive is None:
                alive = _alive[id(type(made))] = WeakSet()
            alive.add(made)
            return made

    def __instancecheck__(cls, instance: object) -> bool:
        if type.__instancecheck__(cls, instance):
            return True
        return cls in _standing and type.__instancecheck__(vars(cls)[_REAL], instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        if type.__subclasscheck__(cls, subclass):
            return True
        return cls in _standing and type.__subclasscheck__(vars(cls)[_REAL], subclass)

    def __eq__(cls, other: object) -> bool:
        if cls is other:
            return True
        if other is not vars(cls).get(_REAL, _MISSING):
            return False
        return any(cls is each for each in tuple(_standing))  # another thread may end the patch

    def __hash__(cls) -> int:
        return type.__hash__(vars(cls).get(_REAL, cls))

    @property
    def __signature__(cls) -> inspect.Signature:
        """That of the real class while it stands in for it."""
        if cls in _standing:
            return inspect.signature(vars(cls)[_REAL])
        init = getattr(cls, "__init__")  # noqa: B009 - mypy minds the plain way
        if not hasattr(init, "__wrapped__") or not init.__module__.startswith("fakeredis."):
            raise AttributeError("__signature__")
        own = inspect.signature(init, follow_wrapped=False)
        return own.replace(parameters=list(own.parameters.values())[1:])

    def __get_pydantic_core_schema__(cls, source: object, handler: Callable[[Any], Any]) -> Any:
        """What a model accepts whose field is annotated with the class.

        One that is declared while the class stands in for the real one is used afterwards, too.
        """
        return handler(vars(cls)[_REAL] if source is cls and cls in _standing else source)

    def __setattr__(cls, name: str, value: object) -> None:
        real = vars(cls).get(_REAL)
        if real is None:
            super().__setattr__(name, value)
            return
        saved = Impersonating._saved.get((cls, name))
        if saved is None and cls in _standing:
            saved = vars(real).get(name, _MISSING), vars(cls).get(name, _MISSING)
            Impersonating._saved[cls, name] = saved
        if saved is not None and (value is saved[0] or value is saved[1]):
            _restore(cls, name, saved[1])  # the real class's own, which someone kept, will do, too
            _put_back(cls, real, name)
            return
        super().__setattr__(name, value)
        if saved is not None:
            setattr(real, name, value)

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        if (cls, name) in Impersonating._saved:
            _put_back(cls, vars(cls)[_REAL], name)


def _restore(cls: type, name: str, value: object) -> None:
    """Give a fake class back what was its own."""
    if value is not _MISSING:
        type.__setattr__(cls, name, value)
    elif name in vars(cls):
        type.__delattr__(cls, name)


def is_own_instance(instance: object, fake: type) -> bool:
    """Whether an instance is a fake class's own, and not the real one's that it stands in for."""
    return type.__instancecheck__(fake, instance)


def give_back(fake: type, name: str, value: object) -> None:
    """Put a fake class's own method back, and into the real class what stands there by now."""
    type.__setattr__(fake, name, value)
    Impersonating._saved.pop((fake, name), None)


def wrapper_of(fake: type, name: str) -> Any:
    """What someone has put around the real class's method: the fake one's calls go through it, too.

    None where that was put on the fake class (inside of a patch): then it has called already.
    """
    if (fake, name) in Impersonating._saved:
        return None
    found = getattr(vars(fake)[_REAL], name)
    return None if found is vars(fake).get(name) else found


def shown(instance: object, text: str) -> str:
    """The ``repr`` of a fake client: under the real class's name while the class stands in."""
    cls = type(instance)
    if cls not in _standing:
        return text
    real = vars(cls)[_REAL]
    own, name = (f"<{each.__module__}.{each.__qualname__}(" for each in (cls, real))
    return text.replace(own, name, 1)


def tell_signatures(space: Mapping[str, Any], real: type) -> None:
    """Make `inspect.signature` tell of a fake class's methods what it tells of the real one's.

    Args:
        space: the fake class's namespace.
        real: the real class; methods that it has not are left as they are.
    """
    for name, value in space.items():
        function = getattr(value, "__func__", value)  # of a class method
        peer = inspect.getattr_static(real, name, None)
        if type(function) is FunctionType and peer is not None:
            vars(function).setdefault("__wrapped__", getattr(peer, "__func__", peer))


def _put_back(cls: type, real: type, name: str) -> None:
    """Undo for the real class what was undone for the fake one."""
    original, _ = Impersonating._saved.pop((cls, name))
    if original is _MISSING:
        delattr(real, name)
    else:
        setattr(real, name, original)


def _is_meant(bases: tuple[type, ...], where: dict[str, Any]) -> bool:
    """Whether the code that writes a subclass names the fake class, and not the real one."""
    if any(value is base for base in bases for name, value in where.items() if name[:4] == "Fake"):
        return True
    modules = {getattr(value, "__name__", None) for value in where.values() if _is_module(value)}
    named = any(value is base for base in bases for value in where.values())
    return "fakeredis" in modules and not named and not modules & _REAL_MODULES


_REAL_MODULES: Final = {"redis", "redis.asyncio", "redis.client", "redis.asyncio.client"}


def _is_module(value: object) -> bool:
    return type(value) is type(sys)


def _reduce(cls: type) -> Any:
    """Pickle a class by its name: while it stands in for the real one, by the real one's."""
    if any(cls is each for each in tuple(_standing)):
        real = vars(cls)[_REAL]
        return _class_named, (real.__module__, real.__qualname__)
    return cls.__qualname__


def _class_named(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


copyreg.pickle(Impersonating, _reduce)


def references(cls: type) -> int:
    """How often a class is referred to, but for its instances, which come and go."""
    alive = _alive.get(id(cls))
    return sys.getrefcount(cls) - (0 if alive is None else len(alive))


def activate(fakes: Iterable[type]) -> None:
    """The fake classes are under the real ones' names from now on."""
    _standing.update(fakes)


def deactivate(fakes: Iterable[type]) -> None:
    """They no longer are."""
    _standing.difference_update(fakes)

