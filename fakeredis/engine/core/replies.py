"""Reply values and how they change between RESP2 and RESP3.

Handlers return plain values in RESP3's richer terms: ``None``, `int`, `bytes`, `list`, `dict`
(map), `set` (set), `float` (double), `bool`, `Status`, `Verbatim`, and `CommandError` items.  A
command whose replies look different in the two protocols is declared with a `Shape`, so that all
others pay nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, Final, NamedTuple, Protocol

from fakeredis import errors
from fakeredis.datatypes.numbers import format_float
from fakeredis.errors import CommandError


class Status(bytes):
    """A simple string such as ``+OK``; everything else that is bytes is a bulk string."""

    __slots__ = ()

    def __reduce__(self) -> tuple[type[bytes], tuple[bytes]]:
        return bytes, (bytes(self),)


class Raw(bytes):
    """Bytes that are sent as they are: a master's stream."""

    __slots__ = ()


class Pieces:
    """What is sent as it is, and made while it is sent.

    Args:
        parts: makes it; closed when the client has gone.
    """

    __slots__ = ("parts",)

    def __init__(self, parts: Iterator[bytes]) -> None:
        self.parts = parts


class Verbatim(bytes):
    """A verbatim string (``=txt:``) in RESP3, a bulk string in RESP2."""

    format = b"txt"  # three bytes


def verbatim(text: bytes, form: bytes) -> Verbatim:
    """A verbatim string of a format, as scripts give them: it is cut, or filled with spaces."""
    reply = Verbatim(text)
    if form != Verbatim.format:
        reply.format = form.partition(b"\0")[0][:3].ljust(3)
    return reply


class BigNumber(bytes):
    """A big number (``(``) in RESP3, a bulk string in RESP2."""

    __slots__ = ()


class Attributed(bytes):
    """A bulk string that attributes come before (``|``) in RESP3; most clients drop them."""

    attributes: dict[Any, Any]


class SetReply(list[Any]):
    """A set (``~``) that keeps its order; only sessions that write bytes have such replies."""

    __slots__ = ()


class Pairs(list[Any]):
    """A map as keys and values in turn, where a key is no hashable value."""

    __slots__ = ()


class Push(list[Any]):
    """An out-of-band message: a RESP3 push, a plain array in RESP2."""

    __slots__ = ()


class Sentinel:
    """A value that is no reply; compared by identity."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


OK: Final = Status(b"OK")
QUEUED: Final = Status(b"QUEUED")
PONG: Final = Status(b"PONG")
RESET: Final = Status(b"RESET")
BLOCKED: Final = Sentinel("BLOCKED")  # the session waits; its reply comes through its outbox
NULL_ARRAY: Final = Sentinel("NULL_ARRAY")  # RESP2's other null, for those who write bytes


class OtherNull:
    """The null of the other protocol, for those who write bytes."""


OTHER_NULL: Final = OtherNull()
NO_REPLY: Final = Sentinel("NO_REPLY")  # everything there is to say was pushed

Shaper = Callable[[Any], Any]


class Shape(NamedTuple):
    """How a handler's value becomes the reply of each protocol; ``None`` leaves it as it is.

    ``wire`` names the RESP3 type of the reply for those who write bytes: ``set`` makes one of a
    list, ``verbatim`` a verbatim string of bytes, ``array`` leaves everything as the handler gives
    it; ``same`` says that ``resp3`` holds for bytes as well.
    """

    resp2: Shaper | None
    resp3: Shaper | None
    wire: str = "array"


def flatten(reply: Any) -> Any:
    """A map as RESP2's flat array of keys and values."""
    if type(reply) is not dict:
        return reply
    flat: list[Any] = [None] * (2 * len(reply))
    flat[::2] = reply
    flat[1::2] = reply.values()
    return flat


def double(reply: Any) -> Any:
    """A double as RESP2's bulk string."""
    return format_float(reply) if type(reply) is float else reply


def doubles(reply: Any) -> Any:
    """An array of doubles (ZMSCORE) in RESP2."""
    return [double(item) for item in reply] if type(reply) is list else reply


class _Texts(dict[float, bytes]):
    """The texts of scores seen lately: ranges with scores ask for the same ones again and again.

    Zeros are not kept, since those of both signs are equal.
    """

    def __missing__(self, score: float) -> bytes:
        text = format_float(score)
        if score:
            if len(self) >= 20_000:
                self.clear()
            self[score] = text
        return text


_texts: Final = _Texts()


def flat_pairs(reply: Any) -> Any:
    """An array of ``[member, score]`` pairs as RESP2's flat array; other arrays as they are."""
    if type(reply) is not list or not reply or type(reply[0]) not in (list, tuple):
        return reply
    members, scores = zip(*reply, strict=True)
    flat: list[Any] = [None] * (2 * len(reply))
    flat[::2] = members
    flat[1::2] = map(_texts.__getitem__, scores) if type(scores[0]) is float else scores
    return flat


def lists(reply: Any) -> Any:
    """Pairs kept as tuples inside the engine become lists, as a parser would give."""
    if type(reply) is not list or not reply or type(reply[0]) is not tuple:
        return reply
    return list(map(list, reply))


_ARRAYS: Final = frozenset({list, tuple, set, SetReply})


def remade(reply: Any, make: Shaper) -> Any:
    """Any nested value made anew, however deep it is.

    Args:
        make: gives what is in an item's place; a list or dictionary must be a new one, whose items
            are made anew next.
    """
    root = [reply]
    waiting: list[Any] = [root]
    while waiting:
        box = waiting.pop()
        for key, item in box.items() if type(box) is dict else enumerate(box):
            if type(item) is bytes:
                continue
            box[key] = made = make(item)
            kind = type(made)
            if kind is list or kind is dict:
                waiting.append(made)
    return root[0]


_SAME_IN_RESP2: Final = frozenset({bytes, int, Status, type(None), CommandError})
_SAME_IN_RESP3: Final = _SAME_IN_RESP2 | {bool, float}


def deep_resp2(reply: Any) -> Any:
    """Any nested value in RESP2's terms."""
    kind = type(reply)
    if kind in _SAME_IN_RESP2:
        return reply
    if kind is list and _SAME_IN_RESP2.issuperset(map(type, reply)):
        return [*reply]
    return remade(reply, _in_resp2)


def _in_resp2(item: Any) -> Any:
    kind = type(item)
    if kind in _ARRAYS:
        return [*item]
    if kind is dict:
        return flatten(item)
    if kind is float:
        return format_float(item)
    if kind is bool:
        return int(item)
    return bytes(item) if kind is Verbatim else item


def deep_resp3(reply: Any) -> Any:
    """Any nested value as a RESP3 parser gives it: sets and tuples become lists."""
    kind = type(reply)
    if kind in _SAME_IN_RESP3:
        return reply
    if kind is list and _SAME_IN_RESP3.issuperset(map(type, reply)):
        return [*reply]
    return remade(reply, _in_resp3)


def _in_resp3(item: Any) -> Any:
    kind = type(item)
    if kind in _ARRAYS:
        return [*item]
    if kind is dict:
        return item.copy()
    return bytes(item) if kind is Verbatim else item


def numbers(reply: Any) -> Any:
    """Any nested value with its big numbers as such; what scripts wrongly call one stays bytes."""
    return reply if type(reply) is bytes else remade(reply, _as_number)


def _as_number(item: Any) -> Any:
    kind = type(item)
    if kind is BigNumber:
        try:
            return int(item)
        except ValueError:
            return bytes(item)
    return item.copy() if kind is list or kind is dict else item


PLAIN: Final = Shape(None, None)
MAP: Final = Shape(flatten, None)
SET: Final = Shape(None, None, "set")
DOUBLE: Final = Shape(double, None)
DOUBLES: Final = Shape(doubles, None)
PAIRS: Final = Shape(flat_pairs, lists)
DEEP: Final = Shape(deep_resp2, deep_resp3)
VERBATIM: Final = Shape(None, None, "verbatim")


# For those who write bytes ------------------------------------------------------------------


def set_reply(reply: Any) -> Any:
    """A list as a RESP3 set."""
    return SetReply(reply) if type(reply) is list else reply


def verbatim_reply(reply: Any) -> Any:
    """Bytes as a RESP3 verbatim string."""
    return Verbatim(reply) if type(reply) is bytes else reply


_WIRE: Final[dict[str, Shaper | None]] = {
    "array": None, "set": set_reply, "verbatim": verbatim_reply,
}


def wire_shape(shape: Shape) -> Shape:
    """The shape for a session whose replies become bytes: no type of RESP3 is lost."""
    resp3 = shape.resp3 if shape.wire == "same" else _WIRE[shape.wire]
    return Shape(shape.resp2, resp3, shape.wire)


# Which nulls are RESP2's null arrays: from a command's arguments and its reply to the reply.
Nulls = Callable[[Sequence[bytes], Any], Any]


def null_array(args: Sequence[bytes], reply: Any) -> Any:
    """A null reply is a null array."""
    return NULL_ARRAY if reply is None else reply


def null_items(args: Sequence[bytes], reply: Any) -> Any:
    """The null items of an array are null arrays."""
    if type(reply) is not list:
        return reply
    return [NULL_ARRAY if item is None else item for item in reply]


# Beyond this replies for those who write bytes are made while they are sent; what is made at once,
# for a client of this process, comes to an end before its memory does.
_AT_ONCE: Final = 1 << 22
_MOST: Final = 1 << 27


class Draws:
    """A reply of elements drawn at random, repetitions included, which is made while it is sent.

    Args:
        choices: what may be drawn; not changed any more.
        count: how often.
        chance: decides.
        flat: whether choices are pairs, of which the reply has both parts.
    """

    __slots__ = ("chance", "choices", "count", "flat")

    def __init__(self, choices: Sequence[Any], count: int, chance: Random, flat: bool) -> None:
        self.choices = choices
        self.count = count
        self.chance = chance
        self.flat = flat

    @property
    def length(self) -> int:
        """How many elements the reply has."""
        return self.count * 2 if self.flat else self.count

    def __iter__(self) -> Iterator[Any]:
        choices, draw, size = self.choices, self.chance.random, len(self.choices)
        for _ in range(self.count):
            drawn = choices[int(draw() * size)]
            if self.flat:
                yield from drawn
            else:
                yield drawn


class Drawing(Protocol):
    """The context of a command that draws."""

    session: Any
    server: Any


def drawn(ctx: Drawing, count: int, choices: Callable[[], Sequence[Any]]) -> Draws | None:
    """The reply of a command that draws at random; None where it is to be made at once.

    Args:
        ctx: of the command.
        count: below 0 where elements may come repeatedly.
        choices: gives what may be drawn.

    Raises:
        CommandError: too many.
    """
    if -count <= _AT_ONCE:
        return None
    session = ctx.session
    if not session.sends_pieces or session.deny_blocking:  # MULTI and scripts want it whole
        check_length(-count)
        return None
    found = choices()
    flat = session.protocol == 2 and isinstance(found[0], tuple)
    return Draws(found, -count, ctx.server.random, flat)


def check_length(count: int) -> None:
    """Refuse to make a reply that no program's memory could hold.

    Args:
        count: how many elements it would have.

    Raises:
        CommandError: too many.
    """
    if count > _MOST:
        raise CommandError(errors.REPLY_TOO_LONG)
