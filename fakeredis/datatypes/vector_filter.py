"""The expressions of VSIM's FILTER: what they mean, and their errors.

An expression is turned into reverse Polish notation once, and is then evaluated for the attributes
of each element.  The server is odd in places, and so is this: texts that are no numbers count as 0,
lists are equal, ``not`` binds closest of all, and operators may follow their operands.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from fakeredis.datatypes.numbers import parse_float

LONGEST_NUMBER = 255


class FilterError(Exception):
    """The expression is wrong; ``near`` is what the server quotes of it."""

    def __init__(self, near: bytes) -> None:
        super().__init__(near)
        self.near = near


class Selector(NamedTuple):
    """A field of the attributes."""

    name: bytes


class Operator(NamedTuple):
    """An operator: how close it binds, of how many values, and what it does."""

    binds: int
    values: int
    run: Callable[..., Any]


# Values are floats, bytes, lists of values, and None for null.
Value = Any
_PREFIX: Final = re.compile(rb"\s*([+-]?(?:0[xX][0-9a-fA-F.]+(?:[pP][+-]?\d+)?|[0-9.]+"
                            rb"(?:[eE][+-]?\d+)?|inf(?:inity)?|nan))\Z", re.IGNORECASE)


def number_of(value: Value) -> float:
    """A value as a number; 0 where it is none."""
    if type(value) is float:
        return value
    if type(value) is bytes:
        return _number_of_text(value)
    return 0.0


def _number_of_text(text: bytes) -> float:
    found = _PREFIX.match(text)
    if found is None:
        return 0.0
    try:
        number = found[1].lower()
        return float.fromhex(number.decode()) if b"x" in number else float(number)
    except (ValueError, OverflowError):
        return 0.0


def equal(one: Value, other: Value) -> bool:
    """Texts as texts, null with null only, all else as numbers."""
    if type(one) is bytes and type(other) is bytes:
        return one == other
    if one is None or other is None:
        return one is other
    return number_of(one) == number_of(other)


def truth(value: Value) -> bool:
    """Whether a value holds: not 0, no empty text, not null; any list does."""
    if type(value) is list:
        return True
    return bool(value)


def _contains(needle: Value, stack: Value) -> bool:
    if type(stack) is list:
        return any(equal(needle, item) for item in stack)
    return type(needle) is bytes and type(stack) is bytes and needle in stack


def _divide(one: float, other: float) -> float:
    if other:
        return one / other
    negative = math.copysign(1, one) * math.copysign(1, other) < 0
    return math.nan if not one or one != one else -math.inf if negative else math.inf


def _remainder(one: float, other: float) -> float:
    return math.fmod(one, other) if other and not math.isinf(one) else math.nan


def _power(base: float, exponent: float) -> float:
    try:
        found = base**exponent
    except (OverflowError, ZeroDivisionError):
        return math.inf
    return math.nan if type(found) is complex else float(found)


def _calculated(run: Callable[[float, float], float]) -> Callable[[Value, Value], Value]:
    return lambda one, other: float(run(number_of(one), number_of(other)))


_OR: Final = Operator(0, 2, lambda one, other: float(truth(one) or truth(other)))
_AND: Final = Operator(1, 2, lambda one, other: float(truth(one) and truth(other)))
_NOT: Final = Operator(6, 1, lambda value: float(not truth(value)))
_POWER: Final = Operator(5, 2, _calculated(_power))
_OPEN: Final = Operator(-1, 0, lambda: None)
_CLOSE: Final = Operator(-2, 0, lambda: None)

_OPERATORS: Final[dict[bytes, Operator]] = {
    b"(": _OPEN, b")": _CLOSE, b"or": _OR, b"||": _OR, b"and": _AND, b"&&": _AND,
    b">": Operator(2, 2, _calculated(lambda one, other: one > other)),
    b">=": Operator(2, 2, _calculated(lambda one, other: one >= other)),
    b"<": Operator(2, 2, _calculated(lambda one, other: one < other)),
    b"<=": Operator(2, 2, _calculated(lambda one, other: one <= other)),
    b"==": Operator(2, 2, lambda one, other: float(equal(one, other))),
    b"!=": Operator(2, 2, lambda one, other: float(not equal(one, other))),
    b"in": Operator(2, 2, lambda one, other: float(_contains(one, other))),
    b"+": Operator(3, 2, _calculated(lambda one, other: one + other)),
    b"-": Operator(3, 2, _calculated(lambda one, other: one - other)),
    b"*": Operator(4, 2, _calculated(lambda one, other: one * other)),
    b"/": Operator(4, 2, _calculated(_divide)),
    b"%": Operator(4, 2, _calculated(_remainder)),
    b"**": _POWER, b"not": _NOT, b"!": _NOT,
}

_SPACE: Final = re.compile(rb"[ \t\n\v\f\r]*")
_NUMBER: Final = re.compile(rb"-?[0-9][0-9.eE]*")
_STRING: Final = re.compile(rb"""(["'])((?:\\.|(?!\1)[^\\])*)\1""", re.DOTALL)
_FIELD: Final = re.compile(rb"\.([A-Za-z0-9_-]*)")
_WORD: Final = re.compile(rb"[A-Za-z+*/%<>=!&|()-]+")


# Reading ------------------------------------------------------------------------------------------


class _Reader:
    """Takes an expression apart."""

    __slots__ = ("at", "end", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text.partition(b"\0")[0]
        self.end = len(text)
        self.at = 0

    def fail(self, at: int) -> FilterError:
        """The error at a place; at the end all of the expression is quoted."""
        return FilterError(self.text[at:] if at < self.end else self.text)

    def skip_space(self) -> bool:
        """Go on to what comes next; whether there is anything."""
        found = _SPACE.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return self.at < len(self.text)

    def number(self) -> float | None:
        """The number here, if there is one."""
        found = _NUMBER.match(self.text, self.at)
        if found is None:
            return None
        word = found[0]
        end = self.at + min(len(word), LONGEST_NUMBER)
        try:
            value = float(word)
        except ValueError:
            raise self.fail(end) from None
        if len(word) > LONGEST_NUMBER:
            raise self.fail(end)
        self.at = end
        return value

    def string(self) -> bytes | None:
        """The text in quotes here, if there is one; what is escaped in it stays so."""
        if self.text[self.at] not in b"\"'":
            return None
        found = _STRING.match(self.text, self.at)
        if found is None:
            raise self.fail(len(self.text))
        self.at = found.end()
        return found[2]

    def field(self) -> Selector | None:
        """The field here, if there is one; nothing may stand behind a lone dot."""
        found = _FIELD.match(self.text, self.at)
        if found is None:
            return None
        if not found[1] and found.end() < len(self.text):
            raise self.fail(self.at)
        self.at = found.end()
        return Selector(found[1])

    def list(self) -> list[Value]:
        """The list here, whose bracket is already behind."""
        items: list[Value] = []
        while True:
            if not self.skip_space():
                raise self.fail(self.at)
            if self.text[self.at] == 0x5D:
                self.at += 1
                return items
            items.append(self._item())
            if not self.skip_space():
                raise self.fail(self.at)
            if self.text[self.at] == 0x2C:
                self.at += 1
            elif self.text[self.at] != 0x5D:
                raise self.fail(self.at)

    def _item(self) -> Value:
        if self.text.startswith(b"-", self.at) and _NUMBER.match(self.text, self.at) is None:
            raise self.fail(self.at + 1)
        value: Value = self.string()
        if value is None:
            value = self.number()
        if value is None:
            raise self.fail(self.at)
        return value

    def word(self) -> Operator | None:
        """The operator here, or None for null."""
        found = _WORD.match(self.text, self.at)
        if found is None:
            raise self.fail(self.at)
        if found[0] == b"null":
            self.at = found.end()
            return None
        for length in (3, 2, 1):
            operator = _OPERATORS.get(found[0][:length])
            if operator is not None and length <= len(found[0]):
                self.at += length
                return operator
        raise self.fail(found.end())


_BRACKET = 0x5B
_MINUS = 0x2D


def _tokens(text: bytes) -> list[Any]:
    """The parts of an expression."""
    reader = _Reader(text)
    tokens: list[Any] = []
    while reader.skip_space():
        tokens.append(_token(reader, bool(tokens) and _is_value(tokens[-1])))
    return tokens


def _is_value(token: Any) -> bool:
    """Whether a minus behind it subtracts, and is not a number's sign."""
    return type(token) is not Operator or token is _CLOSE


def _token(reader: _Reader, after_value: bool) -> Any:
    first = reader.text[reader.at]
    if first == _BRACKET:
        reader.at += 1
        return reader.list()
    token: Any = None
    if not (first == _MINUS and after_value):
        token = reader.number()
    if token is None:
        token = reader.string()
    if token is None:
        token = reader.field()
    return reader.word() if token is None else token


# Compiling and evaluating -----------------------------------------------------------------------


class _Program:
    """An expression in reverse Polish notation, put together step by step."""

    __slots__ = ("depth", "steps", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.steps: list[Any] = []
        self.depth = 0  # how many values there would be

    def put(self, token: Any) -> None:
        """Add a value, or an operator whose values must be there."""
        if type(token) is Operator:
            if self.depth < token.values:
                raise FilterError(self.text)
            self.depth -= token.values
        self.depth += 1
        self.steps.append(token)

    def close(self, waiting: list[Operator]) -> None:
        """Add the operators back to the opening parenthesis."""
        while waiting:
            operator = waiting.pop()
            if operator is _OPEN:
                return
            self.put(operator)
        raise FilterError(self.text)

    def wait(self, operator: Operator, waiting: list[Operator]) -> None:
        """Add the operators that bind closer than one that comes behind them."""
        while waiting and waiting[-1] is not _OPEN:
            closer = waiting[-1].binds - operator.binds
            if closer < 0 or (closer == 0 and operator is _POWER):
                break
            self.put(waiting.pop())
        waiting.append(operator)


def compiled(expression: bytes) -> Callable[[bytes], bool]:
    """The function from an element's attributes to whether they pass.

    Raises:
        FilterError: the expression is wrong.
    """
    text = expression.partition(b"\0")[0]
    program = _Program(text)
    waiting: list[Operator] = []
    for token in _tokens(expression):
        if token is _CLOSE:
            program.close(waiting)
        elif token is _OPEN:
            waiting.append(token)
        elif type(token) is Operator:
            program.wait(token, waiting)
        else:
            program.put(token)
    while waiting:
        operator = waiting.pop()
        if operator is _OPEN:
            raise FilterError(text)
        program.put(operator)
    if program.depth != 1:
        raise FilterError(text)
    return lambda attributes: _passes(program.steps, attributes)


def _passes(steps: list[Any], attributes: bytes) -> bool:
    """Evaluate; a field that is missing lets nothing pass, wherever it stands."""
    stack: list[Value] = []
    for step in steps:
        if type(step) is Selector:
            found, value = field_of(attributes, step.name)
            if not found:
                return False
            stack.append(value)
        elif type(step) is Operator:
            values = stack[-step.values :]
            del stack[-step.values :]
            stack.append(step.run(*values))
        else:
            stack.append(step)
    return truth(stack[0])


# Attributes ---------------------------------------------------------------------------------------

_MISSING: Final = (False, None)
_JSON_STRING: Final = re.compile(rb'"((?:\\.|[^"\\])*)"', re.DOTALL)
_JSON_NUMBER: Final = re.compile(rb"[0-9+-][0-9.eE+-]*")
_JSON_WORD: Final = re.compile(rb"(true|false|null)(?![A-Za-z0-9_])")
_ESCAPE: Final = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPED: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_WORDS: Final = {b"true": 1.0, b"false": 0.0, b"null": None}
_OPENING: Final = {0x7B: (b"{", b"}"), 0x5B: (b"[", b"]")}


class _BadJson(Exception):
    """What is read is no value that a filter knows."""


def field_of(text: bytes, name: bytes) -> tuple[bool, Value]:
    """Whether a JSON object has a field that filters understand, and its value.

    No more of the text is read than is needed, and that leniently: as the server does it.
    """
    text = text.partition(b"\0")[0]
    try:
        return _field(_Json(text), name)
    except (_BadJson, IndexError):
        return _MISSING


def _field(json: _Json, name: bytes) -> tuple[bool, Value]:
    json.expect(b"{")
    while True:
        if json.peek() != 0x22:
            return _MISSING
        key = json.raw_string()
        json.expect(b":")
        if key == name:
            return True, json.value()
        json.skip_value()
        json.expect(b",")


class _Json:
    """Reads JSON from left to right."""

    __slots__ = ("at", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.at = 0

    def peek(self) -> int:
        """The next byte that is no space."""
        found = _SPACE.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return self.text[self.at]

    def expect(self, letter: bytes) -> None:
        """Go beyond a letter that must be there."""
        if self.peek() != letter[0]:
            raise _BadJson
        self.at += 1

    def take(self, pattern: re.Pattern[bytes]) -> re.Match[bytes]:
        """Go beyond what must match."""
        found = pattern.match(self.text, self.at)
        if found is None:
            raise _BadJson
        self.at = found.end()
        return found

    def raw_string(self) -> bytes:
        """A text with its escapes."""
        return self.take(_JSON_STRING)[1]

    def value(self) -> Value:
        """A number, a text, true, false, null, or a list of these."""
        first = self.peek()
        if first == 0x22:
            return _ESCAPE.sub(_unescaped, self.raw_string())
        if first == 0x5B:
            return self._list()
        if first in b"tfn":
            return _WORDS[self.take(_JSON_WORD)[1]]
        number = parse_float(self.take(_JSON_NUMBER)[0])
        if number is None:
            raise _BadJson
        return number

    def _list(self) -> list[Value]:
        self.at += 1
        items: list[Value] = []
        if self.peek() == 0x5D:
            self.at += 1
            return items
        while True:
            items.append(self.value())
            if self.peek() == 0x5D:
                self.at += 1
                return items
            self.expect(b",")

    def skip_value(self) -> None:
        """Go beyond a value of any kind."""
        first = self.peek()
        if first == 0x22:
            self.raw_string()
        elif first in _OPENING:
            self._skip_nested(*_OPENING[first])
        elif first in b"tfn":
            self.take(_JSON_WORD)
        else:
            self.take(_JSON_NUMBER)

    def _skip_nested(self, opening: bytes, closing: bytes) -> None:
        """Go beyond the bracket that closes this one; those of other kinds are not looked at."""
        depth = 0
        while True:
            here = self.text[self.at : self.at + 1]
            if here == b'"':
                self.raw_string()
                continue
            self.at += 1
            if not here:
                raise _BadJson
            depth += (here == opening) - (here == closing)
            if not depth:
                return


def _unescaped(found: re.Match[bytes]) -> bytes:
    return _ESCAPED.get(found[1], found[1])
