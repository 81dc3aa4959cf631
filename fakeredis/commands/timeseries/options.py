"""Options of time series: looked for at any place among the words, as the server does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, NamedTuple

from fakeredis.commands.arguments import Flag, Option, Options, Raw, Remaining
from fakeredis.datatypes.numbers import parse_float, parse_int
from fakeredis.datatypes.timeseries.aggregation import FIRST_KINDS, KINDS
from fakeredis.datatypes.timeseries.buckets import Aggregation
from fakeredis.datatypes.timeseries.series import DEFAULT_CHUNK_SIZE, POLICIES
from fakeredis.engine.core.profiles import Traits
from fakeredis.errors import CommandError

Words = Sequence[bytes]
Label = tuple[bytes, bytes]

_PREFIX: Final = "ERR TSDB: "
_CHUNK_SIZES: Final = range(48, 1_048_577, 8)
LATEST_TIME: Final = (1 << 63) - 1


class SeriesOptions(Options):
    """What a new series is like."""

    retention: Annotated[bytes | None, Option("RETENTION", Raw)] = None
    encoding: Annotated[bytes | None, Option("ENCODING", Raw)] = None
    chunk_size: Annotated[bytes | None, Option("CHUNK_SIZE", Raw)] = None
    policy: Annotated[bytes | None, Option("DUPLICATE_POLICY", Raw)] = None
    ignore: Annotated[tuple[bytes, bytes] | None, Option("IGNORE", Raw, Raw)] = None
    labels: Annotated[Sequence[bytes], Option("LABELS", Remaining(0))] = ()


class AddOptions(SeriesOptions):
    """The same, and what becomes of a second sample of the same time."""

    on_duplicate: Annotated[bytes | None, Option("ON_DUPLICATE", Raw)] = None


class IncrementOptions(SeriesOptions):
    """The same, and when it is."""

    timestamp: Annotated[bytes | None, Option("TIMESTAMP", Raw)] = None


class GetOptions(Options):
    """Whether the bucket that is still open is told."""

    latest: Annotated[bool, Flag("LATEST")] = False


class RangeOptions(GetOptions):
    """Which samples, and what is made of them."""

    filter_by_ts: Annotated[Sequence[bytes], Option("FILTER_BY_TS", Remaining(0))] = ()
    filter_by_value: Annotated[
        tuple[bytes, bytes] | None, Option("FILTER_BY_VALUE", Raw, Raw)
    ] = None
    count: Annotated[bytes | None, Option("COUNT", Raw)] = None
    align: Annotated[bytes | None, Option("ALIGN", Raw)] = None
    aggregation: Annotated[tuple[bytes, bytes] | None, Option("AGGREGATION", Raw, Raw)] = None
    stamp: Annotated[bytes | None, Option("BUCKETTIMESTAMP", Raw)] = None
    empty: Annotated[bool, Flag("EMPTY")] = False


class NewestOptions(GetOptions):
    """Of which series."""

    with_labels: Annotated[bool, Flag("WITHLABELS")] = False
    selected: Annotated[Sequence[bytes], Option("SELECTED_LABELS", Remaining(0))] = ()
    filter: Annotated[Sequence[bytes], Option("FILTER", Remaining())] = ()


class ReadOptions(Options):
    """How long to wait for how many samples, and how many to take."""

    block: Annotated[tuple[bytes, bytes] | None, Option("BLOCK", Raw, Raw)] = None
    most: Annotated[bytes | None, Option("MAX_COUNT", Raw)] = None


class ManyOptions(RangeOptions):
    """Of which series, and how they are put together."""

    exclude_empty: Annotated[bool, Flag("EXCLUDEEMPTY").since({"redis": "8.10.0"})] = False

    with_labels: Annotated[bool, Flag("WITHLABELS")] = False
    selected: Annotated[Sequence[bytes], Option("SELECTED_LABELS", Remaining(0))] = ()
    filter: Annotated[Sequence[bytes], Option("FILTER", Remaining())] = ()


def fail(reason: str) -> CommandError:
    """An error of this module."""
    return CommandError(_PREFIX + reason)


def _head(word: bytes) -> bytes:
    return word.partition(b"\0")[0].upper()


def word_at(words: Words, at: int) -> bytes:
    """A word as the server compares it."""
    return _head(words[at])


def position(words: Words, name: bytes, start: int = 0) -> int:
    """Where a word first stands; -1 where it does not."""
    size = len(name)
    for at in range(start, len(words)):
        word = words[at]
        if word[:size].upper() == name and (len(word) == size or word[size] == 0):
            return at
    return -1


# What series are like -----------------------------------------------------------------------------


class Settings(NamedTuple):
    """What was said of a series; None where nothing was."""

    retention: int | None = None
    chunk_size: int | None = None
    packed: bool = True
    policy: str | None = None
    ignore: tuple[int, float] | None = None
    labels: list[Label] | None = None


def settings(words: Words) -> Settings | None:
    """What words say of a series; None where an option that decides on its kind has no value.

    Raises:
        CommandError: a value makes no sense.
    """
    if not words:
        return Settings()
    labels = _labels(words)
    retention = _number(words, b"RETENTION")
    if retention is not None and retention < 0:
        raise CommandError("TSDB: Couldn't parse RETENTION")
    chunk_size = _number(words, b"CHUNK_SIZE")
    if chunk_size is not None and chunk_size not in _CHUNK_SIZES:
        raise fail("CHUNK_SIZE value must be a multiple of 8 in the range [48 .. 1048576]")
    packed = position(words, b"UNCOMPRESSED") < 0
    at = position(words, b"ENCODING")
    if at >= 0:
        if at + 1 == len(words):
            return None
        name = word_at(words, at + 1)
        if name not in (b"COMPRESSED", b"UNCOMPRESSED"):
            raise fail("unknown ENCODING parameter")
        packed = name == b"COMPRESSED"
    policy = policy_of(words, b"DUPLICATE_POLICY")
    return Settings(retention, chunk_size, packed, policy, _ignored(words), labels)


def _number(words: Words, name: bytes) -> int | None:
    at = position(words, name)
    if at < 0:
        return None
    number = parse_int(words[at + 1]) if at + 1 < len(words) else None
    if number is None:
        raise fail(f"Couldn't parse {name.decode()}")
    return number


def policy_of(words: Words, name: bytes) -> str | None:
    """What an option says that is to become of samples of the same time.

    Raises:
        CommandError: it makes no sense.
    """
    at = position(words, name)
    if at < 0:
        return None
    if at + 1 == len(words):
        raise fail("Couldn't parse DUPLICATE_POLICY")
    policy = word_at(words, at + 1).decode("utf-8", "replace").lower()
    if policy not in POLICIES:
        raise fail("Unknown DUPLICATE_POLICY")
    return policy


def _ignored(words: Words) -> tuple[int, float] | None:
    at = position(words, b"IGNORE")
    if at < 0:
        return None
    given = words[at + 1 : at + 3]
    time = parse_int(given[0]) if len(given) == 2 else None
    value = None if time is None else parse_float(given[1])
    if time is None or value is None:
        raise fail("Couldn't parse IGNORE")
    if time < 0 or value < 0:
        raise fail("IGNORE arguments cannot be negative")
    return time, value


def _labels(words: Words) -> list[Label] | None:
    at = position(words, b"LABELS")
    if at < 0:
        return None
    given = words[at + 1 :]
    found = list(zip(given[::2], given[1::2], strict=False))
    for name, value in found:
        if not name or not value or any(mark in value for mark in b"(),"):
            raise fail("Couldn't parse LABELS")
    return found


def default_chunk_size(given: Settings) -> int:
    """The size of a new series' chunks."""
    return DEFAULT_CHUNK_SIZE if given.chunk_size is None else given.chunk_size


# Ranges -------------------------------------------------------------------------------------------


class Query(NamedTuple):
    """Which samples are wanted, and what is made of them."""

    start: int
    end: int
    most: int | None = None  # samples
    latest: bool = False
    aggregation: Aggregation | None = None
    values: tuple[float, float] | None = None
    times: list[int] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is about samples as they stand in the series, whatever they are."""
        return (
            self.aggregation is None and self.values is None and self.times is None
            and not self.latest
        )


def time_bounds(words: Words) -> tuple[int, int]:
    """The first two words as times.

    Raises:
        CommandError: they are none.
    """
    start = 0 if words[0] == b"-" else parse_int(words[0])
    if start is None or start < 0:
        raise fail("wrong fromTimestamp")
    end = LATEST_TIME if words[1] == b"+" else parse_int(words[1])
    if end is None or end < 0:
        raise fail("wrong toTimestamp")
    return start, end


_RANGE_WORDS: Final = frozenset((
    b"LATEST", b"COUNT", b"AGGREGATION", b"ALIGN", b"FILTER_BY_VALUE", b"FILTER_BY_TS", b"EMPTY",
))


def query(words: Words, traits: Traits, key: bytes = b"") -> Query | None:
    """What the words of a range say, from the two times on; None where there are too few.

    Args:
        traits: what there is in this version.
        key: the word before them, which the server takes for an option if it looks like one.

    Raises:
        CommandError: they make no sense.
    """
    start, end = time_bounds(words)
    looks_like_one = _head(key) in _RANGE_WORDS
    if not looks_like_one and (
        len(words) == 2 or _RANGE_WORDS.isdisjoint(map(_head, words))
    ):
        return Query(start, end)
    times, words = words[:2], (key, *words)
    latest = position(words, b"LATEST") >= 0
    count = _count(words)
    at = position(words, b"AGGREGATION")
    wanted = None
    if at >= 0:
        wanted = _aggregation(words, at, traits)
        if wanted is None:
            return None
    place = position(words, b"ALIGN")
    if place >= 0:
        if place + 1 == len(words):
            return None
        align = _alignment(times, words[place + 1], start, end)
        if wanted is None:
            raise fail("ALIGN parameter can only be used with AGGREGATION")
        wanted = wanted._replace(align=align)
    return Query(start, end, count, latest, wanted, _value_bounds(words), _chosen_times(words))


def _count(words: Words) -> int | None:
    at = position(words, b"COUNT")
    while at > 0 and word_at(words, at - 1) in (b"AGGREGATION", b"REDUCE"):  # one of these is meant
        at = position(words, b"COUNT", at + 1)
    if at < 0:
        return None
    if at + 1 == len(words):
        raise fail("COUNT argument is missing")
    count = parse_int(words[at + 1])
    if count is None:
        raise fail("Couldn't parse COUNT")
    if count <= 0:
        raise fail("Invalid COUNT value")
    return count


def kinds_of(word: bytes, traits: Traits, several: bool = False) -> tuple[str, ...]:
    """The kinds of aggregations that a word names.

    Args:
        traits: what there is in this version.
        several: whether there may be more than one, with commas between.

    Raises:
        CommandError: it names none.
    """
    text = _head(word).decode("utf-8", "replace").lower()
    kinds = tuple(text.split(",")) if several and traits.several_aggregators else (text,)
    known = KINDS if traits.nan_samples else FIRST_KINDS
    if any(kind not in known for kind in kinds):
        raise fail("Unknown aggregation type")
    return kinds


def kinds_and_duration(
    words: Words, at: int, traits: Traits, several: bool = False
) -> tuple[tuple[str, ...], int]:
    """The kinds of an aggregation and the length of its buckets, behind a place.

    Args:
        words: of the command.
        at: where ``AGGREGATION`` stands.
        traits: as ``several``: see `kinds_of`.

    Raises:
        CommandError: they make no sense.
    """
    duration = parse_int(words[at + 2]) if at + 2 < len(words) else None
    if duration is None:
        raise fail("Couldn't parse AGGREGATION")
    kinds = kinds_of(words[at + 1], traits, several)
    if duration <= 0:
        raise fail("bucketDuration must be greater than zero")
    return kinds, duration


_STAMPS: Final = {
    b"-": "start", b"START": "start", b"+": "end", b"END": "end", b"~": "mid", b"MID": "mid",
}


def _aggregation(words: Words, at: int, traits: Traits) -> Aggregation | None:
    (kind, *more), duration = kinds_and_duration(words, at, traits, several=True)
    empty = position(words, b"EMPTY")
    if empty >= 0 and empty - at not in (3, 5):
        raise fail("EMPTY flag should be the 3rd or 5th flag after AGGREGATION flag")
    stamp, place = "start", position(words, b"BUCKETTIMESTAMP")
    if place >= 0:
        if place - at not in (3, 4):
            raise fail("BUCKETTIMESTAMP flag should be the 3rd or 4th flag after AGGREGATION flag")
        if place + 1 == len(words):
            return None
        stamp = _STAMPS.get(word_at(words, place + 1), "")
        if not stamp:
            raise fail("unknown BUCKETTIMESTAMP parameter")
    return Aggregation(
        kind, duration, 0, empty >= 0, stamp, tuple(more), traits.nan_samples
    )


def _alignment(times: Words, word: bytes, start: int, end: int) -> int:
    name = _head(word)
    if name in (b"-", b"START"):
        if times[0] == b"-":
            raise fail("start alignment can only be used with explicit start timestamp")
        return start
    if name in (b"+", b"END"):
        if times[1] == b"+":
            raise fail("end alignment can only be used with explicit end timestamp")
        return end
    number = parse_int(word)
    if number is None or number < 0:
        raise fail("unknown ALIGN parameter")
    return number


def _value_bounds(words: Words) -> tuple[float, float] | None:
    at = position(words, b"FILTER_BY_VALUE")
    if at < 0:
        return None
    if at + 2 >= len(words):
        raise fail("FILTER_BY_VALUE one or more arguments are missing")
    least = parse_float(words[at + 1])
    if least is None:
        raise fail("Couldn't parse MIN")
    greatest = parse_float(words[at + 2])
    if greatest is None:
        raise fail("Couldn't parse MAX")
    return least, greatest


def _chosen_times(words: Words) -> list[int] | None:
    at = position(words, b"FILTER_BY_TS")
    if at < 0:
        return None
    found = []
    for word in words[at + 1 :]:
        number = parse_int(word)
        if number is None or number < 0:
            break
        found.append(number)
    if not found:
        raise fail("FILTER_BY_TS one or more arguments are missing")
    return sorted(set(found))


# Several series -----------------------------------------------------------------------------------

_BEHIND_LABELS: Final = frozenset((
    b"WITHLABELS", b"AGGREGATION", b"LIMIT", b"GROUPBY", b"REDUCE", b"FILTER", b"COUNT", b"ALIGN",
    b"FILTER_BY_TS", b"FILTER_BY_VALUE", b"SELECTED_LABELS",
))
_LEFT_OUT: Final = b"EXCLUDEEMPTY"
_MOST_LABELS = 50


class Shown(NamedTuple):
    """Which labels are told."""

    all: bool = False
    some: tuple[bytes, ...] = ()


def leaves_out_empty(words: Words, traits: Traits) -> bool:
    """Whether words before FILTER say that series without samples are to be left out."""
    return traits.series_left_out and 0 <= position(words, _LEFT_OUT) < position(words, b"FILTER")


def shown_labels(words: Words, traits: Traits) -> Shown:
    """Which labels words ask for.

    Args:
        words: of the command.
        traits: what there is in this version.

    Raises:
        CommandError: all and some at once, none, or too many.
    """
    all_of_them = position(words, b"WITHLABELS") >= 0
    at = position(words, b"SELECTED_LABELS")
    if at < 0:
        return Shown(all_of_them)
    if all_of_them:
        raise fail("cannot accept WITHLABELS and SELECT_LABELS together")
    names = []
    for place in range(at + 1, len(words)):
        word = word_at(words, place)
        if word in _BEHIND_LABELS or (word == _LEFT_OUT and traits.series_left_out):
            break
        names.append(words[place])
    if not names:
        raise fail("SELECT_LABELS should have at least 1 parameter")
    if len(names) > _MOST_LABELS:
        raise fail("reached max size for SELECT_LABELS")
    return Shown(False, tuple(names))
