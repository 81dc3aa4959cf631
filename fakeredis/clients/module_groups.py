"""Objects that hold the commands of a module (``client.bf()``, ``client.ts()``), made in less time.

redis-py makes one at each call, and works out each time which callbacks the client has to have for
the module's replies.  That is done once here, for each class and protocol of clients; what is found
is what a new object has, and where anything is not known (a new version of redis-py may set it),
redis-py's own method makes it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from types import FunctionType, MethodType
from typing import Any, Final, NamedTuple

from fakeredis.clients.originals import own_method

__all__ = ["add_groups"]

NAMES: Final = ("bf", "cf", "cms", "tdigest", "topk", "ts", "vset")
_PLAIN: Final = frozenset({type(None), bool, int, str, type, FunctionType})


class _Recipe(NamedTuple):
    """What an object of a module's commands is made of.

    Args:
        kind: its class.
        home: the names of the module that the class is found in.
        init: the constructor.
        own: what is the same in all of them.
        maps: what each has of its own, and is filled likewise.
        client: where its client stands.
        bound: where methods of the client stand, and their names.
        callbacks: what the client is told of replies.
    """

    kind: type
    home: dict[str, Any]
    init: Any
    own: dict[str, Any]
    maps: dict[str, dict[Any, Any]]
    client: list[str]
    bound: list[tuple[str, str]]
    callbacks: dict[str, Any]

    @property
    def holds(self) -> bool:
        """Whether nothing has been put in the place of the class or its constructor."""
        kind = self.kind
        return self.home.get(kind.__name__) is kind and kind.__init__ is self.init

    def make(self, client: Any) -> Any:
        """Another such object, for a client."""
        made: Any = object.__new__(self.kind)
        space = made.__dict__
        space.update(self.own)
        for name, value in self.maps.items():
            space[name] = value.copy()
        for name in self.client:
            space[name] = client
        for name, method in self.bound:
            space[name] = getattr(client, method)
        dict.update(client.response_callbacks, self.callbacks)
        return made


def _recipe(client: Any, make: Callable[[Any], Any]) -> _Recipe | None:
    """How objects for clients like this one are made; None where that is not known."""
    twin: Any = object.__new__(type(client))
    twin.__dict__.update(client.__dict__)
    twin.auto_close_connection_pool = False  # it ends here, the client's pool does not
    twin.connection = None
    twin.response_callbacks = type(client.response_callbacks)({})
    made = make(twin)
    own, maps, clients, bound = {}, {}, [], []
    for name, value in vars(made).items():
        if value is twin:
            clients.append(name)
        elif type(value) is MethodType and value.__self__ is twin:
            bound.append((name, value.__name__))
        elif type(value) is dict and twin not in value.values():
            maps[name] = value
        elif type(value) in _PLAIN or isinstance(value, type):
            own[name] = value
        else:
            return None
    kind = type(made)
    home = vars(sys.modules[kind.__module__])
    return _Recipe(
        kind, home, kind.__init__, own, maps, clients, bound, dict(twin.response_callbacks)
    )


def _quick(real: Any, name: str) -> Any:
    """A method for a fake class that makes the object of a module's commands."""
    real_method = own_method(real, name)
    tells = own_method(real, "set_response_callback")
    recipes: dict[tuple[Any, ...], _Recipe | None] = {}

    @wraps(real_method)
    def method(self: Any, *args: Any, **options: Any) -> Any:
        current = getattr(real, name)
        cls = type(self)
        if args or options or current is not real_method or cls.set_response_callback is not tells:
            return current(self, *args, **options)
        given = self.connection_pool.connection_kwargs
        key = cls, given.get("protocol"), given.get("legacy_responses", True)
        found = recipes.get(key)
        if found is None:
            if key not in recipes:
                recipes[key] = _recipe(self, current)
            return current(self)
        return found.make(self) if found.holds else current(self)

    return method


def add_groups(fake: Any, real: Any) -> None:
    """Give a fake class the quick methods of those that redis-py's class has."""
    for name in NAMES:
        if callable(getattr(real, name, None)):
            setattr(fake, name, _quick(real, name))
