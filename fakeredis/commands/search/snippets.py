"""SUMMARIZE and HIGHLIGHT: the words of a query in the texts that are returned.

Sizes are in bytes, and a word is held to have six, as the server has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from fakeredis.commands.search.words import MOST, Words, shown, unsigned
from fakeredis.datatypes.hash import Hash
from fakeredis.datatypes.search.errors import SearchError
from fakeredis.datatypes.search.finding import Finder
from fakeredis.datatypes.search.index import SOUND, STEM, Document
from fakeredis.datatypes.search.nodes import (
    Fuzzy,
    Negation,
    Node,
    Part,
    Term,
    Union,
)
from fakeredis.datatypes.search.phonetics import code
from fakeredis.datatypes.search.schema import Field
from fakeredis.datatypes.search.scoring import older_idf
from fakeredis.datatypes.search.words import is_separator, stem, terms
from fakeredis.errors import CommandError

if TYPE_CHECKING:
    from fakeredis.commands.search.request import Run

__all__ = ["Snippets", "take_snippets"]

_NEAR: Final = 8  # words from one that was asked for to the next in the same piece
_WORD: Final = 6  # bytes that a word is held to have


@dataclass
class _Piece:
    """A part of a text, with the words in it that were asked for.

    Args:
        score: the more, the rarer these are.
        others: how many words are between them.
    """

    start: int
    end: int = 0
    last: int = 0
    score: float = 0.0
    others: int = 0
    hits: list[tuple[int, int]] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    def take(self, place: int, start: int, end: int, term: str, score: float) -> None:
        """Take in a word."""
        if self.hits:
            self.others += place - self.last - 1
        if term not in self.known:
            self.known.add(term)
            self.score += score
        self.hits.append((start, end))
        self.last, self.end = place, end


@dataclass
class Snippets:
    """What is to be done with texts.

    Args:
        highlighted, summarized: the fields; an empty list stands for those that are named
            elsewhere in the call, or for all.
        named: all that were named, in order.
    """

    highlighted: list[bytes] | None = None
    opening: bytes = b"<b>"
    closing: bytes = b"</b>"
    summarized: list[bytes] | None = None
    length: int = 20
    fragments: int = 3
    separator: bytes = b"... "
    named: list[bytes] = field(default_factory=list)

    @property
    def are_asked_for(self) -> bool:
        """Whether anything is to be done."""
        return self.highlighted is not None or self.summarized is not None

    def check(self, run: Run, returned: list[tuple[bytes, bytes]] | None) -> None:
        """Refuse fields that are not there.

        Raises:
            SearchError: one is not.
        """
        definition = run.definition
        if returned is None:
            for name in self.named:
                if definition.is_json or definition.field_named(name) is None:
                    raise SearchError(f"No such property `{shown(name)}`")
            return
        for path, name in returned:
            asked = self._does_all or name in self.named
            if asked and (definition.field_named(path) is None or (
                path != name and name in self.named
            )):
                raise SearchError(f"Property `{shown(name)}` is not in schema")

    @property
    def _does_all(self) -> bool:
        return self.highlighted == [] or self.summarized == []

    def apply(
        self, run: Run, contents: dict[bytes, Any], document: Document, value: Any
    ) -> dict[bytes, Any]:
        """The contents of a document, with its texts marked and cut, the named ones first.

        Args:
            value: the key's.
        """
        if not self.are_asked_for:
            return contents
        if self.named:
            contents = {
                **{name: contents[name] for name in self.named if name in contents}, **contents,
            }
        if type(value) is not Hash and run.request.dialect >= 3:
            return contents
        is_returned = run.returned is not None
        for name, text in contents.items():
            wanted = is_returned or not self.named or name in self.named
            if not wanted or type(text) is not bytes or name in run.finder.distances:
                continue
            cuts, marks = self._is_in(self.summarized, name), self._is_in(self.highlighted, name)
            if cuts or marks:
                contents[name] = self._changed(run, document, name, text, cuts, marks)
        return contents

    @staticmethod
    def _is_in(names: list[bytes] | None, name: bytes) -> bool:
        return names is not None and (not names or name in names)

    def _changed(
        self, run: Run, document: Document, name: bytes, text: bytes, cuts: bool, marks: bool
    ) -> bytes:
        known = run.definition.field_named(name)
        pieces: list[_Piece] = []
        if known is not None and known.kind == "TEXT" and known.indexed:
            pieces = _pieces(run, document, known, text)
        if not pieces:
            return self._head(text) if cuts and not marks else text
        if not cuts:
            hits = [hit for piece in pieces for hit in piece.hits]
            return self._marked(text, 0, len(text), hits)
        best = sorted(pieces, key=lambda piece: -piece.score)[:self.fragments]
        best.sort(key=lambda piece: piece.start)
        made = b""
        for at, piece in enumerate(best):
            low = best[at - 1].end if at else 0
            high = best[at + 1].start if at + 1 < len(best) else len(text)
            start, end = self._widened(text, piece, low, high)
            cut = (
                self._marked(text, start, end, piece.hits) if marks else text[start:end]
            )
            made += _single_spaces(cut) + self.separator
        return made

    def _marked(self, text: bytes, start: int, end: int, hits: Sequence[tuple[int, int]]) -> bytes:
        made, last = b"", start
        for begin, finish in hits:
            made += text[last:begin] + self.opening + text[begin:finish] + self.closing
            last = finish
        return made + text[last:end]

    def _head(self, text: bytes) -> bytes:
        """The beginning of a text without any of the words, without its last one."""
        most = (self.length * self.fragments + 1) * _WORD
        head = _single_spaces(text[:most])
        end = len(head)
        while end > 1 and not (head[end - 1] and is_separator(head[end - 1])):
            end -= 1
        return head[:end].rstrip(b" ")

    def _widened(self, text: bytes, piece: _Piece, low: int, high: int) -> tuple[int, int]:
        """Where a piece begins and ends with some words before and behind it.

        Args:
            low, high: where others end and begin.
        """
        if self.length <= piece.others:
            return piece.start, piece.end
        most = (self.length - piece.others) // 2 * _WORD
        start = max(low, piece.start - most)
        while start < piece.start and not is_separator(text[start]):
            start += 1
        while start < piece.start and is_separator(text[start]):
            start += 1
        behind = text[piece.end:min(high, piece.end + most + 1)]
        end = _end_of_words(behind)
        while end > 1 and is_separator(behind[end - 1]):
            end -= 1
        return start, piece.end + end


def _end_of_words(text: bytes) -> int:
    """Where the last word of a text begins, which may be cut off; never at the very beginning."""
    end = len(text)
    while end > 1:
        end -= 1
        if is_separator(text[end]):
            break
    return end


def _single_spaces(text: bytes) -> bytes:
    made = bytearray()
    for each in text:
        is_space = each in b" \t\n\v\f\r"
        if not is_space or made[-1:] != b" ":
            made.append(32 if is_space else each)
    return bytes(made)


# Words ------------------------------------------------------------------------------------------


def _pieces(run: Run, document: Document, known: Field, text: bytes) -> list[_Piece]:
    """The pieces round the words, which are one where the words are near each other."""
    wanted = {
        term: place for place, term in enumerate(
            term for term in _terms(run.finder, run.node, document, run.scored)
            if run.index.terms.mask_in(term, document.number) & known.bit
        )
    }
    pieces: list[_Piece] = []
    if not wanted:
        return pieces
    groups = run.index.synonyms
    total = len(run.index.documents)
    for place, word, start, end in _places(text, run):
        names = [word]
        stemmed = stem(word, document.language)
        names.append(STEM + stemmed)
        if known.phonetic:
            names.append(SOUND + code(word))
        names += ["~" + group for group in groups.get(word, ())]
        found = [name for name in names if name in wanted]
        if not found:
            continue
        term = min(found, key=wanted.__getitem__)
        if not pieces or place - pieces[-1].last > _NEAR:
            pieces.append(_Piece(start))
        score = older_idf(total, len(run.index.terms.postings.get(term, ())))
        pieces[-1].take(place, start, end, term, score)
    return pieces


def _places(text: bytes, run: Run) -> Iterator[tuple[int, str, int, int]]:
    """The words of a text, with where they begin and end in its bytes."""
    decoded = text.decode("utf-8", "surrogateescape")
    found = terms(decoded, run.definition.stop_words)
    if decoded.isascii():
        yield from found
        return
    last = at = 0
    for place, word, start, end in found:
        at += len(decoded[last:start].encode("utf-8", "surrogateescape"))
        length = len(decoded[start:end].encode("utf-8", "surrogateescape"))
        yield place, word, at, at + length
        at, last = at + length, end


def _terms(
    finder: Finder, node: Node | None, document: Document, is_scored: bool
) -> Iterator[str]:
    """The words of a query that a document has, in whichever fields.

    Args:
        is_scored: whether anybody asks for scores. If not, the server looks no further where one of
            several words would do.
    """
    if node is None or isinstance(node, Negation):
        return
    if isinstance(node, Term | Part | Fuzzy):
        words = [node.word] if isinstance(node, Term) else finder.words(node)
        for word in words:
            if finder.index.terms.mask_in(word, document.number) & node.mask:
                yield word
                if not isinstance(node, Term):
                    return  # the first one will do
    for child in node.children:
        found = list(_terms(finder, child, document, is_scored))
        yield from found
        if found and not is_scored and isinstance(node, Union):
            return


# Options ----------------------------------------------------------------------------------------


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
            count = unsigned(words.take(), 0, MOST) if words else -1
        except ValueError:
            raise wrong from None
        if not 0 <= count <= len(words):
            raise wrong
        fields = [words.take() for _ in range(count)]
        snippets.named += [each for each in fields if each not in snippets.named]
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
            number = unsigned(raw, 0, MOST)
        except ValueError:
            raise wrong from None
        setattr(snippets, "fragments" if option == b"FRAGS" else "length", number)
