"""Which spellings mean the same command."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

import fakeredis
from fakeredis.commands.arguments import Key
from fakeredis.commands.registry import Group
from fakeredis.spy import ANY, Spy, call, like, matching
from tests.spy.stub import StubSession

SAME = [
    ("SET k v", ("SET", "k", "v")),
    ("SET k v", ("set", b"k", "v")),
    ("SET k v", "SET k v"),
    ("SET k v", "set k 'v'"),
    ("SET k v", ("SET k", "v")),
    ("SET k v", "SET"),
    ("SET k v", "*"),
    ("SET k v", "S*"),
    ("SET k v", ("SET", ...)),
    ("SET k v", "SET k ..."),
    ("SET k v EX 10", ("SET", "k", ...)),
    ("SET k 1", ("SET", "k", 1)),
    ("SET k v NX EX 10", "SET k v EX 10 NX"),
    ("SET k v NX EX 10", "SET k v ex 10 nx"),
    ("SET k v NX EX 10", ("SET", "k", "v", "EX", ...)),
    ("SET k v NX EX 10", ("SET", "k", "v", "EX", ANY, "NX")),
    ("SET k v NX EX 10", ("SET", ANY, ANY, ANY, ANY, ANY)),
    ("SET k v EX 10", call.set("k", "v", ex=10)),
    ("SET k v EX 10 NX", call.set("k", "v", nx=True, ex=timedelta(seconds=10))),
    ("SET k v EX 10", call.set("k", ANY, ex=ANY)),
    ("SET k v", call("SET", "k", "v")),
    ("SET k v", call.execute_command("SET", "k", "v")),
    ("SET k v EX 10", mock.call.set("k", "v", ex=10)),
    ("SET k v EX 10", mock.call.set("k", mock.ANY, ex=mock.ANY)),
    ("SET k v", mock.call("SET", "k", "v")),
    ("SET k v", mock.call.execute_command("SET", "k", "v")),
    ("SET user:1 v", ("SET", like("user:*"), "v")),
    ("SET user:1 v", ("SET", re.compile(r"^user:\d$"), matching("^v$"))),
    ("INCRBY k 1", "INCR k"),
    ("INCRBY k 1", "INCR"),
    ("INCRBY k 1", ("INCR", ANY)),
    ("INCRBY k 1", ("INCR", ...)),
    ("INCRBY k 1", ("INCR", "k", ...)),
    ("INCRBY k 1", call.incr("k")),
    ("INCR k", "INCRBY k 1"),
    ("INCR k", "INCR k"),
    ("INCR k", "INCRBY"),
    ("DECRBY k 1", "DECR k"),
    ("HSET h a 1 b 2", "HSET h b 2 a 1"),
    ("HSET h a 1 b 2", ("HSET", "h", "b", ...)),
    ("HSET h a 1 b 2", ("HSET", "h", ANY, 2, "a", ANY)),
    ("HSET h a 1 b 2", call.hset("h", mapping={"b": 2, "a": 1})),
    ("MSET a 1 b 2", "MSET b 2 a 1"),
    ("MSETEX 2 a 1 b 2 EX 5 NX", "MSETEX 2 b 2 a 1 NX EX 5"),
    ("SADD s a b c", "SADD s c a b"),
    ("SADD s a b c", ("SADD", "s", ANY, "c", like("[ac]"))),
    ("SREM s a b", "SREM s b a"),
    ("DEL a b", "DEL b a"),
    ("EXISTS a b", "EXISTS b a"),
    ("SINTER a b", "SINTER b a"),
    ("SINTERSTORE d a b", "SINTERSTORE d b a"),
    ("SDIFF a b c", "SDIFF a c b"),
    ("SINTERCARD 2 a b LIMIT 3", "SINTERCARD 2 b a limit 3"),
    ("ZADD z NX CH 1 a 2 b", "ZADD z CH NX 2 b 1 a"),
    ("ZADD z 1 a", call.zadd("z", {"a": 1})),
    ("ZRANGE z 0 -1 REV WITHSCORES", "ZRANGE z 0 -1 withscores rev"),
    ("GEOADD g 1 2 a 3 4 b", "GEOADD g 3 4 b 1 2 a"),
    ("GEOSEARCH g FROMMEMBER a BYRADIUS 1 m COUNT 3 ANY ASC",
     "GEOSEARCH g ASC COUNT 3 ANY BYRADIUS 1 m FROMMEMBER a"),
    ("XADD s MAXLEN ~ 5 * f v", "XADD s maxlen ~ 5 * f v"),
    ("XADD s MAXLEN = 5 * f v", "XADD s MAXLEN 5 * f v"),
    ("XADD s MAXLEN ~ 5 LIMIT 10 NOMKSTREAM * f v", "XADD s NOMKSTREAM MAXLEN ~ 5 LIMIT 10 * f v"),
    ("XREAD COUNT 1 BLOCK 2 STREAMS a b 0 0", "XREAD BLOCK 2 COUNT 1 STREAMS a b 0 0"),
    ("XREADGROUP GROUP g c COUNT 1 STREAMS a >", "XREADGROUP COUNT 1 GROUP g c STREAMS a >"),
    ("XCLAIM s g c 0 1-1 1-2 JUSTID RETRYCOUNT 1", "XCLAIM s g c 0 1-1 1-2 RETRYCOUNT 1 JUSTID"),
    ("SORT l LIMIT 0 5 GET a GET b ALPHA", "SORT l ALPHA GET a GET b LIMIT 0 5"),
    ("SCAN 0 MATCH a* COUNT 5", "SCAN 0 COUNT 5 MATCH a*"),
    ("LINSERT l BEFORE a b", "LINSERT l before a b"),
    ("HEXPIRE h 10 NX FIELDS 2 a b", "HEXPIRE h 10 NX FIELDS 2 a b"),
    (
        "ZUNIONSTORE d 2 a b AGGREGATE MAX WEIGHTS 1 2",
        "ZUNIONSTORE d 2 a b WEIGHTS 1 2 AGGREGATE MAX",
    ),
    ("CONFIG GET maxmemory", "config get maxmemory"),
    ("CONFIG GET maxmemory", ("CONFIG GET", "maxmemory")),
    ("CONFIG GET maxmemory", ("CONFIG", "GET", "maxmemory")),
    ("CONFIG GET maxmemory", "CONFIG GET"),
    ("CONFIG GET maxmemory", "CONFIG"),
    ("CONFIG GET maxmemory", call.config_get("maxmemory")),
    ("OBJECT ENCODING k", call.object("encoding", "k")),
    ("XGROUP CREATE s g $ MKSTREAM", call.xgroup_create("s", "g", mkstream=True)),
    ("JSON.SET d $ 1", call.json().set("d", "$", 1)),
    ("DELEX k IFEQ v", "DELEX k ifeq v"), ("XDELEX k IDS 1 1-1 ACKED", "XDELEX k ACKED IDS 1 1-1"),
    ("XACKDEL k g IDS 1 1-1 ACKED", "XACKDEL k g ACKED IDS 1 1-1"),
    ("JSON.SET d $ 1", mock.call.json().set("d", "$", 1)),
    ("DEL a", call.delete("a")),
    ("PING", call.ping()),
    ("LRANGE l 0 -1", call.lrange("l", 0, -1)),
    ("ACME.DO a b", "ACME.DO a b"),
]

OTHER = [
    ("SET k v", "GET k"),
    ("SET k v", "SET k w"),
    ("SET k v", "SET k"),
    ("SET k v EX 10", "SET k v"),
    ("SET k v", ("SET", "k", "v", "x", ...)),
    ("SET k v", ("SET", "k", 1.0)),
    ("SET k v EX 10", "SET k v PX 10"),
    ("SET k EX", "SET k ex"),  # a value, and no option
    ("INCRBY k 2", "INCR k"),
    ("INCRBY k 2", "INCR"),
    ("INCRBY k 2", ("INCR", ...)),
    ("INCR k", "INCRBY k"),
    ("INCRBY k 1", "DECR k"),
    ("HSET h a 1 b 2", "HSET h a 2 b 1"),
    ("HSET h a 1 a 2", "HSET h a 2 a 1"),  # the last one wins
    ("MSET a 1 b 2", "MSET a 1"),
    ("SADD s a b", "SADD s a a"),
    ("SADD s a b", ("SADD", "s", like("a"), like("[a]"))),
    ("RPUSH l a b", "RPUSH l b a"),
    ("MGET a b", "MGET b a"),
    ("SDIFF a b", "SDIFF b a"),
    ("ZADD z 1 a 2 b", "ZADD z 2 a 1 b"),
    ("SORT l GET a GET b", "SORT l GET b GET a"),
    ("XADD s * f v g w", "XADD s * g w f v"),
    ("BLPOP a b 0", "BLPOP b a 0"),
    ("CONFIG GET maxmemory", "CONFIG SET"),
    ("PING hello", call.ping()),
    ("XADD s MAXLEN ~ 5 * f v", "XADD s MAXLEN 5 * f v"),
]


def _run(session: StubSession, sent: str) -> None:
    session.run(*sent.split())


@pytest.mark.parametrize(("sent", "expected"), SAME)
def test_same_command(spy: Spy, session: StubSession, sent: str, expected: Any) -> None:
    _run(session, sent)
    expected = expected if isinstance(expected, tuple) else (expected,)
    # A mock's call is a tuple itself.
    words = (expected,) if hasattr(expected, "call_list") else expected
    assert spy.count(*words) == 1
    assert spy.calls[0] == (words[0] if len(words) == 1 else words)


@pytest.mark.parametrize(("sent", "expected"), OTHER)
def test_other_command(spy: Spy, session: StubSession, sent: str, expected: Any) -> None:
    _run(session, sent)
    expected = expected if isinstance(expected, tuple) else (expected,)
    assert spy.count(*expected) == 0


def test_a_call_stands_for_itself(spy: Spy, session: StubSession) -> None:
    session.lines("SET k v\nSET k w")
    spy.assert_called_command_once(spy.calls[1])
    assert spy.calls == ["SET k v", ("SET", "k", ANY)]
    assert spy.calls[0] != 5
    assert spy.calls[0] != "GET"


@pytest.mark.parametrize("command", [5, None, (), "", ANY])
def test_what_is_no_command_is_refused(spy: Spy, command: Any) -> None:
    with pytest.raises(TypeError, match="a command is"):
        spy.count(command)


def test_a_method_that_is_not_called_is_refused(spy: Spy) -> None:
    with pytest.raises(TypeError, match=r"call\.set is not yet a command"):
        spy.count(call.set)


def test_a_method_called_wrongly_says_so(spy: Spy) -> None:
    with pytest.raises(TypeError, match="missing"):
        spy.count(call.set("k"))
    with pytest.raises(AttributeError, match="no_such"):
        spy.count(call.no_such("k"))


def test_expressions_read_as_written() -> None:
    assert repr(call.set("k", ANY, ex=10)) == "call.set('k', ANY, ex=10)"
    assert call.get("k") == call.get("k")
    assert call.get("k") != call.get("l")


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, 3),
        ({"via": "direct"}, 1),
        ({"via": ["pipeline", "direct"]}, 2),
        ({"via": "handshake"}, 1),
        ({"via": ANY}, 4),
        ({"db": 1}, 1),
        ({"db": {0, 1}}, 3),
        ({"client": 7}, 3),
        ({"client": 8}, 0),
        ({"client": "worker-*"}, 1),
        ({"server": "localhost:6379"}, 3),
        ({"server": "*:7000"}, 0),
        ({"key": "user:*"}, 2),
        ({"key": "user:1"}, 1),
        ({"key": re.compile("2$")}, 1),
        ({"method": "get"}, 1),
        ({"via": None}, 3),
    ],
)
def test_filters(spy: Spy, session: StubSession, filters: dict[str, Any], count: int) -> None:
    session.via = "handshake"
    session.run("HELLO", 3)
    session.via, session.method = "direct", "get"
    session.run("GET", "user:1")
    session.via, session.method, session.db = "pipeline", None, 1
    session.run("GET", "user:2")
    session.via, session.db, session.name = "script", 0, b"worker-1"
    session.run("GET", "other")
    assert spy.count(**filters) == count


def test_an_unknown_filter_is_refused(spy: Spy) -> None:
    with pytest.raises(TypeError, match="unknown filter 'vai'"):
        spy.count("GET", vai="direct")


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        ("GET a", "a"),
        ("MSET a 1 b 2", "a b"),
        ("DEL a b a", "a b"),
        ("BLPOP a b 0", "a b"),
        ("EVAL script 2 a b c", "a b"),
        ("ZUNIONSTORE d 2 a b", "d a b"),
        ("XREAD COUNT 1 STREAMS a b 0 0", "a b"),
        ("GEORADIUS g 1 2 3 m STORE d", "g d"),
        ("SORT l STORE d", "l d"),
        ("LMPOP 1 a LEFT", "a"),
        ("JSON.GET d $", "d"),
        ("JSON.MGET a b $", "a b"), ("JSON.DEBUG MEMORY d $", "d"),
        ("JSON.MSET a $ 1 b $ 2", "a b"),
        ("CMS.MERGE d 2 a b WEIGHTS 1 1", "d a b"), ("TS.MADD a 1 1 b 1 1", "a b"),
        ("BF.INSERT k ITEMS a", "k"),
        ("OBJECT ENCODING k", "k"),
        ("PUBLISH channel x", ""),
        ("FT.SEARCH idx query", "idx"),
        ("PING", ""),
    ],
)
def test_keys_of_a_call(spy: Spy, session: StubSession, sent: str, keys: str) -> None:
    _run(session, sent)
    assert list(spy.calls[0].keys) == keys.split()


@pytest.mark.parametrize(
    "name",
    ["HOTKEYS GET", "config", "CONFIG *", "JSON.SET", "FT.SEARCH", "SENTINEL MASTERS", "ARSET",
     "PSYNC", "VRANGE", "*", "X*", call.lolwut(5)],
)
def test_whatever_some_server_has_may_be_asked_for(spy: Spy, name: Any) -> None:
    assert spy.count(name) == 0


def test_a_name_of_a_third_party_is_one(spy: Spy) -> None:
    group = Group("acme")
    group.command("ACME.LENGTH", Key)(lambda ctx, key: 0)
    spy.assert_not_called_command("ACME.LENGTH")


def test_a_name_that_was_sent_is_one(spy: Spy, session: StubSession) -> None:
    session.lines("NOSUCH k")
    spy.assert_called_command_once("NOSUCH k")
    spy.assert_not_called_command("NOSUCH l")
    spy.assert_command_count(1, "NOS*")


def test_a_wrong_name_in_an_assertion_that_fails_anyway(spy: Spy, session: StubSession) -> None:
    session.lines("SET k v")
    with pytest.raises(AssertionError, match="GTE was never called; did you mean GET"):
        spy.assert_called_command("GTE", "k")
    with pytest.raises(AssertionError, match="SETT was never called; did you mean SET\\?"):
        spy.assert_has_commands(["SETT"])


@pytest.mark.parametrize(
    ("ask", "kind", "text"),
    [
        (lambda spy: spy.assert_not_called_command("SET", ..., "v"), TypeError, "comes last"),
        (lambda spy: spy.assert_not_called_command("SET", "k", None), TypeError, "never sent"),
        (lambda spy: spy.assert_not_called_command("SET", {"a": 1}), TypeError, "never sent"),
        (lambda spy: spy.assert_not_called_command("SET k v", ex=10), TypeError, "call.set"),
        (lambda spy: spy.assert_not_called_command("SET", via="pipe"), ValueError, "pipeline"),
        (lambda spy: spy.assert_not_called_command(call.sett("k", 1)), AttributeError, "'sett'"),
        (lambda spy: spy.assert_not_called_command("SET", db="zero"), TypeError, "number of a"),
        (lambda spy: spy.count("SET", db=[0, "1"]), TypeError, "number of a database, not '1'"),
        (lambda spy: spy.assert_called_with("SET"), AttributeError, "it is assert_called_command$"),
        (lambda spy: spy.assert_called_comand("SET"), AttributeError, "mean assert_called_command"),
        (lambda spy: fakeredis.assert_has_calls([]), AttributeError, "here it is assert_has_comm"),
        (lambda spy: fakeredis.nonsense, AttributeError, "no attribute 'nonsense'$"),
        (lambda spy: spy.assert_not_called_command("KEYZ"), ValueError, "did you mean KEYS"),
        (lambda spy: spy.assert_command_count(0, "GTE"), ValueError, "GET"),
        (lambda spy: spy.assert_called_command("GTE", times=0), ValueError, "GET"),
        (lambda spy: spy.assert_called_command("GTE", at_most=3), ValueError, "GET"),
        (lambda spy: spy.assert_only_commands("GTE k"), ValueError, "GET"),
        (lambda spy: spy.count("GTE k"), ValueError, "GET"),
        (lambda spy: spy.count(call("GTE", "k")), ValueError, "GET"),
        (lambda spy: spy.matching("config gte"), ValueError, "CONFIG GET"),
        (lambda spy: spy.count("GTE*"), ValueError, "no command's name fits"),
        (lambda spy: spy.assert_called_command("SET", times="2"), TypeError, "whole number"),
        (lambda spy: spy.assert_called_command("SET", times=-1), ValueError, "at least 0"),
        (lambda spy: spy.assert_called_command("SET", times=1, at_most=2), TypeError, "exact"),
        (lambda spy: spy.assert_called_command("SET", at_least=3, at_most=2), ValueError, "more"),
        (lambda spy: spy.assert_command_count("SET", 3), TypeError, "first argument"),
        (lambda spy: spy.assert_round_trips("3"), TypeError, "whole number"),
        (lambda spy: spy.assert_no_n_plus_one(0), ValueError, "at least 1"),
        (lambda spy: spy.assert_ttl("k", at_most="60"), TypeError, "seconds"),
        (lambda spy: spy.assert_has_commands(3), TypeError, "is a list"),
        (lambda spy: spy.assert_called_command("SET", like(3)), TypeError, "pattern"),
    ],
)
def test_an_assertion_that_cannot_mean_anything_is_refused(
    spy: Spy, ask: Any, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        ask(spy)
