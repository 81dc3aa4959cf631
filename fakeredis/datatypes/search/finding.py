"""What a query finds in an index: sets of documents, by way of sets of terms, tags and numbers."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from operator import le, lt
from sys import maxunicode
from typing import Any, Final

from fakeredis.datatypes.search.errors import SearchError
from fakeredis.datatypes.search.index import NO_WORDS, SOUND, STEM, Index, fold_tag
from fakeredis.datatypes.search.nodes import (
    ALL_FIELDS,
    Exact,
    Fuzzy,
    Geo,
    Geometry,
    Ids,
    Intersection,
    Missing,
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
from fakeredis.datatypes.search.phonetics import code
from fakeredis.datatypes.search.postings import Dictionary, Postings
from fakeredis.datatypes.search.schema import Field
from fakeredis.datatypes.search.timing import Deadline
from fakeredis.datatypes.search.vectors import from_bytes
from fakeredis.datatypes.search.words import stem

__all__ = ["Finder", "difference", "expand", "matching_words", "resembling", "tags_of_part"]

Found = Collection[int]
METRES: Final = {"m": 1.0, "km": 1000.0, "mi": 1609.34, "ft": 0.3048}
_WORTH: Final = 8  # by how many times a part must find more for each document to be looked at


def expand(node: Node | None, index: Index, language: str) -> Node | None:
    """The query with stems and synonyms beside its words."""
    if node is None or isinstance(node, Negation | Optional | Exact | Tags):
        return node
    if isinstance(node, Term):
        return _expanded(node, index, language)
    if isinstance(node, Intersection | Union):
        parts = [expand(part, index, language) for part in node.parts]
        node.parts = [part for part in parts if part is not None]
        return node
    return node


def _expanded(node: Term, index: Index, language: str) -> Node:
    words = ["~" + group for group in index.synonyms.get(node.word, ())]
    if _is_by_sound(node, index.definition.fields):
        sound = code(node.word)
        if sound:
            words.append(SOUND + sound)
    stemmed = stem(node.word, language)
    words.append(STEM + stemmed)
    if stemmed != node.word:
        words.append(stemmed)
    more = [
        Term(word, expanded=True, mask=node.mask, names=node.names)
        for word in words
    ]
    return Union(parts=[node, *more], mask=node.mask, names=node.names, inner=True)


def _is_by_sound(node: Term, fields: list[Field]) -> bool:
    """Whether words that sound the same are meant, too.

    Where the query does not say so the server takes the number of a field among those of texts for
    its place among all fields: with other fields before it, it may find none.

    Raises:
        SearchError: the query says something about it, and no field has sounds.
    """
    if node.phonetic is None:
        by_place = node.mask not in (0, ALL_FIELDS)  # a field that is none is as good as all
        return any(
            field.phonetic and (not by_place or node.mask >> place & 1)
            for place, field in enumerate(fields)
        )
    if not any(field.phonetic and field.bit & node.mask for field in fields):
        raise SearchError("field does not support phonetics")
    return node.phonetic


class Finder:
    """Looks for what one query asks.

    Args:
        index: where.
        slop, in_order: FT.SEARCH's, for whatever does not say its own.
        deadline: when it is to give up.
    """

    def __init__(
        self, index: Index, slop: int = -1, in_order: bool = False,
        deadline: Deadline | None = None,
    ) -> None:
        self.index = index
        self.deadline = deadline or Deadline()
        self.slop = slop
        self.in_order = in_order
        self.distances: dict[bytes, dict[int, float]] = {}

    def find(self, node: Node | None) -> Found:
        """The documents' numbers, in no order.

        Raises:
            TimedOut: it takes too long.
        """
        if node is None:
            return ()
        self.deadline.check()
        handler: Callable[[Finder, Any], Found] = _HANDLERS[type(node)]
        return handler(self, node)

    # Words ----------------------------------------------------------------------------------

    def term(self, node: Term) -> Found:
        """See `find`."""
        return self.index.terms.having(node.word, node.mask)

    def words(self, node: Node) -> list[str]:
        """The words that a beginning, a pattern or a misspelt word stands for."""
        return list(matching_words(node, self.index))

    def several_words(self, node: Node) -> Found:
        """See `find`."""
        found: set[int] = set()
        for word in self.words(node):
            found.update(self.index.terms.having(word, node.mask))
        return found

    def exact(self, node: Exact) -> Found:
        """See `find`."""
        if len(node.parts) == 1:
            return self.find(node.parts[0])
        return self._in_distance(node.parts, node.mask, 0, True)

    def intersection(self, node: Intersection) -> Found:
        """See `find`."""
        slop = self.slop if node.slop is None else node.slop
        in_order = node.in_order or self.in_order
        if len(node.parts) > 1 and (slop >= 0 or in_order):
            return self._in_distance(
                node.parts, node.mask, (1 << 30) if slop < 0 else slop, in_order
            )
        return self._in_all(node.parts)

    def _in_all(self, parts: Iterable[Node]) -> Found:
        wanted: list[Node] = []
        unwanted: list[Node] = []
        optional = False
        for part in parts:
            if isinstance(part, Negation):
                unwanted.append(part.part)
            elif isinstance(part, Optional):
                if _has_distances(part):
                    self.find(part)
                optional = True
            elif isinstance(part, Star):
                optional = True
            else:
                wanted.append(part)
        found: Found
        if wanted:
            wanted.sort(key=self.estimate)
            found = self.find(wanted[0])
            for other in wanted[1:]:
                found = self._chosen(found, other, True)
        elif unwanted or optional:
            found = self.index.documents.keys()
        else:
            return ()
        for other in unwanted:
            found = self._chosen(found, other, False)
        return found

    def _chosen(self, found: Found, part: Node, inside: bool) -> Found:
        """Those of some documents that a part finds, or does not find.

        Where there are few, each is looked at by itself.
        """
        if not found and not _has_distances(part):
            return found
        if len(found) * _WORTH < self.estimate(part):
            test = self._test(part)
            if test is not None:
                return {each for each in found if test(each) is inside}
        others = self.find(part)
        others = others if isinstance(others, AbstractSet) else set(others)
        return set(found) & others if inside else set(found) - others

    def estimate(self, node: Node) -> int:
        """How many documents a part finds at most."""
        if isinstance(node, Term):
            return len(self.index.terms.postings.get(node.word, ()))
        if isinstance(node, Tags):
            dictionary = self.index.tags.get(node.name)
            field = self.index.definition.field_named(node.name)
            if dictionary is None or field is None:
                return 0
            tags = (tag for part in node.parts for tag in tags_of_part(part, field, self.index))
            return sum(len(dictionary.postings.get(tag, ())) for tag in tags)
        if isinstance(node, Numeric):
            line = self.index.numbers.get(node.name)
            return 0 if line is None else line.count(*_bounds(node))
        if isinstance(node, Union):
            return sum(map(self.estimate, node.parts))
        if isinstance(node, Intersection | Exact):
            return min(map(self.estimate, node.parts), default=0)
        if isinstance(node, Ids):
            return len(node.keys)
        return len(self.index.documents)

    def _test(self, node: Node) -> Callable[[int], bool] | None:
        """Tells of one document whether a part finds it; None where that is not done at once."""
        if isinstance(node, Numeric):
            line = self.index.numbers.get(node.name)
            return None if line is None else _in_range(line.of, *_bounds(node))
        if isinstance(node, Term) or (isinstance(node, Tags) and len(node.parts) == 1):
            ordered = self.find(node)
            if isinstance(ordered, Sequence):
                return lambda number: _is_among(ordered, number)
        return None

    def _in_distance(self, parts: list[Node], mask: int, slop: int, in_order: bool) -> Found:
        found = self._in_all(parts)
        readers = [self.positions(part) for part in parts]
        several = any(isinstance(part, Tags) and len(part.parts) > 1 for part in parts)
        kept = set()
        for number in self.deadline.each(found):
            places = [read(number) for read in readers]
            places = [each for each in places if each]
            if not places:
                is_kept = not (several and in_order)
            elif several:
                is_kept = not in_order  # whose places are beyond all others there
            elif len(places) == 1:
                is_kept = in_order
            else:
                is_kept = is_within(places, slop, in_order)
            if is_kept:
                kept.add(number)
        return kept

    def positions(self, node: Node) -> Callable[[int], list[int]]:
        """Reads where in a document a part is found; nowhere, if it is no word."""
        if isinstance(node, Term):
            terms = self.index.terms
            postings: Postings | None = terms.postings.get(node.word)
            if postings is None:
                return lambda number: []
            return postings.places(terms.masks_of(node.mask))
        if isinstance(node, Part | Fuzzy):
            readers = [
                self.positions(Term(word, mask=node.mask)) for word in self.words(node)
            ]
        elif isinstance(node, Union | Intersection | Exact | Optional):
            readers = [self.positions(part) for part in node.children]
        else:
            return lambda number: []

        def of_all(number: int) -> list[int]:
            return sorted({place for read in readers for place in read(number)})

        return of_all

    # The rest -------------------------------------------------------------------------------

    def union(self, node: Union) -> Found:
        """See `find`."""
        several = [found for part in node.parts if (found := self.find(part))]
        return several[0] if len(several) == 1 else set().union(*several)

    def star(self, node: Star) -> Found:
        """See `find`."""
        return self.index.documents.keys()

    def negation(self, node: Negation) -> Found:
        """See `find`."""
        return self.index.documents.keys() - set(self.find(node.part))

    def optional(self, node: Optional) -> Found:
        """See `find`."""
        if _has_distances(node):
            self.find(node.part)
        return self.index.documents.keys()

    def numeric(self, node: Numeric) -> Found:
        """See `find`."""
        line = self.index.numbers.get(node.name)
        if line is None or node.low != node.low or node.high != node.high:
            return ()
        return line.between(*_bounds(node))

    def geo(self, node: Geo) -> Found:
        """See `find`."""
        metres = node.radius * METRES[node.unit]
        return self.index.near(node.name, node.longitude, node.latitude, metres)

    def geometry(self, node: Geometry) -> Found:
        """See `find`."""
        shapes = self.index.shapes.get(node.name)
        if shapes is None or node.shape is None:
            return ()
        return shapes.found(node.predicate, node.shape)

    def tags(self, node: Tags) -> Found:
        """See `find`."""
        dictionary = self.index.tags.get(node.name)
        field = self.index.definition.field_named(node.name)
        if dictionary is None or field is None:
            return ()
        if len(node.parts) == 1:
            return self.tag(node.parts[0], field, dictionary)
        found: set[int] = set()
        for part in self.deadline.each(node.parts):
            found.update(self.tag(part, field, dictionary))
        return found

    def tag(self, part: Node, field: Field, dictionary: Dictionary) -> Found:
        """The documents with a tag of one of the query's parts."""
        tags = tags_of_part(part, field, self.index)
        if len(tags) == 1:
            return dictionary.tagged(tags[0])
        found: set[int] = set()
        for tag in tags:
            found.update(dictionary.tagged(tag))
        return found

    def missing(self, node: Missing) -> Found:
        """See `find`."""
        return self.index.missing.get(node.name, {}).keys()

    def ids(self, node: Ids) -> Found:
        """See `find`."""
        numbers = self.index.numbers_of
        return {numbers[key] for key in node.keys if key in numbers}

    def vector(self, node: Vector) -> Found:
        """See `find`."""
        among: Found | None = None
        if node.part is not None and not isinstance(node.part, Star):
            among = self.find(node.part)
        space = self.index.spaces.get(node.name)
        if space is None:
            return ()
        wanted = from_bytes(node.blob, space.form.type)
        if node.count is None:
            distances = space.within(wanted, node.radius, self.deadline)
        else:
            nearest = space.nearest(wanted, node.count, among, self.deadline)
            distances = {number: distance for distance, number in nearest}
        if node.yields:
            if node.yields in self.distances:
                shown = node.yields.decode("utf-8", "replace")
                raise SearchError(f"Property `{shown}` specified more than once")
            self.distances[node.yields] = distances
        return set(distances)


def _has_distances(node: Node) -> bool:
    """Whether a part tells the distances of vectors, so that it is to be asked in any case."""
    return isinstance(node, Vector) or any(map(_has_distances, node.children))


def _bounds(node: Numeric) -> tuple[float, float, bool, bool]:
    return node.low, node.high, node.without_low, node.without_high


def _in_range(
    of: dict[int, Any], low: float, high: float, without_low: bool, without_high: bool
) -> Callable[[int], bool]:
    """Tells whether a document has a number in a range."""
    above: Callable[[float, float], bool] = lt if without_low else le
    below: Callable[[float, float], bool] = lt if without_high else le

    def test(document: int) -> bool:
        number = of.get(document)
        if number is None:
            return False
        several = number if type(number) is list else [number]
        return any(above(low, each) and below(each, high) for each in several)

    return test


def _is_among(ordered: Sequence[int], number: int) -> bool:
    at = bisect_left(ordered, number)
    return at < len(ordered) and ordered[at] == number


_HANDLERS: Final[dict[type[Node], Any]] = {
    Term: Finder.term, Part: Finder.several_words, Fuzzy: Finder.several_words,
    Exact: Finder.exact, Intersection: Finder.intersection, Union: Finder.union,
    Star: Finder.star, Negation: Finder.negation, Optional: Finder.optional,
    Numeric: Finder.numeric, Geo: Finder.geo, Geometry: Finder.geometry, Tags: Finder.tags,
    Missing: Finder.missing, Ids: Finder.ids, Vector: Finder.vector,
}


# Words that are looked for by a pattern ---------------------------------------------------------


def matching_words(node: Node, index: Index) -> Iterator[str]:
    """The words of an index that a part of a query stands for; no stems, and not too many."""
    dictionary, limits = index.terms, index.limits
    if isinstance(node, Fuzzy):
        yield from _similar(node.word, node.distance, dictionary, limits.words)
        return
    assert isinstance(node, Part)
    count = 0
    for word in _chosen(node.kind, node.word, dictionary, limits.shortest):
        if word[:1] in NO_WORDS and word[:1] != node.word[:1]:
            continue
        yield word
        count += 1
        if count == limits.words:
            return


def _chosen(kind: str, word: Any, dictionary: Dictionary, shortest: int) -> Iterator[Any]:
    if kind != "WILDCARD" and len(word) < shortest:
        return iter(())
    if kind == "PREFIX":
        return dictionary.beginning(word)
    ordered = dictionary.ordered()
    if kind == "SUFFIX":
        return (each for each in ordered if each.endswith(word))
    if kind == "INFIX":
        return (each for each in ordered if word in each)
    return filter(pattern(word).fullmatch, ordered)


def pattern(word: Any) -> re.Pattern[Any]:
    """What a pattern with stars and question marks matches; no part is tried twice.

    Each part but the last is taken where it is found first: by what is looked ahead at, and then
    said again.
    """
    text = word.decode("latin-1") if isinstance(word, bytes) else word
    first, *others = (
        re.escape(piece).replace(r"\?", ".") for piece in re.split("[*]+", text)
    )
    whole = first
    for at, piece in enumerate(filter(None, others[:-1])):
        whole += f"(?=(?P<p{at}>.*?{piece}))(?P=p{at})"
    if others:
        whole += ".*" + others[-1]
    return re.compile(whole.encode("latin-1") if isinstance(word, bytes) else whole, re.DOTALL)


def _similar(word: str, most: int, dictionary: Dictionary, words: int) -> Iterator[str]:
    count = 0
    for each in resembling(dictionary.ordered(), word, most):
        if each[:1] in NO_WORDS:
            continue
        yield each
        count += 1
        if count == words:
            return


def resembling(ordered: list[str], word: str, most: int) -> Iterator[str]:
    """The words of a sorted list that differ from one in at most some letters.

    What begins alike is looked at once, and passed over where its beginning differs too much.
    """
    size = len(word)
    ordered = [each for each in ordered if -most <= len(each) - size <= most]
    rows = [list(range(size + 1))]
    path = ""
    at = 0
    while at < len(ordered):
        each = ordered[at]
        shared = _shared(path, each)
        del rows[shared + 1 :]
        at += 1
        for place in range(shared, len(each)):
            row = _next_row(rows[-1], word, each[place])
            rows.append(row)
            if min(row) > most:
                path = each[: place + 1]
                at = bisect_left(ordered, path + chr(maxunicode), at)
                break
        else:
            path = each
            if rows[-1][-1] <= most:
                yield each


def _shared(one: str, other: str) -> int:
    """How many letters two words have in common at their beginnings."""
    count = 0
    for letter, another in zip(one, other, strict=False):
        if letter != another:
            break
        count += 1
    return count


def _next_row(before: list[int], word: str, letter: str) -> list[int]:
    """How much a beginning differs from all beginnings of a word."""
    last = before[0] + 1
    row = [last]
    diagonal = before[0]
    for above, own in zip(before[1:], word, strict=True):
        last = min(above + 1, last + 1, diagonal + (own != letter))
        row.append(last)
        diagonal = above
    return row


def difference(one: str, other: str, most: int) -> int:
    """How many letters must be changed, put in or left out; ``most + 1`` where it is more."""
    if one == other:
        return 0
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        before, row[0] = row[0], at
        best = at
        for column, another in enumerate(other, 1):
            cost = min(row[column] + 1, row[column - 1] + 1, before + (letter != another))
            before, row[column] = row[column], cost
            best = min(best, cost)
        if best > most:
            return most + 1
    return row[-1]


def tags_of_part(part: Node, field: Field, index: Index) -> list[bytes]:
    """The tags that a part of a query stands for."""
    if isinstance(part, Part):
        raw = part.raw
        if part.kind != "WILDCARD":
            raw = re.sub(rb"\\(.)", rb"\1", raw)
        if not field.case_sensitive:
            raw = fold_tag(raw)
        found = []
        for tag in _chosen(part.kind, raw, index.tags[field.name], index.limits.shortest):
            found.append(tag)
            if len(found) == index.limits.words:
                break
        return found
    if isinstance(part, Term):
        tag = part.raw
    else:
        tag = b" ".join(each.raw for each in part.children if isinstance(each, Term))
    return [tag if field.case_sensitive else fold_tag(tag)]


# Distances of words -----------------------------------------------------------------------------


def is_within(places: list[list[int]], slop: int, in_order: bool) -> bool:
    """Whether words stand near enough to each other.

    Args:
        places: where each word is, in order.
        slop: how many other words may stand between them altogether.
    """
    return _in_order(places, slop) if in_order else _in_any_order(places, slop)


def _in_order(places: list[list[int]], slop: int) -> bool:
    """Each behind the one before, or at the same place, where both are one word."""
    at = [0] * len(places)
    for start in places[0]:
        last, gap = start, 0
        for word in range(1, len(places)):
            each = places[word]
            while at[word] < len(each) and each[at[word]] < last:
                at[word] += 1
            if at[word] == len(each):
                return False
            gap += each[at[word]] - last - 1
            last = each[at[word]]
            if gap > slop:
                break
        if gap <= slop:
            return True
    return False


def _in_any_order(places: list[list[int]], slop: int) -> bool:
    """The first and the last must be two; words at one place leave more room between them."""
    at = [0] * len(places)
    now = [each[0] for each in places]
    greatest = max(now)
    last = now.index(greatest)
    while True:
        least = min(now)
        first = now.index(least)
        if first != last and greatest - least - (len(places) - 1) <= slop:
            return True
        at[first] += 1
        if at[first] == len(places[first]):
            return False
        now[first] = places[first][at[first]]
        if now[first] > greatest:
            greatest, last = now[first], first
