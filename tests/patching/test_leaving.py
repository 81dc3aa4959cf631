"""After the end everything is what it was, to identity; nothing went to a real server meanwhile."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import pkgutil
import random
import threading
import time
import types
import warnings
import weakref
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import redis
import redis.asyncio
import redis.asyncio.connection
import redis.client

import fakeredis
from fakeredis.patching.installer import machinery
from tests.support import processes

CLASSES = [
    value
    for module in (redis.client, redis.connection, redis.asyncio.client, redis.asyncio.connection)
    for value in vars(module).values()
    if isinstance(value, type)
]


def everything() -> dict[Any, Any]:
    """What a patch could have changed: names in modules, attributes of classes, code."""
    found: dict[Any, Any] = {}
    for module in list(__import__("sys").modules.values()):
        if type(module) is types.ModuleType and not module.__name__.startswith("fakeredis"):
            for name, value in list(vars(module).items()):
                if issubclass(type(value), type):  # isinstance would wake lazy objects
                    found[module.__name__, name] = id(value)
    for cls in CLASSES:
        for name, value in vars(cls).items():
            found[cls, name] = id(value)
            if inspect.isfunction(value):
                found[cls, name, "code"] = id(inspect.unwrap(value).__code__)
    return found


def test_restored_to_identity(names: bool) -> None:
    with fakeredis.patch(names=names):  # the first imports what it needs
        redis.Redis().ping()
    assert not machinery.installed, "an earlier test has left a patch"
    before = everything()
    assert not machinery.installed, "a thread of an earlier test enters patches still"
    with fakeredis.patch(names=names):
        assert everything() != before, f"active: {machinery.installed}"
        redis.Redis().ping()
    after = everything()
    assert {
        key: (before.get(key), after.get(key))
        for key in before.keys() | after.keys() if before.get(key) != after.get(key)
    } == {}, f"{threading.enumerate()}"


def owner_and_name(culprit: str) -> tuple[Any, str]:
    """Python 3.10's ``mock.patch`` takes the class ``fakeredis.patch`` for the module."""
    owner, _, name = culprit.rpartition(".")
    return pkgutil.resolve_name(owner), name


@pytest.mark.parametrize("culprit", [
    "fakeredis.patching.after_exit.readopt_clients", "fakeredis.spy.Spy.note_methods",
    "fakeredis.patching.scope.PatchScope.enter", "fakeredis.patching.entry.PatchEntry.open_door",
    "fakeredis.patching.names.Names.replace",
])
def test_nothing_stays_of_a_patch_that_does_not_begin(culprit: str) -> None:
    before = everything()
    handle = fakeredis.patch(spy=True, subprocesses=True)
    failing = mock.patch.object(*owner_and_name(culprit), side_effect=KeyboardInterrupt)
    with failing, pytest.raises(KeyboardInterrupt):
        handle.start()
    assert everything() == before
    assert not machinery.installed
    assert not handle.active
    assert fakeredis.active() is None


@pytest.mark.parametrize("culprit", [
    "fakeredis.patching.after_exit.retire_clients", "fakeredis.patching.scope.PatchScope.leave",
    "fakeredis.spy.Spy.note_no_methods", "fakeredis.patching.entry.PatchEntry.end",
])
def test_an_end_that_fails_gives_back_the_rest(culprit: str) -> None:
    handle = fakeredis.patch(spy=True).start()
    owner, name = owner_and_name(culprit)
    original = getattr(owner, name)

    def fail(*args: object) -> None:
        original(*args)
        raise ZeroDivisionError

    with mock.patch.object(owner, name, fail), pytest.raises(ZeroDivisionError):
        handle.stop()
    assert not machinery.installed
    assert fakeredis.active() is None


def test_restored_after_an_exception(names: bool) -> None:
    before = everything()
    with pytest.raises(KeyError), fakeredis.patch(names=names):
        raise KeyError
    assert everything() == before
    assert fakeredis.active() is None


@pytest.mark.parametrize("seed", range(5))
def test_nested_in_any_order(seed: int) -> None:
    before = everything()
    chance = random.Random(seed)
    started: list[Any] = []
    for _ in range(30):
        if started and chance.random() < 0.5:
            started.pop(chance.randrange(len(started))).stop()
        else:
            started.append(fakeredis.patch(names=chance.random() < 0.5).start())
        if started:
            redis.Redis().set("k", len(started))
            assert redis.Redis().get("k") == str(len(started)).encode()
    for each in started:
        each.stop()
    assert everything() == before


def test_functions_keep_signature_and_kind_inside() -> None:
    def facts() -> Any:
        return [
            (inspect.signature(cls.read_response), inspect.iscoroutinefunction(cls.read_response),
             inspect.signature(cls.send_command), cls.connect.__name__)
            for cls in (redis.Connection, redis.asyncio.Connection)
        ]

    before = facts()
    with fakeredis.patch():
        assert facts() == before


# A real server ----------------------------------------------------------------------------------


def test_real_server_is_untouched(clean_real_url: str, names: bool) -> None:
    client = redis.Redis.from_url(clean_real_url)
    client.set("k", "real")
    commands = client.info("commandstats").get("cmdstat_set", {}).get("calls")
    (connection,) = client.connection_pool._available_connections
    sock, parser = connection._sock, connection._parser
    with fakeredis.patch(names=names):
        assert client.get("k") is None
        client.set("k", "fake")
        client.set("other", "fake")
        assert redis.Redis.from_url(clean_real_url).get("k") == b"fake"
        assert connection._sock is not sock
    assert connection._sock is sock
    assert connection._parser is parser
    assert "_fakeredis_life" not in vars(connection)
    assert "_connect" not in vars(connection)
    assert client.get("k") == b"real"
    assert connection._sock is sock
    assert client.exists("other") == 0
    assert client.info("commandstats")["cmdstat_set"]["calls"] == commands
    client.close()


def test_real_server_is_untouched_async(clean_real_url: str, names: bool) -> None:
    async def use() -> None:
        client = redis.asyncio.Redis.from_url(clean_real_url)
        await client.set("k", "real")
        (connection,) = client.connection_pool._available_connections
        reader, writer, parser = connection._reader, connection._writer, connection._parser
        async with fakeredis.patch(names=names):
            assert await client.get("k") is None
            await client.set("k", "fake")
            assert await client.pipeline().get("k").execute() == [b"fake"]
        held = (connection._reader, connection._writer, connection._parser)
        assert held == (reader, writer, parser)
        assert await client.get("k") == b"real"
        await client.aclose()

    asyncio.run(use())


def test_real_pubsub_across_a_patch(clean_real_url: str) -> None:
    client = redis.Redis.from_url(clean_real_url)
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe("c")
    pubsub.get_message(timeout=1)
    with fakeredis.patch():
        assert pubsub.get_message(timeout=0.01) is None  # subscribes again, on the fake server
        assert client.publish("c", "fake") == 1
        received = next(filter(None, (pubsub.get_message(timeout=1) for _ in range(5))))
        assert received["data"] == b"fake"
    client.publish("c", "real")
    received = next(filter(None, (pubsub.get_message(timeout=1) for _ in range(5))))
    assert received["data"] == b"real"
    pubsub.close()
    client.close()


def test_new_connections_of_old_pools_go(clean_real_url: str) -> None:
    client = redis.Redis.from_url(clean_real_url)
    with fakeredis.patch():
        client.set("k", "fake")
    (connection,) = client.connection_pool._available_connections
    assert connection._sock is None
    assert client.get("k") is None
    client.close()


def test_a_connection_that_dies_inside_takes_its_socket_along(clean_real_url: str) -> None:
    client = redis.Redis.from_url(clean_real_url)
    client.ping()
    sock = client.connection_pool._available_connections[0]._sock
    with fakeredis.patch():
        client.ping()
        del client
        gc.collect()
        assert sock.fileno() == -1


# After the end ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_network")
def test_after_exit_fake(names: bool) -> None:
    with fakeredis.patch(names=names):
        client = redis.Redis()
        client.set("k", "v")
        unused = redis.Redis(db=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert client.get("k") == b"v"
        assert client.pipeline().get("k").execute() == [b"v"]
        unused.set("k", 1)
    assert len(caught) == 1
    assert caught[0].category is fakeredis.AfterExitWarning
    assert caught[0].filename == __file__
    client.close()


@pytest.mark.usefixtures("no_network")
def test_after_exit_raise(names: bool) -> None:
    with fakeredis.patch(names=names, after_exit="raise"):
        used, unused = redis.Redis(), redis.Redis(port=1)
        used.set("k", "v")
    started = time.monotonic()
    for client in (used, unused):
        with pytest.raises(fakeredis.AfterExitError, match="after its end") as raised:
            client.get("k")
        assert isinstance(raised.value, redis.ConnectionError)
    assert time.monotonic() - started < 3  # no retries


def test_after_exit_real(clean_real_url: str, names: bool) -> None:
    with fakeredis.patch(names=names, after_exit="real"):
        client = redis.Redis.from_url(clean_real_url)
        client.set("k", "fake")
    assert client.get("k") is None
    client.set("k", "real")
    with fakeredis.patch():
        assert client.get("k") is None
    assert client.get("k") == b"real"
    client.close()


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("after_exit", ["fake", "raise"])
def test_after_exit_async(after_exit: str, names: bool) -> None:
    async def use() -> None:
        async with fakeredis.patch(names=names, after_exit=after_exit):
            client = redis.asyncio.Redis()
            await client.set("k", "v")
        if after_exit == "raise":
            with pytest.raises(fakeredis.AfterExitError):
                await client.get("k")
        else:
            with pytest.warns(fakeredis.AfterExitWarning):
                assert await client.get("k") == b"v"
        await client.aclose()

    asyncio.run(use())


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("between", [False, True], ids=["unused", "used between"])
def test_clients_of_an_ended_patch_were_made_before_the_next(names: bool, between: bool) -> None:
    """Pools that a program makes once and keeps: made in the first test, used in all."""
    with fakeredis.patch(names=names):
        client = redis.Redis()
        client.set("k", "first")
        taken = client.connection_pool.get_connection()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fakeredis.AfterExitWarning)
        if between:
            assert client.get("k") == b"first"
    for _ in range(2):
        with fakeredis.patch(names=names, spy=True) as fake:
            assert client.get("k") is None
            client.set("k", "next")
            fake.assert_called_command("SET k next")
            taken.send_command("GET", "k")
            assert taken.read_response() == b"next"
            with client.pipeline() as pipeline:
                assert pipeline.get("k").execute() == [b"next"]
            more = [client.connection_pool.get_connection() for _ in range(2)]
            assert type(more[0]) is redis.Connection
            for connection in more:
                client.connection_pool.release(connection)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fakeredis.AfterExitWarning)
        assert client.get("k") == b"first"
        more[1].send_command("GET", "k")
        assert more[1].read_response() == b"first"


@pytest.mark.usefixtures("no_network")
def test_they_refuse_again_after_the_next(names: bool) -> None:
    with fakeredis.patch(names=names, after_exit="raise"):
        client = redis.Redis()
        client.ping()
    retry = client.get_retry()
    with pytest.raises(fakeredis.AfterExitError):
        client.ping()
    with fakeredis.patch(names=names):
        assert client.ping()
        connection = client.connection_pool.get_connection()
        # The client of redis-py 5 has none; its connections do not try again then.
        assert connection.retry._retries == (0 if retry is None else retry._retries)
        client.connection_pool.release(connection)
    with pytest.raises(fakeredis.AfterExitError):
        client.ping()


@pytest.mark.usefixtures("no_network")
async def test_async_clients_of_an_ended_patch(names: bool) -> None:
    async with fakeredis.patch(names=names):
        client = redis.asyncio.Redis()
        await client.set("k", "first")
    async with fakeredis.patch(names=names, spy=True) as fake:
        assert await client.get("k") is None
        fake.assert_called_command("GET k")
    with pytest.warns(fakeredis.AfterExitWarning):
        assert await client.get("k") == b"first"
    await client.aclose()


@pytest.mark.usefixtures("no_network")
def test_patches_that_overlap_lead_clients_of_an_ended_one() -> None:
    with fakeredis.patch():
        client = redis.Redis()
        client.set("k", "first")
    one, two = fakeredis.patch().start(), fakeredis.patch().start()
    client.set("k", "second")
    one.stop()
    assert client.get("k") == b"second"
    two.stop()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fakeredis.AfterExitWarning)
        assert client.get("k") == b"first"


@pytest.mark.usefixtures("no_network")
def test_blocked_commands_are_released(names: bool) -> None:
    failed: list[Any] = []
    started = threading.Event()

    def block() -> None:
        client = redis.Redis(socket_timeout=None, retry=None)
        client.ping()
        started.set()
        try:
            client.execute_command("BLPOP", "nothing", 0)
        except redis.ConnectionError as error:
            failed.append(error)

    with fakeredis.patch(names=names, after_exit="raise") as fake:
        thread = threading.Thread(target=block)
        thread.start()
        assert started.wait(30)
        until = time.monotonic() + 30
        while not fake.server().waiting and time.monotonic() < until:
            time.sleep(0.001)
    thread.join(30)
    assert not thread.is_alive()
    assert failed


@pytest.mark.usefixtures("no_network")
def test_nothing_keeps_memory() -> None:
    with fakeredis.patch(spy=True) as fake:
        client = redis.Redis()
        client.set("k", "v")
        server = weakref.ref(fake.server())
        pool = weakref.ref(client.connection_pool)
    del client, fake
    gc.collect()
    assert pool() is None
    assert server() is None


# Other tools ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_network")
def test_mocks_inside(names: bool) -> None:
    with fakeredis.patch(names=names):
        older = redis.Redis()
        with mock.patch.object(redis.Redis, "get", return_value="mocked"):
            assert redis.Redis().get("k") == older.get("k") == "mocked"
        with mock.patch("redis.Redis.execute_command", return_value="mocked"):
            assert redis.Redis().get("k") == "mocked"
        with mock.patch("redis.Redis") as cls:
            assert redis.Redis is cls
        assert redis.Redis().get("k") is None


REALS = [redis.Redis]  # no module's name, so that it stays what it is


@pytest.mark.usefixtures("no_network")
def test_mocks_inside_are_seen_by_clients_made_before() -> None:
    client = REALS[0]()
    before = everything()
    with fakeredis.patch():
        with mock.patch.object(redis.Redis, "get", return_value="mocked"):
            assert client.get("k") == "mocked"
        with mock.patch.object(redis.Redis, "execute_command", return_value="mocked"):
            assert client.get("k") == "mocked"
        assert client.get("k") is None
    assert everything() == before


@pytest.mark.usefixtures("no_network")
def test_mocks_around(names: bool) -> None:
    before = everything()
    for name in ("execute_command", "get"):
        mocked = mock.patch.object(redis.Redis, name, return_value="mocked")
        with mocked, fakeredis.patch(names=names):
            assert redis.Redis().get("k") == "mocked"
    assert everything() == before


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("trail", [True, False])
def test_wrappers_that_others_installed(trail: bool, names: bool) -> None:
    """As tracers do, with ``__wrapped__`` and without."""
    seen: list[Any] = []
    original = redis.connection.AbstractConnection.send_command

    def traced(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append(args[0])
        return original(self, *args, **kwargs)

    if trail:
        traced.__wrapped__ = original  # type: ignore[attr-defined]
    machinery.__init__()  # type: ignore[misc]  # as if this were the first patch
    tracer = mock.patch.object(redis.connection.AbstractConnection, "send_command", traced)
    with tracer, fakeredis.patch(names=names):
        redis.Redis().ping()
    assert seen
    assert redis.connection.AbstractConnection.send_command is original
    with fakeredis.patch(names=names):
        redis.Redis().ping()


@pytest.mark.usefixtures("no_network")
def test_a_mock_around_the_first_patch_that_ends_inside() -> None:
    machinery.__init__()  # type: ignore[misc]
    mocked = mock.patch.object(redis.connection.AbstractConnection, "send_packed_command")
    mocked.start()
    with fakeredis.patch():
        mocked.stop()
        assert redis.Redis().set("k", "v")


def test_old_client_that_waits_inside(clean_real_url: str) -> None:
    client = redis.Redis.from_url(clean_real_url, socket_timeout=None, retry=None)
    client.ping()
    failed: list[Any] = []

    def block() -> None:
        try:
            client.blpop("nothing", 0)
        except redis.ConnectionError as error:
            failed.append(error)

    with fakeredis.patch() as fake:
        client.ping()
        thread = threading.Thread(target=block)
        thread.start()
        until = time.monotonic() + 30
        while not fake.server().waiting and time.monotonic() < until:
            time.sleep(0.001)
    thread.join(30)
    assert failed
    assert client.ping()
    client.close()


def test_a_real_socket_put_aside_at_the_end_of_the_process(clean_real_url: str) -> None:
    program = (
        "import redis, fakeredis, sys\n"
        "client = redis.Redis.from_url(sys.argv[1]); client.ping()\n"
        "fakeredis.patch().start(); client.ping(); print('done')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(fakeredis.__file__).parent.parent)}
    done = processes.python("-c", program, clean_real_url, env=environment)
    assert (done.stderr, done.stdout) == ("", "done\n")
