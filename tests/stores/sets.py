"""Real clusters and Sentinels for the tests."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support import processes, servers
from tests.support.wire import Wire

NODES = 3
_SLOTS = 16384


@contextlib.contextmanager
def cluster() -> Iterator[list[int]]:
    """The ports of the masters of a real cluster."""
    with contextlib.ExitStack() as stack:
        nodes = []
        buses = [servers._free_port() for _ in range(NODES)]
        for bus in buses:
            node = servers.RealServer(
                "--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
                "--cluster-require-full-coverage", "no", "--cluster-port", str(bus),
            )  # fmt: skip
            stack.callback(node.stop)
            nodes.append(node)
        ports = [node.port for node in nodes]
        wires = [stack.enter_context(Wire(servers.HOST, port)) for port in ports]
        for number, wire in enumerate(wires):
            first, end = number * _SLOTS // NODES, (number + 1) * _SLOTS // NODES
            said = f"CLUSTER ADDSLOTSRANGE {first} {end - 1}".encode().split()
            assert wire.call(*said) == b"OK"
            assert wire.call(b"CLUSTER", b"SET-CONFIG-EPOCH", b"%d" % (number + 1)) == b"OK"
        for wire in wires:
            for port, bus in zip(ports, buses, strict=True):
                wire.call(b"CLUSTER", b"MEET", servers.HOST.encode(), b"%d" % port, b"%d" % bus)
        until(lambda: all(len(wire.call(b"CLUSTER", b"SLOTS")) == NODES for wire in wires))
        until(lambda: all(b"cluster_state:ok" in wire.call(b"CLUSTER", b"INFO") for wire in wires))
        yield ports


@contextlib.contextmanager
def sentinel(port: int, name: str = "mymaster") -> Iterator[int]:
    """The port of a real Sentinel that watches the server at a port."""
    path = servers.binary()
    assert path is not None
    own = servers._free_port()
    with tempfile.TemporaryDirectory(prefix="fakeredis-test-") as folder:
        config = Path(folder, "sentinel.conf")
        config.write_text(
            f"port {own}\nbind {servers.HOST}\ndir {folder}\nlogfile {folder}/log\n"
            f"sentinel monitor {name} {servers.HOST} {port} 1\n"
        )
        command = [path, str(config), "--sentinel"]
        with processes.started(
            command, limit=3600, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ):
            until(lambda: _answers(own))
            yield own


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError, EOFError), Wire(servers.HOST, port) as wire:
        return bool(wire.call(b"PING") == b"PONG")
    return False


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that other processes do."""
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)
