"""Which documents have what: of terms and tags by words, of numbers in order.

Documents have numbers that grow and are never given twice, so what is added stands in order by
itself.  What there is to say of a term in a document takes four numbers of an array; those of a
document that has gone stay until half of them are of such.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Final, Protocol

from fakeredis.datatypes.search.nodes import ALL_FIELDS

__all__ = ["Dictionary", "Line", "Numbers", "Postings", "Tagged"]

_CELLS: Final = 4  # of an entry: document, frequency, number of its mask, position
_SEVERAL: Final = (1 << 32) - 1  # in the place of a position
_FEW: Final = 64  # entries, among which those of documents that have gone do no harm

# Of documents, each once.
Numbers = Collection[int]


class Entries(Protocol):
    """What there is of a word."""

    gone: int

    def __len__(self) -> int:
        """How many documents have it."""

    def tidy(self, documents: Collection[int]) -> None:
        """Forget documents that have gone."""


class Tagged:
    """The documents with a tag."""

    __slots__ = ("gone", "numbers")

    def __init__(self) -> None:
        self.numbers = array("I")
        self.gone = 0  # how many of them

    def __len__(self) -> int:
        return len(self.numbers) - self.gone

    def size(self) -> int:
        """How many bytes its numbers take."""
        return len(self.numbers) * self.numbers.itemsize

    def add(self, document: int) -> None:
        """Take in a document, which is newer than all others."""
        self.numbers.append(document)

    def tidy(self, documents: Collection[int]) -> None:
        """Forget documents that have gone."""
        self.numbers = array("I", [each for each in self.numbers if each in documents])
        self.gone = 0

    def living(self, documents: Collection[int]) -> Sequence[int]:
        """Those that are there, in order."""
        if self.gone:
            return [each for each in self.numbers if each in documents]
        return self.numbers


class Postings:
    """The documents with a term: how much of it, in which fields, and where."""

    __slots__ = ("cells", "gone", "several")

    def __init__(self) -> None:
        self.cells = array("I")
        self.gone = 0
        self.several: dict[int, array[int]] | None = None  # positions, where there is not one alone

    def __len__(self) -> int:
        return len(self.cells) // _CELLS - self.gone

    def size(self) -> int:
        """How many bytes its numbers take."""
        several = self.several or {}
        return self.cells.itemsize * (len(self.cells) + sum(map(len, several.values())))

    def add(self, document: int, frequency: int, mask: int, places: list[int]) -> None:
        """Take in a document, which is newer than all others.

        Args:
            mask: the number of the mask of its fields.
        """
        if len(places) == 1:
            self.cells.extend((document, frequency, mask, places[0]))
            return
        self.cells.extend((document, frequency, mask, _SEVERAL))
        if self.several is None:
            self.several = {}
        self.several[document] = array("I", places)

    def tidy(self, documents: Collection[int]) -> None:
        """Forget documents that have gone."""
        cells = self.cells
        kept = array("I")
        for at in range(0, len(cells), _CELLS):
            if cells[at] in documents:
                kept += cells[at : at + _CELLS]
        self.cells, self.gone = kept, 0
        if self.several is not None:
            self.several = {
                number: places for number, places in self.several.items() if number in documents
            }

    def living(self, documents: Collection[int], masks: Collection[int] | None) -> Sequence[int]:
        """The documents that are there, in order.

        Args:
            masks: the numbers of those to be seen; None for all.
        """
        numbers = self.cells[::_CELLS]
        if masks is not None:
            numbers = array("I", [
                number for number, mask in zip(numbers, self.cells[2::_CELLS], strict=True)
                if mask in masks
            ])
        if self.gone:
            return [each for each in numbers if each in documents]
        return numbers

    def frequencies(self, masks: Collection[int] | None) -> dict[int, int]:
        """How much of it documents have; those that have gone may be among them."""
        cells = self.cells
        if masks is None:
            return dict(zip(cells[::_CELLS], cells[1::_CELLS], strict=True))
        entries = zip(cells[::_CELLS], cells[1::_CELLS], cells[2::_CELLS], strict=True)
        return {number: frequency for number, frequency, mask in entries if mask in masks}

    def mask_in(self, document: int) -> int:
        """The number of the mask of the fields in which it is in a document; -1 for none."""
        cells = self.cells
        entries = range(len(cells) // _CELLS)
        at = _CELLS * bisect_left(entries, document, key=lambda entry: cells[_CELLS * entry])
        return cells[at + 2] if at < len(cells) and cells[at] == document else -1

    def places(self, masks: Collection[int] | None) -> Callable[[int], list[int]]:
        """Tells where it is in a document."""
        cells, several = self.cells, self.several or {}
        numbers = cells[::_CELLS]

        def read(document: int) -> list[int]:
            at = bisect_left(numbers, document)
            if at == len(numbers) or numbers[at] != document:
                return []
            at *= _CELLS
            if masks is not None and cells[at + 2] not in masks:
                return []
            place = cells[at + 3]
            return [place] if place != _SEVERAL else several[document].tolist()

        return read


class Dictionary:
    """Words with what there is of them.

    Args:
        documents: those of the index; by them is known which are there.
        make: what a new word begins with.
    """

    __slots__ = ("_fresh", "_make", "_ordered", "documents", "mask_numbers", "masks", "postings")

    def __init__(self, documents: Collection[int], make: Callable[[], Any]) -> None:
        self.postings: dict[Any, Any] = {}
        self.documents = documents
        self.masks: list[int] = []
        self.mask_numbers: dict[int, int] = {}
        self._make = make
        self._ordered: list[Any] | None = None
        self._fresh: list[Any] = []  # words that are not in order yet

    def __contains__(self, word: Any) -> bool:
        return word in self.postings

    def of(self, word: Any) -> Any:
        """What there is of a word, to be added to."""
        found = self.postings.get(word)
        if found is None:
            found = self.postings[word] = self._make()
            if self._ordered is not None:
                self._fresh.append(word)
        return found

    def remove(self, word: Any) -> None:
        """Note that a document, which is there no longer, had a word."""
        found: Entries | None = self.postings.get(word)
        if found is None:
            return
        found.gone += 1
        left = len(found)
        if not left:
            if self._ordered is not None:
                ordered = self.ordered()
                del ordered[bisect_left(ordered, word)]
            del self.postings[word]
        elif found.gone > _FEW and found.gone > left:
            found.tidy(self.documents)

    def mask_number(self, mask: int) -> int:
        """The number by which a mask of fields is known."""
        number = self.mask_numbers.get(mask)
        if number is None:
            number = self.mask_numbers[mask] = len(self.masks)
            self.masks.append(mask)
        return number

    def masks_of(self, wanted: int) -> set[int] | None:
        """The numbers of the masks that have any of some fields; None where all have."""
        if wanted == ALL_FIELDS:
            return None
        return {number for number, mask in enumerate(self.masks) if mask & wanted}

    def having(self, word: str, mask: int = ALL_FIELDS) -> Sequence[int]:
        """The documents with a term in some fields, in order."""
        found: Postings | None = self.postings.get(word)
        return () if found is None else found.living(self.documents, self.masks_of(mask))

    def mask_in(self, word: str, document: int) -> int:
        """The fields in which a document has a term, as a mask; 0 where it has not."""
        found: Postings | None = self.postings.get(word)
        number = -1 if found is None else found.mask_in(document)
        return 0 if number < 0 else self.masks[number]

    def tagged(self, tag: bytes) -> Sequence[int]:
        """The documents with a tag, in order."""
        found: Tagged | None = self.postings.get(tag)
        return () if found is None else found.living(self.documents)

    def size(self) -> int:
        """About how many bytes all of it takes."""
        return sum(64 + found.size() for found in self.postings.values())

    # Words ----------------------------------------------------------------------------------

    def ordered(self) -> list[Any]:
        """All words."""
        ordered, fresh = self._ordered, self._fresh
        if ordered is None:
            self._ordered = ordered = sorted(self.postings)
        elif fresh:
            self._fresh = []
            if len(fresh) < 8:
                for word in fresh:
                    insort(ordered, word)
            else:
                ordered += fresh
                ordered.sort()
        return ordered

    def beginning(self, prefix: Any) -> Iterator[Any]:
        """The words with a beginning."""
        ordered = self.ordered()
        for at in range(bisect_left(ordered, prefix), len(ordered)):
            if not ordered[at].startswith(prefix):
                return
            yield ordered[at]


class Line:
    """Numbers in order, with the documents that have them."""

    __slots__ = ("_documents", "_fresh", "_numbers", "has_several", "of")

    def __init__(self) -> None:
        self._numbers = array("d")
        self._documents = array("I")  # of the same places
        self._fresh: list[tuple[float, int]] = []
        self.has_several = False  # whether a document was seen that has more than one
        self.of: dict[int, Any] = {}  # what documents have

    def add(self, document: int, numbers: list[float], kept: Any = None) -> None:
        """Take in a document; it is put in order when somebody asks.

        Args:
            kept: what is to be known of it, if not its numbers themselves.
        """
        if kept is None:
            kept = numbers[0] if len(numbers) == 1 else numbers
        self.of[document] = kept
        self.has_several |= len(numbers) > 1
        self._fresh += [(number, document) for number in numbers]

    def remove(self, document: int, numbers: list[float]) -> None:
        """Take out a document and what it has."""
        self._settle()
        del self.of[document]
        for number in numbers:
            low = bisect_left(self._numbers, number)
            high = bisect_right(self._numbers, number, low)
            at = bisect_left(self._documents, document, low, high)
            if at < high and self._documents[at] == document:
                del self._numbers[at]
                del self._documents[at]

    def _settle(self) -> None:
        fresh = self._fresh
        if not fresh:
            return
        self._fresh = []
        if len(fresh) < 8:
            for number, document in fresh:
                low = bisect_left(self._numbers, number)
                high = bisect_right(self._numbers, number, low)
                at = bisect_left(self._documents, document, low, high)
                self._numbers.insert(at, number)
                self._documents.insert(at, document)
            return
        both = list(zip(self._numbers, self._documents, strict=True)) + fresh
        both.sort()
        self._numbers = array("d", [number for number, _ in both])
        self._documents = array("I", [document for _, document in both])

    def _range(
        self, low: float, high: float, without_low: bool, without_high: bool
    ) -> tuple[int, int]:
        self._settle()
        if low != low or high != high:
            return 0, 0
        start = (bisect_right if without_low else bisect_left)(self._numbers, low)
        end = (bisect_left if without_high else bisect_right)(self._numbers, high)
        return start, max(start, end)

    def count(self, low: float, high: float, without_low: bool, without_high: bool) -> int:
        """How many numbers there are in a range."""
        start, end = self._range(low, high, without_low, without_high)
        return end - start

    def between(
        self, low: float, high: float, without_low: bool, without_high: bool
    ) -> Numbers:
        """The documents with a number in a range."""
        start, end = self._range(low, high, without_low, without_high)
        found = self._documents[start:end]
        return set(found) if self.has_several else found

    def __len__(self) -> int:
        return len(self._numbers) + len(self._fresh)
