"""The protocol's bytes: requests cut anywhere, and replies of all types."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakeredis import resp
from fakeredis.engine.core.replies import NULL_ARRAY, BigNumber, Push, SetReply, Status, Verbatim
from fakeredis.engine.core.session import ProtocolSession
from fakeredis.errors import CommandError
from tests.support.engines import Server
from tests.support.raw import RawClient

COMMANDS = st.lists(st.lists(st.binary(max_size=30), min_size=1, max_size=5), max_size=6)


def parse(stream: bytes, cuts: list[int]) -> list[list[bytes]]:
    parser = resp.RequestParser()
    found: list[list[bytes]] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += parser.feed(stream[start:end])
    assert parser.pending == 0
    return found


@given(COMMANDS, st.data())
def test_requests_may_be_cut_anywhere(commands: list[list[bytes]], data: st.DataObject) -> None:
    stream = b"".join(map(resp.pack, commands))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    assert parse(stream, cuts) == commands


def test_requests_of_unusual_sizes() -> None:
    commands = [[b"x"] * 65, [b"a\r\n$1\r\n", b"y" * 5000], [b"", b"\r\n"], [b"z" * 300_000]]
    stream = b"".join(map(resp.pack, commands))
    assert parse(stream, []) == commands
    assert parse(stream, list(range(0, len(stream), 1000))) == commands


def test_a_large_request_is_not_read_again_with_each_packet() -> None:
    """20 MB of arguments in packets of 4 KB: what was read is kept."""
    parser = resp.RequestParser()
    stream = resp.pack([b"MSET", *[b"v" * 10_000] * 2000])
    steps = [list(parser.feed(stream[at : at + 4096])) for at in range(0, len(stream), 4096)]
    assert [len(commands) for commands in steps] == [0] * (len(steps) - 1) + [1]


def test_commands_before_an_error_are_given() -> None:
    parser = resp.RequestParser()
    commands = parser.feed(b"PING\r\n*1\r\n$4\r\nPING\r\n*x\r\nPING\r\n")
    assert [next(commands), next(commands)] == [[b"PING"], [b"PING"]]
    with pytest.raises(resp.ProtocolError, match="invalid multibulk length"):
        next(commands)
    assert parser.take() == []


VALUES: list[tuple[Any, bytes, bytes]] = [
    (b"a\r\n", b"$3\r\na\r\n\r\n", b"$3\r\na\r\n\r\n"),
    (Status(b"OK"), b"+OK\r\n", b"+OK\r\n"),
    (-7, b":-7\r\n", b":-7\r\n"),
    (True, b":1\r\n", b"#t\r\n"),
    (None, b"$-1\r\n", b"_\r\n"),
    (NULL_ARRAY, b"*-1\r\n", b"_\r\n"),
    (1.5, b"$3\r\n1.5\r\n", b",1.5\r\n"),
    (math.inf, b"$3\r\ninf\r\n", b",inf\r\n"),
    ([1, None, [b"x"]], b"*3\r\n:1\r\n$-1\r\n*1\r\n$1\r\nx\r\n",
     b"*3\r\n:1\r\n_\r\n*1\r\n$1\r\nx\r\n"),
    ({b"k": 2.0}, b"*2\r\n$1\r\nk\r\n$1\r\n2\r\n", b"%1\r\n$1\r\nk\r\n,2\r\n"),
    ({b"m"}, b"*1\r\n$1\r\nm\r\n", b"~1\r\n$1\r\nm\r\n"),
    (SetReply([b"m"]), b"*1\r\n$1\r\nm\r\n", b"~1\r\n$1\r\nm\r\n"),
    (Push([b"m"]), b"*1\r\n$1\r\nm\r\n", b">1\r\n$1\r\nm\r\n"),
    (Verbatim(b"t"), b"$1\r\nt\r\n", b"=5\r\ntxt:t\r\n"),
    (BigNumber(b"12"), b"$2\r\n12\r\n", b"(12\r\n"),
    (1 << 70, b"(1180591620717411303424\r\n", b"(1180591620717411303424\r\n"),
    (CommandError("ERR a\r\nb"), b"-ERR a  b\r\n", b"-ERR a  b\r\n"),
]


@pytest.mark.parametrize(("value", "resp2", "resp3"), VALUES, ids=lambda value: repr(value)[:20])
def test_replies(value: Any, resp2: bytes, resp3: bytes) -> None:
    assert resp.encode(value, 2) == resp2
    assert resp.encode(value, 3) == resp3


VERBATIM = [
    *(f"return {{verbatim_string = {{format = {form}, string = 'x'}}}}" for form in (
        "'markdown'", "'txt'", "'mkd'", "'ab'", "''", r"'\0bc'", r"'ab\0d'", "'é'", r"'a\r\nb'",
        "12345", "true", "{}", "nil",
    )),
    r"return {1, {verbatim_string = {format = 'a', string = 'a\r\n\0b'}}}",
    "return {map = {[{1, 'a'}] = {2}}}", "return {1, {map = {[{ok = 'a'}] = 1}}}",
    "return {set = {[{1, {map = {[{err = 'ERR x'}] = 1}}}] = 1}}",
    "redis.setresp(3) return redis.call('LOLWUT', 'VERSION', 9).verbatim_string.format",
]


@pytest.mark.parametrize("protocol", [2, 3])
def test_formats_of_verbatim_strings(real_url: str, protocol: int) -> None:
    host, port = real_url.removeprefix("redis://").removesuffix("/0").split(":")
    session = ProtocolSession(Server(), protocol)
    with RawClient((host, int(port)), protocol) as client:
        for script in VERBATIM:
            argv = [b"EVAL", script.encode(), b"0"]
            assert resp.encode(session.execute(argv), protocol) == client.call(*argv), script


NESTED = ["t", "1, t", "t, 'x'", "map={a=t}", "set={[t]=1}", "map={[t]=1}",
          "'x', t, {err='e x'}, true, 1.5"]


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("table", NESTED)
def test_replies_that_nest_deep(real_url: str, protocol: int, table: str) -> None:
    host, port = real_url.removeprefix("redis://").removesuffix("/0").split(":")
    session = ProtocolSession(Server(), protocol)
    rich = "map=" in table or "set=" in table
    depths = [100, 1999, 2000, 2665, 2666] if rich else [100, 2000, 7994, 7995, 7996]
    with RawClient((host, int(port)), protocol) as client:
        for depth in depths:
            script = f"local t = {{}} for i = 2, {depth} do t = {{{table}}} end return t"
            argv = [b"EVAL", script.encode(), b"0"]
            ours = resp.encode(session.execute(argv), protocol)
            assert hash(ours) == hash(client.call(*argv)), depth


DEBUG_TYPES = (b"string", b"integer", b"double", b"null", b"array", b"map", b"verbatim", b"true")


@pytest.mark.parametrize("protocol", [2, 3])
def test_types_as_the_real_server_writes_them(real_url: str, protocol: int) -> None:
    host, port = real_url.removeprefix("redis://").removesuffix("/0").split(":")
    values: list[Any] = [
        b"Hello World", 12345, 3.141, None, [0, 1, 2], {0: False, 1: True, 2: False},
        Verbatim(b"This is a verbatim\nstring"), True,
    ]
    with RawClient((host, int(port)), protocol) as client:
        for kind, value in zip(DEBUG_TYPES, values, strict=True):
            assert client.call(b"DEBUG", b"PROTOCOL", kind) == resp.encode(value, protocol)
