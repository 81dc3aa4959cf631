"""Programs that mypy checks and nobody runs."""
