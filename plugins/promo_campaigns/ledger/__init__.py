"""Runs, assignments and attempts: the truth about who got which code, and what became of it.

Every promise of the product is kept by a statement here and checked by ``invariants``.
"""

__all__ = [
    "answered_ledger",
    "approvals",
    "claiming",
    "event_queue",
    "event_watch",
    "fallback",
    "halts",
    "interventions",
    "invariants",
    "ledger",
    "repeats",
    "reports",
    "retention",
    "run_list",
    "runs",
    "start_checks",
    "stock_forecast",
    "unknown_sends",
]
