"""Vector sets: the commands of the module that Redis 8 has built in.

They are declared in `fakeredis.commands.late`; this is imported by the first call of one of them.
As modules do, they count their words themselves, and name themselves in capitals.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Sequence
from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import word_of
from fakeredis.commands.late_options import VaddOptions, VembOptions, VlinksOptions, VsimOptions
from fakeredis.datatypes.numbers import parse_float, parse_int
from fakeredis.datatypes.vector_set import (
    BINARY,
    FLOATS,
    INT8,
    QUANTIZATIONS,
    Found,
    Node,
    VectorSet,
)
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import Status, drawn
from fakeredis.errors import CommandError

_UNLIMITED: Final = 1 << 31
_KINDS: Final = {"Q8": INT8, "BIN": BINARY, "NOQUANT": FLOATS}
_MOST_REPLIES: Final = 1 << 28  # who asks for more elements would never get them


# Common parts -------------------------------------------------------------------------------------


def _check_count(ctx: Context, words: Sequence[bytes], low: int, high: int = _UNLIMITED) -> None:
    if not low <= len(words) <= high:
        raise ctx.wrong_arity()


def _opened(ctx: Context, key: bytes) -> VectorSet | None:
    """The set at a key, to be changed; WATCH and tracking hear of that, whatever comes of it.

    Raises:
        CommandError: WRONGTYPE, the value is of another type.
    """
    try:
        value: VectorSet | None = ctx.lookup_write(key, VectorSet)
        return value
    finally:
        ctx.signal_modified(key)


def _changed(ctx: Context, key: bytes, changes: int) -> None:
    """Announce a change; there are no events."""
    ctx.modified(key, "", changes)


def _between(raw: bytes, low: int, high: int, error: str) -> int:
    number = parse_int(raw)
    if number is None or not low <= number <= high:
        raise CommandError(error)
    return number


def _vector(words: Sequence[bytes], at: int) -> tuple[array[float], int]:
    """The vector given as ``FP32 blob`` or ``VALUES count number ...``, and the place behind it."""
    kind = word_of(words[at])
    if kind == b"FP32" and at + 1 < len(words):
        blob = words[at + 1]
        if not blob or len(blob) % 4:
            raise CommandError(errors.VECTOR)
        return array("f", struct.unpack(f"<{len(blob) // 4}f", blob)), at + 2
    if kind == b"VALUES" and at + 1 < len(words):
        count = _between(words[at + 1], 1, len(words) - at - 2, errors.VECTOR)
        return array("f", [_number(raw) for raw in words[at + 2 : at + 2 + count]]), at + 2 + count
    raise CommandError(errors.VECTOR)


def _number(raw: bytes) -> float:
    number = parse_float(raw)
    if number is None:
        raise CommandError(errors.VECTOR)
    return number


# Changing -----------------------------------------------------------------------------------------


class _Addition:
    """What VADD is asked for."""

    __slots__ = (
        "attributes", "dimension", "element", "in_thread", "links", "quantization", "vector",
    )

    def __init__(self, ctx: Context, words: Sequence[bytes]) -> None:
        at = 1
        self.dimension = 0
        if word_of(words[1]) == b"REDUCE" and len(words) > 3:
            self.dimension = _between(words[2], 1, (1 << 63) - 1, errors.VECTOR)
            at = 3
        self.vector, at = _vector(words, at)
        if at >= len(words):
            raise ctx.wrong_arity()
        self.element = words[at]
        options = VaddOptions.parse(ctx, words[at + 1 :])
        self.quantization = _KINDS[options.kind]
        self.links = options.links
        self.attributes = options.attributes
        self.in_thread = options.in_thread

    def check(self, value: VectorSet) -> None:
        """Whether it fits a set that is there.

        Raises:
            CommandError: it does not; the first reason in the server's order.
        """
        given, wanted = len(self.vector), value.dimension
        if self.quantization != value.quantization:
            raise CommandError(errors.VECTOR_QUANTIZATION)
        if self.links != value.links:
            raise CommandError(errors.VECTOR_OTHER_LINKS)
        if value.input_dimension:
            if self.dimension != wanted:
                raise CommandError(errors.VECTOR_DIMENSION % (given, wanted))
            if given != value.input_dimension:
                raise CommandError(
                    errors.VECTOR_INPUT_DIMENSION % (given, value.input_dimension)
                )
        elif given != wanted:
            raise CommandError(errors.VECTOR_DIMENSION % (given, wanted))
        elif self.dimension:
            raise CommandError(errors.VECTOR_PROJECTION)

    def run(self, ctx: Context, value: VectorSet) -> bool:
        """Add the element; whether it is new.

        Attributes of new ones may be empty, and do not count when the server adds in a thread.
        """
        is_new = value.add(self.element, self.vector, ctx.server.random)
        if self.attributes is not None:
            node = value.nodes[self.element]
            if is_new:
                node.attributes = self.attributes
                value.attributes += not (self.in_thread and not ctx.session.deny_blocking)
            else:
                value.set_attributes(node, self.attributes)
        return is_new

    def new_set(self, ctx: Context) -> VectorSet:
        """A set for this element."""
        given = len(self.vector)
        return VectorSet(
            self.dimension or given, self.quantization, self.links,
            given if self.dimension else 0, next_uid(ctx),
        )


def next_uid(ctx: Context) -> int:
    """The number of a new set, by which VINFO tells them apart."""
    ctx.server.vector_sets_made += 1
    return ctx.server.vector_sets_made - 1


def vadd(ctx: Context, *words: bytes) -> bool:
    """Add an element with its vector, or give it another one; whether it is new.

    Checked in the server's order: number of words, vector, options, type, then quantization,
    number of links and dimensions of the set that is there.
    """
    _check_count(ctx, words, 4)
    addition = _Addition(ctx, words)
    key = words[0]
    value = _opened(ctx, key)
    if value is None:
        addition.in_thread = False
        value = addition.new_set(ctx)
        ctx.db.put(key, value)
    else:
        addition.check(value)
    is_new = addition.run(ctx, value)
    _changed(ctx, key, int(is_new))
    return is_new


def vrem(ctx: Context, *words: bytes) -> bool:
    """Remove an element; whether it was there. The last one takes the key with it, unannounced."""
    _check_count(ctx, words, 2, 2)
    key, element = words
    value = _opened(ctx, key)
    if value is None or not value.remove(element):
        return False
    if not value:
        ctx.db.delete(key)
    _changed(ctx, key, 1)
    return True


def vsetattr(ctx: Context, *words: bytes) -> bool:
    """Give an element attributes, any text; an empty one takes them away. Whether it is there."""
    _check_count(ctx, words, 3, 3)
    key, element, attributes = words
    value = _opened(ctx, key)
    node = None if value is None else value.nodes.get(element)
    if value is None or node is None:
        return False
    value.set_attributes(node, attributes)
    _changed(ctx, key, 1)
    return True


# Searching ----------------------------------------------------------------------------------------


def _found(options: VsimOptions, found: Sequence[Found]) -> Any:
    """The elements, with what is asked for beside them."""
    near = [one for one in found if not one.distance / 2 > options.limit]
    if not options.scores and not options.attributes:
        return [one.element for one in near]
    return {one.element: _beside(options, one) for one in near}


def _beside(options: VsimOptions, one: Found) -> Any:
    attributes = one.node.attributes
    if not options.attributes:
        return one.score
    return [one.score, attributes] if options.scores else attributes


def _accepts(passes: Callable[[bytes], bool] | None) -> Callable[[Node], bool] | None:
    if passes is None:
        return None
    return lambda node: node.attributes is not None and passes(node.attributes)


def _query(value: VectorSet, words: Sequence[bytes]) -> tuple[Node, int]:
    """The vector to compare with, in the set's own form, and the place of the options."""
    if word_of(words[1]) == b"ELE":
        node = value.nodes.get(words[2])
        if node is None:
            raise CommandError(errors.VECTOR_NO_ELEMENT)
        return value.node_of(value.vector(node)), 3
    vector, at = _vector(words, 1)
    given, wanted, expected = len(vector), value.dimension, value.input_dimension
    if given == wanted:
        return value.node_of(vector), at
    if expected and given != expected:
        raise CommandError(errors.VECTOR_INPUT_DIMENSION % (given, expected))
    if not expected:
        raise CommandError(errors.VECTOR_DIMENSION % (given, wanted))
    return value.projected_node(vector), at


def vsim(ctx: Context, *words: bytes) -> Any:
    """The elements most similar to a vector or to another element, the most similar first.

    Checked in the server's order: number of words, type, whether there is a set, vector, element,
    dimensions, options.
    """
    _check_count(ctx, words, 3)
    value = ctx.lookup_read(words[0], VectorSet)
    if value is None:
        return []
    node, at = _query(value, words)
    options = VsimOptions.parse(ctx, words[at:])
    return _found(options, value.nearest(node, options.count, _accepts(options.passes)))


# Looking ------------------------------------------------------------------------------------------


def _set(ctx: Context, words: Sequence[bytes], low: int, high: int) -> VectorSet | None:
    _check_count(ctx, words, low, high)
    value: VectorSet | None = ctx.lookup_read(words[0], VectorSet)
    return value


def _node(ctx: Context, words: Sequence[bytes]) -> Node | None:
    value: VectorSet | None = ctx.lookup_read(words[0], VectorSet)
    return None if value is None else value.nodes.get(words[1])


def vcard(ctx: Context, *words: bytes) -> int:
    """The number of elements."""
    value = _set(ctx, words, 1, 1)
    return 0 if value is None else len(value)


def vdim(ctx: Context, *words: bytes) -> int:
    """The dimension of the vectors, as they are kept."""
    value = _set(ctx, words, 1, 1)
    if value is None:
        raise CommandError(errors.VECTOR_NO_SET)
    return value.dimension


def vemb(ctx: Context, *words: bytes) -> list[Any] | None:
    """The vector of an element, or with RAW how it is kept; None when there is none.

    Checked in the server's order: number of words, options, type.
    """
    _check_count(ctx, words, 2)
    options = VembOptions.parse(ctx, words[2:])
    value: VectorSet | None = ctx.lookup_read(words[0], VectorSet)
    node = None if value is None else value.nodes.get(words[1])
    if value is None or node is None:
        return None
    if not options.raw:
        return value.vector(node)
    raw: list[Any] = [Status(QUANTIZATIONS[value.quantization]), value.raw(node), node.length]
    return [*raw, node.span] if value.quantization == INT8 else raw


def vgetattr(ctx: Context, *words: bytes) -> bytes | None:
    """The attributes of an element; None when it has none."""
    _check_count(ctx, words, 2, 2)
    node = _node(ctx, words)
    return None if node is None else node.attributes


def vismember(ctx: Context, *words: bytes) -> bool:
    """Whether there is an element."""
    _check_count(ctx, words, 2, 2)
    return _node(ctx, words) is not None


def vrange(ctx: Context, *words: bytes) -> list[bytes]:
    """The elements between two, in the order of their bytes.

    Checked in the server's order: count, bounds, type.
    """
    _check_count(ctx, words, 3, 4)
    count = parse_int(words[3]) if len(words) > 3 else -1
    if count is None:
        raise CommandError(errors.VECTOR_COUNT)
    if words[1] == b"+" or words[2] == b"-":
        raise CommandError(errors.VECTOR_EXTREMES)
    for raw, open_end, what in ((words[1], b"-", "start"), (words[2], b"+", "end")):
        if raw != open_end and (len(raw) < 2 or raw[:1] not in b"[("):
            raise CommandError(errors.VECTOR_BOUND % what)
    value: VectorSet | None = ctx.lookup_read(words[0], VectorSet)
    if value is None:
        return []
    low, high = words[1][1:], words[2][1:]
    found = sorted(
        element for element in value.nodes
        if (not low or element > low or (element == low and words[1][:1] == b"["))
        and (not high or element < high or (element == high and words[2][:1] == b"["))
    )
    return found if count < 0 else found[:count]


def vinfo(ctx: Context, *words: bytes) -> dict[bytes, Any] | None:
    """Facts of a set; None when there is none."""
    value = _set(ctx, words, 1, 1)
    if value is None:
        return None
    if value.uid < 0:  # it came in one piece
        value.uid = next_uid(ctx)
    facts: dict[bytes, Any] = {
        b"quant-type": Status(QUANTIZATIONS[value.quantization]), b"hnsw-m": value.links,
        b"vector-dim": value.dimension, b"projection-input-dim": value.input_dimension,
        b"size": len(value), b"max-level": value.highest_level,
        b"attributes-count": value.attributes,
        b"vset-uid": value.uid, b"hnsw-max-node-uid": value.last_number,
    }
    return {Status(name): fact for name, fact in facts.items()}


def vlinks(ctx: Context, *words: bytes) -> list[Any] | None:
    """The neighbours of an element on each level, the highest first; None when there is none.

    The server links elements by chance; here, neighbours are the nearest ones.
    """
    _check_count(ctx, words, 2)
    options = VlinksOptions.parse(ctx, words[2:])
    value: VectorSet | None = ctx.lookup_read(words[0], VectorSet)
    if value is None or words[1] not in value:
        return None
    levels = value.neighbours(words[1])
    if not options.scores:
        return [[one.element for one in level] for level in levels]
    return [{one.element: one.link_score for one in level} for level in levels]


def vrandmember(ctx: Context, *words: bytes) -> Any:
    """A random element; with a count several different ones, with a negative one any so many."""
    _check_count(ctx, words, 1, 2)
    count = None
    if len(words) == 2:
        count = parse_int(words[1])
        if count is None:
            raise CommandError(errors.VRANDMEMBER_COUNT)
        if not count:
            return []
    value: VectorSet | None = ctx.lookup_read(words[0], VectorSet)
    if value is None:
        return None if count is None else []
    elements, chance = list(value.nodes), ctx.server.random
    if count is None:
        return chance.choice(elements)
    if count < -_MOST_REPLIES:
        raise CommandError(errors.OUT_OF_RANGE)
    if count < 0:
        reply = drawn(ctx, count, lambda: elements)
        if reply is not None:
            return reply
        return chance.choices(elements, k=-count)
    return chance.sample(elements, min(count, len(elements)))
