"""The words in which a command declares its arguments, and the parser made from them.

A declaration is a row of positional arguments (`Key`, `Raw`, `Int`, ``Optional(...)``), then
options in any order (`Flag`, `Option`, `OneOf`), then at most one repeated tail (`Many`, `Rest`).
The handler is called with ``ctx``, one value for each positional argument, one for each option
(None when it was not given), and the tail as a list.

What the server parses before it looks at the key is declared with a type; what it parses later
stays `Raw` and is converted by the handler at that point: the order of failures is behaviour.
Options that the server parses later are a class of their own: `fakeredis.engine.command.options`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, Protocol

from fakeredis import errors
from fakeredis.datatypes.numbers import parse_float, parse_int, parse_long_double
from fakeredis.engine.core.profiles import Profile, Since
from fakeredis.errors import CommandError

Args = Sequence[bytes]
Convert = Callable[[bytes], Any]
Parse = Callable[[Args], Sequence[Any]]

UNLIMITED: Final = 1 << 31
ALWAYS: Final = "0.0.0"


def word_of(raw: bytes) -> bytes:
    """A word as the server compares it: in capitals, and only up to a zero byte."""
    return raw.partition(b"\0")[0].upper()


@dataclass(frozen=True)
class Argument:
    """One positional argument.

    ``convert`` is None where the bytes pass untouched; ``access`` is what the command does to a
    key, see `Key`; ``kind`` is what COMMAND DOCS says that it is, and ``called`` how it calls it
    behind a word, see `fakeredis.engine.command.shown`.
    """

    convert: Convert | None = None
    is_key: bool = False
    optional: bool = False
    introduced: Since = ALWAYS
    access: str = ""
    kind: str = ""
    called: str = ""

    def named(self, name: str) -> Argument:
        """A copy for the value behind a word, with its name in COMMAND DOCS (``count:integer``)."""
        return replace(self, called=name)

    def since(self, version: Since) -> Argument:
        """A copy that is known only to servers from ``version`` on."""
        return replace(self, introduced=version)


def integer(
    low: int = -(1 << 63), high: int = (1 << 63) - 1, error: str = errors.NOT_INTEGER,
    range_error: str | None = None,
) -> Argument:
    """An integer argument between ``low`` and ``high``.

    ``error`` answers what is no integer, ``range_error`` (default: the same) one out of range.
    """

    def convert(raw: bytes) -> int:
        value = parse_int(raw)
        if value is None:
            raise CommandError(error)
        if not low <= value <= high:
            raise CommandError(range_error or error)
        return value

    return Argument(convert, kind="integer")


def _float(raw: bytes) -> float:
    value = parse_float(raw)
    if value is None:
        raise CommandError(errors.NOT_FLOAT)
    return value


# A timeout must not lead beyond what fits from now on: from some time in the past is near enough.
_LONGEST_WAIT: Final = (1 << 63) - 1 - 1_700_000_000_000


def _timeout(raw: bytes) -> int:
    """A blocking command's timeout in seconds, as milliseconds, rounded up; 0 waits for ever."""
    value = parse_long_double(raw)
    if value is None:
        raise CommandError(errors.TIMEOUT_NOT_FLOAT)
    mantissa, exponent = value
    if exponent > 0:
        milliseconds = mantissa * 1000 << min(exponent, 64)
    else:
        milliseconds = -(-mantissa * 1000 >> -exponent)
    if milliseconds > _LONGEST_WAIT:
        raise CommandError(errors.TIMEOUT_OUT_OF_RANGE)
    if milliseconds < 0:
        raise CommandError(errors.TIMEOUT_NEGATIVE)
    return milliseconds


@dataclass(frozen=True)
class _Key(Argument):
    """A key: ``Key`` itself, or ``Key("RW delete")`` with what the command does to it.

    The words are COMMAND INFO's, see `fakeredis.engine.command.keys.KeySpec`. By default a command
    with the flag READONLY has ``RO access``, any other ``RW access update``.
    """

    is_key: bool = True
    kind: str = "key"

    def __call__(self, access: str) -> Argument:
        """A copy that says what the command does to the key, in COMMAND INFO's words."""
        return replace(self, access=access)


Key: Final = _Key()
Raw: Final = Argument()
Int: Final = integer()
Float: Final = Argument(_float, kind="double")
Timeout: Final = Argument(_timeout, kind="double")


def Optional(argument: Argument) -> Argument:  # noqa: N802 - reads as a word of the declaration
    """A positional argument that may be left out at the end; None then."""
    return replace(argument, optional=True)


@dataclass(frozen=True)
class Many:
    """A tail of one or more repetitions of ``parts``, handed over flat as one list.

    An incomplete repetition is a wrong number of arguments only where the handler says so.  A
    ``flat`` one is handed over as further arguments, see `Rest`.
    """

    parts: tuple[Argument, ...]
    at_least: int = 1
    flat: bool = False

    def __init__(self, *parts: Argument, at_least: int = 1, flat: bool = False) -> None:
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "at_least", at_least)
        object.__setattr__(self, "flat", flat)


@dataclass(frozen=True)
class Rest:
    """A tail of any words, at least ``at_least`` of them, parsed by the handler itself.

    A ``flat`` one is handed over as further arguments (``*words``): nothing is parsed then, which
    is the quickest way for commands that seldom have options.
    """

    at_least: int = 0
    flat: bool = False
    introduced: Since = ALWAYS


@dataclass(frozen=True)
class NumKeys:
    """``numkeys key [key ...]``, handed over as the list of keys.

    ``error`` answers a count that is no integer, ``low_error`` one below 1, ``high_error`` one
    beyond the arguments there are; ``access`` is as that of `Key`.
    """

    error: str = errors.NOT_INTEGER
    low_error: str = errors.NUMKEYS_NOT_POSITIVE
    high_error: str = errors.SYNTAX
    at_least: int = 1
    access: str = ""

    def take(self, args: Args, at: int) -> tuple[list[bytes], int]:
        """The keys counted at ``args[at]``, and the position behind them."""
        count = parse_int(args[at])
        if count is None:
            raise CommandError(self.error)
        if count < self.at_least:
            raise CommandError(self.low_error)
        end = at + 1 + count
        if end > len(args):
            raise CommandError(self.high_error)
        return list(args[at + 1 : end]), end


@dataclass(frozen=True)
class Flag:
    """An option of one word; True or None.

    Args:
        once: the word must not stand twice.
        refused: the error that it is, where it is known only to be refused.
        access: what is done to the key where it stands, see `Key`.
    """

    token: str
    introduced: Since = ALWAYS
    once: bool = False
    refused: str = ""
    access: str = ""

    def since(self, version: Since) -> Flag:
        """A copy that is known only to servers from ``version`` on."""
        return replace(self, introduced=version)


class Value(Protocol):
    """A value of an option that is more than one word: see `fakeredis.engine.command.options`."""

    @property
    def least(self) -> int:
        """The fewest words it may have."""

    @property
    def form(self) -> str:
        """How it is written in the forms of `fakeredis.engine.command.form`."""

    def take(self, ctx: Any, words: Args, at: int, keys: int) -> tuple[Any, int]:
        """The value at ``words[at]``, and the position behind it."""

    def length(self, words: Args, at: int) -> int:
        """How many words it takes, as far as can be told of words that may be wrong."""


Make = Callable[..., Any]


@dataclass(frozen=True)
class Values:
    """The values behind a word of `OneOf`; a tuple where there are several.

    Args:
        make: makes one value of them, see `Option`.
        once: the word must not stand twice.
    """

    values: tuple[Argument | Value | OneOf, ...]
    make: Make | None = None
    introduced: Since = ALWAYS
    once: bool = False

    def __init__(
        self, *values: Argument | Value | OneOf, make: Make | None = None,
        introduced: Since = ALWAYS, once: bool = False,
    ) -> None:
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "make", make)
        object.__setattr__(self, "introduced", introduced)
        object.__setattr__(self, "once", once)

    def since(self, version: Since) -> Values:
        """A copy that is known only to servers from ``version`` on."""
        return Values(*self.values, make=self.make, introduced=version, once=self.once)


@dataclass(frozen=True)
class Option(Values):
    """A word and its values: ``Option("COUNT", Int)``; the value, a tuple of several, or None.

    These are for `fakeredis.engine.command.options` alone, as are values of more than one word:

    Args:
        make: makes one value of them all, called with `Options.parse`'s ``subject`` before them.
        many: it may stand several times, and all values count; a list.
        once: the word must not stand twice.
        refused: the error that it is, where it is known only to be refused.
    """

    token: str = ""
    many: bool = False
    refused: str = ""

    def __init__(
        self, token: str, *values: Argument | Value | OneOf, introduced: Since = ALWAYS,
        make: Make | None = None, many: bool = False, once: bool = False, refused: str = "",
    ) -> None:
        super().__init__(*values, make=make, introduced=introduced, once=once)
        object.__setattr__(self, "token", token)
        object.__setattr__(self, "many", many)
        object.__setattr__(self, "refused", refused)

    def since(self, version: Since) -> Option:
        """A copy that is known only to servers from ``version`` on."""
        return Option(
            self.token, *self.values, introduced=version, make=self.make, many=self.many,
            once=self.once, refused=self.refused,
        )


def _token(raw: bytes) -> bytes:  # pragma: no cover - marks a word without a value
    return raw


Token: Final = Argument(_token)  # in OneOf: a word without a value


@dataclass(frozen=True)
class OneOf:
    """Words of which at most one may stand; ``(word, value)`` or None.

    The same word twice is accepted and the later value counts, as with the server; two different
    words are a syntax error.  These are for `fakeredis.engine.command.options` alone:

    Args:
        error: what two words are answered; by default what an unknown one is.
        once: the same word twice is an error too.
        last: it is none, and the last word counts.
        many: any of them may stand several times, and all count; a list of ``(word, value)``.
    """

    words: dict[str, Argument | Values] = field(default_factory=dict)
    error: str = ""
    once: bool = False
    last: bool = False
    many: bool = False

    def __init__(
        self, *, error: str = "", once: bool = False, last: bool = False, many: bool = False,
        **words: Argument | Values,
    ) -> None:
        object.__setattr__(self, "words", words)
        object.__setattr__(self, "error", error)
        object.__setattr__(self, "once", once)
        object.__setattr__(self, "last", last)
        object.__setattr__(self, "many", many)

    @property
    def bare(self) -> bool:
        """Whether none of the words has a value."""
        return all(is_token(word) for word in self.words.values())


def is_token(argument: Argument | Values) -> bool:
    """Whether a word of `OneOf` has no value."""
    return isinstance(argument, Argument) and argument.convert is _token


class OptionWords:
    """What options are declared as: see `fakeredis.engine.command.options.Options`.

    Attributes:
        at_least: the fewest words there must be.
        introduced: the version from which on there are any.
    """

    at_least: ClassVar[int] = 0
    introduced: ClassVar[Since] = ALWAYS

    @classmethod
    def form(cls) -> str:
        """The options' part of a form, see `fakeredis.engine.command.form`."""
        return ""

    @classmethod
    def access(cls) -> Callable[[Args], str] | None:
        """What says, by the words, what is done to the key; None where they do not say it."""
        return None


Declared = Argument | NumKeys | Flag | Option | OneOf | Many | Rest | type[OptionWords]


class _Entry:
    """What the parser does when it meets a word."""

    __slots__ = ("name", "slot", "values", "exclusive")

    def __init__(self, name: str, slot: int, values: tuple[Argument, ...], exclusive: bool) -> None:
        self.name = name
        self.slot = slot
        self.values = values
        self.exclusive = exclusive

    def take(self, args: Args, at: int, out: list[Any]) -> int:
        """Store this option's value in its slot; returns the position behind it."""
        if self.exclusive and out[self.slot] is not None and out[self.slot][0] != self.name:
            raise CommandError(errors.SYNTAX)
        end = at + 1 + len(self.values)
        if end > len(args):
            raise CommandError(errors.SYNTAX)
        values = [
            raw if value.convert is None else value.convert(raw)
            for value, raw in zip(self.values, args[at + 1 : end], strict=True)
        ]
        value = values[0] if len(values) == 1 else tuple(values) if values else None
        if self.exclusive:
            out[self.slot] = (self.name, value)
        else:
            out[self.slot] = True if not values else value
        return end


def _tail(item: Declared) -> Many | Rest | None:
    """What all words from some place on are taken by."""
    if isinstance(item, type):
        return Rest(item.at_least, flat=True, introduced=item.introduced)
    return item if isinstance(item, Many | Rest) else None


class Syntax:
    """A declaration resolved for one profile: arity, key positions, and the parser."""

    __slots__ = (
        "positional", "numkeys", "options", "tail", "entries", "required", "low", "high",
        "first_key", "last_key", "key_step",
    )

    def __init__(self, declared: Sequence[Declared], profile: Profile) -> None:
        self.positional = [
            item for item in declared if isinstance(item, Argument) and profile.has(item.introduced)
        ]
        self.numkeys = next((item for item in declared if isinstance(item, NumKeys)), None)
        self.options = [item for item in declared if isinstance(item, Flag | Option | OneOf)]
        tails = [item for item in map(_tail, declared) if item is not None]
        self.tail = tails[0] if tails else None
        if isinstance(self.tail, Rest) and not profile.has(self.tail.introduced):
            self.tail = None
        self.entries: dict[bytes, _Entry] = {}
        for slot, option in enumerate(self.options):
            self._declare(option, slot, profile)
        self.required = sum(not item.optional for item in self.positional)
        self._count()
        self._locate_keys()

    def _declare(self, option: Flag | Option | OneOf, slot: int, profile: Profile) -> None:
        if isinstance(option, OneOf):
            for word, argument in option.words.items():
                if profile.has(argument.introduced):
                    values = () if is_token(argument) else _single((argument,))
                    self.entries[word.encode()] = _Entry(word, slot, values, True)
        elif profile.has(option.introduced):
            values = _single(option.values) if isinstance(option, Option) else ()
            self.entries[option.token.encode()] = _Entry(option.token, slot, values, False)

    def _count(self) -> None:
        low = self.required + (2 if self.numkeys else 0)
        high = low + sum(item.optional for item in self.positional)
        if isinstance(self.tail, Many):
            low += self.tail.at_least * len(self.tail.parts)
        elif isinstance(self.tail, Rest):
            low += self.tail.at_least
        if self.tail or self.entries or self.numkeys:
            high = UNLIMITED
        self.low, self.high = low, high

    def _locate_keys(self) -> None:
        """Key positions as in COMMAND INFO, counted from 1 as the command's first argument."""
        keys = [at for at, item in enumerate(self.positional, 1) if item.is_key]
        step = 0
        if isinstance(self.tail, Many) and any(part.is_key for part in self.tail.parts):
            start = len(self.positional) + 1
            first = start + next(at for at, part in enumerate(self.tail.parts) if part.is_key)
            keys = keys or [first]
            last, step = -1, len(self.tail.parts)
        elif keys:
            last, step = keys[-1], 1 if len(keys) < 2 else keys[1] - keys[0]
        self.first_key, self.last_key, self.key_step = (keys[0], last, step) if keys else (0, 0, 0)

    def parser(self) -> Parse | None:
        """The function from raw arguments to the handler's; None where they pass as they are."""
        converts = any(item.convert for item in self.positional)
        if self.numkeys or self.options:
            return self._full
        if converts or self.required != len(self.positional):
            return self._plain
        tail = self.tail
        if tail is None:
            return None
        if isinstance(tail, Many) and any(part.convert for part in tail.parts):
            return self._plain
        if tail.flat:
            return None
        return _untouched(self.required)

    def _positional(self, args: Args) -> list[Any]:
        out: list[Any] = []
        count = len(args)
        for at, item in enumerate(self.positional):
            if at >= count:
                out.append(None)
            else:
                out.append(args[at] if item.convert is None else item.convert(args[at]))
        return out

    def _plain(self, args: Args) -> list[Any]:
        """Positional arguments and a tail, no options."""
        out = self._positional(args)
        if self.tail is not None:
            self._put_tail(out, args, len(self.positional))
        return out

    def _put_tail(self, out: list[Any], args: Args, at: int) -> None:
        rest = self._tail(args, at)
        if self.tail is not None and self.tail.flat:
            out += rest
        else:
            out.append(rest)

    def _tail(self, args: Args, at: int) -> list[Any]:
        rest = list(args[at:])
        if isinstance(self.tail, Many) and any(part.convert for part in self.tail.parts):
            parts = self.tail.parts
            for index, raw in enumerate(rest):
                convert = parts[index % len(parts)].convert
                if convert is not None:
                    rest[index] = convert(raw)
        return rest

    def _full(self, args: Args) -> list[Any]:
        out = self._positional(args)
        at = min(len(self.positional), len(args))
        if self.numkeys is not None:
            keys, at = self.numkeys.take(args, at)
            out.append(keys)
        if at == len(args) and self.tail is None:
            out += [None] * len(self.options)
            return out
        chosen: list[Any] = [None] * len(self.options)
        while at < len(args):
            entry = self.entries.get(args[at].upper()) or self.entries.get(word_of(args[at]))
            if entry is None:
                if self.tail is None:
                    raise CommandError(errors.SYNTAX)
                break
            at = entry.take(args, at, chosen)
        out += chosen
        if self.tail is not None:
            self._put_tail(out, args, at)
        return out


def _untouched(count: int) -> Parse:
    """The parser of ``count`` arguments and a tail whose bytes all pass untouched."""
    if count == 0:
        return lambda args: (list(args),)
    if count == 1:
        return lambda args: (args[0], list(args[1:]))
    return lambda args: (*args[:count], list(args[count:]))



def token_since(version: Since) -> Argument:
    """A word without a value in `OneOf`, known only to servers from ``version`` on."""
    return Token.since(version)


def _single(values: Sequence[object]) -> tuple[Argument, ...]:
    """Values of options that are given to the handler one by one: each is one word."""
    single = tuple(value for value in values if isinstance(value, Argument))
    if len(single) < len(values):
        raise TypeError("such values are for a class of Options")
    return single
