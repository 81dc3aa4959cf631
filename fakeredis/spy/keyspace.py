"""What the recorded commands did to the expirations of their keys.

The engine tells of each change when its command ends, with the deadline that the key has then: so
nothing has to be known of commands. Where the data are elsewhere, the server is asked later, but
before the spy goes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from fakeredis.spy import recorder as rec
from fakeredis.spy.calls import CommandCall
from fakeredis.spy.values import EncodedText, to_text

__all__ = ["KeyState", "ask_elsewhere", "key_states"]

Name = tuple[str, int, EncodedText]  # a server's address, a database, a key
_WRITES = frozenset(("OW", "RM", "insert", "update", "delete"))


class KeyState(NamedTuple):
    """A key as the recorded commands left it.

    Args:
        ttl: seconds to live as they were set; None for ever.
        call: the last command that wrote it.
        deadline: milliseconds since the epoch.
    """

    ttl: float | None
    call: CommandCall
    deadline: int | None = None


States = dict[Name, KeyState]


def key_states(calls: Iterable[CommandCall]) -> States:
    """For each key that was written and not removed: its TTL as last set."""
    calls = list(calls)
    ask_elsewhere(calls)
    states: States = {}
    for call in calls:
        changes = call._record[rec.CHANGES]
        if changes:
            _follow(call, changes, states)
    return states


def ask_elsewhere(calls: Iterable[CommandCall]) -> None:
    """Ask servers whose data are elsewhere for the deadlines of the keys that were written.

    Once for each call, with one round trip for each server and database: a TTL is counted from the
    last command that wrote to its key.
    """
    written: dict[tuple[Any, int], dict[EncodedText, CommandCall]] = defaultdict(dict)
    for call in calls:
        record = call._record
        server = record[rec.SERVER]
        if record[rec.CHANGES] is None and getattr(server, "forwards", False):
            record[rec.CHANGES] = []
            if call.error is None:
                for key, flags in call.keys_with_flags():
                    if not flags or flags & _WRITES:
                        written[server, call.db][key] = call
    for (server, db), last in written.items():
        _ask(server, db, last)


def _ask(server: Any, db: int, last: dict[EncodedText, CommandCall]) -> None:
    before = server.now()
    left = server.engine.milliseconds_left(db, [bytes(key) for key in last])
    now = server.now()
    for (key, call), milliseconds in zip(last.items(), left, strict=True):
        deadline, ttl = None, 0
        if milliseconds >= 0:
            deadline = round(now * 1000) + milliseconds
            earliest, latest = before - call.at - (call.duration or 0), now - call.at
            ttl = _between(milliseconds + earliest * 1000, milliseconds + latest * 1000 + 1)
        change = rec.KEY, db, bytes(key), milliseconds != -2, deadline, (deadline or 0) - ttl
        call._record[rec.CHANGES].append(change)


def _between(low: float, high: float) -> int:
    """Milliseconds that were set, by their bounds: whole seconds, where there are such."""
    seconds = int(high // 1000) * 1000
    return seconds if seconds >= low else round(low)


def _follow(call: CommandCall, changes: list[rec.Change], states: States) -> None:
    """Bring the states up to date by what one call has changed."""
    before = _deadlines(call, changes, states)
    for kind, *about in changes:
        _CHANGES[kind](call, about, states, before)


def _deadlines(
    call: CommandCall, changes: list[rec.Change], states: States
) -> dict[int, float | None]:
    """The deadlines that a call's keys had, and the TTLs as these were set."""
    server, db = call.server, call.db
    names = [(server, db, key) for key in call.keys]
    names += [(server, change[1], to_text(change[2])) for change in changes if change[0] == rec.KEY]
    known = [states[name] for name in names if name in states]
    return {state.deadline: state.ttl for state in known if state.deadline is not None}


def _written(
    call: CommandCall, about: list[Any], states: States, before: dict[int, float | None]
) -> None:
    db, key, there, deadline, now = about
    name = (call.server, db, to_text(key))
    if not there:
        states.pop(name, None)
    elif deadline in before:  # it was kept, or came along from another key
        states[name] = KeyState(before[deadline], call, deadline)
    else:
        ttl = None if deadline is None else (deadline - now) / 1000
        states[name] = KeyState(ttl, call, deadline)


def _cleared(call: CommandCall, about: list[Any], states: States, before: Any) -> None:
    for each in [each for each in states if each[:2] == (call.server, about[0])]:
        del states[each]


def _swapped(call: CommandCall, about: list[Any], states: States, before: Any) -> None:
    first, second = about
    other = {first: second, second: first}
    moved = {
        each: states.pop(each)
        for each in list(states) if each[0] == call.server and each[1] in other
    }
    states.update({(each[0], other[each[1]], each[2]): moved[each] for each in moved})


_CHANGES: dict[int, Callable[[CommandCall, list[Any], States, Any], None]] = {
    rec.KEY: _written, rec.CLEARED: _cleared, rec.SWAPPED: _swapped,
}
