"""Access control: a server's users, who a session is, and the log of what users were refused.

Nothing here is called while every user may do everything, as the default user of a new server may:
`switches.RESTRICTED` among the bits of the server says when that is no longer so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from fakeredis.engine.command.command import Command
from fakeredis.engine.core import dispatch, switches
from fakeredis.engine.core.road import Check, Origin
from fakeredis.engine.features.acl_rules import (
    BAD_RULE,
    REASONS,
    REASONS_AT_EXEC,
    Denial,
    RuleError,
    Selector,
    User,
    rule_as_read,
    text,
)
from fakeredis.engine.features.client_info import describe
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.engine.core.server import Server
    from fakeredis.engine.core.session import Session

_SAME_ENTRY: Final = 60_000  # milliseconds in which equal refusals are one entry of the log
_RECENT: Final = 10  # and only so many are looked at
CHANGED: Final = (
    "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC "
    "call. This command is no longer allowed for the following reason: %s"
)
WRONG_PASSWORD: Final = "WRONGPASS invalid username-password pair or user is disabled."


class LogEntry:
    """Something that was refused, once or more often."""

    __slots__ = ("number", "count", "what", "created", "updated", "client")

    def __init__(self, number: int, what: tuple[str, str, str, str], now: int) -> None:
        self.number, self.count = number, 0
        self.what = what  # reason, context, object, user's name
        self.created = self.updated = now
        self.client = ""


class AccessControl:
    """The users of one server, and its log."""

    __slots__ = ("server", "users", "log", "next_entry", "denied")

    def __init__(self, server: Server) -> None:
        self.server = server
        self.log: list[LogEntry] = []  # newest first
        self.next_entry = 0
        self.denied = {"auth": 0, "command": 0, "key": 0, "channel": 0}
        if server.traits.allowed_databases:
            self.denied["database"] = 0
        default = User("default", server.table)
        for rule in (b"on", b"nopass", b"allkeys", b"allchannels", b"allcommands"):
            default.apply(rule)
        default.set_password(server.config.requirepass)
        default.open = self._open_channels()
        self.users = {"default": default}

    def _open_channels(self) -> bool:
        return self.server.config.text("acl-pubsub-default") == "allchannels"

    # Users ----------------------------------------------------------------------------------

    def set_user(self, name: str, rules: Iterable[bytes]) -> None:
        """ACL SETUSER: all of the rules or, when one is refused, none.

        Raises:
            CommandError: a rule makes no sense.
        """
        user = deepcopy(self.users.get(name))
        if user is None:
            user = User(name, self.server.table, self._open_channels())
        user.open = self._open_channels()
        for rule in rules:
            try:
                user.apply(rule_as_read(rule))
            except RuleError as error:
                raise CommandError(BAD_RULE % (text(rule).partition("\0")[0], error)) from None
        self.users[name] = user
        self.refresh()
        for session in self.sessions_of(name):
            if not user.may_listen(session):
                session.release()

    def delete_user(self, name: str) -> bool:
        """ACL DELUSER; the user's sessions end. Whether there was such a user."""
        if self.users.pop(name, None) is None:
            return False
        self.refresh()
        for session in self.sessions_of(name):
            session.release()
        return True

    def sessions_of(self, name: str) -> list[Session]:
        """The sessions that act as a user."""
        return [one for one in list(self.server.sessions.values()) if one.user == name]

    def refresh(self) -> None:
        """Note whether anything is forbidden to anyone, and whether sessions must authenticate."""
        server = self.server
        if all(any(map(Selector.is_full, user.selectors)) for user in self.users.values()):
            server.switch_off(switches.RESTRICTED)
        else:
            server.switch_on(switches.RESTRICTED, Check({
                Origin.CLIENT: self._client_gate,
                **dict.fromkeys((Origin.EXEC, Origin.SCRIPT, Origin.RETRY), self._inner_gate),
            }))
        server.closed_by_default = not self.users["default"].needs_no_password

    # Refusals -------------------------------------------------------------------------------

    def _client_gate(self, session: Session, command: Command, args: Sequence[bytes]) -> Any:
        """Refuse what a session's user may not do, and note it in the log."""
        user = self.users.get(session.user)
        found = None if user is None else user.denial(command, args, session)
        if found is None:
            return None
        return dispatch.reworded(session, _refusal(session, command, found))

    def _inner_gate(self, session: Session, command: Command, args: Sequence[bytes]) -> Any:
        """Refuse what a user may not do within EXEC or a script, or after having waited."""
        found = denial(session, command, args)
        return None if found is None else _refusal(session, command, found)

    def note(self, session: Session, reason: str, what: str, user: str) -> None:
        """Write a refusal into the log."""
        self.denied[reason] += 1
        now = self.server.clock.milliseconds()
        about = (reason, _context(session), what, user)
        recent = self.log[:_RECENT]
        entry = next((one for one in recent if one.what == about), None)
        if entry is None or now - entry.updated > _SAME_ENTRY:
            entry = LogEntry(self.next_entry, about, now)
            self.next_entry += 1
        else:
            self.log.remove(entry)
        entry.count += 1
        entry.updated = now
        entry.client = describe(session)
        self.log.insert(0, entry)
        del self.log[self.server.config.integer("acllog-max-len") :]


def _context(session: Session) -> str:
    if session.via == "script":
        return "lua"
    in_multi = session.switched & switches.QUEUEING or session.collected is not None
    return "multi" if in_multi else "toplevel"


def of(server: Server) -> AccessControl:
    """The server's users, made when first asked for."""
    found: AccessControl | None = server.acl
    if found is None:
        found = server.acl = AccessControl(server)
    return found


def set_default_password(server: Server, password: str) -> None:
    """What CONFIG SET requirepass does."""
    control = of(server)
    control.users["default"].set_password(password)
    control.refresh()


def authenticate(session: Session, name: bytes, password: bytes, command: str) -> None:
    """Make a session act as a user from now on.

    Args:
        session: whose user it becomes.
        name: the user's name.
        password: one of the user's.
        command: which one asks for it, for the log.

    Raises:
        CommandError: WRONGPASS.
    """
    server = session.server
    control = of(server)
    user = control.users.get(text(name))
    if user is None and is_open(server):
        return
    if user is None or not user.accepts(password):
        control.note(session, "auth", command, text(name))
        raise CommandError(WRONG_PASSWORD)
    session.user = user.name
    session.switched &= ~switches.UNAUTHENTICATED


def is_open(server: Server) -> bool:
    """Whether any credentials will do, such as a production URL's: inside of patches."""
    return (
        server.takes_any_user and not server.closed_by_default and len(of(server).users) == 1
    )


def denial(session: Session, command: Command, args: Sequence[bytes]) -> Denial | None:
    """Why a session's user may not run a command; None when it may."""
    user = of(session.server).users.get(session.user)
    return None if user is None else user.denial(command, args, session)


def _refusal(session: Session, command: Command, found: Denial) -> CommandError:
    if session.collected is not None:  # EXEC runs it
        session.ctx.command = session.server.table.queue_runner
    elif session.via != "script":
        session.ctx.command = command
    of(session.server).note(session, REASONS[found.reason], found.object, session.user)
    words = found.text(session.user)
    if session.via == "script":
        return CommandError(f"ERR ACL failure in script: {words}")
    if session.collected is not None:  # EXEC runs it
        return CommandError(CHANGED % REASONS_AT_EXEC[found.reason])
    return CommandError(f"NOPERM {words}")


def may_read(session: Session, key: bytes) -> bool:
    """Whether a session's user may read a key, which its command did not name."""
    found: AccessControl | None = session.server.acl
    user = None if found is None else found.users.get(session.user)
    return user is None or user.may_read(key)


def check_all_keys(session: Session, command: Command, option: str) -> None:
    """Refuse an option of SORT whose keys nobody knows to users who may not read all keys.

    Raises:
        CommandError: it is so.
    """
    user = of(session.server).users.get(session.user)
    if user is None or any(selector.reads_all_keys(command) for selector in user.selectors):
        return
    raise CommandError(f"ERR {option} option of SORT denied due to insufficient ACL permissions.")
