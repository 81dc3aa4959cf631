"""What a query found in a document, part by part, as the server's iterators tell it."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import pairwise

from fakeredis.datatypes.search.finding import Finder, matching_words, tags_of_part
from fakeredis.datatypes.search.index import Document
from fakeredis.datatypes.search.nodes import (
    Exact,
    Fuzzy,
    Geometry,
    Ids,
    Intersection,
    Negation,
    Node,
    Numeric,
    Optional,
    Part,
    Star,
    Tags,
    Term,
    Union,
    Vector,
)
from fakeredis.datatypes.search.postings import Postings

__all__ = ["Found", "Records", "reached_by_chance"]


@dataclass(slots=True)
class Found:
    """What a part of the query found in a document.

    Args:
        word: of a word or a tag; "*" where all documents were asked for.
        count: how many documents have it.
        places: where the word is.
        parts: None of a single thing.
        is_virtual: whether it stands for no entry of the index.
        is_near: whether it is of vectors, and what they were chosen among.
    """

    weight: float = 1.0
    frequency: int = 1
    word: str = ""
    count: int = 0
    places: tuple[int, ...] = ()
    parts: list[Found] | None = None
    is_union: bool = False
    is_virtual: bool = False
    is_near: bool = False

    @property
    def all_places(self) -> list[int]:
        """Where any of its words is."""
        if self.parts is None:
            return list(self.places)
        return sorted({place for part in self.parts for place in part.all_places})

    @property
    def has_places(self) -> bool:
        """Whether it is asked where its words are; of several things only some numbers are not."""
        if self.parts is None:
            return bool(self.places)
        return any(part.parts is not None or not part.is_virtual for part in self.parts)

    @property
    def distance(self) -> int:
        """How far its words stand from each other; older scores are divided by it."""
        parts = self.parts or ()
        if len(parts) <= 1:
            return 1
        words = [part.all_places for part in parts if part.has_places]
        total = sum(_nearest(one, other) ** 2 for one, other in pairwise(words))
        # A whole number there.
        return math.isqrt(total) if total else len(parts) - 1


def _nearest(one: list[int], other: list[int]) -> int:
    if not one or not other:  # the server reads beyond the end there
        return max([*one[:1], *other[:1], -1]) + 1
    first = second = 0
    best = abs(other[0] - one[0])
    while best > 1:
        best = min(abs(other[second] - one[first]), best)
        if other[second] > one[first]:
            first += 1
            if first == len(one):
                break
        else:
            second += 1
            if second == len(other):
                break
    return best


def reached_by_chance(several: list[set[int]]) -> list[set[int]]:
    """The documents that parts of an intersection came to, though they were not asked for them.

    All go on in turn to the document where the furthest is. A union that has not just that one
    goes on to its next one, and knows of that only which of its own parts came first.

    Args:
        several: what the parts find, in the server's order.
    """
    lists = [sorted(numbers) for numbers in several]
    at, now = [0] * len(lists), [0] * len(lists)
    chosen: list[set[int]] = [set() for _ in lists]
    is_chance = [False] * len(lists)
    last = 0
    while True:
        for part, numbers in enumerate(lists):
            if now[part] != last or not last:
                place = bisect_left(numbers, last, at[part])
                if place == len(numbers):
                    return chosen
                at[part] = place
                now[part] = numbers[place]
                is_chance[part] = now[part] != last and last > 0
            if now[part] > last:
                last = now[part]
                break
        else:
            for part, numbers_chosen in enumerate(chosen):
                if is_chance[part]:
                    numbers_chosen.add(last)
            last += 1


Find = Callable[[Document], Found | None]
_NOT_FOUND = Found(weight=0.0, word="*", is_virtual=True)
_NOTHING = Found(frequency=0, is_virtual=True)


class Records:
    """Tells what a query found in documents.

    Args:
        finder: that has found them.
    """

    def __init__(self, finder: Finder, node: Node) -> None:
        self.finder = finder
        self._find = self._finding(node)

    def of(self, document: Document) -> Found:
        """What was found in a document."""
        found = None if self._find is None else self._find(document)
        return _NOTHING if found is None else found

    # The parts ------------------------------------------------------------------------------

    def _finding(self, node: Node, skipping: bool = False) -> Find | None:
        """What tells what a part has found; None where nothing in the index is like it.

        Args:
            skipping: the server looks for documents that another part has found: then the first
                part of a union that has one ends the search.
        """
        if isinstance(node, Term):
            return self._of_word(node.word, node.mask, node.weight)
        if isinstance(node, Part | Fuzzy):
            words = matching_words(node, self.finder.index)
            made = [self._of_word(word, node.mask, 1.0) for word in words]
            return self._union(made, node.weight, False, True)
        if isinstance(node, Union):
            made = [self._finding(part, skipping) for part in node.parts]
            return self._union(made, node.weight, True, skipping)
        if isinstance(node, Intersection | Exact):
            return self._intersection(node)
        if isinstance(node, Tags):
            return self._tags(node) if node.is_scored else self._plain(node, Found(0.0))
        if isinstance(node, Optional):
            inner = self._finding(node.part)
            return lambda document: self._optional(inner, node.weight, document)
        if isinstance(node, Negation):
            return self._plain(node, Found(node.weight, 0, is_virtual=True))
        if isinstance(node, Vector):
            return self._near(node)
        if isinstance(node, Geometry):
            return self._plain(node, Found(weight=0.0, frequency=0, is_virtual=True))
        if isinstance(node, Ids):
            return self._plain(node, _NOTHING)
        if isinstance(node, Star):
            return self._plain(node, Found(node.weight, word="*", is_virtual=True))
        return self._plain(node, Found())

    def _plain(self, node: Node, found: Found) -> Find:
        numbers = Finder(self.finder.index).find(node)
        if not isinstance(numbers, AbstractSet):
            numbers = set(numbers)
        return lambda document: found if document.number in numbers else None

    def _of_word(self, word: str, mask: int, weight: float) -> Find | None:
        terms = self.finder.index.terms
        postings: Postings | None = terms.postings.get(word)
        if postings is None:
            return None
        masks = terms.masks_of(mask)
        count = len(postings)
        frequencies, places = postings.frequencies(masks), postings.places(masks)

        def find(document: Document) -> Found | None:
            frequency = frequencies.get(document.number)
            if frequency is None:
                return None
            return Found(weight, frequency, word, count, tuple(places(document.number)))

        return find

    @staticmethod
    def _union(
        made: list[Find | None], weight: float, collapses: bool, first: bool = False
    ) -> Find | None:
        """Of several parts.

        Args:
            collapses: whether one that is alone there stands for all.
            first: whether the first one that has a document ends the search.
        """
        several = [each for each in made if each is not None]
        if not several or (collapses and len(several) == 1):
            return several[0] if several else None

        def find(document: Document) -> Found | None:
            parts = []
            for each in several:
                found = each(document)
                if found is not None:
                    parts.append(found)
                    if first:
                        break
            return Found(weight, parts=parts, is_union=True) if parts else None

        return find

    def _intersection(self, node: Intersection | Exact) -> Find | None:
        parts = node.parts if isinstance(node, Exact) else sorted(node.parts, key=self.estimate)
        several = [self._finding(part) for part in parts]
        if any(isinstance(part, Union) for part in parts):
            alone = reached_by_chance([self._numbers(part) for part in parts])
            several = [
                self._after(numbers, part, whole)
                if isinstance(part, Union) and whole is not None else whole
                for numbers, part, whole in zip(alone, parts, several, strict=True)
            ]
        numbers = self._numbers(node)

        def find(document: Document) -> Found | None:
            if document.number not in numbers:
                return None
            found = [each(document) if each else None for each in several]
            if len(found) == 1:
                return found[0]
            return Found(node.weight, parts=[each or _NOTHING for each in found])

        return find

    def _numbers(self, node: Node) -> set[int]:
        finder = self.finder
        return set(Finder(finder.index, finder.slop, finder.in_order).find(node))

    def _after(self, numbers: set[int], part: Union, whole: Find) -> Find:
        """Of a union in an intersection, which knows of some documents but one of its parts."""
        alone = self._finding(part, True) or whole
        return lambda document: (alone if document.number in numbers else whole)(document)

    def estimate(self, node: Node) -> int:
        """How many documents the server expects a part to find."""
        index = self.finder.index
        if isinstance(node, Term):
            return len(index.terms.postings.get(node.word, ()))
        if isinstance(node, Union):
            return sum(map(self.estimate, node.parts))
        if isinstance(node, Intersection | Exact):
            return min(map(self.estimate, node.parts), default=0)
        if isinstance(node, Negation | Optional | Star):
            return len(index.documents)
        if isinstance(node, Vector):
            return 0
        if isinstance(node, Tags):
            return sum(
                len(Finder(index).find(Tags(parts=[part], name=node.name))) for part in node.parts
            )
        if isinstance(node, Numeric):
            return self.finder.estimate(node)
        return len(Finder(index).find(node))

    def _tags(self, node: Tags) -> Find | None:
        dictionary = self.finder.index.tags.get(node.name)
        known = self.finder.index.definition.field_named(node.name)
        if dictionary is None or known is None:
            return None
        made: list[Find | None] = []
        for part in node.parts:
            tags = [
                self._of_tag(set(Finder(self.finder.index).tag(
                    Term("", tag), replace(known, case_sensitive=True), dictionary
                )), tag, node.weight)
                for tag in tags_of_part(part, known, self.finder.index)
            ]
            several = [each for each in tags if each is not None]
            made.append(
                self._union(list(several), node.weight, False) if isinstance(part, Part)
                else several[0] if several else None
            )
        return made[0] if len(made) == 1 else self._union(made, node.weight, False)

    @staticmethod
    def _of_tag(numbers: set[int], tag: bytes, weight: float) -> Find | None:
        if not numbers:
            return None
        found = Found(weight, 1, tag.decode("utf-8", "surrogateescape"), len(numbers))
        return lambda document: found if document.number in numbers else None

    @staticmethod
    def _optional(inner: Find | None, weight: float, document: Document) -> Found:
        found = None if inner is None else inner(document)
        if found is None:
            return _NOT_FOUND
        return replace(found, weight=weight)

    def _near(self, node: Vector) -> Find:
        inner = None
        if node.part is not None and not isinstance(node.part, Star):
            inner = self._finding(node.part)
        if inner is None:
            return lambda document: _NOTHING
        among = inner

        def find(document: Document) -> Found:
            found = among(document)
            return _NOTHING if found is None else Found(parts=[_NOTHING, found], is_near=True)

        return find
