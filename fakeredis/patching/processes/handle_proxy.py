"""The handle of a patch whose servers live in another process.

In a forked child, and in a process that joined by ``subprocesses=True``, the handle's orders
(`advance`, `freeze`, `fail_next`, `delay`, `down` ...) and questions (`state`, the recorded calls)
cross to the process in which the patch began.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import redis

from fakeredis.clients.network import RemoteNetwork
from fakeredis.errors import ConnectionLost
from fakeredis.patching.faults import Unused
from fakeredis.patching.processes.frames import packed
from fakeredis.patching.snapshots import Snapshot
from fakeredis.spy import recorder as rec
from fakeredis.spy.calls import method_of
from fakeredis.spy.expectations import Expectation, Filters
from fakeredis.spy.values import ANY, like, matching, to_wire

if TYPE_CHECKING:
    from fakeredis.spy.watching import Spy

# What may be asked of an entry of a patch, as its methods are called.
_ALLOWED: Final = frozenset({
    "advance", "freeze", "fail_next", "delay", "reset_faults", "set_up", "flush", "state",
    "snapshot", "restore", "unused_faults", "url",
})


def ask(remote: RemoteNetwork, what: str, args: Sequence[Any]) -> Any:
    """Call a method of the patch's entry in the other process, and return its result.

    Args:
        remote: the way there.
        what: the method's name.
        args: its arguments.

    Raises:
        redis.ConnectionError: it has gone.
    """
    if what == "restore" and isinstance(args[0], Snapshot):
        args = [args[0].number]
    args = [_sent_order(arg) if hasattr(arg, "fits_start") else arg for arg in args]
    try:
        answer = remote.channel.ask("handle", remote.number, what, packed([*args]))
    except ConnectionLost:
        raise redis.ConnectionError("The process of this patch has gone.") from None
    if what == "unused_faults":
        return [Unused(*each) for each in answer]
    return Snapshot(number=answer) if what == "snapshot" else answer


def answer(entry: Any, what: str, args: Sequence[Any]) -> Any:
    """Do what another process asks of a patch of this one."""
    if what == "records":
        return _records(entry.spy, *args)
    if what == "forget":
        return entry.spy.reset()
    if what not in _ALLOWED:
        raise ValueError(what)
    if what == "restore":
        args = [entry.saved(args[0])]
    if what in ("fail_next", "delay"):
        args = [args[0], _received_order(*args[1]), *args[2:]]
    result = getattr(entry, what)(*args)
    if what == "unused_faults":
        return [[*each] for each in result]
    if what == "snapshot":
        entry.kept.append(result)  # for the other process, which has but its number
        return result.number
    return result


# Which commands are to fail ---------------------------------------------------------------------


def _sent_order(expected: Expectation) -> list[Any]:
    """A description of commands as plain values.

    Raises:
        TypeError: it has a value that only this process can compare.
    """
    args = None if expected.args is None else [_sent_value(arg) for arg in expected.args]
    return [expected.name, args, expected.text]


def _sent_value(value: object) -> list[Any]:
    data = to_wire(value)
    if data is not None:
        return ["is", data]
    if value is ANY:
        return ["any"]
    if isinstance(value, like):
        return ["like", value.pattern]
    pattern = value.pattern if isinstance(value, matching) else value
    if isinstance(pattern, re.Pattern):
        return ["matching", pattern.pattern, pattern.flags]
    raise TypeError(f"{value!r} cannot cross to the process of the servers: use ANY or like()")


def _received_order(name: str, args: list[Any] | None, text: str) -> Expectation:
    values = None if args is None else tuple(_received_value(*arg) for arg in args)
    return Expectation(name, values, text, Filters({}))


def _received_value(kind: str, value: Any = None, flags: int = 0) -> Any:
    if kind == "any":
        return ANY
    if kind == "like":
        return like(value)
    return value if kind == "is" else matching(re.compile(value, flags))


# Recorded calls ---------------------------------------------------------------------------------

_PLAIN: Final = (
    rec.NAME, rec.ARGV, rec.REPLY, rec.ERROR, rec.VIA, rec.GROUP, rec.POSITION, rec.METHOD, rec.DB,
    rec.CLIENT_ID, rec.CLIENT_NAME, rec.AT, rec.DURATION, rec.CHANGES,
)


def _records(spy: Spy, forgotten: int, known: int) -> list[Any]:
    """How many records a spy has forgotten, and those that are new to another process."""
    records = spy._records.copy()
    if forgotten != spy._forgotten:
        known = 0
    return [spy._forgotten, known, [_sent(record) for record in records[known:]]]


def _sent(record: rec.Record) -> list[Any]:
    code = record[rec.CODE]
    place = [
        code.co_filename, getattr(code, "co_qualname", code.co_name),
        rec.line_of(code, record[rec.OFFSET]),
    ]
    rest = [record[rec.SERVER].address, record[rec.THREAD].name, place]
    plain = [method_of(record) if each == rec.METHOD else record[each] for each in _PLAIN]
    return [*plain, *rest]


class _Place:
    """Stands for the code of another process."""

    def __init__(self, filename: str, name: str, line: int) -> None:
        self.co_filename = filename
        self.co_name = self.co_qualname = name
        self.co_firstlineno = line

    def co_lines(self) -> list[tuple[int, int, int]]:
        """The only line of which one knows."""
        return [(0, 1, self.co_firstlineno)]


class _Named:
    """Stands for a server or a thread of another process."""

    def __init__(self, name: str) -> None:
        self.address = self.name = name


def follow(spy: Spy, remote: RemoteNetwork) -> None:
    """Make a spy show what that of the other process has recorded, from now on."""
    spy._sync = partial(_sync, remote)
    spy._forget = partial(_forget, remote)


def _forget(remote: RemoteNetwork) -> None:
    ask(remote, "forget", ())


def _sync(remote: RemoteNetwork, spy: Spy) -> None:
    """Bring a spy's records up to date; where the other process has gone they stay as they are."""
    records = spy._records
    open_ones = (at for at, record in enumerate(records) if record[rec.DURATION] is None)
    try:
        forgotten, known, fresh = ask(
            remote, "records", (spy._forgotten, next(open_ones, len(records)))
        )
    except redis.ConnectionError:
        return
    if forgotten != spy._forgotten:
        records.clear()
        spy._forgotten, spy._numbered, spy._next_index = forgotten, 0, 0
    sessions = list(remote.channel.sessions.values())
    for at, sent in enumerate(fresh, known):
        record = _received(sent, sessions)
        if at < len(records):
            record[rec.CALL] = records[at][rec.CALL]
            records[at][:] = record  # its call refers to it
        else:
            records.append(record)


def _received(sent: list[Any], sessions: list[Any]) -> rec.Record:
    *plain, address, thread, place = sent
    record: rec.Record = [None] * (rec.CHANGES + 1)
    for field, value in zip(_PLAIN, plain, strict=True):
        record[field] = value
    record[rec.SERVER], record[rec.THREAD] = _Named(address), _Named(thread)
    record[rec.CODE], record[rec.OFFSET] = _Place(*place), 0
    for session in sessions:
        if session.id == record[rec.CLIENT_ID] and session.server.address == address:
            record[rec.OWNER] = session
    return record
