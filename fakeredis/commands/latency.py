"""SLOWLOG and LATENCY, of Redis's "server" group.

Using one of them makes the server measure: see `fakeredis.engine.features.latency`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Raw, Rest
from fakeredis.commands.registry import ADMIN, LOADING, NOSCRIPT, SERVER_WIDE, STALE
from fakeredis.commands.server.common import group
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine import wording
from fakeredis.engine.command.help import help_lines
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import DEEP, OK, Status, Verbatim
from fakeredis.engine.features import latency
from fakeredis.engine.features.latency import Event
from fakeredis.errors import CommandError

_ADMIN: Final = ADMIN | NOSCRIPT | LOADING | STALE
_HELP: Final = LOADING | STALE
_SLOWLOG: Final = ADMIN | LOADING | STALE

for _name, _since in (("SLOWLOG", "2.2.12"), ("LATENCY", "2.8.13")):
    group.container(_name, since=_since)


@group.command(
    "SLOWLOG GET", Rest(), flags=_SLOWLOG, since="2.2.12", varies="always",
    tips="request_policy:all_nodes nondeterministic_output", names="[count:integer]",
)
def slowlog_get(ctx: Context, words: list[bytes]) -> list[Any]:
    """The slowest commands, the newest first: ten of them, or as many as are asked for."""
    if len(words) > 1:
        raise ctx.misused()
    count = parse_int(words[0]) if words else 10
    if count is None and ctx.traits.older_errors:
        raise CommandError(errors.NOT_INTEGER)
    if count is None or (count < -1 and not ctx.traits.older_errors):
        raise CommandError("ERR count should be greater than or equal to -1")
    slow = list(latency.begin(ctx.server).slow)
    return [list(entry) for entry in (slow if count < 0 else slow[:count])]


@group.command(
    "SLOWLOG LEN", flags=_SLOWLOG, since="2.2.12", varies="always",
    tips="request_policy:all_nodes response_policy:agg_sum nondeterministic_output",
)
def slowlog_len(ctx: Context) -> int:
    """How many slow commands are kept."""
    return len(latency.begin(ctx.server).slow)


@group.command(
    "SLOWLOG RESET", flags=_SLOWLOG | SERVER_WIDE, since="2.2.12",
    tips="request_policy:all_nodes response_policy:all_succeeded",
)
def slowlog_reset(ctx: Context) -> Status:
    """Forget the slow commands; their numbers go on."""
    latency.begin(ctx.server).slow.clear()
    return OK


@group.command(
    "LATENCY LATEST", flags=_ADMIN, since="2.8.13", varies="always",
    tips="nondeterministic_output request_policy:all_nodes response_policy:special",
)
def latency_latest(ctx: Context) -> list[Any]:
    """Of each kind: its name, the latest delay's second and milliseconds, the longest ever."""
    events = latency.begin(ctx.server).events
    return [
        [name.encode(), *event.samples[-1], event.longest] for name, event in events.items()
    ]


@group.command(
    "LATENCY HISTORY", Raw, flags=_ADMIN, since="2.8.13", varies="always",
    tips="nondeterministic_output request_policy:all_nodes response_policy:special", names="event",
)
def latency_history(ctx: Context, event: bytes) -> list[Any]:
    """The delays of one kind, oldest first: second and milliseconds."""
    found = _event(ctx, event)
    return [] if found is None else [list(sample) for sample in found.samples]


def _event(ctx: Context, name: bytes) -> Event | None:
    return latency.begin(ctx.server).events.get(name.decode("utf-8", "replace"))


@group.command(
    "LATENCY RESET", Rest(), flags=_ADMIN | SERVER_WIDE, since="2.8.13",
    tips="request_policy:all_nodes response_policy:agg_sum", names="[event+]",
)
def latency_reset(ctx: Context, names: list[bytes]) -> int:
    """Forget delays; of how many kinds there were some."""
    events = latency.begin(ctx.server).events
    wanted = [name.decode("utf-8", "replace") for name in names] if names else list(events)
    return sum(events.pop(name, None) is not None for name in wanted)


@group.command(
    "LATENCY HISTOGRAM", Rest(), flags=_ADMIN, since="7.0.0", reply=DEEP, varies="always",
    tips="nondeterministic_output request_policy:all_nodes response_policy:special",
    names="[command+]",
)
def latency_histogram(ctx: Context, names: list[bytes]) -> dict[bytes, Any]:
    """How long commands took; a container's name stands for all its subcommands."""
    latency.begin(ctx.server)
    ctx.server.statistics.running = ctx.command
    measured = latency.durations_by_name(ctx.server)
    ctx.server.statistics.running = None
    wanted = _labels(ctx, names) if names else list(measured)
    return {
        label.encode(): {
            b"calls": sum(measured[label].values()),
            b"histogram_usec": latency.histogram(measured[label]),
        }
        for label in wanted if measured.get(label)
    }


def _labels(ctx: Context, names: Sequence[bytes]) -> Iterator[str]:
    for name in names:
        container, bar, sub = name.partition(b"|")
        command = ctx.server.table.find(container)
        if command is not None and bar:
            command = (command.subcommands or {}).get(sub.upper())
        if command is None:
            continue
        yield command.label
        for one in dict.fromkeys((command.subcommands or {}).values()):
            yield one.label


# Pictures and words -----------------------------------------------------------------------------

_ROWS, _COLUMNS, _LEVELS = 4, 80, "_o#"


@group.command(
    "LATENCY GRAPH", Raw, flags=_ADMIN, since="2.8.13", varies="always",
    tips="nondeterministic_output request_policy:all_nodes response_policy:special", names="event",
)
def latency_graph(ctx: Context, name: bytes) -> Verbatim:
    """The delays of one kind as a picture."""
    event = _event(ctx, name)
    if event is None:
        raise CommandError(f"ERR No samples available for event '{wording.clean(name)}'")
    delays = [delay for _, delay in event.samples]
    now = int(ctx.server.clock.seconds())
    labels = [_age(now - second) for second, _ in event.samples]
    lines = [
        (f"{name.decode()} - high {max(delays)} ms, low {min(delays)} ms "
        f"(all time high {event.longest} ms)"), "-" * _COLUMNS,
    ]
    for at in range(0, len(delays), _COLUMNS):
        lines += [""] if at else []
        lines += _picture(delays[at : at + _COLUMNS], min(delays), max(delays))
        part = labels[at : at + _COLUMNS]
        lines += [" " * len(part), *_upright(part)]
    return Verbatim("".join(f"{line}\n" for line in lines).encode())


def _picture(delays: list[int], low: int, high: int) -> list[str]:
    """Columns of different heights, the top row first."""
    steps = _ROWS * len(_LEVELS)
    tops = [min(steps - 1, (delay - low) * steps // max(1, high - low)) for delay in delays]
    return ["".join(_cell(top, row) for top in tops) for row in reversed(range(_ROWS))]


def _cell(top: int, row: int) -> str:
    at, level = divmod(top, len(_LEVELS))
    return _LEVELS[level] if at == row else "|" if at > row else " "


def _upright(labels: list[str]) -> list[str]:
    """Words written downwards."""
    height = max(map(len, labels))
    padded = [label.ljust(height) for label in labels]
    return ["".join(letters) for letters in zip(*padded, strict=True)]


def _age(seconds: int) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


_DISABLED: Final = (
    "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Redis instance. You "
    'may use "CONFIG SET latency-monitor-threshold <milliseconds>." in order to enable it. If we '
    "weren't in a deep space mission I'd suggest to take a look at "
    "https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/latency-monitor.\n"
)
_NOTHING: Final = (
    "Dave, no latency spike was observed during the lifetime of this Redis instance, not in the "
    "slightest bit. I honestly think you ought to sit down calmly, take a stress pill, and think "
    "things over.\n"
)
_SPIKES: Final = (
    "Dave, I have observed latency spikes in this Redis instance. You don't mind talking about it, "
    "do you Dave?\n\n"
)
_ADVICE: Final = "\nI have a few advices for you:\n\n"
_LOG_MORE: Final = (
    "- There are latency issues with potentially slow commands you are using. Try to enable the "
    "Slow Log Redis feature using the command 'CONFIG SET slowlog-log-slower-than %d'. If the "
    "Slow log is disabled Redis is not able to log slow commands execution for you.\n"
)
_LOG_SOONER: Final = (
    "- Your current Slow Log configuration only logs events that are slower than your configured "
    "latency monitor threshold. Please use 'CONFIG SET slowlog-log-slower-than %d'.\n"
)
_LOOK: Final = (
    "- Check your Slow Log to understand what are the commands you are running which are too slow "
    "to execute. Please check https://redis.io/commands/slowlog for more information.\n"
    "- Deleting, expiring or evicting (because of maxmemory policy) large objects is a blocking "
    "operation. If you have very large objects that are often deleted, expired, or evicted, try to "
    "fragment those objects into multiple smaller objects.\n"
)


_DISABLED_BRIEFLY: Final = (
    "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Valkey instance. "
    'You may use "CONFIG SET latency-monitor-threshold <milliseconds>." in order to enable it.\n'
)
_NOTHING_BRIEFLY: Final = (
    "No latency spike was observed during the lifetime of this Valkey instance, not in the "
    "slightest bit.\n"
)


def _said(ctx: Context, text: str, briefly: str) -> Verbatim:
    return Verbatim((text if ctx.traits.says_redis else briefly).encode())


@group.command(
    "LATENCY DOCTOR", flags=_ADMIN, since="2.8.13", varies="always",
    tips="nondeterministic_output request_policy:all_nodes response_policy:special",
)
def latency_doctor(ctx: Context) -> Verbatim:
    """What the delays mean."""
    config, events = ctx.server.config, latency.begin(ctx.server).events
    if not config.latency_monitor_threshold:
        return _said(ctx, _DISABLED, _DISABLED_BRIEFLY)
    if not events:
        return _said(ctx, _NOTHING, _NOTHING_BRIEFLY)
    now = int(ctx.server.clock.seconds())
    text = _SPIKES
    for number, (name, event) in enumerate(events.items(), 1):
        text += _report(number, name, event, now)
    text += _ADVICE
    micros = config.latency_monitor_threshold * 1000
    if config.slowlog_log_slower_than < 0:
        text += _LOG_MORE % micros
    elif config.slowlog_log_slower_than > micros:
        text += _LOG_SOONER % micros
    return Verbatim((text + _LOOK).encode())


def _report(number: int, name: str, event: Event, now: int) -> str:
    delays = [delay for _, delay in event.samples]
    count = len(delays)
    average = sum(delays) // count
    deviation = sum(abs(delay - average) for delay in delays) // count
    period = ((now - event.samples[0][0]) or 1) / count
    return (
        f"{number}. {name}: {count} latency spikes (average {average}ms, mean deviation "
        f"{deviation}ms, period {period:.2f} sec). Worst all time event {event.longest}ms.\n"
    )


@group.command("LATENCY HELP", flags=_HELP, since="2.8.13", acl=("slow",))
def latency_help(ctx: Context) -> list[Status]:
    """What the subcommands do."""
    return help_lines(ctx)


@group.command("SLOWLOG HELP", flags=_HELP, since="6.2.0", acl=("slow",))
def slowlog_help(ctx: Context) -> list[Status]:
    """What the subcommands do."""
    return help_lines(ctx)
