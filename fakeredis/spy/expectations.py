"""What an assertion expects: a command in any of its spellings, and filters."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from fakeredis.spy import known
from fakeredis.spy.building import Expression, is_written, sent_by, steps_of_mock
from fakeredis.spy.canonical import parse
from fakeredis.spy.comparing import differences
from fakeredis.spy.owners import sessions_of
from fakeredis.spy.recorder import OWNER, SERVER
from fakeredis.spy.values import (
    ANY,
    EncodedText,
    equal,
    glob_to_regex,
    shown,
    split_line,
    to_text,
    to_wire,
)

if TYPE_CHECKING:
    from fakeredis.spy.calls import CommandCall

__all__ = ["Expectation", "Filters"]

FILTERS = ("via", "db", "client", "server", "key", "method")
WAYS = ("direct", "pipeline", "transaction", "script", "handshake")


class Filters:
    """Which calls count: ``via=``, ``db=``, ``client=``, ``server=``, ``key=``, ``method=``.

    A list or set names several values. Handshakes count only when ``via=`` asks for them.
    """

    __slots__ = ("given",)

    def __init__(self, given: dict[str, Any]) -> None:
        unknown = sorted(given.keys() - set(FILTERS))
        if unknown:
            raise TypeError(
                f"unknown filter {unknown[0]!r}: there are {', '.join(FILTERS)}; what belongs to "
                "the command is an argument, as in 'SET', 'k', 'v', 'EX', 10, or stands in "
                "call.set('k', 'v', ex=10)"
            )
        self.given = {name: value for name, value in given.items() if value is not None}
        for db in _choices(given.get("db")):
            if isinstance(db, (str, bytes)):
                raise TypeError(f"db is the number of a database, not {db!r}")
        for way in _choices(given.get("via")):
            if isinstance(way, str) and way not in WAYS:
                raise ValueError(f"no command goes via {way!r}: there are {', '.join(WAYS)}")

    def differences(self, call: CommandCall) -> list[str]:
        """In what a call is not the one asked for."""
        found = [] if "via" in self.given or call.via != "handshake" else ["via: a handshake"]
        for name, wanted in self.given.items():
            if not any(_fits(name, choice, call) for choice in _choices(wanted)):
                found.append(f"{name}: expected {_named(wanted)}, got {_actual(name, call)}")
        return found

    def fit(self, call: CommandCall) -> bool:
        """Whether a call counts."""
        return not self.differences(call)

    def __str__(self) -> str:
        return ", ".join(f"{name}={_named(value)}" for name, value in self.given.items())


def _choices(wanted: Any) -> Collection[Any]:
    return wanted if isinstance(wanted, (list, tuple, set, frozenset)) else (wanted,)


def _fits(name: str, wanted: Any, call: CommandCall) -> bool:
    if name == "key":
        return any(_is_like(wanted, key) for key in call.keys)
    if name == "server":
        return _is_server(wanted, call)
    if name == "client":
        return _is_client(wanted, call)
    actual = getattr(call, name)
    if isinstance(wanted, re.Pattern):
        return equal(wanted, EncodedText(actual))
    return bool(wanted == actual)


def _is_server(wanted: Any, call: CommandCall) -> bool:
    if isinstance(wanted, (str, bytes, re.Pattern)):
        return _is_like(wanted, EncodedText(call.server))
    engine = call._record[SERVER]
    return wanted is engine or getattr(wanted, "engine", None) is engine or wanted == call.server


def _is_client(wanted: Any, call: CommandCall) -> bool:
    if isinstance(wanted, int):
        return wanted == call.client_id
    if isinstance(wanted, (str, bytes, re.Pattern)):
        return _is_like(wanted, EncodedText(call.client_name))
    if hasattr(wanted, "connection_pool"):
        return any(session is call._record[OWNER] for session in sessions_of(wanted))
    return bool(wanted == call.client_name)


def _is_like(wanted: Any, value: EncodedText) -> bool:
    """Equal, or fitting as a glob."""
    if equal(wanted, value):
        return True
    if not isinstance(wanted, (str, bytes)):
        return False
    return glob_to_regex(wanted).fullmatch(bytes(value)) is not None


def _actual(name: str, call: CommandCall) -> str:
    if name == "client":
        return f"{call.client_id} {call.client_name}".strip()
    value = call.keys if name == "key" else getattr(call, name)
    return (" ".join(map(shown, value)) or "none") if name == "key" else str(value)


def _named(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


class Expectation:
    """A command as expected: a name or pattern of names, arguments, filters."""

    __slots__ = ("args", "filters", "is_written", "name", "open_end", "text")

    def __init__(
        self, name: str, args: tuple[Any, ...] | None, text: str, filters: Filters,
        is_written: bool = False,
    ) -> None:
        self.name = name
        self.is_written = is_written  # by hand: it may be misspelt
        self.open_end = bool(args) and args is not None and args[-1] is ...
        self.args = args[:-1] if self.open_end and args else args
        self.text = text
        self.filters = filters

    @classmethod
    def of(cls, command: Any, *args: Any, **filters: Any) -> Expectation:
        """An expectation from any spelling of a command.

        Args:
            command: the command's name, a whole line, or a ``call``.
            args: its arguments; a last ``...`` for any further ones.
            filters: restrict the calls, see `Filters`.

        Raises:
            TypeError: it is none.
        """
        chosen = Filters(filters)
        words, is_exact = _words(command, args)
        if not words or not isinstance(words[0], (str, bytes)) or not words[0].strip():
            raise TypeError(
                "a command is 'SET', 'k', 'v' or 'SET k v' or call.set('k', 'v'), "
                f"not {command!r}"
            )
        name, rest = _split_name(words)
        _check_arguments(rest)
        if rest == [...] and known.same_as(name) is not None:
            rest = [ANY]
        text = " ".join([name, *map(shown, rest)])
        written = _is_written(command)
        if not rest and not is_exact:
            return cls(*_bare(name), text, chosen, written)
        return cls(name, tuple(rest), text, chosen, written)

    def fits(self, call: CommandCall) -> bool:
        """Whether a call is the expected one."""
        return (
            self.fits_name(call.name)
            and self.filters.fit(call)
            and not self._argument_differences(call)
        )

    def check_name(self, recorded: Callable[[], Iterable[CommandCall]] = tuple) -> None:
        """Refuse a name that no command has, and that was not recorded either.

        Raises:
            ValueError: it is such.
        """
        if self.is_written:
            known.check(self.name, lambda: {call.name for call in recorded()})

    def fits_name(self, name: str) -> bool:
        """Whether a command of this name can be the expected one."""
        if known.is_pattern(self.name):
            return glob_to_regex(self.name).fullmatch(name.encode()) is not None
        if self.args is None and name.startswith(self.name + " "):
            return self.name in known.containers()
        return _canonical(name) == _canonical(self.name)

    def fits_start(self, name: str, sent: Sequence[bytes]) -> bool:
        """Whether a command begins as expected; any further arguments may follow.

        Args:
            name: of the command, as the server has it.
            sent: what followed the name.
        """
        if not self.fits_name(name):
            return False
        if not self.args:
            return True
        expected = name if known.is_pattern(self.name) else self.name
        words = [to_text(arg) for arg in sent]
        if expected == name and len(self.args) <= len(words):
            if all(map(equal, self.args, words)):
                return True
        return not differences(parse(expected, self.args)[1], parse(name, words)[1], True)

    def differences(self, call: CommandCall) -> list[str]:
        """In what a call of the same name is not the expected one."""
        return self._argument_differences(call) + self.filters.differences(call)

    def _argument_differences(self, call: CommandCall) -> list[str]:
        name = call.name if known.is_pattern(self.name) else self.name
        if self.args is None or (name == call.name and self._same_in_order(call.args)):
            return []
        return differences(parse(name, self.args)[1], call.canonical[1], self.open_end)

    def _same_in_order(self, sent: Sequence[EncodedText]) -> bool:
        """Argument by argument as sent: what most calls are, and the only way for an odd one."""
        args = self.args or ()
        if len(args) > len(sent) or (len(args) < len(sent) and not self.open_end):
            return False
        return all(map(equal, args, sent))

    def __str__(self) -> str:
        filters = str(self.filters)
        return f"{self.text} ({filters})" if filters else self.text


def _words(command: Any, args: tuple[Any, ...]) -> tuple[list[Any], bool]:
    """Words of a command, and whether they are all of it even when there is but the name."""
    if getattr(command, "is_recorded", False) is True:
        return [command.name, *command.args, *args], True
    if isinstance(command, Expression):
        return [*sent_by(command._steps), *args], True
    if (steps := steps_of_mock(command)) is not None:
        return [*sent_by(steps), *args], True
    if isinstance(command, (tuple, list)) and command:
        words, is_exact = _words(command[0], tuple(command[1:]))
        return [*words, *args], is_exact
    if isinstance(command, (str, bytes)):
        line = command if isinstance(command, str) else str(to_text(command))
        words = list(split_line(line)) if re.search(r"\s", line) else [command]
        if len(words) > 1 and words[-1] == "..." and not args:
            words[-1] = ...
        return [*words, *args], False
    return [command, *args], False


def _is_written(command: Any) -> bool:
    """Whether the name is what somebody wrote, and not what was recorded or redis-py sends."""
    if getattr(command, "is_recorded", False) is True:
        return False
    if isinstance(command, Expression):
        return is_written(command._steps)
    if (steps := steps_of_mock(command)) is not None:
        return is_written(steps)
    if isinstance(command, (tuple, list)):
        return _is_written(command[0])
    return True


def _check_arguments(args: list[Any]) -> None:
    """Refuse what no command could have been sent with: the assertion would mean nothing.

    Raises:
        TypeError: there is such an argument.
    """
    if any(arg is ... for arg in args[:-1]):
        raise TypeError("... stands for all further arguments, so it comes last; one is ANY")
    for arg in args:
        if arg is None or isinstance(arg, (bool, dict, list, tuple, set)):
            raise TypeError(f"{arg!r} is never sent: redis-py takes bytes, text and numbers only")


def _split_name(words: list[Any]) -> tuple[str, list[Any]]:
    """Name with its subcommand, and the arguments."""
    # redis-py gives some names with their subcommand in one word.
    name, *more = _upper(words[0]).split() or [""]
    rest = [*more, *words[1:]]
    if name in known.containers() and rest and isinstance(rest[0], (str, bytes)):
        return f"{name} {_upper(rest[0])}", rest[1:]
    return name, rest


def _bare(name: str) -> tuple[str, tuple[Any, ...] | None]:
    """A name alone: any arguments; of an alias those that make it what it is."""
    return (name, None) if known.same_as(name) is None else (name, (ANY,))


def _canonical(name: str) -> str:
    alias = known.same_as(name)
    return name if alias is None else alias[0]


def _upper(word: str | bytes) -> str:
    return (to_wire(word) or b"").decode("utf-8", "surrogateescape").upper()
