"""Functions led elsewhere while a patch is active, and led back to the byte.

A plain Python function keeps its identity: only its ``__code__`` is exchanged for a stub of the
same signature and kind, which calls a handler that stands among the stub's constants. Whoever
holds the function (a subclass, a tracer's wrapper, a bound method taken earlier,
``mock.patch.object``) calls the handler without knowing it. What is no plain function is replaced
as an attribute of its class.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from types import CodeType, FunctionType
from typing import Any

from fakeredis.clients.originals import own_function

_MARK = "fakeredis: the handler"
_LOCAL = "_fakeredis_handler"
_FILE = "<fakeredis stub>"  # the spy takes it for the library; tracebacks show no source

Handler = Callable[..., Any]


class Swap:
    """One function and its stub.

    Args:
        function: what is led elsewhere.
        handler: called with the original, and then with the function's own arguments.
    """

    __slots__ = ("function", "_code", "_stub")

    def __init__(self, function: FunctionType, handler: Handler) -> None:
        self.function = function
        self._code = function.__code__
        self._stub = stub_of(function, partial(handler, copy_of(function)))

    def install(self) -> None:
        """Lead the function to the handler; once more, where the library is reloaded meanwhile."""
        if self.function.__code__ is not self._stub:
            self._code = self.function.__code__
            self.function.__code__ = self._stub

    def remove(self) -> None:
        """Give the function back its own code."""
        if self.function.__code__ is self._stub:
            self.function.__code__ = self._code


class AttributeSwap:
    """A method that is no plain function (compiled code, other interpreters): its exchange."""

    __slots__ = ("_original", "_own", "_replacement", "_name", "_owner")

    def __init__(self, owner: type, name: str, handler: Handler) -> None:
        self._owner = owner
        self._name = name
        self._original = getattr(owner, name)
        self._own = name in vars(owner)
        original = self._original

        def replacement(*args: object, **kwargs: object) -> Any:
            return handler(original, *args, **kwargs)

        async def replacement_async(*args: object, **kwargs: object) -> Any:
            return await handler(original, *args, **kwargs)

        is_async = inspect.iscoroutinefunction(original)
        self._replacement = replacement_async if is_async else replacement

    def install(self) -> None:
        """Put the replacement into the class."""
        setattr(self._owner, self._name, self._replacement)

    def remove(self) -> None:
        """Put the original back, unless someone else has replaced ours meanwhile."""
        if vars(self._owner).get(self._name) is self._replacement:
            if self._own:
                setattr(self._owner, self._name, self._original)
            else:
                delattr(self._owner, self._name)


def swap(owner: type, name: str, handler: Handler) -> Swap | AttributeSwap | None:
    """A swap for a method that a class itself defines; None where it defines none."""
    if name not in vars(owner):
        return None
    function = own_function(owner, name)
    if function is not None:
        return Swap(function, handler)
    return AttributeSwap(owner, name, handler)


def copy_of(function: FunctionType) -> FunctionType:
    """The function once more, with its code as it is now."""
    copy = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__qualname__ = function.__qualname__
    copy.__module__ = __name__  # so that nobody takes it for the original
    return copy


def stub_of(function: FunctionType, handler: Handler, plain: bool = False) -> CodeType:
    """Code that may take the place of the function's: same parameters, kind, free variables.

    Args:
        plain: no code of a coroutine in any case.
    """
    code = function.__code__
    parameters, call = _parameters(code)
    is_async = bool(code.co_flags & inspect.CO_COROUTINE) and not plain
    # Never reached; makes the compiler give the stub the free variables that the function has.
    free = "".join(f"    {name}\n" for name in code.co_freevars)
    body = (
        f" {'async ' if is_async else ''}def stub({parameters}):\n"
        f"    {_LOCAL} = {_MARK!r}\n"
        f"    return {'await ' if is_async else ''}{_LOCAL}({call})\n{free}"
    )
    source = f"def make({', '.join(code.co_freevars)}):\n{body} return stub\n"
    namespace: dict[str, Any] = {}
    exec(compile(source, _FILE, "exec"), namespace)  # built from names alone
    cells = [None] * len(code.co_freevars)
    stub: CodeType = namespace["make"](*cells).__code__
    constants = tuple(handler if value == _MARK else value for value in stub.co_consts)
    return stub.replace(co_consts=constants, co_name=code.co_name)


def _parameters(code: CodeType) -> tuple[str, str]:
    """The parameter list of a function with this code, and the arguments that pass it all on."""
    names = list(code.co_varnames)
    count, keywords = code.co_argcount, code.co_kwonlyargcount
    positional = names[:count]
    named = names[count : count + keywords]
    rest = names[count + keywords :]
    parameters, call = positional.copy(), positional.copy()
    if code.co_posonlyargcount:
        parameters.insert(code.co_posonlyargcount, "/")
    if code.co_flags & inspect.CO_VARARGS:
        star = rest.pop(0)
        parameters.append(f"*{star}")
        call.append(f"*{star}")
    elif named:
        parameters.append("*")
    parameters += named
    call += [f"{name}={name}" for name in named]
    if code.co_flags & inspect.CO_VARKEYWORDS:
        star = rest.pop(0)
        parameters.append(f"**{star}")
        call.append(f"**{star}")
    return ", ".join(parameters), ", ".join(call)
