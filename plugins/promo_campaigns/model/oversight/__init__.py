"""Runs as a person watches over them: where one stands, and what keeps it from sending."""

__all__ = ["dag_run", "decision", "first_share", "halt", "run_line"]
