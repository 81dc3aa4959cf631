"""What a test orders: the next commands that match fail, or are answered late."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeredis.engine.core import switches
from fakeredis.engine.core.clock import checked_seconds
from fakeredis.errors import CommandError
from fakeredis.lazy import LazyModule

if TYPE_CHECKING:
    from fakeredis.engine.command.command import Table
    from fakeredis.engine.core import dispatch, road
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session
    from fakeredis.spy import expectations
    from fakeredis.spy.expectations import Expectation
else:
    dispatch = LazyModule("fakeredis.engine.core.dispatch")
    expectations = LazyModule("fakeredis.spy.expectations")
    road = LazyModule("fakeredis.engine.core.road")


class Unused(NamedTuple):
    """An order that no command has met so often as was said."""

    command: str  # as it was described
    error: str | Exception | None  # None for a delay
    left: int  # how many commands are yet to come
    seconds: float = 0.0  # of a delay

    def __str__(self) -> str:
        if self.error is None:
            return f"{self.command}: delay of {self.seconds:g} s"
        shown = str(self.error)
        if not isinstance(self.error, str):
            shown = f"{type(self.error).__name__}: {shown}"
        return f"{self.command}: {shown}" + (f", {self.left} times" if self.left > 1 else "")


class _Order:
    """Something that befalls the commands that match."""

    def __init__(self, expected: Expectation) -> None:
        self.expected = expected

    def fits(self, name: str, args: Sequence[bytes]) -> bool:
        """Whether a command is meant."""
        return self.expected.fits_start(name, args)


class _Fault(_Order):
    def __init__(self, error: Any, expected: Expectation, times: int) -> None:
        super().__init__(expected)
        self.error = error
        self.left = times


class _Delay(_Order):
    def __init__(self, seconds: float, expected: Expectation) -> None:
        super().__init__(expected)
        self.seconds = seconds
        self.used = False


def described(command: Any, args: Sequence[Any]) -> expectations.Expectation:
    """The commands that an order is for, in any way in which an assertion may describe one.

    Raises:
        TypeError: it is no description.
        ValueError: no command has that name.
    """
    expected = expectations.Expectation.of(command, *args)
    expected.check_name()
    return expected


def _use_table(server: Server, table: Table) -> None:
    """Make a server's sessions look up commands in a table.

    For those that are not plain clients take redis-py's own way, with its retries.
    """
    with server.lock:
        server.table = table
        for session in list(server.sessions.values()):
            session.plain = table.plain


def as_error(error: Any) -> Any:
    """What `Faults.add` takes: an error reply's text or an exception, also for its class.

    Raises:
        TypeError: it is nothing of the kind.
    """
    if isinstance(error, type) and issubclass(error, Exception):
        error = error(f"{error.__name__} ordered by fail_next")
    if not isinstance(error, (str, Exception)):
        raise TypeError(f"an error is a text or an exception, not {error!r}")
    return error


class Faults:
    """The faults and delays of one patch, on all its servers."""

    def __init__(self) -> None:
        self._faults: list[_Fault] = []
        self._delays: list[_Delay] = []
        self._servers: list[Server] = []
        self._tables: dict[int, Table] = {}  # the servers' own, by their id

    def add(self, error: Any, expected: Expectation, times: Any) -> None:
        """Order that the next so many commands that are expected fail with this error.

        Raises:
            ValueError: it is no number of commands.
        """
        if not isinstance(times, int) or times < 1:
            raise ValueError(f"times is how many commands fail, at least 1, not {times!r}")
        self._faults.append(_Fault(error, expected, times))
        for server in self._servers:
            self._arm(server)

    def delay(self, seconds: float, expected: Expectation) -> None:
        """Order that commands are answered late, until `clear`.

        Args:
            seconds: how late.
            expected: which commands.

        Raises:
            TypeError, ValueError: it is no number of seconds, or a negative one.
        """
        if checked_seconds(seconds, "a delay is") < 0:
            raise ValueError(f"a delay is a number of seconds from 0 on, not {seconds!r}")
        self._delays.append(_Delay(seconds, expected))
        for server in self._servers:
            self._arm(server)

    def watch(self, server: Server) -> None:
        """Take part in a server's commands from the first fault on."""
        self._servers.append(server)
        if self._faults or self._delays:
            self._arm(server)

    def unused(self) -> list[Unused]:
        """What was ordered and has not happened, or not so often as was said."""
        faults = [Unused(each.expected.text, each.error, each.left) for each in self._faults]
        delays = [
            Unused(each.expected.text, None, 1, each.seconds)
            for each in self._delays
            if not each.used
        ]
        return [*faults, *delays]

    def clear(self) -> None:
        """Order nothing any more."""
        self._faults.clear()
        self._delays.clear()
        self._disarm()

    def _disarm(self) -> None:
        for server in self._servers:
            if self._intercept in server.interceptors:
                server.interceptors.remove(self._intercept)
            if not server.interceptors:
                server.switch_off(switches.INTERCEPTED)
            table = self._tables.pop(id(server), None)
            if table is not None:
                _use_table(server, table)

    def leave(self) -> None:
        """Leave the servers alone; what has not happened is still known."""
        self._disarm()
        self._servers.clear()

    def _arm(self, server: Server) -> None:
        if self._intercept not in server.interceptors:
            server.interceptors.append(self._intercept)
        gates = dict.fromkeys((road.CLIENT, road.FORWARDED), dispatch.intercepted)
        server.switch_on(switches.INTERCEPTED, road.Check(gates))
        table = self._tables.setdefault(id(server), server.table)
        careful = copy(table)
        careful.plain = {
            name: command for name, command in table.plain.items() if not self._concern(name)
        }
        _use_table(server, careful)

    def _concern(self, name: str) -> bool:
        orders: list[_Order] = [*self._faults, *self._delays]
        return any(each.expected.fits_name(name) for each in orders)

    def _intercept(self, session: Session, command: Any, args: Sequence[bytes]) -> None:
        if session.via == "handshake" or command.name in session.plain:
            return  # what is ordered concerns none that are plain
        for delay in self._delays:
            if delay.fits(command.name, args):
                delay.used = True
                session.lag += delay.seconds
        for fault in self._faults:
            if fault.fits(command.name, args):
                fault.left -= 1
                if fault.left == 0:
                    self._faults.remove(fault)
                if isinstance(fault.error, str):
                    raise CommandError(fault.error)
                raise fault.error
