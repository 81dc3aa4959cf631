"""What a server can have switched on: users, tracking, pauses, limits of memory, latency."""
