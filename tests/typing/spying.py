"""The spy, as a typed program uses it; checked by mypy, never run."""

from __future__ import annotations

from unittest import mock

import fakeredis
from fakeredis import ANY, call, like, matching
from fakeredis.spy import CommandCall, Finding, Span, Spy


def assertions(fake: fakeredis.patch) -> None:
    calls: list[CommandCall] = fake.assert_called_command("SET", "k", ANY, ..., times=1)
    once: CommandCall = fake.assert_called_command_once("SET k v", via="direct", db=0)
    fake.assert_not_called_command(call.set(like("user:*"), matching(r"\d+"), ex=10))
    fake.assert_has_commands(["GET", mock.call.set("k", "v")], any_order=True)
    fake.assert_command_order("GET", "SET")
    fake.assert_only_commands("GET", "SET", key="k")
    fake.assert_no_commands(db=1)
    fake.assert_command_count(2, "GET")
    fake.assert_round_trips(at_most=2)
    fake.assert_keys_touched("k", only=True)
    fake.assert_no_n_plus_one(threshold=3)
    fake.assert_clean(ignore=("no-ttl",))
    fake.assert_ttl("k", at_least=1, at_most=60)
    findings: list[Finding] = fake.lint()
    name: str = once.name
    place: str = str(once.where)
    print(calls, findings, name, place)


def module_functions() -> None:
    calls: list[CommandCall] = fakeredis.assert_called_command("SET", "k", times=1)
    wrong: int = fakeredis.assert_called_command("SET")  # type: ignore[assignment]
    fakeredis.assert_no_commands()
    print(calls, wrong)


def by_hand(client: fakeredis.FakeRedis) -> None:
    with fakeredis.spy(client) as spy:
        client.set("k", "v")
    listener: Spy = spy
    with spy.span() as span:
        part: Span = span
    text: str = spy.snapshot()
    count: int = spy.count("SET")
    print(listener, part, text, count)
