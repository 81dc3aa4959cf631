"""Arguments taken apart by their command's form: order counts only where it means something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fakeredis.engine.command.form import Element, Option
from fakeredis.spy import known
from fakeredis.spy.values import EncodedText, to_text, to_wire

__all__ = ["Parsed", "Part", "Unit", "parse"]

ORDERED, BAG, OPTIONS = "ordered", "bag", "options"


class Unit(NamedTuple):
    """Arguments that belong together, with their places as sent, counted from 1."""

    token: str
    values: tuple[object, ...]
    places: tuple[int, ...]  # one for each value
    start: int  # the token's, or the first value's


class Part(NamedTuple):
    """Units of one element of the form."""

    kind: str
    units: list[Unit]


class Parsed(NamedTuple):
    """Arguments taken apart."""

    parts: list[Part]


def parse(name: str, args: Sequence[object]) -> tuple[str, Parsed]:
    """Canonical name, and the arguments taken apart."""
    alias = known.same_as(name)
    if alias is not None:
        name = alias[0]
        args = [*args, *alias[1]]
    return name, _Parser(known.form_of(name), args).run()


class _Parser:
    """One walk along a form and the arguments."""

    def __init__(self, form: tuple[Element, ...], args: Sequence[object]) -> None:
        self.form = form
        self.args = args
        self.at = 0
        self.counted = 0

    def run(self) -> Parsed:
        parts = []
        for index, element in enumerate(self.form):
            follow = self.form[index + 1 : index + 2]
            stop = follow[0].options if follow and follow[0].kind == "options" else {}
            parts.append(self._part(element, stop))
        parts.append(Part(ORDERED, self._groups(("extra",), len(self.args))))
        return Parsed(parts)

    def _part(self, element: Element, stop: dict[str, Option]) -> Part:
        if element.kind == "options":
            return Part(OPTIONS, self._options(element.options))
        if element.kind == "one":
            return Part(ORDERED, self._groups(element.words, self.at + 1))
        if element.kind == "many":
            units = self._groups(element.words, self._end(stop))
            return Part(_kind(element, units), units)
        if element.kind == "counted":
            return self._counted(element)
        return Part(ORDERED, self._streams())

    def _end(self, stop: dict[str, Option]) -> int:
        end = self.at
        while end < len(self.args) and _token(self.args[end]) not in stop:
            end += 1
        return end

    def _groups(self, words: tuple[str, ...], end: int) -> list[Unit]:
        units = []
        end = min(end, len(self.args))
        while self.at < end:
            units.append(self._take("", words[: end - self.at]))
        return units

    def _take(self, token: str, words: Sequence[str]) -> Unit:
        """The next arguments as a unit, one for each word there is one left for."""
        values = []
        start = self.at
        for word in words[: len(self.args) - start]:
            value = self.args[self.at]
            self.at += 1
            values.append(_upper(value) if word[0] == "^" else value)
        return Unit(token, tuple(values), tuple(range(start + 1, self.at + 1)), start + 1)

    def _counted(self, element: Element) -> Part:
        if self.at >= len(self.args):
            return Part(ORDERED, [])
        count = _int(self.args[self.at])
        if count is None:
            return Part(ORDERED, self._groups(("extra",), len(self.args)))
        head = self._take("count", ("count",))
        self.counted = count
        units = self._groups(element.words, self.at + count * len(element.words))
        # The count is the number of units, so nothing is lost when it is not compared in a bag.
        return Part(_kind(element, units), [head, *units])

    def _options(self, options: dict[str, Option]) -> list[Unit]:
        units = []
        while self.at < len(self.args):
            token = _token(self.args[self.at])
            if token not in options:
                break
            units.append(self._one_option(token, options[token]))
        return units

    def _one_option(self, token: str, option: Option) -> Unit:
        start = self.at
        self.at += 1
        values = list(self._take(token, self._words(option.values)).values)
        if option.values == "trim":
            values = [value for value in values if to_wire(value) != b"="]
        if option.follow and self.at < len(self.args):
            if _token(self.args[self.at]) == option.follow:
                values.append(EncodedText(option.follow))
                self.at += 1
        dropped = self.at - start - len(values)
        places = tuple(range(start + 1 + dropped, self.at + 1))
        return Unit(token, tuple(values), places or (start + 1,), start + 1)

    def _words(self, values: str) -> tuple[str, ...]:
        left = self.args[self.at :]
        if values in ("key", "keys"):
            return ("key",) * (1 if values == "key" else len(left))
        if values == "numkeys":
            return ("value",) * self.counted
        if values == "rest":
            return ("value",) * len(left)
        if values == "trim":
            return ("value",) * _trim_length(left)
        if values.startswith("#"):
            count = (_int(left[0]) if left else None) or 0
            return ("count",) + ("value",) * (count * int(values[1:]))
        return ("value",) * int(values)

    def _streams(self) -> list[Unit]:
        left = len(self.args) - self.at
        if not left or _token(self.args[self.at]) != "STREAMS":
            return []
        return [self._take("", (word,)) for word in ("^word", *("key",) * (left - 1))]


def _kind(element: Element, units: list[Unit]) -> str:
    """Whether order counts: it does, too, where one field is given twice."""
    if element.ordered:
        return ORDERED
    if len(element.words) > 1:
        # Fields stand first in their groups, members of sorted sets last.
        at = -1 if element.words[-1] == "member" else 0
        sent = [to_wire(unit.values[at]) for unit in units]
        known = [field for field in sent if field is not None]
        if len(set(known)) < len(known):
            return ORDERED
    return BAG


def _token(value: object) -> str:
    data = to_wire(value)
    return "" if data is None else data.decode("utf-8", "surrogateescape").upper()


def _upper(value: object) -> object:
    data = to_wire(value)
    return value if data is None else to_text(data.upper())


def _int(value: object) -> int | None:
    data = to_wire(value)
    return int(data) if data is not None and data.isdigit() else None


def _trim_length(left: Sequence[object]) -> int:
    """Length of ``[=|~] threshold [LIMIT count]``."""
    length = 2 if left and _token(left[0]) in ("=", "~") else 1
    return length + 2 if len(left) > length and _token(left[length]) == "LIMIT" else length
