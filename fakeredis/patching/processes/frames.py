"""Messages between processes: frames of marshalled plain values."""

from __future__ import annotations

import contextlib
import marshal
import struct
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

from fakeredis.engine.core.replies import (
    BLOCKED,
    NO_REPLY,
    NULL_ARRAY,
    OK,
    BigNumber,
    Push,
    SetReply,
    Status,
    Verbatim,
)

_HEAD: Final = struct.Struct("<I")
_MARSHAL_VERSION: Final = 2  # every Python reads it
_PLAIN: Final = frozenset({bytes, int, type(None), float, bool, str})
_SINGLES: Final = (BLOCKED, NO_REPLY, NULL_ARRAY)
_LISTS: Final[tuple[type, ...]] = (tuple, Push, set, SetReply, frozenset)
_BYTES: Final[tuple[type, ...]] = (Status, Verbatim, BigNumber, bytearray)


def packed(value: Any) -> Any:
    """A reply as values that `marshal` takes; a tuple is the mark of a richer type."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is list:
        return [item if type(item) is bytes else packed(item) for item in value]
    if kind is dict:
        return ("dict", [(packed(key), packed(item)) for key, item in value.items()])
    if kind in _BYTES:
        return (kind.__name__, bytes(value))
    if kind in _LISTS:
        return (kind.__name__, [packed(item) for item in value])
    if isinstance(value, str):
        return str.__str__(value)  # of a subclass
    if isinstance(value, BaseException):
        return ("error", type(value).__module__, type(value).__qualname__, str(value))
    return (repr(value),)


def unpacked(value: Any) -> Any:
    """Undo `packed`."""
    kind = type(value)
    if kind is list:
        return [item if type(item) is bytes else unpacked(item) for item in value]
    if kind is not tuple:
        return value
    name, *rest = value
    if name == "dict":
        return {unpacked(key): unpacked(item) for key, item in rest[0]}
    if name == "error":
        return _error(*rest)
    if name == "Status":
        return OK if rest[0] == b"OK" else Status(rest[0])
    made = _KINDS.get(name)
    if made is None:
        return _SINGLES_BY_NAME[name]
    return made(rest[0] if made in _BYTES else map(unpacked, rest[0]))


_KINDS: Final = {kind.__name__: kind for kind in (*_BYTES, *_LISTS)}
_SINGLES_BY_NAME: Final = {repr(single): single for single in _SINGLES}


def _error(module: str, name: str, text: str) -> BaseException:
    """An exception of the other process: of the same class, where that is loaded here."""
    made = getattr(sys.modules.get(module), name, None)
    if isinstance(made, type) and issubclass(made, Exception):
        with contextlib.suppress(Exception):
            return made(text)
    return RuntimeError(f"{name}: {text}")


def frame(message: Any) -> bytes:
    """A message of plain values as bytes."""
    data = marshal.dumps(message, _MARSHAL_VERSION)
    return _HEAD.pack(len(data)) + data


def frames(read: Callable[[], bytes], buffer: bytearray | None = None) -> Iterator[Any]:
    """The messages that come, until nothing more does.

    Args:
        read: gives bytes; none at the end.
        buffer: what has been read before, and in the end what was read of an unfinished message.
    """
    if buffer is None:
        buffer = bytearray()
    while data := read():
        buffer += data
        at = 0
        while len(buffer) >= at + _HEAD.size:
            start = at + _HEAD.size
            end = start + _HEAD.unpack_from(buffer, at)[0]
            if len(buffer) < end:
                break
            yield marshal.loads(bytes(buffer[start:end]))
            at = end
        del buffer[:at]
