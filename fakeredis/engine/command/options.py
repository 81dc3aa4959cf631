"""Options: the words in any order that a command may be told besides, declared once.

    class SetOptions(Options):
        get: Annotated[bool, Flag("GET").since("6.2.0")] = False
        expiry: Annotated[tuple[str, bytes] | None, OneOf(EX=Raw, PX=Raw)] = None

    @group.command("SET", Key, Raw, SetOptions)
    def set_(ctx, key, value, *words):
        options = SetOptions.parse(ctx, words)

Each field has its type, its words, and what it is without them. The class stands in the
declaration in the place of ``Rest(flat=True)``: the handler gets the words as they are, and has
them parsed when the server does so, for the order of failures is behaviour. From the same fields
comes the form by which the spy compares calls.

A parser is made for each profile when the first words come: the dictionary of the words that it
knows. What has a type is converted while they are read, from left to right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import get_annotations
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    get_args,
    get_origin,
)

from fakeredis import errors
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.command.syntax import (
    Args,
    Argument,
    Convert,
    Flag,
    OneOf,
    Option,
    OptionWords,
    Value,
    Values,
    is_token,
    word_of,
)
from fakeredis.engine.core.profiles import Profile, Since
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from typing_extensions import Self

    from fakeredis.engine.command.interfaces import Running


# Values that are more than one word ---------------------------------------------------------------


@dataclass(frozen=True)
class Counted:
    """A number and so many groups of ``size`` words; the words as a list.

    Args:
        number: converts the number, and refuses a bad one.
        mismatch: the error where there are fewer words.
        size: the words of a group.
        exact: they must be all there are.
    """

    number: Argument
    mismatch: str = errors.SYNTAX
    size: int = 1
    exact: bool = False
    least: ClassVar[int] = 1

    @property
    def form(self) -> str:
        """Their part of a form: a number, and so many words for each."""
        return f"#{self.size}"

    def take(self, ctx: Any, words: Args, at: int, keys: int) -> tuple[list[bytes], int]:
        """The words, and the position behind them."""
        assert self.number.convert is not None
        end = at + 1 + self.number.convert(words[at]) * self.size
        if end > len(words) or (self.exact and end < len(words)):
            raise CommandError(self.mismatch)
        return list(words[at + 1 : end]), end

    def length(self, words: Args, at: int) -> int:
        """The number of words, if it is a number."""
        return 1 + max(parse_int(words[at]) or 0, 0) * self.size if at < len(words) else 0


@dataclass(frozen=True)
class Remaining:
    """All words that follow, at least ``least`` of them; a list.

    With an empty ``form`` they have their own place in the command's.
    """

    least: int = 1
    form: str = "rest"

    def take(self, ctx: Any, words: Args, at: int, keys: int) -> tuple[list[bytes], int]:
        """The words, and the position behind them."""
        return list(words[at:]), len(words)

    def length(self, words: Args, at: int) -> int:
        """All words that are left."""
        return len(words) - at


@dataclass(frozen=True)
class PerKey:
    """As many words as there are keys (``keys`` of `Options.parse`); a list."""

    value: Argument
    least: ClassVar[int] = 0  # `Options.parse` adds the keys
    form: ClassVar[str] = "numkeys"

    def take(self, ctx: Any, words: Args, at: int, keys: int) -> tuple[list[Any], int]:
        """The values, and the position behind them."""
        given = words[at : at + keys]
        convert = self.value.convert
        return list(given if convert is None else map(convert, given)), at + keys

    def length(self, words: Args, at: int) -> int:
        """None: how many keys there are is not known here."""
        return 0


@dataclass(frozen=True)
class Threshold:
    """What streams are trimmed by, ``[= | ~] threshold``: whether it is ``~``, and the value."""

    value: Argument
    least: ClassVar[int] = 1
    form: ClassVar[str] = "trim"

    def take(self, ctx: Any, words: Args, at: int, keys: int) -> tuple[tuple[bool, Any], int]:
        """The two, and the position behind them."""
        mark = word_of(words[at])
        marked = mark in (b"~", b"=") and at + 1 < len(words)
        at += marked
        convert = self.value.convert
        value = words[at] if convert is None else convert(words[at])
        return (marked and mark == b"~", value), at + 1

    def length(self, words: Args, at: int) -> int:
        """Two words where the first one is a mark."""
        return 2 if at < len(words) and words[at] in (b"~", b"=") else 1


@dataclass(frozen=True)
class Nested:
    """Options of an option: the words behind it, as long as they are some; an instance."""

    options: type[Options]
    least: ClassVar[int] = 0

    @property
    def form(self) -> str:
        """They stand beside their option: what they belong to is not compared."""
        return f"0 {self.options.form()}"

    def take(self, ctx: Any, words: Args, at: int, keys: int) -> tuple[Any, int]:
        """The options, and the position behind them."""
        found, used = self.options.take(ctx, words[at:])
        return found, at + used

    def length(self, words: Args, at: int) -> int:
        """None: they are looked at by themselves."""
        return 0


class _Word:
    """A value that is a word among some; that word as text."""

    least = 1
    form = "1"

    def __init__(self, declared: OneOf, profile: Profile | None) -> None:
        self.error = declared.error or errors.SYNTAX
        self.words = {
            word.encode(): word for word, kind in declared.words.items()
            if profile is None or profile.has(kind.introduced)
        }

    def take(self, ctx: Any, words: Args, at: int, keys: int) -> tuple[str, int]:
        """The word, and the position behind it."""
        word = self.words.get(word_of(words[at]))
        if word is None:
            raise CommandError(self.error)
        return word, at + 1

    def length(self, words: Args, at: int) -> int:
        """How many words belong to it: one."""
        return 1


# Words --------------------------------------------------------------------------------------------


class _Entry:
    """What is done when a word is met."""

    __slots__ = (
        "name", "field", "kinds", "make", "least", "per_key", "simple", "convert", "exclusive",
        "once", "many", "named", "bare", "refused", "error", "is_key", "access", "pair",
    )

    def __init__(
        self, name: str, field: str, given: Flag | Values, group: OneOf | None,
        profile: Profile | None,
    ) -> None:
        self.name = name
        self.field = field
        values = () if isinstance(given, Flag) else given.values
        self.kinds: tuple[Argument | Value, ...] = tuple(
            _Word(kind, profile) if isinstance(kind, OneOf) else kind for kind in values
        )
        self.make = None if isinstance(given, Flag) else given.make
        self.least = sum([1 if isinstance(kind, Argument) else kind.least for kind in self.kinds])
        self.per_key = any(isinstance(kind, PerKey) for kind in self.kinds)
        self.once = given.once or (group is not None and group.once)
        self.exclusive = self.once or (
            group is not None and not (group.last or group.many)
        )
        self.named = group is not None  # the value says which word it was
        self.bare = group is not None and group.bare
        self.error = "" if group is None else group.error
        self.many = getattr(group or given, "many", False)
        self.refused = given.refused if isinstance(given, Flag | Option) else ""
        self.access = given.access if isinstance(given, Flag) else ""
        first = self.kinds[0] if self.kinds else None
        self.is_key = isinstance(first, Argument) and first.is_key
        # One word as it is, or converted, is what most values are.
        self.simple = len(self.kinds) == 1 and isinstance(first, Argument) and self.make is None
        self.convert = first.convert if isinstance(first, Argument) else None
        self.pair: tuple[Convert, Convert] | None = None
        if len(self.kinds) == 2 and self.make is None:
            first, second = (getattr(kind, "convert", None) for kind in self.kinds)
            if first and second:
                self.pair = first, second

    def excludes(self, before: Any) -> bool:
        """Whether it must not stand behind what its field has been given before."""
        return self.once or (before != self.name and (self.bare or before[0] != self.name))

    def value(
        self, ctx: Any, words: Args, at: int, subject: Any, keys: int
    ) -> tuple[Any, int]:
        """The value, and the position behind it."""
        out: list[Any] = []
        for kind in self.kinds:
            if isinstance(kind, Argument):
                out.append(words[at] if kind.convert is None else kind.convert(words[at]))
                at += 1
            else:
                value, at = kind.take(ctx, words, at, keys)
                out.append(value)
        if self.make is not None:
            return self.make(subject, *out), at
        return out[0] if len(out) == 1 else tuple(out), at

    @property
    def is_shown(self) -> bool:
        """Whether it has a place in forms."""
        return not self.refused and not any(
            kind.form == "" for kind in self.kinds if not isinstance(kind, Argument)
        )

    def length(self, words: Args, at: int) -> int:
        """How many words belong to it, as far as can be told of words that may be wrong."""
        length = 0
        for kind in self.kinds:
            length += 1 if isinstance(kind, Argument) else kind.length(words, at + length)
        return length

    def form(self) -> str:
        """The word as in `fakeredis.engine.command.form`."""
        longer = [kind.form for kind in self.kinds if not isinstance(kind, Argument | _Word)]
        if longer or not self.kinds:
            return "=".join([self.name, *longer])
        return f"{self.name}={'key' if self.is_key else len(self.kinds)}"


class _Spelled(dict[bytes, _Entry]):
    """Entries by words that may be written in several ways."""

    def __init__(self, entries: dict[bytes, _Entry], meant: Callable[[bytes], bytes]) -> None:
        super().__init__(entries)
        self._meant = meant

    def get(self, word: bytes, default: Any = None) -> Any:
        """What is done when a word is met."""
        return super().get(self._meant(word), default)


class Options(OptionWords):
    """Options of a command; see the module's own documentation.

    A field's words are one of

    - `Flag`: True
    - `Option`: its value, a tuple of several, or what its ``make`` makes of them
    - `OneOf`: ``(word, value)``; the word alone where none of them has a value

    and with ``many`` a list of these.

    Values are `Argument` (`Raw`, `Int` ...), `Counted`, `Remaining`, `PerKey`, `Threshold`,
    `Nested`, or a `OneOf` of words. A class may be derived from another, whose words it has too.

    Args:
        at_least: the fewest words there must be.
        introduced: the version from which on there are any.
        access: what is done to the key, where a `Flag` says that it is something else.
        others: the field that takes the words that are none of them, a list.
        meant: the word that one in capitals stands for, where it may be written in several ways.

    Raises:
        TypeError: a field has the name of one of the methods.
    """

    _tables: ClassVar[dict[Profile | None, dict[bytes, _Entry]]]
    _form: ClassVar[str | None]
    _lacking_is_unknown: ClassVar[bool]
    _access: ClassVar[str]
    _others: ClassVar[str] = ""
    _meant: ClassVar[Callable[[bytes], bytes] | None] = None

    def __init_subclass__(
        cls, at_least: int | None = None, introduced: Since | None = None, access: str = "",
        others: str = "", meant: Callable[[bytes], bytes] | None = None,
    ) -> None:
        taken = vars(cls).keys() & _TAKEN
        if taken:
            raise TypeError(f"{cls.__name__}: options cannot be called {', '.join(sorted(taken))}")
        cls._tables = {}
        cls._form = None
        own = cls.__mro__[: cls.__mro__.index(Options)]
        cls._lacking_is_unknown = not any("lacking" in vars(one) for one in own)
        cls._access = access
        if others:
            cls._others = others
        if meant is not None:
            cls._meant = staticmethod(meant)
        if at_least is not None:
            cls.at_least = at_least
        if introduced is not None:
            cls.introduced = introduced

    # What may differ

    @classmethod
    def unknown(cls, ctx: Any, raw: bytes, left: int) -> CommandError:
        """The error for a word that is none of them, behind which so many are left."""
        return CommandError(errors.SYNTAX)

    @classmethod
    def lacking(cls, ctx: Any, raw: bytes, left: int) -> CommandError:
        """The error for a word whose values are missing; by default it is an unknown one then."""
        return cls.unknown(ctx, raw, left)

    # Reading

    @classmethod
    def parse(
        cls, ctx: Running, words: Args, subject: Any = None, keys: int = 0
    ) -> Self:
        """What the words say, all of which must be options.

        Args:
            ctx: its profile decides which words there are.
            words: all words behind the positional arguments.
            subject: what `Option`'s ``make`` is called with; by default the context.
            keys: how many values `PerKey` is.

        Raises:
            CommandError: what the server answers.
        """
        return cls._read(ctx, words, ctx if subject is None else subject, keys, False)[0]

    @classmethod
    def take(
        cls, ctx: Running, words: Args, subject: Any = None
    ) -> tuple[Self, int]:
        """What the first words say, and the position of the first that is no option."""
        return cls._read(ctx, words, ctx if subject is None else subject, 0, True)

    @classmethod
    def _read(
        cls, ctx: Running, words: Args, subject: Any, keys: int, stops: bool
    ) -> tuple[Self, int]:
        profile = ctx.server.profile
        table = cls._tables.get(profile)
        if table is None:
            table = cls.table(profile)
        found = cls()
        given = found.__dict__
        at, end = 0, len(words)
        while at < end:
            raw = words[at]
            entry = table.get(raw.upper())
            if entry is None and b"\0" in raw:
                entry = table.get(word_of(raw))
            if entry is None:
                if stops:
                    break
                if cls._others:
                    given.setdefault(cls._others, []).append(raw)
                    at += 1
                    continue
                raise cls.unknown(ctx, raw, end - at - 1)
            field = entry.field
            behind = at + 1 + entry.least
            if entry.per_key:
                behind += keys
            if behind > end and cls._lacking_is_unknown:
                if stops:
                    break
                raise cls.unknown(ctx, raw, end - at - 1)
            if entry.exclusive and field in given and entry.excludes(given[field]):
                if entry.error:
                    raise CommandError(entry.error)
                raise cls.unknown(ctx, raw, end - at - 1)
            if behind > end:
                raise cls.lacking(ctx, raw, end - at - 1)
            if entry.refused:
                raise CommandError(entry.refused)
            value: Any
            if entry.simple:
                value = words[at + 1]
                if entry.convert is not None:
                    value = entry.convert(value)
            elif entry.pair is not None:
                first, second = entry.pair
                value = first(words[at + 1]), second(words[at + 2])
            elif entry.kinds:
                value, behind = entry.value(ctx, words, at + 1, subject, keys)
            else:
                value = None if entry.named else True
            if entry.named:
                value = entry.name if entry.bare else (entry.name, value)
            if entry.many:
                given.setdefault(field, []).append(value)
            else:
                given[field] = value
            at = behind
        return found, at

    @classmethod
    def spot(cls, words: Args) -> Iterator[tuple[str, Args]]:
        """Words and their values, as far as can be told of words that may be wrong.

        As the server looks for keys: it knows which words have values, and skips no keys.
        """
        table = cls.table(None)
        at = 0
        while at < len(words):
            entry = table.get(word_of(words[at]))
            at += 1
            if entry is not None:
                length = entry.length(words, at)
                yield entry.name, words[at : at + length]
                if not entry.is_key:
                    at += length

    # What is declared

    @classmethod
    def fields(cls) -> Iterator[tuple[str, Flag | Option | OneOf]]:
        """The fields and their words, those of the classes that it is derived from first."""
        hints: dict[str, Any] = {}
        for base in reversed(cls.__mro__[: cls.__mro__.index(Options)]):
            hints |= get_annotations(base, eval_str=True)
        for name, hint in hints.items():
            if get_origin(hint) is Annotated:
                yield name, get_args(hint)[1]

    @classmethod
    def all_words(cls) -> Iterator[tuple[str, str, Flag | Values, OneOf | None]]:
        """Each word with its field, its values, and the words that it stands for one of."""
        for field, given in cls.fields():
            if not isinstance(given, OneOf):
                yield given.token, field, given, None
                continue
            for word, kind in given.words.items():
                if is_token(kind):
                    yield word, field, Values(introduced=kind.introduced), given
                else:
                    values = kind if isinstance(kind, Values) else _values(kind)
                    yield word, field, values, given

    @classmethod
    def table(cls, profile: Profile | None) -> dict[bytes, _Entry]:
        """The words that a profile has, with None all there are."""
        if profile not in cls._tables:
            entries = {
                word.encode(): _Entry(word, field, given, group, profile)
                for word, field, given, group in cls.all_words()
                if profile is None or profile.has(given.introduced)
            }
            meant = cls._meant
            cls._tables[profile] = entries if meant is None else _Spelled(entries, meant)
        return cls._tables[profile]

    @classmethod
    def access(cls) -> Callable[[Args], str] | None:
        """What says, by the words, what is done to the key; None where they do not say it."""
        return cls._access_of if cls._access else None

    @classmethod
    def _access_of(cls, words: Args) -> str:
        # As the server looks: at all words, values or not.
        table = cls.table(None)
        entries = [table.get(word_of(word)) for word in words]
        return next((entry.access for entry in entries if entry and entry.access), cls._access)

    @classmethod
    def form(cls) -> str:
        """The options' part of the form by which calls are compared."""
        if cls._form is None:
            entries = cls.table(None).values()
            cls._form = " ".join([entry.form() for entry in entries if entry.is_shown])
        return cls._form


_TAKEN = {
    name for base in (Options, OptionWords) for name in vars(base) if name[:1] != "_"
} - {"unknown", "lacking"}


def _values(kind: Argument) -> Values:
    return Values(kind, introduced=kind.introduced)
