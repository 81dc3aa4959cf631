"""Arrays: JSON.ARRAPPEND, ARRINDEX, ARRINSERT, ARRLEN, ARRPOP, ARRTRIM."""

from __future__ import annotations

from typing import Any, Final

from fakeredis.commands.arguments import word_of
from fakeredis.commands.json.common import (
    LEGACY_ROOT,
    SKIPPED,
    change_each,
    check_count,
    check_text,
    existing,
    failure,
    found_values,
    parsed,
    parsed_path,
    readable,
    wrong_count,
)
from fakeredis.commands.json.documents import expanded
from fakeredis.datatypes.json import text
from fakeredis.datatypes.json.document import copied, kind_of
from fakeredis.datatypes.json.filters import same
from fakeredis.datatypes.json.path import is_legacy_path
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError

_NO_ARRAY: Final = "not an array"
_OUT_OF_BOUNDS: Final = "ERR index out of bounds"
_NOT_INTEGER: Final = "Couldn't parse as integer"
_WRONG_FORMAT: Final = "ERR wrong reply format"


def _integer(raw: bytes) -> int:
    value = parse_int(raw)
    if value is None:
        raise CommandError(_NOT_INTEGER)
    return value


def arrlen(ctx: Context, *words: bytes) -> Any:
    """The lengths of the arrays that a path finds; null for what is none."""
    found = found_values(ctx, words)
    if found is None:
        return None
    path, values = found
    if not path.is_legacy:
        return [len(value) if type(value) is list else None for value in values]
    if not values:
        raise failure(f"ERR Path '{path.given}' does not exist")
    if type(values[0]) is not list:
        raise failure(f"ERR Path '{path.given}' does not exist or {_NO_ARRAY}")
    return len(values[0])


def arrindex(ctx: Context, *words: bytes) -> Any:
    """The index of a value in each array that a path finds, -1 where it is in none of them.

    A stop of 0 means the end; indexes below 0 count from there.
    """
    check_count(ctx, words, 3)
    key, raw_path, raw = words[:3]
    check_text(raw_path)
    start = _integer(words[3]) if len(words) > 3 else 0
    stop = _integer(words[4]) if len(words) > 4 else 0
    if len(words) > 5:
        raise wrong_count(ctx)
    wanted = parsed(raw, whole=True, code="ERR ")
    document = readable(ctx, key)
    if document is None:
        raise failure(f"ERR Path '{raw_path.decode()}' does not exist")
    path = parsed_path(raw_path)
    values = path.values(document[0])
    if not path.is_legacy:
        return [
            _index(value, wanted, start, stop) if type(value) is list else None for value in values
        ]
    if not values:
        raise failure(f"ERR Path '{path.text}' does not exist")
    if type(values[0]) is not list:
        found = kind_of(values[0])
        raise CommandError(f"WRONGTYPE wrong type of path value - expected array but found {found}")
    return _index(values[0], wanted, start, stop)


def _index(array: list[Any], wanted: Any, start: int, stop: int) -> int:
    size = len(array)
    start = max(start + size, 0) if start < 0 else min(start, max(size - 1, 0))
    stop = max(stop + size, 0) if stop < 0 else size if stop == 0 else min(stop, size)
    for at in range(start, stop):
        if same(array[at], wanted):
            return at
    return -1


def arrappend(ctx: Context, *words: bytes) -> Any:
    """Append values to each array that a path finds; their new lengths."""
    check_count(ctx, words, 3)
    key, raw_path, *raws = words
    check_text(raw_path)
    values = [parsed(raw) for raw in raws]
    document, path = existing(ctx, key, raw_path)

    def change(container: Any, at: Any) -> Any:
        array = container[at]
        array += map(copied, values)
        return len(array)

    as_given = path._replace(text=path.given)  # in errors, other commands show it with ``$``
    return change_each(ctx, key, document, as_given, (list,), change, _NO_ARRAY)


def arrinsert(ctx: Context, *words: bytes) -> Any:
    """Insert values before an index of each array that a path finds; their new lengths."""
    check_count(ctx, words, 3)
    key, raw_path, raw_index, *raws = words
    check_text(raw_path)
    index = _integer(raw_index)
    check_count(ctx, words, 4)
    values = [parsed(raw) for raw in raws]
    document, path = existing(ctx, key, raw_path)

    def change(container: Any, at: Any) -> Any:
        array = container[at]
        size = len(array)
        if not -size <= index <= size:
            raise CommandError(_OUT_OF_BOUNDS)
        start = index + size if index < 0 else index
        array[start:start] = map(copied, values)
        return len(array)

    return change_each(ctx, key, document, path, (list,), change, _NO_ARRAY)


def arrpop(ctx: Context, *words: bytes) -> Any:
    """Remove an element, by default the last, of each array that a path finds, and return it."""
    check_count(ctx, words, 1)
    key, *rest = words
    form = b"STRINGS"
    if len(rest) > 1 and word_of(rest[0]) == b"FORMAT":
        form, rest = _pop_format(ctx, rest[1]), rest[2:]
    raw_path = rest[0] if rest else LEGACY_ROOT
    index = parse_int(rest[1]) if len(rest) > 1 else None
    if form != b"STRINGS" and is_legacy_path(raw_path):
        raise CommandError("Legacy paths are supported only with FORMAT STRINGS")
    document, path = existing(ctx, key, raw_path)

    def change(container: Any, at: Any) -> Any:
        array = container[at]
        if not array:  # with a legacy path, the server announces even that
            return None if path.is_legacy else SKIPPED
        return _shown(array.pop(_popped(-1 if index is None else index, len(array))), form)

    return change_each(ctx, key, document, path, (list,), change, _NO_ARRAY, missing="")


def _pop_format(ctx: Context, name: bytes) -> bytes:
    if name not in (b"STRINGS", b"EXPAND", b"EXPAND1"):
        raise CommandError(_WRONG_FORMAT)
    if ctx.session.protocol == 2:
        raise CommandError("ERR FORMAT argument is not supported on RESP2")
    return name


def _popped(index: int, size: int) -> int:
    """The index of the element, counted from the beginning; one beyond is the nearest there is."""
    return max(index + size, 0) if index < 0 else min(index, size - 1)


def _shown(value: Any, form: bytes) -> Any:
    if form == b"STRINGS":
        return text.dumps(value)
    return expanded(value, form == b"EXPAND1")


def arrtrim(ctx: Context, *words: bytes) -> Any:
    """Keep a range of each array that a path finds; their new lengths."""
    check_count(ctx, words, 3)
    key, raw_path = words[:2]
    check_text(raw_path)
    start = _integer(words[2])
    check_count(ctx, words, 4)
    stop = _integer(words[3])
    document, path = existing(ctx, key, raw_path)

    def change(container: Any, at: Any) -> Any:
        array = container[at]
        size = len(array)
        first = max(start + size, 0) if start < 0 else start
        last = stop + size if stop < 0 else stop
        array[:] = array[first : max(last + 1, 0)]
        return len(array)

    return change_each(ctx, key, document, path, (list,), change, _NO_ARRAY)
