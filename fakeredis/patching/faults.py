"""What a test orders: the next commands that match fail, or are answered late."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from fakeredis.engine.clock import checked_seconds
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.commands.registry import Table
    from fakeredis.engine.server import Server
    from fakeredis.engine.session import Session


class _Order:
    """Something that befalls the commands that match."""

    def __init__(self, command: Any, args: Sequence[Any]) -> None:
        if not isinstance(command, str) or not command.split():
            raise TypeError(f"a command is its name, or '*' for any, not {command!r}")
        self.names = command.upper().split()
        self.args = [arg if isinstance(arg, bytes) else str(arg).encode() for arg in args]

    def fits(self, words: Sequence[bytes], args: Sequence[bytes]) -> bool:
        """Whether a command is meant."""
        if self.names != ["*"]:
            names = [word.decode("utf-8", "replace").upper() for word in words]
            if names[: len(self.names)] != self.names:
                return False
        return list(args[: len(self.args)]) == self.args


class _Fault(_Order):
    def __init__(self, error: Any, command: str, args: Sequence[Any], times: int) -> None:
        super().__init__(command, args)
        self.error = error
        self.left = times


class _Delay(_Order):
    def __init__(self, seconds: float, command: str, args: Sequence[Any]) -> None:
        super().__init__(command, args)
        self.seconds = seconds


def _use_table(server: Server, table: Table) -> None:
    """Have a server's sessions look up commands there.

    Where no command is plain, clients take no short cut but redis-py's own way, with its retries.
    """
    with server.lock:
        server.table = table
        for session in server.sessions.values():
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

    def add(self, error: Any, command: str, args: Sequence[Any], times: Any) -> None:
        """Order failures."""
        if not isinstance(times, int) or times < 1:
            raise ValueError(f"times is how many commands fail, at least 1, not {times!r}")
        self._faults.append(_Fault(error, command, args, times))
        for server in self._servers:
            self._arm(server)

    def delay(self, seconds: float, command: str, args: Sequence[Any]) -> None:
        """Order that commands are answered late, until `clear`."""
        if isinstance(seconds, bool) or checked_seconds(seconds) < 0:
            raise ValueError(f"a delay is a number of seconds from 0 on, not {seconds!r}")
        self._delays.append(_Delay(seconds, command, args))
        for server in self._servers:
            self._arm(server)

    def watch(self, server: Server) -> None:
        """Have a hand in a server's commands from the first fault on."""
        self._servers.append(server)
        if self._faults or self._delays:
            self._arm(server)

    def clear(self) -> None:
        """Order nothing any more."""
        self._faults.clear()
        self._delays.clear()
        for server in self._servers:
            if self._intercept in server.interceptors:
                server.interceptors.remove(self._intercept)
            from fakeredis.engine import dispatch

            if not server.interceptors:
                server.guard &= ~dispatch.INTERCEPTED
            table = self._tables.pop(id(server), None)
            if table is not None:
                _use_table(server, table)

    def leave(self) -> None:
        """Leave the servers alone."""
        self.clear()
        self._servers.clear()

    def _arm(self, server: Server) -> None:
        from fakeredis.engine import dispatch

        if self._intercept not in server.interceptors:
            server.interceptors.append(self._intercept)
        server.guard |= dispatch.INTERCEPTED
        if id(server) not in self._tables:
            self._tables[id(server)] = server.table
            careful = copy(server.table)
            careful.plain = {}
            _use_table(server, careful)

    def _intercept(self, session: Session, command: Any, args: Sequence[bytes]) -> None:
        if session.via == "handshake":
            return
        for delay in self._delays:
            if delay.fits(command.parts, args):
                session.lag += delay.seconds
        for fault in self._faults:
            if fault.fits(command.parts, args):
                fault.left -= 1
                if fault.left == 0:
                    self._faults.remove(fault)
                if isinstance(fault.error, str):
                    raise CommandError(fault.error)
                raise fault.error
