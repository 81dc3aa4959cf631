"""JSON as text: what the server takes, and how it writes.

The standard library's decoder and encoder do the work, with the server's numbers; what they refuse,
or may take for something else, goes to `fakeredis.datatypes.json.strict`, which knows the server's
limits and errors.  The standard library it is, and no faster one, since those write floats and
refuse text in words of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from fakeredis.datatypes.json.errors import JsonError
from fakeredis.datatypes.json.strict import Parser

__all__ = ["dumps", "float_text", "loads", "pretty"]

DEEPEST: Final = 127  # containers within each other

_LEAST: Final = -(1 << 63)
_MOST: Final = (1 << 64) - 1
_HALVES: Final = re.compile(r"\\u[dD][89a-fA-F]").search  # of characters beyond 16 bits
_SPACE: Final = re.compile(r"[ \t\n\r]*").match


def _integer(text: str) -> int | float:
    """An integer of 64 bits, or the float that the server takes a longer one for, or ``-0``."""
    value = int(text) if len(text) < 30 else _MOST + 1
    return value if _LEAST <= value <= _MOST and (value or text == "0") else _float(text)


def _float(text: str) -> float:
    """A float, which the server may round a little off where it has many digits.

    Raises:
        ValueError: it is beyond the range.
    """
    if len(text) < 16 and "e" not in text and "E" not in text:
        return float(text)
    try:
        return float(Parser(text).value())
    except JsonError:
        raise ValueError(text) from None


def _no_number(name: str) -> float:
    raise ValueError(name)


_DECODE: Final = json.JSONDecoder(
    parse_float=_float, parse_int=_integer, parse_constant=_no_number
).raw_decode


def loads(raw: bytes, whole: bool = False, any_depth: bool = False) -> Any:
    """The value that a text begins with; what stands behind it is left alone.

    Args:
        whole: nothing but space may stand behind.
        any_depth: it is a document, which may have grown deeper than what a command may bring.

    Raises:
        JsonError: the server's error.
    """
    if raw.isdigit() and len(raw) < 16 and raw[0] != 48:  # no zero first
        return int(raw)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise JsonError("Couldn't parse as UTF-8 string") from None
    if "\\u" not in text or _HALVES(text) is None:
        try:
            value, end = _DECODE(text, _SPACE(text).end())  # type: ignore[union-attr]
        except (ValueError, RecursionError):
            return Parser(text, any_depth).value(whole)
        rest = text[end : end + 1] if not whole else text[end:].strip(" \t\n\r")
        if not rest or (not whole and rest not in ".eE0123456789"):
            if any_depth or is_shallow(value):
                return value
    return Parser(text, any_depth).value(whole)


def is_text(raw: bytes) -> bool:
    """Whether bytes are UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_shallow(value: Any) -> bool:
    """Whether containers stand within each other no deeper than the server allows."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            child
            for node in level
            if type(node) in _CONTAINERS
            for child in (node.values() if type(node) is dict else node)
            if type(child) in _CONTAINERS
        ]
        if not level:
            return True
    return False


_CONTAINERS: Final = frozenset({dict, list})


# Writing ------------------------------------------------------------------------------------------


def float_text(value: float) -> str:
    """A float as the server writes it: an exponent below 1e-5 and from 1e16 on."""
    text = repr(value)
    return _FIX_EXPONENT(_respelled, text) if "e" in text else text


def _respelled(found: re.Match[str]) -> str:
    """A float of Python in the server's spelling; what stands in quotes as it is."""
    text = found.group()
    if text[0] == '"':
        return text
    mantissa, _, exponent = text.partition("e")
    if exponent == "-05":
        sign = "-" if mantissa[0] == "-" else ""
        return f"{sign}0.0000{mantissa.lstrip('-').replace('.', '')}"
    return f"{mantissa}e{int(exponent)}"


_FIX_EXPONENT: Final = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?e[+-]\d+').sub


def _quoting() -> Callable[[str], str]:
    encoder = json.JSONEncoder(ensure_ascii=False)
    return encoder.encode


quoted: Final = _quoting()


def _encoding() -> Callable[[Any], str]:
    """The encoder: with CPython its inner part, which an encoder would make anew for each text."""
    encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return encoder.encode
    pieces = make(
        None, encoder.default, json.encoder.encode_basestring, None, ":", ",", False, False, True
    )
    return lambda value: "".join(pieces(value, 0))


_encode: Final = _encoding()


def dumps(value: Any) -> bytes:
    """A value as the server writes it, without any space."""
    try:
        text = _encode(value)
    except RecursionError:
        return pretty(value, "", "", "")
    if "e-" in text or "e+" in text:
        text = _FIX_EXPONENT(_respelled, text)
    return text.encode()


def pretty(value: Any, indent: str, newline: str, space: str) -> bytes:
    """The same with ``newline`` and ``indent`` before each element, ``space`` after colons."""
    return "".join(_pieces(value, indent, newline, space)).encode()


def _pieces(value: Any, indent: str, newline: str, space: str) -> Iterator[str]:
    if not value or type(value) not in _CONTAINERS:
        yield scalar(value)
        return
    stack = [_items(value, space)]
    yield "{" if type(value) is dict else "["
    closing = ["}" if type(value) is dict else "]"]
    first = True
    while stack:
        found = next(stack[-1], None)
        if found is None:
            stack.pop()
            yield newline + indent * len(stack) + closing.pop()
            first = False
            continue
        head, child = found
        yield ("" if first else ",") + newline + indent * len(stack) + head
        first = False
        if child and type(child) in _CONTAINERS:
            stack.append(_items(child, space))
            closing.append("}" if type(child) is dict else "]")
            yield "{" if type(child) is dict else "["
            first = True
        else:
            yield scalar(child)


def _items(value: Any, space: str) -> Iterator[tuple[str, Any]]:
    if type(value) is dict:
        return ((f"{quoted(key)}:{space}", child) for key, child in value.items())
    return (("", child) for child in value)


def scalar(value: Any) -> str:
    """The text of a value that holds no others."""
    return float_text(value) if type(value) is float else _encode(value)
