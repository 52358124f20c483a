"""Contacts in the store: files, other databases, imports, events, audiences, erasure.

Which values a contact may have is in ``model``.
"""

__all__ = [
    "addresses",
    "audience_values",
    "audiences",
    "closing",
    "deletion",
    "erasure",
    "event_store",
    "file",
    "groups",
    "import_queue",
    "import_request",
    "load",
    "orders",
    "search",
    "store",
    "subscription",
    "unsubscribed",
    "watermark",
]
