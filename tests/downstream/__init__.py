"""Real libraries, unchanged, inside of patch()."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

MISSING = 'needs more libraries: python -m pip install -e ".[downstream]"'


def library(name: str) -> Any:
    """A module of a library; skips what needs it where it is not installed.

    What the library warns of while it is imported is not ours to mend.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, reason=MISSING)
