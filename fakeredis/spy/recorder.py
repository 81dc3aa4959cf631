"""Records of commands, kept as cheaply as can be: nothing is formatted before it is asked for."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from time import perf_counter
from types import CodeType
from typing import Any, Protocol

from fakeredis.engine.core.clock import Clock
from fakeredis.engine.core.replies import BLOCKED
from fakeredis.engine.core.road import EXEC
from fakeredis.errors import CommandError
from fakeredis.spy.methods import CALLING, CLIENT, FILES

__all__ = ["Record", "Recorder", "Tee"]

# A record is a plain list; these are its places.
NAME, ARGV, REPLY, ERROR, VIA, GROUP, POSITION, METHOD, DB, CLIENT_ID, CLIENT_NAME = range(11)
SERVER, CODE, OFFSET, THREAD, AT, STARTED, DURATION, OWNER, CALL, CHANGES = range(11, 21)
Record = list[Any]
# What a command did to keys, one after the other: KEY with its database, its name, whether it is
# there, its deadline and the time, both in milliseconds; CLEARED with a database; SWAPPED with two.
Change = tuple[Any, ...]
KEY, CLEARED, SWAPPED = range(3)


_here = threading.local()  # its ``thread`` is the present one


class SessionLike(Protocol):
    """What the spy reads of a session."""

    db: int
    id: int
    name: bytes
    via: str
    group: int
    position: int
    method: Any
    server: Any


class Recorder:
    """Notes every command of one server in a list that several servers may share.

    The engine calls ``begin`` before and ``end`` after each command. Both are called under
    the server's lock; the list is read by other threads at any time.
    """

    __slots__ = ("_accepts", "_changes", "_records", "_server")

    def __init__(
        self,
        records: list[Record],
        server: Any,
        accepts: Callable[[Any], bool] | None = None,
    ) -> None:
        self._records = records
        self._server = server
        self._accepts = accepts
        # By commands that have not ended: a session, a kind of change, and what was changed.
        self._changes: list[tuple[Any, int, Any, Any]] = []

    def begin(self, session: SessionLike, name: str, argv: Sequence[bytes]) -> Record | None:
        """Note a command that is about to run.

        Args:
            session: where it runs.
            name: its name, ``"CONFIG GET"``.
            argv: its words as they were sent.

        Returns:
            What `end` wants to have; None where the session's commands are not recorded.
        """
        if self._accepts is not None and not self._accepts(session):
            return None
        found = CALLING.get()
        if found is not None:
            method, code, offset = found
        else:  # as `caller`, with a call less
            frame = sys._getframe(1)
            method = None
            while kind := FILES[frame.f_code.co_filename]:
                if kind == CLIENT:
                    method = frame.f_code
                if (outer := frame.f_back) is None:
                    break
                frame = outer
            code, offset = frame.f_code, frame.f_lasti
        record: Record = [
            name, argv, None, None, session.via, session.group, session.position,
            session.method or method, session.db, session.id, session.name, self._server,
            code, offset, threading.current_thread(), self._server.now(),
            perf_counter(), None, session, None, None,
        ]
        # Commands of a transaction run inside EXEC, and yet one reads EXEC as its last line.
        if name != "EXEC":
            self._records.append(record)
        return record

    def end(self, token: Any, reply: object, error: Exception | None) -> None:
        """Complete a command's record.

        Args:
            token: what `begin` has returned.
            reply: the command's reply; None where it failed.
            error: why it failed; None where it did not.
        """
        if token is None:
            return
        if isinstance(token, tuple):  # begun, and blocked, while two spies listened
            for each in token:
                self.end(each, reply, error)
            return
        token[REPLY] = reply
        if type(error) is CommandError:
            error = CommandError(*error.args)  # without its frames, which would keep clients alive
        token[ERROR] = error
        token[DURATION] = perf_counter() - token[STARTED]
        if self._changes:
            token[CHANGES] = self._changes_by(token[OWNER])
        if token[NAME] == "EXEC":
            self._records.append(token)

    def layer(self, server: Any, origin: Any, go: Any) -> Any:
        """Its part of the road of commands that run: ``begin`` and ``end`` without their calls.

        Args:
            server: this process's own, whose sessions these are.
            origin: where the commands come from, a `fakeredis.engine.core.road.Origin`.
            go: the rest of their road.
        """
        accepts, records, clock = self._accepts, self._records, server.clock
        in_exec = origin is EXEC
        by_itself = type(clock) is not Clock  # it does not go by `time.time`

        def run(session: Any, command: Any, args: Sequence[bytes]) -> Any:
            if accepts is not None and not accepts(session):
                return go(session, command, args)
            if (found := CALLING.get()) is not None:
                method, code, offset = found
            else:
                frame = sys._getframe(1)
                method = None
                while kind := FILES[frame.f_code.co_filename]:
                    if kind == CLIENT:
                        method = frame.f_code
                    if (outer := frame.f_back) is None:
                        break
                    frame = outer
                code, offset = frame.f_code, frame.f_lasti
            if in_exec:
                session.method = getattr(args, "method", None)
            try:
                thread = _here.thread
            except AttributeError:
                thread = _here.thread = threading.current_thread()
            if by_itself or clock.frozen is not None:
                at = clock.seconds()
            else:
                at = time.time() + clock.offset
            name = command.name
            record: Record = [
                name, [*command.parts, *args], None, None, session.via, session.group,
                session.position, session.method or method, session.ctx.db.index, session.id,
                session.name, server, code, offset, thread, at, perf_counter(), None, session,
                None, None,
            ]
            if name != "EXEC":  # whose commands come first: `begin`
                records.append(record)
            try:
                reply = go(session, command, args)
            except CommandError as error:
                self.end(record, None, error)
                raise
            if reply is BLOCKED:
                session.wait.recording = record
            elif name == "EXEC":
                self.end(record, reply, None)
            else:
                record[REPLY] = reply
                record[DURATION] = perf_counter() - record[STARTED]
                if self._changes:
                    record[CHANGES] = self._changes_by(session)
            return reply

        return run

    def changed(self, session: Any, db: Any, key: bytes | None, other: Any) -> None:
        """Note what a running command has changed: see `engine.core.recording.OnChange`.

        Args:
            session: where it runs.
            db: the database that has changed.
            key: the key; None where the whole database was cleared or swapped.
            other: the database that it was swapped with, if so.
        """
        if self._accepts is None or self._accepts(session):
            kind = KEY if key is not None else CLEARED if other is None else SWAPPED
            self._changes.append((session, kind, db, other if key is None else key))

    def _changes_by(self, session: Any) -> list[Change]:
        """What a session's command has changed, as it is now."""
        noted = self._changes
        if len(noted) == 1 and noted[0][0] is session:
            self._changes = []
        else:
            sessions = self._server.sessions  # what has none is played anew, after another process
            self._changes = [
                each for each in noted
                if each[0] is not session and sessions.get(each[0].id) is each[0]
            ]
            noted = list(dict.fromkeys(each for each in noted if each[0] is session))
        changes: list[Change] = []
        for _, kind, db, about in noted:
            if kind == KEY:
                deadline = db.expires.get(about)
                now = 0 if deadline is None else session.ctx.now
                there = about in db.data and (deadline is None or deadline > now)
                changes.append((KEY, db.index, about, there, deadline, now))
            elif kind == CLEARED:
                changes.append((CLEARED, db.index))
            else:
                changes.append((SWAPPED, db.index, about.index))
        return changes


class Tee:
    """Two recorders on one server: a spy inside a spy."""

    __slots__ = ("inner", "outer")

    def __init__(self, outer: Any, inner: Any) -> None:
        self.outer = outer
        self.inner = inner

    def begin(self, session: SessionLike, name: str, argv: Sequence[bytes]) -> Any:
        """Note a command with both recorders.

        Args:
            session: where it runs.
            name: its name, ``"CONFIG GET"``.
            argv: its words as they were sent.

        Returns:
            What `end` wants to have.
        """
        return self.outer.begin(session, name, argv), self.inner.begin(session, name, argv)

    def end(self, token: Any, reply: object, error: Exception | None) -> None:
        """Complete the record of both recorders.

        Args:
            token: what `begin` has returned, or the outer recorder's own before there were two.
            reply: the command's reply; None where it failed.
            error: why it failed; None where it did not.
        """
        if isinstance(token, tuple):
            self.outer.end(token[0], reply, error)
            self.inner.end(token[1], reply, error)
        else:  # begun, and blocked, before the second spy came
            self.outer.end(token, reply, error)

    def changed(self, session: Any, db: Any, key: bytes | None, other: Any) -> None:
        """Tell both recorders of a change, where they want to know.

        Args:
            session: where the command runs.
            db: the database that has changed.
            key: the key; None where the whole database was cleared or swapped.
            other: the database that it was swapped with, if so.
        """
        for side in (self.outer, self.inner):
            if (tell := getattr(side, "changed", None)) is not None:
                tell(session, db, key, other)

    def without(self, recorder: Any) -> Any:
        """What is left when one recorder goes."""
        if self.inner is recorder:
            return self.outer
        if self.outer is recorder:
            return self.inner
        for side in ("outer", "inner"):
            branch = getattr(self, side)
            if isinstance(branch, Tee):
                setattr(self, side, branch.without(recorder))
        return self


def line_of(code: CodeType, offset: int) -> int:
    """Line of the source at an offset of its byte code."""
    for start, end, line in code.co_lines():
        if start <= offset < end and line is not None:
            return line
    return code.co_firstlineno
