"""`patch` as a decorator: each call of a function, each test of a class, has a fresh patch."""

from __future__ import annotations

import functools
import inspect
import unittest
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from operator import attrgetter
from types import MethodType, TracebackType
from typing import Any, Protocol, TypeAlias

import wrapt

from fakeredis.clients import network


class Handle(Protocol):
    """What is asked here of a `fakeredis.patch`."""

    _options: dict[str, Any]

    @property
    def _entry(self) -> Any:
        """What it has of the present block."""

    def fresh(self) -> Handle:
        """Another one with the same options."""

    def __enter__(self) -> Handle:
        """Begin; returns the handle."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End what `start` began."""

    def start(self) -> Any:
        """Enter it."""

    def stop(self) -> None:
        """Leave it."""

    def snapshot(self) -> Any:
        """A copy of all data."""

    def restore(self, snapshot: Any) -> None:
        """Bring data back."""

    def reset_faults(self) -> None:
        """Forget all faults."""

    def reset(self) -> None:
        """Forget all calls."""


Function = Callable[..., Any]
Model: TypeAlias = "Handle | _ClassPatches"  # whose ``fresh()`` gives each call its handle


def decorate(target: object, model: Handle) -> Any:
    """Wrap a function, coroutine function, generator function, method or class.

    Raises:
        TypeError: the target is nothing of these.
    """
    if isinstance(target, type):
        if issubclass(target, unittest.TestCase):
            return _test_case(target, model)
        return _plain_class(target, model)
    # These, and pytest's fixtures, are known by their types: they stay, and their functions change.
    if isinstance(target, (staticmethod, classmethod)):
        return type(target)(decorate(target.__func__, model))
    if isinstance(target, property):
        return property(*(each and decorate(each, model) for each in _accessors(target)))
    if not callable(target):
        raise TypeError(f"patch decorates functions and classes, not {target!r}")
    if _is_fixture(target):
        return _fixture(target, lambda function: decorate(function, model))
    return _wrapped(target, model)


def _accessors(target: property) -> tuple[Any, Any, Any]:
    return target.fget, target.fset, target.fdel


# Fixtures -------------------------------------------------------------------------------------


def _is_fixture(target: object) -> bool:
    """Whether ``@pytest.fixture`` has made something of a function."""
    space = getattr(target, "__dict__", ())
    return "_fixture_function" in space or "__pytest_wrapped__" in space


def _fixture(target: Any, change: Callable[[Any], Any]) -> Any:
    """A fixture, given back with its function changed."""
    if hasattr(target, "_fixture_function"):
        target._fixture_function = change(target._fixture_function)
    else:  # before pytest 8.4
        target.__pytest_wrapped__.obj = change(target.__pytest_wrapped__.obj)
    return target


# Functions ------------------------------------------------------------------------------------


# What classes make of functions of these names, and of nothing but functions.
_IMPLICIT: dict[str, Callable[[Function], Any]] = {
    "__new__": staticmethod, "__init_subclass__": classmethod, "__class_getitem__": classmethod,
}


class _Decorated(wrapt.CallableObjectProxy):  # type: ignore[type-arg]
    """A function that is called with a patch; what is asked of it, the function itself tells.

    In what a proxy is not like a function (one object, other than the one behind it, that has
    attributes, pickles by its name and becomes a method) it is like one.

    Args:
        function: the function as written.
        body: what is called instead: a function of the same kind, which has the function's names.
            The attributes are set on it.
    """

    def __init__(self, function: Function, body: Function) -> None:
        super().__init__(function)
        self._self_body = body  # not annotated in the class: it would have __annotations__, then

    def __call__(self, /, *args: object, **kwargs: object) -> Any:
        __tracebackhide__ = True
        return self._self_body(*args, **kwargs)

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        # A plain method: wrapt's own do not pickle, and their __func__ is without the patch.
        return self if instance is None else MethodType(self, instance)

    def __set_name__(self, owner: type, name: str) -> None:
        if name in _IMPLICIT:
            setattr(owner, name, _IMPLICIT[name](self))

    def __repr__(self) -> str:
        return f"<function {self.__qualname__} at {id(self):#x}>"

    __str__ = __repr__

    def __reduce_ex__(self, protocol: object) -> str:
        return self.__qualname__

    # So `copy` asks __reduce_ex__, too, and takes a name for the object itself.
    __copy__ = __deepcopy__ = None  # type: ignore[assignment]
    __eq__, __ne__, __hash__ = object.__eq__, object.__ne__, object.__hash__
    # Every proxy has these, and would pass for a collection and for a context manager.
    __enter__ = __aenter__ = __iter__ = None  # type: ignore[assignment]
    __len__ = __contains__ = __reversed__ = None  # type: ignore[assignment]

    # Who sends a function elsewhere by its parts (cloudpickle, and so joblib, Dask and Ray), or
    # makes it another one with them (types.coroutine), is to have the patch, too.
    __code__ = property(attrgetter("_self_body.__code__"))
    __globals__ = property(attrgetter("_self_body.__globals__"))
    __closure__ = property(attrgetter("_self_body.__closure__"))

    # What is set here, such as pytest's marks, is not set on the function, which may be in use
    # without the patch. (In Python alone, wrapt before 2.2 has the function's all the same.)
    __dict__ = property(attrgetter("_self_body.__dict__"))

    def __getattr__(self, name: str) -> Any:
        if name in (own := vars(self._self_body)):
            return own[name]
        if name != "__signature__":
            return super().__getattr__(name)
        try:  # for inspect.getfullargspec, which does not look behind __code__
            return inspect.signature(self._self_body)
        except (NameError, ValueError) as error:  # annotations that cannot be evaluated, say
            raise AttributeError(name) from error

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("_self_"):
            super().__setattr__(name, value)
            return
        setattr(self._self_body, name, value)
        if name not in vars(self._self_body):  # its name, say, which the proxy asks for behind it
            super().__init__(self._self_body)

    def __delattr__(self, name: str) -> None:
        delattr(self._self_body, name)
        super().__init__(self._self_body)


def _instead(function: Function, body: Function) -> Function:
    """A body that passes for the function."""
    body = functools.update_wrapper(body, function)
    # A proxy of what is no function (a partial, a bound method) is none either, and what takes
    # functions only would not take it: pytest's marks.
    return _Decorated(function, body) if inspect.isfunction(function) else body


def _wrapped(function: Function, model: Model) -> Function:
    """A wrapper of the function's kind, with its signature."""
    kind: Callable[[Function, Model], Function] = _function
    if inspect.iscoroutinefunction(function):
        kind = _coroutine
    elif inspect.isasyncgenfunction(function):
        kind = _async_generator
    elif inspect.isgeneratorfunction(function):
        kind = _generator
    name = model._options["as_kwarg"]
    if name is None:
        return _instead(function, kind(function, model))
    signature = inspect.signature(function)
    if not _takes(signature, name):
        raise TypeError(
            f"{getattr(function, '__qualname__', function)}() has no argument {name!r}, which "
            f"as_kwarg={name!r} promises: add it, or leave as_kwarg out"
        )
    body: Any = kind(_put_in_place(function, signature, name), model)
    wrapper = _instead(function, body)
    body.__signature__ = _without(signature, name)
    return wrapper


def _put_in_place(function: Function, signature: inspect.Signature, name: str) -> Function:
    """The function, or how it is called: arguments by place may stand behind the named one.

    Callers do not know of that one, hypothesis for example.
    """
    parameters = list(signature.parameters.values())
    names = [each.name for each in parameters]
    by_place = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    place = names.index(name) if name in names else len(names)
    if not any(each.kind in by_place for each in parameters[place + 1 :]):
        return function

    def call(*args: object, **kwargs: object) -> Any:
        if len(args) > place:
            args = (*args[:place], kwargs.pop(name), *args[place:])
        return function(*args, **kwargs)

    return call


def _takes(signature: inspect.Signature, name: str) -> bool:
    """Whether an argument can be given by that name."""
    named = signature.parameters.get(name)
    if named is not None:
        return named.kind in (named.KEYWORD_ONLY, named.POSITIONAL_OR_KEYWORD)
    return any(each.kind is each.VAR_KEYWORD for each in signature.parameters.values())


def _without(signature: inspect.Signature, name: str) -> inspect.Signature:
    """A signature that does not ask for what the decorator gives (pytest takes it for fixtures)."""
    kept = [each for each in signature.parameters.values() if each.name != name]
    return signature.replace(parameters=kept)


def _given(model: Model, handle: Handle, kwargs: dict[str, Any]) -> dict[str, Any]:
    name = model._options["as_kwarg"]
    return kwargs if name is None else {**kwargs, name: handle}


def _function(function: Function, model: Model) -> Function:
    def wrapper(*args: object, **kwargs: object) -> Any:
        with model.fresh() as handle:
            return function(*args, **_given(model, handle, kwargs))

    return wrapper


def _coroutine(function: Function, model: Model) -> Function:
    async def wrapper(*args: object, **kwargs: object) -> Any:
        with model.fresh() as handle:
            return await function(*args, **_given(model, handle, kwargs))

    return wrapper


def _generator(function: Function, model: Model) -> Function:
    def wrapper(*args: object, **kwargs: object) -> Generator[Any, Any, Any]:
        with model.fresh() as handle:
            result = yield from function(*args, **_given(model, handle, kwargs))
        return result

    return wrapper


def _async_generator(function: Function, model: Model) -> Function:
    async def wrapper(*args: object, **kwargs: object) -> AsyncGenerator[Any, Any]:
        with model.fresh() as handle:
            inner = function(*args, **_given(model, handle, kwargs))
            step = inner.__anext__()
            while True:
                try:
                    value = await step
                except StopAsyncIteration:
                    return
                try:
                    sent = yield value
                except GeneratorExit:
                    await inner.aclose()
                    raise
                except BaseException as error:
                    step = inner.athrow(error)
                else:
                    step = inner.asend(sent)

    return wrapper


# Classes --------------------------------------------------------------------------------------


class _ClassPatch:
    """The patch of a test class: what its set-up stored is there again before each test."""

    def __init__(self, owner: type, model: Handle) -> None:
        self.owner = owner
        self.handle = model.fresh()
        self.snapshot: Any = None
        self.name = model._options["as_kwarg"]

    def start(self) -> None:
        """Begin, before the class's own set-up."""
        self.handle.start()
        if self.name is not None:
            setattr(self.owner, self.name, self.handle)

    def stop(self) -> None:
        """End, after the class's own tear-down."""
        self.handle.stop()
        if self.name is not None and self.name in vars(self.owner):
            delattr(self.owner, self.name)

    def renew(self) -> None:
        """Before each test: the state that the class's set-up left.

        Patches that fixtures for all tests have entered since are further away from this one.
        """
        network.prefer(self.handle._entry.scope)
        if self.snapshot is None:
            self.snapshot = self.handle.snapshot()
        else:
            self.handle.restore(self.snapshot)
            self.handle.reset_faults()
        if self.handle._options["spy"]:
            self.handle.reset()


class _ClassPatches(dict[type, _ClassPatch]):
    """The patches of a decorated class and its subclasses, while their tests run."""

    def __init__(self, model: Handle) -> None:
        super().__init__()
        self.model = model
        self._options = model._options

    def begin(self, owner: type) -> None:
        """A class's tests begin."""
        each = self[owner] = _ClassPatch(owner, self.model)
        each.start()

    def end(self, owner: type) -> None:
        """A class's tests have ended."""
        each = self.pop(owner, None)
        if each is not None:
            each.stop()

    def fresh(self) -> AbstractContextManager[Handle]:
        """For methods, as `patch.fresh` is for functions: the class's own patch, which goes on."""
        return nullcontext(next(reversed(self.values())).handle)

    def hand_out(self, cls: type) -> None:
        """Give the handle to the tests and fixtures that have an argument of its name."""
        name = self._options["as_kwarg"]
        for member in dir(cls) if name is not None else ():
            value = inspect.getattr_static(cls, member)
            if _is_fixture(value):
                if member in vars(cls):
                    _fixture(value, self._handed)
            elif member.startswith("test") and inspect.isfunction(value):
                if (changed := self._handed(value)) is not value:
                    setattr(cls, member, changed)

    def _handed(self, function: Any) -> Any:
        named = self._options["as_kwarg"] in inspect.signature(function).parameters
        return _wrapped(function, self) if named else function


def _test_case(cls: type, model: Handle) -> type:
    """A `unittest.TestCase`: setUpClass, setUp, tests and tear-downs see one patch."""
    patches = _ClassPatches(model)
    patches.hand_out(cls)
    set_up: Any = cls.setUpClass  # type: ignore[attr-defined]

    def set_up_class(owner: Any) -> None:
        patches.begin(owner)
        owner.addClassCleanup(patches.end, owner)
        set_up.__func__(owner)

    begin = _instead(set_up.__func__, set_up_class)
    cls.setUpClass = classmethod(begin)  # type: ignore[attr-defined]
    for name in ("run", "debug"):
        setattr(cls, name, _around_test(getattr(cls, name), patches))
    return cls


def _around_test(run: Function, patches: _ClassPatches) -> Function:
    def wrapper(self: Any, *args: object, **kwargs: object) -> Any:
        owner = type(self)
        alone = owner not in patches  # run without its suite
        if alone:
            patches.begin(owner)
        try:
            patches[owner].renew()
            return run(self, *args, **kwargs)
        finally:
            if alone:
                patches.end(owner)

    return _instead(run, wrapper)


def _plain_class(cls: type, model: Handle) -> type:
    """A pytest class; of any other class the public methods are wrapped one by one."""
    if any(name.startswith("test") for name in dir(cls)):
        return _pytest_class(cls, model)
    for name, value in list(vars(cls).items()):
        if name.startswith("_") or isinstance(value, type):
            continue
        if callable(value) or isinstance(value, (staticmethod, classmethod)):
            setattr(cls, name, decorate(value, model))
    return cls


def _pytest_class(cls: Any, model: Handle) -> type:
    """A class that pytest collects: setup_class and setup_method run inside, too."""
    patches = _ClassPatches(model)
    patches.hand_out(cls)
    originals = {
        name: getattr(cls, name, None)
        for name in ("setup_class", "teardown_class", "setup_method", "teardown_method")
    }

    def setup_class(owner: Any) -> None:
        patches.begin(owner)
        try:
            _call(originals["setup_class"], owner)
        except BaseException:
            patches.end(owner)
            raise

    def teardown_class(owner: Any) -> None:
        try:
            _call(originals["teardown_class"], owner)
        finally:
            patches.end(owner)

    def setup_method(self: Any, method: object) -> None:
        patches[type(self)].renew()
        _call(originals["setup_method"], self, method)

    cls.setup_class = classmethod(setup_class)
    cls.teardown_class = classmethod(teardown_class)
    cls.setup_method = setup_method
    return cls  # type: ignore[no-any-return]


def _call(function: Any, owner: Any, method: Any = None) -> None:
    """Call one of pytest's class-level functions, which may leave their argument out."""
    if function is None:
        return
    function = getattr(function, "__func__", function)
    arguments = [owner] if method is None else [owner, method]
    function(*arguments[: len(inspect.signature(function).parameters)])
