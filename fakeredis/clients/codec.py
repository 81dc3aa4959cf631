"""Commands and replies as redis-py writes and reads them: arguments, errors, texts, numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, overload

import redis

from fakeredis.engine.core.replies import BigNumber
from fakeredis.errors import CommandError
from fakeredis.lazy import LazyModule

if TYPE_CHECKING:
    from fakeredis import resp
    from fakeredis.clients.interfaces import AnyConnection, Parser, TextEncoder
else:
    resp = LazyModule("fakeredis.resp")

KNOWN: Final = frozenset({"fakeredis", "redis", "valkey", "aioredis"})


def is_known(value: object) -> bool:
    """Whether a class or an object is of one of the libraries."""
    return str(getattr(value, "__module__", None)).partition(".")[0] in KNOWN


def _pack(argv: Sequence[bytes]) -> bytes:
    return resp.pack(argv)


class Packed(Sequence[bytes]):
    """Commands on their way from ``pack_command`` to ``send_packed_command``.

    To others it is what redis-py's own packing gives: a sequence of the protocol's bytes.

    Args:
        commands: the commands' words.
        pack: redis-py's own packing of them, for who looks.
    """

    __slots__ = ("commands", "_pack", "_pieces")

    def __init__(
        self, commands: Sequence[list[bytes]], pack: Callable[[], Sequence[bytes]] | None = None
    ) -> None:
        self.commands = commands
        self._pack = pack
        self._pieces: Sequence[bytes] | None = None

    @property
    def pieces(self) -> Sequence[bytes]:
        """The protocol's bytes, in as many pieces as redis-py makes."""
        if self._pieces is None:
            pack = self._pack
            self._pieces = list(map(_pack, self.commands)) if pack is None else pack()
        return self._pieces

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | Sequence[bytes]:
        return self.pieces[index]

    def __len__(self) -> int:
        return len(self.pieces)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and b"".join(self) == b"".join(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))


# Arguments --------------------------------------------------------------------------------------


def encode(encoder: TextEncoder, args: Iterable[Any]) -> list[bytes]:
    """Arguments as bytes, by redis-py's own rules.

    Raises:
        redis.DataError: an argument is of a type that redis-py refuses.
    """
    argv: list[bytes] = []
    for arg in args:
        kind = type(arg)
        if kind is bytes:
            argv.append(arg)
        elif kind is str:
            argv.append(arg.encode(encoder.encoding, encoder.encoding_errors))
        elif kind is int:
            argv.append(b"%d" % arg)
        elif kind is float:
            argv.append(repr(arg).encode())
        else:
            value = encoder.encode(arg)
            argv.append(value if type(value) is bytes else bytes(value))
    return argv


def encode_one(encoder: TextEncoder, arg: object) -> bytes:
    """One argument, see `encode`."""
    return encode(encoder, (arg,))[0]


def words(encoder: TextEncoder, args: Sequence[Any]) -> list[bytes]:
    """A whole command as bytes; redis-py allows ``"CONFIG GET"`` as its first word."""
    first = args[0]
    if isinstance(first, str):
        return encode(encoder, (*first.encode().split(), *args[1:]))  # whatever the encoding is
    if b" " in first:
        return encode(encoder, (*first.split(), *args[1:]))
    return encode(encoder, args)


class _Native:
    """How a compiled packer encodes: as UTF-8, whatever a connection's encoding is.

    To be used as an encoder.
    """

    encoding = "utf-8"
    encoding_errors = "strict"

    def __init__(self, packer: Any) -> None:
        self._packer = packer

    def encode(self, value: object) -> bytes:
        """A value that is no plain text or number, by the packer itself.

        Raises:
            redis.DataError: it is of a type that the packer refuses.
        """
        packed = b"".join(self._packer.pack(b"X", value))
        return packed.split(b"\r\n", 4)[4][:-2]


_NATIVE: Final = frozenset({"HiredisRespSerializer", "LibvalkeyRespSerializer"})
_natives: Final[dict[type, _Native]] = {}


def encoder_for(connection: AnyConnection) -> TextEncoder:
    """What encodes a connection's arguments: its encoder, or the compiled packer in its place."""
    packer = getattr(connection, "_command_packer", None)  # sync connections alone have one
    kind = type(packer)
    if kind.__name__ not in _NATIVE or not is_known(kind):
        return connection.encoder
    native = _natives.get(kind)
    if native is None:
        native = _natives[kind] = _Native(packer)
    return native


def packs_itself(connection: AnyConnection) -> bool:
    """Whether a connection was given a packer that is the user's own."""
    packer = getattr(connection, "_command_packer", None)
    return packer is not None and not is_known(type(packer))


# Replies ----------------------------------------------------------------------------------------

_DEEP: Final = 20  # lists in lists from which on Python's calls do not go deeper


def decoded(reply: Any, encoder: TextEncoder, depth: int = 0) -> Any:
    """A reply with its bytes as text."""
    kind = type(reply)
    if kind is bytes:
        return reply.decode(encoder.encoding, encoder.encoding_errors)
    if depth == _DEEP:
        return _decoded_deep(reply, encoder)
    if kind is list:
        encoding, strict = encoder.encoding, encoder.encoding_errors
        return [
            item.decode(encoding, strict) if type(item) is bytes
            else item if item is None or type(item) is int
            else decoded(item, encoder, depth + 1)
            for item in reply
        ]
    if kind is dict:
        return {
            decoded(key, encoder): decoded(value, encoder, depth + 1)
            for key, value in reply.items()
        }
    if isinstance(reply, bytes):
        return reply.decode(encoder.encoding, encoder.encoding_errors)
    return reply


def _decoded_deep(reply: object, encoder: TextEncoder) -> Any:
    root = [reply]
    waiting: list[Any] = [root]
    while waiting:
        box = waiting.pop()
        for at, item in _places(box):
            kind = type(item)
            if kind is list or kind is dict:
                if kind is list:
                    box[at] = item = [*item]
                else:
                    box[at] = item = {decoded(key, encoder): it for key, it in item.items()}
                waiting.append(item)
            else:
                box[at] = decoded(item, encoder)
    return root[0]


def _places(box: Any) -> Iterable[tuple[Any, Any]]:
    """Where the items of a list or a map are, and the items; they may be exchanged meanwhile."""
    return list(box.items()) if type(box) is dict else enumerate(box)


def parsed_error(parse_error: Callable[[str], Exception], error: CommandError) -> Any:
    """An error as redis-py's parser makes it of one in an array.

    Raises:
        redis.ConnectionError: it is such a one (BusyLoadingError), which ends the whole reply.
    """
    found = parse_error(str(error))
    if isinstance(found, redis.ConnectionError):
        try:
            raise found
        finally:
            del found  # this frame, which the traceback holds, would hold it
    return found


_NATIVE_PARSERS: Final = frozenset({
    "_HiredisParser", "_AsyncHiredisParser", "_LibvalkeyParser", "_AsyncLibvalkeyParser",
})
_DIGITS: Final = re.compile(rb"-?\d*")


def big_number(reply: bytes, parser: Parser) -> int | bytes:
    """A big number as a connection's parser gives it: the compiled ones leave the digits.

    Raises:
        redis.InvalidResponse: there are others than digits.
        ValueError: redis-py's own parser finds so.
    """
    if not any(base.__name__ in _NATIVE_PARSERS for base in type(parser).__mro__):
        return int(reply)
    if _DIGITS.fullmatch(reply) is None:
        raise redis.InvalidResponse("Bad bignum value")
    return bytes(reply)


_AS_THEY_ARE: Final = frozenset({bytes, int, float, bool, type(None)})
_LISTS: Final = frozenset({list})


def with_errors(reply: Any, parser: Parser, depth: int = 0) -> Any:
    """A reply in the types that redis-py's parser gives; error items become its exceptions.

    Lists and maps are changed in place.
    """
    kind = type(reply)
    if depth == _DEEP:
        return _with_deep_errors(reply, parser)
    if kind is list:
        kinds = {*map(type, reply)}
        if kinds <= _AS_THEY_ARE:
            return reply
        if kinds == _LISTS and _AS_THEY_ARE.issuperset(map(type, chain.from_iterable(reply))):
            return reply  # many samples, say, which none of these two looks has called for
        for index, item in enumerate(reply):
            if type(item) not in _AS_THEY_ARE:
                reply[index] = with_errors(item, parser, depth + 1)
    elif kind is dict:
        for key, value in reply.items():
            if type(value) not in _AS_THEY_ARE:
                reply[key] = with_errors(value, parser, depth + 1)
    elif kind is CommandError:
        return parsed_error(parser.parse_error, reply)
    elif kind is set or kind is tuple:
        return with_errors(list(reply), parser, depth)
    elif kind is BigNumber:
        return big_number(reply, parser)
    elif kind is not bytes and isinstance(reply, bytes):
        return bytes(reply)
    return reply


def _with_deep_errors(reply: object, parser: Parser) -> Any:
    root = [reply]
    waiting: list[Any] = [root]
    while waiting:
        box = waiting.pop()
        for at, item in _places(box):
            kind = type(item)
            if kind is set or kind is tuple:
                box[at] = item = list(item)
                kind = list
            if kind is list or kind is dict:
                waiting.append(item)
            else:
                box[at] = with_errors(item, parser)
    return root[0]
