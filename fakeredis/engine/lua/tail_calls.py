"""Tail calls of compiled scripts.

In Lua a tail call leaves no trace of its caller, and error texts want to name it: with the server,
whose libraries are C functions, ``return redis.call(...)`` is none.  Here they are functions in
Lua, so scripts are changed before they run: a tail call looks whether it is one of them that it
calls, and then is a plain call.  All of this is about chunks as ``string.dump`` writes them.
"""

from __future__ import annotations

import struct
from typing import Final

_HEADER: Final = b"\x1bLua\x51\x00"
_GETGLOBAL, _GETTABLE, _JMP, _TEST, _CALL, _TAIL_CALL, _RETURN, _SETLIST, _VARARG = (
    5, 6, 22, 26, 28, 29, 30, 34, 37,
)
_JUMPS: Final = frozenset({_JMP, 31, 32})  # and both ends of loops
_NO_JUMP: Final = (1 << 17) - 1  # what is added to a jump's distance
_REGISTERS: Final = 250
_CONSTANTS: Final = (1 << 18) - 1


class _Chunk:
    """Walks over a compiled chunk and writes another one.

    Args:
        name: of the global that holds the functions whose calls stay plain; none: all do.
    """

    def __init__(self, code: bytes, name: bytes | None) -> None:
        if not code.startswith(_HEADER) or code[8] != 8 or code[9] != 4 or code[10] != 8:
            raise ValueError("a chunk of an unknown kind")
        self.code, self.name = code, name
        self.order = "<" if code[6] else ">"
        self.at = 12
        self.out = [code[:12]]

    def _take(self, size: int) -> bytes:
        self.at += size
        if self.at > len(self.code):
            raise ValueError("a chunk that is cut off")
        return self.code[self.at - size : self.at]

    def _integer(self) -> int:
        value: int = struct.unpack(self.order + "i", self._take(4))[0]
        return value

    def _string(self) -> bytes:
        size = self._take(8)
        return size + self._take(struct.unpack(self.order + "Q", size)[0])

    def _words(self) -> list[int]:
        count = self._integer()
        return [*struct.unpack(f"{self.order}{count}I", self._take(4 * count))]

    def _put(self, *numbers: int) -> None:
        self.out.append(struct.pack(f"{self.order}{len(numbers)}I", *numbers))

    def function(self) -> None:
        """One function and those inside it."""
        self.out.append(self._string() + self._take(11))
        stack = self._take(1)[0]
        words = self._words()
        count, constants = self._constants()
        body = _Body(words, None if self.name is None else count)
        self.out.append(bytes((max(stack, body.registers),)))
        self._put(len(body.words), *body.words)
        if body.guards:
            assert self.name is not None
            size = struct.pack(self.order + "Q", len(self.name) + 1)
            constants += b"\4" + size + self.name + b"\0"
        self._put(count + bool(body.guards))
        self.out.append(constants)
        inner = self._integer()
        self._put(inner)
        for _ in range(inner):
            self.function()
        lines = self._words()
        lines = [lines[at] for at in body.origins] if lines else []
        self._put(len(lines), *lines)
        variables = self._integer()
        self._put(variables)
        for _ in range(variables):
            self.out.append(self._string())
            self._put(body.places[self._integer()], body.places[self._integer()])
        upvalues = self._integer()
        self._put(upvalues)
        self.out += [self._string() for _ in range(upvalues)]

    def _constants(self) -> tuple[int, bytes]:
        """How many constants there are, and their bytes."""
        count = self._integer()
        start = self.at
        for _ in range(count):
            kind = self._take(1)[0]
            if kind == 4:
                self._string()
            else:
                self._take({0: 0, 1: 1, 3: 8}[kind])
        return count, self.code[start : self.at]


class _Body:
    """The instructions of one function, changed.

    Args:
        constant: where among its constants the name of the global is going to be.

    Attributes:
        words: the new instructions.
        origins: for each of them the old one that it comes from.
        places: where each old one is reached now.
        registers: how many the new ones need.
        guards: how many tail calls are left.
    """

    def __init__(self, old: list[int], constant: int | None) -> None:
        self.constant = constant
        self.words: list[int] = []
        self.origins: list[int] = []
        self.places: list[int] = []
        self.registers = self.guards = 0
        plain: list[int] = []  # where each old instruction itself is now
        blocks = self._blocks(old)
        for at, word in enumerate(old):
            self.places.append(len(self.words))
            if at in blocks:
                self._guard(old, at, *blocks[at])
            plain.append(len(self.words))
            self._add(word, at)
        self.places.append(len(self.words))
        for at in _instructions(old):
            word = old[at]
            if word & 63 == _TAIL_CALL:
                self.words[plain[at]] = word & ~63 | _CALL
            elif word & 63 in _JUMPS:
                target = self.places[at + 1 + (word >> 14) - _NO_JUMP]
                distance = target - plain[at] - 1 + _NO_JUMP
                self.words[plain[at]] = word & (1 << 14) - 1 | distance << 14

    def _add(self, word: int, origin: int) -> None:
        self.words.append(word)
        self.origins.append(origin)

    def _blocks(self, old: list[int]) -> dict[int, tuple[int, int]]:
        """Where to look at what is called: ahead of calls that give the call its arguments.

        Where such a block begins, and for each its end, the tail call, and a register that is free.
        """
        found: dict[int, tuple[int, int]] = {}
        if self.constant is None or self.constant > _CONSTANTS:
            return found
        for at in _instructions(old):
            if old[at] & 63 != _TAIL_CALL:
                continue
            start = at
            while old[start] & 63 in (_CALL, _TAIL_CALL) and not old[start] >> 23:
                start -= 1
            free = old[start] >> 6 & 255
            if old[start] & 63 != _VARARG:
                free += old[start] >> 23
            if free < _REGISTERS:
                found[start] = at, free
        return found

    def _guard(self, old: list[int], start: int, end: int, free: int) -> None:
        """The way of a real tail call."""
        assert self.constant is not None
        called = old[end] >> 6 & 255
        count = end - start + 1
        self._add(_GETGLOBAL | free << 6 | self.constant << 14, start)
        self._add(_GETTABLE | free << 6 | called << 14 | free << 23, start)
        self._add(_TEST | free << 6 | 1 << 14, start)
        self._add(_JMP | (count + 1 + _NO_JUMP) << 14, start)
        for at in range(start, end + 1):
            self._add(old[at], at)
        self._add(_RETURN | called << 6, end)
        self.registers = max(self.registers, free + 1)
        self.guards += 1


def _instructions(words: list[int]) -> list[int]:
    """Where the instructions are: one kind of them has a number after it."""
    found: list[int] = []
    numbered = False
    for at, word in enumerate(words):
        if numbered:
            numbered = False
            continue
        found.append(at)
        numbered = word & 63 == _SETLIST and not word >> 14 & 511
    return found


def without(code: bytes, name: bytes | None = None) -> bytes | None:
    """A compiled chunk whose tail calls are plain calls; None when it is of an unknown kind.

    Args:
        name: of a global that holds functions as keys of a table: then only their calls are plain.
    """
    try:
        chunk = _Chunk(code, name)
        chunk.function()
    except (ValueError, IndexError, KeyError, struct.error, RecursionError):
        return None
    return b"".join(chunk.out) if chunk.at == len(code) else None
