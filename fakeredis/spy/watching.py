"""The spy itself: it listens to servers and answers for what it heard."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any
from weakref import finalize

from fakeredis import wiring
from fakeredis.lazy import Lazy
from fakeredis.spy.assertions import Assertions
from fakeredis.spy.calls import CommandCall
from fakeredis.spy.owners import Owner
from fakeredis.spy.recorder import CALL, VIA, Record, Recorder, Tee

if TYPE_CHECKING:
    from fakeredis.spy.keyspace import ask_elsewhere
else:
    ask_elsewhere = Lazy("fakeredis.spy.keyspace", "ask_elsewhere")

__all__ = ["Span", "Spy", "spy_on"]


class Spy(Assertions):
    """Records the commands of servers, in the order in which they ran.

    As a context manager it listens to the clients and servers it was given::

        with Spy(client) as spy:
            client.set("k", "v")
        spy.assert_called_command_once("SET k v")
    """

    def __init__(self, *targets: Any) -> None:
        for target in targets:
            _engine_of(target)
        self._targets = targets
        self._records: list[Record] = []
        self._forgotten = 0  # records that reset() took away
        self._numbered = 0  # records that have their CommandCall
        self._next_index = 0
        self._attached: list[tuple[Any, Recorder]] = []
        self._notes: finalize[..., Spy] | None = None  # ends the noting of methods
        self._lock = threading.Lock()  # for readers; recording needs none
        # Where another process records: fetches the records from there, and clears them there.
        self._sync: Callable[[Spy], None] | None = None
        self._forget: Callable[[], None] | None = None

    def recorder_for(self, server: Any, accepts: Any = None) -> Recorder:
        """A recorder that notes a server's commands here; it is for the caller to attach."""
        return Recorder(self._records, server, accepts)

    def attach(self, server: Any, accepts: Any = None) -> Recorder:
        """Listen to a server, besides any spy that does already."""
        self.note_methods()
        recorder = self.recorder_for(server, accepts)
        present = server.recorder
        _set_recorder(server, recorder if present is None else Tee(present, recorder))
        self._attached.append((server, recorder))
        return recorder

    def detach(self) -> None:
        """Listen no more to any server; what was recorded stays."""
        self.note_no_methods()
        if any(getattr(server, "forwards", False) for server, _ in self._attached):
            with suppress(Exception):  # it is gone: so are the keys
                ask_elsewhere(self._recorded())
        while self._attached:
            server, recorder = self._attached.pop()
            present = server.recorder
            if present is recorder:
                _set_recorder(server, None)
            elif isinstance(present, Tee):
                _set_recorder(server, present.without(recorder))

    def note_methods(self, in_patch: bool = False) -> None:
        """Begin to note which methods queue commands, and which coroutines send them.

        Args:
            in_patch: also for clients that are none of ours; a patch is active and will be until
                `note_no_methods`.
        """
        if self._notes is None:
            wiring.begin_notes(in_patch)
            self._notes = finalize(self, wiring.end_notes, in_patch)  # also for one that is lost
            self._notes.atexit = False

    def note_no_methods(self) -> None:
        """Undo `note_methods`."""
        if self._notes is not None:
            self._notes()
            self._notes = None

    def start(self) -> Spy:
        """Listen to the clients and servers given."""
        for target in self._targets:
            self.attach(_engine_of(target), _filter_for(target))
        return self

    stop = detach

    def __enter__(self) -> Spy:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.detach()

    async def __aenter__(self) -> Spy:
        return self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.detach()

    def reset(self) -> None:
        """Forget what was recorded."""
        if self._forget is not None:
            self._forget()
        with self._lock:
            self._forgotten += len(self._records)
            self._records.clear()
            self._numbered = self._next_index = 0

    def span(self) -> Span:
        """A part of the recording: ``with spy.span() as part: ...``."""
        return Span(self)

    def _position(self) -> int:
        if self._sync is not None:
            with self._lock:
                self._sync(self)
        return self._forgotten + len(self._records)

    def _recorded(self) -> list[CommandCall]:
        with self._lock:
            if self._sync is not None:
                self._sync(self)
            records = self._records.copy()
            for record in records[self._numbered :]:
                record[CALL] = self._number(record)
            return [record[CALL] for record in records]

    def _number(self, record: Record) -> CommandCall:
        self._numbered += 1
        if record[VIA] == "handshake":
            return CommandCall(record, -1)
        self._next_index += 1
        return CommandCall(record, self._next_index - 1)

    def __repr__(self) -> str:
        return f"<Spy: {len(self.calls)} calls>"


class Span(Assertions):
    """The calls of one part of a recording, with the same assertions."""

    def __init__(self, spy: Spy) -> None:
        self._spy = spy
        self._start = spy._position()
        self._end: int | None = None

    def __enter__(self) -> Span:
        self._start = self._spy._position()
        self._end = None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end = self._spy._position()

    async def __aenter__(self) -> Span:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end = self._spy._position()

    def span(self) -> Span:
        """A part of this part."""
        return Span(self._spy)

    def _recorded(self) -> list[CommandCall]:
        calls = self._spy._recorded()
        gone = self._spy._forgotten
        end = len(calls) if self._end is None else max(0, self._end - gone)
        return calls[max(0, self._start - gone) : end]

    def __repr__(self) -> str:
        return f"<Span: {len(self.calls)} calls>"


def spy_on(*targets: Any) -> Spy:
    """A spy on clients or servers, to be used as a context manager."""
    return Spy(*targets)


def _set_recorder(server: Any, recorder: Any) -> None:
    attach = getattr(server, "attach_recorder", None)
    if attach is not None:
        attach(recorder)
    else:
        server.recorder = recorder


def _engine_of(target: Any) -> Any:
    """The server that runs a client's or handle's commands.

    Raises:
        TypeError: it has none.
    """
    given = target
    for name in ("fake_server", "engine", "server"):
        if hasattr(target, "recorder"):
            break
        target = getattr(target, name, target)
    if not hasattr(target, "recorder"):
        raise TypeError(f"a spy listens to fake clients and servers, not to {given!r}")
    return target


def _filter_for(target: Any) -> Any:
    """For a client: which sessions are its own; None for all of a server's."""
    return Owner(target) if hasattr(target, "connection_pool") else None
