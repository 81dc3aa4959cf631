"""The tests of fakeredis."""
