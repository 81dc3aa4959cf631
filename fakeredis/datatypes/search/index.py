"""An index: which documents have which terms, tags, numbers, places and vectors."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from sys import intern
from typing import Any, Final, NamedTuple

from fakeredis.datatypes.geohash import MAX_LATITUDE, distance
from fakeredis.datatypes.search.errors import SearchError
from fakeredis.datatypes.search.phonetics import code
from fakeredis.datatypes.search.postings import Dictionary, Line, Numbers, Postings, Tagged
from fakeredis.datatypes.search.schema import Definition, Field
from fakeredis.datatypes.search.shapes import Shapes, shape_of
from fakeredis.datatypes.search.vectors import Space, single
from fakeredis.datatypes.search.words import folded, stem, terms

__all__ = ["Contents", "Document", "Index", "Limits", "Value"]

_GAP: Final = 100  # between the values of a field that has several
_DEGREE: Final = 111_000.0  # metres of latitude; a little less than there are
_NUMBER: Final = 12  # bytes that a number takes
_DOCUMENT: Final = 400  # and a document by itself
_HEAVIEST: Final = 1 << 16  # weight; counts of all words of a document fit in 32 bits
STEM: Final = "+"  # before a stem that is no word of the text
SOUND: Final = "<"  # before the code of how a word sounds
NO_WORDS: Final = (STEM, SOUND, "~")  # before what is no word; the last before groups of synonyms

# Of a field in a document: texts, tags, numbers, places (longitude, latitude) or vectors.
Value = list[Any]


class Contents(NamedTuple):
    """What a key has for an index.

    Args:
        values: by names of fields; those that are missing are not there.
        sortable: what a result is sorted by, by names of fields.
    """

    values: dict[bytes, Value]
    sortable: dict[bytes, bytes | float]
    language: str = "english"
    score: float = 1.0
    payload: bytes | None = None


class Limits(NamedTuple):
    """What the server is set to.

    Args:
        shortest: letters of a beginning, an end or a middle that is looked for.
        words: how many a beginning, a pattern or a misspelt word stands for at most.
        sounding: letters of a word that may be found by its sound.
    """

    shortest: int = 2
    words: int = 200
    sounding: int = 3


class Document:
    """A document in an index."""

    __slots__ = (
        "is_gone", "key", "language", "length", "most", "number", "payload", "score", "sortable",
        "tags", "terms",
    )

    def __init__(self, number: int, key: bytes, contents: Contents) -> None:
        self.number = number
        self.key = key
        self.language = contents.language
        self.score = single(contents.score)
        self.payload = contents.payload
        self.is_gone = False  # whether its key was looked for in vain
        self.sortable = contents.sortable
        self.length = self.most = 0  # of terms, weighed; of the most frequent one
        self.terms: tuple[str, ...] = ()
        self.tags: tuple[tuple[bytes, bytes], ...] = ()


class Index:
    """An index.

    Args:
        definition: what it is of; it may grow.
        counts_vectors: whether a vector counts as one more of the same word, as in Redis before
            8.4.
    """

    def __init__(self, definition: Definition, counts_vectors: bool = True) -> None:
        self.definition = definition
        self.counts_vectors = counts_vectors
        self.synonyms: dict[str, list[str]] = {}
        self.uses = 0
        self.dialects: set[int] = set()  # in which it was asked
        self.limits = Limits()
        self.is_left_alone = False  # by what clears away what has gone
        self.clear()

    def clear(self) -> None:
        """Forget all documents, and what was wrong with them."""
        self.documents: dict[int, Document] = {}
        self.numbers_of: dict[bytes, int] = {}
        self.last = 0
        self.length = 0  # of all documents together
        self.terms = Dictionary(self.documents, Postings)
        self.tags: dict[bytes, Dictionary] = {}
        self.numbers: dict[bytes, Line] = {}
        self.latitudes: dict[bytes, Line] = {}
        self.spaces: dict[bytes, Space] = {}
        self.shapes: dict[bytes, Shapes] = {}
        self.missing: dict[bytes, dict[int, None]] = {}
        self.failures = 0
        self.errors: dict[bytes, tuple[int, str, bytes]] = {}  # of fields: how many, the last one
        self.last_error: tuple[str, bytes] | None = None
        for field in self.definition.fields:
            self.prepare(field)

    def prepare(self, field: Field) -> None:
        """Make room for a field."""
        if field.kind == "TAG":
            self.tags[field.name] = Dictionary(self.documents, Tagged)
        elif field.kind == "NUMERIC":
            self.numbers[field.name] = Line()
        elif field.kind == "GEO":
            self.latitudes[field.name] = Line()
        elif field.kind == "GEOSHAPE":
            self.shapes[field.name] = Shapes(not field.spherical)
        elif field.vectors is not None:
            self.spaces[field.name] = Space(field.vectors)
        if field.index_missing:
            self.missing[field.name] = {}

    @property
    def average_length(self) -> float:
        """Of a document."""
        return self.length / len(self.documents) if self.documents else 0.0

    def sizes(self) -> dict[str, int]:
        """About how many bytes its parts take."""
        tags = sum(dictionary.size() for dictionary in self.tags.values())
        lines = [*self.numbers.values(), *self.latitudes.values()]
        return {
            "words": self.terms.size(), "tags": tags,
            "numbers": sum(_NUMBER * len(line) for line in lines),
            "vectors": sum(space.size() for space in self.spaces.values()),
            "documents": _DOCUMENT * len(self.documents),
        }

    # Documents ------------------------------------------------------------------------------

    def fail(self, field: Field | None, key: bytes, text: str) -> None:
        """Note that a key could not be taken in."""
        self.failures += 1
        self.last_error = text, key
        if field is not None:
            count = self.errors.get(field.name, (0, "", b""))[0]
            self.errors[field.name] = count + 1, text, key

    def add(self, key: bytes, contents: Contents) -> None:
        """Take in a key that is not there."""
        self.last += 1
        document = Document(self.last, key, contents)
        self.documents[document.number] = document
        self.numbers_of[key] = document.number
        values = contents.values
        fields = [
            field for field in self.definition.fields
            if field.name in values or field.index_missing
        ]
        self._add_texts(document, contents, fields)
        self.length += document.length
        for field in fields:
            value = contents.values.get(field.name)
            if value is None:
                if field.index_missing:
                    self.missing[field.name][document.number] = None
            elif field.indexed:
                self._add_value(document, field, value)

    def _add_value(self, document: Document, field: Field, value: Value) -> None:
        number = document.number
        if field.kind == "TAG":
            dictionary = self.tags[field.name]
            tags = dict.fromkeys(value)
            for tag in tags:
                dictionary.of(tag).add(number)
            document.tags += tuple((field.name, tag) for tag in tags)
        elif field.kind == "NUMERIC":
            if value:
                self.numbers[field.name].add(number, value)
        elif field.kind == "GEO":
            if value:
                self.latitudes[field.name].add(number, [place[1] for place in value], value)
        elif field.kind == "VECTOR" and value:
            self.spaces[field.name].add(number, value)
        elif field.kind == "GEOSHAPE":
            self._add_shapes(document, field, value)

    def _add_shapes(self, document: Document, field: Field, texts: Value) -> None:
        """Take in shapes; where one cannot be read the rest of its document stays."""
        for text in texts:
            try:
                shape = shape_of(text, not field.spherical)
            except SearchError as error:
                self.fail(field, document.key, f"Error indexing geoshape: {error}")
            else:
                self.shapes[field.name].shapes[document.number] = shape

    def _add_texts(
        self, document: Document, contents: Contents, fields: Iterable[Field]
    ) -> None:
        counts: dict[str, int] = {}
        masks: dict[str, int] = {}
        places: dict[str, list[int]] = {}
        stop_words = self.definition.stop_words
        offset = 0

        def note(word: str, weight: int, field: Field, position: int) -> None:
            count = counts[word] = counts.get(word, 0) + weight
            if count > document.most:
                document.most = count
            masks[word] = masks.get(word, 0) | field.bit
            places.setdefault(word, []).append(position)

        for field in fields:
            texts = contents.values.get(field.name)
            if texts is None or not field.indexed:
                continue
            if field.kind == "VECTOR" and self.counts_vectors:
                document.most += 1
            if field.kind != "TEXT":
                continue
            weight = _units(field.weight)
            for at, text in enumerate(texts):
                if at:
                    offset += _GAP
                position = 0
                if not text and field.index_empty:
                    note("", weight, field, offset + 1)
                for position, word, _, _ in terms(text, stop_words):
                    note(word, weight, field, offset + position)
                    document.length += weight
                    self._note_more(note, word, field, offset + position, document.language)
                offset += position
        dictionary = self.terms
        document.terms = tuple(map(intern, counts))  # which are those of the dictionary
        for word in document.terms:
            mask = dictionary.mask_number(masks[word])
            dictionary.of(word).add(document.number, counts[word], mask, places[word])

    def _note_more(
        self, note: Any, word: str, field: Field, position: int, language: str
    ) -> None:
        """The stem of a word, and its synonyms."""
        if field.stemmed:
            stemmed = stem(word, language)
            if stemmed != word:
                note(STEM + stemmed, _units(field.weight * 0.2), field, position)
        if field.phonetic and len(word) >= self.limits.sounding:
            sound = code(word)
            if sound:
                note(SOUND + sound, _units(field.weight), field, position)
        if self.synonyms:
            for group in self.synonyms.get(word, ()):
                note("~" + group, _units(field.weight), field, position)

    def remove(self, key: bytes) -> bool:
        """Forget a key; whether it was there."""
        number = self.numbers_of.pop(key, None)
        if number is None:
            return False
        document = self.documents.pop(number)
        self.length -= document.length
        for word in document.terms:
            self.terms.remove(word)
        for name, tag in document.tags:
            self.tags[name].remove(tag)
        for line in self.numbers.values():
            value = line.of.get(number)
            if value is not None:
                line.remove(number, value if type(value) is list else [value])
        for line in self.latitudes.values():
            places = line.of.get(number)
            if places is not None:
                line.remove(number, [latitude for _, latitude in places])
        for space in self.spaces.values():
            space.remove(number)
        for shapes in self.shapes.values():
            shapes.shapes.pop(number, None)
        for missing in self.missing.values():
            missing.pop(number, None)
        return True

    def rename(self, key: bytes, new: bytes) -> None:
        """A document has another key."""
        number = self.numbers_of.pop(key)
        self.numbers_of[new] = number
        self.documents[number].key = new

    # Looking --------------------------------------------------------------------------------

    def near(self, name: bytes, longitude: float, latitude: float, metres: float) -> Numbers:
        """The documents with a place in a circle."""
        line = self.latitudes.get(name)
        if line is None or longitude != longitude or not abs(latitude) <= MAX_LATITUDE:
            return ()
        if metres != metres:
            metres = inf
        reach = metres / _DEGREE
        return {
            number
            for number in line.between(latitude - reach, latitude + reach, False, False)
            if any(
                distance(longitude, latitude, place) <= metres for place in line.of[number]
            )
        }

    def mask_of(self, names: Iterable[bytes]) -> int:
        """The bits of fields of texts; those that are none have none."""
        mask = 0
        for name in names:
            field = self.definition.field_named(name)
            if field is not None and field.kind == "TEXT":
                mask |= field.bit
        return mask


def _units(weight: float) -> int:
    """How often a word counts in a field of a weight; once where that is no number."""
    return int(min(weight, _HEAVIEST)) if weight >= 1 else 1


def tags_of(raw: bytes, field: Field) -> list[bytes]:
    """The tags in a string."""
    parts = raw.split(field.separator) if field.separator else [raw]
    return normalized_tags(parts, field)


def normalized_tags(parts: Iterable[bytes], field: Field) -> list[bytes]:
    """Tags without blanks around them, in small letters where the field has it so."""
    found = []
    for part in parts:
        tag = part.strip(b" \t\r\n\v\f")
        if tag or field.index_empty:
            found.append(tag if field.case_sensitive else fold_tag(tag))
    return found


def fold_tag(tag: bytes) -> bytes:
    """A tag in small letters."""
    if tag.isascii():
        return tag.lower()
    return folded(tag.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def place_of(raw: bytes) -> tuple[float, float]:
    """The longitude and latitude in a string.

    Raises:
        SearchError: there are none.
    """
    text = raw.decode("utf-8", "replace").strip()
    separator = "," if "," in text else " "
    first, _, second = text.partition(separator)
    try:
        longitude, latitude = float(first), float(second)
    except ValueError:
        raise SearchError("Invalid geo string") from None
    if not (abs(longitude) <= 180 and abs(latitude) <= MAX_LATITUDE):
        raise SearchError(f"Invalid geo coordinates: {longitude:f}, {latitude:f}")
    return longitude, latitude
