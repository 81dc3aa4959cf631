"""How well a document answers a query, in the server's numbers."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from fakeredis.datatypes.search.finding import Finder, matching_words, tags_of_part
from fakeredis.datatypes.search.index import Document
from fakeredis.datatypes.search.nodes import (
    ALL_FIELDS,
    Exact,
    Fuzzy,
    Geometry,
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
from fakeredis.datatypes.search.postings import Postings, Tagged
from fakeredis.datatypes.search.vectors import single

__all__ = ["SCORERS", "older_idf", "scorer"]

SCORERS: Final = (
    "TFIDF", "TFIDF.DOCNORM", "BM25", "BM25STD", "DISMAX", "DOCSCORE", "HAMMING",
)
_K1: Final = single(1.2)  # the server calculates with 32 bits here, with 64 otherwise
_B: Final = 0.5

Score = Callable[[Document], float]
# A part's contribution: from a document, and what a term gives by frequency and document.
Gain = Callable[[int, Document], float]


def older_idf(total: int, count: int) -> float:
    """What a term of so many of all documents is worth to the scorers before ``BM25STD``."""
    return float(math.frexp(1.0 + (total + 1.0) / (count or 1))[1] - 1)


def _none(document: Document) -> float:
    return 0.0


class _Maker:
    """Makes functions that tell what parts of a query contribute."""

    def __init__(self, finder: Finder, name: str) -> None:
        self.finder = finder
        self.index = finder.index
        self.name = name
        self.total = len(self.index.documents)
        self.average = self.index.average_length

    # Terms ----------------------------------------------------------------------------------

    def idf(self, count: int) -> float:
        """What a term of so many documents is worth."""
        if self.name == "BM25STD":
            total = max(self.total, count)
            return math.log(single(1.0 + single(single(total - count + 0.5) / single(count + 0.5))))
        return older_idf(self.total, count)

    def gain(self, count: int) -> Gain:
        """What a term of so many documents contributes."""
        if self.name == "DISMAX":
            return lambda frequency, document: float(frequency)
        idf, average = self.idf(count), self.average
        if self.name == "BM25STD":
            return lambda frequency, document: idf * frequency * (_K1 + 1) / (
                frequency + _K1 * (1 - _B + _B * document.length / (average or 1.0))
            )
        if self.name == "BM25":
            return lambda frequency, document: idf * frequency / (
                frequency + _K1 * (1 - _B + _B * average)
            )
        return lambda frequency, document: frequency * idf

    def word(self, word: str, mask: int, weight: float) -> Score:
        """What a word contributes."""
        terms = self.index.terms
        postings: Postings | None = terms.postings.get(word)
        if postings is None:
            return _none
        gain = self.gain(len(postings))
        factor = 1.0 if self.name == "BM25STD" else weight  # which knows none of words
        frequencies = postings.frequencies(terms.masks_of(mask))

        def score(document: Document) -> float:
            frequency = frequencies.get(document.number)
            return 0.0 if frequency is None else factor * gain(frequency, document)

        return score

    def tag(self, postings: Tagged) -> Score:
        """What a tag contributes."""
        gain = self.gain(len(postings))
        numbers = set(postings.numbers)

        def score(document: Document) -> float:
            return gain(1, document) if document.number in numbers else 0.0

        return score

    # Parts ----------------------------------------------------------------------------------

    def make(self, node: Node, skipping: bool = False, nested: bool = False) -> Score:
        """The function of a part.

        Args:
            skipping: the server looks for documents that another part has found: then the first
                part of a union that has one ends the search.
            nested: documents are asked for that this part may not have found.
        """
        if isinstance(node, Term):
            return self.word(node.word, node.mask, node.weight)
        if isinstance(node, Part | Fuzzy):
            terms = self.index.terms
            scores = [
                self.word(word, node.mask, 1.0)
                for word in matching_words(node, terms)
            ]
            return self._together(scores, node.weight, True, skipping)
        if isinstance(node, Intersection | Exact):
            return self._of_all(node, nested)
        if isinstance(node, Union):
            scores = [self.make(part, skipping, True) for part in node.parts]
            return self._together(scores, node.weight, True, skipping)
        if isinstance(node, Tags):
            return self._tags(node)
        if isinstance(node, Optional):
            return self.make(node.part, nested=True)
        if isinstance(node, Vector):
            return _none if node.part is None or isinstance(node.part, Star) else self.make(
                node.part
            )
        if isinstance(node, Negation | Geometry):
            return _none
        return self._flat(node)

    def _of_all(self, node: Intersection | Exact, nested: bool) -> Score:
        parts = sorted(node.parts, key=self._estimate)
        scores = [self.make(part) for part in parts]
        if any(isinstance(part, Union) for part in parts[1:]):
            first = sorted(self.finder.find(parts[0]))
            scores[1:] = [
                self._after(first, part, score) if isinstance(part, Union) else score
                for part, score in zip(parts[1:], scores[1:], strict=True)
            ]
        together = self._together(scores, node.weight)
        if not nested:
            return together
        found = set(self.finder.find(node))
        return lambda document: together(document) if document.number in found else 0.0

    def _after(self, first: list[int], part: Union, whole: Score) -> Score:
        """Of a union that the server asks for documents which another part has found.

        Where it has not the one that is asked for it goes on to its next one, and knows of that
        only which of its own parts came first.
        """
        own = sorted(self.finder.find(part))
        alone = self.make(part, skipping=True)

        def score(document: Document) -> float:
            number = document.number
            at = bisect_left(own, number)
            before = bisect_left(first, number)
            asked = first[before - 1] if before else 0
            return (alone if asked > (own[at - 1] if at else 0) else whole)(document)

        return score

    def _estimate(self, node: Node) -> int:
        """How many documents the server expects a part to find."""
        if isinstance(node, Union):
            return sum(map(self._estimate, node.parts))
        if isinstance(node, Negation | Optional | Star):
            return self.total
        if isinstance(node, Vector):
            return 0
        if isinstance(node, Numeric) or (isinstance(node, Term) and node.mask == ALL_FIELDS):
            return self.finder.estimate(node)
        return len(self.finder.find(node))

    def _flat(self, node: Node) -> Score:
        """Of what has no words: documents, numbers, places."""
        weight = node.weight
        if self.name == "BM25STD":
            if not isinstance(node, Star):
                return _none
            average = self.average

            def starred(document: Document) -> float:
                length = document.length / (average or 1.0)
                return weight * (_K1 + 1) / (1 + _K1 * (1 - _B + _B * length))

            return starred
        amount = weight
        if self.name == "BM25":
            if not isinstance(node, Star):
                return _none
            amount = weight / (1 + _K1 * (1 - _B + _B * self.average))
        if isinstance(node, Star | Numeric):
            return lambda document: amount
        found = self.finder.find(node)
        return lambda document: amount if document.number in found else 0.0

    def _tags(self, node: Tags) -> Score:
        dictionary = self.index.tags.get(node.name)
        field = self.index.definition.field_named(node.name)
        if dictionary is None or field is None:
            return _none
        scores = [
            self._together(
                [
                    self.tag(dictionary.postings[tag])
                    for tag in tags_of_part(part, field, dictionary) if tag in dictionary.postings
                ], 1.0, is_union=True,
            )
            for part in node.parts
        ]
        return self._together(scores, node.weight, is_union=True)

    def _together(
        self, scores: list[Score], weight: float, is_union: bool = False, first: bool = False
    ) -> Score:
        if len(scores) == 1 and weight == 1.0:
            return scores[0]
        if is_union and self.name == "DISMAX":
            return lambda document: weight * max((each(document) for each in scores), default=0.0)

        if first:
            return lambda document: weight * next(filter(None, (
                each(document) for each in scores
            )), 0.0)

        def score(document: Document) -> float:
            total = 0.0
            for each in scores:
                total += each(document)
            return weight * total

        return score


def scorer(finder: Finder, node: Node | None, name: str, payload: bytes | None = None) -> Score:
    """The function that tells a document's score.

    Args:
        finder: that has found the documents.
        name: one of `SCORERS`.
        payload: FT.SEARCH's, for HAMMING.
    """
    if name == "DOCSCORE":
        return lambda document: document.score
    if name == "HAMMING":
        return lambda document: _similarity(document.payload, payload)
    if node is None:
        return _none
    base = "TFIDF" if name == "TFIDF.DOCNORM" else name
    words = _Maker(finder, base).make(node)
    if name == "DISMAX":
        return words
    if name == "BM25STD":
        return words if words is _none else lambda document: document.score * words(document)
    slop = _slop(finder, node)
    if name == "BM25":
        return lambda document: document.score * words(document) / slop(document)
    if name == "TFIDF":
        return lambda document: _divided(document.score * words(document), document.most) / slop(
            document
        )
    return lambda document: _divided(document.score * words(document), document.length) / slop(
        document
    )


def _divided(amount: float, norm: int) -> float:
    if norm:
        return amount / norm
    return math.inf if amount else math.nan


def _similarity(one: bytes | None, other: bytes | None) -> float:
    if not one or not other or len(one) != len(other):
        return 0.0
    difference = (
        int.from_bytes(one, "little") ^ int.from_bytes(other, "little")
    ).bit_count()
    return 1.0 / (difference + 1)


def _slop(finder: Finder, node: Node) -> Score:
    """How far the words of a query stand from each other: older scores are divided by it."""
    while len(node.children) == 1 and isinstance(node, Intersection | Union | Exact):
        node = node.children[0]
    if not isinstance(node, Intersection | Union | Exact):
        return lambda document: 1.0
    readers = [(finder.positions(part), set(finder.find(part))) for part in node.parts
               if not isinstance(part, Negation)]

    def slop(document: Document) -> float:
        present = [read for read, found in readers if document.number in found]
        if len(present) <= 1:
            return 1.0
        places = [read(document.number) for read in present]
        words = [each for each in places if each]
        total = 0
        if len(words) < 2:
            return 1.0
        for one, other in pairwise(words):
            total += _nearest(one, other) ** 2
        return math.sqrt(total) if total else float(len(present) - 1) or 1.0

    return slop


def _nearest(one: list[int], other: list[int]) -> int:
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
