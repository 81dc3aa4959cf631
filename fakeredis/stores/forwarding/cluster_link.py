"""Links to a cluster: each command goes to the node that serves its keys."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.core.replies import OK, QUEUED, Push
from fakeredis.errors import CommandError
from fakeredis.stores.forwarding.link import Link, Restore, ends_listening, is_message
from fakeredis.stores.forwarding.resp_link import RespLink
from fakeredis.stores.forwarding.rules import REFUSED

if TYPE_CHECKING:
    from fakeredis.stores.forwarding.redis import RedisStore

Address = tuple[str, int]
Argv = Sequence[bytes]

_REDIRECTIONS: Final = 16  # that one command may meet
_PAUSE: Final = 0.0005  # seconds between looks at several links
_TO_ALL: Final = frozenset({
    "FLUSHALL", "FLUSHDB", "SCRIPT LOAD", "FUNCTION LOAD", "SCRIPT FLUSH", "FUNCTION FLUSH",
    "FUNCTION DELETE", "FUNCTION RESTORE", "CONFIG SET", "CONFIG RESETSTAT",
})  # fmt: skip
# What makes a connection what it is: said to each node when it is first needed.
_OF_CONNECTION: Final = frozenset({
    "HELLO", "CLIENT SETNAME", "CLIENT SETINFO", "CLIENT TRACKING", "CLIENT NO-EVICT",
    "CLIENT NO-TOUCH", "READONLY", "READWRITE", "RESET",
})  # fmt: skip
_LISTENING: Final = frozenset({
    "SUBSCRIBE", "PSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SSUBSCRIBE", "SUNSUBSCRIBE",
})  # fmt: skip


def slots(link: RespLink) -> list[tuple[int, int, Address]]:
    """First and last slot and the master of each range.

    Raises:
        StoreError: the server is no node of a cluster.
    """
    found: list[tuple[int, int, Address]] = []
    for first, last, master, *_ in link.ask(b"CLUSTER", b"SLOTS"):
        host = master[0].decode() if master[0] else link.connection.host
        found.append((first, last, (host, int(master[1]))))
    return found


def masters(link: RespLink) -> list[Address]:
    """Where a cluster's masters are."""
    return sorted({address for _, _, address in slots(link)})


class _Entry:
    """A command whose replies have not all come."""

    __slots__ = ("argv", "wanted", "replies", "combine", "redirected")

    def __init__(
        self, argv: Argv, wanted: int = 1, combine: Callable[[list[Any]], Any] | None = None
    ) -> None:
        self.argv = argv
        self.wanted = wanted
        self.replies: list[Any] = []
        self.combine = combine or _last
        self.redirected = 0


class ClusterLink(Link):
    """A link to all nodes of a cluster, each connected when it is first needed."""

    def __init__(self, store: RedisStore, typed: bool) -> None:
        self.store = store
        self.typed = typed
        self.protocol = 2
        self._nodes: dict[Address, RespLink] = {}
        self._order: dict[Address, deque[_Entry | None]] = {}  # whose each node's replies are
        self._entries: deque[_Entry] = deque()
        self._said: dict[str, Argv] = {}  # for nodes that are yet to be connected
        self._queue: list[Argv] | None = None  # after MULTI
        self._pinned: Address | None = None  # the node of WATCH
        self._listens: set[Address] = set()
        self._masters: list[Address] = []
        self._ranges: list[tuple[int, int, Address]] = []
        self._learn()

    def translate(self, command: Any, argv: Argv) -> tuple[Argv, Restore]:
        """See `Link.translate`."""
        return self.store.rules.translate(command, argv)

    def heard(self, message: list[Any]) -> list[Any] | None:
        """See `Link.heard`."""
        return self.store.rules.heard(message)

    # Nodes ------------------------------------------------------------------------------------

    def _learn(self) -> None:
        """Ask who serves which slots."""
        with RespLink(self.store.open()) as link:
            self._ranges = slots(link)
        self._masters = sorted({address for _, _, address in self._ranges})
        if not self._masters:
            raise ConnectionError(f"nobody serves the slots of {self.store.name}")

    def _node(self, address: Address) -> RespLink:
        node = self._nodes.get(address)
        if node is None:
            node = self._nodes[address] = RespLink(self.store.open(address), self.typed)
            self._order[address] = deque()
            said = [*self._said.values()]
            if said:
                self._order[address] += [None] * len(said)
                node.send(said)
        return node

    def _master_of(self, key: bytes) -> Address:
        from fakeredis.engine.cluster.cluster import slot_of

        slot = slot_of(key)
        for first, last, address in self._ranges:
            if first <= slot <= last:
                return address
        return self._masters[0]

    # Sending ----------------------------------------------------------------------------------

    def send(self, batch: Sequence[Argv]) -> None:
        """See `Link.send`."""
        waiting: dict[Address, list[Argv]] = {}
        for argv in batch:
            self._route(argv, waiting)
        for address, commands in waiting.items():
            self._node(address).send(commands)

    def _route(self, argv: Argv, waiting: dict[Address, list[Argv]]) -> None:
        command = _command(argv)
        name = command.name if command is not None else ""
        if self._listens and self.protocol == 2 and name not in _LISTENING:
            self._pass(argv, next(iter(self._listens)), waiting)
        elif name in ("MULTI", "EXEC", "DISCARD") or self._queue is not None:
            self._transact(name, command, argv, waiting)
        elif name in _LISTENING:
            self._listen(name, argv, waiting)
        elif name in _OF_CONNECTION:
            self._tell_all(name, argv, waiting)
        elif name == "SCAN":
            self._scan(argv, waiting)
        else:
            self._plain(name, command, argv, waiting)

    def _plain(
        self, name: str, command: Any, argv: Argv, waiting: dict[Address, list[Argv]]
    ) -> None:
        combine = _combination(name, argv)
        if combine is not None:
            self._spread(argv, combine, waiting)
            return
        keys = _keys(command, argv)
        address = self._master_of(keys[0]) if keys else self._pinned or self._masters[0]
        if name == "WATCH":
            self._pinned = address
        elif name == "UNWATCH":
            self._pinned = None
        self._pass(argv, address, waiting)

    def _pass(self, argv: Argv, address: Address, waiting: dict[Address, list[Argv]]) -> None:
        """A command for one node."""
        entry = _Entry(argv)
        self._entries.append(entry)
        self._post(entry, argv, address, waiting)

    def _post(
        self, entry: _Entry | None, argv: Argv, address: Address,
        waiting: dict[Address, list[Argv]],
    ) -> None:
        self._node(address)
        self._order[address].append(entry)
        waiting.setdefault(address, []).append(argv)

    def _spread(
        self, argv: Argv, combine: Callable[[list[Any]], Any],
        waiting: dict[Address, list[Argv]],
    ) -> None:
        """A command for all masters."""
        entry = _Entry(argv, len(self._masters), combine)
        self._entries.append(entry)
        for address in self._masters:
            self._post(entry, argv, address, waiting)

    def _tell_all(self, name: str, argv: Argv, waiting: dict[Address, list[Argv]]) -> None:
        """What concerns the connection: to the nodes that are connected, and to later ones."""
        if name == "RESET":
            self._said.clear()
            self._queue, self._pinned, self.protocol = None, None, 2
        else:
            # One of each kind: CLIENT SETINFO has two attributes.
            self._said[f"{name} {argv[2]!r}" if name == "CLIENT SETINFO" else name] = argv
        self._node(self._masters[0])
        entry = _Entry(argv, len(self._nodes), _first_error)
        self._entries.append(entry)
        for address in self._nodes:
            self._post(entry, argv, address, waiting)
        if name == "HELLO" and len(argv) > 1:
            self.protocol = 3 if argv[1] == b"3" else 2

    def _listen(self, name: str, argv: Argv, waiting: dict[Address, list[Argv]]) -> None:
        sharded = name[0] == "S" and name != "SUBSCRIBE" and len(argv) > 1
        address = self._master_of(argv[1]) if sharded else self._masters[0]
        self._node(address)
        self._listens.add(address)
        waiting.setdefault(address, []).append(argv)

    def _scan(self, argv: Argv, waiting: dict[Address, list[Argv]]) -> None:
        """One node after another; the cursor tells which."""
        cursor, count = parse_int(argv[1]) if len(argv) > 1 else None, len(self._masters)
        if cursor is None:
            self._pass(argv, self._masters[0], waiting)
            return
        there, at = divmod(cursor, count)

        def combine(replies: list[Any]) -> Any:
            reply = replies[-1]
            if type(reply) is not list:
                return reply
            following = int(reply[0])
            after = following * count + at if following else (at + 1) % count
            return [b"%d" % after, reply[1]]

        entry = _Entry(argv, 1, combine)
        self._entries.append(entry)
        said = [argv[0], b"%d" % there, *argv[2:]]
        self._post(entry, said, self._masters[at], waiting)

    def _transact(
        self, name: str, command: Any, argv: Argv, waiting: dict[Address, list[Argv]]
    ) -> None:
        """A transaction goes to its node as a whole, once it is known where its keys are."""
        if self._queue is None:
            if name != "MULTI" or len(argv) > 1:
                self._pass(argv, self._pinned or self._masters[0], waiting)
                return
            self._queue = []
            self._answer(argv, OK)
        elif name == "DISCARD" and len(argv) == 1:
            self._queue = None
            self._answer(argv, OK)
            if self._pinned is not None:
                self._post(None, (b"UNWATCH",), self._pinned, waiting)
            self._pinned = None
        elif name == "EXEC" and len(argv) == 1:
            queue, self._queue = self._queue, None
            address, self._pinned = self._node_of(queue), None
            entry = _Entry(argv, len(queue) + 2)
            self._entries.append(entry)
            for each in ((b"MULTI",), *queue, argv):
                self._post(entry, each, address, waiting)
        elif name == "MULTI":
            self._answer(argv, CommandError("ERR MULTI calls can not be nested"))
        else:
            self._queue.append(argv)
            refused = tuple(argv) == REFUSED
            self._answer(argv, CommandError("ERR refused") if refused else QUEUED)

    def _node_of(self, queue: Sequence[Argv]) -> Address:
        if self._pinned is not None:
            return self._pinned
        for argv in queue:
            keys = _keys(_command(argv), argv)
            if keys:
                return self._master_of(keys[0])
        return self._masters[0]

    def _answer(self, argv: Argv, reply: Any) -> None:
        """Reply without asking anyone."""
        entry = _Entry(argv, 0)
        entry.replies.append(reply)
        self._entries.append(entry)

    # Receiving --------------------------------------------------------------------------------

    def receive(self, timeout: float | None) -> Any:
        """See `Link.receive`."""
        ends = None if timeout is None else time.monotonic() + timeout
        while True:
            if self._entries and len(self._entries[0].replies) >= self._entries[0].wanted:
                entry = self._entries.popleft()
                return entry.combine(entry.replies)
            come, item = self._look()
            if come:
                if item is not None:
                    return item[0]
                continue
            if ends is not None and time.monotonic() >= ends:
                raise TimeoutError("nothing has come")
            self._wait(None if ends is None else ends - time.monotonic())

    def _wait(self, seconds: float | None) -> None:
        """Until something comes, as far as one node alone can be waited for."""
        import select

        sockets = [each for node in self._nodes.values() for each in node.files()]
        if hasattr(select, "poll"):
            poll = select.poll()
            for each in sockets:
                poll.register(each, select.POLLIN)
            poll.poll(None if seconds is None else max(seconds, 0) * 1000)
        else:
            time.sleep(_PAUSE)

    def _look(self) -> tuple[bool, list[Any] | None]:
        """Whether something has come from any node, and what is for the client at once."""
        for address, node in list(self._nodes.items()):
            try:
                item = node.receive(0)
            except TimeoutError:
                continue
            order = self._order[address]
            if self._is_message(address, item):
                if ends_listening(item):
                    self._listens.discard(address)
                return True, [item]
            if not order:
                return True, [item]
            entry = order.popleft()
            if entry is not None:
                self._take(entry, item)
            return True, None
        return False, None

    def _is_message(self, address: Address, item: Any) -> bool:
        if type(item) is Push:
            return True
        if address not in self._listens or self.protocol == 3:
            return False
        return is_message(item)

    def _take(self, entry: _Entry, item: Any) -> None:
        """A node's reply; where it says that another one serves the key, that is asked."""
        if isinstance(item, CommandError) and entry.wanted == 1:
            kind, _, rest = str(item).partition(" ")
            if kind in ("MOVED", "ASK") and entry.redirected < _REDIRECTIONS:
                entry.redirected += 1
                self._redirect(entry, kind, rest.split()[1])
                return
        entry.replies.append(item)

    def _redirect(self, entry: _Entry, kind: str, place: str) -> None:
        host, _, port = place.rpartition(":")
        address = (host or self._masters[0][0], int(port))
        if kind == "MOVED":
            self._learn()
        node = self._node(address)
        if kind == "ASK":
            self._order[address].append(None)
            node.send([(b"ASKING",)])
        self._order[address].append(entry)
        node.send([entry.argv])

    def files(self) -> Sequence[Any]:
        """See `Link.files`."""
        return [each for node in self._nodes.values() for each in node.files()]

    def close(self) -> None:
        """See `Link.close`."""
        for node in list(self._nodes.values()):
            node.close()


# Several nodes' replies as one ------------------------------------------------------------------


def _last(replies: list[Any]) -> Any:
    return replies[-1]


def _first_error(replies: list[Any]) -> Any:
    errors = [reply for reply in replies if isinstance(reply, Exception)]
    return errors[0] if errors else replies[0]


def _sum(replies: list[Any]) -> Any:
    error = _first_error(replies)
    return error if isinstance(error, Exception) else sum(replies)


def _together(replies: list[Any]) -> Any:
    error = _first_error(replies)
    return error if isinstance(error, Exception) else [key for keys in replies for key in keys]


def _any(replies: list[Any]) -> Any:
    error = _first_error(replies)
    found = [reply for reply in replies if reply is not None]
    return error if isinstance(error, Exception) else found[0] if found else None


_COMBINATIONS: Final[dict[str, Callable[[list[Any]], Any]]] = {
    "DBSIZE": _sum, "KEYS": _together, "RANDOMKEY": _any, **dict.fromkeys(_TO_ALL, _first_error),
}  # fmt: skip


def _combination(name: str, argv: Argv) -> Callable[[list[Any]], Any] | None:
    """How a command that all masters run has one reply; None for one that one node runs."""
    if name == "EVAL" and len(argv) > 1:
        from fakeredis.stores.forwarding import prefixes

        name = prefixes.STANDS_FOR.get(bytes(argv[1]), "")
    return _COMBINATIONS.get(name)


def _command(argv: Argv) -> Any:
    from fakeredis.commands.catalogue import core_table
    from fakeredis.engine.core.profiles import profile

    command = core_table(profile("8.2", "redis")).find(argv[0])
    if command is None or command.subcommands is None or len(argv) < 2:
        return command
    return command.subcommands.get(argv[1].upper(), command)


def _keys(command: Any, argv: Argv) -> Sequence[bytes]:
    if command is None:
        return argv[1:2]  # a module's: most have one key, in the first place
    try:
        keys: Sequence[bytes] = command.keys(argv[len(command.parts) :])
    except (CommandError, IndexError, ValueError):
        return ()
    return keys
