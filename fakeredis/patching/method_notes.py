"""What is noted only while there is a spy: the methods that queue commands, and asyncio's.

A function that is to be noted keeps its identity: its code is exchanged, as by
`fakeredis.patching.code_swap`.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from threading import RLock
from types import CodeType, FunctionType
from typing import Any, Final

from fakeredis.clients.originals import own_function
from fakeredis.patching.code_swap import copy_of, stub_of
from fakeredis.spy.methods import CALLING, CLIENT, FILES, SPYING, Call, NotedArgs, caller

_LOCK: Final = RLock()
_WARNS: bool = sys.version_info >= (3, 13)  # of code of another kind


def note_queued(
    attribute: str, original: Callable[..., Any], owner: object, *args: object, **options: object
) -> Any:
    """Queue a command in a pipeline, with the method that does it."""
    reply = original(owner, *args, **options)
    queue = getattr(owner, attribute)
    last = queue[-1]
    noted = NotedArgs(last[0] if isinstance(last, tuple) else last.args)
    frame = sys._getframe(1)
    while kind := FILES[frame.f_code.co_filename]:  # as `caller`, with two calls less
        if kind == CLIENT:
            noted.method = frame.f_code
        if (outer := frame.f_back) is None:
            break
        frame = outer
    if isinstance(last, tuple):
        queue[-1] = (noted, *last[1:])
    else:
        last.args = noted
    return reply


def note_called(
    original: Callable[..., Any], client: object, *args: object, **options: object
) -> Any:
    """Call asyncio's method: a coroutine that knows who made it."""
    if CALLING.get() is not None:  # by another one of these
        return original(client, *args, **options)
    coroutine: Any = _noted(caller(sys._getframe(1)), original, client, args, options)
    coroutine.__name__, coroutine.__qualname__ = original.__name__, original.__qualname__
    return coroutine


async def _noted(
    call: Call, original: Callable[..., Any], client: object, args: tuple[Any, ...],
    options: dict[str, Any],
) -> Any:
    CALLING.set(call)
    try:
        return await original(client, *args, **options)
    finally:
        CALLING.set(None)


_Place = tuple[FunctionType, Callable[..., Any]]


class _Hook:
    """One function that is noted."""

    def __init__(self, function: FunctionType, handler: Callable[..., Any]) -> None:
        self._function = function
        self._code = function.__code__
        self._is_async = _is_coroutine_function(function)
        self._stub: CodeType = stub_of(function, partial(handler, copy_of(function)), plain=True)

    def fits(self) -> bool:
        """Whether the function is as it was when this was made."""
        return self._function.__code__ is self._code

    def install(self) -> None:
        """Lead it by way of the handler."""
        self._exchange(self._stub)
        if self._is_async:
            _mark(self._function)

    def remove(self) -> None:
        """Give it its own code back."""
        if self._function.__code__ is self._stub:
            self._exchange(self._code)
        for name in ("_is_coroutine_mark", "_is_coroutine"):
            vars(self._function).pop(name, None)

    def _exchange(self, code: CodeType) -> None:
        """Put other code in; Python may warn where one is a coroutine's and the other is not."""
        if not (self._is_async and _WARNS):
            self._function.__code__ = code
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self._function.__code__ = code


def _mark(function: FunctionType) -> None:
    """Mark a function that returns coroutines as a coroutine function."""
    mark = getattr(inspect, "markcoroutinefunction", None)  # since Python 3.12
    if mark is not None:
        mark(function)
    else:
        vars(function)["_is_coroutine"] = getattr(asyncio.coroutines, "_is_coroutine", None)


class _Hooks:
    """Some of them, installed while anyone wants them."""

    def __init__(self, find: Callable[[], Iterator[_Place]]) -> None:
        self._find = find
        self._hooks: dict[int, _Hook] = {}  # by the function's id
        self._made: dict[int, _Hook] = {}  # kept for the next time: compiling takes long
        self._wanted = 0

    def begin(self) -> None:
        """Note from now on, also what was imported since somebody else has begun."""
        self._wanted += 1
        for function, handler in self._find():
            number = id(function)
            if number not in self._hooks:
                hook = self._made.get(number)
                if hook is None or not hook.fits():
                    hook = self._made[number] = _Hook(function, handler)
                self._hooks[number] = hook
                hook.install()

    def end(self) -> None:
        """Note no more, unless somebody else wants it."""
        self._wanted -= 1
        if self._wanted == 0:
            for each in self._hooks.values():
                each.remove()
            self._hooks.clear()


_LIBRARIES: Final = ("redis", "valkey", "aioredis")
# Module, class, method, and the attribute that holds what is queued.
_QUEUES: Final = (
    ("{}.client", "Pipeline", "pipeline_execute_command", "command_stack"),
    ("{}.asyncio.client", "Pipeline", "pipeline_execute_command", "command_stack"),
    ("{}.cluster", "AbstractStrategy", "pipeline_execute_command", "_command_queue"),
    ("{}.asyncio.cluster", "AbstractStrategy", "execute_command", "_command_queue"),
    # Without strategies, before redis-py 6 and in valkey-py:
    ("{}.cluster", "ClusterPipeline", "pipeline_execute_command", "command_stack"),
    ("{}.asyncio.cluster", "ClusterPipeline", "execute_command", "_command_stack"),
)
_COROUTINES: Final = (
    ("{}.asyncio.client", "Pipeline", "immediate_execute_command"),
    ("{}.asyncio.cluster", "RedisCluster", "execute_command"),
    ("{}.asyncio.cluster", "ValkeyCluster", "execute_command"),
    ("fakeredis.clients.aio", "FakeAsyncRedis", "execute_command"),
    ("fakeredis.clients.valkey", "FakeAsyncValkey", "execute_command"),
)
# Patches exchange these themselves: they can be noted only after that has been done.
_COROUTINES_IN_PATCH: Final = (
    ("{}.asyncio.client", "Redis", "execute_command"),
    ("{}.asyncio.client", "Valkey", "execute_command"),
    ("{}.client", "Redis", "execute_command"),  # aioredis
)


def _of_all() -> Iterator[_Place]:
    for home, owner, name, attribute in _QUEUES:
        yield from _places(home, owner, name, partial(note_queued, attribute))
    for home, owner, name in _COROUTINES:
        yield from _places(home, owner, name, note_called)


def _of_patches() -> Iterator[_Place]:
    for home, owner, name in _COROUTINES_IN_PATCH:
        yield from _places(home, owner, name, note_called)


def _places(
    home: str, owner_name: str, name: str, handler: Callable[..., Any]
) -> Iterator[_Place]:
    for module_name in dict.fromkeys(home.format(library) for library in _LIBRARIES):
        module = sys.modules.get(module_name)
        owner = getattr(module, owner_name, None)
        if "{" in home:  # the name may mean a fake class now
            owner = getattr(owner, "_real_class", owner)
        if not isinstance(owner, type) or name not in vars(owner):
            continue
        if owner_name == "ClusterPipeline" and hasattr(module, "AbstractStrategy"):
            continue
        function = own_function(owner, name) if "{" in home else vars(owner)[name]
        if type(function) is not FunctionType:
            continue
        if handler is not note_called or _is_hooked(function) or _is_coroutine_function(function):
            yield function, handler


def _is_hooked(function: FunctionType) -> bool:
    hooks = (*_everywhere._hooks, *_in_patches._hooks)
    return id(function) in hooks


def _is_coroutine_function(function: FunctionType) -> bool:
    return bool(function.__code__.co_flags & inspect.CO_COROUTINE)


_everywhere: Final = _Hooks(_of_all)
_in_patches: Final = _Hooks(_of_patches)


def begin(in_patch: bool) -> None:
    """Note from now on, for one spy more."""
    with _LOCK:
        SPYING.count += 1
        _everywhere.begin()
        if in_patch:
            _in_patches.begin()


def end(in_patch: bool) -> None:
    """Note no more, for one spy less."""
    with _LOCK:
        SPYING.count -= 1
        if in_patch:
            _in_patches.end()
        _everywhere.end()
