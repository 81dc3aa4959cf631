"""Patches and processes: forks, Python's child processes, and the handles they use."""
