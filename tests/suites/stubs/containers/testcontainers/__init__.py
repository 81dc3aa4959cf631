"""Stands for the package of this name: no container is started, for none is needed."""
