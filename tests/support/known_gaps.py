"""What is known to differ from the real server: the one list, with the reason of each.

A name is a command and a category of the harvested calls, as the tests' names show them
(``"CLIENT KILL: syntax"``), or a command and ``facts``. A gap that no longer is one fails the run:
take it out then.
"""

from __future__ import annotations

import pytest

GAPS: dict[str, str] = {
    # The harvested server had measured and logged other commands before.
    "LATENCY HISTOGRAM: example": "tells of the commands that ran before",
    "LATENCY HISTOGRAM: syntax": "tells of the commands that ran before",
    "SLOWLOG GET: example": "tells of the commands that ran before",
    "SLOWLOG GET: numbers": "tells of the commands that ran before",
    "SLOWLOG GET: syntax": "tells of the commands that ran before",
    # The server has the paths in a hash table.
    "JSON.GET: syntax": "an object of several paths has them in an order left to chance",
    # Vectors that are infinite are as far from all others.
    "VSIM: numbers": "elements of the same similarity come in the order in which they were added",
    # It tells of a profile as Redis 8 does, which the module of before did not.
    "FT.PROFILE: example": "since Redis 8 there are shards in it",
    # That server's first scan had met the document as well, when it was written.
    "FT.SPELLCHECK: example": "the harvested server had indexed the document twice",
    "FT.SPELLCHECK: syntax": "the harvested server had indexed the document twice",
    # It reads beyond the words that it was given.
    "FT.CREATE: syntax": "the server takes what is beyond the words for a WEIGHT",
    "TS.INCRBY: syntax": "the server dies of TIMESTAMP without a value",
}


def param(name: str, *values: object) -> object:
    """A test's parameters, expected to fail where the gap is known."""
    marks = [pytest.mark.xfail(reason=GAPS[name], strict=True)] if name in GAPS else []
    return pytest.param(*values, id=name, marks=marks)


# What no single call shows, a point a line; the first ones the server itself leaves to chance.
LEFT = """
Sets and hashes that are hashtables come in an order of their own (in the server's, a number \
drawn at its start decides); ``SCAN`` and its kin likewise.
``VSIM ... FILTER-EF``: ours looks at all elements, while the server's graph, which is made by \
chance, may miss some (the same commands twice give two replies); ``VLINKS`` shows links \
of such a graph.
Measured figures: ``INFO``'s ``eventloop_*``, memory of Lua and of clients are plausible numbers, \
since there is no event loop and no such memory to measure.
``SET`` of Redis 8.4 and newer with ``GET`` and a digest that is none sends two replies, the old \
value and the error, so that all later replies are the wrong ones; here it is the old value alone.
There is no append only file: ``appendonly`` can be set, and nothing is written.
"""
