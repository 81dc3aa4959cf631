"""What JSON commands have in common: looking up documents, going over paths, failing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from fakeredis.datatypes.json import text
from fakeredis.datatypes.json.document import JsonDocument
from fakeredis.datatypes.json.errors import JsonError
from fakeredis.datatypes.json.path import Path, Place, is_legacy_path, path_of
from fakeredis.engine.core.context import Context
from fakeredis.errors import CommandError

Change = Callable[[Any, Any], Any]  # of a container and a key in it: the reply
Kinds = tuple[type, ...]

NO_KEY: Final = "ERR could not perform this operation on a key that doesn't exist"
WRONG_KEY: Final = "Existing key has wrong Redis type"
ROOT: Final = b"$"
LEGACY_ROOT: Final = b"."
GONE: Final = "ERR Path does not exist"
SKIPPED: Final = object()  # what a path found is of another type


_SPACES: Final = dict.fromkeys(map(ord, "\0\r\n"), " ")


def failure(message: str) -> CommandError:
    """An error; of a character the server sends the lowest byte alone, for line ends a space."""
    message = message.translate(_SPACES)
    if message.isascii():
        return CommandError(message)
    raw = bytes(ord(char) & 0xFF for char in message)
    return CommandError(raw.decode("utf-8", "surrogateescape"))


def check_count(ctx: Context, words: Sequence[bytes], low: int) -> None:
    """Refuse fewer words than a command needs.

    Raises:
        CommandError: wrong number of arguments.
    """
    if len(words) < low:
        raise wrong_count(ctx)


def wrong_count(ctx: Context) -> CommandError:
    """The error for too few words, or too many."""
    return ctx.wrong_arity()


def parsed_path(raw: bytes) -> Path:
    """The path that a word means.

    Raises:
        CommandError: it means none.
    """
    try:
        return path_of(raw)
    except JsonError as error:
        raise failure(str(error)) from None


def lenient_path(raw: bytes) -> Path | None:
    """The same, None for a legacy path that means none: with some commands it finds nothing.

    Raises:
        CommandError: a path that begins with ``$`` means none.
    """
    try:
        return path_of(raw)
    except JsonError as error:
        if is_legacy_path(raw):
            return None
        raise failure(str(error)) from None


def check_text(*words: bytes) -> None:
    """Refuse words that are no UTF-8.

    Raises:
        CommandError: one is none.
    """
    for word in words:
        if not word.isascii() and not text.is_text(word):
            raise CommandError("Couldn't parse as UTF-8 string")


def parsed(raw: bytes, whole: bool = False, code: str = "") -> Any:
    """The value that a word means.

    Args:
        whole: nothing may stand behind it.
        code: what the error begins with.

    Raises:
        CommandError: it means none.
    """
    try:
        return text.loads(raw, whole)
    except JsonError as error:
        raise failure(f"{code}{error}") from None


def readable(ctx: Context, key: bytes) -> JsonDocument | None:
    """The document at a key for reading; None when there is none.

    Raises:
        CommandError: the value is of another type.
    """
    try:
        value: JsonDocument | None = ctx.lookup_read(key, JsonDocument)
    except CommandError:
        raise CommandError(WRONG_KEY) from None
    return value


def writable(ctx: Context, key: bytes) -> JsonDocument | None:
    """The same for changing it: WATCH and tracking hear of that at once, whatever comes of it.

    Raises:
        CommandError: the value is of another type.
    """
    value = ctx.lookup(key)
    ctx.signal_modified(key)
    if value is None or type(value) is JsonDocument:
        return value
    raise CommandError(WRONG_KEY)


def path_word(words: Sequence[bytes]) -> bytes:
    """The word behind the key, or what stands for the root where there is none, or no text."""
    return words[1] if len(words) > 1 and text.is_text(words[1]) else LEGACY_ROOT


def found_values(
    ctx: Context, words: Sequence[bytes], missing: str = NO_KEY, lenient: bool = False
) -> tuple[Path, list[Any]] | None:
    """The path of a command that reads values, and those that it finds; None: the reply is null.

    Args:
        missing: the error where there is no document, and no legacy path; ``{}`` is the path.
        lenient: see `lenient_path`.

    Raises:
        CommandError: too few words, a value of another type, no document, or no path.
    """
    check_count(ctx, words, 1)
    raw_path, document = path_word(words), readable(ctx, words[0])
    if document is None:
        if is_legacy_path(raw_path):
            return None
        raise failure(missing.format(raw_path.decode()))
    path = lenient_path(raw_path) if lenient else parsed_path(raw_path)
    return None if path is None else (path, path.values(document[0]))


def existing(ctx: Context, key: bytes, raw_path: bytes) -> tuple[JsonDocument, Path]:
    """The document at a key, where there must be one, to be changed, and the path into it.

    Raises:
        CommandError: there is none, or the value is of another type; or the path is none.
    """
    check_text(raw_path)
    document = writable(ctx, key)
    if document is None:
        raise CommandError(NO_KEY)
    return document, parsed_path(raw_path)


def change_each(
    ctx: Context, key: bytes, document: JsonDocument, path: Path, kinds: Kinds, change: Change,
    wanted: str, missing: str = GONE,
) -> Any:
    """Change all that a path finds, and announce it; the replies, or a legacy path's last one.

    Args:
        kinds: the types of values that are changed.
        change: changes one value.
        wanted: what is missing, for the error of a legacy path: ``not a string``; where it is
            empty, all paths have all replies, and no error.
        missing: the error for a place that an earlier change took away.

    Raises:
        CommandError: a legacy path finds nothing of the type.
    """
    replies = [
        _changed(document, place, kinds, change, missing) if type(value) in kinds else SKIPPED
        for place, value in path.found(document[0])
    ]
    given = [reply for reply in replies if reply is not SKIPPED]
    if given:
        assert ctx.command is not None
        ctx.modified(key, ctx.command.label)
    if not path.is_legacy or not wanted:
        return [None if reply is SKIPPED else reply for reply in replies]
    if not given:
        raise failure(f"ERR Path '{path.text}' does not exist or {wanted}")
    return given[-1]


def _changed(
    document: JsonDocument, place: Place, kinds: Kinds, change: Change, missing: str
) -> Any:
    """Change what is at a place; `SKIPPED` where an earlier change took it away."""
    found = document.holder(place)
    if found is None and missing:
        raise CommandError(missing)
    if found is None or type(found[0][found[1]]) not in kinds:
        return SKIPPED
    return change(*found)
