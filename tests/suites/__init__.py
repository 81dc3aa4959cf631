"""Other libraries' own test suites, unchanged, under `fakeredis.patch`: see `run`."""
