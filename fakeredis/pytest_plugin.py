"""The pytest plugin: fixtures and marker around fakeredis.patch."""
