"""Which sessions CLIENT LIST and CLIENT KILL mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final

from fakeredis import errors
from fakeredis.commands.arguments import OneOf, Option, Options, Raw, Token, Values, word_of
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine import wording
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.profiles import Traits
from fakeredis.engine.core.session import Session
from fakeredis.engine.features import acl, key_access
from fakeredis.engine.features.client_info import flags_of
from fakeredis.errors import CommandError

_TYPES: Final = (b"NORMAL", b"MASTER", b"REPLICA", b"SLAVE", b"PUBSUB")


def type_asked(raw: bytes, traits: Traits) -> bytes:
    """A type of sessions.

    Raises:
        CommandError: there is none of that name.
    """
    word = word_of(raw)
    if word == b"PRIMARY" and traits.says_primary:
        return b"MASTER"
    if word not in _TYPES:
        raise CommandError(f"ERR Unknown client type '{wording.clean(raw)}'")
    return word


def is_of_type(session: Session, kind: bytes) -> bool:
    """Whether a session is of a type."""
    replication = session.server.replication
    if replication is not None and replication.is_replica(session):
        return kind in (b"REPLICA", b"SLAVE")
    if replication is not None and replication.is_master(session):
        return kind == b"MASTER"
    listens = bool(session.channels or session.patterns or session.shard_channels)
    return kind == (b"PUBSUB" if listens else b"NORMAL")


def session_number(ctx: Context, raw: bytes) -> int:
    """The number that CLIENT LIST is given.

    Raises:
        CommandError: it is none.
    """
    if ctx.traits.parses_client_ids:
        return _client_id(ctx, raw)
    number = parse_int(raw)
    if number is None:
        raise CommandError("ERR Invalid client ID")
    return number


Filter = Callable[[Session], bool]


def _client_id(ctx: Context, raw: bytes) -> int:
    number = parse_int(raw)
    if number is None and ctx.traits.parses_client_ids:
        raise CommandError(errors.SYNTAX)
    if ctx.traits.older_errors:
        if number is None:
            raise CommandError(errors.NOT_INTEGER)
        return number
    if number is None or number < 1:
        raise CommandError("ERR client-id should be greater than 0")
    return number


@dataclass(frozen=True)
class _Ids:
    """One number or, with newer servers of Valkey, all that stand there."""

    least: ClassVar[int] = 0
    form: ClassVar[str] = "1"

    def take(
        self, ctx: Context, words: Sequence[bytes], at: int, keys: int
    ) -> tuple[list[int], int]:
        """The numbers, and the position behind them."""
        many = ctx.traits.parses_client_ids
        found: list[int] = []
        while at < len(words) and (many or not found):
            if many and parse_int(words[at]) is None:
                break
            found.append(_client_id(ctx, words[at]))
            at += 1
        if not found and not many:
            raise CommandError(errors.SYNTAX)
        return found, at

    def length(self, words: Sequence[bytes], at: int) -> int:
        """One word, as far as can be told."""
        return 1


def _by_id(ctx: Context, numbers: list[int]) -> Filter:
    return lambda session: not numbers or session.id in numbers


def _by_type(ctx: Context, raw: bytes) -> Filter:
    kind = type_asked(raw, ctx.traits)
    return lambda session: is_of_type(session, kind)


def by_address(ctx: Context, raw: bytes) -> Filter:
    """A filter for the session from an address."""
    text = raw.decode("utf-8", "surrogateescape")
    return lambda session: session.address == text


def _by_own_address(ctx: Context, raw: bytes) -> Filter:
    text = raw.decode("utf-8", "surrogateescape")
    return lambda session: session.local_address == text


def _by_user(ctx: Context, raw: bytes) -> Filter:
    text = raw.decode("utf-8", "surrogateescape")
    if text not in acl.of(ctx.server).users:
        raise CommandError(f"ERR No such user '{wording.clean(raw)}'")
    return lambda session: session.user == text


def _by_age(ctx: Context, raw: bytes) -> Filter:
    age = parse_int(raw)
    if age is None:
        raise CommandError("ERR maxage is not an integer or out of range")
    if age < 1:
        raise CommandError("ERR maxage should be greater than 0")
    latest = ctx.server.clock.seconds() - age
    return lambda session: session.created <= latest


def _by_name(ctx: Context, raw: bytes) -> Filter:
    return lambda session: bool(session.name) and session.name == raw


def _by_idle(ctx: Context, raw: bytes) -> Filter:
    seconds = parse_int(raw)
    if seconds is None:
        raise CommandError("ERR idle is not an integer or out of range")
    if seconds < 1:
        raise CommandError("ERR idle should be greater than 0")
    latest = ctx.server.clock.seconds() - seconds
    return lambda session: key_access.last_used(session) <= latest


_FLAGS: Final = frozenset("bcdeirtuxABEIMNOPRSTU")
_CAPABILITIES: Final = frozenset("r")


def _letters(raw: bytes, known: frozenset[str], what: str) -> set[str]:
    found = set(raw.decode("latin-1"))
    if not found <= known:
        name = wording.clean(raw)
        raise CommandError(f"ERR Unknown {what} found in the provided filter: {name}")
    return found


def _by_flags(ctx: Context, raw: bytes) -> Filter:
    letters = _letters(raw, _FLAGS, "flags")
    return lambda session: letters <= set(flags_of(session))


def _by_capability(ctx: Context, raw: bytes) -> Filter:
    letters = _letters(raw, _CAPABILITIES, "capa")
    return lambda session: not letters  # nobody is noted to have any


def _by_library(ctx: Context, raw: bytes) -> Filter:
    return lambda session: bool(raw) and session.lib_name == raw


def _by_library_version(ctx: Context, raw: bytes) -> Filter:
    return lambda session: bool(raw) and session.lib_version == raw


def _by_database(ctx: Context, raw: bytes) -> Filter:
    index, count = parse_int(raw), ctx.server.config.databases
    if index is None:
        raise CommandError("ERR DB is not an integer or out of range")
    if not 0 <= index < count:
        raise CommandError(f"ERR DB number should be between 0 and {count - 1}")
    return lambda session: session.db == index


def _by_host(ctx: Context, raw: bytes) -> Filter:
    text = raw.decode("utf-8", "surrogateescape")
    return lambda session: session.address.rpartition(":")[0] == text


def _not(make: Callable[[Context, Any], Filter]) -> Callable[[Context, Any], Filter]:
    """The filter that accepts whom another one does not."""

    def negated(ctx: Context, value: Any) -> Filter:
        accepts = make(ctx, value)
        return lambda session: not accepts(session)

    return negated


_NEWER: Final[dict[str, Callable[[Context, Any], Filter]]] = {
    "NAME": _by_name, "IDLE": _by_idle, "FLAGS": _by_flags, "LIB-NAME": _by_library,
    "LIB-VER": _by_library_version, "DB": _by_database, "CAPA": _by_capability, "IP": _by_host,
}
_NEGATED: Final[dict[str, Callable[[Context, Any], Filter]]] = {
    **{name: make for name, make in _NEWER.items() if name != "IDLE"}, "TYPE": _by_type,
    "USER": _by_user, "ADDR": by_address, "LADDR": _by_own_address,
}
_SINCE_9: Final = {"valkey": "9.0.0"}


class FilterOptions(Options, at_least=1):
    """Which sessions are meant; of the same filter the last counts."""

    filters: Annotated[Sequence[tuple[str, Filter]], OneOf(
        ID=Values(_Ids(), make=_by_id).since("2.8.12"),
        TYPE=Values(Raw, make=_by_type).since("2.8.12"),
        USER=Values(Raw, make=_by_user), ADDR=Values(Raw, make=by_address),
        LADDR=Values(Raw, make=_by_own_address).since("6.2.0"),
        MAXAGE=Values(Raw, make=_by_age).since({"redis": "7.4.0", "valkey": "8.0.0"}), many=True,
        **{name: Values(Raw, make=make).since(_SINCE_9) for name, make in _NEWER.items()},
        **{
            f"NOT-{name}": Values(Raw, make=_not(make)).since(_SINCE_9)
            for name, make in _NEGATED.items()
        },
        **{"NOT-ID": Values(_Ids(), make=_not(_by_id)).since(_SINCE_9)},
    )] = ()
    spare_me: Annotated[str, Option("SKIPME", OneOf(YES=Token, NO=Token))] = ""

    def chosen(self, ctx: Context, spare_me: str) -> list[Session]:
        """The sessions that pass all filters, with or without the one that asks."""
        filters = dict(self.filters).values()
        spares = (self.spare_me or spare_me) == "YES"
        return [
            session for session in list(ctx.server.sessions.values())
            if not session.closed and not (spares and session is ctx.session)
            and all(accepts(session) for accepts in filters)
        ]
