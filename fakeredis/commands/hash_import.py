"""HIMPORT of Redis 8.10: many hashes with the same fields, whose names are sent once.

The subcommands are declared in `fakeredis.commands.late`; this is imported by their first call.
What is prepared belongs to a connection, and within a script to that run of it.  The hashes are as
all others: the server's encodings that share the names are not imitated, but the order of fields in
them is.
"""

from __future__ import annotations

from fakeredis import errors
from fakeredis.datatypes.hash import Hash
from fakeredis.engine.core.context import Context
from fakeredis.engine.core.replies import OK, Status
from fakeredis.errors import CommandError


def _fieldsets(ctx: Context) -> dict[bytes, tuple[bytes, ...]]:
    session = ctx.session
    if session.via == "script":
        if session.script_fieldsets is None:
            session.script_fieldsets = {}
        return session.script_fieldsets
    if session.fieldsets is None:
        session.fieldsets = {}
    return session.fieldsets


def prepare(ctx: Context, name: bytes, *fields: bytes) -> Status:
    """Give a row of fields a name on this connection; values will come in the same order."""
    if len(set(fields)) < len(fields):
        raise CommandError(errors.FIELDSET_DUPLICATE)
    _fieldsets(ctx)[name] = fields
    return OK


def set_(ctx: Context, key: bytes, name: bytes, *values: bytes) -> Status:
    """Store a hash of prepared fields with these values, in place of any other hash.

    Its fields are in the order of their lengths, then of their bytes. Checked in the server's
    order: type, name, number of values.
    """
    ctx.lookup_write(key, Hash)
    fields = _fieldsets(ctx).get(name)
    if fields is None:
        raise CommandError(errors.NO_FIELDSET)
    if len(fields) != len(values):
        raise CommandError(errors.FIELDSET_VALUES)
    pairs = sorted(zip(fields, values, strict=True), key=lambda one: (len(one[0]), one[0]))
    ctx.db.place(key, Hash(pairs), None)
    ctx.modified(key, "hset")
    return OK


def discard(ctx: Context, name: bytes) -> int:
    """Forget one row of fields; whether there was one of that name."""
    return int(_fieldsets(ctx).pop(name, None) is not None)


def discardall(ctx: Context) -> int:
    """Forget all of them; how many there were."""
    fieldsets = _fieldsets(ctx)
    count = len(fieldsets)
    fieldsets.clear()
    return count
