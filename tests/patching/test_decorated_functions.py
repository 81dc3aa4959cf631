"""What is decorated is, to all who look at it, the function as written."""

from __future__ import annotations

import asyncio
import copy
import doctest
import functools
import gc
import inspect
import multiprocessing
import pickle
import sys
import types
import typing
import unittest
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from unittest import mock

import pytest
import redis
import redis.asyncio
import wrapt
from hypothesis import HealthCheck, given, settings, strategies

import fakeredis
from tests.support import processes

pytestmark = pytest.mark.usefixtures("no_network")
Any = typing.Any


def count() -> int:
    return int(redis.Redis().incr("count"))


def function(a: int, *, b: int = 2) -> list[int]:
    """Called."""
    return [a, b, count()]


async def coroutine(a: int, *, b: int = 2) -> list[int]:
    """Awaited."""
    return [a, b, int(await redis.asyncio.Redis().incr("count"))]


def generator(a: int, *, b: int = 2) -> Iterator[int]:
    """Iterated."""
    yield a
    yield b
    yield count()


async def async_generator(a: int, *, b: int = 2) -> AsyncIterator[int]:
    """Iterated by ``async for``."""
    yield a
    yield b
    yield int(await redis.asyncio.Redis().incr("count"))


KINDS: list[Any] = [function, coroutine, generator, async_generator]
kinds = pytest.mark.parametrize("plain", KINDS, ids=lambda each: each.__name__)


async def results(called: Any) -> list[int]:
    """Those of a function of any kind."""
    if inspect.isasyncgen(called):
        return [each async for each in called]
    return list(await called if inspect.isawaitable(called) else called)


# Looked at --------------------------------------------------------------------------------------


@kinds
async def test_each_kind_looks_like_the_function(plain: Any) -> None:
    decorated = fakeredis.patched(plain)
    assert isinstance(decorated, wrapt.CallableObjectProxy)
    for name in ("__name__", "__qualname__", "__doc__", "__module__", "__annotations__"):
        assert getattr(decorated, name) == getattr(plain, name)
    assert decorated.__wrapped__ is inspect.unwrap(decorated) is plain
    for look in (
        inspect.isfunction, inspect.isroutine, inspect.iscoroutinefunction, inspect.signature,
        inspect.isgeneratorfunction, inspect.isasyncgenfunction, inspect.getsource, callable,
        inspect.getfullargspec, typing.get_type_hints,
    ):
        assert look(decorated) == look(plain)
    assert str(decorated) == repr(decorated) == f"<function {plain.__name__} at {id(decorated):#x}>"
    assert await results(decorated(0)) == await results(decorated(0)) == [0, 2, 1]


@kinds
async def test_the_handle_is_no_argument_to_others(plain: Any) -> None:
    parts = {name: getattr(plain, name) for name in ("__kwdefaults__",)}
    decorated = fakeredis.patched(as_kwarg="b")(plain)
    assert decorated.__wrapped__ is plain
    assert not hasattr(plain, "__signature__")
    assert parts == {name: getattr(plain, name) for name in parts}
    for each in (decorated, functools.wraps(decorated)(lambda: None)):
        assert list(inspect.signature(each).parameters) == ["a"]
    assert inspect.getfullargspec(decorated).kwonlyargs == []
    assert (await results(decorated(0)))[0] == 0


async def test_the_handle_may_stand_anywhere() -> None:
    """Arguments by place are counted as in the signature, which does not have it."""

    @fakeredis.patched(as_kwarg="fake")
    def first(fake: Any, a: int, b: int = 2, *more: int) -> Any:
        assert fake is fakeredis.active()
        return a, b, more

    @fakeredis.patched(as_kwarg="fake")
    async def between(a: int, fake: Any, *more: int, b: int = 2) -> Any:
        assert fake is fakeredis.active()
        return a, b, more

    assert first(0) == first(0, 2) == first(b=2, a=0) == first(0, b=2) == (0, 2, ())
    assert first(0, 1, 3, 4) == (0, 1, (3, 4))
    assert await between(0) == await between(a=0) == (0, 2, ())
    assert await between(0, 3, 4, b=1) == (0, 1, (3, 4))
    with pytest.raises(TypeError, match=r"missing .* 'a'"):
        first()
    with pytest.raises(TypeError, match="multiple values for argument 'a'"):
        await between(0, a=1)


@kinds
def test_it_is_an_object_of_its_own(plain: Any) -> None:
    decorated, again = fakeredis.patched(plain), fakeredis.patched(plain)
    assert decorated != again != plain != decorated == decorated
    assert len({plain, decorated, again}) == 3


@kinds
def test_no_one_takes_it_for_more(plain: Any) -> None:
    decorated = fakeredis.patched(plain)
    for more in (
        typing.Sized, typing.Container, typing.Iterable, typing.Reversible, typing.Awaitable,
        AbstractContextManager, AbstractAsyncContextManager,
    ):
        assert not isinstance(decorated, more)
    assert decorated


@kinds
def test_what_is_set_on_it_is_not_on_the_function(plain: Any) -> None:
    before = dict(vars(plain))
    decorated, again = fakeredis.patched(plain), fakeredis.patched(plain)
    marked = pytest.mark.slow(decorated)
    assert marked is decorated
    decorated.own = 1
    assert [mark.name for mark in decorated.pytestmark] == ["slow"]
    assert decorated.own == vars(decorated)["own"] == 1
    assert functools.wraps(decorated)(lambda: None).own == 1  # type: ignore[attr-defined]
    assert decorated.__wrapped__ is plain
    del decorated.own
    decorated.__name__ = "other"
    decorated.__doc__ = None
    assert (decorated.__name__, decorated.__doc__) == ("other", None)
    assert not hasattr(decorated, "own")
    assert vars(plain) == before
    for each in (plain, again):
        assert each.__name__ != "other"
        assert each.__doc__ is not None
        assert not hasattr(each, "own")


def test_what_is_set_on_the_function_is_found() -> None:
    plain = types.FunctionType(count.__code__, globals())
    plain.before = 1  # type: ignore[attr-defined]
    decorated: Any = fakeredis.patched(plain)
    decorated.before += 1
    assert (decorated.before, plain.before) == (2, 1)  # type: ignore[attr-defined]
    del decorated.before
    assert not hasattr(decorated, "before")
    with pytest.raises(AttributeError):
        del decorated.before


def test_wrapped_anew() -> None:
    decorated: Any = functools.update_wrapper(fakeredis.patched(function), count)
    assert decorated.__name__ == "count"
    assert inspect.signature(decorated) == inspect.signature(count)
    assert function.__name__ == "function"
    assert decorated(0) == [0, 2, 1]


class Counter:
    """Callable, and with methods to take."""

    def __call__(self, a: int = 0, fake: Any = None) -> Any:
        return a, count()

    method = __call__

    async def asynchronous(self, a: int = 0, fake: Any = None) -> Any:
        return a, (await coroutine(0))[-1]


@pytest.mark.parametrize("other", [
    Counter(), Counter().method, Counter().asynchronous, functools.partial(Counter().method),
    functools.partial(Counter().asynchronous), functools.lru_cache(Counter().method),
], ids=["object", "method", "coroutine", "partial", "partial-coroutine", "cache"])
async def test_other_callables_become_functions(other: Any) -> None:
    """A proxy of an object that is none is none, and pytest's marks do not hold on it."""
    for handed in (None, "fake"):
        decorated: Any = fakeredis.patched(as_kwarg=handed)(other)
        assert pytest.mark.slow(decorated) is decorated
        assert inspect.isfunction(decorated)
        assert inspect.iscoroutinefunction(decorated) == inspect.iscoroutinefunction(other)
        assert not hasattr(other, "pytestmark")
        assert list(inspect.signature(decorated).parameters) == ["a", "fake"][: 1 if handed else 2]
        for _ in range(2):
            result = decorated(a=3)
            assert (await result if inspect.isawaitable(result) else result) == (3, 1)
    assert fakeredis.patched(len)([1]) == 1


def test_without_a_signature() -> None:
    plain: Any = types.FunctionType(count.__code__, globals())
    plain.__wrapped__ = plain
    for look in (inspect.signature, inspect.unwrap):
        with pytest.raises(ValueError, match="wrapper loop"):
            look(plain)
    decorated = fakeredis.patched(plain)
    assert not hasattr(decorated, "__signature__")
    assert decorated() == 1


# Pickled ----------------------------------------------------------------------------------------


@fakeredis.patched
def named(a: int) -> tuple[int, int]:
    """Found by its name.

    >>> named(5)
    (5, 1)
    """
    return a, count()


@functools.lru_cache
@fakeredis.patched
@functools.lru_cache
def cached(a: int) -> tuple[int, int]:
    return a, count()


@mock.patch("os.getcwd")
@fakeredis.patched(as_kwarg="fake")
@fakeredis.patched(version="7.2")
@mock.patch("os.getpid")
def stacked(pid: Any, cwd: Any, a: int, fake: Any) -> tuple[int, int]:
    assert fake is not fakeredis.active()
    return a, count()


class Service:
    """Its methods, each way."""

    value = property(fakeredis.patched(lambda self: (self, count())))

    @fakeredis.patched
    def method(self) -> Any:
        return type(self), count()

    @fakeredis.patched
    @classmethod
    def above_class(cls) -> Any:
        return cls, count()

    @classmethod
    @fakeredis.patched
    def below_class(cls) -> Any:
        return cls, count()

    @fakeredis.patched
    @staticmethod
    def above_static() -> Any:
        return None, count()

    @staticmethod
    @fakeredis.patched
    def below_static() -> Any:
        return None, count()

    @fakeredis.patched
    async def asynchronous(self) -> Any:
        return self, await coroutine(0)


class Derived(Service):
    def method(self) -> Any:
        return super().method()

    @classmethod
    def above_class(cls) -> Any:
        return super().above_class()


PICKLED = [
    named, cached, stacked, Service.method, Service.above_static, Service.below_static,
]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickled_by_name(protocol: int) -> None:
    for each in PICKLED:
        assert pickle.loads(pickle.dumps(each, protocol)) is each
        assert pickle._loads(pickle._dumps(each, protocol)) is each  # type: ignore[attr-defined]


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_methods_pickle(protocol: int) -> None:
    for method in (Service.above_class, Service.below_class, Derived.above_class):
        assert pickle.loads(pickle.dumps(method, protocol)) == method
    bound = pickle.loads(pickle.dumps(Service().method, protocol))
    assert bound() == (Service, 1)


@kinds
def test_without_a_name_it_does_not_pickle(plain: Any) -> None:
    for each in (fakeredis.patched(plain), fakeredis.patched(functools.partial(plain, 1))):
        with pytest.raises((pickle.PicklingError, AttributeError)):
            pickle.dumps(each)


@kinds
def test_copies_are_the_same(plain: Any) -> None:
    for each in (fakeredis.patched(plain), fakeredis.patched(functools.partial(plain))):
        assert copy.copy(each) is copy.deepcopy(each) is copy.deepcopy([each])[0] is each


@pytest.mark.slow
def test_in_other_processes() -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as executor:
        assert executor.submit(named, 3).result(60) == (3, 1)
        assert executor.submit(Service().method).result(60) == (Service, 1)
    with context.Pool(1) as pool:
        assert pool.map_async(named, [1, 2]).get(60) == [(1, 1), (2, 1)]


@kinds
async def test_by_its_parts_it_has_the_patch(plain: Any) -> None:
    """As cloudpickle sends functions of ``__main__`` to the workers of joblib, Dask and Ray.

    wrapt's own proxy gives the parts of the function, and it would run there without the patch.
    """
    decorated = fakeredis.patched(plain)
    rebuilt = types.FunctionType(
        decorated.__code__, decorated.__globals__, closure=decorated.__closure__
    )
    assert await results(rebuilt(0)) == await results(rebuilt(0)) == [0, 2, 1]


async def test_made_a_coroutine() -> None:
    @types.coroutine
    @fakeredis.patched
    def old_style() -> Any:
        yield from asyncio.sleep(0).__await__()
        return count()

    assert [await old_style(), await old_style()] == [1, 1]


# Bound ------------------------------------------------------------------------------------------


def test_methods() -> None:
    service = Service()
    assert service.method() == Service.method(service) == (Service, 1)
    assert service.value == (service, 1)
    assert Service.above_class() == service.below_class() == (Service, 1)
    assert Service.above_static() == service.below_static() == (None, 1)
    assert Derived().method() == Derived.above_class() == Derived().below_class() == (Derived, 1)


def test_methods_are_plain_ones() -> None:
    service = Service()
    assert type(service.method) is types.MethodType
    assert service.method == service.method != Service().method
    assert service.method.__func__ is vars(Service)["method"]  # type: ignore[attr-defined]
    assert service.method.__func__(service) == (Service, 1)  # type: ignore[attr-defined]
    assert Service.above_class.__func__(int) == (int, 1)  # type: ignore[attr-defined]
    assert inspect.iscoroutinefunction(service.asynchronous)
    assert str(inspect.signature(service.method)) == "() -> 'Any'"
    for name, kind in (("above_class", classmethod), ("below_static", staticmethod)):
        assert type(inspect.getattr_static(Service, name)) is kind


def test_methods_that_classes_know() -> None:
    class Base:
        @fakeredis.patched
        def __new__(cls) -> Any:
            assert count() == 1
            return super().__new__(cls)

        @fakeredis.patched
        def __init_subclass__(cls) -> None:
            cls.counted = count()

        @fakeredis.patched
        def __class_getitem__(cls, item: Any) -> Any:
            return cls, item, count()

    class Below(Base):
        counted: int

    assert Below.counted == 1
    assert type(Below()) is type(Below().__new__(Below)) is Below
    assert Below[1] == (Below, 1, 1)  # type: ignore[misc]


def test_autospec() -> None:
    for double in (mock.create_autospec(named), mock.create_autospec(Service)().method):
        with pytest.raises(TypeError):
            double(1, 2, 3)
    assert inspect.iscoroutinefunction(mock.create_autospec(Service).asynchronous)


# Among other decorators -------------------------------------------------------------------------


def test_cached() -> None:
    assert cached(1) is cached(1)
    assert cached(1) == (1, 1)


def test_stacked() -> None:
    assert stacked(a=3) == (3, 1)


@settings(max_examples=3, deadline=None)
@given(value=strategies.integers())
@fakeredis.patched
def test_given_above(value: int) -> None:
    assert count() == 1


@settings(max_examples=3, deadline=None)
@given(value=strategies.integers())
@fakeredis.patched(as_kwarg="fake")
def test_given_above_with_the_handle(fake: Any, value: int) -> None:
    assert fake.client().incr("count") == 1


@fakeredis.patched(as_kwarg="fake")
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=strategies.integers())
def test_given_below(fake: Any, value: int) -> None:
    assert fake is fakeredis.active()
    assert count() >= 1


@fakeredis.patched
@settings(max_examples=3, deadline=None)
@given(value=strategies.integers())
async def test_given_below_asynchronous(value: int) -> None:
    assert (await coroutine(0))[-1] >= 1


@mock.patch("os.getcwd")
@pytest.mark.parametrize("value", [1])
@fakeredis.patched(as_kwarg="fake")
def test_marks_below_a_mock(cwd: Any, fake: Any, value: int) -> None:
    assert value == count()


def test_doctests_are_found() -> None:
    found = doctest.DocTestFinder().find(sys.modules[__name__])
    (examples,) = (each for each in found if each.name == f"{__name__}.named")
    assert doctest.DocTestRunner().run(examples) == (0, 1)


def test_collected_by_unittest() -> None:
    class Case(unittest.TestCase):
        @fakeredis.patched(as_kwarg="fake")
        def test_one(self, fake: Any) -> None:
            assert fake is fakeredis.active()

        @unittest.skip("a reason")
        @fakeredis.patched
        def test_skipped(self) -> None:
            raise KeyError

        @fakeredis.patched
        @unittest.expectedFailure
        def test_failing(self) -> None:
            assert count() == 2

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
    assert (len(result.skipped), len(result.expectedFailures)) == (1, 1)
    assert result.testsRun in (2, 3)  # Python 3.12.1 does not count what is skipped
    assert result.wasSuccessful()


def test_classes_are_returned() -> None:
    class Plain:
        def run(self) -> int:
            return count()

    class TestOne:
        def test(self) -> None:
            """Found by pytest."""

    class Case(unittest.TestCase):
        def test(self) -> None:
            count()

    for each in (Plain, TestOne, Case):
        assert fakeredis.patched(each) is each
    for name in ("run", "debug", "setUpClass"):
        method = getattr(Case("test"), name)
        assert type(method) is types.MethodType
        assert inspect.signature(method) == inspect.signature(
            getattr(unittest.TestCase("run"), name)
        )


# Fixtures ---------------------------------------------------------------------------------------


def _plain(tmp_path: Any) -> Any:
    return tmp_path, count()


def _generator(tmp_path: Any) -> Any:
    yield tmp_path, count()
    assert count() > 1


async def _coroutine(tmp_path: Any) -> Any:
    return tmp_path, int(await redis.asyncio.Redis().incr("count"))


async def _async_generator(tmp_path: Any) -> Any:
    yield tmp_path, int(await redis.asyncio.Redis().incr("count"))
    assert await redis.asyncio.Redis().incr("count") > 1


above_plain = fakeredis.patched(pytest.fixture(_plain))
below_plain = pytest.fixture(fakeredis.patched(_plain))
above_generator = fakeredis.patched(pytest.fixture(_generator))
below_generator = pytest.fixture(fakeredis.patched(_generator))
above_coroutine = fakeredis.patched(pytest.fixture(_coroutine))
below_coroutine = pytest.fixture(fakeredis.patched(_coroutine))
above_async_generator = fakeredis.patched(pytest.fixture(_async_generator))
below_async_generator = pytest.fixture(fakeredis.patched(_async_generator))


class TestFixtures:
    """Above and below ``@pytest.fixture``, in modules and in classes."""

    @fakeredis.patched
    @pytest.fixture
    def above_method(self, tmp_path: Any) -> Any:
        return tmp_path, count()

    @pytest.fixture
    @fakeredis.patched(as_kwarg="fake")
    def below_method(self, tmp_path: Any, fake: Any) -> Any:
        assert isinstance(self, TestFixtures)
        return tmp_path, int(fake.client().incr("count"))

    async def test_values(
        self, tmp_path: Any, above_plain: Any, below_plain: Any, above_coroutine: Any,
        below_coroutine: Any, above_generator: Any, below_generator: Any,
        above_async_generator: Any, below_async_generator: Any, above_method: Any,
        below_method: Any,
    ) -> None:
        got = {name: each for name, each in locals().items() if name[:5] in ("above", "below")}
        assert got == dict.fromkeys(got, (tmp_path, 1))
        assert len(got) == 10


# Called -----------------------------------------------------------------------------------------


def _calls(function: Callable[[], Any]) -> int:
    """How many Python functions a call is."""
    seen: list[str] = []
    function()
    gc.disable()  # finalizers would be counted
    sys.setprofile(lambda frame, event, _: event == "call" and seen.append(event))
    try:
        function()
    finally:
        sys.setprofile(None)
        gc.enable()
    return len(seen)


def test_a_call_is_no_more_than_a_patch() -> None:
    def empty(self: Any = None) -> None:
        """Nothing else to count."""

    model = fakeredis.patch()

    def by_hand() -> None:
        with model.fresh():
            empty()

    decorated = model(empty)
    bound = types.MethodType(decorated, 1)
    owner: Any = type("Owner", (), {"method": decorated})()
    with fakeredis.patch():
        patch_alone = _calls(by_hand)
        assert _calls(decorated) <= patch_alone + 2
        assert _calls(bound) <= patch_alone + 2
        assert _calls(lambda: owner.method()) <= patch_alone + 4


# Loaded -----------------------------------------------------------------------------------------

LATE = """
import sys, fakeredis
import redis
with fakeredis.patch(spy=True) as fake:
    redis.Redis().set("k", "v")
assert "wrapt" not in sys.modules
fakeredis.patched(lambda: None)
assert "wrapt" in sys.modules
"""


def test_loaded_by_the_first_decorator() -> None:
    done = processes.python("-c", LATE)
    assert done.returncode == 0, done.stderr


def _typed(called: Callable[[int], tuple[int, int]]) -> None:
    """For type checkers: decorators keep the function's type."""


_typed(named)
