"""What a key has for an index: from hashes and from documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.json import text as json_text
from fakeredis.datatypes.json.document import JsonDocument
from fakeredis.datatypes.json.errors import JsonError
from fakeredis.datatypes.json.path import path_of
from fakeredis.datatypes.numbers import parse_float
from fakeredis.datatypes.search.errors import SearchError
from fakeredis.datatypes.search.expressions import compiled
from fakeredis.datatypes.search.index import (
    Contents,
    Index,
    Value,
    fold_tag,
    normalized_tags,
    place_of,
    tags_of,
)
from fakeredis.datatypes.search.schema import Definition, Field
from fakeredis.datatypes.search.values import is_true
from fakeredis.datatypes.search.vectors import SIZES, from_bytes, from_numbers
from fakeredis.datatypes.search.words import LANGUAGES

__all__ = ["field_value", "follow", "json_found", "sortable_text"]


def follow(index: Index, key: bytes, value: Any) -> None:
    """Bring what an index knows of a key up to date.

    Args:
        value: what the key has now; None where there is none.
    """
    definition = index.definition
    kind = JsonDocument if definition.is_json else Hash
    if type(value) is not kind or not key.startswith(definition.prefixes):
        index.remove(key)
        return
    if definition.filter and not _passes(definition, value):
        index.remove(key)
        return
    index.remove(key)
    try:
        contents = (_of_json if definition.is_json else _of_hash)(index, value)
    except _Refused as refused:
        index.fail(refused.field, key, str(refused))
        return
    index.add(key, contents)


class _Refused(Exception):
    def __init__(self, field: Field | None, text: str) -> None:
        super().__init__(text)
        self.field = field


def _passes(definition: Definition, value: Any) -> bool:
    """Whether the filter lets a key in; one that fails does."""
    expression = compiled(definition.filter)
    row: dict[bytes, Any] = {}
    for name in expression.names:
        field = definition.field_named(name)
        path = name if field is None else field.path
        found = field_value(value, path, field)
        if found is not None:
            row[name] = found
    try:
        return is_true(expression.evaluate(row))
    except (SearchError, RecursionError):
        return True


def field_value(value: Any, path: bytes, field: Field | None) -> Any:
    """What a key has in one field, as a string or a number; None where there is none."""
    if type(value) is Hash:
        raw = value.get(path)
        if raw is not None and field is not None and field.kind == "NUMERIC":
            number = parse_float(raw)
            return raw if number is None else number
        return raw
    found = json_found(value, path)
    if not found:
        return None
    first = found[0]
    if type(first) in (int, float):
        return float(first)
    return json_shown(first)


def json_found(document: JsonDocument, path: bytes) -> list[Any]:
    """The values that a path finds; none where it is no path."""
    try:
        return path_of(path).values(document[0])
    except JsonError:
        return []


def json_shown(value: Any) -> bytes | None:
    """A value of a document as a reply has it."""
    kind = type(value)
    if kind is str:
        return value.encode("utf-8", "surrogatepass")  # type: ignore[no-any-return]
    if kind is bool:
        return b"1" if value else b"0"
    return None if value is None else json_text.dumps(value)


# Hashes -----------------------------------------------------------------------------------------


def _of_hash(index: Index, value: Any) -> Contents:
    definition = index.definition
    values: dict[bytes, Value] = {}
    sortable: dict[bytes, bytes | float] = {}
    for field in definition.fields:
        raw = value.get(field.path)
        if raw is None:
            continue
        values[field.name] = _HASH_READERS[field.kind](field, raw)
        if field.sortable:
            if field.kind == "NUMERIC":
                sortable[field.name] = values[field.name][0]
            else:
                sortable[field.name] = sortable_text(raw, field)
    return Contents(
        values, sortable, _language(definition, value.get(definition.language_field)),
        _score(definition, value.get(definition.score_field)),
        value.get(definition.payload_field) if definition.payload_field else None,
    )


def sortable_text(raw: bytes, field: Field) -> bytes:
    """What texts and tags are sorted by."""
    return raw if field.unnormalized else fold_tag(raw)


def _language(definition: Definition, raw: bytes | None) -> str:
    if definition.language_field and raw is not None:
        name = raw.decode("utf-8", "replace").lower()
        if name in LANGUAGES:
            return name
    return definition.language


def _score(definition: Definition, raw: bytes | None) -> float:
    if definition.score_field and raw is not None:
        number = parse_float(raw)
        if number is not None:
            return number
    return definition.score


def _text_of_hash(field: Field, raw: bytes) -> Value:
    return [raw.decode("utf-8", "surrogateescape")]


def _number_of_hash(field: Field, raw: bytes) -> Value:
    number = parse_float(raw)
    if number is None:
        shown = raw.decode("utf-8", "surrogateescape")
        raise _Refused(field, f"Invalid numeric value: '{shown}'")
    return [number]


def _place_of_hash(field: Field, raw: bytes) -> Value:
    try:
        return [place_of(raw)]
    except SearchError as error:
        raise _Refused(field, str(error)) from None


def _vector_of_hash(field: Field, raw: bytes) -> Value:
    form = field.vectors
    assert form is not None
    wanted = form.dimension * SIZES[form.type]
    if len(raw) != wanted:
        raise _Refused(
            field, f"Could not add vector with blob size {len(raw)} (expected size {wanted})"
        )
    return [from_bytes(raw, form.type)]


_HASH_READERS: Final[dict[str, Callable[[Field, bytes], Value]]] = {
    "TEXT": _text_of_hash, "TAG": lambda field, raw: tags_of(raw, field),
    "NUMERIC": _number_of_hash, "GEO": _place_of_hash, "GEOSHAPE": _text_of_hash,
    "VECTOR": _vector_of_hash,
}


# Documents --------------------------------------------------------------------------------------


def _of_json(index: Index, document: Any) -> Contents:
    definition = index.definition
    values: dict[bytes, Value] = {}
    sortable: dict[bytes, bytes | float] = {}
    for field in definition.fields:
        found = json_found(document, field.path)
        if not found:
            continue
        several = found
        if len(found) == 1:
            if found[0] is None:
                continue
            _check_kind(field, found[0])
            if type(found[0]) is list and field.kind == "GEOSHAPE":
                raise _Refused(
                    None, "Invalid JSON type: Array type cannot represent GEOMETRY field"
                )
            if type(found[0]) is list and field.kind != "VECTOR":
                several = found[0]
        read = _JSON_READERS[field.kind](field, several)
        values[field.name] = read
        if field.sortable and several:
            first = several[0]
            if type(first) is str:
                sortable[field.name] = sortable_text(first.encode(), field)
            elif type(first) in (int, float):
                sortable[field.name] = float(first)
            elif type(first) is bool:
                sortable[field.name] = b"true" if first else b"false"
    language = _first_text(document, definition.language_field)
    score = _first_text(document, definition.score_field)
    payload = _first_text(document, definition.payload_field)
    return Contents(
        values, sortable, _language(definition, language), _score(definition, score), payload
    )


def _first_text(document: JsonDocument, path: bytes) -> bytes | None:
    if not path:
        return None
    found = json_found(document, path)
    return json_shown(found[0]) if found else None


_WRONG_KINDS: Final = {
    str: (
        "TEXT TAG GEO GEOSHAPE",
        "String type can represent only TEXT, TAG, GEO or GEOMETRY field",
    ),
    int: ("NUMERIC", "Numeric type can represent only NUMERIC field"),
    float: ("NUMERIC", "Numeric type can represent only NUMERIC field"),
    bool: ("TAG", "Boolean type can be represent only TAG field"),
    dict: ("", "Object type is not supported"),
}


def _check_kind(field: Field, value: Any) -> None:
    known = _WRONG_KINDS.get(type(value))
    if known is not None and field.kind not in known[0].split():
        raise _Refused(None, f"Invalid JSON type: {known[1]}")


def _texts_of_json(field: Field, values: list[Any]) -> Value:
    for value in values:
        if value is not None and type(value) is not str and not (
            type(value) is bool and len(values) == 1 and field.kind == "TAG"
        ):
            raise _Refused(None, "TEXT/TAG fields can only contain strings or nulls")
    return [value for value in values if value is not None]


def _tags_of_json(field: Field, values: list[Any]) -> Value:
    parts = [
        value.encode("utf-8", "surrogatepass") if type(value) is str
        else (b"true" if value else b"false")
        for value in _texts_of_json(field, values)
    ]
    if not field.separator:
        return normalized_tags(parts, field)
    return [tag for part in parts for tag in tags_of(part, field)]


def _numbers_of_json(field: Field, values: list[Any]) -> Value:
    for value in values:
        if value is not None and type(value) not in (int, float):
            raise _Refused(None, "NUMERIC fields can only contain numeric or nulls")
    return [float(value) for value in values if value is not None]


def _places_of_json(field: Field, values: list[Any]) -> Value:
    found = []
    for value in values:
        if value is None:
            continue
        if type(value) is not str:
            raise _Refused(None, "GEO fields can only contain strings or nulls")
        try:
            found.append(place_of(value.encode()))
        except SearchError as error:
            raise _Refused(field, str(error)) from None
    return found


def _vectors_of_json(field: Field, values: list[Any]) -> Value:
    form = field.vectors
    assert form is not None
    if len(values) == 1 and type(values[0]) is list and values[0] and type(values[0][0]) is list:
        values = values[0]
    made = []
    for value in values:
        if value is None:
            continue
        if type(value) is not list or any(type(each) not in (int, float) for each in value):
            raise _Refused(None, "Invalid vector element type. Expected numeric type")
        if len(value) != form.dimension:
            raise _Refused(
                None, f"Invalid vector length. Expected {form.dimension}, got {len(value)}"
            )
        made.append(from_numbers(value, form.type))
    return made


_JSON_READERS: Final[dict[str, Callable[[Field, list[Any]], Value]]] = {
    "TEXT": _texts_of_json, "TAG": _tags_of_json, "NUMERIC": _numbers_of_json,
    "GEO": _places_of_json, "GEOSHAPE": _texts_of_json, "VECTOR": _vectors_of_json,
}
