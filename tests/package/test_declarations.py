"""What is declared of commands makes sense, for all of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakeredis.commands import modules_elsewhere, sentinel
from fakeredis.commands.catalogue import core_groups
from fakeredis.commands.registry import PUBSUB, READONLY, WRITE, Command, Declaration, Flags
from fakeredis.engine.command.command import DECLARED, OwnFlags, Table
from fakeredis.engine.command.form import elements
from fakeredis.engine.command.keys import KeySpec
from fakeredis.engine.command.options import Options
from fakeredis.engine.command.shown import arguments_of
from fakeredis.engine.core.profiles import newest, profile
from fakeredis.stores.parity import compare
from tests.support import harvest

GROUPS = (*core_groups(), sentinel.group, *modules_elsewhere.groups)
DECLARATIONS = [one for group in GROUPS for one in group.declarations.values()]
ACCESS = re.compile(
    r"(RO|RW|OW|RM)( access)?( update)?( insert)?( delete)?( incomplete| variable_flags)?|not_key"
)
OPTION = re.compile(r"[A-Z][\w-]*(=(\d+|#\d|key|keys|trim|numkeys|rest))?(\?[A-Z]+)?")


def those_with(name: str) -> list[Declaration]:
    found = [one for one in DECLARATIONS if getattr(one, name)]
    assert found, f"nobody declares {name}"
    return found


def test_flags_of_ours_are_none_of_the_servers() -> None:
    assert not any(ours & theirs for ours in OwnFlags for theirs in Flags)
    values = [int(flag) for flag in (*Flags, *OwnFlags)]
    assert len(set(values)) == len(values)


@pytest.mark.parametrize("declared", those_with("full_form"), ids=lambda one: one.name)
def test_form(declared: Declaration) -> None:
    found = elements(declared.full_form)
    assert found
    for text in re.findall(r"\{(.*?)\}", declared.full_form):
        assert all(map(OPTION.fullmatch, text.split())), text
    assert sum(element.kind == "options" for element in found) <= 1


@pytest.mark.parametrize("declared", those_with("same_as"), ids=lambda one: one.name)
def test_same_as(declared: Declaration) -> None:
    assert declared.same_as.split()[0] in DECLARED


def test_words_of_declarations() -> None:
    assert {one.varies for one in those_with("varies")} == set(compare._CHECKS)
    assert {one.runs for one in those_with("runs")} == {"source", "sha1", "function"}
    for one in those_with("channels"):
        assert one.flags & PUBSUB
        assert one.channels is not None
        assert one.channels.action in ("publish", "listen", "leave")
        assert one.channels.kind in ("channels", "patterns", "shard_channels")
    for one in those_with("secrets"):
        assert one.secrets is not None
        assert all(word == word.upper() for word in one.secrets.words)
    assert all(one.batch_form or one.batch_of_key for one in those_with("batch_form"))


def specs() -> list[tuple[str, KeySpec, int]]:
    groups = [*core_groups(), *modules_elsewhere.groups]
    return [
        (command.name, spec, command.flags)
        for each in newest()
        for command in Table(each, groups).all()
        for spec in command.specs
    ]


def test_access_fits_the_flags() -> None:
    for name, spec, flags in specs():
        assert ACCESS.fullmatch(spec.access), name
        kind = spec.access.split()[0]
        if kind in ("OW", "RM") or " delete" in spec.access:
            assert flags & WRITE, name
        if kind == "RO":
            assert not re.search("update|insert|delete", spec.access), name
        if flags & READONLY and name not in WRITING_READERS and not says_to_write(name):
            assert kind in ("RO", "not_key"), name


# PFCOUNT may change how its key is kept; the others are younger than the facts, and of the search
# commands, whose keys are names of indexes: see `says_to_write`.
WRITING_READERS = {"PFCOUNT", "FT.ALIASLIST", "FT.HYBRID"}


def says_to_write(name: str) -> bool:
    """Whether the server itself says that a command of search that only reads writes its keys."""
    specs = harvest.command_facts().get(name, {}).get("key_specs", [])
    return name.startswith("FT.") and any("RW" in spec["flags"] for spec in specs)


# Options that Redis 8.2 does not have, whose COMMAND DOCS we keep.
NEWER = {
    "SET": {"IFEQ", "IFNE", "IFDEQ", "IFDNE"}, "XADD": {"IDMP", "IDMPAUTO"},
    "XREAD": {"MAXCOUNT", "MAXSIZE"}, "XREADGROUP": {"CLAIM", "MAXCOUNT", "MAXSIZE"},
    "BGSAVE": {"CANCEL"}, "GEOSEARCH": {"BYPOLYGON"}, "GEOSEARCHSTORE": {"BYPOLYGON"},
    "ZSCAN": {"NOSCORES"},
    "CLIENT KILL": {
        "NAME", "IDLE", "FLAGS", "LIB-NAME", "LIB-VER", "DB", "CAPA", "IP", "NOT-ID", "NOT-TYPE",
        "NOT-USER", "NOT-ADDR", "NOT-LADDR", "NOT-NAME", "NOT-FLAGS", "NOT-LIB-NAME",
        "NOT-LIB-VER", "NOT-DB", "NOT-CAPA", "NOT-IP",
    },
}
# What is known besides, only to be refused later than unknown words.
KNOWN = {
    "ZREVRANGE": {"LIMIT"}, "ZRANGEBYLEX": {"WITHSCORES"}, "ZREVRANGEBYLEX": {"WITHSCORES"},
    "GEOSEARCHSTORE": {"WITHCOORD", "WITHDIST", "WITHHASH"},
}
# What stands in one place has no option's form, though it may be left out.
IN_PLACE = {"BITFIELD", "BITFIELD_RO", "REPLICAOF", "SLAVEOF"}


def tokens(arguments: list[dict[str, Any]]) -> Iterator[str]:
    for argument in arguments:
        if "token" in argument:
            yield argument["token"]
        yield from tokens(argument.get("arguments", []))


def optional_tokens(arguments: list[dict[str, Any]]) -> Iterator[str]:
    """The words of options that may be left out, each by itself."""
    for argument in arguments:
        if "optional" not in argument.get("flags", ()):
            continue
        if "token" in argument:
            yield argument["token"]
        elif argument["type"] == "oneof":
            yield from (one["token"] for one in argument["arguments"] if "token" in one)


def documented(command: Command) -> list[dict[str, Any]]:
    """The arguments of COMMAND DOCS, which are compared with those of the real server."""
    return arguments_of(command.declaration, profile("8.2.3"))


@pytest.mark.parametrize("command", harvest.all_commands(), ids=lambda one: one.name)
def test_options_are_those_of_command_docs(command: Command) -> None:
    if command.declaration.flags & Flags.MODULE:
        return  # whose words COMMAND DOCS does not know
    arguments = documented(command)
    form = command.declaration.full_form
    found = [element.options for element in elements(form) if element.kind == "options"]
    options = {word for each in found for word in each}
    follow = {option.follow for each in found for option in each.values()} - {""}
    known = NEWER.get(command.name, set()) | KNOWN.get(command.name, set())
    assert options | follow <= set(tokens(arguments)) | known
    if "^" not in form and command.name not in IN_PLACE:
        assert set(optional_tokens(arguments)) <= options


@pytest.mark.parametrize("declared", those_with("names"), ids=lambda one: one.name)
def test_names(declared: Declaration) -> None:
    """They can be read for all servers, and say no version that the options know."""
    for each in newest():
        assert arguments_of(declared, each) or not each.has(declared.since)
    options = declared.options
    if options is None or declared.name == "RESTORE-ASKING":  # of which the server says more
        return
    assert issubclass(options, Options)
    words = {word for word, *_ in options.all_words()}
    said = re.findall(r"([A-Z][A-Z0-9-]*)(?:=[^@\s<>()]*)?@[\d.]+", declared.names)
    assert not words & set(said) or declared.name == "ZRANGEBYSCORE"  # since when it has WITHSCORES


def test_older_servers_document_what_they_have() -> None:
    older, newer = profile("6.2"), profile("8.4")
    assert "GT" not in set(tokens(arguments_of(DECLARED["EXPIRE"], older)))
    assert "IFEQ" not in set(tokens(documented_of("SET")))
    assert "IFEQ" in set(tokens(arguments_of(DECLARED["SET"], newer)))


def documented_of(name: str) -> list[dict[str, Any]]:
    return arguments_of(DECLARED[name], profile("8.2.3"))


_PLACE = "a word that stands in one place"
_OTHER = "a word that says which of several commands it is"
# Where words are compared by hand, and why, by the group's file or folder.
BY_HAND = {
    "acl.acl_log": _PLACE, "array.arop": _PLACE, "json.arrpop": _PLACE,
    "bitmap._in_bits": _PLACE, "bitmap.bitop": _PLACE,
    "bitmap._steps": "BITFIELD's operations, of which each is another command",
    "cluster.failover": _PLACE, "cluster.reset": _PLACE, "cluster.setslot": _OTHER,
    "cluster.slot_stats": _OTHER, "connection._is_on": _PLACE, "connection.type_asked": "a value",
    "connection.client_caching": _PLACE, "connection.client_list": "TYPE or ID, by number of words",
    "connection.client_pause": _PLACE, "connection.client_reply": _PLACE,
    "connection.client_tracking": _PLACE, "connection.client_unblock": _PLACE,
    "debug._reload": _PLACE, "debug._reply_buffer": _PLACE, "debug.debug": _OTHER,
    "json.debug": _OTHER,
    "json._float_type": "a value", "functions.function_restore": _PLACE,
    "geo._radius_keys": "as servers look for STORE: anywhere",
    "geo._unit": "a value", "hash._word": "a command knows another's words, and refuses them last",
    "hotkeys._Options": "what SLOTS may be depends on the server",
    "hyperloglog.pfdebug": _OTHER, "list._HowMany": "three words in their places",
    "list._left": _PLACE, "list.linsert": _PLACE, "scripting.script_debug": _PLACE,
    "server._replicate": _PLACE, "server.failover": "ABORT only stands alone",
    "server.lolwut": "what is wrong is let pass", "server.replconf": "what is unknown is let pass",
    "sorted_set._lex_bound": "a value", "sorted_set._pop_options": _PLACE,
    "slot_migration.migration": _OTHER, "slot_migration._named": _OTHER,
    "slot_migration.trimslots": _PLACE,
    "stream._full_count": "FULL and COUNT in their places", "stream._pending_arguments": _PLACE,
    "stream._xadd_words": "an ID", "stream.xgroup_create": "an ID", "stream.xgroup_setid": "an ID",
    "stream.xnack": _PLACE, "valkey.client_import_source": _PLACE,
    "vector_set._Addition": "REDUCE before the vector", "vector_set._query": _PLACE,
    "vector_set._vector": _PLACE,
}
FORMS_BY_HAND = {
    "CLIENT LIST", "FAILOVER", "LOLWUT", "XINFO STREAM", "XPENDING",
}
COMMANDS = Path(modules_elsewhere.__file__).parent


def test_words_are_compared_by_the_parser() -> None:
    found = {
        f"{path.relative_to(COMMANDS).parts[0].removesuffix('.py')}.{node.name}"
        for path in COMMANDS.rglob("*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
        and any(isinstance(one, ast.Name) and one.id == "word_of" for one in ast.walk(node))
    }
    assert found == BY_HAND.keys()


def test_forms_follow_from_the_options() -> None:
    declarations = [one for group in core_groups() for one in group.declarations.values()]
    assert {one.name for one in declarations if re.search(r"\{[^}]", one.form)} == FORMS_BY_HAND
    for one in declarations:
        assert one.options is None or not one.form or "{}" in one.form, one.name
