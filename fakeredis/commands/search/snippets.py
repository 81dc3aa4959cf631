"""SUMMARIZE and HIGHLIGHT: the words of a query in the texts that are returned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fakeredis.commands.search.words import Words, unsigned
from fakeredis.datatypes.search.finding import Finder
from fakeredis.datatypes.search.index import Document
from fakeredis.datatypes.search.nodes import Fuzzy, Negation, Node, Part, Term
from fakeredis.datatypes.search.words import stem, terms
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.commands.search.request import Run

__all__ = ["Snippets", "take_snippets"]

_NEAR: Final = 8  # words between two that are in one piece
_WORD: Final = 6  # letters that a word is held to have


@dataclass
class Snippets:
    """What is to be done with texts.

    Args:
        highlighted, summarized: the fields; an empty list stands for all.
    """

    highlighted: list[bytes] | None = None
    opening: bytes = b"<b>"
    closing: bytes = b"</b>"
    summarized: list[bytes] | None = None
    length: int = 20
    fragments: int = 3
    separator: bytes = b"... "

    def apply(self, run: Run, contents: dict[bytes, Any], document: Document) -> dict[bytes, Any]:
        """The contents of a document with its texts marked and cut."""
        if self.highlighted is None and self.summarized is None:
            return contents
        for field in run.definition.fields:
            value = contents.get(field.name)
            if field.kind != "TEXT" or type(value) is not bytes:
                continue
            wanted = _words(run, field.bit, document.language)
            text = value.decode("utf-8", "surrogateescape")
            if self.summarized is not None and (
                not self.summarized or field.name in self.summarized
            ):
                contents[field.name] = self._summary(run, text, wanted, field.name, document)
            elif self._marks(field.name):
                marked = self._marked(run, text, wanted, document)
                contents[field.name] = marked.encode("utf-8", "surrogateescape")
        return contents

    def _marks(self, name: bytes) -> bool:
        return self.highlighted is not None and (not self.highlighted or name in self.highlighted)

    def _hits(
        self, run: Run, text: str, wanted: set[str], document: Document
    ) -> list[tuple[int, int]]:
        return [
            (start, end)
            for _, word, start, end in terms(text, run.definition.stop_words)
            if word in wanted or "+" + stem(word, document.language) in wanted
        ]

    def _marked(self, run: Run, text: str, wanted: set[str], document: Document) -> str:
        opening, closing = self.opening.decode(), self.closing.decode()
        made, last = [], 0
        for start, end in self._hits(run, text, wanted, document):
            made += [text[last:start], opening, text[start:end], closing]
            last = end
        return "".join(made) + text[last:]

    def _summary(
        self, run: Run, text: str, wanted: set[str], name: bytes, document: Document
    ) -> bytes:
        hits = self._hits(run, text, wanted, document)
        if not hits:
            return self._head(text).encode("utf-8", "surrogateescape")
        separator = self.separator.decode("utf-8", "surrogateescape")
        made = []
        for start, end in self._pieces(run, text, hits)[:self.fragments]:
            piece = text[start:end]
            made.append(
                self._marked(run, piece, wanted, document) if self._marks(name) else piece
            )
        return "".join(piece + separator for piece in made).encode("utf-8", "surrogateescape")

    def _head(self, text: str) -> str:
        """The beginning of a text without any of the words; its last word is left out."""
        cut = text[:self.length * self.fragments * _WORD]
        return cut.rpartition(" ")[0] or cut

    def _pieces(
        self, run: Run, text: str, hits: list[tuple[int, int]]
    ) -> list[tuple[int, int]]:
        """The pieces round the words, which are one where the words are near each other."""
        places = {
            start: at for at, (_, _, start, _) in enumerate(terms(text, run.definition.stop_words))
        }
        pieces: list[list[tuple[int, int]]] = []
        for hit in hits:
            if pieces and places[hit[0]] - places[pieces[-1][-1][0]] <= _NEAR:
                pieces[-1].append(hit)
            else:
                pieces.append([hit])
        every = [(start, end) for _, _, start, end in terms(text, frozenset())]
        return [self._widened(piece, places, every, text) for piece in pieces]

    def _widened(
        self, piece: list[tuple[int, int]], places: dict[int, int], every: list[tuple[int, int]],
        text: str,
    ) -> tuple[int, int]:
        start, end = piece[0][0], piece[-1][1]
        room = self.length - (places[piece[-1][0]] - places[piece[0][0]] + 1)
        if room < 0:
            return start, end
        words = (room + 1) // 2
        first = next(at for at, word in enumerate(every) if word[0] == start)
        last = next(at for at, word in enumerate(every) if word[1] == end)
        if words and first:
            # Never back to the very first word that is indexed.
            second = next((begin for begin, place in places.items() if place == 1), start)
            start = min(start, max(second, every[max(0, first - words)][0]))
        if words:
            return start, every[min(len(every) - 1, last + words)][1]
        return start, every[last + 1][0] if last + 1 < len(every) else end


def _words(run: Run, bit: int, language: str) -> set[str]:
    """The words of a query that may stand in a field, stems with a sign before."""
    found: set[str] = set()
    _collect(run.finder, run.node, bit, found)
    return found


def _collect(finder: Finder, node: Node | None, bit: int, found: set[str]) -> None:
    if node is None or isinstance(node, Negation):
        return
    if isinstance(node, Term) and node.mask & bit:
        found.add(node.word)
    elif isinstance(node, Part | Fuzzy) and node.mask & bit:
        found.update(finder.words(node))
    for child in node.children:
        _collect(finder, child, bit, found)


def take_snippets(snippets: Snippets, word: bytes, words: Words) -> bool:
    """Take SUMMARIZE or HIGHLIGHT; whether it was one of them.

    Raises:
        CommandError: it makes no sense.
    """
    if word not in (b"SUMMARIZE", b"HIGHLIGHT"):
        return False
    wrong = CommandError(f"Bad arguments for {word.decode()}")
    fields: list[bytes] = []
    if words.skip(b"FIELDS"):
        try:
            count = unsigned(words.take()) if words else -1
        except ValueError:
            raise wrong from None
        if not 0 <= count <= len(words):
            raise wrong
        fields = [words.take() for _ in range(count)]
    if word == b"HIGHLIGHT":
        snippets.highlighted = fields
        if words.skip(b"TAGS"):
            if len(words) < 2:
                raise wrong
            snippets.opening, snippets.closing = words.take(), words.take()
        return True
    snippets.summarized = fields
    _summary_options(snippets, words, wrong)
    return True


def _summary_options(snippets: Snippets, words: Words, wrong: CommandError) -> None:
    while words.ahead in (b"FRAGS", b"LEN", b"SEPARATOR"):
        option = words.take().upper()
        if not words:
            raise wrong
        raw = words.take()
        if option == b"SEPARATOR":
            snippets.separator = raw
            continue
        try:
            number = unsigned(raw, 1)
        except ValueError:
            raise wrong from None
        setattr(snippets, "fragments" if option == b"FRAGS" else "length", number)
