"""From Lua's values to replies, and from replies to Lua's values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from fakeredis.datatypes.numbers import format_float
from fakeredis.engine.core.replies import (
    BigNumber,
    Pairs,
    Sentinel,
    SetReply,
    Status,
    Verbatim,
    flatten,
    verbatim,
)
from fakeredis.engine.lua.runtime import MEMORY, NO_MEMORY, RESERVE, Room
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.lua.frame import Frame

_STACK: Final = 7994  # what may be in use of the server's stack when it looks at a reply's value
_NOT_A_NUMBER: Final = -(1 << 63)  # what the server makes of NaN, infinities and beyond

_Place = tuple[list[Any], int, int]  # a list, an index, places of the stack in use


class Values:
    """The two ways, for one runtime.

    Args:
        frame: what runs there.
        room: its memory.
        table: makes a table of a list or a mapping.
        kind: what kind of Lua value something is.
        classify: what a table says of itself: its name, and what it holds.
        flat: the keys and values of a table in a row, and how many these are.
        raw_get: what a table holds at a place.
    """

    __slots__ = ("_frame", "_room", "_table", "_type_of", "_classify", "_flat", "_raw_get")

    def __init__(
        self, frame: Frame, room: Room, *, table: Callable[[Any], Any],
        kind: Callable[[Any], str | None], classify: Callable[[Any], Any],
        flat: Callable[[Any], Any], raw_get: Callable[[Any, int], Any],
    ) -> None:
        self._frame, self._room, self._table, self._type_of = frame, room, table, kind
        self._classify, self._flat, self._raw_get = classify, flat, raw_get

    def reply(self, value: Any, booleans: bool = False) -> Any:
        """What a script's value is as a reply; its tables may nest deeper than Python's calls."""
        kind = type(value)
        if kind is int or kind is bytes or value is None:
            return value
        root: list[Any] = [value]
        waiting: list[_Place] = []  # tables that are still to be looked at
        paired: list[tuple[_Place, list[Any], list[Any] | None]] = []  # what surrounds comes first
        self._settle(root, 0, booleans, waiting)
        while waiting:
            place = waiting.pop()
            items, at, used = place
            name, found = self._contents(items[at])
            if name == b"map" or name == b"set":
                keys, values = self._pairs(found)
                self._settle(keys, used + (4 if name == b"map" else 3), booleans, waiting)
                if name == b"map":
                    self._settle(values, used + 3, booleans, waiting)
                paired.append((place, keys, values if name == b"map" else None))
                continue
            if name == b"array":
                self._settle(found, used + 1, booleans, waiting)
            items[at] = found
        for (items, at, _), keys, values in reversed(paired):
            if values is None:
                items[at] = SetReply(keys)
            else:
                pairs = zip(keys, values, strict=True)
                if any(isinstance(key, list | dict | CommandError) for key in keys):
                    items[at] = Pairs([part for pair in pairs for part in pair])
                else:
                    items[at] = dict(pairs)
        return root[0]

    def _settle(self, items: list[Any], used: int, booleans: bool, waiting: list[_Place]) -> None:
        """Make replies of values, but for tables, which come to those that wait.

        Args:
            used: places of the server's stack that are taken before these values are looked at.
        """
        if used > _STACK:
            items[:] = [CommandError("ERR reached lua stack limit")] * len(items)
            return
        for at, value in enumerate(items):
            kind = type(value)
            if kind is int or kind is bytes or value is None:
                continue
            if kind is bool:
                items[at] = value if booleans else 1 if value else None
            elif kind is float:
                items[at] = _truncated(value)
            elif self._type_of(value) == "table":
                waiting.append((items, at, used))
            else:
                items[at] = None

    def _contents(self, table: Any) -> tuple[bytes, Any]:
        """What a table is, and the reply; of an array values, of a map or set the inner table."""
        found = self._classify(table)
        if type(found) is not tuple:
            return b"", []
        name, *items = found
        if name == b"array":
            return name, items
        value = items[0]
        if name == b"long":
            get = self._raw_get
            return b"array", [get(table, at) for at in range(1, int(value) + 1)]
        if name == b"err":
            return name, CommandError(one_line(text_of(value)))
        if name == b"ok":
            text = value.partition(b"\0")[0]
            return name, Status(text.replace(b"\r", b" ").replace(b"\n", b" "))
        if name == b"double":
            return name, float(value)
        if name == b"verbatim":
            return name, verbatim(value, items[1])
        return name, value if name in (b"map", b"set") else BigNumber(value)

    def _pairs(self, table: Any) -> tuple[list[Any], list[Any]]:
        """The keys of a table, and its values."""
        flat, count = self._flat(table)
        items = [self._raw_get(flat, at) for at in range(1, int(count) + 1)]
        return items[::2], items[1::2]

    # From replies to Lua ------------------------------------------------------------------

    def given(self, reply: Any) -> Any:
        """A command's reply as Lua shows it, if there is memory for it.

        Raises:
            CommandError: there is none.
        """
        room = self._room
        if type(reply) is bytes:
            if room.is_short(len(reply)):
                raise CommandError(NO_MEMORY)
            return reply
        room.limit(0)  # Lua that fails within Python's calls does harm
        try:
            try:
                shown = self.to_lua(reply)
            except RecursionError:
                shown = self._deep_to_lua(reply)
            if room.is_short():
                raise CommandError(NO_MEMORY)
            return shown
        finally:
            room.limit(max(MEMORY, room.used() + RESERVE))

    def to_lua(self, reply: Any) -> Any:
        """A command's reply as Lua shows it."""
        kind = type(reply)
        if kind is bytes or kind is int:
            return reply
        if reply is None:
            return None if self._frame.protocol == 3 else False
        if kind is Status:
            return self._table({b"ok": bytes(reply)})
        if kind is list or kind is tuple:
            return self._table([self.to_lua(item) for item in reply])
        if kind is CommandError:
            return self._table({b"err": str(reply).encode("utf-8", "surrogateescape")})
        return self._rich_to_lua(reply)

    def _deep_to_lua(self, reply: Any) -> Any:
        """The same for arrays and maps within each other, of which there are too many for calls."""
        boxes, waiting = [], [reply]
        while waiting:
            box = waiting.pop()
            boxes.append(box)
            waiting += [item for item in _items(box) if type(item) in _BOXES]
        made: dict[int, Any] = {}  # by the identity of what it shows
        for box in reversed(boxes):  # those within come behind
            shown = [
                made[id(item)] if type(item) in _BOXES else self.to_lua(item)
                for item in _items(box)
            ]
            table: Any = self._table(shown if type(box) is not dict else {
                self.to_lua(key): value for key, value in zip(box, shown, strict=True)
            })
            made[id(box)] = self._table({b"map": table}) if type(box) is dict else table
        return made[id(reply)]

    def _rich_to_lua(self, reply: Any) -> Any:
        """What only RESP3 has."""
        table = self._table
        if isinstance(reply, Sentinel):  # no array
            return None if self._frame.protocol == 3 else False
        if isinstance(reply, bool):
            return reply
        if isinstance(reply, bytes) and self._frame.protocol == 2:
            return bytes(reply)
        if isinstance(reply, BigNumber):
            return table({b"big_number": bytes(reply)})
        if isinstance(reply, Verbatim):
            return table({
                b"verbatim_string": table({b"format": reply.format, b"string": bytes(reply)})
            })
        if isinstance(reply, float):
            return table({b"double": reply})
        if isinstance(reply, dict):
            pairs = {self.to_lua(key): self.to_lua(value) for key, value in reply.items()}
            return table({b"map": table(pairs)})
        if isinstance(reply, set | frozenset | SetReply):
            return table({b"set": table({self.to_lua(item): True for item in reply})})
        return bytes(reply)


_BOXES: Final = frozenset({list, tuple, dict})


def _items(box: Any) -> Any:
    return box.values() if type(box) is dict else box


def resp2(reply: Any) -> Any:
    """A script's reply in RESP2's terms; lists are changed in place."""
    kind = type(reply)
    if kind is bytes or kind is int or reply is None:
        return reply
    root: list[Any] = [reply]
    waiting = [root]
    while waiting:
        items = waiting.pop()
        for at, item in enumerate(items):
            kind = type(item)
            if kind is bytes or kind is int or item is None:
                continue
            if kind is list or kind is dict or kind is SetReply or kind is Pairs:
                items[at] = item = flatten(item) if kind is dict else list(item)
                waiting.append(item)
            elif kind is float:
                items[at] = format_float(item)
            elif kind is bool:
                items[at] = int(item)
            elif kind is Verbatim or kind is BigNumber:
                items[at] = bytes(item)
    return root[0]


def resp3(reply: Any) -> Any:
    """A script's reply in RESP3's terms; lists and maps are changed in place."""
    kind = type(reply)
    if kind is bytes or kind is int or reply is None:
        return reply
    root: list[Any] = [reply]
    waiting: list[Any] = [root]
    while waiting:
        box = waiting.pop()
        for at, item in list(box.items()) if type(box) is dict else enumerate(box):
            kind = type(item)
            if kind is list or kind is dict or kind is SetReply or kind is Pairs:
                if kind is SetReply:
                    box[at] = item = list(item)
                elif kind is Pairs:  # whose parser fails there
                    keys = map(_hashable, item[::2])
                    box[at] = item = dict(zip(keys, item[1::2], strict=True))
                waiting.append(item)
            elif kind is Verbatim:
                box[at] = bytes(item)
    return root[0]


def _hashable(key: Any) -> Any:
    return repr(key).encode() if isinstance(key, list | dict | CommandError) else key


def _truncated(value: float) -> int:
    if not math.isfinite(value) or not -(2.0**63) <= value < 2.0**63:
        return _NOT_A_NUMBER
    return int(value)


def text_of(raw: Any) -> str:
    """Lua's bytes as text."""
    return raw.decode("utf-8", "surrogateescape") if isinstance(raw, bytes) else str(raw)


def one_line(text: str) -> str:
    """A text as an error reply can hold it, up to a zero byte."""
    return text.partition("\0")[0].replace("\r", " ").replace("\n", " ")
