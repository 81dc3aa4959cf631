"""What the patching machinery must know of stores."""

from __future__ import annotations


class Unpatched:
    """Marks connections of redis-py that lead to the network, whatever patches there are."""
