"""Words of indexes and beside them: tags, dictionaries, synonyms, spelling, explanations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fakeredis.commands.search.request import Request, default_dialect, query_node
from fakeredis.commands.search.search import options_of
from fakeredis.commands.search.words import (
    check_count,
    failure,
    guarded,
    index_of,
    shown,
    unsigned,
)
from fakeredis.datatypes.search.errors import SearchError
from fakeredis.datatypes.search.explaining import explained
from fakeredis.datatypes.search.finding import difference, resembling
from fakeredis.datatypes.search.index import NO_WORDS, Index
from fakeredis.datatypes.search.nodes import Node, Term
from fakeredis.datatypes.search.words import folded
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, SetReply, Status
from fakeredis.engine.features import search
from fakeredis.errors import CommandError

_UNKNOWN: Final = "Unknown Index name"


def _set(ctx: Context, words: list[bytes]) -> Any:
    return SetReply(words) if ctx.session.protocol == 3 else words


def tagvals(ctx: Context, *words: bytes) -> Any:
    """The tags that a field has in any document."""
    check_count(ctx, words, 2, 2)
    index = index_of(ctx, words[0], _UNKNOWN)
    field = index.definition.field_named(words[1])
    if field is None:
        raise CommandError("No such field")
    if field.kind != "TAG":
        raise CommandError("Not a tag field")
    return _set(ctx, list(index.tags[field.name].ordered()))


# Dictionaries -----------------------------------------------------------------------------------


def dictadd(ctx: Context, *words: bytes) -> int:
    """Add words to a dictionary; how many were new."""
    check_count(ctx, words, 2)
    known = search.of(ctx.server)
    dictionary = known.dictionaries.setdefault(words[0], {})
    before = len(dictionary)
    dictionary.update(dict.fromkeys(words[1:]))
    known.edited()
    return len(dictionary) - before


def dictdel(ctx: Context, *words: bytes) -> int:
    """Take words from a dictionary; how many were there."""
    check_count(ctx, words, 2)
    known = search.of(ctx.server)
    dictionary = known.dictionaries.get(words[0], {})
    known.edited()
    return sum(dictionary.pop(word, 1) is None for word in words[1:])


def dictdump(ctx: Context, *words: bytes) -> Any:
    """The words of a dictionary."""
    check_count(ctx, words, 1, 1)
    dictionary = search.of(ctx.server).dictionaries.get(words[0])
    if dictionary is None:
        raise CommandError("could not open dict key")
    return _set(ctx, sorted(dictionary))


# Synonyms ---------------------------------------------------------------------------------------


def synupdate(ctx: Context, *words: bytes) -> Status:
    """Let words be of one group; the documents are read again."""
    check_count(ctx, words, 3)
    index = index_of(ctx, words[0])
    group, skips = words[1], words[2].upper() == b"SKIPINITIALSCAN"
    for word in words[3:] if skips else words[2:]:
        groups = index.synonyms.setdefault(folded(shown(word)), [])
        if shown(group) not in groups:
            groups.append(shown(group))
    search.of(ctx.server).edited()
    if not skips:
        search.of(ctx.server).scan(index)
    return OK


def syndump(ctx: Context, *words: bytes) -> Any:
    """The words that are of groups, and of which."""
    check_count(ctx, words, 1, 1)
    index = index_of(ctx, words[0])
    return {
        _raw(word): [_raw(group) for group in groups] for word, groups in index.synonyms.items()
    }


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def synadd(ctx: Context, *words: bytes) -> Any:
    """What is no more."""
    raise CommandError("No longer suppoted, use FT.SYNUPDATE")


# Spelling ---------------------------------------------------------------------------------------


@guarded
def spellcheck(ctx: Context, *words: bytes) -> Any:
    """Words of an index that resemble those of a query which it has not."""
    check_count(ctx, words, 2)
    index = index_of(ctx, words[0], _UNKNOWN)
    distance, dialect, included, excluded = _spelling_options(ctx, list(words[2:]))
    request = Request(dialect, verbatim=True)
    try:
        node = query_node(index, words[1], request, expanded=False)
    except SearchError as error:
        raise failure(error) from None
    results: dict[bytes, list[tuple[float, bytes]]] = {}
    for word in dict.fromkeys(_words(node)):
        if word not in index.terms.postings and _raw(word) not in excluded:
            results[_raw(word)] = _similar(index, word, distance, included)
    if ctx.session.protocol == 3:
        return {Status(b"results"): {
            word: [{text: score} for score, text in found] for word, found in results.items()
        }}
    return [
        [Status(b"TERM"), word, [[score, text] for score, text in found]]
        for word, found in results.items()
    ]


def _words(node: Node | None) -> Iterator[str]:
    if isinstance(node, Term):
        yield node.word
    elif node is not None and not hasattr(node, "name"):
        for child in node.children:
            yield from _words(child)


def _similar(
    index: Index, word: str, distance: int, included: list[bytes]
) -> list[tuple[float, bytes]]:
    total = len(index.documents)
    found: dict[bytes, float] = {}
    postings = index.terms.postings
    for term in resembling(index.terms.ordered(), word, distance):
        if term[:1] not in NO_WORDS:
            found[_raw(term)] = len(postings[term]) / total
    for each in included:
        if difference(word, shown(each), distance) <= distance:
            found.setdefault(each, 0.0)
    pairs = [(score, text) for text, score in found.items()]
    return sorted(pairs, key=lambda pair: (-pair[0], pair[1]))


def _spelling_options(
    ctx: Context, words: list[bytes]
) -> tuple[int, int, list[bytes], set[bytes]]:
    distance, dialect = 1, default_dialect(ctx)
    included: list[bytes] = []
    excluded: set[bytes] = set()
    at = 0
    while at < len(words):
        word = words[at].upper()
        if word == b"DISTANCE":
            if at + 1 == len(words):
                raise CommandError("DISTANCE arg is given but no DISTANCE comes after")
            try:
                distance = unsigned(words[at + 1], 1, 4)
            except ValueError:
                raise CommandError(
                    "bad distance given, distance must be a natural number between 1 to 4"
                ) from None
            at += 1
        elif word == b"DIALECT" and at + 1 < len(words):
            dialect = unsigned(words[at + 1], 1, 4)
            at += 1
        elif word == b"TERMS":
            chosen = _terms_of(ctx, words[at + 1:at + 3])
            if words[at + 1].upper() == b"INCLUDE":
                included += chosen
            else:
                excluded.update(chosen)
            at += 2
        at += 1
    return distance, dialect, included, excluded


def _terms_of(ctx: Context, words: list[bytes]) -> list[bytes]:
    if len(words) < 2:
        raise CommandError("TERM arg is given but no TERM params comes after")
    if words[0].upper() not in (b"INCLUDE", b"EXCLUDE"):
        raise CommandError("bad format, exlude/include operation was not given")
    dictionary = search.of(ctx.server).dictionaries.get(words[1])
    if dictionary is None:
        raise CommandError(f"Dict does not exist: {shown(words[1])}")
    return list(dictionary)


# Explanations -----------------------------------------------------------------------------------


def _explanation(ctx: Context, words: tuple[bytes, ...]) -> str:
    check_count(ctx, words, 2)
    options = options_of(ctx, words)
    index = index_of(ctx, words[0], f"{shown(words[0])}: no such index")
    try:
        node = query_node(index, words[1], options.request, limited=False)
    except SearchError as error:
        raise failure(error) from None
    return explained(node, index.definition)


@guarded
def explain(ctx: Context, *words: bytes) -> bytes:
    """What the server makes of a query."""
    return _raw(_explanation(ctx, words))


@guarded
def explaincli(ctx: Context, *words: bytes) -> list[Status]:
    """What the server makes of a query, line by line."""
    return [Status(_raw(line)) for line in _explanation(ctx, words).split("\n")]
