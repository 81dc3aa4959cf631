"""FT.HYBRID: what a query of texts and one of vectors find, in one order.

As the public reference has it: no server with this command was at hand.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from fakeredis.commands.search.aggregate import (
    SOURCE,
    STEPS,
    Cursor,
    Pipeline,
    Plan,
    Rows,
    arrange,
    new_plan,
    pipeline_of,
    safely,
    shown_row,
)
from fakeredis.commands.search.reducers import Row, property_name
from fakeredis.commands.search.request import Request, Run
from fakeredis.commands.search.words import (
    NONE_LEFT,
    NOT_CONVERTED,
    Words,
    guarded,
    index_of,
    number,
    shown,
    unsigned,
    wrong_count,
)
from fakeredis.datatypes.search.errors import SearchError
from fakeredis.datatypes.search.nodes import Intersection, Node, Star, Tags, Vector
from fakeredis.datatypes.search.query import check_vector, vector_options
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import Status
from fakeredis.engine.features import search
from fakeredis.errors import CommandError

_WINDOW: Final = 20  # documents of each query that are looked at
_NEAREST: Final = 10
_CONSTANT: Final = 60.0
_WEIGHTS: Final = (0.3, 0.7)
_LEAST_DIALECT: Final = 2
_KEY: Final = b"__key"
_SCORE: Final = b"__score"
_HIDDEN: Final = b"\0score"  # under which a row has it, whether it is shown or not
_TEXTS: Final = "SEARCH"
_VECTORS: Final = "VSIM"
_BOTH: Final = "COMBINE"
_METHODS: Final = {b"RRF": ("CONSTANT",), b"LINEAR": ("ALPHA", "BETA")}
_RANGES: Final = {"WINDOW": (1, 1_000_000), "CONSTANT": (0.0, 100_000.0)}
_REPEATED: Final = (b"APPLY", b"LOAD")
_DIALECT: Final = (
    "DIALECT is not supported in FT.HYBRID or any of its subqueries. Please check the "
    "documentation on search-default-dialect configuration."
)


@dataclass
class _Asked:
    """What a call asks for.

    Args:
        texts, filter: the queries; of the second one what the vectors are chosen among.
        name, parameter: the field of the vectors, and what is looked for.
        count, radius: how many vectors, or how near ones.
        options: how they are looked for, which changes nothing here.
        aliases: the names under which the scores are shown: of texts, vectors, both.
        weights: of both scores; None where their ranks count.
    """

    request: Request
    plan: Plan
    texts: bytes = b""
    filter: bytes = b"*"
    name: bytes = b""
    parameter: bytes = b""
    count: int | None = _NEAREST
    radius: float = 0.0
    options: list[str] = field(default_factory=list)
    aliases: dict[str, bytes] = field(default_factory=dict)
    constant: float = _CONSTANT
    window: int = _WINDOW
    weights: tuple[float, float] | None = None
    loads: list[Any] = field(default_factory=list)
    is_sorted: bool = True


@guarded
def hybrid(ctx: Context, *words: bytes) -> Any:
    """The documents that two queries find, the best of both first.

    Checked in this order: number of words, index, the words in their order, queries.
    """
    start = time.perf_counter()
    if len(words) < 2:
        raise wrong_count(ctx)
    index_of(ctx, words[0], f"No such index {shown(words[0])}")
    asked = _asked(ctx, words)
    legs = _Legs(ctx, words[0], asked)
    if asked.plan.cursor:
        return _cursors(ctx, legs)
    pipeline = legs.pipeline()
    rows = [_shown(row) for row in safely(pipeline.rows, pipeline.total)]
    warnings = [*legs.warnings, *pipeline.total.warnings]
    # Some time has always gone by, even where somebody holds the clock.
    elapsed = max(0.001, 1000 * (time.perf_counter() - start))
    return {
        Status(b"total_results"): pipeline.total.count, Status(b"results"): rows,
        Status(b"warnings"): warnings, Status(b"execution_time"): elapsed,
    }


def _shown(row: Row) -> Row:
    row.pop(_HIDDEN, None)
    return shown_row(row) or {}


# Both queries -----------------------------------------------------------------------------------


class _Legs:
    """Both queries, run.

    Args:
        texts: documents' numbers and scores, the best first.
        vectors: the same of vectors.
        warnings: why there may be more.
    """

    def __init__(self, ctx: Context, name: bytes, asked: _Asked) -> None:
        self.asked = asked
        self.run = Run(ctx, name, asked.texts, asked.request, _check_texts)
        self.texts = self._texts()
        near = Run(ctx, name, asked.filter, asked.request, self._look_for_vectors)
        self.vectors = self._vectors(near)
        self.warnings = [
            Status(each + suffix)
            for run, suffix in ((self.run, b" (SEARCH)"), (near, b" (VSIM)"))
            for each in run.warnings
        ]

    def _texts(self) -> list[tuple[int, float]]:
        run, documents = self.run, self.run.index.documents
        score = run.score()
        ranked = sorted((-score(documents[each]), each) for each in run.in_time(run.found))
        return [(each, -less) for less, each in ranked[: self.asked.window]]

    def _vectors(self, run: Run) -> list[tuple[int, float]]:
        distances = run.finder.distances.get(_SCORE, {})
        likeness = _LIKENESS[run.index.spaces[self.asked.name].form.metric]
        ranked = sorted(
            (distances[each] if distances[each] == distances[each] else math.inf, each)
            for each in run.in_time(run.found)
        )
        return [
            (each, likeness(distances[each])) for _, each in ranked[: self.asked.window]
        ]

    def _look_for_vectors(self, run: Run) -> None:
        """Let the query be one of vectors, chosen among what it finds itself."""
        asked, among = self.asked, run.node
        if among is not None:
            _check(among, "FT.HYBRID VSIM FILTER", with_weights=False)
        known = run.definition.field_named(asked.name)
        if known is None:
            raise SearchError(f"Unknown field `{shown(asked.name)}`")
        if known.vectors is None:
            raise SearchError(f"Expected a VECTOR field `{shown(asked.name)}`")
        blob = (asked.request.parameters or {}).get(asked.parameter)
        if blob is None:
            raise SearchError(f"No such parameter `{shown(asked.parameter)}`")
        options = (*vector_options(asked.name, run.definition), "EPSILON")
        if any(option not in options for option in asked.options):
            raise SearchError("Error parsing vector similarity parameters: Invalid option")
        node = Vector(asked.name, blob, radius=asked.radius, yields=_SCORE)
        check_vector(node, run.definition)
        run.node = node
        if asked.count is not None:
            node.count, node.part = min(asked.count, asked.window), among
        elif among is not None and not isinstance(among, Star):
            run.node = Intersection(parts=[among, node], slop=-1, in_order=False)

    # Rows -----------------------------------------------------------------------------------

    def merged(self) -> Iterator[tuple[int, float]]:
        """The documents that any of both found, with the score of both; the best first."""
        scores: dict[int, float] = {}
        for which, found in enumerate((self.texts, self.vectors)):
            for rank, (document, score) in enumerate(found, 1):
                scores[document] = scores.get(document, 0.0) + self._share(which, rank, score)
        if not self.asked.is_sorted:
            return iter(scores.items())
        return iter(sorted(scores.items(), key=lambda pair: (-pair[1], pair[0])))

    def _share(self, which: int, rank: int, score: float) -> float:
        weights = self.asked.weights
        return 1.0 / (self.asked.constant + rank) if weights is None else weights[which] * score

    def pipeline(self) -> Pipeline:
        """All rows, on their way through the steps."""
        asked = self.asked
        merged = list(self.merged())
        if arrange(asked.plan):
            merged.sort()  # what is the same in the order asked for stands by its number
        pipeline = self._pipeline(self._rows(merged), asked.plan.steps)
        pipeline.total.count = len(merged)
        pipeline.total.warnings = []  # the queries' own are told with their names
        return pipeline

    def _pipeline(self, rows: Rows, steps: list[Any]) -> Pipeline:
        plan = Plan(self.asked.request, [*self.asked.loads, *steps])
        names = {name for name in self.asked.aliases.values() if name}
        if not self.asked.loads:
            names |= {_KEY, self._score_name}
        return pipeline_of(self.run, plan, rows, names)

    @property
    def _score_name(self) -> bytes:
        return self.asked.aliases.get(_BOTH) or _SCORE

    def _rows(self, merged: list[tuple[int, float]]) -> Rows:
        documents, aliases = self.run.index.documents, self.asked.aliases
        own = (dict(self.texts), dict(self.vectors))
        for each, score in merged:
            document = documents[each]
            row: Row = {SOURCE: document, _HIDDEN: score}
            if _TEXTS in aliases and each in own[0]:
                row[aliases[_TEXTS]] = own[0][each]
            if not self.asked.loads:
                row[_KEY] = document.key
            if _BOTH in aliases or not self.asked.loads:
                row[self._score_name] = score
            if _VECTORS in aliases and each in own[1]:
                row[aliases[_VECTORS]] = own[1][each]
            yield row

    def cursor(self, which: str) -> Cursor:
        """A cursor of the rows of one query, which knows of no steps but LOAD."""
        found = self.texts if which == _TEXTS else self.vectors
        alias = self.asked.aliases.get(which)

        def rows() -> Rows:
            pipeline.total.count += len(found)
            for each, score in found:
                document = self.run.index.documents[each]
                row: Row = {SOURCE: document}
                if alias is not None:
                    row[alias] = score
                if not self.asked.loads:
                    row[_KEY] = document.key
                yield row

        pipeline = self._pipeline(rows(), [])
        plan = self.asked.plan
        most = search.of(self.run.ctx.server).number("CURSOR_MAX_IDLE")
        return Cursor(
            self.run.definition.name, safely(pipeline.rows, pipeline.total), plan.chunk,
            self.asked.request.form, pipeline.total, self.run.finder.deadline,
            min(plan.idle or most, most),
        )


_LIKENESS: Final[dict[str, Callable[[float], float]]] = {
    "L2": lambda distance: 1.0 / (1.0 + distance),
    "COSINE": lambda distance: (2.0 - distance) / 2.0,
    "IP": lambda distance: (1.0 + distance) / 2.0,  # of the distance itself, as the server has it
}


def _check_texts(run: Run) -> None:
    if run.node is not None:
        _check(run.node, "FT.HYBRID SEARCH", with_weights=True)


def _check(node: Node, where: str, with_weights: bool) -> None:
    """Refuse what a query may not have here; tags give nothing to scores."""
    if isinstance(node, Vector):
        raise SearchError(f"Vector expressions are not allowed in {where}")
    if not with_weights and node.weight != 1.0:
        raise SearchError(f"Weight attributes are not allowed in {where}")
    if isinstance(node, Tags):
        node.is_scored = False
    for child in node.children:
        _check(child, where, with_weights)


def _cursors(ctx: Context, legs: _Legs) -> Any:
    """Two cursors, each of one query's rows, for FT.CURSOR."""
    indexes = search.of(ctx.server)
    reply: dict[Any, Any] = {}
    for which in (_TEXTS, _VECTORS):
        cursor = legs.cursor(which)
        cursor.until = ctx.now + cursor.idle
        reply[Status(which.encode())] = indexes.new_cursor(cursor)
    reply[Status(b"warnings")] = []
    return reply


# The words --------------------------------------------------------------------------------------


def _asked(ctx: Context, given: tuple[bytes, ...]) -> _Asked:
    """What a call asks for.

    Raises:
        CommandError: it makes no sense.
    """
    plan = new_plan(ctx)
    plan.most = plan.furthest  # as many as FT.SEARCH gives
    plan.request.dialect = max(_LEAST_DIALECT, plan.request.dialect)
    asked = _Asked(plan.request, plan)
    words = Words(given, 1)
    _head(words)
    _search(asked, words)
    _vectors(asked, words)
    seen: set[bytes] = set()
    while words:
        word = words.take()
        option = _OPTIONS.get(word.upper())
        if option is None:
            raise _about(shown(word), "Unknown argument")
        name, read = word.upper(), option
        if name in seen and name not in _REPEATED:
            raise _about(shown(name), "Argument specified multiple times")
        seen.add(name)
        read(asked, words)
    if b"EXPLAINSCORE" in seen:
        raise CommandError("EXPLAINSCORE is not yet supported by FT.HYBRID")
    if not asked.is_sorted and b"SORTBY" in seen:
        raise CommandError("NOSORT is not allowed with SORTBY")
    return asked


def _about(name: str, text: str) -> CommandError:
    return CommandError(f"{name}: {text}")


def _head(words: Words) -> None:
    """How many queries there are, if the call says so, and the first word."""
    try:
        count = unsigned(words.words[words.at], 1)
    except ValueError:
        if not words.skip(b"SEARCH"):
            raise CommandError(
                "Invalid subqueries count: expected an unsigned integer"
            ) from None
        return
    words.take()
    if count != len((_TEXTS, _VECTORS)):
        raise CommandError("FT.HYBRID currently supports only two subqueries")
    if not words.skip(b"SEARCH"):
        raise CommandError("SEARCH keyword is required")


def _search(asked: _Asked, words: Words) -> None:
    """The query of texts, up to where that of vectors begins."""
    if not words:
        raise CommandError("No query string provided for SEARCH")
    asked.texts = words.take()
    while words and words.ahead != b"VSIM":
        word = words.take()
        if word.upper() == b"SCORER":
            asked.request.scorer = words.value("SCORER")
        elif word.upper() == b"YIELD_SCORE_AS":
            asked.aliases[_TEXTS] = words.value("YIELD_SCORE_AS")
        elif word.upper() == b"DIALECT":
            raise CommandError(_DIALECT)
        else:
            raise CommandError(f"Unknown argument `{shown(word)}` in SEARCH")
    if not words.skip(b"VSIM"):
        raise CommandError("VSIM argument is required")


def _vectors(asked: _Asked, words: Words) -> None:
    """The query of vectors: what is looked for, how, and among what."""
    if not words:
        raise CommandError("Missing vector field name")
    name = words.take()
    if name[:1] != b"@":
        raise CommandError("Missing @ prefix for vector field name")
    if not words:
        raise CommandError("Missing vector argument")
    parameter = words.take()
    if parameter[:1] != b"$":
        raise CommandError(
            "Invalid vector argument, expected a parameter name starting with $"
        )
    asked.name, asked.parameter = name[1:], parameter[1:]
    if words.skip(b"KNN"):
        _neighbours(asked, words, "KNN", "K", "EF_RUNTIME")
    elif words.skip(b"RANGE"):
        asked.count = None
        _neighbours(asked, words, "RANGE", "RADIUS", "EPSILON")
    if words.skip(b"FILTER"):
        _filter(asked, words)
    while words.skip(b"YIELD_SCORE_AS"):
        if _VECTORS in asked.aliases:
            raise CommandError("Duplicate YIELD_SCORE_AS argument")
        if not words:
            raise CommandError("Missing argument value for YIELD_SCORE_AS")
        asked.aliases[_VECTORS] = words.take()
    if words.ahead == b"DIALECT":
        raise CommandError(_DIALECT)


def _neighbours(asked: _Asked, words: Words, which: str, main: str, option: str) -> None:
    """Pairs of names and values, of which one must be there."""
    if not words:
        raise CommandError("Missing argument count")
    try:
        count = unsigned(words.take())
    except ValueError:
        raise CommandError("Invalid argument count: expected an unsigned integer") from None
    if not count or count % 2:
        raise CommandError(
            f"Invalid argument count: {count} (must be a positive even number for key/value pairs)"
        )
    known = (main, option, "SHARD_K_RATIO") if which == "KNN" else (main, option)
    values: dict[str, bytes] = {}
    for at in range(0, count, 2):
        if not words:
            verb = "was" if at == 1 else "were"
            raise CommandError(f"Expected arguments {count}, but {at} {verb} provided")
        word = words.take()
        name = shown(word).upper()
        if name not in known:
            raise CommandError(f"Unknown argument `{shown(word)}` in {which}")
        if name in values:
            raise CommandError(f"Duplicate {name} argument")
        if not words:
            raise CommandError(f"Missing argument value for {name}")
        values[name] = words.take()
        if not _is_valid(name, values[name]):
            raise CommandError(f"Invalid {name} value")
    if main not in values:
        raise CommandError(f"Missing required argument {main}")
    if which == "KNN":
        asked.count = unsigned(values[main])
    else:
        asked.radius = number(values[main]) or 0.0
    asked.options = [option] if option in values else []


def _is_valid(name: str, raw: bytes) -> bool:
    if name in ("K", "EF_RUNTIME"):
        try:
            return unsigned(raw, 1) > 0
        except ValueError:
            return False
    found = number(raw)
    if name == "RADIUS":
        return found is not None and found >= 0
    return found is not None and found > 0 and (name == "EPSILON" or found <= 1)


def _filter(asked: _Asked, words: Words) -> None:
    """What the vectors are chosen among: a query, or as many words as the first one says."""
    if not words:
        raise CommandError("Missing argument count for FILTER")
    try:
        count = unsigned(words.words[words.at])
    except ValueError:
        asked.filter = words.take()
        return
    words.take()
    if count > len(words):
        raise CommandError(
            f"Not enough arguments in FILTER, specified {count} but provided only {len(words)}"
        )
    if not count:
        raise CommandError("Missing filter-expression for FILTER")
    inner = Words([words.take() for _ in range(count)])
    asked.filter = inner.take()
    while inner:
        word = shown(inner.take())
        if word.upper() not in ("POLICY", "BATCH_SIZE"):
            raise _about(word, "Unknown argument")
        if not inner:
            raise _about(word.upper(), NONE_LEFT)
        value = inner.take().upper()
        if word.upper() == "POLICY" and value not in (b"ADHOC", b"BATCHES"):
            raise _about("POLICY", "Invalid value for argument")


def _combine(asked: _Asked, words: Words) -> None:
    if not words:
        raise _about("COMBINE", NONE_LEFT)
    method = words.take().upper()
    if method not in _METHODS:
        raise _about("COMBINE", "Invalid value for argument")
    inner = _pairs(words, shown(method))
    values: dict[str, float] = {}
    while inner:
        word = inner.take()
        name = shown(word).upper()
        if name not in ("WINDOW", "YIELD_SCORE_AS", *_METHODS[method]):
            raise _about(shown(word), "Unknown argument")
        if name in values or (name == "YIELD_SCORE_AS" and _BOTH in asked.aliases):
            raise _about(name, "Argument specified multiple times")
        if name == "YIELD_SCORE_AS":
            asked.aliases[_BOTH] = inner.take()
        else:
            values[name] = _measured(name, inner.take())
    if method == b"LINEAR":
        for name, other in (("ALPHA", "BETA"), ("BETA", "ALPHA")):
            if name in values and other not in values:
                raise CommandError(f"Missing value for {other}")
        asked.weights = (values["ALPHA"], values["BETA"]) if "ALPHA" in values else _WEIGHTS
    asked.constant = values.get("CONSTANT", _CONSTANT)
    asked.window = int(values.get("WINDOW", _WINDOW))
    if words.skip(b"YIELD_SCORE_AS"):
        if _BOTH in asked.aliases:
            raise CommandError("YIELD_SCORE_AS specified more than once")
        if not words:
            raise CommandError("Missing argument value for YIELD_SCORE_AS")
        asked.aliases[_BOTH] = words.take()


def _pairs(words: Words, method: str) -> Words:
    """The pairs of names and values behind a method."""
    if not words:
        raise CommandError(f"Missing {method} argument count")
    try:
        count = unsigned(words.words[words.at])
    except ValueError as error:
        if words.ahead in _OPTIONS:
            return Words(())  # nothing is said of it
        raise CommandError(f"Invalid {method} argument count, error: {error}") from None
    words.take()
    if count % 2:
        raise CommandError(
            f"{method} expects pairs of key value arguments, argument count must be an even number"
        )
    if count > len(words):
        raise CommandError(
            f"Not enough arguments in {method}, specified {count} but provided only {len(words)}"
        )
    return Words([words.take() for _ in range(count)])


def _measured(name: str, raw: bytes) -> float:
    if name == "WINDOW":
        try:
            found: float | None = unsigned(raw, -(1 << 62))
        except ValueError as error:
            raise _about(name, str(error)) from None
    else:
        found = number(raw)
    if found is None:
        raise _about(name, NOT_CONVERTED)
    least, most = _RANGES.get(name, (found, found))
    if not least <= found <= most:
        which = "below minimum" if found < least else "above maximum"
        raise _about(name, f"Value {which}")
    return found


def _step(name: bytes) -> Callable[[_Asked, Words], None]:
    """A reader of a step that FT.AGGREGATE knows too."""
    maker = STEPS[name]

    def read(asked: _Asked, words: Words) -> None:
        start = words.at
        step = maker(asked.plan, words)
        if step is not None:
            asked.plan.steps.append((step, name, words.words[start:words.at]))

    return read


def _load(asked: _Asked, words: Words) -> None:
    start = words.at
    step = STEPS[b"LOAD"](asked.plan, words)
    given = words.words[start:words.at]
    asked.loads.append((step, b"LOAD", given))
    for at, word in enumerate(given):
        if property_name(word) == _SCORE:
            renamed = given[at + 1:at + 2] and given[at + 1].upper() == b"AS"
            asked.loads.append((_showing(given[at + 2] if renamed else _SCORE), b"LOAD", ()))


def _showing(name: bytes) -> Callable[[Pipeline], None]:
    """A step that shows the score of both."""

    def step(pipeline: Pipeline) -> None:
        pipeline.names.add(name)

        def shown_rows(rows: Rows) -> Rows:
            for row in rows:
                row[name] = row.get(_HIDDEN)
                yield row

        pipeline.rows = shown_rows(pipeline.rows)

    return step


def _no_sort(asked: _Asked, words: Words) -> None:
    asked.is_sorted = False


def _parameters(asked: _Asked, words: Words) -> None:
    words.at -= 1
    asked.request.take(words)


def _nothing(asked: _Asked, words: Words) -> None:
    """What is told of later."""


def _dialect(asked: _Asked, words: Words) -> None:
    raise CommandError(_DIALECT)


_OPTIONS: Final[dict[bytes, Callable[[_Asked, Words], None]]] = {
    b"COMBINE": _combine, b"LOAD": _load, b"NOSORT": _no_sort, b"DIALECT": _dialect,
    b"EXPLAINSCORE": _nothing,
    **dict.fromkeys((b"PARAMS", b"TIMEOUT", b"FORMAT"), _parameters),
    **{
        name: _step(name)
        for name in (b"APPLY", b"FILTER", b"GROUPBY", b"LIMIT", b"SORTBY", b"WITHCURSOR")
    },
}
