"""Sending: claim, ask, send, record, close; what a block calls is in ``service``.

How one kind of receiver is called is in ``transports``.
"""

__all__ = [
    "batch_payload",
    "batches",
    "breaker_store",
    "bulk",
    "bulk_sender",
    "compiled_campaign",
    "event_stream",
    "http_sender",
    "ports",
    "rate_limit",
    "rate_limit_store",
    "receivers",
    "rendering",
    "retry_loop",
    "service",
    "success_rule",
    "templates",
]
