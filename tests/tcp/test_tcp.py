"""The fake behind a socket, byte by byte beside the real server."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

import fakeredis
from fakeredis.engine.core import switches
from fakeredis.tcp import Listener, protocol
from tests.support import harvest, processes
from tests.support.raw import RawClient, in_order, tree, types
from tests.support.tls import certificates as make_certificates

Addresses = tuple[Any, Any]  # of the fake and of the real server


@pytest.fixture(scope="module")
def door() -> Iterator[Listener]:
    with fakeredis.FakeServer(version="8.2.3").listen() as listener:
        yield listener


@pytest.fixture
def both(door: Listener, clean_real_url: str) -> Addresses:
    """The addresses of the fake and of the real server, both emptied."""
    host, port = clean_real_url.removeprefix("redis://").removesuffix("/0").split(":")
    with RawClient(door.address) as client:
        client.call(b"FLUSHALL")
    return door.address, (host, int(port))


def same(addresses: Addresses, conversation: Callable[[Any], Any]) -> Any:
    """Whatever happens with the fake happens with the real server; gives what did."""
    fake, real = map(conversation, addresses)
    assert fake == real
    return real


def exchange(*packets: bytes, protocol: int = 2) -> Callable[[Any], Any]:
    """Sends packets one by one and reads all that comes back."""

    def talk(address: Any) -> Any:
        with RawClient(address, protocol) as client:
            for packet in packets:
                client.sock.sendall(packet)
            return client.rest()

    return talk


# Bad and odd requests -----------------------------------------------------------------------

ODD = [
    b"*3\r\nSET\r\n", b"*abc\r\n", b"*-1\r\nPING\r\n", b"*0\r\nPING\r\n", b"*1\r\n$-1\r\n",
    b"*1\r\n$abc\r\n", b"*1\r\n\r\n", b"*2147483648\r\n", b"*1\r\n$536870913\r\n",
    b"*1\r\n$0\r\n\r\n", b"PING\n", b"\r\n  \r\nPING\r\n", b'SET "a b" c\r\n',
    b'SET "a b\r\nPING\r\n',
    b"SET 'a'b c\r\n", b'ECHO "\\x41\\n\\"\\q\\r\\t\\b\\a\\\\"\r\n', b"ECHO 'it\\'s \\n'\r\n",
    b"PING\r\r\n", b"ECHO a\rb\r\n", b"ECHO a\0b\r\n", b"ECHO a\vb\r\n", b'ECHO a"b"\r\n',
    b'ECHO a"b"c\r\n', b"*1\n$4\nPING\n", b"*1\r\n$4\r\nPINGxxPING\r\n", b"*+1\r\n", b"*01\r\n",
    b"*\r\n", b"*1\r\n$\r\n", b"*1\r\n$04\r\n", b"x" * 65537, b"x" * 65536, b"x" * 70000 + b"\r\n",
    b"*1\r\n$" + b"1" * 65540, b"*" + b"1" * 65540, b"POST / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"ChildConnection: x\r\n", b"*1\r\n$4\r\nPOST\r\n", b"PING\r\nQUIT\r\nPING\r\n",
    b"*1\r\n\xff\r\n",
    b"*1\r\n\0\r\n", b"*1\rX$4\r\nPING\r\n", b"PING\r\nBAD 'x\r\nPING\r\n", b"unknown a b\r\n",
    b"SUBSCRIBE c d\r\nPING\r\nPING x\r\nGET a\r\nQUIT\r\n", b"RESET\r\nPING\r\n",
    b"BLPOP q 0.01\r\nPING\r\n", b"MULTI\r\nBLPOP q 0\r\nLPOP q 2\r\nEXEC\r\n",
    b"CLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\nPING\r\n",
]


@pytest.mark.parametrize("packet", ODD, ids=lambda packet: repr(packet)[2:40])
def test_odd_requests(both: Addresses, packet: bytes) -> None:
    same(both, exchange(packet))


def hang_up_others(address: Any) -> None:
    """End all clients that a server still counts, this one last."""
    with RawClient(address) as client:
        client.call(b"CLIENT", b"KILL", b"TYPE", b"normal", b"SKIPME", b"yes")
        client.send(b"QUIT")
        assert client.rest(5) == (b"+OK\r\n", True)


def test_who_kills_all_clients_counts_itself(both: Addresses) -> None:
    for address in both:
        hang_up_others(address)
    same(both, exchange(b"CLIENT KILL TYPE normal SKIPME no\r\nPING\r\n"))


def test_pushes_come_behind_the_reply_of_their_own_command(both: Addresses) -> None:
    same(both, exchange(
        b"SUBSCRIBE c\r\nPUBLISH c x\r\nMULTI\r\nPUBLISH c y\r\nPUBLISH c z\r\nEXEC\r\nPING\r\n",
        protocol=3,
    ))


MISUSED = """
FUNCTION flush sync x|function FLUSH sync x|slowlog get a b|SLOWLOG Get a b|client pause 1 ALL x
pubsub numsub|pubsub channels a b|acl cat a b|acl log 1 2|xgroup create s g $ nosuch
xinfo stream s full x|xinfo stream no full x|client Unblock 1 ERROR x
""".replace("\n", "|").strip("|").split("|")


def test_misused_subcommands_are_quoted_as_written(both: Addresses) -> None:
    lines = ["XADD s 1-1 a b", *MISUSED]
    same(both, exchange(*(f"{line}\r\n".encode() for line in lines)))


@pytest.mark.parametrize("flush", ["FLUSHALL", "FLUSHDB SYNC", "FLUSHALL ASYNC"])
def test_who_flushes_hears_of_it(both: Addresses, flush: str) -> None:
    """Before the reply where that waits for the memory to be freed."""
    packet = "CLIENT TRACKING ON\r\n{0}\r\nSET k v\r\n{0}\r\nMULTI\r\n{0}\r\nEXEC\r\n"
    same(both, exchange(packet.format(flush).encode(), protocol=3))


def test_evicted_keys_are_told_before_the_reply(both: Addresses) -> None:
    def talk(address: Any) -> Any:
        with RawClient(address, 3) as reader, RawClient(address) as other:
            reader.call(b"CLIENT", b"TRACKING", b"ON")
            reader.call(b"SET", b"k", b"v", b"EX", b"100")
            reader.call(b"GET", b"k")
            used = int(other.call(b"INFO", b"memory").partition(b"used_memory:")[2].split()[0])
            set_config, limit = (b"CONFIG", b"SET", b"maxmemory"), b"%d" % (used + (1 << 20))
            other.call(*set_config, limit, b"maxmemory-policy", b"volatile-lru")
            other.call(b"SET", b"big", bytes(8 << 20))
            came = reader.call(b"GET", b"no"), reader.reply()
            other.call(*set_config, b"0", b"maxmemory-policy", b"noeviction")
            return came

    assert same(both, talk)[1] == b"_\r\n"


@pytest.mark.parametrize(("own", "other"), [(2, 2), (2, 3), (3, 2), (3, 3)])
def test_null_of_a_redirection(both: Addresses, own: int, other: int) -> None:
    """It is that of the protocol of who redirects, not of who is told."""

    def talk(address: Any) -> Any:
        with RawClient(address, own) as one, RawClient(address, other) as listener:
            if other == 2:
                number = listener.call(b"CLIENT", b"ID")[1:-2]
                listener.call(b"SUBSCRIBE", b"__redis__:invalidate")
            else:
                number = listener.call(b"CLIENT", b"ID")[1:-2]
            one.call(b"CLIENT", b"TRACKING", b"ON", b"REDIRECT", number)
            one.call(b"FLUSHALL")
            return listener.reply()

    same(both, talk)


@pytest.mark.parametrize("protocol", [2, 3])
def test_replies_of_all_kinds(real_url: str, protocol: int) -> None:
    """Those of DEBUG PROTOCOL, as the real server writes them."""
    kinds = b"string integer double bignum null array set map attrib verbatim true false"
    commands = b"".join(b"DEBUG PROTOCOL %b\r\n" % kind for kind in kinds.split())
    packet = commands + b"MULTI\r\nDEBUG PROTOCOL attrib\r\nEXEC\r\n"
    server = fakeredis.FakeServer()
    server.config.override("enable-debug-command", "yes")
    host, port = real_url.removeprefix("redis://").removesuffix("/0").split(":")
    with server.listen() as door:
        same((door.address, (host, int(port))), exchange(packet, protocol=protocol))


def test_whoever_must_authenticate_may_send_little(both: Addresses) -> None:
    same(both, exchange(b"CONFIG SET requirepass x\r\n"))
    try:
        for packet in (
            b"*11\r\n", b"*10\r\n$16385\r\n", b"*1\r\n$16384\r\n", b"PING\r\n",
            b"AUTH x\r\n*11\r\n", b"AUTH x\r\n*2\r\n$4\r\nECHO\r\n$16385\r\n",
        ):
            same(both, exchange(packet))
    finally:
        same(both, exchange(b"AUTH x\r\nCONFIG SET requirepass ''\r\n"))


def test_limits_of_the_configuration(both: Addresses) -> None:
    same(both, exchange(b"CONFIG SET proto-max-bulk-len 1mb\r\n"))
    try:
        same(both, exchange(b"*1\r\n$1048577\r\n"))
        same(both, exchange(b"*1\r\n$1048576\r\n"))
    finally:
        same(both, exchange(b"CONFIG SET proto-max-bulk-len 512mb\r\n"))


def test_too_many_clients() -> None:
    server = fakeredis.FakeServer()
    server.execute("CONFIG", "SET", "maxclients", "2")
    with server.listen() as door, RawClient(door.address) as client:
        assert client.call(b"PING") == b"+PONG\r\n"
        with RawClient(door.address) as another:  # the server's own session is the second
            assert another.rest() == (b"-ERR max number of clients reached\r\n", True)
        assert b"rejected_connections:1\r\n" in client.call(b"INFO", b"stats")
        assert client.call(b"PING") == b"+PONG\r\n"


# Replies byte by byte -----------------------------------------------------------------------

# What depends on the moment, changes the real server for others, or is worded by us.
LEFT_OUT = {
    "SHUTDOWN", "DEBUG", "FAILOVER", "REPLICAOF", "SLAVEOF", "MONITOR", "SYNC", "PSYNC", "REPLCONF",
    "SAVE", "BGSAVE", "BGREWRITEAOF", "CONFIG", "ACL", "MODULE", "CLIENT", "CLUSTER", "(general)",
    "MIGRATE", "INFO", "LATENCY", "SLOWLOG", "MEMORY", "COMMAND", "TIME", "OBJECT", "LOLWUT",
    "WAIT", "WAITAOF", "SWAPDB", "VLINKS", "VSIM",
    "VRANDMEMBER", "VINFO", "HELLO", "FUNCTION", "ROLE", "LASTSAVE", "PEXPIRETIME",
}
NAMES = [
    name for name in harvest.replies()
    if name.split()[0] not in LEFT_OUT and not name.endswith(" HELP")
    and name not in ("SCRIPT KILL", "RANDOMKEY") and harvest.is_known(name.split())
    and "." not in name  # modules: those of the tests' server are older ones
]
PARTS = 8


def calls(name: str) -> list[harvest.Case]:
    """A command's example and its calls with odd numbers, each once."""
    found = {
        (*case.before, *case.call): case
        for category, cases in harvest.cases(name)
        if category in ("example", "numbers", "syntax")
        for case in cases
        if case.reply != harvest.BLOCKS and all(harvest.is_known(c.split()) for c in case.before)
    }
    return list(found.values())


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("protocol", [2, 3])
def test_replies_to_harvested_calls(both: Addresses, protocol: int, part: int) -> None:
    differences = []
    with RawClient(both[0]) as fake, RawClient(both[1]) as real:
        for name in NAMES[part::PARTS]:
            for case in calls(name):
                for control in (fake, real):
                    control.call(b"FLUSHALL")
                    for call in case.before:
                        control.call(*call.encode().split(b" "))
                replies = [_reply(address, protocol, case) for address in both]
                if replies[0] != replies[1] and not _alike(name, *replies):
                    differences.append((case.before, case.call, *replies))
    assert not differences, "\n" + "\n".join(map(repr, differences))


def _reply(address: Any, protocol: int, case: harvest.Case) -> bytes:
    with RawClient(address, protocol) as client:
        return client.call(*(word.encode() for word in case.call))


def _alike(name: str, fake: bytes, real: bytes) -> bool:
    """Whether replies differ only in what is random or in no order."""
    tips = harvest.command_facts().get(name, {}).get("tips", ())
    if not fake or not real:  # one of them closes the connection or waits
        return False
    left, right = tree(fake), tree(real)
    if "nondeterministic_output" in tips:
        return bool(types(left) == types(right))
    if "nondeterministic_output_order" in tips:
        left, right = in_order(left), in_order(right)
    return left == right


NULLS_AND_TYPES = """
    LPOP no|LPOP no 2|RPOP no 0|LMPOP 1 no LEFT|BLPOP no 0.01|BRPOP no 0.01|BZPOPMIN no 0.01
    BLMPOP 0.01 1 no LEFT|BZMPOP 0.01 1 no MIN|BLMOVE no a LEFT LEFT 0.01|BRPOPLPUSH no a 0.01
    ZMPOP 1 no MIN|ZRANK z no|ZRANK z no WITHSCORE|ZREVRANK z no WITHSCORE|ZRANK z a WITHSCORE
    XREAD STREAMS x 9-1|XREAD BLOCK 5 STREAMS x $|XREAD STREAMS x 0|XRANGE x - + COUNT 0
    XPENDING x g|XREADGROUP GROUP g c STREAMS x >|XREADGROUP GROUP g c BLOCK 5 STREAMS x >
    XPENDING x g - + 1 nobody|XINFO STREAM x|XINFO STREAM x FULL COUNT 0|ZSCORE z a|ZMSCORE z a no
    ZADD z INCR 1 a|ZADD z NX INCR 1 a|ZRANGE z 0 -1 WITHSCORES|ZPOPMIN z|ZPOPMIN z 2|SMEMBERS s
    SPOP no 2|SRANDMEMBER no 2|HGETALL h|HRANDFIELD h 1 WITHVALUES|HMGET h f no|CONFIG GET maxmemory
    COMMAND INFO get nope|COMMAND GETKEYSANDFLAGS set a b|CLIENT TRACKINGINFO|CLIENT LIST ID 999999
    LCS t t IDX|GEOPOS z no|GEOPOS no a|CLIENT GETNAME|SET no x XX|SET t x GET|INFO nope
    MEMORY STATS
""".replace("\n", "|")
SCRIPTS = (
    "return 1.5", "return false", "return {1,{'a'},nil}", "return {double=1.5}", "return {}",
    "return {map={a=1}}", "return {set={a=true}}", "return {big_number='12345678901234567890'}",
    "return {verbatim_string={format='txt',string='hi'}}", "redis.setresp(3) return {true,false}",
    "redis.setresp(3) return redis.call('hgetall','h')", "return redis.call('lpop','no',2)",
    "redis.setresp(3) return redis.call('zscore','z','a')", "return {err='A b'}", "return {ok='c'}",
    "redis.setresp(3) return redis.call('smembers','s')",
)
MADE = (
    "ZADD z 1 a 2.5 b", "HSET h f v", "XADD x 1-1 f v", "XGROUP CREATE x g 0", "SET t v",
    "SADD s m",
)


@pytest.mark.parametrize("protocol", [2, 3])
def test_nulls_and_types(both: Addresses, protocol: int) -> None:
    with RawClient(both[0], protocol) as fake, RawClient(both[1], protocol) as real:
        _compare_nulls_and_types(fake, real)


def _compare_nulls_and_types(one: RawClient, other: RawClient) -> None:
    def call(*words: bytes) -> None:
        fake, real = one.call(*words), other.call(*words)
        if fake != real:
            left, right = in_order(tree(fake)), in_order(tree(real))
            if words[0] in (b"XINFO", b"MEMORY"):  # figures of the server's memory
                left, right = types(left), types(right)
            assert left == right, (words, fake, real)

    for line in (*MADE, *filter(None, map(str.strip, NULLS_AND_TYPES.split("|")))):
        call(*line.encode().split())
    for script in SCRIPTS:
        call(b"EVAL", script.encode(), b"0")
    for line in ("WATCH t", "MULTI", "GET t", "SET t w", "EXEC"):
        call(*line.encode().split())
    for line in ("XADD x 9-1 f v", "XREADGROUP GROUP g c STREAMS x >", "XDEL x 9-1"):
        call(*line.encode().split())
    call(*b"XREADGROUP GROUP g c STREAMS x 0".split())
    for line in (
        "MULTI", "LPOP no 2", "HGETALL h", "SMEMBERS s", "ZSCORE z b", "BLMOVE no a LEFT LEFT 0",
        "BRPOPLPUSH no a 0", "BLPOP no 0", "XREAD BLOCK 0 STREAMS x $", "EXEC",
    ):
        call(*line.encode().split())


# Conversations ------------------------------------------------------------------------------


def test_commands_behind_a_blocked_one_wait(both: Addresses) -> None:
    def talk(address: Any) -> Any:
        with RawClient(address) as waiting, RawClient(address) as other:
            waiting.sock.sendall(b"BLPOP q 0\r\nECHO a\r\nBLPOP q 0\r\nECHO b\r\nQUIT\r\n")
            other.call(b"RPUSH", b"q", b"1", b"2")
            return waiting.rest()

    assert same(both, talk)[1]


def test_killed_connections_are_closed(both: Addresses) -> None:
    def talk(address: Any) -> Any:
        with RawClient(address) as victim, RawClient(address) as other:
            victim.sock.sendall(b"CLIENT ID\r\nBLPOP q 0\r\n")
            number = victim.reply().strip(b":\r\n")
            return other.call(b"CLIENT", b"KILL", b"ID", number), victim.rest()

    assert same(both, talk) == (b":1\r\n", (b"", True))


def test_a_blocked_client_that_vanishes_takes_nothing(both: Addresses) -> None:
    def talk(address: Any) -> Any:
        with RawClient(address) as other:
            with RawClient(address) as vanishing:
                vanishing.sock.sendall(b"BLPOP q 0\r\n")
                while b" cmd=blpop " not in other.call(b"CLIENT", b"LIST"):
                    pass
            while b" cmd=blpop " in other.call(b"CLIENT", b"LIST"):
                pass
            return other.call(b"RPUSH", b"q", b"1"), other.call(b"LLEN", b"q")

    same(both, talk)


def test_a_slow_reader_stalls_nobody(door: Listener) -> None:
    """1,000 replies of a megabyte, which nobody reads: the server keeps few of them."""
    with RawClient(door.address) as slow, RawClient(door.address) as other:
        other.call(b"SET", b"big", bytes(1 << 20))
        slow.sock.sendall(b"GET big\r\n" * 1000 + b"SET done 1\r\n")
        for _ in range(100):
            assert other.call(b"EXISTS", b"done") == b":0\r\n"
        for _ in range(1000):
            assert len(slow.reply()) == (1 << 20) + 12
        assert slow.reply() == b"+OK\r\n"


def test_what_came_together_is_broadcast_together(both: Addresses) -> None:
    def talk(address: Any) -> Any:
        with RawClient(address, 3) as client, RawClient(address, 3) as other:
            client.call(b"CLIENT", b"TRACKING", b"on", b"BCAST")
            client.sock.sendall(
                b"SET b 1\r\nSET a 1\r\nGET a\r\nMULTI\r\nSET c 1\r\nEXEC\r\nPING\r\n"
            )
            text = client.rest()
            other.sock.sendall(b"INCR n\r\nINCR m\r\n")
            return text, other.rest(), client.rest()

    same(both, talk)


@pytest.fixture
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is long enough to be sent in pieces need not be long for that."""
    monkeypatch.setattr("fakeredis.engine.core.replies._AT_ONCE", 1000)
    for name, value in {"_MANY": 1000, "_BIG": 1 << 16, "_PIECE": 1 << 12}.items():
        monkeypatch.setattr(f"fakeredis.resp.{name}", value)
    monkeypatch.setattr("fakeredis.tcp.protocol._TURN", 1 << 13)


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.usefixtures("short_pieces")
def test_long_replies_come_in_pieces(both: Addresses, protocol: int) -> None:
    def talk(address: Any) -> Any:
        with RawClient(address, protocol) as client:
            client.call(b"RPUSH", b"l", *(b"%d" % number for number in range(5000)))
            client.call(b"SET", b"big", bytes(1 << 17))
            client.call(b"ZADD", b"z", *(b"%d" % (number // 2) for number in range(6000)))
            client.call(b"HSET", b"h", b"f", b"v")
            client.call(b"SADD", b"s", b"m")
            client.call(b"ZADD", b"one", b"1.5", b"m")
            lines = [
                "LRANGE l 0 -1", "PING", "MGET big none big", "MULTI", "GET big", "MGET big big",
                "LRANGE l 0 -1", "HRANDFIELD h -2000", "EXEC", "ZRANGE z 0 -1 WITHSCORES",
                "HRANDFIELD h -5000", "HRANDFIELD h -5000 WITHVALUES", "SRANDMEMBER s -5000",
                "ZRANDMEMBER one -1001 WITHSCORES", "PING",
                "EVAL 'return redis.call(\"SRANDMEMBER\", \"s\", -2000)' 0", "PING", "",
            ]
            client.sock.sendall("\r\n".join(lines).encode())
            return client.rest()

    same(both, talk)


@pytest.mark.usefixtures("short_pieces")
def test_others_are_served_during_a_long_reply_and_it_ends_with_its_client() -> None:
    server = fakeredis.FakeServer()
    with server.listen() as door, RawClient(door.address) as other:
        for line in ("HSET h f v", "SADD s m", "ZADD z 1 m"):
            other.call(*line.encode().split())
        for command in (b"HRANDFIELD h", b"SRANDMEMBER s", b"ZRANDMEMBER z"):
            with RawClient(door.address) as greedy:
                greedy.sock.sendall(command + b" -2147483648\r\nSET ran 1\r\n")
                assert greedy.sock.recv(20).startswith(b"*2147483648\r\n")
                assert other.call(b"PING") == b"+PONG\r\n"
            while other.call(b"CLIENT", b"LIST").count(b"id=") > 1:
                pass
        assert other.call(b"EXISTS", b"ran") == b":0\r\n"


def test_commands_of_a_client_that_has_gone_do_not_all_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fakeredis.tcp.protocol._PATIENCE", 0.0)
    server = fakeredis.FakeServer()
    with server.listen() as door, RawClient(door.address) as other:
        with RawClient(door.address) as client:
            with server.lock:
                client.sock.sendall(b"INCR n\r\n" * 50_000)
            assert client.sock.recv(4) == b":1\r\n"
            assert other.call(b"PING") == b"+PONG\r\n"
        while other.call(b"CLIENT", b"LIST").count(b"id=") > 1:
            pass
        ran = int(other.call(b"GET", b"n").split(b"\r\n")[1])
        assert ran < 50_000


@pytest.mark.parametrize("kind", [b"normal", b"pubsub"])
def test_who_lets_too_much_wait_is_dropped(kind: bytes) -> None:
    """Nobody reads 40 MB, of which the system's buffers take only a part."""
    server = fakeredis.FakeServer()
    with (
        server.listen() as door, RawClient(door.address) as slow, RawClient(door.address) as other
    ):
        other.call(b"CONFIG", b"SET", b"client-output-buffer-limit", kind + b" 1mb 0 0")
        other.call(b"SET", b"big", bytes(1 << 19))
        if kind == b"pubsub":
            slow.call(b"SUBSCRIBE", b"c")
            counts = [other.call(b"PUBLISH", b"c", bytes(1 << 19)) for _ in range(80)]
            assert counts[-1] == b":0\r\n"
        else:
            slow.sock.sendall(b"GET big\r\n" * 80)
            while other.call(b"CLIENT", b"LIST").count(b"id=") > 1:
                pass


def test_a_request_that_never_ends_is_cut_off(both: Addresses) -> None:
    def talk(address: Any) -> Any:
        with RawClient(address) as client:
            client.call(b"CONFIG", b"SET", b"client-query-buffer-limit", b"1mb")
            with contextlib.suppress(OSError):
                client.sock.sendall(b"*2\r\n$4\r\nECHO\r\n$3000000\r\n" + bytes(2 << 20))
                return client.rest(5)
            return b"", True  # it was closed while it was being sent

    try:
        assert same(both, talk) == (b"", True)
    finally:
        same(both, exchange(b"CONFIG SET client-query-buffer-limit 1gb\r\n"))


@pytest.mark.parametrize("packet", [
    b"*1\r\n$400000000\r\n" + b"x" * 100_000, b"x" * 70_000, b"GET\r\n", b"*a\r\n", b"EXEC\r\n",
    b"EVAL \"return redis.call('GET')\" 0\r\n", b"MULTI\r\nGET\r\nEXEC\r\n",
])
def test_what_a_lost_client_has_sent_is_forgotten(packet: bytes) -> None:
    """At once, whatever it was: the garbage collector might come much later."""

    def served() -> list[Any]:
        return [each for each in gc.get_objects() if isinstance(each, protocol.ClientProtocol)]

    gc.collect()
    before = len(served())
    with fakeredis.FakeServer().listen() as door, RawClient(door.address) as other:
        gc.disable()
        try:
            with RawClient(door.address) as client:
                client.sock.sendall(packet)
            for _ in range(200):
                other.call(b"PING")
                if len(served()) == before + 1:
                    break
            assert len(served()) == before + 1
        finally:
            gc.enable()


def test_silent_clients_are_closed() -> None:
    server = fakeredis.FakeServer()
    with (
        server.listen() as door, RawClient(door.address) as silent,
        RawClient(door.address) as listening,
    ):
        silent.call(b"PING")
        listening.call(b"SUBSCRIBE", b"c")
        server.execute("CONFIG", "SET", "timeout", "1")
        assert silent.rest(5) == (b"", True)
        assert server.execute("PUBLISH", "c", "x") == 1


@pytest.mark.parametrize("password", ["", "secret"])
def test_strangers_are_refused_without_a_password(password: str) -> None:
    """As `tcp` sees them: the addresses are of a block that nobody has."""
    from fakeredis.tcp.listener import DENIED, TcpService

    server = fakeredis.FakeServer()
    server.execute("CONFIG", "SET", "requirepass", password)
    door = TcpService(server, [])
    assert door.refusal(("192.0.2.1", 5)) == (None if password else DENIED)
    assert door.refusal(("127.0.0.1", 5)) is None
    server.config.override("protected-mode", "no")
    assert door.refusal(("192.0.2.1", 5)) is None


def test_many_connections() -> None:
    """500 idle ones and 20 busy ones; `benchmarks/serving.py` makes 10,000 and 200."""
    with fakeredis.FakeServer().listen() as door, contextlib.ExitStack() as stack:
        idle = [stack.enter_context(RawClient(door.address)) for _ in range(500)]
        busy = [stack.enter_context(RawClient(door.address)) for _ in range(20)]
        for client in busy:
            client.sock.sendall(b"INCR n\r\n" * 100)
        for client in busy:
            assert [client.reply()[:1] for _ in range(100)] == [b":"] * 100
        assert busy[0].call(b"GET", b"n") == b"$4\r\n2000\r\n"
        assert {client.call(b"PING") for client in idle} == {b"+PONG\r\n"}
        line = busy[0].call(b"CLIENT", b"INFO").decode()
        own, server = busy[0].sock.getsockname(), door.address
        assert f" addr={own[0]}:{own[1]} laddr={server[0]}:{server[1]} " in line


def test_messages_from_a_client_inside_the_process() -> None:
    server = fakeredis.FakeServer()
    with server.listen() as door, RawClient(door.address) as outside:
        outside.call(b"SUBSCRIBE", b"c")
        assert server.client().publish("c", "x") == 1
        assert outside.reply() == b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n"


def test_waits_end_when_the_clock_is_moved() -> None:
    server = fakeredis.FakeServer()
    with server.listen() as door, RawClient(door.address) as client:
        client.sock.sendall(b"BLPOP q 1000\r\n")
        while not server.waiting:
            time.sleep(0.001)
        server.advance(1001)
        assert client.reply() == b"*-1\r\n"


# redis-py, ways to listen -------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [2, 3])
def test_redis_py(door: Listener, protocol: int) -> None:
    with redis.Redis(port=door.port, protocol=protocol, decode_responses=True) as client:
        client.flushall()
        client.set("a", "é", ex=100)
        with client.pipeline() as pipe:
            pipe.get("a").hset("h", mapping={"f": "v"}).hgetall("h")
            assert pipe.execute() == ["é", 1, {"f": "v"}]
        with client.pubsub() as listener:
            listener.subscribe("c")
            assert listener.get_message(timeout=30)["type"] == "subscribe"
            client.publish("c", "m")
            assert listener.get_message(timeout=30)["data"] == "m"
        assert client.blpop(["q"], timeout=0.01) is None


def test_redis_py_async(door: Listener) -> None:
    async def main() -> None:
        async with redis.asyncio.Redis(port=door.port) as client:
            assert await asyncio.gather(*(client.incr("n") for _ in range(50)))
            waiting = asyncio.ensure_future(client.blpop(["aq"], timeout=5))
            await client.rpush("aq", "x")
            assert await waiting in ([b"aq", b"x"], (b"aq", b"x"))

    asyncio.run(main())


def test_closing_ends_connections() -> None:
    door = fakeredis.FakeServer().listen()
    with RawClient(door.address) as client:
        client.call(b"PING")
        door.close()
        assert client.rest() == (b"", True)
    with pytest.raises(ConnectionError):
        RawClient(door.address)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here")
def test_unix_sockets(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    server = fakeredis.FakeServer()
    with server.listen(unixsocket=path) as door:
        with redis.Redis(unix_socket_path=path) as client:
            assert client.set("a", 1)
        with pytest.raises(OSError, match="another program listens"):
            server.listen(unixsocket=path)
        with pytest.raises(TypeError, match="no port"):
            _ = door.port
    assert not Path(path).exists()


@pytest.mark.parametrize("server_type", ["redis", "valkey"])
def test_the_names_of_the_public_fakeredis(server_type: str) -> None:
    server = fakeredis.TcpFakeServer(("127.0.0.1", 0), server_type=server_type)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    host, port = server.server_address
    with redis.Redis(host, port) as client:
        assert client.ping()
    server.shutdown()
    thread.join()
    server.server_close()


# The command line ---------------------------------------------------------------------------


@contextlib.contextmanager
def serving(
    *options: str, file: Path | None = None
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`fakeredis serve` in a process of its own, and its port."""
    command = [sys.executable, "-m", "fakeredis", "serve", *([str(file)] if file else []),
               "--port", "0", *options]
    with processes.started(command) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline().rpartition(":")[2])


def test_serve_ends_with_ctrl_c() -> None:
    with (
        serving("--config", "requirepass", "secret") as (process, port),
        redis.Redis(port=port, password="secret") as client,
    ):
        assert client.set("a", 1)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


@pytest.mark.parametrize(
    "words", [("EVAL", "while true do end", 0), ("HRANDFIELD", "k", -4000000)]
)
def test_serve_ends_while_a_command_runs_long(words: tuple[Any, ...]) -> None:
    with serving() as (process, port), RawClient(("127.0.0.1", port)) as client:
        assert client.call(b"HSET", b"k", b"f", b"v") == b":1\r\n"
        client.send(*[str(word).encode() for word in words])
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_a_reply_of_more_than_a_gigabyte() -> None:
    server = fakeredis.FakeServer()
    server.execute("SET", "k", "x" * (1 << 26))
    with server.listen() as listener, RawClient(listener.address) as client:
        client.sock.sendall(b"MGET" + b" k" * 17 + b"\r\n")
        left = 5 + 17 * (11 + (1 << 26) + 2)
        room = bytearray(1 << 20)
        while left:
            came = client.sock.recv_into(room)
            assert came
            left -= came
        assert client.call(b"PING") == b"+PONG\r\n"


def test_served_data_are_kept_in_a_store(tmp_path: Path) -> None:
    for _ in range(2):
        with (
            serving("--store", f"sqlite:///{tmp_path}/db") as (process, port),
            redis.Redis(port=port) as client,
        ):
            count = client.incr("n")
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    assert count == 2


def test_modules_are_served() -> None:
    options = ["--version", "7.4", "--modules", "json"]
    with serving(*options) as (_, port), redis.Redis(port=port) as client:
        assert client.json().set("k", "$", [1])


def test_serve_ends_with_shutdown() -> None:
    with serving() as (process, port), RawClient(("127.0.0.1", port)) as client:
        client.send(b"SHUTDOWN", b"NOSAVE")
        assert process.wait(60) == 0


def test_serve_takes_settings_as_the_server_does(tmp_path: Path) -> None:
    (tmp_path / "more.conf").write_text("save 60 2\nuser bob on >pw +@all ~* &*\n")
    (tmp_path / "redis.conf").write_text(
        f'# a comment\n\ndatabases 3\nsave 900 1\nINCLUDE "{tmp_path}/more.conf"\nport 0\n'
        "client-output-buffer-limit pubsub 1mb 0 0\nenable-debug-command local\nmaxclients 7\n"
    )
    wanted = {
        "databases": "3", "maxclients": "8", "save": "900 1 60 2", "appendonly": "yes",
        "client-output-buffer-limit": "normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 0 0",
    }
    file = tmp_path / "redis.conf"
    with (
        serving("--appendonly", "yes", "--maxclients", "8", file=file) as (_, port),
        redis.Redis(port=port, username="bob", password="pw", decode_responses=True) as client,
    ):
        assert client.config_get(*wanted) == wanted
        assert client.config_get("port") == {"port": str(port)}
        assert client.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", "1") == "OK"
        with pytest.raises(redis.ResponseError, match="DB index is out of range"):
            client.execute_command("SELECT", "3")


def test_serve_at_several_places(tmp_path: Path, certificates: Path) -> None:
    tls = _free_port()
    path = str(tmp_path / "s")
    with serving(
        "--unixsocket", path, "--unixsocketperm", "600", "--tls-port", str(tls),
        "--tls-cert-file", f"{certificates}/crt", "--tls-key-file", f"{certificates}/key",
        "--tls-ca-cert-file", f"{certificates}/crt", "--tls-auth-clients", "optional",
    ) as (process, port):
        assert process.stdout is not None
        lines = [process.stdout.readline().rpartition(" ")[2].strip() for _ in range(2)]
        assert lines == [f"127.0.0.1:{tls}", path]
        assert Path(path).stat().st_mode & 0o777 == 0o600
        with redis.Redis(port=port) as plain, redis.Redis(unix_socket_path=path) as unix:
            assert plain.set("a", 1)
            assert unix.get("a") == b"1"
        with redis.Redis(port=tls, ssl=True, ssl_ca_certs=f"{certificates}/crt") as client:
            assert client.get("a") == b"1"
            info = client.client_list()[0]
        assert info["laddr"] == f"127.0.0.1:{tls}"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert not Path(path).exists()


@pytest.mark.parametrize("tls", [False, True])
def test_clients_of_a_busy_door(tls: bool, request: pytest.FixtureRequest) -> None:
    """Who comes while a script runs is served at once, and stays when it has ended."""
    server = fakeredis.FakeServer()
    server.execute("CONFIG", "SET", "busy-reply-threshold", 5)
    context: ssl.SSLContext | None = None
    options: dict[str, Any] = {}
    if tls:
        folder = request.getfixturevalue("certificates")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "crt", folder / "key")
        options = {"ssl": True, "ssl_ca_certs": str(folder / "crt")}
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(server.listen(ssl=context))
        script, other, late, gone = (
            stack.enter_context(redis.Redis(port=listener.port, socket_timeout=10, **options))
            for _ in range(4)
        )
        other.ping()
        reader = stack.enter_context(other.pubsub(ignore_subscribe_messages=True))
        reader.subscribe("c")
        until(lambda: server.execute("PUBSUB", "NUMSUB", "c")[1])
        body = "redis.call('publish', 'c', 'early') while true do end"
        thread = threading.Thread(target=lambda: fails(script.eval, body, 0))
        thread.start()
        until(lambda: server.switched & switches.BUSY)
        before = len(server.sessions)
        assert reader.get_message(timeout=30) is None  # that of its subscription
        assert reader.get_message(timeout=30)["data"] == b"early"
        for client in (other, late, gone):
            assert "busy running a script" in fails(client.get, "k")
        quits = gone.connection_pool.get_connection()
        quits.send_command("QUIT")
        assert quits.read_response() == b"OK"
        assert quits._sock.recv(1) == b""
        assert other.script_kill()
        thread.join(30)
        assert late.set("k", b"x" * 100_000)
        assert late.get("k") == b"x" * 100_000
        assert other.publish("c", "afterwards") == 1
        assert reader.get_message(timeout=30)["data"] == b"afterwards"
        until(lambda: len(server.sessions) == before + 2)  # other's second, and late


def until(condition: Callable[[], Any]) -> None:
    ends = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.001)


def fails(call: Callable[..., Any], *args: Any) -> str:
    with pytest.raises(redis.ResponseError) as caught:
        call(*args)
    return str(caught.value)


def test_tls_clients_must_show_a_certificate(certificates: Path) -> None:
    tls = _free_port()
    files = {"ssl_ca_certs": f"{certificates}/crt", "ssl": True, "retry": Retry(NoBackoff(), 0)}
    own = {"ssl_certfile": f"{certificates}/crt", "ssl_keyfile": f"{certificates}/key"}
    with serving(
        "--tls-port", str(tls), "--tls-cert-file", f"{certificates}/crt",
        "--tls-key-file", f"{certificates}/key", "--tls-ca-cert-file", f"{certificates}/crt",
    ) as (process, _):
        assert process.stdout is not None
        process.stdout.readline()
        with redis.Redis(port=tls, **files, **own) as client:  # type: ignore[arg-type]
            assert client.ping()
        anonymous = redis.Redis(port=tls, **files)  # type: ignore[arg-type]
        with anonymous, pytest.raises(redis.ConnectionError):
            anonymous.ping()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the certificate ``crt`` of 127.0.0.1, signed by itself, and its ``key``."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.mark.parametrize(
    ("options", "text"),
    [(["--store", "nosuch:///x"], "memory://"),
     (["--store", "sqlite:////nosuch/x.db"], "unable to open"),
     (["--modules", "json,nosuch"], "no module 'nosuch'"),
     (["--port", "99999"], "cannot listen at 127.0.0.1:99"),
     (["--config", "nope", "1"], "nope"), (["--nope", "1"], "'nope 1': Bad directive"),
     (["--databases", "x"], "'databases x': argument couldn't be parsed into an integer"),
     (["--databases", "1", "2"], "Bad directive or wrong number of arguments"),
     (["--maxclients", "0"], "argument must be between 1 and"),
     (["--rename-command", "a", "b"], "ACL SETUSER can forbid"),
     (["--tls-port", "7"], "TLS: no tls-cert-file"),
     (["--host", "192.0.2.1"], "cannot listen at 192"),
     (["--include", "/nope"], "can't open config file '/nope'")],
)
def test_serve_refuses_what_it_cannot_do(
    options: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from fakeredis.cli import main

    with pytest.raises(SystemExit, match=text):
        main(["serve", "--port", "0", *options])
