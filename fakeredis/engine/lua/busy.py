"""Scripts that run long: others are told that the server is busy, and may end them.

The interpreter calls `ticker`'s function every so many instructions, so scripts that end soon pay
nothing.  Once a script has run for ``busy-reply-threshold`` milliseconds, the server's lock is let
go for a moment now and then: other threads come in, and hear BUSY unless they call one of the few
commands that are allowed meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fakeredis.engine.command.command import ALLOW_BUSY, Command
from fakeredis.engine.core import switches
from fakeredis.engine.core.road import Check, Origin
from fakeredis.errors import CommandError, ConnectionLost

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session
    from fakeredis.engine.lua.frame import Frame

# The time that really passes, whatever a test has done to the clock.
_monotonic: Final = partial(getattr(threading, "_time", time.monotonic))
_LOAD_LIMIT: Final = 0.5  # seconds that the code of a library may take
_PERIOD: Final = 0.01  # seconds between two moments for others
_NAP: Final = 0.001  # seconds that such a moment lasts
# Some are longer: threads of a machine that has much to do are slow to come in.
_LONG_NAP: Final = 0.01
_NAPS: Final = 10  # of which one is long
_alarm: Final = threading.Lock()  # nobody ever releases it
_alarm.acquire()

LOAD_TIMEOUT: Final = b"ERR FUNCTION LOAD timeout"
NOT_BUSY: Final = "NOTBUSY No scripts in execution right now."
UNKILLABLE: Final = (
    "UNKILLABLE Sorry the script already executed write commands against the dataset. You can "
    "either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE "
    "command."
)
_BUSY: Final = "BUSY %s is busy running a script. You can only call %s or SHUTDOWN NOSAVE."
INTERNAL: Final = b"ERR internal error"
_KILLED: Final = {
    "redis": (b"ERR Script killed by user with SCRIPT KILL...",) * 2,
    "valkey": (b"ERR Script killed by user with SCRIPT KILL.",
               b"ERR Script killed by user with FUNCTION KILL."),
}
# All that `ticker`'s function returns.  The interpreter keeps these texts alive, so that it needs
# no memory to take one.
TEXTS: Final = (LOAD_TIMEOUT, INTERNAL, *_KILLED["redis"], *_KILLED["valkey"])


def ticker(frame: Frame) -> Callable[[], bytes | None]:
    """The function for the interpreter: why what runs must end, or None."""

    def tick() -> bytes | None:
        try:
            return _look(frame)
        except BaseException as error:  # Ctrl-C, say: raised again when the script has ended
            frame.crash = error
            return INTERNAL

    return tick


def _look(frame: Frame) -> bytes | None:
    if frame.crash is not None:
        return INTERNAL
    now = _monotonic()
    if frame.started is None:
        frame.started = now
        if frame.session is not None:
            frame.session.ctx.micros()  # its time is that of its beginning
        return None
    elapsed = now - frame.started
    if frame.loading:
        return LOAD_TIMEOUT if elapsed > _LOAD_LIMIT else None
    if frame.session is None:
        return None
    server = frame.session.server
    if not frame.busy:
        threshold = server.config.busy_reply_threshold
        if threshold <= 0 or elapsed * 1000 < threshold:
            return None
        frame.busy = True
        server.long_script = frame
        server.switch_on(switches.BUSY, _CHECK)
    if now - frame.napped > _PERIOD:
        frame.naps += 1
        _let_others_in(server, _NAP if frame.naps % _NAPS else _LONG_NAP)
        frame.napped = _monotonic()
        frame.session.ctx.see_time_pass()
        if server.switched & switches.DOWN:
            raise ConnectionLost("Connection closed by server.")
    return frame.stopped


def _let_others_in(server: Server, seconds: float) -> None:
    """Release the lock for so long; nothing that happens then may touch the data."""
    lock: Any = server.lock
    ready, server.ready = server.ready, []
    expire, server.active_expire = server.active_expire, False
    held = lock._release_save()
    try:
        for pump in server.pumps:
            pump()
        _alarm.acquire(timeout=seconds)
    finally:
        lock._acquire_restore(held)
        server.ready = ready + server.ready
        server.active_expire = expire


def add_pump(server: Server, pump: Callable[[], None]) -> None:
    """Add a function that is called now and then while a script runs long.

    Args:
        server: whose scripts.
        pump: takes what has come in this thread's event loop, if it is the loop's thread.
    """
    server.pumps = (*server.pumps, pump)


def remove_pump(server: Server, pump: Callable[[], None]) -> None:
    """The reverse of `add_pump`."""
    server.pumps = tuple(each for each in server.pumps if each is not pump)


def ended(frame: Frame) -> None:
    """What ran so long that somebody looked at it has ended."""
    frame.started = frame.stopped = None
    if frame.busy and frame.session is not None:
        frame.busy = False
        server = frame.session.server
        server.long_script = None
        server.switch_off(switches.BUSY)


# What others see of it --------------------------------------------------------------------------


def running(server: Server) -> Frame | None:
    """The script that runs long, if one does."""
    return server.long_script


def busy_error(server: Server) -> CommandError:
    """What callers of nearly all commands are told."""
    frame = running(server)
    assert frame is not None
    assert frame.interpreter is not None
    kill = "FUNCTION KILL" if frame.interpreter.functions else "SCRIPT KILL"
    return CommandError(_BUSY % (server.profile.server_type.capitalize(), kill))


def _gate(session: Session, command: Command, args: Sequence[bytes]) -> Any:
    """What may run beside a long script, and what may not."""
    return None if command.flags & ALLOW_BUSY else busy_error(session.server)


_CHECK: Final = Check({Origin.CLIENT: _gate})


def kill(server: Server, functions: bool) -> None:
    """End the script, or the function, that runs long.

    Raises:
        CommandError: there is none, it is the other of the two, or it has changed data.
    """
    frame = running(server)
    if frame is None:
        raise CommandError(NOT_BUSY)
    assert frame.interpreter is not None
    if frame.wrote:
        raise CommandError(UNKILLABLE)
    if frame.interpreter.functions is not functions:
        raise busy_error(server)
    frame.stopped = _KILLED[server.profile.server_type][functions]


def running_function(server: Server) -> dict[bytes, Any] | None:
    """What FUNCTION STATS tells of the function that runs long.

    Raises:
        CommandError: it is a script.
    """
    frame = running(server)
    if frame is None:
        return None
    assert frame.interpreter is not None
    assert frame.runnable is not None
    assert frame.started is not None
    if not frame.interpreter.functions:
        raise busy_error(server)
    return {
        b"name": frame.runnable.name, b"command": list(frame.argv),
        b"duration_ms": int((_monotonic() - frame.started) * 1000),
    }
