"""Links to a cluster: each command goes to the node that serves its keys.

Which node that is redis-py knows, see `fakeredis.stores.forwarding.discovery`.  The way there is
made by hand, because redis-py's `RedisCluster` cannot be a link, as tests show for each version
(``tests/stores/test_clusters.py``): it waits for each reply, and has no descriptor to watch
meanwhile; each command takes some connection of a pool, so that MULTI, WATCH and CLIENT SETNAME
would hold for whoever gets that one next; statuses and strings are one to it; it asks the server
which words of some commands are keys; and it has no single cursor for SCAN.  Links are watched by
their descriptors, and so asyncio's clients need no other ones.
"""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from redis.exceptions import MovedError

from fakeredis.commands.catalogue import core_table
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine.command.command import EACH_NODE, Channels
from fakeredis.engine.core.profiles import profile
from fakeredis.engine.core.replies import OK, QUEUED, Push
from fakeredis.errors import CommandError
from fakeredis.stores.forwarding import prefixes
from fakeredis.stores.forwarding.discovery import Address, redirection
from fakeredis.stores.forwarding.link import Link, Restore, ends_listening, is_message
from fakeredis.stores.forwarding.resp_link import RespLink
from fakeredis.stores.forwarding.rules import REFUSED

if TYPE_CHECKING:
    from fakeredis.stores.forwarding.redis import RedisStore

Argv = Sequence[bytes]
Combine = Callable[[list[Any]], Any]

# As redis-py's `RedisCluster` has them.
_REDIRECTIONS: Final = 16  # that one command may meet
_RETRIES: Final = 3  # while the cluster is down
_DOWN_PAUSE: Final = 0.25  # seconds before each of these
_MOVING_PAUSE: Final = 0.05  # seconds for keys on their way

_PAUSE: Final = 0.0005  # seconds between looks at several links


class _Entry:
    """A command whose replies have not all come."""

    __slots__ = ("argv", "wanted", "replies", "combine", "redirected", "downs", "queue")

    def __init__(self, argv: Argv, wanted: int = 1, combine: Combine | None = None) -> None:
        self.argv = argv
        self.wanted = wanted
        self.replies: list[Any] = []
        self.combine = combine or _last
        self.redirected = 0
        self.downs = 0  # how often the cluster was down
        self.queue: Sequence[Argv] | None = None  # of a transaction that may be sent once more


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
        self._map = store.nodes()
        self._map.look_again()

    def translate(self, command: Any, argv: Argv) -> tuple[Argv, Restore]:
        """What is sent for a command by the store's rules, and what makes the client's reply."""
        return self.store.rules.translate(command, argv)

    def heard(self, message: list[Any]) -> list[Any] | None:
        """A pushed message as the store's rules show it to the client; None where they do not."""
        return self.store.rules.heard(message)

    # Nodes ------------------------------------------------------------------------------------

    def _node(self, address: Address) -> RespLink:
        node = self._nodes.get(address)
        if node is None:
            try:
                connection = self.store.open(address)
            except OSError:
                self._map.lost()
                raise
            node = self._nodes[address] = RespLink(connection, self.typed)
            self._order[address] = deque()
            said = [*self._said.values()]
            if said:
                self._order[address] += [None] * len(said)
                node.send(said)
        return node

    def _reach(self, keys: Sequence[bytes] = ()) -> Address:
        """The master of a key, connected; without one any master, rather one that is connected.

        Raises:
            OSError: it cannot be reached, and no other has taken its place.
        """
        try:
            return self._find(keys)
        except OSError:
            self._map.refresh()
            return self._find(keys)

    def _find(self, keys: Sequence[bytes]) -> Address:
        if keys:
            address = self._map.master_of(keys[0])
            self._node(address)
            return address
        masters = self._map.masters()
        for address in masters:
            if address in self._nodes:
                return address
        for address in masters[:-1]:
            try:
                self._node(address)
            except OSError:
                continue
            return address
        self._node(masters[-1])
        return masters[-1]

    # Sending ----------------------------------------------------------------------------------

    def send(self, batch: Sequence[Argv]) -> None:
        """Send each command to the node that serves its slot, or to all nodes that have to run it.

        Args:
            batch: a pipeline's commands, or a single one.

        Raises:
            OSError: a node has gone.
        """
        waiting: dict[Address, list[Argv]] = {}
        for argv in batch:
            self._route(argv, waiting)
        for address, commands in waiting.items():
            self._node(address).send(commands)

    def _route(self, argv: Argv, waiting: dict[Address, list[Argv]]) -> None:
        command = _command(argv)
        name, flags = "", 0
        channels: Channels | None = None
        if command is not None:
            name, flags, channels = command.name, command.flags, command.declaration.channels
        if channels is not None and channels.action == "publish":
            channels = None
        if self._listens and self.protocol == 2 and channels is None:
            self._pass(argv, next(iter(self._listens)), waiting)
        elif name in ("MULTI", "EXEC", "DISCARD") or self._queue is not None:
            self._transact(name, command, argv, waiting)
        elif channels is not None:
            self._listen(channels, argv, waiting)
        elif flags & EACH_NODE:
            self._tell_all(name, argv, waiting)
        elif name == "SCAN":
            self._scan(argv, waiting)
        else:
            self._plain(name, command, argv, waiting)

    def _plain(
        self, name: str, command: Any, argv: Argv, waiting: dict[Address, list[Argv]]
    ) -> None:
        combine = _combination(command, argv)
        if combine is not None:
            self._spread(argv, combine, waiting)
            return
        keys = _keys(command, argv)
        address = self._pinned if self._pinned and not keys else self._reach(keys)
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
        self, argv: Argv, combine: Combine, waiting: dict[Address, list[Argv]]
    ) -> None:
        """A command for all masters."""
        try:
            for address in self._map.masters():
                self._node(address)
        except OSError:
            self._map.refresh()
        masters = self._map.masters()
        entry = _Entry(argv, len(masters), combine)
        self._entries.append(entry)
        for address in masters:
            self._post(entry, argv, address, waiting)

    def _tell_all(self, name: str, argv: Argv, waiting: dict[Address, list[Argv]]) -> None:
        """What concerns the connection: to the nodes that are connected, and to later ones."""
        if name == "RESET":
            self._said.clear()
            self._queue, self._pinned, self.protocol = None, None, 2
        else:
            # One of each kind: CLIENT SETINFO has two attributes.
            self._said[f"{name} {argv[2]!r}" if name == "CLIENT SETINFO" else name] = argv
        self._reach()
        entry = _Entry(argv, len(self._nodes), _first_error)
        self._entries.append(entry)
        for address in self._nodes:
            self._post(entry, argv, address, waiting)
        if name == "HELLO" and len(argv) > 1:
            self.protocol = 3 if argv[1] == b"3" else 2

    def _listen(
        self, channels: Channels, argv: Argv, waiting: dict[Address, list[Argv]]
    ) -> None:
        sharded = channels.kind == "shard_channels" and len(argv) > 1
        address = self._reach(argv[1:2] if sharded else ())
        self._listens.add(address)
        waiting.setdefault(address, []).append(argv)

    def _scan(self, argv: Argv, waiting: dict[Address, list[Argv]]) -> None:
        """One node after another; the cursor tells which."""
        masters = self._map.masters()
        cursor, count = parse_int(argv[1]) if len(argv) > 1 else None, len(masters)
        if cursor is None:
            self._pass(argv, self._reach(), waiting)
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
        self._post(entry, said, masters[at], waiting)

    def _transact(
        self, name: str, command: Any, argv: Argv, waiting: dict[Address, list[Argv]]
    ) -> None:
        """A transaction goes to its node as a whole, once it is known where its keys are."""
        if self._queue is None:
            if name != "MULTI" or len(argv) > 1:
                self._pass(argv, self._pinned or self._reach(), waiting)
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
            address, pinned = self._node_of(queue), self._pinned
            self._pinned = None
            entry = _Entry(argv, len(queue) + 2)
            if pinned is None:
                entry.queue = ((b"MULTI",), *queue, argv)
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
                return self._reach(keys)
        return self._reach()

    def _answer(self, argv: Argv, reply: Any) -> None:
        """Reply without asking anyone."""
        entry = _Entry(argv, 0)
        entry.replies.append(reply)
        self._entries.append(entry)

    # Receiving --------------------------------------------------------------------------------

    def receive(self, timeout: float | None) -> Any:
        """The next reply, made of the nodes' replies where several ran the command, or a push.

        Args:
            timeout: how many seconds to wait; None for as long as it takes, 0 not at all.

        Raises:
            TimeoutError: nothing has come.
            OSError: a node has gone.
        """
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
            except OSError:
                self._map.lost()
                raise
            order = self._order[address]
            if self._is_message(address, item):
                if ends_listening(item):
                    self._listens.discard(address)
                return True, [item]
            if not order:
                return True, [item]
            entry = order.popleft()
            if entry is not None:
                self._take(entry, item, address)
            return True, None
        return False, None

    def _is_message(self, address: Address, item: Any) -> bool:
        if type(item) is Push:
            return True
        if address not in self._listens or self.protocol == 3:
            return False
        return is_message(item)

    def _take(self, entry: _Entry, item: Any, here: Address) -> None:
        """A node's reply; where it says that another one serves the key, that is asked."""
        if isinstance(item, CommandError) and entry.wanted == 1 and self._ask_again(
            entry, str(item), here
        ):
            return
        entry.replies.append(item)
        if entry.queue is not None and len(entry.replies) == entry.wanted:
            self._transact_again(entry, here)

    def _ask_again(self, entry: _Entry, text: str, here: Address) -> bool:
        """Whether a command has been sent once more, because of where its keys are."""
        if entry.redirected >= _REDIRECTIONS:
            return False
        entry.redirected += 1
        other = redirection(text, here)
        if other is not None:
            self._redirect(entry, other)
        elif text.startswith("TRYAGAIN"):
            time.sleep(_MOVING_PAUSE)
            self._send_again(entry)
        elif text.startswith("CLUSTERDOWN") and entry.downs < _RETRIES:
            entry.downs += 1
            time.sleep(_DOWN_PAUSE)
            self._map.refresh()
            self._send_again(entry)
        else:
            return False
        return True

    def _send_again(self, entry: _Entry) -> None:
        address = self._reach(_keys(_command(entry.argv), entry.argv))
        self._order[address].append(entry)
        self._node(address).send([entry.argv])

    def _redirect(self, entry: _Entry, other: Any) -> None:
        address = str(other.host), int(other.port)
        node = self._node(address)
        if isinstance(other, MovedError):
            self._map.moved(other)
        else:
            self._order[address].append(None)
            node.send([(b"ASKING",)])
        self._order[address].append(entry)
        node.send([entry.argv])

    def _transact_again(self, entry: _Entry, here: Address) -> None:
        """Send a transaction to another node, if it was aborted because its keys are there."""
        replies, queue = entry.replies, entry.queue
        if not str(replies[-1]).startswith("EXECABORT") or entry.redirected >= _REDIRECTIONS:
            return
        errors = [str(reply) for reply in replies if isinstance(reply, CommandError)]
        moves = [move for move in (redirection(text, here) for text in errors) if move]
        if not moves or not isinstance(moves[0], MovedError):
            return
        assert queue is not None
        entry.redirected += 1
        entry.replies = []
        address = str(moves[0].host), int(moves[0].port)
        node = self._node(address)
        self._map.moved(moves[0])
        self._order[address] += [entry] * len(queue)
        node.send(queue)

    def files(self) -> Sequence[Any]:
        """The sockets of all nodes that are connected."""
        return [each for node in self._nodes.values() for each in node.files()]

    def close(self) -> None:
        """Close the connections to all nodes."""
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


def _one(replies: list[Any]) -> Any:
    found = [reply for reply in replies if not isinstance(reply, Exception)]
    return found[0] if found else replies[0]


def _of_each(choose: Callable[[Sequence[int]], int]) -> Combine:
    """Numbers, or arrays of numbers place by place."""

    def combine(replies: list[Any]) -> Any:
        error = _first_error(replies)
        if isinstance(error, Exception):
            return error
        if type(replies[0]) is list:
            return [choose(each) for each in zip(*replies, strict=True)]
        return choose(replies)

    return combine


# What the server's tips for clients (COMMAND INFO) call a policy for replies.
_RESPONSES: Final[dict[str, Combine]] = {
    "": _together, "all_succeeded": _first_error, "one_succeeded": _one, "agg_sum": _sum,
    "agg_min": _of_each(min), "agg_logical_and": _of_each(min),
}
_POLICIES: Final = ("request_policy:", "response_policy:")
_BY_NAME: Final[dict[str, Combine | None]] = {"RANDOMKEY": _any, "PING": None}


@cache
def _policy(command: Any) -> Combine | None:
    if command.name in _BY_NAME:
        return _BY_NAME[command.name]
    tips = command.declaration.tips.split()
    asked, replied = (
        next((tip[len(kind) :] for tip in tips if tip.startswith(kind)), "") for kind in _POLICIES
    )
    return _RESPONSES.get(replied) if asked in ("all_shards", "all_nodes") else None


def _combination(command: Any, argv: Argv) -> Combine | None:
    """How a command that all masters run has one reply; None for one that one node runs."""
    if command is None:
        return None
    if command.declaration.runs == "source" and len(argv) > 1:
        name = prefixes.STANDS_FOR.get(bytes(argv[1]))
        return None if name is None else _policy(_command([name.encode()]))
    return _policy(command)


def _command(argv: Argv) -> Any:
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
