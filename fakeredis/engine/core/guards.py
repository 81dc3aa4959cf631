"""A bit of a server's ``guard`` that clients look at; more are in `fakeredis.engine.core.dispatch`.

Here it costs no import of the engine, which a patch that nobody uses does without.
"""

from __future__ import annotations

from typing import Final

STORED: Final = 1 << 20  # a store keeps the keys: see `fakeredis.engine.core.store_sync`
