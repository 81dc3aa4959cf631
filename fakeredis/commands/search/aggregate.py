"""FT.AGGREGATE: rows made of what a query finds, step by step; and its cursors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from fakeredis.commands.search.reducers import Reduce, Row, property_name, reducer
from fakeredis.commands.search.request import Request, Run, new_request, value_in
from fakeredis.commands.search.search import limit
from fakeredis.commands.search.words import (
    MOST,
    Words,
    failure,
    guarded,
    shown,
    unsigned,
    wrong_count,
)
from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.numbers import parse_float
from fakeredis.datatypes.search.errors import SearchError
from fakeredis.datatypes.search.expressions import TERMS, Expression, compiled
from fakeredis.datatypes.search.index import Document
from fakeredis.datatypes.search.nodes import Vector
from fakeredis.datatypes.search.reading import json_found
from fakeredis.datatypes.search.records import Found, Records
from fakeredis.datatypes.search.timing import Deadline
from fakeredis.datatypes.search.values import is_true, sort_key
from fakeredis.datatypes.search.values import shown as value_shown
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status
from fakeredis.engine.features import search
from fakeredis.errors import CommandError

__all__ = [
    "SOURCE", "STEPS", "Cursor", "Pipeline", "Plan", "Rows", "aggregate", "arrange", "cursor",
    "new_plan", "pipeline_of", "profiled_aggregate", "safely", "shown_row",
]

Rows = Iterator[Row]
_GREATEST: Final = (1 << 63) - 1
_MOST_SORTED: Final = 10  # rows in order, where nobody says how many
_TOGETHER: Final = 64  # documents that are taken without a look at the time
SOURCE: Final = b"\0document"  # under which a row knows its document
_GONE: Final = b"\0gone"  # that its key is not in this database


class Total:
    """What is said of the rows together.

    Args:
        count: how many there are, by the reply: those that were looked at for the first of them.
        warnings: why they end early.
    """

    __slots__ = ("count", "warnings")

    def __init__(self) -> None:
        self.count = 0
        self.warnings: list[Status] = []


@dataclass
class Plan:
    """What is to be done.

    Args:
        steps: each makes, of a pipeline, what does the step; with its words.
        counts: whether FT.PROFILE asks for the rows that pass each.
        most, furthest: how many rows there may be, and where they may begin.
    """

    request: Request
    steps: list[tuple[_Step, bytes, Sequence[bytes]]] = field(default_factory=list)
    arrangement: _Arrangement | None = None
    counts: bool = False
    scores: bool = False
    content: bool = True
    cursor: bool = False
    chunk: int = 1000
    idle: int = 0
    most: int = 1_000_000
    furthest: int = 1_000_000


_Step = Callable[["Pipeline"], None]


@dataclass
class Cursor:
    """Rows that are still to be read."""

    index: bytes
    rows: Rows
    chunk: int
    form: bytes
    total: Total
    deadline: Deadline
    idle: int  # milliseconds that it may be left alone
    until: int = 0  # when it goes: milliseconds since the epoch


class Pipeline:
    """Rows on their way through the steps, and the names that they have by then.

    Args:
        source: the rows that there are at first, where they are not just what the query found.
    """

    def __init__(self, run: Run, plan: Plan, source: Rows | None = None) -> None:
        self.run = run
        self.plan = plan
        self.total = Total()
        self.total.warnings = run.warnings
        self.grouped = False
        self.asks_terms = False  # whether a step wants to know which words were found
        self.loads_all = False
        self.said = dict.fromkeys(run.finder.distances)  # the names that steps say, in order
        if plan.scores:
            self.said[b"__score"] = None
        self.names: set[bytes] = {*self.said, b"__key"}
        self._rows = self._documents() if source is None else source
        self._sortable: list[bytes] = []  # properties that rows are to have before the next step
        self.is_begun = source is not None  # whether anything was done with the documents yet
        self.counted: list[list[Any]] | None = None  # names of steps, and rows that passed them
        if plan.counts:
            self.counted = []
            self.count("Index")
            if plan.scores:
                self.count("Scorer")

    @property
    def rows(self) -> Rows:
        """With all properties that they are to have by now."""
        if self._sortable:
            names, self._sortable = self._sortable, []
            self._rows = _filled_with_sortable(self._rows, names)
        return self._rows

    @rows.setter
    def rows(self, rows: Rows) -> None:
        self._rows = rows
        self._sortable = []
        self.is_begun = True

    def is_plain(self) -> bool:
        """Whether rows are documents, and nothing else yet."""
        return not (
            self.is_begun or self.plan.scores or self.run.finder.distances
            or self.counted is not None
        )

    def sortable_values(self) -> Iterator[dict[bytes, Any]]:
        """What each document can be sorted by; the documents are counted."""
        run, documents = self.run, self.run.index.documents
        ordered = _in_server_order(run)
        for numbers in run.in_time([
            ordered[at : at + _TOGETHER] for at in range(0, len(ordered), _TOGETHER)
        ]):
            for number in numbers:
                document = documents.get(number)
                if document is not None:
                    yield document.sortable

    def _documents(self) -> Rows:
        run, documents = self.run, self.run.index.documents
        score = None
        if self.plan.scores:
            score = run.score()
        terms = None
        if self.asks_terms and run.node is not None:
            terms = Records(run.finder, run.node)
        total = self.total
        is_plain = score is None and terms is None and not run.finder.distances
        for number in run.in_time(_in_server_order(run)):
            document = documents.get(number)
            if document is None:
                continue
            total.count += 1
            row: Row = {SOURCE: document}
            if is_plain:
                yield row
                continue
            for name, distances in run.finder.distances.items():
                if number in distances:
                    row[name] = distances[number]
            if score is not None:
                row[b"__score"] = score(document)
            if terms is not None:
                row[TERMS] = list(_words_found(terms.of(document)))
            yield row

    def count(self, name: str) -> None:
        """Count the rows that pass from here on."""
        assert self.counted is not None
        entry: list[Any] = [name, 0]
        self.counted.append(entry)
        rows = self.rows

        def counting() -> Rows:
            for row in rows:
                entry[1] += 1
                yield row

        self.rows = counting()

    def end(self) -> None:
        """Let rows go as replies have them, behind the last step."""
        if self.plan.most <= _GREATEST:
            self.rows = islice(self.rows, self.plan.most)
        if self.loads_all:
            self.rows = map(self._ordered, self.rows)

    def _ordered(self, row: Row) -> Row:
        """A row whose names that steps say come before all others."""
        first = {name: row[name] for name in self.said if name in row}
        return {**first, **row}

    # Properties -----------------------------------------------------------------------------

    def say(self, name: bytes) -> None:
        """Let rows have a name, which a step says."""
        self.said[name] = None
        self.names.add(name)

    def need(self, name: bytes, error: str, loads: bool = True) -> None:
        """Let rows have a property.

        Args:
            error: where there is no such one.
            loads: whether any field of the schema will do, or only one that can be sorted by.

        Raises:
            SearchError: there is no such one.
        """
        self.said[name] = None
        if name in self.names:
            return
        known = None if self.grouped else self.run.definition.field_named(name)
        if known is None or not (loads or known.sortable):
            raise SearchError(error.format(shown(name)))
        self.names.add(name)
        sortable, path = known.sortable, known.path

        def filled(rows: Rows) -> Rows:
            for row in rows:
                self.load(row, row[SOURCE], path, name)
                yield row

        if sortable:
            self._sortable.append(name)
            return
        self.rows = filled(self.rows)
        if self.counted is not None:
            self.count("Loader")

    def load(self, row: Row, document: Document, path: bytes, name: bytes) -> None:
        """Let a row have a field of its document."""
        value = self.run.value_of(document)
        known = self.run.definition.field_named(path)
        if value is None and not (known and known.name in document.sortable):
            row[_GONE] = True
            return
        if path == b"__key":
            row[name] = document.key
            return
        there, found = value_in(value, known.path if known else path, known, document, self.run)
        if not there:
            return
        if type(found) is bytes and type(value) is Hash and known and known.kind == "NUMERIC":
            number = parse_float(found)
            found = found if number is None else number
        elif known and value and type(value) is not Hash and self.run.request.dialect < 3:
            several = json_found(value, known.path)
            if len(several) == 1 and type(several[0]) in (int, float):
                found = float(several[0])
        row[name] = found


def _filled_with_sortable(rows: Rows, names: list[bytes]) -> Rows:
    for row in rows:
        known = row[SOURCE].sortable
        for name in names:
            found = known.get(name)
            if found is not None:
                row[name] = found
        yield row


def _words_found(found: Found) -> Iterator[bytes]:
    if found.parts is not None:
        for part in found.parts:
            yield from _words_found(part)
    elif found.word not in ("", "*"):
        yield found.word.encode("utf-8", "surrogateescape")


def _in_server_order(run: Run) -> list[int]:
    """The documents as the server comes to them: by their numbers, or by their distances."""
    node = run.node
    if isinstance(node, Vector) and node.count is not None:
        distances = run.finder.distances.get(node.yields, {})
        return sorted(run.found, key=lambda number: (distances.get(number, 0.0), number))
    return sorted(run.found)


@guarded
def aggregate(ctx: Context, *words: bytes) -> Any:
    """Rows made of what a query finds.

    Checked in the server's order: number of words, options and steps, index, scorer, query, the
    names in the steps.
    """
    if not words:
        raise wrong_count(ctx)
    if len(words) < 2:
        raise CommandError("No query string provided")
    plan = _plan(ctx, words)
    run = Run(ctx, words[0], words[1], plan.request)
    pipeline = pipeline_of(run, plan)
    if not plan.cursor:
        rows = safely(pipeline.rows, pipeline.total)
        reply, _ = _reply(ctx, rows, pipeline.total, plan.request.form, plan.content)
        return reply
    rows = safely(pipeline.rows, pipeline.total)
    most = search.of(ctx.server).number("CURSOR_MAX_IDLE")
    cursor = Cursor(
        run.definition.name, rows, plan.chunk, plan.request.form, pipeline.total,
        run.finder.deadline, min(plan.idle or most, most),
    )
    return _read(ctx, cursor, plan.chunk, 0)


def pipeline_of(
    run: Run, plan: Plan, source: Rows | None = None, names: Collection[bytes] = ()
) -> Pipeline:
    """The rows on their way through the steps of a plan.

    Args:
        source, names: the rows at first, where they are not just what the query found, and what
            they have.

    Raises:
        CommandError: a step asks for what is not there.
    """
    pipeline = Pipeline(run, plan, source)
    pipeline.names.update(names)
    try:
        for step, word, arguments in plan.steps:
            step(pipeline)
            if pipeline.counted is not None:
                _count(pipeline, step, word, arguments)
    except SearchError as error:
        raise failure(error) from None
    pipeline.end()
    return pipeline


_STEP_NAMES: Final = {b"LOAD": "Loader", b"GROUPBY": "Grouper"}


def _count(pipeline: Pipeline, step: _Step, word: bytes, arguments: Sequence[bytes]) -> None:
    """Let the rows behind a step be counted under the name that FT.PROFILE has for it."""
    if word == b"APPLY":
        pipeline.count(f"Projector - {compiled(arguments[0]).kind}")
    elif word == b"FILTER":
        pipeline.count(f"Filter - {compiled(arguments[0]).kind}")
    elif isinstance(step, _Arrangement):
        if step.keys:
            pipeline.count("Sorter")
        if not step.keys or (step.limits is not None and step.limits[0]):
            pipeline.count("Pager/Limiter")
    else:
        pipeline.count(_STEP_NAMES[word])


def profiled_aggregate(
    ctx: Context, words: Sequence[bytes]
) -> tuple[Any, Run, list[tuple[str, int]]]:
    """The reply, the run, and what was done with the rows: names and numbers of them."""
    plan = _plan(ctx, words)
    if plan.cursor:
        raise CommandError("FT.PROFILE does not support cursor")
    plan.counts = True
    run = Run(ctx, words[0], words[1], plan.request)
    pipeline = pipeline_of(run, plan)
    rows = safely(pipeline.rows, pipeline.total)
    reply, _ = _reply(ctx, rows, pipeline.total, plan.request.form, plan.content)
    return reply, run, [(name, count) for name, count in pipeline.counted or ()]


def safely(rows: Rows, total: Total) -> Rows:
    """The rows up to one that cannot be made; an error where that is the first."""
    first = True
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except SearchError as error:
            if first:
                raise failure(error) from None
            total.warnings.append(Status(str(error).encode("utf-8", "surrogateescape")))
            return
        first = False
        yield row


# Replies ----------------------------------------------------------------------------------------


def _reply(
    ctx: Context, rows: Rows, total: Total, form: bytes, content: bool = True
) -> tuple[Any, int]:
    """The reply, and how many rows it has."""
    first = next(rows, None)
    count = total.count
    made = [] if first is None else [shown_row(first), *map(shown_row, rows)]
    size = len(made)
    if not content and ctx.session.protocol == 2:
        made = []
    if ctx.session.protocol == 2:
        flat = (row and [part for item in row.items() for part in item] for row in made)
        return [count, *flat], size
    return {
        Status(b"attributes"): [], Status(b"total_results"): count,
        Status(b"format"): Status(form),
        Status(b"results"): [
            {Status(b"extra_attributes"): row, Status(b"values"): []} if content
            else {Status(b"values"): []} for row in made
        ],
        Status(b"warning"): list(total.warnings),
    }, size


def shown_row(row: Row) -> Row | None:
    """A row as a reply has it; None where its key has gone."""
    if _GONE in row:
        return None
    return {name: value_shown(value) for name, value in row.items() if name not in (SOURCE, TERMS)}


def _read(ctx: Context, cursor: Cursor, count: int, number: int) -> Any:
    cursor.deadline.restart()
    cursor.until = ctx.now + cursor.idle
    reply, size = _reply(ctx, islice(cursor.rows, count), cursor.total, cursor.form)
    indexes = search.of(ctx.server)
    if size < count:
        indexes.cursors.pop(number, None)
        return [reply, 0]
    return [reply, number or indexes.new_cursor(cursor)]


@guarded
def cursor(ctx: Context, *words: bytes) -> Any:
    """Go on reading the rows of FT.AGGREGATE, or forget them."""
    if len(words) < 3:
        raise wrong_count(ctx)
    action, _, raw = words[:3]
    try:
        number = unsigned(raw)
    except ValueError:
        raise CommandError("Bad cursor ID") from None
    indexes = search.of(ctx.server)
    indexes.forget_idle_cursors()
    found: Cursor | None = indexes.cursors.get(number)
    if action.upper() == b"READ":
        count = 0
        rest = Words(words, 3)
        if rest.skip(b"COUNT"):
            try:
                count = unsigned(rest.take()) if rest else -1
            except ValueError:
                count = -1
            if count < 0:
                raise CommandError("Bad value for COUNT")
        if found is None:
            raise CommandError("Cursor not found")
        found.total.count = 0
        return _read(ctx, found, count or found.chunk, number)
    if action.upper() in (b"DEL", b"GC"):
        if found is None:
            raise CommandError("Cursor does not exist")
        del indexes.cursors[number]
        return OK
    raise CommandError("Unknown subcommand")


# The plan ---------------------------------------------------------------------------------------


# Steps behind which options of the query are not known, and those options that are nevertheless.
_BEGINNING: Final = frozenset((b"LOAD", b"APPLY", b"FILTER", b"GROUPBY"))
_LATE: Final = frozenset((b"TIMEOUT", b"PARAMS", b"DIALECT", b"FORMAT", b"_NUM_SSTRING"))
_EARLY: Final = frozenset((b"ADDSCORES", b"NOCONTENT"))


def new_plan(ctx: Context) -> Plan:
    """A plan of no steps."""
    settings = search.of(ctx.server)
    return Plan(
        new_request(ctx), most=settings.number("MAXAGGREGATERESULTS"),
        furthest=settings.number("MAXSEARCHRESULTS"),
    )


def _plan(ctx: Context, words: Sequence[bytes]) -> Plan:
    plan = new_plan(ctx)
    rest = Words(words, 2)
    is_late = False
    while rest:
        if (not is_late or rest.ahead in _LATE) and plan.request.take(rest):
            continue
        at = rest.at - 1
        given = rest.take()
        word = given.upper()
        maker = None if is_late and word in _EARLY else STEPS.get(word)
        if maker is not None:
            is_late |= word in _BEGINNING
            start = rest.at
            step = maker(plan, rest)
            if step is not None:
                plan.steps.append((step, word, words[start:rest.at]))
        elif not is_late and word in (b"RETURN", b"SUMMARIZE", b"HIGHLIGHT"):
            if word == b"RETURN":
                rest.several("RETURN")
            raise CommandError(f"{shown(word)} is not supported on FT.AGGREGATE")
        else:
            raise CommandError(f"Unknown argument `{shown(given)}` at position {at} for <main>")
    return plan


def _cursor_options(plan: Plan, words: Words) -> None:
    plan.cursor = True
    while words.ahead in (b"COUNT", b"MAXIDLE"):
        option = words.take().upper().decode()
        number = words.count(option, 1)
        if option == "COUNT":
            plan.chunk = number
        else:
            plan.idle = number


def _add_scores(plan: Plan, words: Words) -> None:
    plan.scores = True


def _no_content(plan: Plan, words: Words) -> None:
    plan.content = False


def _load(plan: Plan, words: Words) -> _Step:
    if words.skip(b"*"):
        return _load_all
    if not words:
        raise CommandError("Bad arguments for LOAD: Expected an argument, but none provided")
    try:
        count = unsigned(words.take())
    except ValueError:
        raise CommandError("Bad arguments for LOAD: SUCCESS") from None
    if count > len(words):
        raise CommandError("Bad arguments for LOAD: SUCCESS")
    given = Words([words.take() for _ in range(count)])
    wanted: list[tuple[bytes, bytes]] = []
    while given:
        path = name = property_name(given.take())
        if given.skip(b"AS"):
            if not given:
                raise CommandError("LOAD path AS name - must be accompanied with NAME")
            name = given.take()
        wanted.append((path, name))

    def step(pipeline: Pipeline) -> None:
        for _, name in wanted:
            pipeline.say(name)

        def loaded(rows: Rows) -> Rows:
            for row in rows:
                for path, name in wanted:
                    if SOURCE in row:
                        pipeline.load(row, row[SOURCE], path, name)
                yield row

        pipeline.rows = loaded(pipeline.rows)

    return step


def _load_all(pipeline: Pipeline) -> None:
    pipeline.loads_all = True
    definition = pipeline.run.definition
    if not definition.is_json:  # of which but the whole is loaded
        pipeline.names.update(each.name for each in definition.fields)
    hidden = pipeline.run.definition.hidden

    def loaded(rows: Rows) -> Rows:
        for row in rows:
            document = row[SOURCE]
            value = pipeline.run.value_of(document)
            if type(value) is Hash:
                row.update(
                    (name, text) for name, text in value.items() if not hidden or name not in hidden
                )
            else:
                pipeline.load(row, document, b"$", b"$")
            yield row

    pipeline.rows = loaded(pipeline.rows)


def _known(pipeline: Pipeline, expression: Expression) -> None:
    pipeline.asks_terms |= expression.asks_terms
    for name in expression.names:
        pipeline.need(name, "Property `{}` not loaded nor in pipeline", loads=False)


def _apply(plan: Plan, words: Words) -> _Step:
    raw = words.value("APPLY/FILTER")
    name = raw
    if words.skip(b"AS"):
        if not words:
            raise CommandError("AS needs argument")
        name = words.take()

    def step(pipeline: Pipeline) -> None:
        expression = compiled(raw)
        _known(pipeline, expression)
        pipeline.say(name)
        evaluate = expression.evaluate

        def applied(rows: Rows) -> Rows:
            for row in rows:
                row[name] = evaluate(row)
                yield row

        pipeline.rows = applied(pipeline.rows)

    return step


def _filter(plan: Plan, words: Words) -> _Step:
    raw = words.value("APPLY/FILTER")

    def step(pipeline: Pipeline) -> None:
        expression = compiled(raw)
        _known(pipeline, expression)
        evaluate = expression.evaluate

        def filtered(rows: Rows) -> Rows:
            for row in rows:
                if is_true(evaluate(row)):
                    yield row

        pipeline.rows = filtered(pipeline.rows)

    return step


@dataclass
class _Arrangement:
    """How rows are put in order and cut; there is one between groups, where it was first told of.

    Args:
        most: of the rows in order; 0 where nothing is said of it.
        limits: offset and count.
    """

    keys: list[tuple[bytes, bool]] = field(default_factory=list)
    most: int = 0
    limits: tuple[int, int] | None = None

    def __call__(self, pipeline: Pipeline) -> None:
        """Let rows be arranged so."""
        offset, count = self.limits or (0, self.most or _MOST_SORTED)
        is_alone = pipeline.run.request.is_hurried and len(pipeline.plan.steps) == 1
        if not self.keys or (is_alone and pipeline.run.is_unordered(self.keys[0][0])):
            rows: Rows = islice(pipeline.rows, offset, offset + count)
            if is_alone:
                rows = _counted_as_one(rows, pipeline.total)
            elif not count:
                rows = _only_counted(pipeline.rows)
            pipeline.rows = rows
            return
        keys = self.keys
        for name, _ in keys:
            pipeline.need(name, "Property `{}` not loaded nor in schema")

        def sorted_rows(rows: Rows) -> Rows:
            ordered = list(rows)
            if pipeline.asks_terms:
                for row in ordered:
                    row.pop(TERMS, None)
            if keys[-1][1] and not pipeline.grouped:
                ordered.reverse()  # the same again: the youngest first
            for name, descending in reversed(keys):
                _order(ordered, name, descending)
            page = ordered[offset:offset + count]
            if is_alone:
                pipeline.total.count = len(page)
            yield from page

        pipeline.rows = sorted_rows(pipeline.rows)


def _only_counted(rows: Rows) -> Rows:
    for _ in rows:
        pass
    yield from ()


def _counted_as_one(rows: Rows, total: Total) -> Rows:
    """Rows that a reply says to be one, however many were looked at before the first of them."""
    first = next(rows, None)
    total.count = int(first is not None)
    if first is not None:
        yield first
        yield from rows


def _arranging(plan: Plan) -> tuple[_Arrangement, bool]:
    """The arrangement that the next words belong to, and whether it is a new one."""
    if plan.arrangement is not None:
        return plan.arrangement, False
    plan.arrangement = _Arrangement()
    return plan.arrangement, True


def arrange(plan: Plan) -> bool:
    """Let the rows be cut, if nothing is said of their order; whether they are in one of theirs."""
    arrangement, is_new = _arranging(plan)
    if is_new:
        plan.steps.append((arrangement, b"LIMIT", ()))
    return any(isinstance(step, _Arrangement) and step.keys for step, _, _ in plan.steps)


def _limit(plan: Plan, words: Words) -> _Step | None:
    arrangement, is_new = _arranging(plan)
    arrangement.limits = limit(words, plan.most, plan.furthest)
    return arrangement if is_new else None


def _sort_by(plan: Plan, words: Words) -> _Step | None:
    given = Words(words.several("SORTBY"))
    keys: list[tuple[bytes, bool]] = []
    while given:
        word = given.take()
        if word[:1] == b"@":
            keys.append((word[1:], False))
        elif word.upper() in (b"ASC", b"DESC") and keys:
            keys[-1] = keys[-1][0], word.upper() == b"DESC"
        else:
            raise CommandError(f"MISSING ASC or DESC after sort field ({shown(word)})")
    most = 0
    if words.skip(b"MAX"):
        try:
            most = unsigned(words.take(), 0, MOST) if words else -1
        except ValueError:
            most = -1
        if most < 0:
            raise CommandError("Bad arguments for MAX: Could not convert argument to expected type")

    arrangement, is_new = _arranging(plan)
    if arrangement.keys:
        raise CommandError(
            "Multiple SORTBY steps are not allowed. Sort multiple fields in a single step"
        )
    arrangement.keys, arrangement.most = keys, most
    return arrangement if is_new else None


def _order(rows: list[Row], name: bytes, descending: bool) -> None:
    """Put rows in order, those without a value last; those with the same stay as they are."""
    present = [row for row in rows if row.get(name) is not None]
    absent = [row for row in rows if row.get(name) is None]
    kinds = {type(row[name]) for row in present}
    if kinds <= {float} or kinds <= {bytes}:
        present.sort(key=lambda row: row[name], reverse=descending)
    else:
        present.sort(key=lambda row: sort_key(row[name]), reverse=descending)
    rows[:] = present + absent


def _group_by(plan: Plan, words: Words) -> _Step:
    given = words.several("GROUPBY")
    for word in given:
        if word[:1] != b"@":
            raise CommandError(
                f"Bad arguments for GROUPBY: Unknown property `{shown(word)}`. "
                f"Did you mean `@{shown(word)}`?"
            )
    plan.arrangement = None
    names = [word[1:] for word in given]
    reducers: list[tuple[bytes, Callable[[], tuple[Reduce, list[bytes]]]]] = []
    while words.skip(b"REDUCE"):
        reducers.append(_reduce(words))

    def step(pipeline: Pipeline) -> None:
        _group(pipeline, names, reducers)

    return step


def _reduce(words: Words) -> tuple[bytes, Callable[[], tuple[Reduce, list[bytes]]]]:
    if not words:
        raise CommandError("Bad arguments for REDUCE: SUCCESS")
    raw = words.take()
    name = shown(raw).upper()
    arguments = words.several(name)
    if words.skip(b"AS"):
        if not words:
            raise CommandError("Bad arguments for AS: Expected an argument, but none provided")
        alias = words.take()
    else:
        shown_ones = b",".join(map(property_name, arguments)).lower()
        alias = b"__generated_alias" + raw.lower() + shown_ones
    return alias, lambda: reducer(name, arguments)


def _group(
    pipeline: Pipeline, names: list[bytes],
    reducers: list[tuple[bytes, Callable[[], tuple[Reduce, list[bytes]]]]],
) -> None:
    made: list[tuple[bytes, Reduce]] = []
    for name in names:
        pipeline.need(name, "No such property `{}`")
    for alias, make in reducers:
        reduce, wanted = make()
        for name in wanted:
            pipeline.need(name, "Property `{}` not present in document or pipeline")
        made.append((alias, reduce))
    taken: set[bytes] = set()
    for name in (*names, *(alias for alias, _ in made)):
        if name in taken:
            raise SearchError(f"Property `{shown(name)}` specified more than once")
        taken.add(name)
    total = pipeline.total

    def grouped(rows: Rows) -> Rows:
        groups: dict[Any, list[Row]] = {}
        for row in rows:
            key = tuple(map(row.get, names))
            if list in map(type, key):
                for each in _keys(row, names):
                    groups.setdefault(each, []).append(row)
            elif (members := groups.get(key)) is not None:
                members.append(row)
            else:
                groups[key] = [row]
        total.count = len(groups)
        for key, members in groups.items():
            made_row: Row = dict(zip(names, key, strict=True))
            for alias, reduce in made:
                made_row[alias] = reduce(members)
            yield made_row

    if pipeline.is_plain():  # and all that is asked for is known without a look at the keys
        pipeline.rows = grouped(pipeline.sortable_values())
    else:
        pipeline.rows = grouped(pipeline.rows)
    pipeline.names = taken
    pipeline.loads_all = False
    pipeline.grouped = True


def _keys(row: Row, names: list[bytes]) -> list[tuple[Any, ...]]:
    """The groups that a row is in: one for each element of an array."""
    keys: list[tuple[Any, ...]] = [()]
    for name in names:
        value = row.get(name)
        several = value if type(value) is list else [value]
        keys = [(*key, each) for key in keys for each in several]
    return keys


STEPS: Final[dict[bytes, Callable[[Plan, Words], _Step | None]]] = {
    b"LOAD": _load, b"APPLY": _apply, b"FILTER": _filter, b"LIMIT": _limit, b"SORTBY": _sort_by,
    b"GROUPBY": _group_by, b"WITHCURSOR": _cursor_options, b"ADDSCORES": _add_scores,
    b"NOCONTENT": _no_content,
}
