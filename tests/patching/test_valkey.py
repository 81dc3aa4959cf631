"""valkey-py's clients are led to the engine underneath, with valkey-py's own exceptions."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import fakeredis
from tests.support import processes

valkey = pytest.importorskip("valkey")
pytestmark = pytest.mark.usefixtures("no_network")


def test_sync() -> None:
    before = valkey.Valkey()
    with fakeredis.patch(spy=True, server_type="valkey", version="8.0") as fake:
        for client in (before, valkey.Valkey(), valkey.from_url("valkey://localhost")):
            assert client.set("k", "v") is True
            assert client.get("k") == b"v"
            assert client.pipeline().incr("n").get("k").execute()[1] == b"v"
            with pytest.raises(valkey.ResponseError):
                client.lpush("k", 1)
            with pytest.raises(valkey.ResponseError):
                client.pipeline().lpush("k", 1).execute()
        pubsub = before.pubsub()
        pubsub.subscribe("c")
        before.publish("c", "hello")
        got = [pubsub.get_message(timeout=1)["data"] for _ in range(2)]
        assert got == [1, b"hello"]
        pubsub.close()
        fake.assert_called_command("SET k v", times=3)
        fake.assert_called_command("GET k", via="transaction", times=3)
        fake.down()
        with pytest.raises(valkey.ConnectionError):
            before.get("k")


def test_async() -> None:
    async def use() -> None:
        client: Any = valkey.asyncio.Valkey()
        assert await client.set("k", "v") is True
        assert await client.get("k") == b"v"
        assert await client.pipeline().get("k").execute() == [b"v"]
        with pytest.raises(valkey.ResponseError):
            await client.lpush("k", 1)
        await client.aclose()

    with fakeredis.patch():
        asyncio.run(use())


def test_watch() -> None:
    with fakeredis.patch():
        client = valkey.Valkey()
        pipeline = client.pipeline()
        pipeline.watch("k")
        client.set("k", 1)
        pipeline.multi()
        pipeline.get("k")
        with pytest.raises(valkey.WatchError):
            pipeline.execute()


def test_left_out() -> None:
    with fakeredis.patch(clients={"redis"}), pytest.raises(BaseException, match="localhost"):
        valkey.Valkey().ping()


def test_first_imported_inside() -> None:
    source = """if True:
        import socket, sys, fakeredis
        def refuse(*args): raise SystemExit("reached")
        socket.socket.connect = socket.getaddrinfo = refuse
        hooks = list(sys.meta_path)
        with fakeredis.patch():
            assert "valkey" not in sys.modules
            import valkey
            assert valkey.Valkey().set("k", "v")
            assert "exec_module" not in vars(valkey.__spec__.loader)
        assert sys.meta_path == hooks
        with fakeredis.patch():
            assert valkey.Valkey().get("k") is None
        assert sys.meta_path == hooks
        try: valkey.Valkey().get("k")
        except SystemExit: print("restored")
    """
    root = Path(fakeredis.__file__).parent.parent
    done = processes.python("-c", source, cwd=root)
    assert done.stdout == "restored\n", done.stderr


def test_after_an_import_that_broke_off() -> None:
    """Python keeps the modules of a package whose import failed, and does not bind them again."""
    source = """if True:
        import sys, valkey
        del sys.modules["valkey"]
        import fakeredis
        print(fakeredis.FakeValkey().set("k", "v"))
    """
    done = processes.python("-c", source)
    assert done.stdout == "True\n", done.stderr


# Names, clusters, Sentinels ---------------------------------------------------------------------

BEFORE = valkey.Valkey()
REALS = [valkey.Valkey, valkey.asyncio.Valkey]


def test_names() -> None:
    with fakeredis.patch():
        assert valkey.Valkey is valkey.StrictValkey is fakeredis.FakeValkey
        assert valkey.asyncio.Valkey is fakeredis.FakeAsyncValkey
        assert isinstance(BEFORE, valkey.Valkey)
        assert isinstance(valkey.Valkey(), REALS[0])
    assert [valkey.Valkey, valkey.asyncio.Valkey] == REALS
    assert valkey.StrictValkey is REALS[0]
    with fakeredis.patch(names=False):
        assert valkey.Valkey is REALS[0]


def test_cluster_and_sentinel(names: bool) -> None:
    from valkey.cluster import ValkeyCluster
    from valkey.sentinel import Sentinel

    with fakeredis.patch(names=names):
        with ValkeyCluster(host="node.example", port=7000) as cluster:
            for key in "abc":
                assert cluster.set(key, 1)
                assert cluster.get(key) == b"1"
        sentinel = Sentinel([("sentinel.example", 26379)])
        assert sentinel.master_for("mymaster").set("k", "v")
        assert sentinel.discover_master("mymaster")


async def test_asyncio_cluster_and_sentinel(names: bool) -> None:
    from valkey.asyncio.cluster import ValkeyCluster
    from valkey.asyncio.sentinel import Sentinel

    async with fakeredis.patch(names=names):
        async with ValkeyCluster(host="node.example", port=7000) as cluster:
            assert await cluster.set("a", 1)
            assert await cluster.get("a") == b"1"
        client = Sentinel([("sentinel.example", 26379)]).master_for("mymaster")
        assert await client.set("k", "v")
        await client.aclose()


@pytest.mark.parametrize("after_exit", ["fake", "raise"])
def test_after_the_end(after_exit: str, names: bool) -> None:
    with fakeredis.patch(names=names, after_exit=after_exit):
        client = valkey.Valkey()
        client.set("k", "v")
    if after_exit == "raise":
        with pytest.raises(valkey.ConnectionError, match="after its end"):
            client.get("k")
    else:
        with pytest.warns(fakeredis.AfterExitWarning):
            assert client.get("k") == b"v"
        with pytest.raises(valkey.ResponseError, match="WRONGTYPE"):
            client.lpush("k", 1)


async def test_after_the_end_async(names: bool) -> None:
    async with fakeredis.patch(names=names):
        client = valkey.asyncio.Valkey()
        await client.set("k", "v")
    with pytest.warns(fakeredis.AfterExitWarning):
        assert await client.get("k") == b"v"
    with pytest.raises(valkey.ResponseError, match="WRONGTYPE"):
        await client.lpush("k", 1)
    await client.aclose()


# The fake classes by themselves -----------------------------------------------------------------


@pytest.fixture
def fresh() -> Any:
    fakeredis.reset()
    yield
    fakeredis.reset()


@pytest.mark.usefixtures("fresh")
def test_fake_valkey() -> None:
    client = fakeredis.FakeValkey(decode_responses=True)
    assert isinstance(client, valkey.Valkey)
    client.set("k", "v")
    assert fakeredis.FakeValkey().get("k") == b"v"
    assert fakeredis.FakeStrictValkey(host="other.example").get("k") is None
    assert client.info("server")["server_name"] == "valkey"
    assert client.pipeline().incr("n").get("k").execute() == [1, "v"]
    assert fakeredis.FakeValkey.from_url("valkey://localhost/0").get("k") == b"v"
    assert fakeredis.FakeValkey(single_connection_client=True).get("k") == b"v"
    with pytest.raises(valkey.ResponseError, match="WRONGTYPE"):
        client.lpush("k", 1)
    with pytest.raises(valkey.ResponseError, match="wrong number"):
        client.execute_command("GET")
    with pytest.raises(valkey.ConnectionError):
        fakeredis.FakeValkey(connected=False).ping()
    assert client.blpop(["q"], timeout=0.01) is None
    with client.lock("lock", timeout=1):
        assert client.exists("lock")


@pytest.mark.usefixtures("fresh")
def test_servers_of_ones_own(names: bool) -> None:
    server = fakeredis.FakeServer(version="8.0", server_type="valkey")
    client = fakeredis.FakeValkey(server=server)
    client.set("k", "own")
    assert client.fake_server is server
    with fakeredis.patch(names=names):
        assert fakeredis.FakeValkey(server=server).get("k") == b"own"
        assert client.get("k") == b"own"
        assert fakeredis.FakeValkey().get("k") is None


@pytest.mark.usefixtures("fresh")
async def test_fake_async_valkey() -> None:
    async with fakeredis.FakeAsyncValkey() as client:
        assert isinstance(client, valkey.asyncio.Valkey)
        await client.set("k", "v")
        assert await client.get("k") == b"v"
        assert await client.pipeline().incr("n").get("k").execute() == [1, b"v"]
        assert fakeredis.FakeValkey().get("k") == b"v"
        with pytest.raises(valkey.ResponseError, match="WRONGTYPE"):
            await client.lpush("k", 1)
        async with fakeredis.FakeAsyncValkey.from_url("valkey://localhost") as other:
            assert await other.get("k") == b"v"


def test_without_valkey_py() -> None:
    source = """if True:
        import sys
        sys.modules["valkey"] = None
        import fakeredis
        from fakeredis import *
        try: fakeredis.FakeValkey
        except ImportError as error: print(error)
        with fakeredis.patch(): pass
    """
    done = processes.python("-c", source)
    assert done.stderr == ""
    assert "pip install valkey" in done.stdout
