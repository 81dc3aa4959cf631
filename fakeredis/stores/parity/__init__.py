"""Several stores in step; the public names are those of `fakeredis`."""
