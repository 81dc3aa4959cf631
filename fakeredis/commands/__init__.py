"""Redis's commands, one file for each of the server's groups."""
