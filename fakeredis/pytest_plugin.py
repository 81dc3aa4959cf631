"""pytest plugin: fixtures and the marker ``fakeredis``, which take the options of `patch`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import redis
    import redis.asyncio

    from fakeredis.patch import patch


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options for all tests of a run."""
    group = parser.getgroup("fakeredis")
    group.addoption("--fakeredis-store", metavar="URL", help="where the fake servers keep state")
    group.addoption("--fakeredis-version", metavar="V", help="the version they imitate")
    group.addoption(
        "--fakeredis-parity", metavar="URL",
        help="run each command on the real server there as well; replies that differ are failures",
    )
    parser.addini("fakeredis_store", "default of --fakeredis-store", type="string", default="")
    parser.addini("fakeredis_version", "default of --fakeredis-version", type="string", default="")
    parser.addini("fakeredis_spy", "whether patches record commands", type="bool", default=True)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers", "fakeredis(**options): run the test inside of fakeredis.patch(**options)"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A marked test is patched before its other fixtures are set up."""
    names = getattr(item, "fixturenames", None)
    if names is not None and item.get_closest_marker("fakeredis") is not None:
        if "fakeredis_patch" in names:
            names.remove("fakeredis_patch")
        names.insert(0, "fakeredis_patch")


@pytest.fixture
def fakeredis_patch(request: pytest.FixtureRequest) -> Iterator[patch]:
    """An active patch, spying; the marker's options change it."""
    from fakeredis.patch import patch

    options = _defaults(request.config)
    usual = options.get("store")
    for marker in reversed(list(request.node.iter_markers("fakeredis"))):
        options.update(marker.kwargs)
        if "server" in marker.kwargs:
            options.pop("store", None)  # a server has its own
    own = options.get("store") is not usual
    _choose_store(request.config, options)
    if isinstance(options.get("store"), str) and not own:
        _erase(options)
    with patch(**options) as handle:
        yield handle


@pytest.fixture
def fakeredis(fakeredis_patch: patch) -> patch:
    """The same handle under the package's name."""
    return fakeredis_patch


def _defaults(config: pytest.Config) -> dict[str, Any]:
    """The options that the command line sets for all tests, or else the ini file."""
    options: dict[str, Any] = {"spy": config.getini("fakeredis_spy")}
    for name in ("store", "version"):
        value = config.getoption(f"--fakeredis-{name}")
        value = config.getini(f"fakeredis_{name}") if value is None else value
        if value:
            options[name] = value
    return options


def _choose_store(config: pytest.Config, options: dict[str, Any]) -> None:
    """Let the store be this worker's own, and another server run in step."""
    worker = getattr(config, "workerinput", {}).get("workerid", "main")
    store = options.get("store")
    if isinstance(store, str):
        options["store"] = store = store.replace("{worker}", worker)
    url = config.getoption("--fakeredis-parity")
    if url is not None and "server" not in options:
        from fakeredis.stores.parity import ParityStore

        known = {name: options[name] for name in ("version", "server_type") if name in options}
        among = [store or "memory://", url.replace("{worker}", worker)]
        options["store"] = ParityStore(among, **known)


def _erase(options: dict[str, Any]) -> None:
    """Let a test begin with nothing in a store that is the same for all of them."""
    from fakeredis import stores

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
