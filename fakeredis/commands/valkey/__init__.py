"""Commands that Valkey has and Redis has not, or has otherwise."""

from __future__ import annotations

from fakeredis.commands.valkey import cluster, hash_fields, logs, strings

groups = [*logs.groups, hash_fields.group, *strings.groups, cluster.group]
