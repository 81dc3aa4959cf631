"""Sessions that go away, also at odd moments, and the guards of all commands."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from fakeredis.engine.core.replies import BLOCKED
from fakeredis.engine.core.session import Session
from fakeredis.errors import CommandError, ConnectionLost
from tests.support.engines import Server


def test_a_session_closed_in_the_middle_of_a_command() -> None:
    """The garbage collector may do so: nothing changes under the hands of the command."""
    server = Server()
    leaving, staying = server.session(), server.session()
    for session in (leaving, staying):
        session.execute([b"SUBSCRIBE", b"c"])
    with server.lock:
        before = list(server.pubsub.channels[b"c"])
        leaving.close()
        assert list(server.pubsub.channels[b"c"]) == before
        with pytest.raises(ConnectionLost):
            leaving.execute([b"PING"])
    publisher = server.session()
    assert publisher.execute([b"PUBLISH", b"c", b"x"]) == 1
    assert leaving.closed
    assert not server.switched


def test_closed_while_others_are_woken() -> None:
    """A listener whose waking closes another: messages still reach those who remain."""
    server = Server()
    sessions = [server.session() for _ in range(3)]
    for session in sessions:
        session.execute([b"PSUBSCRIBE", b"*"])
        session.outbox.clear()
    sessions[0].wake = sessions[1].close
    assert server.session().execute([b"PUBLISH", b"c", b"x"]) == 3
    assert len(sessions[2].outbox) == 1
    assert server.session().execute([b"PUBLISH", b"c", b"x"]) == 2


def test_closing_frees_everything() -> None:
    server = Server()
    session = server.session()
    for command in (b"WATCH a", b"SUBSCRIBE c", b"SSUBSCRIBE s", b"PSUBSCRIBE p"):
        session.execute(command.split())
    waiting = server.session()
    assert waiting.execute([b"BLPOP", b"l", b"0"]) is BLOCKED
    session.close()
    waiting.close()
    waiting.close()
    db, pubsub = server.database(0), server.pubsub
    assert not any((db.watchers, db.blocked, server.waiting, server.sessions, pubsub.channels,
                    pubsub.patterns, pubsub.shard_channels, server.switched))


@pytest.mark.parametrize("command", [b"PING", b"NOSUCH", b"GET", b"CLIENT NOSUCH", b"CLIENT"])
def test_a_server_that_is_down_says_nothing(command: bytes) -> None:
    server = Server()
    session = server.session()
    server.connected = False
    with pytest.raises(ConnectionLost):
        session.execute(command.split())
    server.connected = True
    assert server.session().execute([b"PING"]) == b"PONG"


class Recorder:
    def __init__(self) -> None:
        self.errors: list[tuple[str, str]] = []

    def begin(self, session: Session, name: str, argv: Any) -> Any:
        return name

    def end(self, record: Any, reply: object, error: Exception | None) -> None:
        self.errors.append((record, str(error)))


@pytest.mark.parametrize(("command", "name"), [(b"NOSUCH a", "NOSUCH"), (b"GET", "GET")])
@pytest.mark.parametrize("queueing", [False, True])
def test_a_spy_sees_refused_commands_once(command: bytes, name: str, queueing: bool) -> None:
    server, recorder = Server(), Recorder()
    session = server.session()
    if queueing:
        session.execute([b"MULTI"])
    server.attach_recorder(recorder)
    with pytest.raises(CommandError) as caught:
        session.execute(command.split())
    assert recorder.errors == [(name, str(caught.value))]


def test_many_threads() -> None:
    server = Server()
    script = b"local n = redis.call('incr', 'n') redis.call('publish', 'c', n) return n"

    def work() -> None:
        session = server.session()
        for _ in range(50):
            session.execute([b"EVAL", script, b"0"])
            session.execute([b"SUBSCRIBE", b"c"])
            session.execute([b"RESET"])
        session.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.session().execute([b"GET", b"n"]) == b"300"
    assert not server.pubsub.channels


@pytest.mark.parametrize(
    ("version", "words", "encoding"),
    [("7.2", "RPUSH k a", b"listpack"), ("7.0", "RPUSH k a", b"quicklist"),
     ("7.0", "SADD k a", b"hashtable"), ("7.0", "SADD k 1", b"intset"),
     ("7.0", "HSET k a 1", b"listpack"), ("6.2", "HSET k a 1", b"ziplist"),
     ("6.2", "ZADD k 1 a", b"ziplist")],
)
def test_encodings_of_older_versions(version: str, words: str, encoding: bytes) -> None:
    session = Server(version).session()
    session.execute(words.encode().split())
    assert session.execute([b"OBJECT", b"ENCODING", b"k"]) == encoding
