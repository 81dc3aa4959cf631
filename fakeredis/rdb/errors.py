"""What is wrong with data that cannot be read."""

from __future__ import annotations


class FormatError(ValueError):
    """The data are not what they should be.

    Attributes:
        offset: where in the data that was found.
    """

    def __init__(self, reason: str, offset: int = 0) -> None:
        super().__init__(f"{reason} (at byte {offset})")
        self.reason = reason
        self.offset = offset


class EmptyValueError(FormatError):
    """A container without elements, which the server never keeps."""


class TooLargeError(ValueError):
    """A value takes more bytes than a string can have."""
