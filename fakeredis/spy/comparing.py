"""How expected arguments differ from those that were sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from fakeredis.spy.canonical import BAG, OPTIONS, ORDERED, Parsed, Part, Unit
from fakeredis.spy.values import EncodedText, difference, equal, shown, to_wire

__all__ = ["differences"]


def differences(expected: Parsed, sent: Parsed, open_end: bool) -> list[str]:
    """What differs, in the places of what was sent; empty when they agree.

    Args:
        expected: what a test expects.
        sent: what was recorded.
        open_end: whether the expected arguments may be followed by any others.
    """
    found: list[str] = []
    for part, sent_part in zip(expected.parts, sent.parts, strict=True):
        found += _part(part, sent_part, open_end)
    return found


def _part(expected: Part, sent: Part, open_end: bool) -> list[str]:
    if expected.kind == OPTIONS:
        return _options(expected.units, sent.units, open_end)
    if BAG in (expected.kind, sent.kind) and (ORDERED not in (expected.kind, sent.kind)):
        return _bag(expected.units, sent.units, open_end)
    if open_end and BAG in (expected.kind, sent.kind):
        return _bag(expected.units, sent.units, open_end)
    return _ordered(_merge(expected.units), _merge(sent.units), open_end)


def _merge(units: Sequence[Unit]) -> Unit:
    values = tuple(value for unit in units for value in unit.values)
    places = tuple(place for unit in units for place in unit.places)
    return Unit("", values, places, places[0] if places else 0)


def _ordered(expected: Unit, sent: Unit, open_end: bool) -> list[str]:
    found = []
    for at, value in enumerate(expected.values):
        if at >= len(sent.values):
            found.append(f"{shown(value)} is missing")
        elif not _equal(value, sent.values[at]):
            found.append(_other(sent, at, value))
    if not open_end:
        extra = range(len(expected.values), len(sent.values))
        found += [
            f"argument {_place(sent, at)}: {shown(sent.values[at])} is not expected" for at in extra
        ]
    return found


def _other(sent: Unit, at: int, expected: object) -> str:
    place = _place(sent, at)
    value = sent.values[at]
    if isinstance(value, EncodedText):
        return f"argument {place}: {difference(expected, value)}"
    return f"argument {place}: expected {shown(expected)}, got {shown(value)}"


def _place(sent: Unit, at: int) -> int:
    """Place of a value; what an alias added has none of its own and counts as the next."""
    return sent.places[at] if at < len(sent.places) else sent.places[-1] + 1


def _equal(expected: object, sent: object) -> bool:
    return isinstance(sent, EncodedText) and equal(expected, sent)


def _options(expected: Sequence[Unit], sent: Sequence[Unit], open_end: bool) -> list[str]:
    """Options in any order; the same option several times in its own order."""
    left: dict[str, list[Unit]] = defaultdict(list)
    for unit in sent:
        left[unit.token].append(unit)
    found = []
    for unit in expected:
        if left[unit.token]:
            is_last = open_end and unit is expected[-1]
            found += _ordered(unit, left[unit.token].pop(0), is_last)
        else:
            found.append(f"{_text(unit)} is missing")
    if not open_end:
        found += [_unexpected(unit) for units in left.values() for unit in units]
    return found


def _bag(expected: Sequence[Unit], sent: Sequence[Unit], open_end: bool) -> list[str]:
    """Units in any order: equal ones first, then placeholders, as many as can be paired."""
    last = expected[-1] if open_end and expected else None
    wanted, left = _without_equal(expected, sent, last)
    wanted, left = _without_pairs(wanted, left, last)
    found = []
    for unit in wanted:
        near = next((other for other in left if _share(unit, other)), None)
        if near is None:
            found.append(f"{_text(unit)} is missing")
        else:
            left.remove(near)
            found += _ordered(unit, near, unit is last)
    return found if open_end else found + [_unexpected(unit) for unit in left]


def _without_equal(
    expected: Sequence[Unit], sent: Sequence[Unit], last: Unit | None
) -> tuple[list[Unit], list[Unit]]:
    """Both without the units that are the same on the wire: these can pair with no other."""
    places: dict[tuple[bytes | None, ...], list[Unit]] = defaultdict(list)
    for unit in reversed(sent):
        places[tuple(map(to_wire, unit.values))].append(unit)
    wanted = []
    for unit in expected:
        same = places.get(tuple(map(to_wire, unit.values)))
        if same and unit is not last:
            same.pop()
        else:
            wanted.append(unit)
    remaining = {id(unit) for units in places.values() for unit in units}
    return wanted, [unit for unit in sent if id(unit) in remaining]


def _without_pairs(
    wanted: list[Unit], left: list[Unit], last: Unit | None
) -> tuple[list[Unit], list[Unit]]:
    """Both without the pairs of a largest matching (by augmenting paths)."""
    fits = [[at for at, unit in enumerate(left) if not _ordered(want, unit, want is last)]
            for want in wanted]
    holder: dict[int, int] = {}

    def place(index: int, seen: set[int]) -> bool:
        for at in fits[index]:
            if at in seen:
                continue
            seen.add(at)
            if at not in holder or place(holder[at], seen):
                holder[at] = index
                return True
        return False

    lonely = [unit for index, unit in enumerate(wanted) if not place(index, set())]
    return lonely, [unit for at, unit in enumerate(left) if at not in holder]


def _share(expected: Unit, sent: Unit) -> bool:
    """Whether two units are about the same field or member."""
    pairs = list(zip(expected.values, sent.values, strict=False))
    return len(pairs) > 1 and any(_equal(value, other) for value, other in pairs)


def _unexpected(unit: Unit) -> str:
    return f"argument {unit.start}: {_text(unit)} is not expected"


def _text(unit: Unit) -> str:
    token = () if unit.token in ("", "count") else (unit.token,)
    return " ".join(map(shown, (*token, *unit.values)))
