"""Fixtures: the real server, the twin, and one client fixture for many targets."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis

from fakeredis.engine.core.config import HIDDEN
from tests.support import chance, leftovers, servers
from tests.support.wire import Wire
from tests.versions import known

collect_ignore = ["suites"]  # other libraries' own, see tests/suites/run.py

if TYPE_CHECKING:
    from tests.support.twin import Twin

def pytest_addoption(parser: pytest.Parser) -> None:
    """The choice of the real server."""
    parser.addoption(
        "--against", choices=sorted(servers.SERVERS), metavar="SERVER",
        help=f"compare with this real server: {', '.join(sorted(servers.SERVERS))}",
    )


def pytest_configure(config: pytest.Config) -> None:
    """No test waits for ever, and nothing is left when the last one has ended."""
    if config.option.against:  # workers and child processes are told by the environment
        servers.PROFILE = os.environ["FAKEREDIS_TEST_PROFILE"] = config.option.against
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    config.pluginmanager.register(leftovers.Leftovers(config), "leftovers")


# `-m core`: a test of each kind, in less than a minute on two cores; files and folders of tests/.
CORE = (
    "clients", "spy", "engine/test_profiles.py", "engine/test_sessions.py",
    "stores/test_memory.py", "support", "package/test_package.py", "test_resp.py",
    *(f"commands/test_{group}.py" for group in (
        "generic", "hash", "list", "pubsub", "set", "sorted_set", "string", "transactions",
    )),
    *(f"patching/test_{what}.py" for what in (
        "concurrency", "decorated_functions", "decorator", "faults", "found", "handle", "ways",
    )),
)


def _is_core(path: Path) -> bool:
    folder = Path(__file__).parent
    return any(path.is_relative_to(folder / name) for name in CORE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """``-m core`` alone does not even import the other files."""
    left_out = config.option.markexpr == "core" and collection_path.suffix == ".py"
    return True if left_out and not _is_core(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the core run."""
    for item in items:
        if _is_core(item.path):
            item.add_marker("core")


chance.set_hypothesis()
TARGETS = ("resp2", "resp3", "async", "real")


@pytest.fixture(autouse=True)
def _own_signal_handlers() -> Iterator[None]:
    """Workers of job queues leave their handlers behind, which later tests' children inherit."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) is not handler and handler is not None:
            signal.signal(number, handler)


@pytest.fixture(scope="session")
def real_url(worker_id: str) -> Iterator[str]:
    """The URL of a real Redis 8.2 that no other process uses; skips where there is none."""
    if not servers.available():
        pytest.skip(servers.MISSING)
    if os.environ.get(servers.VARIABLE) and worker_id != "master":
        pytest.fail(f"{servers.VARIABLE} names one server, which tests cannot share: leave out -n")
    with servers.running() as url:
        yield url


@pytest.fixture(scope="session")
def _real_defaults(real_url: str) -> dict[bytes, bytes]:
    """The server's configuration before any test."""
    with Wire.to(real_url) as wire:
        return _configuration(wire)


def _configuration(wire: Wire) -> dict[bytes, bytes]:
    """All settings, those too that only their full names show."""
    names = [b"*", *(name.encode() for name in sorted(HIDDEN))]
    if servers.PROFILE == "redis6":  # takes one at a time, and shows all
        names = names[:1]
    flat = wire.call(b"CONFIG", b"GET", *names)
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _reconfigure(wire: Wire, defaults: dict[bytes, bytes]) -> None:
    """Put back all settings that have changed."""
    for name, value in _configuration(wire).items():
        if defaults.get(name) != value:
            wire.call(b"CONFIG", b"SET", name, defaults[name])


@pytest.fixture
def clean_real_url(real_url: str, _real_defaults: dict[bytes, bytes]) -> str:
    """The URL of the real server, emptied, and set as in the beginning."""
    with Wire.to(real_url) as wire:
        # Whoever has set something since the last test, by a script or another client as well.
        counted = b"cmdstat_config:" if servers.PROFILE == "redis6" else b"cmdstat_config|set:"
        used = wire.call(b"INFO", b"commandstats")
        if counted in used:
            _reconfigure(wire, _real_defaults)
        if b"cmdstat_debug:" in used and servers.PROFILE != "redis6":
            wire.call(b"DEBUG", b"QUICKLIST-PACKED-THRESHOLD", b"0")
        if b"cmdstat_acl|setuser:" in used:
            wire.call(*b"ACL SETUSER default reset on nopass ~* &* +@all".split())
        for command in (b"FLUSHALL", b"FUNCTION FLUSH", b"SCRIPT FLUSH", b"SLOWLOG RESET"):
            wire.call(*command.split())
        wire.call(b"CONFIG", b"RESETSTAT")
    return real_url


@pytest.fixture
def real(clean_real_url: str) -> Iterator[redis.Redis]:
    """A client of the emptied real server: bytes, RESP2."""
    client = redis.Redis.from_url(clean_real_url, protocol=2)
    yield client
    client.close()


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def twin(
    request: pytest.FixtureRequest, clean_real_url: str, _real_defaults: dict[bytes, bytes]
) -> Iterator[Twin]:
    """Sends each command to the fake and to the real server and compares."""
    from tests.support.twin import Twin

    pair = Twin(clean_real_url, request.param)
    try:
        yield pair
        if not _failed(request):
            pair.finish()
    finally:
        pair.close()
        _undo(pair, clean_real_url, _real_defaults)


def _undo(pair: Twin, url: str, defaults: dict[bytes, bytes]) -> None:
    """Put back what a test changed beside the data."""
    if not (pair.configured or pair.users_changed or pair.functions_changed):
        return
    with Wire.to(url) as wire:
        if pair.configured:
            _reconfigure(wire, defaults)
        if pair.functions_changed:
            wire.call(b"FUNCTION", b"FLUSH")
        if pair.users_changed:
            names = [name for name in wire.call(b"ACL", b"USERS") if name != b"default"]
            if names:
                wire.call(b"ACL", b"DELUSER", *names)


_REPORT = pytest.StashKey[pytest.TestReport]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Keep the result of the test itself: a failed one need not compare states as well."""
    report: pytest.TestReport = yield  # type: ignore[assignment,misc]
    if report.when == "call":
        item.stash[_REPORT] = report
    if servers.PROFILE != "redis8" and report.failed:
        reason = _reason_to_differ(item, report)
        if reason is not None:
            report.outcome = "skipped"
            report.longrepr = (str(item.path), 0, f"Skipped: {servers.PROFILE}: {reason}")
    return report  # type: ignore[return-value]


def _reason_to_differ(item: pytest.Item, report: pytest.TestReport) -> str | None:
    """Why a test may fail with another server than Redis 8.2; None if it may not."""
    text = report.longreprtext
    if report.when == "call" and ("Mismatch" not in text or "neither side has anything" in text):
        return "both agree, on something else than Redis 8.2 says"
    name = f"{servers.PROFILE} {item.path.stem}"
    test = item.name.partition("[")[0]
    return known.TWINS.get(f"{name} {test}", known.TWINS.get(name))


def _failed(request: pytest.FixtureRequest) -> bool:
    report = request.node.stash.get(_REPORT, None)
    return report is not None and report.failed


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """The name of the pytest-xdist worker; ``master`` when there is none."""
    workerinput = getattr(request.config, "workerinput", None)
    return "master" if workerinput is None else str(workerinput["workerid"])


@pytest.fixture(params=TARGETS)
def r(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client: of the fake in RESP2, in RESP3, asynchronous behind a facade, of the real server.

    All give bytes. A test that uses it holds for each.
    """
    with _client(request) as client:
        yield client


@pytest.fixture(params=TARGETS)
def rd(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The same with ``decode_responses=True``."""
    with _client(request, decode_responses=True) as client:
        yield client


@contextlib.contextmanager
def _client(request: pytest.FixtureRequest, **options: Any) -> Iterator[Any]:
    import fakeredis

    if request.param == "real":
        url = request.getfixturevalue("clean_real_url")
        with redis.Redis.from_url(url, protocol=2, **options) as client:
            yield client
    elif request.param == "async":
        loop = asyncio.new_event_loop()
        fake = fakeredis.FakeAsyncRedis(server=fakeredis.FakeServer(), **options)
        try:
            yield Sync(fake, loop)
            loop.run_until_complete(fake.aclose())
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()
    else:
        protocol = int(request.param[-1])
        server = fakeredis.FakeServer()
        with fakeredis.FakeRedis(server=server, protocol=protocol, **options) as client:
            yield client


class Sync:
    """An asynchronous redis-py object used as if it were a synchronous one."""

    def __init__(self, inner: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._inner, self._loop = inner, loop

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if not callable(value) or isinstance(value, type):
            return self._plain(value)

        def call(*args: Any, **kwargs: Any) -> Any:
            return self._plain(value(*args, **kwargs))

        return call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._plain(self._inner(*args, **kwargs))

    def __len__(self) -> int:
        return len(self._inner)

    def __enter__(self) -> Sync:
        self._loop.run_until_complete(self._inner.__aenter__())
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.run_until_complete(self._inner.__aexit__(*exc))

    def _plain(self, value: Any) -> Any:
        """A result without its asynchronous wrapping."""
        if value is self._inner:
            return self
        if inspect.iscoroutine(value) or asyncio.isfuture(value):
            return self._plain(self._run(value))
        if inspect.isasyncgen(value) or hasattr(value, "__anext__"):
            return self._iterate(value)
        asynchronous = type(value).__module__.startswith(("redis.asyncio", "fakeredis"))
        if asynchronous and not isinstance(value, (bytes, str, int, float, Exception)):
            return Sync(value, self._loop)
        return value

    def _run(self, awaitable: Any) -> Any:
        async def wait() -> Any:
            return await awaitable

        return self._loop.run_until_complete(wait())

    def _iterate(self, values: Any) -> Iterator[Any]:
        with contextlib.suppress(StopAsyncIteration):
            while True:
                yield self._run(values.__anext__())
