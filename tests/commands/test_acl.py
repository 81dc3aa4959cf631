"""Access control, beside the real server."""

from __future__ import annotations

from typing import Any

import pytest
from redis.exceptions import NoPermissionError

from tests.commands.playing import play
from tests.support.twin import fake_reply, in_order, same

# Whatever a rule may be, and rules after one another.
RULES = """
ACL SETUSER u
ACL SETUSER a on >p +@all -@dangerous +config|get ~k:* %R~r:* %W~w:* %RW~rw &ch*
ACL SETUSER b on nopass allkeys allchannels +get +set -set +@string -get "(+@write ~x* &y)" "(%R~q)"
ACL SETUSER c +@all -@all +get|x
ACL SETUSER c +config|get
ACL SETUSER c -config
ACL SETUSER c +config -config|set
ACL SETUSER c +config|set
ACL SETUSER c allcommands -config|set
ACL SETUSER c +config
ACL SETUSER c nocommands +@all +@read
ACL SETUSER c -@all +@read -@read +@READ -get +@Read
ACL SETUSER c -@all +get +get -get -get +GET
ACL SETUSER c +nosuch
ACL SETUSER c +psync -sync
ACL SETUSER c -nosuch
ACL SETUSER c +config|nosuch
ACL SETUSER c -config|get
ACL SETUSER c -config|nosuch
ACL SETUSER c -config|
ACL SETUSER c +select|0
ACL SETUSER c +select|0 +select|A +select|a
ACL SETUSER c -select
ACL SETUSER c -select|0
ACL SETUSER c +get|
ACL SETUSER c +get|a|b
ACL SETUSER c +acl|setuser|x
ACL SETUSER c +config|
ACL SETUSER c +|
ACL SETUSER c +
ACL SETUSER c -
ACL SETUSER c @read
ACL SETUSER c +@
ACL SETUSER c +@nosuch
ACL SETUSER c -@all|x
ACL SETUSER c ~* ~a
ACL SETUSER c allkeys ~a
ACL SETUSER c allchannels &a
ACL SETUSER c resetchannels &a &a &*
ACL SETUSER c &b
ACL SETUSER c resetkeys ~a ~a ~*
ACL SETUSER c ~b
ACL SETUSER c resetkeys %R~*
ACL SETUSER c %W~*
ACL SETUSER c %R
ACL SETUSER c %
ACL SETUSER c %~a
ACL SETUSER c %X~a
ACL SETUSER c %RR~a
ACL SETUSER c %rw~zz %WR~q ~
ACL SETUSER c #abc
ACL SETUSER c #ABCDEF0000000000000000000000000000000000000000000000000000000000
ACL SETUSER c #abcdef0000000000000000000000000000000000000000000000000000000000
ACL SETUSER c <nopw
ACL SETUSER c !abc
ACL SETUSER c !abcdef0000000000000000000000000000000000000000000000000000000001
ACL SETUSER c !abcdef0000000000000000000000000000000000000000000000000000000000
ACL SETUSER c >x >x >y <x
ACL SETUSER c nopass
ACL SETUSER c >
ACL SETUSER c nopass resetpass
ACL SETUSER c reset
ACL SETUSER c (+get
ACL SETUSER c ( +get ~x )
ACL SETUSER c (on)
ACL SETUSER c ()
ACL SETUSER c "(+get) "
ACL SETUSER c "(+get)x"
ACL SETUSER c )
ACL SETUSER c on (+get on ~x)
ACL SETUSER c on (+get ~x) nosuch
ACL SETUSER c clearselectors
ACL SETUSER c ON OFF Nopass
ACL SETUSER c skip-sanitize-payload
ACL SETUSER "a b" on
ACL SETUSER "" on
ACL SETUSER c "~a b"
ACL SETUSER c "& b"
ACL SETUSER c "> b" ""
ACL SETUSER c " on"
ACL SETUSER newone +nosuch
ACL SETUSER c -@all +@slow -@connection +client|list -client +@fast -@read
"""


def test_rules(twin: Any) -> None:
    for line in RULES.strip().splitlines():
        play(twin, line)
        play(twin, "ACL GETUSER c\nACL LIST")
    play(twin, "ACL GETUSER a\nACL GETUSER b\nACL GETUSER u\nACL GETUSER nobody\nACL USERS")


ODD = """
ACL GETUSER default
ACL DELUSER nobody
ACL DELUSER default
ACL DELUSER nobody default
ACL LOAD
ACL SAVE
ACL CAT all
ACL CAT x y
ACL WHOAMI
ACL WHOAMI x
ACL NOSUCH
? ACL GENPASS
? ACL GENPASS 5
? ACL GENPASS 4096
ACL GENPASS 0
ACL GENPASS 4097
ACL GENPASS x
ACL LOG RESET
ACL LOG
ACL LOG -1
ACL LOG x
ACL DRYRUN nobody GET k
ACL DRYRUN default nosuch k
ACL DRYRUN default config get
ACL DRYRUN default config nosuch
ACL DRYRUN default get
ACL DRYRUN default get k
"""


def test_odd_calls(twin: Any) -> None:
    play(twin, ODD)


_MODULES = (
    b"json", b"search", b"tdigest", b"cms", b"bloom", b"cuckoo", b"topk", b"timeseries",
    b"FT.", b"_FT.", b"bf.", b"cf.", b"ts.",
)


def test_categories(twin: Any) -> None:
    """Without those of modules: the tests' server has some from before they had any."""
    for category in (None, *twin.wire.call(b"ACL", b"CAT"), b"LIST"):
        argv = [b"ACL", b"CAT", *filter(None, [category])]
        fake, real = twin.fake.execute(argv), twin.wire.call(*argv)
        assert len(real) > 1
        ours = [each for each in fake if not each.startswith(_MODULES)]
        assert sorted(ours) == sorted(real)
        assert category is not None or ours == real


PERMISSIONS = """
get w|set r x|set r x get|set w x|set w x get|exists w|exists r|exists q|ttl w|strlen w|del r|del w
incr w|incr rw|append w x|lpush w x|lpush r x|lpop w|copy r w|copy w r|rename w w|sort r
sort r store w|sort r by x* store w|bitfield r get u8 0|bitfield w get u8 0|bitfield r set u8 0 1
xgroup create w g 0|zunionstore w 2 r rw|zunionstore w 2 r w|zunionstore w a r w|blpop r 0
eval x 1 w|eval x 1 r|eval x 1 rw|eval x a w|eval_ro x 1 r|xread streams r w 0 0|object encoding w
memory usage w|watch w|watch q|scan 0|keys *|randomkey|mset r 1 w 2|flushall|acl list|touch w
type w|unsubscribe x|punsubscribe x|sunsubscribe x|publish c1 x|publish x x|spublish x x
subscribe c1 x|ssubscribe x|psubscribe c*|psubscribe c1
auth x|hello|mget r r q w|mget|config get|config set a b
set w get|set w get get|set w get ex 10|bitfield r overflow sat get u8 0|bitfield r get u8
psync x 1|sync|sync x|replconf x y|sort r limit store w|sort w limit store r store r
"""


@pytest.mark.parametrize(
    "rules",
    [
        "+@all %R~r* %W~w* ~rw* &c*",
        "+@read ~* (+@write ~w) (+@pubsub &*)",
        "+get +set|r (+@all -@dangerous ~r* ~w)",
        "allcommands -config|set allkeys",
        "",
    ],
)
def test_permissions(twin: Any, rules: str) -> None:
    twin("ACL", "SETUSER", "z", *rules.split(" (")[0].split())
    for selector in rules.split(" (")[1:]:
        twin("ACL", "SETUSER", "z", "(" + selector)
    for call in PERMISSIONS.replace("\n", "|").strip("|").split("|"):
        twin("ACL", "DRYRUN", "z", *call.split())


def test_refusals(twin: Any) -> None:
    twin("ACL", "LOG", "RESET")
    twin("ACL", "SETUSER", "d", "on", ">p", "~k*", "&c*", "+@pubsub", "+@connection", "+@scripting",
         "+@transaction", "+get", "+set", "+config|get", "+mget")
    other = twin.session()
    play(other, """
        AUTH nobody x
        AUTH d bad
        HELLO 2 AUTH d bad
        AUTH d p
        GET k
        GET x
        MGET k x
        DEL k
        CONFIG SET a b
        CONFIG
        NOSUCH
        GET
        SUBSCRIBE x
        SUBSCRIBE c x
        PSUBSCRIBE c
        SSUBSCRIBE x
        SPUBLISH x y
        PUBLISH x y
        PUBLISH c y
        ACL WHOAMI
        ACL LOG
        MULTI
        GET k
        GET x
        EXEC
        EVAL "return redis.call('get','x')" 0
        EVAL "return redis.call('del','x')" 0
        EVAL "return redis.pcall('publish','x', 'y')" 0
        EVAL "return redis.acl_check_cmd('get','x')" 0
        EVAL "return redis.acl_check_cmd('get','k')" 0
        EVAL "return redis.acl_check_cmd('get')" 0
        EVAL "return redis.acl_check_cmd('config', 'get', 'x')" 0
        EVAL "return redis.acl_check_cmd('config', 'set', 'x', 'y')" 0
        EVAL "return redis.acl_check_cmd('config')" 0
        EVAL "return redis.acl_check_cmd('nosuch')" 0
    """)
    _same_log(twin)
    for change in ("-get", "resetkeys"):
        play(other, "MULTI\nGET k\nPING")
        twin("ACL", "SETUSER", "d", change)
        other("EXEC")
        twin("ACL", "SETUSER", "d", "+get", "~k*")
    twin("ACL", "SETUSER", "d", "resetchannels")
    play(other, "MULTI\nSET k v\nGET k\nEXEC\nPUBLISH c x")
    _same_log(twin)
    play(other, "SET x y\nSET x y\nSET y y")
    _same_log(twin)
    twin("ACL", "LOG", "RESET")
    twin("ACL", "LOG")


STEADY = ("cmd=", "user=", "db=")


def _same_log(twin: Any) -> None:
    """The logs agree but for times, numbers of entries and addresses."""
    logs = [fake_reply(twin.fake, [b"ACL", b"LOG", b"100"]), twin.wire.call(b"ACL", b"LOG", b"100")]
    fake, real = (list(map(_entry, log)) for log in logs)
    assert fake == real


def _entry(entry: Any) -> dict[bytes, Any]:
    facts = dict(entry) if isinstance(entry, dict) else dict(zip(*[iter(entry)] * 2, strict=True))
    for name in (b"age-seconds", b"entry-id", b"timestamp-created", b"timestamp-last-updated"):
        facts.pop(name)
    words = facts.pop(b"client-info").decode().split(" ")
    return {**facts, b"client": [word for word in words if word.startswith(STEADY)]}


def test_users_come_and_go(twin: Any) -> None:
    twin("ACL", "SETUSER", "d", "on", ">p", "allkeys", "+@all", "&a", "&b*")
    listener, other, late = (twin.session() for _ in range(3))
    for pair in (listener, other):
        pair("AUTH", "d", "p")
        pair("CLIENT", "SETNAME", "x")
    listener("SUBSCRIBE", "a", "b1")
    listener.replies(2)
    twin("ACL", "SETUSER", "d", "off", "&c")
    play(other, "GET k\nACL WHOAMI\nAUTH d p\nGET k")
    late("AUTH", "d", "p")
    twin("PUBLISH", "b1", "x")
    listener.reply()
    twin("ACL", "SETUSER", "d", "resetchannels", "&b1")  # who listens to more is cut off
    twin("PUBLISH", "b1", "x")
    other("GET", "k")
    twin("CLIENT", "KILL", "USER", "nobody")
    twin("ACL", "DELUSER", "d", "nobody")
    other("GET", "k")
    twin("ACL", "LIST")


def test_the_default_user(twin: Any) -> None:
    try:
        play(twin, """
            CONFIG SET requirepass foo
            ACL GETUSER default
            ACL SETUSER default >bar
            CONFIG GET requirepass
            AUTH bar
            AUTH foo
            AUTH default foo
            AUTH default x
        """)
        before = twin.session()
        before("PING")
        play(twin, """
            ACL SETUSER default nopass
            CONFIG GET requirepass
            ACL GETUSER default
        """)
        before("PING")
        play(twin, "CONFIG SET requirepass ''\nAUTH x\nAUTH default x\nACL SETUSER default off")
        after = twin.session()
        for pair in (before, after, twin):
            pair("GET", "k")
        twin("ACL", "SETUSER", "default", "on", "-get")
        for pair in (before, after, twin):
            pair("GET", "k")
            pair("SET", "k", "v")
    finally:
        twin("ACL", "SETUSER", "default", "reset", "on", "nopass", "~*", "&*", "+@all")


def test_new_users_and_channels(twin: Any) -> None:
    twin("CONFIG", "SET", "acl-pubsub-default", "allchannels")
    play(twin, "ACL SETUSER n\nACL GETUSER n\nACL SETUSER n (+get)\nACL GETUSER n")
    twin("CONFIG", "SET", "acl-pubsub-default", "resetchannels")
    play(twin, "ACL SETUSER n reset\nACL GETUSER n\nACL SETUSER m\nACL GETUSER m")


def test_unrestricted_costs_nothing() -> None:
    from tests.support.engines import Server

    server = Server()
    session = server.session()
    session.execute([b"ACL", b"SETUSER", b"u", b"on", b"nopass", b"+@all", b"~*", b"&*"])
    assert server.switched == session.switched == 0
    session.execute([b"ACL", b"SETUSER", b"u", b"-get"])
    assert server.switched
    session.execute([b"ACL", b"DELUSER", b"u"])
    assert server.switched == 0
    assert same(in_order(session.execute([b"ACL", b"USERS"])), [b"default"])


@pytest.mark.parametrize("r", ["resp2", "resp3", "real"], indirect=True)
def test_refused_in_a_pipeline(r: Any) -> None:
    r.acl_setuser("bob", enabled=True, passwords=["+pw"], categories=["+@read", "+@transaction"],
                  keys=["k*"])
    try:
        with r.pipeline() as pipe:
            pipe.watch("k")
            pipe.immediate_execute_command("AUTH", "bob", "pw")
            pipe.multi()
            pipe.get("k").get("k").set("k", 1)
            with pytest.raises(NoPermissionError, match="Command # 3 "):
                pipe.execute()
    finally:
        r.connection_pool.disconnect()
        r.acl_deluser("bob")


@pytest.mark.parametrize("rule", [
    r"on\x00", r"+get\x00x", r"-@all\x00", r"+nosuch\x00x", r"~a\x00b", r"&a\x00b", r"%R~a\x00",
    r">a\x00b", r"(+get\x00)", r"nopass\x00x", r"\x00",
])
def test_rules_with_zero_bytes(twin: Any, rule: str) -> None:
    play(twin, f'ACL SETUSER c "{rule}"\nACL GETUSER c\nACL LIST')


@pytest.mark.parametrize("rules", [
    "+@all ~l", "+@all %R~* ~l", "+@all ~l (~* -@all +get)", "+@all ~l (%W~* +@all)",
    "+@all ~l (~* +sort)", "-@all ~* +sort", "+@all allkeys",
])
def test_patterns_of_sort(twin: Any, rules: str) -> None:
    first, _, selector = rules.partition(" (")
    twin("ACL", "SETUSER", "z", "on", "nopass", *first.split())
    if selector:
        twin("ACL", "SETUSER", "z", "(" + selector)
    play(twin, "RPUSH l 2 1")
    other = twin.session()
    play(other, """
        AUTH z x
        SORT l BY w_* GET #
        SORT l GET #
        SORT l GET x_* BY w_*
        SORT l BY nosort
        SORT l BY w_* FOO
        SORT l FOO BY w_*
        SORT q BY w_*
        SORT_RO l GET x_*
        EVAL "return redis.call('sort','l','by','w_*')" 0
        MULTI
        SORT l BY w_*
        EXEC
    """)
    twin("ACL", "DRYRUN", "z", "SORT", "l", "STORE", "l")
    twin("ACL", "SETUSER", "z", "resetkeys", "%R~l")
    twin("ACL", "DRYRUN", "z", "SORT", "l", "STORE", "l")


@pytest.mark.parametrize("change", ["-blpop", "resetkeys ~other", "resetkeys ~l*", "off", "-get"])
def test_waiting_commands_are_asked_again(twin: Any, change: str) -> None:
    """Whoever waits is served by the rules of the moment."""
    twin("ACL", "LOG", "RESET")
    twin("ACL", "SETUSER", "u", "on", ">p", "+@all", "~*")
    other = twin.session()
    play(other, "AUTH u p\nBLPOP l 0")
    twin("ACL", "SETUSER", "u", *change.split())
    twin("RPUSH", "l", "1")
    other.reply()
    other("PING")
    _same_log(twin)


@pytest.mark.parametrize("rule", ["~*", "%R~*", "%RW~*", "~**", "%R~**"])
def test_empty_key(twin: Any, rule: str) -> None:
    """Among patterns only ``~*`` allows the key without a name."""
    twin("ACL", "SETUSER", "u", "on", "nopass", "+@all", rule)
    for key in ("", "a"):
        twin("ACL", "DRYRUN", "u", "GET", key)


@pytest.mark.parametrize("rule", ["&*", "&**"])
def test_empty_channel(twin: Any, rule: str) -> None:
    """Likewise among channels."""
    twin("ACL", "SETUSER", "u", "on", "nopass", "+@all", rule)
    for call in ("SUBSCRIBE,", "PUBLISH,,x", "PSUBSCRIBE,*", "PSUBSCRIBE,**"):
        twin("ACL", "DRYRUN", "u", *call.split(","))


def test_users_whose_names_are_no_text(twin: Any) -> None:
    """They stand in the lines of clients, and in counts of errors, as they are."""
    twin("ACL", "SETUSER", b"\xff", "on", "nopass", "~*", "&*", "+@all")
    twin("AUTH", b"\xff", "x")
    for side in (twin.fake.execute, lambda argv: twin.wire.call(*argv)):
        for command in ([b"CLIENT", b"INFO"], [b"CLIENT", b"LIST"]):
            assert b" user=\xff " in side(command)
    twin("EVAL", b"return {err='\xfe x'}", "0")
    assert b"errorstat_\xfe:" in twin.fake.execute([b"INFO", b"errorstats"])
