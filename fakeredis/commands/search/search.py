"""FT.SEARCH: the documents that a query finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import nlargest, nsmallest
from typing import Any, Final

from fakeredis.commands.search.request import Request, Run, new_request, value_in
from fakeredis.commands.search.snippets import Snippets, take_snippets
from fakeredis.commands.search.words import Words, guarded, shown, unsigned, wrong_count
from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.numbers import format_float
from fakeredis.datatypes.search.errors import SearchError
from fakeredis.datatypes.search.index import Document
from fakeredis.datatypes.search.nodes import Vector
from fakeredis.datatypes.search.reading import field_value
from fakeredis.datatypes.search.reasons import Reasons
from fakeredis.datatypes.search.records import Records
from fakeredis.datatypes.search.scoring import NEWER_SCORERS, Measures, nothing
from fakeredis.datatypes.search.values import shown as value_shown
from fakeredis.datatypes.search.values import sort_key
from fakeredis.datatypes.search.vectors import distance_text
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import Status
from fakeredis.engine.features import search as settings
from fakeredis.errors import CommandError

_BEYOND: Final = (1 << 63) - 2  # which LIMIT takes no number


@dataclass
class _Options:
    """What FT.SEARCH takes beside a query's own options."""

    request: Request
    content: bool = True
    scores: bool = False
    explained: bool = False
    reasons: Reasons | None = None
    payloads: bool = False
    sort_keys: bool = False
    sort_by: bytes | None = None
    descending: bool = False
    offset: int = 0
    count: int = 10
    returned: list[tuple[bytes, bytes]] | None = None
    snippets: Snippets = field(default_factory=Snippets)


@guarded
def search(ctx: Context, *words: bytes) -> Any:
    """The documents that a query finds.

    Checked in the server's order: number of words, options, index, scorer, query, what is sorted
    by.
    """
    if not words:
        raise wrong_count(ctx)
    if len(words) < 2:
        raise CommandError("No query string provided")
    options = options_of(ctx, words)
    return _reply(_run(ctx, words, options), options)


def _run(ctx: Context, words: Sequence[bytes], options: _Options) -> Run:
    run = Run(ctx, words[0], words[1], options.request, lambda run: _check(run, options))
    run.returned = options.returned
    run.scored = options.scores or options.sort_by is None
    return run


def profiled_search(
    ctx: Context, words: Sequence[bytes]
) -> tuple[Any, Run, list[tuple[str, int]]]:
    """The reply, the run, and what was done with the documents: names and numbers of them."""
    options = options_of(ctx, words)
    run = _run(ctx, words, options)
    total = len(run.found)
    shown_ones = max(0, min(options.count, total - options.offset))
    steps = [("Index", total)]
    if run.finder.distances and isinstance(run.node, Vector) and run.node.count is not None:
        steps.append(("Metrics Applier", total))
    if run.scored:
        steps.append(("Scorer", total))
    if not options.count:
        steps.append(("Counter", 1))
        return _reply(run, options), run, steps
    sorts = min(total, options.offset + options.count)
    steps.append(("Sorter", sorts))
    if options.offset:
        steps.append(("Pager/Limiter", shown_ones))
    if options.sort_by is not None and not _is_at_hand(run, options.sort_by):
        steps.insert(len(steps) - 1, ("Loader", total))
    if options.content:
        names = None if options.returned is None else [path for path, _ in options.returned]
        if names is None or not all(_is_at_hand(run, name) for name in names):
            steps.append(("Loader", shown_ones))
        if options.snippets.are_asked_for:
            steps.append(("Highlighter", shown_ones))
    return _reply(run, options), run, steps


def _is_at_hand(run: Run, name: bytes) -> bool:
    """Whether a field can be told without looking at the key."""
    known = run.definition.field_named(name)
    return name in run.finder.distances or (
        known is not None and known.sortable and known.unnormalized
    )


# Options ----------------------------------------------------------------------------------------


def options_of(ctx: Context, words: Sequence[bytes]) -> _Options:
    """The options of a call.

    Raises:
        CommandError: they make no sense.
    """
    options = _Options(new_request(ctx))
    most = settings.of(ctx.server).number("MAXSEARCHRESULTS")
    rest = Words(words, 2)
    while rest:
        at = rest.at - 1
        if options.request.take(rest) or options.request.take_filter(rest):
            continue
        given = rest.take()
        word = given.upper()
        if word in _SWITCHES:
            setattr(options, *_SWITCHES[word])
        elif word == b"LIMIT":
            options.offset, options.count = limit(rest, most, most)
        elif word == b"SORTBY":
            _sort_by(options, rest)
        elif word == b"RETURN":
            options.returned = _returned(rest.several("RETURN"))
        elif not take_snippets(options.snippets, word, rest):
            raise CommandError(f"Unknown argument `{shown(given)}` at position {at} for <main>")
    options.count = max(0, min(options.count, most - options.offset))
    if options.explained and not options.scores:
        raise CommandError("EXPLAINSCORE must be accompanied with WITHSCORES")
    if options.returned is not None and not options.returned:
        options.content = False
    return options


_SWITCHES: Final[dict[bytes, tuple[str, bool]]] = {
    b"NOCONTENT": ("content", False), b"WITHSCORES": ("scores", True),
    b"EXPLAINSCORE": ("explained", True), b"WITHPAYLOADS": ("payloads", True),
    b"WITHSORTKEYS": ("sort_keys", True),
}


def limit(words: Words, most: int, furthest: int) -> tuple[int, int]:
    """The numbers behind LIMIT.

    Args:
        most: how many there may be.
        furthest: where they may begin.

    Raises:
        CommandError: they make no sense.
    """
    if len(words) < 2:
        raise CommandError("LIMIT requires two arguments")
    try:
        offset, count = (unsigned(words.take(), 0, _BEYOND) for _ in range(2))
    except ValueError:
        raise CommandError("LIMIT needs two numeric arguments") from None
    if count > most:
        raise CommandError(f"LIMIT exceeds maximum of {most}")
    if offset > furthest and count:
        raise CommandError(f"OFFSET exceeds maximum of {furthest}")
    return offset, count


def _sort_by(options: _Options, words: Words) -> None:
    if options.sort_by is not None:
        raise CommandError("Multiple SORTBY steps are not allowed")
    if not words:
        raise CommandError("Bad SORTBY arguments")
    options.sort_by = words.take()
    if words.skip(b"DESC"):
        options.descending = True
    else:
        words.skip(b"ASC")


def _returned(given: list[bytes]) -> list[tuple[bytes, bytes]]:
    """The fields to be returned, with the names they are to have."""
    found: dict[bytes, bytes] = {}
    words = Words(given)
    while words:
        path = name = words.take()
        if words.skip(b"AS"):
            if not words:
                raise CommandError("RETURN path AS name - must be accompanied with NAME")
            name = words.take()
        found.setdefault(name, path)
    return [(path, name) for name, path in found.items()]


def _check(run: Run, options: _Options) -> None:
    snippets = options.snippets
    definition = run.definition
    if snippets.are_asked_for and not (definition.with_offsets and definition.with_highlights):
        raise SearchError(
            "Cannot use highlight/summarize because NOOFSETS was specified at index level"
        )
    if snippets.are_asked_for and options.content:
        snippets.check(run, options.returned)
    name = options.sort_by
    if name is None or run.definition.field_named(name) is not None:
        return
    if _yields(run.node, name):
        return
    raise SearchError(f"Property `{shown(name)}` not loaded nor in schema")


def _yields(node: Any, name: bytes) -> bool:
    """Whether a part of the query tells distances by a name."""
    if node is None:
        return False
    return node.yields == name or any(_yields(child, name) for child in node.children)


# Order ------------------------------------------------------------------------------------------


def _reply(run: Run, options: _Options) -> Any:
    score = None
    if options.explained:
        options.reasons = Reasons(
            None if run.node is None else Records(run.finder, run.node),
            Measures(run.index, run.scorer.removesuffix(".TANH").removesuffix(".NORM")),
            options.request.payload, _final(run),
        )
    if run.scored and run.found:
        score = run.score()
    total = len(run.found)
    documents = _page(run, options, score) if options.count and options.offset < total else []
    if run.request.is_hurried:
        total = len(documents)
        if run.is_unordered(options.sort_by):
            total = min(total, 1)
    resp3 = run.ctx.session.protocol == 3
    rows = [_row(run, options, document, score, resp3) for document in documents]
    if not resp3:
        return [total, *(part for row in rows for part in row)]
    return {
        Status(b"attributes"): [], Status(b"total_results"): total,
        Status(b"format"): Status(options.request.form), Status(b"results"): rows,
        Status(b"warning"): list(run.warnings),
    }


def _final(run: Run) -> Callable[[Document], str] | None:
    """What Redis 8 tells of the scores that it makes of BM25STD's."""
    if run.scorer not in NEWER_SCORERS:
        return None
    plain, score = run.score("BM25STD"), run.score()
    if run.scorer == "BM25STD.TANH":
        stretch = run.request.stretch
        return lambda document: (
            f"Final Normalized BM25 : tanh(stretch factor 1/{stretch} * Final BM25 "
            f"{plain(document):.2f})"
        )
    documents = run.index.documents
    greatest = max((plain(documents[each]) for each in run.found), default=0.0)
    return lambda document: (
        f"Final BM25STD.NORM: {score(document):.2f} = Original Score: {plain(document):.2f} / "
        f"Max Score: {greatest:.2f}"
    )


def _page(run: Run, options: _Options, score: Any) -> list[Document]:
    """The documents asked for, in order."""
    documents = run.index.documents
    last = options.offset + options.count
    if run.is_unordered(options.sort_by):
        ordered = nsmallest(last, run.found)
    elif options.sort_by is not None:
        ordered = _sorted(run, options, last)
    elif score is nothing or (run.scorer in ("TFIDF", "BM25STD") and not run.index.length):
        ordered = nsmallest(last, run.found) if last < len(run.found) else sorted(run.found)
    else:
        ranked = [
            (-_comparable(score(documents[each])), each) for each in run.in_time(run.found)
        ]
        best = nsmallest(last, ranked) if last * 4 < len(ranked) else sorted(ranked)
        ordered = [each for _, each in best]
    return [documents[each] for each in ordered[options.offset:last]]


def _comparable(score: float) -> float:
    return score if score == score else 0.0


def _sorted(run: Run, options: _Options, last: int) -> list[int]:
    """Documents by what they are sorted by, those without it behind; as many as are asked for."""
    keyed, absent = _keyed(run, options.sort_by or b"")
    backwards = options.descending
    if len({type(key) for key, _ in keyed}) > 1:
        keyed = [(sort_key(key), each) for key, each in keyed]
    if last * 4 < len(keyed):
        keyed = (nlargest if backwards else nsmallest)(last, keyed)
    else:
        keyed.sort(reverse=backwards)
    if run.is_by_number(options.sort_by):
        absent = []
    absent.sort(reverse=backwards)
    return [each for _, each in keyed] + absent


def _keyed(run: Run, name: bytes) -> tuple[list[tuple[Any, int]], list[int]]:
    """Documents with what they are sorted by, and those that have nothing."""
    known = run.definition.field_named(name)
    if known is not None and known.sortable and name not in run.finder.distances:
        documents = run.index.documents
        keys = [(documents[each].sortable.get(name), each) for each in run.found]
    else:
        keys = [(sort_value(run, name, each), each) for each in run.in_time(run.found)]
    keyed = [pair for pair in keys if pair[0] is not None]
    if len(keyed) == len(keys):
        return keyed, []
    return keyed, [each for key, each in keys if key is None]


def sort_value(run: Run, name: bytes, number: int) -> Any:
    """What a document is sorted by."""
    distances = run.finder.distances.get(name)
    if distances is not None:
        return distances.get(number)
    document = run.index.documents[number]
    known = run.definition.field_named(name)
    if known is not None and known.sortable:
        return document.sortable.get(name)
    value = run.value_of(document)
    return None if value is None else field_value(value, known.path if known else name, known)


# Rows -------------------------------------------------------------------------------------------


def _row(run: Run, options: _Options, document: Document, score: Any, resp3: bool) -> Any:
    row: dict[bytes, Any] = {Status(b"id"): document.key}
    if options.scores:
        number = score(document)
        shown_number = number if resp3 else format_float(number)
        if options.reasons is not None:
            reason = _shown_reason(options.reasons.of(document))
            row[Status(b"score")] = [shown_number, reason]
        else:
            row[Status(b"score")] = shown_number
    if options.payloads:
        row[Status(b"payload")] = document.payload
    if options.sort_keys:
        is_in_order = not run.is_unordered(options.sort_by)
        row[Status(b"sortkey")] = _sort_key(run, options, document) if is_in_order else None
    if options.content:
        row[Status(b"extra_attributes")] = _contents(run, options, document)
    if resp3:
        row[Status(b"values")] = []
        return row
    return list(row.values())


def _shown_reason(reason: Any) -> Any:
    if type(reason) is str:
        return Status(reason.encode("utf-8", "surrogateescape"))
    return [_shown_reason(each) for each in reason]


def _sort_key(run: Run, options: _Options, document: Document) -> bytes | None:
    if options.sort_by is None:
        return None
    value = sort_value(run, options.sort_by, document.number)
    if value is None:
        return None
    return b"#" + format_float(value) if type(value) is float else b"$" + bytes(value)


def _contents(run: Run, options: _Options, document: Document) -> dict[bytes, Any] | None:
    """What is shown of a document; None where nothing is, as the key is in another database."""
    value = run.value_of(document)
    return _shown_of(run, options, document, value) or (None if value is None else {})


def _shown_of(run: Run, options: _Options, document: Document, value: Any) -> dict[bytes, Any]:
    contents: dict[bytes, Any] = {}
    for name, distances in run.finder.distances.items():
        if document.number in distances:
            contents[name] = distance_text(distances[document.number])
    if options.returned is not None:
        return _chosen(run, options, document, value, contents)
    if type(value) is Hash:
        if options.sort_by is not None and options.sort_by not in contents:
            first = value.get(options.sort_by)
            if first is not None:
                contents[options.sort_by] = first
        hidden = run.definition.hidden
        contents.update(
            (name, text) for name, text in value.items() if not hidden or name not in hidden
        )
    elif value is not None:
        if options.sort_by is not None and options.sort_by not in contents:
            key = _json_sort_value(run, options.sort_by, document, value)
            if key is not None:
                contents[options.sort_by] = key
        _, contents[b"$"] = value_in(value, b"$", None, document, run)
    return options.snippets.apply(run, contents, document, value)


def _json_sort_value(run: Run, name: bytes, document: Document, value: Any) -> Any:
    known = run.definition.field_named(name)
    if known is not None and known.sortable and run.request.dialect < 3:
        kept = document.sortable.get(name)
        return None if kept is None else value_shown(kept)
    there, found = value_in(value, known.path if known else name, known, document, run)
    return value_shown(found) if there else None


def _chosen(
    run: Run, options: _Options, document: Document, value: Any, distances: dict[bytes, Any]
) -> dict[bytes, Any]:
    contents: dict[bytes, Any] = {}
    definition = run.definition
    assert options.returned is not None
    first = options.sort_by
    for path, name in sorted(
        options.returned, key=lambda each: (each[0] not in distances, each[1] != first)
    ):
        if path in distances:
            contents[name] = distances[path]
            continue
        known = definition.field_named(path)
        there, found = value_in(value, known.path if known else path, known, document, run)
        if there:
            contents[name] = found if options.request.form == b"EXPAND" else value_shown(found)
    return options.snippets.apply(run, contents, document, value)


