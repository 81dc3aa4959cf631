"""Classes of characters, and classes within them, as lists: members, and operators behind them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from fakeredis.datatypes.regex.characters import DEEPEST, Member, NoRegex, nothing


class Class:
    """A class being read."""

    def __init__(self) -> None:
        self.program: list[Member | str] = []
        self.negated = False
        self.count = self.size = self.depth = 0  # items since the last operator, and all of them
        self._left = 0  # the depth of what stands before the operator
        self._operator = ""

    def add(self, member: Member, size: int) -> None:
        """Take one more item."""
        self._join([member], size, 0)

    def add_class(self, other: Class) -> None:
        """Take a class within this one."""
        self._join(other.program, other.size, other.depth)

    def _join(self, program: list[Member | str], size: int, depth: int) -> None:
        self.program += program
        if self.count:
            self.program.append("|")
        self.count += 1
        self.size += size
        self.depth = max(self.depth, depth)

    def operate(self, operator: str) -> None:
        """End one side of an operator; all of them bind equally, from the left."""
        if not self.count:
            self.program.append(nothing)
        depth = self.depth + (self.count > 1)
        if self._operator:
            self.program.append(self._operator)
            depth = 1 + max(self._left, depth)
        self._operator, self._left, self.depth, self.count = operator, depth, 0, 0

    def close(self) -> bool:
        """Whether it is negated."""
        self.operate("")
        self.depth = self._left + 1
        if self.depth > DEEPEST:
            raise NoRegex
        if self.negated:
            self.program.append("^")
            self.size += 900
        return self.negated


def evaluated(program: list[Member | str]) -> Member:
    """The members that a list of members and operators describes."""

    @lru_cache(maxsize=256)
    def member(char: str) -> bool:
        results: list[bool] = []
        for each in program:
            if not isinstance(each, str):
                results.append(each(char))
            elif each == "^":
                results.append(not results.pop())
            else:
                right, left = results.pop(), results.pop()
                results.append(_OPERATORS[each](left, right))
        return results[0]

    return member


_OPERATORS: Final[dict[str, Callable[[bool, bool], bool]]] = {
    "|": lambda left, right: left or right, "&": lambda left, right: left and right,
    "-": lambda left, right: left and not right, "~": lambda left, right: left is not right,
}
