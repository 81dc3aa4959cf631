"""FT.PROFILE: a search with what was done for it; times are zeros."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fakeredis.commands.search.aggregate import profiled_aggregate
from fakeredis.commands.search.request import Run
from fakeredis.commands.search.search import profiled_search
from fakeredis.commands.search.words import Words, guarded, wrong_count
from fakeredis.datatypes.search.finding import Finder, matching_words, tags_of_part
from fakeredis.datatypes.search.nodes import (
    Exact,
    Fuzzy,
    Geo,
    Ids,
    Intersection,
    Negation,
    Node,
    Numeric,
    Optional,
    Part,
    Star,
    Tags,
    Term,
    Union,
    Vector,
)
from fakeredis.datatypes.search.records import Records
from fakeredis.datatypes.search.values import number_text
from fakeredis.engine.command.modules import is_built_in
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import Status
from fakeredis.engine.features import search
from fakeredis.errors import CommandError

# A part of a profile: names with values, of which lists are further parts.
Facts = dict[bytes, Any]


@guarded
def profile(ctx: Context, *words: bytes) -> Any:
    """The reply of FT.SEARCH or FT.AGGREGATE, with what was done.

    Checked in the server's order: number of words, kind, then as the command itself does.
    """
    if len(words) < 4:
        raise wrong_count(ctx)
    kind = words[1].upper()
    if kind not in (b"SEARCH", b"AGGREGATE"):
        raise CommandError("No `SEARCH` or `AGGREGATE` provided")
    rest = Words(words, 2)
    is_limited = rest.skip(b"LIMITED")
    if not rest.skip(b"QUERY"):
        raise CommandError("The QUERY keyword is expected")
    given = (words[0], *words[rest.at:])
    if len(given) < 2:
        raise wrong_count(ctx)
    run_it = profiled_search if kind == b"SEARCH" else profiled_aggregate
    reply, run, steps = run_it(ctx, given)
    part = None if run.node is None else _Iterators(run, is_limited).of(run.node)
    if part is None:
        part = {b"Type": Status(b"EMPTY"), b"Time": 0.0, b"Counter": 0}
    done = [
        {b"Type": Status(name.encode()), b"Time": 0.0, b"Counter": count} for name, count in steps
    ]
    times: tuple[bytes, ...] = _TIMES
    if search.of(ctx.server).config["_PRINT_PROFILE_CLOCK"] == "false":
        times = ()
        part, done = _untimed(part), list(map(_untimed, done))
    if is_built_in(ctx.server.profile):
        return _of_a_shard(ctx, reply, part, done, times)
    if ctx.session.protocol == 3:
        reply[Status(b"profile")] = {
            **{Status(name): 0.0 for name in times}, Status(b"Warning"): Status(b"None"),
            Status(b"Iterators profile"): [_map(part)],
            Status(b"Result processors profile"): [_map(each) for each in done],
        }
        return reply
    return [reply, [
        *([Status(name), *([b"0"] if times else [])] for name in _TIMES), [Status(b"Warning")],
        [Status(b"Iterators profile"), _row(part)],
        [Status(b"Result processors profile"), *map(_row, done)],
    ]]


def _untimed(facts: Facts) -> Facts:
    """Facts of parts without their times."""
    return {
        name: [_untimed(each) for each in value] if type(value) is list else value
        for name, value in facts.items() if name != b"Time"
    }


def _of_a_shard(
    ctx: Context, reply: Any, part: Facts, done: list[Facts], times: tuple[bytes, ...]
) -> Any:
    """Since Redis 8 there are shards, of which this is one, and what puts them together."""
    if ctx.server.profile.has({"redis": "8.4.0"}):
        part = _renamed(part)
        done = [{_PASSED.get(name, name): value for name, value in each.items()} for each in done]
    shard: Facts = {
        **dict.fromkeys(times, 0.0), b"Warning": Status(b"None"), b"Iterators profile": part,
        b"Result processors profile": done,
    }
    if ctx.session.protocol == 3:
        profiled = {Status(b"Shards"): [_map(shard)], Status(b"Coordinator"): {}}
        return {Status(b"Results"): reply, Status(b"Profile"): profiled}
    return [reply, [Status(b"Shards"), [_flat(shard)], Status(b"Coordinator"), []]]


_READ: Final = {
    b"Counter": b"Number of reading operations", b"Size": b"Estimated number of matches",
}
_PASSED: Final = {b"Counter": b"Results processed"}


def _renamed(facts: Any) -> Any:
    if type(facts) is dict:
        return {_READ.get(name, name): _renamed(value) for name, value in facts.items()}
    return [_renamed(each) for each in facts] if type(facts) is list else facts


def _flat(facts: Any) -> Any:
    """Facts for RESP2: names and values, one behind the other."""
    if type(facts) is float:
        return b"0"
    if type(facts) is dict:
        return [word for name, value in facts.items() for word in (Status(name), _flat(value))]
    return [_flat(each) for each in facts] if type(facts) is list else facts


_TIMES: Final = (b"Total profile time", b"Parsing time", b"Pipeline creation time")


def _map(facts: Any) -> Any:
    if type(facts) is dict:
        return {Status(name): _map(value) for name, value in facts.items()}
    return [_map(each) for each in facts] if type(facts) is list else facts


def _row(facts: Any) -> Any:
    """Facts of a part for RESP2, whose own parts follow it one by one."""
    if type(facts) is float:
        return b"0"
    if type(facts) is not dict:
        return facts
    row: list[Any] = []
    for name, value in facts.items():
        row.append(Status(name))
        row += map(_row, value) if type(value) is list else [_row(value)]
    return row


class _Iterators:
    """Tells what the server reads for a query.

    Args:
        is_limited: whether the parts of unions are only counted.
    """

    def __init__(self, run: Run, is_limited: bool) -> None:
        self.index = run.index
        self.is_limited = is_limited
        self.finder = Finder(run.index, run.request.slop, run.request.in_order)
        self.records = Records(self.finder, Star())

    def of(self, node: Node) -> Facts | None:
        """What is read for a part; None where nothing in the index is like it."""
        count = len(set(Finder(self.index, self.finder.slop, self.finder.in_order).find(node)))
        if isinstance(node, Term):
            return self._word(b"TEXT", node.word.encode("utf-8", "surrogateescape"), node, count)
        if isinstance(node, Union):
            parts = [part for each in node.parts if (part := self.of(each)) is not None]
            return parts[0] if len(parts) == 1 else self._union(b"UNION", parts, count)
        if isinstance(node, Part | Fuzzy):
            words = matching_words(node, self.index)
            made = [self.of(Term(word, mask=node.mask)) for word in words]
            parts = [part for part in made if part is not None]
            what = b"FUZZY" if isinstance(node, Fuzzy) else (
                b"WILDCARD" if node.kind == "WILDCARD" else b"PREFIX"
            )
            word = node.word.encode("utf-8", "surrogateescape")
            return self._union(b"%s - %s" % (what, word), parts, count)
        if isinstance(node, Intersection | Exact):
            ordered = node.parts if isinstance(node, Exact) else sorted(
                node.parts, key=self.records.estimate
            )
            return _facts(b"INTERSECT", count, {b"Child iterators": list(map(self.of, ordered))})
        if isinstance(node, Tags):
            return self._tags(node, count)
        if isinstance(node, Negation | Optional):
            inner = self.of(node.part) or _facts(b"EMPTY", 0)
            kind = b"NOT" if isinstance(node, Negation) else b"OPTIONAL"
            return _facts(kind, count, {b"Child iterator": inner})
        if isinstance(node, Vector):
            return self._vector(node, count)
        if isinstance(node, Numeric):
            shown_range = b"%s - %s" % (number_text(node.low), number_text(node.high))
            return _named(b"NUMERIC", shown_range, count, count)
        kinds = {Star: b"WILDCARD", Ids: b"ID-LIST", Geo: b"GEO"}
        return _facts(kinds.get(type(node), b"ID-LIST"), count)

    def _word(self, kind: bytes, word: bytes, node: Term, count: int) -> Facts | None:
        postings = self.index.terms.postings.get(node.word)
        return None if postings is None else _named(kind, word, count, len(postings))

    def _union(self, what: bytes, parts: Sequence[Facts], count: int) -> Facts | None:
        if not parts:
            return None
        facts: Facts = {b"Type": Status(b"UNION"), b"Query type": Status(what)}
        facts |= {b"Time": 0.0, b"Counter": count}
        facts[b"Child iterators"] = list(parts) if not self.is_limited else Status(
            b"The number of iterators in the union is %d" % len(parts)
        )
        return facts

    def _tags(self, node: Tags, count: int) -> Facts | None:
        dictionary = self.index.tags.get(node.name)
        known = self.index.definition.field_named(node.name)
        if dictionary is None or known is None:
            return None
        parts = [
            _named(b"TAG", tag, len(dictionary.postings[tag]), len(dictionary.postings[tag]))
            for part in node.parts for tag in tags_of_part(part, known, self.index)
            if tag in dictionary.postings
        ]
        if len(node.parts) == 1 and not isinstance(node.parts[0], Part):
            return parts[0] if parts else None
        return self._union(b"TAG", parts, count)

    def _vector(self, node: Vector, count: int) -> Facts:
        if node.count is None:
            return _facts(b"METRIC - VECTOR DISTANCE", count)
        more: Facts = {}
        if node.part is not None and not isinstance(node.part, Star):
            more[b"Child iterator"] = self.of(node.part) or _facts(b"EMPTY", 0)
        return _facts(b"VECTOR", count, more)


def _facts(kind: bytes, count: int, more: Facts | None = None) -> Facts:
    return {b"Type": Status(kind), b"Time": 0.0, b"Counter": count, **(more or {})}


def _named(kind: bytes, word: bytes, count: int, size: int) -> Facts:
    return {
        b"Type": Status(kind), b"Term": Status(word), b"Time": 0.0, b"Counter": count,
        b"Size": size,
    }
