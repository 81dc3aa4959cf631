"""What a script or a function is, and what is known of the one that runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis import errors
from fakeredis.engine.command.command import Command
from fakeredis.engine.core import switches
from fakeredis.engine.features import memory
from fakeredis.engine.lua.shebang import NO_WRITES
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.core.session import Session
    from fakeredis.engine.lua.interpreter import Interpreter

WRITES: Final = "ERR Can not execute a script with write flag using *_ro command."
NOT_IN_CLUSTER: Final = "ERR Can not run script on cluster, 'no-cluster' flag is set."
CROSS_SLOT: Final = "ERR Script attempted to access keys that do not hash to the same slot"


class Runnable:
    """A script or a function.

    Args:
        name: as error texts and FUNCTION STATS show it.
        body: the Lua function.
        flags: what it declares; None for a script that declares nothing, which may do everything.
    """

    __slots__ = ("name", "body", "flags", "read_only")

    def __init__(self, name: bytes, body: Any, flags: Sequence[str] | None) -> None:
        self.name = name
        self.body = body
        self.flags = flags
        self.read_only = flags is not None and NO_WRITES in flags


class Frame:
    """What runs now; in between the session is None."""

    __slots__ = (
        "session", "interpreter", "read_only", "protocol", "crash", "known", "wrote", "runnable",
        "argv", "started", "loading", "counted", "slot", "busy", "napped", "naps", "stopped",
    )

    def __init__(self) -> None:
        self.session: Session | None = None
        self.interpreter: Interpreter | None = None
        self.counted: str | None = None  # an error that the statistics know already
        self.read_only = False
        self.protocol = 2
        self.crash: BaseException | None = None
        self.known: dict[bytes, Command] = {}  # commands that may run without a further look
        self.wrote = False
        self.slot: int | None = None  # in a cluster: that of the keys so far
        self.argv: Sequence[bytes] = ()  # the call of a function
        self.runnable: Runnable | None = None
        # For `fakeredis.engine.lua.busy`:
        self.started: float | None = None
        self.napped = 0.0
        self.naps = 0
        self.loading = False  # it is the code of a library
        self.busy = False  # others are told so
        self.stopped: bytes | None = None  # why it must end

    def keep_to(self, slot: int | None) -> None:
        """Hold a script that says so to the slot of its first keys.

        Raises:
            CommandError: this is another one.
        """
        if slot is None or self.runnable is None:
            return
        flags = self.runnable.flags
        if flags is None or "allow-cross-slot-keys" in flags:
            return
        if self.slot is None:
            self.slot = slot
        elif self.slot != slot:
            raise CommandError(CROSS_SLOT)


def check_flags(session: Session, runnable: Runnable, read_only: bool) -> None:
    """Refuse to run what declares that it cannot run here or so.

    Raises:
        CommandError: it is so.
    """
    if runnable.flags is None:
        return
    if "no-cluster" in runnable.flags and session.server.switched & switches.CLUSTERED:
        raise CommandError(NOT_IN_CLUSTER)
    if session.server.switched & switches.LIMITED:
        free = runnable.read_only or "allow-oom" in runnable.flags
        if not free and memory.is_full(session.server):
            raise CommandError(errors.OUT_OF_MEMORY)
    if read_only and not runnable.read_only:
        raise CommandError(WRITES)
