"""Making a client from what an equal one became: redis-py's constructor takes its time.

Most of it goes into the mapping of response callbacks, which is the same each time.  A template
keeps what the constructor sets; where it sets anything that is not known here (a new version of
redis-py may), there is no template, and the constructor runs.

So it is with the objects that hold the commands of a module (``client.bf()``, ``client.ts()``): of
these redis-py makes one at each call.
"""

from __future__ import annotations

import asyncio
import copy
import sys
import threading
from collections.abc import Callable, Mapping
from functools import wraps
from types import FunctionType, MethodType
from typing import Any, Final, NamedTuple

from fakeredis.clients.originals import own_method

try:
    from redis.event import EventDispatcher
except ImportError:  # before redis-py 5.3
    EventDispatcher = None  # type: ignore[assignment,misc]

# Arguments that are no more than values for the pool's connections.
_PLAIN_ARGUMENTS: Final = frozenset({
    "host", "port", "db", "username", "password", "socket_timeout", "socket_connect_timeout",
    "encoding", "encoding_errors", "decode_responses", "unix_socket_path", "max_connections",
    "health_check_interval", "client_name", "protocol", "legacy_responses",
})
_PLAIN_VALUES: Final = frozenset({type(None), bool, int, float, str})
_LIMIT: Final = 64
GROUPS: Final = ("bf", "cf", "cms", "tdigest", "topk", "ts", "vset")
_CONSTANTS: Final = frozenset({type(None), bool, int, str, FunctionType})

Key = tuple[Any, ...]


def _fresh_kinds() -> dict[type, Callable[[], Any]]:
    """What each client has one of its own of."""
    kinds: dict[type, Callable[[], Any]] = {
        type(threading.RLock()): threading.RLock, type(threading.Lock()): threading.Lock,
        asyncio.Lock: asyncio.Lock,
    }
    return kinds if EventDispatcher is None else {**kinds, EventDispatcher: EventDispatcher}


_FRESH: Final = _fresh_kinds()


class Template:
    """What a client's constructor made of its arguments."""

    __slots__ = ("_plain", "_fresh", "_callbacks", "_kind", "_pool_class", "_pool_arguments")

    def __init__(self, client: Any, arguments: Mapping[str, Any]) -> None:
        self._plain: dict[str, Any] = {}
        self._fresh: list[tuple[str, Callable[[], Any]]] = []
        for name, value in vars(client).items():
            if type(value) in _PLAIN_VALUES:
                self._plain[name] = value
            elif type(value) in _FRESH:
                self._fresh.append((name, _FRESH[type(value)]))
            elif name not in ("connection_pool", "response_callbacks"):
                raise LookupError(name)
        self._kind: Any = type(client.response_callbacks)
        self._callbacks = dict(client.response_callbacks)
        pool = client.connection_pool
        self._pool_class = type(pool)
        self._pool_arguments: dict[str, Any] = {
            **pool.connection_kwargs,
            "connection_class": pool.connection_class, "max_connections": pool.max_connections,
        }
        self._pool_arguments.pop("himport_registry", None)  # the pool makes its own
        self._pool_arguments = _with_own_retry(self._pool_arguments)
        if "maint_notifications_config" in arguments:
            self._pool_arguments["maint_notifications_config"] = arguments[
                "maint_notifications_config"
            ]

    def fill(self, client: object) -> None:
        """Make ``client`` what the constructor would."""
        space = client.__dict__
        space.update(self._plain)
        for name, make in self._fresh:
            space[name] = make()
        space["connection_pool"] = self._pool_class(**_with_own_retry(self._pool_arguments))
        kind = self._kind
        callbacks = kind.__new__(kind)
        dict.update(callbacks, self._callbacks)
        space["response_callbacks"] = callbacks


def _with_own_retry(arguments: dict[str, Any]) -> dict[str, Any]:
    """A pool's arguments; what may be changed later is copied."""
    arguments = arguments.copy()
    for name in ("retry", "retry_on_error"):
        if name in arguments:
            arguments[name] = copy.deepcopy(arguments[name])
    return arguments


class Templates:
    """The templates of one class of clients, by arguments."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[Key, Template | None] = {}

    @staticmethod
    def key(given: Mapping[str, Any]) -> Key | None:
        """What tells one template from another; None where arguments are more than values."""
        for name, value in given.items():
            if name not in _PLAIN_ARGUMENTS or type(value) not in _PLAIN_VALUES:
                return None
        return tuple([(name, type(value), value) for name, value in given.items()])

    def fill(self, client: object, key: Key | None) -> bool:
        """Make ``client`` from a template, if there is one."""
        template = None if key is None else self._known.get(key)
        if template is None:
            return False
        template.fill(client)
        return True

    def learn(self, client: object, key: Key | None, arguments: Mapping[str, Any]) -> None:
        """Keep what the constructor has just made of its arguments."""
        if key is None or key in self._known:
            return
        if len(self._known) >= _LIMIT:
            self._known.clear()
        try:
            self._known[key] = Template(client, arguments)
        except LookupError:
            self._known[key] = None


# Commands of modules ----------------------------------------------------------------------------


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
        elif type(value) in _CONSTANTS or isinstance(value, type):
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
    def method(self: Any, *args: object, **options: object) -> Any:
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


def add_groups(fake: object, real: object) -> None:
    """Give a fake class the quick methods of those that redis-py's class has."""
    for name in GROUPS:
        if callable(getattr(real, name, None)):
            setattr(fake, name, _quick(real, name))
