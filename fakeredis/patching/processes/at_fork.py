"""What Python runs before and after a fork, once a patch or a server has been there.

The work is done by `fakeredis.patching.processes.fork_host`, which is imported when a process
forks and there is something to share.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from typing import TYPE_CHECKING, Final

from fakeredis.clients import network
from fakeredis.lazy import LazyModule
from fakeredis.patching.processes.known_servers import register, servers

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.patching.processes import fork_host
else:
    fork_host = LazyModule("fakeredis.patching.processes.fork_host")

_FORKS: Final = "fakeredis.patching.processes.fork_host"


def share(server: Server) -> None:
    """Make a server known to children that are forked from now on; importing this lets them ask."""
    register(server)


class _Forking(threading.local):
    """Whether this thread forks, and there is something to share."""

    sharing = False


_this: Final = _Forking()


def _before() -> None:
    _this.sharing = bool(
        servers or network.entered() or network.default.used or _FORKS in sys.modules
    )
    if _this.sharing:
        fork_host.before()


def _in_parent() -> None:
    if _this.sharing:
        sys.modules[_FORKS].in_parent()


def _in_child() -> None:
    if _this.sharing:
        sys.modules[_FORKS].in_child()


def ended() -> None:
    """A patch has ended: so do its children's sessions."""
    if _FORKS in sys.modules:
        # By import_module, which waits where another thread forks for the first time right now.
        importlib.import_module(_FORKS).ended()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
