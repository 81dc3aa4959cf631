"""Random sequences of commands, sent to the fake and to the real server, which must agree.

A group's machine is a strategy for one command; hypothesis makes sequences of them and, when the
two sides disagree, finds the shortest one that shows it. ``FAKEREDIS_LONG=1`` looks much longer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.twin import Twin
from tests.support.wire import Wire

LONG = bool(os.environ.get("FAKEREDIS_LONG"))
Command = Sequence[object]
Commands = st.SearchStrategy[Any]


def words(*parts: object) -> Commands:
    """A command of fixed words and of strategies for the others."""
    return st.tuples(*[part if isinstance(part, st.SearchStrategy) else st.just(part)
                       for part in parts])


def with_options(head: Commands, *options: Commands) -> Commands:
    """A command followed by some of the options, in any order, one perhaps twice."""
    tails = st.lists(st.one_of(*options), max_size=3)
    return st.builds(lambda start, tail: (*start, *sum(tail, ())), head, tails)


def hunt(
    url: str, command: Commands, unordered: Collection[str] = (), length: int = 25,
    examples: int = 150, compare: Callable[[Twin, Command], Any] | None = None,
) -> None:
    """Let fake and server run sequences of commands, and compare replies and final states."""

    def run(protocol: int, commands: list[Command]) -> None:
        with Wire.to(url) as wire:
            wire.call(b"FLUSHALL")
        twin = Twin(url, protocol)
        try:
            for argv in commands:
                if compare is not None:
                    compare(twin, argv)
                else:
                    (twin.unordered if argv[0] in unordered else twin)(*argv)
            twin.finish()
        finally:
            twin.close()

    sequences = st.lists(command, min_size=1, max_size=length)
    settings(
        max_examples=examples * 50 if LONG else examples, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), print_blob=False,
        phases=(Phase.generate, Phase.shrink),
    )(given(st.sampled_from((2, 3)), sequences)(run))()
