"""Numbers as the server reads and writes them, against the server itself."""

from __future__ import annotations

import random
import struct
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from fakeredis.datatypes import numbers

INTEGERS = (
    b"0|-0|+1|01|-1|-01| 1|1 ||-|--1|9223372036854775807|9223372036854775808|-9223372036854775808|"
    b"-9223372036854775809|1_0|1\n|\xd9\xa1|00|1.0|1e3|0x10|999999999999999999|1000000000000000000|"
    b"18446744073709551615|18446744073709551616|-18446744073709551615|+5|\t7|\x0b7|- 7|"
    b"000000000000000000000000000005|1000000000000000000000000|1\x00|abc"
).split(b"|")

FLOATS = (
    b"3|-0|-0.0|0|0e5|1e20|1e21|1e-7|1.1|inf|-inf|+inf|Infinity|-infinity|INF|nan|NaN|-nan|nan(1)|"
    b"0x10|0x1.8p3|0X1P-2|0x|0x.8|0xg|0x0|0x0p5|1e400|-1e400|1e-400|0e-400|5e-324|4e-324|2e-324|"
    b"1e-310| 1|1 |\t1||+1|+-1|--1|.5|5.|.|+|-|1e|1e+|1_0|1\x00|\x001|1E5|3.0000000000000001|"
    b"1.7976931348623157e308|1.7976931348623159e308|0x1p-1074|0x1p-1075|0x1p1023|0x1p1024|infin|"
    b"1,5|\xd9\xa1|1d|1L|0x1.|0x.p1|0x1p|1p3|+0x10|-0x10|+.5e1|00001|-00|1e99999999999|"
    b"1e-99999999999|0x1p99999999999|1.5e300|0.30000000000000004|123456.789|10.50|5.0e3|1e4932|"
    b"1.2e4932|1e4933|1e-4950|1e-4951|1e-5000|0x1p16383|0x1p16384|0x1p-16445|0x1p-16446|"
    b"18446744073709551617|36893488147419103235|0.000000000000000015|0.000000000000000005|-1e-30|"
    b"0.5e1_0|1e5.5|e5|.e1|infinity |i|\xff|0x1fffffffffffffffffffffff|4611686018427387905"
).split(b"|")


def outcome(real: Any, *command: bytes | str) -> bytes | None:
    real.response_callbacks.clear()
    try:
        reply = real.execute_command(*command)
    except redis.ResponseError as error:
        return str(error).encode()
    return reply if isinstance(reply, bytes) else b"%d" % reply if reply is not None else None


@pytest.mark.real
@pytest.mark.parametrize("raw", INTEGERS)
def test_integers_as_the_server(real: Any, raw: bytes) -> None:
    real.set("k", "0")
    expected = outcome(real, "INCRBY", "k", raw)
    value = numbers.parse_int(raw)
    assert (
        (expected == b"%d" % value) if value is not None else b"not an integer" in (expected or b"")
    )


@pytest.mark.real
@pytest.mark.parametrize("raw", INTEGERS)
def test_cursors_as_the_server(real: Any, raw: bytes) -> None:
    try:
        real.execute_command("SSCAN", "missing", raw)
    except redis.ResponseError:
        assert numbers.parse_unsigned(raw) is None
    else:
        value = numbers.parse_unsigned(raw)
        assert value is not None
        assert 0 <= value < 2**64


def test_unsigned_wraps() -> None:
    assert numbers.parse_unsigned(b"-18446744073709551615") == 1
    assert numbers.parse_unsigned(b"18446744073709551615") == 2**64 - 1


def score_text(real: Any, raw: bytes) -> bytes | None:
    """What ZADD and ZSCORE make of a number, as text; None when it is refused."""
    real.response_callbacks.clear()
    real.delete("z")
    try:
        real.execute_command("ZADD", "z", raw, "x" * 65)
    except redis.ResponseError:
        return None
    reply = real.execute_command("ZSCORE", "z", "x" * 65)
    assert isinstance(reply, bytes)
    return reply


@pytest.mark.real
@pytest.mark.parametrize("raw", FLOATS)
def test_floats_as_the_server(real: Any, raw: bytes) -> None:
    value = numbers.parse_float(raw)
    assert score_text(real, raw) == (None if value is None else numbers.format_float(value))


@pytest.mark.real
def test_many_floats_are_written_as_the_server_writes_them(real: Any) -> None:
    rng = random.Random(5)
    values = [struct.unpack("<d", rng.randbytes(8))[0] for _ in range(300)]
    values += [rng.uniform(-1, 1) * 10 ** rng.randrange(-12, 25) for _ in range(400)]
    values += [round(rng.uniform(-1, 1) * 10 ** rng.randrange(1, 9), 3) for _ in range(200)]
    values += [float(2**power) for power in range(40, 80)]
    values += [float(rng.randrange(1, 99) * 10**power) for power in range(26)]
    for value in values:
        if value == value:
            text = score_text(real, repr(value).encode())
            assert text == numbers.format_float(value)


def test_nan_text() -> None:
    assert numbers.format_float(float("nan")) == b"nan"


@given(st.floats(allow_nan=False))
def test_float_text_reads_back(value: float) -> None:
    assert numbers.parse_float(numbers.format_float(value)) == value


@given(st.integers(-(2**66), 2**66))
def test_integer_text(value: int) -> None:
    expected = value if numbers.INT_MIN <= value <= numbers.INT_MAX else None
    assert numbers.parse_int(b"%d" % value) == expected


def increased(base: bytes, increment: bytes) -> bytes:
    """What INCRBYFLOAT replies, after our own arithmetic."""
    parsed = numbers.parse_long_double(increment)
    if numbers.parse_long_double(base) is None or parsed is None:
        return b"value is not a valid float"
    return numbers.add_float_text(base, parsed) or b"increment would produce NaN or Infinity"


@pytest.mark.real
@pytest.mark.parametrize("raw", FLOATS)
def test_long_doubles_as_the_server(real: Any, raw: bytes) -> None:
    for other in (b"0", b"1", b"-0.1", b"1e4931", b"-inf"):
        for base, increment in ((raw, other), (other, raw)):
            real.set("k", base)
            assert outcome(real, "INCRBYFLOAT", "k", increment) == increased(base, increment)


@pytest.mark.real
def test_many_sums_as_the_server(real: Any) -> None:
    rng = random.Random(7)
    for _ in range(400):
        pair = [
            b"%.*f" % (rng.randrange(18), rng.uniform(-1, 1) * 10 ** rng.randrange(0, 20))
            for _ in range(2)
        ]
        real.set("k", pair[0])
        assert outcome(real, "INCRBYFLOAT", "k", pair[1]) == increased(*pair)
        real.hset("h", "f", pair[0])
        assert outcome(real, "HINCRBYFLOAT", "h", "f", pair[1]) == increased(*pair)


@pytest.mark.real
@pytest.mark.parametrize("size", [5000, 5119, 5120])
def test_long_texts_as_the_server(real: Any, size: int) -> None:
    for raw in (b"0" * (size - 1) + b"1", b"." + b"3" * (size - 1), b"0x" + b"0" * (size - 2)):
        real.set("k", b"1")
        assert outcome(real, "INCRBYFLOAT", "k", raw) == increased(b"1", raw)
        assert (score_text(real, raw) is None) == (numbers.parse_float(raw) is None)


def test_infinite() -> None:
    value = numbers.parse_long_double(b"-inf")
    assert value is not None
    assert numbers.is_infinite(value)
    assert numbers.format_long_double(value) == b"-inf"
