"""What queries have found, in a form in which it can be compared.

Documents without ``SORTBY`` are in no order, nor are the fields of one, nor groups; of documents
that ``LIMIT`` has cut off nobody says which they are; scores are sums in no fixed order.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

# Of what FT.INFO tells: the rest are sizes, times and counts of the server's own.
_INFO: Final = {
    "index_name", "index_options", "index_definition", "attributes", "num_docs",
    "hash_indexing_failures", "stopwords_list",
}


def form(argv: list[bytes], reply: Any) -> Any:
    """A reply to a command, as a recording has it (see `tests.support.traces`), to be compared."""
    words = [word.decode("utf-8", "replace").upper() for word in argv]
    make = _FORMS.get(words[0])
    if make is None or (isinstance(reply, dict) and "error" in reply):
        return reply
    return make(words, reply)


def _rounded(value: Any) -> Any:
    """With numbers that are near each other the same."""
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    if isinstance(value, dict):
        if "double" in value:
            return f"{value['double']:.4g}"
        return {kind: _rounded(each) for kind, each in value.items()}
    if isinstance(value, str):
        try:
            return f"{float(value):.4g}"
        except ValueError:
            return value
    return value


def _pairs(value: Any) -> Any:
    """Names with their values, in order: of a map, or of a flat list."""
    if isinstance(value, dict) and "map" in value:
        return sorted(value["map"], key=repr)
    if isinstance(value, list):
        return sorted(map(list, zip(value[::2], value[1::2], strict=True)), key=repr)
    return value


def _bag(words: list[str], reply: Any) -> Any:
    return sorted(reply, key=repr) if isinstance(reply, list) else reply


def _of_search(words: list[str], reply: Any) -> Any:
    reply = _rounded(reply)
    if isinstance(reply, dict):
        facts = dict(reply["map"])
        total = facts["total_results"]
        documents = [
            [[name, _pairs(value)] for name, value in each["map"]] for each in facts["results"]
        ]
    else:
        total, rest = reply[0], reply[1:]
        size = 1 + sum(
            word in words for word in ("WITHSCORES", "WITHPAYLOADS", "WITHSORTKEYS")
        )
        bare = "NOCONTENT" in words or ("RETURN", "0") in pairwise(words)
        size += not bare
        documents = [rest[at : at + size] for at in range(0, len(rest), size)]
        if not bare:
            documents = [[*each[:-1], _pairs(each[-1])] for each in documents]
    if "SORTBY" in words[3:]:
        return [total, documents]
    if 0 < len(documents) < total:
        return [total, len(documents)]
    return [total, sorted(documents, key=repr)]


def _of_aggregate(words: list[str], reply: Any) -> Any:
    """Rows; their total means nothing."""
    if isinstance(reply, str):
        return reply
    reply = _rounded(reply)
    if isinstance(reply, list) and len(reply) == 2 and isinstance(reply[1], int):
        return [_rows(words, reply[0]), reply[1] != 0]
    return _rows(words, reply)


def _rows(words: list[str], reply: Any) -> Any:
    if isinstance(reply, dict):
        rows = [dict(each["map"])["extra_attributes"] for each in dict(reply["map"])["results"]]
    else:
        rows = reply[1:]
    shown = [
        [[name, _bag(words, value)] for name, value in _pairs(row)] for row in rows
    ]
    grouped = max((at for at, word in enumerate(words) if word == "GROUPBY"), default=0)
    if "SORTBY" in words[grouped:] or words[0] == "FT.CURSOR":
        return shown
    return sorted(shown, key=repr)


def _of_info(words: list[str], reply: Any) -> Any:
    return [[name, value] for name, value in _pairs(reply) if name in _INFO]


_FORMS: Final[dict[str, Callable[[list[str], Any], Any]]] = {
    "FT.SEARCH": _of_search, "FT.AGGREGATE": _of_aggregate, "FT.CURSOR": _of_aggregate,
    "FT.INFO": _of_info, "FT._LIST": _bag, "FT.TAGVALS": _bag, "FT.DICTDUMP": _bag, "KEYS": _bag,
    "HGETALL": lambda words, reply: _pairs(reply),
    "SCAN": lambda words, reply: _bag(words, reply[1]),
}
