"""The page ``reference.rst``, made of the docstrings; see ``generate.py``."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Any

# Title, introduction, names: where they live if not in fakeredis itself.
SECTIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Patching", "See :doc:`usage`.", (
        "patch", "patched", "active", "FakeRedisMixin", "AfterExitWarning", "AfterExitError",
        "patch.PatchOptions", "patching.faults.Unused",
    )),
    ("The spy", ("See :doc:`spy`. ``fakeredis.spy(*targets)`` makes a ``Spy``, and is the module "
     "in which these names live, too."), (
        "Spy", "spy.Span", "spy.CommandCall", "spy.Where", "spy.Finding", "call", "ANY", "like",
        "matching",
    )),
    ("Clients", ("Each takes all arguments of the class that it stands for, positional ones too. "
     "``FakeStrictRedis`` is\n``FakeRedis``. Where valkey-py is installed, ``FakeValkey`` (and "
     "``FakeStrictValkey``, which is the same) and\n``FakeAsyncValkey`` stand for its "
     "``Valkey`` and ``asyncio.Valkey``. ``fakeredis.aioredis`` has the asyncio client\nunder "
     "the names ``FakeRedis``, ``FakeStrictRedis`` and ``FakeConnection``."), (
        "FakeRedis", "FakeAsyncRedis", "FakeRedisCluster", "FakeAsyncRedisCluster",
        "FakeSentinel", "FakeAsyncSentinel", "FakeConnection", "FakeAsyncConnection", "mocked",
    )),
    ("Servers", "See :doc:`server` and :doc:`serve`.", ("FakeServer", "TcpFakeServer", "reset")),
    ("Stores", "See :doc:`stores`, and :doc:`own_stores` for the base classes.", (
        "MemoryStore", "SQLiteStore", "RedisStore", "ParityStore", "ParityError", "parity",
    )),
    ("Commands of one's own", "See :doc:`architecture`.", ("commands.registry.Group",)),
)
# Of these the base classes' methods are ours, too.
_WHOLE = ("patch", "Spy")
_PARTS = re.compile(r"^(Args|Raises|Returns):$", re.MULTILINE)


def reference_page(heading: Any) -> str:
    """All public names, with their arguments and methods."""
    text = heading("Reference", "=") + (
        "What is exported, with the arguments and methods of each. Names without a module are "
        "those of ``fakeredis``.\n"
    )
    for title, introduction, names in SECTIONS:
        text += f"\n{heading(title, '-')}{introduction}\n"
        for name in names:
            text += "\n" + heading(f"``{name}``", "~") + "\n".join(_entry(name))
    return text.rstrip("\n") + "\n"


def _entry(name: str) -> Iterator[str]:
    found = _find(name)
    if isinstance(found, type) or inspect.isfunction(found):
        yield f"``{name.rpartition('.')[2]}{_signature(found)}``\n"
    documentation = inspect.getdoc(found if callable(found) else type(found)) or ""
    yield from _documented(documentation)
    if isinstance(found, type):
        yield from _members(found, name)


def _find(name: str) -> Any:
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(f"fakeredis.{module}".rstrip(".")), last)


def _signature(found: Any) -> str:
    """The arguments, where they are ours and not redis-py's; without their types."""
    if isinstance(found, type) and issubclass(found, BaseException):
        return ""
    if isinstance(found, type) and "_real_class" in vars(found):
        return "(...)"
    if isinstance(found, type) and not inspect.isfunction(getattr(found, "__init__", None)):
        return ""
    shown, keyword_only = [], False
    found = inspect.unwrap(found, stop=_wraps_anothers)
    for each in inspect.signature(found, follow_wrapped=False).parameters.values():
        if each.name == "self":
            continue
        if each.kind is each.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            if not any(one.startswith("*") for one in shown):
                shown.append("*")
        star = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
        default = "" if each.default is each.empty else f"={each.default!r}"
        default = "=..." if " object at " in default else default
        shown.append(f"{star}{each.name}{default}")
    return f"({', '.join(shown)})"


def _wraps_anothers(found: Any) -> bool:
    """What it wraps is redis-py's: other arguments in each version."""
    return not found.__wrapped__.__module__.startswith("fakeredis.")


def _documented(text: str) -> Iterator[str]:
    """A docstring as reStructuredText: its parts become lists of definitions."""
    pieces = _PARTS.split(_marked(text))
    yield pieces[0].strip() + "\n"
    for title, body in zip(pieces[1::2], pieces[2::2], strict=True):
        yield f"{title}:\n"
        for term, meaning in _definitions(body):
            yield f"- ``{term}``: {meaning}" if term else f"- {meaning}"
        yield ""


def _definitions(body: str) -> Iterator[tuple[str, str]]:
    for piece in re.split(r"\n(?=    \S)", body):
        line = " ".join(piece.split())
        if line:
            term, colon, meaning = line.partition(": ")
            yield (term, meaning) if colon else ("", line)


def _marked(text: str) -> str:
    return re.sub(r"(?<!`)`([^`\n]+)`(?!`)", r"``\1``", text)


def _members(found: type, name: str) -> Iterator[str]:
    owners: Iterable[type] = (found,)
    if name in _WHOLE:
        owners = [each for each in found.__mro__ if each.__module__.startswith("fakeredis.")]
    seen: set[str] = set()
    lines = []
    for owner in owners:
        # By their names: the order in the class is another one after mocks, lines are after spies.
        for member, value in sorted(_shown(owner), key=itemgetter(0)):
            if member in seen:
                continue
            seen.add(member)
            target = _function(value)
            summary = _marked((inspect.getdoc(target) or "").partition("\n\n")[0])
            call = "" if isinstance(value, property) else _signature(value)
            lines.append(f"- ``{member}{call}``: {' '.join(summary.split())}")
    if lines:
        yield "\n".join(lines) + "\n"


def _shown(owner: type) -> Iterator[tuple[str, Any]]:
    for member, value in vars(owner).items():
        value = getattr(value, "__func__", value)
        if not member.startswith("_") and _is_shown(value):
            yield member, value


def _function(value: Any) -> Any:
    return value.fget if isinstance(value, property) else value


def _is_shown(value: Any) -> bool:
    target = _function(value)
    return inspect.isfunction(target) and target.__module__.startswith("fakeredis.")
