"""A document, and places in it that are changed."""

from __future__ import annotations

from typing import Any, Final

from fakeredis.datatypes.json.path import MISSING, Key, Place, step_into

__all__ = ["JsonDocument", "copied", "delete_at", "kind_of", "merged", "size_of"]

_CONTAINERS: Final = frozenset({dict, list})
_KINDS: Final[dict[type, str]] = {
    dict: "object", list: "array", str: "string", int: "integer", float: "number",
    bool: "boolean", type(None): "null",
}


class JsonDocument(list[Any]):
    """Redis's JSON value: a list of one element, which is the document's root.

    So the root stands in a container as every other value does, and is replaced as they are.
    Values are Python's own: `dict`, `list`, `str`, `int`, `float`, `bool` and None.
    """

    __slots__ = ()
    type_name = b"ReJSON-RL"

    def encoding(self, limits: Any) -> bytes:
        """What OBJECT ENCODING says."""
        return b"raw"

    def copy(self) -> JsonDocument:
        """An independent copy."""
        return JsonDocument([copied(self[0])])

    def memory_usage(self) -> int:
        """As many bytes as the server takes for it, as far as these follow from the values."""
        return size_of(self[0])

    def holder(self, place: Place) -> tuple[Any, Key] | None:
        """The container that has a place, and its key there; None where there is nothing."""
        container: Any = self
        key: Key = 0
        for step in place:
            container = container[key]
            if step_into(container, step) is MISSING:
                return None
            key = step
        return container, key


def kind_of(value: Any) -> str:
    """The name that JSON.TYPE has for a value's type."""
    return _KINDS[type(value)]


def copied(value: Any) -> Any:
    """An independent copy of a value."""
    if type(value) not in _CONTAINERS:
        return value
    copy = value.copy()
    stack = [copy]
    while stack:
        node = stack.pop()
        for key, child in node.items() if type(node) is dict else enumerate(node):
            if type(child) in _CONTAINERS:
                node[key] = child = child.copy()
                stack.append(child)
    return copy


def delete_at(container: Any, key: Key) -> None:
    """Remove an element; of an object, the last field takes the place of the one removed.

    That is the order in which the server goes on.  It costs a look at each field, so beyond
    `_ORDERED` of them the order stays as it was.
    """
    if type(container) is list or len(container) > _ORDERED:
        del container[key]
        return
    last, value = container.popitem()
    if last == key:
        return
    fields = [(last, value) if name == key else (name, old) for name, old in container.items()]
    container.clear()
    container.update(fields)


_ORDERED: Final = 1000


def merged(target: Any, patch: Any) -> Any:
    """What RFC 7396 makes of a value and a patch; objects are changed in place."""
    if type(patch) is not dict:
        return copied(patch)
    if type(target) is not dict:
        target = {}
    stack = [(target, patch)]
    while stack:
        into, changes = stack.pop()
        for name, change in changes.items():
            if change is None:
                if name in into:
                    delete_at(into, name)
            elif type(change) is dict:
                if type(into.get(name)) is not dict:
                    into[name] = {}
                stack.append((into[name], change))
            else:
                into[name] = copied(change)
    return target


# Memory -------------------------------------------------------------------------------------------

_POINTER, _HEADER, _NUMBER = 8, 16, 16
_FIELD: Final = 24  # name and value of a field, and its place in the hash table
_SMALL, _SHORT = range(-128, 384), range(1 - (1 << 23), 1 << 23)


def size_of(value: Any) -> int:
    """The bytes that the server takes for a value and all in it."""
    size, stack = 0, [value]
    while stack:
        node = stack.pop()
        kind = type(node)
        size += _POINTER
        if kind is str:
            size += len(node.encode())
        elif kind is int:
            size += 0 if node in _SMALL else 4 if node in _SHORT else _NUMBER
        elif kind is float:
            size += _NUMBER
        elif kind is list and node:
            size += _HEADER + _room(len(node)) * _POINTER
            stack += node
        elif kind is dict and node:
            size += _HEADER + _room(len(node)) * _FIELD + sum(len(name.encode()) for name in node)
            stack += node.values()
    return size


def _room(count: int) -> int:
    """How many elements a container has room for, which doubles from four on."""
    return max(4, 1 << (count - 1).bit_length())
