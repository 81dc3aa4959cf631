"""How well a document answers a query, in the server's numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Final

from fakeredis.datatypes.search.finding import Finder, matching_words, tags_of_part
from fakeredis.datatypes.search.index import Document, Index
from fakeredis.datatypes.search.nodes import (
    Exact,
    Fuzzy,
    Geometry,
    Intersection,
    Negation,
    Node,
    Optional,
    Part,
    Star,
    Tags,
    Term,
    Union,
    Vector,
)
from fakeredis.datatypes.search.postings import Postings, Tagged
from fakeredis.datatypes.search.records import Found, Records, reached_by_chance
from fakeredis.datatypes.search.vectors import single

__all__ = [
    "GROWTH", "NEWER_SCORERS", "SCORERS", "SHARE", "STRETCH", "Measures", "Score", "nothing",
    "older_idf", "scorer",
]

SCORERS: Final = (
    "TFIDF", "TFIDF.DOCNORM", "BM25", "BM25STD", "DISMAX", "DOCSCORE", "HAMMING",
)
NEWER_SCORERS: Final = ("BM25STD.TANH", "BM25STD.NORM")  # of Redis 8
STRETCH: Final = 4  # by which the first one divides before it is a hyperbolic tangent
GROWTH: Final = single(1.2)  # the server calculates with 32 bits here, with 64 otherwise
SHARE: Final = 0.5

Score = Callable[[Document], float]
# A part's contribution: from a document, and what a term gives by frequency and document.
Gain = Callable[[int, Document], float]


def older_idf(total: int, count: int) -> float:
    """What a term of so many of all documents is worth to the scorers before ``BM25STD``."""
    return float(math.frexp(1.0 + (total + 1.0) / (count or 1))[1] - 1)


def nothing(document: Document) -> float:
    """The score of all documents where no part of a query gives them one."""
    return 0.0


class Measures:
    """What scores are made of, beside what a document has.

    Args:
        name: the scorer's.
    """

    def __init__(self, index: Index, name: str) -> None:
        self.index = index
        self.name = name
        self.total = len(index.documents)
        self.average = index.average_length

    def idf(self, count: int) -> float:
        """What a term of so many documents is worth."""
        if self.name == "BM25STD":
            total = max(self.total, count)
            return math.log(single(1.0 + single(single(total - count + 0.5) / single(count + 0.5))))
        return older_idf(self.total, count)

    def together(self, found: Found, document: Document) -> float:
        """What the parts of something contribute, before it is weighed."""
        if found.is_near and self.name == "DISMAX":
            return self.amount(found.parts[1], document) if found.parts else 0.0
        amounts = [self.amount(part, document) for part in found.parts or ()]
        if found.is_union and self.name == "DISMAX":
            return max(amounts, default=0.0)
        total = 0.0
        for each in amounts:
            total += each
        return total

    def amount(self, found: Found, document: Document) -> float:
        """What something that was found contributes."""
        if found.parts is not None:
            return found.weight * self.together(found, document)
        count = found.frequency
        is_word = found.word not in ("", "*")
        if self.name == "DISMAX":
            return found.weight * count
        if self.name == "BM25STD":
            if not found.word:
                return 0.0
            # Words have no weights here, nor in BM25.
            factor = self.idf(found.count) if is_word else found.weight
            length = document.length / (self.average or math.nan)
            return factor * count * (GROWTH + 1) / (count + GROWTH * (1 - SHARE + SHARE * length))
        if self.name == "BM25":
            if not count:
                return 0.0
            factor = self.idf(found.count) if is_word else found.weight
            return factor * count / (count + GROWTH * (1 - SHARE + SHARE * self.average))
        return found.weight * count * (self.idf(found.count) if is_word else 1.0)


class _Maker(Measures):
    """Makes functions that tell what parts of a query contribute to a score of BM25STD.

    They do at once what `Measures.amount` does step by step.
    """

    def __init__(self, finder: Finder) -> None:
        super().__init__(finder.index, "BM25STD")
        self.finder = finder
        self.records = Records(finder, Star())
        self._words: dict[tuple[str, int], Score] = {}  # those that were made already

    # Terms ----------------------------------------------------------------------------------

    def gain(self, count: int) -> Gain:
        """What a term of so many documents contributes."""
        idf, average = self.idf(count), self.average
        return lambda frequency, document: idf * frequency * (GROWTH + 1) / (
            frequency + GROWTH * (1 - SHARE + SHARE * document.length / (average or math.nan))
        )

    def word(self, word: str, mask: int) -> Score:
        """What a word contributes; a query may have the same one many times."""
        known = self._words.get((word, mask))
        if known is None:
            known = self._words[word, mask] = self._word(word, mask)
        return known

    def _word(self, word: str, mask: int) -> Score:
        terms = self.index.terms
        postings: Postings | None = terms.postings.get(word)
        if postings is None:
            return nothing
        gain = self.gain(len(postings))
        frequencies = postings.frequencies(terms.masks_of(mask))

        def score(document: Document) -> float:
            frequency = frequencies.get(document.number)
            return 0.0 if frequency is None else gain(frequency, document)

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
            return self.word(node.word, node.mask)
        if isinstance(node, Part | Fuzzy):
            scores = [
                self.word(word, node.mask)
                for word in matching_words(node, self.index)
            ]
            return self._together(scores, node.weight, True)
        if isinstance(node, Intersection | Exact):
            return self._of_all(node, nested)
        if isinstance(node, Union):
            parts = [part for part in node.parts if not self._is_nothing(part)]
            scores = [self.make(part, skipping, True) for part in parts]
            if len(scores) == 1:
                return scores[0]  # that is alone there, without the union's weight
            return self._together(scores, node.weight, skipping)
        if isinstance(node, Tags):
            return self._tags(node) if node.is_scored else nothing
        if isinstance(node, Optional):
            return self._optional(node)
        if isinstance(node, Vector):
            return nothing if node.part is None or isinstance(node.part, Star) else self.make(
                node.part
            )
        if isinstance(node, Negation | Geometry):
            return nothing
        return self._flat(node)

    def _of_all(self, node: Intersection | Exact, nested: bool) -> Score:
        parts = sorted(node.parts, key=self.records.estimate)
        scores = [self.make(part) for part in parts]
        if any(self._is_several(part) for part in parts):
            found = [set(self.finder.find(part)) for part in parts]
            scores = [
                self._after(by_chance, part, score) if self._is_several(part) else score
                for by_chance, part, score in zip(
                    reached_by_chance(found), parts, scores, strict=True
                )
            ]
        together = self._together(scores, node.weight)
        if not nested:
            return together
        numbers = set(self.finder.find(node))
        return lambda document: together(document) if document.number in numbers else 0.0

    def _is_several(self, node: Node) -> bool:
        """Whether a part is a union of more than one thing that is there."""
        return isinstance(node, Union) and (
            sum(not self._is_nothing(part) for part in node.parts) > 1
        )

    def _after(self, numbers: set[int], part: Node, whole: Score) -> Score:
        """Of a union in an intersection, which knows of some documents but one of its parts."""
        alone = self.make(part, skipping=True)
        return lambda document: (alone if document.number in numbers else whole)(document)

    def _flat(self, node: Node) -> Score:
        """Of what has no words: documents, numbers, places."""
        if not isinstance(node, Star):
            return nothing
        weight, average = node.weight, self.average

        def starred(document: Document) -> float:
            length = document.length / (average or math.nan)
            return weight * (GROWTH + 1) / (1 + GROWTH * (1 - SHARE + SHARE * length))

        return starred

    def _tags(self, node: Tags) -> Score:
        dictionary = self.index.tags.get(node.name)
        field = self.index.definition.field_named(node.name)
        if dictionary is None or field is None:
            return nothing
        scores = []
        for part in node.parts:
            tags = [
                self.tag(dictionary.postings[tag])
                for tag in tags_of_part(part, field, self.index) if tag in dictionary.postings
            ]
            weight = node.weight if isinstance(part, Part) else 1.0
            scores.append(self._together(tags, weight))
        return scores[0] if len(scores) == 1 else self._together(scores, node.weight)

    def _optional(self, node: Optional) -> Score:
        if isinstance(node.part, Optional):  # then all that it has not found counts as a star
            records = Records(self.finder, node)
            return lambda document: self.amount(records.of(document), document)
        inner = self.make(node.part, nested=True)
        weighs = isinstance(node.part, Intersection | Exact | Union | Part | Fuzzy)
        if not weighs or node.part.weight == node.weight:
            return inner
        # What it has found is weighed as it is itself.
        factor = node.weight / node.part.weight if node.part.weight else 0.0
        return lambda document: factor * inner(document)

    def _is_nothing(self, node: Node) -> bool:
        """Whether nothing in the index is like a part."""
        if isinstance(node, Term):
            return node.word not in self.index.terms.postings
        if isinstance(node, Union):
            return all(map(self._is_nothing, node.parts))
        return isinstance(node, Part | Fuzzy) and not any(
            True for _ in matching_words(node, self.index)
        )

    @staticmethod
    def _together(scores: list[Score], weight: float, first: bool = False) -> Score:
        scores = [each for each in scores if each is not nothing]
        if not scores:
            return nothing
        if len(scores) == 1 and weight == 1.0:
            return scores[0]

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


def scorer(
    finder: Finder, node: Node | None, name: str, payload: bytes | None = None,
    found: Iterable[int] = (), stretch: int = STRETCH,
) -> Score:
    """The function that tells a document's score.

    Args:
        finder: that has found the documents.
        name: one of `SCORERS` or `NEWER_SCORERS`.
        payload: FT.SEARCH's, for HAMMING.
        found: the documents, for what is a share of the greatest score.
        stretch: see `STRETCH`.
    """
    if name in NEWER_SCORERS:
        plain = scorer(finder, node, "BM25STD")
        if plain is nothing:
            return nothing
        if name == "BM25STD.TANH":
            return lambda document: math.tanh(plain(document) / stretch)
        documents = finder.index.documents
        greatest = max((plain(documents[each]) for each in found), default=0.0)
        return lambda document: plain(document) / greatest if greatest else 0.0
    if name == "DOCSCORE":
        return lambda document: document.score
    if name == "HAMMING":
        return lambda document: _similarity(document.payload, payload)
    if node is None:
        return nothing
    if name == "BM25STD":
        made = _Maker(finder).make(node)
        return made if made is nothing else lambda document: document.score * made(document)
    return _older(Records(finder, node), Measures(finder.index, name))


def _older(records: Records, measures: Measures) -> Score:
    """The function of those scorers that ask how far the words stand from each other."""
    name = measures.name

    def score(document: Document) -> float:
        found = records.of(document)
        amount = measures.amount(found, document)
        if name == "DISMAX":
            return amount
        amount *= document.score
        if name == "BM25":
            return amount / found.distance
        norm = document.most if name == "TFIDF" else document.length
        return _divided(amount, norm) / found.distance

    return score


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
