"""What scripts' libraries make of values that nobody thought of, beside the real server.

Short by default; ``FAKEREDIS_LONG=1`` looks at many more.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.engines import Server
from tests.support.twin import describe, fake_reply, same
from tests.support.wire import Wire

EXAMPLES = 5000 if os.environ.get("FAKEREDIS_LONG") else 60
several = settings(
    max_examples=EXAMPLES, deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# A value as text, whatever the order of its keys.
SHOW = """local function show(v)
  if type(v) ~= 'table' then return type(v) .. tostring(v) end
  local all = {}
  for k, x in pairs(v) do all[#all + 1] = show(k) .. '=' .. show(x) end
  table.sort(all)
  return '{' .. table.concat(all, ',') .. '}'
end
"""


class Both:
    """The fake and the real server."""

    def __init__(self, url: str) -> None:
        self.fake, self.wire = Server().session(), Wire.to(url)

    def agree(self, script: str, *args: bytes) -> None:
        argv = [b"EVAL", script.encode(), b"0", *args]
        fake, real = fake_reply(self.fake, argv), self.wire.call(*argv)
        assert same(fake, real), f"{script}\n{args}\nfake: {describe(fake)}\nreal: {describe(real)}"


@pytest.fixture
def both(clean_real_url: str) -> Iterator[Both]:
    made = Both(clean_real_url)
    yield made
    made.wire.close()


numbers = st.one_of(
    st.integers(-(2**53), 2**53), st.integers(-300, 300), st.floats(allow_nan=False),
    st.sampled_from([2.0**31, 2.0**32, 2.0**63, -(2.0**63), 0.5, 1.5, 2.5, -0.5]),
)
atoms = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=5))
documents = st.recursive(
    atoms,
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
)
noise = st.lists(st.tuples(st.integers(0, 60), st.sampled_from(list(b'[]{},:"\\ 01.-+ex\t\0\xff'))),
                 max_size=2)


def spoilt(data: bytes, changes: list[tuple[int, int]]) -> bytes:
    raw = bytearray(data)
    for at, byte in changes:
        raw[at : at + byte % 2] = bytes((byte,))
    return bytes(raw)


@several
@given(document=documents, changes=noise)
def test_json(both: Both, document: Any, changes: list[tuple[int, int]]) -> None:
    text = spoilt(json.dumps(document).encode(), changes)
    both.agree(SHOW + "return show(cjson.decode(ARGV[1]))", text)
    both.agree("return cjson.encode({cjson.decode(ARGV[1])})", b"[%b]" % json.dumps(
        document if not isinstance(document, dict) else list(document.values())[:1]
    ).encode() if single(document) else b"1")


def single(document: Any) -> bool:
    """Whether nothing in it has an order of its own."""
    if isinstance(document, dict):
        return len(document) < 2 and all(map(single, document.values()))
    return not isinstance(document, list) or all(map(single, document))


pieces = st.sampled_from([
    b"\x91", b"\x92", b"\x81", b"\xa1a", b"\x01", b"\xff", b"\xc0", b"\xc2", b"\xcc\xff",
    b"\xd0\x80", b"\xcb?\xf0\0\0\0\0\0\0", b"\xca?\x80\0\0", b"\xd9\x01b", b"\xdc\0\1", b"\xde\0\1",
    b"\xcf" + b"\xff" * 8, b"\xd3" + b"\x80" * 8,
])


@several
@given(data=st.binary(max_size=12) | st.lists(pieces, max_size=8).map(b"".join))
def test_msgpack(both: Both, data: bytes) -> None:
    both.agree(SHOW + "return show({pcall(cmsgpack.unpack, ARGV[1])})", data)
    both.agree(SHOW + "return show({pcall(cmsgpack.unpack_limit, ARGV[1], 2, 1)})", data)


LAYOUTS = [
    "b", "B", "h", "H", "i", "I3", "i8", "l", "L", "f", "d", "s", "c2", "c0", "<", ">", "!", "!4",
    "!2", "x", "T", "q", " ",
]
layouts = st.lists(st.sampled_from(LAYOUTS), max_size=5).map("".join)


@several
@given(layout=layouts, values=st.lists(st.one_of(numbers, st.text("ab", max_size=3)), max_size=5),
       data=st.binary(max_size=20), start=st.integers(-1, 5))
def test_struct(both: Both, layout: str, values: list[Any], data: bytes, start: int) -> None:
    given_ = ", ".join(repr(value) for value in values if value != float("inf"))
    given_ = given_.replace("inf", "1/0")
    call = f"'{layout}'" + (f", {given_}" if given_ else "")
    for name, words in (
        ("pack", call), ("size", f"'{layout}'"), ("unpack", f"'{layout}', ARGV[1], {start}"),
    ):
        both.agree(SHOW + f"local found = {{struct.{name}({words})}} return show(found)", data)


@several
@given(
    a=numbers, b=numbers,
    name=st.sampled_from(["band", "bor", "bxor", "lshift", "rshift", "arshift", "rol", "ror"]),
    one=st.sampled_from(["bnot", "tobit", "bswap", "tohex"]),
)
def test_bits(both: Both, a: float, b: float, name: str, one: str) -> None:
    x, y = (repr(value).replace("inf", "1/0") for value in (a, b))
    both.agree(f"return {{bit.{name}({x}, {y}), bit.{one}({x})}}")


@several
@given(value=numbers)
def test_numbers(both: Both, value: float) -> None:
    text = repr(value).replace("inf", "1/0")
    both.agree(f"return {{{text}, tostring({text}), cmsgpack.pack({text}), 1}}")
    both.agree(f"redis.call('set', 'k', {text}) return redis.call('get', 'k')")
