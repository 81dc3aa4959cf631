"""Clients: redis-py's own classes on a short way to the engine."""
