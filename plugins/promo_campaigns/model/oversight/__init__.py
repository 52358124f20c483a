"""Runs as a person watches over them: where one stands, and what keeps it from sending."""

__all__ = ["halt", "run_line"]
