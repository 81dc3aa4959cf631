"""Access control: users, passwords and permissions (the ACL commands)."""

from __future__ import annotations

import secrets
from typing import Any, Final

from fakeredis import errors
from fakeredis.commands.arguments import Raw, Rest, word_of
from fakeredis.commands.registry import ADMIN, LOADING, NOSCRIPT, SERVER_WIDE, STALE, Group, Secrets
from fakeredis.datatypes.numbers import parse_int
from fakeredis.engine import wording
from fakeredis.engine.core import dispatch
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.profiles import Traits
from fakeredis.engine.core.replies import DEEP, OK, SetReply, Status
from fakeredis.engine.features import acl, acl_rules
from fakeredis.errors import CommandError

group = Group("acl")
group.container("ACL", since="6.0.0")

_OPEN: Final = NOSCRIPT | LOADING | STALE
_ADMIN: Final = ADMIN | _OPEN
_NO_FILE: Final = (
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users "
    "via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis "
    "configuration file set) in order to store users in the Redis configuration."
)
_BAD_BITS: Final = (
    "ERR ACL GENPASS argument must be the number of bits for the output password, a positive "
    "number up to 4096"
)


def _one(ctx: Context, words: list[bytes]) -> bytes | None:
    """The one word that there may be."""
    if len(words) > 1:
        raise ctx.misused()
    return words[0] if words else None


# Users ------------------------------------------------------------------------------------------


@group.command("ACL WHOAMI", flags=_OPEN, since="6.0.0")
def acl_whoami(ctx: Context) -> bytes:
    """The user as which this session acts."""
    return acl_rules.raw(ctx.session.user)


@group.command("ACL USERS", flags=_ADMIN, since="6.0.0", varies="order")
def acl_users(ctx: Context) -> list[bytes]:
    """The names of all users."""
    return sorted(map(acl_rules.raw, acl.of(ctx.server).users))


@group.command("ACL LIST", flags=_ADMIN, since="6.0.0", varies="order")
def acl_list(ctx: Context) -> list[bytes]:
    """All users with their rules, as a configuration file would have them."""
    users = acl.of(ctx.server).users
    lines = [users[name].line() for name in sorted(users, key=acl_rules.raw)]
    if ctx.traits.sanitized_payloads:
        return lines
    return [line.replace(b" sanitize-payload ", b" ", 1) for line in lines]


@group.command(
    "ACL GETUSER", Raw, flags=_ADMIN, since="6.0.0", reply=DEEP, varies="inner", names="username",
)
def acl_getuser(ctx: Context, name: bytes) -> Any:
    """What a user may do; None when there is none."""
    user = acl.of(ctx.server).users.get(acl_rules.text(name))
    if user is None:
        return None
    root, *others = user.selectors
    flags = user.flags()
    return {
        b"flags": SetReply(flags),
        b"passwords": list(user.passwords), **_permissions(root, ctx.traits),
        b"selectors": [_permissions(selector, ctx.traits) for selector in others],
    }


def _permissions(selector: acl_rules.Selector, traits: Traits) -> dict[bytes, bytes]:
    return {
        b"commands": selector.commands_text(), b"keys": selector.keys_text(),
        b"channels": selector.channels_text(),
        **({b"databases": selector.databases_text()} if traits.allowed_databases else {}),
    }


@group.command(
    "ACL SETUSER", Raw, Rest(), flags=_ADMIN | SERVER_WIDE, since="6.0.0", secrets=Secrets({}),
    tips="request_policy:all_nodes response_policy:all_succeeded", names="username [rule+]",
)
def acl_setuser(ctx: Context, name: bytes, rules: list[bytes]) -> Any:
    """Make a user, or change one, by all of the rules or, when one is refused, none.

    Checked in the server's order: name, parentheses, each rule.
    """
    if b" " in name or b"\0" in name:
        raise CommandError("ERR Usernames can't contain spaces or null characters")
    acl.of(ctx.server).set_user(acl_rules.text(name), acl_rules.merged(rules))
    return OK


@group.command(
    "ACL DELUSER", Raw, Rest(), flags=_ADMIN | SERVER_WIDE, since="6.0.0", secrets=Secrets({}),
    tips="request_policy:all_nodes response_policy:all_succeeded", names="username+",
)
def acl_deluser(ctx: Context, first: bytes, rest: list[bytes]) -> int:
    """Remove users and end their sessions; how many there were."""
    names = [first, *rest]
    if b"default" in names:
        raise CommandError("ERR The 'default' user cannot be removed")
    control = acl.of(ctx.server)
    return sum(control.delete_user(acl_rules.text(name)) for name in names)


@group.command(
    "ACL DRYRUN", Raw, Raw, Rest(), flags=_ADMIN, since="7.0.0", names="username command [arg+]",
)
def acl_dryrun(ctx: Context, name: bytes, word: bytes, words: list[bytes]) -> Any:
    """Whether a user might run a command: OK, or why not.

    Checked in the server's order: user, command, number of arguments.
    """
    user = acl.of(ctx.server).users.get(acl_rules.text(name))
    if user is None:
        raise CommandError(f"ERR User '{wording.clean(name)}' not found")
    table = ctx.server.table
    command = table.find(word)
    if command is not None and command.subcommands is not None and words:
        command = command.subcommands.get(words[0].lower())
    if command is None:
        raise CommandError(f"ERR Command '{wording.clean(word)}' not found")
    args = [word, *words][len(command.parts) :]
    if not command.accepts(len(args)):
        raise CommandError(errors.ARITY % command.label)
    denial = user.denial(command, args, ctx.session)
    if denial is None:
        return OK
    if denial.object == command.parts[0].decode().lower():
        denial = denial._replace(object=acl_rules.text(word))
    return acl_rules.raw(denial.dry_text(user.name))


@group.command("ACL LOAD", flags=_ADMIN | SERVER_WIDE, since="6.0.0")
def acl_load(ctx: Context) -> Any:
    """Read the users from a file, which no server here has."""
    raise CommandError(_NO_FILE if ctx.traits.says_redis else _NO_FILE.replace("Redis ", ""))


@group.command(
    "ACL SAVE", flags=_ADMIN | SERVER_WIDE, since="6.0.0",
    tips="request_policy:all_nodes response_policy:all_succeeded",
)
def acl_save(ctx: Context) -> Any:
    """Write the users into a file, which no server here has."""
    raise CommandError(_NO_FILE if ctx.traits.says_redis else _NO_FILE.replace("Redis ", ""))


# Facts ------------------------------------------------------------------------------------------


@group.command("ACL CAT", Rest(), flags=_OPEN, since="6.0.0", varies="always", names="[category]")
def acl_cat(ctx: Context, words: list[bytes]) -> list[bytes]:
    """The categories, or the commands of one."""
    word = _one(ctx, words)
    if word is None:
        return [name.encode() for name in acl_rules.categories(ctx.server.table)]
    category = acl_rules.text(word).lower()
    if category not in acl_rules.categories(ctx.server.table):
        raise CommandError(f"ERR Unknown category '{wording.clean(word)}'")
    return [
        command.label.encode() for command in ctx.server.table.all()
        if category in command.declaration.categories()
    ]


@group.command(
    "ACL GENPASS", Rest(), flags=_OPEN, since="6.0.0", varies="always", names="[bits:integer]",
)
def acl_genpass(ctx: Context, words: list[bytes]) -> bytes:
    """A password that nobody guesses, of 256 bits or as many as asked for."""
    word = _one(ctx, words)
    bits = 256 if word is None else parse_int(word)
    if bits is None:
        raise CommandError(errors.NOT_INTEGER)
    if not 0 < bits <= 4096:
        raise CommandError(_BAD_BITS)
    digits = (bits + 3) // 4
    return secrets.token_hex((digits + 1) // 2)[:digits].encode()


@group.command(
    "ACL LOG", Rest(), flags=_ADMIN | SERVER_WIDE, since="6.0.0", reply=DEEP, varies="always",
    form="^what", names="[operation<count:integer|RESET>]",
)
def acl_log(ctx: Context, words: list[bytes]) -> Any:
    """What was refused of late, ten entries or as many as asked for; or forget it."""
    word, control = _one(ctx, words), acl.of(ctx.server)
    if word is not None and word_of(word) == b"RESET":
        control.log.clear()
        return OK
    count = 10 if word is None else parse_int(word)
    if count is None:
        raise CommandError(errors.NOT_INTEGER)
    return [_entry(ctx, entry) for entry in control.log[: max(count, 0)]]


def _entry(ctx: Context, entry: acl.LogEntry) -> dict[bytes, Any]:
    reason, context, what, user = map(acl_rules.raw, entry.what)
    return {
        b"count": entry.count, b"reason": reason, b"context": context, b"object": what,
        b"username": user, b"age-seconds": (ctx.now - entry.updated) / 1000,
        b"client-info": acl_rules.raw(entry.client), b"entry-id": entry.number,
        b"timestamp-created": entry.created, b"timestamp-last-updated": entry.updated,
    }


@group.command("ACL HELP", flags=LOADING | STALE, since="6.0.0")
def acl_help(ctx: Context) -> list[Status]:
    """The subcommands."""
    return dispatch.help_reply("ACL", (
        "CAT [<category>]", "    List the categories, or the commands of one.",
        "DELUSER <username> [<username> ...]", "    Remove users.",
        "DRYRUN <username> <command> [<arg> ...]",
        "    Tell whether a user might run a command.",
        "GENPASS [<bits>]", "    Make up a password.",
        "GETUSER <username>", "    Describe a user.",
        "LIST", "    List the users with their rules.",
        "LOAD", "    Read the users from the ACL file.",
        "LOG [<count> | RESET]", "    List what was refused, or forget it.",
        "SAVE", "    Write the users into the ACL file.",
        "SETUSER <username> <attribute> [<attribute> ...]", "    Make or change a user.",
        "USERS", "    List the names of the users.",
        "WHOAMI", "    Name the user of this connection.",
    ))
