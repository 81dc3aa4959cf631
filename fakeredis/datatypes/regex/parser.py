"""Expressions read from left to right, without recursion."""

from __future__ import annotations

import re
from typing import Final

from fakeredis.datatypes.regex.automaton import Look, Step
from fakeredis.datatypes.regex.characters import (
    CLASSES,
    DEEPEST,
    PERL,
    Member,
    NoRegex,
    anything,
    cases,
    category,
    in_any_ascii_case,
    in_any_case,
    inverted,
    is_ascii_word,
    is_word,
)
from fakeredis.datatypes.regex.classes import Class, evaluated
from fakeredis.datatypes.regex.parts import LARGEST, Part, alternatives, in_turn, repeated
from fakeredis.datatypes.regex.places import (
    BOUNDARIES,
    ENDS,
    NAMED_BOUNDARIES,
    STARTS,
    is_end,
    is_start,
    words,
)

_MOST_REPEATED: Final = (1 << 32) - 1
_TEXT: Final = frozenset("ub")  # flags with which every character is one that may be meant
_FLAGS: Final = Part([])  # flags: a part that cannot be repeated
_HEXADECIMAL: Final = re.compile("[0-9A-Fa-f]+").fullmatch
_COUNTS: Final = re.compile(r"\s*0*([0-9]{1,10})\s*(,(?:\s*0*([0-9]{1,10})\s*)?)?").fullmatch
_FLAG_WORDS: Final = re.compile(r"([imsUuRx]*)(?:-([imsUuRx]*))?([:)])").match
_HAS_NAME: Final = re.compile("[A-Za-z-]").match
_IGNORED: Final = re.compile(r"[^\S\x1c-\x1f]+|#[^\n]*").match
_NAME: Final = re.compile(r"[^\W\d][\w.\[\]]*").fullmatch
_NAMED_CLASS: Final = re.compile(r"\[:(\^?)(\w+):\]").match
_CONTROLS: Final = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}
_DIGITS: Final = {"x": 2, "u": 4, "U": 8}
_TIMES: Final[dict[str, tuple[int, int | None]]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class _Group:
    """A group being read: its alternatives, and the parts of the last one."""

    def __init__(self, flags: frozenset[str], size: int = 0) -> None:
        self.flags, self.size = flags, size  # the flags that hold again behind it
        self.branches: list[Part] = []
        self.parts: list[Part] = []

    def closed(self) -> Part:
        whole = alternatives([*self.branches, in_turn(self.parts)])
        return whole._replace(size=whole.size + self.size)


class Parser:
    """Reads an expression from left to right, without recursion."""

    def __init__(self, pattern: str, flags: str) -> None:
        self._pattern, self._at = pattern, 0
        self._flags = frozenset(flags)
        self._names: set[str] = set()

    def parse(self) -> list[Step]:
        """The steps of the whole expression."""
        group, outer = _Group(self._flags), list[_Group]()
        while self._peek():
            char = self._take()
            if char == "(":
                inner = self._open()
                if len(outer) > DEEPEST:
                    raise NoRegex
                if inner is None:
                    group.parts.append(_FLAGS)
                else:
                    outer.append(group)
                    group = inner
            elif char == ")":
                if not outer:
                    raise NoRegex
                part, self._flags = group.closed(), group.flags
                group = outer.pop()
                group.parts.append(part._replace(depth=part.depth + 1))
            elif char == "|":
                group.branches.append(in_turn(group.parts))
                group.parts = []
            elif char in "*+?{":
                if not group.parts or group.parts[-1] is _FLAGS:
                    raise NoRegex
                group.parts.append(repeated(group.parts.pop(), *self._times(char)))
            else:
                group.parts.append(self._atom(char))
        whole = group.closed()
        if outer or whole.depth > DEEPEST or whole.size > LARGEST:
            raise NoRegex
        return whole.steps

    # Characters of the expression

    def _peek(self) -> str:
        """The next character that counts; empty at the end."""
        while "x" in self._flags and (found := _IGNORED(self._pattern, self._at)):
            self._at = found.end()
        return self._pattern[self._at : self._at + 1]

    def _take(self) -> str:
        """Take the next character that counts, and go on behind it."""
        char = self._peek()
        if not char:
            raise NoRegex
        self._at += 1
        return char

    def _skip(self, text: str) -> bool:
        """Whether this text comes next, exactly; then go on behind it."""
        found = self._pattern.startswith(text, self._at)
        self._at += len(text) * found
        return found

    def _until(self, end: str) -> str:
        text = ""
        while (char := self._take()) != end:
            text += char
        return text

    # Groups, flags, repetitions

    def _open(self) -> _Group | None:
        """The group that begins here; None for flags that hold from here on."""
        before = self._flags
        self._peek()
        if self._skip("?P<") or self._skip("?<"):
            end = self._pattern.find(">", self._at)
            name = self._pattern[self._at : max(end, self._at)]
            if not _NAME(name) or name in self._names:
                raise NoRegex
            self._names.add(name)
            self._at = end + 1
        elif self._skip("?"):
            return _Group(before) if self._set_flags() == ":" else None
        return _Group(before, 64)

    def _set_flags(self) -> str:
        """Take flags over, and tell what stands behind them."""
        found = _FLAG_WORDS(self._pattern, self._at)
        if found is None:
            raise NoRegex
        self._at = found.end()
        on, off, end = found.groups()
        seen = on + (off or "")
        if off == "" or len(set(seen)) < len(seen) or (not seen and end == ")"):
            raise NoRegex
        self._flags = self._flags.union(on).difference(off or "")
        return end

    def _times(self, char: str) -> tuple[int, int | None]:
        """How often at least and at most."""
        if char == "{":
            found = _COUNTS(self._until("}"))
            if found is None:
                raise NoRegex
            low = int(found[1])
            high = low if found[2] is None else int(found[3]) if found[3] else None
            if max(low, high or 0) > _MOST_REPEATED or (high is not None and high < low):
                raise NoRegex
            self._peek()
        else:
            low, high = _TIMES[char]
        self._skip("?")
        return low, high

    # What matches one character, or a place

    def _atom(self, char: str) -> Part:
        if char == "[":
            return self._class()
        if char in "^$":
            return Part([Step(looks=self._line_end(char))])
        if char == ".":
            end = "\r\n" if "R" in self._flags else "\n"
            member = anything if "s" in self._flags else lambda each: each not in end
            return Part([Step(self._negated(member, False))], 1000, 0, True)
        if char == "\\":
            look = self._boundary()
            if look is not None:
                return Part([Step(looks=look)])
            escaped = self._escape()
            if not isinstance(escaped, str):
                return Part([Step(escaped[0])], escaped[1], 0, True)
            char = escaped
        orbit = self._orbit(char)
        size = 32 * len(char.encode("utf-8", "replace")) if len(orbit) == 1 else 64 + 8 * len(orbit)
        return Part([Step(orbit.__contains__)], size, 0, True)

    def _line_end(self, char: str) -> Look:
        lines = "m" in self._flags, "R" in self._flags
        if char == "^":
            return STARTS.get(lines, is_start)
        return ENDS.get(lines, is_end)

    def _boundary(self) -> Look | None:
        """A place that an escape stands for; None for an escape that stands for a character."""
        char = self._pattern[self._at : self._at + 1]
        if char not in BOUNDARIES:
            return None
        self._at += 1
        look = BOUNDARIES[char]
        if char == "b" and self._pattern.startswith("{", self._at):
            start = self._at
            self._at += 1
            if _HAS_NAME(self._peek()):
                name = self._until("}")
                if name not in NAMED_BOUNDARIES:
                    raise NoRegex
                look = NAMED_BOUNDARIES[name]
            else:
                self._at = start  # a repetition
        if isinstance(look, str):
            return words(look, is_word if "u" in self._flags else is_ascii_word)
        return look

    def _escape(self) -> str | tuple[Member, int]:
        """What stands behind a backslash: a character, or a class and its size."""
        char = self._pattern[self._at : self._at + 1]
        self._at += 1
        if char in _DIGITS:
            return self._hexadecimal(char)
        if char in "pP":
            return self._property(char == "P")
        if char.lower() in PERL:
            unicode, ascii_only, size = PERL[char.lower()]
            member = unicode if "u" in self._flags else ascii_only
            return (self._negated(member) if char.isupper() else member), size
        if char in _CONTROLS:
            return _CONTROLS[char]
        if not char or char.isalnum() or not char.isascii() or char in "<>":
            raise NoRegex
        return char

    def _hexadecimal(self, kind: str) -> str:
        braces = self._peek() == "{"
        if braces:
            self._take()
            digits = self._until("}")
        else:
            digits = "".join([self._take() for _ in range(_DIGITS[kind])])
        number = int(digits, 16) if _HEXADECIMAL(digits) else -1
        if not 0 <= number <= 0x10FFFF or 0xD800 <= number < 0xE000:
            raise NoRegex
        if number > 0x7F and kind == "x" and not braces and not _TEXT & self._flags:
            raise NoRegex  # a byte that is no text
        return chr(number)

    def _property(self, negated: bool) -> tuple[Member, int]:
        if "u" not in self._flags:
            raise NoRegex
        name = self._take()
        member = category(self._until("}") if name == "{" else name)
        if "i" in self._flags:
            member = in_any_case(member)
        return (inverted(member) if negated else member), 40_000

    def _negated(self, member: Member, invert: bool = True) -> Member:
        """Everything else; refused where bytes are meant, of which some would be no text."""
        if not _TEXT & self._flags:
            raise NoRegex
        return inverted(member) if invert else member

    def _orbit(self, char: str) -> frozenset[str]:
        """The characters that a character stands for."""
        if "i" not in self._flags:
            return frozenset(char)
        if "u" in self._flags:
            return cases().get(char, frozenset(char))
        return frozenset((char, char.swapcase())) if char.isascii() else frozenset(char)

    # Classes

    def _class(self) -> Part:
        """A class, with those within it, as a list of members and of operators behind them."""
        reader, outer = self._open_class(), list[Class]()
        while True:
            char = self._take()
            if char == "[":
                found = _NAMED_CLASS(self._pattern, self._at - 1)
                if found is not None and found[2] in CLASSES:
                    self._at = found.end()
                    reader.add(self._named_class(found[2], bool(found[1])), 64)
                else:
                    outer.append(reader)
                    reader = self._open_class()
                    if len(outer) > DEEPEST:
                        raise NoRegex
            elif char == "]":
                if reader.close():
                    self._negated(anything)
                if not outer:
                    break
                inner, reader = reader, outer.pop()
                reader.add_class(inner)
            elif char in "&-~" and self._skip(char):
                reader.operate(char)
            else:
                reader.add(*self._range(char))
        return Part([Step(evaluated(reader.program))], 64 + reader.size, reader.depth, True)

    def _open_class(self) -> Class:
        reader = Class()
        if self._peek() == "^":
            self._take()
            reader.negated = True
        while self._peek() == "-":
            reader.add(*self._range_of(self._take(), None))
        if not reader.count and self._peek() == "]":
            reader.add(*self._range_of(self._take(), None))
        return reader

    def _named_class(self, name: str, negated: bool) -> Member:
        member: Member = CLASSES[name].__contains__
        if "i" in self._flags and "u" in self._flags:
            member = in_any_case(member)
        elif "i" in self._flags:
            member = in_any_ascii_case(member)
        return self._negated(member) if negated else member

    def _range(self, char: str) -> tuple[Member, int]:
        """One item of a class."""
        first = self._escape() if char == "\\" else char
        last = None
        if self._peek() == "-":
            start = self._at
            self._take()
            if self._peek() in ("]", "-"):
                self._at = start
            else:
                char = self._take()
                last = self._escape() if char == "\\" else char
        return self._range_of(first, last)

    def _range_of(
        self, first: str | tuple[Member, int], last: str | tuple[Member, int] | None
    ) -> tuple[Member, int]:
        if not isinstance(first, str):
            if last is not None:
                raise NoRegex
            return first
        if last is None:
            last = first
        elif not isinstance(last, str) or last < first:
            raise NoRegex
        if not last.isascii() and not _TEXT & self._flags:
            raise NoRegex
        if first == last:
            return self._orbit(first).__contains__, 8
        low, high = first, last

        def member(char: str) -> bool:
            return low <= char <= high

        if "i" in self._flags:
            return (in_any_case if "u" in self._flags else in_any_ascii_case)(member), 16
        return member, 8
