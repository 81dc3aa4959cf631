"""What is wrong with a text or a path."""

from __future__ import annotations


class JsonError(Exception):
    """A text is no JSON, or a path is none; the message is the server's, without a code."""
