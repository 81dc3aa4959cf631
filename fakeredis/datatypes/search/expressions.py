"""The expressions of APPLY and FILTER, made into functions of a row."""

from __future__ import annotations

import calendar
import math
import re
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from fakeredis.datatypes.geohash import distance
from fakeredis.datatypes.search.errors import SearchError
from fakeredis.datatypes.search.index import place_of
from fakeredis.datatypes.search.times import parse_time
from fakeredis.datatypes.search.values import compare, is_true, number_of, shown

__all__ = ["TERMS", "Expression", "Row", "compiled"]

Row = Mapping[bytes, Any]
Evaluate = Callable[[Row], Any]

_TOKENS: Final = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<string>\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')"
    r"|(?P<property>@(?:\\.|[A-Za-z0-9_$]|[^\x00-\x7f])+)"
    r"|(?P<symbol>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/%^<>!(),])"
    r"|(?P<other>.)",
    re.DOTALL,
)
_COMPARISONS: Final[dict[str, Callable[[int], bool]]] = {
    "==": lambda order: order == 0, "!=": lambda order: order != 0,
    "<": lambda order: order < 0, "<=": lambda order: order <= 0,
    ">": lambda order: order > 0, ">=": lambda order: order >= 0,
}
TERMS: Final = b"\0terms"  # under which a row knows what the query found in its document
_MOST_TERMS: Final = 100  # that are shown where nobody says how many
_DEEP: Final = 200
_LONGEST_TIME: Final = 1024  # bytes of what timefmt makes, and a zero


class Expression(NamedTuple):
    """An expression.

    Args:
        evaluate: gives its value for a row; raises `SearchError` where there is none.
        names: of the row's values that it looks at.
        kind: what FT.PROFILE calls it, by what is done last.
        asks_terms: whether it looks at `TERMS`.
    """

    evaluate: Evaluate
    names: tuple[bytes, ...]
    kind: str = ""
    asks_terms: bool = False


class _Token(NamedTuple):
    kind: str
    text: str
    at: int
    near: str


@lru_cache(maxsize=512)
def compiled(raw: bytes) -> Expression:
    """The expression that a text means.

    Raises:
        SearchError: it means none.
    """
    parser = _Parser(raw.decode("utf-8", "surrogateescape"))
    evaluate = parser.parse()
    names = tuple(dict.fromkeys(parser.names))
    return Expression(evaluate, names, parser.kind, parser.asks_terms)


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[_Token] = []
        self.names: list[bytes] = []
        self.kind = ""  # of what was read last
        self.asks_terms = False
        self.depth = 0
        near = ""
        for found in _TOKENS.finditer(text):
            kind, word = found.lastgroup or "", found.group()
            if kind == "space":
                continue
            if kind in ("number", "symbol"):
                near = word
            elif kind == "property":
                near = word[1:]
            elif kind == "string":
                near = word[1:-1]
            self.tokens.append(_Token(word if kind == "sign" else kind, word, found.start(), near))
        last = self.tokens[-1] if self.tokens else _Token("", "", 0, "")
        self.tokens.append(_Token("end", "", last.at, last.near))
        self.at = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.at]

    def _next(self) -> _Token:
        token = self.tokens[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def _wrong(self) -> SearchError:
        token = self.token
        return SearchError(f"Syntax error at offset {token.at} near '{token.near}'")

    def parse(self) -> Evaluate:
        found = self._either()
        if self.token.kind != "end":
            raise self._wrong()
        return found

    def _either(self) -> Evaluate:
        left = self._all()
        while self.token.kind == "||":
            self._next()
            left = _logical(left, self._all(), True)
            self.kind = "Predicate ||"
        return left

    def _all(self) -> Evaluate:
        left = self._negated()
        while self.token.kind == "&&":
            self._next()
            left = _logical(left, self._negated(), False)
            self.kind = "Predicate &&"
        return left

    def _negated(self) -> Evaluate:
        if self.token.kind != "!":
            return self._comparison()
        self._next()
        inner = self._negated()
        self.kind = "Inverted"
        return lambda row: float(not is_true(inner(row)))

    def _comparison(self) -> Evaluate:
        left = self._sum()
        while self.token.kind in _COMPARISONS:
            operator = self._next().kind
            left = _compared(left, self._negated_sum(), operator)
            self.kind = f"Predicate {operator}"
        return left

    def _negated_sum(self) -> Evaluate:
        return self._negated() if self.token.kind == "!" else self._sum()

    def _sum(self) -> Evaluate:
        left = self._product()
        while self.token.kind in ("+", "-"):
            operator = self._next().kind
            left = _arithmetic(left, self._product(), operator)
            self.kind = f"Operator {operator}"
        return left

    def _product(self) -> Evaluate:
        left = self._power()
        while self.token.kind in ("*", "/", "%"):
            operator = self._next().kind
            left = _arithmetic(left, self._power(), operator)
            self.kind = f"Operator {operator}"
        return left

    def _power(self) -> Evaluate:
        left = self._one()
        while self.token.kind == "^":
            self._next()
            left = _arithmetic(left, self._one(), "^")
            self.kind = "Operator ^"
        return left

    def _one(self) -> Evaluate:
        self.depth += 1
        if self.depth > _DEEP:
            raise self._wrong()
        try:
            return self._value()
        finally:
            self.depth -= 1

    def _value(self) -> Evaluate:
        token = self.token
        kind = token.kind
        if kind == "(":
            self._next()
            inner = self._either()
            if self.token.kind != ")":
                raise self._wrong()
            self._next()
            return inner
        if kind == "-":
            self._next()
            if self.token.kind != "number":
                raise self._wrong()
            negated = -float(self._next().text)
            self.kind = f"Literal {negated:g}"
            return lambda row: negated
        if kind == "number":
            self._next()
            number = float(token.text)
            self.kind = f"Literal {number:g}"
            return lambda row: number
        if kind == "string":
            self._next()
            text = re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)
            raw = text.encode("utf-8", "surrogateescape")
            self.kind = f"Literal {text}"
            return lambda row: raw
        if kind == "property":
            self._next()
            return self._property(token)
        if kind == "symbol":
            self._next()
            return self._symbol(token)
        raise self._wrong()

    def _property(self, token: _Token) -> Evaluate:
        text = re.sub(r"\\(.)", r"\1", token.text[1:], flags=re.DOTALL)
        name = text.encode("utf-8", "surrogateescape")
        self.names.append(name)
        self.kind = f"Property {text}"

        def look(row: Row) -> Any:
            try:
                return row[name]
            except KeyError:
                raise SearchError(
                    f"{text}: has no value, consider using EXISTS if applicable"
                ) from None

        return look

    def _symbol(self, token: _Token) -> Evaluate:
        if self.token.kind != "(":
            if token.text == "NULL":
                return lambda row: None
            if self.at >= 2 and self.tokens[self.at - 2].kind in ("&&", "||"):
                raise SearchError("Missing (or badly formatted) value for expr->pred.right")
            raise SearchError(f"Unknown symbol '{token.text}'")
        self._next()
        arguments: list[Evaluate] = []
        first = self.token
        while self.token.kind != ")":
            arguments.append(self._either())
            if self.token.kind == ",":
                self._next()
                if self.token.kind == ")":
                    raise self._wrong()
            elif self.token.kind != ")":
                raise self._wrong()
        self._next()
        name = token.text.lower()
        self.kind = f"Function {name}"
        if name == "exists" and first.kind == "property" and len(arguments) == 1:
            return lambda row: float(self._is_there(arguments[0], row))
        if name == "matched_terms":
            self.asks_terms = True
            return lambda row: _matched_terms(row, [argument(row) for argument in arguments])
        known = _FUNCTIONS.get(name)
        if known is None:
            raise SearchError(f"Unknown function name '{token.text}'")
        function, low, high = known
        if not low <= len(arguments) <= high:
            raise SearchError(f"Invalid number of arguments for {token.text}")
        return lambda row: function(*[argument(row) for argument in arguments])

    @staticmethod
    def _is_there(argument: Evaluate, row: Row) -> bool:
        try:
            return argument(row) is not None
        except SearchError:
            return False


def _matched_terms(row: Row, arguments: list[Any]) -> Any:
    asked = number_of(arguments[0]) if len(arguments) == 1 else None
    most = _MOST_TERMS if asked is None or not 1 <= asked < math.inf else int(asked)
    return row.get(TERMS, [])[:most] or None


def _logical(left: Evaluate, right: Evaluate, either: bool) -> Evaluate:
    def evaluate(row: Row) -> Any:
        if is_true(left(row)) is either:
            return float(either)
        return float(is_true(right(row)))

    return evaluate


def _compared(left: Evaluate, right: Evaluate, operator: str) -> Evaluate:
    test = _COMPARISONS[operator]

    def evaluate(row: Row) -> Any:
        one, other = left(row), right(row)
        if one is None or other is None:
            return float(test(compare(one, other)))
        equal = operator in ("==", "!=")
        return float(test(compare(one, other, lenient=equal)))

    return evaluate


def _arithmetic(left: Evaluate, right: Evaluate, operator: str) -> Evaluate:
    function = _ARITHMETIC[operator]

    def evaluate(row: Row) -> Any:
        one, other = left(row), right(row)
        first, second = number_of(one), number_of(other)
        if first is None or second is None:
            raise SearchError("Could not convert value to a number")
        return function(first, second)

    return evaluate


def _quotient(one: float, other: float) -> float:
    return one / other if other else math.nan


def _remainder(one: float, other: float) -> float:
    if not other or math.isnan(one) or math.isnan(other) or math.isinf(one) or not int(other):
        return math.nan
    return math.fmod(int(one), int(other) if not math.isinf(other) else other)


def _power_of(one: float, other: float) -> float:
    try:
        return math.pow(one, other)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan


_ARITHMETIC: Final[dict[str, Callable[[float, float], float]]] = {
    "+": lambda one, other: one + other, "-": lambda one, other: one - other,
    "*": lambda one, other: one * other, "/": _quotient, "%": _remainder, "^": _power_of,
}


# Functions --------------------------------------------------------------------------------------


def _mathematical(function: Callable[[float], float]) -> Callable[[Any], Any]:
    def apply(value: Any) -> Any:
        number = number_of(value)
        if number is None:
            return math.nan
        try:
            return float(function(number))
        except OverflowError:
            return math.inf
        except ValueError:
            return -math.nan

    return apply


def _logarithm(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda number: -math.inf if number == 0 else function(number)


def _rounded(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda number: float(function(number)) if math.isfinite(number) else number


def _string(value: Any, at: int, name: str, shown_at: int | None = None) -> bytes:
    """A string that is a function's argument.

    Args:
        shown_at: what the error says of the place, where that is always the same.
    """
    if type(value) is bytes:
        return value
    place = at if shown_at is None else shown_at
    raise _wrong_type(value, at, name, f"VALIDATE_ARG__STRING(v, {place})")


def _wrong_type(value: Any, at: int, name: str, check: str) -> SearchError:
    kind = {float: 1, bytes: 3, list: 6}.get(type(value), 4)
    return SearchError(
        f"Invalid type ({kind}) for argument {at} in function '{name}'. {check} was false."
    )


def _cased(up: bool) -> Callable[[Any], Any]:
    def apply(value: Any) -> Any:
        if type(value) is not bytes:
            return None
        return value.upper() if up else value.lower()

    return apply


def _startswith(text: Any, prefix: Any) -> Any:
    whole, start = _string(text, 0, "startswith"), _string(prefix, 1, "startswith")
    return float(whole.startswith(start))


def _contains(text: Any, part: Any) -> Any:
    whole, wanted = _string(text, 0, "contains"), _string(part, 1, "contains")
    return float(whole.count(wanted))


def _substr(text: Any, start: Any, count: Any) -> Any:
    for at, value in ((1, start), (2, count)):
        if type(value) is not float:
            raise _wrong_type(value, at, "substr", "VALIDATE_ARG__TYPE(v, RSValue_Number)")
    if type(text) is not bytes:
        raise SearchError("Invalid type for substr. Expected string")
    whole, begin, size = text, _whole_number(start), _whole_number(count)
    if begin < 0:
        begin = max(0, len(whole) + begin)
    begin = min(begin, len(whole))
    end = len(whole) + size if size < 0 else begin + size
    return whole[begin:max(begin, min(end, len(whole)))]


def _whole_number(number: float) -> int:
    """A double as the machine turns it into a number of 32 bits."""
    whole = int(number) if math.isfinite(number) else -(1 << 31)
    return whole if -(1 << 31) <= whole < 1 << 31 else -(1 << 31)


def _strlen(text: Any) -> Any:
    return float(len(_string(text, 0, "strlen")))


def _format(form: Any, *values: Any) -> Any:
    text = _string(form, 0, "format")
    left = iter(values)

    def filled(found: re.Match[bytes]) -> bytes:
        kind = found.group(1)
        if kind == b"%":
            return b"%"
        if kind != b"s":
            raise SearchError(
                "Unknown format specifier passed" if kind else "Bad format string!"
            )
        try:
            value = next(left)
        except StopIteration:
            raise SearchError("Not enough arguments for format") from None
        if value is None:
            return b"(null)"
        if type(value) is list:
            return b", ".join(bytes(shown(each)) for each in value)
        return bytes(shown(value))

    return re.sub(rb"%(.?)", filled, text, flags=re.DOTALL)


def _split(text: Any, separators: Any = b",", strip: Any = b" ") -> Any:
    whole, marks, edges = (
        _string(value, at, "split", 0) for at, value in enumerate((text, separators, strip))
    )
    marks, edges = marks.partition(b"\0")[0], edges.partition(b"\0")[0]
    pieces = re.split(b"[" + re.escape(marks) + b"]", whole) if marks else [whole]
    return [piece.strip(edges) for piece in pieces if piece]


def _moment(value: Any) -> int | None:
    number = number_of(value)
    if number is None or not math.isfinite(number) or not 0 <= number < 1 << 40:
        return None
    return int(number)


def _timefmt(value: Any, form: Any = b"%FT%TZ") -> Any:
    if type(form) is not bytes:
        raise _wrong_type(form, 1, "time", "VALIDATE_ARG__TYPE(v, RSValue_String)")
    moment = _moment(value)
    if moment is None:
        return None
    found = time.strftime(_time_form(form), time.gmtime(moment)).encode("latin-1", "replace")
    return found if 0 < len(found) < _LONGEST_TIME else None


def _parsetime(text: Any, form: Any = b"%FT%TZ") -> Any:
    said, pattern = (
        _string(value, at, "parsetime", 0).partition(b"\0")[0].decode("latin-1")
        for at, value in enumerate((text, form))
    )
    return parse_time(said, pattern)


def _time_form(form: bytes) -> str:
    """A form of times for this process's functions, each byte a character."""
    text = form.partition(b"\0")[0].decode("latin-1")
    return text.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S")


def _down_to(step: int) -> Callable[[Any], Any]:
    def apply(value: Any) -> Any:
        moment = _moment(value)
        return None if moment is None else float(moment - moment % step)

    return apply


def _calendar(part: Callable[[time.struct_time], int]) -> Callable[[Any], Any]:
    def apply(value: Any) -> Any:
        moment = _moment(value)
        return None if moment is None else float(part(time.gmtime(moment)))

    return apply


def _month(value: Any) -> Any:
    moment = _moment(value)
    if moment is None:
        return None
    date = time.gmtime(moment)
    return float(calendar.timegm((date.tm_year, date.tm_mon, 1, 0, 0, 0)))


def _geodistance(*values: Any) -> Any:
    places: list[float] = []
    for value in values:
        if type(value) is bytes and len(places) % 2 == 0 and b"," in value:
            try:
                places += place_of(value)
            except SearchError:
                return math.nan
        else:
            number = number_of(value)
            if number is None:
                return math.nan
            places.append(number)
    if len(places) != 4:
        raise SearchError("Invalid number of arguments for geodistance")
    metres = distance(places[0], places[1], (places[2], places[3]))
    return round(metres * 100) / 100


def _to_number(value: Any) -> Any:
    number = number_of(value)
    if number is None:
        text = value.decode("utf-8", "surrogateescape") if type(value) is bytes else ""
        raise SearchError(f"to_number: cannot convert string '{text}'")
    return number


_FUNCTIONS: Final[dict[str, tuple[Callable[..., Any], int, int]]] = {
    "log": (_mathematical(_logarithm(math.log)), 1, 1),
    "log2": (_mathematical(_logarithm(math.log2)), 1, 1),
    "exp": (_mathematical(math.exp), 1, 1),
    "abs": (_mathematical(abs), 1, 1),
    "floor": (_mathematical(_rounded(math.floor)), 1, 1),
    "ceil": (_mathematical(_rounded(math.ceil)), 1, 1),
    "sqrt": (_mathematical(math.sqrt), 1, 1),
    "upper": (_cased(True), 1, 1),
    "lower": (_cased(False), 1, 1),
    "startswith": (_startswith, 2, 2),
    "contains": (_contains, 2, 2),
    "substr": (_substr, 3, 3),
    "strlen": (_strlen, 1, 1),
    "format": (_format, 1, 256),
    "split": (_split, 1, 3),
    "timefmt": (_timefmt, 1, 2),
    "parsetime": (_parsetime, 2, 2),
    "minute": (_down_to(60), 1, 1),
    "hour": (_down_to(3600), 1, 1),
    "day": (_down_to(86400), 1, 1),
    "month": (_month, 1, 1),
    "monthofyear": (_calendar(lambda date: date.tm_mon - 1), 1, 1),
    "dayofweek": (_calendar(lambda date: (date.tm_wday + 1) % 7), 1, 1),
    "dayofmonth": (_calendar(lambda date: date.tm_mday), 1, 1),
    "dayofyear": (_calendar(lambda date: date.tm_yday - 1), 1, 1),
    "year": (_calendar(lambda date: date.tm_year), 1, 1),
    "geodistance": (_geodistance, 2, 4),
    "exists": (lambda value: float(value is not None), 1, 1),
    "to_number": (_to_number, 1, 1),
    "to_str": (shown, 1, 1),
}
