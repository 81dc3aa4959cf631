"""valkey-py's clients are led to the engine underneath, with valkey-py's own exceptions."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import fakeredis

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
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.stdout == "restored\n", done.stderr
