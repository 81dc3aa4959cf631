"""Real clusters and Sentinels for the tests."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.support import processes, servers
from tests.support.wire import Wire

NODES = 3
_SLOTS = 16384


class Cluster:
    """A real cluster."""

    def __init__(self) -> None:
        self.nodes: dict[int, servers.RealServer] = {}  # by their ports, masters first
        self.buses: dict[int, int] = {}

    @property
    def ports(self) -> list[int]:
        """The ports of the nodes that are up."""
        return list(self.nodes)

    def call(self, port: int, *words: str) -> Any:
        """What a node replies."""
        with Wire(servers.HOST, port) as wire:
            return wire.call(*(word.encode() for word in words))

    def shards(self) -> list[tuple[int, list[int]]]:
        """The ports of each master and its replicas, of nodes that are up."""
        rows = [line.split() for line in self.call(self.ports[-1], "CLUSTER", "NODES").splitlines()]
        ports = {row[0]: int(row[1].partition(b"@")[0].rpartition(b":")[2]) for row in rows}
        up = [row for row in rows if ports[row[0]] in self.nodes]
        return [
            (ports[row[0]], [ports[each[0]] for each in up if each[3] == row[0]])
            for row in up if b"master" in row[2]
        ]

    def start(self) -> int:
        """One more node; its port."""
        bus = servers._free_port()
        node = servers.RealServer(
            "--cluster-enabled", "yes", "--cluster-node-timeout", "800", "--cluster-port", str(bus),
            "--cluster-require-full-coverage", "no", "--repl-diskless-sync-delay", "0",
            "--cluster-replica-validity-factor", "0",
        )
        self.nodes[node.port], self.buses[node.port] = node, bus
        return node.port

    def kill(self, port: int) -> None:
        """Kill a node."""
        self.nodes.pop(port).stop()

    def meet(self) -> None:
        """Let all nodes know each other."""
        for first in self.ports:  # which is quicker than to wait for gossip
            for port in self.ports:
                at = str(port), str(self.buses[port])
                assert self.call(first, "CLUSTER", "MEET", servers.HOST, *at) == b"OK"
        count = f"cluster_known_nodes:{len(self.nodes)}".encode()
        until(lambda: all(count in self.call(port, "CLUSTER", "INFO") for port in self.ports))

    def replicate(self, port: int, master: int) -> None:
        """Make a node the replica of another."""
        name = self.call(master, "CLUSTER", "MYID").decode()
        until(lambda: self.call(port, "CLUSTER", "REPLICATE", name) == b"OK")

    def is_up(self) -> bool:
        """Whether all nodes see all slots served, and all replicas follow."""
        for port in self.ports:
            if b"cluster_state:ok" not in self.call(port, "CLUSTER", "INFO"):
                return False
            if len(self.call(port, "CLUSTER", "SLOTS")) < NODES:
                return False
            if b"master_link_status:down" in self.call(port, "INFO", "replication"):
                return False
        return True


@contextlib.contextmanager
def cluster(replicas: bool = False) -> Iterator[Cluster]:
    """A real cluster of three masters, or of six nodes."""
    found = Cluster()
    try:
        masters = [found.start() for _ in range(NODES)]
        for number, port in enumerate(masters):
            slots = str(number * _SLOTS // NODES), str((number + 1) * _SLOTS // NODES - 1)
            assert found.call(port, "CLUSTER", "ADDSLOTSRANGE", *slots) == b"OK"
            assert found.call(port, "CLUSTER", "SET-CONFIG-EPOCH", str(number + 1)) == b"OK"
        others = [found.start() for _ in masters] if replicas else []
        found.meet()
        for port, master in zip(others, masters, strict=False):
            found.replicate(port, master)
        until(found.is_up)
        yield found
    finally:
        for node in found.nodes.values():
            node.stop()


@contextlib.contextmanager
def pair() -> Iterator[list[servers.RealServer]]:
    """A master and its replica."""
    options = ("--repl-diskless-sync-delay", "0")
    with contextlib.ExitStack() as stack:
        nodes = []
        for _ in range(2):
            nodes.append(servers.RealServer(*options))
            stack.callback(nodes[-1].stop)
        with Wire(servers.HOST, nodes[1].port) as wire:
            wire.call(b"REPLICAOF", servers.HOST.encode(), b"%d" % nodes[0].port)
            until(lambda: b"master_link_status:up" in wire.call(b"INFO", b"replication"))
        yield nodes


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
