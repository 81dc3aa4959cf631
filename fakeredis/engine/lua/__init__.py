"""Lua: the interpreter, scripts, and libraries of functions."""
