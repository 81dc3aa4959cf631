"""Vector sets, as the server's module writes and reads them.

A module's value is a row of numbers and strings, each behind a code for its kind.  The module keeps
the links between elements too, of which each must go both ways.
"""

from __future__ import annotations

import struct
from array import array
from typing import TYPE_CHECKING, Final

from fakeredis.datatypes.vector_set import BINARY, INT8, Node, VectorSet, projection
from fakeredis.rdb import types
from fakeredis.rdb.errors import EmptyValueError

if TYPE_CHECKING:
    from fakeredis.rdb.reading import Reader
    from fakeredis.rdb.writing import Writer

NAME: Final = "vectorset"
_ID: Final = 0xBDE72DA2BB1EB400  # the name, and the version of the module's own format
_NUMBER, _STRING, _END = 2, 5, 0
_PROJECTED, _WITH_ATTRIBUTES = 1, 2
_FORM: Final = 1 << 24  # of the numbers that describe an element
_CANDIDATES = 32  # so many elder elements are looked at for neighbours

_FEWEST_LINKS = 2
_FEWEST, _USUAL, _MOST = 4, 16, 4096  # links for which elements have room

_Links = list[list[tuple[int, float]]]  # numbers and distances, by level, the lowest first


# Writing ------------------------------------------------------------------------------------------


def write_vector_set(writer: Writer, value: VectorSet) -> int:
    """Put a set, its newest element first."""
    writer.length(_ID)
    has_attributes = any(node.attributes for node in value.nodes.values())
    flags = (_PROJECTED if value.input_dimension else 0) | _WITH_ATTRIBUTES * has_attributes
    _numbers(writer, value.dimension, len(value), value.links << 8 | value.quantization, flags)
    if value.input_dimension:
        _numbers(writer, value.input_dimension)
        _string(writer, projection(value.dimension, value.input_dimension).tobytes())
    links = _linked(value)
    for element, node in sorted(value.nodes.items(), key=lambda pair: -pair[1].number):
        _string(writer, element)
        if has_attributes:
            _string(writer, node.attributes or b"")
        _vector(writer, value.raw(node))
        facts = _facts(value, node, links[node.number])
        _numbers(writer, len(facts), *facts)
    writer.length(_END)
    return types.MODULE_2


def _numbers(writer: Writer, *numbers: int) -> None:
    for number in numbers:
        writer.length(_NUMBER)
        writer.length(number)


def _string(writer: Writer, text: bytes) -> None:
    writer.length(_STRING)
    writer.string(text)


def _vector(writer: Writer, raw: bytes) -> None:
    """Put bytes as they are: those of vectors can seldom be packed, and to try takes long."""
    writer.length(_STRING)
    writer.length(len(raw))
    writer.out += raw


def _facts(value: VectorSet, node: Node, links: _Links) -> list[int]:
    """What describes an element: its number, its level, the links on each level, its length."""
    facts = [node.number, _FORM | node.level]
    for level, there in enumerate(links):
        facts += (len(there), _room(value, level), *[number for number, _ in there])
        worst = max(range(len(there)), key=lambda at: there[at][1], default=0)
        facts.append(_bits(there[worst][1]) << 32 | worst if there else 0)
    return [*facts, _bits(node.span) << 32 | _bits(node.length)]


def _bits(number: float) -> int:
    found: int = struct.unpack("<I", array("f", (number,)).tobytes())[0]
    return found


def _room(value: VectorSet, level: int) -> int:
    """How many links an element may have on a level."""
    return value.links if level else 2 * value.links


def _linked(value: VectorSet) -> dict[int, _Links]:
    """The links of all elements, by their numbers: each is linked with elder ones near by."""
    ordered = sorted(value.nodes.values(), key=lambda node: node.number)
    links: dict[int, _Links] = {
        node.number: [[] for _ in range(node.level + 1)] for node in ordered
    }
    for level in range(value.highest_level + 1):
        there = [node for node in ordered if node.level >= level]
        for at, node in enumerate(there):
            _link(value, node, there[:at], level, links)
    return links


def _link(
    value: VectorSet, node: Node, elders: list[Node], level: int, links: dict[int, _Links]
) -> None:
    room = _room(value, level)
    own = links[node.number][level]
    near = _near(value, node, elders, level, links)
    for distance, number in near:
        if len(own) < value.links and len(links[number][level]) < room:
            links[number][level].append((node.number, distance))
            own.append((number, distance))
    # Those near by may have no room: the latest ones always have some, so that all are reached.
    linked = {number for number, _ in own}
    for other in reversed(elders):
        if len(own) >= _FEWEST_LINKS:
            break
        if other.number not in linked and len(links[other.number][level]) < room:
            distance = value.rough_distance(node, other)
            links[other.number][level].append((node.number, distance))
            own.append((other.number, distance))


def _near(
    value: VectorSet, node: Node, elders: list[Node], level: int, links: dict[int, _Links]
) -> list[tuple[float, int]]:
    """Elder elements near by; those that were found before, while most of them are there."""
    known = node.near.get(level, [])
    near = [pair for pair in known if pair[1] in links]
    if len(near) < max(len(known) // 2, min(len(elders), 1)):
        some = elders[:: len(elders) // _CANDIDATES + 1]
        near = sorted([(value.rough_distance(node, other), other.number) for other in some])
        node.near[level] = near
    return near


# Reading ------------------------------------------------------------------------------------------


def read_vector_set(reader: Reader) -> VectorSet:
    """The set whose name has been read.

    Raises:
        FormatError: it is damaged.
    """
    dimension, count, form, flags = (_number(reader) for _ in range(4))
    if not dimension or form & 0xFF > BINARY:
        raise reader.fail("a vector set of an unknown form")
    wanted = form >> 8
    room = min(max(wanted, _FEWEST), _MOST) if wanted else _USUAL
    value = VectorSet(dimension, form & 0xFF, room, uid=-1)
    if flags & _PROJECTED:
        value.input_dimension = _number(reader)
        if len(_text(reader)) != 4 * dimension * value.input_dimension:
            raise reader.fail("the projection of a vector set has another size")
    links: dict[int, list[list[int]]] = {}
    for _ in range(count):
        _read_element(reader, value, bool(flags & _WITH_ATTRIBUTES), links)
    if reader.length() != _END:
        raise reader.fail("a vector set has no end")
    if not _go_both_ways(links):
        raise reader.fail("a vector set's links do not go both ways")
    if not value:
        raise EmptyValueError("a vector set without elements", reader.at)
    value.nodes = dict(sorted(value.nodes.items(), key=lambda pair: pair[1].number))
    return value


def _number(reader: Reader) -> int:
    if reader.length() != _NUMBER:
        raise reader.fail("a number is missing in a vector set")
    return reader.length()


def _text(reader: Reader) -> bytes:
    if reader.length() != _STRING:
        raise reader.fail("a string is missing in a vector set")
    return reader.string()


def _go_both_ways(links: dict[int, list[list[int]]]) -> bool:
    """Whether all links lead to elements that are there, on that level, and lead back."""
    found = {
        (level, number, other)
        for number, levels in links.items() for level, others in enumerate(levels)
        for other in others
    }
    count = sum(len(others) for levels in links.values() for others in levels)
    return count == len(found) and all(
        number != other and (level, other, number) in found for level, number, other in found
    )


def _links(reader: Reader, facts: list[int]) -> list[list[int]]:
    """The numbers of the elements to which one is linked, by level."""
    found: list[list[int]] = []
    if facts[1] >> 24 > _FORM >> 24:
        raise reader.fail("an element of a vector set is of an unknown form")
    at = 2
    for _ in range((facts[1] & 0xFF) + 1):
        count, room = facts[at : at + 2] if at + 2 <= len(facts) else (1, 0)
        if count > room or at + 3 + count > len(facts) - 1:
            raise reader.fail("an element of a vector set has too many links")
        found.append(facts[at + 2 : at + 2 + count])
        at += 3 + count
        if count and facts[at - 1] & 0xFFFFFFFF >= count:
            raise reader.fail("an element of a vector set has no such worst link")
    if at != len(facts) - 1:
        raise reader.fail("an element of a vector set is damaged")
    return found


def _read_element(
    reader: Reader, value: VectorSet, has_attributes: bool, links: dict[int, list[list[int]]]
) -> None:
    element = _text(reader)
    attributes = _text(reader) if has_attributes else b""
    node = Node(_codes(reader, value), 1.0, 0.0)
    facts = [_number(reader) for _ in range(_number(reader))]
    if len(facts) < 6 or element in value:
        raise reader.fail("an element of a vector set is damaged")
    node.number, node.level = facts[0], facts[1] & 0xFF
    own = _links(reader, facts)
    if node.number in links:  # which the server takes where neither is linked; ours need their own
        if any(own) or any(links[node.number]):
            raise reader.fail("a vector set has two linked elements with one number")
        node.number = max(value.last_number, *links) + 1
    links[node.number] = own
    node.span, node.length = _from_bits(facts[-1] >> 32), _from_bits(facts[-1] & 0xFFFFFFFF)
    if attributes:
        value.set_attributes(node, attributes)
    value.last_number = max(value.last_number, node.number)
    value.nodes[element] = node


def _codes(reader: Reader, value: VectorSet) -> array[float] | array[int] | int:
    raw = _text(reader)
    if len(raw) != value.size:
        raise reader.fail("a vector has another size")
    if value.quantization == BINARY:
        return int.from_bytes(raw, "little")
    return array("b" if value.quantization == INT8 else "f", raw)


def _from_bits(bits: int) -> float:
    return array("f", struct.pack("<I", bits))[0]
