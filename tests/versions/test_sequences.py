"""What Valkey 9 has otherwise than Redis, in rows of calls that were recorded."""

from __future__ import annotations

import pytest

from tests.support.twin import fake_reply
from tests.versions import sequences


@pytest.mark.parametrize("part", sequences.parts())
def test_as_the_real_server(part: str) -> None:
    session = sequences.fake(part).session()
    calls = sequences.parts()[part]
    different = []
    for call, real in zip(calls, sequences.replies()[part], strict=True):
        reply = sequences.shown(fake_reply(session, call.words))
        if call.is_compared and reply != real:
            different.append(f"{call.line}\n    {reply}\n    {real}")
    assert not different, "\n".join(different)
