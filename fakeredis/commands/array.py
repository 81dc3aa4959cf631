"""Array commands: Redis 8.8's "array" group.

They are declared in `fakeredis.commands.late`; this is imported by the first call of one of them.
No server to compare with can be had: what is done here follows the commands' public pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import reduce
from operator import and_, or_, xor
from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import word_of
from fakeredis.commands.late_options import GrepOptions, InfoOptions, LastOptions, LimitOptions
from fakeredis.datatypes.array import LAST_INDEX, Array
from fakeredis.datatypes.glob import matcher
from fakeredis.datatypes.numbers import parse_float, parse_int, parse_unsigned
from fakeredis.datatypes.regex import Automaton, compiled
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError

_LONGEST_RANGE: Final = 1_000_000
_MOST_PREDICATES = 250


# Arguments ----------------------------------------------------------------------------------------


def _index(raw: bytes, highest: int = LAST_INDEX) -> int:
    index = parse_unsigned(raw)
    if index is None or index > highest:
        raise CommandError(errors.ARRAY_INDEX)
    return index


def _writable(ctx: Context, key: bytes) -> Array:
    """The array at a key, a new one where there is none."""
    value: Array | None = ctx.lookup_write(key, Array)
    if value is None:
        value = Array()
        ctx.db.put(key, value)
    return value


# Setting and getting ------------------------------------------------------------------------------


def arset(ctx: Context, key: bytes, raw: bytes, *values: bytes) -> int:
    """Set elements from an index on; how many of them are new.

    Checked in the server's order: index, type.
    """
    first = _index(raw)
    if first + len(values) - 1 > LAST_INDEX:
        raise CommandError(errors.ARRAY_INDEX)
    array = _writable(ctx, key)
    new = sum([array.set(first + at, value) for at, value in enumerate(values)])
    ctx.modified(key, "arset")
    return new


def armset(ctx: Context, key: bytes, *words: bytes) -> int:
    """Set elements at several indices; how many of them are new.

    Checked in the server's order: number of words, all indices, type.
    """
    if len(words) % 2:
        raise ctx.wrong_arity()
    pairs = [(_index(words[at]), words[at + 1]) for at in range(0, len(words), 2)]
    array = _writable(ctx, key)
    new = sum([array.set(index, value) for index, value in pairs])
    ctx.modified(key, "armset")
    return new


def arget(ctx: Context, key: bytes, raw: bytes) -> bytes | None:
    """The element at an index; None where there is none. The type is checked before the index."""
    array: Array | None = ctx.lookup_read(key, Array)
    index = _index(raw)
    return None if array is None else array.get(index)


def armget(ctx: Context, key: bytes, *words: bytes) -> list[bytes | None]:
    """The elements at several indices. The type is checked before the indices."""
    array: Array | None = ctx.lookup_read(key, Array)
    indices = [_index(raw) for raw in words]
    return [None if array is None else array.get(index) for index in indices]


def argetrange(ctx: Context, key: bytes, start: bytes, end: bytes) -> list[bytes | None]:
    """All elements from an index to another, empty ones too; downwards where it is less."""
    first, last = _index(start), _index(end)
    if abs(last - first) >= _LONGEST_RANGE:
        raise CommandError(errors.ARRAY_RANGE % _LONGEST_RANGE)
    array: Array | None = ctx.lookup_read(key, Array)
    step = 1 if first <= last else -1
    return [None if array is None else array.get(at) for at in range(first, last + step, step)]


def arlen(ctx: Context, key: bytes) -> int:
    """The highest index that is set, and one; 0 when there is no array."""
    array: Array | None = ctx.lookup_read(key, Array)
    return 0 if array is None else array.length


def arcount(ctx: Context, key: bytes) -> int:
    """How many elements there are."""
    array: Array | None = ctx.lookup_read(key, Array)
    return 0 if array is None else array.count


def ardel(ctx: Context, key: bytes, *words: bytes) -> int:
    """Remove elements; how many there were. All indices are checked first."""
    indices = [_index(raw) for raw in words]
    array: Array | None = ctx.lookup_write(key, Array)
    gone = 0 if array is None else sum([array.delete(index) for index in indices])
    if gone:
        ctx.shrunk(key, array, "ardel")
    return gone


def ardelrange(ctx: Context, key: bytes, *words: bytes) -> int:
    """Remove the elements of ranges; how many there were.

    Checked in the server's order: number of words, all indices, type.
    """
    if len(words) % 2:
        raise ctx.wrong_arity()
    indices = [_index(raw) for raw in words]
    array: Array | None = ctx.lookup_write(key, Array)
    if array is None:
        return 0
    gone = sum([
        array.delete_range(min(pair), max(pair))
        for pair in zip(indices[::2], indices[1::2], strict=True)
    ])
    if gone:
        ctx.shrunk(key, array, "ardelrange")
    return gone


# Inserting ----------------------------------------------------------------------------------------


def arinsert(ctx: Context, key: bytes, *values: bytes) -> int:
    """Set the elements behind the one inserted last; the last index.

    Checked in the server's order: type, room.
    """
    array: Array | None = ctx.lookup_write(key, Array)
    first = 0 if array is None else array.next_index
    if first is None or first + len(values) - 1 > LAST_INDEX:
        raise CommandError(errors.ARRAY_FULL)
    array = _writable(ctx, key)
    for at, value in enumerate(values, first):
        array.set(at, value)
    array.cursor = first + len(values) - 1
    ctx.modified(key, "arinsert")
    return array.cursor


def arring(ctx: Context, key: bytes, raw: bytes, *values: bytes) -> int:
    """Insert into a ring of some size, over its oldest elements; the last index.

    Checked in the server's order: size, type.
    """
    size = parse_int(raw)
    if size is None:
        raise CommandError(errors.ARRAY_SIZE)
    if size <= 0:
        raise CommandError(errors.ARRAY_SIZE_POSITIVE)
    array = _writable(ctx, key)
    array.fit_ring(size)
    for value in values:
        index = array.insert_in_ring(size, value)
    ctx.modified(key, "arring")
    return index


def arnext(ctx: Context, key: bytes) -> int | None:
    """Where ARINSERT would go on; None when there is no room any more."""
    array: Array | None = ctx.lookup_read(key, Array)
    return 0 if array is None else array.next_index


def arseek(ctx: Context, key: bytes, raw: bytes) -> int:
    """Set the index at which insertions go on; 0 when there is no array."""
    index = _index(raw, LAST_INDEX + 1)
    array: Array | None = ctx.lookup_write(key, Array)
    if array is None:
        return 0
    array.cursor = index - 1 if index else None
    ctx.modified(key, "arseek")
    return 1


def arlastitems(ctx: Context, key: bytes, raw: bytes, *words: bytes) -> list[bytes | None]:
    """The elements inserted last, the oldest first or, with REV, the newest.

    Checked in the server's order: count, which ends it where nothing is wanted, options, type.
    """
    count = parse_int(raw)
    if count is None:
        raise CommandError(errors.ARRAY_COUNT)
    if count <= 0:
        return []
    if len(words) > 1:
        raise ctx.wrong_arity()
    options = LastOptions.parse(ctx, words)
    array: Array | None = ctx.lookup_read(key, Array)
    if array is None:
        return []
    newest = array.newest(count)
    return newest if options.reverse else newest[::-1]


# Looking through ----------------------------------------------------------------------------------


def _items(ctx: Context, key: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    array: Array | None = ctx.lookup_read(key, Array)
    return iter(()) if array is None else array.items(start, end)


def arscan(ctx: Context, key: bytes, start: bytes, end: bytes, *words: bytes) -> list[Any]:
    """The elements of a range, each with its index; downwards where the end is less.

    Checked in the server's order: indices, number of words, options, type.
    """
    first, last = _index(start), _index(end)
    if len(words) not in (0, 2):
        raise ctx.wrong_arity()
    limit = LimitOptions.parse(ctx, words).limit
    found: list[Any] = []
    for index, value in _items(ctx, key, first, last):
        found.append([index, value])
        if len(found) == limit:
            break
    return found


def _matcher(options: GrepOptions) -> Callable[[bytes], bool]:
    """The function from an element to whether it is found."""
    if not options.predicates:
        raise CommandError(errors.SYNTAX)
    if len(options.predicates) > _MOST_PREDICATES:
        raise CommandError(errors.ARRAY_PREDICATES % _MOST_PREDICATES)
    tests = [_predicate(kind, value, options.nocase) for kind, value in options.predicates]
    combine = all if options.combine == "AND" else any
    return lambda element: combine([test(element) for test in tests])


def _predicate(kind: str, value: bytes, nocase: bool) -> Callable[[bytes], bool]:
    if kind == "GLOB":
        matches = matcher(value, nocase=nocase)
        return lambda element: bool(matches(element))
    if kind == "RE":
        search = _pattern(value, nocase).search
        return lambda element: search(element.decode("latin-1"))
    if nocase:
        value = value.lower()
        if kind == "EXACT":
            return lambda element: element.lower() == value
        return lambda element: value in element.lower()
    return (lambda element: element == value) if kind == "EXACT" else lambda element: (
        value in element
    )


# What POSIX writes otherwise, and what must not be mistaken for it.
_DIFFERENT: Final = re.compile(
    r"\\([1-9])|\\.|(\[\^?)(\]?(?:\[:[a-z]+:\]|[^]])*)\]|(\{,)", re.DOTALL
)


def _pattern(value: bytes, nocase: bool) -> Automaton:
    """What searches for a POSIX extended regular expression."""
    if not value:
        raise CommandError(errors.ARRAY_PATTERN_EMPTY)
    pattern = _DIFFERENT.sub(_translated, value.decode("latin-1"))
    automaton = compiled(pattern, "bsi" if nocase else "bs")
    if automaton is None:
        raise CommandError(errors.ARRAY_PATTERN)
    return automaton


def _translated(found: re.Match[str]) -> str:
    reference, head, body, braces = found.groups()
    if reference is not None:
        raise CommandError(errors.ARRAY_REFERENCE)
    if braces is not None:
        return "{0,"
    if head is None:
        return found[0]
    # Within brackets a backslash is no escape, and an opening bracket begins a class or is itself.
    parts = re.split(r"(\[:[a-z]+:\])", body.replace("\\", "\\\\"))
    parts[::2] = [re.sub(r"([][^&~])", r"\\\1", part) for part in parts[::2]]
    translated = "".join(parts)
    if translated.endswith("-"):  # itself, also as the end of a range
        translated = translated[:-1] + r"\-"
    return head + translated + "]"


def argrep(ctx: Context, key: bytes, start: bytes, end: bytes, *words: bytes) -> list[Any]:
    """The indices of a range's elements that texts or patterns match; with WITHVALUES both.

    Checked in the server's order: indices, options, patterns, type.
    """
    first = 0 if start == b"-" else LAST_INDEX if start == b"+" else _index(start)
    last = 0 if end == b"-" else LAST_INDEX if end == b"+" else _index(end)
    options = GrepOptions.parse(ctx, words)
    matches = _matcher(options)
    found: list[Any] = []
    for index, value in _items(ctx, key, first, last):
        if matches(value):
            found.append([index, value] if options.with_values else index)
            if len(found) == options.limit:
                break
    return found


# Numbers ------------------------------------------------------------------------------------------

_SUMS: Final[dict[bytes, Callable[[list[float]], float]]] = {b"SUM": sum, b"MIN": min, b"MAX": max}
_BITS: Final[dict[bytes, Callable[[int, int], int]]] = {b"AND": and_, b"OR": or_, b"XOR": xor}


def arop(
    ctx: Context, key: bytes, start: bytes, end: bytes, operation: bytes, *words: bytes
) -> Any:
    """One result of all elements of a range; None when there are none that it could use.

    Checked in the server's order: indices, operation, number of words, type.
    """
    first, last = _index(start), _index(end)
    word = word_of(operation)
    if word not in _SUMS and word not in _BITS and word not in (b"MATCH", b"USED"):
        raise CommandError(errors.ARRAY_OPERATION)
    if word == b"MATCH" and len(words) != 1:
        raise CommandError(errors.ARRAY_MATCH)
    if word != b"MATCH" and words:
        raise ctx.wrong_arity()
    values = [value for _, value in _items(ctx, key, min(first, last), max(first, last))]
    if word == b"USED":
        return len(values)
    if word == b"MATCH":
        return values.count(words[0])
    if word in _SUMS:
        numbers = [number for number in map(parse_float, values) if number is not None]
        return b"%.17g" % _SUMS[word](numbers) if numbers else None
    integers = [number for number in map(_integer, values) if number is not None]
    return reduce(_BITS[word], integers) if integers else None


def _integer(raw: bytes) -> int | None:
    """A number without what stands behind its point."""
    number = parse_int(raw)
    if number is None:
        real = parse_float(raw)
        if real is not None and abs(real) < 1 << 63:
            number = int(real)
    return number


def arinfo(ctx: Context, key: bytes, *words: bytes) -> dict[bytes, Any]:
    """Facts of an array; with FULL also of how its parts would be kept.

    Checked in the server's order: options, key and type.
    """
    options = InfoOptions.parse(ctx, words)
    array: Array | None = ctx.lookup_read(key, Array)
    if array is None:
        raise CommandError(errors.NO_SUCH_KEY)
    following = array.next_index
    facts: dict[bytes, Any] = {
        b"count": array.count, b"len": array.length,
        b"next-insert-index": LAST_INDEX + 1 if following is None else following,
        **array.layout(),
    }
    return facts | array.slice_statistics() if options.full else facts
