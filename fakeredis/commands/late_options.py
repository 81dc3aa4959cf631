"""Options of the commands that are declared in `fakeredis.commands.late`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Final

from fakeredis import errors
from fakeredis.commands.arguments import (
    Argument,
    Flag,
    OneOf,
    Option,
    Options,
    Raw,
    Token,
    integer,
)
from fakeredis.datatypes.numbers import parse_float, parse_int
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError
from fakeredis.lazy import LazyModule

if TYPE_CHECKING:
    from fakeredis.datatypes import vector_filter
else:
    vector_filter = LazyModule("fakeredis.datatypes.vector_filter")

# Vector sets: a module, which words its errors in its own way ------------------------------------


_MOST_EFFORT: Final = 1_000_000


class VaddOptions(Options):
    """What VADD may be told of an element and its set."""

    in_thread: Annotated[bool, Flag("CAS")] = False  # the server would add it in the background
    kind: Annotated[str, OneOf(NOQUANT=Token, Q8=Token, BIN=Token, last=True)] = "Q8"
    effort: Annotated[int, Option("EF", integer(1, _MOST_EFFORT, errors.VECTOR_EFFORT))] = 200
    attributes: Annotated[bytes | None, Option("SETATTR", Raw)] = None
    links: Annotated[int, Option("M", integer(4, 4096, errors.VECTOR_LINKS))] = 16

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """It says nothing of the word."""
        return CommandError(errors.VADD_OPTION)


def _count(word: str) -> Argument:
    return integer(1, error=errors.VSIM_OPTION % word)


def _epsilon(raw: bytes) -> float:
    number = parse_float(raw)
    if number is None or number <= 0:
        raise CommandError(errors.VSIM_OPTION % "EPSILON")
    return number


def _filter(ctx: Context, raw: bytes) -> Callable[[bytes], bool]:
    """A function from an element's attributes to whether they pass."""
    try:
        return vector_filter.compiled(raw)
    except vector_filter.FilterError as problem:
        near = problem.near.replace(b"\r", b" ").replace(b"\n", b" ")
        text = near.decode("utf-8", "surrogateescape")
        raise CommandError(errors.VSIM_FILTER % text) from None


def _effort(ctx: Context, effort: int) -> int:
    if effort > _MOST_EFFORT and ctx.traits.effort_limited:
        raise CommandError(errors.VECTOR_EFFORT)
    return effort


class VsimOptions(Options):
    """What VSIM may be told; how much effort to make means nothing to an exact search."""

    scores: Annotated[bool, Flag("WITHSCORES")] = False
    attributes: Annotated[bool, Flag("WITHATTRIBS")] = False
    count: Annotated[int, Option("COUNT", _count("COUNT"))] = 10
    limit: Annotated[float, Option("EPSILON", Argument(_epsilon))] = 2.0  # from a score of 1
    effort: Annotated[int, Option("EF", _count("EF"), make=_effort)] = 100
    passes: Annotated[
        Callable[[bytes], bool] | None, Option("FILTER", Raw, make=_filter)
    ] = None
    filter_effort: Annotated[int, Option("FILTER-EF", _count("FILTER-EF"))] = 0
    exact: Annotated[bool, Flag("TRUTH")] = False
    in_thread: Annotated[bool, Flag("NOTHREAD")] = False

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """It says nothing of the word."""
        return CommandError(errors.VSIM_SYNTAX)


class VembOptions(Options):
    """Whether VEMB shows a vector as it is kept."""

    raw: Annotated[bool, Flag("RAW")] = False

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """It says nothing of the word."""
        return CommandError(errors.VEMB_OPTION)


class VlinksOptions(Options):
    """Whether VLINKS shows how near neighbours are."""

    scores: Annotated[bool, Flag("WITHSCORES", once=True)] = False

    @classmethod
    def unknown(cls, ctx: Context, raw: bytes, left: int) -> CommandError:
        """It counts as a word too many."""
        return ctx.wrong_arity()


# Arrays -------------------------------------------------------------------------------------------


def _limit(raw: bytes) -> int:
    limit = parse_int(raw)
    if limit is None:
        raise CommandError(errors.NOT_INTEGER)
    if limit <= 0:
        raise CommandError(errors.ARRAY_LIMIT)
    return limit


class LimitOptions(Options):
    """How many elements are wanted; None for all."""

    limit: Annotated[int | None, Option("LIMIT", Argument(_limit))] = None


_LONGEST_PATTERN: Final = 2048


def _pattern(raw: bytes) -> bytes:
    if len(raw) > _LONGEST_PATTERN:
        raise CommandError(errors.ARRAY_PATTERN_LONG % _LONGEST_PATTERN)
    return raw


class GrepOptions(LimitOptions, at_least=2):
    """What ARGREP looks for, and what it gives."""

    predicates: Annotated[Sequence[tuple[str, bytes]], OneOf(
        EXACT=Raw, MATCH=Raw, GLOB=Raw, RE=Argument(_pattern), many=True
    )] = ()
    combine: Annotated[str, OneOf(AND=Token, OR=Token, last=True)] = "OR"
    nocase: Annotated[bool, Flag("NOCASE")] = False
    with_values: Annotated[bool, Flag("WITHVALUES")] = False


class LastOptions(Options):
    """Whether ARLASTITEMS begins with the newest."""

    reverse: Annotated[bool, Flag("REV")] = False


class InfoOptions(Options):
    """Whether ARINFO tells of an array's parts too."""

    full: Annotated[bool, Flag("FULL", once=True)] = False
