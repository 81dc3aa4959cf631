"""Texts of failures: the expectation, the nearest calls with what differs, and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from fakeredis.spy import known
from fakeredis.spy.calls import CommandCall
from fakeredis.spy.expectations import Expectation
from fakeredis.spy.values import EncodedText, shown

__all__ = ["counts", "line", "listing", "nearest", "place"]

NEAREST = 3
LISTED = 10
SHOWN_DIFFERENCES = 3
WIDTH = 160


def line(call: CommandCall) -> str:
    """A call with its number, cut to a readable length."""
    text = " ".join([call.name, *map(shown, call.args)])
    text = text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."
    return f"#{call.index} {text}" if call.index >= 0 else text


def place(call: CommandCall) -> str:
    """Where a call came from, and how."""
    facts = [call.via, f"db {call.db}"]
    if call.method:
        facts.append(f"{call.method}()")
    if call.error is not None:
        facts.append(f"failed: {call.error}")
    return f"at {call.where or 'an unknown place'} ({', '.join(facts)})"


def listing(calls: Sequence[CommandCall], most: int = LISTED) -> list[str]:
    """Calls with their places, the first ones of many."""
    lines = []
    for call in calls[:most]:
        lines += [f"  {line(call)}", f"      {place(call)}"]
    if len(calls) > most:
        lines.append(f"  and {len(calls) - most} more")
    return lines


def nearest(expected: Expectation, calls: Iterable[CommandCall]) -> list[str]:
    """The calls that came nearest to an expectation, and in what they differ."""
    candidates = list(calls)
    same = [call for call in candidates if expected.fits_name(call.name)]
    if not same:
        return _others(expected, candidates)
    ranked = sorted(
        ((expected.differences(call), call) for call in same), key=lambda pair: len(pair[0])
    )
    lines = []
    for found, call in ranked[:NEAREST]:
        lines.append(f"  nearest  {line(call)}   <- {_differences(found)}")
        lines.append(f"           {place(call)}")
    if len(ranked) > NEAREST:
        lines.append(f"  {len(same)} {expected.name} in all")
    return lines


def _differences(found: list[str]) -> str:
    shown = "; ".join(found[:SHOWN_DIFFERENCES])
    rest = len(found) - SHOWN_DIFFERENCES
    return f"{shown}; and {rest} more" if rest > 0 else shown


def _others(expected: Expectation, calls: Sequence[CommandCall]) -> list[str]:
    """Other commands on the same key; names that are spelt alike."""
    close = known.nearest(expected.name, (call.name for call in calls))
    key = expected.args[0] if expected.args else None
    if isinstance(key, (str, bytes)):
        on_key = [call for call in calls if any(EncodedText(each) == key for each in call.keys)]
        if on_key:
            link = f"{close} On" if close and not known.exists(expected.name) else "; on"
            head = f"  {expected.name} was never called{link} the same key:"
            return [head, *listing(on_key, NEAREST)]
    return [f"  {expected.name} was never called{close}"] if close else []


def counts(calls: Sequence[CommandCall]) -> str:
    """How many commands there were of each name."""
    if not calls:
        return "  no command was recorded"
    names = Counter(call.name for call in calls)
    parts = [name if number == 1 else f"{name} x{number}" for name, number in names.items()]
    plural = "" if len(calls) == 1 else "s"
    return f"  {len(calls)} command{plural} recorded: {', '.join(parts)}"


def times(number: int) -> str:
    """A number of times, in words."""
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")
