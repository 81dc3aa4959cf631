"""What CLIENT LIST, CLIENT INFO and ACL LOG tell of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fakeredis.engine.core import switches
from fakeredis.engine.core.profiles import Since
from fakeredis.engine.features import key_access, tracking

if TYPE_CHECKING:
    from fakeredis.engine.core.session import Session



def flags_of(session: Session) -> str:
    """The letters that say what a session does."""
    tracker = tracking.tracker_of(session)
    replication = session.server.replication
    letters = [
        ("S", replication is not None and replication.is_replica(session)),
        ("M", replication is not None and replication.is_master(session)),
        ("O", session in session.server.monitors),
        ("P", bool(session.channels or session.patterns or session.shard_channels)),
        ("x", bool(session.switched & switches.QUEUEING)),
        ("b", session.wait is not None),
        ("t", tracker is not None),
        ("R", tracker is not None and tracker.broken),
        ("B", tracker is not None and tracker.broadcast),
        ("d", session.watch_failed),
        ("U", not session.address.rpartition(":")[0]),
        ("e", session.no_evict),
        ("T", session.no_touch),
    ]
    return "".join(letter for letter, on in letters if on) or "N"


def describe(session: Session) -> str:
    """One line of CLIENT LIST; what the engine has no notion of (buffers) looks idle."""
    server, command = session.server, session.ctx.command
    tracker = tracking.tracker_of(session)
    now = server.clock.seconds()
    idle = key_access.last_used(session)
    queued = len(session.queue) if session.switched & switches.QUEUEING else -1
    if queued > 0:
        command = session.queue[-1][0]
    facts: dict[str, object] = {
        "id": session.id, "addr": session.address, "laddr": session.local_address,
        "fd": session.id + 7, "name": session.name.decode(),
        "age": max(int(now - session.created), 0),
        "idle": max(int(now - idle), 0), "flags": flags_of(session), "capa": "", "db": session.db,
        "sub": len(session.channels), "psub": len(session.patterns),
        "ssub": len(session.shard_channels), "multi": queued, "watch": len(session.watched),
        "qbuf": 0, "qbuf-free": 20474, "argv-mem": 0, "multi-mem": 0, "rbs": 16384, "rbp": 16384,
        "obl": 0, "oll": len(session.outbox), "omem": 0, "tot-mem": 37760, "events": "r",
        "cmd": "NULL" if command is None else command.label, "user": session.user,
        "redir": -1 if tracker is None else tracker.redirect,
        "resp": session.protocol, "lib-name": session.lib_name.decode(),
        "lib-ver": session.lib_version.decode(), "io-thread": 0, "tot-net-in": 0,
        "tot-net-out": 0, "tot-cmds": 0,
    }
    usage = getattr(session, "usage", None)
    if usage is not None:
        facts.update(usage())
    has = server.profile.has
    return " ".join(
        f"{name}={value}" for name, value in facts.items() if has(_FIELD_SINCE.get(name, "1.0.0"))
    )


# Fields of CLIENT LIST that came later than 6.2.
_NETWORK_SINCE: Final = {"redis": "8.0.0", "valkey": "8.1.0"}
_FIELD_SINCE: Final[dict[str, Since]] = {
    "capa": {"valkey": "8.0.0"},
    "multi-mem": "7.0.0", "rbs": "7.0.0", "rbp": "7.0.0", "ssub": "7.0.0", "resp": "7.0.0",
    "lib-name": "7.2.0", "lib-ver": "7.2.0", "watch": {"redis": "7.4.0", "valkey": "8.0.0"},
    "io-thread": {"redis": "8.0.0"},
    "tot-net-in": _NETWORK_SINCE, "tot-net-out": _NETWORK_SINCE, "tot-cmds": _NETWORK_SINCE,
}
