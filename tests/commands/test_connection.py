"""Connection commands, against the real server."""

from __future__ import annotations

from typing import Any

import pytest

from fakeredis.engine.core.replies import BLOCKED, NO_REPLY
from fakeredis.errors import ConnectionLost
from tests.commands.playing import play
from tests.support.engines import Server

CALLS = """
PING|PING x|PING x y|ECHO|ECHO x|ECHO x y|SELECT 1|SELECT 16|SELECT -1|SELECT x|SELECT 1.5
AUTH|AUTH x|AUTH default x|AUTH bob x|AUTH a b c
HELLO 4|HELLO 1|HELLO x|HELLO 4 FOO|HELLO 2 FOO|HELLO 2 SETNAME|HELLO 2 AUTH default
HELLO 2 AUTH bob x|HELLO 2 AUTH bob x SETNAME é|HELLO 2 SETNAME é AUTH bob x|HELLO 2 SETNAME y FOO
CLIENT|CLIENT NOSUCH|CLIENT GETNAME|CLIENT GETNAME x|CLIENT SETNAME|CLIENT SETNAME é
CLIENT SETINFO lib-name é|CLIENT SETINFO lib-ver 1|CLIENT SETINFO foo x|CLIENT SETINFO foo é
CLIENT LIST NOSUCH|CLIENT LIST TYPE bad|CLIENT LIST TYPE|CLIENT LIST ID|CLIENT LIST ID 99999
CLIENT LIST ID x|CLIENT LIST TYPE normal ID 1|CLIENT LIST TYPE replica|CLIENT LIST TYPE PUBSUB
CLIENT KILL|CLIENT KILL 1.2.3.4:5|CLIENT KILL TYPE bad|CLIENT KILL TYPE replica
CLIENT KILL SKIPME maybe|CLIENT KILL USER default SKIPME x|CLIENT KILL LADDR 1:2|CLIENT KILL ID 0
CLIENT KILL MAXAGE 0|CLIENT KILL ID 9999 ID 9998|CLIENT KILL ID 1 2 3|CLIENT KILL NOSUCH 1
CLIENT KILL USER nobody x|CLIENT KILL MAXAGE 99999|CLIENT KILL ID x
CLIENT REPLY x|CLIENT REPLY on|CLIENT UNBLOCK x|CLIENT UNBLOCK 99999|CLIENT UNBLOCK 99999 x
CLIENT UNBLOCK x x|CLIENT UNBLOCK 99999 timeout x|CLIENT UNBLOCK 99999 error
CLIENT NO-EVICT x|CLIENT NO-EVICT ON|CLIENT NO-TOUCH x|CLIENT NO-TOUCH off
CLIENT PAUSE x|CLIENT PAUSE -1|CLIENT PAUSE 1 x|CLIENT PAUSE 1 write x|CLIENT PAUSE 1.5
CLIENT UNPAUSE|CLIENT UNPAUSE x|CLIENT CACHING x|CLIENT CACHING yes|CLIENT TRACKINGINFO
CLIENT GETREDIR|ACL WHOAMI|RESET|RESET x|QUIT|QUIT x y
"""


@pytest.mark.parametrize("call", CALLS.strip().replace("\n", "|").split("|"))
def test_calls(twin: Any, call: str) -> None:
    reply = twin(*call.split())
    twin("GET", "k") if not call.startswith("QUIT") else reply


@pytest.mark.parametrize("name", ["a b", "a\n", "x!~", "a\x7f", "", "\x01"])
def test_names(twin: Any, name: str) -> None:
    twin("CLIENT", "SETNAME", name)
    twin("CLIENT", "GETNAME")
    twin("CLIENT", "SETINFO", "LIB-NAME", name)
    twin("CLIENT", "SETINFO", "LIB-VER", name)
    twin("HELLO", "9", "SETNAME", name)


def test_hello(twin: Any) -> None:
    for words in (["HELLO"], ["HELLO", 3], ["HELLO", 2, "SETNAME", "me"], ["HELLO", 3, "AUTH",
                  "default", "x", "SETNAME", "you"]):
        fake = twin.fake.execute([str(word).encode() for word in words])
        real = twin.wire.call(*(str(word).encode() for word in words))
        both = [dict(zip(r[::2], r[1::2], strict=True)) if isinstance(r, list) else r
                for r in (fake, real)]
        assert type(fake) is type(real)
        for reply in both:
            reply.pop(b"id")
            # Of modules the names: versions and files are the tests' server's, the order is chance;
            # those of search and time series are in other servers, see their tests.
            reply[b"modules"] = sorted({
                each[b"name"] if isinstance(each, dict) else each[1] for each in reply[b"modules"]
            } - {b"search", b"timeseries"})
        assert both[0] == both[1]
        twin("CLIENT", "GETNAME")


def fields(line: bytes) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in line.decode().split())


STEADY = ("name", "flags", "db", "sub", "psub", "ssub", "multi", "watch", "cmd", "user", "redir",
          "resp", "lib-name", "lib-ver", "events")


@pytest.mark.parametrize(
    "before",
    [[], ["CLIENT SETNAME me"], ["SELECT 3"], ["WATCH a b"], ["CLIENT NO-EVICT on",
     "CLIENT NO-TOUCH on"], ["CLIENT SETINFO lib-name x", "CLIENT SETINFO lib-ver 1"]],
)
def test_facts_of_a_session(twin: Any, before: list[str]) -> None:
    for command in before:
        twin(*command.split())
    fake = twin.fake.execute([b"CLIENT", b"INFO"])
    real = twin.wire.call(b"CLIENT", b"INFO")
    assert list(fields(fake)) == list(fields(real))
    assert {n: fields(fake)[n] for n in STEADY} == {n: fields(real)[n] for n in STEADY}
    assert fields(fake)["id"] == str(twin.fake.id)


def test_facts_of_others(twin: Any) -> None:
    blocked, queueing, listening = twin.session(), twin.session(), twin.session()
    blocked("BLPOP", "l", 0)
    queueing("WATCH", "a")
    queueing("MULTI")
    queueing("PING")
    listening("SUBSCRIBE", "a", "b")
    listening.replies(2)
    fake = [fields(line) for line in twin.fake.execute([b"CLIENT", b"LIST"]).splitlines()]
    real = [fields(line) for line in twin.wire.call(b"CLIENT", b"LIST").splitlines()]
    assert len(fake) == 4
    for pair, session in zip((blocked, queueing, listening), fake[1:], strict=True):
        number = pair.wire.sock.getsockname()[1]
        other = next(line for line in real if line["addr"].endswith(f":{number}"))
        assert {n: session[n] for n in STEADY} == {n: other[n] for n in STEADY}
    for kind, count in ((b"normal", 3), (b"pubsub", 1)):
        lines = twin.fake.execute([b"CLIENT", b"LIST", b"TYPE", kind])
        assert len(lines.splitlines()) == count


def test_reply_modes(twin: Any) -> None:
    for words in (["CLIENT", "REPLY", "SKIP"], ["PING"]):
        twin.wire.send(*map(str.encode, words))
        assert twin.fake.execute([word.encode() for word in words]) is NO_REPLY
    twin("PING", "heard")
    for words in (["CLIENT", "REPLY", "OFF"], ["PING"], ["NOSUCH"], ["GET"], ["CLIENT", "REPLY",
                  "SKIP"], ["SET", "k", "v"]):
        twin.wire.send(*map(str.encode, words))
        assert twin.fake.execute([word.encode() for word in words]) is NO_REPLY
    twin("CLIENT", "REPLY", "ON")
    twin("GET", "k")


def test_quit_and_kill() -> None:
    server = Server()
    first, second = server.session(), server.session()
    assert first.execute([b"CLIENT", b"KILL", b"ID", b"%d" % second.id]) == 1
    with pytest.raises(ConnectionLost):
        second.execute([b"PING"])
    with pytest.raises(ConnectionLost):
        second.execute([b"NOSUCH"])
    assert first.execute([b"QUIT"]) == b"OK"
    with pytest.raises(ConnectionLost):
        first.execute([b"PING"])
    assert not server.sessions


def test_unblock(twin: Any) -> None:
    for reason in ("TIMEOUT", "ERROR"):
        waiting = twin.session()
        number = waiting.wire.call(b"CLIENT", b"ID")
        assert waiting("BLPOP", "nokey", 0) is BLOCKED
        fake = twin.fake.execute([b"CLIENT", b"UNBLOCK", b"%d" % waiting.fake.id, reason.encode()])
        assert fake == twin.wire.call(b"CLIENT", b"UNBLOCK", b"%d" % number, reason.encode()) == 1
        waiting.reply()
        waiting("PING")


def test_password(twin: Any) -> None:
    twin("CONFIG", "SET", "requirepass", "sekret")
    try:
        other = twin.session()
        for call in ("PING", "NOSUCH", "GET", "CLIENT NOSUCH", "CLIENT", "MULTI", "EXEC",
                     "SUBSCRIBE a", "SELECT 1", "HELLO", "HELLO 9", "HELLO 2 SETNAME x",
                     "HELLO 2 AUTH default bad", "AUTH bad", "AUTH bob sekret", "AUTH a b c",
                     "RESET", "EXEC x", "AUTH sekret", "ACL WHOAMI", "PING", "AUTH default bad",
                     "PING", "RESET", "PING"):
            other(*call.split())
    finally:
        twin("CONFIG", "SET", "requirepass", "")


def test_nothing_is_removed_during_a_pause() -> None:
    server = Server()
    session = server.session()
    session.execute([b"SET", b"a", b"1", b"PX", b"10"])
    session.execute([b"SET", b"b", b"1", b"PX", b"10"])
    session.execute([b"CLIENT", b"PAUSE", b"60000", b"WRITE"])
    server.advance(1)
    assert session.execute([b"GET", b"a"]) is None
    assert session.execute([b"DBSIZE"]) == 2
    assert server.expired_keys == 0
    server.advance(60)
    assert session.execute([b"DBSIZE"]) == 0
    assert server.expired_keys == 2


def test_scripts_that_write_nothing_run_in_a_pause_of_writes() -> None:
    server = Server()
    one = server.session()
    reading, writing = b"#!lua flags=no-writes\nreturn 1", b"#!lua\nreturn 1"
    sha = one.execute([b"SCRIPT", b"LOAD", reading])
    library = (b"#!lua name=x\nredis.register_function{function_name='F', "
               b"callback=function() return 1 end, flags={'no-writes'}}")
    one.execute([b"FUNCTION", b"LOAD", library])
    one.execute([b"CLIENT", b"PAUSE", b"60000", b"WRITE"])
    calls = [b"EVAL", reading], [b"EVALSHA", sha], [b"FCALL", b"f"], [b"EVAL_RO", b"return 1"]
    for call in calls:
        assert one.execute([*call, b"0"]) == 1
    one.execute([b"MULTI"])
    one.execute([b"EVAL", reading, b"0"])
    assert one.execute([b"EXEC"]) == [1]
    assert one.execute([b"EVAL", writing, b"0"]) is BLOCKED


def test_pause() -> None:
    server = Server()
    one, two = server.session(), server.session()
    assert one.execute([b"CLIENT", b"PAUSE", b"60000", b"WRITE"]) == b"OK"
    assert two.execute([b"GET", b"k"]) is None
    assert two.execute([b"SET", b"k", b"v"]) is BLOCKED
    assert one.execute([b"CLIENT", b"UNBLOCK", b"%d" % two.id]) == 0
    assert one.execute([b"CLIENT", b"UNPAUSE"]) == b"OK"
    assert list(two.outbox) == [b"OK"]
    one.execute([b"CLIENT", b"PAUSE", b"60000"])
    assert one.execute([b"GET", b"k"]) is BLOCKED
    server.advance(61)
    assert list(one.outbox) == [b"v"]
    assert two.execute([b"GET", b"k"]) == b"v"


@pytest.mark.parametrize("line", [
    "SELECT 99999999999", "SELECT -2147483649", "SELECT 2147483647", "SELECT 2147483648",
    "CLIENT PAUSE 9223372036854775807", "CLIENT PAUSE 9223372036854775807 WRITE",
])
def test_numbers_out_of_range(twin: Any, line: str) -> None:
    play(twin, line)
