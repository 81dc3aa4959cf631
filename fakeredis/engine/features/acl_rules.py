"""What users may do: the rules of ACL SETUSER, and whether a command is within them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fakeredis.datatypes.glob import matcher
from fakeredis.engine.command import info
from fakeredis.engine.command.command import (
    NO_AUTH,
    READONLY,
    WRITE,
    Channels,
    Command,
    Databases,
    Table,
)
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.core.session import Session

_READ, _WRITE = 1, 2
_WRITING: Final = {"insert", "update", "delete"}
_DATA: Final = frozenset([b"~", b"%", b"&", b">", b"<", b"#", b"!", b"("])
_HASH: Final = re.compile(rb"[0-9a-f]{64}").fullmatch
_KEY_RULE: Final = re.compile(rb"%([RWrw]*)(~(.*))?", re.DOTALL).fullmatch
UNKNOWN_NAME: Final = "Unknown command or category name in ACL"
SYNTAX: Final = "Syntax error"
NO_FIRST_ARG: Final = "Allowing first-arg of a subcommand is not supported"
AFTER_ALL: Final = (
    "Adding a pattern after the * pattern (or the '%s' flag) is not valid and does not have any "
    "effect. Try '%s' to start with an empty list of %s"
)
BAD_HASH: Final = (
    "The password hash must be exactly 64 characters and contain only lowercase hexadecimal "
    "characters"
)
NO_SUCH_PASSWORD: Final = "The password you are trying to remove from the user does not exist"
BAD_RULE: Final = "ERR Error in ACL SETUSER modifier '%s': %s"
UNMATCHED: Final = "ERR Unmatched parenthesis in acl selector starting at '%s'."


class RuleError(Exception):
    """A rule that makes no sense; the text says why."""


class Denial(NamedTuple):
    """Why a command may not run; the greatest of several selectors' is told."""

    reason: int  # a key of REASONS
    position: int  # of the key or channel
    object: str  # the command, key or channel

    def text(self, user: str) -> str:
        """The error's words."""
        if self.reason == _COMMAND:
            return f"User {user} has no permissions to run the '{self.object}' command"
        if self.reason == _DATABASE:
            return "No permissions to access database"
        return f"No permissions to access a {REASONS[self.reason]}"

    def dry_text(self, user: str) -> str:
        """ACL DRYRUN's words, which name the key."""
        if self.reason == _COMMAND:
            return self.text(user)
        if self.reason == _DATABASE:
            return f"User {user} has no permissions to access database {self.object}"
        what = REASONS[self.reason]
        return f"User {user} has no permissions to access the '{self.object}' {what}"


_DATABASE, _COMMAND, _KEY, _CHANNEL = 0, 1, 2, 4
REASONS: Final = {
    _DATABASE: "database", _COMMAND: "command", _KEY: "key", _CHANNEL: "channel",
}
REASONS_AT_EXEC: Final = {
    _DATABASE: "no permission",
    _COMMAND: "no permission to execute the command or subcommand",
    _KEY: "no permission to touch the specified keys",
    _CHANNEL: "no permission to access one of the channels used as arguments to the command",
}


def text(raw: bytes) -> str:
    """Bytes as text from which they can be got back."""
    return raw.decode("utf-8", "surrogateescape")


def raw(text: str) -> bytes:
    """The bytes of a text."""
    return text.encode("utf-8", "surrogateescape")


def categories(table: Table) -> tuple[str, ...]:
    """The categories of a server's commands, in its order."""
    newer = [name for name in info.NEWER_CATEGORIES if name in table.groups]
    return (*info.CATEGORIES, *newer)


class Selector:
    """One set of permissions: commands, keys, channels. A user has one or more."""

    __slots__ = (
        "table", "all_keys", "keys", "all_channels", "channels", "base", "rules", "allowed",
        "first_args", "databases",
    )

    def __init__(self, table: Table, all_channels: bool = False) -> None:
        self.table = table
        self.databases: list[int] | None = None  # all of them
        self.all_keys, self.all_channels = False, all_channels
        self.keys: dict[bytes, int] = {}  # patterns: what may be done to what matches
        self.channels: dict[bytes, None] = {}
        self.set_all(False)

    def __deepcopy__(self, memo: Any) -> Selector:
        twin = Selector(self.table, self.all_channels)
        twin.all_keys, twin.base = self.all_keys, self.base
        twin.databases = self.databases
        twin.keys, twin.channels = dict(self.keys), dict(self.channels)
        twin.rules, twin.allowed = list(self.rules), set(self.allowed)
        twin.first_args = {name: list(args) for name, args in self.first_args.items()}
        return twin

    def set_all(self, allow: bool) -> None:
        """Allow every command, or none."""
        self.base = b"+@all" if allow else b"-@all"
        self.rules: list[bytes] = []  # as they are shown, after the base
        self.allowed = {command.label for command in self.table.all()} if allow else set()
        self.first_args: dict[str, list[bytes]] = {}

    # Rules ----------------------------------------------------------------------------------

    def apply(self, rule: bytes) -> None:
        """Change the permissions by one rule.

        Raises:
            RuleError: the rule makes no sense.
        """
        word = _WORDS.get(rule.lower())
        if word is not None:
            word(self)
        elif self.table.profile.traits.allowed_databases and _of_databases(rule):
            self._set_databases(rule)
        elif rule[:1] in (b"~", b"%"):
            self._add_keys(rule)
        elif rule[:1] == b"&":
            self._add_channels(rule[1:])
        elif rule[:2] in (b"+@", b"-@"):
            self._set_category(rule)
        elif rule[:1] == b"+":
            self._allow(rule[1:].lower())
        elif rule[:1] == b"-":
            self._set_command(self._command(rule[1:].lower()), False)
            self._note(b"-", rule[1:].lower())
        else:
            raise RuleError(SYNTAX)

    def allow_all_keys(self) -> None:
        """The rule ``allkeys``."""
        self.all_keys, self.keys = True, {}

    def reset_keys(self) -> None:
        """The rule ``resetkeys``."""
        self.all_keys, self.keys = False, {}

    def allow_all_channels(self) -> None:
        """The rule ``allchannels``."""
        self.all_channels, self.channels = True, {}

    def reset_channels(self) -> None:
        """The rule ``resetchannels``."""
        self.all_channels, self.channels = False, {}

    def _set_databases(self, rule: bytes) -> None:
        word = rule.lower()
        if word in (b"alldbs", b"resetdbs"):
            self.databases = None if word == b"alldbs" else []
            return
        numbers = rule[3:].split(b",")
        if not all(map(_NUMBER, numbers)):
            raise RuleError(SYNTAX)
        found = set(map(int, numbers))
        if min(found) < 0 or max(found) >= 1 << 31:
            raise RuleError(BAD_DATABASE)
        self.databases = sorted(found)

    def _add_keys(self, rule: bytes) -> None:
        if self.all_keys:
            raise RuleError(AFTER_ALL % ("allkeys", "resetkeys", "patterns"))
        flags, pattern = _READ | _WRITE, rule[1:]
        if rule[:1] == b"%":
            found = _KEY_RULE(rule)
            letters = b"" if found is None else found[1].upper()
            if found is None or not letters or len(set(letters)) != len(letters):
                raise RuleError(SYNTAX)
            flags = (b"R" in letters and _READ) | (b"W" in letters and _WRITE)
            pattern = found[3] or b""
        _check_pattern(pattern)
        self.keys[pattern] = self.keys.get(pattern, 0) | flags

    def _add_channels(self, pattern: bytes) -> None:
        if self.all_channels:
            raise RuleError(AFTER_ALL % ("allchannels", "resetchannels", "channels"))
        _check_pattern(pattern)
        self.channels[pattern] = None

    def _command(self, name: bytes) -> Command:
        """The command or, with a ``|``, the subcommand of a name."""
        first, _, second = name.partition(b"|")
        command = self.table.find(first)
        if command is not None and second:
            command = (command.subcommands or {}).get(second)
        if command is None or (b"|" in name and not second):
            raise RuleError(UNKNOWN_NAME)
        return command

    def _allow(self, name: bytes) -> None:
        try:
            self._set_command(self._command(name), True)
        except RuleError:
            if b"|" not in name:
                raise
            self._allow_first_arg(*name.rsplit(b"|", 1))
        self._note(b"+", name)

    def _allow_first_arg(self, name: bytes, argument: bytes) -> None:
        command = self._command(name)
        if len(command.parts) > 1:
            raise RuleError(NO_FIRST_ARG)
        if not argument:
            raise RuleError(SYNTAX)
        if command.subcommands is not None:
            raise RuleError(UNKNOWN_NAME)
        arguments = self.first_args.setdefault(command.label, [])
        if argument not in arguments:
            arguments.append(argument)

    def _set_command(self, command: Command, allow: bool) -> None:
        """Allow or forbid a command with its subcommands."""
        change: Callable[[str], None] = self.allowed.add if allow else self.allowed.discard
        change(command.label)
        self.first_args.pop(command.label, None)
        for subcommand in (command.subcommands or {}).values():
            change(subcommand.label)

    def _set_category(self, rule: bytes) -> None:
        name, allow = rule[2:].lower(), rule[:1] == b"+"
        if name == b"all":
            self.set_all(allow)
            return
        if text(name) not in categories(self.table):
            raise RuleError(UNKNOWN_NAME)
        for command in self.table.commands():  # a container takes its subcommands along
            for one in (command, *(command.subcommands or {}).values()):
                if text(name) in one.declaration.categories():
                    self._set_command(one, allow)
        self._note(rule[:1], b"@" + name)

    def _note(self, sign: bytes, name: bytes) -> None:
        """Show a rule, and no longer those about the same command or its subcommands."""
        self.rules = [
            rule for rule in self.rules
            if rule[1:] != name and not rule[1:].startswith(name + b"|")
        ]
        self.rules.append(sign + name)

    # Texts ----------------------------------------------------------------------------------

    def commands_text(self) -> bytes:
        """The rules about commands."""
        return b" ".join([self.base, *self.rules])

    def keys_text(self) -> bytes:
        """The rules about keys."""
        if self.all_keys:
            return b"~*"
        signs = {_READ: b"%R~", _WRITE: b"%W~", _READ | _WRITE: b"~"}
        return b" ".join(signs[flags] + pattern for pattern, flags in self.keys.items())

    def channels_text(self) -> bytes:
        """The rules about channels."""
        if self.all_channels:
            return b"&*"
        return b" ".join(b"&" + pattern for pattern in self.channels)

    def databases_text(self) -> bytes:
        """The rule about databases; none where all of them are forbidden."""
        if self.databases is None:
            return b"alldbs"
        return b"db=" + b",".join(b"%d" % one for one in self.databases) if self.databases else b""

    def rules_text(self) -> bytes:
        """All rules, as ACL LIST shows them."""
        channels = self.channels_text()
        if not self.all_channels:
            channels = b" ".join(filter(None, (b"resetchannels", channels)))
        databases = b"" if self.databases is None else self.databases_text() or b"resetdbs"
        parts = (self.keys_text(), channels, databases, self.commands_text())
        return b" ".join(filter(None, parts))

    # Checks ---------------------------------------------------------------------------------

    def reads_all_keys(self, command: Command) -> bool:
        """Whether a command is allowed, and to read every key."""
        every = self.all_keys or self.keys.get(b"*", 0) & _READ
        return bool(every) and command.label in self.allowed

    def is_full(self) -> bool:
        """Whether everything is allowed."""
        return (
            self.all_keys and self.all_channels and self.databases is None
            and len(self.allowed) == len({command.label for command in self.table.all()})
        )

    def denial(self, call: _Call) -> Denial | None:
        """Why a call may not run; None when it may."""
        command = call.command
        if not self._allows(call):
            return Denial(_COMMAND, 0, command.label)
        if self.databases is not None:
            forbidden = self._forbidden_database(self.databases, call)
            if forbidden:
                return Denial(_DATABASE, 0, forbidden)
        if not self.all_keys:
            for position, (key, flags) in enumerate(call.keys()):
                if not self.allows_key(key, flags):
                    return Denial(_KEY, position, text(key))
        named = command.declaration.channels
        if not self.all_channels and named is not None and named.action != "leave":
            for position, channel in enumerate(call.channels(named)):
                if not self.allows_channel(channel, named.kind == "patterns"):
                    return Denial(_CHANNEL, position, text(channel))
        return None

    @staticmethod
    def _forbidden_database(allowed: Sequence[int], call: _Call) -> str:
        """The argument that names a forbidden database, or the command; empty where there is none.

        Only who has to do with data needs a database.
        """
        command = call.command
        declared = command.declaration
        which = declared.databases or _SELECTED
        for argument in which.named(call.args):
            if _NUMBER(argument) and int(argument) not in allowed:
                return text(argument)
        has_data = (
            command.flags & (READONLY | WRITE) or command.specs
            or "keyspace" in declared.categories()
        )
        fits = call.session.db in allowed and not which.every
        return "" if fits or not which.here or not has_data else text(command.parts[0]).lower()

    def _allows(self, call: _Call) -> bool:
        command = call.command
        if command.label in self.allowed or command.flags & NO_AUTH:
            return True
        arguments = self.first_args.get(command.label, ())
        return bool(call.args) and call.args[0].lower() in arguments

    def allows_key(self, key: bytes, flags: int) -> bool:
        """Whether a key may be read or written or, with neither of the two, touched."""
        return any(
            flags & allowed == flags and matcher(pattern)(key)
            for pattern, allowed in self.keys.items()
        )

    def allows_channel(self, channel: bytes, is_pattern: bool) -> bool:
        """Whether a channel may be used; a pattern must be literally the one that is allowed."""
        if self.all_channels or (is_pattern and channel in self.channels):
            return True
        return not is_pattern and any(matcher(pattern)(channel) for pattern in self.channels)


_NUMBER: Final = re.compile(rb"-?[0-9]+").fullmatch
BAD_DATABASE: Final = "The provided database ID is out of range"
_SELECTED: Final = Databases()


def _of_databases(rule: bytes) -> bool:
    word = rule.lower()
    return word in (b"alldbs", b"resetdbs") or word.startswith(b"db=")


def _check_pattern(pattern: bytes) -> None:
    if re.search(rb"[\s\0]", pattern):
        raise RuleError(SYNTAX)


_WORDS: Final[dict[bytes, Callable[[Selector], None]]] = {
    b"allkeys": Selector.allow_all_keys, b"~*": Selector.allow_all_keys,
    b"resetkeys": Selector.reset_keys,
    b"allchannels": Selector.allow_all_channels, b"&*": Selector.allow_all_channels,
    b"resetchannels": Selector.reset_channels,
    b"allcommands": lambda selector: selector.set_all(True),
    b"nocommands": lambda selector: selector.set_all(False),
}


class _Call:
    """A command with its arguments; its keys are looked for once, if at all."""

    __slots__ = ("command", "args", "session", "_keys")

    def __init__(self, command: Command, args: Sequence[bytes], session: Session) -> None:
        self.command, self.args, self.session = command, args, session
        self._keys: list[tuple[bytes, int]] | None = None

    def keys(self) -> list[tuple[bytes, int]]:
        if self._keys is None:
            session = self.session
            queued = session.collected is not None and session.via != "script"
            passed = queued and session.server.traits.keeps_keys_of_queue
            self._keys = [] if passed else list(_keys_of(self.command, self.args))
        return self._keys

    def channels(self, named: Channels) -> Sequence[bytes]:
        return self.args[:1] if named.action == "publish" else self.args


def _keys_of(command: Command, args: Sequence[bytes]) -> Iterator[tuple[bytes, int]]:
    """The keys of a call, and which permissions each needs."""
    try:
        found = info.keys_with_flags(command, [*command.parts, *args])
    except CommandError:  # no keys, or words that will be refused anyway
        return
    for key, flags in found:
        yield key, ("access" in flags and _READ) | (bool(_WRITING & set(flags)) and _WRITE)


def rule_as_read(rule: bytes) -> bytes:
    """A rule as the server reads it: words end at a zero byte, patterns and passwords do not."""
    return rule if rule[:1] in _DATA else rule.partition(b"\0")[0] or rule


class User:
    """A user: passwords, and one or more selectors of which one must allow a command."""

    __slots__ = ("name", "table", "on", "no_password", "sanitize", "passwords", "selectors", "open")

    def __init__(self, name: str, table: Table, all_channels: bool = False) -> None:
        self.name, self.table = name, table
        self.on = self.no_password = False
        self.open = all_channels  # what ``reset`` does to channels
        self.sanitize = True
        self.passwords: dict[bytes, None] = {}  # SHA256, in hexadecimal digits
        self.selectors = [Selector(table, all_channels)]

    def __deepcopy__(self, memo: Any) -> User:
        twin = User(self.name, self.table, self.open)
        twin.on, twin.no_password, twin.sanitize = self.on, self.no_password, self.sanitize
        twin.passwords = dict(self.passwords)
        twin.selectors = deepcopy(self.selectors)
        return twin

    @property
    def needs_no_password(self) -> bool:
        """Whether sessions may act as this user without saying so."""
        return self.on and self.no_password

    def accepts(self, password: bytes) -> bool:
        """Whether this password lets somebody in."""
        return self.on and (self.no_password or _hashed(password) in self.passwords)

    def set_password(self, password: str) -> None:
        """Only this password, or none if it is empty (``requirepass``)."""
        self.passwords = {_hashed(raw(password)): None} if password else {}
        self.no_password = not password

    def apply(self, rule: bytes) -> None:
        """Change the user by one rule.

        Raises:
            RuleError: the rule makes no sense.
        """
        word = rule.lower()
        if word in (b"on", b"off"):
            self.on = word == b"on"
        elif word in (b"nopass", b"resetpass"):
            self.no_password, self.passwords = word == b"nopass", {}
        elif word in (b"sanitize-payload", b"skip-sanitize-payload"):
            self.sanitize = word == b"sanitize-payload"
        elif rule[:1] in (b">", b"#", b"<", b"!"):
            self._change_password(rule)
        elif rule[:1] == b"(" and rule[-1:] == b")":
            self._add_selector(rule[1:-1])
        elif word == b"clearselectors":
            del self.selectors[1:]
        elif word == b"reset":
            self._reset()
        elif rule:
            self.selectors[0].apply(rule)

    def _reset(self) -> None:
        self.on = self.no_password = False
        self.sanitize, self.passwords = True, {}
        self.selectors = [Selector(self.table, self.open)]

    def _change_password(self, rule: bytes) -> None:
        sign, hashed = rule[:1], rule[1:]
        if sign in (b">", b"<"):
            hashed = _hashed(hashed)
        elif not _HASH(hashed):
            raise RuleError(BAD_HASH)
        if sign in (b">", b"#"):
            self.passwords[hashed] = None
            self.no_password = False
        elif hashed in self.passwords:
            del self.passwords[hashed]
        else:
            raise RuleError(NO_SUCH_PASSWORD)

    def _add_selector(self, rules: bytes) -> None:
        selector = Selector(self.table, self.open)
        for rule in rules.split():
            selector.apply(rule_as_read(rule))
        self.selectors.append(selector)

    # Facts ----------------------------------------------------------------------------------

    def flags(self) -> list[bytes]:
        """The first words of the user's description."""
        return [
            b"on" if self.on else b"off", *([b"nopass"] if self.no_password else []),
            *([] if not self.table.profile.traits.payload_flags else
              [b"sanitize-payload" if self.sanitize else b"skip-sanitize-payload"]),
        ]

    def line(self) -> bytes:
        """The user as ACL LIST shows it."""
        root, *others = self.selectors
        return b" ".join([
            b"user", raw(self.name), *self.flags(),
            *(b"#" + password for password in self.passwords), root.rules_text(),
            *(b"(%s)" % selector.rules_text() for selector in others),
        ])

    def denial(
        self, command: Command, args: Sequence[bytes], session: Session
    ) -> Denial | None:
        """Why this user may not run a command; None when one of the selectors lets it pass."""
        call, found = _Call(command, args, session), []
        for selector in self.selectors:
            denial = selector.denial(call)
            if denial is None:
                return None
            found.append(denial)
        return max(found, key=lambda denial: denial[:2])

    def may_read(self, key: bytes) -> bool:
        """Whether any selector lets a key be read."""
        return any(one.all_keys or one.allows_key(key, _READ) for one in self.selectors)

    def may_listen(self, session: Session) -> bool:
        """Whether this user might still subscribe to everything that a session listens to."""
        names = [(name, False) for name in (*session.channels, *session.shard_channels)]
        names += [(name, True) for name in session.patterns]
        return all(
            any(selector.allows_channel(*name) for selector in self.selectors) for name in names
        )


def _hashed(password: bytes) -> bytes:
    return hashlib.sha256(password).hexdigest().encode()


def merged(rules: Sequence[bytes]) -> list[bytes]:
    """The rules with each selector as one word, though it was given in several.

    Raises:
        CommandError: a parenthesis is not closed.
    """
    found: list[bytes] = []
    at = 0
    while at < len(rules):
        rule, start = rules[at], at
        if rule[:1] == b"(":
            while rule[-1:] != b")":
                at += 1
                if at == len(rules):
                    raise CommandError(UNMATCHED % text(rules[start]))
                rule += b" " + rules[at]
        found.append(rule)
        at += 1
    return found
