"""What a query is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from fakeredis.datatypes.search.shapes import Shape

__all__ = [
    "ALL_FIELDS", "Exact", "Fuzzy", "Geo", "Geometry", "Ids", "Intersection", "Missing", "Negation",
    "Node", "Numeric", "Optional", "Part", "Star", "Tags", "Term", "Union", "Vector",
]

ALL_FIELDS: Final = -1


@dataclass
class Node:
    """A part of a query.

    Args:
        mask: the bits of the fields of texts that it is about.
        names: the same fields by their names, for EXPLAIN.
        weight: of what it gives to scores.
        slop: how far from each other its terms may be; -1 for any distance.
        in_order: whether they must come in the query's order; None where the query does not say.
        yields: under which name the distance of a vector is known.
    """

    mask: int = field(default=ALL_FIELDS, kw_only=True)
    names: tuple[bytes, ...] = field(default=(), kw_only=True)
    weight: float = field(default=1.0, kw_only=True)
    slop: int | None = field(default=None, kw_only=True)
    in_order: bool | None = field(default=None, kw_only=True)
    yields: bytes = field(default=b"", kw_only=True)
    inner: bool = field(default=False, kw_only=True)

    @property
    def children(self) -> list[Node]:
        """The nodes in it."""
        return []

    def limit(self, mask: int, names: tuple[bytes, ...]) -> None:
        """Let it be about some fields alone."""
        if self.mask == ALL_FIELDS:
            self.names = names
        self.mask &= mask
        for child in self.children:
            child.limit(mask, names)


@dataclass
class _Several(Node):
    parts: list[Node] = field(default_factory=list)

    @property
    def children(self) -> list[Node]:
        return self.parts


@dataclass
class _One(Node):
    part: Node

    @property
    def children(self) -> list[Node]:
        return [self.part]


@dataclass
class Star(Node):
    """All documents."""


@dataclass
class Term(Node):
    """A word.

    Args:
        word: in small letters, but as it was written for tags.
        expanded: whether it was added to the query's own ones.
        raw: as it was written, for tags.
        plain: whether it stands in the query itself, and is no value of PARAMS.
        phonetic: whether words that sound the same are meant; None where the query does not say.
    """

    word: str
    raw: bytes = b""
    expanded: bool = False
    plain: bool = True
    phonetic: bool | None = None


@dataclass
class Part(Node):
    """Words with a beginning, an end, a middle (``kind`` PREFIX, SUFFIX, INFIX) or WILDCARD."""

    kind: str
    word: str
    raw: bytes = b""


@dataclass
class Fuzzy(Node):
    """Words that differ in a few letters."""

    word: str
    distance: int


@dataclass
class Exact(_Several):
    """Words one behind the other."""


@dataclass
class Intersection(_Several):
    """What all parts have found."""


@dataclass
class Union(_Several):
    """What any part has found."""


@dataclass
class Negation(_One):
    """What a part has not found."""


@dataclass
class Optional(_One):
    """All documents; those that a part has found get more of a score."""


@dataclass
class Numeric(Node):
    """Documents with a number in a range."""

    name: bytes
    low: float
    high: float
    without_low: bool = False
    without_high: bool = False


@dataclass
class Geo(Node):
    """Documents with a place in a circle."""

    name: bytes
    longitude: float
    latitude: float
    radius: float
    unit: str


@dataclass
class Geometry(Node):
    """Documents whose shapes lie so to one (``predicate``, such as WITHIN).

    Args:
        raw: how the shape was written.
    """

    name: bytes
    predicate: str
    raw: bytes
    shape: Shape | None = None


@dataclass
class Tags(_Several):
    """Documents with one of some tags: `Term`, `Part` and `Exact` nodes.

    Args:
        is_scored: whether they give anything to scores.
    """

    name: bytes = b""
    is_scored: bool = True


@dataclass
class Missing(Node):
    """Documents without a field."""

    name: bytes


@dataclass
class Ids(Node):
    """Documents by their numbers, or what FT.SEARCH's INKEYS names."""

    keys: tuple[bytes, ...]


@dataclass
class Vector(Node):
    """Documents whose vectors are near.

    Args:
        count: of the nearest ones; None for all within a radius.
        filter: among which they are looked for.
        shown: the parameter's name, for EXPLAIN.
    """

    name: bytes
    blob: bytes
    count: int | None = None
    radius: float = 0.0
    part: Node | None = None
    shown: bytes = b""

    @property
    def children(self) -> list[Node]:
        """See `Node.children`."""
        return [] if self.part is None else [self.part]
