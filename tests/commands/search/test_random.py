"""Random schemas, documents, changes and queries, beside the real server.

At length: ``FAKEREDIS_SEARCH_ROUNDS=500 python -m pytest -n0 -k random tests/commands/search``;
`tests.support.chance` tells where it begins.
"""

from __future__ import annotations

import os
import random
from typing import Any

from tests.commands.search.test_search import until_scanned
from tests.support.chance import seed
from tests.support.twin import Twin

ROUNDS = int(os.environ.get("FAKEREDIS_SEARCH_ROUNDS", "4"))
STEPS = 60
WORDS = [
    "hello", "world", "running", "runs", "dog", "dogs", "quick", "brown", "fox", "lazy", "car",
    "cars", "house", "the", "of", "zebra", "apple", "banana", "12", "x1",  # numbers come last
]
TAGS = ["red", "Green", "blue", "dark blue", "a-b", "x,y", "z"]


class Case:
    """One round: a schema, and keys that change."""

    def __init__(self, twin: Twin, chosen: random.Random) -> None:
        self.twin = twin
        self.chosen = chosen
        self.only_new = True  # no document was changed yet

    def some(self, *options: str) -> list[str]:
        """Some of the options."""
        return [each for option in options if self.chosen.random() < 0.4 for each in option.split()]

    def create(self) -> None:
        """Make the index, which may find documents."""
        for _ in range(self.chosen.randrange(3)):
            self.write()
        self.twin(
            "FT.CREATE", "i", "PREFIX", "1", "d:", *self.some("NOHL", "SCORE 0.5"), "SCHEMA",
            "t", "TEXT", *self.some("NOSTEM", "WEIGHT 2", "SORTABLE"),
            "u", "TEXT", *self.some("INDEXMISSING"),
            "g", "TAG", *self.some("SEPARATOR ;", "CASESENSITIVE"), *self.some("SORTABLE"),
            "n", "NUMERIC", "SORTABLE", "m", "NUMERIC", "p", "GEO",
        )
        until_scanned(self.twin, b"i")

    def key(self) -> str:
        """One of a few keys; some are of no index."""
        return self.chosen.choice(["d:", "d:", "d:", "e:"]) + str(self.chosen.randrange(12))

    def value(self, name: str) -> str:
        """A field's value."""
        chosen = self.chosen
        if name in "tu":
            return " ".join(chosen.choices(WORDS, k=chosen.randint(1, 8)))
        if name == "g":
            return chosen.choice([",", ";"]).join(chosen.sample(TAGS, chosen.randint(1, 3)))
        if name == "p":
            return f"{chosen.randint(-5, 5)},{chosen.randint(-5, 5)}"
        return str(chosen.choice([chosen.randint(-5, 20), chosen.randint(0, 40) / 4]))

    def write(self) -> None:
        """Write a document."""
        names = self.chosen.sample("tugnmp", self.chosen.randint(1, 6))
        key = self.key()
        if self.twin("EXISTS", key):
            self.only_new = False
        self.twin("HSET", key, *(word for name in names for word in (name, self.value(name))))

    def change(self) -> None:
        """Change documents in some other way."""
        self.only_new = False
        key, other = self.key(), self.key()
        call = self.chosen.choice([
            ["DEL", key], ["HDEL", key, self.chosen.choice("tugnmp")], ["RENAMENX", key, other],
            ["COPY", key, other, "REPLACE"], ["HINCRBY", key, "k", "2"], ["SET", key, "text"],
            ["PERSIST", key], ["HSETNX", key, "t", self.value("t")],
            ["EVAL", "return redis.call('HSET', KEYS[1], 't', ARGV[1])", "1", key, "zebra"],
            ["HMSET", key, "n", self.value("n"), "g", self.value("g")], ["UNLINK", key],
        ])
        self.twin(*call)

    # Queries --------------------------------------------------------------------------------

    def atom(self) -> str:
        """A query without parts."""
        chosen = self.chosen
        word = chosen.choice(WORDS[:-2])
        low = chosen.randint(-6, 15)
        tag = chosen.choice(["red", "green", "Green", "blue", r"dark\ blue", r"a\-b", "z"])
        return chosen.choice([
            word, word, f"@t:{word}", f"@u:{word}", f"@t|u:{word}", f"{word[:2]}*", f"%{word}%",
            f'"{word} {chosen.choice(WORDS)}"', f"@g:{{{tag}}}", f"@g:{{{tag}|red}}",
            f"@n:[{low} {low + 5}]", f"@m:[({low} +inf]", f"@n:[-inf ({low}]",
            f"@p:[{chosen.randint(-5, 5)} {chosen.randint(-5, 5)} {chosen.randint(1, 600)} km]",
        ])

    def query(self, depth: int = 0) -> str:
        """A query."""
        kind = self.chosen.random()
        if depth > 2 or kind < 0.35:
            return self.atom()
        one = self.query(depth + 1)
        if not depth and kind < 0.5:  # inside of others the server's negations skip documents
            tag = self.chosen.choice(["zebra", "@g:{red}", "@n:[0 8]", "(dog|car)", "la*"])
            return self.chosen.choice([f"-({tag})", f"{one} -({tag})"])
        if not depth and kind < 0.55:
            return f"~({one}) {self.atom()}"
        other = self.query(depth + 1)
        return f"({one} {other})" if kind < 0.8 else f"({one}|{other})"

    def ask(self) -> None:
        """Ask both for the same."""
        query = self.chosen.choice(["*", self.query(), self.query(), self.query()])
        kind = self.chosen.random()
        if kind < 0.4:
            call = ["FT.SEARCH", "i", query, "NOCONTENT", "LIMIT", "0", "100", "DIALECT", "2"]
            if self.only_new and not set("~|%") & set(query):
                call += ["WITHSCORES", "SCORER", "BM25STD"]
        elif kind < 0.7:
            call = ["FT.SEARCH", "i", query, "SORTBY", self.chosen.choice("nt"), "RETURN", "2", "n",
                    "t", "LIMIT", "0", "100", "DIALECT", "2", *self.some("DESC")]
            if "DESC" in call:
                call.remove("DESC")
                call.insert(5, "DESC")
        else:
            call = ["FT.AGGREGATE", "i", query, "GROUPBY", "1", self.chosen.choice(["@n", "@g"]),
                    "REDUCE", "COUNT", "0", "AS", "c", "REDUCE", "SUM", "1", "@n", "AS", "s",
                    "DIALECT", "2"]
        self.twin._compare(tuple(call), alike)


def alike(fake: Any, real: Any) -> bool:
    """Whether replies are the same but for the order of what has none, and for roundings."""
    return bool(shown(fake) == shown(real))


def shown(reply: Any) -> Any:
    if isinstance(reply, dict) and b"results" in reply:
        rows = reply[b"results"]
        total = 0 if rows and b"id" not in rows[0] else reply[b"total_results"]
        return [total, sorted(map(_row, rows), key=repr)]
    if isinstance(reply, list):
        return sorted((_row(each) for each in reply), key=repr)
    return reply


def _row(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted(([bytes(name), _row(each)] for name, each in value.items()), key=repr)
    if isinstance(value, list):
        return sorted(map(_row, value), key=repr)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, bytes):
        try:
            return f"{float(value):.4g}"
        except ValueError:
            return bytes(value)
    return value


def test_random(twin: Twin) -> None:
    first = seed()
    for number in range(first, first + ROUNDS):
        print(f"FAKEREDIS_FUZZ_SEED={number}")
        case = Case(twin, random.Random(number))
        twin("FLUSHALL")
        case.create()
        for step in range(STEPS):
            kind = case.chosen.random()
            if kind < 0.35:
                case.write()
            elif kind < 0.5 and step > STEPS // 3:
                case.change()
            else:
                case.ask()
