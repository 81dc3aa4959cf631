"""Every command is declared once; here is what is known of it.

``Group.command`` is the only door, for this package's own commands and for other people's.  A table
is resolved once for each profile, see `fakeredis.commands.catalogue`: the hot path compares no
versions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntFlag
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from fakeredis.engine.command.keys import KeySpec, follow
from fakeredis.engine.command.modules import MODULES, was_in_stack
from fakeredis.engine.command.syntax import (
    UNLIMITED,
    Args,
    Argument,
    Declared,
    NumKeys,
    OptionWords,
    Parse,
    Syntax,
)
from fakeredis.engine.core.profiles import Profile, Since
from fakeredis.engine.core.replies import PLAIN, Nulls, Shape, Shaper, wire_shape
from fakeredis.lazy import Lazy

if TYPE_CHECKING:
    from fakeredis.engine.command.interfaces import Running

Handler = Callable[..., Any]
KeysOf = Callable[[Args], list[bytes]]
AccessOf = Callable[[Args], str]
Effect = Callable[..., "Sequence[bytes] | None"]  # of context, key and event
Counterpart = Callable[[Args, Any], "tuple[Args, Callable[[Any], Any]]"]
H = TypeVar("H", bound=Handler)


class Flags(IntFlag):
    """What COMMAND INFO says of a command, under the same names in lower case."""

    WRITE = 1 << 0
    READONLY = 1 << 1
    DENYOOM = 1 << 2
    ADMIN = 1 << 3
    PUBSUB = 1 << 4
    NOSCRIPT = 1 << 5
    BLOCKING = 1 << 6
    LOADING = 1 << 7
    STALE = 1 << 8
    SKIP_MONITOR = 1 << 9
    SKIP_SLOWLOG = 1 << 10
    ASKING = 1 << 11
    FAST = 1 << 12
    NO_AUTH = 1 << 13
    MAY_REPLICATE = 1 << 14
    NO_MULTI = 1 << 15
    MOVABLEKEYS = 1 << 16
    ALLOW_BUSY = 1 << 17
    NO_ASYNC_LOADING = 1 << 18
    NO_MANDATORY_KEYS = 1 << 19
    TOUCHES_ARBITRARY_KEYS = 1 << 20
    MODULE = 1 << 21


class OwnFlags(IntFlag):
    """What is to be known of a command besides, and no server tells; declared with the others."""

    # It must not take a client's short cut, because its replies or its effect belong to one
    # connection (SUBSCRIBE, MONITOR, QUIT ...).
    CONNECTION = 1 << 30
    # Transactions: it runs at once after MULTI; it begins, ends, or runs what is queued; it watches
    # keys, or ends that.
    UNQUEUED = 1 << 31
    BEGINS_QUEUE = 1 << 32
    ENDS_QUEUE = 1 << 33
    RUNS_QUEUE = 1 << 34
    WATCHES = 1 << 35
    UNWATCHES = 1 << 36
    # RESP2 sessions may use it while they listen to channels.
    WHILE_SUBSCRIBED = 1 << 37
    # It is replied to, whatever CLIENT REPLY said before.
    HEARD = 1 << 38
    # It looks at keys without using them; it uses them even after CLIENT NO-TOUCH.
    NO_TOUCH = 1 << 39
    TOUCHES = 1 << 40
    # It is no write, and yet it publishes, or changes what replicas have; or what a store keeps.
    REPLICATES = 1 << 41
    KEPT = 1 << 42
    # Forwarded, it would change a server for everyone; it is said to each node of a cluster that
    # one connection leads to.
    SERVER_WIDE = 1 << 43
    EACH_NODE = 1 << 44
    # The reply begins with a key; it is by keys.
    KEY_IN_REPLY = 1 << 45
    REPLY_BY_KEY = 1 << 46
    # Habits: one call follows from the reply to another; no application needs it; keys that it
    # makes are meant to stay.
    SEQUENTIAL = 1 << 47
    HAZARD = 1 << 48
    LASTING = 1 << 49
    # It gives a key a TTL, and does nothing else.
    GIVES_TTL = 1 << 50
    # It reads a whole value, or an element of it, which another of its group writes back.
    READS_WHOLE = 1 << 51
    READS_ELEMENT = 1 << 52
    WRITES_BACK = 1 << 53
    # It changes the protocol, or ends the connection: no other is sent with it.
    ALONE = 1 << 54


# Plain numbers, since operators of enum members are Python calls.
WRITE, READONLY, DENYOOM, ADMIN, PUBSUB, NOSCRIPT, BLOCKING, LOADING, STALE = map(int, (
    Flags.WRITE, Flags.READONLY, Flags.DENYOOM, Flags.ADMIN, Flags.PUBSUB, Flags.NOSCRIPT,
    Flags.BLOCKING, Flags.LOADING, Flags.STALE,
))
FAST, NO_AUTH, NO_MULTI, MOVABLEKEYS, MODULE, MAY_REPLICATE, ALLOW_BUSY = map(int, (
    Flags.FAST, Flags.NO_AUTH, Flags.NO_MULTI, Flags.MOVABLEKEYS, Flags.MODULE,
    Flags.MAY_REPLICATE, Flags.ALLOW_BUSY,
))
SKIP_MONITOR, SKIP_SLOWLOG, ASKING, NO_ASYNC_LOADING, NO_MANDATORY_KEYS = map(int, (
    Flags.SKIP_MONITOR, Flags.SKIP_SLOWLOG, Flags.ASKING, Flags.NO_ASYNC_LOADING,
    Flags.NO_MANDATORY_KEYS,
))
TOUCHES_ARBITRARY_KEYS = int(Flags.TOUCHES_ARBITRARY_KEYS)
(
    CONNECTION, UNQUEUED, BEGINS_QUEUE, ENDS_QUEUE, RUNS_QUEUE, WATCHES, UNWATCHES,
    WHILE_SUBSCRIBED, HEARD, NO_TOUCH, TOUCHES, REPLICATES, KEPT, SERVER_WIDE, EACH_NODE,
    KEY_IN_REPLY, REPLY_BY_KEY, SEQUENTIAL, HAZARD, LASTING, GIVES_TTL, READS_WHOLE,
    READS_ELEMENT, WRITES_BACK, ALONE,
) = map(int, OwnFlags)

# ACL categories that a group implies; the others follow from the flags.
_GROUP_CATEGORY = {
    "string": "string", "hash": "hash", "list": "list", "set": "set", "sorted-set": "sortedset",
    "stream": "stream", "bitmap": "bitmap", "hyperloglog": "hyperloglog", "geo": "geo",
    "generic": "keyspace", "connection": "connection", "pubsub": "pubsub",
    "transactions": "transaction", "scripting": "scripting", "array": "array",
}


class Channels(NamedTuple):
    """The channels among a command's arguments: the first one, where it publishes, or all.

    Args:
        action: ``publish``, ``listen`` or ``leave``.
        kind: ``channels``, ``patterns`` or ``shard_channels``, as sessions keep them.
    """

    action: str
    kind: str = "channels"


def unchanged(reply: Any) -> Any:
    """What a `Counterpart` makes of a reply that is the same."""
    return reply


class Databases(NamedTuple):
    """Which databases a command has to do with.

    Args:
        positions: of the arguments that name one.
        word: the word behind which an argument names one.
        here: whether it is the selected one, too.
        every: whether it is all of them.
    """

    positions: tuple[int, ...] = ()
    word: bytes = b""
    here: bool = True
    every: bool = False

    def named(self, args: Sequence[bytes]) -> Iterator[bytes]:
        """The arguments that name databases, which may be no numbers."""
        for position in self.positions:
            yield from args[position : position + 1]
        if self.word:
            for word, value in pairwise(args):
                if word.upper() == self.word:
                    yield value


class Secrets(NamedTuple):
    """Users and passwords among a command's arguments, which MONITOR and the slow log do not show.

    Args:
        words: how many arguments are secret behind each of these words; without any, all are.
        start: where the words begin.
    """

    words: Mapping[bytes, int]
    start: int = 0


class Changed(NamedTuple):
    """A fact that is another one since a version."""

    since: Since
    now: int
    before: int

    def of(self, profile: Profile) -> int:
        """What it is for a server."""
        return self.now if profile.has(self.since) else self.before


@dataclass(frozen=True)
class Declaration:
    """One command as its group declares it: see `Group.command`."""

    name: str  # upper case; "CONFIG GET" for a subcommand
    handler: Handler | None  # None for a container that does nothing by itself
    arguments: tuple[Declared, ...]
    flags: int
    since: Since
    group: str
    arity: int | Changed | None = None
    acl: tuple[str, ...] | None = None
    shape: Shape = PLAIN
    keys: KeysOf | None = None
    key_positions: tuple[int, int, int] | None = None
    nulls: Nulls | None = None
    specs: tuple[KeySpec, ...] | None = None
    access: AccessOf | None = None
    form: str = ""
    same_as: str = ""
    channels: Channels | None = None
    secrets: Secrets | None = None
    runs: str = ""
    effect: Effect | None = None
    counterpart: Counterpart | None = None
    varies: str = ""
    tips: str = ""
    batch_form: str = ""
    batch_of_key: str = ""
    expiring_form: str = ""
    score_bounds: int = 0
    legacy_arity: str = ""
    names: str = ""
    module: str = ""
    flags_since: tuple[int, Since] | None = None
    databases: Databases | None = None

    @property
    def options(self) -> type[OptionWords] | None:
        """The class that its options are declared as, if any."""
        return next((item for item in self.arguments if isinstance(item, type)), None)

    @property
    def full_form(self) -> str:
        """The form, in which ``{}`` stands for the options that are declared."""
        options = self.options
        if options is None:
            return self.form
        return (self.form or self._plain_form()).replace("{}", f"{{{options.form()}}}")

    def _plain_form(self) -> str:
        """The form of positional arguments and options."""
        words = ["#key*" if isinstance(item, NumKeys) else "key" if item.is_key else "value"
                 for item in self.arguments if isinstance(item, Argument | NumKeys)]
        return " ".join([*words, "{}"])

    def categories(self) -> frozenset[str]:
        """The ACL categories, without their ``@``."""
        if self.acl is not None:
            return frozenset(self.acl)
        flags, names = self.flags, set()
        for flag, name in (
            (WRITE, "write"), (READONLY, "read"), (BLOCKING, "blocking"), (PUBSUB, "pubsub"),
            (ADMIN, "admin"), (ADMIN, "dangerous"),
        ):
            if flags & flag:
                names.add(name)
        names.add("fast" if flags & FAST else "slow")
        if self.group in _GROUP_CATEGORY:
            names.add(_GROUP_CATEGORY[self.group])
        return frozenset(names)


def in_capitals(declaration: Declaration) -> bool:
    """Whether the server shows a command's name in capitals, as some modules do."""
    known = MODULES.get(declaration.module)
    return bool(declaration.flags & Flags.MODULE) and (known is None or known.in_capitals)


class Command:
    """A command of one profile, resolved for the dispatcher."""

    __slots__ = (
        "name", "handler", "parse", "low", "high", "flags", "resp2", "resp3", "wire", "group",
        "declaration", "syntax", "subcommands", "arity", "parts", "label", "null", "_specs",
    )

    def __init__(
        self, declaration: Declaration, profile: Profile, for_bytes: bool = False
    ) -> None:
        self.declaration = declaration
        self.name = declaration.name
        self.parts = [part.encode() for part in self.name.split(" ")]
        self.group = declaration.group
        self.flags = declaration.flags
        if declaration.flags_since is not None:
            more, introduced = declaration.flags_since
            self.flags |= more if profile.has(introduced) else 0
        label = self.name.replace(" ", "|")  # as in error texts
        self.label = label if in_capitals(declaration) else label.lower()
        self.handler: Handler = declaration.handler or _no_handler
        self.resp2: Shaper | None
        self.resp3: Shaper | None
        self.null: Any = None  # what a wait that times out replies
        shape = declaration.shape
        if for_bytes:
            shape = wire_shape(shape)
            self._keep_nulls(declaration.nulls)
        if type(self.handler) is Lazy:
            self.handler = self._loading(self.handler)
        self.resp2, self.resp3, self.wire = shape
        self.syntax = Syntax(declaration.arguments, profile)
        self.parse: Parse | None = self.syntax.parser()
        self.subcommands: dict[bytes, Command] | None = None
        self._specs: tuple[KeySpec, ...] | None = None
        arity = declaration.arity
        self._bounds(arity.of(profile) if isinstance(arity, Changed) else arity)

    def _keep_nulls(self, nulls: Nulls | None) -> None:
        """Wrap the handler, so that its reply tells RESP2's two nulls apart."""
        if nulls is None:
            return
        plain, keep = self.handler, nulls

        def handler(ctx: Running, *args: Any) -> Any:
            return keep(ctx.args, plain(ctx, *args))

        self.handler = handler
        if self.flags & BLOCKING:
            self.null = keep((), None)

    def _loading(self, late: Lazy) -> Handler:
        """A handler for the first call, after which the one that it imports stands in its place."""

        def handler(ctx: Running, *args: Any) -> Any:
            self.handler = found = late.load()
            return found(ctx, *args)

        return handler

    def _bounds(self, arity: int | None) -> None:
        """Arity as COMMAND INFO counts it (with the name; a subcommand's counts both words)."""
        words = len(self.parts)
        low, high = self.syntax.low, self.syntax.high
        if arity is None:
            arity = -(low + words) if high != low else low + words
        elif arity < 0:
            high = UNLIMITED
        self.arity = arity
        self.low = abs(arity) - words
        self.high = high if arity < 0 else self.low

    def accepts(self, count: int) -> bool:
        """Whether the arity allows so many arguments, the name's words left out.

        Those beyond `high` are refused when the command runs, which in MULTI is later.
        """
        return count == self.low if self.arity >= 0 else count >= -self.arity - len(self.parts)

    def keys(self, args: Args) -> list[bytes]:
        """The keys among ``args`` (the name's words left out)."""
        declared = self.declaration
        if declared.keys is not None:
            return declared.keys(args)
        if declared.specs is not None:
            argv = (*self.parts, *args)
            return [argv[at] for spec in declared.specs for at in spec.positions(argv, True)]
        syntax = self.syntax
        if syntax.numkeys is not None:
            return self._counted_keys(args, syntax.numkeys)
        first, last, step = syntax.first_key, syntax.last_key, syntax.key_step
        if first == 0:
            return []
        end = len(args) if last < 0 else last
        return list(args[first - 1 : end : step])

    def _counted_keys(self, args: Args, numkeys: NumKeys) -> list[bytes]:
        syntax = self.syntax
        before = [args[at] for at, item in enumerate(syntax.positional) if item.is_key]
        return before + numkeys.take(args, len(syntax.positional))[0]

    @property
    def default_access(self) -> str:
        """What it does to keys of which it says nothing else."""
        return "RO access" if self.flags & READONLY else "RW access update"

    @property
    def specs(self) -> tuple[KeySpec, ...]:
        """Its key specifications, as in COMMAND INFO."""
        if self._specs is None:
            declared = self.declaration.specs
            self._specs = tuple(follow(self)) if declared is None else declared
        return self._specs

    def key_positions(self) -> tuple[int, int, int]:
        """First key, last key and step as COMMAND INFO gives them."""
        declared = self.declaration
        if declared.key_positions is not None:
            return declared.key_positions
        if declared.specs is not None:
            return next((spec.range for spec in declared.specs), (0, 0, 0))
        syntax = self.syntax
        if syntax.first_key == 0:
            return 0, 0, 0
        shift = len(self.parts) - 1
        last = syntax.last_key if syntax.last_key < 0 else syntax.last_key + shift
        return syntax.first_key + shift, last, syntax.key_step

    def __repr__(self) -> str:
        return f"<Command {self.name}>"


def _no_handler(ctx: Running, *args: Any) -> Any:
    raise AssertionError("a container command is answered by the dispatcher")


def _access(arguments: tuple[Declared, ...]) -> AccessOf | None:
    """What is done to the key by the options, where these say it."""
    options = next((item for item in arguments if isinstance(item, type)), None)
    found = None if options is None else options.access()
    if found is None:
        return None
    access, before = found, len(arguments) - 1
    return lambda args: access(args[before:])


# All commands that any group has declared, the first of each name, and the names of those that have
# subcommands.
DECLARED: dict[str, Declaration] = {}
CONTAINERS: set[str] = set()


@dataclass
class Group:
    """A group of commands, such as Redis's "string"; also for third parties' own.

    Args:
        module: the module that the commands are of, see `fakeredis.engine.command.modules`.
    """

    name: str
    module: str = ""
    declarations: dict[str, Declaration] = field(default_factory=dict)

    def command(
        self,
        name: str,
        *arguments: Declared,
        flags: int = 0,
        since: Since = "1.0.0",
        arity: int | Changed | None = None,
        acl: Iterable[str] | None = None,
        reply: Shape = PLAIN,
        keys: KeysOf | None = None,
        key_positions: tuple[int, int, int] | None = None,
        nulls: Nulls | None = None,
        specs: Iterable[KeySpec] | None = None,
        access: AccessOf | None = None,
        form: str = "",
        same_as: str = "",
        channels: Channels | None = None,
        secrets: Secrets | None = None,
        runs: str = "",
        effect: Effect | None = None,
        counterpart: Counterpart | None = None,
        varies: str = "",
        tips: str = "",
        batch_form: str = "",
        batch_of_key: str = "",
        expiring_form: str = "",
        score_bounds: int = 0,
        legacy_arity: str = "",
        names: str = "",
        flags_since: tuple[int, Since] | None = None,
        databases: Databases | None = None,
    ) -> Callable[[H], H]:
        """Declare a command; decorates its handler.

        Args:
            name: upper case; two words for a subcommand (``"CONFIG GET"``).
            arguments: see `fakeredis.engine.command.syntax`.
            flags: COMMAND INFO's flags.
            since: the version that introduced it, by server type where these differ.
            arity: only where the server's own does not follow from the arguments; `Changed` where
                it is another one in newer versions.
            acl: all ACL categories, only where they do not follow from group and flags.
            reply: how RESP2 and RESP3 differ.
            keys: a function from the arguments to the keys, where the declaration cannot say it.
            key_positions: first, last, step of COMMAND INFO, where they do not follow.
            nulls: which nulls are RESP2's null arrays, where these are not null bulk strings;
                usually `fakeredis.engine.core.replies.null_array`.
            specs: the key specifications, where they do not follow from the arguments.
            access: what the command does to its key in one call, where that depends on the call.
            form: which arguments are options, and where order means nothing: see
                `fakeredis.engine.command.form`. ``{}`` in it stands for a declared class of
                Options; it need not be said where these follow plain arguments.
            same_as: another command, and the arguments that it has besides, with which it is the
                same (``"INCRBY 1"`` for INCR).
            channels: which of the arguments are channels.
            secrets: which of them nobody is shown.
            runs: what its first argument is, where it runs that: ``source``, ``sha1`` or
                ``function``.
            effect: makes, of a context, a key and an event, what changes that key alone as the
                running command did; None where nothing does.
            counterpart: makes, of a call and its reply, what has the same effect on another
                server, and a function from that one's reply to what this command replies there;
                for commands whose effect is left to chance or to the server.
            varies: how replies to the same data may differ: ``always`` (they are about the server,
                the moment, or by chance), in ``number`` only of what was chosen by chance, in
                ``order``, in the order of ``pairs`` or of ``inner`` lists, by a ``second`` or (in
                milliseconds) by ``milliseconds``.
            tips: those of COMMAND INFO, for clients of clusters.
            batch_form: the command or form that does the same for many keys at once.
            batch_of_key: the same for many elements of one key.
            expiring_form: the form that sets a TTL in the same step.
            score_bounds: where two bounds of scores stand behind the handler's context, if any.
            legacy_arity: the name in older servers' own error for a wrong number of arguments.
            names: what COMMAND DOCS calls the arguments, where these are not keys and options
                alone: see `fakeredis.engine.command.shown`.
            flags_since: flags that it has besides, and from which version on.
            databases: which databases it has to do with, where that is not just the selected one.

        Raises:
            ValueError: the name is taken in this group.
        """
        if access is None:
            access = _access(arguments)

        def declare(handler: H) -> H:
            self._add(Declaration(
                name, handler, arguments, int(flags), since, self.name, arity,
                None if acl is None else tuple(acl), reply, keys, key_positions, nulls,
                None if specs is None else tuple(specs), access, form, same_as, channels, secrets,
                runs, effect, counterpart, varies, tips, batch_form, batch_of_key, expiring_form,
                score_bounds, legacy_arity, names, self.module, flags_since, databases,
            ))
            return handler

        return declare

    def container(
        self, name: str, since: Since = "1.0.0", acl: Iterable[str] = ("slow",), flags: int = 0,
        arity: int = -2,
    ) -> None:
        """Declare a command that only has subcommands."""
        self._add(Declaration(
            name, None, (), int(flags), since, self.name, arity, acl=tuple(acl),
            module=self.module,
        ))

    def _add(self, declaration: Declaration) -> None:
        if declaration.name in self.declarations:
            raise ValueError(f"command {declaration.name} is declared twice in group {self.name}")
        self.declarations[declaration.name] = declaration
        DECLARED.setdefault(declaration.name, declaration)
        container, space, _ = declaration.name.partition(" ")
        if space:
            CONTAINERS.add(container)


class Table:
    """All commands of one profile, found by any spelling of their names.

    Args:
        for_bytes: replies keep what only those who write the protocol's bytes need to know.
        adapt: changes each command into what the profile's server makes of it.
        asked: modules that the server has though others of its profile have not.
    """

    __slots__ = ("profile", "by_name", "plain", "groups", "modules", "queue_runner")
    queue_runner: Command  # EXEC

    def __init__(
        self, profile: Profile, groups: Iterable[Group], for_bytes: bool = False,
        adapt: Callable[[Command], None] | None = None, asked: Iterable[str] = (),
    ) -> None:
        self.profile = profile
        self.modules: list[str] = []  # those that have a command here
        self.by_name: dict[bytes, Command] = {}  # b"GET", b"get", b"CONFIG" ...
        self.plain: dict[str, Command] = {}  # "GET", "CONFIG GET": what may take the short cut
        self.groups: set[str] = set()  # names of those that have a command here
        subcommands: list[Command] = []
        for group in groups:
            for declaration in group.declarations.values():
                if not (profile.has(declaration.since) or (
                    group.module in asked and was_in_stack(declaration.since)
                )):
                    continue
                command = Command(declaration, profile, for_bytes)
                if adapt is not None:
                    adapt(command)
                self._add(command, subcommands)
        for command in subcommands:
            self._attach(command)

    def _add(self, command: Command, subcommands: list[Command]) -> None:
        self.groups.add(command.group)
        module = command.declaration.module
        if module and module not in self.modules:
            self.modules.append(module)
        if command.flags & RUNS_QUEUE:
            self.queue_runner = command
        if not command.flags & (CONNECTION | BLOCKING):
            self.plain[command.name] = command
        if len(command.parts) > 1:
            subcommands.append(command)
            return
        if command.parts[0] in self.by_name:
            raise ValueError(f"command {command.name} is declared by two groups")
        self.by_name[command.parts[0]] = command
        self.by_name[command.parts[0].lower()] = command

    def _attach(self, command: Command) -> None:
        container = self.by_name[command.parts[0]]
        self.plain.pop(container.name, None)
        if container.subcommands is None:
            container.subcommands = {}
        container.subcommands[command.parts[1]] = command
        container.subcommands[command.parts[1].lower()] = command

    def find(self, name: bytes) -> Command | None:
        """The command or container of that name, in any case."""
        return self.by_name.get(name) or self.by_name.get(name.upper())

    def commands(self) -> list[Command]:
        """Every command once, containers included, subcommands not."""
        return list({id(command): command for command in self.by_name.values()}.values())

    def all(self) -> list[Command]:
        """Every command once, subcommands too."""
        commands = self.commands()
        for container in list(commands):
            commands += dict.fromkeys((container.subcommands or {}).values())
        return commands
