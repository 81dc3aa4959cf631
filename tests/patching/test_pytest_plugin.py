"""The pytest plugin, by runs of pytest in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import fakeredis
from tests.support import processes

ROOT = Path(fakeredis.__file__).parent.parent


def run(folder: Path, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(textwrap.dedent(source))
    command = [
        sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider",
        "-p", "no:randomly", "-o", "asyncio_mode=auto",
        "-o", "asyncio_default_fixture_loop_scope=function",
        "--strict-markers", *options,
    ]
    if not _is_installed():
        command[3:3] = ["-p", "fakeredis.pytest_plugin"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return processes.run(command, cwd=folder, env=environment, limit=120)


def _is_installed() -> bool:
    from importlib.metadata import entry_points

    return any(point.name == "fakeredis" for point in entry_points(group="pytest11"))


SOURCE = """
    import pytest, redis, redis.asyncio, fakeredis

    def test_handle(fakeredis_patch):
        redis.Redis().set("k", "v")
        fakeredis_patch.assert_called_command_once("SET k v")

    def test_client(fake_redis):
        redis.Redis().set("k", "v")
        assert fake_redis.get("k") == "v"

    async def test_async_client(fake_async_redis):
        await redis.asyncio.Redis().set("k", "v")
        assert await fake_async_redis.get("k") == "v"

    @pytest.fixture
    def other():
        return redis.Redis().incr("k")

    @pytest.mark.fakeredis(version="7.2")
    def test_marker(other):
        assert other == 1
        assert redis.Redis().info("server")["redis_version"].startswith("7.2")

    @pytest.mark.fakeredis(spy=False, names=False)
    class TestMarked:
        def test_one(self, fakeredis_patch):
            assert redis.Redis is not fakeredis.FakeRedis
            assert redis.Redis().incr("k") == 1

        @pytest.mark.fakeredis(names=True)
        def test_two(self, fakeredis_patch):
            assert redis.Redis is fakeredis.FakeRedis
            with pytest.raises(RuntimeError): fakeredis_patch.calls

    def test_unmarked():
        assert fakeredis.active() is None
"""


def test_fixtures_and_marker(tmp_path: Path) -> None:
    done = run(tmp_path, SOURCE)
    assert "7 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("option", "says"), [("--fakeredis-version=7.4", "7.4"), ("--fakeredis-store=x://", "store")]
)
def test_options(option: str, says: str, tmp_path: Path) -> None:
    source = """
        def test(fakeredis_patch):
            print(fakeredis_patch.client().info("server")["redis_version"])
            assert False
    """
    assert says in run(tmp_path, source, option).stdout


MODULES = """
import fakeredis as package
import pytest
import redis

def test_one(fakeredis):
    assert redis.Redis().json().set("k", "$", 1)

@pytest.mark.fakeredis(server=package.FakeServer(version="7.2"))
def test_a_server_has_its_own(fakeredis):
    with pytest.raises(redis.ResponseError, match="unknown command"):
        redis.Redis().json().set("k", "$", 1)
"""


@pytest.mark.parametrize("more", [(), ("--fakeredis-parity=memory://",)])
def test_modules(more: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nfakeredis_modules = json\n")
    done = run(tmp_path, MODULES, "--fakeredis-version=7.4", *more)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    wrong = run(tmp_path, MODULES, "--fakeredis-version=7.4", "--fakeredis-modules=json,nosuch")
    assert "no module 'nosuch'" in wrong.stdout


def test_it_costs_nothing_unused(tmp_path: Path) -> None:
    source = """
        import sys
        def test():
            assert "redis" not in sys.modules
    """
    done = run(tmp_path, source)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


FIXTURES = """
import fakeredis as package
import pytest
import redis

def test_handle(fakeredis, fakeredis_patch):
    assert fakeredis is fakeredis_patch is package.active()
    redis.Redis().set("k", "v")
    assert fakeredis.client().get("k") == b"v"
"""


def test_the_handle_has_two_names(tmp_path: Path) -> None:
    done = run(tmp_path, FIXTURES)
    assert "1 passed" in done.stdout, done.stdout


INI = """
import pytest
import redis

def test_defaults(fakeredis):
    assert redis.Redis().info()["redis_version"].startswith("7.0")
    with pytest.raises(RuntimeError, match="spy=True"):
        fakeredis.calls

@pytest.mark.fakeredis(version="7.2", spy=True)
def test_marker(fakeredis):
    assert redis.Redis().info()["redis_version"].startswith("7.2")
    fakeredis.assert_called_command("INFO")
    redis.Redis().set("k", "v")
"""


def test_ini_options(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nfakeredis_version = 7.0\nfakeredis_spy = no\n"
        f"fakeredis_store = sqlite:///{tmp_path}/state.db\n"
    )
    done = run(tmp_path, INI)
    assert "2 passed" in done.stdout, done.stdout
    assert (tmp_path / "state.db").exists()
    again = run(tmp_path, INI, "--fakeredis-version=7.4", "-k", "defaults")
    assert "7.4" in again.stdout
    assert "1 failed" in again.stdout


def test_each_test_begins_with_nothing(tmp_path: Path) -> None:
    source = """
        import pytest, redis

        @pytest.mark.parametrize("address", ["localhost", "localhost", "elsewhere"])
        def test(fakeredis, address):
            assert redis.Redis(host=address).incr("n") == 1
            assert redis.Redis(host="third").incr("n") == 1
    """
    for _ in range(2):
        done = run(tmp_path, source, f"--fakeredis-store=sqlite:///{tmp_path}/{{worker}}.db")
        assert "3 passed" in done.stdout, done.stdout
    assert (tmp_path / "main.db").exists()


def test_a_markers_store_is_left_as_it_is(tmp_path: Path) -> None:
    source = f"""
        import pytest, redis

        @pytest.mark.fakeredis(store="sqlite:///{tmp_path}/own.db")
        @pytest.mark.parametrize("expected", [1, 2])
        def test(expected):
            assert redis.Redis().incr("n") == expected
    """
    done = run(tmp_path, source)
    assert "2 passed" in done.stdout, done.stdout


NEAREST = """
    import pytest, redis, redis.asyncio, fakeredis, unittest

    def version():
        return redis.Redis().info()["redis_version"][:3]

    @pytest.fixture(autouse=True)
    def always():
        with fakeredis.patch():
            yield

    @pytest.fixture
    def asked():
        with fakeredis.patch(version="7.0"):
            yield

    @pytest.fixture
    def seen():
        return version()

    def test_plain():
        assert version() == "8.2"

    class Cases:
        def test_it(self, seen):
            assert (seen, version()) == ("6.2", "6.2")

        async def test_async(self):
            assert (await redis.asyncio.Redis().info())["redis_version"].startswith("6.2")

        def test_asked(self, asked):
            assert version() == "7.0"

        @pytest.mark.usefixtures("asked")
        def test_used(self):
            assert version() == "7.0"

        @fakeredis.patched(version="7.2")
        def test_decorated(self):
            assert version() == "7.2"

    @fakeredis.patched(version="6.2")
    class TestDecorated(Cases):
        pass

    @pytest.mark.fakeredis(version="6.2")
    class TestMarked(Cases):
        pass

    @fakeredis.patched(version="6.2")
    class TestCase(unittest.TestCase):
        def test_it(self):
            assert version() == "6.2"
"""


def test_the_nearest_patch_wins(tmp_path: Path) -> None:
    done = run(tmp_path, NEAREST)
    assert "12 passed" in done.stdout, done.stdout


def test_a_markers_positional_store(tmp_path: Path) -> None:
    source = """
        import os, pytest, redis

        @pytest.mark.fakeredis("sqlite:///z.db")
        def test_it():
            redis.Redis().set("k", "v")
            assert os.path.exists("z.db")
    """
    assert "1 passed" in run(tmp_path, source).stdout


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("versionn='6.2'", "fakeredis.patch() got an unexpected keyword argument 'versionn'"),
        ("version='9'", "there is no redis 9"),
        ("'sqlite:///z.db', '6.2'", "one store and options by name, not 2 positional arguments"),
        ("server=5", "server must be a FakeServer, not 5"),
    ],
)
def test_a_wrong_option_is_told_in_a_line(options: str, says: str, tmp_path: Path) -> None:
    source = f"""
        import pytest

        @pytest.mark.fakeredis({options})
        def test_it():
            pass
    """
    done = run(tmp_path, source).stdout
    assert says in done
    assert len(done.splitlines()) < 9, done


@pytest.mark.parametrize(("option", "says"), [
    ("--fakeredis-store=nosuch://x", "no store knows the URL 'nosuch://x'"),
    ("--fakeredis-store=sqlite:///no/such/folder/x.db", "folder"),
    ("--fakeredis-version=abc", "not a server version: 'abc'"),
    ("--fakeredis-modules=nosuch", "no module 'nosuch' here"),
])
def test_a_wrong_option_of_the_command_line_is_told_in_a_line(
    option: str, says: str, tmp_path: Path
) -> None:
    done = run(tmp_path, "def test_it(fakeredis): pass", option).stdout
    assert says in done
    assert len(done.splitlines()) < 9, done


BY_HAND = """
    import asyncio, pytest, redis, fakeredis
    from fakeredis import FakeConnection, FakeStrictRedis

    @pytest.fixture
    def r():
        return FakeStrictRedis()

    @pytest.fixture(scope="module")
    def shared():
        FakeStrictRedis(port=7001).set("seed", 1)
        client = FakeStrictRedis(port=7002)
        client.set("n", 1)
        return client

    @pytest.fixture(scope="class")
    def of_class():
        return FakeStrictRedis(port=7003)

    at_import = FakeStrictRedis(port=7004)

    class Cached:
        client = None

    @pytest.mark.parametrize("n", range(3))
    def test_function(r, n):
        assert r.incr("n") == 1
        assert FakeStrictRedis().incr("n") == 2
        assert FakeStrictRedis(version=(7,)).incr("n") == 1
        assert fakeredis.FakeRedis.from_url("redis://localhost/1").incr("n") == 1

    @pytest.mark.parametrize("n", range(1, 4))
    def test_module(shared, n):
        assert shared.incr("n") == n + 1
        assert FakeStrictRedis(port=7002).get("n") == b"%d" % (n + 1)
        assert FakeStrictRedis(port=7001).incr("seed") == n + 1

    class TestClass:
        @pytest.mark.parametrize("n", range(1, 3))
        def test_class(self, of_class, n):
            assert of_class.incr("n") == n
            assert FakeStrictRedis(port=7003).get("n") == b"%d" % n

    def test_after_the_class():
        assert FakeStrictRedis(port=7003).get("n") is None

    @pytest.mark.parametrize("n", range(1, 3))
    def test_import(n):
        assert at_import.incr("n") == n

    @pytest.mark.parametrize("n", range(3))
    async def test_async(n):
        client = fakeredis.FakeAsyncRedis()
        assert await client.incr("n") == 1

    @pytest.mark.parametrize("n", range(3))
    def test_pool(n):
        pool = redis.ConnectionPool(connection_class=FakeConnection)
        assert redis.Redis(connection_pool=pool).incr("n") == 1

    @pytest.mark.parametrize("n", range(3))
    def test_cluster(n):
        assert fakeredis.FakeRedisCluster("node", 7000).incr("n") == 1

    @pytest.mark.parametrize("expected", [1, 1, 2])
    def test_cached_by_the_program(expected):
        if Cached.client is None:
            Cached.client = FakeStrictRedis(port=7005)
        assert Cached.client.incr("n") == expected
        assert FakeStrictRedis(port=7005).get("n") == b"%d" % expected
"""


def test_the_fixture_that_hides_the_module(tmp_path: Path) -> None:
    done = run(tmp_path, """
        import redis

        def test_it(fakeredis):
            redis.Redis().set("user:1", "x")
            fakeredis.assert_called_command("SET", fakeredis.like("user:*"), fakeredis.ANY)
            assert fakeredis.call.get("k") == fakeredis.call.get("k")
            assert isinstance(redis.Redis(), fakeredis.FakeRedis)
    """)
    assert done.returncode == 0, done.stdout


def test_clients_made_by_hand(tmp_path: Path) -> None:
    done = run(tmp_path, BY_HAND)
    assert done.returncode == 0, done.stdout
    assert "23 passed" in done.stdout


def test_unittest_shares_what_a_class_makes(tmp_path: Path) -> None:
    done = run(tmp_path, """
        import unittest
        from fakeredis import FakeRedis, FakeValkey

        class Plain(unittest.TestCase):
            def setUp(self):
                self.r = FakeRedis()

            def test_one(self):
                assert self.r.incr("n") == FakeValkey().incr("n") == 1

            def test_two(self):
                assert self.r.incr("n") == FakeValkey().incr("n") == 1

        class Shared(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                cls.r = FakeRedis()

            def test_1(self):
                assert self.r.incr("n") == 1

            def test_2(self):
                assert self.r.incr("n") == 2
    """)
    assert done.returncode == 0, done.stdout
