"""How long commands take: durations for INFO and LATENCY, the slow log, latency events.

Durations cost time themselves, so that nothing is measured before somebody asks (`begin`): a call
that was not measured counts as one microsecond.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from fakeredis.engine.command.command import FAST, SKIP_SLOWLOG
from fakeredis.engine.core import dispatch, switches
from fakeredis.engine.core.replies import BLOCKED
from fakeredis.engine.core.road import Check, Go, Origin

if TYPE_CHECKING:
    from fakeredis.engine.command.command import Command
    from fakeredis.engine.core.context import Context
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session

Run = Callable[["Command", Sequence[bytes]], Any]
Durations = dict[int, int]  # microseconds, and how many calls took so long

# Tools that stop the clock leave threading's own name alone: see `fakeredis.clients.fake_socket`.
_seconds: Final = getattr(threading, "_time", time.monotonic)
_UNMEASURED: Final = 1  # microseconds
_MOST_WORDS, _LONGEST_WORD, _MOST_SAMPLES = 32, 128, 160


class Event:
    """The latest delays of one kind."""

    __slots__ = ("samples", "longest")

    def __init__(self) -> None:
        self.samples: deque[list[int]] = deque(maxlen=_MOST_SAMPLES)  # [second, milliseconds]
        self.longest = 0

    def add(self, second: int, milliseconds: int) -> None:
        """Note a delay; of those of one second the longest is kept."""
        self.longest = max(self.longest, milliseconds)
        if self.samples and self.samples[-1][0] == second:
            self.samples[-1][1] = max(self.samples[-1][1], milliseconds)
        else:
            self.samples.append([second, milliseconds])


class Timing:
    """What one server has measured."""

    __slots__ = ("durations", "slow", "next_id", "events")

    def __init__(self) -> None:
        self.durations: dict[str, Durations] = {}  # by the commands' names
        self.slow: deque[list[Any]] = deque()  # newest first, as SLOWLOG GET replies them
        self.next_id = 0
        self.events: dict[str, Event] = {}


def of(server: Server) -> Timing:
    """What a server has measured, which may be nothing."""
    found: Timing | None = server.timing
    if found is None:
        found = server.timing = Timing()
    return found


def begin(server: Server) -> Timing:
    """Measure from now on."""
    server.switch_on(switches.TIMED, _CHECK)
    return of(server)


def forget_durations(server: Server) -> None:
    """CONFIG RESETSTAT."""
    if server.timing is not None:
        of(server).durations.clear()


def durations_by_name(server: Server) -> dict[str, Durations]:
    """How long the calls of each command took."""
    found = {}
    measured = of(server).durations
    for name, calls in server.statistics.calls_by_name().items():
        durations = dict(measured.get(name, {}))
        left = calls - sum(durations.values())
        if left > 0:
            durations[_UNMEASURED] = durations.get(_UNMEASURED, 0) + left
        found[name] = durations
    return found


# Measuring --------------------------------------------------------------------------------------


def _layer(server: Server, origin: Origin, go: Go) -> Go:
    """Measure how long commands take."""

    def measure(session: Session, command: Command, args: Sequence[bytes]) -> Any:
        clock = server.clock
        start, offset = _seconds(), clock.offset
        reply = None
        try:
            reply = go(session, command, args)
        finally:
            if reply is not BLOCKED:
                # A clock that was moved on has made the command take so long.
                passed = _seconds() - start + max(0.0, clock.offset - offset)
                note(session, command, args, int(passed * 1_000_000))
        return reply

    return measure


_CHECK: Final = Check(layer=_layer)


def note(session: Session, command: Command, args: Sequence[bytes], micros: int) -> None:
    """Note how long a command took."""
    server = session.server
    timing = of(server)
    durations = timing.durations.setdefault(command.label, {})
    durations[micros] = durations.get(micros, 0) + 1
    config = server.config
    if 0 <= config.slowlog_log_slower_than <= micros and not command.flags & SKIP_SLOWLOG:
        _log_slow(timing, session, command, args, micros)
    threshold = config.latency_monitor_threshold
    if threshold and micros // 1000 >= threshold:
        add_event(server, "fast-command" if command.flags & FAST else "command", micros // 1000)


def note_running(ctx: Context, seconds: float) -> None:
    """Note how long the running command takes, which began before anything was measured."""
    assert ctx.command is not None
    note(ctx.session, ctx.command, ctx.args, int(seconds * 1_000_000) + 1)


def add_event(server: Server, name: str, milliseconds: int) -> None:
    """Note a delay for LATENCY."""
    event = of(server).events.setdefault(name, Event())
    event.add(int(server.clock.seconds()), milliseconds)


@contextmanager
def watched(server: Server, name: str) -> Iterator[None]:
    """To be held during what is no command, and is an event for LATENCY when it takes long."""
    start = _seconds()
    try:
        yield
    finally:
        milliseconds = int((_seconds() - start) * 1000)
        if milliseconds >= server.config.latency_monitor_threshold:
            add_event(server, name, milliseconds)


def _log_slow(
    timing: Timing, session: Session, command: Command, args: Sequence[bytes], micros: int
) -> None:
    server = session.server
    most = server.config.slowlog_max_len
    if not most:
        return
    words = dispatch.shown_words(command, args)
    from_script = session.via == "script" and command.group != "scripting"
    timing.slow.appendleft([
        timing.next_id, int(server.clock.seconds()), micros, _trimmed(words),
        b"" if from_script else session.address.encode(), b"" if from_script else session.name,
    ])
    timing.next_id += 1
    while len(timing.slow) > most:
        timing.slow.pop()


def _trimmed(words: Sequence[bytes]) -> list[bytes]:
    """A command's words as the slow log keeps them: not too many, and none too long."""
    kept = list(words)
    if len(words) > _MOST_WORDS:
        more = len(words) - _MOST_WORDS + 1
        kept = [*words[: _MOST_WORDS - 1], b"... (%d more arguments)" % more]
    return [
        word if len(word) <= _LONGEST_WORD
        else word[:_LONGEST_WORD] + b"... (%d more bytes)" % (len(word) - _LONGEST_WORD)
        for word in kept
    ]


# What LATENCY HISTOGRAM and INFO make of durations ------------------------------------------------


def histogram(durations: Durations) -> dict[int, int]:
    """How many calls took at most so many microseconds; by powers of two, as the server rounds."""
    found: dict[int, int] = {}
    seen, left = 0, sorted(durations.items())
    power = 1 << 10  # in nanoseconds
    while left:
        before = seen
        limit = _highest_equal(power)
        while left and left[0][0] * 1000 <= limit:
            seen += left.pop(0)[1]
        if seen > before:
            found[limit // 1000] = seen
        power <<= 1
    return found


def percentile(durations: Durations, percent: float) -> float:
    """The microseconds in which so many of a hundred calls had ended."""
    wanted = max(1, int(percent / 100 * sum(durations.values()) + 0.5))
    for micros, count in sorted(durations.items()):
        wanted -= count
        if wanted <= 0:
            return _highest_equal(max(1, micros * 1000)) / 1000
    return 0.0


def _highest_equal(nanos: int) -> int:
    """The largest number that a histogram of two significant digits takes for the same."""
    unit = 1 << max(0, nanos.bit_length() - 8)
    return nanos // unit * unit + unit - 1
