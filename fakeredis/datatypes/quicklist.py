"""The nodes of a long list: how many elements each has, and how many bytes they take.

The elements themselves stay in the `List`.  What is pushed at the ends is shared out among nodes
only when somebody wants to know, or when the last node of its end changes otherwise: nodes that
are filled from one end do not depend on the order of what happens at the other one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from fakeredis.datatypes.numbers import parse_int

SAFE_BYTES: Final = (4096, 8192, 16384, 32768, 65536)
_MOST_BESIDE_A_COUNT: Final = 8192  # bytes of a node whose elements are counted
_EMPTY: Final = 7  # bytes of a listpack without elements
_ESTIMATE: Final = 8  # what the server adds to the length of an element that is yet to come

_CHUNK: Final = 512

Range = Callable[[int, int], Sequence[bytes]]


def entry_bytes(value: bytes) -> int:
    """Bytes of one listpack entry, with the length that follows each entry."""
    size = len(value)
    # What begins with a letter or is long is no number; most elements are such.
    number = None if size > 20 or value[:1] > b"9" else parse_int(value)
    if number is not None:
        if 0 <= number < 128:
            return 2
        # 13, 16, 24, 32 and 64 bits.
        for bits, used in ((12, 3), (15, 4), (23, 5), (31, 6)):
            if -(1 << bits) <= number < 1 << bits:
                return used
        return 10
    used = size + (1 if size < 64 else 2 if size < 4096 else 5)
    return used + (1 if used < 128 else 2 if used < 16384 else 3)


def total_bytes(values: Iterable[bytes]) -> int:
    """Bytes of several entries."""
    return sum(map(entry_bytes, values))


def most_bytes(fill: int) -> int:
    """Bytes that a node may have under a ``list-max-listpack-size``."""
    return _MOST_BESIDE_A_COUNT if fill >= 0 else SAFE_BYTES[min(-fill, 5) - 1]


def exceeds(fill: int, size: int, count: int) -> bool:
    """Whether a listpack of so many bytes and elements is too big."""
    return size > most_bytes(fill) or (fill >= 0 and count > max(fill, 1))


class Node:
    """One node: a listpack, or one long element by itself."""

    __slots__ = ("count", "plain", "size")

    def __init__(self, count: int, size: int, plain: bool = False) -> None:
        self.count = count
        self.size = size  # of a listpack, its own seven bytes included; -1: to be counted
        self.plain = plain

    def copy(self) -> Node:
        """Another one."""
        return Node(self.count, self.size, self.plain)


class Nodes:
    """The nodes of a list.

    Args:
        fill: the ``list-max-listpack-size`` of the moment when the list grew long; it stays.
        compress: the ``list-compress-depth`` of that moment.
    """

    __slots__ = ("compress", "fill", "left", "most", "nodes", "right")

    def __init__(self, fill: int, compress: int, nodes: Iterable[Node] = ()) -> None:
        self.fill = fill
        self.compress = compress
        self.most = most_bytes(fill)
        self.nodes = deque(nodes)
        self.left = self.right = 0  # elements that were pushed and have no node yet

    def copy(self) -> Nodes:
        """An independent copy."""
        twin = Nodes(self.fill, self.compress, [node.copy() for node in self.nodes])
        twin.left, twin.right = self.left, self.right
        return twin

    # Filling --------------------------------------------------------------------------------

    def _has_room(self, node: Node, value: bytes) -> bool:
        return not (node.plain or len(value) > self.most) and not exceeds(
            self.fill, node.size + len(value) + _ESTIMATE, node.count + 1
        )

    def made(self, value: bytes) -> Node:
        """A node of one element."""
        if len(value) > self.most:
            return Node(1, len(value), True)
        return Node(1, _EMPTY + entry_bytes(value))

    def settle(self, items: Range, enough: int = 0) -> None:
        """Share out what was pushed; ``items`` gives the elements of a range.

        With ``enough``, only until there are so many nodes.
        """
        nodes = self.nodes
        while self.left and not 0 < enough <= len(nodes):
            chunk = items(max(self.left - _CHUNK, 0), self.left)
            for value in reversed(chunk):
                if nodes and self._takes(nodes[0], value, items, True):
                    self._add(nodes[0], value)
                else:
                    nodes.appendleft(self.made(value))
                self.left -= 1
                # `items` counts from the front, where those without a node are.
        while self.right and not 0 < enough <= len(nodes):
            for value in items(-self.right, min(_CHUNK - self.right, 0)):
                if nodes and self._takes(nodes[-1], value, items, False):
                    self._add(nodes[-1], value)
                else:
                    nodes.append(self.made(value))
                self.right -= 1

    def _takes(self, node: Node, value: bytes, items: Range, left: bool) -> bool:
        """Whether the first or last node has room for one more beside it."""
        if node.size < 0:
            beside = self.left if left else self.right
            node.size = _EMPTY + total_bytes(
                items(beside, beside + node.count) if left
                else items(-beside - node.count, -beside)
            )
        return self._has_room(node, value)

    def pop(self, count: int, left: bool, items: Range) -> None:
        """Forget so many elements of an end; ``items`` still gives them."""
        gone = min(self.left if left else self.right, count)
        if left:
            self.left -= gone
        else:
            self.right -= gone
        nodes = self.nodes
        while gone < count:
            if len(nodes) == 1:
                self.settle(items, 2)  # before the only node changes, where others begin
            node = nodes[0 if left else -1]
            rest = count - gone
            if node.count <= rest:
                gone += node.count
                if left:
                    nodes.popleft()
                else:
                    nodes.pop()
                continue
            node.count -= rest
            if node.size >= 0 and len(nodes) == 1:
                node.size -= total_bytes(items(gone, count) if left else items(-count, -gone))
            else:
                node.size = -1
            gone = count

    # In the middle (everything is settled and measured) -------------------------------------

    def measure(self, items: Range) -> None:
        """Settle everything, and count what is to be counted."""
        self.settle(items)
        first = 0
        for node in self.nodes:
            if node.size < 0:
                node.size = _EMPTY + total_bytes(items(first, first + node.count))
            first += node.count

    def locate(self, index: int) -> tuple[int, int, int]:
        """The place of the node that has an element, the element's in it, and the node's first."""
        first = 0
        for at, node in enumerate(self.nodes):
            if index < first + node.count:
                return at, index - first, first
            first += node.count
        raise IndexError(index)

    def remove_many(self, places: Sequence[int], value: bytes) -> None:
        """Elements equal to a value go, whose places are in ascending order."""
        each, last, at = entry_bytes(value), 0, 0
        kept: deque[Node] = deque()
        for node in self.nodes:
            last += node.count
            while at < len(places) and places[at] < last:
                at += 1
                node.count -= 1
                node.size -= each
            if node.count:
                kept.append(node)
        self.nodes = kept

    def _shorten(self, at: int, value: bytes) -> None:
        node = self.nodes[at]
        node.count -= 1
        node.size -= entry_bytes(value)
        if not node.count:
            del self.nodes[at]

    def _split(self, at: int, offset: int, first: int, items: Range) -> None:
        """Split a node at an offset."""
        node = self.nodes[at]
        size = _EMPTY + total_bytes(items(first, first + offset))
        self.nodes.insert(at + 1, Node(node.count - offset, node.size - size + _EMPTY))
        node.count, node.size = offset, size

    def insert(self, index: int, after: bool, value: bytes, items: Range) -> None:
        """An element comes next to the one at an index; ``items`` gives those without it."""
        at, offset, first = self.locate(index)
        nodes = self.nodes
        node = nodes[at]
        at_end = offset == (node.count - 1 if after else 0)
        if len(value) > self.most:
            if not node.plain and not at_end:
                self._split(at, offset + after, first, items)
                after = True
            nodes.insert(at + after, self.made(value))
            return
        if self._has_room(node, value):
            self._add(node, value)
            return
        if at_end:
            beside = at + 1 if after else at - 1
            if 0 <= beside < len(nodes) and self._has_room(nodes[beside], value):
                self._add(nodes[beside], value)
            else:
                nodes.insert(at + after, self.made(value))
            return
        self._split(at, offset + after, first, items)
        self._add(nodes[at + after], value)
        # The server merges around the part that kept its place: the one with the pivot.
        self._merge_around(nodes[at if after else at + 1])

    def _add(self, node: Node, value: bytes) -> None:
        node.count += 1
        node.size += entry_bytes(value)

    def replace(self, index: int, old: bytes, value: bytes, items: Range) -> None:
        """An element is replaced; ``items`` gives those of before."""
        at, offset, first = self.locate(index)
        nodes = self.nodes
        node = nodes[at]
        large = len(value) > self.most
        if node.plain:
            if large:
                node.size = len(value)
            else:
                self.insert(index, True, value, items)
                nodes.remove(node)
            return
        if not large:
            node.size += entry_bytes(value) - entry_bytes(old)
            return
        if offset != node.count - 1:
            self._split(at, offset + 1, first, items)
        new = self.made(value)
        nodes.insert(at + 1, new)
        alone = node.count == 1
        self._shorten(at, old)
        if not alone:
            self._merge_around(new)

    def _merge_around(self, center: Node) -> None:
        nodes = self.nodes
        at = nodes.index(center)
        if at >= 2 and self._merge(at - 2):
            at -= 1
        if at + 2 < len(nodes):
            self._merge(at + 1)
        if at >= 1 and self._merge(at - 1):
            at -= 1
        if at + 1 < len(nodes):
            self._merge(at)

    def _merge(self, at: int) -> bool:
        """Join a node with the next one, if there is room; whether it was done."""
        one, other = self.nodes[at], self.nodes[at + 1]
        size, count = one.size + other.size - _EMPTY, one.count + other.count
        if one.plain or other.plain or exceeds(self.fill, size, count):
            return False
        one.size, one.count = size, count
        del self.nodes[at + 1]
        return True

    # Becoming short -------------------------------------------------------------------------

    def is_short(self, fill: int, share: int) -> bool:
        """Whether it is one node that has no more than a limit divided by ``share``."""
        if len(self.nodes) != 1 or self.nodes[0].plain:
            return False
        node = self.nodes[0]
        if fill >= 0:
            return node.count <= max(fill, 1) // share
        return node.size <= most_bytes(fill) // share
