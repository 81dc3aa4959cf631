"""What the newest servers have otherwise, in rows of calls that were recorded."""

from __future__ import annotations

import pytest

from tests.support.twin import fake_reply
from tests.versions import sequences


@pytest.mark.parametrize(
    ("name", "part"), [(name, part) for name in sequences.NAMES for part in sequences.parts(name)]
)
def test_as_the_real_server(name: str, part: str) -> None:
    session = sequences.fake(name, part).session()
    calls = sequences.parts(name)[part]
    different = []
    for call, real in zip(calls, sequences.replies(name)[part], strict=True):
        reply = sequences.shown(fake_reply(session, call.words))
        if call.is_compared and reply != real:
            different.append(f"{call.line}\n    {reply}\n    {real}")
    assert not different, "\n".join(different)
