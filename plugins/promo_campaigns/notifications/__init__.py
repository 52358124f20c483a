"""Notifiers: what became of a run, low stock, runs that are stuck.

Each can be a callback of a DAG or a task, and a notifier of a block. ``chat`` is what they have in common.
"""

__all__ = ["alerts", "chat", "run_report"]
