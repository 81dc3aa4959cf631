"""What a spy must offer the engine, and its part of the road of commands that run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from fakeredis.engine.core.replies import BLOCKED
from fakeredis.engine.core.road import EXEC, Go, Layer, Origin
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.command.command import Command
    from fakeredis.engine.core.database import Database
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session


class Recorder(Protocol):
    """What a spy must offer.

    It may have a ``layer`` of its own, which does the same faster, and ``changed``, an `OnChange`.
    """

    def begin(self, session: Session, name: str, argv: Sequence[bytes]) -> Any:
        """A command starts; returns what `end` gets back."""

    def end(self, record: Any, reply: Any, error: Exception | None) -> None:
        """The command ended with a reply or an error."""


# Called with a session whose command changes a key of a database; with no key, it has emptied the
# database or, where there is another one, exchanged the two.
OnChange = Callable[["Session", "Database", "bytes | None", "Database | None"], None]


def layer_of(recorder: Recorder) -> Layer:
    """The layer that has commands noted by a recorder's ``begin`` and ``end``."""
    own: Layer | None = getattr(recorder, "layer", None)
    if own is not None:
        return own

    def layer(server: Server, origin: Origin, go: Go) -> Go:
        def run(session: Session, command: Command, args: Sequence[bytes]) -> Any:
            if origin is EXEC:
                session.method = getattr(args, "method", None)
            record = recorder.begin(session, command.name, [*command.parts, *args])
            try:
                reply = go(session, command, args)
            except CommandError as error:
                recorder.end(record, None, error)
                raise
            if reply is BLOCKED:
                assert session.wait is not None
                session.wait.recording = record
            else:
                recorder.end(record, reply, None)
            return reply

        return run

    return layer
