"""The blocks of a workflow, one module each. A block assigns its parameters and calls other rooms.

What blocks share is in ``base``; blocks that stand in no campaign are in ``upkeep``; what goes to a shop and comes back
from it in ``shop``.
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
    "start",
    "test_send",
]
