"""Stores whose commands run elsewhere; their public names are those of `fakeredis.stores`."""
