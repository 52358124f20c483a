"""Runs, assignments and attempts: the truth about who got which code, and what became of it.

Every promise of the product is kept by a statement here and checked by ``invariants``.
"""

__all__ = [
    "answered_ledger",
    "approvals",
    "event_queue",
    "event_watch",
    "export",
    "invariants",
    "ledger",
    "reports",
    "retention",
    "runs",
    "start_checks",
    "stock_forecast",
    "unknown_sends",
]
