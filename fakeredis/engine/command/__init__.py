"""What a command is: its declaration, its syntax, and what COMMAND tells of it."""
