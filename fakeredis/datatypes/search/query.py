"""Queries: from their texts to nodes, in the dialects 1 to 4.

The grammar is the server's, and so is what its errors say: the place of the word that does not
fit, and the last word that was read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import isinf
from typing import Final, NamedTuple

from fakeredis.datatypes.numbers import INT_MAX, INT_MIN, parse_float
from fakeredis.datatypes.search.errors import MissingLibrary, SearchError
from fakeredis.datatypes.search.nodes import (
    Exact,
    Fuzzy,
    Geo,
    Geometry,
    Intersection,
    Missing,
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
from fakeredis.datatypes.search.schema import Definition
from fakeredis.datatypes.search.shapes import PREDICATES, shape_of
from fakeredis.datatypes.search.vectors import SIZES
from fakeredis.datatypes.search.words import folded

__all__ = ["Query", "parse"]

_PUNCTUATION: Final = r"!\"#$%&'()*+,\-./:;<=>?@\[\\\]^`{|}~"
_WORD: Final = rf"(?:\\[{_PUNCTUATION}\s]|[^{_PUNCTUATION}\s\x00-\x1f\x7f])+"
_TOKENS: Final = re.compile(
    "|".join((
        r"(?P<space>[\s\x00-\x1f\x7f]+)",
        r"(?P<arrow>=>)",
        r"(?P<compare>==|!=|>=|<=|>|<)",
        r"(?P<verbatim>w'(?:\\.|[^'\\])*')",
        rf"(?P<modifier>@{_WORD})",
        rf"(?P<contains>\*\$?{_WORD}\*)",
        rf"(?P<prefix>\$?{_WORD}\*)",
        rf"(?P<suffix>\*\$?{_WORD})",
        rf"(?P<attribute>\${_WORD})",
        r"(?P<infinity>[+-]?inf(?![^\s\])(]))",
        rf"(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?!{_WORD}))",
        rf"(?P<term>{_WORD})",
        r"(?P<sign>[(){}\[\]:;\-+~%|*\"'=])",
        r"(?P<other>.)",
    )),
    re.DOTALL | re.IGNORECASE,
)
_OLDER_TOKENS: Final = re.compile(
    _TOKENS.pattern.replace(r"|(?P<verbatim>w'(?:\\.|[^'\\])*')", ""), _TOKENS.flags
)
_ESCAPED: Final = re.compile(rf"\\([{_PUNCTUATION}\s])")
_NOT_EMPTY: Final = (
    "Use `INDEXEMPTY` in field creation in order to index and query for empty strings"
)
_DEEP: Final = 300  # brackets in brackets
_UNITS: Final = ("m", "km", "mi", "ft")
_OPERATORS: Final = frozenset({"prefix", "suffix", "contains", "verbatim"})
_TEXTS: Final = frozenset({"term", "number", "attribute", "infinity"})
_INTEGER: Final = re.compile(rb"[\t-\r ]*([+-]?[0-9]+)").fullmatch
_NOT_A_NUMBER: Final = re.compile(rb"[+-]?nan(\([0-9a-z_]*\))?", re.IGNORECASE).fullmatch
_MOST_LONGITUDE, _MOST_LATITUDE = 180, 90


class Token(NamedTuple):
    """A word of a query.

    Args:
        kind: of `_TOKENS`; a sign's is itself.
        text: what it says.
        at: where it begins, in bytes.
        near: what an error says that is near.
    """

    kind: str
    text: str
    at: int
    near: str


class _End(NamedTuple):
    """An end of a range, or a part of a place; without a number a parameter has it."""

    without: bool
    sign: float
    number: float | None
    token: Token


class Query(NamedTuple):
    """What a query is read with."""

    definition: Definition
    dialect: int
    parameters: Mapping[bytes, bytes]
    stop_words: frozenset[str]
    language: str = "english"


def unescaped(text: str) -> str:
    """A word without the backslashes that keep signs in it."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def parse(raw: bytes, query: Query) -> Node | None:
    """The node of a query; None where it asks for nothing.

    Raises:
        SearchError: it cannot be understood.
    """
    return _Parser(raw.decode("utf-8", "surrogateescape"), query).parse()


class _Parser:
    """Reads one query."""

    def __init__(self, text: str, query: Query) -> None:
        self.query = query
        self.text = text
        self.newer = query.dialect >= 2
        self.tokens = self._tokens(text)
        self.at = 0
        self.depth = 0
        self.within = 0  # fields, in which no others may be named

    # Words ----------------------------------------------------------------------------------

    def _tokens(self, text: str) -> list[Token]:
        tokens: list[Token] = []
        near = ""
        ascii_only = text.isascii()
        seen = size = 0  # characters, and how many bytes they are
        for found in (_TOKENS if self.newer else _OLDER_TOKENS).finditer(text):
            kind = found.lastgroup or ""
            word = found.group()
            if kind in ("space", "other") or (word == "'" and not self.newer):
                continue
            at = found.start()
            if not ascii_only:
                size += len(text[seen:at].encode("utf-8", "surrogateescape"))
                seen, at = at, size
            if kind == "sign":
                tokens.append(Token(word, word, at, near))
                continue
            if kind == "compare" and not self.newer:
                continue
            if kind == "arrow":
                near = text[found.start() + 1:found.end() + 1].rstrip()
            elif kind != "compare":
                near = word.removeprefix("@")
                if kind == "attribute":
                    near = word[1:]
            tokens.append(Token(kind, word, at, near))
        last = tokens[-1] if tokens else Token("", "", 0, "")
        tokens.append(Token("end", "", last.at, last.near))
        return tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def _next(self) -> Token:
        token = self.tokens[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def _take(self, kind: str) -> bool:
        if self.token.kind == kind:
            self.at += 1
            return True
        return False

    def _need(self, kind: str) -> Token:
        if self.token.kind != kind:
            raise self._wrong()
        return self._next()

    def _check(self, kind: str) -> None:
        if self.token.kind != kind:
            raise self._wrong()

    def _wrong(self) -> SearchError:
        token = self.token
        return SearchError(f"Syntax error at offset {token.at} near {token.near}")

    def _sees(self, *kinds: str) -> bool:
        """Whether these come next, one behind the other."""
        return [token.kind for token in self.tokens[self.at:self.at + len(kinds)]] == list(kinds)

    # The whole ------------------------------------------------------------------------------

    def parse(self) -> Node | None:
        if self.token.kind == "end":
            return None
        if self._sees("*", "end"):
            return Star()
        if self.newer and self._sees("(", "*", ")"):
            self.at += 3
            star: Node = Star()
        elif self._sees("*"):
            self.at += 1
            star = Star()
        else:
            found = self._union()
            if self.token.kind == "arrow" and self.newer:
                self._next()
                node: Node | None = self._knn(found)
                return self._finish(node)
            return self._finish(found)
        if self.token.kind == "end":
            return star
        if not self.newer or self.token.kind != "arrow":
            raise self._wrong()
        self._next()
        return self._finish(self._knn(star))

    def _finish(self, node: Node | None) -> Node | None:
        if self.token.kind != "end":
            raise self._wrong()
        return node

    # Unions and intersections ---------------------------------------------------------------

    def _union(self) -> Node | None:
        self.depth += 1
        if self.depth > _DEEP:
            raise SearchError(
                "Parser stack overflow. Try moving nested parentheses more to the left"
            )
        try:
            return self._newer_union() if self.newer else self._older_row()
        finally:
            self.depth -= 1

    def _newer_union(self) -> Node | None:
        start = self.at
        node = self._row(self._unit)
        count = 0
        is_alone = False
        within = self.within
        while self._take("|"):
            other = self._row(self._unit)
            count += 1
            if count == 1 and not self._named_since(start):
                self.within = within + 1  # of texts alone: the server expects no others then
            if is_alone:
                continue
            # Where one of the first two is a stop word, the server loses those behind them.
            is_alone = count == 1 and (node is None) is not (other is None)
            node = _joined(node, other)
            is_alone = is_alone and isinstance(node, Term)
        self.within = within
        return node

    def _named_since(self, start: int) -> bool:
        """Whether a field was named behind some word."""
        return any(token.kind == "modifier" for token in self.tokens[start:self.at])

    def _row(self, unit: Callable[[], Node | None]) -> Node | None:
        node = self._with_tail(unit())
        while self._begins():
            node = _both(node, self._with_tail(unit()))
        return node

    def _begins(self) -> bool:
        kind = self.token.kind
        if kind == "'":
            self.at += 1  # an apostrophe alone means nothing
            return self._begins()
        return kind in _TEXTS or kind in _OPERATORS or kind in ("modifier", "(", "-", "~", "%", '"')

    def _older_row(self) -> Node | None:
        return self._row(self._older_union)

    def _older_union(self) -> Node | None:
        node = self._unit()
        while self._take("|"):
            node = _joined(node, self._unit())
        return node

    # Units ----------------------------------------------------------------------------------

    def _unit(self) -> Node | None:
        kind = self.token.kind
        if kind in ("-", "~"):
            self._next()
            # In the first dialect it is about all that follows.
            inner = self._unit() if self.newer else self._older_row()
            inner = self._with_tail(inner)
            if inner is None:
                return None
            return Negation(inner) if kind == "-" else Optional(inner)
        node = self._plain()
        while self._sees("arrow", "{") or (not self.newer and self._sees("arrow")):
            self._attributes(node)
        return node

    def _with_tail(self, node: Node | None) -> Node | None:
        """The server's grammar lets words with stars and such go with what is before."""
        if not self.newer:
            return node
        if self.token.kind in _OPERATORS or self.token.kind == "%":
            return _both(node, self._with_tail(self._unit()))
        return node

    def _plain(self) -> Node | None:
        token = self.token
        kind = token.kind
        if kind == "(":
            self._next()
            node = self._union()
            self._need(")")
            return node
        if kind == '"':
            return self._exact()
        if kind == "%":
            return self._fuzzy()
        if kind == "modifier":
            if self.newer and self.within:
                raise self._wrong()
            return self._about_field()
        if self.newer and self._sees("'", "'"):
            self.at += 2
            return Term("")
        if kind in _OPERATORS:
            return self._part(self._next())
        if kind == "term" and token.text.lower() == "ismissing" and self.newer:
            if self._sees("term", "(", "modifier", ")"):
                return self._missing()
        if kind in _TEXTS:
            return self._terms()
        raise self._wrong()

    def _terms(self) -> Node | None:
        if self.newer:
            return self._term(self._next())
        node: Node | None = None
        while self.token.kind in _TEXTS:
            if node is not None and self._follows_arrow():
                break
            node = _both(node, self._term(self._next()))
        return node

    def _follows_arrow(self) -> bool:
        return False

    def _term(self, token: Token) -> Node | None:
        if token.kind == "attribute":
            if not self.newer:
                self.at -= 1
                raise self._wrong()
            raw = self._parameter(token)
            text = raw.decode("utf-8", "surrogateescape")
            return Term(folded(text), raw, plain=False)
        word = folded(unescaped(token.text))
        if word in self.query.stop_words:
            return None
        return Term(word, token.text.encode("utf-8", "surrogateescape"))

    def _parameter(self, token: Token) -> bytes:
        name = unescaped(token.text[1:]).encode("utf-8", "surrogateescape")
        value = self.query.parameters.get(name)
        if value is None:
            shown = name.decode("utf-8", "surrogateescape")
            raise SearchError(f"No such parameter `{shown}`")
        return value

    def _exact(self) -> Node | None:
        self._need('"')
        parts: list[Node] = []
        while self.token.kind != '"':
            token = self._next()
            if token.kind == "end":
                raise self._wrong()
            if token.kind in _TEXTS:
                if token.kind == "attribute" and self.newer:
                    raw = self._parameter(token)
                    parts.append(Term(folded(raw.decode("utf-8", "surrogateescape")), raw))
                else:
                    parts.append(Term(folded(unescaped(token.text)), token.text.encode(
                        "utf-8", "surrogateescape"
                    )))
        self._need('"')
        if parts:
            return Exact(parts=parts)
        return Term("") if self.newer else None

    def _fuzzy(self) -> Node | None:
        count = 0
        while self._take("%"):
            count += 1
        if count > 3:
            self.at -= count - 3
            raise self._wrong()
        token = self.token
        if token.kind not in _TEXTS:
            raise self._wrong()
        self._next()
        word = (
            self._parameter(token).decode("utf-8", "surrogateescape")
            if token.kind == "attribute" else unescaped(token.text)
        )
        for _ in range(count):
            self._need("%")
        return Fuzzy(folded(word), count)

    def _part(self, token: Token) -> Node | None:
        kind = {"prefix": "PREFIX", "suffix": "SUFFIX", "contains": "INFIX"}.get(token.kind)
        if kind is None:
            if not self.newer:
                self.at -= 1
                raise self._wrong()
            word = re.sub(r"\\(.)", r"\1", token.text[2:-1], flags=re.DOTALL)
            pattern = token.text[2:-1].encode("utf-8", "surrogateescape")
            return Part("WILDCARD", folded(word), pattern)
        word = token.text.strip("*") if token.kind != "prefix" else token.text[:-1]
        if word.startswith("$") and self.newer:
            raw = self._parameter(Token("attribute", word, token.at, token.near))
            return Part(kind, folded(raw.decode("utf-8", "surrogateescape")), raw)
        return Part(kind, folded(unescaped(word)), word.encode("utf-8", "surrogateescape"))

    def _attributes(self, node: Node | None) -> None:
        self._need("arrow")
        self._need("{")
        while self.token.kind != "}":
            name = self._need("attribute")
            self._need(":")
            sign = "-" if self._take("-") else ""
            token = self._next()
            if token.kind not in _TEXTS:
                self.at -= 1
                raise self._wrong()
            value = sign + (
                self._parameter(token).decode("utf-8", "surrogateescape")
                if token.kind == "attribute" else token.text
            )
            if node is not None:
                self._attribute(node, name.text[1:].lower(), value)
            if not self._take(";") and self.token.kind != "}":
                raise self._wrong()
        self._need("}")

    def _attribute(self, node: Node, name: str, value: str) -> None:
        wrong = SearchError(f"Invalid value ({value}) for `{name}`")
        if name == "weight":
            number = _double(value.encode("utf-8", "surrogateescape"))
            if number is None or number < 0:
                raise wrong
            node.weight = number
        elif name == "slop":
            slop = _integer(value.encode("utf-8", "surrogateescape"))
            if slop is None or slop < -1:
                raise wrong
            node.slop = slop
        elif name in ("inorder", "phonetic"):
            if value.lower() not in ("true", "false", "0", "1"):
                raise wrong
            is_on = value.lower() in ("true", "1")
            if name == "inorder":
                node.in_order = is_on
            elif isinstance(node, Term):
                node.phonetic = is_on
        elif name == "yield_distance_as" and isinstance(node, Vector):
            node.yields = value.encode("utf-8", "surrogateescape")
        elif isinstance(node, Vector) and name.upper() in (
            *vector_options(node.name, self.query.definition), "EPSILON",
        ):
            pass
        else:
            raise SearchError(f"Invalid attribute {name}")

    # Fields ---------------------------------------------------------------------------------

    def _about_field(self) -> Node | None:
        names = [self._name(self._next())]
        while self._take("|"):
            token = self._next()
            if token.kind not in ("term", "number"):
                self.at -= 1
                raise self._wrong()
            names.append(self._name(token))
        if self.token.kind == "compare" and len(names) == 1:
            return self._comparison(names[0])
        self._need(":")
        kind = self.token.kind
        if kind == "{":
            return self._tags(names[0])
        if kind == "[":
            return self._brackets(names[0])
        self.within += 1
        node = self._unit() if kind in ("-", "~") else self._plain()
        node = self._with_tail(node)
        self.within -= 1
        if node is not None:
            mask = 0
            for name in names:
                field = self.query.definition.field_named(name)
                if field is not None and field.kind == "TEXT":
                    mask |= field.bit
            node.limit(mask, tuple(names))
            if isinstance(node, Term) and not node.word and node.plain:
                self._check_empty(names)
        return node

    def _check_empty(self, names: list[bytes]) -> None:
        """Refuse to look for empty texts where they are not indexed."""
        for name in names:
            field = self.query.definition.field_named(name)
            if field is not None and not field.index_empty:
                raise SearchError(_NOT_EMPTY)

    @staticmethod
    def _name(token: Token) -> bytes:
        return unescaped(token.text.removeprefix("@")).encode("utf-8", "surrogateescape")

    def _comparison(self, name: bytes) -> Node:
        operator = self._next().text
        number = self._number()
        infinity = float("inf")
        if operator in ("==", "!="):
            node: Node = Numeric(name, number, number)
            return node if operator == "==" else Negation(node)
        if operator in (">", ">="):
            return Numeric(name, number, infinity, without_low=operator == ">")
        return Numeric(name, -infinity, number, without_high=operator == "<")

    def _number(self) -> float:
        sign, number, token = self._signed()
        return sign * (self._numeric(token) if number is None else number)

    def _signed(self) -> tuple[float, float | None, Token]:
        """A sign, and the number behind it; none where a parameter has it."""
        sign = -1.0 if self._take("-") else 1.0
        if sign > 0:
            self._take("+")
        token = self.token
        if token.kind == "attribute" and self.newer:
            return sign, None, self._next()
        if token.kind not in ("number", "infinity"):
            raise self._wrong()
        return sign, float(token.text), self._next()

    def _numeric(self, token: Token) -> float:
        """The number that a parameter has; nothing counts as zero."""
        raw = self._parameter(token)
        number = _double(raw) if raw else 0.0
        if number is None:
            raise _not_numeric(raw, token)
        return number

    def _end(self) -> _End:
        without = self._take("(")
        return _End(without, *self._signed())

    def _bound(self, end: _End, upper: bool) -> tuple[float, bool]:
        """An end of a range, and whether it is left out.

        A parameter's infinity is taken where it bounds nothing, by its short name; its bracket
        says nothing.
        """
        if end.number is not None:
            return end.sign * end.number, end.without
        given = self._parameter(end.token)
        raw = given.removeprefix(b"(")
        number = _double(raw) if raw else 0.0
        infinite = (b"inf", b"+inf") if upper == (end.sign > 0) else (b"-inf",)
        if number is None or (isinf(number) and raw.lower() not in infinite):
            shown = given.decode("utf-8", "surrogateescape")
            raise SearchError(f"Bad {'upper' if upper else 'lower'} range: {shown}")
        return end.sign * number, end.without

    def _place(self, end: _End) -> float:
        return end.sign * (self._numeric(end.token) if end.number is None else end.number)

    def _missing(self) -> Node:
        self.at += 2
        if self.within:
            raise self._wrong()
        name = self._name(self._next())
        self._need(")")
        field = self.query.definition.field_named(name)
        shown = name.decode("utf-8", "surrogateescape")
        if field is not None and not field.index_missing:
            raise SearchError(
                f"'ismissing' requires field '{shown}' to be defined with 'INDEXMISSING'"
            )
        return Missing(name)

    def _tags(self, name: bytes) -> Node:
        self._need("{")
        parts: list[Node] = []
        while True:
            parts.append(self._tag(name))
            if self._take("}") or (not self.newer and self.token.kind == "end"):
                return Tags(parts=parts, name=name)
            if not self._take("|"):
                raise self._wrong()

    def _tag(self, name: bytes) -> Node:
        token = self.token
        if self.newer and (token.kind == '"' or self._sees("'", "'")):
            return self._quoted_tag(name)
        if token.kind in _OPERATORS:
            node = self._part(self._next())
            assert node is not None
            return node
        if token.kind not in _TEXTS:
            raise self._wrong()
        words: list[Node] = []
        while self.token.kind in _TEXTS:
            each = self._next()
            if each.kind == "attribute" and self.newer:
                raw = self._parameter(each)
            else:
                raw = unescaped(each.text).encode("utf-8", "surrogateescape")
            words.append(Term(raw.decode("utf-8", "surrogateescape"), raw))
        return words[0] if len(words) == 1 else Intersection(parts=words)

    def _quoted_tag(self, name: bytes) -> Node:
        """What stands in quotes is one tag, signs and all."""
        start = self.token
        self._next()
        end = start
        while self.token.kind != start.kind:
            if self.token.kind == "end":
                raise self._wrong()
            self._next()
        end = self._need(start.kind)
        raw = self.text.encode("utf-8", "surrogateescape")[start.at + 1:end.at]
        word = unescaped(raw.decode("utf-8", "surrogateescape"))
        field = self.query.definition.field_named(name)
        if not word and field is not None and not field.index_empty:
            raise SearchError(_NOT_EMPTY)
        return Term(word, word.encode("utf-8", "surrogateescape"))

    def _brackets(self, name: bytes) -> Node:
        self._need("[")
        token = self.token
        if token.kind == "term" and self.newer:
            if token.text.upper() == "VECTOR_RANGE":
                self._next()
                return self._vector_range(name)
            return self._geometry(name)
        first = self._end()
        if self.newer and self._take("]"):
            low, without_low = self._bound(first, upper=False)
            return Numeric(name, low, low, without_low, without_low)
        second = self._end()
        if self._take("]"):
            low, without_low = self._bound(first, upper=False)
            high, without_high = self._bound(second, upper=True)
            return Numeric(name, low, high, without_low, without_high)
        return self._geo(name, self._place(first), self._place(second))

    def _geometry(self, name: bytes) -> Node:
        predicate = self._next().text.upper()
        shape = self._need("attribute")
        self._check("]")
        if predicate not in PREDICATES:
            raise SearchError(
                f"Syntax error: Expecting a geoshape predicate at offset {shape.at}"
            )
        self._next()
        raw = self._parameter(shape)
        node = Geometry(name, predicate, raw)
        field = self.query.definition.field_named(name)
        if field is not None and field.kind == "GEOSHAPE":
            text = raw.decode("utf-8", "surrogateescape")
            try:
                node.shape = shape_of(text, not field.spherical)
            except MissingLibrary:
                raise
            except SearchError as error:
                raise SearchError(f"Error querying geoshape index: {error}") from None
        return node

    def _geo(self, name: bytes, longitude: float, latitude: float) -> Node:
        radius = self._number()
        token = self._next()
        unit = token.text
        if token.kind == "attribute" and self.newer:
            unit = self._parameter(token).decode("utf-8", "replace")
        elif token.kind != "term":
            self.at -= 1
            raise self._wrong()
        self._need("]")
        if unit.lower() not in _UNITS:
            raise SearchError("Invalid GeoFilter unit")
        if abs(longitude) > _MOST_LONGITUDE or abs(latitude) > _MOST_LATITUDE:
            raise SearchError("Invalid GeoFilter lat/lon")
        if radius <= 0:
            raise SearchError("Invalid GeoFilter radius")
        return Geo(name, longitude, latitude, radius, unit.lower())

    # Vectors --------------------------------------------------------------------------------

    def _knn(self, part: Node | None) -> Node:
        self._need("[")
        if self.token.kind == "term" and self.token.text.upper() != "KNN":
            raise SearchError(str(self._wrong()).replace(
                "error at", "error: Expecting Vector Similarity command at"
            ))
        self._check("term")
        self._next()
        token = self._next()
        if token.kind == "attribute":
            raw = self._parameter(token)
        else:
            if token.kind != "number":
                self.at -= 1
                raise self._wrong()
            raw = token.text.encode()
        count = _integer(raw) if raw else 0
        if count is None or count < 0:
            raise _not_numeric(raw, token)
        name = self._name(self._need("modifier"))
        vector = self._need("attribute")
        node = Vector(
            name, self._parameter(vector), count=count, part=part,
            shown=vector.text[1:].encode("utf-8", "surrogateescape"),
        )
        node.yields = b"__" + name + b"_score"
        self._knn_options(node)
        self._need("]")
        while self._sees("arrow", "{"):
            self._attributes(node)
        check_vector(node, self.query.definition)
        return node

    def _knn_options(self, node: Vector) -> None:
        while self.token.kind == "term":
            word = self._next().text.upper()
            token = self._next()
            if token.kind not in _TEXTS:
                self.at -= 1
                raise self._wrong()
            if word == "AS":
                value = (
                    self._parameter(token) if token.kind == "attribute"
                    else unescaped(token.text).encode("utf-8", "surrogateescape")
                )
                node.yields = value
            elif word not in vector_options(node.name, self.query.definition):
                raise SearchError(
                    "Error parsing vector similarity parameters: Invalid option"
                )

    def _vector_range(self, name: bytes) -> Node:
        radius = self._number()
        vector = self._need("attribute")
        self._need("]")
        node = Vector(
            name, self._parameter(vector), radius=radius,
            shown=vector.text[1:].encode("utf-8", "surrogateescape"),
        )
        while self._sees("arrow", "{"):
            self._attributes(node)
        if radius < 0:
            raise SearchError(
                f"Error parsing vector similarity query: negative radius ({radius:g}) given in a "
                "range query"
            )
        check_vector(node, self.query.definition)
        return node


def vector_options(name: bytes, definition: Definition) -> tuple[str, ...]:
    """What may be said of how the nearest vectors of a field are looked for."""
    field = definition.field_named(name)
    form = None if field is None else field.vectors
    if form is None or form.algorithm == "HNSW":
        return ("EF_RUNTIME", "HYBRID_POLICY", "BATCH_SIZE", "EPSILON")
    if form.algorithm == "SVS-VAMANA":
        return (
            "SEARCH_WINDOW_SIZE", "USE_SEARCH_HISTORY", "SEARCH_BUFFER_CAPACITY",
            "HYBRID_POLICY", "BATCH_SIZE", "EPSILON",
        )
    return ("HYBRID_POLICY", "BATCH_SIZE")


def check_vector(node: Vector, definition: Definition) -> None:
    """Refuse a vector of another size than its field's.

    Raises:
        SearchError: it is so.
    """
    field = definition.field_named(node.name)
    if field is None or field.vectors is None:
        return
    wanted = field.vectors.dimension * SIZES[field.vectors.type]
    if len(node.blob) != wanted:
        raise SearchError(
            "Error parsing vector similarity query: query vector blob size "
            f"({len(node.blob)}) does not match index's expected size ({wanted})."
        )


def _double(raw: bytes) -> float | None:
    """A double as C's strtod reads the whole of it, up to a zero byte."""
    text = raw.partition(b"\0")[0].lstrip(b" \t\n\v\f\r")
    return float("nan") if _NOT_A_NUMBER(text) else parse_float(text)


def _integer(raw: bytes) -> int | None:
    """A whole number of 64 bits as C's strtoll reads the whole of it, up to a zero byte."""
    found = _INTEGER(raw.partition(b"\0")[0])
    if found is None or len(found[1].lstrip(b"+-0")) > 19:
        return None
    number = int(found[1])
    return number if INT_MIN <= number <= INT_MAX else None


def _not_numeric(raw: bytes, token: Token) -> SearchError:
    shown = raw.decode("utf-8", "surrogateescape")
    return SearchError(f"Invalid numeric value ({shown}) for parameter `{token.text[1:]}`")


def _both(one: Node | None, other: Node | None) -> Node | None:
    if one is None or other is None:
        return other if one is None else one
    if type(one) is Intersection and one.mask == -1:
        one.parts.append(other)
        return one
    return Intersection(parts=[one, other])


def _joined(one: Node | None, other: Node | None) -> Node | None:
    if one is None or other is None:
        return other if one is None else one
    if type(one) is Union and one.mask == -1:
        one.parts.append(other)
        return one
    return Union(parts=[one, other])


