"""What FT.SEARCH and FT.AGGREGATE have in common: options of the query, and its run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from fakeredis.commands.search.words import Words, failure, index_of, number, shown, unsigned
from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.json import text as json_text
from fakeredis.datatypes.search.errors import SearchError
from fakeredis.datatypes.search.finding import METRES, Finder, expand
from fakeredis.datatypes.search.index import Document, Index
from fakeredis.datatypes.search.nodes import (
    Fuzzy,
    Geo,
    Ids,
    Intersection,
    Node,
    Numeric,
    Part,
    Tags,
    Term,
    Vector,
)
from fakeredis.datatypes.search.query import Query, parse
from fakeredis.datatypes.search.reading import json_found, json_shown
from fakeredis.datatypes.search.schema import Definition, Field
from fakeredis.datatypes.search.scoring import NEWER_SCORERS, SCORERS, STRETCH, Score, scorer
from fakeredis.datatypes.search.timing import Deadline, TimedOut
from fakeredis.datatypes.search.words import LANGUAGES
from fakeredis.engine.command.modules import is_built_in
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import Status
from fakeredis.engine.features import search
from fakeredis.errors import CommandError

__all__ = ["Request", "Run", "new_request", "value_in"]

_T = TypeVar("_T")
_HURRIED: Final = 4  # the dialect since which the server counts no more than it shows
_INFINITIES: Final = {
    "lower": {b"-inf": float("-inf")}, "upper": {b"inf": float("inf"), b"+inf": float("inf")},
}


@dataclass
class Request:
    """The options of a query.

    Args:
        dialect: in which it is written.
        newer: whether what Redis 8 has beyond the module of before is known.
        stretch: of the scorer BM25STD.TANH.
        timeout: milliseconds that it may take; None for the server's setting.
        counts: whether all documents are to be counted; None as the dialect has it.
    """

    dialect: int = 1
    newer: bool = False
    in_fields: list[bytes] | None = None
    in_keys: list[bytes] | None = None
    slop: int = -1
    in_order: bool = False
    verbatim: bool = False
    with_stop_words: bool = True
    language: bytes = b""
    scorer: bytes = b""
    stretch: int = STRETCH
    payload: bytes | None = None
    parameters: dict[bytes, bytes] | None = None
    expands: bool = False
    form: bytes = b"STRING"
    filters: list[Node] = field(default_factory=list)
    timeout: int | None = None
    counts: bool | None = None

    @property
    def is_hurried(self) -> bool:
        """Whether the server does no more than the page that is asked for needs."""
        return self.dialect >= _HURRIED if self.counts is None else not self.counts

    def take(self, words: Words) -> bool:
        """Take one option; whether there was one.

        Raises:
            CommandError: it makes no sense.
        """
        reader = _OPTIONS.get(words.ahead)
        if reader is None:
            if not self.newer or words.ahead != b"BM25STD_TANH_FACTOR":
                return False
            reader = Request._stretch
        words.take()
        reader(self, words)
        return True

    # Each of the options --------------------------------------------------------------------

    def _fields(self, words: Words) -> None:
        self.in_fields = words.several("INFIELDS")

    def _keys(self, words: Words) -> None:
        self.in_keys = words.several("INKEYS")

    def _slop(self, words: Words) -> None:
        raw = words.value("SLOP")
        try:
            self.slop = unsigned(raw, -(1 << 31), (1 << 31) - 1, cut=True)
        except ValueError as error:
            raise CommandError(f"Bad arguments for SLOP: {error}") from None

    def _in_order(self, words: Words) -> None:
        self.in_order = True

    def _verbatim(self, words: Words) -> None:
        self.verbatim = True

    def _stop_words(self, words: Words) -> None:
        self.with_stop_words = False

    def _language(self, words: Words) -> None:
        self.language = words.value("LANGUAGE")

    def _expander(self, words: Words) -> None:
        words.value("EXPANDER")

    def _scorer(self, words: Words) -> None:
        self.scorer = words.value("SCORER")

    def _stretch(self, words: Words) -> None:
        what = "BM25STD_TANH_FACTOR"
        try:
            self.stretch = unsigned(words.value(what), 1, 10_000)
        except ValueError as error:
            raise CommandError(f"Bad arguments for {what}: {error}") from None

    def _payload(self, words: Words) -> None:
        self.payload = words.value("PAYLOAD")

    def _timeout(self, words: Words) -> None:
        if not words:
            raise CommandError("Need argument for TIMEOUT")
        try:
            self.timeout = unsigned(words.take())
        except ValueError:
            raise CommandError("TIMEOUT requires a non negative integer") from None

    def _dialect(self, words: Words) -> None:
        if not words:
            raise CommandError("Need an argument for DIALECT")
        try:
            self.dialect = unsigned(words.take(), 1, 4)
        except ValueError:
            raise CommandError(
                "DIALECT requires a non negative integer >=1 and <= 4"
            ) from None

    def _form(self, words: Words) -> None:
        if not words:
            raise CommandError("Need an argument for FORMAT")
        raw = words.take()
        self.form = raw.upper()
        if self.form not in (b"STRING", b"EXPAND"):
            raise CommandError(f"FORMAT {shown(raw)} is not supported")

    def _parameters(self, words: Words) -> None:
        if self.parameters is not None:
            raise CommandError(
                "Multiple PARAMS are not allowed. Parameters can be defined only once"
            )
        given = words.several("PARAMS")
        if len(given) % 2 or not given:
            raise CommandError("Parameters must be specified in PARAM VALUE pairs")
        self.parameters = {}
        for name, value in zip(given[::2], given[1::2], strict=True):
            if name in self.parameters:
                raise CommandError(f"Duplicate parameter `{shown(name)}`")
            self.parameters[name] = value

    def _nothing(self, words: Words) -> None:
        """An option that changes nothing here."""

    def _with_count(self, words: Words) -> None:
        self.counts = True

    def _without_count(self, words: Words) -> None:
        self.counts = False

    def take_filter(self, words: Words) -> bool:
        """Take FT.SEARCH's older filters; whether there was one.

        Raises:
            CommandError: it makes no sense.
        """
        if words.skip(b"FILTER"):
            if len(words) < 3:
                raise CommandError("FILTER requires 3 arguments")
            name, low, high = words.take(), words.take(), words.take()
            without_low, least = _bound(low, "lower")
            without_high, most = _bound(high, "upper")
            self.filters.append(Numeric(name, least, most, without_low, without_high))
            return True
        if words.skip(b"GEOFILTER"):
            if len(words) < 5:
                raise CommandError("GEOFILTER requires 5 arguments")
            name = words.take()
            numbers = []
            for what in ("<lon>", "<lat>", "<radius>"):
                found = number(words.take())
                if found is None:
                    raise CommandError(
                        f"Bad arguments for {what}: Could not convert argument to expected type"
                    )
                numbers.append(found)
            unit = words.take()
            if shown(unit).lower() not in METRES:
                raise CommandError(f"Unknown distance unit {shown(unit)}")
            longitude, latitude, radius = numbers
            if abs(longitude) > 180 or abs(latitude) > 90:
                raise CommandError("Invalid GeoFilter lat/lon")
            if radius <= 0:
                raise CommandError("Invalid GeoFilter radius")
            self.filters.append(Geo(name, longitude, latitude, radius, shown(unit).lower()))
            return True
        return False


def _bound(raw: bytes, which: str) -> tuple[bool, float]:
    without = raw[:1] == b"("
    text = raw[1:] if without else raw
    found = _INFINITIES[which].get(text.lower())
    if found is None:
        found = number(text)
    if found is None:
        raise CommandError(f"Bad {which} range: {shown(text)}")
    return without, found


_OPTIONS: Final[dict[bytes, Any]] = {
    b"INFIELDS": Request._fields, b"INKEYS": Request._keys, b"SLOP": Request._slop,
    b"INORDER": Request._in_order, b"VERBATIM": Request._verbatim,
    b"NOSTOPWORDS": Request._stop_words, b"LANGUAGE": Request._language,
    b"EXPANDER": Request._expander, b"SCORER": Request._scorer, b"PAYLOAD": Request._payload,
    b"TIMEOUT": Request._timeout, b"DIALECT": Request._dialect, b"FORMAT": Request._form,
    b"PARAMS": Request._parameters, b"WITHCOUNT": Request._with_count,
    b"WITHOUTCOUNT": Request._without_count, b"_NUM_SSTRING": Request._nothing,
}


class Run:
    """A query that has been run.

    Args:
        ctx: of the command.
        name: the index's.
        text: the query.
        request: its options.

    Raises:
        CommandError: there is no such index, or the query makes no sense.
    """

    __slots__ = (
        "ctx", "finder", "found", "index", "node", "request", "returned", "scored",
        "scorer", "warnings",
    )

    def __init__(
        self, ctx: Context, name: bytes, text: bytes, request: Request, checked: Any = None
    ) -> None:
        self.ctx, self.request = ctx, request
        self.returned: list[tuple[bytes, bytes]] | None = None  # by FT.SEARCH: path, name
        self.scored = True  # whether anybody asks for scores
        self.index = index_of(ctx, name, f"{shown(name)}: no such index")
        if request.form == b"EXPAND" and ctx.session.protocol == 2:
            raise CommandError("EXPAND format is only supported with RESP3")
        if request.form == b"EXPAND" and not self.index.definition.is_json:
            raise CommandError("EXPAND format is only supported with JSON")
        self.scorer = scorer_name(ctx, request.scorer)
        milliseconds = request.timeout
        if milliseconds is None:
            milliseconds = search.of(ctx.server).number("TIMEOUT")
        self.warnings: list[Status] = []
        self.found: Collection[int] = ()
        deadline = Deadline(milliseconds)
        self.finder = Finder(self.index, request.slop, request.in_order, deadline)
        try:
            self.node = query_node(self.index, text, request)
            self.index.dialects.add(request.dialect)
            if checked is not None:
                checked(self)
            self.found = self.finder.find(self.node)
        except TimedOut as error:
            self.give_up(error)
        except SearchError as error:
            raise failure(error) from None

    @property
    def definition(self) -> Definition:
        """Of the index."""
        return self.index.definition

    def give_up(self, error: TimedOut) -> None:
        """Go on with what was found so far, or not at all, as the server is set to.

        Raises:
            CommandError: the error.
        """
        if search.of(self.ctx.server).config["ON_TIMEOUT"] == "fail":
            raise failure(error) from None
        self.warnings.append(Status(str(error).encode()))

    def in_time(self, numbers: Iterable[_T]) -> Iterator[_T]:
        """Documents one by one, or some by some, as long as there is time.

        Raises:
            CommandError: there is none any more, and the server is set to fail then.
        """
        try:
            yield from self.finder.deadline.each(numbers)
        except TimedOut as error:
            self.give_up(error)

    def is_unordered(self, name: bytes | None) -> bool:
        """Whether the server takes the documents as they come, whatever they are sorted by.

        So it does where nothing has a score, and none but numbers give an order; and without one,
        for the scorer that it did not have yet when it learned to hurry.

        Args:
            name: the field by which they are to be sorted.
        """
        if not self.request.is_hurried or self.is_by_number(name):
            return False
        if name is None and self.scorer == "BM25STD":
            return True
        return self.node is None or not _has_scores(self.node)

    def is_by_number(self, name: bytes | None) -> bool:
        """Whether the server goes by the numbers of a field, and so only to documents with one."""
        if not self.request.is_hurried or name is None:
            return False
        known = self.definition.field_named(name)
        return known is not None and known.kind == "NUMERIC"

    def score(self, name: str = "") -> Score:
        """The function that tells how well a document answers.

        Args:
            name: of another scorer than the query's.
        """
        request = self.request
        return scorer(
            self.finder, self.node, name or self.scorer, request.payload, self.found,
            request.stretch,
        )

    def value_of(self, document: Document) -> Any:
        """What the key of a document has now, in the database of the session.

        None where it is in another one: that the server does not forget until the key changes.
        """
        value = None if document.is_gone else self.ctx.db.data.get(document.key)
        if value is None:
            document.is_gone = True
        return value


def _has_scores(node: Node) -> bool:
    """Whether there are words in a query, or the nearest of vectors."""
    if isinstance(node, Tags):
        return False
    if isinstance(node, Term | Part | Fuzzy) or (isinstance(node, Vector) and node.count):
        return True
    return any(map(_has_scores, node.children))


def scorer_name(ctx: Context, given: bytes) -> str:
    """Which scorer is to be used.

    Raises:
        CommandError: there is no such one.
    """
    if not given:
        return "BM25STD" if is_built_in(ctx.server.profile) else "TFIDF"
    name = given.decode("utf-8", "surrogateescape")
    known = name in SCORERS or (name in NEWER_SCORERS and is_built_in(ctx.server.profile))
    if not known:
        raise CommandError(f"No such scorer {name}")
    return name


def query_node(
    index: Index, text: bytes, request: Request, expanded: bool = True, limited: bool = True
) -> Node | None:
    """The query with all that limits it.

    Args:
        expanded: whether with what stands for its words, too.
        limited: whether to the fields that INFIELDS names; FT.EXPLAIN does not tell of these.

    Raises:
        CommandError: there is no such language.
        SearchError: the query makes no sense.
    """
    definition = index.definition
    language = definition.language
    if request.language:
        language = shown(request.language).lower()
        if language not in LANGUAGES:
            raise CommandError("No such language")
    stop_words = definition.stop_words if request.with_stop_words else frozenset()
    query = Query(definition, request.dialect, request.parameters or {}, stop_words, language)
    node = parse(text, query)
    if expanded and not request.verbatim:
        node = expand(node, index, language)
    if limited and node is not None and request.in_fields is not None:
        node.limit(index.mask_of(request.in_fields), tuple(request.in_fields))
    limits = list(request.filters)
    if request.in_keys is not None:
        limits.append(Ids(tuple(request.in_keys)))
    if node is None or not limits:
        return node
    if isinstance(node, Vector) and node.count is not None and node.part is not None:
        node.part = _limited(node.part, limits)
        return node
    return _limited(node, limits)


def _limited(node: Node, limits: list[Node]) -> Node:
    """A query with what limits it, which the server puts before it."""
    if type(node) is Intersection:
        node.parts[:0] = limits[::-1]
        return node
    return Intersection(parts=[*limits[::-1], node], slop=-1, in_order=False)


def default_dialect(ctx: Context) -> int:
    """The dialect of queries that name none."""
    return search.of(ctx.server).number("DEFAULT_DIALECT")


def new_request(ctx: Context) -> Request:
    """The options of a query that names none."""
    return Request(default_dialect(ctx), is_built_in(ctx.server.profile))


def value_in(
    value: Any, path: bytes, known: Field | None, document: Document, run: Run
) -> tuple[bool, Any]:
    """Whether a document has a field, and its value.

    Numbers that can be sorted by are known as such; of a path that finds several values, dialects
    before 3 have the first one.
    """
    if known is not None and known.sortable and known.name in document.sortable and (
        known.kind == "NUMERIC" or known.unnormalized
    ):
        kept = document.sortable[known.name]
        if value is None or type(value) is Hash or (
            type(kept) is float and not _is_list(value, path)
        ):
            return True, kept
    if type(value) is Hash:
        raw = None if path in run.definition.hidden else value.get(path)
        return raw is not None, raw
    found = json_found(value, path) if value is not None and path[:1] == b"$" else []
    if not found or (found == [None] and known is not None and known.sortable):
        return False, None
    if run.request.form == b"EXPAND":
        return True, [expanded(each) for each in found]
    if run.request.dialect >= 3:
        return True, json_text.dumps(found)
    return True, json_shown(found[0])


def _is_list(value: Any, path: bytes) -> bool:
    found = json_found(value, path)
    return len(found) != 1 or type(found[0]) is list


def expanded(value: Any) -> Any:
    """A value of a document as RESP3 has it with FORMAT EXPAND."""
    kind = type(value)
    if kind is str:
        return value.encode("utf-8", "surrogatepass")
    if kind is dict:
        return {
            name.encode("utf-8", "surrogatepass"): expanded(each) for name, each in value.items()
        }
    if kind is list:
        return [expanded(each) for each in value]
    return int(value) if kind is bool else value


