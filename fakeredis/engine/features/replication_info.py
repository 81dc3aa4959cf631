"""What INFO and ROLE tell of replication."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeredis.engine.features.replication import host_of

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session
    from fakeredis.engine.features.following import Following
    from fakeredis.engine.features.replication import Follower, Replication

Fields = dict[str, object]

def with_links(server: Server, fields: Fields) -> Fields:
    """The section of INFO with what is known of replicas and the master.

    Args:
        fields: as of a server that has neither.
    """
    replication: Replication = server.replication
    stream = replication.stream
    found: Fields = {"role": fields["role"]}
    if replication.following is not None:
        found["role"] = "slave"
        found |= _of_master(replication.following)
    replicas = replication.replicas
    if "connected_slaves" in fields:
        found["connected_slaves"] = len(replicas) or fields["connected_slaves"]
    if int(server.config.text("min-replicas-to-write")):
        found["min_slaves_good_slaves"] = replication.good()
    for number, (session, each) in enumerate(replicas.items()):
        found[f"slave{number}"] = _line(replication, session, each)
    found |= {name: value for name, value in fields.items() if name not in found}
    found["master_replid2"] = replication.second_id
    found["master_repl_offset"] = stream.offset
    found["second_repl_offset"] = replication.second_offset
    first, length = (0, 0) if stream.backlog is None else stream.backlog.bounds(stream.size)
    found["repl_backlog_active"] = int(stream.backlog is not None)
    found["repl_backlog_first_byte_offset"] = first
    found["repl_backlog_histlen"] = length
    if replication.failover is not None:
        found["master_failover_state"] = replication.failover.state
    return found


def _line(replication: Replication, session: Session, each: Follower) -> str:
    host = host_of(session, each)
    lag = max(int(replication.now) - int(each.heard), 0) if each.state == "online" else 0
    return f"ip={host},port={each.port},state={each.state},offset={each.offset},lag={lag}"


def _of_master(following: Following) -> Fields:
    config, replication = following.server.config, following.replication
    up = following.state == "connected"
    now, offset = replication.now, replication.stream.offset
    fields: Fields = {
        "master_host": following.host, "master_port": following.port,
        "master_link_status": "up" if up else "down",
        "master_last_io_seconds_ago": max(int(now - following.heard), 0) if up else -1,
        "master_sync_in_progress": int(following.state == "sync"),
        "slave_read_repl_offset": offset, "slave_repl_offset": offset,
        "replica_full_sync_buffer_size": 0, "replica_full_sync_buffer_peak": 0,
        "master_current_sync_attempts": following.attempts,
        "master_total_sync_attempts": following.all_attempts,
    }
    if up:
        fields["master_link_up_since_seconds"] = max(int(now - following.up_since), 0)
    else:
        down = max(int(now - following.down_since), 0)
        fields["master_link_down_since_seconds"] = down if following.known else -1
    fields["total_disconnect_time_sec"] = 0
    fields["slave_priority"] = config.text("replica-priority")
    fields["slave_read_only"] = int(config.boolean("replica-read-only"))
    fields["replica_announced"] = int(config.boolean("replica-announced"))
    return fields


def role(server: Server) -> list[Any]:
    """The reply to ROLE."""
    replication: Replication = server.replication
    following, stream = replication.following, replication.stream
    if following is not None:
        offset = stream.offset if following.state == "connected" else -1
        host = following.host.encode("utf-8", "surrogateescape")
        return [b"slave", host, following.port, following.state.encode(), offset]
    return [b"master", stream.offset, [
        [host_of(session, each).encode(), b"%d" % each.port, b"%d" % each.offset]
        for session, each in replication.replicas.items() if each.state == "online"
    ]]
