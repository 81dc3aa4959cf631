"""Writes the pages that follow from the code: ``commands.rst``, ``gaps.rst``, ``road.rst`` ...

    python docs/generate.py

A test fails when they are out of date.
"""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER)]

from reference_page import reference_page  # noqa: E402

from fakeredis.commands import catalogue  # noqa: E402
from fakeredis.engine.core import profiles, road  # noqa: E402
from tests.support import harvest  # noqa: E402
from tests.support.known_gaps import GAPS, LEFT  # noqa: E402
from tests.versions import compared as compared_versions  # noqa: E402
from tests.versions import known  # noqa: E402

VERSION = "8.2.3"
NEWEST = "8.10"
# The groups in the order of Redis's own documentation, and how they are called there.
TITLES = {
    "string": "Strings", "generic": "Generic", "hash": "Hashes", "list": "Lists", "set": "Sets",
    "sorted-set": "Sorted sets", "stream": "Streams", "bitmap": "Bitmaps", "geo": "Geospatial",
    "hyperloglog": "HyperLogLog", "pubsub": "Pub/sub", "transactions": "Transactions",
    "scripting": "Scripting and functions", "connection": "Connection", "server": "Server",
    "acl": "Access control", "cluster": "Cluster", "vectorset": "Vector sets", "json": "JSON",
    "search": "Search", "bloom": "Bloom filters", "cuckoo": "Cuckoo filters",
    "cms": "Count-min sketches", "topk": "Top-k", "tdigest": "t-digests",
    "timeseries": "Time series",
}
GENERATED = ".. Written by docs/generate.py; do not edit.\n\n"
OWN_WORDS = (
    "The texts that explain commands are in words of our own: the lines of the subcommands\n"
    "``HELP`` (``PUBSUB HELP``, ``SCRIPT HELP`` ...) and the summaries of ``COMMAND DOCS``. The\n"
    "server's are its documentation, and no behaviour.\n"
)
ROAD = """\
What a command meets before it runs depends on where it comes from: from a client, from the queue
of a transaction, from a script, or from a wait that goes on. What a store plays anew meets nothing.
Gates and layers that are not switched on cost nothing: what is in force is compiled into one
callable when a switch moves (``fakeredis/engine/core/road.py``).

"""
ROAD_GATES = """\
In the server's order, behind the number of arguments. A gate lets a command pass, or answers it.
All but the one for faults, which no server has, are tried beside the real server, for each origin;
of permissions, memory, subscriber mode, pause and queue also which of two is the first
(``tests/engine/test_road.py``).

"""
ROAD_LAYERS = "Around the run itself, the outermost first.\n\n"
MODULES = {
    "FT": "search", "JSON": "JSON", "TS": "time series", "BF": "Bloom filters",
    "CF": "cuckoo filters", "CMS": "count-min sketches", "TOPK": "top-k", "TDIGEST": "t-digests",
    "TIMESERIES": "time series in clusters", "V": "vector sets",
}


def commands_page() -> str:
    """What is implemented, by group."""
    ours = {
        command.name: command.group
        for command in harvest.all_commands()
        if command.declaration.handler is not None
    }
    intro = (
        f"These {len(ours)} commands and subcommands are implemented, with the version of Redis "
        "that introduced each;\n``FakeServer(version='6.2')`` and ``patch(version='6.2')`` have "
        "those up to their version.\nWhat is missing stands in :doc:`gaps`; "
        "``python -m fakeredis commands`` prints the same list.\n"
    )
    return GENERATED + heading("Commands", "=") + intro + by_group(ours) + newer(set(ours))


def newer(known: set[str]) -> str:
    """What servers after the one of `VERSION` have besides."""
    table_of = profiles.profile(NEWEST)
    tops = catalogue.table(table_of).commands()
    everything = [*tops, *(sub for one in tops for sub in (one.subcommands or {}).values())]
    found = {
        command.name: introduced(command.declaration.since)
        for command in everything
        if command.name not in known and command.declaration.handler is not None
    }
    rows = [(f"``{name}``", found[name]) for name in sorted(found)]
    text = "These follow the public pages of the commands; see :doc:`versions`.\n\n"
    return f"\n{heading('Newer servers', '-')}{text}{table(rows)}"


def introduced(since: profiles.Since) -> str:
    return since if isinstance(since, str) else str(since.get("redis", ""))


def gaps_page() -> str:
    """What is not, and what is known to differ."""
    facts = harvest.command_facts()
    missing = {
        name: str(item["group"])
        for name, item in facts.items()
        if item["group"] != "module" and not implemented(name)
    }
    count = sum(item["group"] != "module" for item in facts.values())
    intro = (
        f"Redis {VERSION} has {count} commands and subcommands without its modules; "
        f"{len(missing) or 'none'} of them {'are' if len(missing) > 1 else 'is'} missing.\n"
    )
    parts = [GENERATED, heading("Known gaps", "="), intro, by_group(missing)]
    return "".join([*parts, modules(facts), differences(), of_other_servers()])


def implemented(name: str) -> bool:
    return harvest.is_known(name.split(" "))


def by_group(names: dict[str, str]) -> str:
    """A table for each group that has any."""
    assert set(names.values()) <= TITLES.keys(), set(names.values()) - TITLES.keys()
    return "".join(
        f"\n{heading(title, '-')}{table(rows)}"
        for group, title in TITLES.items()
        if (rows := rows_of(name for name in sorted(names) if names[name] == group))
    )


def rows_of(names: Iterable[str]) -> list[tuple[str, ...]]:
    return [(f"``{name}``", since(name)) for name in names]


def since(name: str) -> str:
    told = harvest.command_facts().get(name, {})
    if told and told["group"] != "module":
        return str(told["since"])
    return _declared_since().get(name, "")  # of modules' commands the server does not tell


@cache
def _declared_since() -> dict[str, str]:
    return {
        command.name: introduced(command.declaration.since) for command in harvest.all_commands()
    }


def modules(facts: dict[str, dict[str, object]]) -> str:
    """The modules' commands, counted."""
    counts = Counter(
        name.partition(".")[0] if "." in name else "V"
        for name, item in facts.items()
        if item["group"] == "module" and not implemented(name)
    )
    rows = [(f"``{key}.*``" if key != "V" else "``V*``", MODULES.get(key, ""), str(count))
            for key, count in sorted(counts.items())]
    head = ("Commands", "For", "Number")
    return f"\n{heading('Modules', '-')}{table(rows, head)}" if rows else ""


def differences() -> str:
    """The one list of known differences, ``tests/support/known_gaps.py``."""
    lines = [f"- ``{name}``: {reason}\n" for name, reason in sorted(GAPS.items())]
    text = "".join(lines) or "None is known in what is implemented.\n"
    return f"\n{heading('Differences', '-')}{text}{left()}\n{OWN_WORDS}"


def left() -> str:
    """What no single call shows."""
    wrap = textwrap.TextWrapper(98, subsequent_indent="  ", break_on_hyphens=False)
    return "".join(wrap.fill(f"- {each}") + "\n" for each in LEFT.strip().splitlines())


def of_other_servers() -> str:
    """What is known to differ from other versions, ``tests/versions/known.py``."""
    everything = {**known.DIFFERENCES, **known.MISSING, **known.TWINS}
    everything.update((name, why) for name, (_, why) in known.FACTS.items())
    lines = [f"- ``{name}``: {reason}\n" for name, reason in sorted(everything.items())]
    intro = (
        "Of Redis 6.2.14 (redis6), Redis 7.4.1 (redis7), Redis 8.6.2 (redis86), Valkey 8.1.8 "
        "(valkey8) and\nValkey 9.1.2 (valkey9):\n\n"
    )
    return f"\n{heading('Differences of other servers', '-')}{intro}{''.join(lines)}"


def heading(title: str, line: str) -> str:
    return f"{title}\n{line * len(title)}\n\n"


def table(rows: Iterable[tuple[str, ...]], head: tuple[str, ...] = ("Command", "Since")) -> str:
    """A simple table of reStructuredText."""
    everything = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*everything, strict=True)]
    ruler = " ".join("=" * width for width in widths)
    lines = [
        " ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in everything
    ]
    return "\n".join([ruler, lines[0], ruler, *lines[1:], ruler]) + "\n"


def reference() -> str:
    """The public names, from their docstrings."""
    return GENERATED + reference_page(heading)


def road_page() -> str:
    """The table of gates and layers, by where commands come from."""
    origins = list(road.Origin)

    def places(found: Iterable[road.Place]) -> str:
        rows = [["", *(origin.value for origin in origins)]]
        for place in found:
            met = ["yes" if origin in place.origins else "" for origin in origins]
            rows.append([place.name, *met])
        lines = "\n".join("* - " + "\n  - ".join(row) for row in rows)
        text = f".. list-table::\n   :header-rows: 1\n\n{textwrap.indent(lines, '   ')}\n"
        return "\n".join(line.rstrip() for line in text.split("\n"))

    return (
        f"{GENERATED}{heading('The road of a command', '=')}{ROAD}"
        f"{heading('Gates', '-')}{ROAD_GATES}{places(road.GATES)}"
        f"\n{heading('Layers', '-')}{ROAD_LAYERS}{places(road.LAYERS)}"
    )


def compared() -> str:
    """What each version is compared with: a part of ``versions.rst``."""
    head = ("Version", "Compared with", "Recorded calls", "Known to differ")
    return GENERATED + table(compared_versions.rows(), head)


PAGES: dict[str, Callable[[], str]] = {
    "compared.inc": compared, "commands.rst": commands_page, "gaps.rst": gaps_page,
    "reference.rst": reference, "road.rst": road_page,
}


def outdated() -> Iterator[str]:
    """The pages that differ from what would be written."""
    for name, make in PAGES.items():
        path = FOLDER / name
        if not path.exists() or path.read_text(encoding="utf-8") != make():
            yield name


def main() -> None:
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
