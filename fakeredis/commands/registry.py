"""The door through which commands come: what a file of commands, ours or not, declares with."""

from __future__ import annotations

from fakeredis.engine.command.command import (
    ADMIN as ADMIN,
)
from fakeredis.engine.command.command import (
    ALLOW_BUSY as ALLOW_BUSY,
)
from fakeredis.engine.command.command import (
    ASKING as ASKING,
)
from fakeredis.engine.command.command import (
    BLOCKING as BLOCKING,
)
from fakeredis.engine.command.command import (
    CONNECTION as CONNECTION,
)
from fakeredis.engine.command.command import (
    DENYOOM as DENYOOM,
)
from fakeredis.engine.command.command import (
    FAST as FAST,
)
from fakeredis.engine.command.command import (
    LOADING as LOADING,
)
from fakeredis.engine.command.command import (
    MAY_REPLICATE as MAY_REPLICATE,
)
from fakeredis.engine.command.command import (
    MODULE as MODULE,
)
from fakeredis.engine.command.command import (
    MOVABLEKEYS as MOVABLEKEYS,
)
from fakeredis.engine.command.command import (
    NO_ASYNC_LOADING as NO_ASYNC_LOADING,
)
from fakeredis.engine.command.command import (
    NO_AUTH as NO_AUTH,
)
from fakeredis.engine.command.command import (
    NO_MANDATORY_KEYS as NO_MANDATORY_KEYS,
)
from fakeredis.engine.command.command import (
    NO_MULTI as NO_MULTI,
)
from fakeredis.engine.command.command import (
    NOSCRIPT as NOSCRIPT,
)
from fakeredis.engine.command.command import (
    PUBSUB as PUBSUB,
)
from fakeredis.engine.command.command import (
    READONLY as READONLY,
)
from fakeredis.engine.command.command import (
    SKIP_MONITOR as SKIP_MONITOR,
)
from fakeredis.engine.command.command import (
    SKIP_SLOWLOG as SKIP_SLOWLOG,
)
from fakeredis.engine.command.command import (
    STALE as STALE,
)
from fakeredis.engine.command.command import (
    TOUCHES_ARBITRARY_KEYS as TOUCHES_ARBITRARY_KEYS,
)
from fakeredis.engine.command.command import (
    WRITE as WRITE,
)
from fakeredis.engine.command.command import (
    Command as Command,
)
from fakeredis.engine.command.command import (
    Declaration as Declaration,
)
from fakeredis.engine.command.command import (
    Flags as Flags,
)
from fakeredis.engine.command.command import (
    Group as Group,
)
from fakeredis.engine.command.command import (
    Table as Table,
)
