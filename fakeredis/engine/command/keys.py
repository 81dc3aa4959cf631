"""Where a command's keys stand among its words, and what it does to each.

`KeySpec` is what COMMAND INFO calls a key specification.  Most follow from the arguments that are
declared (`follow`); the others are written out where the command is declared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.command.syntax import Many
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.command.command import Command

Begin = tuple[str, int] | tuple[str, str, int] | tuple[str]
Find = tuple[str, int, int, int] | tuple[str]

INVALID_ARGUMENTS: Final = "ERR Invalid arguments specified for command"
UNKNOWN: Final = ("unknown",)  # as begin and as find: known to the command alone


def index(position: int) -> tuple[str, int]:
    """Keys begin at a position; the command's name has position 0."""
    return "index", position


def keyword(word: str, start: int) -> tuple[str, str, int]:
    """Keys begin behind a word, looked for from a position on (below 0: from the end)."""
    return "keyword", word, start


def span(last: int = 0, step: int = 1, limit: int = 0) -> tuple[str, int, int, int]:
    """Every ``step``-th word up to ``last``: counted from the first key, below 0 from the end.

    A ``limit`` of n says that of the words behind the first key only the n-th part are keys.
    """
    return "range", last, step, limit


def counted(at: int = 0, first: int = 1, step: int = 1) -> tuple[str, int, int, int]:
    """As many as the word at ``at`` says, from ``first`` on, both behind the begin."""
    return "keynum", at, first, step


@dataclass(frozen=True)
class KeySpec:
    """Some of a command's keys.

    Args:
        access: the server's words: RO, RW (reads and writes), OW (overwrites) or RM (removes);
            then ``access`` (the value gets out), ``update``, ``insert``, ``delete``; also
            ``not_key``, ``incomplete``, ``variable_flags``.
        begin: `index` or `keyword`, or `UNKNOWN`.
        find: `span` or `counted`, or `UNKNOWN`.
    """

    access: str
    begin: Begin
    find: Find = ("range", 0, 1, 0)

    @property
    def range(self) -> tuple[int, int, int]:
        """First key, last key and step; zeros where the call alone tells."""
        if self.begin[0] != "index" or self.find[0] != "range":
            return 0, 0, 0
        _, first = self.begin  # type: ignore[misc]
        _, last, step, _ = self.find  # type: ignore[misc]
        return int(first), last if last < 0 else int(first) + last, step

    def positions(self, argv: Sequence[bytes], lenient: bool) -> Sequence[int]:
        """Where the keys are among the words of a call, the name included.

        Args:
            lenient: a count that makes no sense is one of no keys.

        Raises:
            CommandError: there are fewer words than the keys need.
        """
        begin = self._begin(argv)
        if begin is None:
            return ()
        if begin >= len(argv):
            if self.begin[0] == "index":
                raise CommandError(INVALID_ARGUMENTS)  # PFMERGE without sources
            return ()
        return self._found(argv, begin, lenient)

    def _begin(self, argv: Sequence[bytes]) -> int | None:
        """Where the keys start; None when the keyword before them is not there."""
        if self.begin[0] == "index":
            return int(self.begin[1])  # type: ignore[misc]
        if self.begin[0] == "unknown":
            return None
        _, word, start = self.begin  # type: ignore[misc]
        step = 1 if start > 0 else -1
        at, end = (start, len(argv)) if start > 0 else (len(argv) + start, 0)
        while at != end and 0 < at < len(argv):
            if argv[at].upper() == word.encode():
                return at + 1
            at += step
        return None

    def _found(self, argv: Sequence[bytes], begin: int, lenient: bool) -> Sequence[int]:
        kind, one, two, three = self.find  # type: ignore[misc]
        count = len(argv)
        if kind == "range":
            last, step, limit = one, two, three
            if last >= 0:
                end = begin + last
            elif limit <= 1:
                end = count + last
            else:
                end = begin + (count - begin) // limit + last
            return range(begin, min(end, count - 1) + 1, step)
        at, first, step = one, two, three
        number = parse_int(argv[begin + at]) if begin + at < count else None
        start = begin + first
        end = start + ((number or 0) - 1) * step
        if number is None or number < 1 or end >= count:
            if lenient:
                return ()
            raise CommandError(INVALID_ARGUMENTS)
        return range(start, end + 1, step)


def follow(command: Command) -> Iterator[KeySpec]:
    """The specifications that follow from a command's arguments, in their order."""
    syntax, default = command.syntax, command.default_access
    shift = len(command.parts)
    declared = [(at, item.access or default)
                for at, item in enumerate(syntax.positional, shift) if item.is_key]
    tail, numkeys = syntax.tail, syntax.numkeys
    if not declared and (positions := command.declaration.key_positions or (0, 0, 0))[0]:
        first, last, step = positions
        yield KeySpec(default, index(first), span(last if last < 0 else last - first, step))
        return
    many = tail if isinstance(tail, Many) and any(part.is_key for part in tail.parts) else None
    while declared:
        first, access = declared.pop(0)
        last = first
        while declared and declared[0] == (last + 1, access):
            last = declared.pop(0)[0]
        if many and last == shift + len(syntax.positional) - 1 and _access(many, default) == access:
            yield KeySpec(access, index(first), span(-1, len(many.parts)))
            many = None
        else:
            yield KeySpec(access, index(first), span(last - first))
    start = shift + len(syntax.positional)
    if numkeys is not None:
        yield KeySpec(numkeys.access or default, index(start), counted())
    if many is not None:
        first = next(at for at, part in enumerate(many.parts) if part.is_key)
        yield KeySpec(_access(many, default), index(start + first), span(-1, len(many.parts)))


def _access(many: Many, default: str) -> str:
    return next(part.access for part in many.parts if part.is_key) or default
