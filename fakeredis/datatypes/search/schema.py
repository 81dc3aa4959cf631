"""What an index is to hold: its fields, and which keys it follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from fakeredis.datatypes.search.words import STOP_WORDS

__all__ = ["KINDS", "Definition", "Field", "Kept", "Vectors"]

KINDS: Final = ("TEXT", "TAG", "NUMERIC", "GEO", "GEOSHAPE", "VECTOR")


@dataclass
class Vectors:
    """How a field's vectors are made.

    Args:
        algorithm: ``FLAT``, ``HNSW`` or ``SVS-VAMANA``; all search exactly here.
        type: of their numbers, such as ``FLOAT32``.
        dimension: how many numbers they have.
        metric: ``L2``, ``IP`` or ``COSINE``.
        links, construction, compression: of graphs, told by FT.INFO.
    """

    algorithm: str = ""
    type: str = ""
    dimension: int = 0
    metric: str = ""
    links: int = 16
    construction: int = 200
    compression: str = ""


@dataclass
class Field:
    """A field of a schema.

    Args:
        path: a field of hashes, or a path into documents.
        name: by which queries know it.
        kind: see `KINDS`; vectors have `vectors` too.
        number: its place among the fields of texts.
    """

    path: bytes
    name: bytes
    kind: str = ""
    weight: float = 1.0
    separator: bytes = b","
    sortable: bool = False
    unnormalized: bool = False
    stemmed: bool = True
    indexed: bool = True
    case_sensitive: bool = False
    suffixes: bool = False
    phonetic: bool = False
    index_empty: bool = False
    index_missing: bool = False
    spherical: bool = True
    vectors: Vectors | None = None
    number: int = 0

    @property
    def bit(self) -> int:
        """Of the mask that tells which fields of a document a term is in."""
        return 1 << self.number


@dataclass
class Definition:
    """What FT.CREATE says of an index beside its fields."""

    name: bytes
    is_json: bool = False
    prefixes: tuple[bytes, ...] = (b"",)
    filter: bytes = b""
    language: str = "english"
    language_field: bytes = b""
    score: float = 1.0
    score_field: bytes = b""
    payload_field: bytes = b""
    stop_words: frozenset[str] = STOP_WORDS
    stop_word_list: tuple[bytes, ...] | None = None
    with_offsets: bool = True
    with_highlights: bool = True
    with_fields: bool = True
    with_frequencies: bool = True
    many_text_fields: bool = False
    temporary: int = 0
    skips_first_scan: bool = False
    fields: list[Field] = field(default_factory=list)

    @property
    def hidden(self) -> frozenset[bytes]:
        """Fields of hashes that are not told where all are."""
        return frozenset((self.score_field, self.language_field, self.payload_field)) - {b""}

    def field_named(self, name: bytes) -> Field | None:
        """The field that queries call by a name."""
        for each in self.fields:
            if each.name == name:
                return each
        return None

    def field_at(self, path: bytes) -> Field | None:
        """The field of a path."""
        for each in self.fields:
            if each.path == path:
                return each
        return None

    def add(self, field: Field) -> None:
        """Take a field into the schema."""
        if field.kind == "TEXT":
            field.number = sum(one.kind == "TEXT" for one in self.fields)
        self.fields.append(field)


@dataclass(frozen=True)
class Kept:
    """What outlives the process, or is brought back by a snapshot: all but the documents.

    Args:
        definitions: of the indexes, oldest first.
        aliases: of which indexes.
        synonyms: by indexes and words, the groups that they are of.
        dictionaries: their words.
    """

    definitions: tuple[Definition, ...] = ()
    aliases: dict[bytes, bytes] = field(default_factory=dict)
    synonyms: dict[bytes, dict[str, list[str]]] = field(default_factory=dict)
    dictionaries: dict[bytes, dict[bytes, None]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.definitions or self.dictionaries)
