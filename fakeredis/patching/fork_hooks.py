"""What Python runs before and after a fork, once a patch or a server has been there.

The work is done by `fakeredis.patching.forks`, which is imported when a process forks and there is
something to share.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from fakeredis.clients import network

if TYPE_CHECKING:
    from fakeredis.engine.server import Server

servers: Final[WeakSet[Server]] = WeakSet()  # that live here or are remote
_FORKS: Final = "fakeredis.patching.forks"


class _Forking(threading.local):
    """Whether this thread forks, and there is something to share."""

    sharing = False


_this: Final = _Forking()


def _before() -> None:
    _this.sharing = bool(servers or network.entered()) or _FORKS in sys.modules
    if _this.sharing:
        from fakeredis.patching import forks

        forks.before()


def _in_parent() -> None:
    if _this.sharing:
        sys.modules[_FORKS].in_parent()


def _in_child() -> None:
    if _this.sharing:
        sys.modules[_FORKS].in_child()


def ended() -> None:
    """A patch has ended: so do its children's sessions."""
    if _FORKS in sys.modules:
        sys.modules[_FORKS].ended()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
