"""The table of other libraries' suites is in order; tests/suites/run.py runs them."""

from __future__ import annotations

import configparser
from pathlib import Path

from tests.suites.libraries import SUITES

ROOT = Path(__file__).parents[2]


def test_tox_knows_every_suite() -> None:
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    (section,) = [name for name in tox.sections() if name.startswith("testenv:suite-")]
    names = section.removeprefix("testenv:suite-{").removesuffix("}").split(",")
    assert names == [suite.name for suite in SUITES]


def test_whatever_is_left_out_has_a_reason() -> None:
    assert all(reason for suite in SUITES for reason in suite.deselected.values())


def test_stubs_exist() -> None:
    for suite in SUITES:
        assert all((ROOT / "tests" / "suites" / "stubs" / stub).is_dir() for stub in suite.stubs)


def test_every_figure_is_of_a_suite() -> None:
    rows = (ROOT / "benchmarks" / "results" / "suites.txt").read_text().splitlines()[3:-1]
    assert {row.split()[0] for row in rows} <= {suite.name for suite in SUITES}
