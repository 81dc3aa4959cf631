"""The commands of Sentinels, beside a real one that watches a real server."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakeredis.commands.sentinel import Watched, make_sentinel
from fakeredis.engine.core.session import Session
from tests.support import processes, servers
from tests.support.engines import Server
from tests.support.twin import describe, fake_reply, same
from tests.support.wire import Wire

# Figures of the moment in SENTINEL MASTER.
MOVING = {b"runid", b"last-ok-ping-reply", b"last-ping-reply", b"info-refresh",
          b"role-reported-time", b"last-ping-sent", b"link-pending-commands"}


@pytest.fixture(scope="module")
def real_sentinel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """The ports of a real Sentinel and of the master that it watches."""
    path = servers.binary()
    if path is None:
        pytest.skip(servers.MISSING)
    master, folder = servers.RealServer(), tmp_path_factory.mktemp("sentinel")
    port = servers._free_port()
    settings = Path(folder, "sentinel.conf")
    settings.write_text(f"port {port}\nbind 127.0.0.1\ndir {folder}\nlogfile {folder}/log\n")
    command = [path, str(settings), "--sentinel"]
    try:
        with processes.started(command, limit=3600, stdout=subprocess.DEVNULL):
            _wait_for(port)
            yield port, master.port
    finally:
        master.stop()


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            Wire.to(f"redis://127.0.0.1:{port}/0").close()
            return
        except OSError:
            time.sleep(0.02)
    pytest.fail("the Sentinel did not start")


class Both:
    """A session of the fake Sentinel and a connection of the real one."""

    def __init__(self, session: Session, wire: Wire) -> None:
        self.session, self.wire = session, wire

    def __call__(self, line: str) -> Any:
        argv = [word.encode() for word in shlex.split(line)]
        fake = fake_reply(self.session, argv)
        self.wire.send(*argv)
        self._compare(line, fake, self.wire.read())
        return fake

    def hear(self) -> bytes:
        """The next message, which is the same here and there."""
        fake, real = self.session.outbox.popleft(), self.wire.read_any()
        self._compare("(a message)", list(fake), list(real))
        return bytes(real[-1])

    def subscribe(self, channel: bytes) -> None:
        """Listen to a channel."""
        self.session.execute([b"SUBSCRIBE", channel])
        self.session.outbox.clear()
        self.wire.send(b"SUBSCRIBE", channel)
        self.wire.read_any()

    @staticmethod
    def _compare(line: str, fake: Any, real: Any) -> None:
        fake, real = _steady(fake), _steady(real)
        assert same(fake, real), f"{line}\nfake {describe(fake)}\nreal {describe(real)}"


def _steady(reply: Any) -> Any:
    if isinstance(reply, dict):
        return {k: v for k, v in reply.items() if k not in MOVING}
    if isinstance(reply, list) and reply and reply[0] == b"name":
        return _steady(dict(zip(reply[::2], reply[1::2], strict=True)))
    if isinstance(reply, list):
        return [_steady(item) for item in reply]
    return reply


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def pairs(real_sentinel: tuple[int, int], request: Any) -> Iterator[list[Both]]:
    """Two clients of the same Sentinels, that watch ``mine``."""
    port, master = real_sentinel
    watched, server = Watched(), Server(address=f"127.0.0.1:{port}")
    make_sentinel(server, watched)
    url = f"redis://127.0.0.1:{port}/0"
    both = [
        Both(server.session(protocol=request.param), Wire.to(url, request.param))
        for _ in range(2)
    ]
    try:
        both[0](f"SENTINEL MONITOR mine 127.0.0.1 {master} 1")
        _wait_until_seen(both[0].wire)
        yield both
    finally:
        for name in (b"mine", b"other"):
            both[1].wire.call(b"SENTINEL", b"REMOVE", name)
        both[1].wire.call(
            *b"SENTINEL CONFIG SET announce-port 0 announce-hostnames no".split(),
            *b"resolve-hostnames no loglevel notice announce-ip".split(), b"",
        )
        for pair in both:
            pair.session.close()
            pair.wire.close()


def _wait_until_seen(wire: Wire) -> None:
    """The real Sentinel takes a moment to learn the master's state."""
    for _ in range(300):
        facts = wire.call(b"SENTINEL", b"MASTER", b"mine")
        pairs = facts if isinstance(facts, dict) else dict(zip(*[iter(facts)] * 2, strict=True))
        if pairs[b"flags"] == b"master" and pairs[b"runid"]:
            return
        time.sleep(0.02)


CALLS = """
PING
SENTINEL
SENTINEL NOSUCH
SENTINEL MASTERS
SENTINEL MASTERS x
SENTINEL MASTER
SENTINEL MASTER nosuch
SENTINEL MASTER mine
SENTINEL REPLICAS nosuch
SENTINEL REPLICAS mine
SENTINEL SLAVES mine
SENTINEL SLAVES
SENTINEL SENTINELS nosuch
SENTINEL SENTINELS mine
SENTINEL GET-MASTER-ADDR-BY-NAME nosuch
SENTINEL GET-MASTER-ADDR-BY-NAME mine
SENTINEL CKQUORUM nosuch
SENTINEL CKQUORUM mine
SENTINEL RESET nosuch*
SENTINEL FAILOVER nosuch
SENTINEL FAILOVER mine
SENTINEL MONITOR
SENTINEL MONITOR a b
SENTINEL MONITOR mine 127.0.0.1 6379 1
SENTINEL MONITOR mine 127.0.0.1 6379 0
SENTINEL MONITOR mine nosuch 99999999 1
SENTINEL MONITOR mine 127.0.0.1 99999999 1
SENTINEL MONITOR a 127.0.0.1 abc 1
SENTINEL MONITOR a 127.0.0.1 abc abc
SENTINEL MONITOR a 127.0.0.1 6379 0
SENTINEL MONITOR a 127.0.0.1 6379 abc
SENTINEL MONITOR a 127.0.0.1 -1 1
SENTINEL MONITOR a nosuchhost 6379 1
SENTINEL MONITOR other 127.0.0.1 1 2
SENTINEL GET-MASTER-ADDR-BY-NAME other
SENTINEL CKQUORUM other
SENTINEL REMOVE nosuch
SENTINEL REMOVE other
SENTINEL REMOVE other
SENTINEL SET mine
SENTINEL SET mine quorum
SENTINEL SET nosuch quorum 1
SENTINEL SET mine quorum abc
SENTINEL SET mine QUORUM 0
SENTINEL SET mine quorum 2
SENTINEL CKQUORUM mine
SENTINEL SET mine quorum 1
SENTINEL SET mine down-after-milliseconds 60000
SENTINEL SET mine down-after-milliseconds 0
SENTINEL SET mine down-after-milliseconds abc
SENTINEL SET mine failover-timeout 1000 parallel-syncs 2
SENTINEL SET mine failover-timeout abc
SENTINEL SET mine parallel-syncs -1
SENTINEL SET mine parallel-syncs 3 failover-timeout abc
SENTINEL SET mine nosuch 1
SENTINEL SET mine notification-script /x
SENTINEL SET mine client-reconfig-script /x
SENTINEL SET mine rename-command A B
SENTINEL SET mine rename-command A
SENTINEL SET mine quorum 1 down-after-milliseconds
SENTINEL SET mine master-reboot-down-after-period 5
SENTINEL SET mine master-reboot-down-after-period -1
SENTINEL MASTER mine
SENTINEL MYID x
SENTINEL FLUSHCONFIG
SENTINEL FLUSHCONFIG x
SENTINEL PENDING-SCRIPTS
SENTINEL PENDING-SCRIPTS x
SENTINEL IS-MASTER-DOWN-BY-ADDR
SENTINEL IS-MASTER-DOWN-BY-ADDR 127.0.0.1 1 0 *
SENTINEL IS-MASTER-DOWN-BY-ADDR 127.0.0.1 abc 0 *
SENTINEL IS-MASTER-DOWN-BY-ADDR 127.0.0.1 1 abc *
SENTINEL SIMULATE-FAILURE
SENTINEL SIMULATE-FAILURE nosuch
SENTINEL SIMULATE-FAILURE help
SENTINEL DEBUG
SENTINEL DEBUG x
SENTINEL DEBUG info-period
SENTINEL DEBUG info-period abc
SENTINEL DEBUG info-period 0
SENTINEL DEBUG info-period 10000
SENTINEL DEBUG nosuch 1
SENTINEL INFO-CACHE
SENTINEL INFO-CACHE nosuch
SENTINEL CONFIG
SENTINEL CONFIG GET
SENTINEL CONFIG GET *
SENTINEL CONFIG GET ANNOUNCE-*
SENTINEL CONFIG GET nosuch
SENTINEL CONFIG GET loglevel announce-port
SENTINEL CONFIG SET loglevel
SENTINEL CONFIG SET loglevel notice
SENTINEL CONFIG SET loglevel nosuch
SENTINEL CONFIG SET nosuch x
SENTINEL CONFIG SET announce-port abc
SENTINEL CONFIG SET announce-port 1
SENTINEL CONFIG SET resolve-hostnames maybe
SENTINEL CONFIG SET resolve-hostnames yes resolve-hostnames no
SENTINEL CONFIG SET announce-hostnames yes announce-ip 1.2.3.4
SENTINEL CONFIG GET *
SENTINEL CONFIG FOO x
SENTINEL CONFIG SET a b c
SENTINEL CONFIG SET loglevel notice a
SENTINEL CONFIG SET loglevel notice announce-port
SENTINEL CONFIG SET loglevel nosuch announce-port
SENTINEL HELP x
"""


def test_calls(pairs: list[Both]) -> None:
    wrong = []
    for line in CALLS.strip().splitlines():
        try:
            pairs[0](line)
        except AssertionError as error:
            wrong.append(str(error).partition("\nassert")[0])
    assert not wrong, "\n".join(wrong)


def test_events(pairs: list[Both]) -> None:
    listener, client = pairs
    for channel in (b"+monitor", b"-monitor", b"+set"):
        listener.subscribe(channel)
    for line in (
        "SENTINEL MONITOR other 127.0.0.1 1 2", "SENTINEL SET mine quorum 2",
        "SENTINEL SET mine auth-pass secret", "SENTINEL SET mine rename-command A B",
        "SENTINEL SET mine parallel-syncs 2 failover-timeout 5000", "SENTINEL REMOVE other",
    ):
        client(line)
        while listener.session.outbox:
            listener.hear()
    assert listener.wire.is_silent(0.02)
