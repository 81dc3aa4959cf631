"""Rare groups: declared here, imported by the first call of one of their commands.

So COMMAND, ACL and clusters know all about them, and programs that never call them pay nothing for
their modules.
"""

from __future__ import annotations

from typing import Any, Final

from fakeredis.commands.arguments import Key, Rest
from fakeredis.commands.registry import DENYOOM, FAST, MODULE, READONLY, WRITE, Group, Late
from fakeredis.engine.replies import DEEP, MAP, PLAIN, Shape, deep_resp2, null_array

# Vector sets: a module that Redis 8 has built in. Modules look at the number of words themselves.

_vector_sets: Final = Group("vectorset")


def _flat_search(reply: Any) -> Any:
    """Elements with scores and attributes as RESP2's flat array."""
    if type(reply) is not dict:
        return reply
    flat: list[Any] = []
    for element, value in reply.items():
        flat.append(element)
        flat += deep_resp2(value) if type(value) is list else (deep_resp2(value),)
    return flat


for _name, _flags, _shape in (
    ("VADD", WRITE | DENYOOM, DEEP),
    ("VREM", WRITE, DEEP),
    ("VSIM", READONLY, Shape(_flat_search, None)),
    ("VDIM", READONLY | FAST, PLAIN),
    ("VCARD", READONLY | FAST, PLAIN),
    ("VEMB", READONLY | FAST, DEEP),
    ("VLINKS", READONLY | FAST, DEEP),
    ("VINFO", READONLY | FAST, MAP),
    ("VSETATTR", WRITE | FAST, DEEP),
    ("VGETATTR", READONLY | FAST, PLAIN),
    ("VRANDMEMBER", READONLY, PLAIN),
    ("VISMEMBER", READONLY, DEEP),
):
    _vector_sets.command(
        _name, Key, Rest(flat=True), flags=_flags | MODULE, since="8.0.0", arity=-1, acl=(),
        reply=_shape, nulls=null_array if _name == "VINFO" else None,
    )(Late("vector_set", _name.lower()))  # fmt: skip

groups: Final = (_vector_sets,)
