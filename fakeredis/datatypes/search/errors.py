"""What is wrong with a query or a schema, in the server's words."""

from __future__ import annotations


class SearchError(Exception):
    """The text is the reply."""


class MissingLibrary(SearchError):
    """A library that is not installed is needed."""
