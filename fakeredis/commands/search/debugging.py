"""FT.DEBUG: what stands in an index, as far as a client may want to know it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fakeredis.commands.search.words import (
    Words,
    check_count,
    guarded,
    index_of,
    shown,
    unsigned,
    wrong_count,
)
from fakeredis.datatypes.numbers import format_float
from fakeredis.datatypes.search.index import Document, Index
from fakeredis.datatypes.search.postings import Dictionary
from fakeredis.datatypes.search.schema import Field
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status
from fakeredis.engine.features import search
from fakeredis.errors import CommandError

_NO_INDEX: Final = "Can not create a search ctx"
_NO_FIELD: Final = "Could not find given field in index spec"
_NO_TAGS: Final = "can not open tag field"
_GIT_SHA: Final = b"e2f28a9d454845915bc57c41982c7daa2ee022d9"  # of RediSearch 2.10.5
_DONE: Final = Status(b"DONE")

# In the server's order.
_NAMES: Final = (
    "DUMP_INVIDX DUMP_NUMIDX DUMP_NUMIDXTREE DUMP_TAGIDX INFO_TAGIDX DUMP_GEOMIDX DUMP_PREFIX_TRIE "
    "IDTODOCID DOCIDTOID DOCINFO DUMP_PHONETIC_HASH DUMP_SUFFIX_TRIE DUMP_TERMS INVIDX_SUMMARY "
    "NUMIDX_SUMMARY GC_FORCEINVOKE GC_FORCEBGINVOKE GC_CLEAN_NUMERIC GC_STOP_SCHEDULE "
    "GC_CONTINUE_SCHEDULE GC_WAIT_FOR_JOBS GIT_SHA TTL TTL_PAUSE TTL_EXPIRE VECSIM_INFO "
    "DELETE_LOCAL_CURSORS DUMP_HNSW"
)


def help_(ctx: Context, *words: bytes) -> list[bytes]:
    """The names of the server's subcommands, some of which are not here."""
    return _NAMES.encode().split()


def git_sha(ctx: Context, *words: bytes) -> bytes:
    """From which source the module was made."""
    return _GIT_SHA


# Words ------------------------------------------------------------------------------------------


def dump_terms(ctx: Context, *words: bytes) -> list[bytes]:
    """All words of an index."""
    check_count(ctx, words, 1, 1)
    return [_raw(term) for term in index_of(ctx, words[0], _NO_INDEX).terms.ordered()]


def dump_invidx(ctx: Context, *words: bytes) -> list[int]:
    """The numbers of the documents that have a word."""
    check_count(ctx, words, 2, 2)
    index = index_of(ctx, words[0], _NO_INDEX)
    term = shown(words[1])
    if term not in index.terms:
        raise CommandError("Can not find the inverted index")
    return list(index.terms.having(term))


def dump_suffix_trie(ctx: Context, *words: bytes) -> list[bytes]:
    """The ends of words by which fields with WITHSUFFIXTRIE are looked through.

    Those of texts, which are together, or of one field of tags.
    """
    check_count(ctx, words, 1, 2)
    index = index_of(ctx, words[0], _NO_INDEX)
    fields = index.definition.fields
    ends: set[bytes] = set()
    if len(words) == 2:
        tags = _tags(index, words[1])
        if not _field(index, words[1]).suffixes:
            raise CommandError("tag field does have suffix trie")
        for tag in tags.ordered():
            ends.update(tag[at:] for at in range(max(1, len(tag) - 1)))
        return sorted(ends)
    mask = sum(each.bit for each in fields if each.kind == "TEXT" and each.suffixes)
    if not mask:
        raise CommandError("Index does not have suffix trie")
    for word in index.terms.ordered():
        if word[:1] not in "+<~" and index.terms.having(word, mask):
            # As many as it has bytes, though they are cut between letters.
            many = max(1, len(_raw(word)) - 1)
            ends.update(_raw(word[at:]) for at in range(min(many, len(word))))
    return sorted(ends)


# Tags -------------------------------------------------------------------------------------------


def dump_tagidx(ctx: Context, *words: bytes) -> list[list[Any]]:
    """The tags of a field, with the numbers of the documents that have them."""
    check_count(ctx, words, 2, 2)
    dictionary = _tags(index_of(ctx, words[0], _NO_INDEX), words[1])
    return [[tag, list(dictionary.tagged(tag))] for tag in dictionary.ordered()]


@guarded
def info_tagidx(ctx: Context, *words: bytes) -> list[Any]:
    """How many tags a field has; and something of some of them.

    ``LIMIT`` is how many those are, of which none are shown without.
    """
    check_count(ctx, words, 2)
    index = index_of(ctx, words[0], _NO_INDEX)
    rest = Words(words, 2)
    numbers = {b"OFFSET": 0, b"LIMIT": 0}
    chosen = set()
    while rest:
        option = rest.take().upper()
        if option in numbers and rest:
            try:
                numbers[option] = unsigned(rest.take())
            except ValueError:
                raise _not_parsed() from None
        elif option in (b"COUNT_VALUE_ENTRIES", b"DUMP_ID_ENTRIES"):
            chosen.add(option)
        else:
            raise _not_parsed()
    dictionary = _tags(index, words[1])
    tags = dictionary.ordered()
    reply: list[Any] = [b"num_values", len(tags)]
    if chosen:
        start = numbers[b"OFFSET"]
        facts = _tag_facts(
            dictionary, tags[start:start + numbers[b"LIMIT"]], b"DUMP_ID_ENTRIES" in chosen
        )
        reply += [b"values", list(facts)]
    return reply


def _not_parsed() -> CommandError:
    return CommandError("Could not parse argument (argspec fixme)")


def _tag_facts(
    dictionary: Dictionary, tags: list[bytes], with_numbers: bool
) -> Iterator[list[Any]]:
    for tag in tags:
        numbers = list(dictionary.tagged(tag))
        facts: list[Any] = [
            b"value", tag, b"num_entries", len(numbers),
            b"num_blocks", -(-len(numbers) // 1000),  # of as many documents
        ]
        if with_numbers:
            facts += [b"entries", numbers]
        yield facts


def _tags(index: Index, name: bytes) -> Dictionary:
    """The tags of a field, which the server has none of until a document has one."""
    field = _field(index, name)
    if field.kind != "TAG" or not index.tags[field.name].postings:
        raise CommandError(_NO_TAGS)
    return index.tags[field.name]


# Documents --------------------------------------------------------------------------------------


def idtodocid(ctx: Context, *words: bytes) -> bytes:
    """The key of the document of a number."""
    check_count(ctx, words, 2, 2)
    index = index_of(ctx, words[0], _NO_INDEX)
    try:
        number = int(words[1])
    except ValueError:
        raise CommandError("bad id given") from None
    document = index.documents.get(number)
    if document is None:
        raise CommandError("document was removed")
    return document.key


def docidtoid(ctx: Context, *words: bytes) -> int:
    """The number of the document of a key; 0 where there is none."""
    check_count(ctx, words, 2, 2)
    return index_of(ctx, words[0], _NO_INDEX).numbers_of.get(words[1], 0)


def docinfo(ctx: Context, *words: bytes) -> dict[Any, Any]:
    """What is known of a document by itself."""
    check_count(ctx, words, 2)
    index = index_of(ctx, words[0], _NO_INDEX)
    document = index.documents.get(index.numbers_of.get(words[1], 0))
    if document is None:
        raise CommandError("Document not found in index")
    facts: dict[bytes, Any] = {
        b"internal_id": document.number, b"flags": _flags(index, document),
        b"score": float(document.score), b"num_tokens": document.length,
        b"max_freq": document.most, b"refcount": 1,
    }
    if document.sortable:
        facts[b"sortables"] = list(_sortables(index, document))
    return {
        Status(name) if name != b"flags" else name: fact for name, fact in facts.items()
    }


def _flags(index: Index, document: Document) -> bytes:
    definition = index.definition
    has_offsets = document.terms and definition.with_offsets and definition.with_highlights
    names = [
        (document.payload is not None, 2, "HasPayload"),
        (bool(document.sortable), 4, "HasSortVector"), (has_offsets, 8, "HasOffsetVector"),
    ]
    number = sum(bit for is_on, bit, _ in names if is_on)
    listed = "".join(f"{name}," for is_on, _, name in names if is_on)
    return f"({number:#x}):{listed}".encode()


def _sortables(index: Index, document: Document) -> Iterator[list[Any]]:
    fields = [field for field in index.definition.fields if field.sortable]
    for number, field in enumerate(fields):
        value = document.sortable.get(field.name)
        if type(value) is float:
            value = format_float(value)
        yield [
            Status(b"index"), number, b"field", field.path + b" AS " + field.name,
            b"value", value,
        ]


# What is done now and then ----------------------------------------------------------------------


def gc_forceinvoke(ctx: Context, *words: bytes) -> Status:
    """Clear away what has gone, which is done at once here."""
    check_count(ctx, words, 1, 2)
    index_of(ctx, words[0])
    return _DONE


def gc_forcebginvoke(ctx: Context, *words: bytes) -> Status:
    """Clear away what has gone, without waiting for it."""
    check_count(ctx, words, 1)
    index_of(ctx, words[0])
    return OK


def gc_clean_numeric(ctx: Context, *words: bytes) -> Status:
    """Clear away what has gone of a field of numbers."""
    check_count(ctx, words, 2, 2)
    _field(index_of(ctx, words[0], _NO_INDEX), words[1])
    return OK


def gc_stop_schedule(ctx: Context, *words: bytes) -> Status:
    """Let it be done no longer."""
    check_count(ctx, words, 1)
    index_of(ctx, words[0]).is_left_alone = True
    return OK


def gc_continue_schedule(ctx: Context, *words: bytes) -> Status:
    """Let it be done again."""
    check_count(ctx, words, 1)
    index = index_of(ctx, words[0])
    if not index.is_left_alone:
        raise CommandError("GC is already running periodically")
    index.is_left_alone = False
    return OK


def gc_wait_for_jobs(ctx: Context, *words: bytes) -> Status:
    """Wait until it is done."""
    return _DONE


def delete_local_cursors(ctx: Context, *words: bytes) -> Status:
    """Forget all cursors."""
    check_count(ctx, words, 0, 0)
    search.of(ctx.server).cursors.clear()
    return OK


# Temporary indexes ------------------------------------------------------------------------------


def ttl(ctx: Context, *words: bytes) -> int:
    """In how many seconds a temporary index goes; 0 where it does not for now."""
    name = _temporary(ctx, words)
    until = search.of(ctx.server).temporary.get(name)
    # It is counted since the index was made, some moments ago.
    return 0 if until is None else max(0, until - ctx.now - 1) // 1000


def ttl_pause(ctx: Context, *words: bytes) -> Status:
    """Let a temporary index stay until somebody asks it something."""
    name = _temporary(ctx, words)
    if search.of(ctx.server).temporary.pop(name, None) is None:
        raise CommandError("Index does not have a timer")
    return OK


def ttl_expire(ctx: Context, *words: bytes) -> Status:
    """Let a temporary index go now."""
    name = _temporary(ctx, words)
    known = search.of(ctx.server)
    known.temporary[name] = ctx.now
    known.expire(name, ctx.now)
    return OK


def _temporary(ctx: Context, words: tuple[bytes, ...]) -> bytes:
    """The name of a temporary index, which does not live on by that."""
    if not words:
        raise wrong_count(ctx)
    known = search.of(ctx.server)
    name = known.aliases.get(words[0], words[0])
    index = known.indexes.get(name)
    if index is None:
        raise CommandError("Unknown index name")
    if not index.definition.temporary:
        raise CommandError("Index is not temporary")
    return name


def _field(index: Index, name: bytes) -> Field:
    found = index.definition.field_named(name)
    if found is None:
        raise CommandError(_NO_FIELD)
    return found


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
