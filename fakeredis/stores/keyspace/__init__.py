"""Stores that keep what the engine works on; their public names are those of `fakeredis.stores`."""
