"""What every command passes: server, session, database, dispatch."""
