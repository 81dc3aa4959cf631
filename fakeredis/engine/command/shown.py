"""The arguments as COMMAND DOCS shows them, from what a command declares.

Types, words and versions follow from the declared arguments and options. What the server calls them
and how it groups them stands in the declaration's ``names``, a text of the same order:

    offset:integer       an argument and its type: ``integer double pattern unix-time key string``;
                         without one it is as declared. ``key1``: with the second key specification
    ip-port/ip:port      it is shown by another text than its name
    GET  change:CH       a word, which may have another name
    COUNT=count:integer  a word and its value
    data(field value)    several, together
    unit<M|KM>           one of several
    [x]  x+  x&          it may be left out; stand several times; with its word each time
    {}  {expiry}         all declared options, or that of a field: what follows from them
    x@6.2.0  x!2.8.12    since that version; deprecated from then on. Of the words of declared
                         options the versions are known; ``x@`` where the server does not say it

It need not be given where all is keys and options, and these have the names of their words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from fakeredis.engine.command.options import Options, PerKey
from fakeredis.engine.command.syntax import (
    ALWAYS,
    Argument,
    Declared,
    Flag,
    Many,
    NumKeys,
    OneOf,
    Option,
    Values,
    is_token,
)
from fakeredis.engine.core.profiles import Profile, Since

if TYPE_CHECKING:
    from fakeredis.engine.command.command import Declaration

Node = dict[str, Any]

_PARTS: Final = re.compile(r"\{\w*\}|[][()<>|+&]|[^][()<>|+&{}\s]+")
_WORD: Final = re.compile(
    r"(?:(?P<token>[A-Z][A-Z0-9-]*)=)?(?P<name>[^:/@!]+)(?::(?P<type>[^/@!]+))?"
    r"(?:/(?P<shown>[^@!]+))?(?P<at>@(?P<since>[\d.]*))?(?:!(?P<until>[\d.]+))?"
)
_TYPE: Final = re.compile(r"(integer|double|pattern|unix-time|key|string)(\d?)")
_IN_CAPITALS: Final = re.compile(r"[A-Z][A-Z0-9-]*")
_CLOSING: Final = {"(": ")", "<": ">", "[": "]"}
# What there may be of an argument, in the server's order.
FIELDS: Final = (
    "name", "type", "display_text", "key_spec_index", "token", "since", "deprecated_since",
    "flags", "arguments",
)


def arguments_of(declaration: Declaration, profile: Profile) -> list[Node]:
    """What COMMAND DOCS says of a command's arguments: a mapping of its fields for each."""
    names = declaration.names or _plain_names(declaration.arguments)
    return _Reader(declaration, profile, names).all()


def _plain_names(declared: Sequence[Declared]) -> str:
    """The names of keys and options; none where there is anything else."""
    words = []
    for item in declared:
        if isinstance(item, type):
            words.append("{}")
        elif isinstance(item, NumKeys):
            words.append("numkeys key+")
        elif isinstance(item, Many) and len(item.parts) == 1 and item.parts[0].is_key:
            words.append("key+")
        elif isinstance(item, Argument) and item.is_key:
            words.append("key")
        else:
            return ""
    return " ".join(words)


def _kinds(declared: Sequence[Declared]) -> Iterator[str]:
    """The types of arguments in their places, as far as they are declared one by one."""
    for item in declared:
        if isinstance(item, NumKeys):
            yield "integer"
            yield "key"
        elif isinstance(item, Many):
            yield from (part.kind for part in item.parts)
        elif isinstance(item, Argument):
            yield item.kind
        else:
            return


def _values_of(kind: Argument | Values) -> Sequence[Any]:
    """The values of a word of `OneOf`."""
    if isinstance(kind, Values):
        return kind.values
    return () if is_token(kind) else (kind,)


class _Reader:
    """Reads a text of names, and looks up what is declared."""

    def __init__(self, declaration: Declaration, profile: Profile, names: str) -> None:
        self._profile = profile
        self._introduced = declaration.since
        self._parts = _PARTS.findall(names)[::-1]
        self._kinds = _kinds(declaration.arguments)
        self._keys = 0
        options = declaration.options
        self._options = options if options is not None and issubclass(options, Options) else None
        self._versions: dict[str, Since] = {}
        if self._options is not None:
            for word, _, given, _ in self._options.all_words():
                own = given.introduced
                self._versions[word] = self._options.introduced if own == ALWAYS else own

    def all(self) -> list[Node]:
        """All that the text names and the profile's server has."""
        return self._row("")

    def _row(self, end: str) -> list[Node]:
        """The nodes up to a closing bracket."""
        found: list[Node] = []
        while self._parts and self._parts[-1] != end:
            part = self._parts.pop()
            if part == "|":
                continue
            if part.startswith("{"):
                found += self._of_options(part[1:-1])
                continue
            node = self._optional() if part == "[" else self._node(part)
            if node is not None:
                found.append(node)
        if end:
            self._parts.pop()
        return found

    def _optional(self) -> Node | None:
        inner = self._row("]")
        if not inner:
            return None
        node, = inner
        node["flags"] = ["optional", *node.get("flags", ())]
        return node

    def _node(self, part: str) -> Node | None:
        match = _WORD.fullmatch(part)
        assert match is not None, part
        node: Node = {"name": match["name"]}
        if match["token"]:
            node["token"] = match["token"]
        opening = self._parts[-1] if self._parts and self._parts[-1] in "(<" else ""
        if opening:
            if opening == "<":
                next(self._kinds, "")
            self._parts.pop()
            node["type"] = "block" if opening == "(" else "oneof"
            node["arguments"] = self._row(_CLOSING[opening])
        else:
            self._leaf(node, match["type"] or "")
        if match["shown"]:
            node["display_text"] = match["shown"]
        if match["until"]:
            node["deprecated_since"] = match["until"]
        while self._parts and self._parts[-1] in ("+", "&"):
            token = self._parts.pop() == "&"
            node["flags"] = ["multiple", "multiple_token"] if token else ["multiple"]
        if match["since"]:
            return self._since(node, match["since"], said=True)
        declared = self._versions.get(node.get("token", ""), ALWAYS)
        return self._since(node, declared, said=declared != self._introduced and not match["at"])

    def _leaf(self, node: Node, kind: str) -> None:
        """Give a node its type, and the number of the key specification that it has."""
        if not kind and _IN_CAPITALS.fullmatch(node["name"]):
            node |= {"token": node["name"], "name": node["name"].lower(), "type": "pure-token"}
            return
        known = _TYPE.fullmatch(kind)
        if kind and known is None:
            node |= {"token": kind.strip('"'), "type": "pure-token"}
            return
        declared = "" if "token" in node else next(self._kinds, "")
        node["type"], number = (known[1], known[2]) if known else (declared or "string", "")
        if node["type"] == "key" or number:
            node["key_spec_index"] = int(number) if number else self._keys
            self._keys = node["key_spec_index"] + 1

    def _since(self, node: Node, version: Since, said: bool) -> Node | None:
        """The node with its version; None where the server does not have it yet."""
        if not self._profile.has(version):
            return None
        inner = node.get("arguments")
        if inner is not None and not inner:
            return None
        if inner and node["type"] == "oneof" and version == ALWAYS:
            shared = {one.get("since") for one in inner}
            if len(shared) == 1 and None not in shared and all("token" in one for one in inner):
                node["since"] = inner[0]["since"]
                for one in inner:
                    del one["since"]
                return node
        if said and version != ALWAYS:
            node["since"] = self._text(version)
        return node

    def _text(self, version: Since) -> str:
        if isinstance(version, str):
            return version
        return version.get(self._profile.server_type) or next(iter(version.values()))

    def _of_options(self, name: str) -> Iterator[Node]:
        """What follows from the declared options, or from that of a field."""
        assert self._options is not None
        for field, given in self._options.fields():
            if name in ("", field) and not getattr(given, "refused", ""):
                node = self._declared(field, given)
                if node is not None:
                    yield node

    def _declared(self, field: str, given: Flag | Option | OneOf) -> Node | None:
        if isinstance(given, OneOf):
            node: Node | None = self._one_of(field, given)
        else:
            values = given.values if isinstance(given, Option) else ()
            node = self._worded(given.token, values, given.introduced)
        if node is not None:
            many = isinstance(given, Option) and given.many
            multiple = ["multiple", "multiple_token"] if many else node.get("flags", ())
            node["flags"] = ["optional", *multiple]
        return node

    def _one_of(self, field: str, given: OneOf) -> Node | None:
        inner = [
            self._worded(word, _values_of(kind), kind.introduced)
            for word, kind in given.words.items()
        ]
        node: Node = {
            "name": field.replace("_", "-"), "type": "oneof",
            "arguments": [one for one in inner if one is not None],
        }
        return self._since(node, ALWAYS, said=False)

    def _worded(self, word: str, values: Sequence[Any], version: Since) -> Node | None:
        """A word and its values."""
        node: Node = {"name": word.lower(), "token": word}
        if not values:
            node["type"] = "pure-token"
        elif len(values) == 1:
            node |= self._value(values[0], word)
        else:
            node |= {"type": "block", "arguments": [self._value(one, word) for one in values]}
        version = self._versions.get(word, version)
        return self._since(node, version, said=version != self._introduced)

    def _value(self, value: Any, word: str) -> Node:
        if isinstance(value, OneOf):
            return self._one_of(word.lower(), value) or {}
        if isinstance(value, PerKey):
            return self._value(value.value, word) | {"flags": ["multiple"]}
        node: Node = {"name": word.lower()}
        if not isinstance(value, Argument):
            return node | {"type": "string"}
        name, _, kind = value.called.partition(":")
        if name:
            node["name"] = name
        self._leaf(node, kind or value.kind or "string")
        return node
