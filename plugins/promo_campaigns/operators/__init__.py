"""The blocks of a workflow, one module each. A block assigns its parameters and calls other rooms.

What blocks share is in ``base``; what goes to a shop and comes back from it in ``shop``.
"""

__all__ = [
    "approval",
    "assets",
    "contact",
    "contacts",
    "data_source",
    "dry_run",
    "end",
    "event_stream",
    "events",
    "message",
    "preview",
    "promo_code",
    "promo_codes",
    "reconcile",
    "retention",
    "start",
    "stock_levels",
    "test_send",
    "uplift",
    "watch",
]
