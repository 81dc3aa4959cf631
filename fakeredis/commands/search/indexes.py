"""Indexes: made, changed, described, dropped; and their aliases."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from fakeredis.commands.search.words import (
    Words,
    check_count,
    failure,
    guarded,
    index_of,
    number,
    shown,
    unsigned,
    wrong_count,
)
from fakeredis.datatypes.search.errors import SearchError
from fakeredis.datatypes.search.expressions import compiled
from fakeredis.datatypes.search.index import Index
from fakeredis.datatypes.search.schema import Definition, Field, Vectors
from fakeredis.datatypes.search.vectors import SIZES
from fakeredis.datatypes.search.words import LANGUAGES
from fakeredis.engine.command.modules import is_built_in
from fakeredis.engine.core import switches
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, SetReply, Status
from fakeredis.engine.features import search
from fakeredis.errors import CommandError

_MOST_FIELDS: Final = 1024
_MOST_TEXTS: Final = 128
_PHONETIC: Final = re.compile(rb"dm:(en|fr|pt|es)")
_BAD_PHONETIC: Final = (
    "Matcher Format: <2 chars algorithm>:<2 chars language>. Support algorithms: double metaphone "
    "(dm). Supported languages: English (en), French (fr), Portuguese (pt) and Spanish (es)"
)
_SWITCHES: Final = {
    b"NOOFFSETS": "with_offsets", b"NOHL": "with_highlights", b"NOFIELDS": "with_fields",
    b"NOFREQS": "with_frequencies",
}


# Making -----------------------------------------------------------------------------------------


@guarded
def create(ctx: Context, *words: bytes) -> Status:
    """Make an index.

    Checked in the server's order: number of words, database, name, options, fields.
    """
    if len(words) < 4:
        raise wrong_count(ctx)
    if ctx.db.index:
        raise CommandError("Cannot create index on db != 0")
    indexes = search.of(ctx.server)
    name = words[0]
    if name in indexes.indexes:
        raise CommandError("Index already exists")
    definition = _definition(Words(words, 1, is_built_in(ctx.server.profile)), name)
    indexes.create(definition)
    return OK


def createifnx(ctx: Context, *words: bytes) -> Status:
    """Make an index, unless there is one of the name."""
    if len(words) < 4:
        raise wrong_count(ctx)
    if ctx.server.search is not None and words[0] in search.of(ctx.server).indexes:
        return OK
    made: Status = create(ctx, *words)
    return made


def _definition(words: Words, name: bytes) -> Definition:
    definition = Definition(name)
    while words and words.ahead != b"SCHEMA":
        _option(definition, words)
    if not words:
        raise CommandError("No schema found")
    words.take()
    _check_options(definition)
    if not words:
        raise CommandError("Fields arguments are missing")
    definition.fields = _fields(definition, words)
    return definition


def _option(definition: Definition, words: Words) -> None:
    given = words.take()
    word = given.upper()
    if word in _SWITCHES:
        setattr(definition, _SWITCHES[word], False)
        if word == b"NOOFFSETS":
            definition.with_highlights = False
    elif word == b"MAXTEXTFIELDS":
        definition.many_text_fields = True
    elif word == b"SKIPINITIALSCAN":
        definition.skips_first_scan = True
    elif word == b"TEMPORARY":
        definition.temporary = words.count("TEMPORARY")
    elif word == b"STOPWORDS":
        given_words = words.several("STOPWORDS")
        definition.stop_word_list = tuple(given_words)
        definition.stop_words = frozenset(shown(each).lower() for each in given_words)
    elif word == b"PREFIX":
        definition.prefixes = tuple(words.several("PREFIX")) or (b"",)
    elif word in _TEXT_OPTIONS:
        setattr(definition, _TEXT_OPTIONS[word], words.value(word.decode()))
    elif word != b"ASYNC":
        raise CommandError(f"Unknown argument `{shown(given)}`")


_TEXT_OPTIONS: Final = {
    b"ON": "kind", b"FILTER": "filter", b"LANGUAGE": "language_word",
    b"LANGUAGE_FIELD": "language_field", b"SCORE": "score_word", b"SCORE_FIELD": "score_field",
    b"PAYLOAD_FIELD": "payload_field",
}


def _check_options(definition: Definition) -> None:
    kind = definition.__dict__.pop("kind", b"HASH")
    if kind.upper() not in (b"HASH", b"JSON"):
        raise CommandError(f"Invalid rule type: {shown(kind)}")
    definition.is_json = kind.upper() == b"JSON"
    if definition.filter:
        try:
            compiled(definition.filter)
        except SearchError as error:
            raise failure(error) from None
    score = definition.__dict__.pop("score_word", None)
    if score is not None:
        found = number(score)
        if found is None or not 0 <= found <= 1:
            raise CommandError("Invalid score")
        definition.score = found
    language = definition.__dict__.pop("language_word", None)
    if language is not None:
        name = shown(language).lower()
        if name not in LANGUAGES:
            raise CommandError("Invalid language")
        definition.language = name


# Fields -----------------------------------------------------------------------------------------


def _fields(definition: Definition, words: Words) -> list[Field]:
    """The fields that words declare, beside those that a definition has.

    Raises:
        CommandError: they make no sense.
    """
    made = Definition(definition.name, fields=list(definition.fields))
    separator = b"" if definition.is_json else b","
    while words:
        path = name = words.take()
        if words.skip(b"AS"):
            if not words:
                raise CommandError("AS requires an argument")
            name = words.take()
        if made.field_named(name) is not None:
            raise CommandError(f"Duplicate field in schema - {shown(name)}")
        if len(made.fields) == _MOST_FIELDS:
            raise CommandError(f"Schema is limited to {_MOST_FIELDS} fields")
        field = _field(Field(path, name, separator=separator), words, definition.is_json)
        if field.kind == "TEXT" and sum(one.kind == "TEXT" for one in made.fields) == _MOST_TEXTS:
            raise CommandError(f"Schema is limited to {_MOST_TEXTS} TEXT fields")
        made.add(field)
    return made.fields


def _field(field: Field, words: Words, is_json: bool) -> Field:
    if not words:
        raise CommandError(f"Field `{shown(field.name)}` does not have a type")
    kind = words.take().upper().decode("utf-8", "surrogateescape")
    reader = _KINDS.get(kind)
    if reader is None:
        raise CommandError(f"Invalid field type for field `{shown(field.name)}`")
    field.kind = kind
    reader(field, words)
    if kind in ("VECTOR", "GEOSHAPE") and not words:
        return field
    while words:
        word = words.ahead
        if word == b"SORTABLE" and kind not in ("VECTOR", "GEOSHAPE"):
            words.take()
            field.sortable = True
            if words.skip(b"UNF") or is_json or kind in ("NUMERIC", "GEO") or (
                kind == "TAG" and field.case_sensitive
            ):
                field.unnormalized = True
        elif word == b"NOINDEX" and kind != "VECTOR":
            words.take()
            field.indexed = False
        else:
            break
    return field


def _common(field: Field, words: Words) -> bool:
    """Take an option of texts and tags; whether there was one."""
    if words.skip(b"WITHSUFFIXTRIE"):
        field.suffixes = True
    elif words.skip(b"INDEXEMPTY"):
        field.index_empty = True
    elif words.skip(b"INDEXMISSING"):
        field.index_missing = True
    else:
        return False
    return True


def _text(field: Field, words: Words) -> None:
    while words:
        if words.skip(b"NOSTEM"):
            field.stemmed = False
        elif words.skip(b"WEIGHT"):
            if not words:
                field.weight = 0.0
                return
            raw = words.take()
            weight = number(raw)
            if weight is None:
                raise CommandError(
                    "Bad arguments for weight: Could not convert argument to expected type"
                )
            field.weight = weight
        elif words.skip(b"PHONETIC"):
            if not words:
                raise CommandError("PHONETIC requires an argument")
            if _PHONETIC.fullmatch(words.take()) is None:
                raise CommandError(_BAD_PHONETIC)
            field.phonetic = True
        elif not _common(field, words):
            return


def _tag(field: Field, words: Words) -> None:
    while words:
        if words.skip(b"SEPARATOR"):
            if not words:
                raise CommandError("SEPARATOR requires an argument")
            separator = words.take()
            if len(separator) != 1:
                raise CommandError(
                    f"Tag separator must be a single character. Got `{shown(separator)}`"
                )
            field.separator = separator
        elif words.skip(b"CASESENSITIVE"):
            field.case_sensitive = True
        elif not _common(field, words):
            return


def _numeric(field: Field, words: Words) -> None:
    if words.skip(b"INDEXMISSING"):
        field.index_missing = True


def _geoshape(field: Field, words: Words) -> None:
    if words.ahead in (b"FLAT", b"SPHERICAL"):
        field.spherical = words.take().upper() == b"SPHERICAL"
    _numeric(field, words)


_ALGORITHMS: Final = {
    "FLAT": ("TYPE", "DIM", "DISTANCE_METRIC", "INITIAL_CAP", "BLOCK_SIZE"),
    "HNSW": (
        "TYPE", "DIM", "DISTANCE_METRIC", "INITIAL_CAP", "M", "EF_CONSTRUCTION", "EF_RUNTIME",
        "EPSILON",
    ),
    "SVS-VAMANA": (
        "TYPE", "DIM", "DISTANCE_METRIC", "GRAPH_MAX_DEGREE", "CONSTRUCTION_WINDOW_SIZE",
        "SEARCH_WINDOW_SIZE", "EPSILON", "COMPRESSION", "TRAINING_THRESHOLD", "REDUCE",
    ),
}
_OLDER_TYPES: Final = ("FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16")
_VAMANA_TYPES: Final = ("FLOAT16", "FLOAT32")
_VECTOR_WORDS: Final = {
    "TYPE": "type", "DIM": "dim", "DISTANCE_METRIC": "metric", "INITIAL_CAP": "initial cap",
    "BLOCK_SIZE": "blocksize", "M": "m", "EF_CONSTRUCTION": "efc", "EF_RUNTIME": "efr",
    "EPSILON": "epsilon",
}


def _vector(field: Field, words: Words) -> None:
    what = "vector similarity algorithm"
    algorithm = words.value(what).upper().decode("utf-8", "replace")
    if algorithm not in _ALGORITHMS or (algorithm == "SVS-VAMANA" and not words.newer):
        raise CommandError(f"Bad arguments for {what}: Unknown argument")
    count = words.count("vector similarity number of parameters")
    if count % 2:
        raise CommandError(
            f"Bad number of arguments for vector similarity index: got {count} but expected even "
            "number as algorithm parameters (should be submitted as named arguments)"
        )
    form = field.vectors = Vectors(algorithm, links=32 if algorithm == "SVS-VAMANA" else 16)
    end = min(words.at + count, words.end)
    given = set()
    while words.at < end:
        raw = words.take()
        option = raw.upper().decode("utf-8", "surrogateescape")
        if option not in _ALGORITHMS[algorithm]:
            raise CommandError(f"Bad arguments for algorithm {algorithm}: {shown(raw)}")
        given.add(option)
        _vector_option(form, option, words)
    for option in ("TYPE", "DIM", "DISTANCE_METRIC"):
        if option not in given:
            raise CommandError(
                f"Missing mandatory parameter: cannot create {algorithm} index without specifying "
                f"{option} argument"
            )
    _numeric(field, words)


_VECTOR_ATTRIBUTES: Final = {
    "DIM": "dimension", "M": "links", "EF_CONSTRUCTION": "construction",
    "GRAPH_MAX_DEGREE": "links", "CONSTRUCTION_WINDOW_SIZE": "construction",
}


def _vector_option(form: Vectors, option: str, words: Words) -> None:
    shown_option = _VECTOR_WORDS.get(option, option.lower().replace("_", " "))
    what = f"vector similarity {form.algorithm} index {shown_option}"
    raw = words.value(what)
    word = raw.upper().decode("utf-8", "replace")
    if option == "TYPE":
        types = _VAMANA_TYPES if form.algorithm == "SVS-VAMANA" else (
            SIZES if words.newer else _OLDER_TYPES
        )
        if word not in types:
            raise CommandError(f"Bad arguments for {what}: Unknown argument")
        form.type = word
    elif option == "DISTANCE_METRIC":
        if word not in ("L2", "IP", "COSINE"):
            raise CommandError(f"Bad arguments for {what}: Unknown argument")
        form.metric = word
    elif option == "COMPRESSION":
        form.compression = shown(raw)
    elif option == "EPSILON":
        found = number(raw)
        if found is None:
            raise CommandError(
                f"Bad arguments for {what}: Could not convert argument to expected type"
            )
    else:
        try:
            value = unsigned(raw, 1 if option in ("DIM", "M") else 0)
        except ValueError as error:
            raise CommandError(f"Bad arguments for {what}: {error}") from None
        attribute = _VECTOR_ATTRIBUTES.get(option)
        if attribute is not None:
            setattr(form, attribute, value)


_KINDS: Final[dict[str, Callable[[Field, Words], None]]] = {
    "TEXT": _text, "TAG": _tag, "NUMERIC": _numeric, "GEO": _numeric, "GEOSHAPE": _geoshape,
    "VECTOR": _vector,
}


# Changing ---------------------------------------------------------------------------------------


def alter(ctx: Context, *words: bytes) -> Status:
    """Add fields to an index; the keys are looked at again.

    Checked in the server's order: number of words, index, what is to be done, fields.
    """
    if len(words) < 4:
        raise wrong_count(ctx)
    index = index_of(ctx, words[0])
    rest = Words(words, 1, is_built_in(ctx.server.profile))
    skips = rest.skip(b"SKIPINITIALSCAN")
    if not rest.skip(b"SCHEMA"):
        raise CommandError("ALTER must be followed by SCHEMA")
    if not rest.skip(b"ADD"):
        raise CommandError("Unknown action passed to ALTER SCHEMA")
    if not rest:
        raise CommandError("No fields provided")
    definition = index.definition
    known = len(definition.fields)
    definition.fields = _fields(definition, rest)
    for field in definition.fields[known:]:
        index.prepare(field)
    search.of(ctx.server).edited()
    if not skips:
        search.of(ctx.server).scan(index)
    return OK


def alterifnx(ctx: Context, *words: bytes) -> Status:
    """Add fields to an index, unless it has the first of them."""
    if len(words) < 4:
        raise wrong_count(ctx)
    index = index_of(ctx, words[0])
    rest = [word.upper() for word in words[1:]]
    at = rest.index(b"ADD") + 2 if b"ADD" in rest[:-1] else 0
    if at and index.definition.field_named(words[at]) is not None:
        return OK
    return alter(ctx, *words)


def dropindex(ctx: Context, *words: bytes) -> Status:
    """Drop an index; with DD its documents too."""
    return _drop(ctx, words, False)


def drop(ctx: Context, *words: bytes) -> Status:
    """Drop an index and its documents; with KEEPDOCS the index alone."""
    return _drop(ctx, words, True)


def _drop(ctx: Context, words: Sequence[bytes], documents: bool) -> Status:
    check_count(ctx, words, 1, 2)
    index = index_of(ctx, words[0], "Unknown Index name")
    if len(words) == 2 and words[1].upper() == (b"KEEPDOCS" if documents else b"DD"):
        documents = not documents
    search.of(ctx.server).drop(index.definition.name)
    if documents:
        for key in list(index.numbers_of):
            if ctx.delete(key) and ctx.server.switched & switches.REPLICATED:
                ctx.server.replication.stream.removed(ctx.db, key, "lazyfree-lazy-user-del")
    return OK


def dropindexifx(ctx: Context, *words: bytes) -> Status:
    """FT.DROPINDEX; nothing where there is no such index."""
    return _dropped_if_there(ctx, words, False)


def dropifx(ctx: Context, *words: bytes) -> Status:
    """FT.DROP; nothing where there is no such index."""
    return _dropped_if_there(ctx, words, True)


def _dropped_if_there(ctx: Context, words: Sequence[bytes], documents: bool) -> Status:
    check_count(ctx, words, 1, 2)
    if ctx.server.search is None or search.of(ctx.server).find(words[0]) is None:
        return OK
    return _drop(ctx, words, documents)


# Aliases ----------------------------------------------------------------------------------------

_NO_INDEX: Final = "Unknown index name (or name is an alias itself)"


def aliasadd(ctx: Context, *words: bytes) -> Status:
    """Give an index another name."""
    check_count(ctx, words, 2, 2)
    return _add_alias(ctx, words, "Alias already exists")


def aliasaddifnx(ctx: Context, *words: bytes) -> Status:
    """Give an index another name, unless that is in use."""
    check_count(ctx, words, 2, 2)
    return _add_alias(ctx, words, "")


def _add_alias(ctx: Context, words: Sequence[bytes], error: str) -> Status:
    alias, name = words
    indexes = search.of(ctx.server)
    if name not in indexes.indexes:
        raise CommandError(_NO_INDEX)
    if alias in indexes.aliases:
        if error:
            raise CommandError(error)
        return OK
    indexes.aliases[alias] = name
    indexes.edited()
    return OK


def aliasupdate(ctx: Context, *words: bytes) -> Status:
    """Let an alias mean an index, whatever it meant before."""
    check_count(ctx, words, 2, 2)
    alias, name = words
    indexes = search.of(ctx.server)
    if name not in indexes.indexes:
        raise CommandError(_NO_INDEX)
    indexes.aliases[alias] = name
    indexes.edited()
    return OK


def aliasdel(ctx: Context, *words: bytes) -> Status:
    """Forget an alias."""
    check_count(ctx, words, 1, 1)
    indexes = search.of(ctx.server)
    if words[0] in indexes.aliases:
        del indexes.aliases[words[0]]
        indexes.edited()
        return OK
    if words[0] in indexes.indexes:
        raise CommandError("Alias does not belong to provided spec")
    raise CommandError("Alias does not exist")


def aliasdelifx(ctx: Context, *words: bytes) -> Status:
    """Take another name away, if there is one."""
    check_count(ctx, words, 1, 1)
    indexes = search.of(ctx.server)
    if indexes.aliases.pop(words[0], None) is not None:
        indexes.edited()
    return OK


def aliaslist(ctx: Context, *words: bytes) -> list[bytes]:
    """The other names of an index."""
    check_count(ctx, words, 1, 1)
    indexes = search.of(ctx.server)
    if words[0] not in indexes.indexes:
        raise CommandError(_NO_INDEX)
    return [alias for alias, name in indexes.aliases.items() if name == words[0]]


# Describing -------------------------------------------------------------------------------------


def list_(ctx: Context, *words: bytes) -> Any:
    """The names of all indexes."""
    check_count(ctx, words, 0, 0)
    if ctx.server.search is None:
        return SetReply() if ctx.session.protocol == 3 else []
    names = [Status(name) for name in search.of(ctx.server).indexes]
    return SetReply(names) if ctx.session.protocol == 3 else names


def info(ctx: Context, *words: bytes) -> Any:
    """What an index is, and how it fares; further words say nothing."""
    check_count(ctx, words, 1)
    index = index_of(ctx, words[0])
    resp3 = ctx.session.protocol == 3
    definition = index.definition
    reply: dict[bytes, Any] = {
        b"index_name": Status(definition.name),
        b"index_options": _options(definition),
        b"index_definition": _rule(definition),
        b"attributes": [_attribute(field, resp3) for field in definition.fields],
    }
    reply.update(_numbers(index))
    reply[b"cursor_stats"] = _cursors(ctx, definition.name)
    if definition.stop_word_list is not None:
        reply[b"stopwords_list"] = sorted(definition.stop_word_list)
    reply.update(_failures(index))
    return _marked(reply)


def _marked(reply: Any) -> Any:
    """The names in a reply are simple strings."""
    if type(reply) is dict:
        return {Status(key): _marked(value) for key, value in reply.items()}
    return [_marked(each) for each in reply] if type(reply) is list else reply


def _options(definition: Definition) -> list[Status]:
    options = [
        (not definition.with_frequencies, b"NOFREQS"), (not definition.with_fields, b"NOFIELDS"),
        (not definition.with_offsets, b"NOOFFSETS"), (not definition.with_highlights, b"NOHL"),
        (definition.many_text_fields, b"MAXTEXTFIELDS"),
    ]
    return [Status(word) for is_on, word in options if is_on]


def _rule(definition: Definition) -> dict[bytes, Any]:
    rule: dict[bytes, Any] = {
        b"key_type": Status(b"JSON" if definition.is_json else b"HASH"),
        b"prefixes": [Status(prefix) for prefix in definition.prefixes],
    }
    if definition.filter:
        rule[b"filter"] = Status(definition.filter)
    if definition.language != "english":
        rule[b"default_language"] = Status(definition.language.encode())
    if definition.language_field:
        rule[b"language_field"] = Status(definition.language_field)
    rule[b"default_score"] = definition.score
    if definition.score_field:
        rule[b"score_field"] = Status(definition.score_field)
    if definition.payload_field:
        rule[b"payload_field"] = Status(definition.payload_field)
    return rule


def _attribute(field: Field, resp3: bool) -> Any:
    facts: dict[bytes, Any] = {
        b"identifier": Status(field.path), b"attribute": Status(field.name),
        b"type": Status(field.kind.encode()),
    }
    if field.kind == "TEXT":
        facts[b"WEIGHT"] = field.weight
    elif field.kind == "TAG":
        facts[b"SEPARATOR"] = Status(field.separator)
    elif field.kind == "GEOSHAPE":
        facts[b"coord_system"] = Status(b"SPHERICAL" if field.spherical else b"FLAT")
    elif field.vectors is not None:
        facts.update(_vectors(field.vectors))
    flags = [Status(word) for is_on, word in (
        (field.case_sensitive, b"CASESENSITIVE"), (field.sortable, b"SORTABLE"),
        (field.sortable and field.unnormalized, b"UNF"), (not field.stemmed, b"NOSTEM"),
        (not field.indexed, b"NOINDEX"), (field.suffixes, b"WITHSUFFIXTRIE"),
        (field.index_empty, b"INDEXEMPTY"), (field.index_missing, b"INDEXMISSING"),
    ) if is_on]
    if resp3:
        return {**facts, b"flags": flags}
    flat: list[Any] = [part for item in facts.items() for part in item]
    return [Status(each) if type(each) is bytes else each for each in flat] + flags


def _vectors(form: Vectors) -> dict[bytes, Any]:
    facts: dict[bytes, Any] = {
        b"algorithm": Status(form.algorithm.encode()), b"data_type": Status(form.type.encode()),
        b"dim": form.dimension, b"distance_metric": Status(form.metric.encode()),
    }
    if form.algorithm == "HNSW":
        facts[b"M"], facts[b"ef_construction"] = form.links, form.construction
    elif form.algorithm == "SVS-VAMANA":
        facts[b"graph_max_degree"] = form.links
        facts[b"construction_window_size"] = form.construction
        facts[b"compression"] = Status((form.compression or "NO_COMPRESSION").encode())
    return facts


def _cursors(ctx: Context, name: bytes) -> dict[bytes, Any]:
    """None is ever in use: they are read at once."""
    indexes = search.of(ctx.server)
    indexes.forget_idle_cursors()
    cursors = indexes.cursors.values()
    return {
        b"global_idle": len(cursors), b"global_total": len(cursors), b"index_capacity": 128,
        b"index_total": sum(cursor.index == name for cursor in cursors),
    }


def _numbers(index: Index) -> dict[bytes, Any]:
    """How much there is of everything; sizes are what it takes here."""
    documents = len(index.documents)
    records = sum(map(len, index.terms.postings.values()))
    sizes = index.sizes()
    shown_sizes = {
        name: size / (1 << 20) for name, size in sizes.items()
    }
    return {
        b"num_docs": documents, b"max_doc_id": index.last,
        b"num_terms": len(index.terms.postings), b"num_records": records,
        b"inverted_sz_mb": shown_sizes["words"] + shown_sizes["numbers"],
        b"vector_index_sz_mb": shown_sizes["vectors"],
        b"total_inverted_index_blocks": len(index.terms.postings),
        b"offset_vectors_sz_mb": 0.0, b"doc_table_size_mb": shown_sizes["documents"],
        **dict.fromkeys((b"sortable_values_size_mb", b"key_table_size_mb"), 0.0),
        b"tag_overhead_sz_mb": shown_sizes["tags"], b"text_overhead_sz_mb": 0.0,
        b"total_index_memory_sz_mb": sum(shown_sizes.values()), b"geoshapes_sz_mb": 0.0,
        b"records_per_doc_avg": records / documents if documents else math.nan,
        b"bytes_per_record_avg": sizes["words"] / records if records else math.nan,
        **dict.fromkeys((
            b"offsets_per_term_avg", b"offset_bits_per_record_avg",
        ), 0.0 if records else math.nan),
        b"hash_indexing_failures": index.failures, b"total_indexing_time": 0.0, b"indexing": 0,
        b"percent_indexed": 1.0, b"number_of_uses": index.uses, b"cleaning": 0,
        b"gc_stats": {
            b"bytes_collected": 0.0, b"total_ms_run": 0.0, b"total_cycles": 0.0,
            b"average_cycle_time_ms": math.nan, b"last_run_time_ms": 0.0,
            b"gc_numeric_trees_missed": 0.0, b"gc_blocks_denied": 0.0,
        },
        b"cursor_stats": {},
        b"dialect_stats": {
            b"dialect_%d" % dialect: int(dialect in index.dialects) for dialect in range(1, 5)
        },
    }


def _failures(index: Index) -> dict[bytes, Any]:
    text, key = index.last_error or ("N/A", b"N/A")
    return {
        b"Index Errors": _errors(index.failures, text, key),
        b"field statistics": [
            {
                b"identifier": Status(field.path), b"attribute": Status(field.name),
                b"Index Errors": _errors(*index.errors.get(field.name, (0, "N/A", b"N/A"))),
            }
            for field in index.definition.fields
        ],
    }


def _errors(count: int, text: str, key: bytes) -> dict[bytes, Any]:
    return {
        b"indexing failures": count,
        b"last indexing error": Status(text.encode("utf-8", "surrogateescape")),
        b"last indexing error key": key,
    }


