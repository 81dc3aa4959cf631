"""Pure data structures behind the Redis types: no I/O, no clock, no commands."""
