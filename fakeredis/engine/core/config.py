"""Configuration parameters: names, defaults, what they accept, and what follows from a change.

The parameters themselves are data (``fakeredis/data/config.json``), one a line: the default, the
kind, and what the kind needs to know (bounds, words); an alias names the parameter that it stands
for. The file is read when a parameter is first asked for by its name, and shared by all servers.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fakeredis import data
from fakeredis.datatypes.glob import matcher
from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.limits import EncodingLimits
from fakeredis.datatypes.numbers import format_float, parse_int
from fakeredis.datatypes.sorted_set import SortedSet
from fakeredis.engine.core import notifications
from fakeredis.engine.features import acl, latency, memory
from fakeredis.errors import CommandError
from fakeredis.lazy import LazyModule

if TYPE_CHECKING:
    from fakeredis.engine.core.profiles import Profile
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.features import following
else:
    following = LazyModule("fakeredis.engine.features.following")

Parse = Callable[[str], str]

_FAILED: Final = "ERR CONFIG SET failed (possibly related to argument '%s') - %s"
_UNKNOWN: Final = "ERR Unknown option or number of arguments for CONFIG SET - '%s'"
_UNITS: Final = {
    "": 1, "b": 1, "k": 1000, "kb": 1 << 10, "m": 1000**2, "mb": 1 << 20, "g": 1000**3,
    "gb": 1 << 30,
}
_MEMORY: Final = re.compile(r"([0-9]*)(|b|kb?|mb?|gb?)", re.IGNORECASE).fullmatch
_LIMITS: Final = frozenset(field.name for field in fields(EncodingLimits))
_EXPANDED: Final = (b"hashtable", b"skiplist")
# Parameters that no pattern finds, only their whole name.
HIDDEN: Final = frozenset({
    "rdb-key-save-delay", "key-load-delay", "loading-process-events-interval-bytes",
    "use-exit-on-panic", "lua-enable-deprecated-api", "aof-disable-auto-gc",
})
# How parameters of the module for search begin, which other patterns do not find.
_OF_SEARCH: Final = "search-"
_GLOB: Final = re.compile(r"[*?\[]").search


class _Refused(Exception):
    """A value that a parameter does not accept; the text says why.

    A second text is the one of older servers, which do not tell negative numbers from others.
    """


class Parameter:
    """One parameter: its default, whether it may be set, and how a value is read."""

    __slots__ = ("default", "forbidden", "parse")

    def __init__(self, name: str, default: str, kind: str, *facts: Any) -> None:
        self.default = default
        self.forbidden = kind if kind in ("immutable", "protected") else None
        self.parse: Parse = str
        if kind == "special":
            self.parse = _SPECIAL[name]
        elif kind not in ("immutable", "protected", "string"):
            self.parse = _KINDS[kind](facts)
        elif name in _SPECIAL:
            self.parse = _SPECIAL[name]

    def with_default(self, default: str) -> Parameter:
        """A copy of the parameter with another default."""
        other = copy(self)
        other.default = default
        return other


@cache
def parameters() -> tuple[dict[str, Parameter], dict[str, str]]:
    """All parameters by name, and the aliases' names."""
    table: dict[str, Any] = data.load("config")
    aliases = {name: facts for name, facts in table.items() if isinstance(facts, str)}
    real = {
        name: Parameter(name, *facts) for name, facts in table.items() if name not in aliases
    }
    return real, aliases


class Settings(NamedTuple):
    """What parameters a server of one version has."""

    real: Mapping[str, Parameter]
    aliases: Mapping[str, str]
    gone: frozenset[str] = frozenset()  # names that it does not have; aliases may mean them
    hidden: frozenset[str] = HIDDEN


@cache
def settings(profile: Profile) -> Settings:
    """The parameters of a profile: those of Redis 8.2, and how another server's differ.

    ``fakeredis/data/config-versions.json`` has the differences, by servers: names that are not
    there, other defaults, and parameters of its own. A version between two takes those of the newer
    one, and one that is newer than all those of the newest.
    """
    real, aliases = parameters()
    hidden = HIDDEN
    if profile.has({"redis": "8.0.0"}):
        of_search: dict[str, Any] = data.load("config-search")
        real = {**real, **{name: Parameter(name, *facts) for name, facts in of_search.items()}}
        hidden |= of_search.keys()
    name = _differing(profile)
    if not name:
        return Settings(real, aliases, hidden=hidden)
    older = data.load("config-versions")[name]
    own = {name: facts for name, facts in older["own"].items() if not isinstance(facts, str)}
    real = {**real, **{name: Parameter(name, *facts) for name, facts in own.items()}}
    for changed, default in older["values"].items():
        real[changed] = real[changed].with_default(default)
    more = {name: facts for name, facts in older["own"].items() if name not in own}
    return Settings(
        real, {**aliases, **more}, frozenset(older["gone"].split()), hidden - own.keys()
    )


def _differing(profile: Profile) -> str:
    """Whose differences apply to a profile; empty for none."""
    if profile.server_type == "valkey":
        if profile.version >= (9, 0, 0):
            return "valkey9"
        return "valkey8" if profile.version >= (8, 0, 0) else "redis7"
    if profile.version >= (8, 0, 0):
        return "redis86" if profile.version >= (8, 4, 0) else ""
    return "redis7" if profile.version >= (7, 0, 0) else "redis6"


class Config:
    """The parameters of one server.

    Those that the engine itself asks for are attributes, which hold the default until they are set:
    reading them costs nothing.  All others are text, as CONFIG GET prints them: see `text`.
    """

    databases = 16
    requirepass = ""
    maxmemory = 0
    maxmemory_policy = "noeviction"
    lfu_log_factor = 10
    lfu_decay_time = 1
    proto_max_bulk_len = 512 << 20
    busy_reply_threshold = 5000
    slowlog_log_slower_than = 10000
    slowlog_max_len = 128
    latency_monitor_threshold = 0

    def __init__(self, server: Server) -> None:
        self.server = server
        self.changed: dict[str, str] = {}

    @property
    def known(self) -> Settings:
        """The parameters that there are."""
        return settings(self.server.profile)

    def _has(self, name: str) -> bool:
        """Whether a name, in any case, is one of a parameter."""
        name, known = name.lower(), self.known
        return name not in known.gone and (name in known.real or name in known.aliases)

    def _own_name(self, name: str) -> str:
        """The parameter's own name, in the table's case, for a name or an alias in any case."""
        name = name.lower()
        return self.known.aliases.get(name, name)

    def text(self, name: str) -> str:
        """A parameter as text."""
        value = self.changed.get(name)
        if value is None:
            known = self.known
            name = known.aliases.get(name, name)
            value = self.changed.get(name)
            return known.real[name].default if value is None else value
        return value

    def integer(self, name: str) -> int:
        """A parameter as a number."""
        return int(self.text(name))

    def boolean(self, name: str) -> bool:
        """A parameter that is yes or no."""
        return self.text(name) == "yes"

    def matching(self, patterns: Sequence[bytes]) -> dict[bytes, bytes]:
        """What CONFIG GET answers: names are given back as they were asked for."""
        real, aliases, gone, hidden = self.known
        found: dict[str, str] = {}
        for raw in patterns:
            pattern = _text(raw)
            if not _GLOB(pattern):
                names = [pattern] if self._has(pattern.replace("\\", "")) else []
            else:
                matches = matcher(raw, nocase=True)
                seen = hidden
                if pattern.lower().startswith(_OF_SEARCH):
                    seen = frozenset()
                names = [
                    name for name in (*real, *aliases)
                    if matches(name.encode()) and name not in seen and name not in gone
                ]
            for name in names:
                found.setdefault(name.replace("\\", "").lower(), name)
        return {
            _raw(shown.replace("\\", "")): _raw(self.text(name)) for name, shown in found.items()
        }

    def set(self, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        """CONFIG SET: all of the changes or, when one is refused, none.

        Raises:
            CommandError: no such parameter, one that cannot be set or is named twice, a bad value.
        """
        wanted = [(_text(name), self._own_name(_text(name))) for name, _ in pairs]
        seen: set[str] = set()
        for (given, name), _ in zip(wanted, pairs, strict=True):
            parameter = self.known.real.get(name)
            if parameter is None or given.lower() in self.known.gone:
                raise CommandError(_UNKNOWN % _until_zero(given))
            if parameter.forbidden is not None:
                raise CommandError(_FAILED % (given, f"can't set {parameter.forbidden} config"))
            if given.lower() in seen:
                raise CommandError(_FAILED % (given, "duplicate parameter"))
            seen.add(given.lower())
        values = []
        for (given, name), (_, raw) in zip(wanted, pairs, strict=True):
            try:
                values.append((name, self._parsed(name, _text(raw))))
            except _Refused as refused:
                raise self._refusal(given.lower(), _text(raw), *refused.args) from None
        for name, value in values:
            self.override(name, value)

    def _refusal(self, name: str, value: str, reason: str, before: str = "") -> CommandError:
        if before and (self.server.profile.is_older or self.server.traits.bounds_told):
            reason = before
        if not self.server.traits.older_errors:
            return CommandError(_FAILED % (name, reason))
        text = f"ERR Invalid argument '{value}' for CONFIG SET '{name}'"
        if reason.startswith(("argument", "Invalid oom")):
            text += " - " + reason.replace("argument(s)", "argument")
        return CommandError(text)

    def _parsed(self, name: str, text: str) -> str:
        if name == "client-output-buffer-limit":
            return _buffer_limits(self.text(name), text)
        if name == "notify-keyspace-events" and not self.server.profile.has({"redis": "8.2.0"}):
            text = text.replace("o", "?").replace("c", "?")  # classes that are not known yet
            if not self.server.traits.keys_of_new:
                text = text.replace("n", "?")
        return self.known.real[name].parse(text)

    def start(self, given: str, text: str) -> None:
        """Set a parameter as at the server's start: also one that CONFIG SET cannot.

        Raises:
            CommandError: there is no such parameter, or it does not take the value.
        """
        name = self._own_name(given)
        if not self._has(given):
            raise CommandError(_UNKNOWN % given)
        parameter = self.known.real[name]
        if parameter.forbidden is None:
            self.set([(_raw(given), _raw(text))])
        else:
            self.override(name, _shaped(parameter.default, text))

    def override(self, name: str, value: str) -> None:
        """Set a parameter without asking whether that is allowed, as a configuration file does."""
        self.changed[name] = value
        attribute = name.replace("-", "_")
        default = getattr(Config, attribute, None)
        if isinstance(default, int):
            setattr(self, attribute, int(value))
            if name.startswith(("slowlog", "latency")):
                latency.begin(self.server)
            elif name == "maxmemory":
                self._limit()
        elif isinstance(default, str):
            setattr(self, attribute, value)
            if name == "requirepass":
                self._set_password(value)
            elif name == "maxmemory-policy":
                self._limit()
        elif attribute in _LIMITS:
            limits = replace(self.server.limits, **{attribute: int(value)})
            if attribute.startswith(("hash_", "zset_")) and self._settle(limits):
                limits = replace(limits, lowered=1)
            self.server.limits = limits
        elif name == "notify-keyspace-events":
            self._notify(value)
        elif name.startswith(_OF_SEARCH) and self.server.search is not None:
            self.server.search.configured(name, value)
        elif name in ("min-replicas-to-write", "replica-serve-stale-data"):
            following.configure(self.server)

    def _settle(self, coming: EncodingLimits) -> bool:
        """Note in each value its encoding by the limits so far, which are about to change.

        Returns:
            Whether there are any that the coming limits would not let be compact.
        """
        limits, kept = self.server.limits, False
        for db in list(self.server.databases.values()):
            for value in list(db.data.values()):
                if not isinstance(value, (Hash, SortedSet)):
                    continue
                if value.encoding(limits) in _EXPANDED:
                    value.expand()
                elif value.encoding(coming) in _EXPANDED:
                    value.keep_compact()
                    kept = True
        return kept

    def take_over(self, other: Config) -> None:
        """Take over another server's settings, as far as they were changed there."""
        for name, value in other.changed.items():
            self.override(name, value)

    def _set_password(self, password: str) -> None:
        acl.set_default_password(self.server, password)

    def _limit(self) -> None:
        memory.configure(self.server)

    def _notify(self, value: str) -> None:
        server = self.server
        server.notify_flags = flags = notifications.parse_flags(value) or ""
        self.changed["notify-keyspace-events"] = notifications.format_flags(flags)
        for db in list(server.databases.values()):
            db.observe()


def begin(server: Server, given: Mapping[str, Any]) -> None:
    """Set up a server that is new.

    Args:
        server: the server.
        given: parameters by name; True and False are yes and no.

    Raises:
        TypeError: they are none.
        ValueError: the server has no such parameter, or it does not take the value.
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"config is a dictionary: {{'maxmemory': '10mb'}}, not {given!r}")
    for name, value in given.items():
        if not all(isinstance(each, (str, bytes, int, float)) for each in (name, value)):
            raise TypeError(f"a setting is a name and a text or number, not {name!r}: {value!r}")
        text = _text(value) if isinstance(value, bytes) else str(value)
        if isinstance(value, bool):
            text = "yes" if value else "no"
        try:
            server.config.start(str(name), text)
        except CommandError as error:
            raise ValueError(_complaint(server.config, str(name), text, str(error))) from None


def _complaint(config: Config, name: str, text: str, error: str) -> str:
    names = {*config.known.real, *config.known.aliases} - config.known.gone
    if name.lower() in names:
        return f"config: {name}={text!r}: {error.rpartition(' - ')[2].removeprefix('ERR ')}"
    facts = config.server.profile
    close = difflib.get_close_matches(name.lower(), sorted(names), 1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"config: {facts.server_type} {facts.version_text} has no setting {name!r}{hint}"


def _shaped(default: str, text: str) -> str:
    """The value of a parameter that is only set at the start."""
    if default in ("yes", "no"):
        if text.lower() not in ("yes", "no", "local"):
            raise CommandError("argument must be 'yes' or 'no'")
        return text.lower()
    if default.isdigit() and not text.isdigit():
        raise CommandError("argument couldn't be parsed into an integer")
    return text


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _until_zero(text: str) -> str:
    """A text as the server sees it that takes it for C's string; it does so but for numbers."""
    return text.partition("\0")[0]


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


# Kinds of values: each makes a function that reads a value and gives it as CONFIG GET shows it ----


def _boolean(facts: Sequence[Any]) -> Parse:
    def parse(text: str) -> str:
        text = _until_zero(text)
        if text.lower() not in ("yes", "no"):
            raise _Refused("argument must be 'yes' or 'no'")
        return text.lower()

    return parse


def _enum(facts: Sequence[Any]) -> Parse:
    def parse(text: str) -> str:
        text = _until_zero(text)
        if text.lower() not in facts:
            words = ", ".join(facts)
            raise _Refused(f"argument(s) must be one of the following: {words}")
        return text.lower()

    return parse


def _bounded(value: int, low: int, high: int) -> str:
    if not low <= value <= high:
        raise _Refused(f"argument must be between {low} and {high} inclusive")
    return str(value)


_AT_START: Final = "memory tracking cannot be enabled at runtime"


def _boolean_at_start(facts: Sequence[Any]) -> Parse:
    """Yes or no, of which a running server takes no alone."""
    parse_boolean = _boolean(facts)

    def parse(text: str) -> str:
        value = parse_boolean(text)
        if value == "yes":
            raise _Refused(_AT_START)
        return value

    return parse


def _words(facts: Sequence[Any]) -> Parse:
    """Some words: the first one is none of the others, the second all of them."""

    def parse(text: str) -> str:
        given = text.lower().split()
        if not given or not set(given) <= set(facts):
            words = ", ".join(facts)
            raise _Refused(f"argument(s) must be one of the following: {words}")
        none, everything, *single = facts
        if everything in given or set(single) <= set(given):
            return str(everything)
        return " ".join([word for word in single if word in given]) or str(none)

    return parse


def _negative(low: int, high: int) -> _Refused:
    return _Refused(
        "argument must be greater or equal to 0",
        f"argument must be between {low} and {high} inclusive",
    )


def _number(text: str) -> int:
    value = parse_int(_raw(text))
    if value is None:
        raise _Refused("argument couldn't be parsed into an integer")
    return value


def _integer(facts: Sequence[Any]) -> Parse:
    low, high = facts
    return lambda text: _bounded(_number(text), low, high)


def _unsigned(facts: Sequence[Any]) -> Parse:
    low, high = facts

    def parse(text: str) -> str:
        value = _number(text)
        if value < 0:
            raise _negative(low, high)
        return _bounded(value, low, high)

    return parse


def _bytes_of(text: str, error: str) -> int:
    """A number of bytes with or without a unit."""
    found = _MEMORY(_until_zero(text))
    if found is None:
        raise _Refused(error)
    digits, unit = found.groups()
    number = min(int(digits[:30] or "0"), (1 << 64) - 1)
    return number * _UNITS[unit.lower()] & ((1 << 64) - 1)


def _memory(facts: Sequence[Any]) -> Parse:
    def parse(text: str) -> str:
        value = _bytes_of(text, "argument must be a memory value")
        if value >= 1 << 63:
            raise _negative(facts[0], (1 << 63) - 1)
        return _bounded(value, facts[0], (1 << 63) - 1)

    return parse


def _signed_memory(facts: Sequence[Any]) -> Parse:
    def parse(text: str) -> str:
        value = _bytes_of(text, "argument must be a memory value")
        return _bounded(value, facts[0], (1 << 63) - 1)

    return parse


_KINDS: Final[dict[str, Callable[[Sequence[Any]], Parse]]] = {
    "boolean": _boolean, "enum": _enum, "integer": _integer, "unsigned": _unsigned,
    "memory": _memory, "signed-memory": _signed_memory, "words": _words,
    "boolean-at-start": _boolean_at_start,
}


# Parameters of a kind of their own --------------------------------------------------------------


def _memory_or_percent(text: str) -> str:
    error = "argument must be a memory or percent value"
    if text.endswith("%"):
        percent = parse_int(_raw(text[:-1]))
        if percent is None or percent < 0:
            raise _Refused(error)
    else:
        value = _bytes_of(text, error)
        if value < 1 << 63:
            return str(value)
        percent = (1 << 64) - value  # what is negative as a signed number counts as percents
    if percent > 100:
        raise _Refused("percentage argument must be less or equal to 100")
    return f"{percent}%" if percent else "0"


def _save(text: str) -> str:
    if not text:
        return ""
    words = text.split(" ")
    numbers = [int(word) if re.fullmatch(r"[+-]?[0-9]+", word) else -1 for word in words]
    seconds, changes = numbers[::2], numbers[1::2]
    if len(words) % 2 or min(seconds) < 1 or min(changes) < 0:
        raise _Refused("Invalid save parameters")
    return " ".join(map(str, numbers))


def _event_classes(text: str) -> str:
    flags = notifications.parse_flags(text)
    if flags is None:
        raise _Refused("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
    return text


def _oom_scores(text: str) -> str:
    words = text.split(" ")
    if len(words) != 3:
        raise _Refused("wrong number of arguments")
    scores = [int(word) if re.fullmatch(r"[+-]?[0-9]+", word) else 0 if not word else 9999
              for word in words]
    if any(abs(score) > 2000 for score in scores):
        raise _Refused("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
    return " ".join(map(str, scores))


def _percentiles(text: str) -> str:
    values = []
    for word in text.split(" ") if text else ():
        try:
            value = float(word)
        except ValueError:
            value = float("nan")
        if value != value:
            raise _Refused("Invalid latency-tracking-info-percentiles parameters")
        if not 0 <= value <= 100:
            raise _Refused(
                "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"
            )
        values.append(format_float(value).decode())
    return " ".join(values)


def _locale(text: str) -> str:
    if text not in ("", "C", "POSIX", "C.UTF-8", "C.utf8"):
        raise _Refused("Invalid locale name")
    return text


def _title(text: str) -> str:
    # The server refuses a template too that leaves no room for the address and the mode.
    known = {"title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file"}
    if not text or set(re.findall(r"\{([^}]*)\}", text)) - known:
        raise _Refused("template format is invalid or contains unknown variables")
    return text


def _buffer_limits(current: str, text: str) -> str:
    """Limits for the classes named; the others stay."""
    words = text.split(" ") if text else []
    if len(words) % 4:
        raise _Refused("Wrong number of arguments in buffer limit configuration.")
    limits = dict(zip(current.split(" ")[::4], _fours(current.split(" ")), strict=True))
    for name, *numbers in _fours(words):
        name = "slave" if name.lower() == "replica" else name.lower()
        if name not in limits:
            raise _Refused("Invalid client class specified in buffer limit configuration.")
        error = "Error in hard, soft or soft_seconds setting in buffer limit configuration."
        sizes = [str(_bytes_of(number, error)) for number in numbers[:2]]
        if not numbers[2].isdigit():
            raise _Refused(error)
        limits[name] = [name, *sizes, str(int(numbers[2]))]
    return " ".join(word for limit in limits.values() for word in limit)


def _fours(words: list[str]) -> list[list[str]]:
    return [words[at : at + 4] for at in range(0, len(words), 4)]


def _hostname(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.-]*", text):
        raise _Refused("Hostnames may only contain alphanumeric characters, hyphens or dots")
    return text


def _node_name(text: str) -> str:
    if re.search(r"[#$%&()*+:;<>?@\[\]^{|}~!\"',/\\=`]", text):
        raise _Refused("Announced human node name contained invalid character")
    return text


def _clamped(low: int, high: int, text: str) -> str:
    """A number that the server moves into its bounds without a word."""
    return str(min(max(int(_integer((0, (1 << 31) - 1))(text)), low), high))


_SPECIAL: Final[dict[str, Parse]] = {
    "bind": str,
    "client-output-buffer-limit": str,  # needs the current value
    "cluster-announce-hostname": _hostname,
    "cluster-announce-human-nodename": _node_name,
    "hz": lambda text: _clamped(1, 500, text),
    "latency-tracking-info-percentiles": _percentiles,
    "locale-collate": _locale,
    "maxmemory-clients": _memory_or_percent,
    "notify-keyspace-events": _event_classes,
    "oom-score-adj-values": _oom_scores,
    "proc-title-template": _title,
    "repl-backlog-size": lambda text: str(max(int(_signed_memory((1,))(text)), 16384)),
    "save": _save,
}
