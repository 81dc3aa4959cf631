"""pytest plugin: fixtures and the marker ``fakeredis``, which take the options of `patch`."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

import fakeredis as package
from fakeredis.clients.creations import births
from fakeredis.lazy import Lazy, LazyModule

if TYPE_CHECKING:
    import redis
    import redis.asyncio

    from fakeredis import stores
    from fakeredis.clients import network
    from fakeredis.patch import patch
    from fakeredis.stores.parity.store import ParityStore
else:
    network = LazyModule("fakeredis.clients.network")
    stores = LazyModule("fakeredis.stores")
    ParityStore = Lazy("fakeredis.stores.parity.store", "ParityStore")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options for all tests of a run."""
    group = parser.getgroup("fakeredis")
    group.addoption("--fakeredis-store", metavar="URL", help="where the fake servers keep state")
    group.addoption("--fakeredis-version", metavar="V", help="the version they imitate")
    group.addoption(
        "--fakeredis-modules", metavar="NAMES",
        help="modules that an older server or Valkey has, with commas between them: json",
    )
    group.addoption(
        "--fakeredis-parity", metavar="URL",
        help="run each command on the real server there as well; replies that differ are failures",
    )
    parser.addini("fakeredis_store", "default of --fakeredis-store", type="string", default="")
    parser.addini("fakeredis_version", "default of --fakeredis-version", type="string", default="")
    parser.addini("fakeredis_modules", "default of --fakeredis-modules", type="string", default="")
    parser.addini("fakeredis_spy", "whether patches record commands", type="bool", default=True)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers", "fakeredis(**options): run the test inside of fakeredis.patch(**options)"
    )
    births.here = births.here or config  # what is made outside of tests is older than each


def pytest_unconfigure(config: pytest.Config) -> None:
    """Note nothing any more."""
    if births.here is config:
        births.here = None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A marked test is patched before its other fixtures are set up."""
    names = getattr(item, "fixturenames", None)
    if names is not None and item.get_closest_marker("fakeredis") is not None:
        if "fakeredis_patch" in names:
            names.remove("fakeredis_patch")
        names.insert(0, "fakeredis_patch")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """The servers of clients made by hand are forgotten when all their clients were the test's."""
    before = births.begin(item, False)
    yield
    births.end(before)


@pytest.hookimpl(trylast=True)
def pytest_fixture_post_finalizer(fixturedef: pytest.FixtureDef[Any]) -> None:
    """Clients that a fixture of several tests has made are no reason any more to keep data."""
    births.gone(fixturedef)


@pytest.hookimpl(hookwrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
    """Note whose the clients are that a fixture makes.

    And the patch that a test is marked with comes before those of fixtures that it did not name.
    """
    before = _innermost() if _marked else None
    is_shared = fixturedef.scope != "function"
    maker = births.begin(fixturedef, True) if is_shared else None
    yield
    if is_shared:
        births.here = maker
    if before is not None and _innermost() != before:
        item, handle = _marked[-1]
        if fixturedef.argname not in _named_by(item):
            network.prefer(handle._entry.scope)


def _innermost() -> Any:
    return network.entered()[-1:]


def _named_by(item: pytest.Item) -> set[str]:
    """The fixtures that a test asks for itself, by its arguments or a marker."""
    function = getattr(item, "function", None)
    names = set() if function is None else set(inspect.signature(function).parameters)
    return names.union(*(marker.args for marker in item.iter_markers("usefixtures")))


_marked: list[tuple[pytest.Item, patch]] = []  # tests that run inside of what their marker says


@pytest.fixture
def fakeredis_patch(request: pytest.FixtureRequest) -> Iterator[patch]:
    """An active patch, spying; the marker's options change it."""
    options = _defaults(request.config)
    usual = options.get("store")
    markers = list(request.node.iter_markers("fakeredis"))
    for marker in reversed(markers):
        given = _given(marker)
        options.update(given)
        if "server" in given:
            for name in {"store", "modules"} - set(given):
                options.pop(name, None)  # a server has its own
    own = options.get("store") is not usual
    with _told_in_a_line():
        _choose_store(request.config, options)
        if isinstance(options.get("store"), str) and not own:
            _erase(options)
        chosen = package.patch(**options)
    with chosen as handle:
        if markers:
            _marked.append((request.node, handle))
        try:
            yield handle
        finally:
            if markers:
                _marked.pop()


def _given(marker: pytest.Mark) -> dict[str, Any]:
    """What a marker says; the store may come first, without its name, as `patch` takes it."""
    if len(marker.args) > 1 or (marker.args and "store" in marker.kwargs):
        pytest.fail(
            "@pytest.mark.fakeredis takes one store and options by name, not "
            f"{len(marker.args)} positional arguments", pytrace=False,
        )
    return {**dict(zip(("store",), marker.args, strict=False)), **marker.kwargs}


@contextlib.contextmanager
def _told_in_a_line() -> Iterator[None]:
    """The test fails with one line where its options make no sense."""
    try:
        yield
    except (TypeError, ValueError, NotImplementedError, ImportError, stores.StoreError) as error:
        text = str(error).replace("patch.__init__()", "fakeredis.patch()")
        message = f"fakeredis's options (of the marker, the command line or the ini file): {text}"
        raise pytest.fail.Exception(message, pytrace=False) from None


@pytest.fixture
def fakeredis(fakeredis_patch: patch) -> patch:
    """The handle of the test's patch: ``fakeredis_patch`` under the package's name."""
    return fakeredis_patch


def _defaults(config: pytest.Config) -> dict[str, Any]:
    """The options that the command line sets for all tests, or else the ini file."""
    options: dict[str, Any] = {"spy": config.getini("fakeredis_spy")}
    for name in ("store", "version", "modules"):
        value = config.getoption(f"--fakeredis-{name}")
        value = config.getini(f"fakeredis_{name}") if value is None else value
        if value:
            options[name] = value.split(",") if name == "modules" else value
    return options


def _choose_store(config: pytest.Config, options: dict[str, Any]) -> None:
    """Choose a store that is this worker's own, and whether another server runs in step."""
    worker = getattr(config, "workerinput", {}).get("workerid", "main")
    store = options.get("store")
    if isinstance(store, str):
        options["store"] = store = store.replace("{worker}", worker)
    url = config.getoption("--fakeredis-parity")
    if url is not None and "server" not in options:
        known: dict[str, Any] = {
            name: options[name] for name in ("version", "server_type") if name in options
        }
        if "modules" in options:
            known["modules"] = options.pop("modules")
        among = [store or "memory://", url.replace("{worker}", worker)]
        options["store"] = ParityStore(among, **known)


def _erase(options: dict[str, Any]) -> None:
    """Empty a store that is the same for all tests, before a test begins."""
    store = options["store"] = stores.resolve(options["store"])
    if store is not None:
        store.erase()
        store.close()


@pytest.fixture
def fake_redis(fakeredis_patch: patch) -> Iterator[redis.Redis]:
    """A client of the patch's server at ``localhost:6379``, which decodes replies."""
    with fakeredis_patch.client(decode_responses=True) as client:
        yield client


@pytest.fixture
def fake_async_redis(fakeredis_patch: patch) -> redis.asyncio.Redis:
    """Its asyncio peer; no async fixture, so that it works under any plugin, in any mode."""
    return fakeredis_patch.async_client(decode_responses=True)
