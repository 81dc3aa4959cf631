"""Which method of redis-py sends a command, and for whom: noted when it is called.

A method of a sync client is still running when its command is recorded. A pipeline's has ended by
then, and one of asyncio may have ended before anything runs: there the method is noted earlier, by
`fakeredis.patching.method_notes`, and comes along with the command.
"""

from __future__ import annotations

import asyncio
import concurrent
import contextlib
import os
import sys
import threading
from collections.abc import Iterable
from contextvars import ContextVar
from functools import cache
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

__all__ = [
    "CALLING", "CLIENT", "FILES", "SPYING", "Call", "NotedArgs", "NotedWords", "caller",
    "is_library", "name_of",
]

# Kinds of files of code.
_LIBRARY: Final = 1  # between the caller's code and the engine
CLIENT: Final = 2  # and, of these, with methods that send commands


class _Files(dict[str, int]):
    """For each file name of code its kind; 0 is the caller's."""

    def __missing__(self, filename: str) -> int:
        found = 0
        if filename.startswith(_client_prefixes()):
            # Decorators stand around the methods there, and are none.
            found = _LIBRARY if os.path.basename(filename) == "utils.py" else CLIENT
        elif filename.startswith(_library_prefixes()):
            found = _LIBRARY
        self[filename] = found
        return found


def _own_folder() -> str:
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _client_prefixes() -> tuple[str, ...]:
    prefixes = [os.path.join(_own_folder(), "clients") + os.sep, "<fakeredis "]
    for name in ("redis", "valkey", "aioredis"):
        module = sys.modules.get(name)
        prefixes += [path + os.sep for path in getattr(module, "__path__", ())]
    return tuple(prefixes)


def _library_prefixes() -> tuple[str, ...]:
    prefixes = [_own_folder() + os.sep, threading.__file__, contextlib.__file__]
    prefixes += [path + os.sep for path in (*asyncio.__path__, *concurrent.__path__)]
    return tuple(prefixes)


FILES: Final = _Files()


def is_library(filename: str) -> bool:
    """Whether code of this file is redis-py's, ours, or what runs threads and tasks."""
    return FILES[filename] != 0


class Call(NamedTuple):
    """A method of redis-py that is called, and the place of the caller."""

    method: CodeType | None
    code: CodeType
    offset: int


# What asyncio's present method was called as; None where the frames tell.
CALLING: Final[ContextVar[Call | None]] = ContextVar("fakeredis_calling", default=None)


def caller(frame: FrameType) -> Call:
    """The outermost method of redis-py on the way from a frame to the caller, and the caller."""
    method = None
    while kind := FILES[frame.f_code.co_filename]:
        if kind == CLIENT:
            method = frame.f_code
        if (outer := frame.f_back) is None:
            break
        frame = outer
    return Call(method, frame.f_code, frame.f_lasti)


class NotedArgs(tuple[Any, ...]):  # noqa: SLOT001 - a tuple of no fixed length has no slots
    """Arguments in a pipeline, which know the method that queued them."""

    method: CodeType


class NotedWords(list[bytes]):
    """A command of a batch: its place there, and the method that queued it, where that is known."""

    __slots__ = ("method", "position")

    def __init__(self, words: Iterable[bytes], args: Any, position: int) -> None:
        super().__init__(words)
        self.method: CodeType | None = getattr(args, "method", None)
        self.position = position


class _Spying:
    """How many spies there are, for those who do more while there is one."""

    def __init__(self) -> None:
        self.count = 0


SPYING: Final = _Spying()


# Names of methods -------------------------------------------------------------------------------


@cache
def name_of(code: CodeType) -> str | None:
    """A method's name: alone where it is a client's, else with its class (``Lock.acquire``)."""
    name = code.co_name
    if code.co_filename.startswith(("<", _own_folder())):
        return name
    owner = (getattr(code, "co_qualname", None) or _qualified(code)).rpartition(".")[0]
    if "<" in owner or "<" in name:
        return None  # a function within a function, and no one's method
    return name if not owner or owner in _client_classes() else f"{owner}.{name}"


def _qualified(code: CodeType) -> str:
    """What Python 3.11 keeps in the code itself."""
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) != code.co_filename:
            continue
        for cls in [each for each in vars(module).values() if isinstance(each, type)]:
            found = vars(cls).get(code.co_name)
            while (inner := getattr(found, "__wrapped__", None)) is not None:
                found = inner
            if getattr(found, "__code__", None) is code:
                return f"{cls.__qualname__}.{code.co_name}"
    return code.co_name


def _client_classes() -> set[str]:
    """Names of the classes of which clients and pipelines are made."""
    found: set[str] = set()
    for library in ("redis", "valkey", "aioredis"):
        for package in (library, f"{library}.asyncio"):
            for module, names in (
                ("client", ("Redis", "Valkey", "Pipeline")),
                ("cluster", ("RedisCluster", "ValkeyCluster", "ClusterPipeline")),
            ):
                home = vars(sys.modules.get(f"{package}.{module}", object))
                for cls in (home.get(name) for name in names):
                    found.update(each.__name__ for each in getattr(cls, "__mro__", ()))
    return found
