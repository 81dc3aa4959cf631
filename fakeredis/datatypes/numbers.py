"""Numbers as the server reads and writes them.

Integers are signed 64 bit in canonical decimal form. Doubles are read as C's strtod reads them and
written in their shortest form. INCRBYFLOAT and HINCRBYFLOAT count in the 80-bit "long double" of
x86, which is done here in integers: a `LongDouble` (mantissa, exponent) stands for
mantissa * 2**exponent.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import frexp, isinf

INT_MIN = -(2**63)
INT_MAX = 2**63 - 1
_UINT_MAX = 2**64 - 1

LongDouble = tuple[int, int]
_INFINITE = 1 << 30
_MANTISSA_BITS = 64
_MAX_EXPONENT = 16384
_MIN_EXPONENT = -16445
_LONG_DOUBLE_CHARS = 5 * 1024
_LONG_DOUBLE_DIGITS = 17

_UNSIGNED = re.compile(rb"[\t-\r ]*([+-]?)([0-9]+)").fullmatch
_DECIMAL = re.compile(rb"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?").fullmatch
_HEX = re.compile(
    rb"([+-]?)0[xX]([0-9a-fA-F]*)(?:\.([0-9a-fA-F]*))?(?:[pP]([+-]?[0-9]+))?"
).fullmatch
_INFINITY = re.compile(rb"([+-]?)inf(?:inity)?", re.IGNORECASE).fullmatch


def signed(number: int) -> int:
    """A number of 64 bits as the machine has it with a sign; what is beyond wraps around."""
    return number if INT_MIN <= number <= INT_MAX else (number - INT_MIN) % 2**64 + INT_MIN


def parse_int(raw: bytes) -> int | None:
    """A signed 64 bit integer in canonical form; None for anything else."""
    if raw.isdigit():
        if raw[0] == 48:
            return 0 if len(raw) == 1 else None
        if len(raw) < 19:
            return int(raw)
    elif raw[:1] != b"-" or not raw[1:].isdigit() or raw[1] == 48:
        return None
    if len(raw) > 20:
        return None
    value = int(raw)
    return value if INT_MIN <= value <= INT_MAX else None


def parse_unsigned(raw: bytes) -> int | None:
    """An unsigned 64 bit integer as SCAN cursors are read.

    A canonical integer must not be negative; other spellings go through C's strtoull, which takes
    leading spaces, a sign (the value wraps around), leading zeros, and stops at a zero byte.
    """
    value = parse_int(raw)
    if value is not None:
        return value if value >= 0 else None
    found = _UNSIGNED(raw.partition(b"\0")[0])
    if found is None or len(found[2].lstrip(b"0")) > 20:
        return None
    value = int(found[2].lstrip(b"0") or b"0")
    if value > _UINT_MAX:
        return None
    return -value & _UINT_MAX if found[1] == b"-" else value


def parse_float(raw: bytes) -> float | None:
    """A double as ZADD and ZINCRBY accept it; None when it is malformed or out of range."""
    try:
        value = float(raw)
    except ValueError:
        return _parse_hex_float(raw)
    # float() also takes surrounding spaces, underscores and nan, which the server refuses.
    if raw[0] <= 32 or raw[-1] <= 32 or b"_" in raw or value != value:
        return None
    if value == 0.0:
        return value if _is_zero(raw) else None
    if isinf(value) and not _INFINITY(raw):
        return None
    return value


def parse_decimal(raw: bytes) -> float | None:
    """A double as servers accept it that read no hexadecimal ones."""
    value = parse_float(raw)
    return None if value is not None and _HEX(raw) else value


def _is_zero(raw: bytes) -> bool:
    """Whether the text means zero and did not become zero by underflow."""
    mantissa = raw.lower().partition(b"e")[0]
    return not mantissa.strip(b"+-0.")


def _parse_hex_float(raw: bytes) -> float | None:
    if not _HEX(raw):
        return None
    try:
        value = float.fromhex(raw.decode("ascii"))
    except (ValueError, OverflowError):
        return None
    if value == 0.0 and raw.lower().partition(b"x")[2].partition(b"p")[0].strip(b"0."):
        return None
    return value


def format_float(value: float) -> bytes:
    """The text of a double in a RESP2 reply."""
    if -4.611686018427388e18 <= value <= 4.611686018427388e18:
        whole = int(value)
        if whole == value:
            return b"%d" % whole if whole or str(value) == "0.0" else b"-0"
    elif value != value:
        return b"nan"
    elif isinf(value):
        return b"inf" if value > 0 else b"-inf"
    return _format_fraction(value)


def format_digits(value: float) -> bytes:
    """The digits of a double, whole numbers with an exponent too: 1e+15."""
    return _format_fraction(value) if value and not isinf(value) else b"%.17g" % value


@lru_cache(maxsize=4096)
def _format_fraction(value: float) -> bytes:
    """The digits that the server finds, which are not always the shortest or the closest."""
    sign = "-" if value < 0 else ""
    digits, scale = _grisu2(abs(value))
    return (sign + _layout(str(digits), scale)).encode()


def _grisu2(value: float) -> tuple[int, int]:
    """Digits and power of ten of a positive double, by the algorithm of F. Loitsch (PLDI 2010)."""
    fraction, exponent = _unpack(value)
    # The halfway points to both neighbours, at one exponent, as the value itself.
    shift = 64 - (2 * fraction + 1).bit_length()
    upper = (2 * fraction + 1) << shift
    if fraction == 1 << 52:
        lower = ((4 * fraction - 1) << shift) >> 1
    else:
        lower = (2 * fraction - 1) << shift
    exponent -= 1 + shift
    power, factor, factor_exponent = _cached_power(exponent)
    half = 1 << 63
    middle = (((fraction << (shift + 1)) * factor) + half) >> 64
    upper = ((upper * factor + half) >> 64) - 1
    lower = ((lower * factor + half) >> 64) + 1
    digits, scale = _digits_between(middle, upper, lower, -(exponent + factor_exponent + 64))
    return digits, scale - power


def _unpack(value: float) -> LongDouble:
    """Mantissa (53 bits unless denormal) and exponent."""
    if value < 2.2250738585072014e-308:
        return (int(value / 5e-324), -1074)
    mantissa, exponent = frexp(value)
    return (int(mantissa * 9007199254740992.0), exponent - 53)


@lru_cache(maxsize=128)
def _power_of_ten(index: int) -> LongDouble:
    """10**(8 * index - 348) as a rounded mantissa of exactly 64 bits, and its exponent."""
    power = 8 * index - 348
    number, divisor = (10**power, 1) if power >= 0 else (1, 10**-power)
    shift = 64 - number.bit_length() + divisor.bit_length()
    while True:
        if shift >= 0:
            quotient = ((number << (shift + 1)) // divisor + 1) >> 1
        else:
            quotient = (number // (divisor << (-shift - 1)) + 1) >> 1
        if quotient.bit_length() == 64:
            return (quotient, -shift)
        shift += 64 - quotient.bit_length()


@lru_cache(maxsize=4096)
def _cached_power(exponent: int) -> tuple[int, int, int]:
    """The power of ten that brings a binary exponent near to -46: power, mantissa, exponent."""
    index = (int(-(exponent + 87) * 0.30102999566398114) + 348) // 8
    while True:
        mantissa, power = _power_of_ten(index)
        reached = exponent + power + 64
        if reached < -60:
            index += 1
        elif reached > -32:
            index -= 1
        else:
            return (8 * index - 348, mantissa, power)


def _digits_between(middle: int, upper: int, lower: int, bits: int) -> tuple[int, int]:
    """The fewest digits in an interval of fixed-point numbers with `bits` fraction bits."""
    gap, delta = upper - middle, upper - lower
    unit = 1 << bits
    whole, rest = upper >> bits, upper & (unit - 1)
    left = len(str(whole))
    while left > 0:
        left -= 1
        step = 10**left
        remainder = ((whole % step) << bits) + rest
        if remainder <= delta:
            return _rounded_digits(whole // step, delta, remainder, step << bits, gap), left
    digits = whole
    while True:
        rest *= 10
        delta *= 10
        gap *= 10
        left -= 1
        digits = digits * 10 + (rest >> bits)
        rest &= unit - 1
        if rest < delta:
            return _rounded_digits(digits, delta, rest, unit, gap), left


def _rounded_digits(digits: int, delta: int, rest: int, step: int, gap: int) -> int:
    """Lower the last digit while that comes closer to the value and stays in the interval."""
    while (
        rest < gap
        and delta - rest >= step
        and (rest + step < gap or gap - rest > rest + step - gap)
    ):
        digits -= 1
        rest += step
    return digits


def _layout(digits: str, scale: int) -> str:
    """Plain notation where it is short enough, else scientific; value is digits * 10**scale."""
    size = len(digits)
    exponent = scale + size - 1
    if scale >= 0 and abs(exponent) < size + 7:
        return digits + "0" * scale
    if scale < 0 and (scale > -7 or abs(exponent) < 4):
        point = size + scale
        if point <= 0:
            return "0." + "0" * -point + digits
        return digits[:point] + "." + digits[point:]
    tail = "." + digits[1:] if size > 1 else ""
    return f"{digits[0]}{tail}e{exponent:+d}"


def parse_long_double(raw: bytes) -> LongDouble | None:
    """A long double as INCRBYFLOAT accepts it; None when it is malformed or out of range."""
    whole = parse_int(raw)
    if whole is not None:
        return (whole, 0)
    if not raw or len(raw) >= _LONG_DOUBLE_CHARS:
        return None
    found = _DECIMAL(raw)
    if found is not None:
        return _decimal_long_double(found)
    found = _HEX(raw)
    if found is not None:
        return _hex_long_double(found)
    found = _INFINITY(raw)
    if found is not None:
        return (-1 if found[1] == b"-" else 1, _INFINITE)
    return None


def _decimal_long_double(found: re.Match[bytes]) -> LongDouble | None:
    sign, whole, fraction, power = found.groups(b"")
    digits = (whole + fraction).lstrip(b"0")
    if not digits:
        return (0, 0) if whole or fraction else None
    scale = _exponent(power) - len(fraction)
    # Far out of range: refuse before the powers of ten get out of hand.
    if not -5000 - len(digits) < scale < 5000:
        return None
    number = _to_int(digits)
    if scale >= 0:
        value = _rounded(number * 10**scale, 1, 0)
    else:
        value = _rounded(number, 10**-scale, 0)
    return _signed(value, sign)


def _hex_long_double(found: re.Match[bytes]) -> LongDouble | None:
    sign, whole, fraction, power = found.groups(b"")
    if not whole and not fraction:
        return None
    number = int(whole + fraction, 16)
    scale = _exponent(power) - 4 * len(fraction)
    if not number:
        return (0, 0)
    return _signed(_rounded(number, 1, scale), sign)


def _exponent(text: bytes) -> int:
    """The exponent, cut to a size that is out of range all the same."""
    digits = text.lstrip(b"+-0")
    value = int(digits or b"0") if len(digits) < 10 else 10**10
    return -value if text[:1] == b"-" else value


def _to_int(digits: bytes) -> int:
    """int(), for any length: newer Pythons refuse more than 4300 digits at once."""
    if len(digits) <= 4000:
        return int(digits)
    return _to_int(digits[:-4000]) * 10**4000 + int(digits[-4000:])


def _signed(value: LongDouble | None, sign: bytes) -> LongDouble | None:
    if value is None or sign != b"-":
        return value
    return (-value[0], value[1])


def _rounded(number: int, divisor: int, scale: int) -> LongDouble | None:
    """Round number / divisor * 2**scale as a positive long double; None when out of range."""
    if abs(scale) > 40000:
        return None
    # Shift so that the quotient has at least two bits more than a mantissa.
    shift = max(0, _MANTISSA_BITS + 2 - number.bit_length() + divisor.bit_length())
    quotient, rest = divmod(number << shift, divisor)
    mantissa, exponent = _to_mantissa(quotient << 1 | (rest != 0), scale - shift - 1)
    if not mantissa or mantissa.bit_length() + exponent > _MAX_EXPONENT:
        return None
    return (mantissa, exponent)


def _to_mantissa(number: int, exponent: int) -> LongDouble:
    """Round half to even to a 64 bit mantissa (fewer bits near the smallest exponent)."""
    drop = max(number.bit_length() - _MANTISSA_BITS, _MIN_EXPONENT - exponent)
    if drop <= 0:
        return (number, exponent)
    half = 1 << (drop - 1)
    rest = number & ((1 << drop) - 1)
    number >>= drop
    if rest > half or (rest == half and number & 1):
        number += 1
    return (number, exponent + drop)


def is_infinite(value: LongDouble) -> bool:
    """Whether the long double is infinite."""
    return value[1] == _INFINITE


def add_long_double(a: LongDouble, b: LongDouble) -> LongDouble | None:
    """The sum; None when the result would be NaN or infinite."""
    if a[1] == _INFINITE or b[1] == _INFINITE:
        return None
    exponent = min(a[1], b[1])
    total = (a[0] << (a[1] - exponent)) + (b[0] << (b[1] - exponent))
    mantissa, exponent = _to_mantissa(abs(total), exponent)
    if mantissa.bit_length() + exponent > _MAX_EXPONENT:
        return None
    return (mantissa if total >= 0 else -mantissa, exponent)


def format_long_double(value: LongDouble) -> bytes:
    """The text of a long double: 17 decimals, trailing zeros cut."""
    mantissa, exponent = value
    if exponent == _INFINITE:
        return b"inf" if mantissa > 0 else b"-inf"
    sign = "-" if mantissa < 0 else ""
    if exponent >= 0:
        return (sign + _int_text(abs(mantissa) << exponent)).encode()
    scaled, _ = _round_bits(abs(mantissa) * 10**_LONG_DOUBLE_DIGITS, -exponent)
    digits = str(scaled).zfill(_LONG_DOUBLE_DIGITS + 1)
    whole, fraction = digits[:-_LONG_DOUBLE_DIGITS], digits[-_LONG_DOUBLE_DIGITS:].rstrip("0")
    if not fraction:
        return b"0" if whole == "0" else (sign + whole).encode()
    return f"{sign}{whole}.{fraction}".encode()


def _round_bits(number: int, drop: int) -> tuple[int, int]:
    """Divide by 2**drop, rounding half to even."""
    half = 1 << (drop - 1)
    rest = number & ((1 << drop) - 1)
    number >>= drop
    if rest > half or (rest == half and number & 1):
        number += 1
    return number, drop


def _int_text(number: int) -> str:
    """str(), for any length: newer Pythons refuse more than 4300 digits at once."""
    if number < 10**4000:
        return str(number)
    high, low = divmod(number, 10**4000)
    return _int_text(high) + str(low).zfill(4000)


def add_float_text(current: bytes, increment: LongDouble) -> bytes | None:
    """Text of current + increment; None when `current` is no number or the sum is not finite."""
    value = parse_long_double(current)
    total = None if value is None else add_long_double(value, increment)
    return None if total is None else format_long_double(total)


__all__ = [
    "INT_MAX",
    "INT_MIN",
    "LongDouble",
    "add_float_text",
    "add_long_double",
    "format_float",
    "format_long_double",
    "is_infinite",
    "parse_decimal",
    "parse_float",
    "parse_int",
    "parse_long_double",
    "parse_unsigned",
]
