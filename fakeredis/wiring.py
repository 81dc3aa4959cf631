"""The composition root: what stands high in the house, for those below who are asked to make it.

A server makes clients, listens and is known to forks; a store of keys makes servers; a spy has
methods noted. They stand below what they ask for, so it is looked up by name, here alone, when it
is first called. `tests/package/test_imports.py` holds all other modules to the order of the parts.
"""

from __future__ import annotations

from typing import Final

from fakeredis.lazy import Lazy

make_client: Final = Lazy("fakeredis.clients.sync", "FakeRedis")
make_async_client: Final = Lazy("fakeredis.clients.aio", "FakeAsyncRedis")
make_socket: Final = Lazy("fakeredis.clients.fake_socket", "FakeSocket")
server_at: Final = Lazy("fakeredis.clients.network", "server_at")
share_with_children: Final = Lazy("fakeredis.patching.processes.at_fork", "share")
listen: Final = Lazy("fakeredis.tcp.listener", "listen")
follow: Final = Lazy("fakeredis.tcp.following", "MasterLink")
make_server: Final = Lazy("fakeredis.server", "FakeServer")
make_patch: Final = Lazy("fakeredis.patch", "patch")
begin_notes: Final = Lazy("fakeredis.patching.method_notes", "begin")
end_notes: Final = Lazy("fakeredis.patching.method_notes", "end")
