"""Queries as text, for FT.EXPLAIN."""

from __future__ import annotations

from fakeredis.datatypes.search.nodes import (
    ALL_FIELDS,
    Exact,
    Fuzzy,
    Geo,
    Geometry,
    Ids,
    Intersection,
    Missing,
    Negation,
    Node,
    Numeric,
    Optional,
    Part,
    Star,
    Tags,
    Term,
    Union,
    Vector,
)
from fakeredis.datatypes.search.schema import Definition
from fakeredis.datatypes.search.shapes import PREDICATES
from fakeredis.datatypes.search.words import folded

__all__ = ["explained"]


def explained(node: Node | None, definition: Definition) -> str:
    """What the server makes of a query, a line for each part."""
    return "<empty>\n" if node is None else _lines(node, definition, 0)


def _lines(node: Node, definition: Definition, depth: int) -> str:
    pad = "  " * depth
    head = pad + _fields(node, definition)
    if isinstance(node, Term):
        weight = f" => {{$weight: {node.weight:g};}}" if node.weight != 1 else ""
        return f"{head}{node.word}{'(expanded)' if node.expanded else ''}{weight}\n"
    return head + _body(node, definition, depth, pad) + _options(node) + "\n"


def _fields(node: Node, definition: Definition) -> str:
    if node.mask == ALL_FIELDS:
        return ""
    if not node.mask:
        return "@NULL:"
    names = [
        field.name.decode("utf-8", "surrogateescape")
        for field in definition.fields if field.kind == "TEXT" and field.bit & node.mask
    ]
    return f"@{'|'.join(names)}:"


_GROUPS = {
    Intersection: "INTERSECT {", Union: "UNION {", Exact: "EXACT {", Negation: "NOT{",
    Optional: "OPTIONAL{",
}


def _body(node: Node, definition: Definition, depth: int, pad: str) -> str:
    inner = "".join(_lines(child, definition, depth + 1) for child in node.children)
    group = _GROUPS.get(type(node))
    if group is not None:
        return f"{group}\n{inner}{pad}}}"
    if isinstance(node, Tags):
        known = definition.field_named(node.name)
        inner = "".join(
            _tag(child, known is None or not known.case_sensitive, depth + 1)
            for child in node.parts
        )
        return f"TAG:@{_text(node.name)} {{\n{inner}{pad}}}"
    if isinstance(node, Part):
        shown = {"PREFIX": "{}*", "SUFFIX": "*{}", "INFIX": "*{}*"}.get(node.kind, "{}")
        return f"{node.kind}{{{shown.format(node.word)}}}"
    if isinstance(node, Fuzzy):
        return f"FUZZY{{{node.word}}}"
    if isinstance(node, Numeric):
        low, high = "<" if node.without_low else "<=", "<" if node.without_high else "<="
        return f"NUMERIC {{{node.low:f} {low} @{_text(node.name)} {high} {node.high:f}}}"
    if isinstance(node, Geo):
        return (
            f"GEO {_text(node.name)}:{{{node.longitude:f},{node.latitude:f} --> "
            f"{node.radius:f} {node.unit}}}"
        )
    if isinstance(node, Geometry):
        return f"GEOSHAPE{{{PREDICATES.index(node.predicate) + 1} {_text(node.raw)}}}"
    if isinstance(node, Vector):
        return _vector(node, inner, pad)
    if isinstance(node, Missing):
        return f"ISMISSING{{{_text(node.name)}}}"
    if isinstance(node, Ids):
        return "IDS {}"
    assert isinstance(node, Star)
    return "<WILDCARD>"


def _tag(node: Node, folds: bool, depth: int) -> str:
    """A tag as it is looked for; patterns are as they were written."""
    pad = "  " * depth
    if isinstance(node, Intersection):
        inner = "".join(_tag(child, True, depth + 1) for child in node.parts)
        return f"{pad}INTERSECT {{\n{inner}{pad}}}\n"
    if isinstance(node, Part):
        word = _text(node.raw)
        form = {"PREFIX": "{}*", "SUFFIX": "*{}", "INFIX": "*{}*"}.get(node.kind, "{}")
        return f"{pad}{node.kind}{{{form.format(word)}}}\n"
    word = node.word if isinstance(node, Term) else ""
    shown = (folded(word) if folds else word) or '""'
    return f"{pad}{shown}\n"


def _vector(node: Vector, inner: str, pad: str) -> str:
    where = f"in vector index associated with field @{_text(node.name)}"
    if node.count is None:
        what = f"Vectors that are within {node.radius:g} distance radius from "
    else:
        what = f"K={node.count} nearest vectors to "
    facts = f"{what}`${_text(node.shown)}` {where}"
    if node.yields:
        facts += f", yields distance as `{_text(node.yields)}`"
    if node.part is None or isinstance(node.part, Star):
        return f"VECTOR {{{facts}}}"
    return f"VECTOR {{\n{inner}{pad}}} => {{{facts}}}"


def _options(node: Node) -> str:
    slop = -1 if node.slop is None or node.inner else node.slop
    facts = ""
    if node.weight != 1:
        facts += f" $weight: {node.weight:g};"
    if slop != -1:
        facts += f" $slop: {slop};"
    if node.in_order or slop != -1:
        facts += f" $inorder: {'true' if node.in_order else 'false'};"
    return f" => {{{facts} }}" if facts else ""


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
