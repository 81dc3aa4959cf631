"""Paths into a document: what they find, and where.

Follows the JSONPath of RedisJSON.  A path that begins with ``$`` finds any number of values; any
other (a *legacy* path, such as ``.a[0]``) means the first one that the same path with ``$`` finds.

A path that names one place (``$.a[0].b``) is a row of keys and indexes, which is walked as it is;
any other is a row of steps, each of which makes places of places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

from fakeredis.datatypes.json.errors import JsonError
from fakeredis.datatypes.json.filters import Condition, condition, number_of, string_of
from fakeredis.datatypes.json.grammar import Node, parse

__all__ = ["MISSING", "Key", "Path", "Place", "is_legacy_path", "path_of", "step_into"]

Key = str | int
Place = tuple[Key, ...]
Pairs = Iterator[tuple[Place, Any]]
Step = Callable[[Any, Any], Pairs]  # of a value and the root: places within the value

MISSING: Final = object()


class Path(NamedTuple):
    """A path.

    Args:
        given: as it was given.
        text: the same with ``$`` before it.
        is_legacy: its replies are single values.
        keys: where it leads to one place: the way to it. Indexes may be negative.
        steps: its steps otherwise.
        new_name: the name of a field that it makes: as it was written, backslashes and all.
    """

    given: str
    text: str
    is_legacy: bool
    keys: Place | None
    steps: tuple[Step, ...]
    new_name: str = ""

    @property
    def is_root(self) -> bool:
        """Whether it means the whole document."""
        return self.keys == ()

    def values(self, root: Any) -> list[Any]:
        """The values that it finds."""
        if self.keys is not None:
            value = root
            for key in self.keys:
                value = step_into(value, key)
                if value is MISSING:
                    return []
            return [value]
        found = [root]
        for step in self.steps:
            found = [child for value in found for _, child in step(value, root)]
        return found

    def places(self, root: Any) -> list[Place]:
        """The places of the values that it finds, with indexes counted from the beginning."""
        return [place for place, _ in self.found(root)]

    def found(self, root: Any) -> list[tuple[Place, Any]]:
        """The places and the values."""
        if self.keys is not None:
            return _walked(self.keys, root)
        found: list[tuple[Place, Any]] = [((), root)]
        for step in self.steps:
            found = [
                (place + within, child)
                for place, value in found
                for within, child in step(value, root)
            ]
        return found


def _walked(keys: Place, root: Any) -> list[tuple[Place, Any]]:
    """The one place that keys lead to, if there is something."""
    value, place = root, []
    for key in keys:
        child = step_into(value, key)
        if child is MISSING:
            return []
        is_counted = type(key) is int and key < 0
        place.append(max(len(value) + key, 0) if is_counted else key)  # type: ignore[operator]
        value = child
    return [(tuple(place), value)]


def step_into(value: Any, key: Key) -> Any:
    """What an object has at a name, or a list at an index; `MISSING` where it has nothing there.

    An index before the beginning means the beginning, as with the server.
    """
    if type(key) is str:
        return value.get(key, MISSING) if type(value) is dict else MISSING
    if type(value) is not list:
        return MISSING
    if key < 0:  # type: ignore[operator]
        key = max(len(value) + key, 0)  # type: ignore[operator]
    return value[key] if key < len(value) else MISSING  # type: ignore[operator,index]


# From text to steps -------------------------------------------------------------------------------


def path_of(raw: bytes) -> Path:
    """The path that a text means.

    Raises:
        JsonError: it means none; the text says where and why.
    """
    return _known(raw) if len(raw) <= 200 else _path(raw)


def is_legacy_path(raw: bytes) -> bool:
    """Whether a text, be it a path or not, is of the older language."""
    return not (raw == b"$" or raw.startswith((b"$.", b"$[")))


def _path(raw: bytes) -> Path:
    try:
        given = raw.decode()
    except UnicodeDecodeError:
        raise JsonError("Couldn't parse as UTF-8 string") from None
    is_legacy = is_legacy_path(raw)
    text = given
    if is_legacy:
        text = "$" if given == "." else "$" + given if given.startswith(".") else "$." + given
    nodes = parse(text)
    keys = _keys(nodes)
    new_name = ""
    if nodes:
        last = nodes[-1]
        new_name = last.parts[0].text if last.rule == "string_list" else last.text
    steps = () if keys is not None else tuple(_steps(nodes))
    return Path(given, text, is_legacy, keys, steps, new_name)


_known: Final = lru_cache(maxsize=1024)(_path)


def _keys(nodes: list[Node]) -> Place | None:
    """The way to the one place that a path leads to, if it is of that kind."""
    keys: list[Key] = []
    for node in nodes:
        key = _only_key(node)
        if key is None:
            return None
        keys.append(key)
    return tuple(keys)


def _only_key(node: Node) -> Key | None:
    if node.rule == "literal":
        return node.text
    if node.rule == "string_list" and len(node.parts) == 1:
        return string_of(node.parts[0])
    if node.rule == "numbers_list" and len(node.parts) == 1:
        return int(number_of(node.parts[0]))
    return None


def _steps(nodes: list[Node]) -> Iterator[Step]:
    for node in nodes:
        key = _only_key(node)
        if key is not None:
            yield _into(key)
        else:
            yield _STEPS[node.rule](node)


def _into(key: Key) -> Step:
    def step(value: Any, root: Any) -> Pairs:
        child = step_into(value, key)
        if child is not MISSING:
            before_start = type(key) is int and key < 0
            yield (max(len(value) + key, 0) if before_start else key,), child  # type: ignore[operator]

    return step


def _several(node: Node) -> Step:
    steps = [_into(_only_key(Node(node.rule, "", [part])) or 0) for part in node.parts]
    if node.rule == "string_list":
        steps = [_into(string_of(part)) for part in node.parts]

    def step(value: Any, root: Any) -> Pairs:
        for each in steps:
            yield from each(value, root)

    return step


def _slice(node: Node) -> Step:
    start: int | None = None
    stop: int | None = None
    by = 1
    form = node.parts[0]
    numbers = [int(number_of(part)) for part in form.parts if part.rule == "number"]
    for part in form.parts:
        if part.rule == "pos_number":
            by = int(number_of(part))
    if form.rule in ("full_range", "left_range"):
        start = numbers.pop(0)
    if numbers:
        stop = numbers.pop()

    def step(value: Any, root: Any) -> Pairs:
        if type(value) is list:
            for at in range(*slice(start, stop, by).indices(len(value))):
                yield (at,), value[at]

    return step


def children(value: Any) -> Pairs:
    """What stands directly in a value, in order."""
    if type(value) is dict:
        for name, child in value.items():
            yield (name,), child
    elif type(value) is list:
        for at, child in enumerate(value):
            yield (at,), child


def _all(node: Node) -> Step:
    return lambda value, root: children(value)


def _full_scan(node: Node) -> Step:
    return lambda value, root: _everything(value)


def _everything(value: Any) -> Pairs:
    """A value and all in it, each before what it holds."""
    yield (), value
    stack: list[tuple[Place, Pairs]] = [((), children(value))]
    while stack:
        place, within = stack[-1]
        found = next(within, None)
        if found is None:
            stack.pop()
            continue
        key, child = found
        yield place + key, child
        if type(child) in _CONTAINERS:
            stack.append((place + key, children(child)))


def _filter(node: Node) -> Step:
    holds: Condition = condition(node, _path_within)

    def step(value: Any, root: Any) -> Pairs:
        if type(value) not in _CONTAINERS:  # it is asked itself
            if holds(value, root):
                yield (), value
            return
        # Of an object's fields the server notes the number, not the name: so it finds their values,
        # and changes none of them.
        for at, (_, child) in enumerate(children(value)):
            if holds(child, root):
                yield (at,), child

    return step


_CONTAINERS: Final = frozenset({dict, list})


def _path_within(nodes: list[Node]) -> Path:
    """A path that stands in a filter."""
    keys = _keys(nodes)
    return Path("", "", False, keys, () if keys is not None else tuple(_steps(nodes)))


_STEPS: Final[dict[str, Callable[[Node], Step]]] = {
    "string_list": _several, "numbers_list": _several, "numbers_range": _slice, "all": _all,
    "full_scan": _full_scan, "filter": _filter,
}
