"""A server and a session of a few lines, which do what the engine does for the spy.

Where it matters what a command does, `spied_engine` gives a real one.
"""

from __future__ import annotations

from typing import Any

from fakeredis import FakeServer
from fakeredis.errors import CommandError
from fakeredis.spy import Spy

SUBCOMMANDS = ("CONFIG", "CLIENT", "XGROUP", "OBJECT")


class StubServer:
    def __init__(self, address: str = "localhost:6379") -> None:
        self.address = address
        self.recorder: Any = None
        self.time = 1000.0

    def now(self) -> float:
        return self.time


class StubSession:
    def __init__(self, server: StubServer, id: int = 7) -> None:
        self.server = server
        self.id = id
        self.db = 0
        self.name = b""
        self.via = "direct"
        self.group = 0
        self.position = 0
        self.method: str | None = None

    def run(self, *words: object, reply: Any = b"OK", error: Exception | None = None) -> None:
        token = self.begin(*words)
        if token is not None:
            self.server.recorder.end(token, reply, error)

    def begin(self, *words: object) -> Any:
        argv = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        name = argv[0].decode().upper()
        if name in SUBCOMMANDS:
            name += " " + argv[1].decode().upper()
        return self.server.recorder.begin(self, name, argv)

    def lines(self, text: str) -> None:
        for line in text.strip().splitlines():
            self.run(*line.split())


def spied() -> tuple[Spy, StubSession]:
    server = StubServer()
    spy = Spy()
    spy.attach(server)
    return spy, StubSession(server)


class EngineSession:
    """A session of a real server, at the second 1000 of its time, with a stub's ways."""

    def __init__(self) -> None:
        self.server = FakeServer(version="8.10")
        self.server.clock.freeze(1000)
        self.session = self.server.session()

    def run(self, *words: object) -> Any:
        return self.session.execute([str(word).encode() for word in words])

    def lines(self, text: str) -> None:
        """Run commands; what is refused is, too."""
        for line in text.strip().splitlines():
            try:
                self.run(*line.split())
            except CommandError:
                pass


def spied_engine() -> tuple[Spy, EngineSession]:
    session = EngineSession()
    spy = Spy()
    spy.attach(session.server)
    return spy, session
