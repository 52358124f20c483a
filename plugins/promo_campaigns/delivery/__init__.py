"""Sending: render, claim a concurrency slot, call, and say what the answer proves.

How one kind of receiver is called is in ``transports``.
"""

__all__ = [
    "answers",
    "batch_payload",
    "batches",
    "breaker_store",
    "bulk",
    "bulk_sender",
    "http_sender",
    "ports",
    "rate_limit",
    "rate_limit_store",
    "rendering",
    "success_rule",
    "templates",
]
