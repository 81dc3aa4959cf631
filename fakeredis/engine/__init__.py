"""The engine: a Redis without sockets, sleeps or threads of its own."""
