"""The same commands on several servers, step by step: the first reply that differs is an error."""

from __future__ import annotations

import asyncio
import inspect
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import RLock
from typing import TYPE_CHECKING, Any, Final

from fakeredis import stores, wiring
from fakeredis.commands.catalogue import core_table
from fakeredis.engine.core.profiles import profile
from fakeredis.engine.core.replies import QUEUED, Push
from fakeredis.errors import CommandError, ConnectionLost
from fakeredis.spy.methods import is_library
from fakeredis.stores.base import StoreError
from fakeredis.stores.forwarding.base import ForwardingStore
from fakeredis.stores.forwarding.link import (
    MESSAGES,
    Link,
    Restore,
    ends_listening,
    is_message,
)
from fakeredis.stores.parity.compare import counterpart, cursor_of, plain, same

if TYPE_CHECKING:
    from fakeredis.engine.core.profiles import VersionLike
    from fakeredis.engine.core.server import Server

_SOON: Final = 0.05  # seconds in which a command replies that does not block
_PATIENCE: Final = 10.0  # seconds for the others' replies to what the first has replied to
_KEPT: Final = 12  # calls that are shown before the one that differs
_LISTENING: Final = frozenset(name.decode().upper() for name in MESSAGES)


class ParityError(AssertionError):
    """Two servers have not said the same; the text shows what was sent and what both replied."""


class ParityStore(ForwardingStore):
    """Several stores in step: each command goes to all, and all must reply the same.

    Clients get the first one's replies. What chance decides (SPOP, an ID of XADD) the first decides
    for all.

    Args:
        among: the stores, at least two: objects or URLs; ``"memory://"`` is the fake.
        version: the version that a fake among them imitates.
        server_type: ``"redis"`` or ``"valkey"``.
        modules: what it has beside its own commands, see `FakeServer`.
    """

    persistent = False

    def __init__(
        self, among: Sequence[Any], version: VersionLike = "8.2",
        server_type: str = "redis", modules: Sequence[Any] | None = None,
    ) -> None:
        if isinstance(among, (str, bytes)) or len(among) < 2:
            raise ValueError(f"parity is between at least two stores, not {among!r}")
        self._given = list(among)
        self._facts = version, server_type, modules
        self._sides: list[tuple[str, ForwardingStore | Server]] | None = None
        self._lock = RLock()
        self._users = 0
        self.failure: ParityError | None = None
        self.calls: deque[str] = deque(maxlen=_KEPT)
        self.name = "parity of " + " and ".join(map(_name, among))

    def sides(self) -> list[tuple[str, Any]]:
        """The name of each store, and what makes its sessions."""
        with self._lock:
            if self._sides is None:
                self._sides = []
                for given in self._given:
                    store = stores.resolve(given)
                    if isinstance(store, ForwardingStore):
                        store.begin_use()
                        self._sides.append((_name(given), store))
                        continue
                    server = wiring.make_server(store, *self._facts)
                    server.takes_any_user = True
                    self._sides.append((_name(given), server))
            return self._sides

    def connect(self, typed: bool = False) -> Link:
        """A link to all sides for a new session; it speaks RESP2 until its client says HELLO.

        Args:
            typed: whether replies keep the types that clients within this process never see.

        Raises:
            OSError: one side cannot be reached.
            StoreError: one side refuses to be used as it is.
        """
        links: list[tuple[str, Link]] = []
        try:
            for name, side in self.sides():
                links.append((name, _link(side, typed)))
        except BaseException:
            for _, link in links:
                link.close()
            raise
        return _ParityLink(self, links)

    def clear(self) -> None:
        """Remove all keys, everywhere."""
        for _, side in self.sides():
            side.clear()

    def differ(self, argv: Sequence[bytes], replies: Sequence[tuple[str, Any]]) -> ParityError:
        """The error for replies that differ."""
        width = max(len(name) for name, _ in replies)
        lines = [f"the servers differ after {_shown(argv)}", f"  sent {_where()}"]
        lines += [f"  {name.ljust(width)}  {plain(reply)!r}" for name, reply in replies]
        if self.calls:
            lines += ["before it, oldest first:", *(f"  {call}" for call in self.calls)]
        error = ParityError("\n".join(lines))
        if self.failure is None:
            self.failure = error
        return error

    def begin_use(self) -> None:
        """A patch begins to use it."""
        self._users += 1

    def end_use(self) -> None:
        """That patch has ended.

        Raises:
            ParityError: replies have differed, and whoever called has kept it to himself.
        """
        self._users -= 1
        if self._users:
            return
        self.close()
        failure, self.failure = self.failure, None
        self.calls.clear()
        if failure is not None and not _is_on_its_way(failure):
            raise failure

    def close(self) -> None:
        """Close all sides; what was made there is removed as each store has it."""
        with self._lock:
            sides, self._sides = self._sides or [], None
        for _, side in sides:
            if isinstance(side, ForwardingStore):
                side.end_use()
            else:
                side.let_go()
        self.watch().close()


def _name(given: Any) -> str:
    if isinstance(given, str):
        return given.partition("?")[0]
    return str(getattr(given, "name", None) or type(given).__name__)


def _is_on_its_way(failure: BaseException) -> bool:
    """Whether an error, or one that it has caused, is being raised now."""
    error = sys.exc_info()[1]
    while error is not None:
        if error is failure:
            return True
        error = error.__cause__ or error.__context__
    return False


def _shown(argv: Sequence[bytes]) -> str:
    return " ".join(repr(bytes(word))[1:].strip("'\"") or "''" for word in argv)


def _where() -> str:
    """The place in the code that sends a command."""
    frame: Any = sys._getframe(1)
    while frame is not None and is_library(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return "by a thread of this package"
    return f"at {frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"


# One session ------------------------------------------------------------------------------------


class _EngineLink(Link):
    """A link to a server of this process."""

    def __init__(self, server: Server, typed: bool) -> None:
        session = server.protocol_session() if typed else server.session()
        self._wire = wiring.make_socket(session)
        self._closing = RLock()  # nobody asks for a descriptor while it is closed

    def send(self, batch: Sequence[Sequence[bytes]]) -> None:
        """Run commands on the session.

        Raises:
            OSError: the server has closed the connection.
        """
        try:
            for argv in batch:
                self._wire.send(argv)
        except ConnectionLost as error:
            raise ConnectionError(str(error)) from None

    def receive(self, timeout: float | None) -> Any:
        """The next reply, in the order of the commands, or a push.

        Args:
            timeout: how many seconds to wait; None for as long as it takes, 0 not at all.

        Raises:
            TimeoutError: nothing has come.
            OSError: the server has closed the connection.
        """
        try:
            return self._wire.receive(timeout)
        except ConnectionLost as error:
            raise ConnectionError(str(error)) from None

    def files(self) -> Sequence[Any]:
        """A descriptor that becomes readable when something can be received; none once closed."""
        with self._closing:
            number = self._wire.fileno()
        return (number,) if number >= 0 else ()

    def close(self) -> None:
        """Close the session."""
        with self._closing:
            self._wire.close()


def _link(side: Any, typed: bool) -> Link:
    if isinstance(side, ForwardingStore):
        return _Translating(side.connect(typed))
    return _EngineLink(side, typed)


class _Translating(Link):
    """A link whose store's translation is done here, where the whole command is known."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._restores: deque[tuple[str, Restore]] = deque()
        self._queued: list[Restore] = []  # of a transaction
        self.listening = False

    def send(self, batch: Sequence[Sequence[bytes]]) -> None:
        """Translate commands and send them; how their replies are translated back is kept."""
        sent = []
        for argv in batch:
            words, restore = self._link.translate(_command(argv), argv)
            sent.append(words)
            name = _command_name(argv)
            if name not in _LISTENING or self._queued:
                self._restores.append((name, restore))
        self._link.send(sent)

    def receive(self, timeout: float | None) -> Any:
        """The next reply or push, translated back, also item by item in the reply to EXEC."""
        while True:
            item = self._link.receive(timeout)
            if _is_push(item, self.listening):
                if ends_listening(item):
                    self.listening = False
                item = self._link.heard(item)
                if item is None:
                    continue
                return Push(item)
            name, restore = self._restores.popleft() if self._restores else ("", None)
            if item == QUEUED and not isinstance(item, Exception):
                self._queued.append(restore)
                return item
            if name in ("EXEC", "DISCARD", "RESET"):
                queued, self._queued = self._queued, []
                if name == "EXEC" and type(item) is list and len(item) == len(queued):
                    return [
                        each if back is None else back(each)
                        for back, each in zip(queued, item, strict=True)
                    ]
            return item if restore is None else restore(item)

    def files(self) -> Sequence[Any]:
        """What becomes readable when something can be received."""
        return self._link.files()

    def close(self) -> None:
        """Close the link to the store."""
        self._link.close()


def _is_push(item: Any, listening: bool) -> bool:
    return type(item) is Push or (listening and is_message(item))


class _Entry:
    """A command that not all have replied to."""

    __slots__ = ("name", "argv", "replies", "restores")

    def __init__(self, name: str, argv: Sequence[bytes], count: int) -> None:
        self.name = name
        self.argv = argv
        self.replies: list[list[Any]] = [[] for _ in range(count)]


class _ParityLink(Link):
    """Sends each command to the first side, and what does the same to the others."""

    def __init__(self, store: ParityStore, links: list[tuple[str, Link]]) -> None:
        self.store = store
        self.names = [name for name, _ in links]
        self.links = [link for _, link in links]
        self._ready: deque[Any] = deque()  # what the client can receive
        self._pending: deque[_Entry] = deque()
        self._heard: list[deque[Any]] = [deque() for _ in links]  # pushes, to be compared
        self._queue: list[tuple[str, Sequence[bytes]]] | None = None  # after MULTI

    def send(self, batch: Sequence[Sequence[bytes]]) -> None:
        """Run each command on all sides, and compare the replies that are there at once.

        Raises:
            ParityError: the replies differ.
            StoreError: one side does not reply.
            OSError: one side has gone.
        """
        for argv in batch:
            name = _command_name(argv)
            if name in _LISTENING and self._queue is None:
                self._listen(argv)
            elif self._pending:
                self._begin(name, argv)
            else:
                self._step(name, argv)

    def _step(self, name: str, argv: Sequence[bytes]) -> None:
        """One command on all sides, one after another."""
        first, *others = self.links
        first.send([argv])
        try:
            reply = self._reply_of(0, _SOON)
        except TimeoutError:
            entry = self._wait_for(name, argv)
            self._send_all(others, [argv])
            self._match(entry)
            return
        if name == "MULTI" and not isinstance(reply, Exception):
            self._queue = []
        elif self._queue is not None and name not in ("EXEC", "DISCARD", "RESET"):
            self._queue.append((name, argv))
        elif name == "EXEC" and self._queue is not None:
            self._finish_transaction(argv, reply)
        elif name == "DISCARD" and self._queue is not None:
            self._queue = None
        elif cursor_of(name) is not None and not isinstance(reply, Exception):
            self._compare_scan(name, argv, reply)
        else:
            self._queue = None
            self._compare_one(name, argv, reply)
        self._note(argv, reply)
        self._ready.append(reply)

    def _compare_one(self, name: str, argv: Sequence[bytes], reply: Any) -> None:
        said, restore = counterpart(name, argv, reply)
        self._send_all(self.links[1:], [said])
        for at in range(1, len(self.links)):
            other = restore(self._reply_of(at, _PATIENCE))
            self._check(name, argv, reply, at, other)

    def _finish_transaction(self, argv: Sequence[bytes], reply: Any) -> None:
        """The others run the whole of it now, when it is known what the first has done."""
        queue, self._queue = self._queue or [], None
        replies = reply if type(reply) is list and len(reply) == len(queue) else None
        said, restores = [], []
        for index, (name, words) in enumerate(queue):
            words, restore = counterpart(name, words, replies[index] if replies else None)
            said.append(words)
            restores.append(restore)
        for at in range(1, len(self.links)):
            self.links[at].send([[b"MULTI"], *said, argv])
            for _ in range(len(said) + 1):
                self._reply_of(at, _PATIENCE)
            other = self._reply_of(at, _PATIENCE)
            if replies is None or type(other) is not list or len(other) != len(queue):
                self._check("EXEC", argv, reply, at, other)
                continue
            for (name, words), one, two, restore in zip(
                queue, replies, other, restores, strict=True
            ):
                self._check(name, words, one, at, restore(two))

    def _compare_scan(self, name: str, argv: Sequence[bytes], reply: Any) -> None:
        """Only a scan that is over at once can be compared: cursors are each server's own."""
        place = cursor_of(name) or 0
        if argv[place] != b"0" or reply[0] != b"0":
            return
        for at in range(1, len(self.links)):
            said, found = list(argv), []
            while True:
                self.links[at].send([said])
                other = self._reply_of(at, _PATIENCE)
                if isinstance(other, Exception):
                    self._check(name, argv, reply, at, other)
                    return
                found += other[1]
                said[place] = other[0]
                if other[0] == b"0":
                    break
            if sorted(map(repr, plain(found))) != sorted(map(repr, plain(reply[1]))):
                raise self._differ(argv, reply, at, [b"0", found])

    def _check(self, name: str, argv: Sequence[bytes], reply: Any, at: int, other: Any) -> None:
        if not same(name, argv, reply, other):
            raise self._differ(argv, reply, at, other)

    def _differ(self, argv: Sequence[bytes], reply: Any, at: int, other: Any) -> ParityError:
        sides = [(self.names[0], reply), (self.names[at], other)]
        return self.store.differ(argv, sides)

    def _note(self, argv: Sequence[bytes], reply: Any) -> None:
        self.store.calls.append(f"{_shown(argv)[:200]}  ->  {repr(plain(reply))[:200]}")

    def _send_all(self, links: Sequence[Link], batch: Sequence[Sequence[bytes]]) -> None:
        for link in links:
            link.send(batch)

    def _reply_of(self, at: int, timeout: float) -> Any:
        """The next reply of a side; pushes are kept for later."""
        while True:
            try:
                item = self.links[at].receive(timeout)
            except TimeoutError:
                if timeout < _PATIENCE:
                    raise
                raise StoreError(f"{self.names[at]} does not reply") from None
            if not self._is_push(item):
                return item
            self._push(at, item)

    # Commands that wait -----------------------------------------------------------------------

    def _wait_for(self, name: str, argv: Sequence[bytes]) -> _Entry:
        entry = _Entry(name, argv, len(self.links))
        self._pending.append(entry)
        return entry

    def _begin(self, name: str, argv: Sequence[bytes]) -> None:
        """A command behind one that waits."""
        self._wait_for(name, argv)
        self._send_all(self.links, [argv])

    def _match(self, entry: _Entry) -> None:
        """What is shown of it, should it differ."""
        self.store.calls.append(f"{_shown(entry.argv)[:200]}  (waits)")

    def receive(self, timeout: float | None) -> Any:
        """The first side's next reply, in the order of the commands, or a push.

        Args:
            timeout: how many seconds to wait; None for as long as it takes, 0 not at all.

        Raises:
            TimeoutError: not all sides have replied.
        """
        ends = None if timeout is None else time.monotonic() + timeout
        while not self._ready:
            self._gather()
            if self._ready:
                break
            if ends is not None and time.monotonic() >= ends:
                raise TimeoutError("nothing has come")
            time.sleep(0.0005)
        return self._ready.popleft()

    def _gather(self) -> None:
        """Take what the sides have by now."""
        for at, link in enumerate(self.links):
            while True:
                try:
                    item = link.receive(0)
                except TimeoutError:
                    break
                if self._is_push(item):
                    self._push(at, item)
                else:
                    self._late(at, item)
        while self._pending and all(self._pending[0].replies):
            entry = self._pending.popleft()
            self._ready.append(self._settled(entry))

    def _late(self, at: int, item: Any) -> None:
        for entry in self._pending:
            if not entry.replies[at]:
                entry.replies[at].append(item)
                return

    def _settled(self, entry: _Entry) -> Any:
        """A late reply; nobody is there to raise an error to, so that it is the reply."""
        reply = entry.replies[0][0]
        for at in range(1, len(self.links)):
            other = entry.replies[at][0]
            if not same(entry.name, entry.argv, reply, other):
                error = self._differ(entry.argv, reply, at, other)
                return CommandError(f"ERR {error}".replace("\n", "; "))
        self._note(entry.argv, reply)
        return reply

    # Messages ---------------------------------------------------------------------------------

    def _listen(self, argv: Sequence[bytes]) -> None:
        for link in self.links:
            if isinstance(link, _Translating):
                link.listening = True
        self._send_all(self.links, [argv])

    def _is_push(self, item: Any) -> bool:
        return _is_push(item, False)

    def _push(self, at: int, item: Any) -> None:
        """Hand on the first side's messages, once the others have heard them, too."""
        self._heard[at].append(item)
        while all(self._heard):
            one, *others = [heard.popleft() for heard in self._heard]
            for index, other in enumerate(others, 1):
                if not _same_messages(plain(one), plain(other)):
                    error = self._differ([b"(a message)"], one, index, other)
                    self._ready.append(CommandError(f"ERR {error}".replace("\n", "; ")))
            self._ready.append(one)

    def files(self) -> Sequence[Any]:
        """What becomes readable on any side when something can be received."""
        return [each for link in self.links for each in link.files()]

    def close(self) -> None:
        """Close the links to all sides."""
        for link in self.links:
            link.close()


def _same_messages(one: Any, other: Any) -> bool:
    """Whether two messages are alike; who leaves all channels does so in any order."""
    if one[0].endswith(b"unsubscribe"):
        return bool(one[0] == other[0] and one[2:] == other[2:])
    return bool(one == other)


class _Words:
    """A command that is not known."""

    flags = 0
    declaration = None

    def __init__(self, name: bytes) -> None:
        self.name = name.decode("utf-8", "replace").upper()
        self.parts = [name]


def _command(argv: Sequence[bytes]) -> Any:
    command = core_table(profile("8.2", "redis")).find(argv[0])
    if command is None:
        return _Words(argv[0])
    if command.subcommands is None or len(argv) < 2:
        return command
    return command.subcommands.get(argv[1].upper(), command)


def _command_name(argv: Sequence[bytes]) -> str:
    return str(_command(argv).name)


# For people -------------------------------------------------------------------------------------


def parity(
    test: Callable[..., Any] | None = None, stores: Sequence[Any] = ("memory://", "redis://"),
    **options: Any,
) -> Any:
    """Run a test on several servers in step; the first reply that differs is an error.

    Args:
        test: a function or coroutine function; it may take one argument, the patch's handle.
            Without it, the result is a patch to be entered.
        stores: what is compared: ``"memory://"`` is the fake.
        options: those of `fakeredis.patch`.

    Returns:
        What the test returned, or the patch.

    Raises:
        ParityError: replies differ; at the end, if the code under test has caught it.
    """
    kept: dict[str, Any] = {
        name: options[name] for name in ("version", "server_type") if name in options
    }
    if "modules" in options:
        kept["modules"] = options.pop("modules")
    handle = wiring.make_patch(store=ParityStore(stores, **kept), **options)
    if test is None:
        return handle
    with handle:
        result = test(handle) if _takes_one(test) else test()
        return asyncio.run(result) if inspect.iscoroutine(result) else result


def _takes_one(test: Callable[..., Any]) -> bool:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return any(
        each.kind in kinds and each.default is each.empty
        for each in inspect.signature(test).parameters.values()
    )
