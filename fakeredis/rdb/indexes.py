"""Indexes and dictionaries of the search module, as it writes and reads them beside the keys.

Definitions alone: what documents have is read anew from their keys.  The form is that of RediSearch
2.10; for what that does not know (``SVS-VAMANA``, vectors of integers) it has been gone on with.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from fakeredis.datatypes.search.schema import Definition, Field, Kept, Vectors
from fakeredis.datatypes.search.vectors import SIZES
from fakeredis.datatypes.search.words import STOP_WORDS

if TYPE_CHECKING:
    from fakeredis.rdb.reading import Reader
    from fakeredis.rdb.writing import Writer

_INDEXES: Final = 0x7EDFE29DD7B1D017  # the name ft_index0, and the version of the form
_DICTIONARIES: Final = 0xB1C76DCA97B4D001  # scdtype00, likewise
_VERSION: Final = 0x3FF  # in the lower bits
_OLDEST: Final = 17  # form of indexes that the server takes
_END, _UNSIGNED, _DOUBLE, _STRING = 0, 2, 4, 5
_BEFORE, _AFTER = 1, 2  # the keys
_NONE: Final = (1 << 64) - 1
_NEVER: Final = (1 << 64) - 1000  # milliseconds
_LANGUAGES: Final = (
    "english", "arabic", "basque", "catalan", "chinese", "danish", "dutch", "finnish", "french",
    "german", "greek", "hindi", "hungarian", "italian", "indonesian", "irish", "lithuanian",
    "nepali", "norwegian", "portuguese", "romanian", "russian", "spanish", "swedish", "tamil",
    "turkish", "armenian", "serbian", "yiddish",
)

# Bits of an index.
_OFFSETS, _FIELDS, _STOP_WORDS, _FREQUENCIES, _HIGHLIGHTS = 0x1, 0x2, 0x8, 0x10, 0x40
_WIDE, _SYNONYMS, _TEMPORARY, _PHONETIC, _NO_SCAN = 0x80, 0x100, 0x200, 0x400, 0x1000
_ALIASED, _VECTORS, _SUFFIXES, _SHAPES, _NOT_EMPTY = 0x4000, 0x8000, 0x10000, 0x40000, 0x80000
_NARROW: Final = 32  # fields of texts

# Bits of a field, in order.
_FIELD_BITS: Final = (
    ("sortable", 0x1), ("unstemmed", 0x2), ("unindexed", 0x4), ("phonetic", 0x8),
    ("unnormalized", 0x20), ("suffixes", 0x40), ("index_empty", 0x100), ("index_missing", 0x200),
)
_KINDS: Final = {
    "TEXT": 1, "NUMERIC": 2, "GEO": 4, "TAG": 8, "VECTOR": 16, "GEOSHAPE": 32,
}
_TAG, _CASE = 6, 1
_TYPES: Final = ("FLOAT32", "FLOAT64", "BFLOAT16", "FLOAT16", "INT8", "UINT8")
_METRICS: Final = ("L2", "IP", "COSINE")
_FLAT, _HNSW, _TIERED, _VAMANA = 0, 1, 2, 3
_BLOCK: Final = 1024  # vectors


# Writing --------------------------------------------------------------------------------------


def write_before(writer: Writer, kept: Kept) -> None:
    """Put the indexes, which stand before the keys."""
    writer.length(_INDEXES)
    _unsigned(writer, _BEFORE, len(kept.definitions))
    for definition in kept.definitions:
        aliases = [alias for alias, name in kept.aliases.items() if name == definition.name]
        _write_index(writer, definition, kept.synonyms.get(definition.name, {}), aliases)
    writer.length(_END)


def write_after(writer: Writer, kept: Kept) -> None:
    """Put the dictionaries, which stand behind the keys."""
    writer.length(_DICTIONARIES)
    _unsigned(writer, _AFTER, len(kept.dictionaries))
    for name, words in kept.dictionaries.items():
        _text(writer, name)
        _unsigned(writer, len(words))
        for word in words:
            _text(writer, word)
            _double(writer, 1.0)
    writer.length(_END)


def _unsigned(writer: Writer, *numbers: int) -> None:
    for number in numbers:
        writer.length(_UNSIGNED)
        writer.length(number)


def _double(writer: Writer, number: float) -> None:
    writer.length(_DOUBLE)
    writer.out += struct.pack("<d", number)


def _string(writer: Writer, raw: bytes) -> None:
    writer.length(_STRING)
    writer.string(raw)


def _text(writer: Writer, raw: bytes) -> None:
    """A string that ends with a zero."""
    _string(writer, raw + b"\0")


def _texts(writer: Writer, raws: Iterable[bytes]) -> None:
    found = list(raws)
    _unsigned(writer, len(found))
    for raw in found:
        _text(writer, raw)


def _optional(writer: Writer, raw: bytes) -> None:
    _unsigned(writer, bool(raw))
    if raw:
        _text(writer, raw)


def _write_index(
    writer: Writer, definition: Definition, synonyms: dict[str, list[str]], aliases: list[bytes]
) -> None:
    _text(writer, definition.name)
    _unsigned(writer, _index_bits(definition, bool(synonyms)), len(definition.fields))
    sortable = 0
    for field in definition.fields:
        _write_field(writer, field, sortable if field.sortable else _NONE)
        sortable += field.sortable
    _text(writer, b"JSON" if definition.is_json else b"HASH")
    _texts(writer, definition.prefixes)
    for raw in (definition.filter, definition.language_field, definition.score_field,
                definition.payload_field):
        _optional(writer, raw)
    _double(writer, definition.score)
    _unsigned(writer, _LANGUAGES.index(definition.language))
    if definition.stop_word_list is not None:
        _unsigned(writer, len(definition.stop_word_list))
        for word in definition.stop_word_list:
            _string(writer, word)
    if synonyms:
        _unsigned(writer, len(synonyms))
        for term, groups in synonyms.items():
            _text(writer, _raw(term))
            _texts(writer, map(_raw, groups))
    _unsigned(writer, definition.temporary * 1000 or _NEVER)
    _texts(writer, aliases)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _index_bits(definition: Definition, synonyms: bool) -> int:
    fields = definition.fields
    texts = [field for field in fields if field.kind == "TEXT"]
    facts = (
        (_OFFSETS, definition.with_offsets), (_FIELDS, definition.with_fields),
        (_STOP_WORDS, definition.stop_word_list is not None),
        (_FREQUENCIES, definition.with_frequencies),
        (_HIGHLIGHTS, definition.with_offsets and definition.with_highlights),
        (_WIDE, definition.many_text_fields or len(texts) > _NARROW), (_SYNONYMS, synonyms),
        (_TEMPORARY, definition.temporary), (_NO_SCAN, definition.skips_first_scan),
        (_PHONETIC, any(field.phonetic for field in fields)),
        (_ALIASED, any(field.name != field.path for field in fields)),
        (_VECTORS, any(field.kind == "VECTOR" for field in fields)),
        (_SUFFIXES, any(field.suffixes for field in texts)),
        (_SHAPES, any(field.kind == "GEOSHAPE" for field in fields)),
        (_NOT_EMPTY, any(
            field.kind in ("TEXT", "TAG") and not field.index_empty for field in fields
        )),
    )
    return sum(bit for bit, holds in facts if holds)


def _write_field(writer: Writer, field: Field, place: int) -> None:
    _text(writer, field.name)
    _optional(writer, b"" if field.path == field.name else field.path)
    holds = {
        **vars(field), "unstemmed": not field.stemmed, "unindexed": not field.indexed,
    }
    bits = sum(bit for name, bit in _FIELD_BITS if holds[name])
    _unsigned(writer, _KINDS[field.kind], bits, place)
    if field.kind == "TEXT":
        _unsigned(writer, field.number)
        _double(writer, field.weight)
    elif field.kind == "TAG":
        _unsigned(writer, _TAG | _CASE * field.case_sensitive)
        _string(writer, field.separator or b"\0")
    elif field.kind == "GEOSHAPE":
        _unsigned(writer, field.spherical)
    elif field.vectors is not None:
        _write_vectors(writer, field.vectors, field.path)


def _write_vectors(writer: Writer, form: Vectors, path: bytes) -> None:
    _unsigned(writer, form.dimension * SIZES[form.type])
    several = path[:1] == b"$" and any(mark in path for mark in (b"*", b"..", b":", b",", b"?"))
    same = (
        _TYPES.index(form.type), form.dimension, _METRICS.index(form.metric), several, _BLOCK,
    )
    if form.algorithm == "FLAT":
        _unsigned(writer, _FLAT, *same, _BLOCK)
    elif form.algorithm == "HNSW":
        _unsigned(writer, _TIERED, _HNSW, 0, *same, form.links, form.construction, 10)
    else:
        _unsigned(writer, _TIERED, _VAMANA, 0, *same, form.links, form.construction)
        _string(writer, form.compression.encode())


def to_bytes(kept: Kept, writer: Writer) -> bytes:
    """All of it in one piece, for stores."""
    writer.out = bytearray()
    write_before(writer, kept)
    write_after(writer, kept)
    return bytes(writer.out)


# Reading --------------------------------------------------------------------------------------


def read_beside(reader: Reader, number: int, known: Kept | None) -> Kept | None:
    """What is kept beside the keys, with what a part of the data has of it.

    Args:
        reader: where the part begins, behind its number.
        number: what it is, and in which version.
        known: so far.

    Returns:
        None where the part is of another module, or of indexes in a form that is not known; it is
        to be skipped.

    Raises:
        FormatError: the data are damaged, or so old that the server refuses them.
    """
    kept = known or Kept()
    if number == _DICTIONARIES:
        return _read_dictionaries(reader, kept)
    if number == _INDEXES:
        return _read_indexes(reader, kept)
    if number & ~_VERSION == _INDEXES & ~_VERSION and number & _VERSION < _OLDEST:
        raise reader.fail("indexes of a version that is too old")
    return None


def from_bytes(reader: Reader) -> Kept:
    """What `to_bytes` has made bytes of.

    Raises:
        FormatError: it has not.
    """
    kept = None
    for _ in range(2):
        kept = read_beside(reader, reader.length(), kept)
        if kept is None:
            raise reader.fail("no indexes of a known form")
    assert kept is not None
    return kept


def _take(reader: Reader, kind: int) -> None:
    if reader.length() != kind:
        raise reader.fail("indexes that are damaged")


def _number(reader: Reader) -> int:
    _take(reader, _UNSIGNED)
    return reader.length()


def _among(reader: Reader, names: Iterable[str]) -> str:
    number, known = _number(reader), list(names)
    if number >= len(known):
        raise reader.fail("an index that says what is not known")
    return known[number]


def _read_double(reader: Reader) -> float:
    _take(reader, _DOUBLE)
    return reader.double()


def _read_string(reader: Reader) -> bytes:
    _take(reader, _STRING)
    return reader.string()


def _read_text(reader: Reader) -> bytes:
    return _read_string(reader)[:-1]


def _read_texts(reader: Reader) -> list[bytes]:
    return [_read_text(reader) for _ in range(_number(reader))]


def _read_optional(reader: Reader) -> bytes:
    return _read_text(reader) if _number(reader) else b""


def _read_dictionaries(reader: Reader, kept: Kept) -> Kept:
    if _number(reader) != _AFTER:
        _take(reader, _END)
        return kept
    dictionaries: dict[bytes, dict[bytes, None]] = {}
    for _ in range(_number(reader)):
        words = dictionaries.setdefault(_read_text(reader), {})
        for _ in range(_number(reader)):
            words[_read_text(reader)] = None
            _read_double(reader)
    _take(reader, _END)
    return replace(kept, dictionaries=dictionaries)


def _read_indexes(reader: Reader, kept: Kept) -> Kept:
    if _number(reader) != _BEFORE:
        raise reader.fail("indexes that stand at a place where they should not")
    definitions: list[Definition] = []
    aliases: dict[bytes, bytes] = {}
    synonyms: dict[bytes, dict[str, list[str]]] = {}
    for _ in range(_number(reader)):
        definition = Definition(_read_text(reader))
        groups = _read_index(reader, definition)
        if groups:
            synonyms[definition.name] = groups
        aliases.update(dict.fromkeys(_read_texts(reader), definition.name))
        definitions.append(definition)
    _take(reader, _END)
    return replace(
        kept, definitions=tuple(definitions), aliases=aliases, synonyms=synonyms,
    )


def _read_index(reader: Reader, definition: Definition) -> dict[str, list[str]]:
    """Fill in a definition, up to its aliases; the synonyms."""
    bits = _number(reader)
    definition.with_offsets = bool(bits & _OFFSETS)
    definition.with_fields = bool(bits & _FIELDS)
    definition.with_frequencies = bool(bits & _FREQUENCIES)
    definition.with_highlights = bool(bits & _HIGHLIGHTS)
    definition.many_text_fields = bool(bits & _WIDE)
    definition.skips_first_scan = bool(bits & _NO_SCAN)
    for _ in range(_number(reader)):
        definition.add(_read_field(reader))
    definition.is_json = _read_text(reader) == b"JSON"
    if definition.is_json:
        for field in definition.fields:
            if field.kind != "TAG" or field.separator == b"\0":
                field.separator = b""
    definition.prefixes = tuple(_read_texts(reader)) or (b"",)
    definition.filter = _read_optional(reader)
    definition.language_field = _read_optional(reader)
    definition.score_field = _read_optional(reader)
    definition.payload_field = _read_optional(reader)
    definition.score = _read_double(reader)
    definition.language = _among(reader, _LANGUAGES)
    if bits & _STOP_WORDS:
        words = [_read_string(reader) for _ in range(_number(reader))]
        definition.stop_word_list = tuple(words)
        definition.stop_words = frozenset(_shown(word).lower() for word in words)
    else:
        definition.stop_words = STOP_WORDS
    synonyms = {}
    if bits & _SYNONYMS:
        for _ in range(_number(reader)):
            term = _shown(_read_text(reader))
            synonyms[term] = [_shown(group) for group in _read_texts(reader)]
    timeout = _number(reader)
    definition.temporary = timeout // 1000 if bits & _TEMPORARY else 0
    return synonyms


def _shown(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _read_field(reader: Reader) -> Field:
    name = _read_text(reader)
    field = Field(_read_optional(reader) or name, name)
    kinds = {number: kind for kind, number in _KINDS.items()}
    kind = _number(reader)
    if kind not in kinds:
        raise reader.fail("a field of an index, of an unknown kind")
    field.kind = kinds[kind]
    bits = _number(reader)
    for option, bit in _FIELD_BITS:
        if option == "unstemmed":
            field.stemmed = not bits & bit
        elif option == "unindexed":
            field.indexed = not bits & bit
        else:
            setattr(field, option, bool(bits & bit))
    _number(reader)
    if field.kind == "TEXT":
        _number(reader)
        field.weight = _read_double(reader)
    elif field.kind == "TAG":
        field.case_sensitive = bool(_number(reader) & _CASE)
        field.separator = _read_string(reader)
    elif field.kind == "GEOSHAPE":
        field.spherical = bool(_number(reader))
    elif field.kind == "VECTOR":
        field.vectors = _read_vectors(reader)
    return field


def _read_vectors(reader: Reader) -> Vectors:
    _number(reader)
    algorithm = _number(reader)
    if algorithm == _TIERED:
        algorithm = _number(reader)
        _number(reader)
    form = Vectors()
    form.type = _among(reader, _TYPES)
    form.dimension = _number(reader)
    form.metric = _among(reader, _METRICS)
    _number(reader)
    _number(reader)
    if algorithm == _FLAT:
        form.algorithm = "FLAT"
        _number(reader)
        return form
    form.links, form.construction = _number(reader), _number(reader)
    if algorithm == _HNSW:
        form.algorithm = "HNSW"
        _number(reader)
    elif algorithm == _VAMANA:
        form.algorithm = "SVS-VAMANA"
        form.compression = _shown(_read_string(reader))
    else:
        raise reader.fail("vectors of an index, of an unknown algorithm")
    return form
