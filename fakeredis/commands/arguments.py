"""The words of a declaration: what stands for the arguments of a command."""

from __future__ import annotations

from fakeredis.engine.command.syntax import (
    Args as Args,
)
from fakeredis.engine.command.syntax import (
    Declared as Declared,
)
from fakeredis.engine.command.syntax import (
    Flag as Flag,
)
from fakeredis.engine.command.syntax import (
    Float as Float,
)
from fakeredis.engine.command.syntax import (
    Int as Int,
)
from fakeredis.engine.command.syntax import (
    Key as Key,
)
from fakeredis.engine.command.syntax import (
    Many as Many,
)
from fakeredis.engine.command.syntax import (
    NumKeys as NumKeys,
)
from fakeredis.engine.command.syntax import (
    OneOf as OneOf,
)
from fakeredis.engine.command.syntax import (
    Option as Option,
)
from fakeredis.engine.command.syntax import (
    Optional as Optional,
)
from fakeredis.engine.command.syntax import (
    Raw as Raw,
)
from fakeredis.engine.command.syntax import (
    Rest as Rest,
)
from fakeredis.engine.command.syntax import (
    Timeout as Timeout,
)
from fakeredis.engine.command.syntax import (
    Token as Token,
)
from fakeredis.engine.command.syntax import (
    integer as integer,
)
from fakeredis.engine.command.syntax import (
    token_since as token_since,
)
from fakeredis.engine.command.syntax import (
    word_of as word_of,
)
