"""Why a document has its score, for EXPLAINSCORE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fakeredis.datatypes.search.index import Document
from fakeredis.datatypes.search.records import Found, Records
from fakeredis.datatypes.search.scoring import Measures

__all__ = ["Reasons"]

# A text, or a text and what it is made of.
Reason = Any


@dataclass
class Reasons:
    """Tells why documents have their scores.

    Args:
        records: of what the query found; None where it asks for nothing.
        measures: of the scorer.
        payload: FT.SEARCH's.
        final: makes, of a document, the text of what is made of BM25STD's score; None where that
            is all.
    """

    records: Records | None
    measures: Measures
    payload: bytes | None = None
    final: Callable[[Document], str] | None = None

    def of(self, document: Document) -> Reason:
        """Why a document has its score."""
        reason = self._of(document)
        return reason if self.final is None else [self.final(document), [reason]]

    def _of(self, document: Document) -> Reason:
        name = self.measures.name
        if name == "DOCSCORE":
            return f"Document's score is {document.score:.2f}"
        if name == "HAMMING":
            return self._similarity(document)
        found = Found(frequency=0) if self.records is None else self.records.of(document)
        amount = self.measures.amount(found, document)
        if name == "DISMAX":
            return self._greatest(found, document)
        if name == "BM25STD":
            return [
                f"Final BM25 : words BM25 {amount:.2f} * document score {document.score:.2f}",
                [self._saturated(found, document)],
            ]
        if name == "BM25":
            text = f"Final BM25 : words BM25 {amount:.2f} * document score {document.score:.2f}"
            return [f"{text} / slop {found.distance}", [self._saturated(found, document)]]
        if not document.score:
            return "Document score is 0"
        norm = document.most if name == "TFIDF" else document.length
        text = f"Final TFIDF : words TFIDF {amount:.2f} * document score {document.score:.2f}"
        return [
            f"{text} / norm {norm} / slop {found.distance}", [self._frequencies(found, document)],
        ]

    def _similarity(self, document: Document) -> str:
        one, other = document.payload, self.payload
        if not one or not other or len(one) != len(other):
            return "Payloads provided to scorer vary in length"
        count = (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()
        return (
            f"String length is {len(one)}. Bit count is {count}. Result is (1 / count + 1) = "
            f"{1 / (count + 1):.2f}"
        )

    def _frequencies(self, found: Found, document: Document) -> Reason:
        amount = self.measures.amount(found, document)
        if found.parts is not None:
            total = self.measures.together(found, document)
            text = f"(Weight {found.weight:.2f} * total children TFIDF {total:.2f})"
            return [text, [self._frequencies(part, document) for part in found.parts]]
        if found.word and found.word != "*":
            return (
                f"(TFIDF {amount:.2f} = Weight {found.weight:.2f} * TF {found.frequency} * IDF "
                f"{self.measures.idf(found.count):.2f})"
            )
        return f"(TFIDF {amount:.2f} = Weight {found.weight:.2f} * Frequency {found.frequency})"

    def _saturated(self, found: Found, document: Document) -> Reason:
        if found.parts is not None:
            total = self.measures.together(found, document)
            text = f"(Weight {found.weight:.2f} * children BM25 {total:.2f})"
            return [text, [self._saturated(part, document) for part in found.parts]]
        amount = self.measures.amount(found, document)
        idf, average = self.measures.idf(found.count), self.measures.average
        count = found.frequency
        if self.measures.name == "BM25":
            if not count:
                return "Frequency 0 -> value 0"
            what = f"IDF {idf:.2f}"
            if not found.word or found.word == "*":
                what = f"Weight {found.weight:.2f}"
            return (
                f"({amount:.2f} = {what} * F {count} / (F {count} + k1 1.2 * (1 - b 0.5 + b 0.5 * "
                f"Average Len {average:.2f})))"
            )
        if not found.word or (found.word == "*" and not found.weight):
            return "Irrelevant token -> score is 0"
        idf = found.weight if found.word == "*" else idf
        return (
            f"{found.word}: ({amount:.2f} = IDF {idf:.2f} * (F {count:.2f} * (k1 1.2 + 1)) / "
            f"(F {count:.2f} + k1 1.2 * (1 - b 0.5 + b 0.5 * Doc Len {document.length} / "
            f"Average Doc Len {average:.2f})))"
        )

    def _greatest(self, found: Found, document: Document) -> Reason:
        amount = self.measures.amount(found, document)
        if found.parts is None:
            return f"DISMAX {amount:.2f} = Weight {found.weight:.2f} * Frequency {found.frequency}"
        if found.is_near:
            return self._greatest(found.parts[1], document)
        total = self.measures.together(found, document)
        text = f"{amount:.2f} = Weight {found.weight:.2f} * children DISMAX {total:.2f}"
        return [text, [self._greatest(part, document) for part in found.parts]]
