from __future__ import annotations

import pytest

from fakeredis.spy import Spy
from tests.spy.stub import StubSession, spied_engine
from tests.spy.test_assertions import fails, text


def rules(spy: Spy) -> set[str]:
    return {finding.rule for finding in spy.lint(ignore=["no-ttl"])}


def test_one_by_one(spy: Spy, session: StubSession) -> None:
    session.lines("\n".join(f"GET {n}" for n in range(4)))
    spy.assert_no_n_plus_one()
    session.lines("GET 4")
    assert fails(spy.assert_no_n_plus_one) == text(
        """
        Expected no command one by one (N+1):
          n-plus-one: GET was sent 5 times, one by one: use MGET or a pipeline
              #0 GET 0
                  at HERE (direct, db 0)
              #1 GET 1
                  at HERE (direct, db 0)
              #2 GET 2
                  at HERE (direct, db 0)
              and 2 more
          5 commands recorded: GET x5
        """
    )
    spy.assert_no_n_plus_one(threshold=6)


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("SET {n} v", "use MSET or a pipeline"),
        ("SET {n} v EX 5", "use a pipeline"),
        ("HGET h {n}", "use HMGET"),
        ("HGET {n} f", "use a pipeline"),
        ("HGETALL {n}", "use a pipeline"),
        ("SADD s {n}", "use SADD with all members"),
        ("INCR k", "use a pipeline"),
        ("GET k", "ask once and keep the reply"), ("HMGET h f g", "ask once and keep the reply"),
        ("SRANDMEMBER s", "use a pipeline"), ("JSON.GET {n}", "use JSON.MGET or a pipeline"),
        ("JSON.GET {n} INDENT x", "use a pipeline"), ("NOSUCH {n}", "use a pipeline"),
    ],
)
def test_advice(spy: Spy, session: StubSession, line: str, advice: str) -> None:
    session.lines("\n".join(line.format(n=n) for n in range(5)))
    (finding,) = [each for each in spy.lint() if each.rule == "n-plus-one"]
    assert finding.message.endswith(": " + advice)
    assert len(finding.calls) == 5


def test_loops_of_two_commands_are_found(spy: Spy, session: StubSession) -> None:
    session.lines("\n".join(f"GET {n}\nHGETALL h{n}" for n in range(5)))
    assert len([each for each in spy.lint() if each.rule == "n-plus-one"]) == 2


def test_what_is_sent_together_or_must_wait_is_no_n_plus_one(
    spy: Spy, session: StubSession
) -> None:
    session.lines("SCAN 0\n" * 9 + "BLPOP q 1\n" * 9 + "PUBLISH c m\n" * 9)
    session.via, session.group = "pipeline", 1
    session.lines("GET k\n" * 9)
    session.via = "script"
    session.lines("GET k\n" * 9)
    spy.assert_no_n_plus_one()


def test_different_places_are_no_loop(spy: Spy, session: StubSession) -> None:
    recorder = session.server.recorder
    recorder.begin(session, "GET", [b"GET", b"1"])
    recorder.begin(session, "GET", [b"GET", b"2"])
    recorder.begin(session, "GET", [b"GET", b"3"])
    recorder.begin(session, "GET", [b"GET", b"4"])
    recorder.begin(session, "GET", [b"GET", b"5"])
    spy.assert_no_n_plus_one()


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        ("KEYS *", "keys"),
        ("SET k v\nEXPIRE k 10", "late-expiry"),
        ("GET k\nSET k 2", "read-modify-write"),
        ("HGET h f\nHSET h f 2", "read-modify-write"),
        ("FLUSHALL", "dangerous"),
    ],
)
def test_found(spy: Spy, session: StubSession, lines: str, rule: str) -> None:
    session.lines(lines)
    assert rules(spy) == {rule}


@pytest.mark.parametrize(
    "lines",
    [
        "SET k v EX 10\nGET k",
        "WATCH k\nGET k\nMULTI\nSET k 2\nEXEC",
        "GET k\nSET k 2 NX",
        "HGET h f\nHSET h g 2",
        "GET a\nSET b 2",
        "SET k v EX 10\nGET k\nEXPIRE other 10",
        "",
    ],
)
def test_not_found(spy: Spy, session: StubSession, lines: str) -> None:
    session.lines(lines)
    assert rules(spy) == set()


def test_a_cache_that_is_filled_loses_no_update(spy: Spy, session: StubSession) -> None:
    session.run("GET", "k", reply=None)
    session.run("SET", "k", "v", "EX", 10)
    spy.assert_clean()


def test_keys_without_ttl() -> None:
    spy, session = spied_engine()
    session.lines("SET a 1\nSET b 1\nSET c 1 EX 5\nSET d 1\nSET e 1\nDEL e\nHSET h f 1")
    found = [str(each) for each in spy.lint(ignore=["n-plus-one"])]
    assert found == [
        "no-ttl: SET left keys without a TTL: a, b, d",
        "no-ttl: HSET left keys without a TTL: h",
    ]


def test_large_replies(spy: Spy, session: StubSession) -> None:
    session.run("SMEMBERS", "s", reply=list(range(2000)))
    assert rules(spy) == {"large-reply"}


def test_clean() -> None:
    spy, session = spied_engine()
    spy.assert_clean()
    session.lines("KEYS *\nSET k v")
    assert fails(spy.assert_clean) == text(
        """
        Expected nothing to object to; 2 findings (keys, no-ttl):
          keys: KEYS walks the whole database and blocks the server: use SCAN
              #0 KEYS *
                  at HERE (direct, db 0)
          no-ttl: SET left keys without a TTL: k
              #1 SET k v
                  at HERE (direct, db 0)
          2 commands recorded: KEYS, SET
        """
    )
    spy.assert_clean(ignore=("keys", "no_ttl"))
    spy.assert_clean(ignore="*")
    assert "1 finding (keys)" in fails(spy.assert_clean, ignore=["no-*"])
