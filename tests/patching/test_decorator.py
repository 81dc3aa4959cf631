"""`patch` and `patched` as decorators: every kind of function, every kind of test class."""

from __future__ import annotations

import inspect
import os
import textwrap
import unittest
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import redis
import redis.asyncio

import fakeredis
from tests.support import processes

pytestmark = pytest.mark.usefixtures("no_network")
ROOT = Path(fakeredis.__file__).parent.parent


def count() -> int:
    return int(redis.Redis().incr("count"))


# Functions --------------------------------------------------------------------------------------


@fakeredis.patched
def bare(a: int, *, b: int = 2) -> tuple[int, int, int]:
    """A docstring."""
    return a, b, count()


@fakeredis.patched(spy=True, as_kwarg="fake")
def with_handle(a: int, fake: Any = None) -> Any:
    assert fakeredis.active() is fake
    count()
    fake.assert_called_command_once("INCRBY count 1")
    return a


@fakeredis.patch(version="7.2")
def by_patch() -> Any:
    return redis.Redis().info("server")["redis_version"]


@fakeredis.patched
async def coroutine() -> int:
    return int(await redis.asyncio.Redis().incr("count"))


@fakeredis.patched
def generator() -> Iterator[int]:
    try:
        yield count()
    except KeyError:
        yield count()
    finally:
        assert fakeredis.active() is not None
    return 5


@fakeredis.patched
async def async_generator() -> AsyncIterator[int]:
    try:
        got = yield count()
        assert got == "sent"
        yield count()
    except KeyError:
        yield count()
    finally:
        assert fakeredis.active() is not None


def test_function() -> None:
    assert bare(1) == (1, 2, 1)
    assert bare(1, b=3) == (1, 3, 1)  # fresh state for each call
    assert bare.__doc__ == "A docstring."
    assert str(inspect.signature(bare)) == "(a: 'int', *, b: 'int' = 2) -> 'tuple[int, int, int]'"
    assert fakeredis.active() is None


def test_as_kwarg() -> None:
    assert with_handle(4) == 4
    assert list(inspect.signature(with_handle).parameters) == ["a"]


def test_patch_as_decorator() -> None:
    assert by_patch().startswith("7.2")


async def test_coroutine() -> None:
    assert inspect.iscoroutinefunction(coroutine)
    assert [await coroutine(), await coroutine()] == [1, 1]
    assert fakeredis.active() is None


def test_generator() -> None:
    assert inspect.isgeneratorfunction(generator)
    assert list(generator()) == [1]
    steps = generator()
    assert next(steps) == 1
    assert fakeredis.active() is not None
    assert steps.throw(KeyError()) == 2  # type: ignore[attr-defined]
    with pytest.raises(StopIteration) as stopped:
        next(steps)
    assert stopped.value.value == 5
    assert fakeredis.active() is None
    steps = generator()
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert fakeredis.active() is None


async def test_async_generator() -> None:
    assert inspect.isasyncgenfunction(async_generator)
    steps: Any = async_generator()
    assert await steps.__anext__() == 1
    assert await steps.asend("sent") == 2
    with pytest.raises(StopAsyncIteration):
        await steps.__anext__()
    assert fakeredis.active() is None
    steps = async_generator()
    await steps.__anext__()
    assert await steps.athrow(KeyError()) == 2
    await steps.aclose()
    assert fakeredis.active() is None


def test_recursion() -> None:
    @fakeredis.patched
    def recurse(depth: int) -> list[int]:
        return [count(), *(recurse(depth - 1) if depth else []), count()]

    assert recurse(2) == [1, 1, 1, 2, 2, 2]


class Service:
    @fakeredis.patched
    def method(self) -> Any:
        return self, count()

    @classmethod
    @fakeredis.patched
    def inner(cls) -> Any:
        return cls, count()

    @fakeredis.patched
    @classmethod
    def outer(cls) -> Any:
        return cls, count()

    @fakeredis.patched
    @staticmethod
    def static() -> int:
        return count()


def test_methods() -> None:
    service = Service()
    assert service.method() == (service, 1)
    assert Service.inner() == Service.outer() == (Service, 1)
    assert service.static() == 1


@mock.patch("os.getcwd", return_value="above")
@fakeredis.patched(as_kwarg="fake")
@mock.patch("os.getpid", return_value="below")
def test_with_other_decorators(pid: Any, cwd: Any, fake: Any) -> None:
    import os

    assert (os.getcwd(), os.getpid()) == ("above", "below")
    assert count() == 1


@pytest.fixture
@fakeredis.patched
def inside_a_fixture() -> Iterator[redis.Redis]:
    client = redis.Redis()
    client.set("k", "fixture")
    yield client
    client.close()


@pytest.fixture
@fakeredis.patched
async def inside_an_async_fixture() -> AsyncIterator[redis.asyncio.Redis]:
    client = redis.asyncio.Redis()
    await client.set("k", "fixture")
    yield client
    await client.aclose()


def test_generator_fixture(inside_a_fixture: redis.Redis) -> None:
    assert redis.Redis().get("k") == b"fixture"


async def test_async_generator_fixture(inside_an_async_fixture: redis.asyncio.Redis) -> None:
    assert await redis.asyncio.Redis().get("k") == b"fixture"


@fakeredis.patched
@pytest.mark.parametrize("value", [1, 2])
def test_fixtures_and_parameters(value: int, tmp_path: Path) -> None:
    assert count() == 1
    assert tmp_path.exists()


@pytest.mark.parametrize("wrong", [5, "text", None])
def test_what_cannot_be_decorated(wrong: Any) -> None:
    with pytest.raises(TypeError, match="decorates functions and classes"):
        fakeredis.patch()(wrong)


def test_patch_is_not_bare() -> None:
    with pytest.raises(TypeError, match="patched"):

        @fakeredis.patch
        def function() -> None:
            """Never wrapped."""


@fakeredis.patched(as_kwarg="fake")
@pytest.fixture
def decorated_fixture(cwd: Any, fake: Any) -> Any:
    return cwd, fake, count()


@pytest.fixture
def cwd() -> str:
    return "cwd"


@fakeredis.patched
@pytest.fixture(params=[1, 2])
def decorated_generator(request: pytest.FixtureRequest) -> Any:
    start = fakeredis.active()
    yield request.param, redis.Redis().incrby("count", request.param)
    assert fakeredis.active() is start


def test_above_a_fixture(decorated_fixture: Any, decorated_generator: Any) -> None:
    assert decorated_fixture[0] == "cwd"
    assert decorated_fixture[1].client().get("count") == b"1"
    assert decorated_generator[0] == decorated_generator[1]
    assert redis.Redis().get("count") == b"%d" % decorated_generator[0]


# Classes ----------------------------------------------------------------------------------------


@fakeredis.patched(spy=True, as_kwarg="fake")
class TestPytestClass:
    @classmethod
    def setup_class(cls) -> None:
        redis.Redis().set("from", "class")

    def setup_method(self) -> None:
        self.client = redis.Redis()
        self.client.set("method", 1)

    @pytest.mark.parametrize("value", [1, 2])
    def test_state(self, value: int, fake_by_fixture: bytes | None) -> None:
        assert self.client.get("from") == b"class"
        assert self.client.incr("method") == 2
        assert count() == 1
        assert self.client.set("from", "test")
        assert fakeredis.active() is self.fake  # type: ignore[attr-defined]
        self.fake.assert_called_command_once("INCR method")  # type: ignore[attr-defined]

    @pytest.fixture
    def fake_by_fixture(self) -> Any:
        return redis.Redis().get("from")

    async def test_async(self) -> None:
        assert await redis.asyncio.Redis().get("from") == b"class"

    def teardown_method(self) -> None:
        assert self.client.get("method") is not None
        self.client.close()


@fakeredis.patched(as_kwarg="fake")
class TestHandedOut:
    """The handle is an attribute, and an argument of the tests and fixtures that have one."""

    def test_argument(self, fake: Any, value: Any) -> None:
        assert fake is self.fake is value is fakeredis.active()  # type: ignore[attr-defined]

    async def test_async(self, fake: Any) -> None:
        assert fake is fakeredis.active()

    @pytest.fixture
    def value(self, fake: Any) -> Any:
        yield fake
        assert fakeredis.active() is fake

    @staticmethod
    def test_static() -> None:
        assert fakeredis.active() is not None


@fakeredis.patched(as_kwarg="fake")
class TestHandedOutToCase(unittest.TestCase):
    def test_argument(self, fake: Any) -> None:
        assert fake is self.fake  # type: ignore[attr-defined]
        assert fake is fakeredis.active()


@fakeredis.patched(as_kwarg="fake")
class TestHandedOutToAsyncCase(unittest.IsolatedAsyncioTestCase):
    async def test_argument(self, fake: Any) -> None:
        assert fake is fakeredis.active()


class TestSubclass(TestPytestClass):
    def test_of_the_subclass(self) -> None:
        assert self.client.get("from") == b"class"


@fakeredis.patched
class TestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = redis.Redis()
        cls.shared.set("from", "class")

    def setUp(self) -> None:
        redis.Redis().set("setup", 1)

    def test_one(self) -> None:
        assert self.shared.get("from") == b"class"
        assert redis.Redis().incr("setup") == 2
        self.shared.set("from", "test")

    def test_two(self) -> None:
        self.test_one()

    def tearDown(self) -> None:
        assert redis.Redis().get("setup") == b"2"

    @classmethod
    def tearDownClass(cls) -> None:
        assert cls.shared.get("from")
        cls.shared.close()


class TestCaseChild(TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        redis.Redis().set("child", 1)

    def test_child(self) -> None:
        self.test_one()
        assert self.shared.get("child") == b"1"


@fakeredis.patched
class TestIsolated(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.client = redis.asyncio.Redis()
        await self.client.set("k", 1)

    async def test_state(self) -> None:
        assert await self.client.incr("k") == 2

    async def test_state_again(self) -> None:
        await self.test_state()

    async def asyncTearDown(self) -> None:
        await self.client.aclose()


def test_after_the_classes() -> None:
    assert fakeredis.active() is None


def test_failing_class_set_up() -> None:
    @fakeredis.patched
    class Failing(unittest.TestCase):
        @classmethod
        def setUpClass(cls) -> None:
            raise KeyError

        def test(self) -> None:
            """Never run."""

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Failing).run(result)
    assert len(result.errors) == 1
    assert fakeredis.active() is None


def test_a_case_without_its_suite() -> None:
    @fakeredis.patched
    class Alone(unittest.TestCase):
        def test(self) -> None:
            assert count() == 1

    for _ in range(2):
        result = unittest.TestResult()
        Alone("test").run(result)
        assert result.wasSuccessful()
    assert fakeredis.active() is None


def test_other_classes() -> None:
    @fakeredis.patched
    class Plain:
        def run(self) -> int:
            return count()

    assert Plain().run() == Plain().run() == 1


def test_unittest_runner(tmp_path: Path) -> None:
    """By unittest itself, in a process of its own."""
    (tmp_path / "test_it.py").write_text(
        textwrap.dedent(
            """
            import unittest, redis, fakeredis
            @fakeredis.patched
            class Test(unittest.TestCase):
                def setUp(self): redis.Redis().set("k", 1)
                def test_one(self): self.assertEqual(redis.Redis().incr("k"), 2)
                def test_two(self): self.assertEqual(redis.Redis().incr("k"), 2)
            """
        )
    )
    done = processes.python(
        "-W", "error", "-X", "dev", "-m", "unittest", "-q", cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
