"""The Lua that scripts run in, and its memory."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fakeredis.engine.lua import tail_calls
from fakeredis.errors import CommandError
from fakeredis.lazy import LazyModule

if TYPE_CHECKING:
    from lupa import lua51
else:
    lua51 = LazyModule("lupa.lua51")  # an extra

MISSING_LUPA: Final = (
    "ERR scripts need the Python package 'lupa' (pip install lupa): no Lua interpreter is installed"
)
# The server's limit is the machine's; here a script must not take that from what it runs in.  Lua
# that cannot give Python's values room ends the process, so some room is kept free for them.
MEMORY: Final = 1 << 30
RESERVE: Final = 64 << 20
SMALL: Final = 1 << 20  # what always has room there
NO_MEMORY: Final = "ERR not enough memory"


def _refuse(obj: object, name: object, is_setting: bool) -> object:
    raise AttributeError("scripts have no access to Python")


def new_runtime() -> tuple[Any, Callable[[Any], str | None]]:
    """An interpreter, and the function that tells what kind of Lua value something is."""
    try:
        make = lua51.LuaRuntime
    except ImportError:
        raise CommandError(MISSING_LUPA) from None
    runtime = make(
        encoding=None, register_eval=False, register_builtins=False, attribute_filter=_refuse,
        unpack_returned_tuples=True, max_memory=MEMORY,
    )
    return runtime, lua51.lua_type


@functools.cache
def _own_code(name: str) -> bytes:
    runtime = lua51.LuaRuntime(encoding=None)
    source = Path(__file__).with_name(name).read_bytes()
    chunk = runtime.compile(source, name=b"=sandbox")
    dumped: bytes = runtime.globals()[b"string"][b"dump"](chunk)
    return tail_calls.without(dumped) or source


def own_chunk(runtime: Any, name: str) -> Any:
    """A file of ours; its functions leave a trace when they call others at their ends."""
    return runtime.compile(_own_code(name), name=b"=sandbox")


class Room:
    """The memory of a runtime, of which Python's values need some."""

    __slots__ = ("used", "limit", "_collect")

    def __init__(self, runtime: Any) -> None:
        self.used: Callable[[], int] = runtime.get_memory_used
        self.limit: Callable[[int], None] = runtime.set_max_memory
        self._collect = runtime.gccollect

    def is_short(self, more: int = 0) -> bool:
        """Whether it would be, with so many bytes more."""
        return self.used() + more > MEMORY - RESERVE // 2

    def make(self, size: int) -> None:
        """Make sure that there is memory for so many bytes that are to come.

        Raises:
            CommandError: it is too much.
        """
        if self.used() + size < MEMORY >> 2:
            return
        if size > MEMORY - 2 * RESERVE:
            raise CommandError(NO_MEMORY)
        self.limit(0)
        self._collect()
        self.limit(max(MEMORY, self.used() + size + 2 * RESERVE))
