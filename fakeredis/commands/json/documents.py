"""Whole documents and values of any type: JSON.GET, SET, MERGE, DEL and their kin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any, Final, NamedTuple

from fakeredis import errors
from fakeredis.commands.arguments import word_of
from fakeredis.commands.json.common import (
    LEGACY_ROOT,
    ROOT,
    check_count,
    check_text,
    existing,
    failure,
    lenient_path,
    parsed,
    parsed_path,
    path_word,
    readable,
    writable,
    wrong_count,
)
from fakeredis.commands.json.options import GetOptions, LeadingGetOptions, SetOptions
from fakeredis.datatypes.json import floats, text
from fakeredis.datatypes.json.document import (
    JsonDocument,
    copied,
    delete_at,
    kind_of,
    merged,
    size_of,
)
from fakeredis.datatypes.json.errors import JsonError
from fakeredis.datatypes.json.path import Path, Place, is_legacy_path, path_of
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status, remade
from fakeredis.errors import CommandError

_NEW_AT_ROOT: Final = "ERR new objects must be created at the root"
_NOT_STATIC: Final = "Err wrong static path"
_GREATEST: Final = (1 << 63) - 1  # of an integer that is one in a reply
_OUT_OF_RANGE: Final = "ERR array index out of range"


# Reading ------------------------------------------------------------------------------------------


def _text(value: Any, options: GetOptions) -> bytes:
    """A value as text."""
    if not (options.indent or options.newline or options.space):
        return text.dumps(value)
    return text.pretty(value, options.indent, options.newline, options.space)


def get(ctx: Context, key: bytes = b"", *words: bytes) -> Any:
    """The values that paths find, as text; by default the whole document."""
    if not words:
        if not ctx.args:
            raise wrong_count(ctx)
        document = readable(ctx, key)
        return None if document is None else text.dumps(document[0])
    if len(words) == 1 and words[0].startswith((b"$", b".")) and words[0].isascii():
        document = readable(ctx, key)
        return None if document is None else _one_path(document[0], parsed_path(words[0]), _PLAIN)
    if ctx.session.protocol == 2:
        LeadingGetOptions.take(ctx, words)
    options = GetOptions.parse(ctx, words)
    raw_paths = list(filter(text.is_text, options.paths))
    document = readable(ctx, key)
    if document is None:
        return None
    if options.format != b"STRING":
        return [_expanded(document[0], raw, options) for raw in raw_paths or [LEGACY_ROOT]]
    paths = _paths(raw_paths or [LEGACY_ROOT])
    if len(raw_paths) < 2:
        return _one_path(document[0], paths[0], options)
    all_legacy = all(map(is_legacy_path, raw_paths))
    return _several_paths(document[0], paths, options, all_legacy)


_PLAIN: Final = GetOptions()


def _paths(raw_paths: Sequence[bytes]) -> list[Path]:
    """The paths; of several, those that mean none are left out, as the server does."""
    if len(raw_paths) == 1:
        return [parsed_path(raw_paths[0])]
    found = []
    for raw in raw_paths:
        with suppress(JsonError):
            found.append(path_of(raw))
    return found


def _one_path(root: Any, path: Path, options: GetOptions) -> bytes:
    values = path.values(root)
    if not path.is_legacy:
        return _text(values, options)
    if not values:
        raise _missing(path)
    return _text(values[0], options)


def _several_paths(root: Any, paths: list[Path], options: GetOptions, all_legacy: bool) -> bytes:
    """An object of the values by path; of single ones, where all paths are legacy ones."""
    found: dict[str, Any] = {}
    for path in paths:
        values = path.values(root)
        if all_legacy and not values:
            raise failure(f"ERR Path '{path.given}' does not exist")
        found[path.given] = values[0] if all_legacy else values
    return _text(found, options)


def _missing(path: Path) -> CommandError:
    return failure(f"ERR Path '{path.text}' does not exist")


def _expanded(root: Any, raw_path: bytes, options: GetOptions) -> list[Any]:
    """What a path finds; what is no path finds nothing here."""
    try:
        values = path_of(raw_path).values(root)
    except JsonError:
        return []
    return [expanded(value, options.format == b"EXPAND1", options) for value in values]


def expanded(value: Any, only_scalars: bool = False, options: GetOptions = _PLAIN) -> Any:
    """A value as a reply of RESP3; with ``only_scalars`` containers are texts."""
    if only_scalars:
        return _text(value, options) if type(value) in (dict, list, str) else value
    return remade(value, _in_resp3)


def _in_resp3(value: Any) -> Any:
    kind = type(value)
    if kind is list:
        return value.copy()
    if kind is dict:
        return {name.encode(): child for name, child in value.items()}
    return value.encode() if kind is str else value


def mget(ctx: Context, *words: bytes) -> list[bytes | None]:
    """What one path finds in each of several documents; null for keys without any."""
    check_count(ctx, words, 2)
    *keys, raw = words
    check_text(raw)
    try:
        path = path_of(raw)
    except JsonError:
        return [None] * len(keys)
    return [_of_key(ctx, key, path) for key in keys]


def _of_key(ctx: Context, key: bytes, path: Path) -> bytes | None:
    try:
        document = readable(ctx, key)
    except CommandError:
        return None
    if document is None:
        return None
    values = path.values(document[0])
    if path.is_legacy:
        return text.dumps(values[0]) if values else None
    return text.dumps(values)


def type_(ctx: Context, *words: bytes) -> Any:
    """The types of the values that a path finds."""
    check_count(ctx, words, 1)
    document = readable(ctx, words[0])
    reply: Any = None
    path = None if document is None else lenient_path(path_word(words))
    if path is not None and document is not None:
        kinds = [kind_of(value).encode() for value in path.values(document[0])]
        reply = kinds if not path.is_legacy else kinds[0] if kinds else None
    return reply if ctx.session.protocol == 2 else [reply]


def _path(words: Sequence[bytes]) -> Path:
    return parsed_path(path_word(words))


def resp(ctx: Context, *words: bytes) -> Any:
    """The values that a path finds as replies: containers as arrays that begin with a bracket."""
    check_count(ctx, words, 1)
    check_text(*words[1:2])
    document = readable(ctx, words[0])
    if document is None:
        return None
    path = _path(words)
    values = path.values(document[0])
    if not path.is_legacy:
        return [_as_resp(value) for value in values]
    if not values:
        raise _missing(path)
    return _as_resp(values[0])


def _as_resp(value: Any) -> Any:
    return remade(value, _in_resp)


def _in_resp(value: Any) -> Any:
    kind = type(value)
    if kind is list:
        return [Status(b"["), *value]
    if kind is dict:
        flat: list[Any] = [Status(b"{")]
        for name, child in value.items():
            flat += (name.encode(), child)
        return flat
    if kind is bool:
        return Status(b"true" if value else b"false")
    if kind is int and value > _GREATEST:
        return float(value)
    return value.encode() if kind is str else value



_HELP: Final = [
    b"MEMORY <key> [path] - reports memory usage", b"HELP                - this message",
]


def debug(ctx: Context, *words: bytes) -> Any:
    """MEMORY: the bytes that the server takes for values; HELP."""
    check_count(ctx, words, 1)
    name = word_of(words[0])
    if name == b"HELP":
        return _HELP
    if name != b"MEMORY":
        raise CommandError("ERR unknown subcommand - try `JSON.DEBUG HELP`")
    check_count(ctx, words, 2)
    document = readable(ctx, words[1])
    if document is None:
        return 0 if is_legacy_path(path_word(words[1:])) else []
    path = _path(words[1:])
    sizes = [size_of(value) for value in path.values(document[0])]
    if not path.is_legacy:
        return sizes
    if not sizes:
        raise _missing(path)
    return sizes[0]


# Writing ------------------------------------------------------------------------------------------


_ALWAYS: Final = SetOptions()


def set_(ctx: Context, *words: bytes) -> Any:
    """Set what a path finds, or the field that it names, to a value; null where it did not."""
    check_count(ctx, words, 3)
    key, raw_path, raw = words[:3]
    check_text(raw_path)
    options = SetOptions.parse(ctx, words[3:]) if len(words) > 3 else _ALWAYS
    document = writable(ctx, key)
    value = parsed(raw)
    if options.fpha:
        value = _rounded(value, options.fpha)
    places = _places(document, raw_path, options.condition)
    done = _put(ctx, key, places, value)
    if done:
        ctx.modified(key, "json.set")
    return OK if done else None


def _rounded(value: Any, name: bytes) -> Any:
    """A value whose arrays of floats keep as much of them as a type does."""
    try:
        return floats.rounded(value, name)
    except OverflowError:
        raise CommandError(f"ERR value out of range for {name.decode()}") from None


class _NewField(NamedTuple):
    """A field that an object has not yet."""

    parent: Place
    name: str


_Places = list[Place] | _NewField


def _places(
    document: JsonDocument | None, raw_path: bytes, condition: str = ""
) -> _Places | None:
    """Where a value is to be put: all that a path finds, or the field that it names.

    None where that is nowhere.

    Raises:
        CommandError: the path names no single place, or an element beyond the end; or there is no
            document yet.
    """
    if document is None:
        if condition == "XX":
            return None
        if raw_path not in (ROOT, LEGACY_ROOT):
            raise CommandError(_NEW_AT_ROOT)
        return [()]
    path = parsed_path(raw_path)
    places = path.places(document[0])
    if condition == "NX":
        if path.is_root:
            return None
        if path.keys is None:
            raise CommandError(_NOT_STATIC)
    if places:
        return None if condition == "NX" else places
    return None if condition == "XX" else _new_field(document, path)


def _new_field(document: JsonDocument, path: Path) -> _NewField | None:
    if path.keys is None:
        raise CommandError(_NOT_STATIC)
    *before, last = path.keys
    if isinstance(last, int):
        raise CommandError(_OUT_OF_RANGE)
    to_parent = path._replace(keys=tuple(before))
    parents = to_parent.values(document[0])
    if not parents or not isinstance(parents[0], dict):
        return None
    return _NewField(to_parent.places(document[0])[0], path.new_name)


def _put(ctx: Context, key: bytes, places: _Places | None, value: Any) -> bool:
    """Put a value at places, a copy of it at each but the first; whether it was put anywhere."""
    if places is None:
        return False
    document = ctx.lookup(key)
    if document is None:
        ctx.db.put(key, JsonDocument([value]))
        return True
    if isinstance(places, _NewField):
        return _put_new(document, places, value)
    done = False
    for place in places:
        found = document.holder(place)  # an earlier one may have taken it away
        if found is not None:
            container, at = found
            container[at] = copied(value) if done else value
            done = True
    return done


def _put_new(document: JsonDocument, field: _NewField, value: Any) -> bool:
    """Put a value at a new field, where its object is still there; whether it is."""
    found = document.holder(field.parent)
    parent = None if found is None else found[0][found[1]]
    if not isinstance(parent, dict):
        return False
    parent[field.name] = value
    return True


def mset(ctx: Context, *words: bytes) -> Any:
    """Set several values, or none where one of them cannot be."""
    check_count(ctx, words, 3)
    calls = []
    for start in range(0, len(words), 3):
        key, *rest = words[start : start + 3]
        document = writable(ctx, key)
        check_count(ctx, rest, 1)
        check_text(rest[0])
        places = _places(document, rest[0])
        check_count(ctx, rest, 2)
        calls.append((key, places, parsed(rest[1])))
    for key, places, value in calls:
        if _put(ctx, key, places, value):
            ctx.modified(key, "json.mset")
    return OK


def merge(ctx: Context, *words: bytes) -> Any:
    """Merge a value into what a path finds (RFC 7396); null where it finds and names nothing."""
    check_count(ctx, words, 3)
    if len(words) > 3:
        raise CommandError(errors.SYNTAX)
    key, raw_path, raw = words
    check_text(raw_path)
    document = writable(ctx, key)
    value = parsed(raw)
    if document is None:
        done = _put(ctx, key, _places(None, raw_path), value)
    else:
        done = _merge(ctx, key, document, parsed_path(raw_path), value)
    if done:
        ctx.modified(key, "json.merge")
    return OK if done else None


def _merge(ctx: Context, key: bytes, document: JsonDocument, path: Path, value: Any) -> bool:
    places = path.places(document[0])
    if not places:
        return _put(ctx, key, _new_field(document, path), value)
    done = False
    for place in places:
        found = document.holder(place)
        if found is not None:
            container, at = found
            container[at] = merged(container[at], value)
            done = True
    return done


def delete(ctx: Context, *words: bytes) -> int:
    """Remove what a path finds, or the key; the number of values removed."""
    check_count(ctx, words, 1)
    check_text(*words[1:2])
    key = words[0]
    document = writable(ctx, key)
    if document is None:
        return 0
    path = _path(words)
    if path.is_root:
        ctx.db.delete(key)
        ctx.modified(key, "json.del")
        return 1
    removed = 0
    for place in _outermost(path.places(document[0])):
        # a filter may find a root that is no container: here, that is no place
        found = document.holder(place) if place else None
        if found is not None:
            delete_at(*found)
            removed += 1
    if removed:
        ctx.modified(key, "json.del")
    return removed



def _outermost(places: list[Place]) -> list[Place]:
    """Places none of which lies within another, the later elements of an array first.

    The server compares texts: to it, ``ab`` lies within ``a``, an array's element 10 within 1, and
    one that was found twice within itself. All these stay.
    """
    named = sorted(((",".join(map(str, place)), place) for place in places), key=itemgetter(0))
    times = Counter(name for name, _ in named)
    found: list[Place] = []
    outer: str | None = None
    for name, place in named:
        if outer is None or not name.startswith(outer):
            outer = name
            if times[name] == 1:
                found.append(place)
    return sorted(found, key=_order)


def _order(place: Place) -> list[tuple[int, str]]:
    return [(-key, "") if isinstance(key, int) else (0, key) for key in place]


def clear(ctx: Context, *words: bytes) -> int:
    """Empty containers and set numbers to 0; how many of those that a path finds were changed."""
    check_count(ctx, words, 1)
    key = words[0]
    document, path = existing(ctx, key, words[1] if len(words) > 1 else LEGACY_ROOT)
    cleared = 0
    for place, value in path.found(document[0]):
        if kind_of(value) in _EMPTY and value:
            cleared += _clear(document, place)
    if cleared:
        ctx.modified(key, "json.clear")
    return cleared


_EMPTY: Final[dict[str, Any]] = {"object": {}, "array": [], "integer": 0, "number": 0}


def _clear(document: JsonDocument, place: Place) -> bool:
    """Clear what is at a place, if an earlier change has left it there."""
    found = document.holder(place)
    if found is None:
        return False
    container, at = found
    container[at] = copied(_EMPTY[kind_of(container[at])])
    return True

