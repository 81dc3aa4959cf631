"""What may be switched on for a server or a session: bits, so that one look tells that nothing is.

``switched`` of a session and of a server are sets of these. Here they cost no import of the engine,
which a patch that nobody uses does without.
"""

from __future__ import annotations

from typing import Final

# Of a server.
RECORDED: Final = 1 << 0  # a spy listens
MONITORED: Final = 1 << 1  # a session is in MONITOR
DOWN: Final = 1 << 2  # nobody answers
INTERCEPTED: Final = 1 << 3  # faults and delays that a test has set
RESTRICTED: Final = 1 << 4  # ACL rules other than the default user's
LEAVING: Final = 1 << 5  # sessions were closed in the middle of a command: see `Session.close`
PAUSED: Final = 1 << 6  # CLIENT PAUSE
TRACKED: Final = 1 << 7  # a session caches keys
TIMED: Final = 1 << 8  # commands are measured
LIMITED: Final = 1 << 9  # maxmemory is set
BUSY: Final = 1 << 10  # a script runs long
CLUSTERED: Final = 1 << 11  # the server is a node of a cluster
COUNTED: Final = 1 << 12  # HOTKEYS counts
STORED: Final = 1 << 13  # a store keeps the keys
REPLICATED: Final = 1 << 14  # replicas are told of changes
FOLLOWING: Final = 1 << 15  # it is a replica
STALE: Final = 1 << 22  # a replica that has lost its master and serves no old data
GUARDED: Final = 1 << 21  # no writes without replicas

# Of a session.
QUEUEING: Final = 1 << 16  # after MULTI
SUBSCRIBED: Final = 1 << 17  # RESP2 subscriber: few commands are allowed
UNAUTHENTICATED: Final = 1 << 18
CLOSED: Final = 1 << 19
REPLY_MODE: Final = 1 << 20  # CLIENT REPLY OFF or SKIP
