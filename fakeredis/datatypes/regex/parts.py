"""Parts of an expression, put together from smaller ones."""

from __future__ import annotations

from typing import Final, NamedTuple

from fakeredis.datatypes.regex.automaton import Step

LARGEST: Final = 10 << 20  # in bytes that the server's own automaton takes, see `Part.size`


class Part(NamedTuple):
    """A piece of an expression."""

    steps: list[Step]
    size: int = 0  # bytes it takes on the server
    depth: int = 0  # of what is nested in it
    reads: bool = False  # whether any of its steps reads a character


def in_turn(parts: list[Part]) -> Part:
    """One after the other."""
    if len(parts) == 1:
        return parts[0]
    return Part(
        [step for part in parts for step in part.steps], sum(part.size for part in parts),
        1 + max(part.depth for part in parts) if parts else 0, any(part.reads for part in parts),
    )


def alternatives(branches: list[Part]) -> Part:
    """Any of them."""
    if len(branches) == 1:
        return branches[0]
    left = sum(len(branch.steps) + 2 for branch in branches) - 2
    steps: list[Step] = []
    for branch in branches[:-1]:
        length = len(branch.steps)
        steps += [Step(ways=(1, length + 2)), *branch.steps, Step(ways=(left - length - 1,))]
        left -= length + 2
    return Part(
        steps + branches[-1].steps, sum(branch.size + 24 for branch in branches) + 40,
        1 + max(branch.depth for branch in branches), any(branch.reads for branch in branches),
    )


def repeated(part: Part, low: int, high: int | None) -> Part:
    """So many times at least and at most; None is without an end."""
    steps, size, depth, reads = part
    depth += 1
    if high == 0 or not reads:  # places that fit once fit as often as wanted
        return Part(steps if low else [], size if low else 0, depth, False)
    copies = max(low, 1) if high is None else high
    size = size * copies + 40 * (1 if high is None else high - low)
    if size > LARGEST:
        return Part([], size, depth, True)  # refused at the end, unless it is repeated no times
    length = len(steps)
    if high is not None:
        repeated = steps * low
        for left in range(high - low, 0, -1):
            repeated += [Step(ways=(1, left * (length + 1))), *steps]
    elif low:
        repeated = [*(steps * low), Step(ways=(1, -length))]
    else:
        repeated = [Step(ways=(1, length + 2)), *steps, Step(ways=(-1 - length,))]
    return Part(repeated, size, depth, True)
