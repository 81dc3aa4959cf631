"""What a server counts: calls and failures of its commands, and its error replies.

Calls are counted where they are made (`Session.run` and `Session.invoke`), by one increment in
``calls``; all else here is called only when something failed or somebody asks.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fakeredis.engine.command.command import Command
    from fakeredis.engine.core.server import Server
    from fakeredis.errors import CommandError


class Statistics:
    """The counts of one server since its start or CONFIG RESETSTAT.

    Commands are counted by their objects, of which a name may have two (see `Table`); failures by
    the names that INFO shows, errors by their codes.
    """

    __slots__ = (
        "calls", "failed", "rejected", "errors", "evicted", "sampled", "running", "peak",
        "refused_connections",
    )

    def __init__(self) -> None:
        self.calls: defaultdict[Command, int] = defaultdict(int)
        self.failed: dict[str, int] = {}
        self.rejected: dict[str, int] = {}
        self.errors: dict[str, int] = {}
        self.evicted = self.refused_connections = 0
        self.running: Command | None = None  # INFO itself, which is no call before it has ended
        self.peak = (0, 0)  # the most memory that INFO has seen, and when
        self.sampled = (0.0, 0)  # when INFO last looked at the number of calls, and what it saw

    def reset(self) -> None:
        """Start again; ``calls`` stays the same object."""
        self.calls.clear()
        self.failed, self.rejected, self.errors = {}, {}, {}
        self.evicted = self.refused_connections = 0
        self.sampled = (0.0, 0)

    def processed(self) -> int:
        """How many commands have run."""
        return sum(self.calls.values())

    def calls_by_name(self) -> dict[str, int]:
        """Calls by the commands' names, refused ones among them with 0."""
        named: dict[str, int] = {}
        for command, count in self.calls.copy().items():
            if command is self.running:
                count -= 1
            if count:
                named[command.label] = named.get(command.label, 0) + count
        for label in self.rejected:
            named.setdefault(label, 0)
        return named


def failed(server: Server, command: Command, error: CommandError) -> None:
    """A command ran, and its reply is an error."""
    if error.settled:
        return
    statistics = server.statistics
    statistics.failed[command.label] = statistics.failed.get(command.label, 0) + 1
    if not error.counted:
        _count(statistics, error)


def rejected(server: Server, command: Command | None, error: CommandError) -> None:
    """A command was refused before it ran; None stands for one that does not exist."""
    if error.settled:
        return
    statistics = server.statistics
    if command is not None:
        statistics.rejected[command.label] = statistics.rejected.get(command.label, 0) + 1
    error.settled = True
    _count(statistics, error)


def _count(statistics: Statistics, error: CommandError) -> None:
    error.counted = True
    statistics.errors[error.code] = statistics.errors.get(error.code, 0) + 1


def operations_per_second(server: Server) -> int:
    """Commands a second since INFO was last asked, over a second at least."""
    statistics = server.statistics
    now, count = server.clock.seconds(), statistics.processed()
    then, before = statistics.sampled
    statistics.sampled = (now, count)
    return int((count - before) / max(now - max(then, server.started), 1.0))
