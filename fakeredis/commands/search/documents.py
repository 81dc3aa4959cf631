"""Documents by their keys: how they were added, read and removed before hashes were indexed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from fakeredis.commands.hash.fields import hset
from fakeredis.commands.search.words import (
    NONE_LEFT,
    Words,
    check_count,
    failure,
    index_of,
    shown,
)
from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.numbers import parse_float
from fakeredis.datatypes.search.errors import SearchError
from fakeredis.datatypes.search.expressions import compiled
from fakeredis.datatypes.search.index import Index
from fakeredis.datatypes.search.reading import field_value
from fakeredis.datatypes.search.values import is_true
from fakeredis.datatypes.search.words import LANGUAGES
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status
from fakeredis.errors import CommandError

_UNKNOWN: Final = "Unknown Index name"
_SCORE: Final = b"__score"
_LANGUAGE: Final = b"__language"
_PAYLOAD: Final = b"__payload"


@dataclass
class _Options:
    """What FT.ADD takes beside the fields."""

    replaces: bool = False
    is_partial: bool = False
    creates: bool = True
    condition: bytes | None = None
    language: bytes | None = None
    payload: bytes | None = None


def add(ctx: Context, *words: bytes) -> Status:
    """Make a hash, which is a document then.

    Checked in the server's order: number of words, score, options, index, key, condition.
    """
    check_count(ctx, words, 3)
    score = parse_float(words[2])
    if score is None:
        raise CommandError("Could not parse document score")
    if not 0 <= score <= 1:
        raise CommandError("Score must be between 0 and 1")
    rest = Words(words, 3)
    options = _options(rest)
    pairs = [rest.take() for _ in range(len(rest))]
    if len(pairs) % 2:
        raise CommandError("Fields must be specified in FIELD VALUE pairs")
    index = index_of(ctx, words[0])
    key = words[1]
    value = ctx.lookup(key)
    if value is not None and not options.replaces:
        if type(value) is not Hash:
            raise CommandError("Invalid Redis key")
        raise CommandError("Document already exists")
    if value is None and not options.creates:
        raise CommandError("Document does not exist")
    if options.replaces and options.condition is not None and not _holds(
        index, options.condition, value
    ):
        return Status(b"NOADD")
    _write(ctx, index, key, pairs, score, words[2], options)
    return OK


def safeadd(ctx: Context, *words: bytes) -> Status:
    """Another name for FT.ADD."""
    return add(ctx, *words)


def _options(words: Words) -> _Options:
    options = _Options()
    while words:
        given = words.take()
        word = given.upper()
        if word == b"FIELDS":
            return options
        if word in (b"REPLACE", b"PARTIAL", b"NOCREATE"):
            options.replaces |= word == b"REPLACE"
            options.is_partial |= word == b"PARTIAL"
            options.creates &= word != b"NOCREATE"
            continue
        if word not in (b"IF", b"LANGUAGE", b"PAYLOAD"):
            raise CommandError(f"Unknown keyword `{shown(given)}` provided")
        if not words:
            raise CommandError(f"{shown(word)}: {NONE_LEFT}")
        value = words.take()
        if word == b"IF":
            options.condition = value
        elif word == b"PAYLOAD":
            options.payload = value
        elif shown(value).lower() not in LANGUAGES:
            raise CommandError("Unsupported language")
        else:
            options.language = value
    raise CommandError("No field list found")


def _holds(index: Index, condition: bytes, value: Any) -> bool:
    """Whether a document is as it must be to be replaced; none never is.

    Raises:
        CommandError: what it must be makes no sense.
    """
    try:
        expression = compiled(condition)
    except SearchError as error:
        raise failure(error) from None
    row: dict[bytes, Any] = {}
    for name in expression.names:
        known = index.definition.field_named(name)
        if known is None:
            raise CommandError(f"Property `{shown(name)}` not loaded nor in pipeline")
        found = None if value is None else field_value(value, known.path, known)
        if found is not None:
            row[name] = found
    try:
        return is_true(expression.evaluate(row))
    except SearchError as error:
        raise failure(error) from None


def _write(
    ctx: Context, index: Index, key: bytes, pairs: list[bytes], score: float, raw: bytes,
    options: _Options,
) -> None:
    definition = index.definition
    if score != 1.0:
        pairs += [_SCORE, raw]
        definition.score_field = definition.score_field or _SCORE
    if options.language is not None:
        pairs += [_LANGUAGE, options.language]
        definition.language_field = definition.language_field or _LANGUAGE
    if options.payload is not None:
        pairs += [_PAYLOAD, options.payload]
        definition.payload_field = definition.payload_field or _PAYLOAD
    if options.replaces and not options.is_partial:
        ctx.delete(key)
    if pairs:
        hset(ctx, key, pairs)


# Reading and removing ---------------------------------------------------------------------------


def get(ctx: Context, *words: bytes) -> Any:
    """What a document of an index has; null where it is none."""
    check_count(ctx, words, 2, 2)
    return _contents(ctx, index_of(ctx, words[0], _UNKNOWN), words[1])


def mget(ctx: Context, *words: bytes) -> list[Any]:
    """What several documents of an index have; null for each that is none."""
    check_count(ctx, words, 2)
    index = index_of(ctx, words[0], _UNKNOWN)
    return [_contents(ctx, index, key) for key in words[1:]]


def _contents(ctx: Context, index: Index, key: bytes) -> list[bytes] | None:
    value = ctx.lookup(key)
    if key not in index.numbers_of:
        return None
    if type(value) is not Hash:
        return []
    hidden = index.definition.hidden
    return [part for name, text in value.items() if name not in hidden for part in (name, text)]


def delete(ctx: Context, *words: bytes) -> int:
    """Remove a key, whatever it has; whether it was there."""
    check_count(ctx, words, 2, 3)
    index_of(ctx, words[0], _UNKNOWN)
    return int(ctx.delete(words[1]))
