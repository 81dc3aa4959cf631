"""Random conversations about time series: late samples, deletions, rules, queries of all kinds."""

from __future__ import annotations

import random

import pytest

from fakeredis.datatypes.timeseries.aggregation import FIRST_KINDS as KINDS
from fakeredis.datatypes.timeseries.aggregation import REDUCERS
from tests.support.twin import Twin

POLICIES = ("last", "first", "min", "max", "sum", "block")
KEYS = ("k", "m", "n")


class Machine:
    """Sends commands that a seed decides on to both sides."""

    def __init__(self, twin: Twin, seed: int, with_rules: bool) -> None:
        self.twin, self.chance, self.with_rules = twin, random.Random(seed), with_rules
        self.times = dict.fromkeys(KEYS, 0)
        self.keys = [*KEYS, "d0", "d1"] if with_rules else list(KEYS)

    def value(self) -> str:
        chance = self.chance
        return chance.choice((
            str(chance.randint(-5, 5)), f"{chance.uniform(-10, 10):.2f}",
            repr(chance.uniform(-1e3, 1e3)), "1e15", "0.1",
        ))

    def create(self) -> None:
        chance = self.chance
        for key in KEYS:
            words: list[object] = ["CHUNK_SIZE", chance.choice((48, 64, 128, 4096))]
            if chance.random() < 0.3:
                words += ["RETENTION", chance.choice((5, 50, 100))]
            if chance.random() < 0.3:
                words.append("UNCOMPRESSED")
            words += ["DUPLICATE_POLICY", chance.choice(POLICIES)]
            if chance.random() < 0.2:
                words += ["IGNORE", chance.randint(0, 5), chance.randint(0, 3)]
            self.twin("TS.CREATE", key, *words, "LABELS", "t", chance.choice("xy"), "u", "a")
        for key in self.keys[3:]:
            self.twin("TS.CREATE", key, "LABELS", "d", 1)
            self.twin(
                "TS.CREATERULE", chance.choice(KEYS), key, "AGGREGATION", chance.choice(KINDS),
                chance.choice((1, 5, 10, 50)), chance.randint(0, 20),
            )

    def add(self) -> None:
        chance, key = self.chance, self.chance.choice(KEYS)
        self.times[key] += chance.choice((1, 1, 2, 3, 10))
        late = chance.random() < 0.3
        time = chance.randint(0, self.times[key]) if late else self.times[key]
        self.twin("TS.ADD", key, time, self.value())

    def delete(self) -> None:
        chance, key = self.chance, self.chance.choice(KEYS)
        start = chance.randint(0, self.times[key])
        # Of what leaves a series, or a rule's open bucket, without samples the server may die.
        end = min(start + chance.randint(0, 20), self.times[key] - (61 if self.with_rules else 1))
        if end >= start:
            self.twin("TS.DEL", key, start, end)

    def query(self) -> list[object]:
        chance, last = self.chance, max(self.times.values()) + 5
        start, end = sorted((chance.randint(0, last), chance.randint(0, last)))
        words: list[object] = [chance.choice(("-", start)), chance.choice(("+", end))]
        if chance.random() < 0.2:
            words.append("LATEST")
        kind = chance.choice(KINDS)
        if kind != "twa" and chance.random() < 0.2:
            words += ["FILTER_BY_TS", *[chance.randint(0, last) for _ in range(9)]]
        if kind != "twa" and chance.random() < 0.2:
            words += ["FILTER_BY_VALUE", self.value(), self.value()]
        if chance.random() < 0.2:
            words += ["COUNT", chance.randint(1, 5)]
        if chance.random() < 0.7:
            words += ["ALIGN", chance.randint(0, 30)]
            words += ["AGGREGATION", kind, chance.choice((1, 2, 3, 7, 10, 33, 100))]
            if kind != "twa" and chance.random() < 0.4:
                words.append("EMPTY")
            if chance.random() < 0.4:
                words += ["BUCKETTIMESTAMP", chance.choice(("start", "mid", "end", "-", "+", "~"))]
        return words

    def ask(self) -> None:
        chance, words = self.chance, self.query()
        reverse = "REV" if "EMPTY" not in words and chance.random() < 0.5 else ""
        which = chance.random()
        if which < 0.5:
            self.twin(f"TS.{reverse}RANGE", chance.choice(self.keys), *words)
        elif which < 0.7:
            self.twin("TS.INFO", chance.choice(self.keys), "DEBUG")
        elif which < 0.8:
            self.twin("TS.MGET", "LATEST", "FILTER", chance.choice(("t=x", "d=1")))
        else:
            group = ["GROUPBY", "t", "REDUCE", chance.choice(sorted(REDUCERS & {*KINDS}))]
            self.twin(
                f"TS.M{reverse}RANGE", *words, "WITHLABELS", "FILTER", "u=a",
                *(group if chance.random() < 0.5 else ()),
            )


@pytest.mark.parametrize("with_rules", [False, True], ids=["alone", "rules"])
@pytest.mark.parametrize("seed", range(12))
def test_conversations(twin: Twin, seed: int, with_rules: bool) -> None:
    machine = Machine(twin, seed, with_rules)
    machine.create()
    for _ in range(80):
        kind = machine.chance.random()
        if kind < 0.55:
            machine.add()
        elif kind < 0.6:
            machine.delete()
        else:
            machine.ask()
