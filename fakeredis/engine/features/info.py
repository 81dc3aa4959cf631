"""What INFO tells: the sections, and the fields whose values this server knows.

Names and order of the fields are data (``fakeredis/data/info.json``), with a value for what a
server in this process has nothing to say about.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from fakeredis import data
from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.list import List
from fakeredis.datatypes.set import Set
from fakeredis.datatypes.sorted_set import SortedSet
from fakeredis.datatypes.string import MutableString
from fakeredis.engine.cluster import cluster, replicas
from fakeredis.engine.command import modules
from fakeredis.engine.command.command import WRITE
from fakeredis.engine.core import switches
from fakeredis.engine.core.profiles import parse_version
from fakeredis.engine.core.statistics import operations_per_second
from fakeredis.engine.features import latency, memory
from fakeredis.lazy import LazyModule

if TYPE_CHECKING:
    from fakeredis.engine.core.profiles import Profile
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session
    from fakeredis.engine.features import replication_info, search_info
else:
    replication_info = LazyModule("fakeredis.engine.features.replication_info")
    search_info = LazyModule("fakeredis.engine.features.search_info")

Fields = dict[str, object]

_TITLES: Final = {
    "server": "Server", "clients": "Clients", "memory": "Memory", "persistence": "Persistence",
    "threads": "Threads", "stats": "Stats", "replication": "Replication", "cpu": "CPU",
    "modules": "Modules", "commandstats": "Commandstats", "errorstats": "Errorstats",
    "latencystats": "Latencystats", "cluster": "Cluster", "keyspace": "Keyspace",
    "keysizes": "Keysizes", "debug": "Debug",
}
_VALKEY_TITLES: Final = {
    "server": "Server", "tls": "TLS", "clients": "Clients", "memory": "Memory",
    "persistence": "Persistence", "stats": "Stats", "replication": "Replication", "cpu": "CPU",
    "modules": "Modules", "commandstats": "Commandstats", "errorstats": "Errorstats",
    "latencystats": "Latencystats", "cluster": "Cluster", "cluster_info": "Cluster Info",
    "scriptingengines": "Scripting Engines", "keyspace": "Keyspace", "debug": "Debug",
}
_OF_VALKEY_9: Final = {"tls", "cluster_info", "scriptingengines"}
_NOT_BY_DEFAULT: Final = {"commandstats", "latencystats"}
_BY_NAME_ONLY: Final = {"debug"}
# Sections whose fields are told by the data alone, and how Valkey calls some of them.
_FIXED: Final = {"server", "clients", "memory", "persistence", "stats", "cpu"}
_VALKEY_FIELDS: Final = {"redis_mode": "server_mode", "expired_subkeys": "expired_fields"}
_LUA: Final = 32 << 10  # bytes that a Lua interpreter takes before it has done anything
_TURN: Final = 20  # microseconds that a turn of the event loop takes beside its commands
# Valkey says that it is as Redis was when they parted.
_SHARED_VERSION: Final = "7.2.4"
_ALL_USED: Final = (
    "used_memory", "used_memory_rss", "allocator_allocated",
    "allocator_active", "allocator_resident",
)


def report(server: Server, sections: Sequence[str]) -> str:
    """The text of INFO for the sections named (in any case); none means the default ones.

    Who asks for durations has them measured from then on.
    """
    titles = _titles(server.profile)
    wanted: set[str] = set()
    for name in sections or ("default",):
        name = name.lower()
        if name in ("all", "everything"):
            wanted.update(titles.keys() - _BY_NAME_ONLY)
        elif name == "default":
            wanted.update(titles.keys() - _NOT_BY_DEFAULT - _BY_NAME_ONLY - _OF_VALKEY_9)
        else:
            wanted.add(name)
    if not wanted.isdisjoint(_NOT_BY_DEFAULT):
        latency.begin(server)
    parts = [_section(server, name, titles[name]) for name in titles if name in wanted]
    if sections and "search" in server.table.modules:
        parts += _of_search(server, {name.lower() for name in sections})
    return "\r\n".join(parts)


def _of_search(server: Server, wanted: set[str]) -> list[str]:
    """The sections of the search module: all of them, or those that are named."""
    if wanted.isdisjoint(("search", "modules", "everything")) and not any(
        name.startswith("search_") for name in wanted
    ):
        return []
    every = not wanted.isdisjoint(("search", "modules", "everything"))
    return [
        search_info.lines(server, name, fields)
        for name, fields in search_info.sections(server).items()
        if every or f"search_{name}" in wanted
    ]


@cache
def _titles(profile: Profile) -> dict[str, str]:
    """The sections that a server has, in their order."""
    if profile.server_type != "valkey":
        return _TITLES
    newest = profile.version >= (9, 0, 0)
    return {
        name: title for name, title in _VALKEY_TITLES.items()
        if newest or name not in _OF_VALKEY_9
    }


def _section(server: Server, name: str, title: str) -> str:
    fields: Fields = dict(_defaults(server.profile).get(name, ()))
    known = _KNOWN.get(name)
    if known is not None:
        found = known(server)
        if name in _FIXED and server.profile.server_type == "valkey":
            named = {_VALKEY_FIELDS.get(field, field): value for field, value in found.items()}
            found = {field: named[field] for field in fields if field in named}
        fields.update(found)
        if name == "replication" and server.replication is not None:
            fields = replication_info.with_links(server, fields)
        if name == "stats" and server.replication is not None:
            fields.update(server.replication.syncs)
    lines = [f"# {title}", *(f"{field}:{value}" for field, value in fields.items())]
    return "\r\n".join(lines) + "\r\n"


@cache
def _defaults(profile: Profile) -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = data.load("info")
    if profile.server_type != "valkey":
        return loaded
    return {**loaded, **{
        name: {
            field.partition("@")[0]: value for field, value in fields.items()
            if profile.version >= parse_version(field.partition("@")[2] or "1.0")
        }
        for name, fields in data.load("info-valkey").items()
    }}


def human(size: int) -> str:
    """A number of bytes as the server prints it for people."""
    if size < 1024:
        return f"{size}B"
    power = min((size.bit_length() - 1) // 10, 5)
    return f"{size / (1 << 10 * power):.2f}{'BKMGTP'[power]}"


def _server(server: Server) -> Fields:
    now = server.clock.seconds()
    uptime = int(now - server.started)
    port = server.address.rpartition(":")[2]
    port = port if port.isdigit() else "0"
    hz = server.config.text("hz")
    version = server.profile.version_text
    names: Fields = {"redis_version": version}
    if server.profile.server_type == "valkey":
        names = {"redis_version": _SHARED_VERSION, "valkey_version": version}
    if server.switched & switches.CLUSTERED:
        names["redis_mode"] = "cluster"
    return names | {
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
        "process_id": os.getpid(), "run_id": server.run_id, "tcp_port": port,
        "server_time_usec": int(now * 1_000_000), "uptime_in_seconds": uptime,
        "uptime_in_days": uptime // 86400, "hz": hz, "configured_hz": hz,
        "lru_clock": int(now) & 0xFFFFFF,
        "listener0": f"name=tcp,bind=127.0.0.1,port={port}",
    }


def _clients(server: Server) -> Fields:
    sessions = list(server.sessions.values())
    known = server.replication
    following = 0 if known is None else len(known.replicas)
    watched = [db.watchers for db in list(server.databases.values())]
    blocked = [db.blocked for db in list(server.databases.values())]
    return {
        "connected_clients": len(sessions) - following,
        "maxclients": server.config.text("maxclients"),
        "blocked_clients": len(server.waiting),
        "pubsub_clients": sum(bool(one.subscriptions or one.shard_channels) for one in sessions),
        "watching_clients": sum(bool(one.watched) for one in sessions),
        "total_watched_keys": sum(map(len, watched)),
        "total_blocking_keys": sum(map(len, blocked)),
        "total_blocking_keys_on_nokey": sum(
            any(map(_waits_for_a_group, list(waiting)))
            for keys in blocked for waiting in list(keys.values())
        ),
        "clients_in_timeout_table": sum(
            one.wait is not None and one.wait.deadline is not None for one in list(server.waiting)
        ),
        "tracking_clients": 0 if server.tracking is None else len(server.tracking.trackers),
    }


def _waits_for_a_group(session: Session) -> bool:
    """Whether a session is to hear of it when its key goes."""
    command = None if session.wait is None else session.wait.command
    return command is not None and command.group == "stream" and bool(command.flags & WRITE)


def _memory(server: Server) -> Fields:
    used = memory.used(server)
    statistics = server.statistics
    if used > statistics.peak[0]:
        statistics.peak = used, int(server.clock.seconds())
    peak, peak_time = statistics.peak
    clients = memory.CLIENT * len(server.sessions)
    overhead = memory.BASE + clients
    limit = server.config.maxmemory
    fields: Fields = dict.fromkeys(_ALL_USED, used)
    fields.update({
        "used_memory_human": human(used), "used_memory_rss_human": human(used),
        "used_memory_peak": peak, "used_memory_peak_human": human(peak),
        "used_memory_peak_perc": f"{100 * used / peak:.2f}%", "used_memory_peak_time": peak_time,
        "used_memory_overhead": overhead, "used_memory_startup": memory.BASE,
        "used_memory_dataset": used - overhead,
        "used_memory_dataset_perc": f"{100 * (used - overhead) / (used - memory.BASE or 1):.2f}%",
        "mem_clients_normal": clients, **_scripts(server),
        "maxmemory": limit, "maxmemory_human": human(limit),
        "maxmemory_policy": server.config.maxmemory_policy,
    })
    return fields


def _scripts(server: Server) -> Fields:
    """How many scripts and functions there are, and a plausible size of them."""
    scripting, functions = server.scripting, server.functions
    scripts = () if scripting is None else scripting.scripts.values()
    libraries = () if functions is None else functions.libraries.values()
    size = sum(len(script.source) + 100 for script in scripts)
    code = sum(len(library.code) + 100 for library in libraries)
    evaluating, calling = _LUA + (size // 1024 << 10), _LUA + (code // 1024 << 10)
    return {
        "used_memory_lua": evaluating, "used_memory_lua_human": human(evaluating),
        "used_memory_vm_eval": evaluating, "used_memory_vm_functions": calling,
        "used_memory_vm_total": evaluating + calling,
        "used_memory_vm_total_human": human(evaluating + calling),
        "number_of_cached_scripts": len(scripts), "used_memory_scripts_eval": size,
        "number_of_functions": sum(len(library.functions) for library in libraries),
        "number_of_libraries": len(libraries), "used_memory_functions": code,
        "used_memory_scripts": size + code, "used_memory_scripts_human": human(size + code),
    }


def _persistence(server: Server) -> Fields:
    return {
        "rdb_changes_since_last_save": server.dirty, "rdb_last_save_time": server.last_save,
        "rdb_saves": server.saves,
        "aof_enabled": int(server.config.text("appendonly") == "yes"),
    }


def _threads(server: Server) -> Fields:
    done = server.processed - 1
    return {"io_thread_0": f"clients={len(server.sessions)},reads={done},writes={done}"}


def _stats(server: Server) -> Fields:
    pubsub, statistics = server.pubsub, server.statistics
    done = server.processed - 1  # without the running one
    a_second = operations_per_second(server)
    return {
        "total_connections_received": server.connections_received,
        "total_commands_processed": done,
        "instantaneous_ops_per_sec": a_second,
        "rejected_connections": statistics.refused_connections,
        # Nothing is sent here: what commands and replies of a usual size would have taken.
        "total_net_input_bytes": 32 * (done + 1), "total_net_output_bytes": 16 * done,
        "evicted_keys": statistics.evicted,
        "evicted_scripts": getattr(server.scripting, "evicted", 0),
        "expired_subkeys": server.expired_fields,
        "expired_keys": server.expired_keys, "keyspace_hits": server.hits,
        "keyspace_misses": server.misses, "pubsub_channels": len(pubsub.channels),
        "pubsub_patterns": len(pubsub.patterns),
        "pubsubshard_channels": len(pubsub.shard_channels),
        "total_error_replies": sum(statistics.errors.values()),
        "total_reads_processed": done + 1, "total_writes_processed": done,
        "eventloop_cycles": done + 1,
        "eventloop_duration_sum": done + _TURN * (done + 1), "eventloop_duration_cmd_sum": done,
        "instantaneous_eventloop_cycles_per_sec": a_second,
        "instantaneous_eventloop_duration_usec": _TURN,
        **_rare_stats(server),
    }


def _rare_stats(server: Server) -> Fields:
    """What is counted only where it is used."""
    fields: Fields = {}
    tracking, acl = server.tracking, server.acl
    if tracking is not None:
        fields["tracking_total_keys"] = len(tracking.keys)
        fields["tracking_total_items"] = sum(map(len, tracking.keys.values()))
        fields["tracking_total_prefixes"] = len(tracking.prefixes())
    if acl is not None:
        for reason, count in acl.denied.items():
            fields[f"acl_access_denied_{_REASONS.get(reason, reason)}"] = count
    return fields


_REASONS: Final = {"command": "cmd", "database": "db"}
_STATISTICS: Final = (
    "calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d"
)


def _commandstats(server: Server) -> Fields:
    statistics, fields = server.statistics, Fields()
    calls = statistics.calls_by_name()
    for name, durations in latency.durations_by_name(server).items():
        total = sum(micros * count for micros, count in durations.items())
        fields[f"cmdstat_{name}"] = _STATISTICS % (
            calls[name], total, total / (calls[name] or 1), statistics.rejected.get(name, 0),
            statistics.failed.get(name, 0),
        )
    return fields


def _errorstats(server: Server) -> Fields:
    errors = server.statistics.errors
    return {f"errorstat_{code}": f"count={errors[code]}" for code in sorted(errors)}


def _latencystats(server: Server) -> Fields:
    if not server.config.boolean("latency-tracking"):
        return {}
    percents = server.config.text("latency-tracking-info-percentiles").split()
    return {
        f"latency_percentiles_usec_{name}": ",".join(
            f"p{percent}={latency.percentile(durations, float(percent)):.3f}"
            for percent in percents
        )
        for name, durations in latency.durations_by_name(server).items()
        if durations
    }


def _modules(server: Server) -> Fields:
    lines = modules.info_lines(server.table.modules, server.profile)
    return {"module": "\r\nmodule:".join(lines)} if lines else {}


def _replication(server: Server) -> Fields:
    return {
        **_role(server),
        "master_replid": server.replication_id,
        "repl_backlog_size": server.config.text("repl-backlog-size"),
    }


def _role(server: Server) -> Fields:
    """What is different for nodes of clusters with replicas."""
    node = cluster.node_of(server)
    if node is None:
        return {}
    if node.master is not None:
        return {"role": "slave"}
    return {"connected_slaves": sum(one.server.connected for one in replicas.of(node))}


def _cpu(server: Server) -> Fields:
    times = os.times()
    user, system = f"{times.user:.6f}", f"{times.system:.6f}"
    return {
        "used_cpu_sys": system, "used_cpu_user": user,
        "used_cpu_sys_main_thread": system, "used_cpu_user_main_thread": user,
    }


def _cluster(server: Server) -> Fields:
    return {"cluster_enabled": int(server.config.text("cluster-enabled") == "yes")}


def _keyspace(server: Server) -> Fields:
    fields: Fields = {}
    now = server.clock.milliseconds()
    for index, db in sorted(server.databases.items()):
        if db.data:
            left = [deadline - now for deadline in list(db.expires.values())]
            average = max(0, sum(left) // len(left)) if left else 0
            values = list(db.data.values())
            hashes = sum(type(value) is Hash and bool(value.expires) for value in values)
            fields[f"db{index}"] = (
                f"keys={len(db.data)},expires={len(left)},avg_ttl={average},subexpiry={hashes}"
            )
    return fields


_SIZED: Final[dict[type, str]] = {
    bytes: "strings_sizes", MutableString: "strings_sizes", List: "lists_items", Set: "sets_items",
    SortedSet: "zsets_items", Hash: "hashes_items",
}


def _keysizes(server: Server) -> Fields:
    """How many values of each type have which size, by powers of two."""
    fields: Fields = {}
    for index, db in sorted(server.databases.items()):
        counts: dict[str, dict[int, int]] = {name: {} for name in _SIZED.values()}
        for value in list(db.data.values()):
            name = _SIZED.get(type(value))
            if name is not None:
                size = _power_of_two(len(value))
                counts[name][size] = counts[name].get(size, 0) + 1
        for name, sizes in counts.items():
            if sizes:
                text = ",".join(f"{_short(size)}={sizes[size]}" for size in sorted(sizes))
                fields[f"db{index}_distrib_{name}"] = text
    return fields


def _power_of_two(size: int) -> int:
    return 1 << (size.bit_length() - 1) if size else 0


def _short(size: int) -> str:
    """1024 as ``1K``, and so on."""
    power = min((size.bit_length() - 1) // 10, 3) if size else 0
    return f"{size >> 10 * power}{('', 'K', 'M', 'G')[power]}"


def _debug(server: Server) -> Fields:
    done = server.processed - 1
    return {
        "eventloop_duration_aof_sum": 0, "eventloop_duration_cron_sum": 0,
        "eventloop_duration_max": _TURN, "eventloop_cmd_per_cycle_max": int(done > 0),
        "allocator_allocated_lua": 2 * _LUA, "allocator_active_lua": 2 * _LUA,
        "allocator_resident_lua": 0, "allocator_frag_bytes_lua": 0,
    }


_KNOWN: Final[dict[str, Callable[[Server], Fields]]] = {
    "server": _server, "clients": _clients, "memory": _memory, "persistence": _persistence,
    "threads": _threads, "stats": _stats, "replication": _replication, "cpu": _cpu,
    "modules": _modules, "commandstats": _commandstats, "errorstats": _errorstats,
    "latencystats": _latencystats, "cluster": _cluster, "keyspace": _keyspace,
    "keysizes": _keysizes, "debug": _debug,
}
